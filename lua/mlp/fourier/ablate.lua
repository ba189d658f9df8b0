--- Networks with parts taken out: neurons by their frequency or phase, or frequencies inside every
--- neuron.

local cosines <const> = require "mlp.fourier.cosines"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local neurons <const> = require "mlp.fourier.neurons"

local CALL <const> = "fourier.ablate"

--- uint8 (K): which frequencies a list names.
local function mask_of(list, K)
  if type(list) ~= "table" then errors.wanted(CALL, "frequencies", list, "a list of numbers") end
  local mask <const> = core.zeros(K, { dtype = "uint8" })
  for _, k in ipairs(list) do
    if math.type(k) ~= "integer" or k < 1 or k > K then
      errors.wanted(CALL, "a frequency", k, ("a whole number from 1 to %d"):format(K))
    end
    mask:set(k, 1)
  end
  return mask
end

local function want_range(phases)
  if type(phases) == "table" and #phases == 2 and tonumber(phases[1]) and tonumber(phases[2]) then
    return phases[1], phases[2]
  end
  errors.wanted(CALL, "phases", phases, "two angles {from, to} in radians")
end

--- uint8 (M): which neurons stay.
local function staying(read, o)
  local stay = core.ones(#read.frequency, { dtype = "uint8" })
  if o.frequencies then
    stay = mask_of(o.frequencies, read.K):index_select(1, read.frequency)
  end
  if o.phases then
    local from <const>, to <const> = want_range(o.phases)
    local turn <const> = (read.phi - from):remainder(2 * math.pi)
    stay = stay:logical_and(turn:le(to - from))
  end
  return stay
end

--- The same rows with only these frequencies, without the constant.
local function filtered(side, mask)
  return cosines(side.p, side.magnitude * mask:to "float64", side.phase)
end

---@class mlp.fourier.AblateOptions
---@field frequencies integer[]? what is kept; default all
---@field phases number[]? {from, to}: neurons with phi on this arc, in radians, are kept
---@field within boolean? true: every neuron stays, and the other frequencies and the constant are
---  taken out of its weights; default false: neurons of other frequencies k* are taken out

--- A copy of a network with only some frequencies, or only the phases of an arc. The weights that
--- stay are as they were.
---@param network mlp.fourier.Network
---@param options mlp.fourier.AblateOptions
---@return mlp.fourier.Network
local function ablate(network, options)
  local o <const> = errors.options(CALL, options, { frequencies = errors.NONE,
    phases = errors.NONE, within = false })
  local read <const>, dtype <const> = neurons(network), network.input.dtype
  local theta, xi = network.input:detach(), network.output:detach()
  if o.within and o.frequencies then
    local mask <const> = mask_of(o.frequencies, read.K)
    theta = filtered(read.input, mask):to(dtype)
    xi = filtered(read.output, mask):t():to(dtype):contiguous()
    o.frequencies = nil
  end
  local stay <const> = staying(read, o)
  if stay:any():item() == 0 then errors.raise("%s: no neuron is left", CALL) end
  local places <const> = stay:nonzero():squeeze(2)
  return network:like { input = theta:index_select(1, places), output = xi:index_select(2, places) }
end

return ablate
