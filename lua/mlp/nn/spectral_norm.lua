--- A layer whose weight is divided by its largest singular value, so that the layer stretches no
--- difference by more than 1. The value is estimated by power iteration: one step at each forward
--- pass while training, from where the last one ended.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.SpectralNorm: mlp.nn.Module
---@field inner mlp.nn.Module
---@field u mlp.Tensor (outputs) the left singular vector, as far as it is known
---@field v mlp.Tensor (inputs) the right one
---@field iterations integer
---@overload fun(inner: mlp.nn.Module, options: table?): mlp.nn.SpectralNorm
local SpectralNorm = Module:extend "SpectralNorm"

local WARM_UP <const> = 15 -- steps at the start, so that the first estimate is near

local function as_matrix(weight) return weight:reshape(weight:size(1), -1) end

local function unit(x, eps) return x / x:norm():maximum(eps) end

--- The vectors after some more steps, in tensors of their own: a backward pass may still want the
--- old ones.
local function improve(self, matrix, steps)
  local _ <close> = core.no_grad_scope()
  local u, v = self.u, self.v
  for _ = 1, steps do
    v = unit(matrix:t():matmul(u), self.eps)
    u = unit(matrix:matmul(v), self.eps)
  end
  self.u:copy_(u)
  self.v:copy_(v)
  return u, v
end

--- nn.SpectralNorm(nn.Linear(64, 10)) (Miyato et al. 2018, algorithm 1).
---@param inner mlp.nn.Module a layer with a weight (outputs, inputs...)
---@param options {name: string?, iterations: integer?, eps: number?}? name of the field, "weight";
---  steps of each forward pass while training, 1; the least length that is divided by, 1e-12
function SpectralNorm:init(inner, options)
  local o <const> = errors.options("SpectralNorm", options,
    { name = "weight", iterations = 1, eps = 1e-12 })
  local weight <const> = initialise.want_weight("SpectralNorm", inner, o.name)
  initialise.want_size("SpectralNorm", "iterations", o.iterations)
  initialise.want_eps("SpectralNorm", o.eps)
  self.inner, self.name, self.iterations, self.eps = inner, o.name, o.iterations, o.eps
  local matrix <const> = as_matrix(weight:detach())
  self.u = unit(core.randn(matrix:size(1), { dtype = weight.dtype }), o.eps)
  self.v = core.zeros(matrix:size(2), { dtype = weight.dtype })
  improve(self, matrix, WARM_UP)
end

--- The largest singular value as estimated, with its gradient.
local function sigma(self, matrix)
  local u, v = self.u, self.v
  if self.training then u, v = improve(self, matrix:detach(), self.iterations) end
  return u:matmul(matrix:matmul(v))
end

--- The weight that the layer runs with; while training it brings the estimate a step further.
---@return mlp.Tensor
function SpectralNorm:effective()
  local weight <const> = self.inner[self.name]
  return weight / sigma(self, as_matrix(weight))
end

---@param ... any what the layer takes
---@return any y what it gives
function SpectralNorm:forward(...)
  return self.inner:forward_with({ [self.name] = self:effective() }, ...)
end

return SpectralNorm
