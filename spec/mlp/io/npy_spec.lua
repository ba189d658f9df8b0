-- Arrays as NumPy wrote them (spec/golden/files.py), back again, and hostile ones.
local core <const> = require "mlp.core"
local npy <const> = require "mlp.io.npy"
local files <const> = require "spec.support.files"

local function golden(name) return assert(npy.load(files.golden(name .. ".npy"))) end

-- A file with the header text that the test wants.
local function with_header(text, data, version)
  local length <const> = version and version > 1 and "<s4" or "<s2"
  return "\x93NUMPY" .. string.char(version or 1, 0) .. length:pack(text) .. (data or "")
end

local function simple(shape, data)
  return with_header(("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"):format(shape),
    data)
end

describe("npy.load", function()
  local turned <const> = {
    float32 = { "little_f4", "big_f4", "little_f2", "big_f2" },
    float64 = { "little_f8", "big_f8" },
    int64 = { "little_i8", "big_i8", "little_i4", "big_i4", "little_i2", "big_i2", "byte_i1" },
  }
  for dtype, names in pairs(turned) do
    for _, name in ipairs(names) do
      it(("turns %s into %s"):format(name, dtype), function()
        local x <const> = golden(name)
        assert.are.equal(dtype, x.dtype)
        assert.are.same({ { 0, -1, -2 }, { -3, -4, -5 } }, x:totable())
      end)
    end
  end

  it("turns unsigned integers into int64, but bytes and booleans into uint8", function()
    for name, dtype in pairs { little_u8 = "int64", little_u4 = "int64", little_u2 = "int64",
      byte_u1 = "uint8" } do
      local x <const> = golden(name)
      assert.are.equal(dtype, x.dtype)
      assert.are.same({ { 0, 1, 2 }, { 3, 4, 5 } }, x:totable())
    end
    assert.are.equal("uint8", golden("bool").dtype)
    assert.are.same({ { 0, 1, 0 }, { 1, 0, 1 } }, golden("bool"):totable())
  end)

  it("widens every 16-bit float as NumPy does", function()
    assert.is_true(golden("halves_f2"):tobytes() == golden("halves_f4"):tobytes())
  end)

  it("turns Fortran order into C order", function()
    local x <const> = golden "fortran"
    assert.are.same({ 2, 3, 4 }, x.shape)
    assert.are.equal(core.arange(0, 23, { dtype = "float32" }):tobytes(), x:tobytes())
    assert.are.same({ { 0, 1, 2 }, { 3, 4, 5 } }, golden("fortran_big_i2"):totable())
  end)

  it("reads scalars, vectors, empty arrays and the versions of the header", function()
    assert.are.same({}, golden("scalar").shape)
    assert.are.equal(2.5, golden("scalar"):item())
    assert.are.same({ 0, 1, 2, 3, 4 }, golden("vector"):totable())
    assert.are.same({ 3, 0, 2 }, golden("empty").shape)
    for _, name in ipairs { "version2", "version3" } do
      assert.are.same({ { 0, 1, 2 }, { 3, 4, 5 } }, golden(name):totable())
    end
  end)

  it("refuses what no tensor holds, by its name", function()
    local wanted <const> = {
      complex = "type '<c8'", u8 = "a uint64 from 2%^63 on", text = "type '<U2'",
      object = "type '|O'", record = "header is not understood",
    }
    for name, pattern in pairs(wanted) do
      files.refused(pattern, npy.load, files.golden("refused_" .. name .. ".npy"))
    end
  end)

  it("names call, file and what the file is instead", function()
    local _, message <const> = npy.load(files.golden "rgb.png")
    assert.are.equal("mlp.io.npy: 'spec/golden/files/rgb.png': not an npy file but a PNG picture",
      message)
    files.refused("cannot open '/nonexistent/x.npy': No such file", npy.load, "/nonexistent/x.npy")
  end)

  it("wants a name", function()
    local _, message <const> = pcall(function() npy.load {} end)
    assert.matches("^[^\n]*npy_spec.lua:%d+: mlp.io.npy: path is a table", message)
  end)
end)

