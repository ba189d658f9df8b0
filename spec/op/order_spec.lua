--- What the order promises beyond single values: stability, where NaN stands, ties, positions from
--- 1, and that the ways to compute it (insertion, merging, counting, selecting) agree. Also the
--- derivatives of reductions at their corners.
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"
require "spec.support.approx"

local NAN <const>, INF <const> = 0 / 0, math.huge

local function text(t) -- NaN compares as text
  local parts = {}
  for i, v in ipairs(t:totable()) do parts[i] = v ~= v and "nan" or ("%g"):format(v) end
  return table.concat(parts, " ")
end

local function gradient(f, values)
  local x <const> = core.tensor(values, { dtype = "float64", requires_grad = true })
  return core.grad(f(x), { x }):totable()
end

describe("sort", function()
  it("puts NaN above infinity, in both directions", function()
    local x <const> = core.tensor{ 1, NAN, -INF, INF, NAN, -1 }
    local values, places = x:sort()
    assert.equal("-inf -1 1 inf nan nan", text(values))
    assert.same({ 3, 6, 1, 4, 2, 5 }, places:totable())
    values, places = x:sort(1, { descending = true })
    assert.equal("nan nan inf 1 -1 -inf", text(values))
    assert.same({ 2, 5, 4, 1, 6, 3 }, places:totable())
  end)

  it("keeps equal elements in their order, also 0 and -0, and their bits", function()
    local values, places = core.tensor{ 0.0, 1, -0.0, 0.0, -0.0, 1 }:sort()
    assert.same({ 1, 3, 4, 5, 2, 6 }, places:totable())
    assert.equal("0 -0 0 -0 1 1", text(values))
    assert.same({ 2, 6, 1, 3, 4, 5 }, (core.tensor{ 0.0, 1, -0.0, 0.0, -0.0, 1 }
      :argsort(1, { descending = true }):totable()))
  end)

  -- 1023 is the longest merged, 1024 the shortest counted.
  for _, n in ipairs{ 2, 16, 17, 33, 100, 1023, 1024, 5000 } do
    for _, dtype in ipairs{ "float32", "float64", "int64", "uint8" } do
      it(("is stable for %d elements of %s"):format(n, dtype), function()
        local random <const>, flat <const> = make.generator(n), {}
        local low <const> = dtype == "uint8" and 0 or -20
        for i = 1, n do flat[i] = low + math.floor(random() * 40) end
        local order <const> = {}
        for i = 1, n do order[i] = i end
        local x <const> = make.from_flat(flat, dtype, { n })
        for _, descending in ipairs{ false, true } do
          table.sort(order, function(i, j)
            if flat[i] == flat[j] then return i < j end
            return (flat[i] < flat[j]) ~= descending
          end)
          local values, places = x:sort(1, { descending = descending })
          assert.same(order, places:totable())
          assert.same(x:index_select(1, places):totable(), values:totable())
        end
      end)
    end
  end

  it("orders the extremes of int64", function()
    local x <const> = core.tensor({ 0, math.maxinteger, -1, math.mininteger }, { dtype = "int64" })
    assert.same({ math.mininteger, -1, 0, math.maxinteger }, (x:sort()):totable())
  end)
end)

describe("topk", function()
  -- 64 is the last k that is selected one by one.
  for _, k in ipairs{ 0, 1, 5, 64, 65, 300 } do
    it(("of %d is the beginning of sort, both ways"):format(k), function()
      local random <const>, flat <const> = make.generator(k), {}
      for i = 1, 600 do flat[i] = math.floor(random() * 50) end
      flat[400], flat[17] = NAN, NAN
      local x <const> = make.from_flat(flat, "float32", { 2, 300 })
      for _, largest in ipairs{ true, false } do
        local values, places = x:topk(k, 2, { largest = largest })
        local all, order = x:sort(2, { descending = largest })
        if k > 0 then
          assert.equal(text(all:slice(2, 1, k):reshape(-1)), text(values:reshape(-1)))
          assert.same(order:slice(2, 1, k):totable(), places:totable())
        end
        assert.same({ 2, k }, values.shape)
      end
    end)
  end
end)

describe("the gradient", function()
  it("of max goes to the first of equal elements, that of amax to all of them evenly", function()
    assert.same({ 0, 1, 0, 0 }, gradient(function(x) return (x:max()) end, { 1, 3, 3, 3 }))
    assert.same({ 0, 0.5, 0.5 }, gradient(function(x) return x:amax() end, { 1, 3, 3 }))
    assert.same({ 0.5, 0.5, 0 }, gradient(function(x) return x:amin() end, { 1, 1, 3 }))
  end)

  it("of a product with zeros is exact", function()
    assert.same({ 0, 6, 0 }, gradient(function(x) return x:prod() end, { 2, 0, 3 }))
    assert.same({ 0, 0, 0 }, gradient(function(x) return x:prod() end, { 0, 0, 3 }))
  end)

  it("of std and norm is 0 where they are 0", function()
    assert.same({ 0, 0, 0 }, gradient(function(x) return x:std() end, { 0.1, 0.1, 0.1 }))
    assert.same({ 0, 0 }, gradient(function(x) return x:norm() end, { 0, 0 }))
  end)

  it("of logsumexp is 0 for a row of -infinity and exact far out", function()
    assert.same({ 0, 0 }, gradient(function(x) return x:logsumexp() end, { -INF, -INF }))
    local x <const> = core.tensor({ 1e4, 1e4, -1e4 }, { requires_grad = true })
    local slope <const> = core.grad(x:logsumexp(), { x })
    -- The rounding of y itself, 2^-10, would show.
    assert.close(slope, { 0.5, 0.5, 0 }, { tolerance = 2.0 ^ -23 })
  end)
end)

describe("a reduction", function()
  it("of equal elements far from 0 has no variance", function()
    assert.equal(0, core.full({ 1000 }, 12345.678):var():item())
  end)

  it("counts axes from 1, and from -1 at the end", function()
    local x <const> = core.tensor{ { 1, 2, 3 }, { 4, 5, 6 } }
    assert.same({ 5, 7, 9 }, x:sum(1):totable())
    assert.same(x:sum(2):totable(), x:sum(-1):totable())
    assert.has_error(function() x:sum(3) end)
    assert.has_error(function() x:sum(0) end)
  end)
end)
