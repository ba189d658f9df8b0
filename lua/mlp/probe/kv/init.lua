--- A feed-forward network read as a key-value memory (Geva et al. 2021, 2022). Its output is
--- y = sum_i m_i v_i + b: unit i has a key, row i of `up` (with row i of `gate` beside it where a
--- network is gated), a value v_i, column i of `down`, and a coefficient m_i, `hidden`. Those of
--- gated networks have a sign: what a unit then adds is the value sign(m) v, so it has two.

local core <const> = require "mlp.core"
local capture <const> = require "mlp.probe.capture"
local edit <const> = require "mlp.probe.kv.edit"
local errors <const> = require "mlp.errors"
local modes <const> = require "mlp.trainer.modes"
local Module <const> = require "mlp.nn.module"
local reading <const> = require "mlp.probe.kv.reading"
local triggers <const> = require "mlp.probe.kv.triggers"

local CALL <const> = "probe.kv"

---@class mlp.probe.kv
---@field read fun(model: mlp.nn.Module, texts: table, options: table?): mlp.probe.KVReading
---@overload fun(ffn: mlp.nn.Module, options: mlp.probe.KVOptions?): mlp.probe.KV
local kv <const> = { read = require "mlp.probe.kv.read" }

---@class mlp.probe.KVOptions
---@field unembedding mlp.Tensor? (V, D), what values are read by; the projections of values want it
---@field embedding mlp.Tensor? (V, D), what keys are read by; default the unembedding
---@field gain mlp.Tensor? (D) of the model's last norm, times which values are read; default raw
---@field names string[]? V texts of the tokens

--- A memory. Its matrices are views of the network's weights as they are when they are asked for.
---@class mlp.probe.KV
---@field ffn mlp.nn.Module
---@field keys mlp.Tensor (H, D)
---@field gates mlp.Tensor? (H, D) of a gated network
---@field values mlp.Tensor (H, D)
---@field units integer H
---@field width integer D
---@field signed boolean whether coefficients have a sign: the network is gated
---@field projection "raw"|"gain" how values are read
---@field block integer? where it stands, of a language model's
---@field expert integer? which of a mixture it is
local KV = { __name = "mlp.probe.KV" }

local function weight_of(layer) return layer.weight:detach() end

local views <const> = {}
function views.keys(ffn) return weight_of(ffn.up) end
function views.gates(ffn) return ffn.gate and weight_of(ffn.gate) end
function views.values(ffn) return weight_of(ffn.down):t() end
function views.units(ffn) return ffn.up.weight:size(1) end

function KV:__index(name)
  local view <const> = views[name]
  if view then return view(rawget(self, "ffn")) end
  return KV[name]
end

---@class mlp.probe.KVToken
---@field token integer from 1
---@field name string its text, or its number
---@field score number

-- ---- making -------------------------------------------------------------------------------------

local function check_matrix(what, tensor, width)
  if tensor == nil then return end
  if not core.is_tensor(tensor) or tensor.ndim ~= 2 or tensor:size(2) ~= width then
    errors.wanted(CALL, what, tensor, ("a tensor (tokens, %d)"):format(width))
  end
end

