--- What Geva et al. 2021 found of their model (16 layers, WikiText-103), held against a reading of
--- another: each direction with the paper's figure, ours, and whether it is found here. "Upper" are
--- the last 3/8 of the blocks, as their layers 11 to 16 are.

local columns <const> = require "mlp.columns"

---@class mlp.probe.Direction
---@field claim string
---@field paper string
---@field here string
---@field found boolean

--- A list; tostring is a table.
---@class mlp.probe.Directions
---@field [integer] mlp.probe.Direction
local Directions = { __name = "mlp.probe.Directions" }
Directions.__index = Directions

local HEADINGS <const> = { "direction", "Geva et al. 2021", "here", "" }

local FAR <const> = 10 -- times chance
local SETTLED <const>, ZERO <const> = 1 / 3, 0.68
local ACTIVE_LOW <const>, ACTIVE_HIGH <const> = 0.1, 0.5

local function percent(x) return ("%.3g %%"):format(100 * x) end

--- Mean of a number of each layer over lower and over upper blocks; layers without it do not count.
local function halves(layers, split, value)
  local sum <const>, n <const> = { 0, 0 }, { 0, 0 }
  for i, layer in ipairs(layers) do
    local x <const>, half <const> = value(layer, i), split(layer, i) and 2 or 1
    if x then sum[half], n[half] = sum[half] + x, n[half] + 1 end
  end
  return sum[1] / n[1], sum[2] / n[2]
end

local function range(layers, value)
  local low, high = math.huge, -math.huge
  for _, layer in ipairs(layers) do
    local x <const> = value(layer)
    if x then low, high = math.min(low, x), math.max(high, x) end
  end
  return low, high
end

--- What the reading itself says; `first` is the first upper block.
local function of_reading(add, reading, is_upper, first)
  local function agreement(field)
    return halves(reading, is_upper, function(layer)
      return layer.agreement and layer.agreement[field]
    end)
  end
  local lower <const>, upper <const> = agreement "rate"
  local _, band <const> = agreement "high"
  local chance <const> = 1 / reading.model.embedding.weight:size(1)
  add("agreement rises in upper layers", "0 in layers 1-10, to 3.5 % in 11-16",
    ("%s, then %s"):format(percent(lower), percent(upper)), upper > lower and upper > band)
  add("agreement of upper layers is far above chance", "3.5 % beside 0.0004 %",
    ("%s beside %s"):format(percent(upper), percent(chance)), upper >= FAR * chance)
  local low <const>, high <const> = range(reading, function(layer) return layer.active end)
  add("10 to 50 % of the memories are active", "10-50 %",
    ("%s to %s"):format(percent(low), percent(high)), low >= ACTIVE_LOW and high <= ACTIVE_HIGH)
  if reading.samples == 0 then return end
  local zero <const> = range(reading, function(layer) return layer.zero_agreement end)
  add("mostly no single value puts first what their sum does", "68 % or more",
    percent(zero) .. " or more", zero >= ZERO)
  local settled <const> = range(reading, function(layer)
    return layer.memory.block == first and layer.settled or nil
  end)
  add("a third of the predictions is settled in lower layers", "about a third", percent(settled),
    settled >= SETTLED)
end

local function of_values(add, reading, values, first)
  local L <const>, upper, agree = #reading.model.blocks, 0, 0
  for _, value in ipairs(values) do
    upper = upper + (value.memory.block >= first and 1 or 0)
    agree = agree + (value.any and 1 or 0)
  end
  local n <const> = #values
  add(("most of the %d most predictive values lie in upper layers"):format(n), "97 of 100",
    ("%d of %d"):format(upper, n), upper / n > (L - first + 1) / L)
  add("predictive values agree with a trigger more often than others", "46 of 100",
    ("%d of %d; of all %s"):format(agree, n, percent(values.any)), agree / n > values.any)
end

local function of_ablation(add, ablation, is_upper)
  local least, first = math.huge, 0
  for _, layer in ipairs(ablation) do
    if layer.triggers > 0 then
      least, first = math.min(least, math.abs(layer.last)), math.max(first, math.abs(layer.first))
    end
  end
  add("coefficients hang on the last token more than on the first", "-10 to -70 % without the last",
    ("last %s or more, first %s or less"):format(percent(least), percent(first)), least > first)
  local lower <const>, upper <const> = halves(ablation, is_upper, function(layer)
    return layer.triggers > 0 and -layer.last or nil
  end)
  add("they hang on it less in upper layers", "less",
    ("-%s, then -%s"):format(percent(lower), percent(upper)), upper < lower)
end

local function of_patterns(add, patterns, is_upper)
  local lower <const>, upper <const> = halves(patterns.layers, is_upper, function(layer)
    return layer.share["last bigram"]
  end)
  add("shallow patterns (the same last words) belong to lower layers", "layers 1-9",
    ("%s of a key's triggers, then %s"):format(percent(lower), percent(upper)), lower > upper)
end

--- See KVReading:directions.
---@param reading mlp.probe.KVReading
---@param o {ablation: mlp.probe.Ablation?, patterns: mlp.probe.Patterns?,
---  values: mlp.probe.PredictiveValues?} what is known already
---@return mlp.probe.Directions
function Directions.new(reading, o)
  local list <const>, L <const> = setmetatable({}, Directions), #reading.model.blocks
  local first <const> = L - (3 * L + 7) // 8 + 1
  local function is_upper(_, i) return reading[i].memory.block >= first end
  local function add(claim, paper, here, found)
    list[#list + 1] = { claim = claim, paper = paper, here = here, found = found }
  end
  of_reading(add, reading, is_upper, first)
  of_values(add, reading, o.values or reading:predictive_values(), first)
  if o.ablation then of_ablation(add, o.ablation, is_upper) end
  if o.patterns then of_patterns(add, o.patterns, is_upper) end
  return list
end

--- As rows under headings.
---@return string[] headings
---@return string[][] rows
function Directions:table()
  local rows <const> = {}
  for i, one in ipairs(self) do
    rows[i] = { one.claim, one.paper, one.here, one.found and "found" or "not found" }
  end
  return HEADINGS, rows
end

function Directions:__tostring() return columns(self:table()) end

return Directions
