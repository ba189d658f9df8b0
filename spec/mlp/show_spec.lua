--- Tensors as text.
local mlp <const> = require "mlp"

local function widest(text)
  local width = 0
  for line in text:gmatch "[^\n]+" do width = math.max(width, #line) end
  return width
end

describe("a tensor prints", function()
  it("as one would write it, dtype and shape below", function()
    assert.are.equal("{{1, 2},\n {3, 4}}\nfloat32 (2, 2)",
      tostring(mlp.tensor { { 1, 2 }, { 3, 4 } }))
    assert.are.equal("{ 0.5000, -1.2500}\nfloat64 (2,), requires grad",
      tostring(mlp.tensor({ 0.5, -1.25 }, { dtype = "float64", requires_grad = true })))
    assert.are.equal("5  float32 ()", tostring(mlp.tensor(5)))
    assert.are.equal("{}  int64 (0, 3)", tostring(mlp.zeros(0, 3, { dtype = "int64" })))
    assert.are.equal("{nan, inf,   1}\nfloat32 (3,)",
      tostring(mlp.tensor { 0 / 0, math.huge, 1 }))
  end)

  it("whole numbers to the last digit", function()
    assert.are.equal("{9007199254740993,               -1}\nint64 (2,)",
      tostring(mlp.tensor({ (1 << 53) + 1, -1 }, { dtype = "int64" })))
    assert.are.equal(math.maxinteger .. "  int64 ()",
      tostring(mlp.tensor(math.maxinteger, { dtype = "int64" })))
  end)

  it("within 80 columns and 60 lines, whatever its shape and its numbers", function()
    for _, shape in ipairs { { 1000 }, { 3, 500 }, { 500, 3 }, { 20, 30, 40 }, { 2, 3, 4, 5 },
      { 90 }, { 1, 1, 1, 1, 1, 1, 1, 200 } } do
      for _, scale in ipairs { 1, 1e-12, -1e30 } do
        local text <const> = tostring(mlp.randn(shape) * scale)
        assert.is_true(widest(text) <= 80, text)
      end
    end
    local _, lines <const> = tostring(mlp.zeros(1000, 1000)):gsub("\n", "")
    assert.is_true(lines < 60)
  end)

  it("as closed when it is", function()
    local x <const> = mlp.ones(2)
    x:close()
    assert.are.equal("closed mlp.Tensor", tostring(x))
  end)
end)
