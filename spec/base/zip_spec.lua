-- Compressed data: what zlib and Python's gzip make, what is cut, damaged, too large or joined.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"

local FORMATS <const> = { "gzip", "zlib", "raw" }

-- Does not repeat within deflate's window, so that its size survives packing.
local function noise(count)
  local state, bytes = 1, {}
  for k = 1, count do
    state = state * 1103515245 + 12345 & 0x7fffffff
    bytes[k] = string.char(state >> 16 & 255)
  end
  return table.concat(bytes)
end

local TEXTS <const> = { "", "a", ("hello world "):rep(20000), noise(100000) }

describe("deflate and inflate", function()
  for _, format in ipairs(FORMATS) do
    it("are the inverse of each other for " .. format, function()
      for _, text in ipairs(TEXTS) do
        for level = -1, 9, 5 do
          local packed <const> = core.deflate(text, { format = format, level = level })
          assert.is_true(core.inflate(packed, { format = format }) == text)
        end
      end
    end)

    it("keep to the limit for " .. format, function()
      for _, text in ipairs(TEXTS) do
        local packed <const> = core.deflate(text, { format = format })
        assert.is_true(core.inflate(packed, { format = format, limit = #text }) == text)
        if #text > 0 then
          files.refused("limit of " .. #text - 1, core.inflate, packed,
            { format = format, limit = #text - 1 })
        end
      end
    end)

    it("refuse a cut stream and bytes after it for " .. format, function()
      local packed <const> = core.deflate("some words, some words", { format = format })
      files.refuses_truncation(packed, function(s) return core.inflate(s, { format = format }) end)
      files.refused("after the end", core.inflate, packed .. "x", { format = format })
    end)

    it("survive damage for " .. format, function()
      local packed <const> = core.deflate(TEXTS[3]:sub(1, 300), { format = format })
      files.survives_damage(packed, function(s) return core.inflate(s, { format = format }) end)
    end)
  end

  it("give equal bytes for equal input", function()
    assert.are.equal(core.deflate(TEXTS[3]), core.deflate(TEXTS[3]))
  end)

  it("read what Python packed", function()
    local packed <const> = files.read(files.golden "images-idx3.gz")
    assert.are.equal(files.read(files.golden "images-idx3"), core.inflate(packed))
  end)

  it("join the members of a gzip file", function()
    assert.are.equal("abcd", core.inflate(core.deflate "ab" .. core.deflate "cd"))
    files.refused("after the end", core.inflate, core.deflate "ab" .. "cd")
  end)

  it("do not let a small bomb take more than the limit", function()
    local bomb <const> = core.deflate(("\0"):rep(64 << 20))
    assert.is_true(#bomb < 70000)
    files.refused("limit of 100000", core.inflate, bomb, { limit = 100000 })
  end)

  it("name a wrong format", function()
    files.refused("not valid gzip data", core.inflate, core.deflate("a", { format = "zlib" }))
    assert.error_matches(function() core.inflate("", { format = "lzma" }) end, "'gzip', 'zlib'")
    assert.error_matches(function() core.deflate("", { level = 10 }) end, "level")
    assert.error_matches(function() core.inflate(1) end, "a string")
    assert.error_matches(function() core.inflate("", { limit = -1 }) end, "limit")
  end)

  it("raise when there is no memory, and keep nothing", function()
    local packed <const> = core.deflate(TEXTS[4])
    assert.is_true(files.survives_no_memory(function() core.inflate(packed) end) >= 2)
    assert.is_true(files.survives_no_memory(function() core.deflate(TEXTS[4]) end) >= 2)
  end)
end)

describe("crc32", function()
  it("has the check value of its catalogue", function()
    assert.are.equal(0xcbf43926, core.crc32 "123456789")
    assert.are.equal(0, core.crc32 "")
  end)
end)
