--- RMSprop (Hinton, Coursera lecture 6e). At every step, with g the gradient of a parameter p:
---
---     d = g + weight_decay p
---     q = alpha q + (1 - alpha) d^2
---     u = d / (sqrt(q) + eps)
---     p = p - lr u
---
--- Centered (Graves 2013), u = d / (sqrt(q - a^2) + eps) with a = alpha a + (1 - alpha) d; with
--- momentum, v = momentum v + u and p = p - lr v.
--- Equal to PyTorch's RMSprop.

local core <const> = require "mlp.core"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.RMSprop.Options
---@field lr number? default 0.01
---@field alpha number? default 0.99
---@field eps number? default 1e-8
---@field weight_decay number? default 0
---@field momentum number? default 0
---@field centered boolean? default false

---@class mlp.optim.RMSprop: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.RMSprop.Options?): mlp.optim.RMSprop
local RMSprop = Optimizer:extend "RMSprop"

RMSprop.defaults = {
  lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0, centered = false,
}

function RMSprop.check(call, o)
  Optimizer.want_number(call, "alpha", o.alpha, 0, 1)
  Optimizer.want_number(call, "eps", o.eps, 0)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
  Optimizer.want_number(call, "momentum", o.momentum, 0)
end

--- The slots of rmsprop_step's hyper.
RMSprop.slots = { "lr", "alpha", "eps", "weight_decay", "momentum", "count", "scale" }

function RMSprop.moments(o) return { true, o.centered, o.momentum ~= 0 } end

function RMSprop.run(parameters, gradients, moments, hyper)
  core.rmsprop_step(parameters, gradients, moments[1], moments[2], moments[3], hyper)
end

return RMSprop
