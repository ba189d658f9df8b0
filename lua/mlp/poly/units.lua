--- A network of one hidden layer, read into the one form that the closed forms work on:
---
---     f(x) = U h + a,   h_i = s(w_i x + b_i)                     or, of gated units (GLU and kin),
---                       h_i = s(w_i x + b_i) (v_i x + c_i).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local moments <const> = require "mlp.poly.moments"

local units = {}

---@class mlp.poly.Units
---@field activation mlp.poly.Activation s
---@field weight mlp.Tensor w (H, D)
---@field bias mlp.Tensor b (H)
---@field value {weight: mlp.Tensor, bias: mlp.Tensor}? v (H, D) and c (H) of gated units
---@field output {weight: mlp.Tensor, bias: mlp.Tensor} U (O, H) and a (O)

local CALL <const> = "poly.units"

local function wide(tensor) return tensor:detach():to("float64") end

local function want_matrix(what, x, rows, columns)
  if not core.is_tensor(x) or x.ndim ~= 2 then
    errors.wanted(CALL, what, x, "a tensor of two axes, (outputs, inputs),")
  end
  if rows and x:size(1) ~= rows or columns and x:size(2) ~= columns then
    errors.raise("%s: %s is %s but (%s, %s) is wanted", CALL, what, errors.shape(x), rows or "any",
      columns or "any")
  end
  return wide(x)
end

--- The affine map of a Linear or of a table {weight =, bias =}; without a bias it is 0.
local function affine(what, part, rows, columns)
  if type(part) ~= "table" then
    errors.wanted(CALL, what, part, "a table with a weight")
  end
  local weight <const> = want_matrix(what .. ".weight", part.weight, rows, columns)
  local H <const> = weight:size(1)
  local bias <const> = part.bias
  if bias == nil then return { weight = weight, bias = core.zeros(H, { dtype = "float64" }) } end
  if not core.is_tensor(bias) or bias.ndim ~= 1 or bias:size(1) ~= H then
    errors.wanted(CALL, what .. ".bias", bias, ("a tensor (%d)"):format(H))
  end
  return { weight = weight, bias = wide(bias) }
end

--- From the parts: what goes through the activation, what multiplies it (or nil), what reads it.
local function assembled(activation, first, value, output)
  local hidden <const> = affine("the hidden layer", first)
  local H <const>, D <const> = table.unpack(hidden.weight.shape)
  return {
    activation = moments.activation(CALL, activation), weight = hidden.weight, bias = hidden.bias,
    value = value and affine("value", value, H, D) or nil,
    output = affine("output", output, nil, H),
  }
end

-- ---- modules ------------------------------------------------------------------------------------

local CONTAINERS <const> = { Sequential = true, MLP = true, Siren = true }

