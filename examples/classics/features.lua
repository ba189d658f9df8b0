-- What the layers of a network that reads digits look for: the inputs that excite units most, and
-- how well a linear probe reads the digit off each layer, beside two controls.
--   lua5.4 examples/classics/features.lua [quick]
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot
local quick <const> = ... == "quick"
local EPOCHS <const>, PROBE_STEPS <const> = quick and 2 or 20, quick and 60 or 200
local certificate <const> = { probe = {} }

local here <const> = debug.getinfo(1, "S").source:match "^@(.*)/" or "."
local file <const> = assert(mlp.data.csv.load(here .. "/../data/digits.csv.gz",
  { header = false, target = 65 }))
local pixels <const>, classes <const> = file.x / 16, file.y:to "int64" + 1
local data <const> = mlp.data.tensors(pixels - pixels:mean(1), classes)
local train_set <const>, test_set <const> = mlp.data.split(data, { 0.8, 0.2 },
  { seed = 1, stratify = classes })
local x <const>, y <const> = table.unpack(train_set.tensors)
local test_x <const>, test_y <const> = table.unpack(test_set.tensors)

mlp.manual_seed(1)
local function fresh() return nn.MLP { 64, 64, 64, 64, 10, activation = "relu" } end
local untrained <const>, model <const> = fresh(), fresh()
-- Noise of 0.4 on every pixel, drawn anew for eight copies: the network must look for strokes.
local eight <const> = mlp.cat({ x, x, x, x, x, x, x, x }, 1)
local noisy <const> = mlp.data.tensors(eight + 0.4 * mlp.randn(eight.shape),
  mlp.cat({ y, y, y, y, y, y, y, y }, 1))
local trainer <const> = mlp.Trainer { model = model, loss = mlp.loss.cross_entropy,
  progress = false, metrics = { accuracy = mlp.metric.accuracy },
  optimizer = mlp.optim.AdamW(model:parameters(), { lr = 2e-3, weight_decay = 0.3 }) }
trainer:fit(noisy, { epochs = EPOCHS, batch_size = 64, seed = 1 })
certificate.accuracy = trainer:evaluate(test_set).accuracy
print(("1. A network 64-64-64-64-10 reads %.1f %% of unseen digits")
  :format(100 * certificate.accuracy))

--- What the layers answer, in their order; first the input itself.
local function answers(net, input)
  local list <const> = { input }
  for i, part in ipairs(net.layers) do list[i + 1] = part(list[i]) end
  return list
end

--- For the first `count` units of layer k at once: the input of norm `length` that excites each
--- most (before the relu), by gradient ascent along the sphere.
local length <const> = x:norm(2):mean():item()
local function exciting(k, count)
  local input, last <const> = mlp.randn(count, 64), model.layers[k]
  for _ = 1, 300 do
    input = (input * (length / input:norm(2, true))):detach():requires_grad_()
    local all <const> = answers(model, input)[k]:linear(last.weight, last.bias)
    local slope <const> = mlp.grad(all:slice(2, 1, count):diagonal():sum(), { input })
    input = input + 0.1 * length * slope / (slope:norm(2, true) + 1e-9)
  end
  return (input * (length / input:norm(2, true))):detach()
end

print "2. Inputs that excite a unit most, by gradient ascent on a sphere. In the first layer the"
print "   answer is known: the unit's own weights. From the second on nobody wrote it down."
local looks <const> = { exciting(1, 64), exciting(2, 10), exciting(3, 10), exciting(4, 10) }
local weights <const> = model.layers[1].weight:detach()
local cosines <const> = (looks[1] * weights):sum(2) / (length * weights:norm(2))
certificate.cosine = cosines:amin():item()
certificate.own_class = model(looks[4]):argmax(2):eq(mlp.arange(1, 10)):to("int64"):sum():item()
print(("   first layer: cosine with the weights at least %.5f over 64 units\n"
  .. "   outputs: %d of 10 such inputs are read as the digit they were made for"):format(
  certificate.cosine, certificate.own_class))

--- Percentages of right answers of a linear probe on (N, D) features: in training, on the test.
local function probe(features, labels, test_features)
  mlp.manual_seed(3)
  local readout <const> = nn.Linear(64, 10)
  local adam <const> = mlp.optim.AdamW(readout:parameters(), { lr = 0.02 })
  for _ = 1, PROBE_STEPS do
    adam:zero_grad()
    mlp.loss.cross_entropy(readout(features), labels):backward()
    adam:step()
  end
  return 100 * mlp.metric.accuracy(readout(features), labels),
    100 * mlp.metric.accuracy(readout(test_features), test_y)
end

print "3. A linear probe on each layer: right answers on the test, the same on an untrained net,"
print "   and on its own training digits with shuffled labels, which it can only memorise"
local curves = { { name = "trained" }, { name = "untrained" }, { name = "shuffled labels" } }
for i = 1, 3 do curves[i].x, curves[i].y, curves[i].marker = { 0, 1, 2, 3 }, {}, true end
local shuffled <const> = y:index_select(1, mlp.randperm(#y))
local of_train <const>, of_test <const> = answers(model, x), answers(model, test_x)
local raw_train <const>, raw_test <const> = answers(untrained, x), answers(untrained, test_x)
for k = 1, 4 do
  curves[1].y[k] = select(2, probe(of_train[k]:detach(), y, of_test[k]))
  curves[2].y[k] = select(2, probe(raw_train[k]:detach(), y, raw_test[k]))
  curves[3].y[k] = probe(of_train[k]:detach(), shuffled, of_test[k])
  print(("   layer %d: trained %.1f %%, untrained %.1f %%, shuffled %.1f %%")
    :format(k - 1, curves[1].y[k], curves[2].y[k], curves[3].y[k]))
end
certificate.trained, certificate.untrained = curves[1].y, curves[2].y
certificate.shuffled = curves[3].y

local function images(rows, title)
  return plot.image_grid { rows:reshape(-1, 8, 8), columns = 10, size = 56, gap = 4, title = title,
    colours = "diverging", limits = "each" }
end
os.execute "mkdir -p out"
assert(plot.grid { plot.grid { images(weights:slice(1, 1, 10), "Layer 1: the weights of ten units"),
  images(looks[2], "Layer 2: what excites ten units most"),
  images(looks[3], "Layer 3"), images(looks[4], "Outputs 0 to 9"), columns = 1 },
  plot.lines { title = "A linear probe on each layer", x_label = "layer (0: the pixels)",
    y_label = "% right", width = 460, height = 480, y_limits = { 0, 103 }, table.unpack(curves) },
  columns = 2, title = "What a network that reads digits looks for",
  subtitle = "Orange: more ink than usual wanted here, blue: less" }
  :save "out/classics_features.svg")
return certificate
