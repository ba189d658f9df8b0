--- Optimizers: groups, learning rates, parameters without gradients, state, clipping. That ten
--- steps of each agree with PyTorch is held by the golden files.
local mlp <const> = require "mlp"
local optim <const> = mlp.optim
require "spec.support.approx"

local NAMES <const> = { "SGD", "Adam", "AdamW", "Adamax", "RAdam", "RMSprop", "Adagrad", "Lion" }

local function parameter(...) return mlp.tensor({ ... }, { requires_grad = true }) end

--- Gives the parameter this gradient.
local function give(p, ...) (p * mlp.tensor { ... }):sum():backward() end

local function values(p) return p:detach():totable() end

describe("an optimizer", function()
  it("takes a list of tensors, a module, or groups", function()
    local model <const> = mlp.nn.Linear(2, 3)
    for _, given in ipairs { model, model:parameters(), { { parameters = model } },
      { { parameters = { model.weight } }, { parameters = { model.bias }, lr = 1 } } } do
      local optimizer <const> = optim.SGD(given, { lr = 0.5 })
      local before <const> = values(model.bias)
      optimizer:zero_grad()
      model.bias:sum():backward()
      optimizer:step()
      local lr <const> = #optimizer.groups == 2 and 1 or 0.5
      assert.close(model.bias:detach(), mlp.tensor(before) - lr)
    end
  end)

  it("steps groups by their own options", function()
    local a <const>, b <const>, c <const> = parameter(1), parameter(1), parameter(1)
    local optimizer <const> = optim.SGD({
      { parameters = { a } }, { parameters = { b }, lr = 1 },
      { parameters = { c }, weight_decay = 2 },
    }, { lr = 0.1 })
    for _, p in ipairs { a, b, c } do give(p, 1) end
    optimizer:step()
    assert.close({ values(a)[1], values(b)[1], values(c)[1] }, { 0.9, 0, 0.7 })
  end)

  it("reads lr at every step, and multiplies it by factor", function()
    for _, name in ipairs { "SGD", "AdamW" } do
      local p <const> = parameter(1)
      local optimizer <const> = optim[name]({ p }, { lr = 0.1 })
      give(p, 1)
      optimizer.lr = 0
      optimizer:step()
      assert.are.same({ 1 }, values(p))
      optimizer.lr, optimizer.factor = 0.5, 0
      optimizer:step()
      assert.are.same({ 1 }, values(p))
      optimizer.factor = 1
      optimizer:step()
      assert.is_true(values(p)[1] < 0.6)
    end
  end)

  it("scales gradients as asked, for one step", function()
    local p <const> = parameter(0)
    local optimizer <const> = optim.SGD({ p }, { lr = 1 })
    give(p, 1)
    optimizer:step(0.25)
    assert.close(values(p), { -0.25 })
    optimizer:step()
    assert.close(values(p), { -1.25 })
    assert.close(p.grad, { 1 })
  end)

  it("passes over parameters without a gradient, moments and all", function()
    for _, name in ipairs(NAMES) do
      local options <const> = { lr = 0.1 }
      if name == "SGD" or name == "RMSprop" then options.momentum = 0.9 end
      local a <const>, b <const>, alone <const> = parameter(1, 2), parameter(3), parameter(1, 2)
      local both <const> = optim[name]({ b, a }, options)
      local one <const> = optim[name]({ alone }, options)
      for _ = 1, 3 do
        both:zero_grad()
        one:zero_grad()
        give(a, 1, -2)
        give(alone, 1, -2)
        both:step()
        one:step()
      end
      assert.are.same({ 3 }, values(b))
      assert.are.same(values(alone), values(a))
    end
  end)

  it("steps without any gradient, too", function()
    local p <const> = parameter(1)
    local optimizer <const> = optim.Adam { p }
    optimizer:step()
    assert.are.same({ 1 }, values(p))
  end)

  it("adds gradients up until zero_grad forgets them", function()
    local p <const> = parameter(0)
    local optimizer <const> = optim.SGD({ p }, { lr = 1 })
    give(p, 1)
    give(p, 2)
    assert.close(p.grad, { 3 })
    optimizer:zero_grad()
    assert.is_nil(p.grad)
  end)

  it("changes no gradient and leaves it usable", function()
    local p <const> = parameter(0, 0)
    local optimizer <const> = optim.Adam { p }
    give(p, 3, 4)
    local gradient <const> = p.grad
    optimizer:step()
    assert.close(gradient, { 3, 4 })
    assert.close(p.grad, { 3, 4 })
  end)

  it("lets a running mean end before it is too small to be a normal number", function()
    for name, options in pairs { SGD = { momentum = 0.5 }, Adam = { betas = { 0.5, 0.5 } },
      RMSprop = { alpha = 0.5, momentum = 0.5 } } do
      local p <const> = parameter(1)
      local optimizer <const> = optim[name]({ p }, options)
      give(p, 1)
      for _ = 1, 140 do
        optimizer:step()
        p.grad:copy_(mlp.zeros(1))
      end
      for path, moment in pairs(optimizer:state().tensors) do
        if path:find "moments" then assert.are.same({ 0 }, values(moment), name .. path) end
      end
      assert.is_true(math.abs(values(p)[1]) < 10)
    end
  end)

  it("makes a backward through old values an error", function()
    local p <const> = parameter(2)
    local optimizer <const> = optim.SGD({ p }, { lr = 1 })
    local y <const> = (p * p):sum()
    give(p, 1)
    optimizer:step()
    assert.error_matches(function() y:backward() end, "sgd_step")
  end)

  it("counts its steps", function()
    local p <const> = parameter(1)
    local optimizer <const> = optim.Adam { p }
    give(p, 1)
    for _ = 1, 3 do optimizer:step() end
    assert.are.equal(3, optimizer:count())
  end)

  it("takes what ready() gathered", function()
    local a <const>, b <const> = parameter(1), parameter(1)
    local optimizer <const> = optim.SGD({ { parameters = { a } }, { parameters = { b } } },
      { lr = 1 })
    give(a, 3)
    give(b, 4)
    local ready <const> = optimizer:ready()
    assert.close(mlp.global_norm(ready.gradients):item(), 5)
    optimizer:step(1, ready)
    assert.close({ values(a)[1], values(b)[1] }, { -2, -3 })
  end)
end)

