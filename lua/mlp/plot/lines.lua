-- Lines: learning curves, functions, sweeps.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local frame <const> = require "mlp.plot.frame"
local legend <const> = require "mlp.plot.legend"
local marker <const> = require "mlp.plot.marker"
local runs <const> = require "mlp.plot.runs"
local svg <const> = require "mlp.plot.svg"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.lines"
local WANTED <const> = "a list of series such as {x = epochs, y = losses, name = \"train\"}"
local MARKER_SIZE <const> = 7
local BAND_OPACITY <const> = 0.18
local RAW_OPACITY <const> = 0.3 -- of a curve behind its smoothed self
local END_SHARE <const> = 0.94 -- a line that reaches so far may have its name at the right edge

local SERIES <const> = {
  x = errors.NONE, y = errors.NONE, name = errors.NONE, colour = errors.NONE, width = 2,
  dash = errors.NONE, marker = errors.NONE, low = errors.NONE, high = errors.NONE, smooth = 0,
  stairs = false,
}

local function counted(n)
  local list <const> = {}
  for i = 1, n do list[i] = i end
  return list
end

local function column(series, who, name, count)
  local list <const> = data.numbers(CALL, name, series[name], who)
  if count and #list ~= count then
    errors.raise("%s: %s of %s has %d numbers but y has %d", CALL, name, who, #list, count)
  end
  return list
end

local function shorthand(entry)
  local is_list <const> = type(entry) == "table" and math.type(entry[1]) ~= nil
  return (is_list or data.plain(entry) ~= entry) and { y = entry } or entry
end

local function style(series, who, i)
  local own_colour <const>, own_dash <const>, own_marker <const> = theme.series(i)
  series.colour = colour.check(CALL, "colour of " .. who, series.colour) or own_colour
  series.own_dash = series.dash == nil
  series.dash = data.choice(CALL, "dash of " .. who, series.dash or own_dash, theme.dashes)
  if series.marker == true then series.marker = own_marker end
  if series.marker then
    data.choice(CALL, "marker of " .. who, series.marker, marker.names)
  end
  data.positive(CALL, "width of " .. who, series.width)
end

local function read_series(entry, i)
  local who = ("series %d"):format(i)
  local series <const> = data.fields(CALL, who, shorthand(entry), SERIES)
  series.name = data.text(CALL, "name of " .. who, series.name)
  if series.name then who = ("%s ('%s')"):format(who, series.name) end
  series.y = column(series, who, "y")
  local count <const> = #series.y
  series.x = series.x == nil and counted(count) or column(series, who, "x", count)
  if (series.low == nil) ~= (series.high == nil) then
    errors.raise("%s: a band wants both low and high but %s has one of them", CALL, who)
  end
  if series.low ~= nil then
    series.low = column(series, who, "low", count)
    series.high = column(series, who, "high", count)
  end
  if not math.type(series.smooth) or series.smooth < 0 or series.smooth >= 1 then
    errors.wanted(CALL, "smooth of " .. who, series.smooth,
      "a number from 0 (none) to below 1")
  end
  series.shown = series.smooth > 0 and runs.smooth(series.y, series.smooth) or series.y
  style(series, who, i)
  return series
end

local function extents(all, options)
  local xs <const>, ys <const> = {}, {}
  for _, series in ipairs(all) do
    xs[#xs + 1] = series.x
    for _, name in ipairs { "y", "low", "high" } do ys[#ys + 1] = series[name] end
  end
  local x_lo <const>, x_hi <const> = data.extent(xs, options.log_x)
  local y_lo <const>, y_hi <const> = data.extent(ys, options.log_y)
  if not (x_lo and y_lo) then
    errors.raise("%s: nothing to draw, no point is finite%s", CALL,
      (options.log_x or options.log_y) and " and positive on the logarithmic axis" or "")
  end
  return { lo = x_lo, hi = x_hi, whole = data.whole(xs) },
    { lo = y_lo, hi = y_hi, pad = 0.05, keep_zero = true }
end

local function last_point(series, options)
  local x <const>, y <const> = series.x, series.shown
  for i = #y, 1, -1 do
    if axis.drawable(x[i], options.log_x) and axis.drawable(y[i], options.log_y) then
      return x[i], y[i]
    end
  end
end

--- Names at the ends of the lines, where all of them end near the right edge.
local function line_ends(all, options, extent)
  local lo <const>, hi <const> = extent.lo, extent.hi
  if options.x_limits or hi == lo then return nil end
  local scale <const> = options.log_x and axis.log(lo, hi, 2) or axis.linear(lo, hi, 2)
  local ends <const> = {}
  for _, series in ipairs(all) do
    local x <const>, y <const> = last_point(series, options)
    if not series.name or not x or scale:at(x) < END_SHARE then return nil end
    ends[#ends + 1] = { y = y, name = series.name, colour = series.colour }
  end
  return ends
end

--- Lines without their name beside them differ in more than colour: print may be grey.
local function tell_apart(all, place)
  if place ~= "top" and place ~= "right" then return end
  for i, series in ipairs(all) do
    if series.own_dash then series.dash = theme.dashes[(i - 1) % #theme.dashes + 1] end
  end
end

local function keys_of(all)
  local keys <const> = {}
  for _, series in ipairs(all) do
    if series.name then
      keys[#keys + 1] = { name = series.name, colour = series.colour, kind = "line",
        dash = series.dash, marker = series.marker or nil }
    end
  end
  return keys
end

local function to_pixels(points, place)
  local out <const> = {}
  for i = 1, #points, 2 do out[i], out[i + 1] = place.x(points[i]), place.y(points[i + 1]) end
  return out
end

local function draw_band(canvas, series, options, place)
  if not series.low then return end
  local lower <const>, upper <const> = {}, {} -- a gap in one edge is a gap in both
  for i = 1, #series.y do
    local both <const> = series.low[i] + series.high[i]
    lower[i] = both == both and series.low[i] or both
    upper[i] = both == both and series.high[i] or both
  end
  local bottoms <const> = runs.split(series.x, lower, options.log_x, options.log_y)
  for r, top in ipairs(runs.split(series.x, upper, options.log_x, options.log_y)) do
    local outline <const> = to_pixels(top, place)
    local bottom <const> = to_pixels(bottoms[r] or {}, place)
    for i = #bottom - 1, 1, -2 do
      outline[#outline + 1], outline[#outline + 2] = bottom[i], bottom[i + 1]
    end
    canvas:add("path", { d = svg.path(outline, true), fill = series.colour,
      fill_opacity = BAND_OPACITY })
  end
end

local function draw_stroke(canvas, series, y, options, place, opacity)
  for _, run in ipairs(runs.split(series.x, y, options.log_x, options.log_y)) do
    local points <const> = runs.thin(to_pixels(run, place), place.width)
    if #points == 2 then -- alone between two gaps: a line of one point would be invisible
      marker.draw(canvas, "circle", points[1], points[2], series.width + 2,
        { fill = series.colour, fill_opacity = opacity })
    else
      canvas:add("path", { d = svg.path(series.stairs and runs.stairs(points) or points),
        fill = "none", stroke = series.colour, stroke_width = series.width,
        stroke_opacity = opacity, stroke_linejoin = "round", stroke_linecap = "round",
        stroke_dasharray = legend.dash_array(series.dash, series.width) })
    end
  end
end

local function draw_markers(canvas, series, y, options, place)
  for i = 1, #y do
    if axis.drawable(series.x[i], options.log_x) and axis.drawable(y[i], options.log_y) then
      marker.draw(canvas, series.marker, place.x(series.x[i]), place.y(y[i]), MARKER_SIZE,
        { fill = series.colour, stroke = theme.paper })
    end
  end
end

local function draw_series(canvas, series, options, place)
  if series.smooth > 0 then
    draw_stroke(canvas, series, series.y, options, place, RAW_OPACITY)
  end
  draw_stroke(canvas, series, series.shown, options, place)
  if series.marker then draw_markers(canvas, series, series.shown, options, place) end
end

---@class mlp.plot.Line
---@field y number[]|mlp.Tensor    (N); NaN and infinity are gaps
---@field x number[]|mlp.Tensor?   (N), default 1, 2, ..., N
---@field name string?
---@field colour string?           "#rrggbb"; default from a colour-blind-safe list
---@field width number?            of the stroke, default 2
---@field dash "solid"|"dashed"|"dotted"|"dash-dot"|nil
---@field marker boolean|string?   true, or "circle" "square" "triangle" "diamond" "down" "cross"
---@field low number[]|mlp.Tensor?   (N) lower edge of a band around the line
---@field high number[]|mlp.Tensor?  (N) upper edge
---@field smooth number?           weight 0..1 of a moving average; the raw line stays, pale
---@field stairs boolean?          each value holds until the next

---@class mlp.plot.FrameOptions
---@field title string?
---@field subtitle string?
---@field x_label string?
---@field y_label string?
---@field x_limits number[]?     {low, high}; default from the data
---@field y_limits number[]?
---@field log_x boolean?         values that are not positive are gaps
---@field log_y boolean?
---@field legend "auto"|"top"|"right"|"end"|"none"|false|nil  "end": names at the ends of the lines
---@field vertical any           a number, {x=, label=, colour=}, or a list of these
---@field horizontal any         a number, {y=, label=, colour=}, or a list of these
---@field notes {x: number, y: number, text: string}[]?
---@field width number?          default 640
---@field height number?         default 400
---@field background string?     a colour or "none", default white

--- Lines of several named series.
---
---     mlp.plot.lines{
---       {y = train, name = "training"}, {y = validation, name = "validation"},
---       title = "Loss", x_label = "epoch", log_y = true, vertical = {x = 12, label = "best"},
---     }:save("loss.svg")
---
--- A series may also be a bare list of numbers or a tensor. Raises for empty series, unknown
--- options, and when no point is finite.
---@param arguments mlp.plot.Line[]|mlp.plot.FrameOptions
---@return mlp.plot.Figure
local function lines(arguments)
  local list <const>, given <const> = data.split_series(CALL, arguments, WANTED)
  local options <const> = frame.check(CALL, errors.options(CALL, given, frame.options))
  local all <const> = {}
  for i, entry in ipairs(list) do all[i] = read_series(entry, i) end
  local x <const>, y <const> = extents(all, options)
  local ends <const> = line_ends(all, options, x)
  tell_apart(all, legend.place(options.legend, keys_of(all), ends))
  return frame.figure(options, {
    x = x, y = y, keys = keys_of(all), ends = ends,
    draw = function(canvas, place)
      for _, series in ipairs(all) do draw_band(canvas, series, options, place) end
      for _, series in ipairs(all) do draw_series(canvas, series, options, place) end
    end,
  })
end

return lines
