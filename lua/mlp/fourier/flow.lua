--- The gradient flow of one frequency in one neuron, for z^2 and weights so small that softmax is
--- uniform: every (neuron, frequency) pair moves by itself (He et al. 2026, section 5). With
--- z = alpha e^(i phi) and u = beta e^(i psi)
---
---     z' = 2 g conj(z) u      u' = g z^2      g = 1 / p for the mean loss, p for the loss summed
---
--- that is alpha' = 2 g alpha beta cos D, beta' = g alpha^2 cos D and
--- D' = -g (4 beta + alpha^2 / beta) sin D. It keeps alpha^2 - 2 beta^2 and alpha^2 beta sin D.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"
local wrap <const> = require "mlp.fourier.wrap"

local CALL <const> = "fourier.flow"

---@class mlp.fourier.Flow
---@field time number[] of each state that was kept
---@field alpha mlp.Tensor (T, ...) amplitudes of the input
---@field beta mlp.Tensor (T, ...) of the output
---@field phi mlp.Tensor (T, ...) phases, from -pi to pi
---@field psi mlp.Tensor (T, ...)
---@field misalignment mlp.Tensor (T, ...) D = 2 phi - psi in [-pi, pi)
local Flow = { __name = "mlp.fourier.Flow" }
Flow.__index = Flow

--- The two constants of motion along the path.
---@return mlp.Tensor difference (T, ...) alpha^2 - 2 beta^2
---@return mlp.Tensor torque (T, ...) alpha^2 beta sin D
function Flow:invariants()
  return self.alpha:square() - 2 * self.beta:square(),
    self.alpha:square() * self.beta * self.misalignment:sin()
end

-- ---- one step -----------------------------------------------------------------------------------

--- A state is {Re z, Im z, Re u, Im u}.
local function velocity(s, g)
  local a <const>, b <const>, c <const>, d <const> = table.unpack(s)
  return { 2 * g * (a * c + b * d), 2 * g * (a * d - b * c), g * (a * a - b * b), 2 * g * a * b }
end

local function moved(s, h, v)
  local after <const> = {}
  for i = 1, 4 do after[i] = s[i] + h * v[i] end
  return after
end

local METHODS <const> = {}

function METHODS.euler(s, h, g) return moved(s, h, velocity(s, g)) end

function METHODS.rk4(s, h, g)
  local v1 <const> = velocity(s, g)
  local v2 <const> = velocity(moved(s, h / 2, v1), g)
  local v3 <const> = velocity(moved(s, h / 2, v2), g)
  local v4 <const> = velocity(moved(s, h, v3), g)
  return moved(moved(moved(moved(s, h / 6, v1), h / 3, v2), h / 3, v3), h / 6, v4)
end

-- ---- the path -----------------------------------------------------------------------------------

---@class mlp.fourier.FlowOptions
---@field p integer the modulus
---@field alpha number|mlp.Tensor amplitudes to begin with; those of all four broadcast
---@field beta number|mlp.Tensor
---@field phi number|mlp.Tensor radians
---@field psi number|mlp.Tensor
---@field steps integer
---@field step number? time per step, default 1: a step of gradient descent with lr 1
---@field loss "mean"|"sum"|nil default "mean"
---@field method "euler"|"rk4"|nil default "euler", which is gradient descent itself
---@field every integer? steps between states that are kept, default 1

local function read(options)
  local o <const> = errors.options(CALL, options, { p = errors.NONE, alpha = errors.NONE,
    beta = errors.NONE, phi = errors.NONE, psi = errors.NONE, steps = errors.NONE, step = 1,
    loss = "mean", method = "euler", every = 1 })
  modulus.want(CALL, o.p)
  if math.type(o.steps) ~= "integer" or o.steps < 0 then
    errors.wanted(CALL, "steps", o.steps, "a whole number from 0")
  end
  if not METHODS[o.method] then errors.wanted(CALL, "method", o.method, '"euler" or "rk4"') end
  if o.loss ~= "mean" and o.loss ~= "sum" then
    errors.wanted(CALL, "loss", o.loss, '"mean" or "sum"')
  end
  return o
end

local function start(o)
  local zero = core.zeros({}, { dtype = "float64" })
  for _, name in ipairs { "alpha", "beta", "phi", "psi" } do
    local value <const> = o[name]
    if type(value) ~= "number" and not core.is_tensor(value) then
      errors.wanted(CALL, name, value, "a number or a tensor")
    end
    o[name] = core.is_tensor(value) and value:detach():to "float64" or zero + value
    zero = zero + 0 * o[name]
  end
  return { zero + o.alpha * o.phi:cos(), zero + o.alpha * o.phi:sin(),
    zero + o.beta * o.psi:cos(), zero + o.beta * o.psi:sin() }
end

local function path_of(time, states)
  local part <const> = {}
  for i = 1, 4 do
    local list <const> = {}
    for t, s in ipairs(states) do list[t] = s[i] end
    part[i] = core.stack(list, 1)
  end
  local a <const>, b <const>, c <const>, d <const> = table.unpack(part)
  local phi <const>, psi <const> = b:atan2(a), d:atan2(c)
  return setmetatable({ time = time, phi = phi, psi = psi, misalignment = wrap(2 * phi - psi),
    alpha = (a * a + b * b):sqrt(), beta = (c * c + d * d):sqrt() }, Flow)
end

--- Follows the flow from where it begins.
---@param options mlp.fourier.FlowOptions
---@return mlp.fourier.Flow
local function flow(options)
  local o <const> = read(options)
  local g <const>, advance <const> = o.loss == "mean" and 1 / o.p or o.p, METHODS[o.method]
  local s = start(o)
  local time <const>, states <const> = { 0 }, { s }
  for n = 1, o.steps do
    s = advance(s, o.step, g)
    if n % o.every == 0 or n == o.steps then
      time[#time + 1], states[#states + 1] = n * o.step, s
    end
  end
  return path_of(time, states)
end

return flow
