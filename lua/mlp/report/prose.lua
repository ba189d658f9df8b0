-- Prose with four marks: `code`, *emphasis*, **strong**, [label](target). A mark encloses something
-- and stands apart from words, so that "2*3*4" and "a ** b" stay as they are; a backslash before a
-- mark's character takes it as it is. A target is "#id" of a place on the page, a web or mail
-- address, or a file beside the page; with any other scheme the mark stays text.

local html <const> = require "mlp.report.html"

local prose = {}

local SCHEMES <const> = { http = true, https = true, mailto = true }

local function is_allowed(target)
  local scheme <const> = target:match "^([%w+.-]*):"
  return not scheme or SCHEMES[scheme:lower()] or false
end

local convert

-- By the character that opens a mark: its HTML and where it ends, or nothing when it is none.
local READERS <const> = {}

READERS["\\"] = function(s, at)
  local character <const> = s:match("^\\([\\`*%[%]])", at)
  if character then return html.escape(character), at + 2 end
end

READERS["`"] = function(s, at)
  local inside <const>, stop <const> = s:match("^`([^`]+)`()", at)
  if inside then return html.element("code", nil, html.escape(inside)), stop end
end

READERS["*"] = function(s, at, targets)
  local name, inside, stop = "strong", s:match("^%*%*([^%s*].-)%*%*()", at)
  if not inside then
    name, inside, stop = "em", s:match("^%*([^%s*][^*]*)%*()", at)
  end
  local in_word <const> = at > 1 and s:find("^[%w*]", at - 1) or stop and s:find("^[%w*]", stop)
  if not inside or in_word or inside:find "%s$" then return end
  return html.element(name, nil, convert(inside, targets)), stop
end

READERS["["] = function(s, at, targets)
  local label <const>, target <const>, stop <const> = s:match("^%[([^%[%]]+)%]%(([^%s()]+)%)()", at)
  if not label or not is_allowed(target) then return end
  if target:sub(1, 1) == "#" then targets[#targets + 1] = target:sub(2) end
  return html.element("a", { href = target }, convert(label, targets)), stop
end

function convert(s, targets)
  local parts <const>, at = {}, 1
  while at <= #s do
    local mark <const> = s:find("[\\`*%[]", at) or #s + 1
    parts[#parts + 1] = html.escape(s:sub(at, mark - 1))
    local character <const> = s:sub(mark, mark)
    local made, stop
    if character ~= "" then made, stop = READERS[character](s, mark, targets) end
    parts[#parts + 1] = made or html.escape(character)
    at = stop or mark + 1
  end
  return table.concat(parts)
end

--- One piece of prose as HTML.
---@param s string
---@param targets string[] gets the ids of the places on the page that it links to
---@return string
function prose.line(s, targets) return convert(s, targets) end

--- Prose as paragraphs, which are apart by empty lines.
---@param s string
---@param targets string[]
---@return string
function prose.paragraphs(s, targets)
  local parts <const> = {}
  for block in (s:gsub("\r\n", "\n") .. "\n\n"):gmatch "(.-)\n[ \t]*\n" do
    local words <const> = block:match "^%s*(.-)%s*$"
    if words ~= "" then parts[#parts + 1] = html.element("p", nil, convert(words, targets)) end
  end
  return table.concat(parts, "\n")
end

return prose
