--- The models of the examples whose training steps are their own: after 20 compiled steps the
--- parameters are what 20 steps in Lua make of them, whatever the lanes and tiles. (Those that a
--- trainer trains stand in spec/mlp/trainer/compiled_spec.lua.) In float64, where nothing but a
--- mistake makes a difference that can be seen: Adam steps by lr at a gradient of any size, but
--- rounding lies far below its eps.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local network <const> = require "mlp.field.network".network
local nn <const> = mlp.nn
require "spec.support.approx"

local STEPS <const>, LR <const>, ROWS <const> = 20, 1e-3, 67
local SETTINGS <const> = { { lanes = 1, height = 0 }, { lanes = 2, height = 7 },
  { lanes = 3, height = 16 } }

local function f64(t) return t:to "float64" end
local function coordinates(axes) return f64(mlp.rand(ROWS, axes) * 2 - 1) end
local function values(width) return f64(mlp.randn(ROWS, width)) end
local function classes(n) return mlp.randint(1, n, ROWS) end

--- What a model is given has the batch in front, all of it, unless it is `whole`.
---@class spec.Example
---@field model fun(): mlp.nn.Module
---@field data fun(): mlp.Tensor ...
---@field loss fun(model: mlp.nn.Module, ...: mlp.Tensor): mlp.Tensor
---@field whole boolean?
---@field lr number?
---@type table<string, spec.Example>
local EXAMPLES <const> = {}

local function regression(model, axes, outputs, loss_of)
  return {
    model = model,
    data = function() return coordinates(axes), values(outputs) end,
    loss = function(m, x, y) return (loss_of or mlp.loss.mse)(m(x), y) end,
  }
end

local function classification(model, inputs, n)
  return {
    model = model,
    data = function() return values(inputs), classes(n) end,
    loss = function(m, x, y) return mlp.loss.cross_entropy(m(x), y) end,
  }
end

-- ---- fields -------------------------------------------------------------------------------------

for _, name in ipairs { "none", "positional", "gaussian", "siren", "hash_grid" } do
  EXAMPLES["image_field, " .. name] =
    regression(function() return (network(name, 2, 3, { kind = "image", seed = 1 })) end, 2, 3)
end

-- At omega 3,000 a step of 1e-3 lets rounding grow tenfold from step to step.
EXAMPLES.siren_audio =
  regression(function() return (network("siren", 1, 1, { kind = "audio", seed = 1 })) end, 1, 1)
EXAMPLES.siren_audio.lr = 1e-6

EXAMPLES.sdf = regression(function()
  return (network("hash_grid", 3, 1, { kind = "distances", seed = 1 }))
end, 3, 1, mlp.loss.mae)

EXAMPLES.compression = regression(function()
  local grid <const> = nn.HashGrid { axes = 2, levels = 8, table_size = 256, finest = 64,
    low = -1, high = 1 }
  return nn.Sequential { grid, nn.MLP { grid.outputs, 32, 32, 3 } }
end, 2, 3)

local function poisson() return nn.Siren { 2, 32, 32, 32, 1, omega_first = 30 } end

local function slopes_of(model, x)
  return (mlp.grad(model(x):sum(), { x }, { create_graph = true }))
end

EXAMPLES["poisson, gradients"] = {
  model = poisson, whole = true,
  data = function() return coordinates(2), values(2) end,
  loss = function(m, x, y) return mlp.mse(slopes_of(m, x:clone():requires_grad_()), y) end,
}

EXAMPLES["poisson, Laplacian"] = {
  model = poisson, whole = true,
  data = function() return coordinates(2), values(1):reshape(-1), coordinates(2) end,
  loss = function(m, at, bend, rim)
    local x <const> = at:clone():requires_grad_()
    local slopes <const> = slopes_of(m, x)
    local sum = 0
    for axis = 1, 2 do
      sum = sum + mlp.grad(slopes:select(2, axis):sum(), { x }, { create_graph = true })
        :select(2, axis)
    end
    return mlp.mse(sum, bend) * 1e-4 + m(rim):square():mean()
  end,
}

