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
function Residual:forward(x)
  local y <const> = self.inner(x)
  if table.concat(y.shape, ",") ~= table.concat(x.shape, ",") then -- a sum would stretch it
    errors.raise("Residual: the branch makes %s of %s, but x + f(x) wants one shape",
      errors.shape(y), errors.shape(x))
  end
  return x + y
end

return Residual
