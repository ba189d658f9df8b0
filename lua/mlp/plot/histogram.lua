-- Histograms: how often which values occur. Bins have round edges, and whole numbers sit in the
-- middle of theirs. What cannot be counted (NaN, infinity) is told under the figure.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local frame <const> = require "mlp.plot.frame"
local svg <const> = require "mlp.plot.svg"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.histogram"
local WANTED <const> = "a list of series such as {values, name = \"class 1\"}"
local FEWEST <const>, MOST <const> = 8, 60 -- bins that are chosen here
local SCALES <const> = { "count", "share", "density" }
local SERIES <const> = { values = errors.NONE, name = errors.NONE, colour = errors.NONE }

--- {values, name = ...} and a bare list, as {values = ..., name = ...}.
local function in_full(entry)
  if data.plain(entry) ~= entry or type(entry) == "table" and math.type(entry[1]) then
    return { values = entry }
  end
  if type(entry) ~= "table" or entry[1] == nil then return entry end
  local full <const> = { values = entry[1] }
  for key, value in pairs(entry) do
    if key ~= 1 then full[key] = value end
  end
  return full
end

local function read_series(entry, i)
  local who <const> = ("series %d"):format(i)
  local series <const> = data.fields(CALL, who, in_full(entry), SERIES)
  series.name = data.text(CALL, "name of " .. who, series.name)
  series.colour = colour.check(CALL, "colour of " .. who, series.colour) or theme.series(i)
  series.values = data.numbers(CALL, "values", series.values, who)
  return series
end

