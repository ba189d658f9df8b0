-- Tables as text (CSV), read in two walks over the records: the first learns what every column
-- holds, the second writes the numbers. A column whose cells are all numbers is numeric; one whose
-- cells are all text has classes, counted from 1; one that mixes them is refused, by line and
-- column, so that a stray word in a column of numbers cannot pass for data. Numbers have a decimal
-- point, whatever the locale.
local core <const> = require "mlp.core"
local csv_text <const> = require "mlp.data.csv_text"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local records <const> = require "mlp.data.records"

---@class mlp.data.csv
local csv = {}

local CALL <const> = "mlp.data.csv"
local LIMIT <const> = 4 << 30  -- bytes that may come out of a packed file
local MAX_COLUMNS <const> = 65536
local MAX_ONE_HOT <const> = 256 -- classes of a text column that nobody declared
local refuse <const> = file.refuse

--- A table of numbers and classes.
---@class mlp.data.Csv
---@field x mlp.Tensor (rows, features) float32: every chosen column but the target; a text column
--- as one 0/1 column per class
---@field y mlp.Tensor? (rows): the target, float32 if numeric, int64 classes from 1 if text
---@field names string[] of the columns of x; those of a text column are called "column=class"
---@field order string[] the names of the chosen columns, as they were chosen
---@field columns table<string, mlp.Tensor> every chosen column: float32 or int64 classes (rows)
---@field classes table<string, string[]> the names of the classes, by column
---@field missing table<string, integer> count of missing cells, by column (0 is left out)
---@field target string? the name of the target column
---@field rows integer

-- tonumber alone would also take hexadecimal and, under some locales, a decimal comma.
local function number_of(cell)
  return cell:find("^[%d.eE+-]+$") and tonumber(cell) or nil
end

local function set_of(list)
  local set <const> = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

-- ---- which columns there are
-- ----------------------------------------------------------------------

local function has_header(fields, count, opts)
  if opts.header ~= "auto" then return opts.header end
  for k = 1, count do
    if number_of(fields[k]) then return false end
  end
  return true
end

local function names_of(fields, count, header)
  local names <const>, seen <const> = {}, {}
  for k = 1, count do
    local name <const> = header and fields[k] ~= "" and fields[k] or ("column %d"):format(k)
    if seen[name] then refuse("its columns %d and %d are both called '%s'", seen[name], k, name) end
    names[k], seen[name] = name, k
  end
  return names
end

