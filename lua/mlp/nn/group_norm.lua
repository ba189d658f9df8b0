--- Normalisation of groups of columns: between LayerNorm (one group) and none.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.GroupNorm: mlp.nn.Module
---@field weight mlp.Tensor? (dim), starts at 1
---@field bias mlp.Tensor? (dim), starts at 0
---@field groups integer
---@field eps number
---@overload fun(groups: integer, dim: integer, options: table?): mlp.nn.GroupNorm
local GroupNorm = Module:extend "GroupNorm"

--- (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance over each of `groups`
--- stretches of the last axis (Wu and He 2018); every row is normalised by itself.
---@param groups integer G, divides dim
---@param dim integer D, length of the last axis
---@param options {eps: number?, affine: boolean?, dtype: string?}? eps 1e-5; affine = false: no
---  weight, no bias
function GroupNorm:init(groups, dim, options)
  initialise.want_size("GroupNorm", "groups", groups)
  initialise.want_size("GroupNorm", "dim", dim)
  if dim % groups ~= 0 then
    errors.raise("GroupNorm: %d columns cannot be cut into %d groups of one size", dim, groups)
  end
  local o <const> = errors.options("GroupNorm", options,
    { eps = 1e-5, affine = true, dtype = "float32" })
  initialise.want_eps("GroupNorm", o.eps)
  self.groups, self.dim, self.eps = groups, dim, o.eps
  if not o.affine then return end
  self.weight = core.ones(dim, { dtype = o.dtype, requires_grad = true })
  self.bias = core.zeros(dim, { dtype = o.dtype, requires_grad = true })
end

---@param x mlp.Tensor (..., dim)
---@return mlp.Tensor y of x's shape
function GroupNorm:forward(x)
  errors.want_last_axis("GroupNorm", x, self.dim)
  local shape <const> = x.shape
  shape[#shape], shape[#shape + 1] = self.groups, self.dim // self.groups
  local y <const> = core.layer_norm(x:reshape(shape), { eps = self.eps }):reshape(x.shape)
  return self.weight and y * self.weight + self.bias or y
end

function GroupNorm:describe() return ("%d groups, %d"):format(self.groups, self.dim) end

return GroupNorm
