--- What a trainer does beside the plain step: parts of batches, noise on gradients, weights of
--- classes, several schedules, callbacks that are objects.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
local nn <const> = mlp.nn
require "spec.support.approx"

local function refuses(pattern, options)
  assert.error_matches(function() train.trainer(options) end, pattern)
end

describe("accumulate", function()
  --- Without dropout, whose draws depend on the shape of the batch.
  local function trained(parts, clip)
    mlp.manual_seed(1)
    local trainer <const> = train.trainer {
      model = nn.MLP { 3, 8, 2, activation = "tanh", dtype = "float64" }, accumulate = parts,
      clip_norm = clip, optimizer = "sgd", lr = 0.1, metrics = { mae = mlp.metric.mae },
    }
    local x <const>, y <const> = table.unpack(train.data().tensors)
    local data <const> = mlp.data.tensors(x:to "float64", y:to "float64")
    local history <const> = trainer:fit(data, { epochs = 3, batch_size = 5, seed = 1 })
    return trainer.model:parameters(), history
  end

  it("gives the loss, the metrics and the weights of whole batches", function()
    local whole <const>, before <const> = trained(nil, 0.5)
    for _, parts in ipairs { 1, 2, 3, 7 } do -- 7: more than there are rows
      local pieces <const>, history <const> = trained(parts, 0.5)
      for i, parameter in ipairs(whole) do
        assert.close(pieces[i], parameter, { tolerance = 1e-13 })
      end
      assert.close(history:curve "train.loss", before:curve "train.loss", { tolerance = 1e-13 })
      assert.close(history:curve "train.mae", before:curve "train.mae", { tolerance = 1e-13 })
    end
  end)

  it("holds no more rows at once than a part has", function()
    local most = 0
    local Net <const> = nn.Module:extend "Net"
    function Net:init() self.layer = nn.Linear(3, 2) end
    function Net:forward(x)
      most = math.max(most, #x)
      return self.layer(x)
    end
    local trainer <const> = train.trainer { model = Net(), accumulate = 3 }
    trainer:fit(train.data(), { epochs = 1, batch_size = 12 })
    assert.are.equal(4, most)
  end)

  it("refuses what is no number of parts", function()
    refuses("accumulate is 0 but a whole number of parts from 1", { accumulate = 0 })
    refuses("accumulate is 1.5 but", { accumulate = 1.5 })
    local trainer <const> = train.trainer { accumulate = 2 }
    assert.error_matches(function() trainer:step { mlp.ones(4, 3), mlp.ones(3, 2) } end,
      "tensor 2 of the batch is a float32 tensor %(3, 2%) and tensor 1 has 4 rows")
  end)
end)

describe("gradient noise", function()
  --- One step on a gradient of zeros: what moves is noise.
  local function noise_after(steps, noise, options)
    mlp.manual_seed(3)
    local model <const> = nn.Linear(100, 100, { init = "zeros" })
    local spec <const> = { model = model, optimizer = "sgd", lr = 1, gradient_noise = noise,
      loss = function(y) return y:sum() * 0 end }
    for name, value in pairs(options or {}) do spec[name] = value end
    local trainer <const> = train.trainer(spec)
    trainer.steps = steps
    trainer:step { mlp.ones(1, 100), mlp.ones(1) }
    return model.weight:detach()
  end

  it("is normal, of variance eta / (1 + t)^gamma", function()
    for _, case in ipairs { { 0, 0.04, 0.04 }, { 15, { eta = 0.04, gamma = 0.5 }, 0.01 },
      { 3, 1, 1 / 4 ^ 0.55 } } do
      local steps <const>, given <const>, variance <const> = table.unpack(case)
      local w <const> = noise_after(steps, given)
      -- Of 10,000 draws: the mean's deviation is 1 % of theirs, that of the variance 1.4 % of it.
      assert.is_true(math.abs(w:mean():item()) < 0.04 * math.sqrt(variance))
      assert.close(w:var():item(), variance, { tolerance = 0.06 })
    end
  end)

  it("comes after clipping", function()
    local Slope <const> = nn.Module:extend "Slope"
    function Slope:init() self.w = mlp.zeros(10000, { requires_grad = true }) end
    function Slope:forward(x) return (self.w * x):sum() end
    local model <const> = Slope()
    local trainer <const> = train.trainer { model = model, optimizer = "sgd", lr = 1,
      clip_norm = 1e-6, gradient_noise = 1, loss = function(y) return y end }
    trainer:step { mlp.ones(10000), mlp.ones(1) }
    assert.close(model.w:std():item(), 1, { tolerance = 0.06 })
  end)

  it("is the same from the same seed, and goes on with a run", function()
    local a <const>, b <const> = noise_after(0, 1), noise_after(0, 1)
    assert.are.equal(a:tobytes(), b:tobytes())
  end)

  it("refuses what is no variance", function()
    refuses("gradient_noise: eta is %-1 but a number from 0", { gradient_noise = -1 })
    refuses("unknown option 'gama' %(did you mean 'gamma'%?%)",
      { gradient_noise = { eta = 1, gama = 1 } })
    refuses("gradient_noise: eta is nil but", { gradient_noise = {} })
  end)
end)

describe("class weights", function()
  local labels <const> = mlp.tensor({ 1, 1, 1, 3 }, { dtype = "int64" })

  it("are balanced so that every class weighs the same", function()
    assert.close(mlp.data.class_weights(labels), { 4 / 6, 1, 2 })
    assert.close(mlp.data.class_weights(labels, { classes = 4 }), { 4 / 6, 1, 2, 1 })
    assert.error_matches(function() mlp.data.class_weights(labels - 1) end,
      "there is class 0, but classes count from 1")
    assert.error_matches(function() mlp.data.class_weights(labels, { classes = 2 }) end,
      "classes is 2 but a whole number from 3")
  end)

  it("go into the loss, in training and in evaluation", function()
    local x <const> = mlp.randn(4, 3)
    local data <const> = mlp.data.tensors(x, labels)
    local weights <const> = mlp.data.class_weights(labels)
    for _, given in ipairs { "balanced", weights, weights:totable() } do
      local model <const> = nn.Linear(3, 3)
      local trainer <const> = train.trainer { model = model, loss = "cross_entropy",
        class_weight = given, lr = 0 }
      local history <const> = trainer:fit(data, { epochs = 1, batch_size = 4 })
      local wanted <const> = mlp.loss.cross_entropy(model(x), labels, { weight = weights }):item()
      assert.close(history[1].train.loss, wanted)
      assert.close(trainer:evaluate(data).loss, wanted)
    end
  end)

  it("are refused where they cannot be", function()
    refuses("class_weight is the string 'even' but", { class_weight = "even" })
    refuses("class_weight%[2%] is %-1", { class_weight = { 1, -1 } })
    local trainer <const> = train.trainer { loss = "cross_entropy", class_weight = "balanced" }
    assert.error_matches(function() trainer:step { mlp.ones(1, 3), labels[{ { 1, 1 } }] } end,
      "call fit first")
    assert.error_matches(function() trainer:fit(function() end, { epochs = 1 }) end,
      "of which class_weight")
  end)
end)

describe("schedules", function()
  local function one(p) return (p * mlp.tensor { 1 }):sum() end

  local function trainer_of(groups, schedule, options)
    local Net <const> = nn.Module:extend "Net"
    function Net:init() self.a, self.b = groups[1], groups[2] end
    function Net:forward() return one(self.a) + one(self.b) end
    return train.trainer { model = Net(), loss = function(y) return y end, schedule = schedule,
      optimizer = mlp.optim.SGD({ { parameters = { groups[1] } },
        { parameters = { groups[2] }, lr = 10 } }, options) }
  end

  local function leaves() return { mlp.zeros(1, { requires_grad = true }),
    mlp.zeros(1, { requires_grad = true }) } end

  it("of the groups, one each", function()
    local groups <const> = leaves()
    local trainer <const> = trainer_of(groups,
      { mlp.schedule.linear(2), mlp.schedule.constant(0.1) }, { lr = 1 })
    trainer:step { mlp.ones(1), mlp.ones(1) }
    trainer:step { mlp.ones(1), mlp.ones(1) }
    assert.close(groups[1]:detach(), { -1.5 })
    assert.close(groups[2]:detach(), { -2 })
    assert.close(trainer:effective_lr(), 0.5)
    assert.close(trainer.optimizer:rate(2), 1)
  end)

  it("of several options together", function()
    local groups <const> = leaves()
    local trainer <const> = trainer_of(groups, { lr = mlp.schedule.constant(0.5),
      momentum = function(step) return step == 2 and 0.5 or 1 end }, { lr = 1, momentum = 0.8 })
    for _ = 1, 3 do trainer:step { mlp.ones(1), mlp.ones(1) } end
    -- v = 1, 0.4 + 1, 0.8 * 1.4 + 1
    assert.close(groups[1]:detach(), { -0.5 * (1 + 1.4 + 2.12) })
  end)

  it("are refused where they cannot be", function()
    local sgd <const> = { momentun = mlp.schedule.constant() }
    refuses("schedule of lr is 3 but a function", { schedule = { lr = 3 } })
    refuses("there is a schedule for group 2, but the optimizer has 1 group",
      { schedule = { [2] = mlp.schedule.constant() } })
    refuses("SGD: there is no number 'momentun' to scale %(did you mean 'momentum'%?%)",
      { schedule = sgd, optimizer = "sgd" })
  end)
end)

describe("a callback", function()
  it("may be an object with methods", function()
    local Counter <const> = {}
    Counter.__index = Counter
    function Counter:on_step_end(event) self.steps = event.step end
    function Counter:on_epoch_end(entry, trainer)
      self.epochs = entry.epoch
      return trainer.steps >= 8 and "stop" or nil
    end
    local counter <const> = setmetatable({}, Counter)
    train.trainer():fit(train.data(), { epochs = 5, batch_size = 4, callbacks = { counter } })
    assert.are.same({ 8, 2 }, { counter.steps, counter.epochs })
  end)
end)
