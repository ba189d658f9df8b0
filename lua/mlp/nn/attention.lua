--- Attention of a sequence to itself, by heads (Vaswani et al. 2017, section 3.2). Heads of the
--- query may share one head of key and value (Ainslie et al. 2023); positions may enter as
--- rotations (Su et al. 2021).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.RopeOptions
---@field base number? default 10000
---@field pairs "neighbours"|"halves"|nil default "neighbours"

---@class mlp.nn.AttentionOptions
---@field dim integer of the input and the output
---@field heads integer H; divides dim
---@field kv_heads integer? G, heads of key and value; divides heads; default heads
---@field causal boolean? a position sees itself and those before it; default false
---@field rope boolean|number|mlp.nn.RopeOptions|nil rotary positions, or their base; default false
---@field bias boolean? default true
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.Attention: mlp.nn.Module
---@field query mlp.nn.Linear dim -> H D
---@field key mlp.nn.Linear dim -> G D
---@field value mlp.nn.Linear dim -> G D
---@field out mlp.nn.Linear H D -> dim
---@overload fun(options: mlp.nn.AttentionOptions): mlp.nn.Attention
local Attention = Module:extend "Attention"
Attention.shows, Attention.role = { hidden = true }, "attention"

local function rope_options(rope)
  if not rope then return nil end
  if rope == true then rope = {} end
  if type(rope) == "number" then rope = { base = rope } end
  return errors.options("Attention: rope", rope, { base = 10000, pairs = "neighbours" })
end

local function want_divisor(what, value, whole_name, whole)
  initialise.want_size("Attention", what, value)
  if whole % value ~= 0 then
    errors.raise("Attention: %s is %d, which does not divide %s = %d", what, value, whole_name,
      whole)
  end
end

--- nn.Attention{dim = 64, heads = 8, causal = true, rope = true}. Hooks see `query`, `key`, `value`
--- (before heads and rotation), `hidden` (..., T, H D), what the heads gathered, and `out`.
---@param options mlp.nn.AttentionOptions
function Attention:init(options)
  local o <const> = errors.options("Attention", options, { dim = errors.NONE, heads = errors.NONE,
    kv_heads = errors.NONE, causal = false, rope = false, bias = true, dtype = "float32" })
  initialise.want_size("Attention", "dim", o.dim)
  want_divisor("heads", o.heads, "dim", o.dim)
  o.kv_heads = o.kv_heads or o.heads
  want_divisor("kv_heads", o.kv_heads, "heads", o.heads)
  self.heads, self.kv_heads, self.width = o.heads, o.kv_heads, o.dim // o.heads
  self.causal, self.rope = o.causal, rope_options(o.rope)
  if self.rope and self.width % 2 ~= 0 then
    errors.raise("Attention: rope wants heads of an even width, but dim / heads is %d", self.width)
  end
  local function linear(outputs)
    return Linear(o.dim, outputs, { bias = o.bias, dtype = o.dtype })
  end
  self.query, self.out = linear(o.dim), linear(o.dim)
  self.key, self.value = linear(self.width * o.kv_heads), linear(self.width * o.kv_heads)
end

--- (..., T, heads D) as (..., T, heads, D), turned by its positions, the first of them `offset`.
local function as_heads(self, x, heads, offset, rotated)
  local shape <const> = x.shape
  shape[#shape], shape[#shape + 1] = heads, self.width
  x = x:reshape(shape)
  local rope <const> = rotated and self.rope
  return rope and core.rope(x, { base = rope.base, pairs = rope.pairs, offset = offset }) or x
end

--- Writes what is new behind what a cache (B, positions, G, D) holds; all of it so far.
local function remember(store, new, length)
  local last <const> = length + new:size(2)
  store[{ {}, { length + 1, last } }] = new
  return store:slice(2, 1, last)
end

---@param x mlp.Tensor (..., T, dim)
---@param cache {keys: mlp.Tensor, values: mlp.Tensor}? of earlier positions, (B, positions, G, D)
---  each; those of x are added
---@param length integer? how many positions the cache holds; default 0
---@return mlp.Tensor y (..., T, dim)
function Attention:forward(x, cache, length)
  length = length or 0
  local query <const> = as_heads(self, self.query(x), self.heads, length, true)
  local key = as_heads(self, self.key(x), self.kv_heads, length, true)
  local value = as_heads(self, self.value(x), self.kv_heads)
  if cache then
    key, value = remember(cache.keys, key, length), remember(cache.values, value, length)
  end
  local hidden <const> = core.attention(query, key, value, { causal = self.causal })
  return self.out(self:show("hidden", hidden:flatten(-2, -1)))
end

--- Scores and weighted sums; the linear layers count for themselves.
---@param y mlp.Tensor the output
---@return integer
function Attention:flops(y)
  local T <const> = y:size(-2)
  local pairs_seen <const> = self.causal and T * (T + 1) // 2 or T * T
  local sequences <const> = T > 0 and y:numel() // (T * y:size(-1)) or 0
  return 4 * sequences * pairs_seen * self.heads * self.width
end

function Attention:describe()
  local parts <const> = { ("%d, %d heads"):format(self.heads * self.width, self.heads) }
  if self.kv_heads ~= self.heads then
    parts[#parts + 1] = ("%d of keys and values"):format(self.kv_heads)
  end
  if self.causal then parts[#parts + 1] = "causal" end
  if self.rope then parts[#parts + 1] = "rope" end
  return table.concat(parts, ", ")
end

return Attention
