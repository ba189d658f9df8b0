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

  describe("with bytes that stand for other numbers", function()
    local bytes <const> = mlp.tensor({ { 0, 255 }, { 51, 102 }, { 3, 4 } }, { dtype = "uint8" })
    local data <const> = mlp.data.tensors(bytes, { 1, 2, 3 }):scaled(1, 1 / 255, -1)

    it("keeps them, and gives out numbers", function()
      assert.are.equal(bytes, data.tensors[1])
      local all <const>, labels <const> = data:range(1, 2)
      assert.are.equal("float32", all.dtype)
      assert.close(all, { { -1, 0 }, { -0.8, -0.6 } }, { tolerance = 1e-6 })
      assert.are.same({ 1, 2 }, labels:totable())
      local rows <const> = data:rows(mlp.tensor({ 2, 2 }, { dtype = "int64" }))
      assert.close(rows, { { -0.8, -0.6 }, { -0.8, -0.6 } }, { tolerance = 1e-6 })
    end)

    it("keeps scales with a selection, a split and what it says", function()
      local part <const> = data:select(mlp.tensor({ 2 }, { dtype = "int64" }))
      assert.are.equal("uint8", part.tensors[1].dtype)
      assert.close(part:range(1, 1), { { -0.8, -0.6 } }, { tolerance = 1e-6 })
      assert.is_truthy(tostring(data):find("uint8 (3, 2) scaled and", 1, true))
      local twice <const> = data:scaled(1, 2)
      assert.are.same({ { 0, 510 } }, (twice:range(1, 1)):totable())
    end)

    it("refuses what cannot be scaled", function()
      assert.error_matches(function() data:scaled(3, 1) end,
        "the column is 3 but a whole number from 1 to 2 is wanted")
      assert.error_matches(function() data:scaled(2, 1) end, "column 2 .* a uint8 tensor is wanted")
      assert.error_matches(function() data:scaled(1, "x") end, "the scale .* a finite number")
      assert.error_matches(function() data:scaled(1, 1, 0 / 0) end, "the shift .* a finite number")
    end)
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
