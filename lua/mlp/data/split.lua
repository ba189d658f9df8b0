--- Parts of a data set: rows are dealt out by a seeded draw, in proportion within each class when
--- labels are given. Every row lands in exactly one part.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local subset <const> = require "mlp.data.subset"

local CALL <const> = "data.split"

local function part_of(set, list)
  if #list == 0 then errors.raise("%s: a part is left without rows", CALL) end
  return subset(set, core.tensor(list, { dtype = "int64" }))
end

-- ---- how many rows each part takes --------------------------------------------------------------

local function total_of(parts)
  local total, whole = 0, true
  if type(parts) ~= "table" or #parts == 0 then
    errors.wanted(CALL, "parts", parts, "a list of fractions or of counts")
  end
  for i, size in ipairs(parts) do
    if type(size) ~= "number" or size ~= size or size <= 0 then
      errors.wanted(CALL, ("part %d"):format(i), size, "a positive number")
    end
    total, whole = total + size, whole and math.type(size) == "integer"
  end
  return total, whole
end

--- Fractions to counts that add up to n: rounded at the running sum, so none is off by one row.
local function counts_of(parts, n)
  local total <const>, whole <const> = total_of(parts)
  if whole and total ~= n then
    errors.raise("%s: the counts add up to %d but the set has %d rows", CALL, total, n)
  elseif not whole and math.abs(total - 1) > 1e-6 then
    errors.raise("%s: the fractions add up to %g but 1 is wanted", CALL, total)
  end
  local counts <const>, sum, dealt = {}, 0, 0
  for i, size in ipairs(parts) do
    sum = sum + size
    local upto <const> = i == #parts and n or math.floor(sum / total * n + 0.5)
    counts[i], dealt = upto - dealt, upto
  end
  return counts
end

-- ---- who goes where -----------------------------------------------------------------------------

local function order_of(n, o)
  if not o.shuffle then
    local order <const> = {}
    for i = 1, n do order[i] = i end
    return order
  end
  local generator <const> = o.generator or o.seed and core.generator(o.seed) or nil
  return core.randperm(n, { generator = generator }):totable()
end

--- The order with the rows of each class together, classes in order of their first row.
local function grouped(order, labels)
  local groups <const>, names <const>, together <const> = {}, {}, {}
  for _, row in ipairs(order) do
    local label <const> = labels[row]
    if not groups[label] then
      groups[label] = {}
      names[#names + 1] = label
    end
    table.insert(groups[label], row)
  end
  for _, label in ipairs(names) do
    table.move(groups[label], 1, #groups[label], #together + 1, together)
  end
  return together
end

--- Each row goes to the part that is furthest behind its share, so that every stretch of rows (and
--- so every class) is dealt out in proportion, and the counts come out exactly.
local function deal(order, counts)
  local n <const>, taken <const>, part_of_row <const> = #order, {}, {}
  for p = 1, #counts do taken[p] = 0 end
  for i, row in ipairs(order) do
    local best, behind = nil, -math.huge
    for p, count in ipairs(counts) do
      local gap <const> = count * i / n - taken[p]
      if taken[p] < count and gap > behind then best, behind = p, gap end
    end
    taken[best] = taken[best] + 1
    part_of_row[row] = best
  end
  return part_of_row
end

local function cut(order, counts)
  local lists <const>, at = {}, 0
  for p, count in ipairs(counts) do
    lists[p] = table.move(order, at + 1, at + count, 1, {})
    at = at + count
  end
  return lists
end

local function labels_of(given, n)
  local labels <const> = core.is_tensor(given) and given:reshape(-1):totable() or given
  if type(labels) ~= "table" then
    errors.wanted(CALL, "stratify", given, "a tensor or a table with one label per row")
  end
  if #labels ~= n then
    errors.raise("%s: stratify has %d labels but the set has %d rows", CALL, #labels, n)
  end
  return labels
end

local function lists_of(n, counts, o)
  local order <const> = order_of(n, o)
  if o.stratify == nil then return cut(order, counts) end
  local part_of_row <const> = deal(grouped(order, labels_of(o.stratify, n)), counts)
  local lists <const> = {}
  for p = 1, #counts do lists[p] = {} end
  for _, row in ipairs(order) do table.insert(lists[part_of_row[row]], row) end
  return lists
end

---@class mlp.data.SplitOptions
---@field shuffle boolean? default true; false keeps the order and cuts it
---@field seed integer? of the draw
---@field generator mlp.Generator? of the draw; without it and without a seed: the default one
---@field stratify mlp.Tensor|table|nil one label per row: every part gets each label in proportion

--- Deals the rows of a set out to parts:
---
---     local train, test = mlp.data.split(set, {0.8, 0.2}, {stratify = labels})
---@param set mlp.data.Set
---@param parts number[] fractions that add up to 1, or counts that add up to #set
---@param options mlp.data.SplitOptions?
---@return mlp.data.Set ... one per part
local function split(set, parts, options)
  if type(set) ~= "table" or type(set.rows) ~= "function" then
    errors.wanted(CALL, "the first argument", set, "a data set, such as mlp.data.tensors(x, y),")
  end
  local o <const> = errors.options(CALL, options, {
    shuffle = true, seed = errors.NONE, generator = errors.NONE, stratify = errors.NONE,
  })
  local counts <const>, sets <const> = counts_of(parts, #set), {}
  for p, list in ipairs(lists_of(#set, counts, o)) do sets[p] = part_of(set, list) end
  return table.unpack(sets)
end

return split
