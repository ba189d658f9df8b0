--- Zeroes each element with probability p while training and scales the others by 1 / (1 - p), so
--- that the mean stays; does nothing in evaluation mode (Srivastava et al. 2014).

local core <const> = require "mlp.core"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Dropout: mlp.nn.Module
---@field p number
---@overload fun(p: number?): mlp.nn.Dropout
local Dropout = Module:extend "Dropout"

---@param p number? probability of zero, 0 <= p < 1; default 0.5
function Dropout:init(p)
  self.p = initialise.want_probability("Dropout", "p", p or 0.5)
end

---@param x mlp.Tensor
---@return mlp.Tensor y of x's shape
function Dropout:forward(x)
  if not self.training or self.p == 0 then return x end
  return (core.dropout(x, self.p))
end

function Dropout:describe() return ("p = %g"):format(self.p) end

return Dropout
