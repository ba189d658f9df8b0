--- Token ablation (Geva et al. 2021, section 3.2): how a key's coefficient changes when the first,
--- the last or a random token of its trigger examples is removed. A model that looks back alone
--- answers for many prefixes at once: without its last token a prefix is a shorter prefix of the
--- text, and all prefixes of a text lose their first token together. Random places are uniform for
--- every prefix; those of one text share a place as often as that allows, and so share a run.

local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local lists_of <const> = require "mlp.probe.kv.lists"
local modes <const> = require "mlp.trainer.modes"
local Pass <const> = require "mlp.probe.kv.pass"
local texts_of <const> = require "mlp.probe.kv.texts"

local CALL <const> = "reading:ablation"

---@class mlp.probe.AblationLayer
---@field label string "2", or "2.3" of an expert
---@field first number mean relative change of the coefficient, -1 for one that vanishes
---@field last number
---@field random number
---@field triggers integer how many trigger examples that is the mean of

--- A list of layers; tostring is a table.
---@class mlp.probe.Ablation
---@field [integer] mlp.probe.AblationLayer
local Ablation = { __name = "mlp.probe.Ablation" }
Ablation.__index = Ablation

local KINDS <const> = { "first", "last", "random" }

-- ---- which prefixes -----------------------------------------------------------------------------

--- A trigger example: {layer, unit, sign, score, position}, the prefix being 1 .. position.
local function add_triggers(by_text, layer, layer_index, o)
  local triggers <const>, H <const> = layer.triggers, layer.memory.units
  if triggers.positions == 0 then return end
  local rows <const> = core.randperm(triggers.score:size(1), { generator = o.generator })
    :slice(1, 1, math.min(o.keys, triggers.score:size(1)))
  local function table_of(field)
    local kept <const> = triggers[field]:size(2)
    return triggers[field]:index_select(1, rows):slice(2, 1, math.min(o.top, kept)):totable()
  end
  local score <const>, text <const>, position <const> = table_of "score", table_of "text",
    table_of "position"
  for k, row in ipairs(rows:totable()) do
    local unit <const>, sign <const> = lists_of.unit(row, H)
    for t, value in ipairs(score[k]) do
      local number <const>, at <const> = text[k][t], position[k][t]
      if value > 0 and at - o.spared[number] >= 2 then
        by_text[number] = by_text[number] or {}
        table.insert(by_text[number], { layer = layer_index, unit = unit, sign = sign,
          score = value, position = at })
      end
    end
  end
end

--- How many tokens stand before the first that may be removed: 1 where a text begins with `begin`.
local function spared_of(lists, begin)
  local spared <const> = {}
  for i, text in ipairs(lists) do spared[i] = begin and text[1] == begin and 1 or 0 end
  return spared
end

-- ---- texts without a token ----------------------------------------------------------------------

