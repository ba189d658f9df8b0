--- The real Fourier basis of Z_p, orthonormal: the constant 1 / sqrt(p); for every frequency k a
--- cosine and a sine of amplitude sqrt(2 / p); for even p last the alternating +-1 / sqrt(p), whose
--- frequency p / 2 has no sine.

local modulus <const> = require "mlp.fourier.modulus"

--- The real Fourier basis of Z_p, an orthonormal matrix: row 1 is constant, rows 2k and 2k + 1 are
--- cos(w_k j) and sin(w_k j) for j = 0 to p - 1, scaled. Coefficients of the rows of w (M, p) are
--- w:matmul(basis:t()), and w is coefficients:matmul(basis).
---@param p integer the modulus, from 3
---@return mlp.Tensor basis float64 (p, p)
local function basis(p) return modulus.rows(modulus.want("fourier.basis", p)):clone() end

return basis
