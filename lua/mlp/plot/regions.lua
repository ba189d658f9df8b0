-- A function of the plane: its values in colours with contour lines, or, for a classifier, the
-- region of each class. Boundaries are drawn where the best class changes, as lines between the
-- points of the grid, so they are smooth although the grid is coarse.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local colourbar <const> = require "mlp.plot.colourbar"
local contour <const> = require "mlp.plot.contour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local frame <const> = require "mlp.plot.frame"
local points <const> = require "mlp.plot.points"
local raster <const> = require "mlp.plot.raster"
local runs <const> = require "mlp.plot.runs"
local surface <const> = require "mlp.plot.surface"
local svg <const> = require "mlp.plot.svg"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.regions"
local WANTED <const> = "a function or model of points (N, 2)"
local SIDE <const> = 320 -- pixels of the picture: the grid's values, interpolated
local TINT <const> = 0.66 -- how much white is in the colour of a class
local PALE <const> = 0.3 -- and in a colour map below points
local SMOOTHNESS <const> = 0.15 -- pixels a boundary may stray where points are left out
local POINT_OUTLINE <const> = 1.6 -- white around points, which may stand on their own colour
local FLATTEST <const>, STEEPEST <const> = 0.3, 1.3 -- height over width of the plot

local options_of_its_own <const> = {
  x = errors.NONE, y = errors.NONE, resolution = 80, pointwise = false, points = errors.NONE,
  levels = errors.NONE, classes = errors.NONE,
}

local function is_callable(value)
  if type(value) == "function" then return true end
  local meta <const> = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

