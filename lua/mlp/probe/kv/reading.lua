--- What reading the memories of a language model says: numbers of every layer, as text, figures
--- and a page.

local Ablation <const> = require "mlp.probe.kv.ablation"
local columns <const> = require "mlp.columns"
local Directions <const> = require "mlp.probe.kv.directions"
local errors <const> = require "mlp.errors"
local page <const> = require "mlp.probe.kv.page"
local Patterns <const> = require "mlp.probe.kv.patterns"
local predictive <const> = require "mlp.probe.kv.predictive"

---@class mlp.probe.KVLayer
---@field memory mlp.probe.KV
---@field triggers mlp.probe.Triggers
---@field agreement mlp.probe.Agreement? nil for an expert that no text reached, as what follows
---@field active number? share of coefficients above 0
---@field samples integer sampled positions; of an expert those that it was sent
---@field zero_agreement number? share of sampled positions where no active value puts first what
---  the sum of all puts first; nil without samples
---@field settled number? share of sampled positions where r puts first what the model does
---@field behaviour {residual: number, ffn: number, agreement: number, composition: number}? shares
---  of sampled positions where o puts first the token that r does, that y does, both or neither

--- What mlp.probe.kv.read answers: a list of layers, of a mixture one for each expert; tostring is
--- a table.
---@class mlp.probe.KVReading
---@field [integer] mlp.probe.KVLayer
---@field texts integer
---@field positions integer prefixes with a token after them
---@field samples integer positions of zero-agreement and behaviour
---@field projection "raw"|"gain" how values and signals are read
---@field top integer triggers of each key
---@field model mlp.nn.Transformer? as what follows nil where one memory was read alone
---@field lists integer[][]? the texts
---@field batch_size integer?
local Reading = { __name = "mlp.probe.KVReading" }
Reading.__index = Reading

local reading = { CASES = { "residual", "ffn", "agreement", "composition" } }
local CASES <const> = reading.CASES

--- "2", or "2.3": the third expert of the second block.
---@param memory mlp.probe.KV
---@return string
function Reading.label(memory)
  if memory.expert then return ("%d.%d"):format(memory.block, memory.expert) end
  return tostring(memory.block or 1)
end

local label <const> = Reading.label

--- Makes a reading of a list of layers.
---@param list table
---@return mlp.probe.KVReading
function reading.new(list) return setmetatable(list, Reading) end

-- ---- more questions -----------------------------------------------------------------------------

--- Token ablation (2021, section 3.2): how much coefficients change when the first, the last or a
--- random token of trigger examples is removed. Where experts have a capacity, what they drop hangs
--- on all tokens of a run, and several prefixes share one: there the changes are approximate.
---@param options {keys: integer?, top: integer?, begin: integer?, generator: mlp.Generator?}? keys:
---  of each layer, at random, of gated networks a key with a sign (100); top: trigger examples of
---  each, as far as the reading kept as many (50); begin: a token that begins texts and is none of
---  theirs, so it stays
---@return mlp.probe.Ablation
function Reading:ablation(options) return Ablation.new(self, options) end

--- Clear patterns: the keys whose trigger examples share the last token, the last two, or the
--- stretch of the text where they end, most above what examples dealt at random share; the clearest
--- of every layer in turn.
---@param options {count: integer?, top: integer?, permutations: integer?,
---  generator: mlp.Generator?}? count: how many keys (10); top: trigger examples of each (25);
---  permutations: how often examples are dealt (1,000)
---@return mlp.probe.Patterns
function Reading:patterns(options) return Patterns.new(self, options) end

--- Predictive values (2021, section 4): those of all layers that single out a token most.
---@param options {top: integer?}? top: how many (100)
---@return mlp.probe.PredictiveValues
function Reading:predictive_values(options) return predictive.of(self, options) end

--- What the paper found, each direction found here or not; more of them with the measurements that
--- are given.
---@param options {ablation: mlp.probe.Ablation?, patterns: mlp.probe.Patterns?}?
---@return mlp.probe.Directions
function Reading:directions(options)
  return Directions.new(self, errors.options("reading:directions", options,
    { ablation = errors.NONE, patterns = errors.NONE }))
end

-- ---- showing ------------------------------------------------------------------------------------

local HEADINGS <const> = { "layer", "agreement", "shuffled", "low", "high", "unigram", "rank",
  "precision", "active", "zero-agreement", "settled", "residual", "ffn", "both",
  "composition" }

--- A row of numbers for each layer, under HEADINGS.
local function rows(self)
  local list <const> = {}
  for i, layer in ipairs(self) do
    local a <const>, b <const> = layer.agreement or {}, layer.behaviour or {}
    list[i] = { label(layer.memory), a.rate, a.mean, a.low, a.high, a.unigram, a.rank, a.precision,
      layer.active, layer.zero_agreement, layer.settled, b.residual, b.ffn, b.agreement,
      b.composition }
  end
  return list
end

--- The numbers of every layer as rows under headings.
---@return string[] headings
---@return any[][] rows
function Reading:table() return HEADINGS, rows(self) end

--- What was read, in a line.
---@return string
function Reading:caption()
  return ("%d texts, %d prefixes, %d of them sampled; values read %s"):format(self.texts,
    self.positions, self.samples,
    self.projection == "gain" and "with the last norm's gain" or "raw")
end

function Reading:__tostring() return columns(HEADINGS, rows(self)) .. "\n" .. self:caption() end

--- Agreement of the layers beside what shuffled values and the most frequent token give, and below
--- it what the layers do.
---@return mlp.plot.Figure
function Reading:figure()
  local plot <const>, names <const> = require "mlp.plot", {}
  local y <const> = { rate = {}, high = {}, unigram = {} }
  local cases <const> = { x_label = "layer", y_label = "share of positions",
    title = "What layers do" }
  for i, layer in ipairs(self) do
    names[i] = label(layer.memory)
    local found <const> = layer.agreement or {}
    for field, list in pairs(y) do list[i] = found[field] or 0 end
  end
  local panels <const> = { columns = 1, plot.bars { { y = y.rate, name = "agreement" },
    { y = y.high, name = "shuffled, upper end of 95 %" },
    { y = y.unigram, name = "most frequent token" }, names = names,
    x_label = "layer", y_label = "share of keys",
    title = "Values that name what follows their key's first trigger" } }
  if self.samples > 0 then
    for k, case in ipairs(CASES) do
      local shares <const> = {}
      for i, layer in ipairs(self) do
        shares[i] = layer.behaviour and layer.behaviour[case] or 0
      end
      cases[k] = { y = shares, name = case == "agreement" and "both" or case }
    end
    cases.names = names
    panels[2] = plot.bars(cases)
  end
  return plot.grid(panels)
end

--- The reading as one page that stands by itself, with figures, and as text.
---
---     reading:report {path = "out/memories.html", ablation = reading:ablation()}
---@param options {title: string?, path: string?, text: string?, ablation: mlp.probe.Ablation?,
---  patterns: mlp.probe.Patterns?}? title: default "Feed-forward networks as memories"; path: where
---  the page is written; text: where the text is; default: nowhere
---@return mlp.report? page nil when a file could not be written
---@return string text or, without a page, a message
function Reading:report(options) return page.reading(self, options) end

return reading
