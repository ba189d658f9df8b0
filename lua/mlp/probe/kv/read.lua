--- All feed-forward networks of a language model read as memories while texts stream through once:
--- triggers and agreement of every layer, and on a sample of positions what layers do (Geva et al.
--- 2021, section 5). There r is the signal before the network, y what the network adds, o = r + y.

local capture <const> = require "mlp.probe.capture"
local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modes <const> = require "mlp.trainer.modes"

local CALL <const> = "probe.kv.read"

---@class mlp.probe.KVLayer
---@field memory mlp.probe.KV
---@field triggers mlp.probe.Triggers
---@field agreement mlp.probe.Agreement
---@field active number share of coefficients above 0
---@field zero_agreement number? share of sampled positions where no active value puts first what
---  the sum of all puts first; nil with samples = 0
---@field behaviour {residual: number, ffn: number, agreement: number, composition: number}? shares
---  of sampled positions where o puts first the token that r does, that y does, both or neither

--- What mlp.probe.kv.read answers: a list of layers; tostring is a table.
---@class mlp.probe.KVReading
---@field [integer] mlp.probe.KVLayer
---@field texts integer
---@field positions integer prefixes with a token after them
---@field samples integer positions of zero-agreement and behaviour
---@field projection "raw"|"gain" how values and signals are read
local Reading = { __name = "mlp.probe.KVReading" }
Reading.__index = Reading

local CASES <const> = { "residual", "ffn", "agreement", "composition" }

-- ---- texts --------------------------------------------------------------------------------------

