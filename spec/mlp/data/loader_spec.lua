--- Loaders: what comes out, in which order, from which sources; taking a pass up again.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local loader <const> = mlp.data.loader

local function set_of(n) return mlp.data.tensors(mlp.arange(1, n), mlp.arange(1, n) * 10) end

--- The batches of a pass as lists.
local function batches_of(source)
  local list <const> = {}
  for x in source:batches() do list[#list + 1] = x:totable() end
  return list
end

local function flat(batches)
  local all <const> = {}
  for _, batch in ipairs(batches) do table.move(batch, 1, #batch, #all + 1, all) end
  return all
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("a loader of a data set", function()
  it("gives batches in order, the last one shorter", function()
    local source <const> = loader(set_of(5), { batch_size = 2 })
    assert.are.same({ { 1, 2 }, { 3, 4 }, { 5 } }, batches_of(source))
    assert.are.equal(3, source:count())
    for x, y in source() do assert.are.same((x * 10):totable(), y:totable()) end
  end)

  it("leaves the short one out when told", function()
    local source <const> = loader(set_of(5), { batch_size = 2, drop_last = true })
    assert.are.same({ { 1, 2 }, { 3, 4 } }, batches_of(source))
    assert.are.equal(2, source:count())
    assert.are.equal(2, loader(set_of(4), { batch_size = 2 }):count())
  end)

  it("takes any batch size from 1 on", function()
    assert.are.same({ { 1 }, { 2 } }, batches_of(loader(set_of(2), { batch_size = 1 })))
    assert.are.same({ { 1, 2 } }, batches_of(loader(set_of(2), { batch_size = 100 })))
  end)

  it("shuffles every pass anew, rows kept together", function()
    local source <const> = loader(set_of(20), { batch_size = 6, shuffle = true, seed = 1 })
    local first <const>, second <const> = flat(batches_of(source)), flat(batches_of(source))
    assert.are_not.same(first, second)
    assert.are.same(sorted { table.unpack(first) }, sorted { table.unpack(second) })
    assert.are.equal(20, #first)
    for x, y in source:batches() do assert.are.same((x * 10):totable(), y:totable()) end
  end)

  it("draws the same order from the same seed, generator or default stream", function()
    local function order(options)
      options.shuffle, options.batch_size = true, 4
      return flat(batches_of(loader(set_of(12), options)))
    end
    assert.are.same(order { seed = 5 }, order { generator = mlp.generator(5) })
    assert.are_not.same(order { seed = 5 }, order { seed = 6 })
    mlp.manual_seed(7)
    local drawn <const> = order {}
    mlp.manual_seed(7)
    assert.are.same(drawn, order {})
    local serial <const> = select(2, core.random_state())
    order { seed = 5 }
    assert.are.equal(serial, select(2, core.random_state()))
  end)

  it("asks a set of the user's for rows at positions", function()
    local squares <const> = setmetatable({
      rows = function(_, positions) return positions * positions end,
    }, { __len = function() return 3 end })
    assert.are.same({ { 1, 4 }, { 9 } }, batches_of(loader(squares, { batch_size = 2 })))
  end)

  it("tells which row of the data a row of a batch is", function()
    local source <const> = loader(set_of(9), { batch_size = 4, shuffle = true, seed = 2 })
    local batch = 0
    for x in source:batches() do
      batch = batch + 1
      for row = 1, #x do assert.are.equal(x:get(row), source:row_of(batch, row)) end
    end
  end)
end)

describe("a loader of a list", function()
  it("makes columns of its samples", function()
    local source <const> = loader({ { { 0, 1 }, 1 }, { { 1, 1 }, 2 }, { { 2, 1 }, 3 } },
      { batch_size = 2 })
    local x <const>, y <const> = source:batches()()
    assert.are.same({ { 0, 1 }, { 1, 1 } }, x:totable())
    assert.are.same({ 1, 2 }, y:totable())
  end)

  it("stacks tensors, and takes plain values", function()
    local x <const> = loader({ { mlp.ones(2) }, { mlp.zeros(2) } }):batches()()
    assert.are.same({ { 1, 1 }, { 0, 0 } }, x:totable())
    assert.are.same({ { 4, 5, 6 } }, batches_of(loader { 4, 5, 6 }))
  end)
end)

describe("a loader of an iterator", function()
  local function numbers(n)
    return function()
      local i = 0
      return function()
        i = i + 1
        if i <= n then return i, 10 * i end
      end
    end
  end

  it("gathers samples into batches, anew for every pass", function()
    local source <const> = loader(numbers(5), { batch_size = 2 })
    for _ = 1, 2 do assert.are.same({ { 1, 2 }, { 3, 4 }, { 5 } }, batches_of(source)) end
    assert.is_nil(source:count())
    for x, y in source:batches() do assert.are.same((x * 10):totable(), y:totable()) end
    assert.are.same({ { 1, 2 }, { 3, 4 } },
      batches_of(loader(numbers(5), { batch_size = 2, drop_last = true })))
  end)

  it("takes what a generic for takes", function()
    local list <const> = { 7, 8, 9 }
    local source <const> = loader(function() return ipairs(list) end, { batch_size = 3 })
    local i <const>, value <const> = source:batches()()
    assert.are.same({ 1, 2, 3 }, i:totable())
    assert.are.same(list, value:totable())
  end)

  it("passes ready batches through, loose or in a table", function()
    local x <const>, y <const> = mlp.ones(2, 3), mlp.ones(2)
    for _, item in ipairs { function() return x, y end, function() return { x, y } end } do
      local given = 0
      local source <const> = loader(function()
        return function()
          given = given + 1
          if given % 3 ~= 0 then return item() end
        end
      end)
      local count = 0
      for a, b in source:batches() do
        count = count + 1
        assert.are.equal(x, a)
        assert.are.equal(y, b)
      end
      assert.are.equal(2, count)
    end
  end)

  it("is good for one pass when it is an iterator itself", function()
    local source <const> = loader(coroutine.wrap(function()
      for i = 1, 3 do coroutine.yield(i) end
    end), { batch_size = 2 })
    assert.are.same({ { 1, 2 }, { 3 } }, batches_of(source))
    assert.error_matches(function() source:batches() end, "spent after one pass")
  end)
end)

describe("a loader that is taken up again", function()
  --- Batches 3 and on of the second pass, and of the pass after it.
  local function rest(source)
    return flat(batches_of(source)), flat(batches_of(source))
  end

  local function interrupted(options)
    local source <const> = loader(set_of(23), options)
    batches_of(source)
    local iterator <const> = source:batches()
    iterator()
    iterator()
    local state <const> = source:state()
    local left <const> = {}
    for x in iterator do left[#left + 1] = x:totable() end
    return state, flat(left), flat(batches_of(source))
  end

  it("goes on at the same row in the same order, and draws the next orders alike", function()
    for _, options in ipairs { { shuffle = true, seed = 3 }, { shuffle = false } } do
      options.batch_size = 5
      local state <const>, left <const>, following <const> = interrupted(options)
      local again <const> = loader(set_of(23), options)
      assert(again:restore(state, 2))
      local got <const>, after <const> = rest(again)
      assert.are.same(left, got)
      assert.are.same(following, after)
    end
  end)

  it("goes on from the default stream", function()
    mlp.manual_seed(11)
    local state <const>, left <const> = interrupted { shuffle = true, batch_size = 5 }
    mlp.manual_seed(99)
    local again <const> = loader(set_of(23), { shuffle = true, batch_size = 5 })
    assert(again:restore(state, 2))
    assert.are.same(left, (rest(again)))
  end)

  it("skips what an iterator gave already", function()
    local function source()
      return loader(function() return ipairs { 1, 2, 3, 4, 5 } end, { batch_size = 2 })
    end
    local again <const> = source()
    assert(again:restore(source():state(), 2))
    assert.are.same({ { 5 } }, batches_of(again))
  end)

  it("refuses a state of other data", function()
    local state <const> = loader(set_of(9), { batch_size = 3, shuffle = true }):state()
    local function refused(pattern, n, options, position)
      local ok <const>, message <const> = loader(set_of(n), options):restore(state, position)
      assert.is_nil(ok)
      assert.matches(pattern, message)
    end
    refused("the data are 8 rows in batches of 3, but then they were 9 in", 8,
      { batch_size = 3, shuffle = true })
    refused("in batches of 4, but then", 9, { batch_size = 4, shuffle = true })
  end)
end)

describe("a loader refuses", function()
  local function refuses(pattern, ...)
    local arguments <const> = table.pack(...)
    assert.error_matches(function() loader(table.unpack(arguments, 1, arguments.n)) end, pattern)
  end

  it("sources that are none, and impossible options", function()
    refuses("the source is nil but a data set", nil)
    refuses("the source is a table but a data set", {})
    refuses("the source is a loader", loader(set_of(3)))
    refuses("the data set has no rows", mlp.data.tensors(mlp.zeros(0)))
    refuses("batch_size is 0 but a whole number", set_of(3), { batch_size = 0 })
    refuses("did you mean 'shuffle'", set_of(3), { shufle = true })
    refuses("cannot be shuffled", function() end, { shuffle = true })
  end)
end)

describe("a list of whole tensors", function()
  it("is refused, with the name of what makes a data set of them", function()
    assert.error_matches(function()
      mlp.data.loader { mlp.ones(20, 3), mlp.ones(20, { dtype = "int64" }) }
    end, "data.loader: item 1 of the list is a float32 tensor (20, 3) but item 2 is an int64 "
      .. "tensor (20,); samples are alike, and tensors of many samples are mlp.data.tensors(x, y)",
      1, true)
  end)
end)
