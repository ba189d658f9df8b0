--- Stochastic gradient descent. At every step, with g the gradient of a parameter p:
---
---     d = g + weight_decay p
---     v = momentum v + (1 - dampening) d     at the first step v = d
---     p = p - lr v                           without momentum p - lr d,
---                                            nesterov p - lr (d + momentum v)
---
--- Equal to PyTorch's SGD. Dampening is 0 unless asked for.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.SGD.Options
---@field lr number? default 0.01
---@field momentum number? default 0
---@field dampening number? default 0
---@field nesterov boolean? default false
---@field weight_decay number? default 0

---@class mlp.optim.SGD: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.SGD.Options?): mlp.optim.SGD
local SGD = Optimizer:extend "SGD"

SGD.defaults = { lr = 0.01, momentum = 0, dampening = 0, nesterov = false, weight_decay = 0 }

function SGD.check(call, o)
  Optimizer.want_number(call, "momentum", o.momentum, 0)
  Optimizer.want_number(call, "dampening", o.dampening, 0)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
  if o.nesterov and (o.momentum == 0 or o.dampening ~= 0) then
    errors.raise("%s: nesterov wants a momentum above 0 and no dampening", call)
  end
end

--- The slots of sgd_step's hyper.
SGD.slots = { "lr", "momentum", "dampening", "weight_decay", "nesterov", "count", "scale" }

function SGD.moments(o) return { o.momentum ~= 0 } end

function SGD.run(parameters, gradients, moments, hyper)
  core.sgd_step(parameters, gradients, moments[1], hyper)
end

return SGD
