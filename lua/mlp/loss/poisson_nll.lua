local core <const> = require "mlp.core"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.PoissonOptions
---@field log_input boolean? the prediction is the logarithm of the rate; default true
---@field full boolean? with Stirling's approximation of log target! where the target is above 1;
---  default false
---@field eps number? added to a rate before its logarithm is taken; default 1e-8
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { log_input = true, full = false, eps = 1e-8, reduction = "mean" }

local function stirling(counts)
  local n <const> = counts:clamp(1)
  local log_factorial <const> = n * n:log() - n + 0.5 * (n * (2 * math.pi)):log()
  return core.where(counts:gt(1), log_factorial, 0)
end

--- Negative log likelihood of counts under a Poisson distribution of rate r = e^prediction, or the
--- prediction itself: r - target log r, without log target! unless asked for.
---@param prediction mlp.Tensor any shape: logarithms of rates, or rates
---@param target mlp.Tensor|table the same shape, counts from 0
---@param options mlp.loss.PoissonOptions?
---@return mlp.Tensor
local function poisson_nll(prediction, target, options)
  local o <const> = terms.options("poisson_nll", options, DEFAULTS)
  terms.want_number("poisson_nll", "eps", o.eps, 0)
  target = target_of.numbers(prediction, target)
  terms.want_pair("poisson_nll", prediction, target, "prediction", "target")
  local each
  if o.log_input then
    each = prediction:exp() - target * prediction
  else
    each = prediction - target * (prediction + o.eps):log()
  end
  if o.full then each = each + stirling(target) end
  return terms.reduce("poisson_nll", each, o.reduction)
end

return poisson_nll
