--- The trainer: it does what the loop by hand does, tells what happened, stops when told, and
--- leaves modes as it found them.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
local nn <const> = mlp.nn
require "spec.support.approx"

local bits <const> = train.bits

describe("fit", function()
  --- Three epochs by hand, and the same by a trainer: two models and their losses.
  local function both_ways(clip)
    local model <const>, data <const> = train.model(), train.data()
    local optimizer <const> = mlp.optim.SGD(model, { lr = 0.1, momentum = 0.9 })
    local loader <const> = mlp.data.loader(data, { batch_size = 4, shuffle = true, seed = 3 })
    local schedule <const>, losses <const>, step = mlp.schedule.cosine(12), {}, 0
    for epoch = 1, 3 do
      local sum = 0
      for x, y in loader:batches() do
        step = step + 1
        optimizer:zero_grad()
        local loss <const> = mlp.loss.mse(model(x), y)
        loss:backward()
        if clip then mlp.optim.clip_norm(model, clip) end
        optimizer.factor = schedule(step)
        optimizer:step()
        sum = sum + loss:item() * #x
      end
      losses[epoch] = sum / #data
    end
    local twin <const> = train.model()
    local trainer <const> = train.trainer {
      model = twin, optimizer = mlp.optim.SGD(twin, { lr = 0.1, momentum = 0.9 }),
      schedule = schedule, clip_norm = clip,
    }
    local history <const> = trainer:fit(data, { epochs = 3, batch_size = 4, seed = 3 })
    return model, twin, losses, history:curve "train.loss"
  end

  it("is the loop by hand, to the bit", function()
    local model <const>, twin <const>, losses <const>, curve <const> = both_ways()
    assert.are.equal(bits(model), bits(twin))
    assert.are.same(losses, curve)
  end)

  it("clips as by hand", function()
    -- By hand gradients are scaled and rounded first; the step scales them in its own pass.
    local model <const>, twin <const>, losses <const>, curve <const> = both_ways(0.5)
    assert.close(curve, losses)
    local theirs <const> = twin:parameters()
    for i, parameter in ipairs(model:parameters()) do assert.close(theirs[i], parameter) end
    assert.are_not.equal(bits(model), bits((both_ways())))
  end)

  it("tells epoch by epoch what happened", function()
    local trainer <const> = train.trainer {
      metrics = { mae = mlp.metric.mae, r2 = mlp.metric.r2 }, schedule = mlp.schedule.step(4),
    }
    local history <const> = trainer:fit(train.data(),
      { epochs = 3, batch_size = 4, validation = train.validation() })
    assert.are.equal(3, #history)
    for epoch, entry in ipairs(history) do
      assert.are.equal(epoch, entry.epoch)
      assert.are.equal(4 * epoch, entry.step)
      assert.close(entry.lr, 0.02 * 0.1 ^ (epoch - 1))
      assert.is_true(entry.seconds >= 0)
      for _, part in ipairs { entry.train, entry.validation } do
        for _, name in ipairs { "loss", "mae", "r2" } do
          assert.are.equal("float", math.type(part[name]))
        end
      end
    end
    local last <const> = trainer:evaluate(train.validation())
    assert.are.same(history[3].validation, last)
    assert.are.equal(history, trainer.history)
    assert.are.same({ history[1].train.mae, history[2].train.mae, history[3].train.mae },
      history:curve "train.mae")
    assert.error_matches(function() history:curve "train.accuracy" end, "there is no 'train.acc")
    assert.matches("^epoch 1/3  loss %S+  mae %S+  r2 %S+  |  validation loss", tostring(history))
  end)

  it("weighs batches by their rows", function()
    local trainer <const> = train.trainer { lr = 0, metrics = { mae = mlp.metric.mae } }
    trainer.model.layers[2].p = 0
    local data <const> = train.data()
    local history <const> = trainer:fit(data, { epochs = 1, batch_size = 4 })
    local prediction <const> = trainer:predict(data)
    assert.close(history[1].train.loss, mlp.loss.mse(prediction, data.tensors[2]):item())
    assert.close(history[1].train.mae, mlp.metric.mae(prediction, data.tensors[2]))
  end)

  it("ends after so many steps, inside an epoch", function()
    local trainer <const> = train.trainer()
    local history <const> = trainer:fit(train.data(), { steps = 6, batch_size = 4 })
    assert.are.equal(6, trainer.steps)
    assert.are.equal(2, #history)
    assert.is_nil(history[1].partial)
    assert.is_true(history[2].partial)
    trainer:fit(train.data(), { steps = 2, batch_size = 4 })
    assert.are.equal(8, trainer.steps)
    assert.are.equal(1, #trainer:fit(train.data(), { epochs = 1, steps = 100, batch_size = 4 }))
  end)

  it("takes loaders, lists and iterators", function()
    local data <const> = train.data()
    local x <const>, y <const> = table.unpack(data.tensors)
    local samples <const> = {}
    for i = 1, #x do samples[i] = { x[i], y[i] } end
    local function passes()
      local i = 0
      return function()
        i = i + 1
        if samples[i] then return samples[i][1], samples[i][2] end
      end
    end
    local function ready()
      return coroutine.wrap(function()
        for first = 1, 13, 4 do
          coroutine.yield(x:slice(1, first, math.min(first + 3, 13)),
            y:slice(1, first, math.min(first + 3, 13)))
        end
      end)
    end
    local expected
    for _, given in ipairs {
      { data, { batch_size = 4, shuffle = false } },
      { mlp.data.loader(data, { batch_size = 4 }), {} },
      { samples, { batch_size = 4, shuffle = false } },
      { passes, { batch_size = 4 } },
      { ready, {} },
    } do
      local trainer <const> = train.trainer()
      given[2].epochs = 2
      trainer:fit(given[1], given[2])
      expected = expected or bits(trainer.model)
      assert.are.equal(expected, bits(trainer.model))
    end
  end)

  it("shuffles unless told not to", function()
    local data <const> = train.data()
    local function trained(options)
      local trainer <const> = train.trainer()
      options.epochs, options.batch_size = 1, 4
      trainer:fit(data, options)
      return bits(trainer.model)
    end
    assert.are.equal(trained { seed = 1 }, trained { seed = 1, shuffle = true })
    assert.are_not.equal(trained { seed = 1 }, trained { seed = 2 })
    assert.are.equal(trained { seed = 1, shuffle = false }, trained { shuffle = false })
  end)

  it("takes prediction and target from a function of the user's", function()
    local trainer <const> = train.trainer {
      model = nn.Linear(3, 3), -- an autoencoder: a batch is one tensor
      forward = function(model, batch) return model(batch[1]), batch[1] end,
    }
    local data <const> = mlp.data.tensors(train.data().tensors[1])
    local history <const> = trainer:fit(data, { epochs = 5 })
    assert.is_true(history[5].train.loss < history[1].train.loss)
    assert.close(trainer:evaluate(data).loss,
      mlp.loss.mse(trainer.model(data.tensors[1]), data.tensors[1]):item())
  end)

  it("gives the model all tensors of a batch but the last", function()
    local Sum <const> = nn.Module:extend "Sum"
    function Sum:init() self.weight = mlp.ones(1, { requires_grad = true }) end
    function Sum:forward(a, b) return (a + b) * self.weight end
    local trainer <const> = train.trainer { model = Sum() }
    local a <const> = mlp.arange(1, 4):to "float32"
    trainer:fit(mlp.data.tensors(a, a, a * 4), { epochs = 300, batch_size = 4 })
    assert.close(trainer.model.weight, { 2 }, { tolerance = 1e-3 })
  end)

  it("yields across the user's functions", function()
    local trainer <const>, seen = train.trainer(), 0
    local run <const> = coroutine.wrap(function()
      return trainer:fit(train.data(), { epochs = 2, batch_size = 8,
        callbacks = { { on_step_end = coroutine.yield } } })
    end)
    local event = run()
    while event.batch do
      seen = seen + 1
      event = run()
    end
    assert.are.equal(4, seen)
    assert.are.equal(2, #event)
  end)
end)

describe("callbacks", function()
  local function fit(callbacks, options)
    local trainer <const> = train.trainer()
    options = options or {}
    options.epochs, options.batch_size, options.callbacks = 3, 4, callbacks
    return trainer:fit(train.data(), options), trainer
  end

  it("see every step and every epoch", function()
    local steps <const>, epochs <const> = {}, {}
    local history <const>, trainer <const> = fit {
      { on_step_end = function(event, of)
        steps[#steps + 1] = { event.epoch, event.batch, event.step, event.batches }
        assert.are.equal("float", math.type(event.loss))
        assert.are.equal(0.02, event.lr)
        assert.is_not_nil(of.optimizer)
      end },
      function(entry, of) epochs[#epochs + 1] = { entry, of } end,
    }
    assert.are.equal(12, #steps)
    assert.are.same({ 2, 1, 5, 4 }, steps[5])
    for i, seen in ipairs(epochs) do
      assert.are.equal(history[i], seen[1])
      assert.are.equal(trainer, seen[2])
    end
  end)

  it("stop the run", function()
    assert.are.equal(2, #fit { function(entry) return entry.epoch == 2 and "stop" or nil end })
    local history <const>, trainer <const> = fit {
      { on_step_end = function(event) return event.step == 5 and "stop" or nil end },
    }
    assert.are.equal(5, trainer.steps)
    assert.is_true(history[2].partial)
  end)

  it("raise their own errors, untouched", function()
    local mine <const> = { "mine" }
    local ok <const>, raised <const> = pcall(fit, { function() error(mine) end })
    assert.is_false(ok)
    assert.are.equal(mine, raised)
  end)

  it("may change the learning rate", function()
    local history <const> = fit { function(_, trainer) trainer.optimizer.lr = 0.5 end }
    assert.are.same({ 0.02, 0.5, 0.5 }, history:curve "lr")
  end)
end)

describe("modes", function()
  it("are put back as they were, however training ends", function()
    local function modes(model)
      return { model.training, model.layers[1].training, model.layers[2].training }
    end
    for _, ends in ipairs { function() end, function() return "stop" end, error } do
      local trainer <const> = train.trainer()
      trainer.model:eval()
      trainer.model.layers[1].training = true
      local inside
      pcall(trainer.fit, trainer, train.data(), { epochs = 1, callbacks = { function()
        inside = modes(trainer.model)
        return ends()
      end }, validation = train.validation() })
      assert.are.same({ true, true, true }, inside)
      assert.are.same({ false, true, false }, modes(trainer.model))
    end
  end)

  it("are those of evaluation in evaluate and predict", function()
    local seen <const> = {}
    local Spy <const> = nn.Module:extend "Spy"
    function Spy:init() self.weight = mlp.ones(1, { requires_grad = true }) end
    function Spy:forward(x)
      seen[#seen + 1] = { self.training, mlp.grad_enabled() }
      return x * self.weight
    end
    local trainer <const> = train.trainer { model = Spy() }
    local x <const> = mlp.ones(4)
    trainer:evaluate(mlp.data.tensors(x, x))
    trainer:predict(x)
    trainer:step { x, x }
    assert.are.same({ { false, false }, { false, false }, { true, true } }, seen)
    assert.is_true(trainer.model.training)
    assert.is_true(mlp.grad_enabled())
  end)
end)

describe("step", function()
  it("makes one update and tells the loss before it", function()
    local trainer <const> = train.trainer { clip_norm = 1 }
    trainer.model.layers[2].p = 0
    local batch <const> = train.data().tensors
    local before <const> = mlp.loss.mse(trainer.model(batch[1]), batch[2]):item()
    assert.close(trainer:step(batch), before)
    assert.is_true(mlp.loss.mse(trainer.model(batch[1]), batch[2]):item() < before)
    assert.are.equal(1, trainer.steps)
  end)

  it("trains in training mode and puts evaluation mode back", function()
    local trainer <const> = train.trainer()
    trainer.model:eval()
    trainer:step(train.data().tensors)
    assert.is_false(trainer.model.training)
    assert.is_false(trainer.model.layers[2].training)
  end)
end)

describe("evaluate", function()
  it("is the same for any batch size", function()
    local trainer <const> = train.trainer { metrics = { r2 = mlp.metric.r2, mae = mlp.metric.mae } }
    local data <const> = train.data()
    local whole <const> = trainer:evaluate(data)
    for _, size in ipairs { 1, 4, 13 } do
      local got <const> = trainer:evaluate(data, { batch_size = size })
      for name, value in pairs(whole) do assert.close(got[name], value, { about = name }) end
    end
  end)

  it("measures tensors too", function()
    local trainer <const> = train.trainer {
      model = nn.Linear(3, 3), loss = "cross_entropy",
      metrics = { confusion = mlp.metric.confusion },
    }
    local classes <const> = mlp.randint(1, 3, { 13 })
    local data <const> = mlp.data.tensors(train.data().tensors[1], classes)
    local counts <const> = trainer:evaluate(data, { batch_size = 5 }).confusion
    assert.are.equal(13, counts:sum():item())
    trainer:fit(data, { epochs = 1 })
  end)
end)

describe("predict", function()
  it("gives what the model gives, in pieces", function()
    local trainer <const> = train.trainer()
    local data <const> = train.data()
    local x <const> = data.tensors[1]
    trainer.model:eval()
    local expected <const> = trainer.model(x)
    trainer.model:train()
    for _, given in ipairs { x, data, x:totable() } do
      assert.close(trainer:predict(given), expected)
      assert.close(trainer:predict(given, { batch_size = 4 }), expected)
    end
    assert.is_false(trainer:predict(x).requires_grad)
  end)
end)

describe("a trainer refuses", function()
  local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

  it("parts that are none", function()
    local model <const> = nn.Linear(2, 1)
    local function new(options)
      return function()
        options.model, options.loss = options.model or model, options.loss or "mse"
        mlp.Trainer(options)
      end
    end
    refuses("model is a table but a module", new { model = {} })
    refuses("unknown loss 'mes' %(did you mean 'mse'%?%)", new { loss = "mes" })
    refuses("unknown optimizer 'adanw' %(did you mean 'adamw'%?%)", new { optimizer = "adanw" })
    refuses("this one has its own", new { optimizer = mlp.optim.SGD(model), lr = 1 })
    refuses("schedule is 0.1 but a function", new { schedule = 0.1 })
    refuses("clip_norm is 0 but a positive number", new { clip_norm = 0 })
    refuses("accuracy is the string 'a' but a metric", new { metrics = { accuracy = "a" } })
    refuses("optimizer is a table but", new { optimizer = mlp.optim.SGD })
    refuses("progress is the string 'bar' but", new { progress = "bar" })
    refuses("did you mean 'optimizer'", new { optimiser = "sgd" })
  end)

  it("runs without an end, data that are none, options that contradict", function()
    local trainer <const>, data <const> = train.trainer(), train.data()
    local function fit(given, options) return function() trainer:fit(given, options) end end
    refuses("epochs = ... or steps = ...", fit(data))
    refuses("epochs is 0 but a whole number", fit(data, { epochs = 0 }))
    refuses("did you mean 'epochs'", fit(data, { epoch = 1 }))
    refuses("data is a float32 tensor %(2,%) but a data set", fit(mlp.zeros(2), { epochs = 1 }))
    refuses("the loader has its own batch_size",
      fit(mlp.data.loader(data), { epochs = 1, batch_size = 2 }))
    refuses("checkpoint_every is given but checkpoint", fit(data, { epochs = 1,
      checkpoint_every = 3 }))
    refuses("callback 1: unknown option 'on_epoch_edn' %(did you mean 'on_epoch_end'%?%)",
      fit(data, { epochs = 1, callbacks = { { on_epoch_edn = print } } }))
    refuses("the data gave no batch", fit(function() return function() end end, { epochs = 1 }))
  end)

  it("a loss, a schedule or an optimizer that cannot train", function()
    local model <const> = nn.Linear(2, 1)
    local function step(options)
      return function()
        options.model, options.loss = model, options.loss or "mse"
        mlp.Trainer(options):step { mlp.zeros(3, 2), mlp.ones(3, 1) }
      end
    end
    refuses("the loss is 1 but a tensor of one element", step { loss = function() return 1 end })
    refuses("the loss is a float32 tensor %(3, 1%) but a tensor of one element",
      step { loss = function(p, t) return mlp.loss.mse(p, t, { reduction = "none" }) end })
    refuses("what the schedule gives is the string 'x' but a number from 0",
      step { schedule = function() return "x" end })
    refuses("what the schedule gives is NaN but a number from 0",
      step { schedule = function() return 0 / 0 end })
    refuses("no parameter of the optimizer got a gradient; it must be made from the model that is "
      .. "trained, after model:to", step { optimizer = mlp.optim.SGD(nn.Linear(2, 1)) })
  end)

  it("a batch without a target", function()
    local trainer <const> = train.trainer()
    refuses("the batch has 1 tensor but an input and a target",
      function() trainer:step { mlp.zeros(2, 3) } end)
    refuses("the batch is a float32 tensor", function() trainer:step(mlp.zeros(2, 3)) end)
  end)
end)
