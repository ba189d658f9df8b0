--- One block of a transformer: attention, then a feed-forward network, each beside a path that the
--- signal passes unchanged. With pre_norm the branches read a normalised signal (Xiong et al.
--- 2020); without, the sum is normalised, as in Vaswani et al. 2017.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Attention <const> = require "mlp.nn.attention"
local Module <const> = require "mlp.nn.module"
local norm <const> = require "mlp.nn.norm"

---@class mlp.nn.TransformerBlockOptions
---@field dim integer
---@field heads integer
---@field kv_heads integer? default heads
---@field ffn table|mlp.nn.Module|nil a module, or the options of one with its kind: {kind = "ffn"
---  (default), "glu" or "moe", hidden =, ...}; default nn.FFN of 4 dim
---@field norm "layer"|"rms"|nil default "layer"
---@field eps number? of the norms; default the norm's own
---@field pre_norm boolean? default true
---@field causal boolean? default false
---@field rope boolean|number|mlp.nn.RopeOptions|nil default false
---@field bias boolean? of attention and norms; default true
---@field dropout number? probability of zero in what the branches add; default 0
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.TransformerBlock: mlp.nn.Module
---@field norm1 mlp.nn.Module of the attention
---@field attention mlp.nn.Attention
---@field norm2 mlp.nn.Module of the feed-forward network
---@field ffn mlp.nn.Module
---@overload fun(options: mlp.nn.TransformerBlockOptions): mlp.nn.TransformerBlock
local Block = Module:extend "TransformerBlock"
Block.shows = { residual = true }

local KINDS <const> = { ffn = "mlp.nn.ffn", glu = "mlp.nn.glu", moe = "mlp.nn.moe" }

--- A feed-forward module from its options.
local function feed_forward(spec, o)
  if Module.is(spec) then return spec end
  if spec ~= nil and type(spec) ~= "table" then
    errors.wanted("TransformerBlock", "ffn", spec, "a module, or a table of options")
  end
  local options <const> = { dim = o.dim, dtype = o.dtype }
  for key, value in pairs(spec or {}) do options[key] = value end
  local kind <const> = options.kind or "ffn"
  options.kind = nil
  if not KINDS[kind] then
    errors.wanted("TransformerBlock", "ffn.kind", kind, '"ffn", "glu" or "moe"')
  end
  return require(KINDS[kind])(options)
end

local function normaliser(o)
  if o.norm == "rms" then return norm.RMSNorm(o.dim, { eps = o.eps, dtype = o.dtype }) end
  if o.norm == "layer" then
    return norm.LayerNorm(o.dim, { eps = o.eps, bias = o.bias, dtype = o.dtype })
  end
  errors.wanted("TransformerBlock", "norm", o.norm, '"layer" or "rms"')
end

Block.normaliser = normaliser

--- nn.TransformerBlock{dim = 64, heads = 8, ffn = {kind = "glu", hidden = 172}, norm = "rms"}.
--- Hooks see `residual`, the signal before the feed-forward network, and `out`.
---@param options mlp.nn.TransformerBlockOptions
function Block:init(options)
  local o <const> = errors.options("TransformerBlock", options, { dim = errors.NONE,
    heads = errors.NONE, kv_heads = errors.NONE, ffn = errors.NONE, norm = "layer",
    eps = errors.NONE, pre_norm = true, causal = false, rope = false, bias = true, dropout = 0,
    dtype = "float32" })
  self.attention = Attention { dim = o.dim, heads = o.heads, kv_heads = o.kv_heads,
    causal = o.causal, rope = o.rope, bias = o.bias, dtype = o.dtype }
  self.ffn = feed_forward(o.ffn, o)
  self.norm1, self.norm2 = normaliser(o), normaliser(o)
  self.pre_norm = o.pre_norm
  self.dropout = initialise.want_probability("TransformerBlock", "dropout", o.dropout)
end

local function add(self, x, branch)
  if self.training and self.dropout > 0 then branch = core.dropout(branch, self.dropout) end
  return x + branch
end

---@param x mlp.Tensor (..., T, dim)
---@param cache table? see nn.Attention
---@param length integer?
---@param tokens mlp.Tensor? (..., T) int64, of a mixture of experts that hashes them
---@return mlp.Tensor y (..., T, dim)
---@return table? auxiliary what a mixture of experts says beside its output
function Block:forward(x, cache, length, tokens)
  local branch = self.attention(self.pre_norm and self.norm1(x) or x, cache, length)
  local residual = add(self, x, branch)
  if not self.pre_norm then residual = self.norm1(residual) end
  residual = self:show("residual", residual)
  local read <const> = self.pre_norm and self.norm2(residual) or residual
  local y, auxiliary
  if self.ffn.router then
    y, auxiliary = self.ffn(read, tokens)
  else
    y = self.ffn(read)
  end
  y = add(self, residual, y)
  return self.pre_norm and y or self.norm2(y), auxiliary
end

function Block:describe() return self.pre_norm and "" or "norms after the sums" end

return Block
