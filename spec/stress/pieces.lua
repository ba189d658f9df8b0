--- The pieces that oom_spec.lua starves, beside the rows: constructors, layers, losses,
--- optimizers, readers and writers, the trainer. Small, and complete in themselves: what a piece
--- makes, it drops.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"

local pieces <const> = {}

local function piece(name, run) pieces[#pieces + 1] = { name = name, run = run } end

--- ---- tensors ---------------------------------------------------------------------------------

piece("creation", function()
  return mlp.tensor { { 1, 2 }, { 3, 4 } }, mlp.zeros(2, 3), mlp.full({ 2 }, 3), mlp.arange(1, 5),
    mlp.linspace(0, 1, 5), mlp.eye(3)
end)

piece("random numbers", function()
  return mlp.rand(3, 4), mlp.randn(3, 4), mlp.randint(1, 6, { 5 }), mlp.randperm(7)
end)

piece("reading and writing elements", function()
  local x <const> = mlp.zeros(3, 4)
  x[1] = mlp.ones(4)
  x[{ {}, { 2, 3 } }] = 5
  x:set(3, 4, 7)
  return x[2], x[{ { 1, 2 }, 3 }], x:totable(), tostring(x), x:tobytes()
end)

piece("masks", function()
  local x <const> = mlp.arange(1, 6)
  x[x:gt(3)] = 0
  return x[x:gt(1)]
end)

piece("operators", function()
  local x <const> = mlp.ones(2, 2)
  return x + 1, 2 * x, x / x, -x, x ^ 2, x - x
end)

piece("products, grids and distances", function()
  local x <const> = mlp.ones(2, 3)
  return mlp.einsum("ij,kj->ik", x, x), mlp.meshgrid { mlp.arange(1, 2), mlp.arange(1, 3) },
    mlp.unique(x), mlp.cross(x, x), mlp.outer(x[1], x[2]), mlp.linalg.norm(x, { ord = "nuc" })
end)

--- ---- gradients -------------------------------------------------------------------------------

piece("backward", function()
  local w <const> = mlp.ones(3):requires_grad_()
  for _ = 1, 2 do (w * w):sum():backward() end
  return w.grad
end)

piece("no_grad", function()
  local w <const> = mlp.ones(3):requires_grad_()
  return mlp.no_grad(function() return w * 2 end)
end)

piece("gradcheck, jacobian, hvp", function()
  local x <const> = mlp.tensor({ 0.5, 0.25 }, { dtype = "float64" }):requires_grad_()
  mlp.gradcheck(function(t) return t:sin():sum() end, { x })
  mlp.jacobian(function(t) return t:sin() end, x)
  mlp.hvp(function(t) return (t * t * t):sum() end, x, mlp.ones(2, { dtype = "float64" }))
end)

--- ---- compiled --------------------------------------------------------------------------------

piece("compile", function()
  local w <const> = mlp.ones(4, 2, { requires_grad = true })
  local step <const> = mlp.compile(function(x)
    w.grad = nil
    local loss <const> = (x:matmul(w):gelu() + mlp.rand(40, 2)):square():sum()
    loss:backward()
    mlp.no_grad(function() w:sub_(w.grad * 0.01) end)
    return loss
  end, { batch = 1 })
  core.debug.tile_height(16)
  local _ <close> = setmetatable({}, { __close = function() core.debug.tile_height(0) end })
  local x <const> = mlp.ones(40, 4)
  step(x)
  return step(x)
end)

--- ---- layers ----------------------------------------------------------------------------------

local function layer(name, make, input)
  piece(name, function()
    local model <const>, x <const> = make(), input and input() or mlp.ones(3, 4)
    local y <const> = model(x)
    y:sum():backward()
    return tostring(model), model:parameters()
  end)
end

layer("Linear", function() return mlp.nn.Linear(4, 2, { activation = "gelu" }) end)
layer("Sequential", function() return mlp.nn.Sequential { mlp.nn.Linear(4, 2), mlp.nn.ReLU() } end)
layer("MLP", function() return mlp.nn.MLP { 4, 5, 2, activation = "relu" } end)
layer("coordinate network", function()
  return mlp.nn.Sequential { mlp.nn.HashGrid { axes = 2, levels = 2, base = 2, table_size = 16 },
    mlp.nn.MLP { 4, 5, 1, skips = { 2 } } }
end, function() return mlp.rand(3, 2) end)
layer("Siren", function() return mlp.nn.Siren { 4, 5, 1 } end)
layer("Fourier features", function() return mlp.nn.FourierFeatures(4, { features = 3 }) end,
  function() return mlp.ones(3, 4, { requires_grad = true }) end)
layer("Residual", function() return mlp.nn.Residual(mlp.nn.Linear(4, 4)) end)
layer("Ensemble", function()
  return mlp.nn.Ensemble({ mlp.nn.Linear(4, 2), mlp.nn.Linear(4, 2) },
    { average = "probabilities" })
end)
layer("Dropout", function()
  return mlp.nn.Sequential { mlp.nn.Linear(4, 4), mlp.nn.Dropout(0.5) }
end)
layer("LayerNorm", function() return mlp.nn.LayerNorm(4) end)
layer("RMSNorm", function() return mlp.nn.RMSNorm(4) end)
layer("FFN", function() return mlp.nn.FFN { dim = 4, hidden = 5 } end)
layer("GLU", function() return mlp.nn.GLU { dim = 4, hidden = 5 } end)
layer("Attention", function()
  return mlp.nn.Attention { dim = 4, heads = 2, kv_heads = 1, causal = true, rope = true }
end)
layer("TransformerBlock", function() return mlp.nn.TransformerBlock { dim = 4, heads = 2 } end)
for _, kind in ipairs { "switch", "mixtral", "deepseek", "noisy", "expert_choice" } do
  layer("MoE, " .. kind, function()
    return mlp.nn.MoE { dim = 4, hidden = 3, experts = 2, router = { kind = kind,
      top_k = kind ~= "expert_choice" and 1 or nil }, shared = 1 }
  end)
end
layer("Embedding", function() return mlp.nn.Embedding(5, 3) end, function()
  return mlp.tensor({ 1, 5, 2 }, { dtype = "int64" })
end)

piece("initialisers", function()
  for _, name in ipairs { "xavier", "kaiming", "lecun", "orthogonal", "siren" } do
    mlp.nn.Linear(4, 3, { init = name })
  end
end)

piece("modules change dtype", function()
  return mlp.nn.Linear(4, 2):to("float64")(mlp.ones(1, 4, { dtype = "float64" }))
end)

piece("summary", function() return mlp.nn.MLP({ 4, 5, 2 }):summary({ 1, 4 }) end)

--- ---- training --------------------------------------------------------------------------------

local function target() return mlp.tensor({ 1, 2, 1 }, { dtype = "int64" }) end

piece("losses", function()
  local x <const> = mlp.ones(3, 2):requires_grad_()
  local y <const> = mlp.zeros(3, 2)
  local total = mlp.loss.mse(x, y) + mlp.loss.l1(x, y) + mlp.loss.huber(x, y)
    + mlp.loss.bce_with_logits(x, y) + mlp.loss.kl_div(x:log_softmax(-1), mlp.full({ 3, 2 }, 0.5))
  total = total + mlp.loss.nll(x:log_softmax(-1), target())
  total = total + mlp.loss.cross_entropy(x, target(), { label_smoothing = 0.1 })
  total:backward()
end)

for _, name in ipairs { "SGD", "Adam", "AdamW", "Adamax", "RAdam", "RMSprop", "Adagrad", "Lion",
  "Muon", "Adafactor" } do
  piece("steps of " .. name, function()
    local w <const> = mlp.ones(3, 2):requires_grad_()
    local optimizer <const> = mlp.optim[name]({ w }, { lr = 0.1 })
    for _ = 1, 2 do
      optimizer:zero_grad()
      local loss <const> = (w * w):sum()
      loss:backward()
      optimizer:step()
    end
  end)
end

piece("a step of LBFGS", function()
  local w <const> = mlp.ones(3, 2):requires_grad_()
  local optimizer <const> = mlp.optim.LBFGS({ w }, { max_iter = 3 })
  optimizer:step(function() return ((w * w - 2) ^ 2):sum() end)
end)

piece("averages and slow weights", function()
  local w <const> = mlp.ones(3):requires_grad_()
  local inner <const> = mlp.optim.Lookahead(mlp.optim.SGD({ w }, { lr = 0.1 }), { every = 1 })
  local optimizer <const> = mlp.optim.EMA(inner)
  local loss <const> = (w * w):sum()
  loss:backward()
  optimizer:step()
  local _ <close> = optimizer:swap()
end)

piece("a training step", function()
  local model <const> = mlp.nn.MLP { 2, 4, 2, activation = "tanh" }
  local optimizer <const> = mlp.optim.AdamW(model:parameters(), { lr = 0.1 })
  optimizer:zero_grad()
  mlp.loss.cross_entropy(model(mlp.ones(3, 2)), target()):backward()
  optimizer:step()
end)

piece("the trainer", function()
  local trainer <const> = mlp.Trainer {
    model = mlp.nn.MLP { 2, 4, 2 }, loss = mlp.loss.cross_entropy, optimizer = "adamw", lr = 0.1,
    metrics = { accuracy = mlp.metric.accuracy }, progress = false,
  }
  local data <const> = mlp.data.tensors(mlp.ones(3, 2), target())
  trainer:fit(data, { epochs = 2, batch_size = 2, validation = data })
  return trainer:evaluate(data), trainer:predict(mlp.ones(1, 2))
end)

--- ---- files -----------------------------------------------------------------------------------

--- Writes and reads in a scratch file, which goes whatever happens.
local function in_file(name, run)
  piece(name, function()
    local path <const> = os.tmpname()
    local results <const> = table.pack(pcall(run, path))
    os.remove(path)
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
  end)
end

--- Passes a result on; raises what a file function answered instead of one.
local function got(value, message)
  if value == nil then error(message, 0) end
  return value
end

in_file("npy", function(path)
  got(mlp.io.npy.save(path, mlp.ones(3, 4)))
  return got(mlp.io.npy.load(path))
end)

in_file("npz", function(path)
  local arrays <const> = { a = mlp.ones(3), b = mlp.zeros(2, 2) }
  got(mlp.io.npz.save(path, arrays, { compress = true }))
  return got(mlp.io.npz.load(path))
end)

in_file("safetensors", function(path)
  got(mlp.io.safetensors.save(path, { a = mlp.ones(3), b = mlp.zeros(2, 2) }))
  return got(mlp.io.safetensors.load(path))
end)

in_file("safetensors of 16 bits", function(path)
  got(mlp.io.safetensors.save(path, { a = mlp.ones(3) }, { dtype = "bfloat16" }))
  return got(mlp.io.safetensors.load(path))
end)

in_file("png", function(path)
  got(mlp.io.png.save(path, mlp.full({ 4, 5, 3 }, 0.5)))
  return got(mlp.io.png.load(path, { dtype = "float32" }))
end)

in_file("png of 16 bits, interlaced", function(path)
  got(mlp.io.png.save(path, mlp.full({ 4, 5 }, 0.5), { depth = 16, interlaced = true }))
  return got(mlp.io.png.load(path, { dtype = "float32" }))
end)

in_file("png with a palette", function(path)
  local picture <const> = mlp.ones({ 4, 5 }, { dtype = "int64" })
  got(mlp.io.png.save(path, picture, { palette = mlp.zeros(2, 3) }))
  return got(mlp.io.png.load(path, { palette = true }))
end)

in_file("wav", function(path)
  got(mlp.io.wav.save(path, mlp.zeros(4, 2), 8000, { encoding = "int24" }))
  return got(mlp.io.wav.load(path))
end)

in_file("csv", function(path)
  got(mlp.data.csv.save(path, mlp.ones(3, 2)))
  return got(mlp.data.csv.load(path))
end)

in_file("a model's file", function(path)
  local model <const> = mlp.nn.MLP { 2, 3, 2 }
  got(model:save(path))
  got(model:load(path))
  return got(mlp.load(path))
end)

return pieces
