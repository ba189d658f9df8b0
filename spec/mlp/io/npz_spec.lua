-- Archives as NumPy and zipfile wrote them (spec/golden/files.py), back again, and hostile ones.
local core <const> = require "mlp.core"
local npy <const> = require "mlp.io.npy"
local npz <const> = require "mlp.io.npz"
local zip <const> = require "mlp.io.zip"
local files <const> = require "spec.support.files"

local function golden(name) return files.read(files.golden(name .. ".npz")) end

-- An archive of the given members.
local function archive(members, compress)
  local pieces <const> = {}
  local writer <const> = zip.writer(function(bytes) pieces[#pieces + 1] = bytes end)
  for _, member in ipairs(members) do writer:add(member[1], member[2], compress or false) end
  writer:finish()
  return table.concat(pieces)
end

-- The bytes with `new` written over them at a distance (from the end when negative).
local function patched(bytes, at, new)
  if at < 0 then at = #bytes + at + 1 end
  return bytes:sub(1, at - 1) .. new .. bytes:sub(at + #new)
end

-- Where the directory of an archive without comment begins, from 1.
local function directory_of(bytes) return 1 + ("<I4"):unpack(bytes, #bytes - 5) end

describe("npz.load", function()
  for _, name in ipairs { "stored", "deflated" } do
    it("reads what numpy.savez wrote: " .. name, function()
      local arrays <const> = assert(npz.load(files.golden(name .. ".npz")))
      assert.are.same({ { 0, 1, 2 }, { 3, 4, 5 } }, arrays.weight:totable())
      assert.are.equal(7, arrays.steps:item())
      assert.are.equal("int64", arrays.steps.dtype)
    end)
  end

  it("reads archives with a comment, and streamed ones", function()
    for _, name in ipairs { "comment", "streamed" } do
      local arrays <const> = assert(npz.load(files.golden(name .. ".npz")))
      assert.are.same({ { 0, 1, 2 }, { 3, 4, 5 } }, arrays.weight:totable())
    end
  end)

  it("reads Zip64 sizes", function()
    local data <const> = npy.encode(core.tensor { 1, 2 })
    local plain <const> = archive { { "a.npy", data } }
    local start <const> = directory_of(plain)
    local extra <const> = ("<I2I2i8i8i8"):pack(1, 24, #data, #data, 0)
    local entry = plain:sub(start, -23)
    entry = patched(entry, 21, ("<I4I4"):pack(0xffffffff, 0xffffffff))
    entry = patched(entry, 31, ("<I2"):pack(#extra))
    entry = patched(entry, 43, ("<I4"):pack(0xffffffff)) .. extra
    local end64_at <const> = start - 1 + #entry
    local end64 <const> = "PK\6\6" .. ("<i8I2I2I4I4i8i8i8i8"):pack(44, 45, 45, 0, 0, 1, 1, #entry,
      start - 1)
    local locator <const> = "PK\6\7" .. ("<I4i8I4"):pack(0, end64_at, 1)
    local tail <const> = "PK\5\6" .. ("<I2I2I2I2I4I4I2"):pack(0, 0, 0xffff, 0xffff, 0xffffffff,
      0xffffffff, 0)
    local wide <const> = plain:sub(1, start - 1) .. entry .. end64 .. locator .. tail
    assert.are.same({ 1, 2 }, assert(npz.decode(wide)).a:totable())
    files.refuses_truncation(wide, npz.decode)
    files.survives_damage(wide, npz.decode)
  end)

  it("names call, file, member and reason", function()
    local _, message <const> = npz.load(files.golden "vector.npy")
    assert.are.equal("mlp.io.npz: 'spec/golden/files/vector.npy': not an npz file but an npy file",
      message)
    files.refused("its member 'a.txt' is not an npy file", npz.decode, archive { { "a.txt", "a" } })
    files.refused("mlp.io.npz: 'a.npy': mlp.io.npy: not an npy file but text", npz.decode,
      archive { { "a.npy", "some text" } })
  end)
end)

describe("a hostile npz file", function()
  it("is refused when cut short", function()
    for _, name in ipairs { "stored", "deflated", "streamed" } do
      files.refuses_truncation(golden(name), npz.decode)
    end
  end)

  it("never raises when damaged", function()
    for _, name in ipairs { "stored", "streamed", "comment" } do
      files.survives_damage(golden(name), npz.decode)
    end
  end)

  it("is refused when its data are damaged", function()
    local bytes <const> = golden "stored"
    local data_at <const> = bytes:find("\x93NUMPY", 1, true) + 130
    files.refused("CRC%-32", npz.decode, patched(bytes, data_at, "\xaa"))
  end)

  it("cannot unpack to more than it says, or than the limit", function()
    local bytes <const> = archive({ { "a.npy", npy.encode(core.zeros(1 << 20)) } }, true)
    assert.is_true(#bytes < 10000)
    files.refused("claims 4194432 bytes, more than the limit of 1000000", npz.decode, bytes,
      { limit = 1000000 })
    local small <const> = patched(bytes, directory_of(bytes) + 24, ("<I4"):pack(1000))
    files.refused("limit of 1000 bytes", npz.decode, small)
    local huge <const> = patched(bytes, directory_of(bytes) + 24, ("<I4"):pack(0xf0000000))
    local value <const>, message <const> = npz.decode(huge)
    assert.is_nil(value)
    assert.matches("its size or its CRC", message)
  end)

  it("cannot have members that overlap, repeat or lie elsewhere", function()
    local data <const> = npy.encode(core.tensor { 1 })
    files.refused("two members 'a.npy'", npz.decode, archive { { "a.npy", data }, { "a.npy",
      data } })
    local two <const> = archive { { "a.npy", data }, { "a.npy", data } }
    local second <const> = directory_of(two) + 46 + 5
    files.refused("overlap", npz.decode, patched(two, second + 42, ("<I4"):pack(0)))
    local one <const> = archive { { "a.npy", data } }
    files.refused("not where the directory says", npz.decode,
      patched(one, directory_of(one) + 42, ("<I4"):pack(1)))
    files.refused("claims 268435456 bytes", npz.decode,
      patched(one, directory_of(one) + 20, ("<I4"):pack(1 << 28)))
  end)

  it("cannot lie in its end record", function()
    local one <const> = archive { { "a.npy", npy.encode(core.tensor { 1 }) } }
    files.refused("part of several", npz.decode, patched(one, -12, ("<I2"):pack(2)))
    files.refused("counts 2 members but there are 1", npz.decode, patched(one, -14,
      ("<I2I2"):pack(2, 2)))
    files.refused("directory is not where", npz.decode, patched(one, -6, ("<I4"):pack(0x7fffffff)))
    files.refused("Zip64 end record is missing", npz.decode, patched(one, -6,
      ("<I4"):pack(0xffffffff)))
    files.refused("no end record", npz.decode, one .. "x")
  end)

  it("is refused when encrypted or packed by another method", function()
    local one <const> = archive { { "a.npy", npy.encode(core.tensor { 1 }) } }
    files.refused("is encrypted", npz.decode, patched(one, directory_of(one) + 8, "\1"))
    files.refused("method 14", npz.decode, patched(one, directory_of(one) + 10, "\14"))
  end)
end)

describe("npz.save", function()
  local arrays <const> = {
    weight = core.arange(1, 6):reshape(2, 3), ["layers.1.bias"] = core.zeros(3),
    count = core.tensor(5, { dtype = "int64" }), ["Größe"] = core.tensor({ 1, 2 },
      { dtype = "uint8" }),
  }

  for _, compress in ipairs { false, true } do
    it("writes what it reads, " .. (compress and "deflated" or "stored"), function()
      local path <const> = files.temporary()
      finally(function() os.remove(path) end)
      assert.is_true(npz.save(path, arrays, { compress = compress }))
      local back <const> = assert(npz.load(path))
      for name, x in pairs(arrays) do
        assert.are.equal(x:tobytes(), back[name]:tobytes())
        assert.are.same(x.shape, back[name].shape)
      end
      assert.are.equal(files.read(path), npz.encode(arrays, { compress = compress }))
    end)
  end

  it("writes an empty archive", function()
    assert.are.same({}, npz.decode(npz.encode {}))
  end)

  it("refuses what is no table of tensors", function()
    assert.error_matches(function() npz.save("x", core.zeros(1)) end,
      "a table of tensors is wanted")
    assert.error_matches(function() npz.encode { core.zeros(1) } end, "name is 1 but a string")
    assert.error_matches(function() npz.encode { a = 1 } end, "'a' is 1 but a tensor is wanted")
    assert.error_matches(function() npz.encode({}, { compres = true }) end,
      "did you mean 'compress'")
  end)

  it("writes other kinds of numbers, when it is asked to", function()
    local given <const> = { a = core.tensor { 1.5 }, n = core.tensor({ 7 }, { dtype = "int64" }) }
    local back = assert(npz.decode(npz.encode(given, { dtype = "float16" })))
    assert.are.equal("float32", back.a.dtype)
    back = assert(npz.decode(npz.encode(given, { dtype = { n = "bool" }, compress = true })))
    assert.are.equal("uint8", back.n.dtype)
    assert.error_matches(function() npz.encode(given, { dtype = "bfloat16" }) end, "one of bool")
  end)
end)
