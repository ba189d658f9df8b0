-- The same training twice: a loop written by hand, and the Trainer. Both draw the same batches from
-- the same seed and end with the same weights, to the bit: the Trainer hides nothing.
--   lua5.4 examples/by_hand.lua
local mlp = require "mlp"
local nn = mlp.nn

-- A spiral of three arms: 300 points in the plane, three classes.
local function spirals()
  local generator = mlp.generator(3)
  local turn = mlp.linspace(0, 1, 100)
  local points, classes = {}, {}
  for arm = 1, 3 do
    local noise = mlp.randn(100, { generator = generator }) * 0.1
    local angle = turn * 4 + (arm - 1) * 2 * math.pi / 3 + noise
    points[arm] = mlp.stack({ turn * angle:cos(), turn * angle:sin() }, 2)
    classes[arm] = mlp.full({ 100 }, arm, { dtype = "int64" })
  end
  return mlp.cat(points, 1), mlp.cat(classes, 1)
end

local x, y = spirals()
local data = mlp.data.tensors(x, y)

local function fresh_model()
  mlp.manual_seed(5)
  return nn.MLP { 2, 32, 32, 3, activation = "tanh" }
end

-- By hand.
local model = fresh_model()
local optimizer = mlp.optim.Adam(model:parameters(), { lr = 0.01 })
local loader = mlp.data.loader(data, { batch_size = 50, shuffle = true, seed = 9 })
for epoch = 1, 40 do
  local total, batches = 0, 0
  for inputs, classes in loader() do
    local loss = mlp.loss.cross_entropy(model(inputs), classes)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
    total, batches = total + loss:item(), batches + 1
  end
  if epoch % 10 == 0 then print(("by hand, epoch %d: loss %.4f"):format(epoch, total / batches)) end
end

-- With the Trainer.
local twin = fresh_model()
local trainer = mlp.Trainer { model = twin, loss = mlp.loss.cross_entropy, progress = false,
  optimizer = mlp.optim.Adam(twin:parameters(), { lr = 0.01 }),
  metrics = { accuracy = mlp.metric.accuracy } }
local history = trainer:fit(data, { epochs = 40, batch_size = 50, shuffle = true, seed = 9 })
print(("the Trainer, epoch 40: loss %.4f"):format(history[40].train.loss))

local same = true
local theirs = twin:parameters()
for i, parameter in ipairs(model:parameters()) do
  same = same and parameter:ne(theirs[i]):any():item() == 0
end
print("same weights, to the bit:", same)
print(("accuracy %.1f %%"):format(100 * trainer:evaluate(data).accuracy))

-- What was learned: the regions of the three classes, and the points that taught them.
os.execute "mkdir -p out"
local picture = mlp.plot.regions { model, points = { { points = x, class = y } },
  title = "Three arms, 300 points", subtitle = "regions of a 2-32-32-3 network",
  width = 480, height = 440 }
assert(picture:save "out/by_hand_regions.svg")
