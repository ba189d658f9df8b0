--- Statistics of layers while a model trains: the right numbers, and training to the same bits.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
require "spec.support.approx"

describe("probe.statistics", function()
  it("gives norms, dead units and saturation of each layer", function()
    local trainer <const> = train.trainer { lr = 0 }
    local model <const>, data <const> = trainer.model, train.data()
    local statistics <const> = mlp.probe.statistics(data.tensors)
    trainer:fit(data, { epochs = 2, batch_size = 4, callbacks = { statistics } })
    assert.are.equal(2, #statistics)
    assert.are.same({ 4, 8 }, (statistics:curve("layers.1", "weight_norm")))
    local at <const> = statistics[1].layers
    local first <const> = model.layers[1]
    model:eval()
    model:zero_grad()
    mlp.loss.mse(model(data.tensors[1]), data.tensors[2]):backward()
    assert.close(at["layers.1"].weight_norm,
      mlp.global_norm({ first.weight:detach(), first.bias:detach() }):item())
    assert.close(at["layers.1"].gradient_norm,
      mlp.global_norm({ first.weight.grad, first.bias.grad }):item())
    local y <const> = first(data.tensors[1]):detach():abs()
    assert.close(at["layers.1"].saturation, y:ge(0.99):to("float64"):mean():item())
    assert.are.equal(0, at["layers.1"].dead)
    assert.is_nil(at["layers.3"].saturation) -- it has no activation
    assert.is_true(at["layers.3"].gradient_norm > 0)
    assert.matches("layers.1", tostring(statistics), 1, true)
  end)

  it("changes no bit of the training", function()
    local data <const> = train.data()
    local plain <const> = train.trainer()
    plain:fit(data, { epochs = 2, batch_size = 4, seed = 1 })
    local statistics <const> = mlp.probe.statistics(data, { every = 3, rows = 5 })
    local watched <const> = train.trainer()
    watched:fit(data, { epochs = 2, batch_size = 4, seed = 1, callbacks = { statistics } })
    assert.are.equal(train.bits(plain.model), train.bits(watched.model))
    assert.are.equal(2, #statistics)
    assert.are.equal(5, #statistics.batch[1])
  end)

  it("shows itself as four panels", function()
    local trainer <const> = train.trainer()
    local statistics <const> = mlp.probe.statistics(train.data(), { every = 1 })
    assert.error_matches(function() statistics:figure() end, "nothing was looked at yet")
    trainer:fit(train.data(), { epochs = 2, batch_size = 4, callbacks = { statistics } })
    local svg <const> = statistics:figure():svg()
    for _, text in ipairs { "norm of the gradient", "norm of the weights", "are saturated",
      "are dead" } do
      assert.matches(text, svg, 1, true)
    end
  end)

  it("refuses what it cannot use", function()
    assert.error_matches(function() mlp.probe.statistics(train.data(), { every = 0 }) end,
      "every is 0 but a whole number from 1")
    assert.error_matches(function() mlp.probe.statistics(train.data()):curve("x", "dead") end,
      "there is no 'dead' of layer 'x'")
  end)
end)
