--- Optimizers. Each class has a file of its own; this one names them.

---@class mlp.optim
local optim = {
  Optimizer = require "mlp.optim.optimizer",
  SGD = require "mlp.optim.sgd",
  Adam = require "mlp.optim.adam",
  AdamW = require "mlp.optim.adamw",
  RMSprop = require "mlp.optim.rmsprop",
  clip_norm = require("mlp.optim.clip").norm,
  clip_value = require("mlp.optim.clip").value,
}

return optim
