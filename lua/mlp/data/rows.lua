-- Tables as callers hand them over to be written: rows that are lists of cells, tables of cells by
-- the names of the columns, or a tensor. Whatever is wrong with them is told at once, by row.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.data.Rows
---@field list table[]
---@field names string[]? of the columns
---@field width integer columns
local Rows = {}
Rows.__index = Rows

local function list_of(call, given)
  local list <const> = core.is_tensor(given) and given:detach():totable() or given
  if type(list) ~= "table" then errors.wanted(call, "rows", given, "a list of rows") end
  local rows <const> = {}
  for i, row in ipairs(list) do
    if math.type(row) and core.is_tensor(given) then row = { row } end -- a tensor of one axis
    if type(row) ~= "table" then
      errors.wanted(call, ("row %d"):format(i), row, "a list of cells, or a table by column")
    end
    rows[i] = row
  end
  return rows
end

local function names_of(call, given)
  if given == nil then return nil end
  if type(given) ~= "table" then errors.wanted(call, "columns", given, "a list of names") end
  for k, name in ipairs(given) do
    if type(name) ~= "string" then
      errors.wanted(call, ("column %d"):format(k), name, "a name")
    end
  end
  return given
end

local function widest(list)
  local width = 0
  for _, row in ipairs(list) do
    for k in pairs(row) do
      if math.type(k) == "integer" then width = math.max(width, k) end
    end
  end
  return width
end

local function check_row(call, row, i, known, width)
  for key in pairs(row) do
    if math.type(key) == "integer" and (key < 1 or key > width) then
      errors.raise("%s: row %d has a cell %d but there are %d columns", call, i, key, width)
    end
    if type(key) == "string" and known and not known[key] then
      local guess <const> = errors.guess(key, known)
      errors.raise("%s: row %d has a cell '%s' but no column is called so%s", call, i, key,
        guess and (" (did you mean '%s'?)"):format(guess) or "")
    end
  end
end

--- Checked rows.
---@param call string
---@param given any lists of cells, tables by column, or a tensor (rows) or (rows, columns)
---@param columns any names of the columns, or nil
---@return mlp.data.Rows
local function read(call, given, columns)
  local list <const>, names <const> = list_of(call, given), names_of(call, columns)
  local known <const> = names and {}
  for k, name in ipairs(names or {}) do known[name] = k end
  local width <const> = names and #names or widest(list)
  for i, row in ipairs(list) do check_row(call, row, i, known, width) end
  return setmetatable({ list = list, names = names, width = width }, Rows)
end

function Rows:__len() return #self.list end

--- One cell; a tensor of one element is its number.
---@param i integer row
---@param k integer column
---@return any
function Rows:cell(i, k)
  local row <const> = self.list[i]
  local value = row[k]
  if value == nil and self.names then value = row[self.names[k]] end
  return core.is_tensor(value) and value:numel() == 1 and value:item() or value
end

return read
