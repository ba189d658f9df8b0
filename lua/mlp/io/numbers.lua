-- Numbers as files hold them, turned into the four dtypes of a tensor. One rule for every format:
-- floats of 16 bits become float32; bool and uint8 become uint8; every other integer becomes int64,
-- which holds them all. (uint64 would not fit and is no kind here.)
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local numbers = {}

--- Bytes of one element of a tensor.
---@type table<string, integer>
numbers.size = { float64 = 8, int64 = 8, float32 = 4, uint8 = 1 }

local CHUNK <const> = 128 -- numbers that one string.unpack turns at once

-- Integers of `size` bytes into the eight of int64. `code` is string.unpack's, with byte order.
local function integers(code, size)
  return function(bytes, order)
    local from <const>, to <const> = order .. code:rep(CHUNK), "<" .. ("i8"):rep(CHUNK)
    local pieces <const>, step <const> = {}, CHUNK * size
    local at = 1
    while at + step <= #bytes + 1 do
      pieces[#pieces + 1] = to:pack(from:unpack(bytes, at))
      at = at + step
    end
    for rest = at, #bytes, size do
      pieces[#pieces + 1] = ("<i8"):pack(((order .. code):unpack(bytes, rest)))
    end
    return table.concat(pieces)
  end
end

-- IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction.
local function half(bits)
  local sign <const> = bits >> 15 == 0 and 1.0 or -1.0
  local exponent <const>, fraction <const> = bits >> 10 & 31, (bits & 1023) / 1024
  if exponent == 31 then return fraction == 0 and sign * math.huge or 0 / 0 end
  if exponent == 0 then return sign * fraction * 2.0 ^ -14 end
  return sign * (1 + fraction) * 2.0 ^ (exponent - 15)
end

local function little(bytes, order)
  return order == ">" and bytes:gsub("(.)(.)", "%2%1") or bytes
end

local function halves(bytes, order)
  local seen <const> = setmetatable({}, {
    __index = function(known, two)
      known[two] = ("<f"):pack(half((("<I2"):unpack(two))))
      return known[two]
    end,
  })
  return (little(bytes, order):gsub("..", seen))
end

-- bfloat16 is the upper half of a float32.
local function brains(bytes, order)
  return (little(bytes, order):gsub("..", "\0\0%0"))
end

--- What a file may hold: bytes of one number, the dtype that takes it, and how it is turned into
--- that.
---@class mlp.io.Kind
---@field bytes integer
---@field dtype string
---@field turn? fun(bytes: string, order: "<"|">"): string little-endian numbers of dtype

---@type table<string, mlp.io.Kind>
numbers.kinds = {
  f8 = { bytes = 8, dtype = "float64" },
  f4 = { bytes = 4, dtype = "float32" },
  f2 = { bytes = 2, dtype = "float32", turn = halves },
  bf2 = { bytes = 2, dtype = "float32", turn = brains },
  i8 = { bytes = 8, dtype = "int64" },
  i4 = { bytes = 4, dtype = "int64", turn = integers("i4", 4) },
  i2 = { bytes = 2, dtype = "int64", turn = integers("i2", 2) },
  i1 = { bytes = 1, dtype = "int64", turn = integers("i1", 1) },
  u4 = { bytes = 4, dtype = "int64", turn = integers("I4", 4) },
  u2 = { bytes = 2, dtype = "int64", turn = integers("I2", 2) },
  u1 = { bytes = 1, dtype = "uint8" },
  b1 = { bytes = 1, dtype = "uint8" },
}

--- A tensor of numbers that lie in C order.
---@param bytes string exactly as many as the shape takes
---@param kind mlp.io.Kind
---@param shape integer[]
---@param order? "<"|">" byte order; default "<"
---@return mlp.Tensor
function numbers.tensor(bytes, kind, shape, order)
  order = order or "<"
  if kind.turn then return core.frombytes(kind.turn(bytes, order), kind.dtype, shape) end
  return core.frombytes(bytes, kind.dtype, shape, { byteswap = order == ">" and kind.bytes > 1 })
end

--- Raises unless `value` is a tensor.
---@param call string
---@param what string
---@param value any
function numbers.check(call, what, value)
  local metatable <const> = getmetatable(value)
  if type(metatable) == "table" and metatable.__name == "mlp.Tensor" then return end
  errors.wanted(call, what, value, "a tensor")
end

--- Raises unless `values` is a table of tensors with names.
---@param call string
---@param values any
function numbers.check_named(call, values)
  if type(values) ~= "table" then errors.wanted(call, "value", values, "a table of tensors") end
  for name, value in pairs(values) do
    if type(name) ~= "string" or name == "" then
      errors.wanted(call, "a tensor's name", name, "a string")
    end
    numbers.check(call, ("'%s'"):format(name), value)
  end
end

--- The keys in order.
---@param values table<string, any>
---@return string[]
function numbers.names(values)
  local names <const> = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  return names
end

return numbers
