--- Rows held in tensors: row i of the set is row i of every column. Whatever answers `#set` and
--- `set:rows(positions)` as this class does is a data set too (mlp.data.Set): loaders, splits and
--- the trainer ask for nothing else.

require "mlp.tensor"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local scale <const> = require "mlp.data.scale"

---@class mlp.data.Set
---@field rows fun(self, positions: mlp.Tensor): mlp.Tensor ... the rows at int64 positions
---@operator len: integer

---@class mlp.data.Tensors: mlp.data.Set
---@field tensors mlp.Tensor[] the columns as they are kept, of equal length along the first axis
---@field scales table<integer, mlp.data.Scale> of the columns that are given out as other numbers
local Tensors = { __name = "mlp.data.Tensors" }
Tensors.__index = Tensors

local function made(columns, scales)
  return setmetatable({ tensors = columns, scales = scales }, Tensors)
end

local function column_of(k, value)
  if type(value) == "table" and getmetatable(value) == nil then value = core.tensor(value) end
  if not core.is_tensor(value) then
    errors.wanted("data.tensors", ("column %d"):format(k), value, "a tensor, or a table of numbers")
  end
  if value.ndim == 0 then
    errors.wanted("data.tensors", ("column %d"):format(k), value, "at least one axis")
  end
  return value
end

--- A data set of columns, usually inputs and targets: mlp.data.tensors(x, y).
---@param ... mlp.Tensor|table equally many rows each; Lua tables become float32 tensors
---@return mlp.data.Tensors
local function tensors(...)
  local columns <const> = { n = select("#", ...), ... }
  if columns.n == 0 then errors.raise("data.tensors: at least one tensor is wanted") end
  for k = 1, columns.n do
    columns[k] = column_of(k, columns[k])
    if #columns[k] ~= #columns[1] then
      errors.raise("data.tensors: column %d has %d rows but column 1 has %d", k, #columns[k],
        #columns[1])
    end
  end
  columns.n = nil
  return made(columns, {})
end

function Tensors:__len() return #self.tensors[1] end

--- The same rows, with the bytes of one column given out as float32 numbers, byte * scale + shift:
--- they stay bytes in memory and become numbers batch by batch.
---
---     local images = mlp.data.tensors(bytes, labels):scaled(1, 1 / 255)
---@param column integer whose tensor is uint8
---@param factor number the scale
---@param shift number? default 0
---@return mlp.data.Tensors
function Tensors:scaled(column, factor, shift)
  local kept <const> = math.type(column) == "integer" and self.tensors[column]
  if not kept then
    errors.wanted("data.tensors:scaled", "the column", column,
      ("a whole number from 1 to %d"):format(#self.tensors))
  elseif kept.dtype ~= "uint8" then
    errors.wanted("data.tensors:scaled", ("column %d"):format(column), kept, "a uint8 tensor")
  end
  local scales <const> = table.move(self.scales, 1, #self.tensors, 1, {})
  scales[column] = scale.of("data.tensors:scaled", factor, shift)
  return made(self.tensors, scales)
end

local function kept_at(set, positions)
  local chosen <const> = {}
  for k, column in ipairs(set.tensors) do chosen[k] = column:index_select(1, positions) end
  return chosen
end

local function given_out(set, rows)
  for k, how in pairs(set.scales) do rows[k] = scale.apply(rows[k], how) end
  return table.unpack(rows)
end

--- The rows at these positions, copied: one tensor per column.
---@param positions mlp.Tensor (n) int64 from 1
---@return mlp.Tensor ...
function Tensors:rows(positions) return given_out(self, kept_at(self, positions)) end

--- The columns and their scales, for who selects rows from them as rows() does.
---@return mlp.Tensor[]
---@return table<integer, mlp.data.Scale>
function Tensors:columns() return self.tensors, self.scales end

--- Rows first to last, both included: views, nothing is copied but scaled columns.
---@param first integer
---@param last integer
---@return mlp.Tensor ...
function Tensors:range(first, last)
  local views <const> = {}
  for k, column in ipairs(self.tensors) do views[k] = column:slice(1, first, last) end
  return given_out(self, views)
end

--- A set of the rows at these positions.
---@param positions mlp.Tensor (n) int64 from 1
---@return mlp.data.Tensors
function Tensors:select(positions) return made(kept_at(self, positions), self.scales) end

function Tensors:__tostring()
  local parts <const> = {}
  for k, column in ipairs(self.tensors) do
    parts[k] = column.dtype .. " " .. errors.shape(column) .. (self.scales[k] and " scaled" or "")
  end
  return ("mlp.data.tensors: %d rows of %s"):format(#self, table.concat(parts, " and "))
end

return tensors
