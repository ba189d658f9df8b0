-- Delimited text cut into records: fields between separators; a field in double quotes may hold
-- separators, line ends and (doubled) quotes (RFC 4180). Lines end with \n, \r\n or \r; empty
-- lines are passed over; blanks around an unquoted field are dropped. The separator " " stands for
-- any run of blanks.
local file <const> = require "mlp.io.file"

local QUOTE <const>, SPACE <const>, TAB <const> = 34, 32, 9

--- One walk over the records of a text.
---@class mlp.data.Records
---@field line integer where the record that was read last begins, from 1
local Records = {}
Records.__index = Records

--- Begins a walk.
---@param text string
---@param separator string one byte
---@return mlp.data.Records
local function records(text, separator)
  local class <const> = separator == " " and " \t" or (separator:gsub("%p", "%%%0"))
  return setmetatable({
    text = text, at = 1, line = 0, next_line = 1,
    runs = separator == " ", separator = separator:byte(),
    plain = "^([^" .. class .. "\r\n\" \t]*)()", -- neither quotes nor blanks
    blanks = separator == "\t" and "^ *()" or "^[ \t]*()",
    stops = "[" .. class .. "\r\n]",
  }, Records)
end

-- The field that opens with a quote at `open`, and where it ends.
local function quoted(self, open, position)
  local text <const> = self.text
  local close = open
  repeat
    close = text:find('"', close + 1, true)
    if not close then
      file.refuse("line %d, field %d: its quote never closes", self.line, position)
    end
    local doubled <const> = text:byte(close + 1) == QUOTE
    if doubled then close = close + 1 end
  until not doubled
  local stop <const> = text:match(self.blanks, close + 1)
  local ended <const> = stop > #text or text:find("^" .. self.stops, stop)
  if not ended and not (self.runs and stop > close + 1) then
    file.refuse("line %d, field %d: more text follows its closing quote", self.line, position)
  end
  local value <const> = text:sub(open + 1, close - 1)
  if value:find("\n", 1, true) then
    self.next_line = self.next_line + select(2, value:gsub("\n", ""))
  end
  return (value:gsub('""', '"')), stop
end

-- The field at self.at, and where it ends.
local function field(self, position)
  local text <const> = self.text
  local start = self.at
  local first = text:byte(start)
  if first == SPACE or first == TAB then
    start = text:match(self.blanks, start)
    first = text:byte(start)
  end
  if first == QUOTE then return quoted(self, start, position) end
  local stop <const> = text:find(self.stops, start) or #text + 1
  local last <const> = text:byte(stop - 1)
  if last ~= SPACE and last ~= TAB then return text:sub(start, stop - 1), stop end
  return text:sub(start, stop - 1):match("^.*[^ \t]") or "", stop
end

local function line_end(self)
  if not self.text:find("^[\r\n]", self.at) then return self.at > #self.text end
  self.at = self.text:match("^\r?\n?()", self.at)
  self.next_line = self.next_line + 1
  return true
end

-- Moves past what stands between two fields; false at the end of the record.
local function another_field(self)
  if self.runs then self.at = self.text:match(self.blanks, self.at) end
  if line_end(self) then return false end
  if not self.runs then self.at = self.at + 1 end
  return true
end

-- Moves to the first line that is not empty; false at the end of the text.
local function another_record(self)
  while self.at <= #self.text do
    local start <const> = self.text:match(self.blanks, self.at)
    if start <= #self.text and not self.text:find("^[\r\n]", start) then return true end
    self.at = start
    line_end(self)
  end
  return false
end

--- Reads the next record; fields of an earlier, longer one stay in the table.
---@param fields string[] filled from 1
---@return integer? count of fields; nil at the end of the text
function Records:next(fields)
  if not another_record(self) then return nil end
  self.line = self.next_line
  local text <const>, plain <const>, separator <const> = self.text, self.plain, self.separator
  local at, count, more = self.at, 0, true
  while more do
    count = count + 1
    local value, stop = text:match(plain, at)
    if text:byte(stop) == separator and not self.runs then -- nearly always
      at = stop + 1
    else
      self.at = at
      value, self.at = field(self, count)
      more = another_field(self)
      at = self.at
    end
    fields[count] = value
  end
  return count
end

return records