--- Puts a text without the token at `place` on the list (place beyond: the whole text), to be asked
--- for the prefixes in `asked`, which are one shorter there.
local function add_variant(variants, text, place, kind, asked)
  local tokens <const>, last = {}, 0
  for _, trigger in ipairs(asked) do last = math.max(last, trigger.position - 1) end
  for k = 1, last do tokens[k] = text[k < place and k or k + 1] end
  variants[#variants + 1] = { tokens = tokens, length = last, kind = kind, asked = asked }
end

--- A random place for every prefix length, each uniform in 1 + spared .. position: of prefixes that
--- grow the place stays with the probability that it lies in the shorter one.
local function add_random(variants, text, spared, asked, draw)
  local by_place <const>, place, before = {}, nil, spared
  for _, trigger in ipairs(asked) do
    local position <const> = trigger.position
    if position > before and draw() >= (before - spared) / (position - spared) then
      place = before + 1 + math.floor(draw() * (position - before))
    end
    before = position
    by_place[place] = by_place[place] or {}
    table.insert(by_place[place], trigger)
  end
  for at = spared + 1, before do
    if by_place[at] then add_variant(variants, text, at, "random", by_place[at]) end
  end
end

--- Numbers uniform in [0, 1), drawn some thousands at a time.
local function drawer(generator)
  local list, at = {}, 0
  return function()
    if at == #list then list, at = core.rand(4096, { generator = generator }):totable(), 0 end
    at = at + 1
    return list[at]
  end
end

local function variants_of(reading, by_text, o)
  local variants <const>, draw <const> = {}, drawer(o.generator)
  for number, text in ipairs(reading.lists) do
    local asked <const> = by_text[number]
    if asked then
      table.sort(asked, function(a, b) return a.position < b.position end)
      local spared <const> = o.spared[number]
      add_variant(variants, text, math.huge, "last", asked)
      add_variant(variants, text, spared + 1, "first", asked)
      add_random(variants, text, spared, asked, draw)
    end
  end
  return variants
end

-- ---- measuring ----------------------------------------------------------------------------------

--- Adds the relative changes that a batch of variants shows.
local function measure(sums, variants, batch, inside, offset)
  local T <const>, width <const> = batch.tokens:size(2), inside.hidden:size(2)
  local places <const>, asked <const>, kinds <const> = {}, {}, {}
  for row, number in ipairs(batch.numbers) do
    for _, trigger in ipairs(variants[number].asked) do
      local line <const> = (row - 1) * T + trigger.position - 2
      places[#places + 1] = line * width + offset[trigger.layer] + trigger.unit
      asked[#asked + 1], kinds[#kinds + 1] = trigger, variants[number].kind
    end
  end
  local found <const> = inside.hidden:reshape(-1)
    :index_select(1, core.tensor(places, { dtype = "int64" })):totable()
  for k, trigger in ipairs(asked) do
    local sum <const> = sums[trigger.layer]
    sum[kinds[k]] = sum[kinds[k]] + trigger.sign * found[k] / trigger.score - 1
    if kinds[k] == "last" then sum.triggers = sum.triggers + 1 end
  end
end

local function run(reading, variants, sums)
  local lists <const>, lengths <const>, memories <const> = {}, {}, {}
  for i, variant in ipairs(variants) do lists[i], lengths[i] = variant.tokens, variant.length end
  for i, layer in ipairs(reading) do memories[i] = layer.memory end
  local model <const> = reading.model
  local _ <close> = modes.keep(model)
  local _ <close> = core.no_grad_scope()
  model:eval()
  local pass <close> = Pass.new(model, memories)
  for batch in texts_of.batches(model, lists, lengths, reading.batch_size) do
    local _, inside <const> = pass(batch)
    measure(sums, variants, batch, inside, pass.offset)
    collectgarbage()
  end
end

local function options_of(reading, options)
  local o <const> = errors.options(CALL, options,
    { keys = 100, top = 50, begin = errors.NONE, generator = errors.NONE })
  for _, name in ipairs { "keys", "top" } do
    if math.type(o[name]) ~= "integer" or o[name] < 1 then
      errors.wanted(CALL, name, o[name], "a whole number from 1")
    end
  end
  o.spared = spared_of(reading.lists, o.begin)
  return o
end

--- See KVReading:ablation.
---@param reading mlp.probe.KVReading
---@param options table?
---@return mlp.probe.Ablation
function Ablation.new(reading, options)
  local o <const>, by_text <const>, sums <const> = options_of(reading, options), {}, {}
  for i, layer in ipairs(reading) do
    sums[i] = { label = reading.label(layer.memory), first = 0, last = 0, random = 0,
      triggers = 0 }
    add_triggers(by_text, layer, i, o)
  end
  local variants <const> = variants_of(reading, by_text, o)
  if #variants > 0 then run(reading, variants, sums) end
  for _, sum in ipairs(sums) do
    for _, kind in ipairs(KINDS) do sum[kind] = sum[kind] / sum.triggers end
  end
  return setmetatable(sums, Ablation)
end

-- ---- showing ------------------------------------------------------------------------------------

function Ablation:__tostring()
  local rows <const> = {}
  for i, layer in ipairs(self) do
    rows[i] = { layer.label, layer.first, layer.last, layer.random, layer.triggers }
  end
  return columns({ "layer", "without first", "without last", "without a random one", "triggers" },
    rows)
end

--- Relative change of the coefficients, layer by layer (their figure 2).
---@return mlp.plot.Figure
function Ablation:figure()
  local names <const>, bars <const> = {}, { x_label = "layer",
    y_label = "change of the coefficient, %", title = "Trigger examples without one token" }
  for i, layer in ipairs(self) do names[i] = layer.label end
  for k, kind in ipairs(KINDS) do
    local changes <const> = {}
    for i, layer in ipairs(self) do changes[i] = 100 * layer[kind] end
    bars[k] = { y = changes, name = kind == "random" and "a random token" or "the " .. kind }
  end
  bars.names = names
  return require("mlp.plot").bars(bars)
end

return Ablation
