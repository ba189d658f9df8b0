local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local terms <const> = require "mlp.loss.terms"

---@class mlp.loss.TripletOptions
---@field margin number? m, from 0; default 1
---@field p number? of the distance (sum |d|^p)^(1/p): 1, 2 or math.huge; default 2
---@field swap boolean? the negative is also held away from the positive, whichever is nearer
---  (Balntas et al. 2016); default false
---@field eps number? added to every difference, so that equal vectors have a slope; default 1e-6
---@field reduction mlp.Reduction?

local DEFAULTS <const> = { margin = 1, p = 2, swap = false, eps = 1e-6, reduction = "mean" }

--- max(0, m + distance(anchor, positive) - distance(anchor, negative)), distances along the last
--- axis (Schroff et al. 2015, without their squares).
---@param anchor mlp.Tensor (..., D)
---@param positive mlp.Tensor the same shape: should be near
---@param negative mlp.Tensor the same shape: should be farther by the margin
---@param options mlp.loss.TripletOptions?
---@return mlp.Tensor
local function triplet(anchor, positive, negative, options)
  local o <const> = terms.options("triplet", options, DEFAULTS)
  terms.want_number("triplet", "margin", o.margin, 0)
  if o.p ~= 1 and o.p ~= 2 and o.p ~= math.huge then
    errors.wanted("triplet", "p", o.p, "1, 2 or math.huge")
  end
  terms.want_pair("triplet", anchor, positive, "anchor", "positive")
  terms.want_pair("triplet", anchor, negative, "anchor", "negative")
  local function distance(x, y) return (x - y + o.eps):norm(-1, false, { p = o.p }) end
  local far = distance(anchor, negative)
  if o.swap then far = core.minimum(far, distance(positive, negative)) end
  local each <const> = (distance(anchor, positive) - far + o.margin):relu()
  return terms.reduce("triplet", each, o.reduction)
end

return triplet
