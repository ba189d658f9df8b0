--- Lion (Chen et al. 2023, program 1): every number moves by lr, whichever way an average of
--- gradients points; it wants a learning rate some 3 to 10 times smaller than AdamW's and a decay
--- as much larger. At every step, with g the gradient of a parameter p and betas = {b1, b2}:
---
---     p = p (1 - lr weight_decay) - lr sign(b1 m + (1 - b1) g)
---     m = b2 m + (1 - b2) g

local core <const> = require "mlp.core"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.Lion.Options
---@field lr number? default 1e-4
---@field betas number[]? default {0.9, 0.99}
---@field weight_decay number? default 0

---@class mlp.optim.Lion: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Lion.Options?): mlp.optim.Lion
local Lion = Optimizer:extend "Lion"

Lion.defaults = { lr = 1e-4, betas = { 0.9, 0.99 }, weight_decay = 0 }

function Lion.check(call, o)
  Optimizer.want_betas(call, o)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
end

--- The slots of lion_step's hyper.
Lion.slots = { "lr", "beta1", "beta2", "weight_decay", "count", "scale" }

function Lion.moments() return { true } end

function Lion.run(parameters, gradients, moments, hyper)
  core.lion_step(parameters, gradients, moments[1], hyper)
end

return Lion
