-- Zip archives, as far as npz needs them: members stored or deflated, found through the central
-- directory at the end of the file; sizes beyond 4 GiB are read (Zip64) but not written.
-- Every claim is held against the file before it is used: the directory must fill the space before
-- the end record, members must lie before the directory and must not overlap, names must be
-- distinct, and what comes out must have the size and the CRC-32 that the directory says.
-- https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section numbers below are its own)
local core <const> = require "mlp.core"
local file <const> = require "mlp.io.file"

local zip = {}

local LOCAL <const>, CENTRAL <const>, END <const> = "PK\3\4", "PK\1\2", "PK\5\6"
local END64 <const>, LOCATOR64 <const> = "PK\6\6", "PK\6\7"
local LOCAL_SIZE <const>, CENTRAL_SIZE <const>, END_SIZE <const> = 30, 46, 22
local MAX_COMMENT <const> = 65535
local FULL <const> = 0xffffffff -- "see the Zip64 field instead"
local STORED <const>, DEFLATED <const> = 0, 8
local MAX_MEMBERS <const> = 0xfffe
local VERSION <const> = 20 -- of the format: 2.0, which knows deflate
local UTF8_NAME <const> = 0x800
local FIRST_DAY <const> = 0x21 -- 1980-01-01, where the format's calendar begins
local refuse <const> = file.refuse

--- One member of an archive, as the central directory describes it.
---@class mlp.io.ZipMember
---@field name string
---@field method integer 0 stored, 8 deflated
---@field crc integer
---@field packed integer bytes in the file
---@field size integer bytes when unpacked
---@field offset integer of the local header; after zip.members also of the data (`data`)

-- 4.3.16: the record at the very end, before a comment whose length it tells.
local function find_end(source)
  local span <const> = math.min(source.size, END_SIZE + MAX_COMMENT)
  local start <const> = source.size - span
  local tail <const> = source:read(start, span)
  for at = span - END_SIZE + 1, 1, -1 do
    if tail:sub(at, at + 3) == END then
      local comment <const> = ("<I2"):unpack(tail, at + 20)
      if at + END_SIZE + comment == span + 1 then return start + at - 1, tail:sub(at) end
    end
  end
  refuse("it has no end record: it is cut short, or no zip archive")
end

-- 4.3.14, 4.3.15: the wide record stands before the end record, found through a locator between
-- them.
local function find_end64(source, end_at)
  local locator <const> = source:read(end_at - 20, 20)
  if locator:sub(1, 4) ~= LOCATOR64 then refuse("its Zip64 end record is missing") end
  local at <const> = ("<i8"):unpack(locator, 9)
  local record <const> = source:read(at, 56)
  if record:sub(1, 4) ~= END64 then refuse("its Zip64 end record is missing") end
  local count <const>, size <const>, offset <const> = ("<i8i8i8"):unpack(record, 33)
  return at, count, size, offset
end

-- Where the directory lies and how many members it has.
local function find_directory(source)
  local end_at <const>, record <const> = find_end(source)
  local disks <const>, here <const>, count <const>, size <const>, offset <const> =
    ("<I4I2I2I4I4"):unpack(record, 5)
  if count == 0xffff or size == FULL or offset == FULL then return find_end64(source, end_at) end
  if disks ~= 0 or here ~= count then refuse("it is one part of several") end
  return end_at, count, size, offset
end

-- 4.5.3: the fields that are full in the entry follow each other in the extra field 1.
local function widen(member, extra)
  local at = 1
  while at + 4 <= #extra + 1 do
    local id <const>, length <const> = ("<I2I2"):unpack(extra, at)
    local field <const> = extra:sub(at + 4, at + 3 + length)
    at = at + 4 + length
    local next_value = 1
    for _, name in ipairs(id == 1 and { "size", "packed", "offset" } or {}) do
      if member[name] == FULL then
        if next_value + 7 > #field then
          refuse("the Zip64 field of '%s' is too short", member.name)
        end
        member[name], next_value = ("<i8"):unpack(field, next_value)
      end
    end
  end
end

local function parse_entry(directory, at)
  if at + CENTRAL_SIZE > #directory + 1 or directory:sub(at, at + 3) ~= CENTRAL then
    refuse("its directory is damaged")
  end
  local flags <const>, method <const>, _, crc <const>, packed <const>, size <const> =
    ("<I2I2I4I4I4I4"):unpack(directory, at + 8)
  local name_length <const>, extra_length <const>, comment_length <const>, _, _, offset <const> =
    ("<I2I2I2I4I4I4"):unpack(directory, at + 28)
  local name_at <const> = at + CENTRAL_SIZE
  local extra_at <const> = name_at + name_length
  local stop <const> = extra_at + extra_length + comment_length
  if stop > #directory + 1 then refuse("its directory is damaged") end
  local name <const> = directory:sub(name_at, extra_at - 1)
  local member <const> =
    { name = name, method = method, crc = crc, packed = packed, size = size, offset = offset }
  widen(member, directory:sub(extra_at, extra_at + extra_length - 1))
  if flags & 1 ~= 0 then refuse("'%s' is encrypted", name) end
  if method ~= STORED and method ~= DEFLATED then
    refuse("'%s' is packed by method %d, but 0 (stored) or 8 (deflated) is wanted", name, method)
  end
  return member, stop
