--- The tape: what is remembered, for how long, and what may no longer be changed. That derivatives
--- are right is the business of spec/op/cases_spec.lua.
local mlp <const> = require "mlp"
require "spec.support.approx"

local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

local w
before_each(function() w = mlp.tensor({ 1, 2, 3 }, { requires_grad = true }) end)

describe("backward", function()
  it("adds to .grad, which has no history, and leaves values without a gradient alone", function()
    assert.is_nil(w.grad)
    w:sum():backward()
    local y <const> = w * w
    y:sum():backward()
    assert.close(w.grad, { 3, 5, 7 })
    assert.is_false(w.grad.requires_grad)
    assert.is_nil(y.grad)
    w.grad = nil
    assert.is_nil(w.grad)
  end)

  it("weighs by a gradient that is given, and wants one for many elements", function()
    local y <const> = w * w
    refuses("backward: the value is (3,); a value of one element is wanted",
      function() y:backward() end)
    y:backward(mlp.tensor { 1, 0, 10 })
    assert.close(w.grad, { 2, 0, 60 })
  end)

  it("frees what was saved unless told to keep it", function()
    local y <const> = (w * w):sum()
    y:backward { retain_graph = true }
    y:backward()
    assert.close(w.grad, { 4, 8, 12 })
    refuses("backward: the values that mul saved were freed by an earlier backward",
      function() y:backward() end)
  end)

  it("needs something behind the value", function()
    refuses("backward: nothing behind this value requires a gradient",
      function() mlp.ones(1):backward() end)
    local y <const> = mlp.no_grad(function() return (w * w):sum() end)
    assert.is_false(y.requires_grad)
    refuses("backward: nothing behind this value", function() y:backward() end)
    refuses("backward: nothing behind this value", function() (w * w):detach():sum():backward() end)
  end)

  it("reaches a leaf by every way, through views and copies alike", function()
    local x <const> = mlp.ones(2, 2, { requires_grad = true })
    local y <const> = mlp.cat({ x, x:t(), x[{ 1, {} }]:reshape(1, 2) }, 1)
    y:sum():backward()
    assert.close(x.grad, { { 3, 3 }, { 2, 2 } })
  end)

  it("does not need the values between to be kept, or open", function()
    local y <const> = w:exp()
    local s <const> = y:sum()
    y:close()
    collectgarbage()
    s:backward()
    assert.close(w.grad, w:detach():exp())
  end)
end)

describe("a value that backward reads", function()
  it("may not have changed since, nor what shares its memory", function()
    local y <const> = w:exp()
    y:mul_(2)
    refuses("backward: exp saved its result (3,), which mul has since changed in place",
      function() y:sum():backward() end)
    local x <const> = mlp.zeros(4)
    local z <const> = x[{ { 1, 3 } }] * w
    x[4] = 1
    refuses("backward: mul saved its a (3,), which copy_ has since changed in place",
      function() z:sum():backward() end)
  end)

  it("may have changed when no derivative reads it", function()
    local x <const> = mlp.zeros(3)
    local y <const> = x + w
    x[1] = 5
    y:sum():backward()
    assert.close(w.grad, { 1, 1, 1 })
  end)
end)

describe("writing in place", function()
  it("is refused on a leaf that requires a gradient, outside no_grad", function()
    refuses("add_: the tensor is a leaf that requires a gradient", function() w:add_(1) end)
    refuses("set: the tensor requires a gradient", function() w:set(1, 0) end)
    mlp.no_grad(function() w:add_(1) end)
    assert.are.same({ 2, 3, 4 }, w:totable())
  end)

  it("is refused on a view with history, and into a view when the value has one", function()
    refuses("add_: the tensor is a view with history", function() w[{ { 1, 2 } }]:add_(1) end)
    refuses("the tensor is a view with history", function() w[1] = 0 end)
    local x <const> = mlp.zeros(2, 3)
    refuses("the gradient would not reach the tensor that it views", function() x[2] = w end)
  end)

  it("otherwise becomes part of the history", function()
    local x <const> = mlp.zeros(3)
    for i = 1, 3 do x:add_(w * i) end
    assert.is_true(x.requires_grad)
    x:sum():backward()
    assert.close(w.grad, { 6, 6, 6 })
  end)
end)

describe("grad", function()
  it("answers for leaves and for values between, and touches no .grad", function()
    local a <const> = w * 2
    local to_a <const>, to_w <const> = mlp.grad((a * a):sum(), { a, w })
    assert.close(to_a, { 4, 8, 12 })
    assert.close(to_w, { 8, 16, 24 })
    assert.is_nil(w.grad)
  end)

  it("is nil where there is no way", function()
    local other <const> = mlp.ones(1, { requires_grad = true })
    local to_other <const>, to_w <const> = mlp.grad(w:sum(), { other, w })
    assert.is_nil(to_other)
    assert.close(to_w, { 1, 1, 1 })
  end)

  it("has a history only when asked for one", function()
    local first <const> = mlp.grad((w * w * w):sum(), { w })
    assert.is_false(first.requires_grad)
    local slope <const> = mlp.grad((w * w * w):sum(), { w }, { create_graph = true })
    assert.close(mlp.grad(slope:sum(), { w }), { 6, 12, 18 })
  end)

  it("refuses what is no target", function()
    refuses("grad: target 1 does not require a gradient",
      function() mlp.grad(w:sum(), { mlp.ones(3) }) end)
    refuses("grad: targets are a float32 tensor (3,) but a table of tensors is wanted",
      function() mlp.grad(w:sum(), w) end)
    refuses("unknown option 'create_grpah' (did you mean 'create_graph'?)",
      function() mlp.grad(w:sum(), { w }, { create_grpah = true }) end)
  end)
end)
