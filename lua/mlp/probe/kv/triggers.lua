--- Trigger examples (Geva et al. 2021, section 3.1): the t prefixes on which a key's coefficient is
--- largest, of every text the best alone. Texts stream through; what stays is (keys, t) numbers.
--- A signed memory has two lists a unit: rows 1 to H hold the largest m, rows H + 1 to 2 H the
--- largest -m.

local agreement <const> = require "mlp.probe.kv.agreement"
local best <const> = require "mlp.probe.kv.pass".best
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.probe.Triggers
---@field memory mlp.probe.KV
---@field units integer H, when the triggers were begun
---@field top integer t, the most that are kept of each key
---@field texts integer how many have streamed through
---@field positions integer how many prefixes
---@field score mlp.Tensor? (R, t) the coefficients, the largest first; R = H, or 2 H when signed
---@field text mlp.Tensor? (R, t) int64, which text, from 1
---@field position mlp.Tensor? (R, t) int64, the last position of the prefix in it, from 1
---@field following mlp.Tensor? (R, t) int64, the token after the prefix
---@field counts mlp.Tensor? (V) how often each token followed a prefix
local Triggers = { __name = "mlp.probe.Triggers" }
Triggers.__index = Triggers

local FIELDS <const> = { "score", "text", "position", "following" }

--- See KV:triggers.
local function new(memory, options)
  local o <const> = errors.options("triggers", options, { top = 25 })
  if math.type(o.top) ~= "integer" or o.top < 1 then
    errors.wanted("triggers", "top", o.top, "a whole number from 1")
  end
  return setmetatable({ memory = memory, units = memory.units, top = o.top, texts = 0,
    positions = 0, active = 0 }, Triggers)
end

--- 1 where a text has a prefix with a token after it, else 0: (B, T).
local function mask_of(lengths, B, T)
  if not lengths then return core.ones({ B, T }, { dtype = "uint8" }) end
  return core.arange(1, T):reshape(1, T):to("int64")
    :le(core.tensor(lengths, { dtype = "int64" }):reshape(B, 1))
end

--- Keeps the t best of what was there and of the candidates.
local function keep(self, found)
  if self.score then
    for _, field in ipairs(FIELDS) do
      found[field] = core.cat({ self[field], found[field] }, 2)
    end
  end
  local _, order <const> = found.score:topk(math.min(self.top, found.score:size(2)), 2)
  for _, field in ipairs(FIELDS) do self[field] = found[field]:gather(2, order) end
end

local function count(self, following, mask)
  local V <const> = self.memory.unembedding and self.memory.unembedding:size(1)
  if not V then return end
  self.counts = (self.counts or core.zeros { V }):scatter_add(1, following:reshape(-1),
    mask:reshape(-1):to "float32")
end

--- Takes the best positions of B texts, already found.
---@param score mlp.Tensor (B, R); -inf where a text has no position that counts
---@param position mlp.Tensor (B, R) int64
---@param active integer how many coefficients were above 0
---@param batch {following: mlp.Tensor, mask: mlp.Tensor, numbers: integer[]} (B, T) each; which
---  texts they are
---@return mlp.probe.Triggers self
function Triggers:take(score, position, active, batch)
  local B <const>, R <const> = score:size(1), score:size(2)
  if score:ne(score):any():item() ~= 0 then
    errors.raise "triggers: coefficients are not numbers (NaN)"
  end
  local none <const> = score:eq(-math.huge)
  local number <const> = core.tensor(batch.numbers, { dtype = "int64" }):reshape(B, 1)
  keep(self, { score = score:t(), position = position:masked_fill(none, 0):t(),
    following = batch.following:gather(2, position):masked_fill(none, 0):t(),
    text = number:expand(B, R):masked_fill(none, 0):t() })
  count(self, batch.following, batch.mask)
  self.active = self.active + active
  self.texts = self.texts + B
  self.positions = self.positions + batch.mask:count_nonzero():item()
  return self
end

local function check(self, m, following)
  if not core.is_tensor(m) or m.ndim ~= 3 or m:size(3) ~= self.units then
    errors.wanted("triggers:add", "m", m, ("a tensor (texts, T, %d)"):format(self.units))
  end
  if not core.is_tensor(following) or following.ndim ~= 2 or following:size(1) ~= m:size(1)
    or following:size(2) ~= m:size(2) then
    errors.wanted("triggers:add", "following", following,
      ("a tensor (%d, %d)"):format(m:size(1), m:size(2)))
  end
end

--- Takes more texts.
---@param m mlp.Tensor (B, T, H) coefficients at every position of B texts
---@param following mlp.Tensor (B, T) int64, the token after every position
---@param lengths integer[]? how many positions of each text count, at least 1; default T
---@return mlp.probe.Triggers self
function Triggers:add(m, following, lengths)
  check(self, m, following)
  local _ <close> = core.no_grad_scope()
  local B <const>, T <const> = m:size(1), m:size(2)
  local mask <const>, numbers <const> = mask_of(lengths, B, T), {}
  for i = 1, B do numbers[i] = self.texts + i end
  local absent <const> = mask:logical_not():reshape(B, T, 1)
  local score <const>, position <const> = best(m, absent, self.memory.signed)
  return self:take(score, position, m:masked_fill(absent, 0):gt(0):count_nonzero():item(),
    { following = following, mask = mask, numbers = numbers })
end

--- Active share: how many coefficients were above 0.
---@return number share from 0 to 1
function Triggers:active_share()
  if self.positions == 0 then errors.raise "active_share: no text was added yet" end
  return self.active / (self.positions * self.units)
end

---@class mlp.probe.Trigger
---@field coefficient number
---@field text integer which text, from 1
---@field position integer the last position of the prefix
---@field following integer the token after it

--- The triggers of one unit, the largest coefficient first.
---@param unit integer
---@param options {sign: integer?}? sign: -1 for those of the most negative coefficients, of a
---  signed memory; default 1
---@return mlp.probe.Trigger[]
function Triggers:of(unit, options)
  self.memory:check_unit("triggers:of", unit)
  local o <const> = errors.options("triggers:of", options, { sign = 1 })
  if o.sign ~= 1 and not (o.sign == -1 and self.memory.signed) then
    errors.wanted("triggers:of", "sign", o.sign,
      self.memory.signed and "1 or -1" or "1: coefficients have no sign")
  end
  if not self.score then return {} end
  local row <const>, columns <const> = o.sign == 1 and unit or self.units + unit, {}
  for _, field in ipairs(FIELDS) do columns[field] = self[field]:select(1, row):totable() end
  local list <const> = {}
  for i, score in ipairs(columns.score) do
    if score == -math.huge then break end -- fewer texts had a position for this memory
    list[i] = { coefficient = o.sign * score, text = columns.text[i],
      position = columns.position[i], following = columns.following[i] }
  end
  return list
end

--- Agreement of the memory's values with the first triggers of their keys, beside chance.
---@param options {permutations: integer?, generator: mlp.Generator?}? permutations: default 1,000
---@return mlp.probe.Agreement
function Triggers:agreement(options) return agreement(self, options) end

return new
