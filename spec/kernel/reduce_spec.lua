--- The folds keep the law of src/kernel/fold.inc: an error that grows with the logarithm of the
--- length, and an order that depends on sizes alone, so that sums have the same bits on every
--- instruction set. Lengths and widths stand around every edge of the loops.
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"

local isas <const> = {}
for _, name in ipairs{ "generic", "avx2", "avx512" } do
  if core.debug.isa(name) then isas[#isas + 1] = name end
end
local UNIT <const> = { float32 = 2.0 ^ -24, float64 = 2.0 ^ -53 }
local LENGTHS <const> = {
  1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 320, 2047, 2048,
  2049, 4159,
}

local function each_isa(f)
  finally(function() core.debug.isa(isas[#isas]) end)
  for _, isa in ipairs(isas) do
    core.debug.isa(isa)
    f(isa)
  end
end

local function uniform(n, seed)
  local random <const>, flat <const> = make.generator(seed), {}
  for i = 1, n do flat[i] = math.floor((random() * 2 - 1) * 2 ^ 20) * 2.0 ^ -20 end
  return flat
end

--- Units of rounding that n terms may cost.
local function allowed(n) return 32 + math.max(0, math.log(n / 32, 2)) + 6 end

--- The sum of flat[from], flat[from + step], ... (n terms), and that of their magnitudes: exact,
--- for the terms are multiples of 2^-20 below 1.
local function exact(flat, from, step, n)
  local total, size = 0.0, 0.0
  for i = from, from + (n - 1) * step, step do
    total, size = total + flat[i], size + math.abs(flat[i])
  end
  return total, size
end

local function within_law(got, total, size, n, dtype, about)
  local bound <const> = allowed(n) * UNIT[dtype] * size
  assert.is_true(math.abs(got - total) <= bound,
    ("%s: %.17g is %.3g off %.17g, allowed is %.3g"):format(about, got, got - total, total, bound))
end

describe("a sum", function()
  for _, dtype in ipairs{ "float32", "float64" } do
    it("along a run stays within the law, " .. dtype, function()
      each_isa(function(isa)
        for _, n in ipairs(LENGTHS) do
          local flat <const> = uniform(n, n)
          local total, size = exact(flat, 1, 1, n)
          local got <const> = make.from_flat(flat, dtype, { n }):sum():item()
          within_law(got, total, size, n, dtype, ("%d terms on %s"):format(n, isa))
        end
      end)
    end)

    it("across rows stays within the law, " .. dtype, function()
      each_isa(function(isa)
        for _, width in ipairs{ 1, 2, 3, 10, 31, 32, 33, 63, 64, 65, 130 } do
          for _, n in ipairs{ 1, 2, 6, 31, 32, 33, 64, 100, 131 } do
            local flat <const> = uniform(n * width, n + width)
            local got <const> = make.from_flat(flat, dtype, { n, width }):sum(1):totable()
            for j = 1, width do
              local total, size = exact(flat, j, width, n)
              local about <const> = ("column %d of (%d, %d) on %s"):format(j, n, width, isa)
              within_law(got[j], total, size, n, dtype, about)
            end
          end
        end
      end)
    end)
  end

  -- One running total of them is 8 % off.
  it("of ten million times 0.1 is off by at most 8 units", function()
    local n <const> = 10000000
    local tenth <const> = string.unpack("<f", string.pack("<f", 0.1))
    local x <const> = core.full({ n }, 0.1)
    each_isa(function(isa)
      local got <const> = x:sum():item()
      assert.is_true(math.abs(got - n * tenth) <= 8 * UNIT.float32 * n * tenth, isa .. ": " .. got)
      local columns <const> = x:reshape(-1, 10):sum(1):totable()
      for j = 1, 10 do
        assert.is_true(math.abs(columns[j] - n / 10 * tenth) <= 8 * UNIT.float32 * n / 10 * tenth)
      end
    end)
  end)

  it("has the same bits on every instruction set", function()
    for _, shape in ipairs{ { 5000 }, { 70, 71 }, { 1000, 5 } } do
      local x <const> = make.from_flat(uniform(make.count(shape), 3), "float32", shape):div(3)
      local first
      each_isa(function(isa)
        local bits <const> = x:sum():tobytes() .. x:sum(1):tobytes() .. x:sum(-1):tobytes()
        first = first or bits
        assert.equal(first, bits, isa)
      end)
    end
  end)

  it("of whole numbers is exact and wraps around as Lua's integers do", function()
    each_isa(function()
      local x <const> = core.tensor({ math.maxinteger, 1, 5 }, { dtype = "int64" })
      assert.equal(math.mininteger + 5, x:sum():item())
      assert.equal(255 * 3001, core.full({ 3001 }, 255, { dtype = "uint8" }):sum():item())
      assert.equal(math.maxinteger * 3, x:slice(1, 1, 1):mul(3):prod():item())
    end)
  end)
end)

describe("an extreme", function()
  it("is found at every place of every length", function()
    each_isa(function(isa)
      for _, n in ipairs(LENGTHS) do
        for _, at in ipairs{ 1, (n + 1) // 2, n } do
          for _, top in ipairs{ 2, 0 / 0 } do
            local flat <const> = uniform(n, n)
            flat[at] = top
            local x <const> = make.from_flat(flat, "float32", { n })
            local value, place = x:max()
            local about <const> = ("%g at %d of %d on %s"):format(top, at, n, isa)
            assert.equal(at, place:item(), about)
            local got <const> = value:item()
            assert.is_true(got == top or top ~= top and got ~= got, about)
            assert.equal(at, x:reshape(n, 1):expand(n, 3):argmax(1):get(2), about)
            assert.equal(at, x:neg():argmin():item(), about)
          end
        end
      end
    end)
  end)

  it("is the first of equal ones, also of 0 and -0", function()
    each_isa(function()
      assert.equal(2, core.tensor{ -1, -0.0, 0.0, 0.0 }:argmax():item())
      assert.equal(3, core.cat{ core.zeros(2), core.ones(60) }:argmax():item())
    end)
  end)
end)

describe("a running sum", function()
  it("of float32 is the double one, rounded once", function()
    local n <const> = 100000
    local tenth <const> = string.unpack("<f", string.pack("<f", 0.1))
    local y <const> = core.full({ n }, 0.1):cumsum(1)
    assert.equal(string.unpack("<f", string.pack("<f", n * tenth)), y:get(n))
  end)
end)
