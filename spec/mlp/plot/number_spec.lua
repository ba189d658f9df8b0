-- Numbers as text.

local number <const> = require "mlp.plot.number"

local THIN <const>, MINUS <const> = "\u{2009}", "\u{2212}"

describe("numbers of a picture", function()
  it("have two decimals at most", function()
    for value, wanted in pairs { [0] = "0", [1] = "1", [100] = "100", [0.5] = "0.5",
      [-0.001] = "0", [12.346] = "12.35", [-12.5] = "-12.5", [1e20] = "100000000000000000000",
      [99.999] = "100", [-3.10] = "-3.1" } do
      assert.equal(wanted, number.short(value))
    end
  end)

  it("do not follow the locale", function()
    local format <const> = string.format
    finally(function() rawset(string, "format", format) end)
    rawset(string, "format", function(pattern, ...) -- as a comma locale writes %f, %g and %e
      local text <const> = format(pattern, ...)
      return pattern:find "%%[-+#0-9.]*[fgeaFGEA]" and text:gsub("%.", ",") or text
    end)
    assert.equal("1,50", ("%.2f"):format(1.5)) -- the simulation works
    assert.equal("1.5", number.short(1.5))
    assert.equal("0.30", number.tick(0.3, -2, 1))
    assert.equal("1.25\u{D7}10\u{207B}\u{2078}", number.label(1.25e-8))
    assert.equal("97.8" .. THIN .. "%", number.percent(0.978, 1))
  end)
end)

describe("numbers for readers", function()
  it("show as many digits as are wanted", function()
    for value, wanted in pairs { [0.12345] = "0.123", [1234] = "1234", [0] = "0", [5] = "5",
      [-0.5] = MINUS .. "0.5", [12345] = "12" .. THIN .. "345", [3.14159] = "3.14",
      [1e-9] = "1\u{D7}10\u{207B}\u{2079}", [2.5e12] = "2.5\u{D7}10\u{B9}\u{B2}",
      [1 / 0] = "\u{221E}", [-1 / 0] = MINUS .. "\u{221E}" } do
      assert.equal(wanted, number.label(value))
    end
    assert.equal("nan", number.label(0 / 0))
  end)

  it("are written alike when they stand side by side", function()
    local shown <const> = number.alike({ 0.9, 0.955, 0 / 0, 0.12 }, 3)
    assert.equal("0.900", shown(0.9))
    assert.equal("0.120", shown(0.12))
    local counts <const> = number.alike({ 3, 12000 }, 2)
    assert.equal("3", counts(3))
    assert.equal("12" .. THIN .. "000", counts(12000))
  end)

  it("never claim all or nothing that is not", function()
    assert.equal("99" .. THIN .. "%", number.percent(0.9999))
    assert.equal("99.9" .. THIN .. "%", number.percent(0.9999, 1))
    assert.equal("1" .. THIN .. "%", number.percent(0.0001))
    assert.equal("100" .. THIN .. "%", number.percent(1))
    assert.equal("0" .. THIN .. "%", number.percent(0))
  end)
end)
