--- Early stopping: when a run ends, which weights are left, which way is better.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
local bits <const> = train.bits
require "spec.support.approx"

--- A metric that goes through these values, one per evaluation. They are asked for once per batch,
--- and all validation rows make one batch.
local function scripted(values, better)
  local asked = 0
  local metric <const> = setmetatable({}, getmetatable(mlp.metric.mae))
  for key, value in pairs(mlp.metric.mae) do metric[key] = value end
  metric.higher_is_better = better
  function metric.sums(prediction)
    if prediction:size(1) ~= 6 then return { total = 0, count = 1 } end -- a training batch
    asked = asked + 1
    return { total = values[asked] or values[#values], count = 1 }
  end
  return metric
end

--- Trains while the metric goes through the values; the weights after each epoch.
local function run(values, better, options, callback)
  local trainer <const>, weights <const> =
    train.trainer { metrics = { score = scripted(values, better) } }, {}
  options.metric = options.metric or "score"
  local ok <const>, history <const> = pcall(trainer.fit, trainer, train.data(), {
    epochs = 20, batch_size = 5, validation = train.validation(), early_stop = options,
    callbacks = { function(entry)
      weights[entry.epoch] = bits(trainer.model)
      if callback then return callback(entry) end
    end },
  })
  return { ok = ok, history = history, weights = weights, left = bits(trainer.model),
    epochs = #weights }
end

describe("early stopping", function()
  it("ends the run when patience is out, and puts the best weights back", function()
    for patience = 1, 3 do
      local got <const> = run({ 5, 3, 4, 4, 4, 4 }, false, { patience = patience })
      assert.is_true(got.ok)
      assert.are.equal(2 + patience, #got.history)
      assert.are.equal(got.weights[2], got.left)
    end
  end)

  it("knows which way a metric gets better", function()
    local got <const> = run({ 1, 3, 2, 2 }, true, { patience = 2 })
    assert.are.equal(4, got.epochs)
    assert.are.equal(got.weights[2], got.left)
  end)

  it("watches the validation loss unless told otherwise", function()
    local got <const> = run({ 0 }, true, { metric = "loss", patience = 50 })
    local best = 1
    for i, entry in ipairs(got.history) do
      if entry.validation.loss < got.history[best].validation.loss then best = i end
    end
    assert.are.equal(20, got.epochs)
    assert.are.equal(got.weights[best], got.left)
  end)

  it("watches the training where there is no validation", function()
    local trainer <const> = train.trainer { lr = 0 }
    trainer.model.layers[2].p = 0
    local history <const> = trainer:fit(train.data(), { epochs = 9, early_stop = { patience = 2 } })
    assert.are.equal(3, #history)
  end)

  it("wants improvements of more than min_delta", function()
    local got <const> = run({ 5, 4.95, 4.9, 4.0, 4 }, false, { patience = 3, min_delta = 0.5 })
    assert.are.equal(got.weights[4], got.left)
    local short <const> = run({ 5, 4.95, 4.9, 4.0, 4 }, false, { patience = 2, min_delta = 0.5 })
    assert.are.equal(3, short.epochs)
    assert.are.equal(short.weights[1], short.left)
  end)

  it("takes NaN for no improvement", function()
    local got <const> = run({ 0 / 0, 3, 0 / 0, 0 / 0 }, false, { patience = 2 })
    assert.are.equal(4, got.epochs)
    assert.are.equal(got.weights[2], got.left)
  end)

  it("puts the best weights back when a callback stops the run", function()
    local got <const> = run({ 3, 5, 5, 5 }, false, { patience = 9 },
      function(entry) return entry.epoch == 3 and "stop" or nil end)
    assert.are.equal(3, got.epochs)
    assert.are.equal(got.weights[1], got.left)
  end)

  it("puts the best weights back when an error ends the run", function()
    local got <const> = run({ 3, 5, 5, 5 }, false, { patience = 9 },
      function(entry) if entry.epoch == 3 then error { "mine" } end end)
    assert.is_false(got.ok)
    assert.are.same({ "mine" }, got.history)
    assert.are.equal(got.weights[1], got.left)
  end)

  it("puts the best weights back when the run reaches its end", function()
    local got <const> = run({ 3, 2, 5, 5, 5 }, false, { patience = 50 })
    assert.are.equal(20, got.epochs)
    assert.are.equal(got.weights[2], got.left)
  end)

  it("keeps a copy: what later happens to the weights does not reach it", function()
    local trainer <const> = train.trainer { metrics = { score = scripted({ 1, 2, 2 }, false) } }
    local best
    trainer:fit(train.data(), { epochs = 3, early_stop = { metric = "score" }, batch_size = 5,
      validation = train.validation(), callbacks = { function(entry)
        if entry.epoch == 1 then best = bits(trainer.model) end
        mlp.no_grad(function() trainer.model.layers[1].weight:copy_(entry.epoch) end)
      end } })
    assert.are.equal(best, bits(trainer.model))
  end)

  it("has defaults", function()
    local trainer <const> = train.trainer { lr = 0 }
    trainer.model.layers[2].p = 0
    assert.are.equal(6, #trainer:fit(train.data(), { epochs = 20, early_stop = true }))
  end)

  it("refuses metrics that are not there or have no direction", function()
    local function refuses(pattern, metrics, options)
      assert.error_matches(function()
        train.trainer { metrics = metrics }:fit(train.data(), { epochs = 1, early_stop = options })
      end, pattern)
    end
    refuses("there is no metric 'r3' %(did you mean 'r2'%?%)", { r2 = mlp.metric.r2 },
      { metric = "r3" })
    refuses("say whether a higher 'mine' is better", { mine = function() return 1 end },
      { metric = "mine" })
    refuses("patience is 0 but a whole number", {}, { patience = 0 })
    refuses("did you mean 'patience'", {}, { patiense = 3 })
    train.trainer { metrics = { mine = function() return 1 end } }:fit(train.data(),
      { epochs = 1, early_stop = { metric = "mine", higher_is_better = false } })
  end)
end)
