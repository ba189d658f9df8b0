-- IDX, the format of MNIST: two zero bytes, a code for the kind of number, the count of axes, each
-- axis's length in 32 bits, the numbers; everything big-endian. Files packed by gzip are known by
-- their content.
-- http://yann.lecun.com/exdb/mnist
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.data.idx
local idx = {}

local CALL <const> = "mlp.data.idx"
local LIMIT <const> = 4 << 30 -- bytes that may come out of a packed file
local refuse <const> = file.refuse

local kinds <const> = {
  [0x08] = numbers.kinds.uint8, [0x09] = numbers.kinds.int8, [0x0b] = numbers.kinds.int16,
  [0x0c] = numbers.kinds.int32, [0x0d] = numbers.kinds.float32, [0x0e] = numbers.kinds.float64,
}

local function read_header(bytes)
  local kind <const>, axes <const> = kinds[bytes:byte(3)], bytes:byte(4)
  if bytes:sub(1, 2) ~= "\0\0" or not kind or not axes then
    refuse("not an IDX file but %s", file.describe(bytes:sub(1, 64)))
  end
  local start <const> = 4 + 4 * axes
  if #bytes < start then refuse("it ends within its header") end
  local shape <const> = { (">" .. ("I4"):rep(axes)):unpack(bytes, 5) }
  shape[#shape] = nil -- where the numbers begin
  return kind, shape, start
end

local function read(source, opts)
  local bytes <const> = source:uncompressed(opts.limit)
  local kind <const>, shape <const>, start <const> = read_header(bytes)
  local there <const> = #bytes - start
  local size <const> = file.shape_bytes(shape, kind.bytes, there, "the array")
  if size ~= there then refuse("%d bytes follow the end of the array", there - size) end
  local value <const> = numbers.tensor(bytes:sub(start + 1), kind, shape, ">")
  if not opts.one_based then return value end
  if value.dtype ~= "uint8" and value.dtype ~= "int64" then
    refuse("one_based wants whole numbers but it holds %s", value.dtype)
  end
  return value:to("int64") + 1
end

local function read_options(opts)
  return errors.options(CALL, opts, { one_based = false, limit = LIMIT })
end

--- Reads an IDX file, plain or packed by gzip. uint8 stays uint8; other whole numbers become int64.
---
--- Labels in such files count from 0. With `one_based = true` they become classes as the rest of
--- the library counts them: 1 is added and the result is int64 (digit 0 is class 1, digit 9 class
--- 10).
---@param path string
---@param opts? {one_based: boolean?, limit: integer?} one_based: add 1, default
--- false; limit: bytes unpacked, default 4 GiB
---@return mlp.Tensor? value in the file's shape, such as (count, rows, columns)
---@return string? message
function idx.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param bytes string
---@param opts? {one_based: boolean?, limit: integer?}
---@return mlp.Tensor? value
---@return string? message
function idx.decode(bytes, opts)
  return file.decode(CALL, bytes, read, read_options(opts))
end

return idx
