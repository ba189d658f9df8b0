-- A small, strict reader of XML, enough to refuse what a browser would refuse: one root, matching
-- tags, quoted attributes named once, escaped text, valid UTF-8 without forbidden characters. It
-- knows no comments, CDATA or DTD, because nothing here writes them.

---@class spec.Element
---@field name string
---@field attributes table<string, string>
---@field text string              of the element and everything inside
---@field parent spec.Element?
---@field [integer] spec.Element   children
local Element = {}
Element.__index = Element

local xml = {}

local ENTITIES <const> = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

local function fail(source, at, why)
  error(("%s at byte %d: %s"):format(why, at, source:sub(at, at + 40)), 0)
end

local function check_characters(source)
  local length <const>, bad <const> = utf8.len(source)
  if not length then fail(source, bad, "not UTF-8") end
  for at, code in utf8.codes(source) do
    local space <const> = code == 9 or code == 10 or code == 13
    if code < 32 and not space or code == 0xFFFE or code == 0xFFFF then
      fail(source, at, "forbidden character")
    end
  end
end

local function unescaped(source, at, raw)
  if raw:find "<" then fail(source, at, "bare <") end
  return (raw:gsub("&([^;]*);?", function(name)
    local code <const> = tonumber(name:match "^#(%d+)$" or "x")
    local character <const> = code and utf8.char(code) or ENTITIES[name]
    if not character then fail(source, at, "bare & or unknown entity") end
    return character
  end))
end

local function read_attributes(source, at, raw)
  local attributes <const> = {}
  local rest = raw
  while rest:find "%S" do
    local name <const>, value <const>, more <const> =
      rest:match '^%s+([%a_][%w_:.-]*)="([^"]*)"(.*)$'
    if not name then fail(source, at, "attributes are not name=\"value\"") end
    if attributes[name] then fail(source, at, "attribute " .. name .. " twice") end
    attributes[name] = unescaped(source, at, value)
    rest = more
  end
  return attributes
end

local function open_element(source, at, name, raw, parent)
  local element <const> = setmetatable({ name = name, text = "", parent = parent,
    attributes = read_attributes(source, at, raw) }, Element)
  parent[#parent + 1] = element
  return element
end

local function add_text(source, at, raw, element)
  local text <const> = unescaped(source, at, raw)
  if not element.name and text:find "%S" then fail(source, at, "text outside the root") end
  local inner = element
  while inner do
    if inner.text then inner.text = inner.text .. text end
    inner = inner.parent
  end
end

--- The root element of a document; raises where it is not well-formed.
---@param source string
---@return spec.Element
function xml.parse(source)
  check_characters(source)
  local at = source:match '^<%?xml version="1.0" encoding="UTF%-8"%?>()' or 1
  local document <const> = {}
  local current = document
  while at <= #source do
    local raw <const>, tag <const>, after <const> = source:match("^([^<]*)<([^<>]*)>()", at)
    if not raw then break end
    add_text(source, at, raw, current)
    local closing <const> = tag:match "^/([%w:]+)%s*$"
    local name <const>, inside <const>, slash <const> = tag:match "^([%a][%w:]*)(.-)(/?)$"
    if closing then
      if current.name ~= closing then fail(source, at, "closes what is not open") end
      current = current.parent
    elseif name then
      local element <const> = open_element(source, at, name, inside, current)
      if slash == "" then current = element end
    else
      fail(source, at, "not a tag")
    end
    at = after
  end
  add_text(source, at, source:sub(at), current)
  if current ~= document then fail(source, #source, "not closed: " .. current.name) end
  if #document ~= 1 then fail(source, 1, "not one root") end
  document[1].parent = nil
  return document[1]
end

--- All elements of a name inside this one, in the order of the document.
---@param name string
---@param found spec.Element[]?
---@return spec.Element[]
function Element:all(name, found)
  found = found or {}
  for _, child in ipairs(self) do
    if child.name == name then found[#found + 1] = child end
    child:all(name, found)
  end
  return found
end

--- The first element of a name whose text or attributes are as wanted.
---@param name string
---@param wanted table<string, string>  attributes, and `text`
---@return spec.Element?
function Element:find(name, wanted)
  for _, element in ipairs(self:all(name)) do
    local fits = true
    for key, value in pairs(wanted) do
      fits = fits and (key == "text" and element.text or element.attributes[key]) == value
    end
    if fits then return element end
  end
  return nil
end

--- A numeric attribute.
---@param name string
---@return number
function Element:number(name)
  return tonumber(self.attributes[name]) or error(name .. " is no number", 2)
end

--- The corners of a path's `d`: x, y, x, y, ...
---@return number[]
function Element:points()
  local list <const> = {}
  for x, y in self.attributes.d:gmatch "[ML](%S+) ([^MLZ]+)" do
    list[#list + 1], list[#list + 2] = tonumber(x), tonumber(y)
  end
  return list
end

return xml
