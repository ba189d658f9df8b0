-- Choosing a learning rate, watching layers while they learn, and asking them afterwards: digits
-- of 8x8 pixels, and a network of four hidden layers, of sigmoids and of relu.
--   lua5.4 examples/look_inside.lua [epochs]
local mlp = require "mlp"
local nn = mlp.nn
local EPOCHS <const> = tonumber(arg and arg[1]) or 20
os.execute "mkdir -p out"

local folder = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
local file = assert(mlp.data.csv.load(folder .. "/data/digits.csv.gz",
  { header = false, target = 65 }))
local all = mlp.data.tensors(file.x / 16, file.y:to "int64" + 1)
local part = { seed = 1, stratify = all.tensors[2] }
local training, test = mlp.data.split(all, { 0.7, 0.3 }, part)
local function save(name, picture) assert(picture:save("out/look_" .. name .. ".svg")) end

local function trainer_of(activation, optimizer)
  mlp.manual_seed(1)
  local model = nn.MLP { 64, 64, 64, 64, 64, 10, activation = activation }
  return mlp.Trainer { model = model, loss = mlp.loss.cross_entropy, progress = false,
    optimizer = optimizer or "adam", metrics = { accuracy = mlp.metric.accuracy } }
end

-- 1. Which learning rate? A range test: the loss while the rate grows from step to step.
local rates = mlp.tune.find_lr(trainer_of "relu", training, { batch_size = 64, first = 1e-5 })
print("range test: " .. tostring(rates))
save("rates", rates:figure())

-- 2. What happens inside? Norms, dead units and saturation of every layer, on the same 256 digits.
for _, activation in ipairs { "sigmoid", "relu" } do
  local trainer = trainer_of(activation)
  trainer.optimizer.lr = rates.suggestion or 1e-3
  local statistics = mlp.probe.statistics(training, { every = 20 })
  trainer:fit(training, { epochs = EPOCHS, batch_size = 64, seed = 1, callbacks = { statistics } })
  print(("\n%s: test accuracy %.3f"):format(activation, trainer:evaluate(test).accuracy))
  print(statistics)
  print("dead units on the test digits: " .. mlp.probe.dead_units(trainer.model, test).dead)
  save(activation, statistics:figure())

  -- 3. What does each layer know of the digits? Linear probes and their controls.
  local probe = mlp.probe.linear(trainer.model, nil, test, { iterations = 50 })
  print(probe)
  save(activation .. "_probe", probe:figure())
end

-- 4. Which optimizer, how wide? A sweep, judged on the test digits; then five folds of the best.
local FIT <const> = { epochs = math.max(EPOCHS // 2, 1), batch_size = 64, seed = 1 }
local function made(o)
  mlp.manual_seed(1)
  return mlp.Trainer { model = nn.MLP { 64, o.width, 10 }, loss = mlp.loss.cross_entropy,
    optimizer = o.optimizer, lr = o.optimizer == "sgd" and 0.3 or nil, progress = false,
    metrics = { accuracy = mlp.metric.accuracy } }
end

local sweep = mlp.tune.sweep(function(o)
  local trainer = made(o)
  trainer:fit(training, FIT)
  return trainer:evaluate(test)
end, { optimizer = { "sgd", "adam", "lion", "muon" }, width = { 8, 32, 128 } },
  { metric = "accuracy", higher_is_better = true })
print("\n" .. tostring(sweep))
save("sweep", sweep:figure("width", "optimizer"))

local best = sweep:best().options
local folds = mlp.tune.cross_validate(function() return made(best) end, all,
  { stratify = all.tensors[2], fit = FIT })
print(("\n%s, %d wide, over five folds:\n%s"):format(best.optimizer, best.width, folds))
