--- All feed-forward networks of a language model read as memories while texts stream through once:
--- triggers and agreement of every layer, and on a sample of positions what layers do (Geva et al.
--- 2021, section 5). There r is the signal before the network, y what the network adds, o = r + y.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modes <const> = require "mlp.trainer.modes"
local Pass <const> = require "mlp.probe.kv.pass"
local reading <const> = require "mlp.probe.kv.reading"
local report <const> = require "mlp.trainer.report"
local texts_of <const> = require "mlp.probe.kv.texts"

local CALL <const> = "probe.kv.read"
local CASES <const> = reading.CASES

-- ---- the sample ---------------------------------------------------------------------------------

--- Sampled positions of each text, a sorted list where there are any.
local function sample_of(lengths, total, samples, generator)
  local chosen <const> = core.randperm(total, { generator = generator })
    :slice(1, 1, math.min(samples, total)):sort():totable()
  local sample <const>, text, before = {}, 1, 0
  for _, place in ipairs(chosen) do
    while place > before + lengths[text] do
      before = before + lengths[text]
      text = text + 1
    end
    sample[text] = sample[text] or {}
    table.insert(sample[text], place - before)
  end
  return sample
end

--- Rows of a batch, counted in B T, that are sampled; nil when there are none.
local function rows_of(batch, sample)
  local T <const>, rows <const> = batch.tokens:size(2), {}
  for row, number in ipairs(batch.numbers) do
    for _, position in ipairs(sample[number] or {}) do
      rows[#rows + 1] = (row - 1) * T + position
    end
  end
  return #rows > 0 and core.tensor(rows, { dtype = "int64" }) or nil
end

-- ---- what layers do -----------------------------------------------------------------------------

local function count(mask) return mask:count_nonzero():item() end

--- The tokens that values put first: (H) of +v, and of -v where the memory is signed.
local function first_tokens(memory)
  local scores <const> = memory:decode(memory.values)
  return scores:argmax(2), memory.signed and scores:argmin(2) or nil
end

--- Counts on sampled positions.
---@param inside mlp.probe.Inside
local function note(tally, memory, inside)
  local m <const>, r <const>, y <const> = inside.m, inside.r, inside.y
  local function first(x) return memory:decode(x):argmax(2) end
  local of_y <const>, of_r <const>, of_o <const> = first(y), first(r), first(r + y)
  local column <const> = of_y:reshape(-1, 1)
  local said = m:gt(0):logical_and(tally.plus:eq(column))
  if tally.minus then said = said:logical_or(m:lt(0):logical_and(tally.minus:eq(column))) end
  local by_r <const>, by_y <const> = of_o:eq(of_r), of_o:eq(of_y)
  tally.n = tally.n + m:size(1)
  tally.zero = tally.zero + count(said:any(2):logical_not())
  tally.settled = tally.settled + count(of_r:eq(inside.last))
  tally.agreement = tally.agreement + count(by_r:logical_and(by_y))
  tally.residual = tally.residual + count(by_r:logical_and(by_y:logical_not()))
  tally.ffn = tally.ffn + count(by_y:logical_and(by_r:logical_not()))
  tally.composition = tally.composition + count(by_r:logical_or(by_y):logical_not())
end

local function new_tally(memory)
  local tally <const> = { n = 0, zero = 0, settled = 0 }
  for _, case in ipairs(CASES) do tally[case] = 0 end
  tally.plus, tally.minus = first_tokens(memory)
  return tally
end

-- ---- reading ------------------------------------------------------------------------------------

local function read_batch(pass, batch, triggers, tallies, sample)
  local passed <const>, inside <const> = pass(batch)
  local n <const> = #batch.numbers -- rows beyond are padding
  for i, found in ipairs(passed) do
    triggers[i]:take(found.score:slice(1, 1, n), found.position:slice(1, 1, n), found.active,
      { following = batch.following:slice(1, 1, n), mask = found.taken:slice(1, 1, n),
        numbers = batch.numbers })
  end
  local rows <const> = rows_of(batch, sample)
  if not rows then return end
  for i, part in ipairs(pass:at(inside, rows)) do
    if part then note(tallies[i], pass.memories[i], part) end
  end
end

local function run(model, memories, lists, o)
  local lengths <const>, total <const> = texts_of.lengths(CALL, model, lists)
  local sample <const> = sample_of(lengths, total, o.samples, o.generator)
  local triggers <const>, tallies <const> = {}, {}
  for i, memory in ipairs(memories) do
    triggers[i], tallies[i] = memory:triggers { top = o.top }, new_tally(memory)
  end
  local pass <close> = Pass.new(model, memories)
  for batch in texts_of.batches(model, lists, lengths, o.batch_size) do
    read_batch(pass, batch, triggers, tallies, sample)
    collectgarbage() -- a batch leaves some hundred megabytes, which the next would lie on
  end
  return triggers, tallies, total
end

--- What is known of one memory; without a position that counts, agreement is nil.
local function layer_of(memory, triggers, tally, o)
  local layer <const> = { memory = memory, triggers = triggers, samples = tally.n }
  if triggers.positions == 0 then return layer end
  layer.active = triggers:active_share()
  layer.agreement = triggers:agreement { permutations = o.permutations, generator = o.generator }
  if tally.n == 0 then return layer end
  layer.zero_agreement, layer.settled = tally.zero / tally.n, tally.settled / tally.n
  layer.behaviour = {}
  for _, case in ipairs(CASES) do layer.behaviour[case] = tally[case] / tally.n end
  return layer
end

--- Reads a model: all its memories, those of a mixture expert by expert at the positions that the
--- router sent them. Memory is O(keys x top) beside one batch.
---
---     local reading = mlp.probe.kv.read(model, texts, {names = tokenizer.pieces})
---     print(reading)
---     reading:report {path = "out/memories.html"}
---@param model mlp.nn.Transformer with nn.FFN, nn.GLU or nn.MoE in its blocks
---@param texts integer[][] tokens of each text, two at least; they are cut to the context
---@param options {top: integer?, batch_size: integer?, samples: integer?, permutations: integer?,
---  generator: mlp.Generator?, names: string[]?, gain: boolean?}? top: triggers of each key (25);
---  batch_size: texts at once (16; 1 where experts have a capacity, so that what they drop hangs on
---  the text alone); samples: positions for behaviour and zero-agreement (4,000);
---  permutations of the values (1,000); generator of both; names, gain: see mlp.probe.kv.of
---@return mlp.probe.KVReading
local function read(model, texts, options)
  local o <const> = errors.options(CALL, options, { top = 25, batch_size = 16, samples = 4000,
    permutations = 1000, generator = errors.NONE, names = errors.NONE, gain = false })
  for name, least in pairs { batch_size = 1, samples = 0 } do
    if math.type(o[name]) ~= "integer" or o[name] < least then
      errors.wanted(CALL, name, o[name], "a whole number from " .. least)
    end
  end
  local memories <const> = require "mlp.probe.kv".of(model, { names = o.names, gain = o.gain })
  local bad <const> = report.of_parameters(model)
  if bad then errors.raise("%s: %s", CALL, bad) end
  local _ <close> = modes.keep(model)
  local _ <close> = core.no_grad_scope()
  model:eval()
  local triggers <const>, tallies <const>, total <const> = run(model, memories, texts, o)
  local list <const> = { texts = #texts, positions = total, samples = math.min(o.samples, total),
    projection = memories[1].projection, model = model, lists = texts, top = o.top,
    batch_size = o.batch_size }
  for i, memory in ipairs(memories) do list[i] = layer_of(memory, triggers[i], tallies[i], o) end
  return reading.new(list)
end

return read
