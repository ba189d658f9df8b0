-- The scale of a colour map: a strip at the right of the plot, with ticks.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.ColourBar
---@field map mlp.plot.ColourMap
---@field lo number
---@field hi number
---@field label string?
---@field missing boolean?  some cells have no number

local colourbar = {}

local WIDTH <const>, GAP <const> = 14, 16
local STOPS <const> = 20
local SPACING <const> = 40 -- pixels between ticks

--- Options of every figure that shows numbers as colours.
colourbar.options = {
  colours = errors.NONE, limits = errors.NONE, centre = errors.NONE, bar_label = errors.NONE,
}

--- The colour scale for data from `lo` to `hi`: diverging around zero where the data lie on both
--- sides of it, else sequential, unless the options say otherwise.
---@param call string
---@param options table
---@param lo number
---@param hi number
---@return mlp.plot.ColourBar
function colourbar.from(call, options, lo, hi)
  local label <const> = data.text(call, "bar_label", options.bar_label)
  local centre <const> = options.centre
  if centre ~= nil and not (math.type(centre) and axis.drawable(centre)) then
    errors.wanted(call, "centre", centre, "a number")
  end
  local both_sides <const> = centre ~= nil or lo < 0 and hi > 0
  local map <const> = colour.map(call, options.colours or both_sides and "diverging" or "viridis")
  local limits <const> = data.pair(call, "limits", options.limits)
  if limits then
    lo, hi = limits[1], limits[2]
  elseif map.diverging or centre then
    local middle <const> = centre or 0
    local half <const> = math.max(math.abs(hi - middle), math.abs(middle - lo))
    lo, hi = middle - half, middle + half
  end
  lo, hi = axis.limits(lo, hi, {})
  return { map = map, lo = lo, hi = hi, label = label }
end

--- The colour of a number; that of missing ones where there is none.
---@param bar mlp.plot.ColourBar
---@param value number
---@return string "#rrggbb"
function colourbar.colour_of(bar, value)
  if value ~= value then return theme.missing end
  return bar.map:at((value - bar.lo) / (bar.hi - bar.lo))
end

local function scale(bar, height)
  return axis.linear(bar.lo, bar.hi, math.max(2, height // SPACING))
end

local function tick_labels(bar, height)
  local labels <const> = {}
  for i, tick in ipairs(scale(bar, height).ticks) do labels[i] = tick.label end
  if bar.missing then labels[#labels + 1] = "none" end
  return labels
end

--- Room at the right of a plot of some height.
---@param bar mlp.plot.ColourBar
---@param height number
---@return number
function colourbar.width(bar, height)
  local ticks <const> = text.widest(tick_labels(bar, height), theme.tick)
  return GAP + math.max(WIDTH + 6 + ticks,
    bar.label and text.width(text.clean(bar.label), theme.label) or 0)
end

local function gradient(canvas, map)
  local id <const> = "map_" .. table.concat(map.anchors, "_"):gsub("#", "")
  return canvas:define(id, function()
    canvas:open("linearGradient", { id = id, x1 = 0, y1 = 1, x2 = 0, y2 = 0 })
    for i = 0, STOPS do
      canvas:add("stop", { offset = i / STOPS, stop_color = map:at(i / STOPS) })
    end
    canvas:close "linearGradient"
  end)
end

--- Draws the strip at the right of a plot.
---@param canvas mlp.plot.Canvas
---@param bar mlp.plot.ColourBar
---@param place mlp.plot.Place
function colourbar.draw(canvas, bar, place)
  local x <const> = place.left + place.width + GAP
  local foot <const> = bar.missing and 26 or 0
  local height <const> = place.height - foot
  canvas:add("rect", { x = x, y = place.top, width = WIDTH, height = height,
    fill = gradient(canvas, bar.map) })
  local ticks <const> = scale(bar, height)
  for _, tick in ipairs(ticks.ticks) do
    local y <const> = place.top + height * (1 - ticks:at(tick.value))
    canvas:rule(x + WIDTH, y, x + WIDTH + 3, y, { stroke = theme.axis })
    canvas:text(x + WIDTH + 6, y, tick.label, theme.tick)
  end
  if bar.missing then
    local y <const> = place.top + place.height - WIDTH
    canvas:add("rect", { x = x, y = y, width = WIDTH, height = WIDTH, fill = theme.missing })
    canvas:text(x + WIDTH + 6, y + WIDTH / 2, "none", theme.tick)
  end
end

return colourbar
