--- Adamax (Kingma and Ba 2015, algorithm 2): Adam with the largest gradient, fading, in place of
--- the average of squares. At step t, with g the gradient of a parameter p and betas = {b1, b2}:
---
---     d = g + weight_decay p
---     m = b1 m + (1 - b1) d
---     u = max(b2 u, |d| + eps)
---     p = p - lr / (1 - b1^t) m / u
---
--- Equal to PyTorch's Adamax.

local Adam <const> = require "mlp.optim.adam"
local core <const> = require "mlp.core"

---@class mlp.optim.Adamax: mlp.optim.Adam
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Adam.Options?): mlp.optim.Adamax
local Adamax = Adam:extend "Adamax"

Adamax.defaults = { lr = 2e-3, betas = { 0.9, 0.999 }, eps = 1e-8, weight_decay = 0 }

--- The slots of adamax_step's hyper.
Adamax.slots = { "lr", "beta1", "beta2", "eps", "weight_decay", "count", "scale" }

function Adamax.run(parameters, gradients, moments, hyper)
  core.adamax_step(parameters, gradients, moments[1], moments[2], hyper)
end

return Adamax
