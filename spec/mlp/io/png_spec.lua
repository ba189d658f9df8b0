-- Pictures as tensors (height, width, channels). What lies in the files: spec/base/png_spec.lua.
local core <const> = require "mlp.core"
local png <const> = require "mlp.io.png"
local files <const> = require "spec.support.files"

describe("png.load", function()
  it("gives (height, width, channels) and the depth of the file", function()
    local picture <const>, depth <const> = assert(png.load(files.golden "rgb.png"))
    assert.are.same({ 3, 5, 3 }, picture.shape)
    assert.are.equal("uint8", picture.dtype)
    assert.are.equal(8, depth)
    assert.are.same({ 21, 28, 35 }, picture:totable()[1][2])
    assert.are.equal(16, select(2, assert(png.load(files.golden "sixteen.png"))))
  end)

  it("gives floats in 0..1 when asked", function()
    local picture <const> = assert(png.load(files.golden "one_bit.png", { dtype = "float32" }))
    assert.are.equal("float32", picture.dtype)
    assert.are.same({ { 0 }, { 1 }, { 0 } }, { table.unpack(picture:totable()[1], 1, 3) })
  end)

  it("keeps 16 bits in floats", function()
    local picture <const>, depth <const> =
      png.load(files.golden "sixteen.png", { dtype = "float32" })
    assert.are.equal(16, depth)
    local wanted <const> = core.tensor { 0, 32896, 65535 } / 65535
    assert.are.equal(wanted:tobytes(), picture:tobytes())
  end)

  it("gives positions in the palette, from 1, and the palette", function()
    local picture <const>, depth <const>, palette <const> =
      png.load(files.golden "palette.png", { palette = true })
    assert.are.equal("int64", picture.dtype)
    assert.are.same({ { { 1 }, { 2 }, { 3 }, { 1 } } }, picture:totable())
    assert.are.equal(2, depth)
    assert.are.same({ { 255, 0, 0 }, { 0, 255, 0 }, { 0, 0, 255 } }, palette:totable())
    local _, _, four <const> = png.load(files.golden "palette_alpha.png", { palette = true })
    assert.are.same({ 0, 255, 0, 128 }, four:totable()[2])
    local colours <const> = palette:index_select(1, picture:reshape(-1)):reshape(1, 4, 3)
    assert.are.equal(assert(png.load(files.golden "palette.png")):tobytes(), colours:tobytes())
    files.refused("has no palette", png.load, files.golden "rgb.png", { palette = true })
  end)

  it("says what the file is instead, and what it cannot hold", function()
    local _, message <const> = png.load(files.golden "vector.npy")
    assert.matches("^mlp.io.png: '.*vector.npy': not a PNG picture but an npy file$",
      message)
    files.refused("mlp.io.png: the header says 60000 x 60000", png.decode,
      files.read(files.golden "lying.png"))
    files.refused("limit of 10 bytes", png.load, files.golden "rgb.png", { limit = 10 })
    files.refuses_truncation(files.read(files.golden "grey.png"), png.decode)
  end)

  it("knows its options", function()
    assert.error_matches(function() png.load("x", { dtype = "int64" }) end, "'uint8' or 'float32'")
    assert.error_matches(function() png.load("x", { dype = "uint8" }) end, "did you mean 'dtype'")
  end)
end)

