--- A batch on its way into a step: a list of tensors; or the positions of its rows and the columns
--- of the data that they are gathered from, which a compiled step does by itself, so that no row
--- passes through Lua.

local core <const> = require "mlp.core"
local scale <const> = require "mlp.data.scale"

local batch = {}

---@class mlp.trainer.Selection
---@field [1] mlp.Tensor (B) int64 positions from 1
---@field columns mlp.Tensor[] of all rows
---@field scales table<integer, mlp.data.Scale>
---@field name string of this way to make batches

--- An iterator over the batches of a pass.
---@param loader mlp.data.Loader
---@param may_select boolean are selections welcome?
---@return fun(): table?
function batch.iterator(loader, may_select)
  local columns, scales
  if may_select and loader.columns then columns, scales = loader:columns() end
  if columns then
    scales = scales or {}
    local next_positions <const>, name <const> = loader:positions(), scale.name(scales, #columns)
    return function()
      local positions <const> = next_positions()
      return positions and { positions, columns = columns, scales = scales, name = name }
    end
  end
  local next_tensors <const> = loader:batches()
  return function()
    local tensors <const> = { next_tensors() }
    if tensors[1] ~= nil then return tensors end
  end
end

--- The tensors of a batch.
---@param given mlp.Tensor[]|mlp.trainer.Selection
---@return mlp.Tensor[]
function batch.rows(given)
  if not given.columns then return given end
  local rows <const> = {}
  for k, column in ipairs(given.columns) do
    rows[k] = scale.apply(column:index_select(1, given[1]), given.scales[k])
  end
  return rows
end

--- What a compiled function of the batch takes.
function batch.arguments(given)
  if given.columns then return given[1], table.unpack(given.columns) end
  return table.unpack(given)
end

--- What makes the batch of such arguments again.
---@param given mlp.Tensor[]|mlp.trainer.Selection
---@return fun(...: mlp.Tensor): mlp.Tensor[]
function batch.reader(given)
  local scales <const> = given.scales
  if not scales then return function(...) return { ... } end end
  return function(positions, ...)
    return batch.rows { positions, columns = { ... }, scales = scales }
  end
end

--- Which arguments have the batch axis, as a name and as a list; nil where the batch holds what
--- cannot be an argument.
---@return string? name, integer[]? places
function batch.layout(given)
  if given.columns then return given.name, { 1 } end
  local rows <const>, name, places <const> = core.is_tensor(given[1]) and #given[1].shape > 0
    and #given[1], "", {}
  for k, item in ipairs(given) do
    if type(item) == "table" then return nil end
    local has <const> = core.is_tensor(item) and item.ndim > 0 and #item == rows
    name = name .. (has and "r" or "-")
    if has then places[#places + 1] = k end
  end
  return name, places
end

return batch
