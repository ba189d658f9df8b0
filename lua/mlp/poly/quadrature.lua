--- Integrals under the normal density as weighted sums: E g(Z) = sum of weight g(node).
---
--- Where g is analytic the trapezoid rule errs by about e^(-2 pi d / h), d the distance of its
--- nearest singularity from the real axis and h the step: no rule of Gauss does as well with so
--- little thought. Where g has kinks the line is cut there, and each piece has a rule of Gauss and
--- Legendre.

local core <const> = require "mlp.core"
local linalg <const> = require "mlp.linalg"

local quadrature = {}

local DOUBLE <const> = { dtype = "float64" }

--- Beyond 12 deviations lies less than 1e-32 of the normal density; what grows at most like
--- e^(z^2 / 4), as He_n / sqrt(n!) does, has e^-36 there.
local REACH <const> = 12
local FINEST <const> = 2e-3

local function density(z) return (z:square() * -0.5):exp() / math.sqrt(2 * math.pi) end

--- The trapezoid rule for functions of the pre-activation m + s Z that are analytic within `width`
--- of the real axis; 0.15 resolves He_64.
---@param s number the largest deviation
---@param width number in units of the pre-activation
---@return mlp.Tensor nodes (Q)
---@return mlp.Tensor weights (Q)
function quadrature.trapezoid(s, width)
  local step <const> = math.max(math.min(0.15, width / (6 * math.max(s, 1e-9))), FINEST)
  local half <const> = math.ceil(REACH / step)
  local z <const> = core.arange(-half, half, DOUBLE) * step
  return z, density(z) * step
end

--- The rule of Gauss and Legendre on [-1, 1], from the eigenvectors of its Jacobi matrix (Golub and
--- Welsch 1969).
---@param n integer how many nodes
---@return mlp.Tensor nodes (n), ascending
---@return mlp.Tensor weights (n)
function quadrature.legendre(n)
  local k <const> = core.arange(1, n - 1, DOUBLE)
  local beside <const> = k / (4 * k:square() - 1):sqrt()
  local jacobi <const> = core.zeros(n, n, DOUBLE)
  jacobi:diagonal(1):copy_(beside)
  jacobi:diagonal(-1):copy_(beside)
  local nodes <const>, vectors <const> = linalg.eigh(jacobi)
  return nodes, 2 * vectors:select(1, 1):square()
end

local NODES <const> = 96

--- For functions with kinks at these z: nodes on all pieces between them, for each unit its own.
---@param cuts mlp.Tensor[] (H) each, ascending
---@return mlp.Tensor nodes (H, Q)
---@return mlp.Tensor weights (H, Q)
function quadrature.cut(cuts)
  local t <const>, weight <const> = quadrature.legendre(NODES)
  local nodes <const>, weights <const> = {}, {}
  local from = core.full({ #cuts[1], 1 }, -REACH, DOUBLE)
  for i = 1, #cuts + 1 do
    local to <const> = cuts[i] and cuts[i]:clamp(-REACH, REACH):unsqueeze(2)
      or core.full({ #cuts[1], 1 }, REACH, DOUBLE)
    local half <const> = (to - from) / 2 -- of the piece's length
    nodes[i], weights[i] = half * (t + 1) + from, half * weight
    from = to
  end
  local z <const> = core.cat(nodes, 2)
  return z, core.cat(weights, 2) * density(z)
end

return quadrature
