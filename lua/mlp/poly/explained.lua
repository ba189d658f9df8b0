--- How much of a network's variance a polynomial explains, without a sample. Under one normal
--- distribution the parts of different degree are orthogonal, so the variances of the degrees add
--- up to that of the network:
---
---     Var f_o = sum over n of V_n,   V_n = sum over units i, j of U_oi U_oj <T_i, T_j> / n!
---
--- where T_i is the n-th mean derivative of unit i and < , > contracts each index with Sigma. For
--- plain units <T_i, T_j> = c_n,i c_n,j rho_ij^n, rho the correlation of the pre-activations.

local core <const> = require "mlp.core"
local fit <const> = require "mlp.poly.fit"
local hermite_fit <const> = require "mlp.poly.hermite_fit"
local mixture_fit <const> = require "mlp.poly.mixture_fit"
local moments <const> = require "mlp.poly.moments"
local quadrature <const> = require "mlp.poly.quadrature"
local units <const> = require "mlp.poly.units"

local explained = {}

--- How many degrees are summed for the variance of all of them.
local ALL <const> = 64

-- ---- kernels: what two units share, degree by degree --------------------------------------------

--- The correlations that all degrees are made of. rho of w_i and w_j; of gated units also those of
--- w_i / s_i and of the rest r_j of the values (see mlp.poly.hermite_fit).
local function correlations(u, gaussian, e)
  local s <const> = e.deviation
  local ws <const> = e.cross / s:unsqueeze(2) -- rows w_i Sigma / s_i
  local result <const> = { rho = ws:matmul(u.weight:t()) / s }
  if e.gate then
    local V <const> = u.value.weight
    local ks <const> = e.kappa * s
    result.to_rest = ws:matmul(V:t()) - result.rho * ks -- <w_i / s_i, r_j>
    local values <const> = gaussian:cover(V):matmul(V:t())
    result.rests = values - ks:unsqueeze(2) * result.rho * ks
      - ks:unsqueeze(2) * result.to_rest - (ks:unsqueeze(2) * result.to_rest):t()
  end
  return result
end

local function outer(a, b) return a:unsqueeze(2) * b end

--- <T_i, T_j> / n! of gated units: T = c_n w^n + n c_(n-1) sym(w^(n-1) r), where a symmetrised
--- product of n vectors meets another in all n! ways, so that
--- n^2 <sym(w^(n-1) r), sym(w^(n-1) r)> = n rho^(n-1) <r, r> + n (n - 1) rho^(n-2) <w, r> <r, w>.
local function gated_kernel(e, k, n, power)
  local scale <const> = 1 / math.sqrt(power.factorial)
  local own <const>, gate <const> = e.own[n] * scale, e.gate[n - 1] * scale
  local mixed <const> = outer(own, gate) * power.before * k.to_rest * n
  local both = power.before * k.rests * n
  if n > 1 then both = both + power.twice_before * k.to_rest * k.to_rest:t() * (n * (n - 1)) end
  return outer(own, own) * power.rho + mixed + mixed:t() + outer(gate, gate) * both
end

--- The kernels (H, H) of degrees 1 to `order`, one after the other.
local function kernels(e, k, order)
  local power <const> = { rho = core.public.ones_like(k.rho), factorial = 1.0 }
  local n = 0
  return function()
    n = n + 1
    if n > order then return nil end
    power.twice_before, power.before = power.before, power.rho
    power.rho, power.factorial = power.rho * k.rho, power.factorial * n
    if e.gate then return n, gated_kernel(e, k, n, power) end
    local own <const> = e.own[n] / math.sqrt(power.factorial)
    return n, outer(own, own) * power.rho
  end
end

--- U_o K U_o' for each output.
local function quadratic(U, kernel) return (U:matmul(kernel) * U):sum(2) end

-- ---- the variance of everything -----------------------------------------------------------------

--- Var h_i of each unit: one integral.
local function unit_variances(u, e, k)
  local residual <const> = e.gate and k.rests:diagonal() -- Var r
  local square <const> = moments.expectation(u.activation, e.mean, e.deviation, function(y, z)
    local h <const> = u.activation.run(y):square()
    if not e.gate then return h end
    local value <const> = e.value_mean:unsqueeze(2) + (e.kappa * e.deviation):unsqueeze(2) * z
    return h * (value:square() + residual:unsqueeze(2))
  end)
  return (square - e.own[0]:square()):maximum(0)
end

--- Cov(relu(y_i), relu(y_j)) exactly. By Price's theorem its second derivative in the correlation t
--- is the density of the pair, so with h = m / s it is s_i s_j times
---     rho Phi(h_i) Phi(h_j) + integral over t from 0 to rho of (rho - t) phi_2(h_i, h_j; t),
--- which t = sin(theta) makes smooth.
local function relu_covariance(h, s, rho)
  local nodes <const>, weights <const> = quadrature.legendre(64)
  local top <const> = rho:clamp(-1, 1):asin() / 2
  local below <const> = moments.below(h)
  -- h_i^2 + h_j^2 - 2 h_i h_j t as (h_i - h_j)^2 + 2 h_i h_j (1 - t): exact as t nears 1
  local squares <const>, product <const> = (h:unsqueeze(2) - h):square(), outer(h, h)
  local sum = rho * outer(below, below)
  for q = 1, #nodes do
    local theta <const> = top * (nodes:get(q) + 1)
    local sine <const>, cosine <const> = theta:sin(), theta:cos():square():maximum(1e-300)
    local exponent <const> = squares / cosine / 2 + product / (sine + 1)
    sum = sum + (rho - sine) * (-exponent):exp() * top * (weights:get(q) / (2 * math.pi))
  end
  return sum * outer(s, s)
