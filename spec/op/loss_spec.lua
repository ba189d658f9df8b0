--- The loss rows beyond their cases: far out, masked, in parts, and what they say when they refuse.
local assert <const> = require "luassert"
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"
require "spec.support.approx"

local LARGE <const> = 1e4

local function tensor(nested, dtype) return core.tensor(nested, { dtype = dtype or "float32" }) end

local function finite(t, about)
  for _, x in ipairs(make.read(t)) do
    assert.is_true(x - x == 0, ("%s holds %s"):format(about, x))
  end
end

--- Value, gradient and the gradient of the gradient of L = loss(x): all finite.
local function finite_to_the_second(loss, x, about)
  x:requires_grad_()
  local value <const> = loss(x)
  finite(value, about .. ": the value")
  local gradient <const> = core.grad(value:sum(), { x }, { create_graph = true })
  finite(gradient, about .. ": the gradient")
  if not gradient.requires_grad then return end
  local second <const> = core.grad(gradient:mul(gradient):sum(), { x })
  if second then finite(second, about .. ": the second gradient") end
end

describe("at logits of 1e4", function()
  local rows <const> = { { LARGE, -LARGE, 0 }, { -LARGE, LARGE, LARGE }, { 0, 0, -LARGE } }

  for _, dtype in ipairs { "float32", "float64" } do
    it("losses are finite, to the second derivative, in " .. dtype, function()
      local half <const> = core.full({ 3, 3 }, 0.5, { dtype = dtype })
      local weight <const> = tensor({ 1, 2, 3 }, dtype)
      for about, loss in pairs {
        cross_entropy = function(x) return core.cross_entropy(x, { 2, 1, 3 }) end,
        smoothed = function(x)
          return core.cross_entropy(x, { 2, 1, 3 }, { label_smoothing = 0.1, weight = weight })
        end,
        probabilities = function(x) return core.cross_entropy(x, half) end,
        nll = function(x) return core.nll(x:log_softmax(), { 2, 1, 3 }) end,
        kl_div = function(x) return core.kl_div(x:log_softmax(), half) end,
        bce_with_logits = function(x)
          return core.bce_with_logits(x, half, { pos_weight = weight })
        end,
        mse = function(x) return core.mse(x, half) end,
        l1 = function(x) return core.l1(x, half) end,
        huber = function(x) return core.huber(x, half) end,
        log_cosh = function(x) return core.log_cosh(x, half) end,
        softmax = function(x) return x:softmax() end,
      } do
        finite_to_the_second(loss, tensor(rows, dtype), about)
      end
    end)
  end

  it("cross_entropy keeps its digits: the shared maximum never meets the sum", function()
    local loss <const> = core.cross_entropy(tensor { { -LARGE, LARGE, LARGE } }, { 3 })
    assert.close(loss, math.log(2), { tolerance = 1e-6 })
  end)

  it("bce_with_logits keeps its digits on the right side", function()
    local terms <const> = core.bce_with_logits(tensor { 20, -20 }, tensor { 1, 0 },
      { reduction = "none" })
    assert.close(terms, { math.exp(-20), math.exp(-20) }, { tolerance = 1e-6 })
  end)
end)

describe("a mask", function()
  local NAN <const> = 0 / 0

  it("takes out rows without reading them, in the gradient too", function()
    local x <const> = tensor({ { 1, 2, 0.5 }, { NAN, NAN, NAN }, { 0, -1, 3 } }, "float64")
    local mask <const> = tensor({ 1, 0, 1 }, "uint8")
    local kept <const> = tensor({ { 1, 2, 0.5 }, { 0, -1, 3 } }, "float64"):requires_grad_()
    for _, name in ipairs { "cross_entropy", "nll" } do
      x:requires_grad_()
      local loss <const> = core[name](x, { 3, -7, 1 }, { mask = mask })
      local wanted <const> = core[name](kept, { 3, 1 })
      assert.close(loss, wanted, { tolerance = 1e-15, about = name })
      local got <const> = core.grad(loss, { x })
      local of_kept <const> = core.grad(wanted, { kept })
      assert.close(got, { of_kept[1]:totable(), { 0, 0, 0 }, of_kept[2]:totable() },
        { tolerance = 1e-15, about = name })
    end
  end)
end)

