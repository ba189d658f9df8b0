-- NumPy's file of one array: a magic, a version, the length of a header, the header (a Python
-- dictionary as text, read here by pattern and never evaluated), the numbers.
-- https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.io.npy
local npy = {}

local CALL <const> = "mlp.io.npy"
local MAGIC <const> = "\x93NUMPY"
local MAX_HEADER <const> = 65536 -- a header of our numbers takes less than 200 bytes
local refuse <const> = file.refuse

-- NumPy's code of each kind; a code of one byte has no order.
local codes <const> = {
  float64 = "f8", float32 = "f4", float16 = "f2", int64 = "i8", int32 = "i4", int16 = "i2",
  int8 = "i1", uint64 = "u8", uint32 = "u4", uint16 = "u2", uint8 = "u1", bool = "b1",
}
local names <const> = {}
for name, code in pairs(codes) do names[code] = name end

-- The header's text and where the numbers begin.
local function header_text(source)
  file.expect(source, MAGIC, "an npy file")
  local major <const> = source:read(6, 2):byte()
  if major < 1 or major > 3 then refuse("npy version %d, but 1 to 3 were wanted", major) end
  local format <const> = major == 1 and "<I2" or "<I4"
  local start <const> = 8 + format:packsize()
  local length <const> = format:unpack(source:read(8, format:packsize()))
  if length > MAX_HEADER then
    refuse("its header claims %d bytes, more than %d", length, MAX_HEADER)
  end
  return source:read(start, length), start + length
end

-- "3, 4" or "3," or "": every length but the last is followed by a comma.
local function parse_shape(text)
  local shape <const> = {}
  if not text:find("%S") then return shape end
  local closed <const> = text:find(",%s*$") and text or text .. ","
  local left <const> = closed:gsub("%s*(%d+)L?%s*,", function(length)
    shape[#shape + 1] = math.tointeger(tonumber(length)) or refuse("its shape says %s", length)
    return ""
  end)
  if left:find("%S") then refuse("its shape (%s) is not understood", text) end
  return shape
end

local entries <const> = {
  descr = { "^'([^']*)'()", tostring },
  fortran_order = { "^(%a+)()", function(word) return ({ True = "F", False = "C" })[word] end },
  shape = { "^%(([%d%s,L]*)%)()", parse_shape },
}

-- {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
local function parse_header(text)
  local found <const> = {}
  local at = text:match("^%s*{%s*()")
  while at and not text:find("^}%s*$", at) do
    local key <const>, start <const> = text:match("^['\"]([%w_]+)['\"]%s*:%s*()", at)
    local entry <const> = entries[key]
    if not entry or found[key] then at = nil break end
    local value <const>, stop <const> = text:match(entry[1], start)
    found[key] = value and entry[2](value)
    at = stop and text:match("^%s*,?%s*()", stop)
  end
  if not (at and found.descr and found.fortran_order and found.shape) then
    refuse("its header is not understood: %s", (text:sub(1, 120):gsub("%c", " ")))
  end
  return found
end

local function kind_of(description)
  local order <const>, code <const> = description:match("^([<>|=])(%w+)$")
  local kind <const> = numbers.kinds[names[code]]
  if not kind then refuse("it holds numbers of type '%s', which no tensor holds", description) end
  return kind, order == ">" and ">" or "<"
end

-- Fortran's first axis runs fastest: the same bytes are the transposed array in C order.
local function from_fortran(bytes, kind, shape, order)
  local reversed <const>, axes <const> = {}, {}
  for axis = #shape, 1, -1 do
    reversed[#reversed + 1] = shape[axis]
    axes[#axes + 1] = axis
  end
  return numbers.tensor(bytes, kind, reversed, order):permute(axes):contiguous()
end

local function read(source)
  local text <const>, start <const> = header_text(source)
  local header <const> = parse_header(text)
  local kind <const>, order <const> = kind_of(header.descr)
  local there <const> = source.size - start
  local size <const> = file.shape_bytes(header.shape, kind.bytes, there, "the array")
  if size ~= there then refuse("%d bytes follow the end of the array", there - size) end
  local bytes <const> = source:read(start, size)
  if header.fortran_order == "F" and #header.shape > 1 then
    return from_fortran(bytes, kind, header.shape, order)
  end
  return numbers.tensor(bytes, kind, header.shape, order)
end

--- Reads an .npy file of any byte order. 16-bit floats become float32, bool and uint8 stay uint8,
--- every other integer becomes int64 (a uint64 from 2^63 on is refused). Other types (complex,
--- text, objects) are refused.
---@param path string
---@return mlp.Tensor? value in C order
---@return string? message
function npy.load(path)
  return file.load(CALL, path, read)
end

--- The same from a string.
---@param bytes string
---@return mlp.Tensor? value
---@return string? message
function npy.decode(bytes)
  return file.decode(CALL, bytes, read)
end

-- The numbers begin at a multiple of 64 bytes, so that others can map them.
local function header_for(value, kind)
  local shape = table.concat(value.shape, ", ")
  if value.ndim == 1 then shape = shape .. "," end
  local text <const> = ("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }"):format(
    kind.bytes == 1 and "|" or "<", codes[kind.name], shape)
  local padding <const> = -(#MAGIC + 4 + #text + 1) % 64
  return ("%s\1\0%s"):format(MAGIC, ("<s2"):pack(text .. (" "):rep(padding) .. "\n"))
end

--- What an array may be written as, by name; the archives of arrays ask too.
npy.codes = codes

--- The bytes of an .npy file (version 1.0, little-endian, C order).
---@param value mlp.Tensor
---@param opts? {dtype: string?} dtype: the kind of number in the file, as NumPy calls it:
--- "float16", "int32", "bool", ...; default the tensor's own. Floats lose their fraction when they
--- become integers; raises when a number does not fit
---@return string
function npy.encode(value, opts)
  numbers.check(CALL, "value", value)
  local o <const> = errors.options(CALL, opts, { dtype = value.dtype })
  local kind <const> = numbers.kind(CALL, o.dtype, codes)
  return header_for(value, kind) .. numbers.bytes(value, kind)
end

--- Writes an .npy file.
---@param path string
---@param value mlp.Tensor
---@param opts? {dtype: string?} as of encode
---@return true? done
---@return string? message
function npy.save(path, value, opts)
  local bytes <const> = npy.encode(value, opts)
  return file.write(CALL, path, function(handle) handle:write(bytes) end)
end

return npy
