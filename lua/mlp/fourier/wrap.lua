--- Angles on a circle that is cut at pi.

--- Angles brought to [-pi, pi).
---@param angle mlp.Tensor radians, any shape
---@return mlp.Tensor
local function wrap(angle) return (angle + math.pi):remainder(2 * math.pi) - math.pi end

return wrap
