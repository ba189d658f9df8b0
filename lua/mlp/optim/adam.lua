--- Adam (Kingma and Ba 2015). At step t, with g the gradient of a parameter p and betas = {b1, b2}:
---
---     d = g + weight_decay p
---     m = b1 m + (1 - b1) d
---     v = b2 v + (1 - b2) d^2
---     p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
---
--- Equal to PyTorch's Adam. For decay that is not divided by the gradient's size see AdamW.

local core <const> = require "mlp.core"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.Adam.Options
---@field lr number? default 1e-3
---@field betas number[]? default {0.9, 0.999}
---@field eps number? default 1e-8
---@field weight_decay number? default 0; AdamW: 0.01

---@class mlp.optim.Adam: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Adam.Options?): mlp.optim.Adam
local Adam = Optimizer:extend "Adam"

Adam.defaults = { lr = 1e-3, betas = { 0.9, 0.999 }, eps = 1e-8, weight_decay = 0 }

function Adam.check(call, o)
  Optimizer.want_betas(call, o)
  Optimizer.want_number(call, "eps", o.eps, 0)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
end

--- The slots of adam_step's hyper.
Adam.slots = { "lr", "beta1", "beta2", "eps", "weight_decay", "decoupled", "count", "scale" }
Adam.decoupled = false

function Adam.moments() return { true, true } end

function Adam.run(parameters, gradients, moments, hyper)
  core.adam_step(parameters, gradients, moments[1], moments[2], hyper)
end

return Adam
