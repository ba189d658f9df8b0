--- x + f(x): a branch around which the signal, and the gradient, flow unchanged (He et al. 2016).

local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Residual: mlp.nn.Module
---@field inner mlp.nn.Module
---@overload fun(inner: mlp.nn.Module): mlp.nn.Residual
local Residual = Module:extend "Residual"

---@param inner mlp.nn.Module keeps the shape
function Residual:init(inner)
  if not Module.is(inner) then errors.wanted("Residual", "the argument", inner, "a module") end
  self.inner = inner
end

---@param x mlp.Tensor
---@return mlp.Tensor y of x's shape
function Residual:forward(x) return x + self.inner(x) end

return Residual
