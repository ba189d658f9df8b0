--- A small training problem for the specs of the trainer: everything in it that could make two runs
--- differ (dropout, shuffling, momentum, a schedule), drawn from fixed seeds.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local train <const> = {}

--- 13 rows of three numbers, and two numbers to predict: an uneven last batch.
function train.data()
  local generator <const> = mlp.generator(5)
  local x <const> = mlp.randn(13, 3, { generator = generator })
  local y <const> = mlp.stack({ x:select(2, 1) * x:select(2, 2), x:select(2, 3):sin() }, 2)
  return mlp.data.tensors(x, y)
end

function train.validation()
  local generator <const> = mlp.generator(6)
  return mlp.data.tensors(mlp.randn(6, 3, { generator = generator }),
    mlp.randn(6, 2, { generator = generator }))
end

--- A model with dropout, always from the same weights; the default stream continues from there.
function train.model()
  mlp.manual_seed(1)
  return nn.Sequential { nn.Linear(3, 8, { activation = "tanh" }), nn.Dropout(0.25),
    nn.Linear(8, 2) }
end

--- A trainer of a fresh model. Options go over the usual ones.
function train.trainer(options)
  local spec <const> = { model = train.model(), loss = mlp.loss.mse, optimizer = "adam", lr = 0.02,
    progress = false }
  for name, value in pairs(options or {}) do spec[name] = value end
  if type(spec.optimizer) == "table" then spec.lr = nil end
  return mlp.Trainer(spec)
end

--- The bits of all weights.
function train.bits(model)
  local parts <const> = {}
  for name, tensor in model:named_parameters() do parts[#parts + 1] = name .. tensor:tobytes() end
  return table.concat(parts)
end

return train
