--- Noise on gradients that dies away (Neelakantan et al. 2015, section 3): at step t each number of
--- the gradient that the optimizer is to use, after clipping, gets a normal draw of variance
--- eta / (1 + t)^gamma. The paper's gamma is 0.55, its eta one of 0.01, 0.3 and 1.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.trainer.Noise
---@field eta number variance at the first step
---@field gamma number how fast it dies away
local Noise = { __name = "mlp.trainer.Noise" }
Noise.__index = Noise

local CALL <const> = "Trainer: gradient_noise"

--- Noise from options: a number is eta.
---@param given number|{eta: number, gamma: number?}
---@return mlp.trainer.Noise
function Noise.of(given)
  if type(given) == "number" then given = { eta = given } end
  local o <const> = errors.options(CALL, given, { eta = errors.NONE, gamma = 0.55 })
  for _, name in ipairs { "eta", "gamma" } do
    local value <const> = o[name]
    if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
      errors.wanted(CALL, name, value, "a number from 0")
    end
  end
  o.hyper = core.tensor({ 0, 0 }, { dtype = "float64" })
  return setmetatable(o, Noise)
end

--- Standard deviation after so many steps.
---@param steps integer
---@return number
function Noise:deviation(steps) return math.sqrt(self.eta / (1 + steps) ^ self.gamma) end

--- Adds a draw of the default stream to every gradient.
---@param gradients mlp.Tensor[]
---@param steps integer taken before
---@param scale number what the step will multiply the gradients by
function Noise:add(gradients, steps, scale)
  core.put(self.hyper, 1, self:deviation(steps) / scale)
  local draws <const> = {}
  for i, gradient in ipairs(gradients) do draws[i] = core.normal(gradient) end
  core.add_scaled(gradients, draws, self.hyper)
end

return Noise
