--- What makes tensors takes, copies and refuses.
local mlp <const> = require "mlp"

local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

describe("mlp.tensor", function()
  it("copies a tensor, without its history", function()
    local w <const> = mlp.ones(2, 2, { requires_grad = true })
    local y <const> = mlp.tensor((w * 3):t())
    assert.are.same({ { 3, 3 }, { 3, 3 } }, y:totable())
    assert.is_false(y.requires_grad)
    local x <const> = mlp.arange(1, 4):reshape(2, 2):t()
    local copy <const> = mlp.tensor(x)
    copy:add_(1)
    assert.are.same({ { 1, 3 }, { 2, 4 } }, x:totable())
    assert.are.same({ { 2, 4 }, { 3, 5 } }, copy:totable())
    assert.are.equal("int64", copy.dtype)
    local wide <const> = mlp.tensor(w, { dtype = "float64", requires_grad = true })
    assert.are.equal("float64", wide.dtype)
    assert.is_true(wide.requires_grad and wide.is_leaf)
  end)

  it("refuses options among the numbers, which would be lost", function()
    refuses("tensor: the table of numbers has a field 'dtype'; options stand in a table of their "
      .. "own: tensor({1, 2}, {dtype = \"float64\"})",
      function() mlp.tensor { 1, 2, dtype = "float64" } end)
    refuses("has a field 'requires_grad'",
      function() mlp.tensor { { 1, 2 }, { 3, 4 }, requires_grad = true } end)
    refuses("has a field 'x'", function() mlp.tensor { x = 1 } end)
  end)

  it("refuses tensors among the numbers, and tells what joins them", function()
    refuses("a float32 tensor (2,) stands where a number is wanted; mlp.stack joins tensors",
      function() mlp.tensor { mlp.ones(2), mlp.ones(2) } end)
  end)
end)

describe("mlp.full", function()
  it("wants its value", function()
    refuses("full: the value is nil but a number is wanted", function() mlp.full({ 2 }) end)
    refuses("full: the value is nil but a number is wanted",
      function() mlp.full({ 2 }, nil, { dtype = "int64" }) end)
    assert.are.same({ 3, 3 }, mlp.full({ 2 }, 3, { dtype = "int64" }):totable())
  end)
end)

describe("mlp.linspace and mlp.arange", function()
  it("refuse more than there can be", function()
    for _, count in ipairs { math.maxinteger, 1e300, math.huge } do
      refuses("linspace: more than 9e15 elements", function() mlp.linspace(0, 1, count) end)
    end
    refuses("arange: more than 9e15 elements", function() mlp.arange(1, 1e300) end)
    refuses("arange: no step of 1 leads from 1 to", function() mlp.arange(1, 0 / 0) end)
  end)
end)
