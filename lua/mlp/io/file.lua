-- Reading and writing of files, and the manners that every format shares.
--
-- A reader gets a source (an open file or a string) of known size and either returns its value or
-- calls file.refuse; whoever called load or decode then gets `nil, message` naming the call and the
-- file. Nothing is read, and so nothing is allocated, beyond what the source really holds.
-- What is written goes to a file beside the wanted one and takes its name only when it is complete.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
require "mlp.tensor" -- what is read are whole tensors, however this file was reached

local file = {}

local MAX_DIMS <const>, MAX_COUNT <const> = 8, 1 << 48 -- axes and elements of a tensor

--- Where a reader reads from: an open file or a string.
---@class mlp.io.Source
---@field size integer bytes
local Source = {}
Source.__index = Source

local Refusal = {} -- marks an error that becomes `nil, message`

--- Ends the reader that calls it; its load or decode answers `nil, message`.
---@param format string
function file.refuse(format, ...)
  error(setmetatable({ message = format:format(...) }, Refusal), 0)
end

local refuse <const> = file.refuse

--- `count` bytes from `offset` on (counted from 0, as file formats do); refuses when they are not
--- there.
---@param offset integer
---@param count integer
---@return string
function Source:read(offset, count)
  if offset < 0 or count < 0 or count > self.size - offset then
    refuse("it ends too early: it has %d bytes, but %d from byte %d on are wanted", self.size,
      count, offset + 1)
  end
  if count == 0 then return "" end
  if self.text and count == self.size then return self.text end
  if self.text then return self.text:sub(offset + 1, offset + count) end
  self.handle:seek("set", offset)
  local bytes <const> = self.handle:read(count)
  if not bytes or #bytes < count then refuse("it changed while it was read") end
  return bytes
end

--- Everything; a gzip file is decompressed, whatever its name, to at most `limit` bytes.
---@param limit integer bytes
---@return string
function Source:uncompressed(limit)
  local bytes <const> = self:read(0, self.size)
  if bytes:sub(1, 2) ~= "\x1f\x8b" then return bytes end
  local plain <const>, message <const> = core.inflate(bytes, { format = "gzip", limit = limit })
  return plain or refuse("%s", message)
end

function Source:close()
  if self.handle then self.handle:close() end
  self.handle = nil
end

Source.__close = Source.close

