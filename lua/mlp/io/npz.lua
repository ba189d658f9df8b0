-- Several named arrays in one file: a zip archive of .npy members, as numpy.savez writes it.
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local npy <const> = require "mlp.io.npy"
local numbers <const> = require "mlp.io.numbers"
local zip <const> = require "mlp.io.zip"

---@class mlp.io.npz
local npz = {}

local CALL <const> = "mlp.io.npz"
local LIMIT <const> = 4 << 30 -- bytes that one deflated member may have
local refuse <const> = file.refuse

local function read(source, limit)
  file.expect(source, "PK", "an npz file")
  local arrays <const> = {}
  for _, member in ipairs(zip.members(source)) do
    local name <const> = member.name:match("^(.+)%.npy$")
    if not name then refuse("its member '%s' is not an npy file", member.name) end
    local value <const>, message <const> = npy.decode(zip.extract(source, member, limit))
    arrays[name] = value or refuse("'%s': %s", member.name, message)
  end
  return arrays
end

local function read_options(opts)
  opts = errors.options(CALL, opts, { limit = LIMIT })
  return opts.limit
end

--- Reads an .npz file, stored or compressed; the numbers turn into dtypes as `mlp.io.npy` says.
---@param path string
---@param opts? {limit: integer?} limit: bytes that one compressed array may have; default 4 GiB
---@return table<string, mlp.Tensor>? arrays by name
---@return string? message
function npz.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param bytes string
---@param opts? {limit: integer?}
---@return table<string, mlp.Tensor>? arrays
---@return string? message
function npz.decode(bytes, opts)
  return file.decode(CALL, bytes, read, read_options(opts))
end

local function write(emit, arrays, o)
  local writer <const> = zip.writer(emit)
  for _, name in ipairs(numbers.names(arrays)) do
    local bytes <const> = npy.encode(arrays[name], { dtype = o.kinds[name].name })
    writer:add(name .. ".npy", bytes, o.compress)
  end
  writer:finish()
end

local function write_options(arrays, opts)
  numbers.check_named(CALL, arrays)
  local o <const> = errors.options(CALL, opts, { compress = false, dtype = errors.NONE })
  return { compress = o.compress, kinds = numbers.kinds_of(CALL, arrays, o.dtype, npy.codes) }
end

--- The bytes of an .npz file. Equal content gives equal bytes: names are sorted, dates left out.
---@param arrays table<string, mlp.Tensor>
---@param opts? {compress: boolean?, dtype: string|table<string, string>|nil} compress: deflate the
--- members; default false; dtype: the kind of the floats, such as "float16", or of some arrays by
--- name, as mlp.io.npy has them; default their own
---@return string? bytes
---@return string? message when the archive would pass 4 GiB
function npz.encode(arrays, opts)
  local o <const>, pieces <const> = write_options(arrays, opts), {}
  return file.decode(CALL, "", function()
    write(function(bytes) pieces[#pieces + 1] = bytes end, arrays, o)
    return table.concat(pieces)
  end)
end

--- Writes an .npz file.
---@param path string
---@param arrays table<string, mlp.Tensor>
---@param opts? {compress: boolean?, dtype: string|table<string, string>|nil} as of encode
---@return true? done
---@return string? message
function npz.save(path, arrays, opts)
  local o <const> = write_options(arrays, opts)
  return file.write(CALL, path, function(handle)
    write(function(bytes) handle:write(bytes) end, arrays, o)
  end)
end

return npz
