-- Sounds as Python and SciPy wrote them (spec/golden/files.py), back again, and hostile ones.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local wav <const> = require "mlp.io.wav"

local function golden(name) return files.golden(name .. ".wav") end

-- What the golden files hold: two channels of seven samples.
local function frames(channel)
  local list <const> = {}
  for k = 0, 6 do list[k + 1] = channel == 1 and k * 0.25 - 1 or 0.5 - k * 0.125 end
  return list
end

local function close(wanted, x, step)
  for k, value in ipairs(wanted) do
    assert.is_true(math.abs(x:get(k) - math.min(value, 1 - step)) <= 1e-9)
  end
end

describe("wav.load", function()
  for bits, encoding in pairs { [8] = "uint8", [16] = "int16", [24] = "int24", [32] = "int32" } do
    it(("reads integers of %d bits"):format(bits), function()
      for _, dtype in ipairs { "float32", "float64" } do
        local x <const>, rate <const>, named <const> =
          wav.load(golden("stereo_" .. bits), { dtype = dtype })
        assert.equal(8000, rate)
        assert.equal(encoding, named)
        assert.equal(dtype, x.dtype)
        assert.same({ 7, 2 }, x.shape)
        for channel = 1, 2 do
          close(frames(channel), x:select(2, channel), 2.0 ^ (1 - bits))
        end
      end
    end)
  end

  it("reads floats of 32 and 64 bits", function()
    for bits, encoding in pairs { [32] = "float32", [64] = "float64" } do
      local x <const>, rate <const>, named <const> = wav.load(golden("mono_f" .. bits))
      assert.equal(44100, rate)
      assert.equal(encoding, named)
      assert.same({ 7, 1 }, x.shape)
      assert.same(frames(1), x:reshape(-1):totable())
    end
  end)

  it("reads the extensible format, and passes over chunks that it does not know", function()
    local x <const>, rate <const> = wav.load(golden "extensible")
    assert.equal(48000, rate)
    assert.same({ { 0, 0.5, -1 }, { 2.0 ^ -15, 2.0 ^ -14, 3 * 2.0 ^ -15 } }, x:totable())
  end)

  it("keeps all of 32 bits in float64", function()
    local x <const> = core.tensor({ 1 - 2.0 ^ -31, -1 + 2.0 ^ -30 }, { dtype = "float64" })
    local bytes <const> = wav.encode(x, 1, { encoding = "int32" })
    assert.same(x:totable(), wav.decode(bytes, { dtype = "float64" }):reshape(-1):totable())
  end)

  it("names call, file and what the file is instead", function()
    local _, message <const> = wav.load(files.golden "rgb.png")
    assert.equal("mlp.io.wav: 'spec/golden/files/rgb.png': not a WAV sound but a PNG picture",
      message)
    assert.error_matches(function() wav.decode("", { dtype = "int64" }) end, "'float32' or")
  end)
end)

