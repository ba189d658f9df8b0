-- Texts: clean, measured, cut.

local text <const> = require "mlp.plot.text"

local STYLE <const> = { size = 12 }

describe("texts of a picture", function()
  it("become valid UTF-8 that XML allows", function()
    assert.equal("d\u{E9}j\u{E0} \u{4F60}\u{597D} \u{1F600}",
      text.clean "d\u{E9}j\u{E0} \u{4F60}\u{597D} \u{1F600}")
    assert.equal("caf\u{FFFD}!", text.clean "caf\xE9!") -- Latin-1
    assert.equal("a\u{FFFD}b\u{FFFD}", text.clean "a\0b\27")
    assert.equal("\u{FFFD}\u{FFFD}\u{FFFD}", text.clean "\xED\xA0\x80") -- half a surrogate pair
    assert.equal("a\nb", text.clean "a\nb")
  end)

  it("grow with their letters", function()
    assert.is_true(text.width("mmm", STYLE) > text.width("iii", STYLE))
    assert.is_true(text.width("\u{4F60}", STYLE) > text.width("a", STYLE))
    assert.equal(text.width("e", STYLE), text.width("e\u{301}", STYLE))
    assert.is_true(text.width("a", { size = 12, weight = "bold" }) > text.width("a", STYLE))
  end)

  it("are cut to a width, between characters", function()
    local long <const> = "gr\u{FC}n und sch\u{F6}n und wei\u{DF}"
    for limit = 12, 200, 4 do
      local cut <const> = text.ellipsis(long, STYLE, limit)
      assert.is_truthy(utf8.len(cut))
      assert.is_true(text.width(cut, STYLE) <= limit or cut == "\u{2026}")
    end
    assert.equal("short", text.ellipsis("short", STYLE, 100))
  end)

  it("are broken at spaces and newlines, and lose no word", function()
    local lines <const> = text.wrap("one two three four five six", STYLE, 60)
    assert.is_true(#lines > 2)
    assert.equal("one two three four five six", table.concat(lines, " "))
    for _, line in ipairs(lines) do assert.is_true(text.width(line, STYLE) <= 60) end
    assert.same({ "a", "b" }, text.wrap("a\nb", STYLE, 60))
  end)

  it("raise superscripts as ordinary digits", function()
    assert.same({ { text = "10", raised = false }, { text = "\u{2212}3", raised = true },
      { text = " m", raised = false }, { text = "2", raised = true } },
      text.runs "10\u{207B}\u{B3} m\u{B2}")
  end)
end)
