--- Initial weights. A weight is (outputs, inputs...): fan_in is the product of all axes but the
--- first, fan_out the first times all but the first two. Every initialiser fills a tensor in place,
--- without history, and returns it; the default of a layer follows its activation.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.init
local initialise = {}

-- ---- what layers check --------------------------------------------------------------------------

--- Raises unless value is a whole number from 1.
---@param call string
---@param what string
---@param value any
---@package
function initialise.want_size(call, what, value)
  if math.type(value) ~= "integer" or value < 1 then
    errors.wanted(call, what, value, "a whole number from 1")
  end
end

--- Raises unless eps is a number from 0.
---@param call string
---@param eps any
---@package
function initialise.want_eps(call, eps)
  if type(eps) ~= "number" or eps ~= eps or eps < 0 then
    errors.wanted(call, "eps", eps, "a number from 0")
  end
end

--- The weight of a layer that a wrapper reparametrises: a trained field of two axes or more.
---@param call string
---@param layer any
---@param name any of the field
---@return mlp.Tensor
---@package
function initialise.want_weight(call, layer, name)
  local weight = type(layer) == "table" and type(name) == "string" and layer[name]
  if not core.is_tensor(weight) or not weight.requires_grad or weight.ndim < 2 then
    errors.wanted(call, "the layer", layer, ("a module whose field '%s' is a trained weight of at "
      .. "least 2 axes"):format(tostring(name)))
  end
  return weight
end

--- Raises unless value is a probability below 1; returns it.
---@param call string
---@param what string
---@param value any
---@return number
---@package
function initialise.want_probability(call, what, value)
  if type(value) ~= "number" or not (value >= 0 and value < 1) then
    errors.wanted(call, what, value, "a probability, 0 <= p < 1")
  end
  return value
end

--- The names that may stand where an activation is wanted, from the core's own table.
---@type table<string, true>
---@package
initialise.activations = {}
for _, name in ipairs(core.activations()) do initialise.activations[name] = true end

--- Raises, with a guess, unless name is an activation; returns it.
---@param call string
---@param name any
---@return string
---@package
function initialise.want_activation(call, name)
  if type(name) == "string" and initialise.activations[name] then return name end
  local guess = type(name) == "string" and errors.guess(name, initialise.activations)
  if guess then
    errors.raise("%s: unknown activation '%s' (did you mean '%s'?)", call, name, guess)
  end
  errors.wanted(call, "activation", name,
    "the name of an activation (mlp.help \"activations\" lists them)")
end

-- ---- fans and gains -----------------------------------------------------------------------------

