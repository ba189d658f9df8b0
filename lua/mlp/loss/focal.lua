local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.FocalOptions: mlp.loss.ClassOptions
---@field gamma number? from 0: how fast what is known well fades; 0 is cross_entropy; default 2

local DEFAULTS <const> = { gamma = 2, weight = errors.NONE, mask = errors.NONE, reduction = "mean" }

local TINY <const> = 1e-12 -- below it a share counts as this: powers below 1 are steep at 0

--- Cross entropy that rows already known count less in: with p the share of the target's class in
--- softmax(logits), -(1 - p)^gamma log p (Lin et al. 2017, equation 4; their alpha is `weight`).
---@param logits mlp.Tensor (..., C)
---@param target mlp.Tensor|table (...) classes from 1, as int64 or whole floats
---@param options mlp.loss.FocalOptions?
---@return mlp.Tensor
local function focal(logits, target, options)
  local o <const> = terms.options("focal", target_of.options(logits, options), DEFAULTS)
  terms.want_number("focal", "gamma", o.gamma, 0)
  local classes <const> = target_of.classes("focal", logits, target)
  terms.want_classes("focal", logits, classes)
  local entropy <const> = terms.run("focal", "cross_entropy", logits, classes,
    { mask = o.mask, reduction = "none" })
  local rest <const> = -((-entropy):expm1()) -- 1 - p, with all its digits near p = 1
  local each <const> = o.gamma == 0 and entropy or rest:clamp(TINY):power(o.gamma) * entropy
  local weights <const> = terms.row_weights(logits, classes, o.weight, o.mask)
  return terms.reduce("focal", each, o.reduction, weights)
end

return focal
