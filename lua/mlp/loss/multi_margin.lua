local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.MultiMarginOptions
---@field margin number? m, from 0; default 1
---@field power 1|2|nil p; default 1
---@field weight mlp.Tensor|number[]|nil (C) of every class; the mean divides by the number of rows
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { margin = 1, power = 1, weight = errors.NONE, reduction = "mean" }

--- How near the scores of other classes c come to the target's: the sum over them of
--- max(0, m - score(target) + score(c))^p, divided by the number of classes (Weston and Watkins
--- 1999).
---@param scores mlp.Tensor (..., C)
---@param target mlp.Tensor|table (...) classes from 1, as int64 or whole floats
---@param options mlp.loss.MultiMarginOptions?
---@return mlp.Tensor
local function multi_margin(scores, target, options)
  local o <const> = terms.options("multi_margin", target_of.options(scores, options), DEFAULTS)
  terms.want_number("multi_margin", "margin", o.margin, 0)
  if o.power ~= 1 and o.power ~= 2 then
    errors.wanted("multi_margin", "power", o.power, "1 or 2")
  end
  local classes <const> = target_of.classes("multi_margin", scores, target)
  terms.want_classes("multi_margin", scores, classes)
  local own <const> = -terms.run("multi_margin", "nll", scores, classes, { reduction = "none" })
  local short = (scores - own:unsqueeze(-1) + o.margin):relu() -- of the target it is the margin
  if o.power == 2 then short = short:square() end
  local rows = (short:sum(-1) - o.margin ^ o.power) / scores:size(-1)
  if o.weight then rows = rows * terms.row_weights(scores, classes, o.weight) end
  return terms.reduce("multi_margin", rows, o.reduction)
end

return multi_margin