end

-- 4.3.7: the local header says once more what the directory said; only its lengths are needed.
local function locate(source, member, limit)
  local header <const> = source:read(member.offset, LOCAL_SIZE)
  local name_length <const>, extra_length <const> = ("<I2I2"):unpack(header, 27)
  local name <const> = source:read(member.offset + LOCAL_SIZE, name_length)
  if header:sub(1, 4) ~= LOCAL or name ~= member.name then
    refuse("'%s' is not where the directory says", member.name)
  end
  member.data = member.offset + LOCAL_SIZE + name_length + extra_length
  if member.packed < 0 or member.packed > limit - member.data then
    refuse("'%s' claims %d bytes, more than there are", member.name, member.packed)
  end
end

local function check_members(members)
  local by_place <const>, seen <const> = table.move(members, 1, #members, 1, {}), {}
  table.sort(by_place, function(a, b) return a.offset < b.offset end)
  for k, member in ipairs(by_place) do
    local next_member <const> = by_place[k + 1]
    if next_member and member.data + member.packed > next_member.offset then
      refuse("'%s' and '%s' overlap", member.name, next_member.name)
    end
    if seen[member.name] then refuse("it has two members '%s'", member.name) end
    seen[member.name] = true
  end
end

--- The members in the order of the directory.
---@param source mlp.io.Source
---@return mlp.io.ZipMember[]
function zip.members(source)
  local stop <const>, count <const>, size <const>, offset <const> = find_directory(source)
  if offset < 0 or size < 0 or offset > stop or size ~= stop - offset then
    refuse("its directory is not where its end record says")
  end
  local directory <const> = source:read(offset, size)
  local members <const>, at = {}, 1
  while at <= #directory do
    members[#members + 1], at = parse_entry(directory, at)
    locate(source, members[#members], offset)
  end
  if #members ~= count then
    refuse("its end record counts %d members but there are %d", count, #members)
  end
  check_members(members)
  return members
end

--- A member's content.
---@param source mlp.io.Source
---@param member mlp.io.ZipMember
---@param limit integer bytes that a deflated member may have
---@return string
function zip.extract(source, member, limit)
  local bytes = source:read(member.data, member.packed)
  if member.method == DEFLATED then
    if member.size < 0 or member.size > limit then
      refuse("'%s' claims %d bytes, more than the limit of %d", member.name, member.size, limit)
    end
    local plain <const>, message <const> =
      core.inflate(bytes, { format = "raw", limit = member.size })
    bytes = plain or refuse("'%s': %s", member.name, message)
  end
  if #bytes ~= member.size or core.crc32(bytes) ~= member.crc then
    refuse("'%s' is damaged: its size or its CRC-32 is not what the directory says", member.name)
  end
  return bytes
end

-- The fields that the local header and the directory share, from "version needed" to "extra
-- length". The date is always the same, so equal content gives equal archives.
local function shared_fields(member)
  return ("<I2I2I2I2I2I4I4I4I2I2"):pack(VERSION, UTF8_NAME, member.method, 0, FIRST_DAY, member.crc,
    member.packed, member.size, #member.name, 0)
end

--- Writes an archive through `emit`, member by member.
---@class mlp.io.ZipWriter
local Writer = {}
Writer.__index = Writer

---@param emit fun(bytes: string)
---@return mlp.io.ZipWriter
function zip.writer(emit)
  return setmetatable({ emit = emit, at = 0, members = {} }, Writer)
end

function Writer:put(bytes)
  self.emit(bytes)
  self.at = self.at + #bytes
end

--- Adds a member; refuses when the archive would pass 4 GiB.
---@param name string
---@param bytes string
---@param compress boolean
function Writer:add(name, bytes, compress)
  local packed <const> = compress and core.deflate(bytes, { format = "raw" }) or bytes
  local member <const> = {
    name = name, method = compress and DEFLATED or STORED, crc = core.crc32(bytes),
    packed = #packed, size = #bytes, offset = self.at,
  }
  if #bytes >= FULL or self.at + LOCAL_SIZE + #name + #packed >= FULL then
    refuse("'%s' would take the archive beyond 4 GiB", name)
  end
  if #self.members >= MAX_MEMBERS then refuse("more than %d members", MAX_MEMBERS) end
  self.members[#self.members + 1] = member
  self:put(LOCAL .. shared_fields(member) .. name)
  self:put(packed)
end

--- Writes the directory and the end record.
function Writer:finish()
  local start <const>, count <const> = self.at, #self.members
  for _, member in ipairs(self.members) do
    self:put(CENTRAL .. ("<I2"):pack(VERSION) .. shared_fields(member)
      .. ("<I2I2I2I4I4"):pack(0, 0, 0, 0, member.offset) .. member.name)
  end
  self:put(END .. ("<I2I2I2I2I4I4I2"):pack(0, 0, count, count, self.at - start, start, 0))
end

return zip
