--- Networks written down, not trained: one cosine per neuron and psi = 2 phi, so that every neuron
--- votes for the sum. With z^2 and phases spread evenly the votes add up to Proposition 1.

local core <const> = require "mlp.core"
local cosines <const> = require "mlp.fourier.cosines"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"
local Network <const> = require "mlp.fourier.network"

local CALL <const> = "fourier.circuit"

---@class mlp.fourier.CircuitOptions
---@field p integer the modulus, from 3
---@field per_frequency integer|integer[] neurons of each frequency, N; or a list by frequency
---@field frequencies integer[]? which are used; default all
---@field range number? phases lie evenly on [0, range); default 2 pi
---@field alpha number? amplitude of the inputs, default 1
---@field beta number? amplitude of the outputs, default 1
---@field activation string? default "square"

local function read(options)
  local o <const> = errors.options(CALL, options, { p = errors.NONE, per_frequency = errors.NONE,
    frequencies = errors.NONE, range = 2 * math.pi, alpha = 1, beta = 1, activation = "square" })
  modulus.want(CALL, o.p)
  if not o.frequencies then
    o.frequencies = {}
    for k = 1, o.p // 2 do o.frequencies[k] = k end
  end
  return o
end

--- Frequency and phase of every neuron.
local function deal(o)
  local frequency <const>, phase <const> = {}, {}
  for _, k in ipairs(o.frequencies) do
    local N = o.per_frequency
    if type(N) == "table" then N = N[k] end
    if math.type(N) ~= "integer" or N < 1 then
      errors.wanted(CALL, "per_frequency", N, "a number of neurons from 1, or a list of them")
    end
    for n = 0, N - 1 do
      frequency[#frequency + 1], phase[#phase + 1] = k, o.range * n / N
    end
  end
  return core.tensor(frequency, { dtype = "int64" }), core.tensor(phase, { dtype = "float64" })
end

--- A network of exact cosines, in float64: neuron m has input alpha cos(w_k j + phi) and output
--- beta cos(w_k j + 2 phi); the N phases of a frequency lie evenly on a circle. With all of the
--- frequencies, "square" and N = 3 or from 5 on its logits are `indicator`, times alpha^2 beta. For
--- N = 1, 2, 4 phases are not symmetric for iota = 2 and 4, and noise is left.
---@param options mlp.fourier.CircuitOptions
---@return mlp.fourier.Network
local function circuit(options)
  local o <const> = read(options)
  local frequency <const>, phase <const> = deal(o)
  local at <const> = frequency:one_hot(o.p // 2):to "float64"
  local phi <const> = phase:unsqueeze(2)
  local network <const> = Network { p = o.p, width = #frequency, scale = 0, dtype = "float64",
    activation = o.activation }
  return network:like { input = cosines(o.p, at * o.alpha, at * phi),
    output = cosines(o.p, at * o.beta, at * (2 * phi)):t():contiguous() }
end

return circuit
