-- A figure with axes. The kinds (lines, scatter, bars, ...) say what to draw and how far their data
-- reach; the frame checks the common options, asks the layout for places, and draws all that is
-- not data. A kind draws in values (`place.x(v)`, `place.y(v)`) and never computes the layout.

local annotate <const> = require "mlp.plot.annotate"
local axis <const> = require "mlp.plot.axis"
local colourbar <const> = require "mlp.plot.colourbar"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local header <const> = require "mlp.plot.header"
local layouts <const> = require "mlp.plot.layout"
local legend <const> = require "mlp.plot.legend"
local theme <const> = require "mlp.plot.theme"

local frame = {}

--- Options of figures whose axes are given by their data (a matrix, names).
frame.plain_options = figure.merge(figure.options, { x_label = errors.NONE, y_label = errors.NONE })

--- Options of figures with two axes of numbers.
frame.options = figure.merge(frame.plain_options, {
  x_limits = errors.NONE, y_limits = errors.NONE, log_x = false, log_y = false, legend = "auto",
  vertical = errors.NONE, horizontal = errors.NONE, notes = errors.NONE,
})

local function check(call, options)
  figure.check(call, options)
  options.x_label = data.text(call, "x_label", options.x_label)
  options.y_label = data.text(call, "y_label", options.y_label)
  data.pair(call, "x_limits", options.x_limits, options.log_x)
  data.pair(call, "y_limits", options.y_limits, options.log_y)
  if options.legend == false then options.legend = "none" end
  if options.legend == nil then options.legend = "auto" end
  data.choice(call, "legend", options.legend, legend.places)
  options.vertical = annotate.lines(call, "vertical", options.vertical)
  options.horizontal = annotate.lines(call, "horizontal", options.horizontal)
  options.notes = annotate.notes(call, options.notes)
  return options
end

local function draw_grid(canvas, layout, spec)
  local grid <const> = spec.grid or "y"
  local place <const> = layout.place
  local right <const>, bottom <const> = place.left + place.width, place.top + place.height
  local function colour_at(tick, of_axis)
    return tick.value == 0 and of_axis.lo < 0 and theme.zero or theme.grid
  end
  for _, tick in ipairs(layout.y_axis.ticks) do
    if grid:find "y" and tick.label then
      local y <const> = place.y(tick.value)
      canvas:rule(place.left, y, right, y, { stroke = colour_at(tick, layout.y_axis) })
    end
  end
  for _, tick in ipairs(layout.x_axis.ticks) do
    local zero <const> = tick.value == 0 and layout.x_axis.lo < 0 and grid ~= ""
    if tick.label and (grid:find "x" or zero) then
      local x <const> = place.x(tick.value)
      canvas:rule(x, place.top, x, bottom, { stroke = colour_at(tick, layout.x_axis) })
    end
  end
end

local function draw_x_ticks(canvas, layout, spec)
  local place <const> = layout.place
  local bottom <const> = place.top + place.height
  local y <const> = bottom + layout.tick_gap + theme.line(theme.tick) / 2
  for _, tick in ipairs(layout.x_axis.ticks) do
    local x <const> = place.x(tick.value)
    if not (spec.x.names or spec.x.count) then
      canvas:rule(x, bottom, x, bottom + (tick.label and 5 or 3), { stroke = theme.axis })
    end
    if tick.label and layout.slanted then
      canvas:text(x + 3, y - 4, tick.label, theme.tick, { anchor = "end", rotate = -40 })
    elseif tick.label then
      canvas:lines(x, bottom + layout.tick_gap, tick.lines or { tick.label }, theme.tick,
        { anchor = "middle" })
    end
  end
end

local function draw_y_ticks(canvas, layout, spec)
  for _, tick in ipairs(layout.y_axis.ticks) do
    local y <const> = layout.place.y(tick.value)
    if tick.label then
      canvas:text(layout.left - layout.tick_gap, y, tick.label, theme.tick, { anchor = "end" })
    elseif not spec.box then
      canvas:rule(layout.left - 4, y, layout.left - 1, y, { stroke = theme.grid })
    end
  end
end

local function draw_border(canvas, layout, spec)
  local place <const> = layout.place
  local right <const>, bottom <const> = place.left + place.width, place.top + place.height
  if spec.box then
    canvas:add("rect", { x = place.left, y = place.top, width = place.width,
      height = place.height, fill = "none", stroke = theme.axis })
  elseif not spec.own_base then
    canvas:rule(place.left, bottom, right, bottom, { stroke = theme.axis })
  end
end

