--- The gated feed-forward network: y = W_down (act(W_gate x) * W_up x) (Dauphin et al. 2017,
--- Shazeer 2020). The activation names the kind: "sigmoid" GLU, "relu" ReGLU, "gelu" GEGLU, "silu"
--- SwiGLU, "identity" bilinear.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.GLUOptions
---@field dim integer D, inputs and outputs
---@field hidden integer? H; default 8 dim / 3, as many weights as an FFN of 4 dim
---@field activation string? of the gate; default "silu"
---@field bias boolean? default false
---@field dropout number? probability of zero in hidden; default 0
---@field init string? an initialiser; default: lecun
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.GLU: mlp.nn.Module
---@field gate mlp.nn.Linear D -> H, with the activation
---@field up mlp.nn.Linear D -> H
---@field down mlp.nn.Linear H -> D
---@overload fun(options: mlp.nn.GLUOptions): mlp.nn.GLU
local GLU = Module:extend "GLU"
GLU.shows, GLU.role = { gate = true, value = true, hidden = true }, "FFN"

--- nn.GLU{dim = 64, hidden = 172, activation = "silu"}. Hooks see `gate` (after the activation),
--- `value`, `hidden` (their product), each (..., H), and `out`.
---@param options mlp.nn.GLUOptions
function GLU:init(options)
  local o <const> = errors.options("GLU", options, { dim = errors.NONE, hidden = errors.NONE,
    activation = "silu", bias = false, dropout = 0, init = "lecun", dtype = "float32" })
  initialise.want_size("GLU", "dim", o.dim)
  o.hidden = o.hidden or math.max(8 * o.dim // 3, 1)
  initialise.want_size("GLU", "hidden", o.hidden)
  self.dropout = initialise.want_probability("GLU", "dropout", o.dropout)
  local function linear(inputs, outputs, activation)
    return Linear(inputs, outputs,
      { activation = activation, bias = o.bias, init = o.init, dtype = o.dtype })
  end
  self.gate = linear(o.dim, o.hidden, o.activation)
  self.up = linear(o.dim, o.hidden)
  self.down = linear(o.hidden, o.dim)
end

---@param x mlp.Tensor (..., D)
---@return mlp.Tensor y (..., D)
function GLU:forward(x)
  local gate <const>, value <const> = self.gate(x), self:show("value", self.up(x))
  local hidden = self:show("hidden", gate * value)
  if self.training and self.dropout > 0 then hidden = core.dropout(hidden, self.dropout) end
  return self.down(hidden)
end

--- The product of gate and value; the linear layers count for themselves.
---@param y mlp.Tensor the output
---@return integer
function GLU:flops(y)
  local hidden <const>, dim <const> = table.unpack(self.up.weight.shape)
  return y:numel() // dim * hidden
end

function GLU:describe()
  local hidden <const>, dim <const> = table.unpack(self.up.weight.shape)
  return ("%d -> %d -> %d, %s"):format(dim, hidden, dim, self.gate.activation)
end

return GLU
