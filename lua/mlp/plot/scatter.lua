-- Points: coloured by series or class, or by a value through a colour map; sized by a number.

local colourbar <const> = require "mlp.plot.colourbar"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local frame <const> = require "mlp.plot.frame"
local points <const> = require "mlp.plot.points"

local CALL <const> = "plot.scatter"
local WANTED <const> = "a list of series such as {x = ..., y = ..., name = \"class 1\"}"

local function value_bar(all, options)
  local lists <const> = points.columns(all, "value")
  if #lists == 0 then return nil end
  local lo <const>, hi <const> = data.extent(lists)
  if not lo then errors.raise("%s: no value is finite", CALL) end
  return colourbar.from(CALL, options, lo, hi)
end

---@class mlp.plot.Points
---@field x number[]|mlp.Tensor?       (N); points with NaN or infinity are left out
---@field y number[]|mlp.Tensor?       (N)
---@field points mlp.Tensor|number[][]?  (N, 2), instead of x and y
---@field name string?
---@field colour string?
---@field marker string?               "circle" "square" "triangle" "diamond" "down" "cross"
---@field size number|number[]|mlp.Tensor?  diameter in pixels, 0 for a line alone; or (N), areas in
---  proportion
---@field opacity number?
---@field class number[]|mlp.Tensor?   (N) splits the series into one per class
---@field classes string[]?            names of classes 1, 2, ...
---@field value number[]|mlp.Tensor?   (N) colours by value, with a colour bar
---@field labels string[]?             (N) texts beside the points
---@field line boolean?                joins the points in their order, as the path of a descent

--- Points of one or several series. Besides the options of every figure with axes:
--- `equal` (a unit is as long on both axes), `colours`, `limits`, `centre` and `bar_label` for
--- series with `value` (as in `mlp.plot.heatmap`).
---
---     mlp.plot.scatter{ {points = x, class = y, classes = {"setosa", "versicolor"}} }
---@param arguments mlp.plot.Points[]|mlp.plot.FrameOptions
---@return mlp.plot.Figure
local function scatter(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  local options <const> = frame.check(CALL, errors.options(CALL, given,
    figure.merge(frame.options, colourbar.options, { equal = false })))
  local all <const> = points.read(CALL, list)
  local x_lo <const>, x_hi <const> = data.extent(points.columns(all, "x"), options.log_x)
  local y_lo <const>, y_hi <const> = data.extent(points.columns(all, "y"), options.log_y)
  if not (x_lo and y_lo) then errors.raise("%s: nothing to draw, no point is finite", CALL) end
  local bar <const> = value_bar(all, options)
  return frame.figure(options, {
    x = { lo = x_lo, hi = x_hi, pad = 0.04 }, y = { lo = y_lo, hi = y_hi, pad = 0.05 },
    grid = "xy", keys = points.keys(all), bar = bar,
    draw = function(canvas, place) points.draw(canvas, all, options, place, bar) end,
  })
end

return scatter
