--- Memory that runs out at the 1st, 2nd, ... n-th request: starve.lua tells how.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local child <const> = require "spec.support.child"

describe("when memory runs out", function()
  after_each(function() core.debug.fail_after(-1) end)

  it("every row, layer, reader and the trainer raise an error and give every byte back", function()
    local which <const> = os.getenv "MLP_LONG" and "all" or "few"
    local output, well = child.lua("spec/stress/starve.lua", which)
    assert.is_true(well, output)
    local complaints <const> = {}
    for line in output:gmatch "[^\n]+" do
      if not line:find "^%l+ %d+$" then complaints[#complaints + 1] = line end
    end
    assert.same({}, complaints)
    local figures <const> = child.figures(output)
    assert.is_true(figures.pieces > #core.rows(), "too few pieces: " .. output)
    assert.is_true(figures.refused > 4 * figures.pieces, "too few refusals: " .. output)
  end)

  it("in-place operations leave the tensor whole", function()
    local x <const> = mlp.ones(4, 4)
    local through = false
    for n = 0, 20 do
      core.debug.fail_after(n)
      through = pcall(x.add_, x, 1)
      core.debug.fail_after(-1)
      if through then break end
      assert.same(mlp.ones(4, 4):totable(), x:totable())
    end
    assert.is_true(through)
    assert.equal(2, x:get(4, 4))
  end)
end)
