--- RAdam (Liu et al. 2020, algorithm 2): Adam that does not divide by the average of squares while
--- few gradients have gone into it, and then shortens its steps by how uncertain it is. At step t,
--- with g the gradient of a parameter p, betas = {b1, b2} and l = 2 / (1 - b2) - 1:
---
---     d = g + weight_decay p
---     m = b1 m + (1 - b1) d
---     v = b2 v + (1 - b2) d^2
---     r = l - 2 t b2^t / (1 - b2^t)
---     p = p - lr m / (1 - b1^t)              while r <= 5; then
---     p = p - lr m / (1 - b1^t) sqrt(1 - b2^t) / (sqrt(v) + eps)
---             sqrt((r - 4) (r - 2) l / ((l - 4) (l - 2) r))
---
--- Equal to PyTorch's RAdam.

local Adam <const> = require "mlp.optim.adam"
local core <const> = require "mlp.core"

---@class mlp.optim.RAdam: mlp.optim.Adam
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Adam.Options?): mlp.optim.RAdam
local RAdam = Adam:extend "RAdam"

function RAdam.run(parameters, gradients, moments, hyper)
  core.radam_step(parameters, gradients, moments[1], moments[2], hyper)
end

return RAdam
