--- The nearest polynomial under a mixture of normals. Hermite polynomials of one component are not
--- orthogonal under another, so the normal equations M beta = r of mlp.poly.features are solved;
--- but both sides are known exactly. Under a component, u is normal with mean delta and covariance
--- S, and by Stein's lemma its products with f follow from the component's own averaged Taylor
--- polynomial.

local core <const> = require "mlp.core"
local features <const> = require "mlp.poly.features"
local hermite_fit <const> = require "mlp.poly.hermite_fit"

local mixture_fit = {}

-- ---- the left side ------------------------------------------------------------------------------

--- Mean and covariance of u under a component.
local function seen(basis, part)
  local cross <const> = part:cover(basis.rows) -- P Sigma (R, D)
  return basis.rows:matmul(part.mean - basis.centre), cross:matmul(basis.rows:t()), cross
end

--- The products of two factors picked from a vector.
local function picked(basis, vector)
  return vector:index_select(1, basis.left) * vector:index_select(1, basis.right)
end

--- b S for the products' gradients b = delta_i e_j + delta_j e_i; a matrix by rows of products.
local function sloped(basis, delta, S)
  local i <const>, j <const> = basis.left, basis.right
  return delta:index_select(1, i):unsqueeze(2) * S:index_select(1, j)
    + delta:index_select(1, j):unsqueeze(2) * S:index_select(1, i)
end

--- E of the products u_i u_j: S_ij + delta_i delta_j.
local function product_means(basis, delta, S)
  return S:index_select(1, basis.left):gather(2, basis.right:unsqueeze(2)):reshape(-1)
    + picked(basis, delta)
end

--- E[phi phi'] under a component: the covariance of phi and the product of its mean with itself. By
--- Isserlis the products' own covariance is S_ik S_jl + S_il S_jk, and their slope adds b S b'.
local function second_moments(basis, delta, S)
  local i <const>, j <const> = basis.left, basis.right
  local mean <const> = core.cat { core.ones(1, { dtype = "float64" }), delta,
    product_means(basis, delta, S) }
  local bS <const> = sloped(basis, delta, S) -- (P, R), the covariance of products and u
  local Si <const>, Sj <const> = S:index_select(1, i), S:index_select(1, j)
  local own <const> = Si:index_select(2, i) * Sj:index_select(2, j)
    + Si:index_select(2, j) * Sj:index_select(2, i) + sloped(basis, delta, bS:t())
  local covariance <const> = core.cat({ core.cat({ S, bS:t() }, 2), core.cat({ bS, own }, 2) }, 1)
  local F <const> = #mean
  local moments <const> = mean:unsqueeze(2) * mean
  moments:slice(1, 2, F):slice(2, 2, F):add_(covariance)
  return moments
end

--- One set of equations for each distribution and number of directions: many networks may follow.
local known <const> = setmetatable({}, { __mode = "k" })

---@class mlp.poly.MixtureEquations
---@field basis mlp.poly.Features
---@field equations mlp.poly.Equations

---@param mixture mlp.poly.Mixture
---@param directions integer
---@return mlp.poly.MixtureEquations
local function equations_of(mixture, directions)
  known[mixture] = known[mixture] or {}
  local kept <const> = known[mixture]
  if not kept[directions] then
    local basis <const> = features.of(mixture, directions)
    local matrix <const> = mixture:average(function(part)
      local delta <const>, S <const> = seen(basis, part)
      return second_moments(basis, delta, S)
    end)
    kept[directions] = { basis = basis, equations = features.equations(matrix) }
  end
  return kept[directions]
end

-- ---- the right side -----------------------------------------------------------------------------

--- C H_o C' at the products' positions, for all outputs: (P, O).
local function curved(basis, cross, terms, O)
  local sum = core.zeros(#basis.left, O, { dtype = "float64" })
  for _, term in ipairs(terms) do
    local a <const> = cross:matmul(term.factors[1]:t())
    local b <const> = cross:matmul(term.factors[2]:t())
    local i <const>, j <const> = basis.left, basis.right
    local both <const> = a:index_select(1, i) * b:index_select(1, j)
      + b:index_select(1, i) * a:index_select(1, j)
    sum = sum + both:matmul(term.coefficient:t())
  end
  return sum
end

--- E[phi f] under a component, from its averaged Taylor polynomial g: E f, and with C = P Sigma
--- E[(u - delta) f] = C J',  E[(u - delta)(u - delta)' f_o] = S E f_o + C H_o C'.
local function projections(basis, u, part)
  local delta <const>, S <const>, cross <const> = seen(basis, part)
  local g <const> = hermite_fit.fit(u, part, 2)
  local mean <const> = g.mean:unsqueeze(1) -- (1, O)
  local slope <const> = cross:matmul(g.linear:t()) -- (R, O)
  local products <const> = product_means(basis, delta, S):unsqueeze(2) * mean
    + curved(basis, cross, g.terms, #g.constant) + sloped(basis, delta, slope)
  return core.cat({ mean, slope + delta:unsqueeze(2) * mean, products }, 1)
end

--- beta (F, O) under a mixture, with the features and the equations that it solves.
---@param u mlp.poly.Units
---@param mixture mlp.poly.Mixture
---@param directions integer
---@return mlp.Tensor beta (F, O)
---@return mlp.poly.MixtureEquations
---@package
function mixture_fit.solve(u, mixture, directions)
  local system <const> = equations_of(mixture, directions)
  local right <const> = mixture:average(function(part)
    return projections(system.basis, u, part)
  end)
  return system.equations:solve(right), system
end

--- The best polynomial that is linear in all inputs and quadratic in `directions` of them.
---@param u mlp.poly.Units
---@param mixture mlp.poly.Mixture
---@param directions integer 0: linear
---@return mlp.poly.Polynomial
---@package
function mixture_fit.fit(u, mixture, directions)
  local beta <const>, system <const> = mixture_fit.solve(u, mixture, directions)
  local p <const> = system.basis:polynomial(beta)
  p.mean = system.equations.matrix[1]:matmul(beta)
  return p
end

return mixture_fit
