--- A table of trained features that points look into, on grids from coarse to fine (Mueller et al.
--- 2022, "Instant neural graphics primitives"). The operation is mlp.hash_grid.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.HashGridOptions
---@field axes integer? D, 1 to 3; default 2
---@field levels integer? L, 1 to 32; default 16
---@field features integer? F per level; default 2
---@field table_size integer? most rows of a level, a power of 2; default 2^14
---@field base integer? cells of the coarsest level along an axis; default 16
---@field growth number? from level to level; default 1.5
---@field finest integer? cells of the finest level, instead of growth
---@field low number? coordinates run from here; default 0
---@field high number? to here; default 1
---@field generator mlp.Generator? of the first features, uniform in +-1e-4
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.HashGrid: mlp.nn.Module
---@field table mlp.Tensor (rows, F)
---@field outputs integer L F
---@field levels table<string, number> what the operation takes
---@overload fun(options: mlp.nn.HashGridOptions?): mlp.nn.HashGrid
local HashGrid = Module:extend "HashGrid"

local INITIAL <const> = 1e-4

--- nn.HashGrid{axes = 3, levels = 8, table_size = 2^15, finest = 256}
---@param options mlp.nn.HashGridOptions?
function HashGrid:init(options)
  local o <const> = errors.options("HashGrid", options, { axes = 2, levels = 16, features = 2,
    table_size = 2 ^ 14, base = 16, growth = 1.5, finest = errors.NONE, low = 0, high = 1,
    generator = errors.NONE, dtype = "float32" })
  initialise.want_size("HashGrid", "levels", o.levels)
  initialise.want_size("HashGrid", "features", o.features)
  if o.low >= o.high then
    errors.raise("HashGrid: low is %s and high %s but low < high is wanted", o.low, o.high)
  end
  local growth <const> = o.finest and o.levels > 1
    and (o.finest / o.base) ^ (1 / (o.levels - 1)) or o.growth
  self.levels = { levels = o.levels, base = o.base, growth = growth,
    table_size = math.tointeger(o.table_size) or o.table_size }
  local wanted <const> = { axes = o.axes }
  for name, value in pairs(self.levels) do wanted[name] = value end
  local rows <const> = core.hash_grid_levels(wanted):select(2, 2):sum():item()
  self.axes, self.low, self.high, self.outputs = o.axes, o.low, o.high, o.levels * o.features
  self.table = initialise.uniform_(core.zeros(rows, o.features, { dtype = o.dtype }),
    { low = -INITIAL, high = INITIAL, generator = o.generator }):requires_grad_()
end

---@param x mlp.Tensor (..., D), low..high along every axis
---@return mlp.Tensor y (..., L F)
function HashGrid:forward(x)
  if self.low ~= 0 or self.high ~= 1 then x = (x - self.low) * (1 / (self.high - self.low)) end
  return core.hash_grid(x, self.table, self.levels)
end

function HashGrid:describe()
  return ("%d -> %d, %d levels, %d rows"):format(self.axes, self.outputs, self.levels.levels,
    self.table:size(1))
end

return HashGrid
