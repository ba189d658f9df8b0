--- Patterns of keys, mined by a rule where Geva et al. 2021 (section 3.2) asked people: how many of
--- a key's trigger examples share the last token, the last two tokens, or the stretch of the text
--- where they end. Beside each share stands what as many examples dealt at random from those of all
--- the layer's keys share; a pattern is clear where its share stands far above that.

local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local lists_of <const> = require "mlp.probe.kv.lists"

local CALL <const> = "reading:patterns"
local STRETCH <const> = 16 -- positions that count as one

---@alias mlp.probe.PatternKind "last token"|"last bigram"|"position"

--- What a trigger example has of each kind, as a number; bigrams of a first token are none.
---@type table<mlp.probe.PatternKind, fun(text: integer[], position: integer, V: integer): integer>
local FEATURES <const> = {
  ["last token"] = function(text, position) return text[position] end,
  ["last bigram"] = function(text, position, V)
    return position > 1 and text[position - 1] * V + text[position] or 0
  end,
  position = function(_, position) return (position - 1) // STRETCH + 1 end,
}
local KINDS <const> = { "last token", "last bigram", "position" }

---@class mlp.probe.Pattern
---@field memory mlp.probe.KV
---@field label string of the layer
---@field unit integer
---@field sign integer -1 for the triggers of the most negative coefficients
---@field kind mlp.probe.PatternKind
---@field share number of the key's triggers that have the commonest feature
---@field chance number mean share of triggers dealt at random
---@field z number (share - chance) / standard deviation of such shares
---@field p number how often such a share is as large: (1 + times) / (1 + permutations)
---@field feature integer[] the token; the two tokens; the first and the last position
---@field triggers mlp.probe.Trigger[] the key's, of the largest coefficient first
---@field examples string[] the last tokens of each
---@field values mlp.probe.KVToken[] what the value promotes

--- tostring is a table of the clearest.
---@class mlp.probe.Patterns
---@field clearest mlp.probe.Pattern[] the clearest key of every layer, the second of each, ...
---@field layers {label: string, share: table<string, number>, clear: table<string, number>}[] of
---  each kind: mean share, and share of keys whose p is at most 0.01
local Patterns = { __name = "mlp.probe.Patterns" }
Patterns.__index = Patterns

local CLEAR <const> = 0.01
local TAIL <const>, PROMOTED <const> = 6, 5 -- tokens that are shown of an example, and of a value

-- ---- one layer ----------------------------------------------------------------------------------

--- Features of the t first triggers of every list: a tensor (R, t) for each kind. Triggers that are
--- not there are numbers of their own, so they share nothing.
local function features_of(layer, lists, t, V)
  local triggers <const> = layer.triggers
  local text <const>, position <const> = triggers.text:slice(2, 1, t):totable(),
    triggers.position:slice(2, 1, t):totable()
  local out <const>, missing = {}, 0
  for _, kind in ipairs(KINDS) do
    local feature <const>, rows <const> = FEATURES[kind], {}
    for r, row in ipairs(text) do
      rows[r] = {}
      for k, number in ipairs(row) do
        if number > 0 then
          rows[r][k] = feature(lists[number], position[r][k], V)
        else
          missing = missing - 1
          rows[r][k] = missing
        end
      end
    end
    out[kind] = core.tensor(rows, { dtype = "int64" })
  end
  return out
end

--- How many of each row share its commonest number (n), and that number (n): of (n, t).
local function commonest(rows)
  local alike <const> = rows:unsqueeze(3):eq(rows:unsqueeze(2)):to("float32"):sum(3)
  local most <const>, at <const> = alike:max(2)
  return most, rows:gather(2, at:unsqueeze(2)):squeeze(2)
end

--- Shares of t triggers dealt at random from all of the layer's: (permutations).
local function dealt(rows, permutations, generator)
  local flat <const>, t <const> = rows:reshape(-1), rows:size(2)
  local order <const> = {}
  for i = 1, permutations do
    order[i] = core.randperm(flat:numel(), { generator = generator }):slice(1, 1, t)
  end
  local most <const> = commonest(flat:index_select(1, core.cat(order, 1)):reshape(-1, t))
  return most / t
end

--- The pattern of a kind in every list: tables of share, z, p, and the commonest feature.
local function mine(rows, o)
  local t <const> = rows:size(2)
  local most <const>, feature <const> = commonest(rows)
  local share <const>, chance <const> = most / t, dealt(rows, o.permutations, o.generator)
  local as_large <const> = chance:reshape(1, -1):ge(share:reshape(-1, 1)):to("float32"):sum(2)
  local mean <const>, spread <const> = chance:mean(), chance:std() + 1e-6
  return { share = share:totable(), z = ((share - mean) / spread):totable(), chance = mean:item(),
    p = ((as_large + 1) / (o.permutations + 1)):totable(), feature = feature:totable() }
end

-- ---- all layers ---------------------------------------------------------------------------------

