--- What tensors have beyond the operations of the core: splitting, printing, and the table of names
--- that users see (core.public).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

require "mlp.show"

local methods <const> = core.methods

--- Internal rows and hooks of the library stay out of the public face.
local HIDDEN <const> = {
  raise = true, describe = true, caller_is = true, methods = true, debug = true, rows = true,
  public = true, info = true, set_metamethod = true, library = true, activations = true,
  no_grad_scope = true, isatty = true, inflate = true, deflate = true, crc32 = true,
  png_decode = true, png_encode = true, md5 = true, grad = true, word_distance = true,
  memory_limit = true, recording = true, is_recording = true, compiled = true, keep = true,
  forget = true, plans = true, lanes = true, hooks_changed = true, put = true,
  fits = true, last = true,
}

local function public_names()
  local public = {}
  for name, value in pairs(core) do
    local part <const> = name:find(".", 1, true) -- "linalg.svd" is found in mlp.linalg
    if not HIDDEN[name] and not part then public[name] = value end
  end
  for _, row in ipairs(core.rows()) do
    if row.internal then public[row.name], public[row.name .. "_"] = nil, nil end
  end
  return public
end

core.public = core.public or public_names()

--- Cuts along an axis into pieces of a size (the last may be shorter) or of given sizes. Views.
---@param x mlp.Tensor
---@param size integer|integer[] length of a piece, or the lengths, which must add up
---@param axis integer? default 1
---@return mlp.Tensor[]
function methods.split(x, size, axis)
  axis = axis or 1
  local length = x:size(axis)
  local sizes = size
  if math.type(size) == "integer" and size > 0 then
    sizes = {}
    for first = 1, length, size do sizes[#sizes + 1] = math.min(size, length - first + 1) end
  elseif type(size) ~= "table" then
    errors.wanted("split", "size", size, "a length from 1, or a table of lengths")
  end
  local pieces, first = {}, 1
  for i, n in ipairs(sizes) do
    if math.type(n) ~= "integer" or n < 1 then
      errors.wanted("split", ("sizes[%d]"):format(i), n, "a length from 1")
    end
    if first + n - 1 > length then break end
    pieces[i] = x:slice(axis, first, first + n - 1)
    first = first + n
  end
  if first ~= length + 1 then
    errors.raise("split: the sizes add up to %d but axis %d has %d", first - 1, axis, length)
  end
  return pieces
end

--- Cuts along an axis into n pieces whose lengths differ by at most one. Views.
---@param x mlp.Tensor
---@param n integer how many, 1 to the length of the axis
---@param axis integer? default 1
---@return mlp.Tensor[]
function methods.chunk(x, n, axis)
  local length = x:size(axis or 1)
  if math.type(n) ~= "integer" or n < 1 or n > length then
    errors.wanted("chunk", "n", n, ("a whole number from 1 to %d"):format(length))
  end
  local sizes = {}
  for i = 1, n do sizes[i] = length // n + (i <= length % n and 1 or 0) end
  return methods.split(x, sizes, axis)
end

core.public.split, core.public.chunk = methods.split, methods.chunk

--- All 0, in x's shape and dtype.
---@param x mlp.Tensor
---@return mlp.Tensor
function core.public.zeros_like(x) return core.zeros(x.shape, { dtype = x.dtype }) end

--- All 1, in x's shape and dtype.
---@param x mlp.Tensor
---@return mlp.Tensor
function core.public.ones_like(x) return core.ones(x.shape, { dtype = x.dtype }) end

return methods
