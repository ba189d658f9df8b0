--- Folds for cross-validation: every row is held out in exactly one of them (Stone 1974).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local split <const> = require "mlp.data.split"
local subset <const> = require "mlp.data.subset"
local tensors <const> = require "mlp.data.tensors"

local CALL <const> = "data.folds"

---@class mlp.data.Fold
---@field train mlp.data.Set the rows of all other folds
---@field test mlp.data.Set the rows that are held out

--- Positions 1 to n in k parts, dealt out as mlp.data.split does.
local function parts_of(n, k, options)
  local share <const> = {}
  for i = 1, k do share[i] = 1 / k end
  local parts <const> = { split(tensors(core.arange(1, n, { dtype = "int64" })), share, options) }
  for i, part in ipairs(parts) do parts[i] = part.tensors[1] end
  return parts
end

--- Deals the rows of a set out to k folds:
---
---     for _, fold in ipairs(mlp.data.folds(data, 5, {stratify = labels})) do
---       trainer:fit(fold.train, {epochs = 10})
---       print(trainer:evaluate(fold.test).loss)
---     end
---@param set mlp.data.Set
---@param k integer from 2 to the number of rows
---@param options mlp.data.SplitOptions? of the draw: shuffle (true), seed, generator, stratify
---@return mlp.data.Fold[]
local function folds(set, k, options)
  if type(set) ~= "table" or type(set.rows) ~= "function" then
    errors.wanted(CALL, "the first argument", set, "a data set, such as mlp.data.tensors(x, y),")
  end
  if math.type(k) ~= "integer" or k < 2 or k > #set then
    errors.wanted(CALL, "k", k, ("a whole number from 2 to %d, the number of rows"):format(#set))
  end
  local parts <const>, list <const> = parts_of(#set, k, options), {}
  for i, held_out in ipairs(parts) do
    local others <const> = table.move(parts, 1, k, 1, {})
    table.remove(others, i)
    list[i] = { train = subset(set, core.cat(others, 1)), test = subset(set, held_out) }
  end
  return list
end

return folds
