-- Several figures in one: each keeps its size, columns are as wide and rows as high as they need.

local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local header <const> = require "mlp.plot.header"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.grid"
local WANTED <const> = "a list of figures"
local LETTER <const> = { size = 15, weight = "bold", fill = theme.ink }

local function check(list, given)
  local options <const> = figure.check(CALL, errors.options(CALL, given,
    { title = errors.NONE, subtitle = errors.NONE, background = theme.paper,
      columns = errors.NONE, gap = 4, letters = false }))
  data.positive(CALL, "columns", options.columns)
  if options.columns and math.type(options.columns) ~= "integer" then
    errors.wanted(CALL, "columns", options.columns, "a whole number")
  end
  if not math.type(options.gap) or options.gap < 0 then
    errors.wanted(CALL, "gap", options.gap, "a number of pixels")
  end
  for i, item in ipairs(list) do
    if not figure.is(item) then
      errors.wanted(CALL, ("item %d"):format(i), item, "a figure")
    end
  end
  return options
end

--- Start of each column and row, and the end of the last.
local function tracks(sizes, start, gap)
  local starts <const> = {}
  local at = start
  for i, size in ipairs(sizes) do
    starts[i] = at
    at = at + size + gap
  end
  return starts, at - gap
end

local function sizes_of(list, columns)
  local widths <const>, heights <const> = {}, {}
  for i, item in ipairs(list) do
    local column <const>, row <const> = (i - 1) % columns + 1, (i - 1) // columns + 1
    widths[column] = math.max(widths[column] or 0, item.width)
    heights[row] = math.max(heights[row] or 0, item.height)
  end
  return widths, heights
end

local function draw_item(canvas, item, x, y, letter)
  canvas:open("g", { transform = ("translate(%.0f %.0f)"):format(x, y) })
  item:draw(canvas)
  canvas:close "g"
  if letter then canvas:text(x + 2, y + theme.pad + 8, letter, LETTER) end
end

---@class mlp.plot.GridOptions
---@field columns integer?   default about as many as rows
---@field gap number?        pixels between figures, default 4
---@field letters boolean?   "a", "b", ... at the figures, for captions to refer to
---@field title string?
---@field subtitle string?
---@field background string?

--- Several figures in one.
---
---     mlp.plot.grid{ loss, accuracy, columns = 2, title = "Training" }:save("training.svg")
---@param arguments mlp.plot.Figure[]|mlp.plot.GridOptions
---@return mlp.plot.Figure
local function grid(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  local options <const> = check(list, given)
  local columns <const> = math.min(options.columns or math.ceil(math.sqrt(#list)), #list)
  local widths <const>, heights <const> = sizes_of(list, columns)
  local xs <const>, width <const> = tracks(widths, 0, options.gap)
  local top <const> = (options.title or options.subtitle) and header.new(options, width) or nil
  local ys <const>, height <const> = tracks(heights, top and top.bottom - theme.pad / 2 or 0,
    options.gap)
  return figure.new(width, height, options, function(canvas)
    if top then header.draw(canvas, top) end
    for i, item in ipairs(list) do
      draw_item(canvas, item, xs[(i - 1) % columns + 1], ys[(i - 1) // columns + 1],
        options.letters and string.char(96 + i) or nil)
    end
  end)
end

return grid
