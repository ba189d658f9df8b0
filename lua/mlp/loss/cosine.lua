local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local target_of <const> = require "mlp.loss.target"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.CosineOptions
---@field same mlp.Tensor|integer[]|nil (...) uint8: 0 where the pair should be apart; default all 1
---@field margin number? m, -1..1, the cosine that is far enough apart; default 0
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { same = errors.NONE, margin = 0, reduction = "mean" }

local TINY <const> = 1e-12 -- added to squared lengths: 0 has a cosine, and a slope

local function cosine_of(x, y)
  local lengths <const> = ((x * x):sum(-1) + TINY) * ((y * y):sum(-1) + TINY)
  return (x * y):sum(-1) / lengths:sqrt()
end

--- 1 - the cosine of the angle between two vectors along the last axis; for pairs that should be
--- apart max(0, cosine - m).
---@param prediction mlp.Tensor (..., D)
---@param target mlp.Tensor|table the same shape
---@param options mlp.loss.CosineOptions?
---@return mlp.Tensor
local function cosine(prediction, target, options)
  local o <const> = terms.options("cosine", options, DEFAULTS)
  terms.want_number("cosine", "margin", o.margin, -1)
  target = target_of.numbers(prediction, target)
  terms.want_pair("cosine", prediction, target, "prediction", "target")
  local cosines <const> = cosine_of(prediction, target)
  local each = 1 - cosines
  if o.same then
    local same <const> = core.is_tensor(o.same) and o.same
      or core.tensor(o.same, { dtype = "uint8" })
    if table.concat(same.shape, ",") ~= table.concat(each.shape, ",") then
      errors.wanted("cosine", "same", same, ("one byte per pair, %s,"):format(errors.shape(each)))
    end
    each = core.where(same, each, (cosines - o.margin):relu())
  end
  return terms.reduce("cosine", each, o.reduction)
end

return cosine
