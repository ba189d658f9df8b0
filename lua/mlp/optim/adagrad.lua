--- Adagrad (Duchi, Hazan and Singer 2011). At step t, with g the gradient of a parameter p:
---
---     d = g + weight_decay p
---     s = s + d^2                            s begins at initial_accumulator_value
---     p = p - lr / (1 + (t - 1) lr_decay) d / (sqrt(s) + eps)
---
--- Equal to PyTorch's Adagrad.

local core <const> = require "mlp.core"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.Adagrad.Options
---@field lr number? default 0.01
---@field lr_decay number? default 0
---@field eps number? default 1e-10
---@field weight_decay number? default 0
---@field initial_accumulator_value number? default 0

---@class mlp.optim.Adagrad: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Adagrad.Options?): mlp.optim.Adagrad
local Adagrad = Optimizer:extend "Adagrad"

Adagrad.defaults = {
  lr = 0.01, lr_decay = 0, eps = 1e-10, weight_decay = 0, initial_accumulator_value = 0,
}

function Adagrad.check(call, o)
  for _, name in ipairs { "lr_decay", "eps", "weight_decay", "initial_accumulator_value" } do
    Optimizer.want_number(call, name, o[name], 0)
  end
end

--- The slots of adagrad_step's hyper.
Adagrad.slots = { "lr", "lr_decay", "eps", "weight_decay", "count", "scale" }

function Adagrad.moments(o) return { o.initial_accumulator_value } end

function Adagrad.run(parameters, gradients, moments, hyper)
  core.adagrad_step(parameters, gradients, moments[1], hyper)
end

return Adagrad
