--- Pairs of residues and their sums: the data of modular addition, its splits, and what the split
--- means for a network that cannot tell (x, y) from (y, x).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modulus <const> = require "mlp.fourier.modulus"

local INT <const> = { dtype = "int64" }

---@class mlp.fourier.Pairs
---@field p integer the modulus
---@field x mlp.Tensor int64 (N) residues 0 to p - 1
---@field y mlp.Tensor int64 (N)
---@field class mlp.Tensor int64 (N) (x + y) mod p, plus 1
local Pairs = { __name = "mlp.fourier.Pairs" }
Pairs.__index = Pairs

local function of(p, x, y)
  return setmetatable({ p = p, x = x, y = y, class = (x + y):remainder(p) + 1 }, Pairs)
end

--- All p^2 pairs of residues, x slow, y fast.
---@param p integer the modulus, from 3
---@return mlp.fourier.Pairs
local function pairs(p)
  modulus.want("fourier.pairs", p)
  local all <const> = core.arange(0, p * p - 1, 1, INT)
  return of(p, all:floor_divide(p), all:remainder(p))
end

function Pairs:__len() return #self.x end

--- Those at these positions.
---@param positions mlp.Tensor int64, from 1
---@return mlp.fourier.Pairs
function Pairs:select(positions)
  return of(self.p, self.x:index_select(1, positions), self.y:index_select(1, positions))
end

--- What a network reads: a row per pair with 1 at x and at y, 2 where they are one.
---@param dtype mlp.Dtype? default "float32"
---@return mlp.Tensor (N, p)
function Pairs:inputs(dtype)
  return (self.x + 1):one_hot(self.p):to(dtype or "float32")
    + (self.y + 1):one_hot(self.p):to(dtype or "float32")
end

--- Two parts at random: floor(share N) pairs and the rest.
---@param share number between 0 and 1
---@param options {seed: integer?}? default: the stream of the state
---@return mlp.fourier.Pairs train
---@return mlp.fourier.Pairs test
function Pairs:split(share, options)
  local call <const> = "Pairs:split"
  local o <const> = errors.options(call, options, { seed = errors.NONE })
  local count <const> = type(share) == "number" and share * #self // 1 | 0 or 0
  if count < 1 or count >= #self then
    errors.wanted(call, "share", share, "a number between 0 and 1 that leaves pairs on both sides")
  end
  local order <const> = core.randperm(#self, { generator = o.seed and core.generator(o.seed) })
  return self:select(order:slice(1, 1, count)), self:select(order:slice(1, count + 1, #self))
end

--- Each unordered pair once, and how often it was there: a network that reads one-hot sums answers
--- (x, y) and (y, x) alike, so the mean over these rows with these weights is the mean over all
--- pairs, at half the work.
---@return mlp.fourier.Pairs distinct
---@return mlp.Tensor weight float64 (distinct), the counts over their sum
function Pairs:distinct()
  local key <const> = self.x:minimum(self.y) * self.p + self.x:maximum(self.y)
  local count <const>, order <const> = {}, {}
  for _, k in ipairs(key:totable()) do
    if not count[k] then order[#order + 1] = k end
    count[k] = (count[k] or 0) + 1
  end
  local weight <const> = {}
  for i, k in ipairs(order) do weight[i] = count[k] / #self end
  local keys <const> = core.tensor(order, INT)
  return of(self.p, keys:floor_divide(self.p), keys:remainder(self.p)),
    core.tensor(weight, { dtype = "float64" })
end

--- Of each pair: is its swap (y, x) among others?
---@param others mlp.fourier.Pairs
---@return mlp.Tensor mask uint8 (N)
function Pairs:swapped_in(others)
  local there <const> = core.zeros(self.p * self.p, INT)
  there:index_copy_(1, others.x * others.p + others.y + 1, core.ones(#others, INT))
  return there:index_select(1, self.y * self.p + self.x + 1):gt(0)
end

return pairs
