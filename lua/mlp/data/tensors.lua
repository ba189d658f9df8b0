--- Rows held in tensors: row i of the set is row i of every column. Whatever answers `#set` and
--- `set:rows(positions)` as this class does is a data set too (mlp.data.Set): loaders, splits and
--- the trainer ask for nothing else.

require "mlp.tensor"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.data.Set
---@field rows fun(self, positions: mlp.Tensor): mlp.Tensor ... the rows at int64 positions
---@operator len: integer

---@class mlp.data.Tensors: mlp.data.Set
---@field tensors mlp.Tensor[] the columns, of equal length along the first axis
local Tensors = { __name = "mlp.data.Tensors" }
Tensors.__index = Tensors

local function made(columns) return setmetatable({ tensors = columns }, Tensors) end

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
  return made(columns)
end

function Tensors:__len() return #self.tensors[1] end

--- The rows at these positions, copied: one tensor per column.
---@param positions mlp.Tensor (n) int64 from 1
---@return mlp.Tensor ...
function Tensors:rows(positions)
  local columns <const> = self.tensors
  if #columns == 2 then -- the usual pair makes no table
    return columns[1]:index_select(1, positions), columns[2]:index_select(1, positions)
  end
  local chosen <const> = {}
  for k, column in ipairs(columns) do chosen[k] = column:index_select(1, positions) end
  return table.unpack(chosen)
end

--- The columns, for who selects rows from them as rows() does.
---@return mlp.Tensor[]
function Tensors:columns() return self.tensors end

--- Rows first to last, both included: views, nothing is copied.
---@param first integer
---@param last integer
---@return mlp.Tensor ...
function Tensors:range(first, last)
  local views <const> = {}
  for k, column in ipairs(self.tensors) do views[k] = column:slice(1, first, last) end
  return table.unpack(views)
end

--- A set of the rows at these positions.
---@param positions mlp.Tensor (n) int64 from 1
---@return mlp.data.Tensors
function Tensors:select(positions) return made { self:rows(positions) } end

function Tensors:__tostring()
  local parts <const> = {}
  for k, column in ipairs(self.tensors) do
    parts[k] = column.dtype .. " " .. errors.shape(column)
  end
  return ("mlp.data.tensors: %d rows of %s"):format(#self, table.concat(parts, " and "))
end

return tensors
