--- One batch of texts through a language model, compiled, and what a reading of its memories wants
--- of it: for every key the best position of every text, and the values inside. Experts of a
--- mixture are asked at every position; those that their router did not send them do not count.
---
--- B texts of T positions; N memories of R lists in all and H units in all, L blocks of width D.

local core <const> = require "mlp.core"
local compiling <const> = require "mlp.compile"
local lists <const> = require "mlp.probe.kv.lists"

---@class mlp.probe.Pass
---@field memories mlp.probe.KV[]
---@field offset integer[] columns of `hidden` before those of each memory
---@field seen table<string, any> by "hidden 1", "residual 1", ...: what hooks saw last
---@field hooks mlp.nn.Hook[]
local Pass = { __name = "mlp.probe.Pass" }
Pass.__index = Pass

--- What a pass says of one memory of R lists.
---@class mlp.probe.Passed
---@field score mlp.Tensor (B, R) the largest coefficients, of signed memories also the largest -m
---@field position mlp.Tensor (B, R) int64, where
---@field active integer how many coefficients were above 0
---@field taken mlp.Tensor (B, T) uint8, the positions that count

-- ---- what counts --------------------------------------------------------------------------------

--- The best position of every text for every list: (B, H), or (B, 2 H) of both signs.
---@param m mlp.Tensor (B, T, H)
---@param absent mlp.Tensor (B, T, 1) uint8, 1 where a position does not count
---@param signed boolean
---@return mlp.Tensor score
---@return mlp.Tensor position
function Pass.best(m, absent, signed)
  local score <const>, position <const> = m:masked_fill(absent, -math.huge):max(2)
  if not signed then return score, position end
  local least <const>, at <const> = m:masked_fill(absent, math.huge):min(2)
  return core.cat({ score, -least }, 2), core.cat({ position, at }, 2)
end

--- The positions (B, T) uint8 that a router sent to an expert and that were not dropped.
local function sent_to(routing, expert, mask)
  if routing.token then -- expert choice: of all experts' rows those of this one
    local C <const> = routing.token:numel() // routing.count:numel()
    local rows <const> = routing.token:slice(1, (expert - 1) * C + 1, expert * C)
    return core.zeros(mask:numel()):scatter_add(1, rows, core.ones(C)):gt(0):reshape(mask.shape)
  end
  local kept <const> = routing.place:le(routing.count:sum())
  return routing.expert:eq(expert):logical_and(kept):any(2):reshape(mask.shape)
end

-- ---- the pass -----------------------------------------------------------------------------------

local function coefficients(self, i, mask)
  local memory <const>, seen <const> = self.memories[i], self.seen
  if not memory.expert then return seen["hidden " .. i], mask end
  memory.ffn(seen["input " .. memory.block])
  return seen["hidden " .. i],
    sent_to(seen["routing " .. memory.block], memory.expert, mask):logical_and(mask)
end

local function signals(self)
  local list <const> = {}
  for block = 1, self.blocks do
    list[2 * block - 1], list[2 * block] = self.seen["residual " .. block], self.seen["y " .. block]
  end
  return core.cat(list, 3)
end

local function run(self, tokens, mask)
  local out <const> = { score = {}, position = {}, active = {}, taken = {}, hidden = {} }
  local last <const> = self.model(tokens):argmax(3)
  for i, memory in ipairs(self.memories) do
    local m <const>, taken <const> = coefficients(self, i, mask)
    local absent <const> = taken:logical_not():unsqueeze(3)
    out.score[i], out.position[i] = Pass.best(m, absent, memory.signed)
    out.active[i] = m:masked_fill(absent, 0):gt(0):to("float32"):sum { 2, 3 }:reshape(-1, 1)
    out.taken[i], out.hidden[i] = taken:unsqueeze(3), m
  end
  local function joined(name, axis) return core.cat(out[name], axis) end
  return joined("score", 2), joined("position", 2), joined("active", 2), joined("taken", 3),
    joined("hidden", 3), signals(self), last
