--- The nearest polynomial under one normal distribution. Hermite polynomials are orthogonal under
--- it, so the best polynomial of degree N is the network's expansion cut off after degree N, unit
--- by unit: nothing has to be solved for. To degree 2 it is the averaged Taylor polynomial
---
---     g = E f + J d + 1/2 (d' H d - tr H Sigma),
---     J = U diag(E s') W,   H_o = sum over i of U_oi E s''(y_i) w_i w_i'.
---
--- A gated unit s(y) z is two such expansions: with kappa = Cov(y, z) / s^2, z = E z + kappa (y -
--- m) + r, and the rest r is independent of y, so
---
---     s(y) z = u(y) + s(y) r,   u(y) = s(y) (E z + kappa (y - m)),
---
--- cut off after degree N and, as r has one degree itself, N - 1.

local core <const> = require "mlp.core"
local moments <const> = require "mlp.poly.moments"
local units <const> = require "mlp.poly.units"
local Polynomial <const> = require "mlp.poly.polynomial"

local hermite_fit = {}

--- How the units see the input: their Hermite coefficients and what belongs to them.
---@class mlp.poly.Expansion
---@field mean mlp.Tensor m (H)
---@field deviation mlp.Tensor s (H)
---@field cross mlp.Tensor W Sigma (H, D)
---@field own table<integer, mlp.Tensor> c_n of s, or of u where there are gates; (H), from n = 0
---@field gate table<integer, mlp.Tensor>? c_n of s, that r is multiplied by
---@field kappa mlp.Tensor? (H)
---@field value_mean mlp.Tensor? E z (H)

--- c_n of u = s(y) (E z + kappa s Z), by z He_n = He_(n+1) + n He_(n-1).
local function coefficients_of_u(c, value_mean, slope, order)
  local list <const> = {}
  for n = 0, order do
    local times_z <const> = n > 0 and c[n + 1] + c[n - 1] * n or c[n + 1]
    list[n] = value_mean * c[n] + slope * times_z
  end
  return list
end

--- The expansion of all units, to degree `order`.
---@param u mlp.poly.Units
---@param gaussian mlp.poly.Gaussian
---@param order integer
---@return mlp.poly.Expansion
---@package
function hermite_fit.expand(u, gaussian, order)
  local m <const>, s <const>, cross <const> = units.preactivation(u, gaussian)
  if not u.value then
    local own <const> = moments.coefficients(u.activation, m, s, order)
    return { deviation = s, cross = cross, own = own, mean = m }
  end
  local c <const> = moments.coefficients(u.activation, m, s, order + 1)
  local value_mean <const> = u.value.weight:matmul(gaussian.mean) + u.value.bias
  local kappa <const> = (cross * u.value.weight):sum(2) / s:square()
  return { deviation = s, cross = cross, gate = c, kappa = kappa, mean = m, value_mean = value_mean,
    own = coefficients_of_u(c, value_mean, kappa * s, order) }
end

--- The coefficients of He_n by power, he[n][k], up to n = order.
local function hermite_powers(order)
  local he <const> = { [0] = { [0] = 1 }, { [0] = 0, 1 } }
  for n = 1, order - 1 do
    he[n + 1] = { [0] = 0 }
    for k = 0, n + 1 do
      he[n + 1][k] = (k > 0 and he[n][k - 1] or 0) - n * (he[n - 1][k] or 0)
    end
  end
  return he
end

--- sum over n of c_n / n! He_n(t / s), by powers of t: a list (H) from power 0.
local function by_powers(c, s, order)
  local he <const>, list <const> = hermite_powers(order), {}
  for k = 0, order do
    local sum, factorial = core.public.zeros_like(s), 1.0
    for n = 0, order do
      if n > 0 then factorial = factorial * n end
      if (he[n][k] or 0) ~= 0 then sum = sum + c[n] * (he[n][k] / factorial) end
    end
    list[k] = sum / s:pow(k)
  end
  return list
end

--- Powers of t = w d and, where there are gates, of t^(k-1) (v d): per unit, alpha_k and beta_k.
local function unit_powers(e, order)
  local alpha <const> = by_powers(e.own, e.deviation, order)
  if not e.gate then return alpha end
  local q <const>, beta <const> = by_powers(e.gate, e.deviation, order - 1), {}
  for k = 1, order do
    beta[k] = q[k - 1]
    alpha[k] = alpha[k] - e.kappa * q[k - 1]
  end
  return alpha, beta
end

local function repeated(weight, count, last)
  local factors <const> = {}
  for j = 1, count do factors[j] = weight end
  factors[#factors + 1] = last
  return factors
end

--- The best polynomial of degree `order` under a normal distribution.
---@param u mlp.poly.Units
---@param gaussian mlp.poly.Gaussian
---@param order integer from 1
---@return mlp.poly.Polynomial
---@package
function hermite_fit.fit(u, gaussian, order)
  local e <const> = hermite_fit.expand(u, gaussian, order)
  local alpha <const>, beta <const> = unit_powers(e, order)
  local W <const>, U <const> = u.weight, u.output.weight
  local linear = (U * alpha[1]):matmul(W)
  if beta then linear = linear + (U * beta[1]):matmul(u.value.weight) end
  local terms <const> = {}
  for k = 2, order do
    terms[#terms + 1] = { coefficient = U * alpha[k], factors = repeated(W, k) }
    if beta then
      local factors <const> = repeated(W, k - 1, u.value.weight)
      terms[#terms + 1] = { coefficient = U * beta[k], factors = factors }
    end
  end
  return Polynomial.new { centre = gaussian.mean, constant = U:matmul(alpha[0]) + u.output.bias,
    linear = linear, terms = terms, mean = U:matmul(e.own[0]) + u.output.bias }
end

return hermite_fit
