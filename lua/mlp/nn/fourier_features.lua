--- gamma(v) = [cos 2 pi B v, sin 2 pi B v] (Tancik et al. 2020, section 5): what lets a network of
--- plain layers learn high frequencies. One linear layer with a sine: cos t is sin(t + pi/2).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.FourierFeatures: mlp.nn.Module
---@field frequencies mlp.Tensor (2 M, D): 2 pi B twice
---@field phases mlp.Tensor (2 M)
---@field outputs integer 2 M
---@overload fun(inputs: integer, options: table?): mlp.nn.FourierFeatures
local FourierFeatures = Module:extend "FourierFeatures"

--- Rows of B by kind.
local KINDS <const> = {}

--- One turn per unit along each axis.
function KINDS.basic(inputs) return core.eye(inputs) end

--- Along each axis M / D frequencies from 1 to 2^sigma, evenly spaced in the exponent.
function KINDS.positional(inputs, o)
  local per_axis <const> = o.features // inputs
  if per_axis < 1 then
    errors.raise("FourierFeatures: %d features are too few for %d axes", o.features, inputs)
  end
  local scale <const> = per_axis > 1 and core.linspace(0, o.sigma, per_axis) or core.zeros(1)
  local sizes <const> = (scale * math.log(2)):exp()
  return (core.eye(inputs):unsqueeze(1) * sizes:reshape(per_axis, 1, 1)):reshape(-1, inputs)
end

--- Normal with deviation sigma.
function KINDS.gaussian(inputs, o)
  return core.randn(o.features, inputs, { generator = o.generator }) * o.sigma
end

--- nn.FourierFeatures(2, {features = 256, sigma = 10}). B is kept and saved, not trained.
---@param inputs integer D, coordinates
---@param options {kind: "gaussian"|"positional"|"basic"|nil, features: integer?, sigma: number?,
---  generator: mlp.Generator?, dtype: mlp.Dtype?}? `kind` default "gaussian"; `features` M, rows of
---  B (256; basic has D); `sigma` deviation of the gaussian's rows in turns per unit, or the
---  exponent of positional's largest frequency (10)
function FourierFeatures:init(inputs, options)
  initialise.want_size("FourierFeatures", "inputs", inputs)
  local o <const> = errors.options("FourierFeatures", options, { kind = "gaussian", features = 256,
    sigma = 10, generator = errors.NONE, dtype = "float32" })
  initialise.want_size("FourierFeatures", "features", o.features)
  if type(o.sigma) ~= "number" or o.sigma ~= o.sigma or o.sigma <= 0 then
    errors.wanted("FourierFeatures", "sigma", o.sigma, "a positive number")
  end
  local rows <const> = KINDS[o.kind]
  if not rows then
    errors.wanted("FourierFeatures", "kind", o.kind, '"gaussian", "positional" or "basic"')
  end
  local b <const> = rows(inputs, o):to(o.dtype) * (2 * math.pi)
  self.kind, self.outputs = o.kind, 2 * #b
  self.frequencies = core.cat({ b, b }, 1)
  self.phases = core.cat({ core.full({ #b }, math.pi / 2, { dtype = o.dtype }),
    core.zeros(#b, { dtype = o.dtype }) }, 1)
end

---@param x mlp.Tensor (..., D)
---@return mlp.Tensor y (..., 2 M)
function FourierFeatures:forward(x)
  return core.linear(x, self.frequencies, self.phases, { activation = "sine" })
end

function FourierFeatures:describe()
  return ("%d -> %d, %s"):format(self.frequencies:size(2), self.outputs, self.kind)
end

return FourierFeatures