local function check_options(o, width)
  check_matrix("unembedding", o.unembedding, width)
  check_matrix("embedding", o.embedding, width)
  if o.gain ~= nil and not (core.is_tensor(o.gain) and o.gain:numel() == width) then
    errors.wanted(CALL, "gain", o.gain, ("a tensor (%d)"):format(width))
  end
  local matrix <const> = o.unembedding or o.embedding
  if o.names ~= nil and (type(o.names) ~= "table" or matrix and #o.names ~= matrix:size(1)) then
    errors.raise("%s: names are %s but %s is wanted", CALL,
      type(o.names) == "table" and #o.names .. " texts" or core.describe(o.names),
      matrix and ("a list of %d"):format(matrix:size(1)) or "a list of texts")
  end
end

--- Reads nn.FFN, nn.GLU, an expert of a mixture (moe:expert(i)), or any module with `up` and `down`
--- as they have them, as a memory.
---
---     local memory = mlp.probe.kv(model.blocks[2].ffn,
---       {unembedding = model.unembedding.weight, names = tokenizer.pieces})
---     for _, word in ipairs(memory:value_tokens(17)) do print(word.name, word.score) end
---@param ffn mlp.nn.Module
---@param options mlp.probe.KVOptions?
---@return mlp.probe.KV
local function new(ffn, options)
  if not Module.is(ffn) or not Module.is(ffn.up) or not Module.is(ffn.down) then
    errors.wanted(CALL, "the first argument", ffn,
      "a feed-forward network with up and down, as nn.FFN, nn.GLU or moe:expert(i)")
  end
  local o <const> = errors.options(CALL, options, { unembedding = errors.NONE,
    embedding = errors.NONE, gain = errors.NONE, names = errors.NONE })
  local D <const> = ffn.up.weight:size(2)
  check_options(o, D)
  return setmetatable({ ffn = ffn, width = D, signed = ffn.gate ~= nil,
    projection = o.gain and "gain" or "raw",
    unembedding = o.unembedding and o.unembedding:detach(),
    embedding = (o.embedding or o.unembedding) and (o.embedding or o.unembedding):detach(),
    gain = o.gain and o.gain:detach(), names = o.names }, KV)
end

--- The networks of a block: one, or the experts of a mixture.
local function networks_of(block)
  if not block.ffn.router then return { block.ffn } end
  local experts <const> = {}
  for i = 1, block.ffn.count do experts[i] = block.ffn:expert(i) end
  return experts
end

--- The memories of all blocks of a language model, `block` by `block`; of a mixture of experts one
--- for each `expert`.
---@param model mlp.nn.Transformer with feed-forward networks or mixtures of them in all blocks
---@param options {names: string[]?, gain: boolean?}? names: texts of the tokens; gain: read values
---  times the gain of the last norm; default false, raw
---@return mlp.probe.KV[] memories
function kv.of(model, options)
  local o <const> = errors.options("probe.kv.of", options, { names = errors.NONE, gain = false })
  if not Module.is(model) or not model.blocks or not model.unembedding then
    errors.wanted("probe.kv.of", "the first argument", model, "a language model, nn.Transformer")
  end
  local memories <const> = {}
  for i, block in ipairs(model.blocks) do
    for k, ffn in ipairs(networks_of(block)) do
      local memory <const> = new(ffn, { unembedding = model.unembedding.weight, names = o.names,
        embedding = model.embedding.weight,
        gain = o.gain and model.norm and model.norm.weight or nil })
      memory.block, memory.expert = i, block.ffn.router and k or nil
      memories[#memories + 1] = memory
    end
  end
  return memories
end

-- ---- coefficients -------------------------------------------------------------------------------

--- Refuses what is not one of the H units; other methods of memories ask it too.
---@param call string
---@param unit integer
function KV:check_unit(call, unit)
  if math.type(unit) ~= "integer" or unit < 1 or unit > self.units then
    errors.wanted(call, "the unit", unit, ("a whole number from 1 to %d"):format(self.units))
  end
end

--- The coefficients m, in evaluation mode and without history.
---@param x mlp.Tensor (..., D), what the network reads
---@return mlp.Tensor m (..., H)
function KV:coefficients(x)
  local _ <close> = modes.keep(self.ffn)
  local _ <close> = core.no_grad_scope()
  self.ffn:eval()
  return capture(self.ffn, { "hidden" }, function() self.ffn(x) end).hidden
end

-- ---- projections --------------------------------------------------------------------------------

--- Vectors of the signal as scores of tokens, e_w . x; times the gain where the memory has one.
---@param x mlp.Tensor (..., D)
---@return mlp.Tensor scores (..., V)
function KV:decode(x)
  if not self.unembedding then
    errors.raise("%s: scores of tokens want the option unembedding = (V, %d)", CALL, self.width)
  end
  errors.want_last_axis("decode", x, self.width)
  local _ <close> = core.no_grad_scope()
  return (self.gain and x * self.gain or x):matmul(self.unembedding:t())
end

local function tokens_of(self, scores, top, largest)
  local found <const>, at <const> = scores:topk(math.min(top, scores:numel()), 1,
    { largest = largest })
  local list <const>, values <const> = {}, found:totable()
  for i, token in ipairs(at:totable()) do
    list[i] = { token = token, score = values[i],
      name = self.names and self.names[token] or tostring(token) }
  end
  return list
end

local function token_options(self, call, unit, options)
  self:check_unit(call, unit)
  local o <const> = errors.options(call, options, { top = 10, sign = 1 })
  if math.type(o.top) ~= "integer" or o.top < 1 then
    errors.wanted(call, "top", o.top, "a whole number from 1")
  end
  if o.sign ~= 1 and o.sign ~= -1 then errors.wanted(call, "sign", o.sign, "1 or -1") end
  return o
end

--- Value projection: the tokens that a value promotes and those that it demotes (2021, section 4).
--- Scores rank; they are no probabilities.
---@param unit integer
---@param options {top: integer?, sign: integer?}? top: how many (10); sign: -1 reads -v, what the
---  unit adds where its coefficient is negative
---@return mlp.probe.KVToken[] promoted the highest first
---@return mlp.probe.KVToken[] demoted the lowest first
function KV:value_tokens(unit, options)
  local o <const> = token_options(self, "value_tokens", unit, options)
  local scores <const> = self:decode(self.values:select(1, unit) * o.sign)
  return tokens_of(self, scores, o.top, true), tokens_of(self, scores, o.top, false)
end

local function cosines(embedding, key)
  return embedding:matmul(key) / (embedding:norm(2) * key:norm() + 1e-30)
end

--- Key projection: the tokens whose embedding has the highest cosine with a key.
---@param unit integer
---@param options {top: integer?, sign: integer?}? sign: -1 reads -key
---@return mlp.probe.KVToken[] tokens of the row of `up`
---@return mlp.probe.KVToken[]? gate tokens of the row of `gate`, of a gated network
function KV:key_tokens(unit, options)
  local o <const> = token_options(self, "key_tokens", unit, options)
  if not self.embedding then
    errors.raise("%s: key_tokens wants the option embedding = (V, %d)", CALL, self.width)
  end
  local function read(matrix)
    return tokens_of(self, cosines(self.embedding, matrix:select(1, unit) * o.sign), o.top, true)
  end
  return read(self.keys), self.gates and read(self.gates) or nil
end

---@class mlp.probe.SubUpdate
---@field unit integer
---@field coefficient number m_i
---@field size number |m_i| ||v_i||
---@field share number of the sum of all sizes
---@field promoted mlp.probe.KVToken[]? scores m_i e_w . v_i
---@field demoted mlp.probe.KVToken[]?

--- Sub-updates m_i v_i of one position, those of the largest |m_i| ||v_i|| first (2022, section 5),
--- with the tokens that they promote and demote where the memory has an unembedding.
---@param x mlp.Tensor (D), what the network reads there
---@param options {top: integer?, tokens: integer?}? top: how many sub-updates (10); tokens: how
---  many tokens of each (5)
---@return mlp.probe.SubUpdate[]
function KV:sub_updates(x, options)
  local o <const> = errors.options("sub_updates", options, { top = 10, tokens = 5 })
  if not core.is_tensor(x) or x:numel() ~= self.width then
    errors.wanted("sub_updates", "x", x, ("one position, a tensor (%d)"):format(self.width))
  end
  local m <const> = self:coefficients(x:detach():reshape(1, -1)):reshape(-1)
  local sizes <const> = m:abs() * self.values:norm(2)
  local total <const> = sizes:sum():item()
  if total ~= total then errors.raise "sub_updates: coefficients are not numbers (NaN)" end
  local size <const>, unit <const> = sizes:topk(math.min(o.top, self.units), 1)
  local list <const>, largest <const> = {}, size:totable()
  for i, index in ipairs(unit:totable()) do
    local one <const> = { unit = index, coefficient = m:select(1, index):item(),
      size = largest[i], share = total > 0 and largest[i] / total or 0 }
    if self.unembedding then
      local scores <const> = self:decode(self.values:select(1, index) * one.coefficient)
      one.promoted = tokens_of(self, scores, o.tokens, true)
      one.demoted = tokens_of(self, scores, o.tokens, false)
    end
    list[i] = one
  end
  return list
end

-- ---- edits and triggers -------------------------------------------------------------------------

--- Takes memories out: their values become 0, as if their coefficients always were.
---@param units integer|integer[]
---@return mlp.probe.KVEdit
function KV:suppress(units) return edit.suppress(self, units) end

--- Multiplies values, as if their coefficients were that much larger.
---@param units integer|integer[]
---@param factor number
---@return mlp.probe.KVEdit
function KV:amplify(units, factor) return edit.amplify(self, units, factor) end

--- Writes another value to a key.
---@param unit integer
---@param value mlp.Tensor|number[] (D)
---@return mlp.probe.KVEdit
function KV:replace(unit, value) return edit.replace(self, unit, value) end

--- Writes a memory into a slot, over the one that is there, or appends it as one more unit. A unit
--- that data do not need is a good slot, such as one of little active share.
---
--- Appending gives the layers tensors of their own, a row longer: compiled functions record again,
--- and an optimizer over the old ones says at its next step that it must be made anew. A model that
--- is saved then has the unit in its file, and when it is loaded. Experts of a mixture cannot grow.
---
---     local fact <close> = memory:insert {key = k, gate = g, value = v}
---@param unit integer the slot; left out to append
---@param memory mlp.probe.Memory
---@return mlp.probe.KVEdit
---@overload fun(self: mlp.probe.KV, memory: mlp.probe.Memory): mlp.probe.KVEdit
function KV:insert(unit, memory)
  if memory == nil and type(unit) == "table" then return edit.append(self, unit) end
  return edit.overwrite(self, unit, memory)
end

--- An empty collection of trigger examples: the prefixes on which coefficients are largest.
---@param options {top: integer?}? top: triggers of each key, default 25
---@return mlp.probe.Triggers
function KV:triggers(options) return triggers(self, options) end

--- What triggers say of this memory, as one page that stands by itself and as text; see
--- mlp.probe.kv.read for a whole model.
---
---     memory:report {triggers = triggers, path = "out/memory.html"}
---@param options {triggers: mlp.probe.Triggers, permutations: integer?, generator: mlp.Generator?,
---  title: string?, path: string?, text: string?} triggers: its own, filled; permutations and
---  generator of the agreement; title, path and text as of reading:report
---@return mlp.report? page nil when a file could not be written
---@return string text or, without a page, a message
function KV:report(options)
  local o <const> = errors.options("report", options, { triggers = errors.NONE,
    permutations = 1000, generator = errors.NONE, title = "A feed-forward network as a memory",
    path = errors.NONE, text = errors.NONE })
  local filled <const> = o.triggers
  if type(filled) ~= "table" or filled.memory ~= self then
    errors.wanted("report", "triggers", filled, "this memory's triggers, filled with texts")
  end
  local agreed <const> = filled:agreement { permutations = o.permutations,
    generator = o.generator }
  return reading.new({ texts = filled.texts, positions = filled.positions, samples = 0,
    projection = self.projection, top = filled.top, { memory = self, triggers = filled,
      agreement = agreed, active = filled:active_share(), samples = 0 } }):report {
    title = o.title, path = o.path, text = o.text }
end

return setmetatable(kv, { __call = function(_, ...) return new(...) end })