describe("a batch in parts", function()
  local function parts_agree(loss, x, target)
    local n <const> = x:size(1)
    local whole <const> = loss(x, target)
    local first <const> = loss(x:slice(1, 1, 3), target:slice(1, 1, 3), n)
    local rest <const> = loss(x:slice(1, 4, n), target:slice(1, 4, n), n)
    assert.close(first:add(rest), whole, { tolerance = 1e-14 })
  end

  it("gives sums that add up to the mean when told the whole's divisor", function()
    local new <const> = make.new({ op = "loss" }, "float64")
    local classes <const> = new.index({ 8 }, 5)
    parts_agree(function(x, target, n)
      return core.cross_entropy(x, target, { divisor = n, label_smoothing = 0.1 })
    end, new { 8, 5 }, classes)
    parts_agree(function(x, target, n) return core.nll(x, target, { divisor = n }) end,
      new { 8, 5 }, classes)
    parts_agree(function(x, target, n)
      return core.mse(x, target, { divisor = n and 5 * n })
    end, new { 8, 5 }, new { 8, 5 })
  end)
end)

describe("a loss refuses", function()
  local function refused(sentence, f, ...)
    local sound <const>, message <const> = pcall(f, ...)
    assert.is_false(sound)
    assert.equal(sentence, (tostring(message):gsub("^.-:%d+: ", "")))
  end

  local x <const> = core.zeros(2, 3)

  it("class 0, naming the place", function()
    refused("cross_entropy: target[2] = 0, but classes are 1..3; labels 0..2? use target + 1",
      core.cross_entropy, x, { 1, 0 })
    refused("nll: target[1, 2] = 4, but classes are 1..3", core.nll, core.zeros(1, 2, 3),
      { { 1, 4 } })
  end)

  it("a target that fits neither as classes nor as probabilities", function()
    refused("cross_entropy: logits (2, 3) want int64 classes (2,) or probabilities (2, 3), "
      .. "but target is float32 (2,)", core.cross_entropy, x, core.zeros(2))
    refused("nll: log_probabilities (2, 3) want int64 classes (2,), but target is float32 (2, 3)",
      core.nll, x, core.zeros(2, 3))
  end)

  it("to broadcast a target", function()
    refused("mse: prediction is (4, 1) but target is (4,); a loss does not broadcast, "
      .. "shapes must be equal", core.mse, core.zeros(4, 1), core.zeros(4))
  end)

  it("weights and masks of other shapes", function()
    refused("cross_entropy: weight is (2,) but (3,) is wanted, one number per class",
      core.cross_entropy, x, { 1, 2 }, { weight = core.ones(2) })
    refused("cross_entropy: mask is (3,) but (2,) is wanted, one number per row",
      core.cross_entropy, x, { 1, 2 }, { mask = core.ones(3, { dtype = "uint8" }) })
    refused("bce_with_logits: pos_weight is (2,) but (2, 3), one number per column or one number "
      .. "is wanted", core.bce_with_logits, x, x, { pos_weight = core.ones(2) })
  end)

  it("a gradient that it cannot give", function()
    refused("cross_entropy: no gradient flows to weight, but it requires one; weight:detach() "
      .. "gives it up", core.cross_entropy, x, { 1, 2 },
      { weight = core.ones(3):requires_grad_() })
  end)

  it("the mean of nothing", function()
    refused("cross_entropy: the batch is empty: logits is (0, 3), and nothing has no mean",
      core.cross_entropy, core.zeros(0, 3), {})
  end)

  it("smoothing out of range", function()
    refused("cross_entropy: label_smoothing is 1.5 but 0 to 1 is wanted", core.cross_entropy, x,
      { 1, 2 }, { label_smoothing = 1.5 })
  end)
end)
