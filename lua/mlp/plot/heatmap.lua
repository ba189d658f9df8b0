-- A matrix in colours, first row on top as it is written.

local colour <const> = require "mlp.plot.colour"
local colourbar <const> = require "mlp.plot.colourbar"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local frame <const> = require "mlp.plot.frame"
local number <const> = require "mlp.plot.number"
local raster <const> = require "mlp.plot.raster"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.heatmap"
local WANTED <const> = "rows of numbers or a tensor (rows, columns)"
local FLATTEST <const>, STEEPEST <const> = 0.25, 1.4 -- height over width of the plot
local SMALLEST_TEXT <const> = 8

local options_of_its_own <const> = {
  row_names = errors.NONE, column_names = errors.NONE, values = false, digits = 2,
  boxes = errors.NONE, colour_bar = true,
}

local BOX <const> = "#cc3311"

local function pixels_of(rows, bar)
  local pixel <const> = raster.painter(bar.map.grey)
  local pixels <const> = {}
  for _, row in ipairs(rows) do
    for _, value in ipairs(row) do
      pixels[#pixels + 1] = pixel[colourbar.colour_of(bar, value)]
    end
  end
  return pixels
end

local function value_texts(rows, digits)
  local texts <const>, all <const> = {}, {}
  for _, row in ipairs(rows) do table.move(row, 1, #row, #all + 1, all) end
  local shown <const> = number.alike(all, digits)
  for r, row in ipairs(rows) do
    texts[r] = {}
    for c, value in ipairs(row) do texts[r][c] = value == value and shown(value) or "" end
  end
  return texts
end

--- The numbers inside their cells, one size for all; left out where they cannot be read.
local function draw_values(canvas, rows, bar, place, digits)
  local texts <const> = value_texts(rows, digits)
  local style <const> = { size = theme.tick.size }
  local widest = 0
  for _, row in ipairs(texts) do widest = math.max(widest, text.widest(row, style)) end
  local cell_width <const> = place.width / #rows[1]
  local cell_height <const> = place.height / #rows
  style.size = math.min(style.size, style.size * (cell_width - 4) / widest, cell_height * 0.7)
  if style.size < SMALLEST_TEXT then return end
  for r, row in ipairs(rows) do
    for c, value in ipairs(row) do
      canvas:text(place.x(c), place.y(r), texts[r][c], style,
        { anchor = "middle", fill = colour.text_on(colourbar.colour_of(bar, value)) })
    end
  end
end

local function read_boxes(given, rows)
  local boxes <const> = {}
  if given ~= nil and type(given) ~= "table" then errors.wanted(CALL, "boxes", given, "a list") end
  for i, entry in ipairs(given or {}) do
    local what <const> = ("boxes[%d]"):format(i)
    boxes[i] = data.fields(CALL, what, entry,
      { row = errors.NONE, column = errors.NONE, colour = BOX })
    for name, count in pairs { row = #rows, column = #rows[1] } do
      local at <const> = boxes[i][name]
      if math.type(at) ~= "integer" or at < 1 or at > count then
        errors.wanted(CALL, ("%s.%s"):format(what, name), at,
          ("a whole number from 1 to %d"):format(count))
      end
    end
  end
  return boxes
end

local function draw_boxes(canvas, boxes, place, rows)
  local width <const>, height <const> = place.width / #rows[1], place.height / #rows
  for _, box in ipairs(boxes) do
    canvas:add("rect", { x = place.x(box.column) - width / 2 + 0.75,
      y = place.y(box.row) - height / 2 + 0.75, width = width - 1.5, height = height - 1.5,
      fill = "none", stroke = box.colour, stroke_width = 1.5 })
  end
end

local function has_missing(rows)
  for _, row in ipairs(rows) do
    for _, value in ipairs(row) do
      if value ~= value then return true end
    end
  end
  return false
end

---@class mlp.plot.HeatmapOptions
---@field title string?
---@field subtitle string?
---@field x_label string?
---@field y_label string?
---@field width number?         default 640
---@field height number?        default from the shape of the matrix
---@field background string?
---@field colours string|string[]|nil  "viridis" "diverging" "blues" "oranges" "grey" "ink", or
--- colours from low to high; default "diverging" where the data lie on both sides of zero, else
--- "viridis"
---@field limits number[]?      {low, high}; default the data, symmetric for "diverging"
---@field centre number?        the middle of a diverging scale, default 0
---@field bar_label string?
---@field colour_bar boolean?   default true; false for one of many that share their limits
---@field values boolean?       writes the numbers into the cells
---@field digits integer?       significant digits of these numbers, default 2
---@field row_names string[]?   default 1, 2, ... from the top
---@field column_names string[]?
---@field boxes {row: integer, column: integer, colour: string?}[]?  cells with a frame

--- A heat map of a matrix. NaN is grey.
---
---     mlp.plot.heatmap{ weights, title = "First layer", y_label = "unit", x_label = "input" }
---@param arguments table  the matrix first, then mlp.plot.HeatmapOptions
---@return mlp.plot.Figure
local function heatmap(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  local options <const> = frame.check(CALL, errors.options(CALL, given,
    figure.merge(frame.plain_options, colourbar.options, options_of_its_own)))
  local inline <const> = type(list[1]) == "table" and math.type(list[1][1]) ~= nil
  if #list > 1 and not inline then errors.raise("%s: one matrix is wanted", CALL) end
  local rows <const> = data.rows(CALL, "matrix", inline and list or list[1])
  local lo <const>, hi <const> = data.extent(rows)
  if not lo then errors.raise("%s: no number of the matrix is finite", CALL) end
  local bar <const> = colourbar.from(CALL, options, lo, hi)
  bar.missing = has_missing(rows)
  local boxes <const> = read_boxes(options.boxes, rows)
  if type(options.colour_bar) ~= "boolean" then
    errors.wanted(CALL, "colour_bar", options.colour_bar, "true or false")
  end
  local aspect <const> = math.max(FLATTEST, math.min(STEEPEST, #rows / #rows[1]))
  return frame.figure(options, {
    x = { count = #rows[1], names = data.texts(CALL, "column_names", options.column_names,
      #rows[1]) },
    y = { count = #rows, down = true, names = data.texts(CALL, "row_names", options.row_names,
      #rows) },
    aspect = aspect, grid = "", box = true, keys = {}, bar = options.colour_bar and bar or nil,
    draw = function(canvas, place)
      raster.draw(canvas, pixels_of(rows, bar), #rows, #rows[1],
        { x = place.left, y = place.top, width = place.width, height = place.height })
      if options.values then draw_values(canvas, rows, bar, place, options.digits) end
      draw_boxes(canvas, boxes, place, rows)
    end,
  })
end

return heatmap
