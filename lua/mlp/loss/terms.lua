--- What the losses that are several operations share: options, refusals, and how their terms become
--- the loss. No value is read, so they run where nothing may be.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local terms = {}

local REDUCTIONS <const> = { mean = true, sum = true, none = true }

--- The options over their defaults, among which the reduction is "mean".
---@param call string
---@param options table?
---@param defaults table<string, any>
---@return table
function terms.options(call, options, defaults)
  local o <const> = errors.options(call, options, defaults)
  if not REDUCTIONS[o.reduction] then
    errors.wanted(call, "reduction", o.reduction, '"mean", "sum" or "none"')
  end
  return o
end

--- Refuses a number below the least.
---@param call string
---@param name string
---@param value any
---@param least number
function terms.want_number(call, name, value, least)
  if type(value) ~= "number" or value ~= value or value < least then
    errors.wanted(call, name, value, ("a number from %g"):format(least))
  end
end

--- Refuses what is not a float tensor.
---@param call string
---@param name string
---@param value any
function terms.want_floats(call, name, value)
  if not core.is_tensor(value) or not value.dtype:match "^float" then
    errors.wanted(call, name, value, "a float32 or float64 tensor")
  end
end

--- Refuses b unless it has the dtype and the shape of the float tensor a.
---@param call string
---@param a mlp.Tensor
---@param b any
---@param a_name string
---@param b_name string
function terms.want_pair(call, a, b, a_name, b_name)
  terms.want_floats(call, a_name, a)
  if not core.is_tensor(b) or b.dtype ~= a.dtype then
    errors.wanted(call, b_name, b, ("a %s tensor, like %s,"):format(a.dtype, a_name))
  end
  if table.concat(a.shape, ",") ~= table.concat(b.shape, ",") then
    errors.raise("%s: %s is %s but %s is %s; a loss does not broadcast, shapes must be equal", call,
      a_name, errors.shape(a), b_name, errors.shape(b))
  end
end

--- Refuses classes that are not one whole number for each row.
---@param call string
---@param logits mlp.Tensor (..., C)
---@param classes any
function terms.want_classes(call, logits, classes)
  terms.want_floats(call, "the first argument", logits)
  local rows <const> = table.concat(logits.shape, ",", 1, logits.ndim - 1)
  if not core.is_tensor(classes) or classes.dtype ~= "int64" or logits.ndim == 0
    or table.concat(classes.shape, ",") ~= rows then
    errors.wanted(call, "target", classes, ("one class for each row of %s"):format(
      errors.shape(logits)))
  end
end

--- Runs an operation for a loss that is made of it: what it refuses by value, such as a class 0, is
--- said in the loss's name.
---@param call string the loss
---@param name string the operation
---@param ... any its arguments
---@return mlp.Tensor
function terms.run(call, name, ...)
  local ok <const>, result <const> = pcall(core[name], ...)
  if ok then return result end
  error((tostring(result):gsub("%f[%w_]" .. name .. ": ", call .. ": ", 1)), 0)
end

--- How much each row counts: its class's weight, nothing where the mask is 0. nil: all alike.
---@param logits mlp.Tensor (..., C)
---@param classes mlp.Tensor (...)
---@param weight mlp.Tensor? (C)
---@param mask mlp.Tensor? (...) uint8
---@return mlp.Tensor?
function terms.row_weights(logits, classes, weight, mask)
  if not weight then return mask and mask:to(logits.dtype) end
  return core.nll((-weight):expand(logits.shape), classes, { mask = mask, reduction = "none" })
end

--- "none": the terms; "sum"; "mean": the sum over the number, or the weight, of the terms.
---@param call string
---@param each mlp.Tensor
---@param reduction mlp.Reduction
---@param weights mlp.Tensor? of the terms' shape
---@return mlp.Tensor
function terms.reduce(call, each, reduction, weights)
  if weights then each = each * weights end
  if reduction == "none" then return each end
  if reduction == "sum" then return each:sum() end
  if each:numel() == 0 then
    errors.raise("%s: the batch is empty, and nothing has no mean", call)
  end
  return weights and each:sum() / weights:sum() or each:mean()
end

return terms