--- Positions of each text that have a token after them, and how many in all.
local function lengths_of(model, texts)
  if type(texts) ~= "table" or #texts == 0 then
    errors.wanted(CALL, "texts", texts, "a list of lists of tokens")
  end
  local lengths <const>, total = {}, 0
  for i, text in ipairs(texts) do
    if type(text) ~= "table" or #text < 2 then
      errors.wanted(CALL, ("texts[%d]"):format(i), text, "a list of two tokens or more")
    end
    lengths[i] = math.min(#text - 1, model.context)
    total = total + lengths[i]
  end
  return lengths, total
end

--- Texts first to last, padded by token 1 behind, where no position that counts sees it.
local function batch_of(texts, lengths, first, last)
  local T <const> = math.max(table.unpack(lengths, first, last))
  local tokens <const>, following <const> = {}, {}
  for i = first, last do
    local read <const>, after <const> = {}, {}
    for k = 1, T do
      read[k] = k <= lengths[i] and texts[i][k] or 1
      after[k] = k <= lengths[i] and texts[i][k + 1] or 1
    end
    tokens[#tokens + 1], following[#following + 1] = read, after
  end
  local kind <const> = { dtype = "int64" }
  return core.tensor(tokens, kind), core.tensor(following, kind), T
end

--- Rows of each batch (counted in B T) that are sampled: a function of first, last and T, to be
--- asked for batches in turn.
local function sampler(lengths, total, samples, generator)
  local chosen <const> = core.randperm(total, { generator = generator })
    :slice(1, 1, math.min(samples, total)):sort():totable()
  local at, before = 1, 0
  return function(first, last, T)
    local rows <const> = {}
    for i = first, last do
      while chosen[at] and chosen[at] <= before + lengths[i] do
        rows[#rows + 1] = (i - first) * T + chosen[at] - before
        at = at + 1
      end
      before = before + lengths[i]
    end
    return #rows > 0 and core.tensor(rows, { dtype = "int64" }) or nil
  end
end

-- ---- what layers do -----------------------------------------------------------------------------

local function count(mask) return mask:count_nonzero():item() end

--- The tokens that values put first: (H) of +v, and of -v where the memory is signed.
local function first_tokens(memory)
  local scores <const> = memory:decode(memory.values)
  return scores:argmax(2), memory.signed and scores:argmin(2) or nil
end

--- Counts on sampled positions: m (n, H), y and r (n, D).
local function note(tally, memory, m, y, r)
  local function first(x) return memory:decode(x):argmax(2) end
  local of_y <const>, of_r <const>, of_o <const> = first(y), first(r), first(r + y)
  local column <const> = of_y:reshape(-1, 1)
  local said = m:gt(0):logical_and(tally.plus:eq(column))
  if tally.minus then said = said:logical_or(m:lt(0):logical_and(tally.minus:eq(column))) end
  local by_r <const>, by_y <const> = of_o:eq(of_r), of_o:eq(of_y)
  tally.zero = tally.zero + count(said:any(2):logical_not())
  tally.agreement = tally.agreement + count(by_r:logical_and(by_y))
  tally.residual = tally.residual + count(by_r:logical_and(by_y:logical_not()))
  tally.ffn = tally.ffn + count(by_y:logical_and(by_r:logical_not()))
  tally.composition = tally.composition + count(by_r:logical_or(by_y):logical_not())
end

local function new_tally(memory)
  local tally <const> = { zero = 0 }
  for _, case in ipairs(CASES) do tally[case] = 0 end
  tally.plus, tally.minus = first_tokens(memory)
  return tally
end

-- ---- reading ------------------------------------------------------------------------------------

local function paths_of(memories)
  local paths <const> = {}
  for i in ipairs(memories) do
    for _, name in ipairs { ".residual", ".ffn.hidden", ".ffn" } do
      paths[#paths + 1] = "blocks." .. i .. name
    end
  end
  return paths
end

local function rows_of(x, rows) return x:reshape(-1, x:size(-1)):index_select(1, rows) end

local function run(model, memories, texts, o)
  local lengths <const>, total <const> = lengths_of(model, texts)
  local sample <const> = sampler(lengths, total, o.samples, o.generator)
  local paths <const>, triggers <const>, tallies <const> = paths_of(memories), {}, {}
  for i, memory in ipairs(memories) do
    triggers[i], tallies[i] = memory:triggers { top = o.top }, new_tally(memory)
  end
  for first = 1, #texts, o.batch_size do
    local last <const> = math.min(first + o.batch_size - 1, #texts)
    local tokens <const>, following <const>, T <const> = batch_of(texts, lengths, first, last)
    local seen <const> = capture(model, paths, function() model(tokens) end)
    local rows <const> = sample(first, last, T)
    for i, memory in ipairs(memories) do
      local path <const> = "blocks." .. i
      local m <const> = seen[path .. ".ffn.hidden"]
      triggers[i]:add(m, following, table.move(lengths, first, last, 1, {}))
      if rows then
        note(tallies[i], memory, rows_of(m, rows), rows_of(seen[path .. ".ffn"], rows),
          rows_of(seen[path .. ".residual"], rows))
      end
    end
    collectgarbage() -- a batch leaves some hundred megabytes, which the next would lie on
  end
  return triggers, tallies, total
end

--- Reads a model. Memory is O(keys x top) beside one batch.
---
---     local reading = mlp.probe.kv.read(model, texts, {names = tokenizer.pieces})
---     print(reading)
---@param model mlp.nn.Transformer with nn.FFN or nn.GLU in its blocks
---@param texts integer[][] tokens of each text, two at least; they are cut to the context
---@param options {top: integer?, batch_size: integer?, samples: integer?, permutations: integer?,
---  generator: mlp.Generator?, names: string[]?, gain: boolean?}? top: triggers of each key (25);
---  batch_size: texts at once (8); samples: positions for behaviour and zero-agreement (4,000);
---  permutations of the values (1,000); generator of both; names, gain: see mlp.probe.kv.of
---@return mlp.probe.KVReading
local function read(model, texts, options)
  local o <const> = errors.options(CALL, options, { top = 25, batch_size = 8, samples = 4000,
    permutations = 1000, generator = errors.NONE, names = errors.NONE, gain = false })
  for name, least in pairs { batch_size = 1, samples = 0 } do
    if math.type(o[name]) ~= "integer" or o[name] < least then
      errors.wanted(CALL, name, o[name], "a whole number from " .. least)
    end
  end
  local memories <const> = require "mlp.probe.kv".of(model, { names = o.names, gain = o.gain })
  local _ <close> = modes.keep(model)
  local _ <close> = core.no_grad_scope()
  model:eval()
  local triggers <const>, tallies <const>, total <const> = run(model, memories, texts, o)
  local reading <const> = setmetatable({ texts = #texts, positions = total,
    samples = math.min(o.samples, total), projection = memories[1].projection }, Reading)
  for i, memory in ipairs(memories) do
    local layer <const> = { memory = memory, triggers = triggers[i],
      active = triggers[i]:active_share(), agreement = triggers[i]:agreement {
        permutations = o.permutations, generator = o.generator } }
    if reading.samples > 0 then
      layer.zero_agreement, layer.behaviour = tallies[i].zero / reading.samples, {}
      for _, case in ipairs(CASES) do layer.behaviour[case] = tallies[i][case] / reading.samples end
    end
    reading[i] = layer
  end
  return reading
end

-- ---- showing ------------------------------------------------------------------------------------

local HEADINGS <const> = { "layer", "agreement", "shuffled", "low", "high", "unigram", "rank",
  "precision", "active", "zero-agreement", "residual", "ffn", "both", "composition" }
local AGREEMENTS <const> = 8 -- columns up to here tell of triggers, the others of positions

--- A row of numbers for each layer, under HEADINGS.
local function rows(self)
  local list <const> = {}
  for i, layer in ipairs(self) do
    local a <const>, b <const> = layer.agreement, layer.behaviour or {}
    list[i] = { tostring(i), a.rate, a.mean, a.low, a.high, a.unigram, a.rank, a.precision,
      layer.active, layer.zero_agreement, b.residual, b.ffn, b.agreement, b.composition }
  end
  return list
end

--- The layer, and columns first to last.
local function part(row, first, last) return table.move(row, first, last, 2, { row[1] }) end

local function parts(self, first, last)
  local list <const> = rows(self)
  for i, row in ipairs(list) do list[i] = part(row, first, last) end
  return list
end

local function caption(self)
  return ("%d texts, %d prefixes, %d of them sampled; values read %s"):format(self.texts,
    self.positions, self.samples,
    self.projection == "gain" and "with the last norm's gain" or "raw")
end

function Reading:__tostring() return columns(HEADINGS, rows(self)) .. "\n" .. caption(self) end

--- Agreement of the layers beside what shuffled values and the most frequent token give, and below
--- it what the layers do.
---@return mlp.plot.Figure
function Reading:figure()
  local plot <const>, names <const> = require "mlp.plot", {}
  local y <const> = { rate = {}, high = {}, unigram = {} }
  local cases <const> = { y_label = "share of positions", title = "What layers do" }
  for i, layer in ipairs(self) do
    names[i] = tostring(i)
    for field, list in pairs(y) do list[i] = layer.agreement[field] end
  end
  local panels <const> = { columns = 1, plot.bars { { y = y.rate, name = "agreement" },
    { y = y.high, name = "shuffled, upper end of 95 %" },
    { y = y.unigram, name = "most frequent token" }, names = names,
    y_label = "share of keys", title = "Values that name what follows their key's first trigger" } }
  if self.samples > 0 then
    for k, case in ipairs(CASES) do
      local shares <const> = {}
      for i, layer in ipairs(self) do shares[i] = layer.behaviour[case] end
      cases[k] = { y = shares, name = case == "agreement" and "both" or case }
    end
    cases.names = names
    panels[2] = plot.bars(cases)
  end
  return plot.grid(panels)
end

--- The reading as one page that stands by itself; `page:save(path)` writes it.
---@param options {title: string?}? default "Feed-forward networks as memories"
---@return mlp.report page
function Reading:report(options)
  local o <const> = errors.options("reading:report", options,
    { title = "Feed-forward networks as memories" })
  local page <const> = require "mlp.report" { title = o.title, subtitle = caption(self) }
  page:text("After Geva et al. 2021. **Agreement**: share of keys whose value puts first the token "
    .. "that followed their first trigger; beside it the rate with values shuffled among the keys "
    .. "of the layer, and the band that holds 95 % of shuffles.")
  page:figure(self:figure(), "Agreement and behaviour, layer by layer.")
  page:table { columns = part(HEADINGS, 2, AGREEMENTS), caption = "Agreement.",
    rows = parts(self, 2, AGREEMENTS) }
  page:table { columns = part(HEADINGS, AGREEMENTS + 1, #HEADINGS), caption = "Behaviour.",
    rows = parts(self, AGREEMENTS + 1, #HEADINGS) }
  return page
end

return read
