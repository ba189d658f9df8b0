-- What every figure shares: colours, sizes, typefaces. One sheet of white paper, grey furniture,
-- colour only for data. All sizes are SVG user units, which are pixels at the natural size.
--
-- The series colours are those of Okabe and Ito ("Color Universal Design", 2008), which stay apart
-- under the common kinds of colour blindness; yellow, invisible on white, is darkened, and a purple
-- and a brown make ten, for ten digits. Past the end of the list the colours repeat with another
-- dash. Points also differ in shape, so nothing hangs on colour alone.

local theme = {}

theme.font = "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

theme.paper = "#ffffff"
theme.ink = "#222222"
theme.soft = "#5c5c5c"
theme.axis = "#8a8a8a"
theme.grid = "#e7e7e7"
theme.zero = "#bdbdbd"
theme.missing = "#d4d4d4" -- cells without a number

theme.title = { size = 17, weight = "bold", fill = theme.ink }
theme.small_title = { size = 14, weight = "bold", fill = theme.ink } -- of figures in a grid
theme.subtitle = { size = 13, fill = theme.soft }
theme.label = { size = 13, fill = theme.ink }
theme.tick = { size = 12, fill = theme.soft }
theme.note = { size = 12, fill = theme.soft }
theme.direct = { size = 13, weight = "bold" } -- names written beside their line
theme.caption = { size = 11, fill = theme.ink }

theme.pad = 16 -- white around everything
theme.leading = 1.3 -- line height over type size
theme.width, theme.height = 640, 400
theme.small = 340 -- figures narrower than this have small titles

theme.palette = {
  "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#444444", "#a89f00",
  "#6a4ca5", "#7d4a1d",
}
theme.dashes = { "solid", "dashed", "dotted", "dash-dot" }
theme.markers = { "circle", "square", "triangle", "diamond", "down", "cross" }

--- The colour, dash and marker of the i-th series of a figure.
---@param i integer
---@return string colour, string dash, string marker
function theme.series(i)
  local round <const> = (i - 1) // #theme.palette
  return theme.palette[(i - 1) % #theme.palette + 1], theme.dashes[round % #theme.dashes + 1],
    theme.markers[(i - 1) % #theme.markers + 1]
end

--- Height of one line of text.
---@param style {size: number}
---@return number
function theme.line(style)
  return style.size * theme.leading
end

return theme
