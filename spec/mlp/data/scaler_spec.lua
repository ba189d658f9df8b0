--- The scaler: what it learns, missing values, the way back.
local mlp <const> = require "mlp"
require "spec.support.approx"

describe("data.scaler", function()
  local x <const> = mlp.tensor { { 1, 10, 5 }, { 3, 10, 7 }, { 5, 10, 0 / 0 } }

  it("brings columns to mean 0 and deviation 1; a constant one to 0", function()
    local scaler <const> = mlp.data.scaler(x:slice(1, 1, 2))
    assert.close(scaler.mean, { 2, 10, 6 })
    assert.close(scaler.std, { 1, 1, 1 })
    assert.close(scaler:apply(x:slice(1, 1, 2)), { { -1, 0, -1 }, { 1, 0, 1 } })
  end)

  it("leaves missing values out of what it learns, and keeps or fills them", function()
    local keeps <const> = mlp.data.scaler(x)
    assert.close(keeps.mean, { 3, 10, 6 })
    assert.close(keeps.std, { math.sqrt(8 / 3), 1, 1 })
    local kept <const> = keeps:apply(x):get(3, 3)
    assert.is_true(kept ~= kept)
    local fills <const> = mlp.data.scaler(x, { missing = "mean" })
    assert.are.equal(0, fills:apply(x):get(3, 3))
  end)

  it("goes back", function()
    local clean <const> = x:slice(2, 1, 2)
    local scaler <const> = mlp.data.scaler(clean)
    assert.close(scaler:inverse(scaler:apply(clean)), clean)
  end)

  it("applies what it learned to other rows", function()
    local scaler <const> = mlp.data.scaler(mlp.tensor { { 0 }, { 4 } })
    assert.close(scaler:apply(mlp.tensor { { 6 } }), { { 2 } })
  end)

  it("keeps the deviation of columns far from zero, and the dtype", function()
    local scaler <const> = mlp.data.scaler(mlp.tensor { 20000, 20001, 20002 })
    assert.are.equal("float32", scaler.std.dtype)
    assert.close(scaler.std:item(), math.sqrt(2 / 3))
  end)

  it("refuses what has no rows or no fractions", function()
    for _, given in ipairs { mlp.zeros(0, 2), mlp.tensor(3), { 1, 2 },
      mlp.zeros({ 3 }, { dtype = "int64" }) } do
      assert.error_matches(function() mlp.data.scaler(given) end, "at least one row")
    end
    assert.error_matches(function() mlp.data.scaler(x, { missing = "zero" }) end, '"keep" or')
  end)

  it("is made again of what another one has learned", function()
    local rows <const> = mlp.tensor { { 1, 10 }, { 3, 0 / 0 }, { 5, 30 } }
    local learned <const> = mlp.data.scaler(rows, { missing = "mean" })
    local again <const> = mlp.data.scaler { mean = learned.mean, std = learned.std,
      missing = "mean" }
    assert.equal(learned:apply(rows):tobytes(), again:apply(rows):tobytes())
    assert.error_matches(function() mlp.data.scaler { mean = learned.mean } end, "std is nil")
    assert.error_matches(function() mlp.data.scaler { mean = 1, std = 2 } end, "mean is 1")
  end)
end)
