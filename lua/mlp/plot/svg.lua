-- The only writer of SVG: elements go in, well-formed UTF-8 text comes out.
--
-- Attribute names are Lua identifiers (`stroke_width` becomes stroke-width), written in order, so
-- that the same figure is the same file. Numbers get two decimals at most and a decimal point under
-- every locale; texts are cleaned and escaped here and nowhere else. Ids name what they hold (a
-- clip rectangle's numbers, a gradient's colours): two figures pasted into one HTML page may share
-- an id only where they mean the same.

local number <const> = require "mlp.plot.number"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local ESCAPES <const> = {
  ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["\n"] = "&#10;", ["\t"] = "&#9;",
}
local RAISE <const> = 0.38 -- of the type size: how far superscripts go up,
local RAISED_SIZE <const> = 0.72 -- and how large they are
local BASELINE <const> = 0.355 -- of the type size: from the middle of the capitals to their foot

---@class mlp.plot.Canvas
---@field parts string[]
---@field defined table<string, boolean>
local Canvas = {}
Canvas.__index = Canvas

local svg = {}

--- Text as XML content or an attribute's value.
---@param s string
---@return string
function svg.escape(s)
  return (text.clean(s):gsub('[&<>"\n\t]', ESCAPES))
end

local function attributes(list)
  local names <const> = {}
  for name, value in pairs(list) do
    if value then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value <const> = list[name]
    local shown <const> = type(value) == "number" and number.short(value) or svg.escape(value)
    names[i] = (' %s="%s"'):format(name:gsub("_", "-"), shown)
  end
  return table.concat(names)
end

--- An empty sheet.
---@return mlp.plot.Canvas
function svg.new()
  return setmetatable({ parts = {}, defined = {} }, Canvas)
end

local function write(canvas, ...)
  canvas.parts[#canvas.parts + 1] = table.concat { ... }
end

--- An element; `content` is text, already escaped.
---@param name string
---@param list table<string, string|number|false|nil>
---@param content string?
function Canvas:add(name, list, content)
  if content then
    write(self, "<", name, attributes(list), ">", content, "</", name, ">")
  else
    write(self, "<", name, attributes(list), "/>")
  end
end

--- Opens an element that holds what follows, until `close`.
---@param name string
---@param list table<string, string|number|false|nil>
function Canvas:open(name, list)
  write(self, "<", name, attributes(list), ">")
end

---@param name string
function Canvas:close(name)
  write(self, "</", name, ">")
end

local function content_of(s, size)
  local pieces <const> = {}
  local back = ""
  for i, run in ipairs(text.runs(text.clean(s))) do
    local shown <const> = svg.escape(run.text)
    if run.raised then
      pieces[i] = ('<tspan dy="-%s" font-size="%s">%s</tspan>'):format(
        number.short(RAISE * size), number.short(RAISED_SIZE * size), shown)
      back = number.short(RAISE * size)
    else
      pieces[i] = back == "" and shown or ('<tspan dy="%s">%s</tspan>'):format(back, shown)
      back = ""
    end
  end
  return table.concat(pieces)
end

--- One line of text. `y` is the middle of its capitals, so that text centres on what it names.
---@param x number
---@param y number
---@param s string
---@param style {size: number, weight: string?, fill: string?}
---@param more {anchor: string?, fill: string?, rotate: number?, halo: string?}?
function Canvas:text(x, y, s, style, more)
  more = more or {}
  local content <const> = content_of(s, style.size)
  local list <const> = {
    x = x, y = y + BASELINE * style.size, font_size = style.size, font_weight = style.weight,
    fill = more.fill or style.fill, text_anchor = more.anchor,
    ["xml:space"] = content:find("<tspan", 1, true) and "preserve", -- some trim every run
    transform = more.rotate and ("rotate(%s %s %s)"):format(number.short(more.rotate),
      number.short(x), number.short(y)),
  }
  if more.halo then -- a stroke below the fill: `paint-order` is unknown to many programs
    local below <const> = { stroke = more.halo, stroke_width = 4, stroke_linejoin = "round" }
    for name, value in pairs(list) do below[name] = value end
    self:add("text", below, content)
  end
  self:add("text", list, content)
end

--- Several lines of text, downwards; returns the y below them.
---@param x number
---@param top number
---@param lines string[]
---@param style {size: number}
---@param more table?
---@return number bottom
function Canvas:lines(x, top, lines, style, more)
  local step <const> = theme.line(style)
  for i, line in ipairs(lines) do self:text(x, top + (i - 0.5) * step, line, style, more) end
  return top + #lines * step
end

--- A straight line on the pixel grid when it is horizontal or vertical.
---@param x1 number
---@param y1 number
---@param x2 number
---@param y2 number
---@param list table
function Canvas:rule(x1, y1, x2, y2, list)
  if y1 == y2 then y1 = math.floor(y1) + 0.5 y2 = y1 end
  if x1 == x2 then x1 = math.floor(x1) + 0.5 x2 = x1 end
  local all <const> = { x1 = x1, y1 = y1, x2 = x2, y2 = y2 }
  for name, value in pairs(list) do all[name] = value end
  self:add("line", all)
end

--- Writes a definition once.
---@param id string
---@param write_it fun(canvas: mlp.plot.Canvas)
---@return string reference  what fill= or clip_path= takes
function Canvas:define(id, write_it)
  if not self.defined[id] then
    self.defined[id] = true
    self:open("defs", {})
    write_it(self)
    self:close "defs"
  end
  return ("url(#%s)"):format(id)
end

--- A reference to a clip rectangle, in the coordinates of the element that uses it.
---@param x number
---@param y number
---@param width number
---@param height number
---@return string reference
function Canvas:clip(x, y, width, height)
  local list <const> = { x = x, y = y, width = width, height = height }
  local id <const> = ("clip_%s_%s_%s_%s"):format(number.short(x), number.short(y),
    number.short(width), number.short(height))
  return self:define(id, function()
    self:open("clipPath", { id = id })
    self:add("rect", list)
    self:close "clipPath"
  end)
end

--- The whole document.
---@param width number
---@param height number
---@param title string?  read aloud by screen readers
---@return string
function Canvas:document(width, height, title)
  local w <const>, h <const> = number.short(width), number.short(height)
  local root <const> = attributes {
    xmlns = "http://www.w3.org/2000/svg", width = width, height = height,
    viewBox = ("0 0 %s %s"):format(w, h), font_family = theme.font, role = "img",
    aria_label = title,
  }
  -- xlink is deprecated, but office programs know no other way to hold a picture
  return table.concat {
    '<?xml version="1.0" encoding="UTF-8"?>\n<svg', root,
    ' xmlns:xlink="http://www.w3.org/1999/xlink">\n', table.concat(self.parts, "\n"), "\n</svg>\n",
  }
end

--- The `d` of a path through points, given as x, y, x, y, ...
---@param points number[]
---@param closed boolean?
---@return string
function svg.path(points, closed)
  local words <const> = {}
  for i = 1, #points, 2 do
    words[#words + 1] = (i == 1 and "M" or "L") .. number.short(points[i]) .. " "
      .. number.short(points[i + 1])
  end
  return table.concat(words) .. (closed and "Z" or "")
end

return svg
