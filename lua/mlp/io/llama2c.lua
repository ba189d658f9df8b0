-- Checkpoints and tokenizers of llama2.c (Karpathy 2023, github.com/karpathy/llama2.c): a header of
-- sizes, then float32 matrices in a fixed order. The model is an nn.Transformer with rms norms,
-- SwiGLU and rotary positions. Tokens count from 0 in the files and from 1 here.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local tokenizer <const> = require "mlp.io.tokenizer"

---@class mlp.io.llama2c
local llama2c = {}

local CALL <const> = "mlp.io.llama2c"
local MAGIC <const>, VERSION_1_HEADER <const> = 0x616b3432, 256
local NAMES <const> = { "dim", "hidden", "layers", "heads", "kv_heads", "vocabulary", "context" }
local FLOAT <const> = 4
local refuse <const> = file.refuse

-- ---- the header ---------------------------------------------------------------------------------

local function sizes(source, start)
  local config <const> = {}
  local list <const> = { ("<" .. ("i4"):rep(#NAMES)):unpack(source:read(start, 4 * #NAMES)) }
  for i, name in ipairs(NAMES) do config[name] = list[i] end
  return config
end

-- Version 0 has no magic and says by a negative vocabulary that the unembedding is its own.
local function header(source)
  local magic <const> = ("<I4"):unpack(source:read(0, 4))
  if magic ~= MAGIC then
    local config <const> = sizes(source, 0)
    config.tied, config.vocabulary = config.vocabulary > 0, math.abs(config.vocabulary)
    return config, 4 * #NAMES, 0
  end
  local version <const> = ("<i4"):unpack(source:read(4, 4))
  if version ~= 1 then
    refuse("it is of version %d, but 0 and 1, which hold float32, are read", version)
  end
  local config <const> = sizes(source, 8)
  config.tied = source:read(8 + 4 * #NAMES, 1):byte() ~= 0
  return config, VERSION_1_HEADER, 1
end

local function check(config)
  for _, name in ipairs(NAMES) do
    if config[name] < 1 or config[name] > 1 << 24 then
      refuse("its header says %s = %d: no llama2.c checkpoint", name, config[name])
    end
  end
  local c <const> = config
  if c.dim % c.heads ~= 0 or c.heads % c.kv_heads ~= 0 or c.dim // c.heads % 2 ~= 0 then
    refuse("its header says %d heads, %d of keys, for dim %d, which do not divide it", c.heads,
      c.kv_heads, c.dim)
  end
end

-- ---- what stands where --------------------------------------------------------------------------

-- The matrices in the order of the file: where they go ("%d": one after the other for every layer)
-- and their shape; those without a name are skipped.
local function layout(c, version)
  local width <const> = c.dim // c.heads
  local kv <const> = width * c.kv_heads
  local embedding <const> = { "embedding.weight", { c.vocabulary, c.dim } }
  local norm1 <const> = { "blocks.%d.norm1.weight", { c.dim } }
  local norm2 <const> = { "blocks.%d.norm2.weight", { c.dim } }
  local last <const> = { "norm.weight", { c.dim } }
  local attention <const> = {
    { "blocks.%d.attention.query.weight", { c.dim, c.dim } },
    { "blocks.%d.attention.key.weight", { kv, c.dim } },
    { "blocks.%d.attention.value.weight", { kv, c.dim } },
    { "blocks.%d.attention.out.weight", { c.dim, c.dim } },
  }
  local ffn <const> = {
    { "blocks.%d.ffn.gate.weight", { c.hidden, c.dim } },
    { "blocks.%d.ffn.down.weight", { c.dim, c.hidden } },
    { "blocks.%d.ffn.up.weight", { c.hidden, c.dim } },
  }
  local q, k, v, o = table.unpack(attention)
  local gate <const>, down <const>, up <const> = table.unpack(ffn)
  local list
  if version == 1 then
    list = { norm1, norm2, last, embedding, q, k, v, o, gate, down, up }
  else
    local turns <const> = { nil, { c.context, width } } -- cosines and sines
    list = { embedding, norm1, q, k, v, o, norm2, gate, down, up, last, turns }
  end
  if not c.tied then list[#list + 1] = { "unembedding.weight", { c.vocabulary, c.dim } } end
  return list
end

local function numel(shape)
  local n = 1
  for _, length in ipairs(shape) do n = n * length end
  return n
end

local function copies(entry, c)
  return entry[1] and entry[1]:find("%d", 1, true) and c.layers or 1
end

local function wanted_bytes(list, c, start)
  local bytes = start
  for _, entry in ipairs(list) do
    bytes = bytes + 1.0 * FLOAT * copies(entry, c) * numel(entry[2]) -- a float: nothing wraps
  end
  return bytes
end

-- ---- the model ----------------------------------------------------------------------------------

local function make(c)
  local nn <const> = require "mlp.nn"
  return nn.Transformer { vocabulary = c.vocabulary, context = c.context, dim = c.dim,
    layers = c.layers, heads = c.heads, kv_heads = c.kv_heads, norm = "rms", eps = 1e-5,
    ffn = { kind = "glu", hidden = c.hidden, activation = "silu" }, rope = true, tied = c.tied,
    bias = false }
end

local function fill(model, source, list, c, start)
  local parameters <const> = {}
  for name, tensor in model:named_parameters() do parameters[name] = tensor end
  local _ <close> = core.no_grad_scope()
  for _, entry in ipairs(list) do
    local name <const>, shape <const> = table.unpack(entry, 1, 2)
    local bytes <const> = FLOAT * numel(shape)
    for layer = 1, copies(entry, c) do
      if name then
        parameters[name:format(layer)]:copy_(
          core.frombytes(source:read(start, bytes), "float32", shape))
      end
      start = start + bytes
    end
  end
end

local function read(source)
  local c <const>, start <const>, version <const> = header(source)
  check(c)
  local list <const> = layout(c, version)
  local wanted <const> = wanted_bytes(list, c, start)
  if wanted ~= source.size then
    refuse("its header asks for %.0f bytes, but it has %d", wanted, source.size)
  end
  local model <const> = make(c)
  fill(model, source, list, c, start)
  return model:eval()
end

--- Reads a checkpoint (version 0 or 1, float32) as an nn.Transformer in evaluation mode, and its
--- tokenizer too when asked.
---@param path string
---@param options {tokenizer: string?}? the path of the tokenizer's file
---@return mlp.nn.Transformer? model
---@return mlp.io.Tokenizer|string|nil tokenizer or, without a model, a message
function llama2c.load(path, options)
  local o <const> = errors.options(CALL, options, { tokenizer = errors.NONE })
  local model <const>, message <const> = file.load(CALL, path, read)
  if not model then return nil, message end
  if not o.tokenizer then return model end
  local words <const>, why <const> =
    tokenizer.load(o.tokenizer, model.embedding.weight:size(1))
  if not words then return nil, why end
  return model, words
end

--- Reads a tokenizer.
---@param path string
---@return mlp.io.Tokenizer? tokenizer
---@return string? message
function llama2c.tokenizer(path) return tokenizer.load(path) end

return llama2c
