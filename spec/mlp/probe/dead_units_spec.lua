--- Dead units: those whose activation is flat on every row, and no others.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

--- A layer of four units of one input: always on, off for x > 0, always off, at most 0 at x = 0.
local function layer(activation)
  local linear <const> = nn.Linear(1, 4, { activation = activation })
  mlp.no_grad(function()
    linear.weight:copy_(mlp.tensor { { 1 }, { -1 }, { -1 }, { -1 } })
    linear.bias:copy_(mlp.tensor { 1, 0.5, -1e5, 0 })
  end)
  return linear
end

describe("probe.dead_units", function()
  local x <const> = mlp.tensor { { 0 }, { 1 }, { 2 } }

  it("finds units of relu that no row reaches", function()
    local report <const> = mlp.probe.dead_units(layer "relu", x)
    assert.are.same({ path = "", units = 4, dead = 2, positions = { 3, 4 } }, report[1])
    assert.are.same({ 2, 4, 3 }, { report.dead, report.units, report.rows })
    assert.matches("layer  units  dead  share", tostring(report), 1, true)
  end)

  it("and units of tanh that rounded to the bound, but none of leaky relu", function()
    assert.are.same({ 3 }, mlp.probe.dead_units(layer "tanh", x)[1].positions)
    assert.are.same({ 3 }, mlp.probe.dead_units(layer "sigmoid", x)[1].positions)
    assert.are.same({}, mlp.probe.dead_units(layer "leaky_relu", x)[1].positions)
    assert.are.same({}, mlp.probe.dead_units(layer "sine", x)[1].positions)
  end)

  it("looks at all layers and batches, and at those that are named", function()
    local model <const> = nn.Sequential { layer "identity", nn.ReLU(), nn.Linear(4, 2) }
    local data <const> = mlp.data.tensors(x, mlp.ones(3))
    for _, size in ipairs { 1, 2, 3 } do
      local report <const> = mlp.probe.dead_units(model, data, { batch_size = size })
      assert.are.equal(1, #report)
      assert.are.equal("layers.2", report[1].path)
      assert.are.same({ 3, 4 }, report[1].positions)
    end
    local named <const> = mlp.probe.dead_units(model, data, { layers = { "layers.1", "layers.3" } })
    assert.are.same({}, named[1].positions) -- without an activation only 0 is dead
    assert.are.equal(2, #named)
    assert.matches("^<svg", mlp.probe.dead_units(model, data):figure():svg():match "<svg.*")
  end)

  it("leaves mode, gradients and random streams alone", function()
    local model <const> = nn.Sequential { layer "relu", nn.Dropout(0.5) }
    local seed <const>, serial <const> = mlp.random_state()
    mlp.probe.dead_units(model, x)
    assert.are.same({ seed, serial }, { mlp.random_state() })
    assert.is_true(model.training and model.layers[2].training)
    assert.is_nil(model.layers[1].weight.grad)
    model.layers[1].forward = function() error "broken" end
    assert.has_error(function() mlp.probe.dead_units(model, x) end)
    assert.is_true(model.training)
  end)

  it("refuses what it cannot look at", function()
    assert.error_matches(function() mlp.probe.dead_units(3, x) end,
      "probe.dead_units: the model is 3 but a module is wanted")
    assert.error_matches(function() mlp.probe.dead_units(nn.Linear(1, 2), x) end,
      "probe.dead_units: no module of the model has an activation")
    assert.error_matches(function() mlp.probe.dead_units(layer "relu", x, { layers = "a" }) end,
      "layers is the string 'a' but a list of paths")
    assert.error_matches(function()
      mlp.probe.dead_units(nn.Sequential { layer "relu" }, x, { layers = { "layers.2" } })
    end, "there is no module 'layers.2'")
  end)
end)
