--- What a fully diversified network computes: a flawed indicator of the sum.

local modulus <const> = require "mlp.fourier.modulus"

--- Logits of a network of N neurons per frequency, z^2, phases spread evenly, unit amplitudes
--- (He et al. 2026, Proposition 1; indices modulo p):
---
---     f(x, y)[j] = N/2 (-1 + p/2 [x + y = j] + p/4 ([2x = j] + [2y = j]))
---
--- Amplitudes multiply it by alpha^2 beta. The right answer leads by N p / 8, so softmax gives it
--- at least 1 - (p - 1) exp(-N p / 8).
---@param pairs mlp.fourier.Pairs
---@param N integer neurons per frequency
---@return mlp.Tensor logits float64 (pairs, p)
local function indicator(pairs, N)
  local p <const> = modulus.want("fourier.indicator", pairs.p)
  local function at(residue) return (residue:remainder(p) + 1):one_hot(p):to "float64" end
  local peaks <const> = at(pairs.x + pairs.y) * (p / 2)
    + (at(2 * pairs.x) + at(2 * pairs.y)) * (p / 4)
  return (peaks - 1) * (N / 2)
end

return indicator
