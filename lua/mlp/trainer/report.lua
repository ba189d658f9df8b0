--- What to say when a loss or a gradient is not finite: where the first bad number is. The batch is
--- looked at first, then the parameters; then the model runs once more, with the same random
--- numbers, and the first module whose output (or input) is bad is named.

local core <const> = require "mlp.core"

local report = {}

-- ---- places -------------------------------------------------------------------------------------

local function indices_of(position, shape)
  local index <const>, rest = {}, position - 1
  for axis = #shape, 1, -1 do
    index[axis] = rest % shape[axis] + 1
    rest = rest // shape[axis]
  end
  return index
end

--- Where the first number that is not finite stands, and which it is; nil when there is none.
---@param t mlp.Tensor
---@return integer[]? index, number? value
function report.first_bad(t)
  if not core.is_tensor(t) or not t.dtype:match "^float" or t:numel() == 0 then return nil end
  local _ <close> = core.no_grad_scope()
  local flat <const> = t:detach():reshape(-1)
  local zero <const> = flat - flat -- not a number where an element is not finite
  local bad <const> = zero:ne(zero):to("float32")
  local position <const> = bad:argmax(1):item()
  if bad:get(position) == 0 then return nil end
  return indices_of(position, t.shape), flat:get(position)
end

local function number_text(value)
  if value ~= value then return "NaN" end
  return value > 0 and "inf" or "-inf"
end

--- " row 17, column 3", " [2, 3, 1]".
local function place_text(index)
  if #index == 0 then return "" end
  if #index == 1 then return (" row %d"):format(index[1]) end
  if #index == 2 then return (" row %d, column %d"):format(index[1], index[2]) end
  return " [" .. table.concat(index, ", ") .. "]"
end

-- ---- the batch and the parameters ---------------------------------------------------------------

local function name_in_batch(k, count)
  if count <= 2 then return k == 1 and "input" or "target" end
  return k == count and "target" or ("input %d"):format(k)
end

local function in_batch(batch, where)
  for k, tensor in ipairs(batch) do
    local index <const>, value <const> = report.first_bad(tensor)
    if index then
      local row <const> = where and index[1] and where(index[1])
      return ("the batch itself holds %s: %s%s%s"):format(number_text(value),
        name_in_batch(k, #batch), place_text(index), row and (" (row %d of the data)"):format(row)
        or "")
    end
  end
end

--- Which parameter holds a number that is not finite, as half a sentence; nil when none does.
---@param model mlp.nn.Module
---@return string?
function report.of_parameters(model)
  for name, tensor in model:named_parameters() do
    local index <const>, value <const> = report.first_bad(tensor)
    if index then
      return ("the parameter %s holds %s:%s"):format(name, number_text(value), place_text(index))
    end
  end
end

-- ---- the model ----------------------------------------------------------------------------------

local function name_of(path, module)
  local head <const> = tostring(module):match "^[^\n]*"
  return path == "" and ("the model (%s)"):format(head) or ("%s (%s)"):format(path, head)
end

--- The first module, in order of time, that gives or gets a bad number.
local function in_modules(model, run)
  local hooks <const>, found = {}, nil
  local function watch(path, module)
    hooks[#hooks + 1] = module:hook("", function(output, self, ...)
      if found then return end
      for _, input in ipairs { ... } do
        local index <const>, value <const> = report.first_bad(input)
        if index then
          found = ("the input of %s holds %s:%s"):format(name_of(path, self), number_text(value),
            place_text(index))
          return
        end
      end
      local index <const>, value <const> = report.first_bad(output)
      if index then
        found = ("the first bad output is that of %s, %s:%s"):format(name_of(path, self),
          number_text(value), place_text(index))
      end
    end)
  end
  watch("", model)
  for path, module in model:named_modules() do watch(path, module) end
  local _ <close> = core.no_grad_scope()
  local ok <const> = pcall(run)
  for _, hook in ipairs(hooks) do hook:close() end
  return found or ok and "every output of the model is finite, so it is the loss function" or nil
end

--- Why the loss is not finite, as half a sentence.
---@param model mlp.nn.Module
---@param batch mlp.Tensor[]
---@param run fun() runs the model on the batch, with the same random numbers
---@param where (fun(row: integer): integer?)? a row of the batch as a row of the data
---@return string
function report.of_loss(model, batch, run, where)
  return in_batch(batch, where) or report.of_parameters(model)
    or in_modules(model, run) or "the cause did not show again"
end

--- Why the gradient is not finite.
---@param model mlp.nn.Module
---@return string
function report.of_gradient(model)
  for name, tensor in model:named_parameters() do
    local index <const>, value <const> = report.first_bad(tensor.grad)
    if index then
      return ("the gradient of %s holds %s:%s"):format(name, number_text(value), place_text(index))
    end
  end
  return "no parameter of the model shows it"
end

return report
