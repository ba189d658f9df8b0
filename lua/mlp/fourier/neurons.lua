--- What each neuron of a network does: one frequency, and at it an amplitude and a phase of the
--- input and of the output; then what the neurons are together: aligned, balanced, symmetric.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local harmonic <const> = require "mlp.fourier.harmonic"
local spectrum <const> = require "mlp.fourier.spectrum"
local wrap <const> = require "mlp.fourier.wrap"

local CALL <const> = "fourier.neurons"

---@class mlp.fourier.Neurons
---@field p integer
---@field K integer frequencies
---@field input mlp.fourier.Spectrum of theta, a row per neuron
---@field output mlp.fourier.Spectrum of xi, a row per neuron
---@field frequency mlp.Tensor int64 (M): k*, where the input is largest
---@field alpha mlp.Tensor (M) amplitude of the input at k*
---@field phi mlp.Tensor (M) its phase
---@field beta mlp.Tensor (M) amplitude of the output at k*
---@field psi mlp.Tensor (M) its phase
---@field misalignment mlp.Tensor (M) D at k*, in [-pi, pi)
local Neurons = { __name = "mlp.fourier.Neurons" }
Neurons.__index = Neurons

--- Reads the neurons of a network. The spectra are of the weights as they are now, copied.
---@param network mlp.fourier.Network|{input: mlp.Tensor, output: mlp.Tensor} theta (M, p) and
---  xi (p, M)
---@return mlp.fourier.Neurons
local function neurons(network)
  if type(network) ~= "table" or not (core.is_tensor(network.input)
    and core.is_tensor(network.output)) then
    errors.wanted(CALL, "network", network,
      "a fourier.Network, or {input = (M, p), output = (p, M)}")
  end
  local input <const> = spectrum(network.input)
  if network.output.ndim ~= 2 or network.output:size(1) ~= input.p
    or network.output:size(2) ~= #network.input then
    errors.raise("%s: output is %s but input %s wants (%d, %d)", CALL, errors.shape(network.output),
      errors.shape(network.input), input.p, #network.input)
  end
  local output <const> = spectrum(network.output:detach():t())
  local frequency <const> = input:dominant()
  local alpha <const>, phi <const> = input:at(frequency)
  local beta <const>, psi <const> = output:at(frequency)
  return setmetatable({
    p = input.p, K = input.K, input = input, output = output, frequency = frequency,
    alpha = alpha, phi = phi, beta = beta, psi = psi, misalignment = wrap(2 * phi - psi),
  }, Neurons)
end

--- D of every neuron and frequency.
---@return mlp.Tensor misalignment (M, K) in [-pi, pi)
function Neurons:misalignments() return wrap(2 * self.input.phase - self.output.phase) end

--- Mean of |sin D| at k*: 0 where psi = 2 phi holds, 0.64 for phases at random.
---@return number
function Neurons:progress() return self.misalignment:sin():abs():mean():item() end

--- The share of neurons with |D| below a limit.
---@param limit number? radians, default 0.3
---@return number
function Neurons:aligned(limit)
  return self.misalignment:abs():lt(limit or 0.3):to("float64"):mean():item()
end

--- Inverse participation ratio, mean over neurons and both layers; see Spectrum:ipr.
---@param form "frequency"|"coefficient"|nil default "frequency"
---@return number
function Neurons:ipr(form)
  return (self.input:ipr(form):mean():item() + self.output:ipr(form):mean():item()) / 2
end

--- Mean share of the energy at k*.
---@return number input
---@return number output
function Neurons:energy()
  return self.input:energy(self.frequency):mean():item(),
    self.output:energy(self.frequency):mean():item()
end

--- Frequency balance: how many neurons each frequency has.
---@return mlp.Tensor count int64 (K)
function Neurons:counts() return self.frequency:one_hot(self.K):to("int64"):sum(1) end

--- Phase symmetry of each frequency's group of neurons: |sum of exp(i iota phi)| / size. Noise of a
--- group cancels where it is 0 for iota = 2 and 4 (He et al. 2026, Observation 3).
---@param iota integer 1, 2, ...
---@return mlp.Tensor resultant (K) from 0 to 1; NaN for a frequency without neurons
function Neurons:symmetry(iota)
  local group <const> = self.frequency:one_hot(self.K):to("float64"):t()
  local angle <const> = iota * self.phi
  local x <const>, y <const> = group:matmul(angle:cos()), group:matmul(angle:sin())
  return (x:square() + y:square()):sqrt() / group:sum(2)
end

--- The mean of symmetry(iota) over the frequencies that have neurons.
---@param iota integer
---@return number
function Neurons:asymmetry(iota)
  local all <const> = self:symmetry(iota)
  return all[all:isfinite()]:mean():item()
end

--- Amplitudes at a harmonic of k* over those at k*: what leaks from the frequency of each neuron.
---@param r integer 2, 3, ...: the harmonic r k*, folded into the frequencies of Z_p
---@return mlp.Tensor input (M) NaN where the harmonic is the constant
---@return mlp.Tensor output (M)
function Neurons:leakage(r)
  local place <const> = harmonic(self.frequency, r, self.p)
  local constant <const> = place:eq(0)
  local function at(side, own)
    return (side:at(place:maximum(1)) / own):masked_fill(constant, 0 / 0)
  end
  return at(self.input, self.alpha), at(self.output, self.beta)
end

return neurons
