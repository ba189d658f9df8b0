--- What is said, and what is kept, when a loss or a gradient is not finite.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
local nn <const> = mlp.nn

local INF <const>, NAN <const> = math.huge, 0 / 0

local function plain(model, options)
  options = options or {}
  options.model, options.progress = model, false
  options.loss = options.loss or mlp.loss.mse
  return mlp.Trainer(options)
end

local function message_of(trainer, data, options)
  options = options or { epochs = 1, shuffle = false, batch_size = 2 }
  local ok <const>, message <const> = pcall(trainer.fit, trainer, data, options)
  assert.is_false(ok)
  return message
end

--- The report between "Trainer: " and the last clause.
local function report_of(...)
  return message_of(...):match "Trainer: (.*); nothing was updated, the last good weights stay$"
end

describe("a loss that is not finite is told by", function()
  local x <const>, y <const> = mlp.ones(4, 3), mlp.ones(4, 1)

  it("the place in the batch and in the data", function()
    local bad <const> = x:clone()
    bad:set(3, 2, INF)
    assert.are.equal("the loss is inf at step 2 (epoch 1, batch 2): the batch itself holds inf: "
      .. "input row 1, column 2 (row 3 of the data)",
      (report_of(plain(nn.Linear(3, 1)), mlp.data.tensors(bad, y)):gsub("is NaN", "is inf")))
    local target <const> = y:clone()
    target:set(4, 1, NAN)
    assert.are.equal("the loss is NaN at step 2 (epoch 1, batch 2): the batch itself holds NaN: "
      .. "target row 2, column 1 (row 4 of the data)",
      report_of(plain(nn.Linear(3, 1)), mlp.data.tensors(x, target)))
  end)

  it("the row of shuffled data", function()
    local bad <const> = mlp.ones(40, 3)
    bad:set(23, 1, NAN)
    local said <const> = report_of(plain(nn.Linear(3, 1)), mlp.data.tensors(bad, mlp.ones(40, 1)),
      { epochs = 1, batch_size = 7, seed = 5 })
    assert.matches("input row %d, column 1 %(row 23 of the data%)", said)
  end)

  it("the place in more axes, and in one", function()
    local trainer <const> = plain(nn.Linear(3, 1))
    local deep <const> = mlp.ones(4, 2, 3)
    deep:set(1, 2, 3, NAN)
    assert.matches("input %[1, 2, 3%] %(row 1 of", report_of(trainer,
      mlp.data.tensors(deep, mlp.ones(4, 2, 1))))
    local flat <const> = mlp.tensor { 1, NAN }
    local sum <const> = plain(nn.Linear(3, 1), {
      forward = function(model, batch) return model(x):sum() * batch[1]:sum(), mlp.tensor(1) end,
    })
    assert.matches("input row 2", report_of(sum, mlp.data.tensors(flat)))
  end)

  it("the parameter that holds it", function()
    local model <const> = nn.MLP { 3, 4, 1 }
    mlp.no_grad(function() model.layers[2].weight:set(1, 3, NAN) end)
    assert.are.equal("the loss is NaN at step 1 (epoch 1, batch 1): the parameter layers.2.weight "
      .. "holds NaN: row 1, column 3", report_of(plain(model), mlp.data.tensors(x, y)))
  end)

  it("the first module whose output is bad", function()
    local Log <const> = nn.Module:extend "Log"
    function Log:forward(z) return (z - z):log() end
    local model <const> = nn.Sequential { nn.Linear(3, 2), Log(), nn.Linear(2, 1) }
    assert.are.equal("the loss is NaN at step 1 (epoch 1, batch 1): the first bad output is that "
      .. "of layers.2 (Log()), -inf: row 1, column 1",
      (report_of(plain(model), mlp.data.tensors(x, y)):gsub("is %-?inf at", "is NaN at")))
  end)

  it("the first module whose input is bad", function()
    local model <const> = nn.Sequential { nn.Linear(3, 2), function(z) return z / 0 end,
      nn.Tanh(), nn.Linear(2, 1) }
    mlp.no_grad(function() model.layers[1].bias:copy_(100) end)
    local said <const> = report_of(plain(model, { loss = function(p) return (p * INF):sum() end }),
      mlp.data.tensors(x, y))
    assert.matches("the input of layers.3 %(Tanh%(%)%) holds inf: row 1, column 1", said)
  end)

  it("the loss function, when everything before it is good", function()
    local trainer <const> = plain(nn.Linear(3, 1),
      { loss = function(prediction) return (prediction * NAN):sum() end })
    assert.are.equal("the loss is NaN at step 1 (epoch 1, batch 1): every output of the model is "
      .. "finite, so it is the loss function", report_of(trainer, mlp.data.tensors(x, y)))
  end)
end)

