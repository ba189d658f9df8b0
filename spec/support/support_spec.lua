--- The instruments themselves: a comparison that lets an error pass would make every other spec
--- worthless.
local core <const> = require "mlp.core"
local approx <const> = require "spec.support.approx"
local gradcheck <const> = require "spec.support.gradcheck"
local make <const> = require "spec.support.make"
local R <const> = require "spec.support.reference"

local NAN <const>, INF <const> = 0 / 0, math.huge

describe("assert.close", function()
  it("lets rounding pass", function()
    assert.close({ 1, 2, 3 }, { 1, 2 + 1e-6, 3 })
    assert.close({ { 1 }, { NAN } }, { { 1 }, { NAN } })
    assert.close({ INF, -INF }, { INF, -INF })
    assert.close(core.tensor { { 1, 2 } }, { { 1, 2 } })
    assert.close(core.zeros(0, 3), core.zeros(0, 3))
    assert.close(2, core.tensor(2))
  end)

  it("catches one wrong element, and says which", function()
    local wanted <const> = { { 1, 2, 3 }, { 4, 5.1, 6 } }
    local told <const> = approx.difference({ { 1, 2, 3 }, { 4, 5, 6 } }, wanted)
    assert.is_truthy(told:find("[2, 2]", 1, true), told)
    assert.is_truthy(told:find("1 of 6", 1, true), told)
    assert.has_error(function() assert.close({ 1 }, { 1.1 }, { about = "tea" }) end)
  end)

  it("catches NaN, infinity and shapes", function()
    assert.is_truthy(approx.difference({ 1, NAN }, { 1, 2 }))
    assert.is_truthy(approx.difference({ 1, 2 }, { 1, NAN }))
    assert.is_truthy(approx.difference({ NAN }, { INF }))
    assert.is_truthy(approx.difference({ INF }, { -INF }))
    assert.is_truthy(approx.difference({ 1e300 }, { INF }))
    assert.is_truthy(approx.difference({ 1, 2 }, { { 1, 2 } }))
    assert.is_truthy(approx.difference({ 1, 2 }, { 1, 2, 3 }))
    assert.is_truthy(approx.difference(core.zeros(0, 3), core.zeros(0, 2)))
    assert.is_truthy(approx.difference(core.zeros(3, 0), core.zeros(0, 3)))
  end)

  it("measures against the largest element", function()
    assert.close({ 1000, 0.001 }, { 1000, 0 }, { tolerance = 1e-5 })
    assert.is_truthy(approx.difference({ 1, 0.001 }, { 1, 0 }, { tolerance = 1e-5 }))
    assert.is_truthy(approx.difference({ 1 + 1e-15 }, { 1 }, { tolerance = 0, absolute = 0 }))
  end)
end)

describe("gradcheck", function()
  local function leaf()
    return core.tensor({ 0.5, 1.25, -0.75 }, { dtype = "float64" }):requires_grad_()
  end

  it("accepts a right derivative", function()
    local function f(xs) return { xs[1]:mul(xs[1]):mul(xs[2]) } end
    gradcheck.first(f, { leaf(), leaf() }, "x^2 y")
    assert.is_truthy(gradcheck.second(f, { leaf(), leaf() }, "x^2 y"))
  end)

  it("catches a part of the derivative that is missing", function()
    assert.has_error(function()
      gradcheck.first(function(xs) return { xs[1]:mul(xs[1]:detach()) } end, { leaf() }, "x^2")
    end)
    assert.has_error(function()
      gradcheck.first(function(xs) return { xs[1]:detach():mul(2) } end, { leaf() }, "2 x")
    end)
  end)

  it("catches a second derivative that is missing", function()
    assert.has_error(function()
      gradcheck.second(function(xs)
        local x <const> = xs[1]
        return { x:mul(x:detach()):mul(2):sub(x:mul(x):detach()) } -- x^2 along its tangent
      end, { leaf() }, "x^2 with a frozen slope")
    end)
  end)
end)

describe("make", function()
  local case <const> = { op = "exp", range = { -1, 3 }, kinks = { 0, 1 } }

  it("draws the same numbers again, in range, away from kinks, exact in float32", function()
    local x <const>, y <const> = make.new(case, "float64"){ 300 }, make.new(case, "float32"){ 300 }
    assert.same(x:totable(), y:totable())
    for _, number in ipairs(x:totable()) do
      assert.is_true(number >= -1 and number <= 3)
      assert.is_true(math.abs(number) >= 0.05 and math.abs(number - 1) >= 0.05)
    end
  end)

  it("draws distinct numbers", function()
    local sorted <const> = make.new(case, "float64")({ 100 }, { distinct = true }):totable()
    table.sort(sorted)
    for i = 2, 100 do assert.is_true(sorted[i] - sorted[i - 1] > 0.02) end
  end)

  it("builds strided twins", function()
    for _, shape in ipairs { {}, { 5 }, { 2, 3 }, { 3, 1, 2 }, { 2, 3, 4, 5 } } do
      local x <const> = make.new(case, "float64")(shape)
      local base, view = make.strided(x)
      local twin <const> = view(base)
      assert.same(x:totable(), twin:totable())
      assert.same(x.shape, twin.shape)
      if #shape > 0 then assert.is_false(twin:is_contiguous()) end
    end
  end)

  it("draws positions and masks", function()
    local m <const> = make.new(case, "float64")
    local positions <const> = m.index({ 200 }, 4)
    local seen = {}
    for _, k in ipairs(positions:totable()) do seen[k] = true end
    assert.same({ true, true, true, true }, seen)
    assert.same({ 1, 0 }, m.mask({ 2 }):totable())
  end)
end)

describe("reference tools", function()
  it("broadcast, fold and multiply", function()
    local function plus(a, b) return a + b end
    assert.same({ { 11, 21, 31 }, { 12, 22, 32 } }, R.zip(plus, { { 1 }, { 2 } }, { 10, 20, 30 }))
    assert.same({ 2, 3 }, R.zip(plus, { 1, 2 }, 1))
    assert.same({}, R.zip(plus, {}, 1))
    assert.same({ 4, 6 }, (R.along(R.sum, { { 1, 2 }, { 3, 4 } }, 1)))
    assert.same({ { 3 }, { 7 } }, (R.along(R.sum, { { 1, 2 }, { 3, 4 } }, -1, true)))
    assert.same({ { { 5 } } }, R.matmul({ { { 1, 2 } } }, { { 1 }, { 2 } }))
    assert.same({ { 1, 3 }, { 2, 4 } }, R.transpose { { 1, 2 }, { 3, 4 } })
  end)
end)