describe("an interrupted step", function()
  it("is completed where it had begun, and not where it had not", function()
    local a <const>, b <const> = parameter(1), parameter(1)
    local optimizer <const> = optim.SGD({ { parameters = { a } }, { parameters = { b } } },
      { lr = 1 })
    give(a, 1)
    give(b, 1)
    assert.is_false(optimizer:complete(1))
    assert.are.same({ 1 }, values(a))
    local run <const>, calls = optimizer.run, 0
    function optimizer.run(...)
      calls = calls + 1
      if calls == 2 then error "interrupted!" end
      run(...)
    end
    assert.has_error(function() optimizer:step(0.5) end)
    optimizer.run = run
    assert.close({ values(a)[1], values(b)[1] }, { 0.5, 1 })
    assert.is_true(optimizer:complete(1))
    assert.close({ values(a)[1], values(b)[1] }, { 0.5, 0.5 })
    assert.is_true(optimizer:complete(1))
    assert.close({ values(a)[1], values(b)[1] }, { 0.5, 0.5 })
  end)
end)

describe("an optimizer's state", function()
  local function trained(name, steps, options)
    local p <const> = parameter(1, -2)
    local optimizer <const> = optim[name]({ p }, options)
    for step = 1, steps do
      optimizer:zero_grad()
      give(p, step, 1 / step)
      optimizer:step()
    end
    return optimizer, p
  end

  it("goes on to the same bits", function()
    for _, name in ipairs(NAMES) do
      local options <const> = { lr = 0.1 }
      if name == "SGD" or name == "RMSprop" then options.momentum = 0.9 end
      local whole <const>, p <const> = trained(name, 3, options)
      local part <const>, q <const> = trained(name, 2, options)
      local state <const> = part:state()
      local other <const> = optim[name]({ q }, { lr = 9, momentum = options.momentum })
      assert(other:load_state(state))
      assert.are.equal(0.1, other.lr)
      other:zero_grad()
      give(q, 3, 1 / 3)
      other:step()
      assert.are.equal(p:tobytes(), q:tobytes())
      assert.are.equal(whole:count(), other:count())
    end
  end)

  it("is a copy", function()
    local optimizer <const>, p <const> = trained("Adam", 1)
    local state <const> = optimizer:state()
    local before <const> = state.tensors["1.moments.1.1"]:tobytes()
    give(p, 5, 5)
    optimizer:step()
    assert.are.equal(before, state.tensors["1.moments.1.1"]:tobytes())
  end)

  it("is refused where it does not fit, and nothing changes", function()
    local optimizer <const> = trained("Adam", 1)
    local function refused(pattern, other)
      local before <const> = other:state()
      local ok <const>, message <const> = other:load_state(optimizer:state())
      assert.is_nil(ok)
      assert.matches(pattern, message)
      for name, tensor in pairs(before.tensors) do
        assert.are.equal(tensor:tobytes(), other:state().tensors[name]:tobytes())
      end
    end
    refused("it is of Adam, not of AdamW", optim.AdamW { parameter(1, 2) })
    refused("'1.moments.1.1' is a float32 tensor %(2,%), not a float32 tensor %(3,%)",
      optim.Adam { parameter(1, 2, 3) })
    refused("it has no '1.moments.1.2'", optim.Adam { parameter(1, 2), parameter(3) })
  end)
end)

