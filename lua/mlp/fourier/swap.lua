--- Other activations on weights that were trained with one: any function with an even part still
--- adds, odd ones do not (He et al. 2026, Observation 4).

local errors <const> = require "mlp.errors"

--- The paper's eight, in its order.
local ACTIVATIONS <const> = {
  { "|x|", function(z) return z:abs() end },
  { "x^2", function(z) return z:power(2) end },
  { "x^4", function(z) return z:power(4) end },
  { "x^8", function(z) return z:power(8) end },
  { "log(1 + e^2x)", function(z) return (2 * z):softplus() end },
  { "e^x", function(z) return z:exp() end },
  { "x", function(z) return z end },
  { "x^3", function(z) return z:power(3) end },
}

---@class mlp.fourier.Swapped
---@field name string
---@field loss number
---@field accuracy number

--- Loss and accuracy of a network under other activations; its weights stay as they are.
---@param network mlp.fourier.Network
---@param pairs mlp.fourier.Pairs
---@param activations table[]? list of {name, function}; default the paper's eight: |x|, x^2, x^4,
---  x^8, log(1 + e^2x), e^x, x, x^3
---@return mlp.fourier.Swapped[]
local function swap(network, pairs, activations)
  local double <const>, list <const> = {}, {}
  double.input, double.output = network.input:to "float64", network.output:to "float64"
  for i, entry in ipairs(activations or ACTIVATIONS) do
    if type(entry) ~= "table" or type(entry[2]) ~= "function" then
      errors.wanted("fourier.swap", ("activation %d"):format(i), entry, "a pair {name, function}")
    end
    double.activation = entry[2]
    local loss <const>, accuracy <const> = network:like(double):evaluate(pairs)
    list[i] = { name = entry[1], loss = loss, accuracy = accuracy }
  end
  return list
end

return swap
