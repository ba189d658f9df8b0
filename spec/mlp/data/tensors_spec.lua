--- Data sets of tensors.
local mlp <const> = require "mlp"
require "spec.support.approx"

describe("data.tensors", function()
  local x <const>, y <const> = mlp.arange(1, 8):reshape(4, 2), { 10, 20, 30, 40 }

  it("has as many rows as its columns", function()
    local data <const> = mlp.data.tensors(x, y)
    assert.are.equal(4, #data)
    assert.are.equal(x, data.tensors[1])
    assert.are.same(y, data.tensors[2]:totable())
  end)

  it("gives rows at positions, copied, with repetitions", function()
    local a <const>, b <const> = mlp.data.tensors(x, y)
      :rows(mlp.tensor({ 4, 1, 4 }, { dtype = "int64" }))
    assert.are.same({ { 7, 8 }, { 1, 2 }, { 7, 8 } }, a:totable())
    assert.are.same({ 40, 10, 40 }, b:totable())
    a[1] = 0
    assert.are.equal(7, x:get(4, 1))
  end)

  it("gives ranges as views", function()
    local a <const>, b <const>, c <const> = mlp.data.tensors(x, y, x):range(2, 3)
    assert.are.same({ { 3, 4 }, { 5, 6 } }, a:totable())
    assert.are.same({ 20, 30 }, b:totable())
    assert.are.same(a:totable(), c:totable())
  end)

  it("selects a set", function()
    local part <const> = mlp.data.tensors(x):select(mlp.tensor({ 2 }, { dtype = "int64" }))
    assert.are.equal(1, #part)
    assert.are.same({ { 3, 4 } }, part.tensors[1]:totable())
  end)

  it("says what it is", function()
    assert.are.equal("mlp.data.tensors: 4 rows of int64 (4, 2) and float32 (4,)",
      tostring(mlp.data.tensors(x, y)))
  end)

  it("refuses columns of different lengths, and what are none", function()
    assert.error_matches(function() mlp.data.tensors(x, { 1, 2 }) end,
      "column 2 has 2 rows but column 1 has 4")
    assert.error_matches(function() mlp.data.tensors() end, "at least one tensor")
    assert.error_matches(function() mlp.data.tensors(x, nil) end, "column 2 is nil but a tensor")
    assert.error_matches(function() mlp.data.tensors(mlp.tensor(3)) end, "at least one axis")
  end)
end)