describe("png.save", function()
  it("writes what it reads", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    for channels = 1, 4 do
      local picture <const> = core.arange(1, 6 * channels, { dtype = "uint8" }):reshape(2, 3,
        channels)
      assert.is_true(png.save(path, picture))
      local back <const> = assert(png.load(path))
      assert.are.same({ 2, 3, channels }, back.shape)
      assert.are.equal(picture:tobytes(), back:tobytes())
    end
  end)

  it("takes grey pictures of two axes, and views", function()
    local picture <const> = core.arange(1, 6, { dtype = "uint8" }):reshape(2, 3):t()
    local back <const> = assert(png.decode(png.encode(picture)))
    assert.are.same({ { { 1 }, { 4 } }, { { 2 }, { 5 } }, { { 3 }, { 6 } } }, back:totable())
  end)

  it("rounds floats to the nearest of 256 and clamps what is outside 0..1", function()
    local picture <const> = core.tensor { { -0.5, 0, 0.4 / 255, 0.6 / 255, 0.5, 1, 1e30,
      math.huge } }
    local back <const> = assert(png.decode(png.encode(picture)))
    assert.are.same({ 0, 0, 0, 1, 128, 255, 255, 255 }, back:reshape(-1):totable())
    local all <const> = core.arange(0, 255, { dtype = "float32" }):reshape(1, -1) / 255
    assert.are.equal(all:mul(255):add(0.5):floor():to("uint8"):tobytes(),
      png.decode(png.encode(all)):tobytes())
  end)

  it("writes 16 bits, and fewer than 8 of grey pictures", function()
    local picture <const> = core.linspace(0, 1, 70):reshape(5, 7, 2)
    local back <const>, depth <const> = png.decode(png.encode(picture, { depth = 16 }),
      { dtype = "float32" })
    assert.are.equal(16, depth)
    assert.is_true((back - picture):abs():amax():item() <= 0.51 / 65535)
    assert.are.equal(png.encode(back, { depth = 16 }), png.encode(picture, { depth = 16 }))
    local bytes <const> = core.arange(0, 255, { dtype = "uint8" }):reshape(16, 16, 1)
    for _, bits in ipairs { 1, 2, 4, 16 } do
      local again <const>, found <const> = png.decode(png.encode(bytes, { depth = bits }))
      assert.are.equal(bits, found)
      local step <const> = 255 / ((1 << math.min(bits, 8)) - 1)
      local off <const> = (again:to "float32" - bytes:to "float32"):abs():amax():item()
      assert.is_true(off <= (bits == 16 and 0 or step / 2 + 0.5))
    end
  end)

  it("writes palettes with as few bits as they need, and interlaced pictures", function()
    for count, bits in pairs { [1] = 1, [2] = 1, [3] = 2, [5] = 4, [17] = 8, [256] = 8 } do
      for channels = 3, 4 do
        local palette <const> = core.rand(count, channels)
        local picture <const> = core.arange(0, 34):reshape(5, 7):to("int64"):remainder(count) + 1
        local bytes <const> = png.encode(picture, { palette = palette, interlaced = true })
        local back <const>, depth <const>, colours <const> = png.decode(bytes, { palette = true })
        assert.are.equal(bits, depth)
        assert.are.equal(picture:tobytes(), back:tobytes())
        assert.are.same({ count, channels }, colours.shape)
        assert.are.equal(bytes, png.encode(back, { palette = colours, interlaced = true }))
      end
    end
    local picture <const> = core.rand(9, 10, 3)
    assert.are.equal(png.decode(png.encode(picture)):tobytes(),
      png.decode(png.encode(picture, { interlaced = true })):tobytes())
  end)

  it("refuses depths and palettes that do not fit", function()
    local function refuses(sentence, picture, options)
      assert.error_matches(function() png.encode(picture, options) end, sentence, 1, true)
    end
    local palette <const>, one <const> = core.rand(3, 3), core.ones({ 1, 1 }, { dtype = "int64" })
    refuses("depth is 3 but 1, 2, 4, 8 or 16", core.zeros(1, 1), { depth = 3 })
    refuses("grey (one channel) for fewer", core.zeros(1, 1, 3), { depth = 4 })
    refuses("depth goes without a palette", one, { depth = 8, palette = palette })
    refuses("palette is a float32 tensor (3, 2)", one, { palette = core.rand(3, 2) })
    refuses("(1 to 256 colours, 3 or 4)", one, { palette = core.rand(257, 3) })
    refuses("int64, the positions of colours", core.zeros(1, 1), { palette = palette })
    refuses("one channel of positions", core.ones({ 1, 1, 2 }, { dtype = "int64" }),
      { palette = palette })
    refuses("has the position 4 but the palette has 1 to 3", one * 4, { palette = palette })
    refuses("has the position 0 but", one * 0, { palette = palette })
  end)

  it("refuses what is no picture", function()
    assert.error_matches(function() png.encode(core.zeros(3)) end,
      "picture is a float32 tensor %(3,%)")
    assert.error_matches(function() png.encode(core.zeros(2, 2, 5)) end, "%(2, 2, 5%)")
    assert.error_matches(function() png.encode(core.zeros(0, 2)) end, "%(0, 2%)")
    assert.error_matches(function() png.encode(core.full({ 2, 2 }, 0 / 0)) end, "NaN")
    assert.error_matches(function() png.encode(core.zeros(2, 2, { dtype = "int64" })) end,
      "uint8, float32")
    assert.error_matches(function() png.encode { { 1 } } end, "picture is a table but a tensor")
  end)

  it("writes a tensor that has a gradient", function()
    assert.is_string(png.encode(core.zeros(2, 2, { requires_grad = true })))
  end)
end)

describe("real pictures", function()
  it("come back from a file as they were", function()
    local data <const> = files.data()
    if not data then pending "MLP_DATA is not set" end
    for name, shape in pairs {
      ["astronaut.png"] = { 512, 512, 3 }, ["camera.png"] = { 512, 512, 1 },
        ["kodim19.png"] = { 768, 512, 3 },
    } do
      local picture <const> = assert(png.load(data .. "/images/" .. name))
      assert.are.same(shape, picture.shape)
      local floats <const> = assert(png.load(data .. "/images/" .. name, { dtype = "float32" }))
      assert.are.equal(picture:tobytes(), png.decode(png.encode(floats)):tobytes())
    end
  end)
end)
