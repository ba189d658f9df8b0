-- notMNIST: the letters A to J in 10,000 glyphs of as many typefaces, 28x28 grey. Trains
-- 784-512-256-10 on four fifths, asks the rest, and writes a page with the curves, the confusions
-- and the mistakes it was surest of, many of which no reader would get right.
--   MLP_DATA=folder lua5.4 examples/notmnist.lua [epochs] [glyphs]
local mlp = require "mlp"
local nn, plot = mlp.nn, mlp.plot

local EPOCHS <const> = tonumber(arg and arg[1]) or 12
local folder = os.getenv "MLP_DATA"
if not folder then error("MLP_DATA names no folder with notmnist/images-idx3-ubyte.gz", 0) end
os.execute "mkdir -p out"

local path = folder .. "/notmnist/"
local images = assert(mlp.data.idx.load(path .. "images-idx3-ubyte.gz"))
local labels = assert(mlp.data.idx.load(path .. "labels-idx1-ubyte.gz", { one_based = true }))
local count = math.tointeger(tonumber(arg and arg[2]) or #images)
images, labels = images:slice(1, 1, count), labels:slice(1, 1, count)
local all = mlp.data.tensors(images:to "float32":reshape(count, 784) / 255, labels)
local train, test = mlp.data.split(all, { 0.8, 0.2 }, { seed = 1, stratify = labels })

mlp.manual_seed(1)
local model = nn.MLP { 784, 512, 256, 10, activation = "relu", dropout = 0.3 }
local steps = EPOCHS * math.ceil(#train / 128)
local trainer = mlp.Trainer { model = model, loss = mlp.loss.cross_entropy, optimizer = "adamw",
  lr = 1e-3, schedule = mlp.schedule.cosine(steps), metrics = { accuracy = mlp.metric.accuracy } }
local history = trainer:fit(train, { epochs = EPOCHS, batch_size = 128, seed = 1,
  validation = test })

local x, y = table.unpack(test.tensors)
local logits = trainer:predict(x)
local accuracy = mlp.metric.accuracy(logits, y)
print(("test accuracy %.2f %% (%d glyphs it has not seen)"):format(100 * accuracy, #y))

-- The mistakes it was surest of.
local LETTERS <const> = { "A", "B", "C", "D", "E", "F", "G", "H", "I", "J" }
local sure, guess = logits:softmax(2):max(2)
local wrong = guess:ne(y)
local order = sure[wrong]:argsort(1, { descending = true })
order = order:slice(1, 1, math.min(40, #order))
local was, read = y[wrong]:index_select(1, order), guess[wrong]:index_select(1, order)
local captions = {}
for i = 1, #order do
  captions[i] = ("%s, not %s"):format(LETTERS[read:get(i)], LETTERS[was:get(i)])
end

local page = mlp.report { title = "Letters A to J in ten thousand typefaces",
  subtitle = ("Test accuracy **%.2f %%** on %d glyphs"):format(100 * accuracy, #y),
  footer = "Seed 1; `lua5.4 examples/notmnist.lua`." }
page:heading "Learning":code(model:summary { 1, 784 })
page:figure(plot.lines { { y = history:curve "train.loss", name = "training" },
  { y = history:curve "validation.loss", name = "test" }, x_label = "epoch",
  y_label = "cross entropy" }, "The training loss is measured with dropout.")
page:heading "Where it fails"
page:figure(plot.confusion { mlp.metric.confusion(logits, y), classes = LETTERS },
  "Rows: the letter; columns: what it was read as.")
page:figure(plot.image_grid { x[wrong]:index_select(1, order):reshape(-1, 28, 28),
  captions = captions, columns = 8 }, "The mistakes it was surest of.")
assert(page:save "out/notmnist.html")
print "wrote out/notmnist.html"
