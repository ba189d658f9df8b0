--- The feed-forward network of a transformer: y = W_down act(W_up x + b) + b, the same at every
--- position (Vaswani et al. 2017, section 3.3). Geva et al. 2021 read it as a memory: rows of W_up
--- are keys, `hidden` says how well each fits, columns of W_down are the values that are summed.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.FFNOptions
---@field dim integer D, inputs and outputs
---@field hidden integer? H; default 4 dim
---@field activation string? default "gelu"
---@field bias boolean? default true
---@field dropout number? probability of zero in hidden; default 0
---@field init string? an initialiser; default: the one suited to the activation
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.FFN: mlp.nn.Module
---@field up mlp.nn.Linear D -> H, with the activation
---@field down mlp.nn.Linear H -> D
---@overload fun(options: mlp.nn.FFNOptions): mlp.nn.FFN
local FFN = Module:extend "FFN"
FFN.shows, FFN.role = { hidden = true }, "FFN"

--- nn.FFN{dim = 64, hidden = 256, activation = "gelu"}. Hooks see `hidden` (..., H) and `out`.
---@param options mlp.nn.FFNOptions
function FFN:init(options)
  local o <const> = errors.options("FFN", options, { dim = errors.NONE, hidden = errors.NONE,
    activation = "gelu", bias = true, dropout = 0, init = errors.NONE, dtype = "float32" })
  initialise.want_size("FFN", "dim", o.dim)
  o.hidden = o.hidden or 4 * o.dim
  initialise.want_size("FFN", "hidden", o.hidden)
  self.dropout = initialise.want_probability("FFN", "dropout", o.dropout)
  self.up = Linear(o.dim, o.hidden,
    { activation = o.activation, bias = o.bias, init = o.init, dtype = o.dtype })
  self.down = Linear(o.hidden, o.dim, { bias = o.bias, init = o.init, dtype = o.dtype })
end

---@param x mlp.Tensor (..., D)
---@return mlp.Tensor y (..., D)
function FFN:forward(x)
  local hidden = self:show("hidden", self.up(x))
  if self.training and self.dropout > 0 then hidden = core.dropout(hidden, self.dropout) end
  return self.down(hidden)
end

function FFN:describe()
  local hidden <const>, dim <const> = table.unpack(self.up.weight.shape)
  return ("%d -> %d -> %d"):format(dim, hidden, dim)
end

return FFN
