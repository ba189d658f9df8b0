-- The main job: learn to read handwritten digits. 1,797 real digits of 8x8 pixels, split by a seeded draw in which
-- every class keeps its share; train, look at the mistakes, save, load, predict again.
--   make demo, or lua5.4 examples/digits.lua [epochs]
local mlp = require "mlp"
local nn, plot = mlp.nn, mlp.plot

local EPOCHS <const> = tonumber(arg and arg[1]) or 60
local here = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "."
os.execute "mkdir -p out"

-- 1. Data: pixels scaled to 0..1, the digit d is class d + 1 (everything counts from 1).
local file = assert(mlp.data.csv.load(here .. "/data/digits.csv.gz", { header = false, target = 65 }))
local pixels, classes = file.x / 16, file.y:to "int64" + 1
local NAMES <const> = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }

local function train(train_set, test_set, seed, progress)
  mlp.manual_seed(seed)
  local model = nn.Sequential { nn.Linear(64, 256, { activation = "gelu" }), nn.Dropout(0.3),
    nn.Linear(256, 128, { activation = "gelu" }), nn.Dropout(0.3), nn.Linear(128, 10) }
  local trainer = mlp.Trainer { model = model, loss = mlp.loss.cross_entropy, optimizer = "adamw", lr = 2e-3,
    schedule = mlp.schedule.cosine(EPOCHS * 23), metrics = { accuracy = mlp.metric.accuracy }, progress = progress }
  local history = trainer:fit(train_set, { epochs = EPOCHS, batch_size = 64, seed = seed, validation = test_set })
  return model, trainer, history
end

-- 2. Train on 80 %, test on 20 %.
local all = mlp.data.tensors(pixels, classes)
local train_set, test_set = mlp.data.split(all, { 0.8, 0.2 }, { seed = 1, stratify = classes })
local model, trainer, history = train(train_set, test_set, 1, true)
print(model:summary { 1, 64 })

-- 3. How good is it, and where does it fail?
local x, y = table.unpack(test_set.tensors)
local guess = trainer:predict(x):argmax(2)
local confusion = mlp.metric.confusion(trainer:predict(x), y)
print(("\ntest accuracy %.2f %% (%d digits it has not seen)"):format(100 * guess:eq(y):to("float32"):mean():item(), #y))
print "confusion: rows are true digits, columns what was read"
print(confusion)

local epochs, curves = {}, { train = {}, test = {} }
for i, epoch in ipairs(history) do
  epochs[i], curves.train[i], curves.test[i] = i, epoch.train.loss, epoch.validation.loss
end
local wrong = guess:ne(y)
local count = wrong:to("int64"):sum():item()
assert(plot.lines { { x = epochs, y = curves.train, name = "training" }, { x = epochs, y = curves.test, name = "test" },
  title = "Learning to read digits", x_label = "epoch", y_label = "cross entropy", log_y = true }:save "out/digits_loss.svg")
assert(plot.confusion { confusion, classes = NAMES, title = "What was read as what" }:save "out/digits_confusion.svg")
assert(plot.image_grid { model.layers[1].weight:detach():slice(1, 1, 64):reshape(64, 8, 8), columns = 16, colours = "diverging",
  limits = "each", title = "First-layer weights of 64 units" }:save "out/digits_weights.svg")
if count > 0 then
  local captions, was, read = {}, y[wrong], guess[wrong]
  for i = 1, count do captions[i] = ("%d read as %d"):format(was:get(i) - 1, read:get(i) - 1) end
  assert(plot.image_grid { x[wrong]:reshape(-1, 8, 8), captions = captions, colours = "ink", limits = { 0, 1 },
    title = ("All %d mistakes on %d test digits"):format(count, #y) }:save "out/digits_mistakes.svg")
end

-- 4. Save here, load there: the file says how to build the model; the answers are the same bits.
assert(model:save "out/digits.safetensors")
local again = assert(mlp.load "out/digits.safetensors")
print("loaded again, same answers:", (again(x) - model:eval()(x)):abs():max():item() == 0)

-- 5. A harder question: the file is in the order of collection, so its last 360 rows are by writers whom the others do not show.
local first, last = mlp.data.tensors(pixels:slice(1, 1, 1437), classes:slice(1, 1, 1437)), nil
last = mlp.data.tensors(pixels:slice(1, 1438, 1797), classes:slice(1, 1438, 1797))
local _, other = train(first, nil, 1, false)
print(("accuracy on the last 360 rows, by other writers: %.2f %%; lower, because hands differ more between people than within one")
  :format(100 * other:evaluate(last).accuracy))
print "pictures: out/digits_loss.svg out/digits_confusion.svg out/digits_mistakes.svg out/digits_weights.svg"
