--- Metrics: values by hand, aggregation over batches of different sizes, which way is better.
local mlp <const> = require "mlp"
local metric <const> = mlp.metric
require "spec.support.approx"

--- The value over all rows, and the value merged from uneven batches.
local function both_ways(of, prediction, target)
  local whole <const>, merged = of(prediction, target), nil
  for _, range in ipairs { { 1, 1 }, { 2, 5 }, { 6, #prediction } } do
    local sums <const> = of:measure(prediction:slice(1, range[1], range[2]),
      target:slice(1, range[1], range[2]))
    merged = merged and of.merge(merged, sums) or sums
  end
  return whole, of.value(merged, of.options)
end

local scores <const> = mlp.tensor { { 3, 1, 0 }, { 0, 1, 2 }, { 5, 4, 3 }, { 1, 3, 2 } }

describe("accuracy", function()
  it("is the share of rows with the largest score at the class", function()
    for _, target in ipairs { mlp.tensor({ 1, 3, 2, 3 }, { dtype = "int64" }),
      mlp.tensor { 1, 3, 2, 3 }, { 1, 3, 2, 3 } } do
      assert.are.equal(0.5, metric.accuracy(scores, target))
    end
  end)

  it("takes one row of probabilities per row", function()
    local target <const> = mlp.tensor { { 1, 0, 0 }, { 0, 0.4, 0.6 }, { 0, 1, 0 }, { 0, 0, 1 } }
    assert.are.equal(0.5, metric.accuracy(scores, target))
  end)

  it("takes logits against 0 and 1", function()
    local logits <const> = mlp.tensor { 3, -1, 2, -4 }
    assert.are.equal(0.75, metric.accuracy(logits, mlp.tensor { 1, 0, 0, 0 }))
    assert.are.equal(0.75, metric.accuracy(logits:reshape(4, 1), { { 1 }, { 0 }, { 0 }, { 0 } }))
  end)

  it("refuses what does not fit", function()
    assert.error_matches(function() metric.accuracy(scores, { 1, 2 }) end,
      "prediction is %(4, 3%) and target is %(2,%) but one class for each row")
    assert.error_matches(function() metric.accuracy(scores, { 0, 1, 2, 3 }) end, "class 0")
  end)
end)

describe("top_k", function()
  it("is the share of rows with the class among the k largest", function()
    local target <const> = { 2, 1, 3, 3 }
    assert.are.equal(0, metric.top_k(scores, target, { k = 1 }))
    assert.are.equal(0.5, metric.top_k(scores, target, { k = 2 }))
    assert.are.equal(1, metric.top_k(scores, target, { k = 3 }))
    local top2 <const> = metric.top_k:with { k = 2 }
    assert.are.equal(0.5, top2(scores, target))
    assert.are.equal(5, metric.top_k.options.k)
  end)

  it("refuses a k beyond the classes", function()
    assert.error_matches(function() metric.top_k(scores, { 1, 1, 1, 1 }) end,
      "k is 5 but a number from 1 to 3")
  end)
end)

describe("confusion", function()
  it("counts targets by row and predictions by column", function()
    local counts <const> = metric.confusion(scores, { 1, 3, 2, 3 })
    assert.are.equal("int64", counts.dtype)
    assert.are.same({ { 1, 0, 0 }, { 1, 0, 0 }, { 0, 1, 1 } }, counts:totable())
  end)
end)

describe("errors of numbers", function()
  local p <const>, t <const> = mlp.tensor { 1, 2, 5 }, mlp.tensor { 1, 4, 4 }

  it("mae, rmse, psnr", function()
    assert.close(metric.mae(p, t), 1)
    assert.close(metric.rmse(p, t), math.sqrt(5 / 3))
    assert.close(metric.psnr(p, t, { peak = 10 }), 10 * math.log(100 / (5 / 3), 10))
    assert.close(metric.psnr(p, t), 10 * math.log(3 / 5, 10))
  end)

  it("r2 is 1 for a perfect prediction and 0 for the mean", function()
    assert.close(metric.r2(t, t), 1)
    assert.close(metric.r2(mlp.full({ 3 }, 3), t), 0)
    assert.close(metric.r2(p, t), 1 - 5 / 6)
  end)

  it("r2 of several columns is their mean", function()
    local two <const> = mlp.stack({ p, t }, 2)
    assert.close(metric.r2(two, mlp.stack({ t, t }, 2)), (1 - 5 / 6 + 1) / 2)
  end)

  it("r2 keeps its digits far from zero", function()
    -- In float32 the squares of 1e4 would leave nothing of a spread of 1.
    assert.close(metric.r2(p + 10000, t + 10000), 1 - 5 / 6)
  end)

  it("never broadcast", function()
    for _, name in ipairs { "mae", "rmse", "r2", "psnr" } do
      assert.error_matches(function() metric[name](mlp.zeros(3, 1), mlp.zeros(3)) end, "one shape")
    end
  end)
end)

describe("over batches of different sizes", function()
  it("every metric is what it is over all rows", function()
    local generator <const> = mlp.generator(4)
    local logits <const> = mlp.randn(11, 6, { generator = generator })
    local classes <const> = mlp.randint(1, 6, { 11 }, { generator = generator })
    local numbers <const> = mlp.randn(11, 6, { generator = generator })
    for _, name in ipairs { "accuracy", "top_k" } do
      local whole <const>, merged <const> = both_ways(metric[name], logits, classes)
      assert.are.equal(whole, merged)
    end
    local whole <const>, merged <const> = both_ways(metric.confusion, logits, classes)
    assert.are.same(whole:totable(), merged:totable())
    for _, name in ipairs { "mae", "rmse", "r2", "psnr" } do
      local a <const>, b <const> = both_ways(metric[name], logits, numbers)
      assert.close(b, a, { tolerance = 1e-12, about = name })
    end
  end)
end)

describe("a function of the user's", function()
  it("becomes a metric whose batches weigh by their rows", function()
    local of <const> = metric.of("largest", function(p) return p:max() end)
    local sums <const> = of.merge(of:measure(mlp.tensor { 1, 2, 3 }, mlp.zeros(3)),
      of:measure(mlp.tensor { 7 }, mlp.zeros(1)))
    assert.close(of.value(sums), (3 * 3 + 7) / 4)
    assert.is_nil(of.higher_is_better)
    assert.are.equal(metric.r2, metric.of("r2", metric.r2))
  end)
end)

describe("which way is better", function()
  it("is known", function()
    for _, name in ipairs { "accuracy", "top_k", "r2", "psnr" } do
      assert.is_true(metric[name].higher_is_better)
    end
    assert.is_false(metric.mae.higher_is_better)
    assert.is_false(metric.rmse.higher_is_better)
    assert.is_nil(metric.confusion.higher_is_better)
  end)
end)

describe("a metric of one's own", function()
  it("returns a number, or a tensor of one", function()
    local function measured(result)
      return mlp.metric.of("mine", function() return result end)(mlp.ones(2), mlp.ones(2))
    end
    assert.are.equal(3, measured(3))
    assert.are.equal(3, measured(mlp.tensor(3)))
    for _, result in ipairs { "x", false, mlp.ones(2) } do
      assert.error_matches(function() measured(result) end,
        "metric: what mine returns is .* but a number is wanted")
    end
  end)
end)
