--- Optimizers. Each class has a file of its own; this one names them.

---@class mlp.optim
local optim = {
  Optimizer = require "mlp.optim.optimizer",
  SGD = require "mlp.optim.sgd",
  Adam = require "mlp.optim.adam",
  AdamW = require "mlp.optim.adamw",
  Adamax = require "mlp.optim.adamax",
  RAdam = require "mlp.optim.radam",
  RMSprop = require "mlp.optim.rmsprop",
  Adagrad = require "mlp.optim.adagrad",
  Lion = require "mlp.optim.lion",
  Muon = require "mlp.optim.muon",
  Adafactor = require "mlp.optim.adafactor",
  LBFGS = require "mlp.optim.lbfgs",
  Wrapper = require "mlp.optim.wrapper",
  EMA = require "mlp.optim.ema",
  Lookahead = require "mlp.optim.lookahead",
  clip_norm = require("mlp.optim.clip").norm,
  clip_value = require("mlp.optim.clip").value,
}

return optim
