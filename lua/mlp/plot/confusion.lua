-- A confusion matrix: rows are the true classes, columns the predicted ones. Blue is right and
-- orange is wrong; depth is the share of the row, so that rare classes speak as loudly as common
-- ones, and small errors are lifted (square root) because they are what one looks for.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local header <const> = require "mlp.plot.header"
local number <const> = require "mlp.plot.number"
local svg <const> = require "mlp.plot.svg"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.confusion"
local WANTED <const> = "a square matrix of counts (true, predicted)"
local SMALLEST <const>, LARGEST <const> = 14, 84 -- pixels of a cell
local READABLE <const> = 20 -- pixels of a cell that can hold a number
local SHARE_FROM <const> = 36 -- pixels of a cell that can hold a share below the count
local NONE_HERE <const> = "#f5f5f5"
local GAP <const> = 2
local WIDTH <const>, NARROWEST <const> = 580, 320
local MARGIN <const>, BELOW <const> = 52, 28 -- pixels for recall and precision
local SLANT <const> = math.rad(50)
local NAME_LIMIT <const> = 140 -- pixels of a class's name

local function read_counts(list)
  local inline <const> = type(list[1]) == "table" and math.type(list[1][1]) ~= nil
  local rows <const> = data.rows(CALL, "matrix", inline and list or list[1])
  if #rows ~= #rows[1] then
    errors.raise("%s: the matrix is (%d, %d) but %s is wanted", CALL, #rows, #rows[1], WANTED)
  end
  for i, row in ipairs(rows) do
    for j, count in ipairs(row) do
      if not (axis.drawable(count) and count >= 0) then
        errors.wanted(CALL, ("matrix[%d][%d]"):format(i, j), count, "a count >= 0")
      end
    end
  end
  return rows
end

local function sums(counts)
  local n <const> = #counts
  local totals <const> = { rows = {}, columns = {}, right = 0, all = 0 }
  for i = 1, n do totals.rows[i], totals.columns[i] = 0, 0 end
  for i = 1, n do
    for j = 1, n do
      totals.rows[i] = totals.rows[i] + counts[i][j]
      totals.columns[j] = totals.columns[j] + counts[i][j]
      totals.all = totals.all + counts[i][j]
    end
    totals.right = totals.right + counts[i][i]
  end
  return totals
end

local function share(part, whole)
  return whole > 0 and part / whole or 0
end

local function accuracy_sentence(totals)
  return ("accuracy %s (%s of %s)"):format(number.percent(share(totals.right, totals.all), 1),
    number.label(totals.right, 7), number.label(totals.all, 7))
end

--- The names of the columns: flat where they fit over a cell, else turned.
local function heading(layout, widest)
  layout.slanted = widest + 4 > layout.cell
  return theme.line(theme.label) + 4
    + (layout.slanted and widest * math.sin(SLANT) + 12 or theme.line(theme.tick) + 6)
end

local function cell_size(options, layout, widest)
  local room = (options.width or WIDTH) - layout.left - theme.pad - MARGIN
  if options.height then
    local above <const> = header.new(options, options.width or WIDTH).bottom + widest
    room = math.min(room, options.height - above - 2 * theme.line(theme.label) - BELOW - theme.pad)
  end
  return math.max(SMALLEST, math.min(LARGEST, room / layout.count))
end

local function arrange(options, names)
  local layout <const> = { count = #names }
  local widest <const> = math.min(NAME_LIMIT, text.widest(names, theme.tick))
  local beside <const> = math.max(widest, options.margins and text.width("precision", theme.tick)
    or 0)
  layout.left = theme.pad + theme.line(theme.label) + 4 + beside + 8
  layout.cell = cell_size(options, layout, widest)
  layout.side = layout.cell * layout.count
  layout.margins = options.margins and layout.cell >= READABLE
  layout.width = options.width or math.ceil(math.max(NARROWEST,
    layout.left + layout.side + theme.pad + (layout.margins and MARGIN or 0)))
  layout.header = header.new(options, layout.width)
  layout.top = layout.header.bottom + heading(layout, widest)
  layout.height = options.height or math.ceil(layout.top + layout.side
    + (layout.margins and BELOW or 0) + theme.pad)
  return layout
end

local function fill_of(count, row_share, diagonal, blues, oranges)
  if count == 0 then return NONE_HERE end
  if diagonal then return blues:at(0.12 + 0.78 * row_share) end
  return oranges:at(0.1 + 0.7 * math.sqrt(row_share))
end

--- One size for all counts: the widest fits its cell.
local function count_size(counts, side)
  local style <const> = { size = 14, weight = "bold" }
  local widest = 1
  for _, row in ipairs(counts) do
    for _, count in ipairs(row) do
      widest = math.max(widest, text.width(number.label(count, 4), style))
    end
  end
  return math.min(14, 0.36 * side, 14 * (side - 6) / widest)
end

local function draw_texts(canvas, cell, count, row_share, fill, options)
  local size <const> = cell.size
  local ink <const> = { anchor = "middle", fill = colour.text_on(fill) }
  local with_share <const> = options.shares and cell.side >= SHARE_FROM
  local middle <const> = cell.y + cell.side / 2
  canvas:text(cell.x + cell.side / 2, with_share and middle - 6 or middle, number.label(count, 4),
    { size = size, weight = cell.diagonal and "bold" or nil }, ink)
  if with_share then
    canvas:text(cell.x + cell.side / 2, middle + 9,
      number.percent(row_share, row_share < 0.1 and 1 or 0), { size = math.min(11, size) }, ink)
  end
end

local function draw_cell(canvas, cell, count, row_share, options, names)
  local fill <const> = fill_of(count, row_share, cell.diagonal, options.blues, options.oranges)
  canvas:add("rect", { x = cell.x + GAP / 2, y = cell.y + GAP / 2, width = cell.side - GAP,
    height = cell.side - GAP, rx = 2, fill = fill }, count > 0
    and ("<title>%s</title>"):format(svg.escape(("%s, predicted %s: %s (%s)"):format(
      names[cell.row], names[cell.column], number.label(count, 7), number.percent(row_share, 1))))
    or nil)
  if count > 0 and cell.side >= READABLE then
    draw_texts(canvas, cell, count, row_share, fill, options)
  end
end

local function draw_cells(canvas, counts, totals, layout, options, names)
  local size <const> = count_size(counts, layout.cell)
  for i, row in ipairs(counts) do
    for j, count in ipairs(row) do
      draw_cell(canvas, { x = layout.left + (j - 1) * layout.cell,
        y = layout.top + (i - 1) * layout.cell, side = layout.cell, size = size,
        diagonal = i == j, row = i, column = j }, count, share(count, totals.rows[i]), options,
        names)
    end
  end
end

local function draw_names(canvas, layout, names)
  for i, name in ipairs(names) do
    local shown <const> = text.ellipsis(name, theme.tick, NAME_LIMIT)
    local middle <const> = (i - 0.5) * layout.cell
    canvas:text(layout.left - 8, layout.top + middle, shown, theme.tick, { anchor = "end" })
    if layout.slanted then
      canvas:text(layout.left + middle, layout.top - 8, shown, theme.tick, { rotate = -50 })
    else
      canvas:text(layout.left + middle, layout.top - 4 - theme.line(theme.tick) / 2, shown,
        theme.tick, { anchor = "middle" })
    end
  end
end

local function draw_labels(canvas, layout, options)
  canvas:text(layout.left + layout.side / 2, layout.header.bottom + theme.line(theme.label) / 2,
    options.x_label, theme.label, { anchor = "middle" })
  canvas:text(theme.pad + theme.line(theme.label) / 2, layout.top + layout.side / 2,
    options.y_label, theme.label, { anchor = "middle", rotate = -90 })
end

--- Shares beside the matrix: of each row found (recall), of each column right (precision).
local function draw_margins(canvas, counts, totals, layout)
  local right <const> = layout.left + layout.side
  local below <const> = layout.top + layout.side
  canvas:text(right + 8, layout.top - 4 - theme.line(theme.tick) / 2, "recall", theme.tick)
  canvas:text(layout.left - 8, below + 14, "precision", theme.tick, { anchor = "end" })
  local style <const> = { size = math.min(12, layout.cell * 0.4), fill = theme.soft }
  for i, row in ipairs(counts) do
    local middle <const> = (i - 0.5) * layout.cell
    if totals.rows[i] > 0 then
      canvas:text(right + 8, layout.top + middle, number.percent(row[i] / totals.rows[i]), style)
    end
    if totals.columns[i] > 0 then
      canvas:text(layout.left + middle, below + 14, number.percent(row[i] / totals.columns[i]),
        style, { anchor = "middle" })
    end
  end
end

local function check(given)
  local options <const> = figure.check(CALL, errors.options(CALL, given,
    figure.merge(figure.options, { classes = errors.NONE, shares = true, margins = true,
      x_label = "predicted", y_label = "true" })))
  options.x_label = data.text(CALL, "x_label", options.x_label)
  options.y_label = data.text(CALL, "y_label", options.y_label)
  options.blues, options.oranges = colour.map(CALL, "blues"), colour.map(CALL, "oranges")
  return options
end

---@class mlp.plot.ConfusionOptions
---@field classes string[]?     names of the classes; default 1, 2, ...
---@field shares boolean?       shares of the row below the counts, default true
---@field margins boolean?      recall and precision at the edges, default true
---@field x_label string?       default "predicted"
---@field y_label string?       default "true"
---@field title string?
---@field subtitle string?      default the accuracy
---@field width number?
---@field height number?
---@field background string?

--- A confusion matrix from counts (K, K): entry (i, j) counts examples of class i taken for j.
---
---     mlp.plot.confusion{ mlp.metric.confusion_matrix(logits, classes), title = "Digits" }
---@param arguments table  the matrix first, then mlp.plot.ConfusionOptions
---@return mlp.plot.Figure
local function confusion(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  local options <const> = check(given)
  local counts <const> = read_counts(list)
  local names <const> = data.texts(CALL, "classes", options.classes, #counts) or {}
  for i = 1, #counts do names[i] = text.clean(names[i] or ("%d"):format(i)) end
  local totals <const> = sums(counts)
  options.subtitle = options.subtitle or accuracy_sentence(totals)
  local layout <const> = arrange(options, names)
  return figure.new(layout.width, layout.height, options, function(canvas)
    header.draw(canvas, layout.header)
    draw_labels(canvas, layout, options)
    draw_names(canvas, layout, names)
    draw_cells(canvas, counts, totals, layout, options, names)
    if layout.margins then draw_margins(canvas, counts, totals, layout) end
  end)
end

return confusion
