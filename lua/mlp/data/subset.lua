--- Some rows of a data set, as a set of their own.

--- Rows of another set, by position; for sets that cannot select by themselves.
---@class mlp.data.Subset: mlp.data.Set
local Subset = { __name = "mlp.data.Subset" }
Subset.__index = Subset

function Subset:__len() return #self.positions end

function Subset:rows(positions)
  return self.parent:rows(self.positions:index_select(1, positions))
end

--- The rows of a set at these positions.
---@param set mlp.data.Set
---@param positions mlp.Tensor (n) int64 from 1
---@return mlp.data.Set
return function(set, positions)
  if set.select then return set:select(positions) end
  return setmetatable({ parent = set, positions = positions }, Subset)
end
