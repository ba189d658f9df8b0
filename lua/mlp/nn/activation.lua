--- Activations as modules: nn.ReLU(), nn.LeakyReLU{negative_slope = 0.1}. The functions themselves
--- are rows of the core; the same names serve as functions (mlp.relu(x)), methods (x:relu()) and
--- options ({activation = "relu"}).

local core <const> = require "mlp.core"
local Module <const> = require "mlp.nn.module"

local activation = {}

--- Class name -> operation.
local CLASSES <const> = {
  Identity = "identity", Step = "step", Sigmoid = "sigmoid", LogSigmoid = "log_sigmoid",
  Tanh = "tanh", ReLU = "relu", LeakyReLU = "leaky_relu", ELU = "elu", Softplus = "softplus",
  GELU = "gelu", GELUTanh = "gelu_tanh", SiLU = "silu", Sine = "sine", Gaussian = "gaussian",
  Power = "power", Softmax = "softmax", LogSoftmax = "log_softmax",
}

local function settings(options)
  local parts = {}
  for key, value in pairs(options) do
    parts[#parts + 1] = ("%s = %s"):format(key, tostring(value))
  end
  table.sort(parts)
  return table.concat(parts, ", ")
end

for class_name, operation in pairs(CLASSES) do
  local run <const> = core[operation]

  ---@class mlp.nn.Activation: mlp.nn.Module
  local Activation = Module:extend(class_name)
  Activation.operation = operation

  ---@param options table? the parameters of the operation, by name; mlp.help(operation) lists them
  function Activation:init(options)
    -- Unknown options are refused where they are written.
    if next(options or {}) ~= nil then run(core.zeros(1, 1), options) end
    self.settings = {}
    for key, value in pairs(options or {}) do self.settings[key] = value end
  end

  ---@param x mlp.Tensor
  ---@return mlp.Tensor y of x's shape
  function Activation:forward(x)
    if next(self.settings) == nil then return run(x) end
    return run(x, self.settings)
  end

  function Activation:describe() return settings(self.settings) end

  activation[class_name] = Activation
end

return activation