end

--- Runs a batch, without history.
---@param batch mlp.probe.Batch
---@return mlp.probe.Passed[] passed of each memory
---@return table inside (B T, columns) of `hidden`, `signal` and `last`, which at() reads
function Pass:__call(batch)
  local score <const>, position <const>, active <const>, taken <const>, hidden <const>,
    signal <const>, last <const> = self.run(batch.tokens, batch.mask)
  local passed <const>, at, sums <const> = {}, 0, active:sum(1):totable()
  for i, memory in ipairs(self.memories) do
    local R <const> = lists.count(memory)
    passed[i] = { score = score:slice(2, at + 1, at + R), taken = taken:select(3, i),
      position = position:slice(2, at + 1, at + R), active = math.tointeger(sums[i]) }
    at = at + R
  end
  local function flat(x) return x:reshape(-1, x:size(-1)) end
  return passed, { hidden = flat(hidden), signal = flat(signal), last = last:reshape(-1),
    taken = flat(taken) }
end

---@class mlp.probe.Inside
---@field m mlp.Tensor (n, H)
---@field r mlp.Tensor (n, D) what the block had before its network
---@field y mlp.Tensor (n, D) what the network adds
---@field last mlp.Tensor (n) int64, the token that the model puts first

--- The values inside at some rows, of each memory at those that count for it; false for none.
---@param inside table
---@param rows mlp.Tensor (n) int64, counted in B T
---@return (mlp.probe.Inside|false)[]
function Pass:at(inside, rows)
  local function pick(x) return x:index_select(1, rows) end
  local hidden <const>, signal <const>, taken <const>, last <const> = pick(inside.hidden),
    pick(inside.signal), pick(inside.taken), pick(inside.last)
  local list <const> = {}
  for i, memory in ipairs(self.memories) do
    local H <const>, D <const> = memory.units, memory.width
    local own <const>, from <const> = taken:select(2, i):nonzero():reshape(-1),
      2 * D * (memory.block - 1)
    local function part(x, first, width)
      return x:slice(2, first + 1, first + width):index_select(1, own)
    end
    list[i] = own:numel() > 0 and { m = part(hidden, self.offset[i], H), r = part(signal, from, D),
      y = part(signal, from + D, D), last = last:index_select(1, own) }
  end
  return list
end

--- Takes the hooks away.
function Pass:close()
  for _, hook in ipairs(self.hooks) do hook:close() end
end

Pass.__close = Pass.close

local function watch(self, module, path, name)
  local seen <const> = self.seen
  self.hooks[#self.hooks + 1] = module:hook(path, function(value) seen[name] = value end)
end

local function watch_block(self, i, block)
  local seen <const> = self.seen
  watch(self, block, "residual", "residual " .. i)
  self.hooks[#self.hooks + 1] = block:hook("ffn", function(y, _, x)
    seen["y " .. i], seen["input " .. i] = y, x
  end)
  if block.ffn.router then watch(self, block, "ffn.router", "routing " .. i) end
end

--- A pass, until it is closed: `local pass <close> = Pass.new(model, memories)`.
---@param model mlp.nn.Transformer in evaluation mode
---@param memories mlp.probe.KV[] its own, see mlp.probe.kv.of
---@return mlp.probe.Pass
function Pass.new(model, memories)
  local self <const> = setmetatable({ model = model, memories = memories, blocks = #model.blocks,
    offset = { 0 }, seen = {}, hooks = {} }, Pass)
  for i, block in ipairs(model.blocks) do watch_block(self, i, block) end
  for i, memory in ipairs(memories) do
    watch(self, memory.ffn, "hidden", "hidden " .. i)
    self.offset[i + 1] = self.offset[i] + memory.units
  end
  self.run = compiling.compile(function(tokens, mask) return run(self, tokens, mask) end,
    { batch = { 1, 2 }, tolerant = true })
  return self
end

return Pass
