--- Activations as modules: nn.ReLU(), nn.LeakyReLU{negative_slope = 0.1}. The functions themselves
--- are rows of the core; the same names serve as functions (mlp.relu(x)), methods (x:relu()) and
--- options ({activation = "relu"}).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

local activation = {}

--- Class name -> operation.
local CLASSES <const> = {
  Identity = "identity", Step = "step", Sigmoid = "sigmoid", LogSigmoid = "log_sigmoid",
  Tanh = "tanh", ReLU = "relu", LeakyReLU = "leaky_relu", ELU = "elu", Softplus = "softplus",
  GELU = "gelu", GELUTanh = "gelu_tanh", SiLU = "silu", Sine = "sine", Gaussian = "gaussian",
  ReLU6 = "relu6", SquaredReLU = "squared_relu", SELU = "selu", CELU = "celu", Mish = "mish",
  Softsign = "softsign", HardSigmoid = "hard_sigmoid", HardTanh = "hard_tanh",
  HardSwish = "hard_swish", Snake = "snake", Power = "power", Softmax = "softmax",
  LogSoftmax = "log_softmax",
}

local rows <const> = {}
for _, row in ipairs(core.rows()) do rows[row.name] = row end

--- What an operation takes beside its input, in order: {name =, default =}.
local function parameters_of(operation)
  local parameters <const> = {}
  for i, argument in ipairs(rows[operation].arguments) do
    if i > 1 then
      parameters[i - 1] = { name = argument.name, default = tonumber(argument.default) }
    end
  end
  return parameters
end

local function define(class_name, operation)
  local run <const>, parameters <const> = core[operation], parameters_of(operation)
  local known <const> = {}
  for _, parameter in ipairs(parameters) do known[parameter.name] = errors.NONE end

  ---@class mlp.nn.Activation: mlp.nn.Module
  local Activation <const> = Module:extend(class_name)
  Activation.operation = operation

  ---@param options table? the parameters of the operation, by name; mlp.help(operation) lists them
  function Activation:init(options)
    self.settings = errors.options(class_name, options, known)
    self.values = {}
    for i, parameter in ipairs(parameters) do
      self.values[i] = self.settings[parameter.name] or parameter.default
    end
    run(core.zeros(1, 1), table.unpack(self.values)) -- what is out of range is refused here
  end

  ---@param x mlp.Tensor
  ---@return mlp.Tensor y of x's shape
  function Activation:forward(x) return run(x, table.unpack(self.values)) end

  --- The settings that were given.
  function Activation:describe()
    local parts <const> = {}
    for _, parameter in ipairs(parameters) do
      local value <const> = self.settings[parameter.name]
      if value ~= nil then parts[#parts + 1] = ("%s = %g"):format(parameter.name, value) end
    end
    return table.concat(parts, ", ")
  end

  activation[class_name] = Activation
end

for class_name, operation in pairs(CLASSES) do define(class_name, operation) end

return activation
