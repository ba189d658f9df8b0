-- Series of points, read and drawn: what a scatter plot shows, and what regions show on top.
-- Classes differ in shape as well as colour, so that grey print and every eye can tell them.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local colourbar <const> = require "mlp.plot.colourbar"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local marker <const> = require "mlp.plot.marker"
local runs <const> = require "mlp.plot.runs"
local svg <const> = require "mlp.plot.svg"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local SERIES <const> = {
  x = errors.NONE, y = errors.NONE, points = errors.NONE, name = errors.NONE,
  colour = errors.NONE, marker = errors.NONE, size = errors.NONE, opacity = errors.NONE,
  class = errors.NONE, classes = errors.NONE, value = errors.NONE, labels = errors.NONE,
  line = false,
}

local points = {}

local function columns_of_points(call, who, pairs_of)
  local rows <const> = data.rows(call, "points of " .. who, pairs_of)
  if #rows[1] ~= 2 then
    errors.raise("%s: points of %s have %d columns but (N, 2) is wanted", call, who, #rows[1])
  end
  local x <const>, y <const> = {}, {}
  for i, row in ipairs(rows) do x[i], y[i] = row[1], row[2] end
  return x, y
end

local function per_point(call, series, name, who)
  if series[name] == nil then return nil end
  local list <const> = data.numbers(call, name, series[name], who)
  if #list ~= #series.x then
    errors.raise("%s: %s of %s has %d numbers but x has %d", call, name, who, #list, #series.x)
  end
  return list
end

local function read_place(call, series, who)
  if series.points ~= nil then
    if series.x ~= nil or series.y ~= nil then
      errors.raise("%s: %s has points as well as x or y: one of them is wanted", call, who)
    end
    series.x, series.y = columns_of_points(call, who, series.points)
  else
    series.x = data.numbers(call, "x", series.x, who)
    series.y = per_point(call, series, "y", who) or data.numbers(call, "y", nil, who)
  end
end

local function want_size(call, what, size)
  if not (size >= 0 and size < math.huge) then errors.wanted(call, what, size, "a size >= 0") end
end

--- One for all, or `sizes`, one for each point.
local function read_size(call, series, who)
  if series.size == nil then return end
  if math.type(series.size) then
    want_size(call, "size of " .. who, series.size)
  else
    series.sizes = per_point(call, series, "size", who)
    for i, size in ipairs(series.sizes) do
      want_size(call, ("size[%d] of %s"):format(i, who), size)
    end
  end
end

local function read_series(call, entry, i)
  local who = ("series %d"):format(i)
  local series <const> = data.fields(call, who, entry, SERIES)
  series.name = data.text(call, "name of " .. who, series.name)
  if series.name then who = ("%s ('%s')"):format(who, series.name) end
  read_place(call, series, who)
  read_size(call, series, who)
  series.class = per_point(call, series, "class", who)
  series.value = per_point(call, series, "value", who)
  series.classes = data.texts(call, "classes of " .. who, series.classes)
  series.labels = data.texts(call, "labels of " .. who, series.labels, #series.x)
  colour.check(call, "colour of " .. who, series.colour)
  data.positive(call, "opacity of " .. who, series.opacity)
  if series.marker then
    data.choice(call, "marker of " .. who, series.marker, marker.names)
  end
  return series
end

local PER_POINT <const> = { "x", "y", "sizes", "value", "labels" }

--- One series per class, in the order of the classes.
local function by_class(series)
  local parts <const>, order <const> = {}, {}
  for i, class in ipairs(series.class) do
    if not parts[class] then
      parts[class] = setmetatable({ name = (series.classes or {})[class]
        or data.text("", "", class) }, { __index = series })
      for _, name in ipairs(PER_POINT) do parts[class][name] = series[name] and {} end
      order[#order + 1] = class
    end
    for _, name in ipairs(PER_POINT) do
      local list <const> = series[name]
      if list then table.insert(parts[class][name], list[i]) end
    end
  end
  table.sort(order)
  for i, class in ipairs(order) do order[i] = parts[class] end
  return order
end

--- Reads series as callers give them; classes become series of their own.
---@param call string
---@param list table[]
---@return table[] series
function points.read(call, list)
  local all <const> = {}
  for i, entry in ipairs(list) do
    local series <const> = read_series(call, entry, i)
    for _, part in ipairs(series.class and by_class(series) or { series }) do
      all[#all + 1] = part
    end
  end
  for i, series in ipairs(all) do
    local own_colour <const>, _, own_marker <const> = theme.series(i)
    series.colour = series.colour or own_colour
    series.marker = series.marker or own_marker
  end
  return all
end

local function count(all)
  local n = 0
  for _, series in ipairs(all) do n = n + #series.x end
  return n
end

--- Diameter and opacity for so many points: many points want to be small and to shine through.
local function density(n)
  if n <= 300 then return 8, 0.9 end
  if n <= 1500 then return 6, 0.75 end
  return n <= 6000 and 4.5 or 3, 0.55
end

local function largest_size(all)
  local largest = 0
  for _, series in ipairs(all) do
    for _, size in ipairs(series.sizes or {}) do largest = math.max(largest, size) end
  end
  return largest
end

local LARGEST_DIAMETER <const> = 26 -- of sized points, whose areas are as their sizes

local PATH_WIDTH <const> = 2

--- Joins the points in their order; white beside it, for it may cross a picture.
local function draw_line(canvas, series, options, place)
  for _, run in ipairs(runs.split(series.x, series.y, options.log_x, options.log_y)) do
    local path <const> = {}
    for i = 1, #run, 2 do path[i], path[i + 1] = place.x(run[i]), place.y(run[i + 1]) end
    local strokes <const> = { { theme.paper, PATH_WIDTH + 2 }, { series.colour, PATH_WIDTH } }
    for _, stroke in ipairs(#path > 2 and strokes or {}) do
      canvas:add("path", { d = svg.path(path), fill = "none", stroke = stroke[1],
        stroke_width = stroke[2], stroke_linejoin = "round", stroke_linecap = "round" })
    end
  end
end

local function draw_series(canvas, series, options, place, look)
  canvas:open("g", { fill = series.colour, fill_opacity = series.opacity or look.opacity,
    stroke = look.outline > 0 and theme.paper, stroke_width = look.outline > 0 and look.outline })
  for i, x in ipairs(series.x) do
    local y <const> = series.y[i]
    if axis.drawable(x, options.log_x) and axis.drawable(y, options.log_y) then
      local size <const> = series.sizes
        and LARGEST_DIAMETER * math.sqrt(series.sizes[i] / look.largest)
        or series.size or look.size
      local fill <const> = series.value and look.colour_of(series.value[i])
      marker.draw(canvas, series.marker, place.x(x), place.y(y), size, { fill = fill })
    end
  end
  canvas:close "g"
end

local function draw_labels(canvas, series, options, place, look)
  for i, label in ipairs(series.labels or {}) do
    local x <const>, y <const> = series.x[i], series.y[i]
    if axis.drawable(x, options.log_x) and axis.drawable(y, options.log_y) then
      local gap <const> = look.size / 2 + 4
      local room <const> = place.left + place.width - place.x(x)
      local fits <const> = text.width(text.clean(label), theme.note) + gap < room
      canvas:text(place.x(x) + (fits and gap or -gap), place.y(y), label, theme.note,
        { anchor = not fits and "end" or nil, fill = theme.ink, halo = theme.paper })
    end
  end
end

--- Draws series that `read` has read.
---@param canvas mlp.plot.Canvas
---@param all table[]
---@param options {log_x: boolean?, log_y: boolean?, outline: number?}
---@param place mlp.plot.Place
---@param bar mlp.plot.ColourBar?
function points.draw(canvas, all, options, place, bar)
  local size <const>, opacity <const> = density(count(all))
  local look <const> = { size = size, opacity = options.outline and 1 or opacity,
    outline = options.outline or size > 4 and 0.8 or 0,
    largest = math.max(largest_size(all), 1e-300),
    colour_of = function(value)
      return bar and colourbar.colour_of(bar, value) or theme.missing
    end }
  for _, series in ipairs(all) do
    if series.line then draw_line(canvas, series, options, place) end
    if series.size ~= 0 then draw_series(canvas, series, options, place, look) end
  end
  for _, series in ipairs(all) do draw_labels(canvas, series, options, place, look) end
end

--- Legend entries of series that have a name.
---@param all table[]
---@return mlp.plot.Key[]
function points.keys(all)
  local keys <const> = {}
  for _, series in ipairs(all) do
    if series.name then
      keys[#keys + 1] = { name = series.name, kind = "marker", marker = series.marker,
        colour = series.value and theme.axis or series.colour }
    end
  end
  return keys
end

--- One column of all series, for their extent; series without it are passed over.
---@param all table[]
---@param name string
---@return number[][]
function points.columns(all, name)
  local lists <const> = {}
  for _, series in ipairs(all) do lists[#lists + 1] = series[name] end
  return lists
end

return points
