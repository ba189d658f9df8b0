--- Graphs of odd shapes, changes behind the tape's back, gradients of gradients: the operations are
--- simple here, the graphs are not. tape_spec.lua holds the plain promises.
local mlp <const> = require "mlp"

local function leaf(values) return mlp.tensor(values, { dtype = "float64" }):requires_grad_() end

local function refuses(f, ...)
  local sound, message = pcall(f)
  assert.is_false(sound, "was accepted")
  for _, piece in ipairs { ... } do
    assert.is_truthy(message:find(piece, 1, true),
      ("said '%s', expected '%s'"):format(message, piece))
  end
end

describe("backward", function()
  it("gives gradients without history, of the leaf's shape and dtype", function()
    local x <const> = mlp.ones(2, 3):requires_grad_()
    x:transpose(1, 2):mul(mlp.arange(1, 6):to("float32"):reshape(3, 2)):sum():backward()
    assert.same({ 2, 3 }, x.grad.shape)
    assert.equal("float32", x.grad.dtype)
    assert.is_false(x.grad.requires_grad)
    assert.same({ { 1, 3, 5 }, { 2, 4, 6 } }, x.grad:totable())
  end)

  it("does not share one gradient among leaves", function()
    local x <const>, y <const> = leaf { 1, 2 }, leaf { 3, 4 }
    x:add(y):sum():backward()
    mlp.no_grad(function() x.grad:mul_(10) end)
    assert.same({ 1, 1 }, y.grad:totable())
    local seed <const> = mlp.tensor({ 5, 6 }, { dtype = "float64" })
    x.grad = nil
    x:add(0):backward(seed)
    x:add(0):backward(seed)
    assert.same({ 5, 6 }, seed:totable())
    assert.same({ 10, 12 }, x.grad:totable())
  end)

  it("adds over every path", function()
    local x <const> = leaf { 3 }
    local y <const> = x:mul(x) -- one tensor twice
    local z <const> = y:add(y):add(x) -- a diamond, and a path of another length
    z:sum():backward()
    assert.equal(4 * 3 + 1, x.grad:get(1))
  end)

  it("goes through a deep ladder of diamonds in linear time", function()
    local x <const> = leaf { 1 }
    local y = x
    for _ = 1, 60 do y = y:add(y):mul(0.5) end -- 2^60 paths
    y:sum():backward()
    assert.equal(1, x.grad:get(1))
  end)

  it("reaches a leaf through its views", function()
    local x <const> = leaf { { 1, 2 }, { 3, 4 } }
    x[1]:mul(10):sum():add(x:t()[2]:sum()):add(x:reshape(4):get(1)):backward()
    assert.same({ { 10, 11 }, { 0, 1 } }, x.grad:totable())
  end)

  it("of a leaf itself is one", function()
    local x <const> = leaf { 7 }
    x:backward()
    assert.equal(1, x.grad:get(1))
  end)
end)

