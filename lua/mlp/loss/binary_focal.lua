local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.BinaryFocalOptions
---@field gamma number? from 0: how fast what is known well fades; 0 is bce_with_logits; default 2
---@field alpha number? 0..1, weight of target 1; target 0 weighs 1 - alpha; absent: both weigh 1
---  (Lin et al. take 0.25)
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { gamma = 2, alpha = errors.NONE, reduction = "mean" }

local TINY <const> = 1e-12 -- below it a share counts as this: powers below 1 are steep at 0

--- focal for independent yes-or-no questions: with s = 1 / (1 + e^-logit) and q = s for target 1,
--- 1 - s for target 0, -(1 - q)^gamma log q (Lin et al. 2017).
---@param logits mlp.Tensor any shape
---@param target mlp.Tensor|table the same shape, 0..1
---@param options mlp.loss.BinaryFocalOptions?
---@return mlp.Tensor
local function binary_focal(logits, target, options)
  local o <const> = terms.options("binary_focal", options, DEFAULTS)
  terms.want_number("binary_focal", "gamma", o.gamma, 0)
  if o.alpha ~= nil and not (type(o.alpha) == "number" and o.alpha >= 0 and o.alpha <= 1) then
    errors.wanted("binary_focal", "alpha", o.alpha, "a number from 0 to 1")
  end
  target = target_of.numbers(logits, target)
  terms.want_pair("binary_focal", logits, target, "logits", "target")
  local each = core.bce_with_logits(logits, target, { reduction = "none" })
  if o.gamma > 0 then
    local rest <const> = logits:sigmoid():lerp((-logits):sigmoid(), target) -- 1 - q
    each = each * rest:clamp(TINY):power(o.gamma)
  end
  if o.alpha then each = each * (target * (2 * o.alpha - 1) + (1 - o.alpha)) end
  return terms.reduce("binary_focal", each, o.reduction)
end

return binary_focal
