--- What jacobian, hvp and gradcheck answer and refuse; that derivatives are right is the business
--- of spec/op/cases_spec.lua, which rests on gradcheck.
local mlp <const> = require "mlp"
require "spec.support.approx"

local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

describe("jacobian", function()
  it("has a row for each output and a column for each input", function()
    local x <const> = mlp.tensor { 1, 2, 3 }
    assert.close(mlp.jacobian(function(v) return v * v end, x), { { 2, 0, 0 }, { 0, 4, 0 },
      { 0, 0, 6 } })
    assert.are.same({ 0, 3 }, mlp.jacobian(function(v) return v[{ { 1, 0 } }] end, x).shape)
    assert.close(mlp.jacobian(function() return mlp.ones(2) end, x), mlp.zeros(2, 3))
  end)

  it("refuses what is no function, no tensor, and a scope without gradients", function()
    local x <const> = mlp.ones(2)
    refuses("jacobian: the first argument is 3 but a function", function() mlp.jacobian(3, x) end)
    refuses("jacobian: x is a table but a tensor of floats",
      function() mlp.jacobian(function(v) return v end, { 1, 2 }) end)
    refuses("jacobian: what the function returns is 3 but a tensor",
      function() mlp.jacobian(function() return 3 end, x) end)
    local _ <close> = mlp.no_grad()
    refuses("jacobian: inside no_grad there is no gradient",
      function() mlp.jacobian(function(v) return v * v end, x) end)
  end)
end)

describe("hvp", function()
  it("is the Hessian times a vector, and the value", function()
    local function cubes(v) return (v * v * v):sum() end
    local hv <const>, value <const> = mlp.hvp(cubes, mlp.tensor { 1, 2 }, mlp.tensor { 1, 10 })
    assert.close(hv, { 6, 120 })
    assert.are.equal(9, value:item())
  end)

  it("refuses a vector of another shape, which would be stretched", function()
    refuses("hvp: v is (2, 1) but x is (2,); one shape is wanted",
      function() mlp.hvp(function(v) return v:sum() end, mlp.ones(2), mlp.ones(2, 1)) end)
  end)
end)

describe("gradcheck", function()
  local x <const> = mlp.tensor({ 0.3, -0.7 }, { dtype = "float64" })

  it("tells right gradients from wrong ones", function()
    assert.is_true(mlp.gradcheck(function(v) return v:exp() end, { x }, { second = true }))
    local ok <const>, message <const> =
      mlp.gradcheck(function(v) return v:exp() + v:detach() end, { x })
    assert.is_false(ok)
    assert.matches("^the gradient by input 1 differs from central differences", message)
  end)

  it("refuses what it cannot check", function()
    local function same(v) return v end
    refuses("gradcheck: the first argument is 3 but a function", function() mlp.gradcheck(3) end)
    refuses("gradcheck: the second argument is nil", function() mlp.gradcheck(same) end)
    refuses("gradcheck: input 1 is 3 but a tensor", function() mlp.gradcheck(same, { 3 }) end)
    refuses("gradcheck: input 1 is a float32 tensor (2,) but a float64 tensor is wanted",
      function() mlp.gradcheck(same, { mlp.ones(2) }) end)
  end)
end)