describe("saved values", function()
  it("are freed at once, although the result lives on", function()
    local x <const> = mlp.ones(100, 100):requires_grad_()
    local loss <const> = x:exp():sin():mul(2):cos():sum()
    collectgarbage()
    collectgarbage()
    local before <const> = mlp.memory().bytes
    loss:backward()
    assert.is_true(mlp.memory().bytes < before - 40000, "no storage was freed")
  end)

  it("are not kept when no input wants a gradient", function()
    local x <const> = mlp.ones(100, 100)
    local y = x:exp()
    local one <const> = 40000
    collectgarbage()
    collectgarbage()
    local before <const> = mlp.memory().bytes
    y = y:sin():cos():exp()
    collectgarbage()
    collectgarbage()
    assert.is_true(mlp.memory().bytes < before + one // 2)
    assert.is_false(y.requires_grad)
  end)

  it("are not kept under no_grad", function()
    local x <const> = mlp.ones(100, 100):requires_grad_()
    local y <const> = mlp.no_grad(function() return x:exp():sin() end)
    assert.is_false(y.requires_grad)
    assert.is_true(x:exp().requires_grad)
  end)

  it("survive the closing of their tensors", function()
    local x <const> = leaf { 2 }
    local y <const> = x:mul(3)
    local z <const> = y:mul(y)
    y:close()
    z:sum():backward()
    assert.equal(36, x.grad:get(1))
  end)

  it("of a broken walk leave no half gradients", function()
    local x <const>, w <const> = leaf { 2 }, leaf { 5 }
    local h <const> = x:mul(w)
    local y <const> = h:exp()
    local total <const> = y:add(x:mul(3)):sum()
    mlp.no_grad(function() y:mul_(2) end) -- exp saved its output
    refuses(function() total:backward() end, "exp")
    assert.is_nil(x.grad)
    assert.is_nil(w.grad)
  end)
end)

describe("a change in place", function()
  it("of a value that a derivative reads is an error that names both operations", function()
    local x <const> = leaf { 1, 2 }
    local y <const> = x:exp()
    local z <const> = y:mul(2)
    y:add_(1) -- exp reads its output
    refuses(function() z:sum():backward() end, "exp", "add")
  end)

  it("of a leaf that wants a gradient is an error outside no_grad", function()
    local x <const> = leaf { 1, 2 }
    refuses(function() x:add_(1) end, "add_", "no_grad")
    refuses(function() x[1] = 5 end)
    refuses(function() x:set(1, 5) end)
    mlp.no_grad(function() x:add_(1) end)
    assert.same({ 2, 3 }, x:totable())
  end)

  it("of a leaf between forward and backward is noticed", function()
    local x <const> = leaf { 1, 2 }
    local y <const> = x:mul(x):sum()
    mlp.no_grad(function() x:add_(1) end)
    refuses(function() y:backward() end, "mul", "add")
  end)

  it("through a view is noticed", function()
    local x <const> = leaf { { 1, 2 }, { 3, 4 } }
    local h <const> = x:mul(2)
    local y <const> = h:mul(h):sum()
    mlp.no_grad(function() h[1]:mul_(0) end)
    refuses(function() y:backward() end, "mul")
  end)

  it("of a view with history is an error", function()
    local x <const> = leaf { { 1, 2 }, { 3, 4 } }
    refuses(function() x:mul(2)[1]:add_(1) end, "view")
  end)

  it("through detach is noticed: the storage is shared", function()
    local x <const> = leaf { 1, 2 }
    local y <const> = x:exp()
    y:detach():add_(1)
    refuses(function() y:sum():backward() end, "changed", "add")
  end)
end)

describe("grad", function()
  it("differentiates gradients", function()
    local x <const> = leaf { 2 }
    local first <const> = mlp.grad(x:mul(x):mul(x):sum(), { x }, { create_graph = true })
    assert.equal(12, first:get(1))
    local second <const> = mlp.grad(first:sum(), { x }, { create_graph = true })
    assert.equal(12, second:get(1))
    local third <const> = mlp.grad(second:sum(), { x })
    assert.equal(6, third:get(1))
    assert.is_false(third.requires_grad)
  end)

  it("adds a penalty on the gradient to the loss, as a gradient penalty does", function()
    local w <const>, x <const> = leaf { 0.5 }, leaf { 2 }
    local y <const> = w:mul(x):mul(x):sum() -- dy/dx = 2 w x
    local slope <const> = mlp.grad(y, { x }, { create_graph = true })
    slope:mul(slope):sum():backward() -- d (4 w^2 x^2) / dw = 8 w x^2
    assert.equal(8 * 0.5 * 4, w.grad:get(1))
    assert.equal(8 * 0.25 * 2, x.grad:get(1))
  end)

  it("refuses targets that want no gradient", function()
    local x <const> = leaf { 1 }
    refuses(function() mlp.grad(x:sum(), { mlp.ones(1) }) end, "target 1")
    refuses(function() mlp.grad(x:sum(), { x, 5 }) end, "target 2")
    refuses(function() mlp.grad(x:sum(), { x }, { creat_graph = true }) end, "creat_graph")
  end)

  it("leaves a mode it found", function()
    local x <const> = leaf { 1 }
    mlp.no_grad(function()
      assert.is_false(x:mul(2).requires_grad)
      pcall(mlp.grad, x, {})
      assert.is_false(x:mul(2).requires_grad)
    end)
    pcall(function() mlp.ones(1):backward() end)
    assert.is_true(x:mul(2).requires_grad)
  end)
end)

describe("no_grad", function()
  it("passes results and errors on, and ends with both", function()
    local x <const> = leaf { 1 }
    local a, b, c = mlp.no_grad(function(p, q) return p, nil, q end, 1, 3)
    assert.same({ 1, nil, 3 }, { a, b, c })
    local thrown <const> = {}
    local sound, caught = pcall(mlp.no_grad, function() error(thrown) end)
    assert.is_false(sound)
    assert.equal(thrown, caught)
    assert.is_true(x:mul(2).requires_grad)
  end)

  it("nests", function()
    local x <const> = leaf { 1 }
    mlp.no_grad(function()
      mlp.no_grad(function() return x:mul(2) end)
      assert.is_false(x:mul(2).requires_grad)
    end)
    do
      local _ <close> = mlp.no_grad()
      assert.is_false(x:mul(2).requires_grad)
    end
    assert.is_true(x:mul(2).requires_grad)
  end)

  it("does not leak out of a coroutine that yields", function()
    local x <const> = leaf { 1 }
    local step <const> = coroutine.wrap(function()
      mlp.no_grad(function()
        coroutine.yield()
        assert.is_false(x:mul(2).requires_grad)
      end)
    end)
    step()
    assert.is_true(x:mul(2).requires_grad)
    step()
    assert.is_true(x:mul(2).requires_grad)
  end)

  it("makes leaves: requires_grad_ inside is kept", function()
    local w <const> = mlp.no_grad(function() return mlp.ones(2):mul(3):requires_grad_() end)
    w:sum():backward()
    assert.same({ 1, 1 }, w.grad:totable())
  end)
end)