local function fans(call, shape)
  if #shape < 2 then
    errors.raise("%s: the weight has %d axes but at least 2 are wanted", call, #shape)
  end
  local field = 1
  for i = 3, #shape do field = field * shape[i] end
  return math.max(shape[2] * field, 1), math.max(shape[1] * field, 1)
end

--- By how much an activation shrinks the spread of its input (He et al. 2015, section 2.2; tanh:
--- PyTorch's 5/3).
local ROOT_2 <const> = math.sqrt(2)
local GAINS <const> = {
  relu = ROOT_2, elu = ROOT_2, gelu = ROOT_2, gelu_tanh = ROOT_2, silu = ROOT_2, softplus = ROOT_2,
  leaky_relu = math.sqrt(2 / (1 + 0.01 ^ 2)), tanh = 5 / 3, relu6 = ROOT_2, celu = ROOT_2,
  mish = ROOT_2, hard_swish = ROOT_2,
  squared_relu = math.sqrt(2 / 3), -- the fourth moment of a normal number is 3
}

--- The gain that keeps the variance of activations through a layer.
---@param activation string
---@return number
function initialise.gain(activation) return GAINS[activation] or 1 end

-- ---- filling ------------------------------------------------------------------------------------

local function in_place(fill)
  return function(tensor, options)
    if not core.is_tensor(tensor) then
      errors.wanted("init", "the first argument", tensor, "a tensor")
    end
    local _ <close> = core.no_grad_scope()
    fill(tensor, options)
    return tensor
  end
end

local function spread(tensor, deviation, distribution, generator)
  if distribution == "uniform" then
    local bound = math.sqrt(3) * deviation
    tensor:uniform_(-bound, bound, { generator = generator })
  elseif distribution == "normal" then
    tensor:normal_(0, deviation, { generator = generator })
  else
    errors.wanted("init", "distribution", distribution, '"uniform" or "normal"')
  end
end

---@class mlp.init.options
---@field activation string? whose gain kaiming takes; default "relu"
---@field gain number? multiplies the deviation; default: kaiming that of the activation, others 1
---@field distribution "uniform"|"normal"|nil default "uniform"
---@field generator mlp.Generator?

---@class mlp.init.UniformOptions
---@field low number? default 0
---@field high number? default 1
---@field generator mlp.Generator?

---@class mlp.init.NormalOptions
---@field mean number? default 0
---@field std number? default 1
---@field generator mlp.Generator?

---@class mlp.init.SirenOptions
---@field omega number? default 30
---@field first boolean? of the first layer; default false
---@field generator mlp.Generator?

---@class mlp.init.OrthogonalOptions
---@field gain number? default 1
---@field generator mlp.Generator?

--- An initialiser of this variance, times the square of the gain.
local function scaled(call, variance, default_gain)
  local defaults = {
    activation = "relu", gain = errors.NONE, distribution = "uniform", generator = errors.NONE,
  }
  return in_place(function(tensor, options)
    local o = errors.options(call, options, defaults)
    local fan_in, fan_out = fans(call, tensor.shape)
    local gain <const> = o.gain or default_gain and default_gain(o.activation) or 1
    spread(tensor, gain * math.sqrt(variance(fan_in, fan_out)), o.distribution, o.generator)
  end)
end

--- All zeros.
---@type fun(tensor: mlp.Tensor): mlp.Tensor
initialise.zeros_ = in_place(function(tensor) tensor:copy_(0) end)

--- All `value`.
---@param tensor mlp.Tensor
---@param value number
---@return mlp.Tensor
function initialise.constant_(tensor, value)
  return in_place(function(t) t:copy_(value) end)(tensor)
end

--- Uniform in [low, high); default [0, 1).
---@type fun(tensor: mlp.Tensor, options: mlp.init.UniformOptions?): mlp.Tensor
initialise.uniform_ = in_place(function(tensor, options)
  local o = errors.options("init.uniform_", options, { low = 0, high = 1, generator = errors.NONE })
  tensor:uniform_(o.low, o.high, { generator = o.generator })
end)

--- Normal; default mean 0, deviation 1.
---@type fun(tensor: mlp.Tensor, options: mlp.init.NormalOptions?): mlp.Tensor
initialise.normal_ = in_place(function(tensor, options)
  local o = errors.options("init.normal_", options, { mean = 0, std = 1, generator = errors.NONE })
  tensor:normal_(o.mean, o.std, { generator = o.generator })
end)

--- Variance gain^2 / fan_in (He et al. 2015): for relu and its kin.
---@type fun(tensor: mlp.Tensor, options: mlp.init.options?): mlp.Tensor
initialise.kaiming_ = scaled("init.kaiming_", function(fan_in) return 1 / fan_in end,
  initialise.gain)

--- Variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010): for tanh and sigmoid.
---@type fun(tensor: mlp.Tensor, options: mlp.init.options?): mlp.Tensor
initialise.xavier_ = scaled("init.xavier_", function(fan_in, fan_out)
  return 2 / (fan_in + fan_out)
end)

--- Variance 1 / fan_in (LeCun et al. 1998): for layers without an activation.
---@type fun(tensor: mlp.Tensor, options: mlp.init.options?): mlp.Tensor
initialise.lecun_ = scaled("init.lecun_", function(fan_in) return 1 / fan_in end)

--- Uniform in +-1/sqrt(fan_in): what PyTorch's nn.Linear starts from.
---@type fun(tensor: mlp.Tensor, options: mlp.init.options?): mlp.Tensor
initialise.torch_ = scaled("init.torch_", function(fan_in) return 1 / (3 * fan_in) end)

--- Weights for sin(omega (W x + b)) (Sitzmann et al. 2020, section 3.2 and appendix 1.5): uniform
--- in +-1/fan_in in the first layer, in +-sqrt(6/fan_in)/omega below it.
---@type fun(tensor: mlp.Tensor, options: mlp.init.SirenOptions?): mlp.Tensor
initialise.siren_ = in_place(function(tensor, options)
  local o = errors.options("init.siren_", options,
    { omega = 30, first = false, generator = errors.NONE, activation = "sine" })
  local fan_in = fans("init.siren_", tensor.shape)
  local bound = o.first and 1 / fan_in or math.sqrt(6 / fan_in) / o.omega
  tensor:uniform_(-bound, bound, { generator = o.generator })
end)

--- Rows (or columns, where there are more rows) made orthonormal by Gram-Schmidt, twice for
--- accuracy.
local function orthonormal(rows, columns, options)
  local m = core.randn({ rows, columns }, options)
  for i = 1, rows do
    local row = m[i]
    if i > 1 then
      local done = m:slice(1, 1, i - 1)
      for _ = 1, 2 do row = row - done:matmul(row):matmul(done) end
    end
    m[i] = row / row:norm()
  end
  return m
end

--- A random matrix with orthonormal rows or columns, times the gain (Saxe et al. 2013).
---@type fun(tensor: mlp.Tensor, options: mlp.init.OrthogonalOptions?): mlp.Tensor
initialise.orthogonal_ = in_place(function(tensor, options)
  local o = errors.options("init.orthogonal_", options,
    { gain = 1, generator = errors.NONE, activation = "identity" })
  fans("init.orthogonal_", tensor.shape)
  local rows = tensor:size(1)
  local columns = tensor:numel() // rows
  local draw = { dtype = tensor.dtype, generator = o.generator }
  local m = rows <= columns and orthonormal(rows, columns, draw)
    or orthonormal(columns, rows, draw):t()
  tensor:copy_((m * o.gain):reshape(tensor.shape))
end)

-- ---- what a layer asks for ----------------------------------------------------------------------

local SUITED <const> = {
  relu = "kaiming", leaky_relu = "kaiming", elu = "kaiming", gelu = "kaiming",
  gelu_tanh = "kaiming", silu = "kaiming", softplus = "kaiming", tanh = "xavier",
  sigmoid = "xavier", step = "xavier", sine = "siren", relu6 = "kaiming", celu = "kaiming",
  mish = "kaiming", hard_swish = "kaiming", squared_relu = "kaiming", softsign = "xavier",
  hard_sigmoid = "xavier", hard_tanh = "xavier", -- selu wants lecun (Klambauer et al. 2017)
}

--- The name of the initialiser that suits an activation: kaiming for relu and its kin, xavier for
--- tanh and sigmoid, siren for sine, lecun otherwise.
---@param activation string
---@return string
function initialise.suited(activation) return SUITED[activation] or "lecun" end

--- A fresh parameter of this shape, filled by the named initialiser.
---@param shape integer[]
---@param name string|fun(tensor: mlp.Tensor)|nil nil: the one suited to the activation
---@param activation string
---@param dtype string
---@return mlp.Tensor
---@package
function initialise.weight(shape, name, activation, dtype)
  local tensor = core.zeros(shape, { dtype = dtype })
  if type(name) == "function" then
    name(tensor)
    return tensor:requires_grad_()
  end
  local omega = name == nil and activation == "sine" and 1 or nil -- a layer's sine is sin(x)
  name = name or initialise.suited(activation)
  local fill = type(name) == "string" and initialise[name .. "_"]
  if not fill or name == "constant" then
    errors.raise("init: unknown initialiser '%s' (zeros, uniform, normal, xavier, kaiming, lecun, "
      .. "torch, orthogonal, siren)", tostring(name))
  end
  local plain = name == "zeros" or name == "uniform" or name == "normal"
  return fill(tensor, not plain and { activation = activation, omega = omega } or nil)
    :requires_grad_()
end

return initialise
