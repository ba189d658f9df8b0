-- Tables as the text of a CSV file (RFC 4180 with \n), such that mlp.data.csv reads the same again:
-- numbers with a decimal point and as few digits as tell them apart, whatever the locale; quotes
-- around what would be read otherwise; nothing for what is missing.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local read_rows <const> = require "mlp.data.rows"

local CALL <const> = "mlp.data.csv"

-- The shortest text that reads back as the same number, which is a float32 where `narrow`.
local function number_text(value, narrow)
  if value ~= value then return "" end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if math.abs(value) == math.huge then return value > 0 and "inf" or "-inf" end
  if value % 1 == 0 and math.abs(value) < 1e15 then return ("%.0f"):format(value) end
  local bits <const> = narrow and "<f" or "<d"
  local wanted <const> = bits:pack(value)
  for digits = narrow and 6 or 15, 17 do
    local text <const> = ("%." .. digits .. "g"):format(value)
    if bits:pack(tonumber(text)) == wanted then return (text:gsub(",", ".")) end
  end
end

local function text_of(value, separator, narrow)
  if value == nil then return "" end
  if math.type(value) then return number_text(value, narrow) end
  if type(value) == "boolean" then return value and "1" or "0" end
  if type(value) ~= "string" then return nil end
  local plain <const> = not value:find('["\r\n]') and not value:find(separator, 1, true)
    and not value:find "^[ \t]" and not value:find "[ \t]$"
  return plain and value or '"' .. value:gsub('"', '""') .. '"'
end

-- A line; one that would be empty is a pair of quotes, for readers pass over empty lines.
local function line_of(texts, separator)
  local line <const> = table.concat(texts, separator)
  return line == "" and '""' or line
end

local function row_text(rows, i, separator, narrow)
  local texts <const> = {}
  for k = 1, rows.width do
    local value <const> = rows:cell(i, k)
    texts[k] = text_of(value, separator, narrow)
    if not texts[k] then
      errors.wanted(CALL, ("row %d, column %d"):format(i, k), value, "a text or a number")
    end
  end
  return line_of(texts, separator)
end

---@param value any a tensor, or {rows = ..., columns = ...}
---@param separator string
---@return string text
return function(value, separator)
  local given <const> = core.is_tensor(value) and { rows = value } or value
  if type(given) ~= "table" then
    errors.wanted(CALL, "the table", value, "a tensor or {columns = names, rows = list}")
  end
  local o <const> = errors.options(CALL, given, { rows = errors.NONE, columns = errors.NONE })
  if core.is_tensor(o.rows) and o.rows.ndim ~= 1 and o.rows.ndim ~= 2 then
    errors.wanted(CALL, "rows", o.rows, "a tensor (rows) or (rows, columns)")
  end
  local rows <const> = read_rows(CALL, o.rows, o.columns)
  local narrow <const> = core.is_tensor(o.rows) and o.rows.dtype == "float32"
  local lines <const>, names <const> = {}, {}
  if o.columns then
    for k, name in ipairs(o.columns) do names[k] = text_of(name, separator) end
    lines[1] = line_of(names, separator)
  end
  for i = 1, #rows do lines[#lines + 1] = row_text(rows, i, separator, narrow) end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end
