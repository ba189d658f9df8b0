--- Reads the annotations of Lua sources (LuaLS: ---@param, ---@return, ---@class, ...), so that
--- help and the reference say what stands above the definition and nothing else. Works on text:
--- nothing is run, and where a source is missing there is simply nothing to tell.

local annotations = {}

---@class mlp.help.Field
---@field name string
---@field type string as written, without the ? of an optional one
---@field optional boolean
---@field doc string

---@class mlp.help.Item one definition and what stands above it
---@field kind "function"|"class"|"alias"|"value"
---@field name string the last part: "mse" of loss.mse
---@field owner string? what stands before it: "loss"; of a class: its parents
---@field variable string? of a class: the local that holds it
---@field method boolean defined with a colon
---@field arguments string[] as the definition names them
---@field doc string[] lines
---@field params mlp.help.Field[]
---@field returns mlp.help.Field[]
---@field fields mlp.help.Field[]
---@field overloads string[]
---@field operators string[]
---@field type string? of an alias, or from ---@type
---@field marked boolean has at least one tag or line of text
---@field hidden boolean? tagged @package: the library's own business

---@class mlp.help.Source
---@field header string[] the comment that opens the file
---@field items mlp.help.Item[] in the order of the file
---@field text string

-- ---- types --------------------------------------------------------------------------------------

local CLOSING <const> = { ["("] = ")", ["{"] = "}", ["<"] = ">", ["["] = "]" }

--- Where the type that begins at `from` ends: at the first blank outside brackets and quotes that
--- does not stand beside | or after the colon of a fun(...).
local function type_end(text, from)
  local depth, at = 0, from
  while at <= #text do
    local c <const> = text:sub(at, at)
    if c == '"' then
      at = text:find('"', at + 1, true) or #text
    elseif CLOSING[c] then
      depth = depth + 1
    elseif c:find "[%)}>%]]" then
      depth = depth - 1
    elseif c == " " and depth == 0 and not text:find("^[|:,]", at - 1)
      and not text:find("^%s*|", at) then
      return at - 1
    elseif c == "," and depth == 0 then
      return at - 1
    end
    at = at + 1
  end
  return #text
end

local function take_type(text)
  local stop <const> = type_end(text, 1)
  local name, optional = text:sub(1, stop), false
  if name:find "%?$" then name, optional = name:sub(1, -2), true end
  return name, optional, text:sub(stop + 1)
end

local function trimmed(text) return (text:gsub("^%s+", ""):gsub("%s+$", "")) end

local function field(name, rest)
  local kind, optional, doc = take_type(rest)
  if name:find "%?$" then name, optional = name:sub(1, -2), true end
  return { name = name, type = kind, optional = optional or kind:find "|nil$" ~= nil,
    doc = trimmed(doc) }
end

-- ---- tags ---------------------------------------------------------------------------------------

--- Does a comma end one result and begin the next, as in "string? text, string? message"?
local function another_result(rest)
  local name, tail = rest:match "^%s*([%a_][%w_]*),%s+(.+)$"
  local word <const> = tail and tail:match "^%S+"
  if word and (word:find "[?%.%]|]" or word == "any" or word == "integer" or word == "string"
    or word == "number" or word == "boolean" or word == "table") then
    return name, tail
  end
end

