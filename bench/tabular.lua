-- One run of mlp.tabular for bench/tabular.py:
--   lua5.4 bench/tabular.lua TRAIN.csv TEST.csv SEED classification|regression
local mlp = require "mlp"
local train, test, seed, task = table.unpack(arg)
local options = { test = test, task = task, seed = math.tointeger(tonumber(seed)) }
local estimator = assert(mlp.tabular.fit(train, options))
print(estimator.results.accuracy or estimator.results.r2)
