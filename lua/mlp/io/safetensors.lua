-- Named tensors and text about them in one file: eight bytes with the length of a JSON header, the
-- header (for each name its dtype, shape and place), the numbers. Nothing in it can be executed.
-- As the format demands, the places must cover the data without holes and without overlap.
-- https://github.com/huggingface/safetensors#format
local json <const> = require "dkjson"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.io.safetensors
local safetensors = {}

local CALL <const> = "mlp.io.safetensors"
local MAX_HEADER <const> = 100000000 -- bytes, as in the reference implementation
local METADATA <const> = "__metadata__"
local refuse <const> = file.refuse

-- The format's code of each kind.
local codes <const> = {
  float64 = "F64", float32 = "F32", float16 = "F16", bfloat16 = "BF16", int64 = "I64",
  int32 = "I32", int16 = "I16", int8 = "I8", uint64 = "U64", uint32 = "U32", uint16 = "U16",
  uint8 = "U8", bool = "BOOL",
}
local kinds <const> = {}
for name, code in pairs(codes) do kinds[code] = numbers.kinds[name] end

local function is_json(value, kind)
  return type(value) == "table" and getmetatable(value).__jsontype == kind
end

-- dkjson descends by calls: deep nesting overflows the stack.
local function parse_json(text)
  local ok <const>, value <const>, stop <const>, message <const> =
    pcall(json.decode, text, 1, json.null)
  if not ok and not tostring(value):find("overflow") then error(value, 0) end
  if not ok then refuse("its header is not valid JSON: nested too deeply") end
  if message then refuse("its header is not valid JSON: %s", message) end
  if text:find("%S", stop) then refuse("its header is not valid JSON: more text follows") end
  if not is_json(value, "object") then refuse("its header is not a JSON object") end
  return value
end

local function read_header(source)
  local head <const> = source:read(0, math.min(source.size, 64))
  local length <const> = #head >= 9 and ("<i8"):unpack(head) or 0
  if length < 1 or head:sub(9, 9) ~= "{" then
    refuse("not a safetensors file but %s", file.describe(head))
  end
  if length > MAX_HEADER then
    refuse("its header claims %d bytes, more than %d", length, MAX_HEADER)
  end
  return parse_json(source:read(8, length)), 8 + length
end

local function check_metadata(metadata)
  if metadata == nil then return {} end
  if not is_json(metadata, "object") then refuse("its metadata is not a JSON object") end
  local texts <const> = {}
  for key, value in pairs(metadata) do
    if type(value) ~= "string" then refuse("its metadata '%s' is not text", key) end
    texts[key] = value
  end
  return texts
end

-- What the header says of one tensor, checked against the bytes that are there.
local function check_entry(name, entry, there)
  if not is_json(entry, "object") then refuse("'%s' is not described by a JSON object", name) end
  local kind <const> = kinds[entry.dtype]
  if not kind then
    refuse("'%s' holds numbers of type %s, which no tensor holds", name, entry.dtype)
  end
  local shape <const>, place <const> = entry.shape, entry.data_offsets
  if not is_json(shape, "array") or not is_json(place, "array") or #place ~= 2 then
    refuse("'%s' has no shape or no data_offsets", name)
  end
  local first <const>, stop <const> = math.tointeger(place[1]), math.tointeger(place[2])
  local bytes <const> = file.shape_bytes(shape, kind.bytes, there, "'" .. name .. "'")
  if not first or not stop or first < 0 or stop > there or stop - first ~= bytes then
    refuse("'%s' claims the bytes %s to %s of %d, but its shape takes %d", name, place[1], place[2],
      there, bytes)
  end
  return { name = name, kind = kind, shape = { table.unpack(shape) }, first = first, stop = stop }
end