local function add_results(item, text)
  local kind, optional, rest = take_type(text)
  local result <const> = { type = kind, optional = optional, name = "", doc = "" }
  item.returns[#item.returns + 1] = result
  if rest:sub(1, 1) == "," then return add_results(item, trimmed(rest:sub(2))) end
  local name, tail = another_result(rest)
  if tail then
    result.name = name
    return add_results(item, tail)
  end
  name, tail = trimmed(rest):match "^([%a_][%w_]*)%f[%s%z](.*)$"
  if not name then name, tail = trimmed(rest):match "^(%.%.%.)(.*)$" end
  result.name, result.doc = name or "", trimmed(tail or rest)
end

local tags = {}

function tags.param(item, text)
  local name, rest = text:match "^(%S+)%s+(.*)$"
  if not name then return end
  item.params[#item.params + 1] = field(name, rest)
  return item.params[#item.params]
end

tags["return"] = function(item, text)
  add_results(item, text)
  return item.returns[#item.returns]
end

function tags.field(item, text)
  local name, rest = text:match "^(%[[^%]]*%])%s+(.*)$"
  if not name then name, rest = text:match "^(%S+)%s+(.*)$" end
  if not name then return end
  item.fields[#item.fields + 1] = field(name, rest)
  return item.fields[#item.fields]
end

function tags.class(item, text)
  local name, rest = text:match "^([%w_.]+)%s*(.*)$"
  item.kind, item.name, item.owner = "class", name, rest:match "^:%s*(.*)$"
  item.class_doc = item.owner and "" or rest
end

function tags.alias(item, text)
  local name, rest = text:match "^(%S+)%s+(.*)$"
  local kind, _, doc = take_type(rest)
  item.kind, item.name, item.type = "alias", name, kind
  item.doc[#item.doc + 1] = doc ~= "" and trimmed(doc) or nil
end

function tags.package(item) item.hidden = true end
function tags.type(item, text) item.type = text end
function tags.overload(item, text) item.overloads[#item.overloads + 1] = text end
function tags.operator(item, text) item.operators[#item.operators + 1] = text end

-- ---- definitions --------------------------------------------------------------------------------

local function new_item()
  return { kind = "value", name = "", method = false, arguments = {}, doc = {}, params = {},
    returns = {}, fields = {}, overloads = {}, operators = {}, marked = false }
end

--- A block of --- lines into an item. Indented lines continue the tag above them.
local function read_block(lines)
  local item <const>, last = new_item(), nil
  for _, line in ipairs(lines) do
    local tag, rest = line:match "^%-%-%-@(%w+)%s*(.*)$"
    item.marked = true
    if tag then
      last = tags[tag] and tags[tag](item, rest) or {}
    elseif last then
      last.doc = trimmed((last.doc or "") .. " " .. trimmed(line:sub(4)))
    else
      item.doc[#item.doc + 1] = (line:sub(4):gsub("^ ", ""))
    end
  end
  return item
end

local function set_arguments(item, text)
  for name in (text or ""):gmatch "[%w_.]+" do item.arguments[#item.arguments + 1] = name end
end

--- Completes an item from the line of code below it.
local function define(item, code)
  local owner, mark, name, arguments = code:match "^function ([%w_.]-)([.:])([%w_]+)%(([^)]*)%)"
  if not owner then
    name, arguments = code:match "^local function ([%w_]+)%(([^)]*)%)"
  end
  if name then
    item.kind, item.name, item.owner, item.method = "function", name, owner, mark == ":"
    set_arguments(item, arguments)
    return true
  end
  owner, name = code:match "^([%a_][%w_.]*)[.]([%w_]+)%s*=[^=]"
  if not owner then owner, name = code:match '^([%a_][%w_.]*)%["([^"]+)"%]%s*=[^=]' end
  if not owner then name = code:match "^local ([%w_]+)[%s%w<>]*=" end
  if not owner and not name then name = code:match '^define%("([%w_]+)"' end -- a table of them
  if name then
    item.name, item.owner = name, owner
    arguments = code:match "=%s*function%(([^)]*)%)"
    if arguments then
      item.kind = "function"
      set_arguments(item, arguments)
    end
    return true
  end
end

--- Functions behind ---@type fun(a: T, b: U?): R have their parameters there.
local function from_type(item)
  local parameters <const> = item.type and item.type:match "^fun(%b())"
  if not parameters then return end
  item.kind = "function"
  local rest = parameters:sub(2, -2)
  while rest ~= "" do
    local name, tail = rest:match "^%s*([%w_.]+%??)%s*:%s*(.*)$"
    if not name then break end
    local one <const> = field(name, tail)
    local stop <const> = type_end(tail, 1)
    one.doc = ""
    item.params[#item.params + 1], item.arguments[#item.arguments + 1] = one, one.name
    rest = tail:sub(stop + 1):gsub("^,", "")
  end
  local result <const> = item.type:sub(#parameters + 4):match "^%s*:%s*(.*)$"
  if result and #item.returns == 0 then add_results(item, result) end
end

local function finish(items, lines, code)
  local item <const> = read_block(lines)
  local variable <const> = code:match "^%s*local ([%w_]+)"
  if item.kind == "class" then
    item.variable = variable
  elseif item.kind ~= "alias" then
    if not define(item, code:gsub("^%s+", "")) then return end
    from_type(item)
  end
  items[#items + 1] = item
end

--- Several aliases or classes in one block: each @class or @alias begins a part of its own.
local function parts_of(lines)
  local parts <const>, heading = { {} }, false
  for _, line in ipairs(lines) do
    local begins <const> = line:find "^%-%-%-@class" or line:find "^%-%-%-@alias"
    if begins and heading then parts[#parts + 1] = {} end
    heading = heading or begins ~= nil
    table.insert(parts[#parts], line)
  end
  return parts
end

local function header_of(text)
  local header <const> = {}
  for line in text:gmatch "([^\n]*)\n" do
    local rest <const> = line:match "^%-%-+ ?(.*)$"
    if line:find "^%-%-%-@meta" then goto continue end
    if not rest or rest:find "^@" then break end
    header[#header + 1] = rest
    ::continue::
  end
  return header
end

--- All annotated definitions of a source, and those functions and fields that have none: what lacks
--- documentation must be seen to lack it.
---@param text string
---@return mlp.help.Source
function annotations.parse(text)
  local items <const>, block = {}, {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local comment <const> = line:match "^%s*(%-%-%-.*)$"
    if comment and not comment:find "^%-%-%-%-" then
      block[#block + 1] = comment
    else
      local parts <const> = parts_of(block)
      for k, part in ipairs(parts) do
        if #part > 0 or line:find "^function " or line:find "^%a[%w_]*%.[%w_]+ ?= ?function" then
          finish(items, part, k == #parts and line or "")
        end
      end
      block = {}
    end
  end
  return { header = header_of(text), items = items, text = text }
end

-- ---- files --------------------------------------------------------------------------------------

local sources <const> = {}

--- The annotations of a module's source, nil where there is no source to be found.
---@param module string as for require: "mlp.nn.linear"
---@return mlp.help.Source?
function annotations.source(module)
  if sources[module] == nil then
    local path <const> = package.searchpath(module, package.path)
    local handle <close> = path and path:find "%.lua$" and io.open(path, "r") or nil
    sources[module] = handle and annotations.parse(handle:read "a") or false
  end
  return sources[module] or nil
end

return annotations
