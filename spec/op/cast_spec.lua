--- The gradient of a conversion: it flows between floats, in the dtype of the input.
local core <const> = require "mlp.core"

describe("to", function()
  it("hands the gradient back in the dtype of the input", function()
    for _, pair in ipairs{ { "float32", "float64" }, { "float64", "float32" } } do
      local x <const> = core.tensor({ 1, 2, 3 }, { dtype = pair[1] }):requires_grad_()
      local y <const> = x:to(pair[2])
      assert.equal(pair[2], y.dtype)
      y:mul(y):sum():backward()
      assert.equal(pair[1], x.grad.dtype)
      assert.same({ 2.0, 4.0, 6.0 }, x.grad:totable())
    end
  end)

  it("makes whole numbers without a history", function()
    local x <const> = core.tensor{ 1.5, 2.5 }:requires_grad_()
    assert.is_false(x:to("int64").requires_grad)
    assert.same({ 1, 2 }, x:to("int64"):totable())
  end)

  it("gives a fresh tensor even for the same dtype", function()
    local x <const> = core.tensor{ 1, 2 }
    local y <const> = x:to("float32")
    y:set(1, 7)
    assert.equal(1.0, x:get(1))
  end)
end)
