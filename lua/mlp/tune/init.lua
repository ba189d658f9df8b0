--- Choosing settings: a learning rate by a short test, an estimate by cross-validation, the best of
--- many options by a sweep. Each is a file of its own, which loads when it is first named.

local lazy <const> = require "mlp.lazy"

---@class mlp.tune
---@field find_lr fun(trainer: mlp.Trainer, data: any, options: table?): mlp.tune.LearningRates
---@field cross_validate fun(make: function, data: any, options: table): mlp.tune.CrossValidation
---@field sweep fun(run: function, space: table, options: table?): mlp.tune.Sweep
return lazy({}, {
  find_lr = "mlp.tune.find_lr", cross_validate = "mlp.tune.cross_validate",
  sweep = "mlp.tune.sweep",
})
