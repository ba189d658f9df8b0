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
    c = script.run(EXAMPLE, LONG and 12000 or 60, LONG and 3 or 1)
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
    assert.equal(LONG and 6 or 4, #c.trained)
    for _, r in ipairs(c.trained) do
      assert.is_true(r.accuracy >= 0 and r.mean_power > 0 and r.mean_power <= 1)
      if LONG then assert.equal(1, r.accuracy) end
      if LONG and r.spec.k == 3 and not r.spec.share then
        assert.is_true(r.margin >= 0.88 and r.mean_power >= 0.95 and r.law < 0.01)
        assert.is_true(math.min(table.unpack(r.counts)) > 0)
      end
    end
    assert.equal(12, #c.sweep)
    if LONG then
      assert.is_true(c.attention.accuracy > 0.99 and c.attention.held_out > 0.8)
      assert.is_true(c.attention.on_diagonal > 0.5 and c.attention.largest > 0.4)
    end
    local text <const> = assert(file.read "out/fourier_circuits.html")
    assert.is_nil(text:find "[^%a]nan[^%a]")
  end)
end)
