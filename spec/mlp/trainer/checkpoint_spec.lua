--- Checkpoints: a run that was broken off anywhere and taken up again ends with the same bits as
--- one that never was.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"

local bits <const> = train.bits

--- A path that is removed after the test.
local function temporary()
  local path <const> = files.temporary()
  finally(function() os.remove(path) end)
  return path
end

--- Ways to train that draw random numbers, keep moments and change their rate.
local KINDS <const> = {
  ["Adam, a schedule, the default stream"] = function()
    return { schedule = mlp.schedule.warmup(3, mlp.schedule.cosine(9)) },
      { epochs = 3, batch_size = 4 }
  end,
  ["SGD with momentum, a seed, early stopping"] = function()
    return { optimizer = "sgd", lr = 0.1, clip_norm = 1, metrics = { r2 = mlp.metric.r2 } },
      { epochs = 3, batch_size = 5, seed = 3, validation = train.validation(),
        early_stop = { patience = 9, metric = "r2" } }
  end,
  ["RMSprop, steps, callbacks that draw"] = function()
    return { optimizer = "rmsprop" }, { steps = 10, batch_size = 4, callbacks = {
      { on_step_end = function() mlp.rand(1) end, on_epoch_end = function() mlp.rand(2) end },
    } }
  end,
  ["an iterator"] = function()
    local x <const>, y <const> = table.unpack(train.data().tensors)
    local function batches()
      local i = 0
      return function()
        i = i + 1
        if i <= 4 then return x:slice(1, i, i + 3), y:slice(1, i, i + 3) end
      end
    end
    return {}, { epochs = 3 }, batches
  end,
}

--- A fresh trainer, its options of fit and its data.
local function fresh(kind)
  local spec <const>, options <const>, source <const> = KINDS[kind]()
  return train.trainer(spec), options, source or train.data()
end

local function without_seconds(history)
  local list <const> = {}
  for i, entry in ipairs(history) do
    list[i] = {}
    for key, value in pairs(entry) do list[i][key] = key ~= "seconds" and value or nil end
  end
  return list
end

--- What an uninterrupted run leaves.
local function whole(kind)
  local trainer <const>, options <const>, data <const> = fresh(kind)
  local history <const> = trainer:fit(data, options)
  return { bits = bits(trainer.model), history = without_seconds(history), steps = trainer.steps,
    stream = { core.random_state() } }
end

--- Takes a run up in a new trainer and must end as the whole one did.
local function takes_up(kind, path, expected, about)
  local trainer <const>, options <const>, data <const> = fresh(kind)
  mlp.manual_seed(77) -- what the stream was before does not matter
  local resumed <const>, message <const> = trainer:resume(path)
  assert.are.equal(trainer, resumed, message)
  assert.is_nil(message)
  local history <const> = trainer:fit(data, options)
  assert.are.equal(expected.bits, bits(trainer.model), about)
  assert.are.same(expected.history, without_seconds(history), about)
  assert.are.equal(expected.steps, trainer.steps, about)
  assert.are.same(expected.stream, { core.random_state() }, about)
end

local sethook <const>, run_fit <const> = debug.sethook, mlp.Trainer.fit

--- Runs fit with an error at the n-th instruction. The hook raises between two instructions of the
--- virtual machine, as Ctrl-C does.
local function interrupted_at(n, trainer, data, options)
  local function raise()
    sethook()
    error("interrupted!", 0)
  end
  return pcall(function()
    sethook(raise, "", n)
    run_fit(trainer, data, options)
    sethook()
  end)
end