--- Everything that runs, in order: containers are entered, what is the identity in evaluation is
--- left out.
local function flattened(module, list)
  if CONTAINERS[module.class_name] then
    for _, layer in ipairs(module.layers) do
      if type(layer) == "function" then
        errors.raise("%s: a layer is a function; nn.Linear and activations can be read", CALL)
      end
      flattened(layer, list)
    end
  elseif module.class_name ~= "Dropout" and module.class_name ~= "Identity" then
    list[#list + 1] = module
  end
  return list
end

local SHAPE <const> = "%s: the network is %s, but Linear, activation, Linear is wanted"

local function refuse(list)
  local names <const> = {}
  for i, layer in ipairs(list) do
    local activation <const> = layer.activation
    local named <const> = type(activation) == "string" and activation ~= "identity"
    names[i] = layer.class_name .. (named and "(" .. activation .. ")" or "")
  end
  errors.raise(SHAPE, CALL, #names > 0 and table.concat(names, ", ") or "empty")
end

--- A layer's activation as moments.activation takes it; none has more than one parameter.
local function activation_of(layer)
  if layer.operation then return { layer.operation, layer.values[1] } end
  for name, value in pairs(layer.settings or {}) do
    if name ~= "activation" then return { layer.activation, value } end
  end
  return layer.activation
end

local function is_affine(layer)
  return layer.class_name == "Linear" and layer.activation == "identity"
end

local GATES <const> = { glu = "sigmoid", reglu = "relu", geglu = "gelu", swiglu = "silu" }

--- Half of a linear layer's outputs, from one of them on.
local function half(layer, from)
  local to <const> = from + #layer.weight // 2 - 1
  return { weight = layer.weight:slice(1, from, to), bias = layer.bias
    and layer.bias:slice(1, from, to) }
end

--- Linear(act), Linear; or Linear, Activation or GatedHalves, Linear.
local function of_layers(list)
  local first <const>, between <const>, last <const> = list[1], list[2], list[#list]
  if #list == 2 and first.class_name == "Linear" and is_affine(last) then
    return assembled(activation_of(first), first, nil, last)
  elseif #list == 3 and is_affine(first) and is_affine(last) then
    if between.operation then return assembled(activation_of(between), first, nil, last) end
    local gate <const> = between.class_name == "GatedHalves" and GATES[between.kind]
    if gate then
      return assembled(gate, half(first, #first.weight // 2 + 1), half(first, 1), last)
    end
  end
  refuse(list)
end

local function want_affine(what, layer)
  if (layer.activation or "identity") ~= "identity" then
    errors.raise("%s: %s has the activation %s, but none is wanted there", CALL, what,
      layer.activation)
  end
end

--- A module whose linear layers stand under the names `up` and `down`, and of a gated one `gate`.
local function of_block(module)
  local gate <const>, up <const>, down <const> = module.gate, module.up, module.down
  want_affine("down", down)
  if not gate then return assembled(activation_of(up), up, nil, down) end
  want_affine("up", up)
  return assembled(activation_of(gate), gate, up, down)
end

--- Reads a network of one hidden layer:
---
--- * nn.MLP, nn.Siren and nn.Sequential of two linear layers, with the parameters of their
---   activation and, in nn.Sequential, with nn.GatedHalves between them; dropout is left out, as
---   in evaluation;
--- * nn.FFN, nn.GLU and other modules with linear layers under the names `up` and `down`, or
---   `gate`, `up` and `down`: down(gate(x) * up(x)), the activation in gate;
--- * a table {activation =, weight =, bias =, value = {weight =, bias =}, output = {weight =,
---   bias =}}, where `value`, if there, multiplies the activated units.
---
--- Gated units are GLU ("sigmoid"), GEGLU ("gelu"), SwiGLU ("silu") and bilinear ("identity"), by
--- their activation. Missing biases are 0. The other functions of mlp.poly take all of these too.
---@param network mlp.nn.Module|table
---@return mlp.poly.Units units copies in float64, without history
function units.units(network)
  if type(network) ~= "table" then
    errors.wanted(CALL, "the network", network, "a module, or a table of weights,")
  end
  if getmetatable(network) == units then return network end
  local result
  if network.class_name and rawget(network, "up") and rawget(network, "down") then
    result = of_block(network)
  elseif network.class_name then
    result = of_layers(flattened(network, {}))
  else
    errors.options(CALL, network, { activation = true, weight = true, bias = true, value = true,
      output = true })
    result = assembled(network.activation or "identity", network, network.value, network.output)
  end
  return setmetatable(result, units)
end

--- Mean and deviation of the pre-activations under a normal input.
---@param u mlp.poly.Units
---@param gaussian mlp.poly.Gaussian
---@return mlp.Tensor m (H)
---@return mlp.Tensor s (H) at least moments.FLOOR
---@return mlp.Tensor cross w Sigma (H, D)
---@package
function units.preactivation(u, gaussian)
  if u.weight:size(2) ~= gaussian.mean:numel() then
    errors.raise("poly: the network has %d inputs, the distribution %d", u.weight:size(2),
      gaussian.mean:numel())
  end
  local cross <const> = gaussian:cover(u.weight)
  local variance <const> = (cross * u.weight):sum(2)
  return u.weight:matmul(gaussian.mean) + u.bias,
    variance:maximum(0):sqrt():maximum(moments.FLOOR), cross
end

units.__index, units.__name = units, "mlp.poly.Units"

return units
