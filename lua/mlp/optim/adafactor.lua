--- Adafactor (Shazeer and Stern 2018): Adam's division by averages of squares, of which a matrix
--- keeps the means of rows and columns alone; the lengths of steps follow the size of the
--- parameter. At step t, with g the gradient of a matrix p, b = 1 - t^-beta2_decay and eps = {e1,
--- e2}:
---
---     r = b r + (1 - b) means of g^2 + e1 over the rows, c likewise over the columns
---     u = g / sqrt(r c' / mean r)            vectors keep the average of g^2 + e1 itself
---     u = u / max(1, rms(u) / clip)
---     a = min(lr, 1 / sqrt(t)) max(e2, rms(p))
---     p = p (1 - lr weight_decay) - a u      with beta1: - m, m = beta1 m + (1 - beta1) a u
---
--- Without `relative` the first factor of a is lr, without `scale_parameter` the second is 1.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.Adafactor.Options
---@field lr number? default 0.01
---@field beta2_decay number? default 0.8
---@field eps number[]? default {1e-30, 1e-3}
---@field clip number? of the root mean square of an update; default 1
---@field beta1 number? default 0: no average of steps is kept
---@field weight_decay number? default 0
---@field relative boolean? default true
---@field scale_parameter boolean? default true

---@class mlp.optim.Adafactor: mlp.optim.Optimizer
---@overload fun(parameters: table, options: mlp.optim.Adafactor.Options?): mlp.optim.Adafactor
local Adafactor = Optimizer:extend "Adafactor"

Adafactor.defaults = {
  lr = 0.01, beta2_decay = 0.8, eps = { 1e-30, 1e-3 }, clip = 1, beta1 = 0, weight_decay = 0,
  relative = true, scale_parameter = true,
}

function Adafactor.check(call, o)
  if type(o.eps) ~= "table" or #o.eps ~= 2 then
    errors.wanted(call, "eps", o.eps, "a table of two numbers")
  end
  o.eps_square, o.eps_scale = o.eps[1], o.eps[2]
  Optimizer.want_number(call, "eps[1]", o.eps_square, 0)
  Optimizer.want_number(call, "eps[2]", o.eps_scale, 0)
  Optimizer.want_number(call, "beta2_decay", o.beta2_decay, 0)
  Optimizer.want_number(call, "beta1", o.beta1, 0, 1)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
  if type(o.clip) ~= "number" or o.clip ~= o.clip or o.clip <= 0 then
    errors.wanted(call, "clip", o.clip, "a positive number")
  end
end

--- The slots of adafactor_step's hyper.
Adafactor.slots = { "lr", "beta2_decay", "eps_square", "eps_scale", "clip", "beta1", "weight_decay",
  "relative", "scale_parameter", "count", "scale" }

--- The shape of p without one of its axes.
local function without(p, axis)
  local shape <const> = p.shape
  table.remove(shape, axis)
  return shape
end

local function rows_of(p) return p.ndim < 2 and p.shape or without(p, p.ndim) end
local function columns_of(p) return p.ndim < 2 and { 0 } or without(p, p.ndim - 1) end

function Adafactor.moments(o) return { rows_of, columns_of, o.beta1 > 0 } end

function Adafactor.run(parameters, gradients, moments, hyper)
  core.adafactor_step(parameters, gradients, moments[1], moments[2], moments[3], hyper)
end

return Adafactor
