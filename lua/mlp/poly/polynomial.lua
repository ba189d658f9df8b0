--- A polynomial of several outputs about a centre, d = x - centre:
---
---     g(x) = constant + linear d + sum over terms of coefficient prod_j (l_j d)
---
--- A term is homogeneous: `coefficient` (O, R) times the products of R rows of its factors l_j
--- (R, D), one factor for each power. So the square of a hidden unit is one row, not D^2 numbers.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local linalg <const> = require "mlp.linalg"

---@class mlp.poly.Term
---@field coefficient mlp.Tensor (O, R)
---@field factors mlp.Tensor[] (R, D) each

---@class mlp.poly.Polynomial
---@field centre mlp.Tensor (D)
---@field constant mlp.Tensor (O)
---@field linear mlp.Tensor (O, D)
---@field terms mlp.poly.Term[]
---@field degree integer
---@field mean mlp.Tensor? (O) what a fit expects of the network, and so of itself
---@field directions integer? in how many directions a fit is quadratic; nil: in all
---@overload fun(x: mlp.Tensor): mlp.Tensor
local Polynomial = { __name = "mlp.poly.Polynomial" }
Polynomial.__index = Polynomial

--- The parts as a polynomial.
---@param parts table the fields
---@return mlp.poly.Polynomial
---@package
function Polynomial.new(parts)
  parts.terms = parts.terms or {}
  parts.degree = 1
  for _, term in ipairs(parts.terms) do parts.degree = math.max(parts.degree, #term.factors) end
  parts.cast = setmetatable({}, { __mode = "v" })
  return setmetatable(parts, Polynomial)
end

--- The same polynomial in another dtype.
---@param dtype "float32"|"float64"
---@return mlp.poly.Polynomial
function Polynomial:to(dtype)
  if self.constant.dtype == dtype then return self end
  local terms <const>, seen <const> = {}, {}
  local function of(tensor)
    seen[tensor] = seen[tensor] or tensor:to(dtype)
    return seen[tensor]
  end
  for i, term in ipairs(self.terms) do
    terms[i] = { coefficient = of(term.coefficient), factors = {} }
    for j, factor in ipairs(term.factors) do terms[i].factors[j] = of(factor) end
  end
  return Polynomial.new { centre = of(self.centre), constant = of(self.constant),
    linear = of(self.linear), terms = terms, mean = self.mean and of(self.mean),
    directions = self.directions }
end

--- p(x): the values at rows x (..., D); differentiable in x.
---@param x mlp.Tensor (..., D) float32 or float64; the answer is of this dtype
---@return mlp.Tensor (..., O)
function Polynomial:__call(x)
  local D <const> = self.centre:numel()
  if not core.is_tensor(x) or x.ndim < 1 or x:size(-1) ~= D or not x.dtype:find "^float" then
    errors.wanted("poly.Polynomial", "x", x, ("a float tensor (..., %d)"):format(D))
  end
  local p <const> = self.cast[x.dtype] or self:to(x.dtype)
  self.cast[x.dtype] = p
  local d <const>, along <const> = x - p.centre, {}
  local y = core.linear(d, p.linear, p.constant)
  for _, term in ipairs(p.terms) do
    local product
    for _, factor in ipairs(term.factors) do
      along[factor] = along[factor] or core.linear(d, factor)
      product = product and product * along[factor] or along[factor]
    end
    y = y + core.linear(product, term.coefficient)
  end
  return y
end

local function want_output(call, self, output)
  local O <const> = self.constant:numel()
  if math.type(output) ~= "integer" or output < 1 or output > O then
    errors.wanted(call, "output", output, ("a whole number from 1 to %d"):format(O))
  end
end

--- The matrix of an output's quadratic form, Gamma in d' Gamma d: half of the second derivative at
--- the centre. Of a polynomial of degree 2 this is its whole quadratic part.
---@param output integer which one, from 1
---@return mlp.Tensor gamma (D, D), symmetric
function Polynomial:form(output)
  want_output("poly.Polynomial:form", self, output)
  local D <const> = self.centre:numel()
  local sum = core.zeros(D, D, { dtype = self.constant.dtype })
  for _, term in ipairs(self.terms) do
    if #term.factors == 2 then
      local a <const>, b <const> = term.factors[1], term.factors[2]
      local product <const> = (a * term.coefficient[output]:unsqueeze(2)):t():matmul(b)
      sum = sum + (product + product:t()) / 2
    end
  end
  return sum
end

--- The directions in which an output is most curved: eigenvalues and -vectors of form(output).
---@param output integer which one, from 1
---@return mlp.Tensor values (D), ascending
---@return mlp.Tensor vectors (D, D), one column each
function Polynomial:eigen(output) return linalg.eigh(self:form(output)) end

--- The linear part by importance: linear = U diag(s) V', k = min(O, D). Row i of V' is a pattern of
--- inputs, column i of U what it does to the outputs.
---@return mlp.Tensor u (O, k)
---@return mlp.Tensor s (k), descending
---@return mlp.Tensor vh (k, D)
function Polynomial:svd() return linalg.svd(self.linear) end

--- What remains of a term when the factors of `kept` stay and the others take their value `at` (R).
local function restricted(term, at, kept)
  local coefficient, factors = term.coefficient, {}
  for j, factor in ipairs(term.factors) do
    if kept >> (j - 1) & 1 == 1 then
      factors[#factors + 1] = factor
    else
      coefficient = coefficient * at[factor]
    end
  end
  return coefficient, factors
end

--- The same polynomial written about another point: about() is about the origin, where `constant`,
--- `linear` and `form` are the coefficients of 1, x and x x'.
---@param point mlp.Tensor? (D); default the origin
---@return mlp.poly.Polynomial
function Polynomial:about(point)
  local shift <const> = point and point:to(self.centre.dtype) - self.centre or -self.centre
  local constant, linear = self.constant + self.linear:matmul(shift), self.linear
  local terms <const>, at <const> = {}, {}
  for _, term in ipairs(self.terms) do
    for _, factor in ipairs(term.factors) do at[factor] = at[factor] or factor:matmul(shift) end
    for kept = 0, (1 << #term.factors) - 1 do
      local coefficient <const>, factors <const> = restricted(term, at, kept)
      if #factors == 0 then
        constant = constant + coefficient:sum(2)
      elseif #factors == 1 then
        linear = linear + coefficient:matmul(factors[1])
      else
        terms[#terms + 1] = { coefficient = coefficient, factors = factors }
      end
    end
  end
  return Polynomial.new { centre = self.centre + shift, constant = constant, linear = linear,
    terms = terms, mean = self.mean, directions = self.directions }
end

function Polynomial:__tostring()
  return ("Polynomial(degree %d, %d inputs, %d outputs)"):format(self.degree, self.centre:numel(),
    self.constant:numel())
end

return Polynomial
