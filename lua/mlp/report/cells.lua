-- The body of a table in a report. A column of numbers is written with as many decimals in every
-- row, so that numbers can be compared by eye, and stands to the right.

local errors <const> = require "mlp.errors"
local html <const> = require "mlp.report.html"
local number <const> = require "mlp.plot.number"
local read_rows <const> = require "mlp.data.rows"

local cells = {}

local CALL <const> = "report:table"
local NOTHING <const> = "\u{2013}" -- what an empty cell shows

local function text_of(value, where)
  if value == nil then return NOTHING end
  if type(value) == "boolean" then return value and "yes" or "no" end
  if type(value) ~= "string" then errors.wanted(CALL, where, value, "a text or a number") end
  return value
end

--- All of one column: the texts and whether it is one of numbers.
local function column_of(rows, k, digits)
  local values <const>, texts <const>, is_numeric = {}, {}, true
  for i = 1, #rows do
    local value <const> = rows:cell(i, k)
    if math.type(value) then
      values[#values + 1] = value
    elseif value ~= nil then
      is_numeric = false
    end
    texts[i] = value
  end
  local show <const> = number.alike(values, digits)
  for i = 1, #rows do
    local value <const> = texts[i]
    texts[i] = math.type(value) and show(value)
      or text_of(value, ("row %d, column %d"):format(i, k))
  end
  return { texts = texts, is_numeric = is_numeric and #values > 0 }
end

--- A number written as text, as 2.60e-5, is not broken at its sign.
local function kind_of(text, column)
  return column.is_numeric and "number" or text:find "^[%d.,eE+-]+$" and "figure"
end

local function line(tag, texts, columns)
  local parts <const> = {}
  for k, column in ipairs(columns) do
    parts[k] = html.element(tag, { class = kind_of(texts[k], column) }, html.escape(texts[k]))
  end
  return html.element("tr", nil, table.concat(parts))
end

--- The rows of a table as HTML.
---@param given any rows: lists of cells, tables by column, or a tensor (rows, columns)
---@param names string[]? the columns
---@param digits integer significant digits of the largest number in a column
---@return string html what stands inside <table>
function cells.html(given, names, digits)
  local rows <const> = read_rows(CALL, given, names)
  local columns <const>, lines <const> = {}, {}
  for k = 1, rows.width do columns[k] = column_of(rows, k, digits) end
  for i = 1, #rows do
    local texts <const> = {}
    for k, column in ipairs(columns) do texts[k] = column.texts[i] end
    lines[i] = line("td", texts, columns)
  end
  local body <const> = html.element("tbody", nil, table.concat(lines, "\n"))
  if not names then return body end
  return html.element("thead", nil, line("th", names, columns)) .. "\n" .. body
end

return cells
