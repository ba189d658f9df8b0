--- A layer whose weight is a direction times a length, learned apart: each row of the weight is
--- magnitude * v / |v|, where v is the row of the weight that the layer keeps.

local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.WeightNorm: mlp.nn.Module
---@field inner mlp.nn.Module its weight holds the directions
---@field magnitude mlp.Tensor (outputs, 1): lengths of the rows, first those that the weight had
---@overload fun(inner: mlp.nn.Module, options: table?): mlp.nn.WeightNorm
local WeightNorm = Module:extend "WeightNorm"

--- The length of every row, over all axes but the first, which stay with length 1.
local function lengths(weight)
  local axes <const> = {}
  for axis = 2, weight.ndim do axes[#axes + 1] = axis end
  return weight:norm(axes, true)
end

--- nn.WeightNorm(nn.Linear(64, 10)) (Salimans and Kingma 2016, equation 2).
---@param inner mlp.nn.Module a layer with a weight (outputs, inputs...)
---@param options {name: string?}? of the field that is normalised; default "weight"
function WeightNorm:init(inner, options)
  local o <const> = errors.options("WeightNorm", options, { name = "weight" })
  local weight <const> = initialise.want_weight("WeightNorm", inner, o.name)
  self.inner, self.name = inner, o.name
  local magnitude <const> = lengths(weight):detach()
  if magnitude:eq(0):any():item() == 1 then
    errors.raise("WeightNorm: a row of %s is all 0 and has no direction", o.name)
  end
  self.magnitude = magnitude:requires_grad_()
end

--- The weight that the layer runs with.
---@return mlp.Tensor
function WeightNorm:effective()
  local direction <const> = self.inner[self.name]
  return direction * (self.magnitude / lengths(direction))
end

---@param ... any what the layer takes
---@return any y what it gives
function WeightNorm:forward(...)
  return self.inner:forward_with({ [self.name] = self:effective() }, ...)
end

return WeightNorm
