--- Adam with decay apart from the gradient (Loshchilov and Hutter 2019). At step t:
---
---     p = p (1 - lr weight_decay)
---     m = b1 m + (1 - b1) g
---     v = b2 v + (1 - b2) g^2
---     p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
---
--- Equal to PyTorch's AdamW.

local Adam <const> = require "mlp.optim.adam"

---@class mlp.optim.AdamW: mlp.optim.Adam
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Adam.Options?): mlp.optim.AdamW
local AdamW = Adam:extend "AdamW"

AdamW.defaults = { lr = 1e-3, betas = { 0.9, 0.999 }, eps = 1e-8, weight_decay = 0.01 }

AdamW.decoupled = true

return AdamW