describe("a hostile npy file", function()
  it("is refused when cut short", function()
    files.refuses_truncation(files.read(files.golden "little_f2.npy"), npy.decode)
    files.refuses_truncation(files.read(files.golden "version2.npy"), npy.decode)
  end)

  it("never raises when damaged", function()
    for _, name in ipairs { "fortran", "big_i2", "scalar" } do
      files.survives_damage(files.read(files.golden(name .. ".npy")), npy.decode)
    end
  end)

  it("cannot lie about its size", function()
    files.refused("4000000000000 bytes, but only 4", npy.decode, simple("(1000000, 1000000)",
      "1234"))
    files.refused("more than 2%^48", npy.decode, simple("(4294967296, 4294967296, 4294967296)", ""))
    files.refused("more than 2%^48", npy.decode, simple("(0, 9223372036854775807)", ""))
    files.refused("its shape says 9+", npy.decode, simple("(99999999999999999999,)", ""))
    files.refused("9 axes", npy.decode, simple("(1, 1, 1, 1, 1, 1, 1, 1, 1)", "1234"))
    files.refused("ends too early", npy.decode, "\x93NUMPY\2\0\xff\xff\0\0{")
    files.refused("claims 4294967295 bytes", npy.decode, "\x93NUMPY\2\0\xff\xff\xff\xff{")
    files.refused("1 bytes follow", npy.decode, simple("(1,)", "12345"))
    files.refused("version 4", npy.decode, with_header("{}", "", 4))
  end)

  it("cannot hide code or nonsense in its header", function()
    for _, text in ipairs {
      "", "{", "{}", "None", "{'descr': '<f4'}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (os.exit(),)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} or os.exit()",
    } do
      files.refused("not understood", npy.decode, with_header(text, "1234"))
    end
  end)
end)

describe("npy.save", function()
  it("writes what it reads, bit by bit", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    for _, x in ipairs {
      core.tensor { { 1.5, -2 }, { 0 / 0, math.huge } }, core.tensor({ 1e-300, 2 },
        { dtype = "float64" }),
      core.tensor({ { { math.mininteger, math.maxinteger } } }, { dtype = "int64" }),
      core.tensor({ 0, 255 }, { dtype = "uint8" }), core.tensor(3), core.zeros(2, 0, 3),
      core.arange(1, 6):reshape(2, 3):t(),
    } do
      assert.is_true(npy.save(path, x))
      local y <const> = assert(npy.load(path))
      assert.are.equal(x.dtype, y.dtype)
      assert.are.same(x.shape, y.shape)
      assert.are.equal(x:tobytes(), y:tobytes())
    end
  end)

  it("writes the bytes that NumPy writes", function()
    for _, name in ipairs { "little_f4", "little_f8", "little_i8", "byte_u1", "vector", "scalar",
      "empty" } do
      assert.are.equal(files.read(files.golden(name .. ".npy")), npy.encode(golden(name)))
    end
  end)

  it("writes every kind of number that NumPy writes, when it is asked to", function()
    for file, dtype in pairs { little_f8 = "float64", little_f4 = "float32", little_f2 = "float16",
      little_i8 = "int64", little_i4 = "int32", little_i2 = "int16", byte_i1 = "int8",
      little_u8 = "uint64", little_u4 = "uint32", little_u2 = "uint16", byte_u1 = "uint8",
      bool = "bool" } do
      local bytes <const> = files.read(files.golden(file .. ".npy"))
      for _, held in ipairs { "float32", "float64", "int64" } do
        assert.are.equal(bytes, npy.encode(golden(file):to(held), { dtype = dtype }))
      end
    end
  end)

  it("refuses numbers that do not fit, and kinds that there are not", function()
    local function refuses(sentence, x, dtype)
      assert.error_matches(function() npy.encode(x, { dtype = dtype }) end, sentence, 1, true)
    end
    refuses("element 2 is 300, which int8 does not hold", core.tensor { 0, 300 }, "int8")
    refuses("uint64 does not hold", core.tensor({ -1 }, { dtype = "int64" }), "uint64")
    refuses("dtype is the string 'half' but one of bool, float16, float32", core.zeros(1), "half")
    refuses("one of bool", core.zeros(1), "bfloat16")
    refuses("NaN", core.tensor { 0 / 0 }, "int16")
    local path <const> = files.temporary()
    assert.is_false(pcall(npy.save, path, core.tensor { 300 }, { dtype = "int8" }))
    assert.is_nil(io.open(path))
  end)

  it("wants a tensor", function()
    assert.error_matches(function() npy.save("x", { 1 }) end,
      "value is a table but a tensor is wanted")
  end)

  it("does not depend on the locale", function()
    local x <const> = core.tensor { 0.5, 1.25 }
    local bytes <const> = npy.encode(x)
    local found <const> = files.under_comma(function()
      assert.are.equal(bytes, npy.encode(x))
      assert.are.same({ 0.5, 1.25 }, npy.decode(bytes):totable())
    end)
    if not found then pending "no locale with a decimal comma on this system" end
  end)
end)
