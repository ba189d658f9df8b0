-- Where everything stands in a figure with axes, found in this order: the widths at the left and
-- right, the horizontal axis, the strips above, the height, the place of the plot.
--
-- Invariant: texts stand outside the plot and data inside. Widths of texts are estimates, so the
-- room for them is generous; nothing here draws.

local annotate <const> = require "mlp.plot.annotate"
local axis <const> = require "mlp.plot.axis"
local colourbar <const> = require "mlp.plot.colourbar"
local header <const> = require "mlp.plot.header"
local legend <const> = require "mlp.plot.legend"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.Place        where the plot stands
---@field left number
---@field top number
---@field width number
---@field height number
---@field x fun(value: number): number
---@field y fun(value: number): number

---@class mlp.plot.Extent      how far data reach along one axis
---@field lo number?
---@field hi number?
---@field pad number?          share of the extent left free at each side
---@field zero boolean?        always shows zero
---@field keep_zero boolean?   shows zero where the data come near
---@field whole boolean?       whole numbers: no ticks between them
---@field names string[]?      names instead of numbers
---@field count integer?       positions 1..count instead of numbers
---@field down boolean?        counts downwards (rows of a matrix)

---@class mlp.plot.Spec
---@field x mlp.plot.Extent
---@field y mlp.plot.Extent
---@field draw fun(canvas: mlp.plot.Canvas, place: mlp.plot.Place)
---@field keys mlp.plot.Key[]
---@field ends mlp.plot.End[]?
---@field bar mlp.plot.ColourBar?
---@field aspect number?       height of the plot over its width
---@field grid string?         "x", "y", "xy": the lines behind the data; default "y"
---@field box boolean?         a border around the plot
---@field own_base boolean?    the kind draws its own base line
---@field footnote string?

---@class mlp.plot.Layout
---@field width number
---@field height number
---@field header mlp.plot.Header
---@field legend "top"|"right"|"end"|"none"
---@field rows table?           keys in rows, when the legend is on top
---@field rows_top number?
---@field labels_y number?      middle of the strip with the names of axis and colour bar
---@field strip table           labels of vertical lines
---@field left number           of the plot
---@field top number
---@field plot_width number
---@field plot_height number
---@field x_axis mlp.plot.Axis
---@field y_axis mlp.plot.Axis
---@field slanted boolean       names below the plot are turned
---@field tick_gap number       between a tick's text and the plot
---@field tick_height number    of the texts below the plot
---@field bar_offset number?    of the colour bar from the plot
---@field place mlp.plot.Place

local layouts = {}

local TICK_ROOM_X <const>, TICK_ROOM_Y <const> = 76, 42 -- pixels for one tick
local NAME_ROOM <const> = 15 -- pixels for one name
local TICK_GAP <const> = 8
local SLANT <const> = math.rad(40)
local MOST_LINES <const> = 3 -- of a name below the plot, before all names are turned
local NAME_LIMIT <const> = 150 -- pixels a name on an axis may take

local function bare_axis(extent, limits, log, room)
  if extent.names then return axis.names(extent.names, room) end
  if extent.count then return axis.linear(0.5, extent.count + 0.5, room, true) end
  local lo, hi
  if limits then
    lo, hi = limits[1], limits[2]
  else
    lo, hi = axis.limits(extent.lo, extent.hi,
      { log = log, pad = extent.pad, zero = extent.zero, keep_zero = extent.keep_zero })
  end
  if log then return axis.log(lo, hi, room) end
  return axis.linear(lo, hi, room, extent.whole)
end

local function make_axis(extent, limits, log, room)
  local made <const> = bare_axis(extent, limits, log, room)
  for _, tick in ipairs(made.ticks) do
    tick.label = tick.label and text.ellipsis(text.clean(tick.label), theme.tick, NAME_LIMIT)
  end
  return made
end

local function widest_tick(of_axis)
  local widest = 0
  for _, tick in ipairs(of_axis.ticks) do
    if tick.label then widest = math.max(widest, text.width(tick.label, theme.tick)) end
  end
  return widest
end

local function names_width(ends)
  local widest = 0
  for _, item in ipairs(ends) do
    widest = math.max(widest, text.width(text.clean(item.name), theme.direct))
  end
  return widest
end

--- How far a number below the plot reaches beyond its right end.
local function overhang(layout)
  local most = 0
  for _, tick in ipairs(layout.x_axis.ticks) do
    if tick.label and layout.x_axis.kind ~= "names" then
      most = math.max(most, text.width(tick.label, theme.tick) / 2
        - layout.plot_width * (1 - layout.x_axis:at(tick.value)))
    end
  end
  return most
end

local function right_margin(layout, spec, beyond)
  local margin = theme.pad
  if layout.legend == "end" then
    margin = margin + 8 + names_width(spec.ends)
  elseif layout.legend == "right" then
    margin = margin + 14 + legend.column_width(spec.keys)
  end
  if spec.bar then
    layout.bar_offset = margin - theme.pad
    margin = margin + colourbar.width(spec.bar, layout.guess_height)
  end
  return math.max(margin, beyond + 4)
end