local function entries_of(header, there)
  local entries <const> = {}
  for name, entry in pairs(header) do
    if name ~= METADATA then entries[#entries + 1] = check_entry(name, entry, there) end
  end
  table.sort(entries, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.stop < b.stop
  end)
  local covered = 0
  for _, entry in ipairs(entries) do
    if entry.first ~= covered then
      refuse("'%s' does not begin where the tensor before it ends", entry.name)
    end
    covered = entry.stop
  end
  if covered ~= there then refuse("%d bytes at its end belong to no tensor", there - covered) end
  return entries
end

local function read(source)
  local header <const>, start <const> = read_header(source)
  local metadata <const> = check_metadata(header[METADATA])
  local tensors <const> = {}
  for _, entry in ipairs(entries_of(header, source.size - start)) do
    local bytes <const> = source:read(start + entry.first, entry.stop - entry.first)
    tensors[entry.name] = numbers.tensor(bytes, entry.kind, entry.shape)
  end
  return tensors, metadata
end

--- Reads a safetensors file. F32, F64, I64 and U8 come as they are; F16 and BF16 become float32,
--- BOOL becomes uint8, the other integers int64 (a U64 from 2^63 on is refused). Floats of 8 bits
--- are refused.
---@param path string
---@return table<string, mlp.Tensor>? tensors by name
---@return table<string, string>|string metadata or the message
function safetensors.load(path)
  return file.load(CALL, path, read)
end

--- The same from a string.
---@param bytes string
---@return table<string, mlp.Tensor>? tensors
---@return table<string, string>|string metadata or the message
function safetensors.decode(bytes)
  return file.decode(CALL, bytes, read)
end

local function look(source)
  local header <const>, start <const> = read_header(source)
  local metadata <const>, list <const> = check_metadata(header[METADATA]), {}
  for i, entry in ipairs(entries_of(header, source.size - start)) do
    list[i] = { name = entry.name, dtype = entry.kind.name, shape = entry.shape,
      bytes = entry.stop - entry.first }
  end
  return list, metadata
end

---@class mlp.io.SafetensorsEntry
---@field name string
---@field dtype string as the file has it: "float32", "bfloat16", ...
---@field shape integer[]
---@field bytes integer

--- What is in a file, without its numbers: quick, however large it is.
---@param path string
---@return mlp.io.SafetensorsEntry[]? entries in the order of the file
---@return table<string, string>|string metadata or the message
function safetensors.inspect(path)
  return file.load(CALL, path, look)
end

-- Wide numbers first, then by name, as the reference implementation orders them: everything is
-- aligned.
local function ordered(kinds_of)
  local names <const> = numbers.names(kinds_of)
  table.sort(names, function(a, b)
    if kinds_of[a].bytes ~= kinds_of[b].bytes then return kinds_of[a].bytes > kinds_of[b].bytes end
    return a < b
  end)
  return names
end

local function quoted_pairs(texts)
  local parts <const> = {}
  for _, key in ipairs(numbers.names(texts)) do
    parts[#parts + 1] = json.quotestring(key) .. ":" .. json.quotestring(texts[key])
  end
  return table.concat(parts, ",")
end

local function header_for(tensors, names, o)
  local parts <const>, at = {}, 0
  if next(o.metadata) then parts[1] = ('"%s":{%s}'):format(METADATA, quoted_pairs(o.metadata)) end
  for _, name in ipairs(names) do
    local value <const>, kind <const> = tensors[name], o.kinds[name]
    local stop <const> = at + value:numel() * kind.bytes
    parts[#parts + 1] = ('%s:{"dtype":"%s","shape":[%s],"data_offsets":[%d,%d]}'):format(
      json.quotestring(name), codes[kind.name], table.concat(value.shape, ","), at, stop)
    at = stop
  end
  local text <const> = "{" .. table.concat(parts, ",") .. "}"
  return ("<s8"):pack(text .. (" "):rep(-#text % 8))
end

local function check_texts(metadata)
  if type(metadata) ~= "table" then
    errors.wanted(CALL, "metadata", metadata, "a table of texts")
  end
  for key, value in pairs(metadata) do
    if type(key) ~= "string" then errors.wanted(CALL, "a key of metadata", key, "a string") end
    if type(value) ~= "string" then
      errors.wanted(CALL, ("metadata.%s"):format(key), value, "a string")
    end
  end
end

local function write_options(tensors, opts)
  numbers.check_named(CALL, tensors)
  if tensors[METADATA] then errors.raise("%s: no tensor can have the name '%s'", CALL, METADATA) end
  local o <const> = errors.options(CALL, opts, { metadata = {}, dtype = errors.NONE })
  check_texts(o.metadata)
  return { metadata = o.metadata, kinds = numbers.kinds_of(CALL, tensors, o.dtype, codes) }
end

local function write(emit, tensors, o)
  local names <const> = ordered(o.kinds)
  emit(header_for(tensors, names, o))
  for _, name in ipairs(names) do emit(numbers.bytes(tensors[name], o.kinds[name])) end
end

--- What a file of named tensors says beside them.
---@class mlp.io.SafetensorsOptions
---@field metadata table<string, string>? text that travels with the tensors
---@field dtype string|table<string, string>|nil the kind of the floats in the file, "float16" or
---  "bfloat16" for half the bytes; or of some tensors by name; default their own. Floats are
---  rounded to the nearest and come back as float32; raises when an integer does not fit

--- The bytes of a safetensors file; equal content gives equal bytes.
---@param tensors table<string, mlp.Tensor>
---@param opts? mlp.io.SafetensorsOptions
---@return string
function safetensors.encode(tensors, opts)
  local o <const>, pieces <const> = write_options(tensors, opts), {}
  write(function(bytes) pieces[#pieces + 1] = bytes end, tensors, o)
  return table.concat(pieces)
end

--- Writes a safetensors file.
---@param path string
---@param tensors table<string, mlp.Tensor>
---@param opts? mlp.io.SafetensorsOptions
---@return true? done
---@return string? message
function safetensors.save(path, tensors, opts)
  local o <const> = write_options(tensors, opts)
  return file.write(CALL, path, function(handle)
    write(function(bytes) handle:write(bytes) end, tensors, o)
  end)
end

return safetensors