local function spelled(kind, feature, V)
  if kind == "last token" then return { feature } end
  if kind == "position" then return { (feature - 1) * STRETCH + 1, feature * STRETCH } end
  return { feature // V - (feature % V == 0 and 1 or 0), (feature - 1) % V + 1 }
end

--- The clearest pattern of one list.
local function best_of(mined, r)
  local best
  for _, kind in ipairs(KINDS) do
    if not best or mined[kind].z[r] > mined[best].z[r] then best = kind end
  end
  return best
end

local function summary(mined, label)
  local one <const> = { label = label, share = {}, clear = {} }
  for kind, found in pairs(mined) do
    local share, clear = 0, 0
    for r, value in ipairs(found.share) do
      share, clear = share + value, clear + (found.p[r] <= CLEAR and 1 or 0)
    end
    one.share[kind], one.clear[kind] = share / #found.share, clear / #found.share
  end
  return one
end

--- The clearest pattern of every list of a layer.
local function patterns_of(layer, label, mined, V)
  local H <const>, list <const> = layer.memory.units, {}
  for r = 1, #mined.position.z do
    local kind <const> = best_of(mined, r)
    local found <const>, unit <const>, sign <const> = mined[kind], lists_of.unit(r, H)
    list[#list + 1] = { memory = layer.memory, label = label, unit = unit, sign = sign,
      kind = kind, share = found.share[r], chance = found.chance, z = found.z[r], p = found.p[r],
      feature = spelled(kind, found.feature[r], V), layer = layer }
  end
  return list
end

--- The clearest first; places break ties, so the order is the same in every run.
local function sort(list)
  for i, pattern in ipairs(list) do pattern.place = i end
  table.sort(list, function(a, b)
    if a.z ~= b.z then return a.z > b.z end
    return a.place < b.place
  end)
end

--- The first of every layer, then the second of every layer, until there are `count`.
local function in_turn(layers, count)
  local chosen <const> = {}
  for _, list in ipairs(layers) do sort(list) end
  for rank = 1, count do
    for _, list in ipairs(layers) do
      if #chosen < count then chosen[#chosen + 1] = list[rank] end
    end
  end
  return chosen
end

local function options_of(options)
  local o <const> = errors.options(CALL, options,
    { count = 10, top = 25, permutations = 1000, generator = errors.NONE })
  for _, name in ipairs { "count", "top", "permutations" } do
    if math.type(o[name]) ~= "integer" or o[name] < 1 then
      errors.wanted(CALL, name, o[name], "a whole number from 1")
    end
  end
  return o
end

local function words(names, tokens)
  local list <const> = {}
  for i, token in ipairs(tokens) do list[i] = names and names[token] or tostring(token) end
  return table.concat(list, names and "" or " ")
end

--- The end of the prefix of a trigger.
local function tail_of(text, position, names)
  local first <const> = math.max(1, position - TAIL + 1)
  return (first > 1 and "..." or "") .. words(names, table.move(text, first, position, 1, {}))
end

--- With the triggers and the tokens of the value.
local function completed(pattern, lists)
  local memory <const> = pattern.memory
  pattern.triggers = pattern.layer.triggers:of(pattern.unit, { sign = pattern.sign })
  pattern.examples = {}
  for i, trigger in ipairs(pattern.triggers) do
    pattern.examples[i] = tail_of(lists[trigger.text], trigger.position, memory.names)
  end
  pattern.values = memory:value_tokens(pattern.unit, { top = PROMOTED, sign = pattern.sign })
  pattern.layer, pattern.place = nil, nil
  return pattern
end

--- See KVReading:patterns.
---@param reading mlp.probe.KVReading
---@param options table?
---@return mlp.probe.Patterns
function Patterns.new(reading, options)
  local o <const>, list <const> = options_of(options), {}
  local result <const> = setmetatable({ clearest = {}, layers = {} }, Patterns)
  local V <const> = reading.model.embedding.weight:size(1)
  for _, layer in ipairs(reading) do
    if layer.triggers.positions > 0 then
      local label <const>, mined <const> = reading.label(layer.memory), {}
      local t <const> = math.min(o.top, layer.triggers.score:size(2))
      local features <const> = features_of(layer, reading.lists, t, V)
      for _, kind in ipairs(KINDS) do mined[kind] = mine(features[kind], o) end
      table.insert(result.layers, summary(mined, label))
      table.insert(list, patterns_of(layer, label, mined, V))
    end
  end
  for i, pattern in ipairs(in_turn(list, o.count)) do
    result.clearest[i] = completed(pattern, reading.lists)
  end
  return result
end

-- ---- showing ------------------------------------------------------------------------------------

local function shared(pattern)
  if pattern.kind == "position" then
    return ("%d to %d"):format(pattern.feature[1], pattern.feature[2])
  end
  return words(pattern.memory.names, pattern.feature)
end

local HEADINGS <const> = { "layer", "unit", "what is shared", "", "share", "by chance", "p",
  "three triggers", "promoted" }

--- The clearest as rows under headings.
---@return string[] headings
---@return any[][] rows
function Patterns:table()
  local rows <const> = {}
  for i, one in ipairs(self.clearest) do
    local promoted <const> = {}
    for k, word in ipairs(one.values) do promoted[k] = word.name end
    rows[i] = { one.label, ("%s%d"):format(one.sign < 0 and "-" or "+", one.unit), one.kind,
      shared(one), one.share, one.chance, one.p,
      table.concat(one.examples, " | ", 1, math.min(3, #one.examples)),
      table.concat(promoted, ", ") }
  end
  return HEADINGS, rows
end

function Patterns:__tostring()
  local headings <const>, rows <const> = self:table()
  for _, row in ipairs(rows) do
    for c, value in ipairs(row) do
      if type(value) == "string" then row[c] = value:gsub("%c", " ") end
    end
  end
  return columns(headings, rows)
end

return Patterns