--- Breaks the names below a plot into lines that fit side by side; nil when they cannot.
local function names_in_lines(layout)
  local ticks <const> = layout.x_axis.ticks
  local slot <const> = layout.plot_width / #ticks - 6
  local most = 1
  for _, tick in ipairs(ticks) do
    for word in tick.label:gmatch "%S+" do
      if text.width(word, theme.tick) > slot then return nil end
    end
    tick.lines = text.wrap(tick.label, theme.tick, slot)
    most = math.max(most, #tick.lines)
  end
  return most <= MOST_LINES and most or nil
end

local function horizontal_axis(layout, options, spec)
  local room <const> = layout.plot_width // TICK_ROOM_X
  layout.x_axis = make_axis(spec.x, options.x_limits, options.log_x,
    spec.x.names and math.max(1, layout.plot_width // NAME_ROOM) or room)
  local line <const> = theme.line(theme.tick)
  local lines = 1
  if spec.x.names then lines = names_in_lines(layout) end
  layout.slanted = lines == nil
  layout.tick_height = layout.tick_gap + (lines and lines * line
    or widest_tick(layout.x_axis) * math.sin(SLANT) + line / 2)
end

--- The width of the plot and the axis below it: once for a guess, again for what this axis needs.
local function horizontal(layout, options, spec)
  local beyond = 12
  for _ = 1, 2 do
    layout.plot_width = math.max(20,
      layout.width - layout.left - right_margin(layout, spec, beyond))
    horizontal_axis(layout, options, spec)
    beyond = overhang(layout)
  end
end

local function below_height(layout, options, spec)
  return layout.tick_height + (options.x_label and theme.line(theme.label) + 4 or 0)
    + (spec.footnote and theme.line(theme.note) + 4 or 0) + theme.pad - 4
end

local function above_height(layout, options, spec)
  local y = layout.header.bottom
  if layout.legend == "top" then
    local height
    layout.rows, height = legend.flow(spec.keys, layout.width - 2 * theme.pad)
    layout.rows_top = y - 4
    y = y + height + 2
  end
  if options.y_label or spec.bar and spec.bar.label then
    layout.labels_y = y + theme.line(theme.label) / 2
    y = y + theme.line(theme.label) + 5
  end
  local strip
  layout.strip, strip = annotate.strip(options.vertical, layout.left, layout.plot_width,
    function(value) return layout.left + layout.plot_width * layout.x_axis:at(value) end)
  return y + math.max(strip + (strip > 0 and 2 or 0), y > theme.pad and 4 or 8)
end

local function place_of(layout, spec)
  local x_axis <const>, y_axis <const> = layout.x_axis, layout.y_axis
  local left <const>, top <const> = layout.left, layout.top
  local width <const>, height <const> = layout.plot_width, layout.plot_height
  return { left = left, top = top, width = width, height = height,
    x = function(value) return left + width * x_axis:at(value) end,
    y = function(value)
      local share <const> = y_axis:at(value)
      return top + height * (spec.y.down and share or 1 - share)
    end }
end

--- Widens the limits of one axis until a unit is as long on both.
local function equalise(layout, options, spec)
  local x <const>, y <const> = layout.x_axis, layout.y_axis
  local unit <const> = math.max((x.hi - x.lo) / layout.plot_width,
    (y.hi - y.lo) / layout.plot_height)
  local function widened(old, pixels, room)
    local extra <const> = (unit * pixels - (old.hi - old.lo)) / 2
    return axis.linear(old.lo - extra, old.hi + extra, math.max(2, pixels // room))
  end
  if options.equal and not (options.log_x or options.log_y or spec.x.names or spec.y.names) then
    layout.x_axis = widened(x, layout.plot_width, TICK_ROOM_X)
    layout.y_axis = widened(y, layout.plot_height, TICK_ROOM_Y)
  end
end

--- Everything about where things stand.
---@param options table        checked options of the figure
---@param spec mlp.plot.Spec
---@return mlp.plot.Layout
function layouts.arrange(options, spec)
  local layout <const> = { width = options.width or theme.width, tick_gap = TICK_GAP }
  local width_guess <const> = layout.width - 100
  layout.legend = legend.place(options.legend, spec.keys, spec.ends)
  layout.header = header.new(options, layout.width)
  layout.guess_height = math.max(60, options.height and options.height - layout.header.bottom - 60
    or spec.aspect and spec.aspect * width_guess or theme.height - layout.header.bottom - 60)
  layout.y_axis = make_axis(spec.y, options.y_limits, options.log_y,
    layout.guess_height // (spec.y.names and NAME_ROOM or TICK_ROOM_Y))
  layout.left = theme.pad + layout.tick_gap + widest_tick(layout.y_axis)
  horizontal(layout, options, spec)
  layout.top = above_height(layout, options, spec)
  local below <const> = below_height(layout, options, spec)
  layout.plot_height = math.max(20, options.height and options.height - layout.top - below
    or spec.aspect and spec.aspect * layout.plot_width or theme.height - layout.top - below)
  layout.height = options.height or math.ceil(layout.top + layout.plot_height + below)
  equalise(layout, options, spec)
  layout.place = place_of(layout, spec)
  return layout
end

return layouts
