--- Agreement (Geva et al. 2021, section 4): whether the token that a value puts first is the one
--- that followed the prefix its key fits best. Beside it stands what chance gives: the values dealt
--- out anew among the keys, many times over; and always saying the most frequent token.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local lists <const> = require "mlp.probe.kv.lists"

local OUTSIDE <const> = 0.025 -- on either side of the band of 95 %

---@class mlp.probe.Agreement
---@field rate number share of keys whose value puts the right token first
---@field positive number? of a signed memory: of the largest coefficients alone
---@field negative number? of a signed memory: of the most negative coefficients alone
---@field mean number of the rate with values shuffled among the keys
---@field low number the band that holds 95 % of them
---@field high number
---@field unigram number rate of always saying the most frequent following token
---@field rank number median rank of the right token in the value's scores, from 1
---@field precision number share of all triggers kept whose following token the value puts first
---@field keys integer lists of triggers

local function share(mask) return mask:to("float64"):mean():item() end

--- Rates with the values dealt out anew: values stay whole, so both signs move together.
local function shuffled(memory, first, right, times, generator)
  local rates <const>, H <const> = {}, memory.units
  for i = 1, times do
    local order = core.randperm(H, { generator = generator })
    if memory.signed then order = core.cat({ order, order + H }, 1) end
    rates[i] = share(first:index_select(1, order):eq(right))
  end
  table.sort(rates)
  return rates
end

local function band(rates)
  local n <const>, total = #rates, 0
  for _, rate in ipairs(rates) do total = total + rate end
  local cut <const> = math.floor(OUTSIDE * n)
  return total / n, rates[1 + cut], rates[n - cut]
end

local function median_rank(scores, right)
  local own <const> = scores:gather(2, right:reshape(-1, 1))
  local ranks <const> = (scores:gt(own):to("float32"):sum(2) + 1):sort():totable()
  local n <const> = #ranks
  return (ranks[(n + 1) // 2] + ranks[n // 2 + 1]) / 2
end

--- Triggers that are not there, of keys with fewer texts than t, are 0 and do not count.
local function precision_of(following, first)
  local kept <const> = following:gt(0):count_nonzero():item()
  return following:eq(first:reshape(-1, 1)):count_nonzero():item() / kept
end

--- See Triggers:agreement; the memory has an unembedding.
local function agreement(triggers, options)
  local o <const> = errors.options("agreement", options,
    { permutations = 1000, generator = errors.NONE })
  if math.type(o.permutations) ~= "integer" or o.permutations < 1 then
    errors.wanted("agreement", "permutations", o.permutations, "a whole number from 1")
  end
  if triggers.positions == 0 then
    errors.raise "agreement: no text was added to the triggers yet"
  end
  local memory <const>, H <const> = triggers.memory, triggers.memory.units
  local _ <close> = core.no_grad_scope()
  local scores <const>, right <const> = lists.scores(memory), triggers.following:select(2, 1)
  local first <const> = scores:argmax(2)
  local hit <const> = first:eq(right)
  local result <const> = { rate = share(hit), rank = median_rank(scores, right),
    precision = precision_of(triggers.following, first), keys = right:numel() }
  result.mean, result.low, result.high =
    band(shuffled(memory, first, right, o.permutations, o.generator))
  result.unigram = share(right:eq(triggers.counts:argmax():item()))
  if memory.signed then
    result.positive, result.negative = share(hit:slice(1, 1, H)), share(hit:slice(1, H + 1))
  end
  return result
end

return agreement
