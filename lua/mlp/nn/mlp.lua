--- The multilayer perceptron: linear layers with one activation between them.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Dropout <const> = require "mlp.nn.dropout"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.MLPOptions
---@field [integer] integer widths, from input to output
---@field activation string? of the hidden layers; default "relu"
---@field activation_options table? its parameters, such as {sigma = 0.1} of "gaussian"
---@field skips integer[]? layers that take the network's input beside what the layer before gives:
---  {5} joins it to the output of layer 4
---@field output string? activation of the last layer; default "identity"
---@field bias boolean? default true
---@field dropout number? probability after each hidden layer; default 0
---@field init string? an initialiser; default: the one suited to each activation
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.MLP: mlp.nn.Module
---@field layers mlp.nn.Module[]
---@overload fun(spec: mlp.nn.MLPOptions): mlp.nn.MLP
local MLP = Module:extend "MLP"

--- The set of linear layers, counted from 1, that take the input once more.
local function skips_of(list, layers)
  if list == nil then return nil end
  if type(list) ~= "table" then errors.wanted("MLP", "skips", list, "a list of layers: {5}") end
  local set <const> = {}
  for _, layer in ipairs(list) do
    if math.type(layer) ~= "integer" or layer < 2 or layer > layers then
      errors.wanted("MLP", "a layer in skips", layer,
        ("a whole number from 2 to %d"):format(layers))
    end
    set[layer] = true
  end
  return set
end

--- nn.MLP{784, 256, 10, activation = "relu"}: widths from input to output, then options by name.
---@param spec mlp.nn.MLPOptions widths and options
function MLP:init(spec)
  if type(spec) ~= "table" then
    errors.wanted("MLP", "the argument", spec, "a table: MLP{2, 8, 1}")
  end
  local widths = { table.unpack(spec) }
  if #widths < 2 then
    errors.raise("MLP: at least two widths are wanted, input and output: MLP{2, 8, 1}")
  end
  local named = {}
  for key, value in pairs(spec) do
    if math.type(key) ~= "integer" or key < 1 or key > #widths then named[key] = value end
  end
  local o = errors.options("MLP", named, { activation = "relu", output = "identity", bias = true,
    dropout = 0, init = errors.NONE, dtype = "float32", activation_options = errors.NONE,
    skips = errors.NONE })
  local skips <const> = skips_of(o.skips, #widths - 1)
  for i, width in ipairs(widths) do initialise.want_size("MLP", ("width %d"):format(i), width) end
  self.layers, self.skips = {}, skips and {}
  for i = 1, #widths - 1 do
    local last = i == #widths - 1
    local activation <const> = last and o.output or o.activation
    local skip <const> = skips and skips[i]
    table.insert(self.layers, Linear(widths[i] + (skip and widths[1] or 0), widths[i + 1], {
      activation = activation, activation_options = not last and o.activation_options or nil,
      bias = o.bias, init = o.init, dtype = o.dtype }))
    if skip then self.skips[#self.layers] = true end
    if o.dropout > 0 and not last then table.insert(self.layers, Dropout(o.dropout)) end
  end
end

---@param x mlp.Tensor (..., widths[1])
---@return mlp.Tensor y (..., widths[#widths])
function MLP:forward(x)
  local skips <const>, input <const> = self.skips, x
  for i, layer in ipairs(self.layers) do
    x = layer(skips and skips[i] and core.cat({ input, x }, -1) or x)
  end
  return x
end

return MLP
