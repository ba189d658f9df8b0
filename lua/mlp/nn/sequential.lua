--- One module after another.

local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Sequential: mlp.nn.Module
---@field layers mlp.nn.Module[]
---@overload fun(layers: (mlp.nn.Module|function)[]): mlp.nn.Sequential
local Sequential = Module:extend "Sequential"

--- nn.Sequential{nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)}; a plain function is a layer without
--- parameters.
---@param layers (mlp.nn.Module|fun(x: mlp.Tensor): mlp.Tensor)[]
function Sequential:init(layers)
  if type(layers) ~= "table" or Module.is(layers) then
    errors.wanted("Sequential", "the argument", layers, "a table of layers: Sequential{a, b}")
  end
  for i = 1, #layers do
    if not Module.is(layers[i]) and type(layers[i]) ~= "function" then
      errors.wanted("Sequential", ("layer %d"):format(i), layers[i], "a module or a function")
    end
  end
  self.layers = { table.unpack(layers) }
end

---@param x any what the first layer takes
---@return any y what the last layer gives
function Sequential:forward(x)
  for _, layer in ipairs(self.layers) do x = layer(x) end
  return x
end

return Sequential