describe("clipping", function()
  it("by norm scales all gradients together, and tells the norm before", function()
    local a <const>, b <const> = parameter(0), parameter(0, 0)
    give(a, 3)
    give(b, 0, -4)
    assert.close(optim.clip_norm({ a, b }, 10), 5)
    assert.close(a.grad, { 3 })
    assert.close(optim.clip_norm({ a, b }, 1), 5)
    assert.close(a.grad, { 0.6 })
    assert.close(b.grad, { 0, -0.8 })
  end)

  it("by value cuts every element", function()
    local a <const> = parameter(0, 0, 0)
    give(a, -5, 0.5, 2)
    optim.clip_value({ a }, 1)
    assert.close(a.grad, { -1, 0.5, 1 })
  end)

  it("does nothing without gradients", function()
    assert.are.equal(0, optim.clip_norm({ parameter(1) }, 1))
    optim.clip_value({ parameter(1) }, 1)
  end)
end)

describe("an optimizer refuses", function()
  local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

  it("what are no parameters", function()
    refuses("SGD: the first argument is nil", function() optim.SGD(nil) end)
    refuses("Adam: there are no parameters to train", function() optim.Adam {} end)
    refuses("AdamW: a parameter is 3 but a tensor", function() optim.AdamW { 3 } end)
    refuses("requires a gradient", function() optim.SGD { mlp.ones(2) } end)
    local p <const> = parameter(1)
    refuses("listed twice", function() optim.SGD { p, p } end)
    refuses("SGD: a parameter %(1%) has a history", function() optim.SGD { p * 2 } end)
    refuses("listed twice", function()
      optim.SGD { { parameters = { p } }, { parameters = { p } } }
    end)
  end)

  it("a learning rate that is no number any more", function()
    local sgd <const> = optim.SGD { parameter(1) }
    sgd.lr = "x"
    refuses("SGD: lr is the string 'x' but a number from 0", function() sgd:step() end)
  end)

  it("options that it has not, or out of range", function()
    local list <const> = { parameter(1) }
    refuses("unknown option 'momentom' %(did you mean 'momentum'%?%)",
      function() optim.SGD(list, { momentom = 0.9 }) end)
    refuses("SGD: group 1: unknown option 'rl'",
      function() optim.SGD { { parameters = list, rl = 1 } } end)
    refuses("lr is %-1 but a number from 0", function() optim.SGD(list, { lr = -1 }) end)
    refuses("betas%[2%] is 1 but a number from 0 and below 1",
      function() optim.Adam(list, { betas = { 0.9, 1 } }) end)
    refuses("nesterov wants a momentum", function() optim.SGD(list, { nesterov = true }) end)
    refuses("lr is NaN", function()
      local optimizer <const> = optim.SGD(list)
      optimizer.lr = 0 / 0
      optimizer:step()
    end)
  end)
end)
