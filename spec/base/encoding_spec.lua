-- Numbers as files hold them: x:tobytes{encoding=} and frombytes, against string.pack for integers
-- and NumPy for floats of 16 bits (spec/golden/files.py).
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local npy <const> = require "mlp.io.npy"

local INTEGERS <const> = { int8 = "i1", int16 = "i2", int24 = "i3", int32 = "i4", uint16 = "I2",
  uint32 = "I4" }

local function limits(code)
  local bits <const> = 8 * tonumber(code:sub(2))
  if code:sub(1, 1) == "I" then return 0, (1 << bits) - 1 end
  return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
end

describe("integers", function()
  for name, code in pairs(INTEGERS) do
    it("of " .. name .. " are packed and unpacked in either order", function()
      local least <const>, most <const> = limits(code)
      local list <const> = { least, least + 1, 0, 1, 77, most - 1, most }
      local little, big = "", ""
      for _, value in ipairs(list) do
        little, big = little .. ("<" .. code):pack(value), big .. (">" .. code):pack(value)
      end
      local x <const> = core.tensor(list, { dtype = "int64" })
      assert.equal(little, x:tobytes { encoding = name })
      local function read(bytes, options)
        options.encoding = name
        return core.frombytes(bytes, "int64", { #list }, options):totable()
      end
      assert.same(list, read(little, {}))
      assert.same(list, read(big, { byteswap = true }))
      assert.same(list, read("odd" .. little, { offset = 3 }))
    end)

    it("that do not fit into " .. name .. " are refused by their place", function()
      local least <const>, most <const> = limits(code)
      for _, value in ipairs { least - 1, most + 1, math.mininteger, math.maxinteger } do
        local x <const> = core.tensor({ 0, value }, { dtype = "int64" })
        assert.error_matches(function() x:tobytes { encoding = name } end,
          ("element 2 is %d, which %s does not hold"):format(value, name), 1, true)
      end
    end)
  end
end)

describe("floats of 16 bits", function()
  it("are rounded as NumPy rounds them", function()
    local wide <const> = assert(npy.load(files.golden "wide_f4.npy"))
    local bytes <const> = files.read(files.golden "wide_f2.npy")
    local ours <const> = wide:tobytes { encoding = "float16" }
    assert.equal(bytes:sub(-#ours), ours)
    local narrow <const> = assert(npy.load(files.golden "wide_f2.npy"))
    assert.equal(ours, narrow:tobytes { encoding = "float16" })
  end)

  it("come back from every one of their bit patterns", function()
    for _, encoding in ipairs { "float16", "bfloat16" } do
      local list <const> = {}
      for bits = 0, 65535 do list[bits + 1] = ("<I2"):pack(bits) end
      local bytes <const> = table.concat(list)
      local x <const> = core.frombytes(bytes, "float32", { 65536 }, { encoding = encoding })
      local back <const>, number = x:tobytes { encoding = encoding }, x:eq(x):totable()
      for bits = 0, 65535 do
        local two <const> = back:sub(2 * bits + 1, 2 * bits + 2)
        if number[bits + 1] == 1 then
          assert(two == list[bits + 1], bits)
        else -- NaN stays NaN, with its sign
          local again <const> = core.frombytes(two, "float32", { 1 }, { encoding = encoding })
          assert(again:item() ~= again:item() and two:byte(2) >> 7 == bits >> 15, bits)
        end
      end
    end
  end)

  it("of bfloat16 are rounded to the nearest, ties to even", function()
    local function rounded(value)
      local bytes <const> = core.tensor(value):tobytes { encoding = "bfloat16" }
      return core.frombytes(bytes, "float32", {}, { encoding = "bfloat16" }):item()
    end
    for value, wanted in pairs { [1 + 2.0 ^ -8] = 1, [1 + 3 * 2.0 ^ -8] = 1 + 2.0 ^ -6,
      [1 + 2.0 ^ -8 + 2.0 ^ -20] = 1 + 2.0 ^ -7, [-0.3] = -0.30078125, [3.4e38] = math.huge,
      [3e38] = 0x1.c4p127, [-math.huge] = -math.huge } do
      assert.equal(wanted, rounded(value))
    end
    assert.is_true(rounded(0 / 0) ~= rounded(0 / 0))
  end)
end)

describe("an encoding", function()
  local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

  it("goes with one dtype", function()
    refuses("tobytes: the encoding int16 goes with the dtype int64 but the dtype is float32",
      function() core.zeros(2):tobytes { encoding = "int16" } end)
    refuses("frombytes: the encoding float16 goes with the dtype float32 but the dtype is int64",
      function() core.frombytes("abcd", "int64", { 2 }, { encoding = "float16" }) end)
  end)

  it("is known by its name, and takes its bytes", function()
    refuses("encoding is the string 'half' but one of int8", function()
      core.zeros(2):tobytes { encoding = "half" }
    end)
    refuses("did you mean 'encoding'", function() core.zeros(2):tobytes { encodng = "int8" } end)
    refuses("the string has 5 bytes, but 6 from byte 1 on are wanted", function()
      core.frombytes("abcde", "int64", { 2 }, { encoding = "int24" })
    end)
  end)

  it("takes views and empty tensors", function()
    local x <const> = core.arange(1, 6):reshape(2, 3):to "int64"
    assert.equal("\1\4\2\5\3\6", x:t():tobytes { encoding = "int8" })
    assert.equal("", core.zeros(0, 3):tobytes { encoding = "float16" })
  end)
end)
