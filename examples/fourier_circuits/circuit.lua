-- The network of the paper, its norm and margin, the widest margin there is, and what neurons are
-- in frequencies. Section 3 defines, section 4 proves; both are cited where they are used.
local mlp <const> = require "mlp"
local folder <const> = ...
local sums <const> = dofile(folder .. "sums.lua")
local nn <const>, fourier <const> = mlp.nn, mlp.fourier

-- ---- the network --------------------------------------------------------------------------------

--- Their equation (2): f(a)[c] = sum over i of (u_i1(a_1) + .. + u_ik(a_k))^k w_i(c), with m
--- neurons, k tables of inputs u_.j and one of outputs w, untied and without biases.
---@class Circuit: mlp.nn.Module
---@field k integer
---@field tables mlp.Tensor[] k of (p, m)
---@field output mlp.Tensor (p, m)
local Circuit <const> = nn.Module:extend "Circuit"

--- Normal weights of deviation scale / sqrt(p).
function Circuit:init(k, p, m, options)
  self.k, self.tables = k, {}
  local made <const> = { dtype = options.dtype, generator = options.generator }
  local function table_of_weights()
    return (mlp.randn(p, m, made) * (options.scale / math.sqrt(p))):requires_grad_()
  end
  for j = 1, k do self.tables[j] = table_of_weights() end
  self.output = table_of_weights()
end

---@param tokens mlp.Tensor (B, k) int64, the number a is the token a + 1
---@return mlp.Tensor logits (B, p)
function Circuit:forward(tokens)
  local sum
  for j, weights in ipairs(self.tables) do
    local read <const> = mlp.embedding(weights, tokens:select(2, j))
    sum = sum and sum + read or read
  end
  return mlp.linear(sum:power(self.k), self.output)
end

--- The length of each neuron's k + 1 rows together: (m).
function Circuit:lengths()
  local sum = self.output:square():sum(1)
  for _, weights in ipairs(self.tables) do sum = sum + weights:square():sum(1) end
  return sum:sqrt()
end

--- The L_{2,k+1} norm (section 3.1): (sum over neurons of length^(k+1))^(1/(k+1)).
function Circuit:norm()
  local q <const> = self.k + 1
  return self:lengths():pow(q):sum():pow(1 / q)
end

-- ---- margins ------------------------------------------------------------------------------------

--- Theorem 4.1, the widest margin of any network of norm 1:
--- gamma* = 2 k! / ((2k + 2)^((k+1)/2) (p - 1) p^((k-1)/2)).
local function widest_margin(k, p)
  local factorial = 1
  for i = 2, k do factorial = factorial * i end
  return 2 * factorial / ((2 * k + 2) ^ ((k + 1) / 2) * (p - 1) * p ^ ((k - 1) / 2))
end

--- By how much the right logit beats the best wrong one (Definition 3.2) at norm 1, on these rows,
--- and the share answered right: f is homogeneous of degree k + 1.
---@return mlp.Tensor margins (rows)
---@return number accuracy
local function margins(model, tokens, classes, rows)
  local parts <const>, right = {}, 0
  sums.each(tokens, classes, rows, function(x, y)
    local logits <const> = model(x)
    local place <const> = y:unsqueeze(2)
    local wrong <const> = logits:scatter(2, place, -math.huge):amax(2)
    parts[#parts + 1] = logits:gather(2, place):squeeze(2) - wrong
    right = right + parts[#parts]:gt(0):to("int64"):sum():item()
  end)
  local norm <const> = model:norm():detach():pow(model.k + 1)
  return mlp.cat(parts, 1) / norm, right / #rows
end

-- ---- in frequencies -----------------------------------------------------------------------------

--- |sin((theta_1 + .. + theta_k - theta_w) / 2)|, 0 where the phases add up (Theorem 4.1).
local function phase_law(spectra, frequency)
  local gap
  for j, spectrum in ipairs(spectra) do
    local _, phase <const> = spectrum:at(frequency)
    gap = j == #spectra and gap - phase or gap and gap + phase or phase
  end
  return (gap / 2):sin():abs()
end

local function mean_power(spectra)
  local sum
  for _, spectrum in ipairs(spectra) do
    local share <const> = spectrum:energy(spectrum:dominant())
    sum = sum and sum + share or share
  end
  return sum / #spectra
end

---@class Reading what a network's neurons are
---@field spectra mlp.fourier.Spectrum[] of the k tables, then of the output
---@field frequency mlp.Tensor int64 (m), by the output
---@field power mlp.Tensor (m) share of the energy at the largest frequency, mean over the tables;
---  one-sided, so that a real cosine has 1 (the paper's "maximum normalized power")
---@field weight mlp.Tensor (m) length^(k+1) over the sum: what a neuron can do. The many that the
---  norm has shrunk to nothing do not count
---@field law mlp.Tensor (m) |sin((sum of theta - theta_w) / 2)|
---@field counts integer[] neurons of each frequency that count

---@return Reading
local function read(model)
  local spectra <const> = {}
  for j, weights in ipairs(model.tables) do spectra[j] = fourier.spectrum(weights:t()) end
  spectra[#spectra + 1] = fourier.spectrum(model.output:t())
  local frequency <const> = spectra[#spectra]:dominant()
  local weight = model:lengths():detach():to("float64"):pow(model.k + 1)
  weight = weight / weight:sum()
  local counts <const> = frequency[weight:gt(0.01 / #weight)]:one_hot(#model.output // 2)
  return { spectra = spectra, frequency = frequency, power = mean_power(spectra), weight = weight,
    law = phase_law(spectra, frequency), counts = counts:to("int64"):sum(1):totable() }
end

return { Circuit = Circuit, widest_margin = widest_margin, margins = margins, read = read }
