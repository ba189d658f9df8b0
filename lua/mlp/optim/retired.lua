--- Parameters that a module gave up for others of another shape. An optimizer that was made before
--- holds them still: a step would move what no model reads, so it is an error that says so.

local errors <const> = require "mlp.errors"

local retired = {}

---@type table<mlp.Tensor, string> why, by parameter
local reasons <const> = setmetatable({}, { __mode = "k" })

--- Notes that a parameter is out of use.
---@param parameter mlp.Tensor
---@param why string "a memory was inserted as one more unit"
function retired.add(parameter, why) reasons[parameter] = why end

--- It is in use again.
---@param parameter mlp.Tensor
function retired.remove(parameter) reasons[parameter] = nil end

--- Raises when one of an optimizer's parameters is out of use; one test where none is anywhere.
---@param call string
---@param parameters mlp.Tensor[]
function retired.check(call, parameters)
  if next(reasons) == nil then return end
  for i, parameter in ipairs(parameters) do
    local why <const> = reasons[parameter]
    if why then
      errors.raise("%s: parameter %d %s is not the model's any more: %s. Make a new optimizer over "
        .. "the model's parameters", call, i, errors.shape(parameter), why)
    end
  end
end

return retired