-- A column is told by name or by position; -1 is the last.
local function position_of(names, wanted)
  if math.type(wanted) == "integer" then
    local k <const> = wanted < 0 and #names + 1 + wanted or wanted
    return names[k] and k or refuse("there is no column %d, only 1 to %d", wanted, #names)
  end
  for k, name in ipairs(names) do
    if name == wanted then return k end
  end
  local listed <const> = table.concat(names, ", ", 1, math.min(#names, 12))
  refuse("there is no column '%s' among %s%s", wanted, listed, #names > 12 and ", ..." or "")
end

local function chosen_positions(names, opts)
  local positions <const> = {}
  if opts.columns == nil then
    for k = 1, #names do positions[k] = k end
  else
    for k, wanted in ipairs(opts.columns) do positions[k] = position_of(names, wanted) end
  end
  return positions
end

-- What the first walk learns about one column.
local function new_column(name, position)
  return {
    name = name, position = position,
    numbers = 0, texts = 0, missing = 0, -- counts of cells
    seen = {}, distinct = 0, -- texts
  }
end

-- The chosen columns in order, the target among them (last, when it was not chosen).
local function columns_of(names, opts)
  local columns <const>, by_position <const> = {}, {}
  local function add(position)
    if by_position[position] then return end
    columns[#columns + 1] = new_column(names[position], position)
    by_position[position] = columns[#columns]
  end
  for _, position in ipairs(chosen_positions(names, opts)) do add(position) end
  if opts.target ~= nil then
    local position <const> = position_of(names, opts.target)
    add(position)
    by_position[position].target = true
  end
  local function declared(wanted) return by_position[position_of(names, wanted)] or {} end
  for _, wanted in ipairs(opts.categories) do declared(wanted).category = true end
  for wanted, classes in pairs(opts.classes) do
    local column <const> = declared(wanted)
    column.category, column.classes = true, table.move(classes, 1, #classes, 1, {})
  end
  return columns
end

-- ---- the walk
-- ------------------------------------------------------------------------------------

-- Past a byte order mark and the lines to skip.
local function body_of(text, skip)
  local at = text:match("^\xef\xbb\xbf()") or 1
  for _ = 1, skip do at = text:match("^[^\r\n]*\r?\n?()", at) end
  return text:sub(at)
end

-- Calls visit(fields, line) for every row of numbers and classes.
local function walk(table_of, visit)
  local fields <const> = {}
  local walker <const> = records(table_of.text, table_of.separator)
  if table_of.header then walker:next(fields) end
  while true do
    local count <const> = walker:next(fields)
    if not count then return end
    local line <const> = walker.line + table_of.skip
    if count ~= table_of.count then
      refuse("line %d has %d fields but the first line has %d", line, count, table_of.count)
    end
    visit(fields, line)
  end
end

local function where(column, line)
  return ("line %d, column '%s'"):format(line, column.name)
end

-- True when the row is to be left out.
local function drops(table_of, fields)
  if table_of.on_missing ~= "drop" then return false end
  for _, column in ipairs(table_of.columns) do
    if table_of.blank[fields[column.position]] then return true end
  end
  return false
end

local function note_missing(table_of, column, line)
  if table_of.on_missing == "error" or column.target then
    refuse("%s: the value is missing%s", where(column, line),
      column.target and " in the target; missing = \"drop\" leaves such rows out" or "")
  end
  column.missing = column.missing + 1
end

local function note_text(column, cell, line)
  column.texts = column.texts + 1
  column.first_text = column.first_text or { cell, line }
  if column.seen[cell] then return end
  column.seen[cell] = line
  column.distinct = column.distinct + 1
end

local function note(table_of, column, cell, line)
  if table_of.blank[cell] then
    note_missing(table_of, column, line)
  elseif not column.category and number_of(cell) then
    column.numbers = column.numbers + 1
    column.first_number = column.first_number or { cell, line }
  else
    note_text(column, cell, line)
  end
end

-- ---- classes
-- --------------------------------------------------------------------------------------

local function before(a, b)
  local m <const>, n <const> = number_of(a), number_of(b)
  if m and n and m ~= n then return m < n end
  return a < b
end

-- Numbers by size, texts by their bytes, missing ("") at the end: the same cells give the same
-- classes.
local function collect_classes(column)
  local classes <const> = {}
  for cell in pairs(column.seen) do classes[#classes + 1] = cell end
  table.sort(classes, before)
  if column.missing > 0 then classes[#classes + 1] = "" end
  return classes
end

local function refuse_mixture(column)
  local text <const>, number <const> = column.first_text, column.first_number
  refuse("%s: '%s' is not a number, but line %d has %s there; if the column holds names, list it "
    .. "in `categories`; if this cell means that the value is missing, list it in `missing_cells`",
    where(column, text[2]), text[1]:sub(1, 40), number[2], number[1])
end

-- Decides what the column is; gives a column of text its classes.
local function settle(column)
  if column.numbers > 0 and column.texts > 0 then refuse_mixture(column) end
  if column.texts == 0 and not column.category then return end
  if not (column.category or column.target) and column.distinct > MAX_ONE_HOT then
    refuse("column '%s' holds %d different texts; leave it out with `columns`, or list it in "
      .. "`categories`", column.name, column.distinct)
  end
  column.classes = column.classes or collect_classes(column)
  column.class_of = {}
  for class, cell in ipairs(column.classes) do column.class_of[cell] = class end
end

local function survey(table_of)
  local rows = 0
  walk(table_of, function(fields, line)
    if drops(table_of, fields) then return end
    rows = rows + 1
    for _, column in ipairs(table_of.columns) do
      note(table_of, column, fields[column.position], line)
    end
  end)
  if rows == 0 then refuse("it has no rows") end
  for _, column in ipairs(table_of.columns) do settle(column) end
  table_of.rows = rows
end

-- ---- numbers
-- --------------------------------------------------------------------------------------

local NAN <const> = 0 / 0

local function class_in(table_of, column, cell, line)
  local class <const> = column.class_of[table_of.blank[cell] and "" or cell]
  if class then return class end
  refuse("%s: '%s' is none of the given classes", where(column, line), cell:sub(1, 40))
end

-- Gives every column its place in a row of x (and a one-hot column as many as it has classes).
local function lay_out(columns)
  local names = {}
  for _, column in ipairs(columns) do
    if not column.target then
      column.first = #names + 1
      for _, class in ipairs(column.classes or { false }) do
        names[#names + 1] = class and ("%s=%s"):format(column.name, class) or column.name
      end
    end
  end
  if #names > MAX_COLUMNS then
    refuse("its columns and classes are %d, more than %d", #names, MAX_COLUMNS)
  end
  return names
end

local function write_row(table_of, fields, line, row)
  for _, column in ipairs(table_of.columns) do
    local cell <const> = fields[column.position]
    local value <const> = column.class_of and class_in(table_of, column, cell, line)
      or number_of(cell) or NAN
    if column.first and column.class_of then
      for k = 1, #column.classes do row[column.first + k - 1] = k == value and 1 or 0 end
    elseif column.first then
      row[column.first] = value
    end
    if column.cells then column.cells[#column.cells + 1] = column.code:pack(value) end
  end
end

-- Classes and the target are packed by themselves; a numeric feature is a column of x already.
local function prepare(columns)
  for _, column in ipairs(columns) do
    if column.class_of or column.target then
      column.cells, column.code = {}, column.class_of and "<i8" or "<f"
    end
  end
end

local function tensor_of(table_of, column, x)
  if not column.cells then return x:select(2, column.first) end
  local dtype <const> = column.class_of and "int64" or "float32"
  return core.frombytes(table.concat(column.cells), dtype, { table_of.rows })
end

local function fill(table_of)
  local names <const> = lay_out(table_of.columns)
  local pieces <const>, row <const>, code <const> = {}, {}, "<" .. ("f"):rep(#names)
  prepare(table_of.columns)
  walk(table_of, function(fields, line)
    if drops(table_of, fields) then return end
    write_row(table_of, fields, line, row)
    pieces[#pieces + 1] = code:pack(table.unpack(row, 1, #names))
  end)
  local x <const> = core.frombytes(table.concat(pieces), "float32", { table_of.rows, #names })
  local result <const> = { x = x, names = names, columns = {}, classes = {}, missing = {} }
  result.rows, result.order = table_of.rows, {}
  for i, column in ipairs(table_of.columns) do
    result.order[i] = column.name
    local value <const> = tensor_of(table_of, column, x)
    result.columns[column.name] = value
    result.classes[column.name] = column.classes
    if column.missing > 0 then result.missing[column.name] = column.missing end
    if column.target then result.y, result.target = value, column.name end
  end
  return result
end

-- ---- the calls
-- ------------------------------------------------------------------------------------

-- The one of , ; and tab that cuts the first line into most fields, or blanks where none cuts it.
local function separator_of(text)
  local best, most = " ", 1
  for _, separator in ipairs { ",", ";", "\t" } do
    local count <const> = records(text, separator):next({}) or 0
    if count > most then best, most = separator, count end
  end
  return best
end

local function read(source, opts)
  local text <const> = source:uncompressed(opts.limit)
  if text:find("\0", 1, true) or text == "" then
    refuse("not a CSV file but %s", file.describe(text:sub(1, 64)))
  end
  local body <const> = body_of(text, opts.skip)
  local separator <const> = opts.separator == "auto" and separator_of(body) or opts.separator
  local table_of <const> = {
    text = body, separator = separator, skip = opts.skip,
    blank = set_of(opts.missing_cells), on_missing = opts.missing,
  }
  local fields <const> = {}
  table_of.count = records(body, separator):next(fields) or refuse("it has no rows")
  if table_of.count > MAX_COLUMNS then
    refuse("it has %d columns, more than %d", table_of.count, MAX_COLUMNS)
  end
  table_of.header = has_header(fields, table_of.count, opts)
  table_of.columns = columns_of(names_of(fields, table_of.count, table_of.header), opts)
  survey(table_of)
  return fill(table_of)
end

local defaults <const> = {
  header = "auto", separator = ",", skip = 0, limit = LIMIT,
  columns = errors.NONE, target = errors.NONE, categories = {}, classes = {},
  missing = "nan", missing_cells = { "", "NA", "N/A", "NaN", "nan", "null", "NULL", "?" },
}

local SEPARATOR <const> = "one byte such as ',' or ';', or \"auto\""

local function is_separator(value)
  return type(value) == "string" and value:find "^[^\"\r\n%w]$" ~= nil
end

local function read_options(opts)
  opts = errors.options(CALL, opts, defaults)
  local function want(name, fine, wanted)
    if not fine then errors.wanted(CALL, name, opts[name], wanted) end
  end
  want("header", opts.header == "auto" or type(opts.header) == "boolean", "'auto', true or false")
  want("separator", opts.separator == "auto" or is_separator(opts.separator), SEPARATOR)
  want("skip", math.type(opts.skip) == "integer" and opts.skip >= 0, "a count of lines")
  want("missing", opts.missing == "nan" or opts.missing == "drop" or opts.missing == "error",
    "'nan', 'drop' or 'error'")
  for _, name in ipairs { "columns", "categories", "classes", "missing_cells" } do
    want(name, opts[name] == nil or type(opts[name]) == "table", "a table")
  end
  return opts
end

--- Reads a CSV file, plain or packed by gzip (known by its content).
---
--- Options, none of which is needed:
---
--- * `header`: true, false, or "auto" (default): the first line names the columns when none of its
---   fields is a number. Without names the columns are called "column 1", "column 2", ...
--- * `separator`: one byte, default ","; " " stands for any run of blanks; "auto": whichever of
---   comma, semicolon, tab and blanks the first line shows. `skip`: lines to pass over first.
--- * `columns`: the columns to read, in order, by name or position (-1 is the last); default all.
--- * `target`: the column that becomes `y` and stays out of `x`, by name or position.
--- * `categories`: columns whose cells are names even if they look like numbers (class labels 0,
---   1, 2): their classes count from 1, numbers in the order of their size, texts in the order of
---   their bytes.
--- * `classes`: names of classes by column, in order, such as another file's `classes`; other
---   cells are refused.
--- * `missing_cells`: texts that mean "missing", default "", NA, N/A, NaN, nan, null, NULL, ?.
---   `missing`: "nan" (default; a text column gets one more class, named ""), "drop" (leave such
---   rows out), "error". A missing target is refused unless its row is dropped.
---@param path string
---@param opts? table
---@return mlp.data.Csv? data
---@return string? message naming line and column
function csv.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param text string
---@param opts? table
---@return mlp.data.Csv? data
---@return string? message
function csv.decode(text, opts)
  return file.decode(CALL, text, read, read_options(opts))
end

-- ---- writing ------------------------------------------------------------------------------------

local function write_options(opts)
  local o <const> = errors.options(CALL, opts, { separator = ",", compress = errors.NONE })
  if not is_separator(o.separator) or o.separator:find "[ .+-]" then
    errors.wanted(CALL, "separator", o.separator, "one byte such as ',' or ';'")
  end
  return o
end

---@class mlp.data.CsvTable
---@field rows table[]|mlp.Tensor lists of cells, tables of cells by column, or (rows, columns); a
---  cell is a number, a text, a boolean (1 or 0) or nil, which is missing
---@field columns string[]? their names, the first line

--- The text of a CSV file. Numbers have as few digits as tell them apart; NaN is missing;
--- infinities are written as "inf", which `load` takes for a word.
---@param value mlp.Tensor|mlp.data.CsvTable a tensor (rows) or (rows, columns) of numbers; or rows
---  and the names of their columns
---@param opts? {separator: string?} separator: one byte, default ","
---@return string
function csv.encode(value, opts)
  return csv_text(value, write_options(opts).separator)
end

--- Writes a CSV file.
---
---     mlp.data.csv.save("out/guesses.csv", {columns = {"name", "share"}, rows = {{"a", 0.5}}})
---@param path string
---@param value mlp.Tensor|mlp.data.CsvTable as of encode
---@param opts? {separator: string?, compress: boolean?} compress: packed by gzip; default where the
---  name ends in ".gz"
---@return true? done
---@return string? message
function csv.save(path, value, opts)
  local o <const> = write_options(opts)
  local text = csv_text(value, o.separator)
  local packed = o.compress
  if packed == nil then packed = type(path) == "string" and path:find "%.gz$" ~= nil end
  if packed then text = core.deflate(text, { format = "gzip" }) end
  return file.write(CALL, path, function(handle) handle:write(text) end)
end

return csv
