-- California housing: a table with missing values and a text column; the median house value of
-- 20,640 districts. The scaler learns from the training rows alone; R2 is the share of the variance
-- that is explained.
--   MLP_DATA=folder lua5.4 examples/housing.lua [epochs] [splits]
local mlp = require "mlp"
local nn = mlp.nn

local EPOCHS <const>, SPLITS <const> = tonumber(arg and arg[1]) or 60, tonumber(arg and arg[2]) or 5
local folder = os.getenv "MLP_DATA"
if not folder then error("MLP_DATA names no folder with tabular/california_housing.csv", 0) end
local path = folder .. "/tabular/california_housing.csv"
local table_of = assert(mlp.data.csv.load(path, { target = "median_house_value" }))
print(("%d rows, columns: %s"):format(table_of.rows, table.concat(table_of.names, ", ")))
for column, count in pairs(table_of.missing) do
  print(("%d values of %s are missing"):format(count, column))
end

-- Sizes are spread over orders of magnitude: their logarithms are better inputs. Prices are in
-- 100,000 dollars.
local columns = {}
for i, name in ipairs(table_of.names) do
  local column = table_of.x:select(2, i)
  local large = name:find "rooms" or name:find "population" or name:find "households"
    or name:find "income"
  columns[i] = large and column:log() or column
end
local all = mlp.data.tensors(mlp.stack(columns, 2), table_of.y:reshape(-1, 1) / 1e5)

local sum, worst = 0, 1
for seed = 1, SPLITS do
  local train, test = mlp.data.split(all, { 0.8, 0.2 }, { seed = seed })
  local scale = mlp.data.scaler(train.tensors[1], { missing = "mean" })
  train = mlp.data.tensors(scale:apply(train.tensors[1]), train.tensors[2])
  test = mlp.data.tensors(scale:apply(test.tensors[1]), test.tensors[2])
  mlp.manual_seed(seed)
  local model = nn.MLP { #columns, 128, 128, 64, 1, activation = "silu" }
  local trainer = mlp.Trainer { model = model, loss = mlp.loss.huber, optimizer = "adamw",
    lr = 2e-3, progress = seed == 1,
    schedule = mlp.schedule.cosine(EPOCHS * 65), metrics = { r2 = mlp.metric.r2 } }
  trainer:fit(train, { epochs = EPOCHS, batch_size = 256, seed = seed })
  local r2 = trainer:evaluate(test).r2
  print(("split %d: R2 %.4f on %d test districts"):format(seed, r2, #test))
  sum, worst = sum + r2, math.min(worst, r2)
end
print(("mean R2 %.4f, worst %.4f over %d splits"):format(sum / SPLITS, worst, SPLITS))
