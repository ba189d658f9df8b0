-- How well the digits example's network reads: mean test accuracy over five seeded, stratified
-- splits of 80 and 20 %. The other figures come from the examples themselves: housing.lua prints
-- R2 over five splits, mnist.lua [10] [seed] the test accuracy.
--   lua5.4 bench/quality.lua
local mlp <const> = require "mlp"

local EPOCHS <const>, SPLITS <const> = 60, 5
local path <const> = "examples/data/digits.csv.gz"
local file <const> = assert(mlp.data.csv.load(path, { header = false, target = 65 }))
local classes <const> = file.y:to "int64" + 1
local all <const> = mlp.data.tensors(file.x / 16, classes)

local sum = 0
for seed = 1, SPLITS do
  local train, test = mlp.data.split(all, { 0.8, 0.2 }, { seed = seed, stratify = classes })
  mlp.manual_seed(seed)
  local trainer = mlp.Trainer { loss = mlp.loss.cross_entropy, optimizer = "adamw", lr = 2e-3,
    model = mlp.nn.MLP { 64, 256, 128, 10, activation = "gelu", dropout = 0.3 },
    schedule = mlp.schedule.cosine(EPOCHS * 23), metrics = { accuracy = mlp.metric.accuracy },
    progress = false }
  trainer:fit(train, { epochs = EPOCHS, batch_size = 64, seed = seed })
  local accuracy = trainer:evaluate(test).accuracy
  print(("digits, split %d: %.2f %% of %d"):format(seed, 100 * accuracy, #test))
  sum = sum + accuracy
end
print(("digits, mean of %d splits: %.2f %%"):format(SPLITS, 100 * sum / SPLITS))
