--- A batch on its way into a step: a list of tensors; or the positions of its rows and the columns
--- of the data that they are gathered from, which a compiled step does by itself, so that no row
--- passes through Lua.

local core <const> = require "mlp.core"

local batch = {}

---@class mlp.trainer.Selection
---@field [1] mlp.Tensor (B) int64 positions from 1
---@field columns mlp.Tensor[] of all rows

--- An iterator over the batches of a pass.
---@param loader mlp.data.Loader
---@param may_select boolean are selections welcome?
---@return fun(): table?
function batch.iterator(loader, may_select)
  local columns <const> = may_select and loader.columns and loader:columns()
  if columns then
    local next_positions <const> = loader:positions()
    return function()
      local positions <const> = next_positions()
      return positions and { positions, columns = columns }
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
  for k, column in ipairs(given.columns) do rows[k] = column:index_select(1, given[1]) end
  return rows
end

--- What a compiled function of the batch takes.
function batch.arguments(given)
  if given.columns then return given[1], table.unpack(given.columns) end
  return table.unpack(given)
end

--- What arguments are the batch again.
---@param selected boolean
function batch.of_arguments(selected, ...)
  if not selected then return { ... } end
  return batch.rows { (...), columns = { select(2, ...) } }
end

--- Which arguments have the batch axis, as a name and as a list; nil where the batch holds what
--- cannot be an argument.
---@return string? name, integer[]? places
function batch.layout(given)
  if given.columns then return "s", { 1 } end
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
