-- Images and labels, plain and packed; hostile files; MNIST itself where MLP_DATA has it.
local core <const> = require "mlp.core"
local idx <const> = require "mlp.data.idx"
local files <const> = require "spec.support.files"

local function with_shape(...)
  return ("\0\0\8" .. string.char(select("#", ...))) .. (">" .. ("I4"):rep(select("#",
    ...))):pack(...)
end

describe("idx.load", function()
  it("reads images, plain and packed", function()
    for _, name in ipairs { "images-idx3", "images-idx3.gz" } do
      local images <const> = assert(idx.load(files.golden(name)))
      assert.are.same({ 2, 3, 4 }, images.shape)
      assert.are.equal("uint8", images.dtype)
      assert.are.same({ 12, 13, 14, 15 }, images:totable()[2][1])
    end
  end)

  it("reads labels as they are, or as classes from 1", function()
    local labels <const> = assert(idx.load(files.golden "labels-idx1"))
    assert.are.equal("uint8", labels.dtype)
    assert.are.same({ 0, 9, 3, 1 }, labels:totable())
    local classes <const> = assert(idx.load(files.golden "labels-idx1", { one_based = true }))
    assert.are.equal("int64", classes.dtype)
    assert.are.same({ 1, 10, 4, 2 }, classes:totable())
  end)

  it("reads big-endian floats", function()
    assert.are.same({ 0.5, -1.25, 8 }, assert(idx.load(files.golden "floats-idx1")):totable())
    files.refused("one_based wants whole numbers but it holds float32", idx.load,
      files.golden "floats-idx1", { one_based = true })
  end)

  it("knows its options", function()
    assert.error_matches(function() idx.load("x", { one_base = true }) end,
      "did you mean 'one_based'")
  end)
end)

describe("a hostile IDX file", function()
  local golden <const> = files.read(files.golden "images-idx3")

  it("is refused when cut short or too long", function()
    files.refuses_truncation(golden, idx.decode)
    files.refuses_truncation(files.read(files.golden "images-idx3.gz"), idx.decode)
    files.refused("1 bytes follow", idx.decode, golden .. "x")
  end)

  it("never raises when damaged", function()
    files.survives_damage(golden, idx.decode)
    files.survives_damage(files.read(files.golden "images-idx3.gz"), idx.decode)
  end)

  it("cannot lie about its size", function()
    files.refused("60000000000 bytes, but only 1", idx.decode, with_shape(60000, 1000, 1000) .. "x")
    files.refused("more than 2%^48", idx.decode, with_shape(1 << 31, 1 << 31, 1 << 31))
    files.refused("9 axes", idx.decode, with_shape(1, 1, 1, 1, 1, 1, 1, 1, 1) .. "x")
    files.refused("ends within its header", idx.decode, "\0\0\8\200" .. ("x"):rep(700))
  end)

  it("cannot unpack beyond the limit", function()
    local bomb <const> = core.deflate(with_shape(1 << 24) .. ("\0"):rep(1 << 24))
    files.refused("limit of 100000", idx.decode, bomb, { limit = 100000 })
  end)

  it("is told what it is instead", function()
    files.refused("not an IDX file but a web page", idx.decode, "<html>404</html>")
    files.refused("not an IDX file but text", idx.decode, core.deflate "some text")
    files.refused("not an IDX file but an empty file", idx.decode, "")
  end)
end)

describe("Fashion-MNIST", function()
  it("has 90 of each class", function()
    local data <const> = files.data()
    if not data then pending "MLP_DATA is not set" end
    local folder <const> = data .. "/fashion-mnist-900/"
    assert.are.same({ 900, 28, 28 }, assert(idx.load(folder .. "images-idx3-ubyte")).shape)
    local counts <const> = {}
    local classes <const> = assert(idx.load(folder .. "labels-idx1-ubyte", { one_based = true }))
    for _, class in ipairs(classes:totable()) do counts[class] = (counts[class] or 0) + 1 end
    assert.are.same({ 90, 90, 90, 90, 90, 90, 90, 90, 90, 90 }, counts)
  end)
end)