local function finite_sorted(all)
  local list <const> = {}
  local left_out = 0
  for _, series in ipairs(all) do
    for _, value in ipairs(series.values) do
      if axis.drawable(value) then list[#list + 1] = value else left_out = left_out + 1 end
    end
  end
  table.sort(list)
  return list, left_out
end

-- Freedman and Diaconis (1981): bins of 2 IQR n^(-1/3). Rounding a width up to 1, 2 or 5 costs a
-- factor of 1.6 on average, which is given back here.
local function wished_count(sorted)
  local n <const> = #sorted
  local spread <const> = sorted[math.ceil(0.75 * n)] - sorted[math.ceil(0.25 * n)]
  local range <const> = sorted[n] - sorted[1]
  if spread <= 0 then return MOST / 2 end
  return math.max(FEWEST, math.min(MOST, 1.6 * range / (2 * spread * n ^ (-1 / 3))))
end

local function round_edges(sorted, whole)
  local lo, hi = sorted[1], sorted[#sorted]
  if not whole then lo, hi = axis.limits(lo, hi, {}) end
  local step, exponent = axis.step(math.max(hi - lo, 1e-300), wished_count(sorted))
  if whole and (exponent < 0 or hi - lo <= MOST) then step, exponent = 1, 0 end
  local width <const> = exponent < 0 and step / 10.0 ^ -exponent or step * 10.0 ^ exponent
  local shift <const> = whole and width == 1 and 0.5 or 0
  local edges <const> = {}
  local first <const> = math.floor(lo / width - shift + 1e-9)
  local i = first
  repeat
    edges[#edges + 1] = (i + shift) * width
    i = i + 1
  until edges[#edges] > hi
  return edges
end

local function equal_edges(sorted, count)
  local lo <const>, hi <const> = axis.limits(sorted[1], sorted[#sorted], {})
  local edges <const> = {}
  for i = 0, count do edges[i + 1] = lo + (hi - lo) * i / count end
  return edges
end

local function edges_of(bins, sorted, whole)
  if bins == "auto" then return round_edges(sorted, whole) end
  if math.type(bins) == "integer" and bins >= 1 and bins <= 1000 then
    return equal_edges(sorted, bins)
  end
  if type(bins) ~= "table" then
    errors.wanted(CALL, "bins", bins, 'a whole number 1..1000, a list of edges, or "auto"')
  end
  local edges <const> = data.numbers(CALL, "bins", bins)
  for i = 2, #edges do
    local increasing <const> = edges[i] > edges[i - 1] -- false for NaN
    if not increasing then
      errors.raise("%s: the edges in bins are not increasing at position %d", CALL, i)
    end
  end
  if #edges < 2 then errors.raise("%s: bins has one edge but two or more are wanted", CALL) end
  return edges
end

--- The bin of a value: edges[i] <= value < edges[i + 1], the last bin closed; nil outside.
local function bin_of(edges, value)
  local lo, hi = 1, #edges
  if not (value >= edges[lo] and value <= edges[hi]) then return nil end
  while hi - lo > 1 do
    local middle <const> = (lo + hi) // 2
    if value >= edges[middle] then lo = middle else hi = middle end
  end
  return lo
end

local function heights(values, edges, scale)
  local counts <const> = {}
  for i = 1, #edges - 1 do counts[i] = 0 end
  local total = 0
  for _, value in ipairs(values) do
    local bin <const> = bin_of(edges, value)
    if bin then
      counts[bin] = counts[bin] + 1
      total = total + 1
    end
  end
  if scale == "count" or total == 0 then return counts end
  for i, count in ipairs(counts) do
    counts[i] = count / total / (scale == "density" and edges[i + 1] - edges[i] or 1)
  end
  return counts
end

local function pixel_height(place, value, log)
  local foot <const> = place.top + place.height
  return axis.drawable(value, log) and math.min(foot, place.y(value)) or foot
end

local function draw_bars(canvas, series, edges, options, place)
  local foot <const> = place.top + place.height
  for i, height in ipairs(series.heights) do
    local top <const> = pixel_height(place, height, options.log_y)
    if top < foot then
      local left <const>, right <const> = place.x(edges[i]), place.x(edges[i + 1])
      local gap <const> = right - left > 4 and 1 or 0
      canvas:add("rect", { x = left + gap / 2, y = top, width = right - left - gap,
        height = foot - top, fill = series.colour })
    end
  end
end

local function outline(series, edges, options, place)
  local foot <const> = place.top + place.height
  local points <const> = { place.x(edges[1]), foot }
  for i, height in ipairs(series.heights) do
    local y <const> = pixel_height(place, height, options.log_y)
    for _, value in ipairs { place.x(edges[i]), y, place.x(edges[i + 1]), y } do
      points[#points + 1] = value
    end
  end
  points[#points + 1], points[#points + 2] = place.x(edges[#edges]), foot
  return points
end

local function draw(canvas, all, edges, options, place)
  if #all == 1 then return draw_bars(canvas, all[1], edges, options, place) end
  for _, series in ipairs(all) do
    canvas:add("path", { d = svg.path(outline(series, edges, options, place), true),
      fill = series.colour, fill_opacity = 0.35 })
  end
  for _, series in ipairs(all) do
    canvas:add("path", { d = svg.path(outline(series, edges, options, place)), fill = "none",
      stroke = series.colour, stroke_width = 1.8, stroke_linejoin = "round" })
  end
end

local function height_extent(all, log)
  local lists <const> = {}
  for i, series in ipairs(all) do lists[i] = series.heights end
  local lo <const>, hi <const> = data.extent(lists, log)
  if not lo or hi == 0 then errors.raise("%s: no value lies inside the bins", CALL) end
  if log then return { lo = lo / 2, hi = hi, pad = 0.02 } end
  return { lo = 0, hi = hi, pad = 0.05, zero = true }
end

---@class mlp.plot.Distribution
---@field values number[]|mlp.Tensor?  (N), or as the first item
---@field name string?
---@field colour string?

--- Histograms of one or several series of numbers. Besides the options of every figure with
--- axes: `bins` ("auto", a number, or a list of edges) and `scale` ("count", "share" of each
--- series, or "density").
---
---     mlp.plot.histogram{ {right, name = "right"}, {wrong, name = "wrong"}, x_label = "margin" }
---@param arguments mlp.plot.Distribution[]|mlp.plot.FrameOptions
---@return mlp.plot.Figure
local function histogram(arguments)
  local list <const>, given <const> = data.split_series(CALL, arguments, WANTED)
  local options <const> = frame.check(CALL, errors.options(CALL, given,
    figure.merge(frame.options, { bins = "auto", scale = "count" })))
  data.choice(CALL, "scale", options.scale, SCALES)
  local all <const>, columns <const>, keys <const> = {}, {}, {}
  for i, entry in ipairs(list) do
    all[i] = read_series(entry, i)
    columns[i] = all[i].values
    keys[#keys + 1] = all[i].name and { name = all[i].name, colour = all[i].colour,
      kind = "patch", opacity = #list > 1 and 0.6 or nil } or nil
  end
  local sorted <const>, left_out <const> = finite_sorted(all)
  if #sorted == 0 then errors.raise("%s: no value is finite", CALL) end
  local whole <const> = data.whole(columns)
  local edges <const> = edges_of(options.bins, sorted, whole)
  for _, series in ipairs(all) do series.heights = heights(series.values, edges, options.scale) end
  options.y_label = options.y_label or options.scale
  return frame.figure(options, {
    x = { lo = edges[1], hi = edges[#edges], whole = whole },
    y = height_extent(all, options.log_y), keys = keys,
    footnote = left_out > 0 and ("%d value%s not finite and left out"):format(left_out,
      left_out > 1 and "s are" or " is") or nil,
    draw = function(canvas, place) draw(canvas, all, edges, options, place) end,
  })
end

return histogram
