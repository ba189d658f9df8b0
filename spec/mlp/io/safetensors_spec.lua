-- Named tensors from Python (spec/golden/files.py), back again, and hostile files.
local core <const> = require "mlp.core"
local safetensors <const> = require "mlp.io.safetensors"
local files <const> = require "spec.support.files"

local function with_header(header, data)
  return ("<s8"):pack(header) .. (data or "")
end

describe("safetensors.load", function()
  local tensors, metadata = safetensors.load(files.golden "all.safetensors")

  it("turns every dtype that a tensor can hold", function()
    local wanted <const> = {
      f64 = "float64", f32 = "float32", f16 = "float32", bf16 = "float32", i64 = "int64",
        i32 = "int64",
      i16 = "int64", i8 = "int64", u32 = "int64", u16 = "int64", u8 = "uint8",
    }
    for name, dtype in pairs(wanted) do
      local sign <const> = name:sub(1, 1) == "i" and -1 or 1
      assert.are.equal(dtype, tensors[name].dtype)
      assert.are.same({ { 0, sign, 2 * sign }, { 3 * sign, 4 * sign, 5 * sign } },
        tensors[name]:totable())
    end
    assert.are.equal("uint8", tensors.bool.dtype)
    assert.are.same({ { 0, 1, 0 }, { 1, 0, 1 } }, tensors.bool:totable())
  end)

  it("reads scalars and empty tensors", function()
    assert.are.same({}, tensors.scalar.shape)
    assert.are.equal(2.5, tensors.scalar:item())
    assert.are.same({ 0, 4 }, tensors.empty.shape)
  end)

  it("answers the metadata second", function()
    assert.are.same({ format = "pt", note = 'quoted " and é' }, metadata)
    local _, none <const> = safetensors.decode(with_header "{}")
    assert.are.same({}, none)
  end)

  it("says what the file is instead", function()
    local _, message <const> = safetensors.load(files.golden "stored.npz")
    assert.are.equal("mlp.io.safetensors: 'spec/golden/files/stored.npz': not a safetensors file "
      .. "but a zip archive (npz)", message)
    files.refused("but an empty file", safetensors.decode, "")
  end)
end)

describe("safetensors.inspect", function()
  it("tells what is there without the numbers", function()
    local entries <const>, metadata <const> =
      safetensors.inspect(files.golden "all.safetensors")
    assert.are.equal("pt", metadata.format)
    local by_name <const> = {}
    for _, entry in ipairs(entries) do by_name[entry.name] = entry end
    assert.are.same({ name = "bf16", dtype = "bfloat16", shape = { 2, 3 }, bytes = 12 },
      by_name.bf16)
    assert.are.same({}, by_name.scalar.shape)
    assert.are.equal(0, by_name.empty.bytes)
    assert.are.equal("bool", by_name.bool.dtype)
    files.refused("not a safetensors file", safetensors.inspect, files.golden "rgb.png")
  end)
end)

describe("a hostile safetensors file", function()
  local golden <const> = files.read(files.golden "all.safetensors")

  it("is refused when cut short", function()
    files.refuses_truncation(golden, safetensors.decode)
  end)

  it("never raises when damaged", function()
    files.survives_damage(golden:sub(1, 8) .. golden:sub(9), safetensors.decode)
  end)

  it("cannot lie about its header", function()
    files.refused("ends too early", safetensors.decode, ("<i8"):pack(1 << 26) .. "{}")
    files.refused("claims 9223372036854775807", safetensors.decode,
      ("<i8"):pack(math.maxinteger) .. "{}")
    files.refused("not a safetensors", safetensors.decode, ("<i8"):pack(-1) .. "{}")
  end)

  it("cannot have another structure", function()
    for header, pattern in pairs {
      ["{"] = "not valid JSON",
      ['{"a":}'] = "not valid JSON",
      ["{} x"] = "not valid JSON",
      ['{"a":1}'] = "'a' is not described by a JSON object",
      ['{"a":[]}'] = "not described",
      ['{"a":null}'] = "not described",
      ['{"__metadata__":[]}'] = "metadata is not a JSON object",
      ['{"__metadata__":{"a":1}}'] = "metadata 'a' is not text",
      ['{"a":{"dtype":"F32","shape":[1]}}'] = "no shape or no data_offsets",
      ['{"a":{"dtype":"F32","shape":{},"data_offsets":[0,4]}}'] = "no shape or no data_offsets",
      ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}'] = "no shape or no data_offsets",
      ['{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}'] = "type F8_E4M3",
      ['{"a":{"dtype":null,"shape":[4],"data_offsets":[0,4]}}'] = "holds numbers of type",
      ['{"a":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}}'] = "length .* along axis 1",
      ['{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}'] = "length 1 along axis 1",
      ['{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}'] = "length 1.5 along axis 1",
      ['{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'] = "length %-1 along axis 1",
      ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'] = "claims the bytes 4 to 8 of 4",
      ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}'] = "claims the bytes",
      ['{"a":{"dtype":"F32","shape":[1],"data_offsets":["0","x"]}}'] = "claims the bytes",
      ['{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}'] = "8 bytes, but only 4",
      ['{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,4]}}'] = "its shape takes 2",
      ['{"a":{"dtype":"F32","shape":[281474976710656,99],"data_offsets":[0,4]}}'] = "2%^48",
      ['{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}'] = "1 bytes at its end belong to no",
      ['{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}'] = "'a' does not begin where",
    } do
      files.refused(pattern, safetensors.decode, with_header(header, "1234"))
    end
    files.refused("does not begin where", safetensors.decode, with_header(
      '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},'
      .. '"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}', "1234"))
    files.refused("not a safetensors file", safetensors.decode, with_header("[]", "1234"))
  end)

  it("cannot nest without end", function()
    for _, open in ipairs { '{"a":', "[" } do
      local value <const>, message <const> =
        safetensors.decode(with_header('{"x":' .. open:rep(200000)))
      assert.is_nil(value)
      assert.matches("not valid JSON", message)
    end
  end)
