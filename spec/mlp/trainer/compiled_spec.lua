--- The trainer compiled: the same training as the loop in Lua, but for the order of sums; what it
--- guards against, what it gives up on, what a bad batch leaves.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local train <const> = require "spec.support.train"
local nn <const> = mlp.nn
require "spec.support.approx"

local bits <const> = train.bits
local lanes

local function set(to, height)
  core.lanes(to)
  core.debug.tile_height(height)
end

local STEPS <const>, LR <const> = 20, 1e-3

--- Sums over the batch are rounded in another order. Adam makes steps of size lr of gradients of
--- any size, also of those that are little but rounding: such a weight may go another way, and a
--- few in a million do. So each weight is held to 1 % of the way that Adam can go, and the mean to
--- the ordinary precision of float32.
local function close_weights(expected, got, about)
  local theirs <const> = got:parameters()
  for i, parameter in ipairs(expected:parameters()) do
    local off <const> = (theirs[i] - parameter):detach():abs()
    assert.is_true(off:amax():item() <= 0.01 * STEPS * LR, about)
    assert.is_true(off:mean():item() <= 1e-6 * parameter:abs():amax():item(), about)
  end
end

describe("a compiled trainer", function()
  before_each(function() lanes = core.lanes() end)
  after_each(function() set(lanes, 0) end)

  -- The models of the examples on numbers of their kind.
  local Quadratic <const> = nn.Module:extend "Quadratic"
  function Quadratic:init(inputs, outputs)
    self.left = nn.Linear(inputs, outputs, { bias = false })
    self.right = nn.Linear(inputs, outputs, { bias = false })
  end
  function Quadratic:forward(x) return self.left(x) * self.right(x) end

  local function classes(n) return function(rows) return mlp.randint(1, n, rows) end end
  local function values(n) return function(rows) return mlp.randn(rows, n) end end
  local function flags(rows) return mlp.randint(0, 1, rows, 1):to "float32" end

  local EXAMPLES <const> = {
    xor = { function() return nn.MLP { 2, 8, 1, activation = "tanh" } end, 2, flags,
      "bce_with_logits", "adam" },
    by_hand = { function() return nn.MLP { 2, 32, 32, 3, activation = "tanh" } end, 2, classes(3),
      "cross_entropy", "adam" },
    own_layer = { function() return Quadratic(2, 2) end, 2, values(2), "mse", "adam" },
    housing = { function() return nn.MLP { 8, 128, 128, 64, 1, activation = "silu" } end, 8,
      values(1), "huber", "adamw" },
    digits = { function()
      return nn.MLP { 64, 256, 128, 10, activation = "gelu", dropout = 0.3 }
    end, 64, classes(10), "cross_entropy", "adamw" },
    mnist = { function()
      return nn.MLP { 784, 512, 512, 10, activation = "relu", dropout = 0.2 }
    end, 784, classes(10), "cross_entropy", "adamw" },
  }

  --- The model after 20 steps of batches of 50, and the history.
  local function trained(example, options)
    local new <const>, inputs <const>, targets <const>, loss <const>, optimizer <const> =
      table.unpack(EXAMPLES[example])
    mlp.manual_seed(3)
    local data <const> = mlp.data.tensors(mlp.rand(130, inputs), targets(130))
    local spec <const> = { model = new(), loss = loss, optimizer = optimizer, lr = LR,
      schedule = mlp.schedule.cosine(STEPS), clip_norm = 1, progress = false }
    for name, value in pairs(options) do spec[name] = value end
    local trainer <const> = mlp.Trainer(spec)
    local history <const> = trainer:fit(data, { steps = STEPS, batch_size = 50, seed = 4 })
    assert.are.equal(options.compile == false and "compile = false" or nil, trainer:why_eager())
    return spec.model, history
  end

  for example in pairs(EXAMPLES) do
    it("trains the model of " .. example .. " as the loop in Lua does", function()
      local expected <const>, told <const> = trained(example, { compile = false })
      for _, setting in ipairs { { 1, 0 }, { 2, 7 }, { 3, 16 } } do
        set(table.unpack(setting))
        local got <const>, history <const> = trained(example, { compile = true })
        local about <const> = ("%d lanes, tiles of %d"):format(table.unpack(setting))
        close_weights(expected, got, about)
        assert.close(history:curve "train.loss", told:curve "train.loss",
          { tolerance = 1e-5, about = about })
      end
    end)
  end

  it("gathers bytes and scales them inside the step, each scale with a plan of its own", function()
    local function fitted(data, compile)
      mlp.manual_seed(5)
      local model <const> = nn.Linear(6, 3)
      local trainer <const> = train.trainer { model = model, loss = mlp.loss.cross_entropy,
        compile = compile }
      for _, factor in ipairs { 1 / 255, 1 / 64 } do
        trainer:fit(data:scaled(1, factor, -0.5), { epochs = 2, batch_size = 7, seed = 1 })
      end
      return model, trainer
    end
    local data <const> = mlp.data.tensors(
      mlp.randint(0, 255, 20, 6):to "uint8", mlp.randint(1, 3, 20))
    local compiled <const>, trainer <const> = fitted(data, true)
    local eager <const> = fitted(data, false)
    assert.close(compiled.weight, eager.weight, { tolerance = 1e-5 })
    local plans <const> = trainer:dump()
    assert.is_truthy(plans:find "index_select +%(7, 6%) [^\n]* 42 B", plans)
  end)

  it("comes to the same bits whoever executes its lanes", function()
    set(3, 7)
    local seen
    for _, threads in ipairs { 1, 2, 3 } do
      core.debug.threads(threads)
      local model <const> = trained("digits", {})
      seen = seen or bits(model)
      assert.are.equal(seen, bits(model))
    end
    core.debug.threads(0)
  end)

  it("measures, evaluates and predicts as the loop in Lua does", function()
    local options <const> = { metrics = { mae = mlp.metric.mae } }
    local told <const> = {}
    for _, compile in ipairs { true, false } do
      set(2, 3)
      options.compile = compile
      local trainer <const> = train.trainer(options)
      local history <const> = trainer:fit(train.data(), { epochs = 3, batch_size = 5, seed = 1,
        validation = train.validation() })
      told[#told + 1] = { history:curve "train.mae", history:curve "validation.mae",
        trainer:evaluate(train.data(), { batch_size = 6 }).mae,
        trainer:predict(train.data(), { batch_size = 6 }):totable() }
    end
    for i, values_of in ipairs(told[1]) do
      assert.close(values_of, told[2][i], { tolerance = 1e-5 })
    end
  end)

  --- Trains for some steps, changes something, trains on: compiled and in Lua.
  local function both(options, change)
    local models <const>, trainers <const> = {}, {}
    for i, compile in ipairs { true, false } do
      local mine <const> = options()
      mine.compile, mine.model = compile, mine.model or train.model()
      local trainer <const> = train.trainer(mine)
      for _ = 1, 3 do trainer:fit(train.data(), { steps = 3, batch_size = 13, seed = 2 }) end
      change(trainer, i)
      for _ = 1, 3 do trainer:fit(train.data(), { steps = 3, batch_size = 13, seed = 2 }) end
      models[i], trainers[i] = trainer.model, trainer
    end
    local compiled <const> = models[1]:parameters()
    for i, parameter in ipairs(models[2]:parameters()) do
      assert.close(compiled[i], parameter, { tolerance = 1e-5 })
    end
    return trainers[1]
  end

  it("sees learning rates, schedules, bounds, losses and layers that change", function()
    local function plain() return {} end
    both(plain, function(trainer) trainer.optimizer.lr = 0.3 end)
    both(plain, function(trainer) trainer.schedule = mlp.schedule.step(2) end)
    both(plain, function(trainer) trainer.clip_norm = 0.01 end)
    both(plain, function(trainer) trainer.loss = mlp.loss.l1 end)
    both(plain, function(trainer) trainer.model.layers[2].p = 0 end)
    both(plain, function(trainer)
      mlp.manual_seed(8)
      trainer.model.layers[3].weight:requires_grad_(false)
    end)
    both(plain, function(trainer) -- a step of one's own in between
      trainer.optimizer:zero_grad()
      trainer.model(mlp.ones(1, 3)):sum():backward()
      trainer.optimizer:step()
    end)
  end)

  it("sees variables and settings that a loss shares with others", function()
    local weight, settings <const> = 1, { power = 2 }
    local function share(x) return x * weight end
    local function options()
      weight, settings.power = 1, 2
      return { loss = function(p, y) return share((p - y):abs() ^ settings.power):mean() end }
    end
    both(options, function() weight = 0.01 end)
    both(options, function() settings.power = 1 end)
  end)

  it("calls hooks as long as there are any", function()
    local seen = 0
    local trainer <const> = both(function() return {} end, function(trainer)
      trainer.model:hook("layers.1", function(y)
        seen = seen + 1
        return y * 0.5
      end)
    end)
    assert.are.equal(18, seen)
    assert.is_nil(trainer:why_eager())
  end)

  it("runs a model eagerly that reads numbers, and says why", function()
    local calls = 0
    local Reader <const> = nn.Module:extend "Reader"
    function Reader:init() self.inner = nn.Linear(3, 2) end
    function Reader:forward(x)
      calls = calls + 1
      return self.inner(x) * (x:sum():item() > 0 and 1 or 2)
    end
    local function fit(compile)
      mlp.manual_seed(1)
      local trainer <const> = train.trainer { model = Reader(), compile = compile }
      trainer:fit(train.data(), { epochs = 2, batch_size = 4, seed = 1 })
      return trainer
    end
    local expected <const> = bits(fit(false).model)
    calls = 0
    local trainer <const> = fit(nil)
    assert.are.equal(8, calls)
    assert.are.equal(expected, bits(trainer.model))
    assert.matches("item has no fixed shape, or gives a value to Lua", trainer:why_eager())
    assert.error_matches(function() fit(true) end, "item gives a number to Lua while a function is "
      .. "being compiled")
  end)

  it("does not freeze a model that counts its calls, nor one whose batches all differ", function()
    local Counter <const> = nn.Module:extend "Counter"
    function Counter:init() self.inner, self.calls = nn.Linear(3, 2), 0 end
    function Counter:forward(x)
      self.calls = self.calls + 1
      return self.inner(x) * (1 / self.calls)
    end
    local trainer <const> = train.trainer { model = Counter() }
    trainer:fit(train.data(), { epochs = 3, batch_size = 4 })
    assert.are.equal(12, trainer.model.calls)
    assert.matches("changes fields of modules", trainer:why_eager())
    local ragged <const> = train.trainer()
    for rows = 1, 20 do ragged:step { mlp.ones(rows, 3), mlp.ones(rows, 2) } end
    assert.matches("a shape of their own", ragged:why_eager())
  end)

  it("leaves the last good weights when a batch is bad, whatever the way it goes bad", function()
    local x <const>, y <const> = mlp.ones(200, 3), mlp.ones(200, 2)
    for _, setting in ipairs { { 1, 0 }, { 2, 7 } } do
      set(table.unpack(setting))
      for _, optimizer in ipairs { "sgd", "adam", "rmsprop" } do
        local trainer <const> = train.trainer { optimizer = optimizer, clip_norm = 1 }
        for _ = 1, 3 do trainer:step { x, y } end
        local before <const>, stream <const> = bits(trainer.model), { core.random_state() }
        local state <const> = trainer.optimizer:state()
        for _, value in ipairs { 0 / 0, math.huge } do
          local bad <const> = y:clone()
          bad:set(150, 2, value)
          assert.error_matches(function() trainer:step { x, bad } end,
            "the loss is [NaNinf-]+ at step 4: the batch itself holds [NaNinf]+: target row 150, "
            .. "column 2; nothing was updated, the last good weights stay")
          assert.are.equal(before, bits(trainer.model))
          assert.are.equal(3, trainer.optimizer:count())
        end
        for name, tensor in pairs(trainer.optimizer:state().tensors) do
          if not name:find "hyper" then
            assert.are.equal(state.tensors[name]:tobytes(), tensor:tobytes(), name)
          end
        end
        core.set_random_state(nil, table.unpack(stream))
        trainer:step { x, y }
        assert.are.equal(4, trainer.optimizer:count())
      end
    end
  end)

  it("goes on to the same bits with several lanes, and says when they are others", function()
    local path <const> = os.tmpname()
    finally(function() os.remove(path) end)
    local data <const> = mlp.data.tensors(mlp.rand(130, 3), mlp.rand(130, 2))
    local function fit(trainer, steps, checkpoint)
      trainer:fit(data, { steps = steps, batch_size = 60, seed = 1, checkpoint = checkpoint })
      return bits(trainer.model)
    end
    set(2, 7)
    local whole <const> = fit(train.trainer(), 7)
    fit(train.trainer(), 4, path)
    local again <const> = train.trainer()
    assert.are.same({ again }, { again:resume(path) })
    assert.are.equal(whole, fit(again, 7))
    core.lanes(1)
    local _, message = train.trainer():resume(path)
    assert.are.equal("the run goes on, but not to the same bits: lanes was 2 and is 1", message)
    set(2, 7)
    _, message = train.trainer({ compile = false }):resume(path)
    assert.are.equal("the run goes on, but not to the same bits: compile was true and is false",
      message)
  end)

  it("is refused what is neither true nor false", function()
    assert.error_matches(function() train.trainer { compile = "yes" } end,
      "compile is the string 'yes' but true or false")
  end)
end)