describe("a gradient that is not finite", function()
  it("is told by the parameter that has it", function()
    -- The square root has the value 0 at 0 and an infinite slope.
    local Root <const> = nn.Module:extend "Root"
    function Root:init() self.weight = mlp.zeros(2, { requires_grad = true }) end
    function Root:forward(x) return x * self.weight:sqrt() end
    local trainer <const> = plain(nn.Sequential { Root() })
    local x <const> = mlp.ones(4, 2)
    assert.matches("^the norm of the gradient is [inNaf]+ at step 1 %(epoch 1, batch 1%): "
      .. "the gradient of layers.1.weight holds %-?[inNaf]+: row 1$",
      report_of(trainer, mlp.data.tensors(x, x)))
    assert.are.same({ 0, 0 }, trainer.model.layers[1].weight:detach():totable())
  end)
end)

describe("after such an end", function()
  --- Good rows, then one bad one; batches of 2 without shuffling: step 3 fails.
  local function bad_data()
    local x <const>, y <const> = table.unpack(train.data().tensors)
    x:set(5, 1, NAN)
    return mlp.data.tensors(x, y)
  end

  it("the weights are those of the step before", function()
    local good <const> = train.trainer { optimizer = "sgd", lr = 0.1 }
    good:fit(bad_data(), { steps = 2, batch_size = 2, shuffle = false })
    local bad <const> = train.trainer { optimizer = "sgd", lr = 0.1 }
    assert.matches("at step 3", message_of(bad, bad_data(),
      { epochs = 1, batch_size = 2, shuffle = false }))
    assert.are.equal(train.bits(good.model), train.bits(bad.model))
    assert.are.equal(2, bad.steps)
  end)

  it("the last checkpoint stays, from before", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    local trainer <const> = train.trainer()
    local data <const> = bad_data()
    message_of(trainer, data, { epochs = 1, batch_size = 2, shuffle = false, checkpoint = path })
    assert.is_nil(io.open(path))
    message_of(trainer, data, { epochs = 1, batch_size = 2, shuffle = false, checkpoint = path,
      checkpoint_every = 1 })
    assert(train.trainer():resume(path))
  end)

  it("the best weights are back, and no random number was lost to the search", function()
    local trainer <const> = train.trainer()
    local data <const>, best = train.data(), nil
    local serial <const> = { core.random_state() }
    message_of(trainer, data, { epochs = 9, batch_size = 5, seed = 1,
      early_stop = { patience = 9 }, validation = train.validation(),
      callbacks = { function(entry)
        if entry.epoch == 1 then best = train.bits(trainer.model) end
        if entry.epoch == 1 then trainer.optimizer.lr = 3 end
        if entry.epoch == 2 then data.tensors[1]:set(1, 1, NAN) end
      end } })
    assert.are.equal(best, train.bits(trainer.model))
    -- Two epochs of three steps, and up to three more, each with one draw of dropout.
    local drawn <const> = select(2, core.random_state()) - serial[2]
    assert.is_true(drawn >= 6 and drawn <= 9)
  end)

  it("step says so, too", function()
    local trainer <const> = plain(nn.Linear(3, 1))
    local x <const> = mlp.full({ 2, 3 }, NAN)
    assert.error_matches(function() trainer:step { x, mlp.ones(2, 1) } end,
      "Trainer: the loss is NaN at step 1: the batch itself holds NaN: input row 1, column 1;")
  end)
end)