-- A directory opens but does not read; a pipe reads but has no size.
local function source_of(handle)
  local _, message <const> = handle:read(0)
  if message then return nil, message end
  local size <const> = handle:seek("end")
  if size then return setmetatable({ handle = handle, size = size }, Source) end
  local text <const> = handle:read("a")
  handle:close()
  return setmetatable({ text = text, size = #text }, Source)
end

-- The C library's sentence without the name in front of it.
local function reason(message)
  return message:match("([^:]*)$"):match("^%s*(.*)$")
end

local function open(call, path)
  if type(path) ~= "string" then errors.wanted(call, "path", path, "the name of a file") end
  local handle <const>, why <const> = io.open(path, "rb")
  if not handle then return nil, ("%s: cannot open '%s': %s"):format(call, path, reason(why)) end
  local source <const>, message <const> = source_of(handle)
  if source then return source end
  handle:close()
  return nil, ("%s: cannot read '%s': %s"):format(call, path, message)
end

local function answer(where, ok, ...)
  if ok then return ... end
  local raised <const> = ...
  if getmetatable(raised) ~= Refusal then error(raised, 0) end
  return nil, ("%s: %s"):format(where, raised.message)
end

--- Opens `path` and runs `reader(source, ...)` on it.
---@param call string name in messages, such as "mlp.io.npy"
---@param path string
---@param reader fun(source: mlp.io.Source, ...): any
---@return any ... the reader's results; or nil and a message
function file.load(call, path, reader, ...)
  local source <close>, message <const> = open(call, path)
  if not source then return nil, message end
  return answer(("%s: '%s'"):format(call, path), pcall(reader, source, ...))
end

--- The same over a string.
---@param call string
---@param bytes string
---@param reader fun(source: mlp.io.Source, ...): any
---@return any ...
function file.decode(call, bytes, reader, ...)
  if type(bytes) ~= "string" then errors.wanted(call, "input", bytes, "a string") end
  return answer(call, pcall(reader, setmetatable({ text = bytes, size = #bytes }, Source), ...))
end

local function whole(source, limit)
  if limit and source.size > limit then
    refuse("it has %d bytes but at most %d were wanted", source.size, limit)
  end
  return source:read(0, source.size)
end

--- The content of a file.
---@param path string
---@param opts? {limit: integer?} limit: bytes; a longer file is refused
---@return string? content
---@return string? message
function file.read(path, opts)
  opts = errors.options("mlp.io.read", opts, { limit = errors.NONE })
  return file.load("mlp.io", path, whole, opts.limit)
end

--- Keeps the first failure, so that callers need not look at every write.
---@class mlp.io.Writer
local Writer = {}
Writer.__index = Writer

---@param ... string|number
---@return mlp.io.Writer self
function Writer:write(...)
  if self.failure then return self end
  local ok <const>, message <const> = self.handle:write(...)
  if not ok then self.failure = message end
  return self
end

--- A name beside `path` that no other writer uses, also none of another process.
---@param path string
---@return string
function file.partial_name(path)
  local here <const> = tostring({}):match("0x(%x+)") or ""
  return ("%s.partial-%x%s"):format(path, os.time(), here)
end

-- Runs the writer; false and what it raised, or true and what the file system said.
local function fill(handle, write)
  local writer <const> = setmetatable({ handle = handle }, Writer)
  local ok <const>, raised <const> = pcall(write, writer)
  local closed <const>, message <const> = handle:close()
  if not ok then return false, raised end
  return true, writer.failure or not closed and message or nil
end

--- Writes a file aside and renames it: `path` holds the old content or all of the new.
---@param call string name in messages, such as "mlp.io.npy"
---@param path string
---@param write fun(handle: mlp.io.Writer) what it raises is raised again
---@return true? done
---@return string? message
function file.write(call, path, write)
  if type(path) ~= "string" then errors.wanted(call, "path", path, "the name of a file") end
  local where <const> = ("%s: cannot write '%s'"):format(call, path)
  local partial <const> = file.partial_name(path)
  local handle <const>, why <const> = io.open(partial, "wb")
  if not handle then return nil, ("%s: %s"):format(where, reason(why)) end
  local ok <const>, failure = fill(handle, write)
  if ok and not failure then
    local renamed <const>, message <const> = os.rename(partial, path)
    if renamed then return true end
    failure = message
  end
  os.remove(partial)
  if not ok then return answer(where, false, failure) end
  return nil, ("%s: %s"):format(where, reason(failure))
end

-- How files begin, for messages; the longest story is told by the first bytes alone.
local beginnings <const> = {
  { "^\x93NUMPY", "an npy file" },
  { "^PK[\3\5\7]", "a zip archive (npz)" },
  { "^\x89PNG", "a PNG picture" },
  { "^\xff\xd8\xff", "a JPEG picture" },
  { "^GIF8", "a GIF picture" },
  { "^RIFF....WAVE", "a WAV sound" },
  { "^\x1f\x8b", "gzip data" },
  { "^%z%z[\8\9\11-\14][\1-\8]", "an IDX file" },
  { "^.......%z{", "a safetensors file" },
  { "^\x80[\2-\5]", "a Python pickle" },
  { "^version https://git%-lfs", "a Git LFS pointer, not the file itself" },
  { "^%s*<", "a web page or XML" },
  { "^[%g%s][%g%s\x80-\xff]*$", "text" },
}

--- What the bytes look like.
---@param head string the first bytes
---@return string description such as "a PNG picture"
function file.describe(head)
  if head == "" then return "an empty file" end
  for _, row in ipairs(beginnings) do
    if head:sub(1, 64):find(row[1]) then return row[2] end
  end
  return "something else"
end

--- Refuses a source that does not begin with `magic`, saying what it looks like instead.
---@param source mlp.io.Source
---@param magic string
---@param wanted string such as "an npy file"
function file.expect(source, magic, wanted)
  local head <const> = source:read(0, math.min(source.size, 64))
  if head:sub(1, #magic) == magic then return end
  refuse("not %s but %s", wanted, file.describe(head))
end

--- The bytes that a shape from a header takes; refuses one that is no shape or larger than what is
--- there.
---@param shape integer[]
---@param item integer bytes of one element
---@param there integer bytes
---@param what string in the message
---@return integer bytes
function file.shape_bytes(shape, item, there, what)
  if #shape > MAX_DIMS then refuse("%s has %d axes, more than %d", what, #shape, MAX_DIMS) end
  local count, empty = 1, false
  for axis, length in ipairs(shape) do
    if math.type(length) ~= "integer" or length < 0 then
      refuse("%s has the length %s along axis %d", what, length, axis)
    end
    empty = empty or length == 0
    if length > MAX_COUNT // count then refuse("%s has more than 2^48 elements", what) end
    count = count * math.max(length, 1)
  end
  local bytes <const> = empty and 0 or count * item
  if bytes > there then
    local text <const> = table.concat(shape, ", ")
    refuse("%s is (%s), %d bytes, but only %d are there", what, text, bytes, there)
  end
  return bytes
end

return file