describe("a hostile wav file", function()
  local good <const> = files.read(golden "stereo_16")

  local function changed(at, bytes) return good:sub(1, at) .. bytes .. good:sub(at + #bytes + 1) end

  it("is refused when cut short", function()
    for _, name in ipairs { "stereo_16", "stereo_24", "mono_f32", "extensible" } do
      files.refuses_truncation(files.read(golden(name)), wav.decode)
    end
  end)

  it("never raises when damaged", function()
    for _, name in ipairs { "stereo_8", "mono_f64", "extensible" } do
      files.survives_damage(files.read(golden(name)), wav.decode)
    end
  end)

  it("cannot lie about its sizes", function()
    files.refused("header claims 4294967303 bytes, but 72 are there", wav.decode,
      changed(4, "\xff\xff\xff\xff"))
    files.refused("chunk 'data' claims 4294967295 bytes, but only 28", wav.decode,
      changed(40, "\xff\xff\xff\xff"))
    files.refused("no whole number of samples of 4 bytes", wav.decode, changed(40, "\27\0\0\0"))
    files.refused("'fmt ' has 4 bytes", wav.decode,
      "RIFF\24\0\0\0WAVEfmt \4\0\0\0\1\0\1\0data\0\0\0\0")
    files.refused("3 bytes for 2 channels of 16 bits", wav.decode, changed(32, "\3\0"))
    files.refused("0 channels", wav.decode, changed(22, "\0\0"))
    files.refused("2 channels at 0 samples", wav.decode, changed(24, "\0\0\0\0"))
  end)

  it("is told from what can be read", function()
    files.refused("packed as A%-law", wav.decode, changed(20, "\6\0"))
    files.refused("packed as format 4660", wav.decode, changed(20, "\x34\x12"))
    files.refused("floats of 2 bytes", wav.decode, changed(20, "\3\0"))
    files.refused("integers of 5 bytes", wav.decode,
      changed(32, ("<I2I2"):pack(10, 40)))
    files.refused("another RIFF file %('AVI '%)", wav.decode, changed(8, "AVI "))
    files.refused("no chunk 'data'", wav.decode, changed(36, "LIST"))
    files.refused("no chunk 'fmt '", wav.decode, changed(12, "LIST"))
  end)
end)

describe("wav.save", function()
  local function ramp(count, channels)
    return core.linspace(-1, 0.999, count * channels):reshape(count, channels)
  end

  it("writes the bytes that Python writes", function()
    for bits, encoding in pairs { [8] = "uint8", [16] = "int16", [24] = "int24", [32] = "int32" } do
      local path <const> = golden("stereo_" .. bits)
      local x <const>, rate <const> = wav.load(path, { dtype = "float64" })
      assert.equal(files.read(path), wav.encode(x, rate, { encoding = encoding }))
    end
  end)

  it("writes what it reads, for any count of channels and odd sizes", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    for _, encoding in ipairs { "uint8", "int16", "int24", "int32", "float32", "float64" } do
      for _, channels in ipairs { 1, 2, 3, 6 } do
        local x = ramp(5, channels)
        assert.is_true(wav.save(path, x, 22050, { encoding = encoding }))
        x = assert(wav.load(path))
        assert.is_true(wav.save(path, x, 22050, { encoding = encoding }))
        local again <const>, rate <const>, named <const> = wav.load(path)
        assert.equal(x:tobytes(), again:tobytes())
        assert.equal(22050, rate)
        assert.equal(encoding, named)
        local step <const> = encoding == "uint8" and 2.0 ^ -7 or 2.0 ^ -15
        assert.is_true((ramp(5, channels) - again):abs():amax():item() <= step)
      end
    end
    assert.same({ 0, 2 }, wav.decode(wav.encode(core.zeros(0, 2), 1)).shape)
    assert.same({ 4, 1 }, wav.decode(wav.encode(core.zeros(4), 1)).shape)
  end)

  it("cuts off what is too loud, but only for integers", function()
    local loud <const> = core.tensor { -2, -1, 1, math.huge }
    assert.same({ { -1 }, { -1 }, { 1 - 2.0 ^ -15 }, { 1 - 2.0 ^ -15 } },
      wav.decode(wav.encode(loud, 8000)):totable())
    assert.same({ { -2 }, { -1 }, { 1 }, { math.huge } },
      wav.decode(wav.encode(loud, 8000, { encoding = "float32" })):totable())
  end)

  it("says where it cannot write", function()
    local ok <const>, message <const> = wav.save("/no/such/x.wav", core.zeros(1), 8000)
    assert.is_nil(ok)
    assert.matches("cannot write '/no/such/x.wav'", message, 1, true)
  end)

  it("refuses what is no sound", function()
    local function refuses(sentence, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() wav.encode(table.unpack(arguments, 1, arguments.n)) end,
        sentence, 1, true)
    end
    refuses("samples is a table but a tensor is wanted", { 1 }, 8000)
    refuses("floats of shape (samples) or", core.zeros(2, 2, 2), 8000)
    refuses("floats of shape (samples) or", core.zeros({ 2 }, { dtype = "int64" }), 8000)
    refuses("floats of shape (samples) or", core.zeros(2, 0), 8000)
    refuses("rate is nil", core.zeros(2))
    refuses("rate is 0.5", core.zeros(2), 0.5)
    refuses("one of float32, float64, int16", core.zeros(2), 8000, { encoding = "pcm" })
    refuses("hold NaN", core.tensor { 0 / 0 }, 8000)
  end)
end)

describe("a real sound", function()
  it("comes back to the byte", function()
    local folder <const> = files.data()
    if not folder then return pending "MLP_DATA is not set" end
    local path <const> = folder .. "/audio/gt_bach_pcm16.wav"
    local x <const>, rate <const> = wav.load(path)
    assert.same({ 308207, 1 }, x.shape)
    assert.equal(44100, rate)
    assert.equal(files.read(path), wav.encode(x, rate))
  end)
end)
