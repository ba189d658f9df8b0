--- The network of the paper: no biases, and one table of inputs for both residues, so that
--- f(x, y) = f(y, x).

local core <const> = require "mlp.core"
local cosines <const> = require "mlp.fourier.cosines"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"
local modulus <const> = require "mlp.fourier.modulus"

local CALL <const> = "fourier.Network"

--- f(x, y) = xi act(theta x + theta y) for one-hot x and y.
---@class mlp.fourier.Network: mlp.nn.Module
---@field p integer the modulus
---@field input mlp.Tensor theta (M, p)
---@field output mlp.Tensor xi (p, M)
---@field activation string|fun(z: mlp.Tensor): mlp.Tensor
---@overload fun(options: mlp.fourier.NetworkOptions): mlp.fourier.Network
local Network = Module:extend "fourier.Network"

---@class mlp.fourier.NetworkOptions
---@field p integer the modulus, from 3
---@field width integer? M, default 512
---@field activation string|fun(z: mlp.Tensor): mlp.Tensor|nil "relu" (default), "square", the name
---  of any activation, or a function
---@field init "normal"|"single"|"equal"|nil how weights begin, both layers alike: "normal"
---  (default): scale / sqrt(p) N(0, 1); "single": one cosine of amplitude `scale` per neuron,
---  frequencies dealt out evenly and shuffled, phases at random; "equal": a cosine of amplitude
---  `scale` at every frequency, phases at random
---@field scale number? default 0.1
---@field seed integer? default: the stream of the state
---@field dtype mlp.Dtype? default "float32"

-- ---- how weights begin --------------------------------------------------------------------------

local DOUBLE <const> = "float64"

local function phases(M, K, generator)
  return core.rand(M, K, { dtype = DOUBLE, generator = generator }) * (2 * math.pi) - math.pi
end

--- Each is (o, generator) -> theta and xi, a row per neuron.
local INITS <const> = {}

function INITS.normal(o, generator)
  local function rows()
    return core.randn(o.width, o.p, { dtype = DOUBLE, generator = generator })
      * (o.scale / math.sqrt(o.p))
  end
  return rows(), rows()
end

local function waves(o, magnitude, generator)
  local shape <const> = { o.width, o.p // 2 }
  return cosines(o.p, magnitude, phases(shape[1], shape[2], generator)),
    cosines(o.p, magnitude, phases(shape[1], shape[2], generator))
end

function INITS.single(o, generator)
  local turn <const> = core.randperm(o.width, { generator = generator }):remainder(o.p // 2) + 1
  return waves(o, turn:one_hot(o.p // 2):to(DOUBLE) * o.scale, generator)
end

function INITS.equal(o, generator)
  return waves(o, core.full({ o.width, o.p // 2 }, o.scale, { dtype = DOUBLE }), generator)
end

-- ---- the module ---------------------------------------------------------------------------------

local function check_activation(activation)
  if type(activation) == "function" or activation == "square" then return activation end
  return initialise.want_activation(CALL, activation)
end

--- Makes a network with fresh weights.
---@param options mlp.fourier.NetworkOptions
function Network:init(options)
  local o <const> = errors.options(CALL, options, { p = errors.NONE, width = 512, scale = 0.1,
    activation = "relu", init = "normal", seed = errors.NONE, dtype = "float32" })
  self.p = modulus.want(CALL, o.p)
  initialise.want_size(CALL, "width", o.width)
  self.activation = check_activation(o.activation)
  if not INITS[o.init] then errors.wanted(CALL, "init", o.init, '"normal", "single" or "equal"') end
  if o.dtype ~= "float32" and o.dtype ~= "float64" then
    errors.wanted(CALL, "dtype", o.dtype, '"float32" or "float64"')
  end
  if type(o.scale) ~= "number" then errors.wanted(CALL, "scale", o.scale, "a number") end
  local theta <const>, xi <const> = INITS[o.init](o, o.seed and core.generator(o.seed))
  self.input = theta:to(o.dtype):requires_grad_()
  self.output = xi:t():to(o.dtype):contiguous():clone():requires_grad_()
end

--- What each neuron says: act(theta x + theta y).
---@param inputs mlp.Tensor (N, p) as Pairs:inputs() gives them
---@return mlp.Tensor hidden (N, M)
function Network:hidden(inputs)
  local act <const> = self.activation
  if type(act) == "function" then return act(core.linear(inputs, self.input)) end
  if act == "square" then return core.linear(inputs, self.input):square() end
  return core.linear(inputs, self.input, nil, { activation = act })
end

---@param inputs mlp.Tensor (N, p) as Pairs:inputs() gives them
---@return mlp.Tensor logits (N, p)
function Network:forward(inputs) return core.linear(self:hidden(inputs), self.output) end

--- A network of the same weights, or of these, copied.
---@param changes {input: mlp.Tensor?, output: mlp.Tensor?, activation: any}? theta (M, p) and
---  xi (p, M)
---@return mlp.fourier.Network
function Network:like(changes)
  local theta <const> = (changes and changes.input or self.input):detach():clone()
  local xi <const> = (changes and changes.output or self.output):detach():clone()
  local other <const> = Network { p = self.p, width = #theta, scale = 0, dtype = theta.dtype,
    activation = changes and changes.activation or self.activation }
  other.input, other.output = theta:requires_grad_(), xi:requires_grad_()
  return other
end

--- Mean cross-entropy and accuracy on pairs, without history.
---@param pairs mlp.fourier.Pairs
---@return number loss nats
---@return number accuracy from 0 to 1
---@return mlp.Tensor right uint8 (N): which pairs are answered right
function Network:evaluate(pairs)
  local _ <close> = core.no_grad_scope()
  local logits <const> = self(pairs:inputs(self.input.dtype)):to(DOUBLE)
  local right <const> = logits:argmax(2):eq(pairs.class)
  return core.cross_entropy(logits, pairs.class):item(), right:to(DOUBLE):mean():item(), right
end

--- The length of all weights together, sqrt(|theta|^2 + |xi|^2).
---@return number
function Network:norm()
  local _ <close> = core.no_grad_scope()
  return math.sqrt(self.input:square():sum():item() + self.output:square():sum():item())
end

function Network:describe()
  return ("p = %d, width %d, %s"):format(self.p, #self.input, tostring(self.activation))
end

return Network
