local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.RelativeOptions
---@field eps number? above 0: keeps dark places from counting without bound; default 0.01
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { eps = 0.01, reduction = "mean" }

--- (prediction - target)^2 / (prediction^2 + eps), for values that span orders of magnitude, such
--- as the light of a scene. The denominator is a constant to the gradient, the prediction in it
--- detached: so the least loss stays at the mean of noisy targets, which dividing by the target
--- would shift (Lehtinen et al. 2018, section 3.3; Mueller et al. 2021).
---@param prediction mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape
---@param options mlp.loss.RelativeOptions?
---@return mlp.Tensor
local function relative_l2(prediction, target, options)
  local o <const> = terms.options("relative_l2", options, DEFAULTS)
  terms.want_number("relative_l2", "eps", o.eps, 1e-300)
  target = target_of.numbers(prediction, target)
  terms.want_pair("relative_l2", prediction, target, "prediction", "target")
  local size <const> = prediction:detach():square() + o.eps
  return terms.reduce("relative_l2", (prediction - target):square() / size, o.reduction)
end

return relative_l2
