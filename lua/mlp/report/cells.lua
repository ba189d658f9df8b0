-- The body of a table in a report: what came as rows, as texts. A column of numbers is written with
-- as many decimals in every row, so that numbers can be compared by eye, and stands to the right.

local core <const> = require "mlp.core"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local html <const> = require "mlp.report.html"
local number <const> = require "mlp.plot.number"

local cells = {}

local CALL <const> = "report:table"
local NOTHING <const> = "\u{2013}" -- what an empty cell shows

--- The rows as they came, a tensor as lists.
local function rows_of(given)
  local rows <const> = data.plain(given)
  if type(rows) ~= "table" then errors.wanted(CALL, "rows", given, "a list of rows") end
  for i, row in ipairs(rows) do
    if type(row) ~= "table" then
      errors.wanted(CALL, ("row %d"):format(i), row, "a list of cells, or a table by column")
    end
  end
  return rows
end

local function widest(rows)
  local width = 0
  for _, row in ipairs(rows) do
    for k in pairs(row) do
      if math.type(k) == "integer" then width = math.max(width, k) end
    end
  end
  return width
end

--- A row is a list, or a table by the names of the columns; a tensor of one element is its number.
local function cell(row, k, name)
  local value = row[k]
  if value == nil and name then value = row[name] end
  return core.is_tensor(value) and value:numel() == 1 and value:item() or value
end

local function check_row(row, i, columns, width)
  for key in pairs(row) do
    if math.type(key) == "integer" and (key < 1 or key > width) then
      errors.raise("%s: row %d has a cell %d but there are %d columns", CALL, i, key, width)
    end
    if type(key) == "string" and columns and not columns[key] then
      local guess <const> = errors.guess(key, columns)
      errors.raise("%s: row %d has a cell '%s' but no column is called so%s", CALL, i, key,
        guess and (" (did you mean '%s'?)"):format(guess) or "")
    end
  end
end

local function text_of(value, where)
  if value == nil then return NOTHING end
  if type(value) == "boolean" then return value and "yes" or "no" end
  if type(value) ~= "string" then errors.wanted(CALL, where, value, "a text or a number") end
  return value
end

--- All of one column: the texts and whether it is one of numbers.
local function column_of(rows, k, name, digits)
  local values <const>, texts <const>, is_numeric = {}, {}, true
  for i, row in ipairs(rows) do
    local value <const> = cell(row, k, name)
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

local function line(tag, texts, columns)
  local parts <const> = {}
  for k, column in ipairs(columns) do
    parts[k] = html.element(tag, { class = column.is_numeric and "number" }, html.escape(texts[k]))
  end
  return html.element("tr", nil, table.concat(parts))
end

--- The rows of a table as HTML.
---@param given any rows: lists of cells, tables by column, or a tensor (rows, columns)
---@param names string[]? the columns
---@param digits integer significant digits of the largest number in a column
---@return string html what stands inside <table>
function cells.html(given, names, digits)
  local rows <const> = rows_of(given)
  local width <const>, known <const> = names and #names or widest(rows), names and {}
  for k, name in ipairs(names or {}) do known[name] = k end
  local columns <const>, lines <const> = {}, {}
  for i, row in ipairs(rows) do check_row(row, i, known, width) end
  for k = 1, width do columns[k] = column_of(rows, k, names and names[k], digits) end
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