for kind in pairs(KINDS) do
  describe(kind .. ":", function()
    it("a run that broke off after any step ends with the same bits", function()
      local path <const>, expected <const> = temporary(), whole(kind)
      for step = 1, expected.steps do
        local trainer <const>, options <const>, data <const> = fresh(kind)
        options.checkpoint, options.callbacks = path, { table.unpack(options.callbacks or {}) }
        table.insert(options.callbacks, { on_step_end = function(event)
          if event.step == step then error "broken off" end
        end })
        assert.error_matches(function() trainer:fit(data, options) end, "broken off")
        takes_up(kind, path, expected, "after step " .. step)
      end
    end)

    it("so does one that was killed and left only its last checkpoint", function()
      local path <const>, kept <const>, expected <const> = temporary(), temporary(), whole(kind)
      for _, every in ipairs { 2, 3, false } do
        local trainer <const>, options <const>, data <const> = fresh(kind)
        options.checkpoint, options.checkpoint_every = path, every or nil
        local copied = false
        options.callbacks = { table.unpack(options.callbacks or {}) }
        table.insert(options.callbacks, { on_step_end = function(event)
          if event.step == 8 then
            files.write(kept, files.read(path))
            copied = true
          end
        end })
        trainer:fit(data, options)
        assert.is_true(copied)
        takes_up(kind, kept, expected, "every " .. tostring(every))
      end
    end)

    it("so does one that goes on beyond its first end", function()
      local path <const>, expected <const> = temporary(), whole(kind)
      local trainer <const>, options <const>, data <const> = fresh(kind)
      options.steps, options.epochs, options.checkpoint = 6, nil, path
      trainer:fit(data, options)
      takes_up(kind, path, expected)
    end)

    -- A callback that is interrupted is not called again, so what it would have drawn is not.
    it("so does one that was interrupted anywhere", function()
      if kind:find "callbacks" then return end
      local path <const>, expected <const> = temporary(), whole(kind)
      local stride <const> = os.getenv "MLP_LONG" and 7 or 397
      local at, interruptions = stride, 0
      while true do
        local trainer <const>, options <const>, data <const> = fresh(kind)
        options.checkpoint = path
        os.remove(path)
        local ok <const>, message <const> = interrupted_at(at, trainer, data, options)
        if ok then break end
        assert.are.equal("interrupted!", message)
        local left <const> = io.open(path)
        if left then -- nothing is written before the run has begun
          left:close()
          takes_up(kind, path, expected, "at instruction " .. at)
          interruptions = interruptions + 1
        end
        at = at + stride
      end
      assert.is_true(interruptions > 10)
    end)
  end)
end

