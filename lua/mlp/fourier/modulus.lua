--- What a modulus p fixes: its frequencies k = 1 to p // 2, and the rows of its Fourier basis, made
--- once per modulus.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local modulus = {}

--- Raises unless p is a modulus that has frequencies.
---@param call string
---@param p any
---@return integer p
function modulus.want(call, p)
  if math.type(p) ~= "integer" or p < 3 then
    errors.wanted(call, "p", p, "a modulus, that is a whole number from 3,")
  end
  return p
end

--- Amplitude of the basis vectors of frequency k, which is that of a cosine over its coefficient.
local function scale_of(p, k) return math.sqrt((2 * k == p and 1 or 2) / p) end

--- These amplitudes for all frequencies.
---@param p integer
---@return mlp.Tensor float64 (K)
function modulus.scales(p)
  local scales <const> = {}
  for k = 1, p // 2 do scales[k] = scale_of(p, k) end
  return core.tensor(scales, { dtype = "float64" })
end

local function constant(p)
  local row <const> = {}
  for j = 1, p do row[j] = 1 / math.sqrt(p) end
  return row
end

local function waves(p, k)
  local scale <const>, cosine <const>, sine <const> = scale_of(p, k), {}, {}
  for j = 0, p - 1 do
    local angle <const> = 2 * math.pi * (k * j % p) / p
    cosine[j + 1], sine[j + 1] = scale * math.cos(angle), scale * math.sin(angle)
  end
  return cosine, sine
end

local made <const> = {} -- by p

--- The rows that `fourier.basis` hands out copies of; not to be written.
---@param p integer
---@return mlp.Tensor float64 (p, p)
function modulus.rows(p)
  if made[p] then return made[p] end
  local rows <const> = { constant(p) }
  for k = 1, p // 2 do
    local cosine <const>, sine <const> = waves(p, k)
    rows[2 * k], rows[2 * k + 1] = cosine, 2 * k < p and sine or nil
  end
  made[p] = core.tensor(rows, { dtype = "float64" })
  return made[p]
end

return modulus
