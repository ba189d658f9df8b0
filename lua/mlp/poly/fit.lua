--- The polynomial nearest to a network of one hidden layer, in closed form.

local errors <const> = require "mlp.errors"
local features <const> = require "mlp.poly.features"
local gaussian <const> = require "mlp.poly.gaussian"
local hermite_fit <const> = require "mlp.poly.hermite_fit"
local mixture <const> = require "mlp.poly.mixture"
local mixture_fit <const> = require "mlp.poly.mixture_fit"
local units <const> = require "mlp.poly.units"

local fit = {}

local MOST <const> = 16

--- Checks what fits and explained variances are asked for.
---@param call string
---@param distribution any
---@param options table?
---@return {degree: integer, directions: integer} o
---@return boolean mixed under a mixture?
---@package
function fit.asked(call, distribution, options)
  local o <const> = errors.options(call, options,
    { degree = 2, directions = features.DEFAULT_DIRECTIONS })
  local class <const> = getmetatable(distribution)
  if class ~= gaussian.class and class ~= mixture.class then
    errors.wanted(call, "the distribution", distribution, "a poly.gaussian or a poly.mixture")
  end
  local most <const> = class == mixture.class and 2 or MOST
  if math.type(o.degree) ~= "integer" or o.degree < 1 or o.degree > most then
    errors.wanted(call, "degree", o.degree, ("a whole number from 1 to %d (2 under a mixture)")
      :format(MOST))
  end
  features.want_directions(call, o.directions)
  if o.degree == 1 then o.directions = 0 end
  return o, class == mixture.class
end

--- The polynomial of a degree that has the least mean squared distance to a network, for all its
--- outputs, when the input has the given distribution. Under a normal one of any mean and
--- covariance it is exact for every degree: 1 is linear regression, 2 the network's mean Jacobian
--- and Hessian, 3 and more are sums of powers of each unit's own direction. Under a mixture the
--- degree is 1 or 2, and then quadratic in the mixture's first `directions` principal components,
--- linear in all. Belrose and Rigg 2025; for degree 2 under any covariance and under mixtures, and
--- for gated units, see mlp.poly.hermite_fit and mlp.poly.mixture_fit.
---
---     local p = mlp.poly.fit(model, mlp.poly.gaussian(784))      N(0, I)
---     local p = mlp.poly.fit(model, mlp.poly.mixture_of(x, classes), {directions = 40})
---@param network mlp.nn.Module|table as mlp.poly.units reads it
---@param distribution mlp.poly.Gaussian|mlp.poly.Mixture
---@param options {degree: integer?, directions: integer?}? degree: default 2; directions: of a
---  mixture, default 40, at most 64
---@return mlp.poly.Polynomial
function fit.fit(network, distribution, options)
  local o <const>, mixed <const> = fit.asked("poly.fit", distribution, options)
  local u <const> = units.units(network)
  if mixed then return mixture_fit.fit(u, distribution, o.directions) end
  return hermite_fit.fit(u, distribution, o.degree)
end

return fit
