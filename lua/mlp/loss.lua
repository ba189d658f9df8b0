--- Losses: (prediction, target, options) -> a number to make small. Those defined here are one
--- operation of the core each, those in files of their own a few. Targets of other kinds (Lua
--- tables, whole floats) become what the operations take. Nothing is broadcast: a target of another
--- shape than the prediction is a mistake.
---
--- Options of all: `reduction` = "mean" (default), "sum" or "none" (one term per element or row).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"

---@class mlp.loss
local loss = {
  multi_margin = require "mlp.loss.multi_margin",
  cosine = require "mlp.loss.cosine",
  focal = require "mlp.loss.focal",
  binary_focal = require "mlp.loss.binary_focal",
  poisson_nll = require "mlp.loss.poisson_nll",
  gaussian_nll = require "mlp.loss.gaussian_nll",
  triplet = require "mlp.loss.triplet",
  relative_l2 = require "mlp.loss.relative_l2",
}

---@alias mlp.Reduction "mean"|"sum"|"none"

-- ---- targets of numbers -------------------------------------------------------------------------

--- (prediction - target)^2.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.mse(prediction, target, options)
  return core.mse(prediction, target_of.numbers(prediction, target), options)
end

--- |prediction - target|; its slope at 0 is 0.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.l1(prediction, target, options)
  return core.l1(prediction, target_of.numbers(prediction, target), options)
end

--- With d = prediction - target: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2)
--- (Huber 1964). delta is 1 unless told otherwise.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {delta: number?, reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.huber(prediction, target, options)
  return core.huber(prediction, target_of.numbers(prediction, target), options)
end

--- log cosh(prediction - target): half the square near 0, the absolute error less log 2 far out,
--- smooth between.
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options {reduction: mlp.Reduction?}?
---@return mlp.Tensor
function loss.log_cosh(prediction, target, options)
  return core.log_cosh(prediction, target_of.numbers(prediction, target), options)
end

---@class mlp.loss.HingeOptions
---@field margin number? how far on its side a prediction should lie; default 1
---@field squared boolean? default false
---@field reduction mlp.Reduction?

local HINGE <const> = { margin = 1, squared = false, reduction = "mean" }

--- max(0, margin - target * prediction), or its square: the loss of support vector machines, for
--- two classes that are the sides of 0 (Cortes and Vapnik 1995). Labels 0 and 1 are refused.
---@param prediction mlp.Tensor any shape: scores
---@param target mlp.Tensor|table the same shape: -1 or 1
---@param options mlp.loss.HingeOptions?
---@return mlp.Tensor
function loss.hinge(prediction, target, options)
  local o <const> = errors.options("hinge", options, HINGE)
  local run <const> = o.squared and core.squared_hinge or core.hinge
  return run(prediction, target_of.sides(prediction, target),
    { margin = o.margin, reduction = o.reduction })
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
  return core.bce_with_logits(logits, target_of.numbers(logits, target), options)
end

--- Kullback-Leibler divergence: target (log target - log_probabilities), 0 where the target is 0.
--- "mean" divides by the number of elements; "batchmean" by the length of the first axis, which is
--- the mean divergence of the rows.
---@param log_probabilities mlp.Tensor any shape; such as x:log_softmax(-1)
---@param target mlp.Tensor|table the same shape, probabilities
---@param options {reduction: mlp.Reduction|"batchmean"|nil}?
---@return mlp.Tensor
function loss.kl_div(log_probabilities, target, options)
  return core.kl_div(log_probabilities, target_of.numbers(log_probabilities, target), options)
end

-- ---- targets of classes -------------------------------------------------------------------------

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
  return core.cross_entropy(logits, target_of.classes("cross_entropy", logits, target),
    target_of.options(logits, options))
end

--- Negative log likelihood: minus the entry of the target class.
---@param log_probabilities mlp.Tensor (..., classes); such as x:log_softmax(-1)
---@param target mlp.Tensor|table (...) classes from 1, as int64 or whole floats
---@param options mlp.loss.ClassOptions?
---@return mlp.Tensor
function loss.nll(log_probabilities, target, options)
  return core.nll(log_probabilities, target_of.classes("nll", log_probabilities, target),
    target_of.options(log_probabilities, options))
end

return loss
