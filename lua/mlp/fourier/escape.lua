--- When a frequency breaks out: the flow blows up in finite time, and its two invariants leave an
--- elliptic integral for that time, so nothing needs to be followed step by step.
---
--- With r = beta^2, A = alpha^2 - 2 beta^2 and B = alpha^2 beta sin D the flow of the mean loss is
---
---     r' = +-(2 / p) sqrt(r (A + 2r)^2 - B^2) = +-(2 / p) sqrt(4 (r - e1) (r - e2) (r - e3))
---
--- with e1 the largest real root; r falls to e1 first where cos D < 0. From r to infinity it takes
--- p/2 R_F(r - e1, r - e2, r - e3), with Carlson's R_F (DLMF 19.16.1, 19.25.35).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"

local CALL <const> = "fourier.escape"
local NEWTON <const> = 80   -- a double root (B = 0) halves the distance each time
local DUPLICATE <const> = 26 -- each quarters the spread: 4^-26 is below rounding

--- The largest real root of r (A + 2r)^2 = B^2, from above: there the left side is convex.
local function largest_root(r, A, B)
  local floor <const> = (A * -0.5):clamp(0, nil)
  for _ = 1, NEWTON do
    local slope <const> = (A + 2 * r) * (A + 6 * r)
    local gap <const> = r * (A + 2 * r):square() - B:square()
    r = core.where(slope:gt(0), r - gap / slope, r):maximum(floor)
  end
  return r
end

--- R_F(x, y, z) by duplication (Carlson 1995); y and z, real or conjugate, enter as y + z and y z.
local function carlson(x, sum, product)
  for _ = 1, DUPLICATE do
    local root <const> = product:clamp(0, nil):sqrt()
    local lambda <const> = root + x:sqrt() * (sum + 2 * root):clamp(0, nil):sqrt()
    product = (product + lambda * sum + lambda:square()) / 16
    x, sum = (x + lambda) / 4, (sum + 2 * lambda) / 4
  end
  return ((x + sum) / 3):rsqrt()
end

--- R_F(r - e1, r - e2, r - e3); (r - e2)(r - e3) is the cubic over r - e1.
local function time_from(r, e1, A)
  local product <const> = r:square() + (A + e1) * r + (A / 2 + e1):square()
  return carlson((r - e1):clamp(0, nil), 2 * r + A + e1, product)
end

local function want(what, x)
  if not core.is_tensor(x) or not x.dtype:match "^float" then
    errors.wanted(CALL, what, x, "a tensor of floats")
  end
  return x:detach():to "float64"
end

--- The time after which alpha and beta of the flow are infinite: steps of gradient descent on the
--- mean loss, times lr, while softmax is near uniform. The frequency of a neuron with the smallest
--- time wins.
---@param alpha mlp.Tensor amplitudes of the input, any shape
---@param beta mlp.Tensor of the output
---@param misalignment mlp.Tensor D, radians
---@param p integer the modulus
---@return mlp.Tensor time float64; without bound towards D = pi where alpha^2 <= 2 beta^2
local function escape(alpha, beta, misalignment, p)
  modulus.want(CALL, p)
  alpha, beta = want("alpha", alpha), want("beta", beta)
  misalignment = want("misalignment", misalignment)
  local r <const>, A <const> = beta:square(), alpha:square() - 2 * beta:square()
  local e1 <const> = largest_root(r, A, alpha:square() * beta * misalignment:sin())
  local up <const> = time_from(r, e1, A)
  local down_first <const> = 2 * time_from(e1, e1, A) - up
  return core.where(misalignment:cos():ge(0), up, down_first) * (p / 2)
end

return escape
