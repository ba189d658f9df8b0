-- Pictures at the level of bytes. Sample k of the golden 8-bit pictures is 7 k modulo 256.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"

local function golden(name) return files.read(files.golden(name)) end

local function pattern(count)
  local bytes <const> = {}
  for k = 1, count do bytes[k] = string.char((k - 1) * 7 % 256) end
  return table.concat(bytes)
end

describe("png_decode", function()
  for channels, name in ipairs { "grey", "grey_alpha", "rgb", "rgba" } do
    it("reads " .. name, function()
      local samples <const>, height <const>, width <const>, count <const>, depth <const> =
        core.png_decode(golden(name .. ".png"))
      assert.are.same({ 3, 5, channels, 8 }, { height, width, count, depth })
      assert.are.equal(pattern(3 * 5 * channels), samples)
    end)
  end

  it("reads interlaced pictures", function()
    local samples <const>, height <const>, width <const>, channels <const> =
      core.png_decode(golden "interlaced.png")
    assert.are.same({ 10, 9, 3 }, { height, width, channels })
    assert.are.equal(pattern(10 * 9 * 3), samples)
  end)

  it("widens a single bit", function()
    local samples <const>, height <const>, width <const>, channels <const>, depth <const> =
      core.png_decode(golden "one_bit.png")
    assert.are.same({ 2, 10, 1, 1 }, { height, width, channels, depth })
    assert.are.equal(("\0\xff"):rep(5) .. ("\xff\0"):rep(5), samples)
  end)

  it("expands palettes, with transparency when they have it", function()
    local samples <const>, _, width <const>, channels <const>, depth <const> =
      core.png_decode(golden "palette.png")
    assert.are.same({ 4, 3, 2 }, { width, channels, depth })
    assert.are.equal("\xff\0\0" .. "\0\xff\0" .. "\0\0\xff" .. "\xff\0\0", samples)
    local with_alpha <const>, _, _, four <const> = core.png_decode(golden "palette_alpha.png")
    assert.are.equal(4, four)
    local red <const>, green <const>, blue <const> = "\xff\0\0\xff", "\0\xff\0\x80", "\0\0\xff\xff"
    assert.are.equal(red .. green .. blue .. red, with_alpha)
  end)

  it("scales 16 bits to 8 and says so", function()
    local samples <const>, _, _, _, depth <const> = core.png_decode(golden "sixteen.png")
    assert.are.equal("\0\x80\xff", samples)
    assert.are.equal(16, depth)
  end)

  it("gives 16 bits, big-endian, when it is asked to", function()
    local samples <const> = core.png_decode(golden "sixteen.png", { depth = 16 })
    assert.are.equal("\0\0\x80\x80\xff\xff", samples)
    local twice <const> = (core.png_decode(golden "one_bit.png", { depth = 16 }))
    assert.are.equal(("\0\0\xff\xff"):rep(5) .. ("\xff\xff\0\0"):rep(5), twice)
    files.refused("limit of 5", core.png_decode, golden "sixteen.png", { depth = 16, limit = 5 })
  end)

  it("gives positions and the palette, when it is asked to", function()
    local samples <const>, _, _, channels <const>, _, palette <const> =
      core.png_decode(golden "palette_alpha.png", { positions = true })
    assert.are.equal("\0\1\2\0", samples)
    assert.are.equal(1, channels)
    assert.are.equal("\xff\0\0\xff" .. "\0\xff\0\x80" .. "\0\0\xff\xff", palette)
    files.refused("has no palette", core.png_decode, golden "rgb.png", { positions = true })
    local outside <const> = core.png_encode("\0\3", 1, 2, 1,
      { depth = 2, palette = ("\1\2\3\xff"):rep(3) })
    files.refused("outside the palette", core.png_decode, outside, { positions = true })
  end)

  it("refuses what is no PNG, cut, damaged or larger than the limit", function()
    files.refused("not a PNG", core.png_decode, "GIF89a")
    files.refused("not a PNG", core.png_decode, "")
    files.refuses_truncation(golden "palette_alpha.png", core.png_decode)
    files.refuses_truncation(golden "interlaced.png", core.png_decode)
    files.refused("limit of 44", core.png_decode, golden "rgb.png", { limit = 44 })
    assert.is_string((core.png_decode(golden "rgb.png", { limit = 45 })))
    for _, name in ipairs { "rgb.png", "palette_alpha.png", "one_bit.png" } do
      local refused <const> = files.survives_damage(golden(name), core.png_decode)
      assert.is_true(refused > #golden(name))
    end
  end)

  it("does not take the memory that a lying header asks for", function()
    files.refused("60000 x 60000 pixels, more than", core.png_decode, golden "lying.png",
      { limit = 1 << 40 })
  end)

  it("raises when there is no memory, and keeps nothing", function()
    local picture <const> = golden "interlaced.png"
    assert.is_true(files.survives_no_memory(function() core.png_decode(picture) end) >= 4)
  end)
end)

describe("png_encode", function()
  it("is the inverse of decode", function()
    for channels = 1, 4 do
      for _, size in ipairs { { 1, 1 }, { 1, 17 }, { 33, 1 }, { 19, 23 } } do
        local height <const>, width <const> = table.unpack(size)
        local samples <const> = pattern(height * width * channels)
        local back <const>, h <const>, w <const>, c <const>, depth <const> =
          core.png_decode(core.png_encode(samples, height, width, channels))
        assert.are.same({ height, width, channels, 8 }, { h, w, c, depth })
        assert.are.equal(samples, back)
      end
    end
  end)

  it("writes every depth, palettes and interlaced pictures", function()
    for _, interlaced in ipairs { false, true } do
      for _, size in ipairs { { 1, 1 }, { 1, 9 }, { 13, 10 } } do
        local height <const>, width <const> = table.unpack(size)
        local function back(samples, channels, options, wish)
          options.interlaced = interlaced
          return core.png_decode(core.png_encode(samples, height, width, channels, options), wish)
        end
        local deep <const> = pattern(height * width * 3 * 2)
        assert.are.equal(deep, (back(deep, 3, { depth = 16 }, { depth = 16 })))
        for _, depth in ipairs { 1, 2, 4 } do
          local levels <const> = pattern(height * width):gsub(".", function(c)
            return string.char(c:byte() % (1 << depth))
          end)
          local wide <const> = levels:gsub(".", function(c)
            return string.char(c:byte() * 255 // ((1 << depth) - 1))
          end)
          local samples <const>, _, _, _, found <const> = back(levels, 1, { depth = depth })
          assert.are.equal(wide, samples)
          assert.are.equal(depth, found)
          local palette <const> = pattern(4 << depth)
          local positions <const>, _, _, _, _, colours <const> =
            back(levels, 1, { depth = depth, palette = palette }, { positions = true })
          assert.are.equal(levels, positions)
          assert.are.equal(palette, colours)
        end
      end
    end
  end)

  it("refuses depths and palettes that do not go together", function()
    local function refuses(sentence, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() core.png_encode(table.unpack(arguments)) end, sentence, 1,
        true)
    end
    refuses("3 bits per sample", "a", 1, 1, 1, { depth = 3 })
    refuses("4 bits per sample do not go with 3 channels", "abc", 1, 1, 3, { depth = 4 })
    refuses("1 bits per sample do not go with 1 channels and 3 colours", "\0", 1, 1, 1,
      { depth = 1, palette = ("abcd"):rep(3) })
    refuses("the palette has 3 bytes", "\0", 1, 1, 1, { palette = "abc" })
    refuses("1 bytes came but 2 were", "\0", 1, 1, 1, { depth = 16 })
    refuses("1 colours for 3 channels", "abc", 1, 1, 3, { palette = "abcd" })
  end)

  it("refuses sizes that do not fit", function()
    assert.error_matches(function() core.png_encode("abc", 1, 1, 1) end, "3 bytes came but 1 were")
    assert.error_matches(function() core.png_encode("", 0, 1, 1) end, "height is 0")
    assert.error_matches(function() core.png_encode("", 1, 1000001, 1) end, "width is 1000001")
    assert.error_matches(function() core.png_encode("abcde", 1, 1, 5) end, "5 channels")
    assert.error_matches(function() core.png_encode("a", 1, 1.5, 1) end, "whole number")
  end)

  it("raises when there is no memory, and keeps nothing", function()
    local samples <const> = pattern(40 * 40 * 3)
    local failures <const> = files.survives_no_memory(function()
      core.png_encode(samples, 40, 40, 3)
    end)
    assert.is_true(failures >= 5)
  end)
end)