for name, field in pairs {
  ["hash grid"] = function() return mlp.nerf.HashField { levels = 4, table_size = 512 } end,
  network = function() return mlp.nerf.MLP { width = 32, depth = 3, skip = 0, frequencies = 4 } end,
} do
  EXAMPLES["tiny_nerf, " .. name] = {
    model = field,
    data = function()
      local spacing <const> = f64(mlp.rand(ROWS, 6) * 0.2 + 0.1)
      local directions <const> = values(3)
      return coordinates(3), directions / directions:norm({ 2 }, true), spacing:cumsum(2), spacing,
        f64(mlp.rand(ROWS, 3))
    end,
    loss = function(m, origins, directions, t, delta, colours)
      local x <const> = origins:unsqueeze(2) + directions:unsqueeze(2) * t:unsqueeze(3)
      local density <const>, colour <const> = m(x, directions)
      return mlp.mse((core.composite(density, colour, t, delta)), colours)
    end,
  }
end

-- ---- mixtures and sequences ---------------------------------------------------------------------

local V <const>, T <const> = 19, 6

local function with_auxiliary(loss, auxiliary)
  return auxiliary and loss + auxiliary.loss or loss
end

local function sequences(options)
  return {
    model = function()
      options.vocabulary, options.context, options.dim, options.layers = V, T, 16, 2
      options.heads, options.norm, options.bias = 4, "rms", false
      return nn.Transformer(options)
    end,
    data = function() return mlp.randint(1, V, ROWS, T), mlp.randint(1, V, ROWS, T) end,
    loss = function(m, x, y)
      local logits <const>, auxiliary <const> = m(x)
      return with_auxiliary(mlp.loss.cross_entropy(logits, y), auxiliary)
    end,
  }
end

EXAMPLES["shakespeare_moe, dense"] = sequences { ffn = { kind = "glu", hidden = 24 } }
EXAMPLES["shakespeare_moe, mixture"] = sequences { ffn = { kind = "moe", hidden = 24, experts = 4,
  top_k = 2, router = { kind = "mixtral", balance = 0.02 } } }
EXAMPLES.stories = sequences { ffn = { kind = "glu", hidden = 24, activation = "silu" },
  rope = true, kv_heads = 2, tied = true }

for name, router in pairs {
  ["top 1"] = { kind = "topk", top_k = 1, renormalise = false }, ["top 2"] = { kind = "topk" },
  switch = { kind = "switch", balance = 0.1, jitter = 0 }, mixtral = { kind = "mixtral" },
  deepseek = { kind = "deepseek", top_k = 1, renormalise = false, bias_rate = 0.01 },
  groups = { kind = "deepseek", groups = 4, group_limit = 2, bias_rate = 0.01 },
  noisy = { kind = "noisy" }, ["expert choice"] = { kind = "expert_choice", capacity = 1 },
  hash = { kind = "hash" }, soft = { kind = "soft" },
} do
  EXAMPLES["moe_routers, " .. name] = {
    model = function()
      return nn.MoE { dim = 12, hidden = 16, experts = 8, expert = "ffn", bias = true,
        router = router }
    end,
    data = function() return values(12), values(12), classes(30) end,
    loss = function(m, x, y, word)
      local out <const>, auxiliary <const> = m(x, word)
      return with_auxiliary(mlp.loss.mse(out, y), auxiliary)
    end,
  }
end

EXAMPLES.kv_memory = regression(function()
  return nn.FFN { dim = 12, hidden = 40, activation = "relu" }
end, 12, 12)

-- ---- networks of vectors ------------------------------------------------------------------------

local function noisy_polynomials()
  local example <const> = classification(function()
    return nn.MLP { 64, 128, 10, activation = "relu", init = "torch" }
  end, 64, 10)
  local plain <const> = example.loss
  function example.loss(m, x, y)
    return plain(m, x + mlp.randn({ ROWS, 64 }, { dtype = "float64" }) * 0.05, y)
  end
  return example
