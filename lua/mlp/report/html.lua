-- The only writer of HTML: elements go in, text that is at once HTML and well-formed XML comes out.
-- Content is always HTML already, made by `element` or by `escape`; attributes are plain text and
-- escaped here, written in order, so that the same page is the same file.

local number <const> = require "mlp.plot.number"
local text <const> = require "mlp.plot.text"

local html = {}

local ESCAPES <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- Plain text, whatever its bytes, as content or as an attribute's value.
---@param s string
---@return string
function html.escape(s) return (text.clean(s):gsub('[&<>"]', ESCAPES)) end

local function attributes(list)
  local names <const> = {}
  for name, value in pairs(list or {}) do
    if value then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value <const> = list[name]
    local shown <const> = math.type(value) and number.short(value) or html.escape(value)
    names[i] = (' %s="%s"'):format(name:gsub("_", "-"), shown)
  end
  return table.concat(names)
end

--- An element; without content it is one that never has any, such as img.
---@param name string
---@param list table<string, string|number|false|nil>? attributes
---@param content string?
---@return string
function html.element(name, list, content)
  if not content then return ("<%s%s />"):format(name, attributes(list)) end
  return table.concat { "<", name, attributes(list), ">", content, "</", name, ">" }
end

return html
