-- Title and subtitle: at the top left of every figure, wrapped to its width.

local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.Header
---@field title string[]
---@field style {size: number, weight: string, fill: string}
---@field subtitle string[]
---@field bottom number  where the rest of the figure begins

local header = {}

local TOP <const> = theme.pad - 2
local GAP <const> = 8

local function wrapped(s, style, width)
  return s and text.wrap(text.clean(s), style, width - 2 * theme.pad) or {}
end

--- Lines of the header of a figure and where they end.
---@param options {title: string?, subtitle: string?}
---@param width number  of the figure
---@return mlp.plot.Header
function header.new(options, width)
  local style <const> = width < theme.small and theme.small_title or theme.title
  local title <const> = wrapped(options.title, style, width)
  local subtitle <const> = wrapped(options.subtitle, theme.subtitle, width)
  local height <const> = #title * theme.line(style) + #subtitle * theme.line(theme.subtitle)
  return { title = title, style = style, subtitle = subtitle,
    bottom = TOP + height + (height > 0 and GAP or 0) }
end

---@param canvas mlp.plot.Canvas
---@param lines mlp.plot.Header
function header.draw(canvas, lines)
  local y <const> = canvas:lines(theme.pad, TOP, lines.title, lines.style)
  canvas:lines(theme.pad, y, lines.subtitle, theme.subtitle)
end

return header
