-- What callers hand over, as plain Lua lists: tables of numbers, or tensors (anything with a method
-- `totable`). NaN and infinities pass, they become gaps; everything else that is not a number is
-- the caller's mistake and is named with its position.

local axis <const> = require "mlp.plot.axis"
local errors <const> = require "mlp.errors"
local number <const> = require "mlp.plot.number"

local data = {}

local function method_of(value, name)
  local ok <const>, found = pcall(function() return value[name] end)
  return ok and type(found) == "function" and found or nil
end

--- A tensor as nested tables; anything else unchanged.
---@param value any
---@return any
function data.plain(value)
  local kind <const> = type(value)
  if kind ~= "userdata" and kind ~= "table" then return value end
  local to_table <const> = method_of(value, "totable")
  return to_table and to_table(value) or value
end

--- A list of numbers from a table or tensor of shape (N), (N, 1).
---@param call string
---@param what string    names the value in messages: "y"
---@param value any
---@param owner string?  whose it is: "series 2"
---@return number[]
function data.numbers(call, what, value, owner)
  local list <const> = data.plain(value)
  owner = owner and " of " .. owner or ""
  if type(list) ~= "table" or type(list[1]) == "table" and #list[1] ~= 1 then
    errors.wanted(call, what .. owner, value, "a list of numbers or a tensor (N)")
  end
  local out <const> = {}
  for i, item in ipairs(list) do
    if type(item) == "table" and #item == 1 then item = item[1] end
    if math.type(item) == nil then
      errors.wanted(call, ("%s[%d]%s"):format(what, i, owner), list[i], "a number")
    end
    out[i] = item
  end
  if #out == 0 then errors.raise("%s: %s%s is empty", call, what, owner) end
  return out
end

--- The fields of a series or a mark, with defaults.
---@param call string
---@param who string  names the table in messages: "series 2"
---@param value any
---@param fields table<string, any>  as the defaults of errors.options
---@return table
function data.fields(call, who, value, fields)
  if type(value) ~= "table" then
    errors.wanted(call, who, value, "a table, or a list of numbers,")
  end
  return errors.options(call .. ": " .. who, value, fields)
end

--- Rows of numbers, all of one length, from nested tables or a tensor of shape (H, W).
---@param call string
---@param what string
---@param value any
---@return number[][]
function data.rows(call, what, value)
  local list <const> = data.plain(value)
  if type(list) ~= "table" or type(list[1]) ~= "table" then
    errors.wanted(call, what, value, "rows of numbers or a tensor (rows, columns)")
  end
  local out <const> = {}
  for i, row in ipairs(list) do
    out[i] = data.numbers(call, ("%s[%d]"):format(what, i), row)
    if #out[i] ~= #out[1] then
      errors.raise("%s: row %d of %s has %d numbers but row 1 has %d", call, i, what, #out[i],
        #out[1])
    end
  end
  return out
end

--- A list of texts from strings and numbers, of a given length.
---@param call string
---@param what string
---@param value any
---@param count integer?
---@return string[]?  nil for nil
function data.texts(call, what, value, count)
  if value == nil then return nil end
  if type(value) ~= "table" then errors.wanted(call, what, value, "a list of texts") end
  if count and #value ~= count then
    errors.raise("%s: %s has length %d but length %d is wanted", call, what, #value, count)
  end
  local out <const> = {}
  for i, item in ipairs(value) do out[i] = data.text(call, ("%s[%d]"):format(what, i), item) end
  return out
end

--- One text from a string or a number.
---@param call string
---@param what string
---@param value any
---@return string?  nil for nil
function data.text(call, what, value)
  if value == nil or type(value) == "string" then return value end
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if math.type(value) == "float" then return number.label(value, 6) end
  errors.wanted(call, what, value, "a text")
end

--- Smallest and largest number that can be drawn, over some lists; nil when there is none.
---@param lists number[][]
---@param log boolean?
---@return number? lo, number? hi
function data.extent(lists, log)
  local lo, hi
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      if axis.drawable(value, log) then
        lo = lo and math.min(lo, value) or value
        hi = hi and math.max(hi, value) or value
      end
    end
  end
  return lo, hi
end

--- Whether every number that can be drawn is whole.
---@param lists number[][]
---@return boolean
function data.whole(lists)
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      if axis.drawable(value) and value % 1 ~= 0 then return false end
    end
  end
  return true
end

--- Splits `{series, series, ..., title = ...}` into its list and its named options. A tensor is the
--- one thing to draw: `heatmap(x)` is `heatmap{x}`.
---@param call string
---@param arguments any
---@param wanted string  what the call takes, for the message
---@return table list, table options
function data.split(call, arguments, wanted)
  if type(arguments) == "userdata" and method_of(arguments, "totable") then
    return { arguments }, {}
  end
  if type(arguments) ~= "table" then errors.wanted(call, "argument", arguments, wanted) end
  local list <const>, options <const> = {}, {}
  for key, value in pairs(arguments) do
    if math.type(key) == "integer" then list[key] = value else options[key] = value end
  end
  if #list == 0 then errors.raise("%s: nothing to draw: %s is wanted", call, wanted) end
  return list, options
end

--- As split, where a series may be a list of numbers: `{1, 2, 3, title = ...}` is one of them.
---@param call string
---@param arguments any
---@param wanted string
---@return table list, table options
function data.split_series(call, arguments, wanted)
  local list <const>, options <const> = data.split(call, arguments, wanted)
  return math.type(list[1]) and { list } or list, options
end

--- One of a few words.
---@param call string
---@param what string
---@param value any
---@param words string[]
---@return any value
function data.choice(call, what, value, words)
  for _, word in ipairs(words) do
    if value == word then return value end
  end
  errors.wanted(call, what, value, ('one of "%s"'):format(table.concat(words, '", "')))
end

--- A positive, finite number.
---@param call string
---@param what string
---@param value any
---@return number? value  nil for nil
function data.positive(call, what, value)
  if value == nil or math.type(value) and value > 0 and value < math.huge then return value end
  errors.wanted(call, what, value, "a positive number")
end

--- A pair {lo, hi}.
---@param call string
---@param what string
---@param value any
---@param log boolean?
---@return number[]?  nil for nil
function data.pair(call, what, value, log)
  if value == nil then return nil end
  local wanted <const> = log and "{low, high} with 0 < low < high" or "{low, high} with low < high"
  if type(value) ~= "table" then errors.wanted(call, what, value, wanted) end
  local lo <const>, hi <const> = value[1], value[2]
  if not (math.type(lo) and math.type(hi)) then errors.wanted(call, what, value, wanted) end
  if not (lo < hi and axis.drawable(lo, log) and axis.drawable(hi, log)) then
    errors.raise("%s: %s is {%s, %s} but %s is wanted", call, what, number.label(lo, 6),
      number.label(hi, 6), wanted)
  end
  return value
end

return data
