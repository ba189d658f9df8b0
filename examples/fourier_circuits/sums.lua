-- All sums of k numbers modulo p, a split of them, and how many of them a network gets right.
local mlp <const> = require "mlp"

local sums = {}

local INT <const> = { dtype = "int64" }

--- All p^k inputs (p^k, k), the number a as the token a + 1, and the classes of their sums (p^k).
---@param k integer
---@param p integer
---@return mlp.Tensor tokens int64
---@return mlp.Tensor classes int64
function sums.all(k, p)
  local axes <const>, numbers <const> = {}, {}
  for j = 1, k do axes[j] = mlp.arange(0, p - 1, INT) end
  for j, grid in ipairs(mlp.meshgrid(axes)) do numbers[j] = grid:reshape(-1) end
  local stacked <const> = mlp.stack(numbers, 2)
  return stacked + 1, stacked:sum(2):remainder(p) + 1
end

---@class Split
---@field train mlp.Tensor int64: positions among all sums
---@field held mlp.Tensor|nil int64: those that are never trained on

--- A share of the sums at random, and the others.
---@return Split
function sums.split(count, share, generator)
  local order <const> = mlp.randperm(count, { generator = generator })
  local cut <const> = math.ceil(count * share)
  return { train = order:slice(1, 1, cut),
    held = cut < count and order:slice(1, cut + 1, count) or nil }
end

--- Positions for one step, drawn with replacement.
function sums.batch(rows, size, generator)
  return rows:index_select(1,
    mlp.randint(1, #rows, { math.min(size, #rows) }, { generator = generator }))
end

local CHUNK <const> = 2048 -- rows at once, so that hidden layers stay small

--- Calls `see(tokens, classes)` with some rows at a time, without history.
function sums.each(tokens, classes, rows, see)
  local _ <close> = mlp.no_grad()
  for first = 1, #rows, CHUNK do
    local part <const> = rows:slice(1, first, math.min(first + CHUNK - 1, #rows))
    see(tokens:index_select(1, part), classes:index_select(1, part))
  end
end

--- The share of these rows that a network answers right; of many only the first `most`.
function sums.accuracy(model, tokens, classes, rows, most)
  if most and #rows > most then rows = rows:slice(1, 1, most) end
  local right = 0
  sums.each(tokens, classes, rows, function(x, y)
    right = right + model(x):argmax(2):eq(y):to("int64"):sum():item()
  end)
  return right / #rows
end

return sums
