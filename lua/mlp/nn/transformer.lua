--- A decoder-only language model: embedding, blocks, norm, unembedding (Radford et al. 2019; with
--- rope, rms norm and gated networks: Touvron et al. 2023). Tokens count from 1.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Block <const> = require "mlp.nn.transformer_block"
local Embedding <const> = require "mlp.nn.embedding"
local generation <const> = require "mlp.nn.generation"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.TransformerOptions
---@field vocabulary integer V, how many tokens there are
---@field context integer the longest sequence
---@field dim integer
---@field layers integer L, how many blocks
---@field heads integer
---@field kv_heads integer? default heads
---@field ffn table? of every block, see nn.TransformerBlock
---@field norm "layer"|"rms"|nil default "layer"
---@field eps number?
---@field pre_norm boolean? default true
---@field rope boolean|number|mlp.nn.RopeOptions|nil default true; false: learned positions
---@field tied boolean? the unembedding is the embedding; default true
---@field bias boolean? of attention and norms; default true
---@field dropout number? default 0
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.Transformer: mlp.nn.Module
---@field embedding mlp.nn.Embedding (V, dim)
---@field positions mlp.nn.Embedding? (context, dim)
---@field blocks mlp.nn.TransformerBlock[]
---@field norm mlp.nn.Module? of what the last block gives; with pre_norm only
---@field unembedding mlp.nn.Linear dim -> V
---@field context integer
---@overload fun(options: mlp.nn.TransformerOptions): mlp.nn.Transformer
local Transformer = Module:extend "Transformer"

local STD <const> = 0.02 -- of embeddings (Radford et al. 2018)

--- The L blocks add up: what each adds starts smaller by sqrt(2 L) (Radford et al. 2019, 2.3).
local function calm(blocks)
  local _ <close> = core.no_grad_scope()
  for _, block in ipairs(blocks) do
    local down <const> = block.ffn.down
    for _, weight in ipairs { block.attention.out.weight, core.is_tensor(down) and down
      or down.weight } do
      weight:mul_(1 / math.sqrt(2 * #blocks))
    end
  end
end

--- nn.Transformer{vocabulary = 65, context = 128, dim = 128, layers = 4, heads = 4}.
---@param options mlp.nn.TransformerOptions
function Transformer:init(options)
  local o <const> = errors.options("Transformer", options, { vocabulary = errors.NONE,
    context = errors.NONE, dim = errors.NONE, layers = errors.NONE, heads = errors.NONE,
    kv_heads = errors.NONE, ffn = errors.NONE, norm = "layer", eps = errors.NONE, pre_norm = true,
    rope = true, tied = true, bias = true, dropout = 0, dtype = "float32" })
  for _, name in ipairs { "vocabulary", "context", "dim", "layers" } do
    initialise.want_size("Transformer", name, o[name])
  end
  if Module.is(o.ffn) then
    errors.raise("Transformer: ffn is a module, but every block has one of its own: give a table "
      .. 'of options, such as {kind = "glu", hidden = 172}')
  end
  self.context, self.dropout = o.context, o.dropout
  self.embedding = Embedding(o.vocabulary, o.dim, { std = STD, dtype = o.dtype })
  if not o.rope then
    self.positions = Embedding(o.context, o.dim, { std = STD, dtype = o.dtype })
  end
  self.blocks = {}
  for i = 1, o.layers do
    self.blocks[i] = Block { dim = o.dim, heads = o.heads, kv_heads = o.kv_heads, ffn = o.ffn,
      norm = o.norm, eps = o.eps, pre_norm = o.pre_norm, causal = true, rope = o.rope,
      bias = o.bias, dropout = o.dropout, dtype = o.dtype }
  end
  calm(self.blocks)
  self.norm = o.pre_norm and Block.normaliser(o) or nil
  self.unembedding = Linear(o.dim, o.vocabulary, { bias = false, dtype = o.dtype })
  self.unembedding.role = "embedding"
  if o.tied then self.unembedding.weight = self.embedding.weight end
end

local function check_length(self, T, length)
  if length + T > self.context then
    errors.raise("Transformer: %d positions are more than the context of %d", length + T,
      self.context)
  end
end

--- The signal that enters the blocks.
local function embed(self, tokens, length)
  local x = self.embedding(tokens)
  if x.ndim < 2 then
    errors.raise("Transformer: tokens are one number, but a sequence (..., T) is wanted")
  end
  local T <const> = x:size(-2)
  check_length(self, T, length)
  if self.positions then
    x = x + self.positions.weight:slice(1, length + 1, length + T)
  end
  if self.training and self.dropout > 0 then x = core.dropout(x, self.dropout) end
  return x
end

--- Logits of the token that follows each position.
---@param tokens mlp.Tensor|integer[] (..., T) int64 from 1
---@param cache mlp.nn.TransformerCache? what earlier positions left; those of tokens are added
---@return mlp.Tensor logits (..., T, V)
---@return table? auxiliary of mixtures of experts: {loss = their sum, [block] = its values}
function Transformer:forward(tokens, cache)
  local length <const> = cache and cache.length or 0
  local x, auxiliary = embed(self, tokens, length), nil
  for i, block in ipairs(self.blocks) do
    local beside
    x, beside = block(x, cache and cache.layers[i], length, tokens)
    if beside then
      auxiliary = auxiliary or {}
      auxiliary[i] = beside
      auxiliary.loss = auxiliary.loss and auxiliary.loss + beside.loss or beside.loss
    end
  end
  if cache then cache.length = length + x:size(-2) end
  return self.unembedding(self.norm and self.norm(x) or x), auxiliary
end

---@class mlp.nn.TransformerCache
---@field length integer positions so far
---@field layers {keys: mlp.Tensor, values: mlp.Tensor}[] of each block, (B, context, G, D)

--- Room for the keys and values of B sequences: a forward under mlp.no_grad that is given it
--- attends to what it holds, and adds to it.
---@param batch integer? B; default 1
---@return mlp.nn.TransformerCache
function Transformer:cache(batch)
  local layers <const> = {}
  for i, block in ipairs(self.blocks) do
    local a <const> = block.attention
    local function room()
      return core.zeros(batch or 1, self.context, a.kv_heads, a.width,
        { dtype = self.embedding.weight.dtype })
    end
    layers[i] = { keys = room(), values = room() }
  end
  return { length = 0, layers = layers }
end

--- Goes on from a prompt, token by token, in evaluation mode, until `stop`, `tokens` new ones, or
--- the end of the context.
---@param prompt mlp.Tensor|integer[] (T) or (B, T), int64 from 1
---@param options mlp.nn.GenerateOptions?
---@return mlp.Tensor tokens (T + new) or (B, T + new), the prompt in front
function Transformer:generate(prompt, options)
  return generation.run(self, prompt, options)
end

function Transformer:describe()
  local V <const>, dim <const> = table.unpack(self.embedding.weight.shape)
  local tied <const> = rawequal(self.unembedding.weight, self.embedding.weight)
  return ("%d tokens, %d, context %d%s"):format(V, dim, self.context, tied and ", tied" or "")
end

return Transformer
