local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.GaussianOptions
---@field full boolean? with the constant log(2 pi) / 2; default false
---@field eps number? the least variance; one below it counts as this much, and keeps its gradient;
---  default 1e-6
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { full = false, eps = 1e-6, reduction = "mean" }

local function want_variance(prediction, variance)
  terms.want_floats("gaussian_nll", "variance", variance)
  local shape <const> = prediction.shape
  local full <const> = table.concat(shape, ",")
  shape[#shape] = #shape > 0 and 1 or nil
  local given <const> = table.concat(variance.shape, ",")
  if given ~= full and given ~= table.concat(shape, ",") then
    errors.raise("gaussian_nll: prediction is %s but variance is %s; the same shape, or one number "
      .. "per row, is wanted", errors.shape(prediction), errors.shape(variance))
  end
end

--- Negative log likelihood under a normal distribution whose variance v is predicted too:
--- (log v + (prediction - target)^2 / v) / 2 (Nix and Weigend 1994).
---@param prediction mlp.Tensor any shape: means
---@param target mlp.Tensor|table the same shape
---@param variance mlp.Tensor the same shape, or with a last axis of 1: one for each row
---@param options mlp.loss.GaussianOptions?
---@return mlp.Tensor
local function gaussian_nll(prediction, target, variance, options)
  local o <const> = terms.options("gaussian_nll", options, DEFAULTS)
  terms.want_number("gaussian_nll", "eps", o.eps, 0)
  target = target_of.numbers(prediction, target)
  terms.want_pair("gaussian_nll", prediction, target, "prediction", "target")
  variance = target_of.numbers(prediction, variance)
  want_variance(prediction, variance)
  local constant <const> = variance:detach()
  local v <const> = core.maximum(constant, o.eps) + (variance - constant)
  local each = 0.5 * (v:log() + (prediction - target):square() / v)
  if o.full then each = each + 0.5 * math.log(2 * math.pi) end
  return terms.reduce("gaussian_nll", each, o.reduction)
end

return gaussian_nll