end

EXAMPLES.polynomials = noisy_polynomials()
EXAMPLES.notmnist = classification(function()
  return nn.MLP { 784, 64, 32, 10, activation = "relu", dropout = 0.3 }
end, 784, 10)
EXAMPLES.tabular = classification(function()
  return nn.MLP { 13, 64, 64, 3, activation = "gelu", dropout = 0.1 }
end, 13, 3)
for _, activation in ipairs { "sigmoid", "tanh", "relu", "gelu" } do
  EXAMPLES["look_inside, " .. activation] = classification(function()
    return nn.MLP { 64, 64, 64, 64, 64, 10, activation = activation }
  end, 64, 10)
end

for _, activation in ipairs { "relu", "square" } do
  EXAMPLES["modular_addition, " .. activation] = {
    model = function()
      return mlp.fourier.Network { p = 23, width = 48, activation = activation, seed = 1 }
    end,
    data = function()
      local x <const>, y <const> = classes(23), classes(23)
      return f64(mlp.one_hot(x, 23) + mlp.one_hot(y, 23)), (x + y - 2) % 23 + 1, f64(mlp.rand(ROWS))
    end,
    loss = function(m, x, y, weight)
      return (core.cross_entropy(m(x), y, { reduction = "none" }) * weight):sum()
    end,
  }
end

local Filter <const> = nn.Module:extend "Filter"
function Filter:init()
  self.weight = (mlp.randn(16) * 0.3):requires_grad_()
  self.bias = mlp.zeros(1, { requires_grad = true })
end
function Filter:forward(bits)
  local rows <const> = {}
  for shift = 1, 16 do rows[shift] = self.weight:roll(shift, 1) end
  return bits:matmul(mlp.stack(rows, 1):t()):amax(2, true) + self.bias
end

EXAMPLES["classics, a filter"] = regression(function() return Filter() end, 16, 1)
EXAMPLES["classics, bumps"] = regression(function()
  return nn.MLP { 1, 33, 1, activation = "sigmoid" }
end, 1, 1)

-- ---- 20 steps -----------------------------------------------------------------------------------

--- The parameters, by name, and the losses.
local function trained(example, compiled)
  mlp.manual_seed(7)
  local model <const> = example.model():to "float64"
  local data <const> = table.pack(example.data())
  local adam <const> = mlp.optim.Adam(model:parameters(), { lr = example.lr or LR })
  local function step(...)
    local loss <const> = example.loss(model, ...)
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss:detach()
  end
  local batch <const> = {}
  for i = 1, example.whole and 0 or data.n do batch[i] = i end
  local run <const> = compiled and mlp.compile(step, { batch = batch }) or step
  local losses <const> = {}
  for i = 1, STEPS do losses[i] = run(table.unpack(data)):item() end
  if compiled then
    assert.is_nil(run:why_eager())
    assert.equal(1, run:plans())
    assert.is_nil(run:dump():find "not cut along", run:dump())
  end
  return model:parameters(), losses
end

describe("20 compiled steps of the model of", function()
  local lanes
  before_each(function() lanes = core.lanes() end)
  after_each(function()
    core.lanes(lanes)
    core.debug.tile_height(0)
  end)

  for name, example in pairs(EXAMPLES) do
    it(name .. " are those in Lua", function()
      local parameters <const>, losses <const> = trained(example, false)
      for _, setting in ipairs(SETTINGS) do
        core.lanes(setting.lanes)
        core.debug.tile_height(setting.height)
        local got <const>, told <const> = trained(example, true)
        local about <const> = ("%d lanes, tiles of %d"):format(setting.lanes, setting.height)
        assert.close(told, losses, { tolerance = 1e-9, about = about })
        for i, parameter in ipairs(parameters) do
          local off <const> = (got[i] - parameter):detach():abs():amax():item()
          assert.is_true(off <= 1e-6 * (example.lr or LR),
            ("%s: parameter %d is off by %g"):format(about, i, off))
        end
      end
    end)
  end
end)
