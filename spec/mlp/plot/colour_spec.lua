-- Colours and colour maps.

local colour <const> = require "mlp.plot.colour"
local theme <const> = require "mlp.plot.theme"

-- Relative luminance, Web Content Accessibility Guidelines 2.1.
local function luminance(hex)
  local function linear(byte)
    local c <const> = byte / 255
    return c <= 0.03928 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4
  end
  local r <const>, g <const>, b <const> = colour.rgb(hex)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
end

local function contrast(a, b)
  local high <const>, low <const> = math.max(luminance(a), luminance(b)),
    math.min(luminance(a), luminance(b))
  return (high + 0.05) / (low + 0.05)
end

describe("colours", function()
  it("are read in both notations", function()
    assert.same({ 255, 136, 0, n = 3 }, table.pack(colour.rgb "#ff8800"))
    assert.same({ 255, 136, 0, n = 3 }, table.pack(colour.rgb "#f80"))
    for _, wrong in ipairs { "ff8800", "#ff88", "#gg0000", "", 7, false } do
      assert.is_nil(colour.rgb(wrong))
    end
  end)

  it("mix from one to the other", function()
    for _, hex in ipairs(theme.palette) do
      assert.equal(hex, colour.mix(hex, "#ffffff", 0))
      assert.equal("#ffffff", colour.mix(hex, "#ffffff", 1))
    end
  end)

  it("of series can be told from the paper", function()
    -- 3 : 1 is what the guidelines ask of lines; the two lightest colours come late in the list and
    -- keep 2 : 1
    for i, hex in ipairs(theme.palette) do
      assert.is_true(contrast(hex, theme.paper) >= (i <= 3 and 3 or 2), hex)
    end
  end)
end)

describe("colour maps", function()
  local function map(name) return colour.map("spec", name) end

  it("run evenly in lightness, for grey print", function()
    for _, name in ipairs { "viridis", "grey" } do
      local steps <const> = map(name)
      for i = 2, #steps do
        assert.is_true(luminance(steps[i]) >= luminance(steps[i - 1]) - 0.004, name .. " " .. i)
      end
    end
    for _, name in ipairs { "blues", "oranges", "ink" } do
      local steps <const> = map(name)
      for i = 2, #steps do
        assert.is_true(luminance(steps[i]) <= luminance(steps[i - 1]) + 0.004, name .. " " .. i)
      end
    end
  end)

  it("diverge to both sides alike", function()
    local steps <const> = map "diverging"
    for i = 1, 128 do
      local low <const>, high <const> = luminance(steps[i]), luminance(steps[257 - i])
      assert.is_true(math.abs(low - high) < 0.08)
    end
    assert.is_true(luminance(steps[128]) > 0.9)
  end)

  it("hold what they are at both ends, and beyond", function()
    local viridis <const> = map "viridis"
    assert.equal("#440154", viridis:at(0))
    assert.equal("#fde725", viridis:at(1))
    assert.equal("#440154", viridis:at(-3))
    assert.equal("#fde725", viridis:at(1 / 0))
    assert.equal("#808080", map("grey"):at(128 / 255)) -- a byte is that byte
  end)

  it("may be the caller's", function()
    local own <const> = map { "#ff0000", "#0000ff" }
    assert.equal("#ff0000", own:at(0))
    assert.equal("#0000ff", own:at(1))
    assert.error_matches(function() map "virdis" end, "spec: colours is .*virdis")
    assert.error_matches(function() map { "#ff0000" } end, "spec: colours is a table")
  end)

  it("carry readable text", function()
    for _, name in ipairs { "viridis", "diverging", "blues", "oranges" } do
      local steps <const> = map(name)
      for i = 1, #steps, 5 do
        assert.is_true(contrast(steps[i], colour.text_on(steps[i])) >= 3.9, name .. " " .. i)
      end
    end
  end)
end)
