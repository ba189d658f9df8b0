--- Folds, and cross-validation over them.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
require "spec.support.approx"

describe("data.folds", function()
  it("hold out every row once, in proportion of the labels", function()
    local x <const> = mlp.arange(1, 23)
    local labels <const> = (x:le(8)):to "int64" + 1
    local folds <const> = mlp.data.folds(mlp.data.tensors(x, labels), 4,
      { seed = 1, stratify = labels })
    local seen <const> = {}
    for _, fold in ipairs(folds) do
      assert.are.equal(23, #fold.train + #fold.test)
      assert.are.equal(2, fold.test.tensors[2]:eq(2):to("int64"):sum():item())
      local train_rows <const> = {}
      for _, row in ipairs(fold.train.tensors[1]:totable()) do train_rows[row] = true end
      for _, row in ipairs(fold.test.tensors[1]:totable()) do
        assert.is_nil(seen[row])
        assert.is_nil(train_rows[row])
        seen[row] = true
      end
    end
    assert.are.equal(4, #folds)
    for row = 1, 23 do assert.is_true(seen[row]) end
  end)

  it("take any data set", function()
    local set <const> = setmetatable({}, { __len = function() return 6 end,
      __index = { rows = function(_, positions) return positions * 10 end } })
    local folds <const> = mlp.data.folds(set, 3, { shuffle = false })
    assert.are.same({ 30, 40 }, folds[2].test:rows(mlp.tensor({ 1, 2 }, { dtype = "int64" }))
      :totable())
    assert.are.equal(4, #folds[2].train)
  end)

  it("refuse what is no number of folds", function()
    local data <const> = mlp.data.tensors(mlp.ones(3))
    assert.error_matches(function() mlp.data.folds(data, 1) end,
      "k is 1 but a whole number from 2 to 3, the number of rows")
    assert.error_matches(function() mlp.data.folds(data, 4) end, "k is 4 but")
    assert.error_matches(function() mlp.data.folds(mlp.ones(3), 2) end, "a data set, such as")
  end)
end)

describe("tune.cross_validate", function()
  local function make() return train.trainer { metrics = { mae = mlp.metric.mae } } end

  it("judges every fold by a model that did not see it", function()
    local data <const> = train.data()
    local result <const> = mlp.tune.cross_validate(make, data,
      { folds = 3, seed = 2, fit = { epochs = 2, batch_size = 4, seed = 1 } })
    assert.are.equal(3, #result)
    local fold <const> = mlp.data.folds(data, 3, { seed = 2 })[2]
    local trainer <const> = make()
    trainer:fit(fold.train, { epochs = 2, batch_size = 4, seed = 1 })
    assert.are.same(trainer:evaluate(fold.test), result[2])
    local losses <const> = mlp.tensor({ result[1].loss, result[2].loss, result[3].loss },
      { dtype = "float64" })
    assert.close(result.mean.loss, losses:mean():item())
    assert.close(result.deviation.loss, losses:std():item())
    assert.matches("fold 1 .*mean .*deviation", tostring(result))
    assert.matches("mae: ", result:figure("mae"):svg(), 1, true)
  end)

  it("trains by a function of the user's", function()
    local calls <const> = {}
    mlp.tune.cross_validate(make, train.data(), { folds = 2, fit = function(trainer, set, number)
      calls[number] = #set
      trainer:fit(set, { steps = 1 })
    end })
    assert.are.same({ 7, 6 }, { math.max(calls[1], calls[2]), math.min(calls[1], calls[2]) })
  end)

  it("refuses what it cannot train", function()
    local function refuses(pattern, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() mlp.tune.cross_validate(table.unpack(arguments)) end, pattern)
    end
    refuses("the first argument is 3 but a function that makes a trainer", 3, train.data(), {})
    refuses("say how to train", make, train.data(), {})
    refuses("what the first argument returns is nil", function() end, train.data(),
      { fit = { epochs = 1 } })
  end)
end)
