--- From amplitudes and phases to weights: the inverse of `spectrum`.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"

local CALL <const> = "fourier.cosines"

local function want_table(what, x, shape)
  if not core.is_tensor(x) or x.ndim ~= 2 or not x.dtype:match "^float" then
    errors.wanted(CALL, what, x, "a tensor (neurons, frequencies) of floats")
  elseif shape and errors.shape(x) ~= shape then
    errors.raise("%s: %s is %s but the magnitudes are %s", CALL, what, errors.shape(x), shape)
  end
  return x:detach():to "float64"
end

--- Rows of cosines: weights[m][j] = sum over k of magnitude[m][k] cos(w_k j + phase[m][k]), what
--- `spectrum` takes apart.
---@param p integer the modulus
---@param magnitude mlp.Tensor (M, K) amplitudes, K = p // 2
---@param phase mlp.Tensor (M, K) radians
---@return mlp.Tensor weights float64 (M, p)
local function cosines(p, magnitude, phase)
  modulus.want(CALL, p)
  magnitude = want_table("magnitude", magnitude)
  phase = want_table("phase", phase, errors.shape(magnitude))
  if magnitude:size(2) ~= p // 2 then
    errors.raise("%s: %d frequencies came but p = %d has %d", CALL, magnitude:size(2), p, p // 2)
  end
  local amplitude <const>, rows <const> = magnitude / modulus.scales(p), modulus.rows(p)
  local sines <const> = { {}, { 1, (p - 1) // 2 } } -- the frequency p / 2 of an even p has none
  return (amplitude * phase:cos()):matmul(rows[{ { 2, -1, 2 } }])
    - (amplitude * phase:sin())[sines]:matmul(rows[{ { 3, -1, 2 } }])
end

return cosines
