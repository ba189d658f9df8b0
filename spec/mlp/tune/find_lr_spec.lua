--- The range test: it finds a rate that works, and leaves everything as it was.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"

describe("tune.find_lr", function()
  local function trainer_of(optimizer)
    local model <const> = train.model()
    return train.trainer { model = model, schedule = mlp.schedule.constant(0.1),
      optimizer = optimizer and optimizer(model) or mlp.optim.SGD(model, { lr = 0.3,
        momentum = 0.5 }) }
  end

  it("suggests a rate below that of the smallest loss, before the explosion", function()
    local rates <const> = mlp.tune.find_lr(trainer_of(), train.data(),
      { first = 1e-4, last = 1e3, steps = 80, batch_size = 13 })
    assert.is_true(rates.suggestion > 1e-3 and rates.suggestion < rates.lowest)
    assert.is_true(rates.lowest < 10)
    assert.is_true(#rates.rates < 80) -- it ended early
    assert.are.equal(#rates.rates, #rates.losses)
    assert.matches("the loss falls fastest at", tostring(rates), 1, true)
    assert.matches("Learning%-rate range test", rates:figure():svg())
  end)

  it("leaves weights, moments, rates, steps and random stream as they were", function()
    for _, make in ipairs {
      function(model) return mlp.optim.Adam({ { parameters = model, lr = 0.2 } }) end,
      function(model) return mlp.optim.EMA(mlp.optim.Adam(model)) end,
    } do
      local function run(look)
        local trainer <const> = trainer_of(make)
        trainer:fit(train.data(), { epochs = 1, batch_size = 4, seed = 1 })
        if look then
          mlp.tune.find_lr(trainer, train.data(), { last = 1e6, batch_size = 4 })
          assert.are.equal(4, trainer.steps)
        end
        trainer:fit(train.data(), { epochs = 2, batch_size = 4, seed = 1 })
        return train.bits(trainer.model)
      end
      assert.are.equal(run(false), run(true))
    end
  end)

  it("passes on errors that are not of the loss, and refuses options out of range", function()
    local function refuses(pattern, options, loss)
      local trainer <const> = trainer_of()
      trainer.loss = loss or trainer.loss
      assert.error_matches(function() mlp.tune.find_lr(trainer, train.data(), options) end, pattern)
    end
    refuses("broken", {}, function() error "broken" end)
    assert.error_matches(function() mlp.tune.find_lr(3, train.data()) end,
      "tune.find_lr: the first argument is 3 but an mlp.Trainer is wanted")
    refuses("first is 0 but a positive", { first = 0 })
    refuses("first is 1 and last is 0.1; the rate is to grow", { first = 1, last = 0.1 })
    refuses("steps is 3 but a whole number from 10", { steps = 3 })
    refuses("not finite after 0 steps", {}, function(y) return y:sum() * (0 / 0) end)
  end)
end)
