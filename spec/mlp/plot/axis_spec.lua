-- Ticks and scales.

local axis <const> = require "mlp.plot.axis"

local function labels(of_axis)
  local list <const> = {}
  for _, tick in ipairs(of_axis.ticks) do list[#list + 1] = tick.label end
  return table.concat(list, " "):gsub("\u{2212}", "-"):gsub("\u{2009}", "'")
end

local SUPERSCRIPTS <const> = { ["\u{207B}"] = "-", ["\u{2070}"] = "0", ["\u{B9}"] = "1",
  ["\u{B2}"] = "2", ["\u{B3}"] = "3", ["\u{2074}"] = "4", ["\u{2075}"] = "5", ["\u{2076}"] = "6",
  ["\u{2077}"] = "7", ["\u{2078}"] = "8", ["\u{2079}"] = "9" }

-- What a reader takes a label for.
local function read(label)
  local plain <const> = label:gsub("\u{2212}", "-"):gsub("\u{2009}", ""):gsub("\u{D7}10", "e")
    :gsub(utf8.charpattern, SUPERSCRIPTS)
  return tonumber(plain) or tonumber("1" .. plain:gsub("^10", "e"))
end

describe("ticks of a linear axis", function()
  it("stand at 1, 2 or 5 times a power of ten", function()
    for _, case in ipairs {
      { 0, 1, 6, "0.0 0.2 0.4 0.6 0.8 1.0" }, { 0, 2.1, 6, "0.0 0.5 1.0 1.5 2.0" },
      { -4, 4, 3, "-4 -2 0 2 4" }, { 0, 100000, 5, "0 20'000 40'000 60'000 80'000 100'000" },
      { 0.9, 0.99, 5, "0.90 0.92 0.94 0.96 0.98" }, { -0.3, 0.7, 5, "-0.2 0.0 0.2 0.4 0.6" },
      { 1e9, 3e9, 2, "1\u{D7}10\u{2079} 2\u{D7}10\u{2079} 3\u{D7}10\u{2079}" },
    } do
      local lo <const>, hi <const>, room <const>, wanted <const> = table.unpack(case)
      assert.equal(wanted, (labels(axis.linear(lo, hi, room))))
    end
  end)

  it("stand at whole numbers where the data are whole", function()
    assert.equal("1 2 3", (labels(axis.linear(1, 3, 8, true))))
    assert.equal("1.0 1.5 2.0 2.5 3.0", (labels(axis.linear(1, 3, 5, false))))
  end)

  it("lie inside the axis, are few, and say where they stand", function()
    local state = 1 -- a generator of our own: the same cases in every run
    local function random()
      state = state * 6364136223846793005 + 1442695040888963407
      return (state >> 11) / 2 ^ 53
    end
    for _ = 1, 300 do
      local span <const> = 10 ^ (24 * random() - 12)
      local lo <const> = (random() - 0.5) * span * 10 ^ (2 * random())
      local made <const> = axis.linear(lo, lo + span, 6)
      assert.is_true(#made.ticks >= 2 and #made.ticks <= 8)
      local seen <const> = {}
      for _, tick in ipairs(made.ticks) do
        local at <const> = made:at(tick.value)
        assert.is_true(at > -1e-5 and at < 1 + 1e-5)
        assert.is_true(math.abs(read(tick.label) - tick.value) <= 1e-6 * span, tick.label)
        assert.is_nil(seen[tick.label])
        seen[tick.label] = true
      end
    end
  end)
end)

describe("ticks of a logarithmic axis", function()
  it("are 1, 2, 5 where there is room, decades where there is less, then every n-th", function()
    assert.equal("1 2 5 10 20 50 100", (labels(axis.log(1, 100, 7))))
    assert.equal("1 10 100 1000 10'000", (labels(axis.log(1, 1e4, 5))))
    assert.equal("0.001 0.01 0.1 1", (labels(axis.log(1e-3, 2, 4))))
    assert.equal("10\u{207B}\u{2078} 10\u{207B}\u{2074} 10\u{2070} 10\u{2074}",
      (labels(axis.log(1e-8, 1e5, 4))))
  end)

  it("fall back to a linear scale's ticks within one decade", function()
    assert.equal("3.2 3.4 3.6 3.8", (labels(axis.log(3.1, 3.9, 4))))
  end)

  it("stand in proportion to their logarithms", function()
    local made <const> = axis.log(1e-2, 1e2, 5)
    assert.is_true(math.abs(made:at(1) - 0.5) < 1e-12)
    assert.is_true(math.abs(made:at(10) - 0.75) < 1e-12)
  end)
end)

describe("limits", function()
  local function limits(lo, hi, options) return table.pack(axis.limits(lo, hi, options or {})) end

  it("open where all data are one number", function()
    assert.same({ 2.5, 7.5, n = 2 }, limits(5, 5))
    assert.same({ -1, 1, n = 2 }, limits(0, 0))
    assert.same({ -4.5, -1.5, n = 2 }, limits(-3, -3))
    assert.same({ 2, 8, n = 2 }, limits(4, 4, { log = true }))
  end)

  it("show zero where data come near it, and always for bars", function()
    assert.same({ 0, 10.5, n = 2 }, limits(3, 10, { keep_zero = true, pad = 0.05 }))
    assert.same({ -10, 0, n = 2 }, limits(-10, -3, { keep_zero = true }))
    assert.same({ 9, 10, n = 2 }, limits(9, 10, { keep_zero = true }))
    assert.same({ 0, 10, n = 2 }, limits(9, 10, { zero = true }))
    assert.same({ 0, 1, n = 2 }, limits(0, 0, { zero = true }))
  end)

  it("know what can be drawn", function()
    for value, wanted in pairs { [1] = true, [0] = true, [-5] = true, [1 / 0] = false,
      [-1 / 0] = false, [1e305] = false } do
      assert.equal(wanted, axis.drawable(value))
    end
    assert.is_false(axis.drawable(0 / 0))
    assert.is_false(axis.drawable(0, true))
    assert.is_false(axis.drawable(-1, true))
    assert.is_true(axis.drawable(1e-8, true))
  end)
end)
