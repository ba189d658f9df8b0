--- y = act(x W' + b): the layer that multilayer perceptrons are made of.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.LinearOptions
---@field bias boolean? default true
---@field activation string? any activation by name; default "identity"
---@field activation_options table? its parameters, such as {sigma = 0.1}
---@field init string? an initialiser; default: the one that suits the activation
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.Linear: mlp.nn.Module
---@field weight mlp.Tensor (outputs, inputs)
---@field bias mlp.Tensor? (outputs)
---@field activation string
---@overload fun(inputs: integer, outputs: integer, options: table?): mlp.nn.Linear
local Linear = Module:extend "Linear"

--- The options of the operation: the activation and its parameters. What is out of range is refused
--- here, not in the middle of a run.
local function settings_of(activation, parameters, dtype)
  if not parameters then return nil end
  local settings <const> = { activation = activation }
  for name, value in pairs(parameters) do settings[name] = value end
  local one <const> = core.ones(1, 1, { dtype = dtype })
  core.linear(one, one, nil, settings)
  return settings
end

--- nn.Linear(inputs, outputs, {bias = true, activation = "identity", init = nil, dtype =
--- "float32"})
---@param inputs integer D, columns of the weight
---@param outputs integer H, rows of the weight
---@param options mlp.nn.LinearOptions?
function Linear:init(inputs, outputs, options)
  initialise.want_size("Linear", "inputs", inputs)
  initialise.want_size("Linear", "outputs", outputs)
  local o = errors.options("Linear", options,
    { bias = true, activation = "identity", activation_options = errors.NONE, init = errors.NONE,
      dtype = "float32" })
  self.activation = initialise.want_activation("Linear", o.activation)
  self.weight = initialise.weight({ outputs, inputs }, o.init, o.activation, o.dtype)
  self.bias = o.bias and core.zeros(outputs, { dtype = o.dtype, requires_grad = true }) or nil
  self.settings = settings_of(o.activation, o.activation_options, o.dtype)
end

---@param x mlp.Tensor (..., inputs)
---@return mlp.Tensor y (..., outputs)
function Linear:forward(x)
  return core.linear(x, self.weight, self.bias,
    self.settings or { activation = self.activation })
end

--- Multiplications and additions of the product, and one addition for the bias.
---@param y mlp.Tensor the output
---@return integer
function Linear:flops(y)
  local inputs = self.weight:size(2)
  return y:numel() * (2 * inputs + (self.bias and 1 or 0))
end

function Linear:describe()
  local outputs, inputs = table.unpack(self.weight.shape)
  local activation <const> = self.activation ~= "identity" and ", " .. self.activation or ""
  return ("%d -> %d%s%s"):format(inputs, outputs, activation, self.bias and "" or ", no bias")
end

return Linear
