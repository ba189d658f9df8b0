-- MNIST with a plain perceptron, 784-512-512-10. The data are looked for in the folder MLP_DATA,
-- then in the cache, then fetched.
--   lua5.4 examples/mnist.lua [epochs] [seed] [rows]
local mlp = require "mlp"
local nn = mlp.nn

local EPOCHS <const>, SEED <const> = tonumber(arg and arg[1]) or 10, tonumber(arg and arg[2]) or 1
local digits = assert(mlp.data.mnist.load { dtype = "uint8" })
local rows = math.min(tonumber(arg and arg[3]) or 60000, #digits.train.labels)
local all = mlp.data.tensors(digits.train.images, digits.train.labels)
-- The images stay bytes until a step reads them.
local train = mlp.data.tensors(all:range(1, rows)):scaled(1, 1 / 255)
local test = mlp.data.tensors(digits.test.images, digits.test.labels):scaled(1, 1 / 255)

mlp.manual_seed(SEED)
local model = nn.MLP { 784, 512, 512, 10, activation = "relu", dropout = 0.2 }
local batch = 128
local trainer = mlp.Trainer { model = model, loss = mlp.loss.cross_entropy, optimizer = "adamw",
  lr = 1e-3, schedule = mlp.schedule.cosine(EPOCHS * math.ceil(rows / batch)),
  metrics = { accuracy = mlp.metric.accuracy } }
local history = trainer:fit(train,
  { epochs = EPOCHS, batch_size = batch, seed = SEED, validation = test })
local accuracy = 100 * history[#history].validation.accuracy
print(("test accuracy after %d epochs, seed %d: %.2f %%"):format(#history, SEED, accuracy))
