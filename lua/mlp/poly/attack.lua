--- What a polynomial says about a network is tested on the network: take away, or add, the inputs
--- that the polynomial calls important, and see whether it fails. Both attacks follow the authors'
--- experiments (Belrose and Rigg 2025).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local linalg <const> = require "mlp.linalg"
local Polynomial <const> = require "mlp.poly.polynomial"

local attack = {}

local function want(call, polynomial, x, count)
  if getmetatable(polynomial) ~= Polynomial then
    errors.wanted(call, "the first argument", polynomial, "a polynomial (poly.fit makes one)")
  end
  local D <const> = polynomial.centre:numel()
  if not core.is_tensor(x) or x.ndim < 1 or x:size(-1) ~= D then
    errors.wanted(call, "x", x, ("a tensor (..., %d)"):format(D))
  end
  local most <const> = math.min(D, polynomial.constant:numel())
  if math.type(count) ~= "integer" or count < 0 or count > most then
    errors.wanted(call, "the number of directions", count,
      ("a whole number from 0 to %d"):format(most))
  end
end

--- Inputs without their components along the first `count` input patterns of the polynomial's
--- linear part, by singular value: x - x V V'.
---@param polynomial mlp.poly.Polynomial
---@param x mlp.Tensor (..., D)
---@param count integer from 0 to min(O, D)
---@return mlp.Tensor x (..., D)
function attack.svd_attack(polynomial, x, count)
  want("poly.svd_attack", polynomial, x, count)
  if count == 0 then return x end
  local _, _, vh <const> = polynomial:svd()
  local patterns <const> = vh:slice(1, 1, count):to(x.dtype)
  return x - x:matmul(patterns:t()):matmul(patterns)
end

--- The leading eigenvector of each output's form, as rows (O, D).
local function leading_of(polynomial)
  local list <const> = {}
  for o = 1, polynomial.constant:numel() do
    local _, vectors <const> = polynomial:eigen(o)
    list[o] = vectors:select(2, -1)
  end
  return core.stack(list, 1)
end

--- One direction for each output that makes this output's quadratic form large and the others' not:
--- the columns of the pseudo-inverse of all outputs' leading eigenvectors (those of the largest
--- eigenvalue). Adding row o of the answer to an input sets its component along eigenvector o to 1
--- more and leaves those of the other outputs. A quadratic form does not know the sign of a
--- direction; it is the one along which the output's linear part does not fall.
---@param polynomial mlp.poly.Polynomial of degree 2
---@return mlp.Tensor directions (O, D)
---@return mlp.Tensor eigenvectors (O, D), signed alike
function attack.eigen_attack(polynomial)
  if getmetatable(polynomial) ~= Polynomial or polynomial.degree < 2 then
    errors.wanted("poly.eigen_attack", "the first argument", polynomial, "a quadratic polynomial")
  end
  local leading <const> = leading_of(polynomial)
  local directions <const> = linalg.pinv(leading):t()
  local slope <const> = (polynomial.linear * directions):sum(2, true)
  local sign <const> = slope:ge(0):to(leading.dtype) * 2 - 1
  return directions * sign, leading * sign
end

return attack