end

--- All covariances of piecewise linear units s(y) = p y + q relu(y); Cov(y_i, relu(y_j)) is
--- Sigma_ij Phi(h_j).
local function line_covariance(lines, e, rho)
  local p <const>, q <const> = lines[1], lines[2]
  local s <const>, h <const> = e.deviation, e.mean / e.deviation
  local own <const>, below <const> = rho * outer(s, s), moments.below(h)
  local sum = own * p ^ 2 + own * (below:unsqueeze(2) + below) * (p * q)
  if q ~= 0 then sum = sum + relu_covariance(h, s, rho) * q ^ 2 end
  return sum
end

--- What the degrees beyond the last may add between different units: at most |rho|^N times the
--- variances they leave over, and of gated units N |rho|^(N - 2) times.
local function remainder(u, e, k, left)
  local spread <const> = left:maximum(0):sqrt()
  local rho <const> = k.rho:abs():clamp(0, 1)
  local decay <const> = e.gate and (rho:pow(ALL - 1) * (ALL + 1)):minimum(1) or rho:pow(ALL + 1)
  local apart <const> = decay * outer(spread, spread) * (1 - core.eye(#left, { dtype = "float64" }))
  return quadratic(u.output.weight:abs(), apart)
end

--- The variance of each output, and how far it may be off.
local function computed_total(u, e, k)
  local U <const> = u.output.weight
  if u.activation.lines and not e.gate then
    local exact <const> = quadratic(U, line_covariance(u.activation.lines, e, k.rho))
    return exact, core.public.zeros_like(exact)
  end
  local sum = core.zeros(#e.own[0], #e.own[0], { dtype = "float64" })
  for _, kernel in kernels(e, k, ALL) do sum = sum + kernel end
  local left <const> = unit_variances(u, e, k) - sum:diagonal()
  return quadratic(U, sum) + U:square():matmul(left), remainder(u, e, k, left)
end

--- Totals by units and distribution: they are the same for every degree.
local totals <const> = setmetatable({}, { __mode = "k" })

local function total_of(u, gaussian, e, k)
  totals[u] = totals[u] or setmetatable({}, { __mode = "k" })
  local known <const> = totals[u]
  if not known[gaussian] then known[gaussian] = { computed_total(u, e, k) } end
  return table.unpack(known[gaussian])
end

-- ---- the public face ----------------------------------------------------------------------------

---@class mlp.poly.Explained
---@field total mlp.Tensor (O) the variance of each output of the network
---@field explained mlp.Tensor (O) that of the best polynomial
---@field degrees mlp.Tensor[]? (O) what each degree adds; under one normal distribution
---@field r2 number the explained share of the variance of all outputs together
---@field bound mlp.Tensor (O) how far `total` may be off: 0 where it is in closed form (piecewise
---  linear units), else what degrees above 64 can add at most

local function under_gaussian(u, gaussian, degree)
  local e <const> = hermite_fit.expand(u, gaussian, math.max(ALL, degree))
  local k <const> = correlations(u, gaussian, e)
  local degrees <const>, U <const> = {}, u.output.weight
  local sum = core.zeros(#U, { dtype = "float64" })
  for n, kernel in kernels(e, k, degree) do
    degrees[n] = quadratic(U, kernel)
    sum = sum + degrees[n]
  end
  local total <const>, bound <const> = total_of(u, gaussian, e, k)
  return { total = total, bound = bound, degrees = degrees, explained = sum, mean = e.own[0] }
end

--- Under a mixture: the variance of beta phi; the network's is the mean of the components' and that
--- of their means.
local function under_mixture(u, mixture, directions)
  local beta <const>, system <const> = mixture_fit.solve(u, mixture, directions)
  local M <const> = system.equations.matrix
  local mean <const> = M[1]:matmul(beta)
  local bound
  local total <const> = mixture:average(function(part)
    local one <const> = under_gaussian(u, part, 1)
    bound = bound and bound:maximum(one.bound) or one.bound
    local off <const> = u.output.weight:matmul(one.mean) + u.output.bias - mean
    return one.total + off:square()
  end)
  local sum <const> = (M:matmul(beta) * beta):sum(1) - mean:square()
  return { total = total, bound = bound, explained = sum }
end

--- The variance of a network's outputs, and what the best polynomial of a degree explains of it,
--- when the input has the given distribution: exactly, not from a sample. Piecewise linear units
--- (relu, leaky_relu, abs, identity) in closed form; others from their first 64 degrees, with a
--- bound of the rest.
---@param network mlp.nn.Module|table as mlp.poly.units reads it
---@param distribution mlp.poly.Gaussian|mlp.poly.Mixture
---@param options {degree: integer?, directions: integer?}? as for mlp.poly.fit
---@return mlp.poly.Explained
function explained.explained(network, distribution, options)
  local o <const>, mixed <const> = fit.asked("poly.explained", distribution, options)
  local u <const> = units.units(network)
  local result <const> = mixed and under_mixture(u, distribution, o.directions)
    or under_gaussian(u, distribution, o.degree)
  result.mean = nil
  result.r2 = result.explained:sum():item() / result.total:sum():item()
  return result
end

return explained