end)

describe("safetensors.save", function()
  local tensors <const> = {
    ["layers.1.weight"] = core.arange(1, 6):reshape(2, 3), ["layers.1.bias"] = core.tensor(0.5),
    steps = core.tensor({ math.mininteger }, { dtype = "int64" }), mask = core.tensor({ 1, 0, 1 },
      { dtype = "uint8" }),
    ['odd "name"\n'] = core.tensor({ 1e-300 }, { dtype = "float64" }), none = core.zeros(0, 3),
    view = core.arange(1, 6):reshape(2, 3):t(),
  }
  local metadata <const> = { note = 'a "quoted"\nline, é', empty = "" }

  it("writes what it reads, bit by bit", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    assert.is_true(safetensors.save(path, tensors, { metadata = metadata }))
    local back <const>, texts <const> = safetensors.load(path)
    assert.are.same(metadata, texts)
    for name, x in pairs(tensors) do
      assert.are.equal(x.dtype, back[name].dtype)
      assert.are.same(x.shape, back[name].shape)
      assert.are.equal(x:tobytes(), back[name]:tobytes())
      back[name] = nil
    end
    assert.is_nil(next(back))
    assert.are.equal(files.read(path), safetensors.encode(tensors, { metadata = metadata }))
  end)

  it("begins the data at a multiple of eight bytes", function()
    for name_length = 1, 9 do
      local bytes <const> = safetensors.encode { [("x"):rep(name_length)] = core.tensor { 1 } }
      assert.are.equal(0, ("<i8"):unpack(bytes) % 8)
    end
  end)

  it("writes floats with 16 bits, when it is asked to", function()
    local given <const> = { a = core.tensor { 1.5, -2.25 }, b = core.tensor { 1 / 3 },
      c = core.tensor({ 0.1 }, { dtype = "float64" }), n = core.tensor({ 7 }, { dtype = "int64" }) }
    local full <const> = safetensors.encode(given)
    for _, dtype in ipairs { "float16", "bfloat16" } do
      local bytes <const> = safetensors.encode(given, { dtype = dtype })
      assert.is_true(#bytes < #full)
      local back <const> = safetensors.decode(bytes)
      assert.are.same({ 1.5, -2.25 }, back.a:totable())
      assert.are.equal("float32", back.c.dtype)
      assert.are.equal("int64", back.n.dtype)
      assert.is_true(math.abs(back.b:get(1) - 1 / 3) < (dtype == "float16" and 1e-3 or 4e-3))
      assert.are.equal(bytes, safetensors.encode(back, { dtype = dtype }))
    end
    local some <const> = safetensors.encode(given, { dtype = { b = "float16", n = "int16" } })
    local back <const> = safetensors.decode(some)
    assert.are.equal(0.1, back.c:item())
    assert.are.equal(7, back.n:item())
    assert.are_not.equal(given.b:item(), back.b:item())
  end)

  it("refuses kinds that do not fit", function()
    local function refuses(sentence, dtype)
      local given <const> = { a = core.zeros(1), n = core.tensor({ 300 }, { dtype = "int64" }) }
      assert.error_matches(function() safetensors.encode(given, { dtype = dtype }) end, sentence)
    end
    refuses("dtype is the string 'f16' but one of bfloat16, bool", "f16")
    refuses("dtype is the string 'int8' but a kind of floats", "int8")
    refuses("dtype names 'x', which is no tensor", { x = "float16" })
    refuses("element 1 is 300, which int8 does not hold", { n = "int8" })
  end)

  it("writes no tensors at all", function()
    assert.are.same({}, (safetensors.decode(safetensors.encode {})))
  end)

  it("does not depend on the locale", function()
    local bytes <const> = safetensors.encode(tensors)
    local found <const> = files.under_comma(function()
      assert.are.equal(bytes, safetensors.encode(tensors))
      assert.is_table((safetensors.decode(bytes)))
    end)
    if not found then pending "no locale with a decimal comma on this system" end
  end)

  it("refuses what is no table of tensors or no text", function()
    assert.error_matches(function() safetensors.encode { core.zeros(1) } end,
      "name is 1 but a string")
    assert.error_matches(function() safetensors.encode { a = { 1 } } end,
      "'a' is a table but a tensor")
    assert.error_matches(function() safetensors.encode { __metadata__ = core.zeros(1) } end,
      "no tensor can")
    assert.error_matches(function() safetensors.encode({}, { metadata = { a = 1 } }) end,
      "metadata.a is 1 but a string is wanted")
    assert.error_matches(function() safetensors.encode({}, { metdata = {} }) end,
      "did you mean 'metadata'")
  end)
end)
