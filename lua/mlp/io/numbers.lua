-- Numbers as files hold them, and the four dtypes of a tensor. One rule for every format: floats of
-- 16 bits become float32; bool and uint8 become uint8; every other integer becomes int64, which
-- holds them all but the upper half of uint64, and those are refused.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"

local numbers = {}

--- What a file may hold.
---@class mlp.io.Kind
---@field name string as NumPy and PyTorch call it
---@field bytes integer of one number
---@field dtype mlp.Dtype of the tensor that takes it
---@field encoding mlp.Encoding? where the tensor holds it otherwise

---@type table<string, mlp.io.Kind>
numbers.kinds = {}

local function kind(name, bytes, dtype, encoding)
  numbers.kinds[name] = { name = name, bytes = bytes, dtype = dtype, encoding = encoding }
end

kind("float64", 8, "float64")
kind("float32", 4, "float32")
kind("float16", 2, "float32", "float16")
kind("bfloat16", 2, "float32", "bfloat16")
kind("int64", 8, "int64")
kind("int32", 4, "int64", "int32")
kind("int24", 3, "int64", "int24")
kind("int16", 2, "int64", "int16")
kind("int8", 1, "int64", "int8")
kind("uint64", 8, "int64")
kind("uint32", 4, "int64", "uint32")
kind("uint16", 2, "int64", "uint16")
kind("uint8", 1, "uint8")
kind("bool", 1, "uint8")

-- An int64 of these bits stands for a uint64 from 2^63 on.
local function has_negative(value) return value:numel() > 0 and value:amin():item() < 0 end

--- A tensor of numbers that lie in C order.
---@param bytes string exactly as many as the shape takes
---@param held mlp.io.Kind
---@param shape integer[]
---@param order? "<"|">" byte order; default "<"
---@return mlp.Tensor
function numbers.tensor(bytes, held, shape, order)
  local value <const> = core.frombytes(bytes, held.dtype, shape,
    { byteswap = order == ">", encoding = held.encoding })
  if held.name == "uint64" and has_negative(value) then
    file.refuse("it holds a uint64 from 2^63 on, which no tensor holds")
  end
  return value
end

-- ---- writing ------------------------------------------------------------------------------------

--- The kind by its name, which must be one that the format has.
---@param call string
---@param name any
---@param codes table<string, string> what the format has: code by the name of a kind
---@return mlp.io.Kind
function numbers.kind(call, name, codes)
  if type(name) == "string" and codes[name] then return numbers.kinds[name] end
  errors.wanted(call, "dtype", name, "one of " .. table.concat(numbers.names(codes), ", "))
end

--- What each of some named tensors is written as: its own dtype, unless `wanted` says otherwise:
--- a kind of floats for all tensors of floats, or a table with the kinds of some by name.
---@param call string
---@param tensors table<string, mlp.Tensor>
---@param wanted string|table<string, string>|nil
---@param codes table<string, string>
---@return table<string, mlp.io.Kind>
function numbers.kinds_of(call, tensors, wanted, codes)
  local one <const> = type(wanted) ~= "table" and wanted or nil
  if one ~= nil and not numbers.kind(call, one, codes).name:find "float" then
    errors.wanted(call, "dtype", one, "a kind of floats, or a table {name = kind},")
  end
  local kinds <const> = {}
  for name, value in pairs(tensors) do
    local own <const> = value.dtype
    kinds[name] = numbers.kinds[one and own:find "float" and one or own]
  end
  for name, chosen in pairs(one == nil and wanted or {}) do
    if not tensors[name] then
      errors.raise("%s: dtype names '%s', which is no tensor", call, name)
    end
    kinds[name] = numbers.kind(call, chosen, codes)
  end
  return kinds
end

--- The bytes of a tensor as numbers of a kind, little-endian, in C order. Floats lose their
--- fraction when they become integers; raises when an integer does not fit.
---@param value mlp.Tensor
---@param held mlp.io.Kind
---@return string
function numbers.bytes(value, held)
  value = value:detach()
  if held.name == "bool" then value = value:ne(0) end
  if value.dtype ~= held.dtype then value = value:to(held.dtype) end
  if held.name == "uint64" and has_negative(value) then
    errors.raise("mlp.io: a number is negative, which uint64 does not hold")
  end
  return value:tobytes { encoding = held.encoding }
end

-- ---- checking -----------------------------------------------------------------------------------

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
