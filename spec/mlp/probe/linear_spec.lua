--- Linear probes: what is linearly there is found, what is not is not, and the controls say so.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
local train <const> = require "spec.support.train"

--- Two classes by the sign of x y, which no line tells apart; a layer that computes it does.
local function crossed(rows)
  local x <const> = mlp.rand(rows, 2, { generator = mlp.generator(4) }) * 2 - 1
  local y <const> = (x:select(2, 1) * x:select(2, 2)):gt(0):to "int64" + 1
  return mlp.data.tensors(x, y)
end

local function solver()
  local first <const> = nn.Linear(2, 4, { activation = "relu" })
  mlp.no_grad(function()
    first.weight:copy_(mlp.tensor { { 1, 1 }, { -1, -1 }, { 1, -1 }, { -1, 1 } })
    first.bias:copy_(mlp.zeros(4))
  end)
  return nn.Sequential { first, nn.Linear(4, 2) }
end

describe("probe.linear", function()
  it("finds what layers know, and what they do not", function()
    local model <const> = solver()
    local bits <const> = train.bits(model)
    local seed <const>, serial <const> = mlp.random_state()
    local probe <const> = mlp.probe.linear(model, { "layers.1" }, crossed(400), { iterations = 50 })
    local input <const>, layer <const> = probe[1], probe[2]
    assert.are.same({ "input", "layers.1" }, { input.layer, layer.layer })
    assert.are.same({ 2, 4 }, { input.units, layer.units })
    assert.is_true(input.accuracy < 0.65)
    assert.is_true(layer.accuracy > 0.95)
    -- Of 120 held-out rows: chance is 0.5, four standard deviations of it 0.18.
    assert.is_true(math.abs(layer.random_labels - 0.5) < 0.18)
    assert.is_true(layer.random_labels_train < 0.75)
    assert.is_true(layer.random_weights < layer.accuracy)
    assert.is_true(probe.majority >= 0.5 and probe.majority < 0.6)
    assert.are.equal(bits, train.bits(model))
    assert.are.same({ seed, serial }, { mlp.random_state() })
  end)

  it("is the same from the same seed, and shows itself", function()
    local model <const>, data <const> = solver(), crossed(60)
    local function once()
      return tostring(mlp.probe.linear(model, nil, data, { iterations = 5 }))
    end
    assert.are.equal(once(), once())
    assert.matches("^layer +units +accuracy", once())
    local figure <const> = mlp.probe.linear(model, nil, data, { iterations = 5 }):figure()
    assert.matches("random weights", figure:svg(), 1, true)
  end)

  it("learns random labels by heart where it has the room", function()
    local x <const> = mlp.randn(40, 100, { generator = mlp.generator(1) })
    local y <const> = mlp.randint(1, 2, 40, { generator = mlp.generator(2) })
    local model <const> = nn.Sequential { nn.Linear(100, 3, { activation = "relu" }) }
    local probe <const> = mlp.probe.linear(model, {}, mlp.data.tensors(x, y), { l2 = 0 })
    assert.are.equal(1, #probe)
    assert.are.equal(1, probe[1].random_labels_train)
  end)

  it("refuses what is no data of classes", function()
    local x <const> = mlp.ones(4, 2)
    local function refuses(pattern, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function()
        mlp.probe.linear(table.unpack(arguments, 1, arguments.n))
      end, pattern)
    end
    refuses("data is a float32 tensor %(4, 2%) but a data set of inputs and classes", solver(), nil,
      x)
    refuses("the classes is a float32 tensor %(4, 2%) but one class per row", solver(), nil,
      mlp.data.tensors(x, x))
    refuses("train is 1 but a fraction", solver(), nil, crossed(10), { train = 1 })
    local model <const>, data <const> = solver(), crossed(10)
    local seed <const>, serial <const> = mlp.random_state()
    refuses("there is no module 'layer'", model, { "layer" }, data)
    assert.are.same({ seed, serial }, { mlp.random_state() })
  end)
end)
