--- examples/fourier_circuits.lua: what is built has the widest margin to the last digits; training
--- runs with a budget of seconds, and with MLP_LONG=1 to the end.
local file <const> = require "mlp.io.file"
local script <const> = require "spec.support.script"

local EXAMPLE <const> = "examples/fourier_circuits.lua"
local LONG <const> = os.getenv "MLP_LONG" ~= nil

describe("examples/fourier_circuits", function()
  local c

  setup(function()
    os.remove "out/fourier_circuits.html"
    c = LONG and script.run(EXAMPLE) or script.run(EXAMPLE, "quick", "built", "trained", "sweep",
      "attention", "grokking", "large", "k=5", "steps=400")
  end)

  it("builds circuits of the widest margin", function()
    local gamma <const> = { ["2 5"] = 0.030429, ["2 7"] = 0.0171448, ["3 5"] = 0.009375,
      ["3 7"] = 0.00446429, ["4 5"] = 0.00339411 }
    local seen <const> = {}
    for _, row in ipairs(c.built) do
      local case <const> = row.k .. " " .. row.p
      assert.is_true(math.abs(row.gamma / gamma[case] - 1) < 1e-5)
      if row.phases == 2 then
        assert.is_true(row.least < 0) -- two phases do not cancel what they should
      else
        assert.is_true(row.gap < 1e-12 * row.gamma)
      end
      if row.phases == "authors" then
        assert.equal(2 ^ (2 * row.k - 2) * (row.p - 1), row.m)
      else
        assert.equal(row.phases ^ row.k * (row.p - 1) / 2, row.m)
      end
      seen[case .. " " .. row.phases] = true
    end
    for _, case in ipairs { "2 5", "2 7", "3 5", "3 7", "4 5" } do
      assert.is_true(seen[case .. " 3"] and seen[case .. " authors"])
    end
    assert.is_true(seen["2 7 4"] and seen["3 5 4"] and seen["3 7 2"])
  end)

  it("trains circuits", function()
    assert.equal(LONG and 9 or 4, #c.trained)
    for _, r in ipairs(c.trained) do
      assert.is_true(r.accuracy >= 0 and r.power > 0 and r.power <= 1)
      if LONG then assert.equal(1, r.accuracy) end
      if LONG and r.spec.k == 3 and not r.spec.share then
        assert.is_true(r.margin >= 0.88 and r.power >= 0.95 and r.law < 0.01)
        assert.is_true(math.min(table.unpack(r.reading.counts)) > 0)
      end
    end
  end)

  it("finds where training collapses", function()
    assert.equal(LONG and 15 or 2, #c.sweep)
    for _, cell in ipairs(c.sweep) do
      assert.is_true(cell.norm > 0)
      if LONG then -- a large lambda needs a large start
        local stands <const> = cell.scale >= 0.5 or cell.lambda < 1e-4
          or cell.scale == 0.3 and cell.lambda < 1e-3
        assert.equal(not stands, cell.collapsed)
        if stands then assert.is_true(cell.accuracy == 1 and cell.margin > 0.88) end
      end
    end
  end)

  it("reads attention in two dimensions", function()
    for _, r in ipairs(c.attention) do
      assert.is_true(r.one > 0 and r.one <= r.two and r.two <= 1 + 1e-12)
      assert.equal(LONG and 160 or 8, #r.heads)
      if LONG then
        assert.is_true(r.accuracy > 0.95 and r.held_out > 0.95)
        assert.is_true(r.one > (r.spec.k == 3 and 0.25 or 0.1)) -- of 900 and 225 bins
      end
    end
  end)

  it("tells runs that end before they grok", function()
    if LONG then return end
    local run <const> = c.grokking[1].run
    assert.equal(1, #c.grokking)
    assert.is_nil(run.held)
    assert.equal(4, run.step)
    assert.equal(2, #run.curve.held)
  end)

  it("writes one page", function()
    local text <const> = assert(file.read "out/fourier_circuits.html")
    assert.matches("The paper's figure 1.", text, 1, true)
    assert.is_nil(text:find "[^%a]nan[^%a]")
  end)
end)
