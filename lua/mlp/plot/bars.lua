-- Bars: numbers under names. They start at zero, always: a bar is read by its length.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local frame <const> = require "mlp.plot.frame"
local number <const> = require "mlp.plot.number"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.bars"
local WANTED <const> = "a list of series such as {y = {3, 5}, name = \"train\"}"
local GROUP <const> = 0.78 -- share of a slot that its bars take
local SERIES <const> = {
  y = errors.NONE, name = errors.NONE, colour = errors.NONE, spread = errors.NONE,
}

local function read_series(entry, i, count)
  local who <const> = ("series %d"):format(i)
  local bare <const> = data.plain(entry) ~= entry
    or type(entry) == "table" and math.type(entry[1]) ~= nil
  local series <const> = data.fields(CALL, who, bare and { y = entry } or entry, SERIES)
  series.name = data.text(CALL, "name of " .. who, series.name)
  series.colour = colour.check(CALL, "colour of " .. who, series.colour) or theme.series(i)
  for _, name in ipairs { "y", "spread" } do
    if name == "y" or series[name] ~= nil then
      series[name] = data.numbers(CALL, name, series[name], who)
      count = count or #series[name]
      if #series[name] ~= count then
        errors.raise("%s: %s of %s has %d numbers but %d are wanted", CALL, name, who,
          #series[name], count)
      end
    end
  end
  return series
end

local function reach(all)
  local ends <const> = {}
  for s, series in ipairs(all) do
    ends[s] = {}
    for i, y in ipairs(series.y) do
      local spread <const> = series.spread and series.spread[i] or 0
      table.insert(ends[s], y - spread)
      table.insert(ends[s], y + spread)
    end
  end
  local lo <const>, hi <const> = data.extent(ends)
  if not lo then errors.raise("%s: no value is finite", CALL) end
  return math.min(0, lo), math.max(0, hi)
end

--- The bar of item i of series s along the names: start and end, in slots.
local function slot(i, s, count)
  local width <const> = GROUP / count
  local start <const> = i - GROUP / 2 + (s - 1) * width
  local gap <const> = count > 1 and 0.04 * width or 0
  return start + gap, start + width - gap
end

local function draw_bar(canvas, place, from, to, y, fill, horizontal)
  local a <const>, b <const> = place.along(from), place.along(to)
  local zero <const>, tip <const> = place.across(0), place.across(y)
  local low <const>, high <const> = math.min(zero, tip), math.max(zero, tip)
  local box <const> = horizontal
    and { x = low, y = a, width = high - low, height = b - a }
    or { x = a, y = low, width = b - a, height = high - low }
  box.fill = fill
  canvas:add("rect", box)
end

local function draw_spread(canvas, place, middle, y, spread, horizontal)
  local at <const> = place.along(middle)
  local low <const>, high <const> = place.across(y - spread), place.across(y + spread)
  local ink <const> = { stroke = theme.ink, stroke_width = 1.4 }
  if horizontal then
    canvas:rule(low, at, high, at, ink)
  else
    canvas:rule(at, low, at, high, ink)
  end
end

local function draw_value(canvas, place, middle, tip, y, horizontal)
  local at <const>, beyond <const> = place.along(middle), place.across(tip)
  local shown <const> = number.label(y, 3)
  local up <const> = y >= 0 and 1 or -1
  if horizontal then
    canvas:text(beyond + 5 * up, at, shown, theme.note,
      { anchor = up < 0 and "end" or nil, halo = theme.paper })
  else
    canvas:text(at, beyond - 9 * up, shown, theme.note,
      { anchor = "middle", halo = theme.paper })
  end
end

local function draw(canvas, all, options, place)
  place = setmetatable({ along = options.horizontal and place.y or place.x,
    across = options.horizontal and place.x or place.y }, { __index = place })
  for s, series in ipairs(all) do
    for i, y in ipairs(series.y) do
      if axis.drawable(y) then
        local from <const>, to <const> = slot(i, s, #all)
        local middle <const> = (from + to) / 2
        draw_bar(canvas, place, from, to, y, series.colour, options.horizontal)
        local spread = series.spread and series.spread[i] or 0
        if not axis.drawable(spread) then spread = 0 end
        if spread > 0 then
          draw_spread(canvas, place, middle, y, spread, options.horizontal)
        end
        if options.values then
          draw_value(canvas, place, middle, y >= 0 and y + spread or y - spread, y,
            options.horizontal)
        end
      end
    end
  end
  local zero <const> = place.across(0)
  if options.horizontal then
    canvas:rule(zero, place.top, zero, place.top + place.height, { stroke = theme.axis })
  else
    canvas:rule(place.left, zero, place.left + place.width, zero, { stroke = theme.axis })
  end
end

local function extents(all, options, names)
  local lo <const>, hi <const> = reach(all)
  local along <const> = { names = names, count = not names and #all[1].y or nil }
  local across <const> = { lo = lo, hi = hi, pad = options.values and 0.09 or 0.04, zero = true }
  if options.horizontal then
    along.down = true
    return across, along
  end
  return along, across
end

local function widest_value(all)
  local widest = 0
  for _, series in ipairs(all) do
    for _, y in ipairs(series.y) do
      widest = math.max(widest, text.width(number.label(y, 3), theme.note))
    end
  end
  return widest
end

--- Numbers inside the figure only where they fit.
local function values_fit(options, all, count)
  if options.values ~= nil then return options.values end
  local slots <const> = count * #all
  if options.horizontal then return slots <= 40 end
  return slots * (widest_value(all) + 4) < GROUP * ((options.width or theme.width) - 80)
end

---@class mlp.plot.Bars
---@field y number[]|mlp.Tensor        (N); or the series itself is the list
---@field name string?
---@field colour string?
---@field spread number[]|mlp.Tensor?  (N) half the length of an error bar

---@class mlp.plot.BarsOptions
---@field names string[]?       under the bars; default 1, 2, ...
---@field horizontal boolean?   bars to the right: for long names
---@field values boolean?       numbers at the bars; default where they fit
---@field legend "auto"|"top"|"right"|"none"|false|nil
---@field title string?
---@field subtitle string?
---@field x_label string?
---@field y_label string?
---@field width number?         default 640
---@field height number?        default 400; horizontal: as many rows want
---@field background string?

--- Bars of one or several series, side by side.
---
---     mlp.plot.bars{ {0.91, 0.97, 0.98}, names = {"linear", "64", "256"}, y_label = "accuracy" }
---@param arguments mlp.plot.Bars[]|mlp.plot.BarsOptions
---@return mlp.plot.Figure
local function bars(arguments)
  local list <const>, given <const> = data.split_series(CALL, arguments, WANTED)
  local options <const> = errors.options(CALL, given, figure.merge(frame.plain_options,
    { names = errors.NONE, horizontal = false, values = errors.NONE, legend = "auto" }))
  local horizontal <const> = options.horizontal
  options.horizontal = nil -- the frame's option of this name means lines
  frame.check(CALL, options)
  local all <const>, keys <const> = {}, {}
  for i, entry in ipairs(list) do
    all[i] = read_series(entry, i, all[1] and #all[1].y)
    keys[#keys + 1] = all[i].name and { name = all[i].name, colour = all[i].colour,
      kind = "patch" } or nil
  end
  local names <const> = data.texts(CALL, "names", options.names, #all[1].y)
  local own <const> = { horizontal = horizontal, width = options.width, values = options.values }
  own.values = values_fit(own, all, #all[1].y)
  local x <const>, y <const> = extents(all, own, names)
  if horizontal and not options.height then
    options.height = 120 + #all[1].y * (10 + 20 * #all)
  end
  return frame.figure(options, {
    x = x, y = y, keys = keys, own_base = true, grid = horizontal and "x" or "y",
    draw = function(canvas, place) draw(canvas, all, own, place) end,
  })
end

return bars
