--- What may stand where a loss wants a target: Lua tables, whole floats and bytes become what the
--- operations take. Anything else is left to the operation, which says what it wants.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local target = {}

--- A Lua table becomes a tensor of the prediction's dtype.
---@param prediction any
---@param given any
---@return any
function target.numbers(prediction, given)
  if type(given) ~= "table" or not core.is_tensor(prediction) then return given end
  return core.tensor(given, { dtype = prediction.dtype })
end

--- Sides -1 and 1 in the prediction's dtype; whole numbers are converted.
---@param prediction any
---@param given any
---@return any
function target.sides(prediction, given)
  if core.is_tensor(prediction) and core.is_tensor(given) and given.dtype == "int64" then
    return given:to(prediction.dtype)
  end
  return target.numbers(prediction, given)
end

local function whole(call, given)
  if given:ne(given:floor()):to("float32"):sum():item() > 0 then
    errors.raise("%s: the target holds numbers that are not whole; classes are 1, 2, 3, ...", call)
  end
  return given:to("int64")
end

--- Classes as int64: from a Lua table, from whole floats, from bytes. A float target of the
--- prediction's own number of axes holds probabilities and stays.
---@param call string the loss
---@param prediction any
---@param given any
---@return any
function target.classes(call, prediction, given)
  if not core.is_tensor(prediction) then return given end
  if type(given) == "table" then
    given = core.tensor(given, { dtype = prediction.dtype })
  elseif not core.is_tensor(given) or given.dtype == "int64" then
    return given
  end
  if given.ndim == prediction.ndim then return given end
  return given.dtype == "uint8" and given:to("int64") or whole(call, given)
end

--- Options whose weight or mask is a Lua table, as tensors.
---@param prediction any
---@param options any
---@return any
function target.options(prediction, options)
  if type(options) ~= "table" or not core.is_tensor(prediction) then return options end
  local weight, mask = options.weight, options.mask
  if type(weight) == "table" then weight = core.tensor(weight, { dtype = prediction.dtype }) end
  if type(mask) == "table" then mask = core.tensor(mask, { dtype = "uint8" }) end
  if weight == options.weight and mask == options.mask then return options end
  local changed <const> = {}
  for name, value in pairs(options) do changed[name] = value end
  changed.weight, changed.mask = weight, mask
  return changed
end

return target
