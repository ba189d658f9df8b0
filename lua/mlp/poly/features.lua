--- Least squares on the monomials of an input: 1, its principal components u (all of them, each of
--- variance 1), and the products u_i u_j of the first k. What the fits under a mixture and the fits
--- to a sample have in common: they solve M beta = r, with M = E[phi phi'] and r = E[phi f], and
--- differ in whose expectation it is.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local linalg <const> = require "mlp.linalg"
local gaussian <const> = require "mlp.poly.gaussian"
local mixture <const> = require "mlp.poly.mixture"
local Polynomial <const> = require "mlp.poly.polynomial"

local features = {}

---@class mlp.poly.Features
---@field centre mlp.Tensor (D)
---@field rows mlp.Tensor (R, D): u = rows (x - centre)
---@field directions integer k
---@field left mlp.Tensor (P) int64, where in u the products' first factors stand; P = k (k + 1) / 2
---@field right mlp.Tensor (P)
local Features = { __name = "mlp.poly.Features" }
Features.__index = Features

--- Directions whose variance is this far below the largest are none.
local RANK_TOLERANCE <const> = 1e-10
local MOST <const> = 64
features.DEFAULT_DIRECTIONS = 40

local function pairs_of(k)
  local left <const>, right <const> = {}, {}
  for i = 1, k do
    for j = i, k do left[#left + 1], right[#right + 1] = i, j end
  end
  local whole <const> = { dtype = "int64" }
  if k == 0 then return core.zeros(0, whole), core.zeros(0, whole) end
  return core.tensor(left, whole), core.tensor(right, whole)
end

--- Raises unless k can be a number of quadratic directions.
---@package
function features.want_directions(call, k)
  if math.type(k) ~= "integer" or k < 0 or k > MOST then
    errors.wanted(call, "directions", k, ("a whole number up to %d"):format(MOST))
  end
end

--- The features of a distribution, by its mean and covariance.
---@param distribution mlp.poly.Gaussian|mlp.poly.Mixture
---@param k integer quadratic directions; fewer where the covariance has not so many
---@return mlp.poly.Features
---@package
function features.of(distribution, k)
  local values <const>, vectors <const> = linalg.eigh(distribution:matrix())
  local kept <const> = values:gt(values:amax():item() * RANK_TOLERANCE)
  local scaled <const> = vectors:t()[kept] / values[kept]:sqrt():unsqueeze(2)
  local rows <const> = scaled:flip(1)
  k = math.min(k, #rows)
  local left <const>, right <const> = pairs_of(k)
  return setmetatable({ centre = distribution.mean, rows = rows, directions = k, left = left,
    right = right }, Features)
end

--- phi, one row for each of x.
---@param x mlp.Tensor (B, D) float64
---@return mlp.Tensor (B, F)
---@package
function Features:values(x)
  local u <const> = core.linear(x - self.centre, self.rows)
  local products <const> = u:index_select(2, self.left) * u:index_select(2, self.right)
  return core.cat({ core.ones(#x, 1, { dtype = "float64" }), u, products }, 2)
end

--- beta as a polynomial of x.
---@param beta mlp.Tensor (F, O)
---@return mlp.poly.Polynomial
---@package
function Features:polynomial(beta)
  local R <const>, F <const> = #self.rows, #beta
  local terms <const> = {}
  if F > R + 1 then
    terms[1] = { coefficient = beta:slice(1, R + 2, F):t():contiguous(),
      factors = { self.rows:index_select(1, self.left), self.rows:index_select(1, self.right) } }
  end
  return Polynomial.new { centre = self.centre, constant = beta[1]:clone(), terms = terms,
    linear = beta:slice(1, 2, R + 1):t():matmul(self.rows), directions = self.directions }
end

-- ---- normal equations ---------------------------------------------------------------------------

---@class mlp.poly.Equations M factorised, to be solved for many right sides
---@field matrix mlp.Tensor (F, F)
---@field values mlp.Tensor (F) eigenvalues
---@field vectors mlp.Tensor (F, F)
local Equations = {}
Equations.__index = Equations

--- M as eigenvalues and -vectors; what M cannot tell apart is left at 0.
---@package
function features.equations(matrix)
  local values <const>, vectors <const> = linalg.eigh(matrix)
  return setmetatable({ matrix = matrix, values = values, vectors = vectors }, Equations)
end

--- The solution of least norm.
---@param right mlp.Tensor (F, O)
---@return mlp.Tensor beta (F, O)
---@package
function Equations:solve(right)
  local least <const> = self.values:amax():item() * RANK_TOLERANCE
  local inverse <const> = core.where(self.values:gt(least), self.values:reciprocal(), 0)
  return self.vectors:matmul(inverse:unsqueeze(2) * self.vectors:t():matmul(right))
end

-- ---- a sample -----------------------------------------------------------------------------------

local CALL <const> = "poly.least_squares"
local BLOCK <const> = 4096

local function targets_of(network, x)
  if core.is_tensor(network) then
    if network.ndim ~= 2 or #network ~= #x then
      errors.wanted(CALL, "the values", network, ("a tensor (%d, outputs)"):format(#x))
    end
    return network
  end
  local _ <close> = core.no_grad_scope()
  return network(x)
end

local function is_distribution(value)
  local class <const> = getmetatable(value)
  return class == gaussian.class or class == mixture.class
end

--- Sums of phi phi' and phi f over the rows, in blocks.
local function summed(basis, x, y)
  local F <const>, O <const> = 1 + #basis.rows + #basis.left, y:size(2)
  local matrix <const> = core.zeros(F, F, { dtype = "float64" })
  local right <const> = core.zeros(F, O, { dtype = "float64" })
  for first = 1, #x, BLOCK do
    local last <const> = math.min(first + BLOCK - 1, #x)
    local phi <const> = basis:values(x:slice(1, first, last):to "float64")
    local f <const> = y:slice(1, first, last):to "float64"
    local transposed <const> = phi:t()
    matrix:add_(transposed:matmul(phi) / #x)
    right:add_(transposed:matmul(f) / #x)
  end
  return matrix, right
end

---@class mlp.poly.RegressionOptions
---@field degree integer? 1 or 2 (default)
---@field directions integer? default 40, or D where that is less
---@field basis mlp.poly.Gaussian|mlp.poly.Mixture|nil whose principal components; default those of
---  x

--- The polynomial nearest to a function on a sample of inputs, which the closed forms do without.
--- Quadratic in the first `directions` principal components, linear in all; where the sample cannot
--- tell coefficients apart, the least ones.
---@param network mlp.Tensor|fun(x: mlp.Tensor): mlp.Tensor a module, a function or its values (N,
---  O)
---@param x mlp.Tensor (N, D) floats
---@param options mlp.poly.RegressionOptions?
---@return mlp.poly.Polynomial
function features.least_squares(network, x, options)
  local o <const> = errors.options(CALL, options, { degree = 2, basis = errors.NONE,
    directions = features.DEFAULT_DIRECTIONS })
  if not core.is_tensor(x) or x.ndim ~= 2 or #x < 1 then
    errors.wanted(CALL, "x", x, "a tensor (N, D)")
  elseif o.degree ~= 1 and o.degree ~= 2 then
    errors.wanted(CALL, "degree", o.degree, "1 or 2")
  elseif o.basis ~= nil and not is_distribution(o.basis) then
    errors.wanted(CALL, "basis", o.basis, "a poly.gaussian or a poly.mixture")
  end
  features.want_directions(CALL, o.directions)
  local basis <const> = features.of(o.basis or gaussian.gaussian_of(x),
    o.degree == 1 and 0 or o.directions)
  local matrix <const>, right <const> = summed(basis, x, targets_of(network, x):detach())
  return basis:polynomial(features.equations(matrix):solve(right))
end

return features
