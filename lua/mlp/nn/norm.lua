--- Normalisation over the last axis.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

local norm = {}

---@class mlp.nn.LayerNorm: mlp.nn.Module
---@field weight mlp.Tensor? (dim), starts at 1
---@field bias mlp.Tensor? (dim), starts at 0
---@field eps number
---@overload fun(dim: integer, options: table?): mlp.nn.LayerNorm
local LayerNorm = Module:extend "LayerNorm"
norm.LayerNorm = LayerNorm

--- (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance over the last axis (Ba et
--- al. 2016).
---@param dim integer length of the last axis
---@param options {eps: number?, affine: boolean?, bias: boolean?, dtype: string?}? eps 1e-5; affine
---  = false: no weight, no bias
function LayerNorm:init(dim, options)
  initialise.want_size("LayerNorm", "dim", dim)
  local o = errors.options("LayerNorm", options,
    { eps = 1e-5, affine = true, bias = true, dtype = "float32" })
  initialise.want_eps("LayerNorm", o.eps)
  self.dim, self.eps = dim, o.eps
  self.weight = o.affine and core.ones(dim, { dtype = o.dtype, requires_grad = true }) or nil
  self.bias = o.affine and o.bias and core.zeros(dim, { dtype = o.dtype, requires_grad = true })
    or nil
end

---@param x mlp.Tensor (..., dim)
---@return mlp.Tensor y (..., dim)
function LayerNorm:forward(x)
  errors.want_last_axis("LayerNorm", x, self.dim)
  return core.layer_norm(x, self.weight, self.bias, { eps = self.eps })
end

function LayerNorm:describe() return ("%d"):format(self.dim) end

---@class mlp.nn.RMSNorm: mlp.nn.Module
---@field weight mlp.Tensor? (dim), starts at 1
---@field eps number
---@overload fun(dim: integer, options: table?): mlp.nn.RMSNorm
local RMSNorm = Module:extend "RMSNorm"
norm.RMSNorm = RMSNorm

--- x / sqrt(mean of x^2 + eps) * weight over the last axis (Zhang and Sennrich 2019).
---@param dim integer length of the last axis
---@param options {eps: number?, affine: boolean?, dtype: string?}? eps 1e-6
function RMSNorm:init(dim, options)
  initialise.want_size("RMSNorm", "dim", dim)
  local o = errors.options("RMSNorm", options, { eps = 1e-6, affine = true, dtype = "float32" })
  initialise.want_eps("RMSNorm", o.eps)
  self.dim, self.eps = dim, o.eps
  self.weight = o.affine and core.ones(dim, { dtype = o.dtype, requires_grad = true }) or nil
end

---@param x mlp.Tensor (..., dim)
---@return mlp.Tensor y (..., dim)
function RMSNorm:forward(x)
  errors.want_last_axis("RMSNorm", x, self.dim)
  return core.rms_norm(x, self.weight, { eps = self.eps })
end

RMSNorm.describe = LayerNorm.describe

return norm
