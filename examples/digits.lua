-- The main job: learn to read handwritten digits, 1,797 real ones of 8x8 pixels. Train, look at the
-- mistakes, save, load, predict again.
--   make demo, or lua5.4 examples/digits.lua [epochs]
local mlp = require "mlp"
local nn, plot = mlp.nn, mlp.plot
local EPOCHS <const> = tonumber(arg and arg[1]) or 60
os.execute "mkdir -p out"

-- 1. Data: pixels scaled to 0..1; the digit d is class d + 1, for everything counts from 1.
local folder = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
local path = folder .. "/data/digits.csv.gz"
local file = assert(mlp.data.csv.load(path, { header = false, target = 65 }))
local all = mlp.data.tensors(file.x / 16, file.y:to "int64" + 1)

local function train(rows, validation, progress)
  mlp.manual_seed(1)
  local model = nn.MLP { 64, 256, 128, 10, activation = "gelu", dropout = 0.3 }
  local trainer = mlp.Trainer { model = model, loss = mlp.loss.cross_entropy, lr = 2e-3,
    optimizer = "adamw", schedule = mlp.schedule.cosine(EPOCHS * 23), progress = progress,
    metrics = { accuracy = mlp.metric.accuracy } }
  local options = { epochs = EPOCHS, batch_size = 64, seed = 1, validation = validation }
  return model, trainer, trainer:fit(rows, options)
end

-- 2. Train on 80 %, test on 20 %, each class with its share.
local part = { seed = 1, stratify = all.tensors[2] }
local training, test = mlp.data.split(all, { 0.8, 0.2 }, part)
local model, trainer, history = train(training, test, true)
print(model:summary { 1, 64 })

-- 3. How good is it, and where does it fail?
local x, y = table.unpack(test.tensors)
local logits = trainer:predict(x)
local guess, confusion = logits:argmax(2), mlp.metric.confusion(logits, y)
local wrong = guess:ne(y)
local accuracy = 100 * history[#history].validation.accuracy
print(("\ntest accuracy %.2f %% (%d digits it has not seen)"):format(accuracy, #y))
print("rows: the digits 0 to 9; columns: what they were read as\n" .. tostring(confusion))

local losses, captions, was, read = { {}, {} }, {}, y[wrong], guess[wrong]
for i, epoch in ipairs(history) do
  losses[1][i], losses[2][i] = epoch.train.loss, epoch.validation.loss
end
for i = 1, #was do captions[i] = ("%d read as %d"):format(was:get(i) - 1, read:get(i) - 1) end
local function save(name, picture) assert(picture:save("out/digits_" .. name .. ".svg")) end
save("loss", plot.lines { { y = losses[1], name = "training" }, { y = losses[2], name = "test" },
  log_y = true, title = "Learning to read digits", x_label = "epoch", y_label = "cross entropy" })
save("confusion", plot.confusion { confusion, title = "What was read as what",
  classes = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } })
save("weights", plot.image_grid { model.layers[1].weight:detach():slice(1, 1, 32):reshape(32, 8, 8),
  columns = 8, colours = "diverging", limits = "each", title = "What 32 first units look for" })
if #was > 0 then
  save("mistakes", plot.image_grid { x[wrong]:reshape(-1, 8, 8), captions = captions,
    colours = "ink", limits = { 0, 1 }, title = ("All %d mistakes"):format(#was) })
end

-- 4. Save here, load there: the file says how the model is built; the answers are the same bits.
assert(model:save "out/digits.safetensors")
local again = assert(mlp.load "out/digits.safetensors")
print("loaded again, same answers:", again(x):ne(model:eval()(x)):any():item() == 0)

-- 5. A harder question. Rows are in the order of collection: the last 360 are by other writers.
local _, other = train(mlp.data.tensors(all:range(1, 1437)), nil, false)
local last = other:evaluate(mlp.data.tensors(all:range(1438, 1797)))
print(("the last 360 rows, by writers it has not seen: %.2f %%"):format(100 * last.accuracy))
print "that is lower, because hands differ more between people than within one"
print "pictures: out/digits_{loss,confusion,mistakes,weights}.svg"