local function picture(grid, colour_of)
  local pixel <const> = raster.painter(false)
  local pixels <const> = {}
  for _, row in ipairs(grid) do
    for _, value in ipairs(row) do pixels[#pixels + 1] = pixel[colour_of(value)] end
  end
  return pixels
end

local function draw_contours(canvas, grid, level, place)
  for _, stroke in ipairs(contour.lines(grid, level)) do
    local path <const> = {}
    for i = 1, #stroke, 2 do
      path[i] = place.left + place.width * (stroke[i] - 0.5) / SIDE
      path[i + 1] = place.top + place.height * (stroke[i + 1] - 0.5) / SIDE
    end
    canvas:add("path", { d = svg.path(runs.simplify(path, SMOOTHNESS)), fill = "none",
      stroke = theme.ink, stroke_width = 1.6, stroke_linejoin = "round",
      stroke_linecap = "round" })
  end
end

--- The part of the plane: as given, or around the points.
local function side(name, given, all)
  local pair <const> = data.pair(CALL, name, given)
  if pair then return pair end
  local lo <const>, hi <const> = data.extent(points.columns(all, name))
  if not lo then
    errors.raise("%s: %s is missing: {low, high}, or points to lie around", CALL, name)
  end
  local low <const>, high <const> = axis.limits(lo, hi, { pad = 0.15 })
  return { low, high }
end

local function read_levels(value)
  if value == nil then return {} end
  return data.numbers(CALL, "levels", math.type(value) and { value } or value)
end

local function tint_of(k)
  return colour.mix((theme.series(k)), theme.paper, TINT)
end

--- One output: its values in colours, contour lines at the levels.
local function paint_values(grid, options, with_points)
  local lo <const>, hi <const> = data.extent(grid)
  if not lo then errors.raise("%s: no answer of the function is finite", CALL) end
  local bar <const> = colourbar.from(CALL, options, lo, hi)
  if with_points and not options.colours then bar.map = colour.pale(bar.map, PALE) end
  local levels <const> = read_levels(options.levels)
  return {
    pixels = picture(grid, function(value) return colourbar.colour_of(bar, value) end), bar = bar,
    keys = {}, contours = function(canvas, place)
      for _, level in ipairs(levels) do draw_contours(canvas, grid, level, place) end
    end,
  }
end

--- Scores of classes: the region of each, and a line where the best class changes.
local function paint_classes(scores, options)
  local tints <const>, keys <const> = {}, {}
  for k in ipairs(scores) do tints[k] = tint_of(k) end
  for k, name in ipairs(data.texts(CALL, "classes", options.classes, #scores) or {}) do
    keys[k] = { name = name, kind = "patch", colour = tints[k] }
  end
  local winners <const>, leads <const> = surface.compare(scores)
  if #leads == 2 then leads[2] = nil end -- one line between two classes
  return {
    pixels = picture(winners, function(winner) return tints[winner] end), keys = keys,
    contours = function(canvas, place)
      for _, grid in ipairs(leads) do draw_contours(canvas, grid, 0, place) end
    end,
  }
end

local function check(given)
  local options <const> = frame.check(CALL, errors.options(CALL, given,
    figure.merge(frame.plain_options, colourbar.options, options_of_its_own, { legend = "auto" })))
  local n <const> = options.resolution
  if math.type(n) ~= "integer" or n < 2 or n > 1000 then
    errors.wanted(CALL, "resolution", n, "a whole number 2..1000")
  end
  return options
end

local function aspect_of(x, y)
  return math.max(FLATTEST, math.min(STEEPEST, (y[2] - y[1]) / (x[2] - x[1])))
end

local function draw(canvas, painted, all, place)
  raster.draw(canvas, painted.pixels, SIDE, SIDE, { x = place.left, y = place.top,
    width = place.width, height = place.height, smooth = true })
  painted.contours(canvas, place)
  canvas:open("g", { clip_path = canvas:clip(place.left, place.top, place.width, place.height) })
  points.draw(canvas, all, { outline = POINT_OUTLINE }, place)
  canvas:close "g"
end

---@class mlp.plot.RegionsOptions
---@field x number[]?             {low, high}; default around the points
---@field y number[]?
---@field resolution integer?     the function is asked at resolution^2 points, default 80
---@field pointwise boolean?      the function takes numbers x, y and answers a number
---@field points mlp.plot.Points[]?  series of points on top, as in mlp.plot.scatter
---@field levels number|number[]|nil  contour lines of a function with one output
---@field classes string[]?       names of the outputs, for the legend
---@field colours string|string[]|nil  as in mlp.plot.heatmap
---@field limits number[]?
---@field centre number?
---@field bar_label string?
---@field legend "auto"|"top"|"right"|"none"|false|nil
---@field title string?
---@field subtitle string?
---@field x_label string?
---@field y_label string?
---@field width number?           default 640
---@field height number?          default from x and y: a unit is as long on both axes
---@field background string?

--- A function of two inputs over a part of the plane. The function, or model, takes a tensor of
--- points (N, 2) and answers (N) or (N, 1), shown in colours, or (N, K), scores of K classes,
--- shown as the regions where each is the largest.
---
---     mlp.plot.regions{ model, levels = 0.5, points = { {points = x, class = y} } }
---@param arguments table  the function first, then mlp.plot.RegionsOptions
---@return mlp.plot.Figure
local function regions(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  if not is_callable(list[1]) then errors.wanted(CALL, "argument 1", list[1], WANTED) end
  local options <const> = check(given)
  local all <const> = points.read(CALL, options.points or {})
  local x <const>, y <const> = side("x", options.x, all), side("y", options.y, all)
  local fine <const> = {}
  for k, grid in ipairs(surface.evaluate(CALL, list[1], x, y, options.resolution,
    options.pointwise)) do fine[k] = surface.refine(grid, SIDE) end
  local painted <const> = #fine == 1 and paint_values(fine[1], options, #all > 0)
    or paint_classes(fine, options)
  local keys <const> = points.keys(all)
  return frame.figure(options, {
    x = { lo = x[1], hi = x[2] }, y = { lo = y[1], hi = y[2] }, aspect = aspect_of(x, y),
    grid = "", box = true, keys = #keys > 0 and keys or painted.keys, bar = painted.bar,
    draw = function(canvas, place) draw(canvas, painted, all, place) end,
  })
end

return regions