describe("a checkpoint", function()
  local function written(path, spec, options)
    local trainer <const> = train.trainer(spec)
    local fit <const> = { epochs = 1, checkpoint = path, batch_size = 4 }
    for name, value in pairs(options or {}) do fit[name] = value end
    trainer:fit(train.data(), fit)
    return trainer
  end

  it("keeps the best weights apart from the present ones", function()
    local path <const> = temporary()
    local trainer <const> = train.trainer { lr = 0.02 }
    -- The first epoch is good, every later one spoils the weights.
    local first
    trainer:fit(train.data(), { epochs = 3, batch_size = 4, checkpoint = path, seed = 1,
      early_stop = { patience = 9 }, validation = train.validation(),
      callbacks = { function(entry)
        if entry.epoch > 1 then return end
        first = bits(trainer.model)
        trainer.optimizer.lr = 5
      end } })
    assert.are.equal(first, bits(trainer.model))
    local again <const> = train.trainer { lr = 0.02 }
    assert(again:resume(path))
    assert.are_not.equal(first, bits(again.model))
    again:fit(train.data(), { epochs = 3, batch_size = 4, seed = 1,
      early_stop = { patience = 9 }, validation = train.validation() })
    assert.are.equal(first, bits(again.model))
  end)

  it("resumes the learning rate that was in use, and takes another one", function()
    local path <const> = temporary()
    written(path, { lr = 0.125 })
    local again <const> = train.trainer { lr = 9 }
    assert(again:resume(path))
    assert.are.equal(0.125, again.optimizer.lr)
    again.optimizer.lr = 0.0
    local before <const> = bits(again.model)
    again:fit(train.data(), { epochs = 2, batch_size = 4 })
    assert.are.equal(before, bits(again.model))
  end)

  it("keeps sums of the epoch that are tensors", function()
    local path <const> = temporary()
    local spec <const> = { metrics = { r2 = mlp.metric.r2 } }
    local expected <const> = written(temporary(), spec).history[1].train.r2
    written(path, spec, { steps = 2 })
    local again <const> = train.trainer(spec)
    assert(again:resume(path))
    local history <const> = again:fit(train.data(), { epochs = 1, batch_size = 4 })
    assert.are.equal(expected, history[1].train.r2)
  end)

  it("is one file, and nothing beside it is left", function()
    local path <const> = temporary()
    written(path)
    local folder <const>, name <const> = path:match "^(.*)/([^/]*)$"
    local listing <const> = io.popen(("ls '%s'"):format(folder))
    for line in listing:lines() do
      assert.is_false(line ~= name and line:sub(1, #name) == name, line)
    end
    listing:close()
  end)

  it("warns when the numbers were made by other code", function()
    local path <const> = temporary()
    written(path)
    local text <const> = files.read(path)
    local isa <const> = core.info().isa
    files.write(path, (text:gsub('isa\\":\\"' .. isa, 'isa\\":\\"' .. ("x"):rep(#isa))))
    local again <const> = train.trainer()
    local resumed <const>, message <const> = again:resume(path)
    assert.are.equal(again, resumed)
    assert.matches("not to the same bits: isa was x+ and is " .. isa, message)
  end)

  it("that does not fit changes nothing and says why", function()
    local path <const> = temporary()
    written(path)
    local function refused(pattern, trainer, at)
      local before <const> = bits(trainer.model)
      local resumed <const>, message <const> = trainer:resume(at or path)
      assert.is_nil(resumed)
      assert.matches(pattern, message)
      assert.are.equal(before, bits(trainer.model))
    end
    refused("the model differs: missing: bias, weight; unexpected", train.trainer {
      model = mlp.nn.Linear(3, 2),
    })
    refused("it is of Adam, not of SGD", train.trainer { optimizer = "sgd" })
    refused("the metrics are not those of the run",
      train.trainer { metrics = { mae = mlp.metric.mae } })
    refused("cannot open", train.trainer(), files.temporary())
    local model <const> = train.model()
    assert(model:save(path))
    refused("is no checkpoint of a training run", train.trainer())
  end)

  it("that is cut short or damaged is refused", function()
    local path <const> = temporary()
    written(path)
    local text <const> = files.read(path)
    local trainer <const> = train.trainer()
    for _, length in ipairs { 0, 8, 100, #text // 2, #text - 1 } do
      files.write(path, text:sub(1, length))
      local resumed <const>, message <const> = trainer:resume(path)
      assert.is_nil(resumed)
      assert.is_string(message)
    end
    for _, change in ipairs { { '\\"format\\":1', '\\"format\\":7' },
      { '\\"epochs\\":1', '\\"epochs\\":{}' }, { '\\"at\\"', '\\"ta\\"' },
      { '\\"loss\\":', '\\"slos\\":' }, { '\\"sums\\":', '\\"smus\\":' },
      { '\\"lr\\":\\"#', '\\"lr\\":\\"%' }, { '\\"class\\":', '\\"clsas\\":' } } do
      local from <const>, to <const> = change[1], change[2]
      local first <const>, last <const> = text:find(from, 1, true)
      local changed <const> = text:sub(1, first - 1) .. to .. text:sub(last + 1)
      local head <const> = ("<i8"):unpack(changed) + #to - #from
      files.write(path, ("<i8"):pack(head) .. changed:sub(9))
      local resumed <const>, message <const> = trainer:resume(path)
      assert.is_nil(resumed)
      assert.matches("does not describe a training run", message)
    end
  end)

  it("is not to be taken up with other data", function()
    local path <const> = temporary()
    written(path)
    local again <const> = train.trainer()
    assert(again:resume(path))
    assert.error_matches(function()
      again:fit(train.validation(), { epochs = 2, batch_size = 4 })
    end, "cannot resume: the data are 6 rows in batches of 4, but then they were 13 in")
  end)

  it("that cannot be written ends the run with a sentence", function()
    local trainer <const> = train.trainer()
    assert.error_matches(function()
      trainer:fit(train.data(), { epochs = 1, checkpoint = "/nowhere/at/all" })
    end, "the checkpoint was not written: .*No such file")
  end)
end)
