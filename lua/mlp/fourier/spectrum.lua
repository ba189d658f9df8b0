--- Rows of weights in the Fourier basis: w[j] = mean + sum over k of magnitude cos(w_k j + phase).
--- Nothing is lost: the coefficients are an orthonormal turn of the row.

local core <const> = require "mlp.core"
local cosines <const> = require "mlp.fourier.cosines"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"

local CALL <const> = "fourier.spectrum"

---@class mlp.fourier.Spectrum
---@field p integer the modulus
---@field K integer how many frequencies there are, p // 2
---@field coefficients mlp.Tensor float64 (M, p) in the order of `fourier.basis`
---@field power mlp.Tensor float64 (M, K) energy of each frequency
---@field magnitude mlp.Tensor float64 (M, K) amplitudes of the cosines
---@field phase mlp.Tensor float64 (M, K) radians
local Spectrum = { __name = "mlp.fourier.Spectrum" }
Spectrum.__index = Spectrum

--- Cosine and sine coefficients of all frequencies, (M, K) each.
local function halves(coefficients, p)
  local K <const> = p // 2
  local cosine <const> = coefficients[{ {}, { 2, 2 * K, 2 } }]
  if p % 2 == 1 then return cosine, coefficients[{ {}, { 3, p, 2 } }] end
  local zero <const> = core.zeros(#coefficients, 1, { dtype = "float64" })
  return cosine, core.cat({ coefficients[{ {}, { 3, p - 1, 2 } }], zero }, 2)
end

--- Takes rows of weights apart into cosines.
---@param weights mlp.Tensor floats (M, p); of an output layer (p, M) pass weights:t()
---@return mlp.fourier.Spectrum
local function spectrum(weights)
  if not core.is_tensor(weights) or weights.ndim ~= 2 or not weights.dtype:match "^float" then
    errors.wanted(CALL, "weights", weights, "a tensor (neurons, p) of floats")
  end
  local p <const> = modulus.want(CALL, weights:size(2))
  local coefficients <const> = weights:detach():to("float64"):matmul(modulus.rows(p):t())
  local cosine <const>, sine <const> = halves(coefficients, p)
  local power <const> = cosine:square() + sine:square()
  return setmetatable({
    p = p, K = p // 2, coefficients = coefficients, power = power,
    magnitude = power:sqrt() * modulus.scales(p),
    phase = (-sine):atan2(cosine),
  }, Spectrum)
end

--- The frequency of the largest magnitude in each row.
---@return mlp.Tensor frequency int64 (M)
function Spectrum:dominant() return self.power:argmax(2) end

--- Entries (M, K) at one frequency per row.
local function picked(table_of, frequency)
  return table_of:gather(2, frequency:unsqueeze(2)):squeeze(2)
end

--- Amplitude and phase at one frequency in each row.
---@param frequency mlp.Tensor int64 (M)
---@return mlp.Tensor magnitude (M)
---@return mlp.Tensor phase (M)
function Spectrum:at(frequency)
  return picked(self.magnitude, frequency), picked(self.phase, frequency)
end

--- The share of each row's energy that lies at one frequency; the constant part counts as other.
---@param frequency mlp.Tensor int64 (M)
---@return mlp.Tensor share (M) from 0 to 1
function Spectrum:energy(frequency)
  return picked(self.power, frequency) / self.coefficients:square():sum(2)
end

--- The same rows with one cosine each, the least-squares fit of that frequency, and what it leaves.
---@param frequency mlp.Tensor int64 (M)
---@return mlp.Tensor fit float64 (M, p)
---@return mlp.Tensor residual (M) length of what is left over that of the row
function Spectrum:fit(frequency)
  local mask <const> = frequency:one_hot(self.K):to "float64"
  local fit <const> = cosines(self.p, self.magnitude * mask, self.phase)
  local rows <const> = self:weights()
  return fit, (rows - fit):norm(2) / rows:norm(2)
end

--- The rows themselves.
---@return mlp.Tensor weights float64 (M, p)
function Spectrum:weights() return self.coefficients:matmul(modulus.rows(self.p)) end

--- Inverse participation ratio of each row, from 1 / n (spread evenly) to 1 (all in one place). Two
--- definitions are in use. "frequency": over the energy A_k^2 of each frequency, sum A^4 /
--- (sum A^2)^2; a cosine has 1. "coefficient": over every real coefficient by itself,
--- ||c||_4^4 / ||c||_2^4; a cosine of phase phi has cos(phi)^4 + sin(phi)^4, 3/4 on average.
---@param form "frequency"|"coefficient"|nil default "frequency"
---@return mlp.Tensor ratio (M)
function Spectrum:ipr(form)
  if form ~= nil and form ~= "frequency" and form ~= "coefficient" then
    errors.wanted("Spectrum:ipr", "form", form, '"frequency" or "coefficient"')
  end
  local energy <const> = form == "coefficient" and self.coefficients:square() or self.power
  return energy:square():sum(2) / energy:sum(2):square()
end

return spectrum
