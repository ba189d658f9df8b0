--- Losses: (prediction, target, options) -> a number to make small. Each is one operation of the
--- core; here targets of other kinds (Lua tables, whole floats) become what the operation takes.
--- Nothing is broadcast: a target of another shape than the prediction is a mistake.
---
--- Options of all: `reduction` = "mean" (default), "sum" or "none" (one term per element or row).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.loss
local loss = {}

---@alias mlp.Reduction "mean"|"sum"|"none"

-- ---- targets of numbers -------------------------------------------------------------------------

--- A Lua table becomes a tensor of the prediction's dtype; anything else is left to the operation.
local function numbers(prediction, target)
  if type(target) ~= "table" or not core.is_tensor(prediction) then return target end
  return core.tensor(target, { dtype = prediction.dtype })
end

--- (prediction - target)^2.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.mse(prediction, target, options)
  return core.mse(prediction, numbers(prediction, target), options)
end

--- |prediction - target|; its slope at 0 is 0.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.l1(prediction, target, options)
  return core.l1(prediction, numbers(prediction, target), options)
end

--- With d = prediction - target: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)
--- (Huber 1964). delta is 1 unless told otherwise.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {delta: number?, reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.huber(prediction, target, options)
  return core.huber(prediction, numbers(prediction, target), options)
end

--- Cross entropy of independent yes-or-no questions, from logits: with s = 1 / (1 + e^-logit),
--- -target log s - (1 - target) log(1 - s). Finite for any finite logit.
---@param logits mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape, 0..1
---@param options {weight: mlp.Tensor?, pos_weight: mlp.Tensor?, reduction: mlp.Reduction?}? weight
---  multiplies every term, pos_weight the part of target 1: of the logits' shape, one number per
---  column, or one number
---@return mlp.Tensor
function loss.bce_with_logits(logits, target, options)
  return core.bce_with_logits(logits, numbers(logits, target), options)
end

--- Kullback-Leibler divergence: target (log target - log_probabilities), 0 where the target is 0.
--- "mean" divides by the number of elements; "batchmean" by the length of the first axis, which is
--- the mean divergence of the rows.
---@param log_probabilities mlp.Tensor any shape; such as x:log_softmax(-1)
---@param target mlp.Tensor|table the same shape, probabilities
---@param options {reduction: mlp.Reduction|"batchmean"|nil}?
---@return mlp.Tensor
function loss.kl_div(log_probabilities, target, options)
  return core.kl_div(log_probabilities, numbers(log_probabilities, target), options)
end

-- ---- targets of classes -------------------------------------------------------------------------

local function whole(call, target)
  if target:ne(target:floor()):to("float32"):sum():item() > 0 then
    errors.raise("%s: the target holds numbers that are not whole; classes are 1, 2, 3, ...", call)
  end
  return target:to("int64")
end

--- Classes as int64: from a Lua table, from whole floats, from bytes. A float target of the
--- prediction's own number of axes holds probabilities and stays.
local function classes(call, prediction, target)
  if not core.is_tensor(prediction) then return target end
  if type(target) == "table" then
    target = core.tensor(target, { dtype = prediction.dtype })
  elseif not core.is_tensor(target) or target.dtype == "int64" then
    return target
  end
  if target.ndim == prediction.ndim then return target end
  return target.dtype == "uint8" and target:to("int64") or whole(call, target)
end

--- Options whose weight or mask is a Lua table, or whose mask is not of bytes.
local function converted(prediction, options)
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

---@class mlp.loss.ClassOptions
---@field reduction mlp.Reduction? "mean" divides by the weight of the rows that count
---@field weight mlp.Tensor|number[]|nil (classes) of every class
---@field mask mlp.Tensor|integer[]|nil (...) uint8: rows with 0 count for nothing

---@class mlp.loss.CrossEntropyOptions: mlp.loss.ClassOptions
---@field label_smoothing number? share of every target spread over all classes, 0..1

--- Cross entropy of classes, from logits: -log of the target's share in softmax(logits). Finite for
--- any finite logits.
---@param logits mlp.Tensor (..., classes)
---@param target mlp.Tensor|table (...) classes from 1, as int64 or whole floats; or (..., classes)
---  probabilities
---@param options mlp.loss.CrossEntropyOptions?
---@return mlp.Tensor
function loss.cross_entropy(logits, target, options)
  return core.cross_entropy(logits, classes("cross_entropy", logits, target),
    converted(logits, options))
end

--- Negative log likelihood: minus the entry of the target class.
---@param log_probabilities mlp.Tensor (..., classes); such as x:log_softmax(-1)
---@param target mlp.Tensor|table (...) classes from 1, as int64 or whole floats
---@param options mlp.loss.ClassOptions?
---@return mlp.Tensor
function loss.nll(log_probabilities, target, options)
  return core.nll(log_probabilities, classes("nll", log_probabilities, target),
    converted(log_probabilities, options))
end

return loss