local function draw_labels(canvas, layout, options, spec)
  local place <const> = layout.place
  if options.y_label then
    canvas:text(theme.pad, layout.labels_y, options.y_label, theme.label)
  end
  if spec.bar and spec.bar.label then
    canvas:text(layout.width - theme.pad, layout.labels_y, spec.bar.label, theme.label,
      { anchor = "end" })
  end
  local y = place.top + place.height + layout.tick_height + 4 + theme.line(theme.label) / 2
  if options.x_label then
    canvas:text(place.left + place.width / 2, y, options.x_label, theme.label,
      { anchor = "middle" })
    y = y + theme.line(theme.label) + 2
  end
  if spec.footnote then canvas:text(theme.pad, y, spec.footnote, theme.note) end
end

local function draw_keys(canvas, layout, spec)
  if layout.legend == "top" then
    legend.draw_rows(canvas, layout.rows, theme.pad, layout.rows_top)
  elseif layout.legend == "right" then
    legend.draw_column(canvas, spec.keys, layout.left + layout.plot_width + 14, layout.top)
  elseif layout.legend == "end" then
    legend.draw_ends(canvas, spec.ends, layout.place)
  end
  if spec.bar then
    local place <const> = setmetatable({ left = layout.left + layout.bar_offset },
      { __index = layout.place })
    colourbar.draw(canvas, spec.bar, place)
  end
end

--- Only limits that the caller set can cut data; nothing else needs a clip.
local function draw_data(canvas, layout, options, spec)
  local place <const> = layout.place
  local cut <const> = options.x_limits or options.y_limits
  if cut then
    canvas:open("g", { clip_path = canvas:clip(place.left, place.top, place.width,
      place.height) })
  end
  spec.draw(canvas, place)
  if cut then canvas:close "g" end
end

local function inside(of_axis, value)
  return value >= of_axis.lo and value <= of_axis.hi
end

local function visible(layout, options)
  local function keep(list, test)
    local kept <const> = {}
    for _, item in ipairs(list) do
      if test(item) then kept[#kept + 1] = item end
    end
    return kept
  end
  local x <const>, y <const> = layout.x_axis, layout.y_axis
  return keep(options.vertical, function(mark) return inside(x, mark.x) end),
    keep(options.horizontal, function(mark) return inside(y, mark.y) end),
    keep(options.notes, function(note) return inside(x, note.x) and inside(y, note.y) end)
end

local function draw(canvas, layout, options, spec)
  local vertical <const>, horizontal <const>, notes <const> = visible(layout, options)
  header.draw(canvas, layout.header)
  draw_grid(canvas, layout, spec)
  annotate.draw_vertical(canvas, vertical, layout.place)
  annotate.draw_horizontal(canvas, horizontal, layout.place)
  annotate.draw_strip(canvas, layout.strip, layout.top)
  draw_border(canvas, layout, spec)
  draw_data(canvas, layout, options, spec)
  draw_x_ticks(canvas, layout, spec)
  draw_y_ticks(canvas, layout, spec)
  draw_labels(canvas, layout, options, spec)
  draw_keys(canvas, layout, spec)
  annotate.draw_notes(canvas, notes, layout.place)
end

--- The names of horizontal lines join those of the series at the right edge.
local function name_horizontal_lines(options, spec)
  for _, mark in ipairs(options.horizontal) do
    if mark.label then
      spec.keys[#spec.keys + 1] = { name = mark.label, colour = mark.colour, kind = "line",
        dash = "dashed" }
      if spec.ends then
        spec.ends[#spec.ends + 1] = { y = mark.y, name = mark.label, colour = mark.colour }
      end
    end
  end
end

--- Limits that show data and marks alike.
local function reach(extent, marks, axis_name, log)
  for _, mark in ipairs(extent.lo and marks or {}) do
    if axis.drawable(mark[axis_name], log) then
      extent.lo = math.min(extent.lo, mark[axis_name])
      extent.hi = math.max(extent.hi, mark[axis_name])
    end
  end
end

--- Options checked, for kinds that need them before they can describe themselves.
---@param call string
---@param options table
---@return table options
frame.check = check

--- A figure from checked options and a description.
---@param options table
---@param spec mlp.plot.Spec
---@return mlp.plot.Figure
function frame.figure(options, spec)
  reach(spec.x, options.vertical, "x", options.log_x)
  reach(spec.y, options.horizontal, "y", options.log_y)
  name_horizontal_lines(options, spec)
  local layout <const> = layouts.arrange(options, spec)
  return figure.new(layout.width, layout.height, options, function(canvas)
    draw(canvas, layout, options, spec)
  end)
end

return frame
