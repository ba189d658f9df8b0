--- Compiled functions: what makes them record again, what they refuse, what they leave behind.
--- That a replay computes what the eager call computes, every operation promises in
--- spec/op/compiled_cases_spec.lua.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local nn <const> = mlp.nn

--- Compiled, with the number of times that the function itself has run.
local function counted(fn, options)
  local runs = 0
  return mlp.compile(function(...)
    runs = runs + 1
    return fn(...)
  end, options), function() return runs end
end

local function numbers(t) return t:reshape(-1):totable() end

--- Lanes, tile height and threads are settings of the process: after each spec they are as before.
local function settings_are_put_back()
  local lanes
  before_each(function() lanes = core.lanes() end)
  after_each(function()
    core.lanes(lanes)
    core.debug.tile_height(0)
    core.debug.threads(0)
  end)
end

describe("a compiled function", function()
  settings_are_put_back()

  it("runs the function once for one kind of arguments", function()
    local f <const>, runs = counted(function(x) return x * 2 + 1 end)
    for i = 1, 5 do assert.same({ 2 * i + 1, 3 }, numbers(f(mlp.tensor { i, 1 }))) end
    assert.equal(1, runs())
    assert.equal(1, f:plans())
  end)

  it("returns fresh tensors, so that earlier ones keep their numbers", function()
    local f <const> = mlp.compile(function(x) return x + 1 end)
    local list <const> = {}
    for i = 1, 4 do list[i] = f(mlp.tensor { i }) end
    for i = 1, 4 do assert.equal(i + 1, list[i]:item()) end
  end)

  it("returns numbers, flags, nil and tables of tensors as they were", function()
    local f <const> = mlp.compile(function(x)
      return 7, x, nil, { twice = x * 2, list = { x, "a" } }, true
    end)
    for i = 1, 3 do
      local seven <const>, x, none <const>, t, yes <const> = f(mlp.tensor { i })
      assert.same({ 7, i, true }, { seven, x:item(), yes })
      assert.is_nil(none)
      assert.same({ 2 * i, i, "a" }, { t.twice:item(), t.list[1]:item(), t.list[2] })
    end
  end)

  it("tells its argument from the same tensor reached in another way", function()
    local captured <const> = mlp.tensor { 10 }
    local f <const> = mlp.compile(function(x) return x + captured end)
    assert.equal(20, f(captured):item())
    assert.equal(11, f(mlp.tensor { 1 }):item())
    captured:copy_(mlp.tensor { 5 })
    assert.equal(6, f(mlp.tensor { 1 }):item())
    assert.equal(10, f(captured):item())
  end)

  describe("records again", function()
    local function twice(f, runs, ...)
      f(...)
      f(...)
      return runs()
    end

    it("for another shape, dtype, or other steps of memory", function()
      local f <const>, runs = counted(function(x) return x:sum(1) end)
      assert.equal(1, twice(f, runs, mlp.ones(2, 3)))
      assert.equal(2, twice(f, runs, mlp.ones(3, 3)))
      assert.equal(3, twice(f, runs, mlp.ones(3, 3, { dtype = "float64" })))
      assert.equal(4, twice(f, runs, mlp.arange(1, 6):reshape(2, 3):t()))
      assert.same({ 3, 3 }, numbers(f(mlp.ones(3, 2))))
      assert.same({ 6, 15 }, numbers(f(mlp.arange(1, 6):reshape(2, 3):t())))
    end)

    it("for another constant among the arguments", function()
      local f <const>, runs = counted(function(x, k, name) return x * k, name end)
      assert.equal(1, twice(f, runs, mlp.ones(2), 2, "a"))
      assert.equal(2, twice(f, runs, mlp.ones(2), 3, "a"))
      assert.equal(3, twice(f, runs, mlp.ones(2), 3, "b"))
      assert.equal(2, (f(mlp.ones(2), 2, "a")):get(1))
      assert.equal(3, runs())
    end)

    it("when gradients are switched off or on", function()
      local w <const> = mlp.ones(1, { requires_grad = true })
      local f <const>, runs = counted(function(x)
        local y <const> = (x * w):sum()
        if y.requires_grad then y:backward() end
        return y:detach()
      end)
      f(mlp.tensor { 3 })
      mlp.no_grad(function() f(mlp.tensor { 3 }) end)
      assert.equal(2, runs())
      w.grad = nil
      f(mlp.tensor { 4 })
      assert.equal(4, w.grad:item())
      assert.equal(2, runs())
    end)

    it("not for scopes without gradients that the function opens, and ends or leaves", function()
      local w <const> = mlp.ones(1, { requires_grad = true })
      local function recordings_of(fn, options)
        local f <const> = mlp.compile(fn, options)
        for i = 1, 4 do assert.equal(3 * i, f(mlp.tensor { i }):item()) end
        return f:recordings()
      end
      local function called(x) return mlp.no_grad(function() return x * w * 3 end) end
      assert.equal(1, recordings_of(called))
      assert.equal(1, recordings_of(called, { rehearse = true, tolerant = true }))
      assert.equal(1, recordings_of(function(x)
        local _ <close> = mlp.no_grad()
        return x * w * 3
      end))
      local scopes <const> = {}
      local leaves_open <const>, runs = counted(function(x)
        scopes[#scopes + 1] = mlp.no_grad()
        return x * w * 3
      end)
      for _ = 1, 2 do leaves_open(mlp.tensor { 1 }) end
      for _, scope in ipairs(scopes) do scope:close() end
      assert.equal(2, runs())
    end)

    it("when a captured tensor wants a gradient that did not", function()
      local w <const> = mlp.ones(1)
      local f <const>, runs = counted(function(x)
        local y <const> = (x * w):sum()
        if y.requires_grad then y:backward() end
        return y:detach()
      end)
      f(mlp.tensor { 3 })
      f(mlp.tensor { 3 })
      assert.equal(1, runs())
      w:requires_grad_()
      f(mlp.tensor { 3 })
      assert.equal(2, runs())
      assert.equal(3, w.grad:item())
    end)

    it("in another mode, and goes back to the first plan", function()
      local model <const> = nn.Sequential { nn.Linear(4, 4), nn.Dropout(0.5) }
      local f <const>, runs = counted(function(x) return model(x):detach() end)
      local x <const> = mlp.ones(2, 4)
      model:train()
      f(x)
      model:eval()
      local y <const> = f(x)
      assert.equal(2, runs())
      assert.same(numbers(model(x)), numbers(y))
      model:train()
      f(x)
      model:eval()
      f(x)
      assert.equal(2, runs())
    end)

    it("when a field of a module is replaced, added or taken away", function()
      local model <const> = nn.Sequential { nn.Linear(2, 2), nn.Linear(2, 2) }
      local f <const>, runs = counted(function(x) return model(x):detach() end)
      local x <const> = mlp.ones(1, 2)
      local function right() assert.same(numbers(model(x)), numbers(f(x))) end
      right()
      model.layers[2] = nn.Linear(2, 2)
      right()
      assert.equal(2, runs())
      model.layers[1].weight = mlp.randn(2, 2)
      right()
      assert.equal(3, runs())
      model.layers[3] = nn.Linear(2, 2)
      right()
      assert.equal(4, runs())
      model.layers[3] = nil
      right()
    end)

    it("when a hook comes or goes", function()
      local model <const> = nn.Sequential { nn.Linear(2, 2) }
      local f <const>, runs = counted(function(x) return model(x):detach() end)
      local x <const> = mlp.ones(1, 2)
      f(x)
      local hook <const> = model:hook("layers.1", function(y) return y * 0 end)
      assert.same({ 0, 0 }, numbers(f(x)))
      assert.equal(2, runs())
      hook:close()
      assert.same(numbers(model(x)), numbers(f(x)))
      assert.equal(3, runs())
    end)

    it("when an upvalue is another tensor", function()
      local w = mlp.tensor { 2 }
      local f <const> = mlp.compile(function(x) return x * w end)
      assert.equal(6, f(mlp.tensor { 3 }):item())
      w = mlp.tensor { 5 }
      assert.equal(15, f(mlp.tensor { 3 }):item())
    end)

    it("for another number of lanes", function()
      local f <const>, runs = counted(function(x) return x:sum() end, { batch = 1 })
      core.lanes(1)
      f(mlp.ones(1000, 2))
      core.lanes(2)
      f(mlp.ones(1000, 2))
      assert.equal(2, runs())
      core.lanes(1)
      f(mlp.ones(1000, 2))
      assert.equal(2, runs())
    end)

    it("when the least used of eight plans has gone", function()
      local f <const>, runs = counted(function(x) return x + 1 end)
      for n = 1, 9 do f(mlp.ones(n)) end
      assert.equal(8, f:plans())
      f(mlp.ones(9))
      assert.equal(9, runs())
      f(mlp.ones(1))
      assert.equal(10, runs())
    end)
  end)

  it("sees what is changed in place between calls", function()
    local w <const> = mlp.tensor { 1, 2 }
    local f <const> = mlp.compile(function(x) return x + w end)
    assert.same({ 1, 2 }, numbers(f(mlp.zeros(2))))
    w:add_(10)
    assert.same({ 11, 12 }, numbers(f(mlp.zeros(2))))
  end)

  it("changes captured tensors and arguments in place, as the function does", function()
    local total <const> = mlp.zeros(2)
    local f <const> = mlp.compile(function(x)
      total:add_(x)
      x:mul_(2)
    end)
    local x <const> = mlp.tensor { 1, 2 }
    for _ = 1, 3 do f(x) end
    assert.same({ 7, 14 }, numbers(total))
    assert.same({ 8, 16 }, numbers(x))
  end)

  it("counts changes in place, so that a backward over the old value is refused", function()
    local w <const> = mlp.ones(2, { requires_grad = true })
    local total <const> = mlp.ones(2)
    local f <const> = mlp.compile(function() total:add_(1) end)
    f()
    local y <const> = (w * total):sum()
    f()
    assert.has_error(function() y:backward() end)
  end)

  it("leaves gradients as the function does, and adds to those that it finds", function()
    local w <const> = mlp.tensor({ 1, 2 }, { requires_grad = true })
    local f <const> = mlp.compile(function(x) (x * w):sum():backward() end)
    for i = 1, 5 do
      f(mlp.tensor { 1, 10 })
      assert.same({ i, 10 * i }, numbers(w.grad))
    end
    w.grad = nil
    f(mlp.tensor { 1, 10 })
    assert.same({ 1, 10 }, numbers(w.grad))
  end)

  it("forgets the gradients of leaves that it makes, as those are others at every call", function()
    local w <const> = mlp.tensor({ 3 }, { requires_grad = true })
    for _, leaf_of in ipairs {
      function(x) return x:clone():requires_grad_() end,
      function(x) return x:requires_grad_() end,
    } do
      local f <const>, runs = counted(function(x)
        local leaf <const> = leaf_of(x)
        w.grad = nil
        local slope <const> = mlp.grad((leaf * leaf * w):sum(), { leaf }, { create_graph = true })
        slope:square():sum():backward() -- (2 x w)^2
        return leaf.grad
      end)
      for i = 1, 4 do
        assert.equal(2 * 4 * 9 * i, f(mlp.tensor { i }):item())
        assert.equal(2 * 4 * i * i * 3, w.grad:item())
      end
      assert.equal(1, runs())
    end
  end)

  it("keeps gradients that somebody holds as they were", function()
    local w <const> = mlp.tensor({ 1 }, { requires_grad = true })
    local f <const> = mlp.compile(function(x)
      w.grad = nil
      (x * w):sum():backward()
    end)
    local held <const> = {}
    for i = 1, 4 do
      f(mlp.tensor { i })
      held[i] = w.grad
    end
    for i = 1, 4 do assert.equal(i, held[i]:item()) end
  end)

  it("reads the learning rate anew at every step", function()
    local w <const> = mlp.zeros(1, { requires_grad = true })
    local opt <const> = mlp.optim.SGD({ w }, { lr = 1 })
    local f <const>, runs = counted(function()
      opt:zero_grad()
      w:sum():backward()
      opt:step()
    end)
    f()
    opt.lr = 10
    f()
    opt.factor = 0.5
    f()
    assert.equal(-16, w:item())
    assert.equal(1, runs())
  end)

  it("draws as the function would have drawn", function()
    local generator <const> = mlp.generator(3)
    local function draw(x) return x + mlp.randn(3), mlp.rand(2, { generator = generator }) end
    local f <const> = mlp.compile(draw)
    local function three(g)
      local list <const> = {}
      for _ = 1, 3 do
        local a <const>, b <const> = g(mlp.zeros(3))
        list[#list + 1] = { numbers(a), numbers(b) }
      end
      return list
    end
    mlp.manual_seed(5)
    local compiled <const> = three(f)
    mlp.manual_seed(5)
    local seed <const> = core.random_state(generator)
    core.set_random_state(generator, seed, 0)
    assert.same(three(draw), compiled)
  end)

  it("refuses to read or write values while it records, and names the call", function()
    local function refused(fn, what)
      local f <const> = mlp.compile(fn)
      local ok <const>, message <const> = pcall(f, mlp.ones(1))
      assert.is_false(ok)
      assert.is_truthy(message:find(what .. " .-while a function is being compiled"), message)
      assert.is_false(core.is_recording())
    end
    refused(function(x) return x:item() end, "item")
    refused(function(x) return x:totable() end, "totable")
    refused(function(x) return x:get(1) end, "get")
    refused(function(x) return x:tobytes() end, "tobytes")
    refused(function(x) return tostring(x) end, "")
    refused(function(x) x:set(1, 2) end, "set")
    refused(function() mlp.manual_seed(1) end, "manual_seed")
    refused(function()
      local z <const> = mlp.zeros(2)
      return z:add_(1)
    end, "add")
  end)

  it("refuses a result whose history backward could walk", function()
    local w <const> = mlp.ones(1, { requires_grad = true })
    local f <const> = mlp.compile(function(x) return x * w end)
    local ok <const>, message <const> = pcall(f, mlp.ones(1))
    assert.is_false(ok)
    assert.is_truthy(message:find("result 1 has a history", 1, true), message)
  end)

  it("refuses tables among the arguments, and wrong options", function()
    assert.error_matches(function() mlp.compile(function() end)({ mlp.ones(1) }) end,
      "argument 1 is a table")
    assert.error_matches(function() mlp.compile(3) end, "a function is wanted")
    assert.error_matches(function() mlp.compile(print, { bach = 1 }) end, "did you mean 'batch'")
    assert.error_matches(function()
      mlp.compile(function(x, y) return x, y end, { batch = { 1, 2 } })(mlp.ones(3), mlp.ones(4))
    end, "the batch has 3 rows")
  end)

  it("runs eagerly where shapes depend on values, and says why", function()
    local f <const>, runs = counted(function(x) return x:masked_select(x:gt(0)) end)
    assert.same({ 1, 2 }, numbers(f(mlp.tensor { 1, -1, 2 })))
    assert.same({ 3 }, numbers(f(mlp.tensor { -1, -1, 3 })))
    assert.equal(2, runs())
    assert.is_truthy(f:why_eager():find "masked_select")
    assert.is_truthy(f:dump():find "masked_select")
  end)

  it("raises what the function raises, at the caller's line, and forgets the recording", function()
    local model <const> = nn.Linear(3, 2)
    local f <const> = mlp.compile(function(x) return model(x):detach() end)
    local ok <const>, message <const> = pcall(function() f(mlp.ones(1, 4)) end)
    assert.is_false(ok)
    assert.is_truthy(message:find "plan_spec.lua:%d+: .*columns", message)
    assert.equal(2, f(mlp.ones(1, 3)):numel())
  end)

  it("names the row of the whole batch where a value is wrong, and updates nothing", function()
    core.lanes(2)
    core.debug.tile_height(16)
    local model <const> = nn.Linear(2, 3)
    local opt <const> = mlp.optim.SGD(model:parameters(), { lr = 1 })
    local step <const> = mlp.compile(function(x, y)
      local loss <const> = mlp.loss.cross_entropy(model(x), y)
      opt:zero_grad()
      loss:backward()
      opt:step()
      return loss
    end, { batch = { 1, 2 } })
    local x <const>, y <const> = mlp.randn(64, 2), mlp.ones(64, { dtype = "int64" })
    step(x, y)
    local before <const> = numbers(model.weight)
    y:set(38, 7)
    assert.error_matches(function() step(x, y) end, "target%[38%] = 7, but classes are 1..3")
    assert.same(before, numbers(model.weight))
  end)

  it("cuts a batch of few sequences, each of which is many lines of a product", function()
    core.lanes(2)
    local function network(T)
      local model <const> = nn.Transformer { vocabulary = 9, context = 64, dim = 8, layers = 1,
        heads = 2 }
      local f <const> = mlp.compile(function(x) return model(x):detach() end, { batch = { 1 } })
      local x <const> = mlp.randint(1, 9, 4, T)
      assert.is_true((model(x) - f(x)):abs():max():item() < 1e-5)
      assert.is_true((model(x) - f(x)):abs():max():item() < 1e-5)
      return f:dump()
    end
    assert.matches("over 4 rows: 2 tiles of 2", network(64))
    assert.not_matches("over 4 rows", network(8))
  end)

  it("is part of another one that is being compiled", function()
    local inner <const> = mlp.compile(function(x) return x * 3 end)
    local outer <const> = mlp.compile(function(x) return inner(x) + 1 end)
    for i = 1, 3 do assert.equal(3 * i + 1, outer(mlp.tensor { i }):item()) end
    assert.equal(0, inner:plans())
  end)

  it("does not yield", function()
    local f <const> = mlp.compile(function(x)
      coroutine.yield()
      return x
    end)
    local thread <const> = coroutine.create(function() f(mlp.ones(1)) end)
    local ok <const>, message <const> = coroutine.resume(thread)
    assert.is_false(ok)
    assert.is_truthy(tostring(message):find "yield")
    assert.is_false(core.is_recording())
  end)

  it("repeats itself after a first call that closed what it was given", function()
    local x <const> = mlp.ones(1)
    local f <const> = mlp.compile(function(y)
      local z <const> = y + 1
      x:close()
      return z
    end)
    assert.error_matches(function() f:run(2, x) end, "add: a is closed")
  end)

  it("repeats itself", function()
    local w <const> = mlp.zeros(1)
    local f <const> = mlp.compile(function(x) return w:add_(x):clone() end)
    assert.equal(10, f:run(10, mlp.ones(1)):item())
    assert.equal(15, f:run(5, mlp.ones(1)):item())
    assert.error_matches(function() f:run(0, mlp.ones(1)) end, "a whole number from 1")
  end)

  it("gives its memory back with its last reference, and needs none to replay", function()
    local f <const> = mlp.compile(function(x) return (x * 2):exp():sum() end)
    local x <const> = mlp.ones(1000, 10)
    for _ = 1, 3 do f(x):close() end
    collectgarbage()
    collectgarbage()
    local before <const> = mlp.memory().bytes
    for _ = 1, 10000 do f(x):close() end
    assert.equal(before, mlp.memory().bytes)
    f:forget()
    collectgarbage()
    collectgarbage()
    assert.is_true(mlp.memory().bytes < before - 10000)
  end)
end)

describe("a compiled training step", function()
  local function train(lanes, height, threads, compiled)
    core.lanes(lanes)
    core.debug.tile_height(height)
    core.debug.threads(threads)
    mlp.manual_seed(2)
    local model <const> = nn.MLP { 6, 17, 17, 3, activation = "gelu", dropout = 0.1 }
    local opt <const> = mlp.optim.AdamW(model:parameters(), { lr = 1e-2 })
    local x <const>, y <const> = mlp.randn(203, 6), mlp.randint(1, 3, 203)
    local function step(a, b)
      local loss <const> = mlp.loss.cross_entropy(model(a), b)
      opt:zero_grad()
      loss:backward()
      opt:step()
      return loss
    end
    if compiled then step = mlp.compile(step, { batch = { 1, 2 } }) end
    local loss
    for _ = 1, 20 do loss = step(x, y) end
    local list <const> = { loss:item() }
    for _, w in ipairs(model:parameters()) do
      table.move(numbers(w), 1, w:numel(), #list + 1, list)
    end
    return list
  end

  settings_are_put_back()

  it("is the eager one, whatever the tiles and lanes", function()
    local eager <const> = train(1, 0, 0, false)
    for _, setting in ipairs { { 1, 0 }, { 1, 7 }, { 2, 16 }, { 3, 64 }, { 2, 203 }, { 3, 1 } } do
      local got <const> = train(setting[1], setting[2], 0, true)
      for i, value in ipairs(eager) do
        assert.is_true(math.abs(got[i] - value) <= 2e-4 * math.max(1, math.abs(value)),
          ("lanes %d, height %d: %g, not %g"):format(setting[1], setting[2], got[i], value))
      end
    end
  end)

  it("writes over no value that a later sweep reads, though a step before the tiles was recorded "
    .. "last", function()
    core.debug.tile_height(16)
    local function weights() return mlp.tensor({ { 3, 4 }, { 1, 2 } }, { requires_grad = true }) end
    local function step(w)
      return function(x)
        w.grad = nil
        mlp.linear(x, w / w:norm({ 2 }, true)):square():mean():backward()
      end
    end
    local a <const>, b <const> = weights(), weights()
    local run <const>, replay <const> = step(a), mlp.compile(step(b), { batch = 1 })
    for _ = 1, 3 do
      local x <const> = mlp.randn(67, 2)
      run(x)
      replay(x)
      local off <const> = (a.grad - b.grad):abs():max():item()
      assert.is_true(off <= 1e-6, ("off by %g"):format(off))
    end
  end)

  it("gives the same bits with any number of threads", function()
    local one <const> = train(3, 16, 1, true)
    for threads = 2, 4 do assert.same(one, train(3, 16, threads, true)) end
  end)
end)

describe("a rehearsal", function()
  local function rehearsed(fn, options)
    options = options or {}
    options.rehearse, options.tolerant = true, true
    return mlp.compile(fn, options)
  end

  it("leaves weights and random streams as they were, and the first call is a replay", function()
    local w <const>, stream <const> = mlp.zeros(3), mlp.generator(5)
    local runs = 0
    local f <const> = rehearsed(function(x)
      runs = runs + 1
      local noise <const> = mlp.rand({ 3 }, { generator = stream })
      w:add_(x):add_(noise)
      w:slice(1, 1, 1):mul_(2)
      return w * 1
    end)
    local twin <const>, again <const> = mlp.zeros(3), mlp.generator(5)
    for _ = 1, 3 do
      twin:add_(1):add_(mlp.rand({ 3 }, { generator = again }))
      twin:slice(1, 1, 1):mul_(2)
      assert.same(numbers(twin), numbers(f(mlp.ones(3))))
      assert.same(numbers(twin), numbers(w))
    end
    assert.equal(1, runs)
    assert.same({ again:state() }, { stream:state() })
  end)

  it("that fails leaves no trace", function()
    local w <const> = mlp.zeros(2)
    local seed <const>, serial <const> = core.random_state()
    local f <const> = rehearsed(function(x)
      w:add_(x):add_(mlp.rand(2))
      error "mine"
    end)
    assert.error_matches(function() f(mlp.ones(2)) end, "mine")
    assert.same({ 0, 0 }, numbers(w))
    assert.same({ seed, serial }, { core.random_state() })
    assert.is_false(core.is_recording())
  end)

  it("that gives up has happened, once", function()
    local w <const> = mlp.zeros(2)
    local f <const> = rehearsed(function(x)
      w:add_(x)
      return w:sum():item()
    end)
    for i = 1, 3 do assert.equal(2 * i, f(mlp.ones(2))) end
    assert.matches("gives a value to Lua", f:why_eager())
  end)

  it("lets the results of the last replay be asked for again", function()
    local f <const> = rehearsed(function(x) return x + 1, { twice = x * 2 }, "word" end)
    assert.equal(0, select("#", core.last(f, mlp.ones(2))))
    f(mlp.ones(2))
    local y <const>, list <const>, word <const> = core.last(f, mlp.ones(2))
    assert.same({ { 2, 2 }, { 2, 2 }, "word" }, { numbers(y), numbers(list.twice), word })
  end)
end)
