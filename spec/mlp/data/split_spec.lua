--- Splits: every row in exactly one part, parts of the promised size, classes in proportion.
local mlp <const> = require "mlp"
local split <const> = mlp.data.split

local function set_of(n) return mlp.data.tensors(mlp.arange(1, n)) end

local function rows_of(set) return set.tensors[1]:totable() end

--- All rows of all parts, in order of size: 1 .. n when nothing is lost or doubled.
local function together(...)
  local all <const> = {}
  for _, set in ipairs { ... } do
    for _, row in ipairs(rows_of(set)) do all[#all + 1] = row end
  end
  table.sort(all)
  return all
end

local function numbers(n)
  local list <const> = {}
  for i = 1, n do list[i] = i end
  return list
end

local function count(set, of)
  local n = 0
  for _, row in ipairs(rows_of(set)) do
    if of(row) then n = n + 1 end
  end
  return n
end

describe("data.split", function()
  it("deals every row out once", function()
    for _, n in ipairs { 4, 10, 101 } do
      local a <const>, b <const>, c <const> = split(set_of(n), { 0.5, 0.3, 0.2 }, { seed = n })
      assert.are.same(numbers(n), together(a, b, c))
    end
  end)

  it("takes fractions, rounded at the running sum, or counts", function()
    local a <const>, b <const> = split(set_of(1797), { 0.8, 0.2 })
    assert.are.same({ 1438, 359 }, { #a, #b })
    local thirds <const> = table.pack(split(set_of(10), { 1 / 3, 1 / 3, 1 / 3 }))
    assert.are.same({ 3, 4, 3 }, { #thirds[1], #thirds[2], #thirds[3] })
    local c <const>, d <const> = split(set_of(10), { 7, 3 })
    assert.are.same({ 7, 3 }, { #c, #d })
  end)

  it("is the same for the same seed and another for another", function()
    local function first(options) return rows_of((split(set_of(50), { 0.5, 0.5 }, options))) end
    assert.are.same(first { seed = 1 }, first { seed = 1 })
    assert.are_not.same(first { seed = 1 }, first { seed = 2 })
    mlp.manual_seed(3)
    local drawn <const> = first()
    mlp.manual_seed(3)
    assert.are.same(drawn, first())
    assert.are.same(first { generator = mlp.generator(8) }, first { seed = 8 })
  end)

  it("keeps the order when it is not to shuffle", function()
    local a <const>, b <const> = split(set_of(10), { 0.7, 0.3 }, { shuffle = false })
    assert.are.same({ 1, 2, 3, 4, 5, 6, 7 }, rows_of(a))
    assert.are.same({ 8, 9, 10 }, rows_of(b))
  end)

  it("gives every part each class in proportion", function()
    -- Rows 1 to 70 are of class 1, to 90 of class 2, to 100 of class 3.
    local labels <const> = {}
    for i = 1, 100 do labels[i] = i <= 70 and 1 or i <= 90 and 2 or 3 end
    for _, given in ipairs { labels, mlp.tensor(labels, { dtype = "int64" }) } do
      for seed = 1, 5 do
        local a <const>, b <const> = split(set_of(100), { 0.8, 0.2 },
          { stratify = given, seed = seed })
        assert.are.same(numbers(100), together(a, b))
        assert.are.same({ 80, 20 }, { #a, #b })
        assert.are.equal(14, count(b, function(row) return row <= 70 end))
        assert.are.equal(4, count(b, function(row) return row > 70 and row <= 90 end))
        assert.are.equal(2, count(b, function(row) return row > 90 end))
      end
    end
  end)

  it("draws rows within a class, and does not sort the parts by class", function()
    local labels <const> = {}
    for i = 1, 40 do labels[i] = i <= 20 and "a" or "b" end
    local function part(seed)
      return rows_of((split(set_of(40), { 0.5, 0.5 }, { stratify = labels, seed = seed })))
    end
    assert.are_not.same(part(1), part(2))
    local changes, rows <const> = 0, part(1)
    for i = 2, #rows do
      if (rows[i] <= 20) ~= (rows[i - 1] <= 20) then changes = changes + 1 end
    end
    assert.is_true(changes > 3)
  end)

  it("splits any data set", function()
    local squares <const> = setmetatable({
      rows = function(_, positions) return positions * positions end,
    }, { __len = function() return 6 end })
    local a <const>, b <const> = split(squares, { 4, 2 }, { shuffle = false })
    assert.are.same({ 4, 2 }, { #a, #b })
    local last <const> = mlp.tensor({ 2 }, { dtype = "int64" })
    assert.are.same({ 36 }, b:rows(last):totable())
  end)

  it("refuses what does not add up", function()
    local function refuses(pattern, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() split(table.unpack(arguments, 1, arguments.n)) end, pattern)
    end
    refuses("fractions add up to 0.9 but 1", set_of(10), { 0.5, 0.4 })
    refuses("counts add up to 9 but the set has 10 rows", set_of(10), { 5, 4 })
    refuses("part 2 is 0 but a positive number", set_of(10), { 10, 0 })
    refuses("a part is left without rows", set_of(2), { 0.9, 0.1 })
    refuses("stratify has 3 labels but the set has 10", set_of(10), { 5, 5 },
      { stratify = { 1, 2, 3 } })
    refuses("the first argument is a float32 tensor %(3,%) but a data set", mlp.zeros(3), { 1, 2 })
  end)
end)
