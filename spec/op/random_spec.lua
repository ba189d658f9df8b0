--- Random numbers are a function of (seed, serial of the call, place of the element): known
--- answers, independence of who draws which part on which instruction set, and distributions. Seeds
--- are fixed, so a statistic that passes always passes; bounds are where one honest generator in a
--- hundred thousand would fail, so a failure after a change is a defect.
local core <const> = require "mlp.core"

local isas <const> = {}
for _, name in ipairs { "generic", "avx2", "avx512" } do
  if core.debug.isa(name) then isas[#isas + 1] = name end
end

local function on_every_isa(f)
  finally(function() core.debug.isa(isas[#isas]) end)
  for _, name in ipairs(isas) do
    core.debug.isa(name)
    f(name)
  end
end

--- Elements first .. last of a list.
local function piece(list, first, last) return table.move(list, first, last, 1, {}) end

local function flat(t) return t:reshape(-1):totable() end

--- Mean, variance, skewness and excess kurtosis.
local function moments(list)
  local n <const>, mean = #list, 0.0
  for i = 1, n do mean = mean + list[i] / n end
  local m2, m3, m4 = 0.0, 0.0, 0.0
  for i = 1, n do
    local d <const> = list[i] - mean
    m2, m3, m4 = m2 + d * d / n, m3 + d ^ 3 / n, m4 + d ^ 4 / n
  end
  return mean, m2, m3 / m2 ^ 1.5, m4 / m2 ^ 2 - 3
end

--- Sum over the bins of (count - expected)^2 / expected.
local function chi_square(counts, expected)
  local total = 0.0
  for i = 1, #counts do total = total + (counts[i] - expected) ^ 2 / expected end
  return total
end

--- The point that chi-square with k degrees of freedom passes once in 10^5 (4.265 deviations of a
--- normal number), by Wilson and Hilferty 1931.
local function chi_bound(k) return k * (1 - 2 / (9 * k) + 4.265 * math.sqrt(2 / (9 * k))) ^ 3 end

local function count_bins(list, bins, place)
  local counts <const> = {}
  for i = 1, bins do counts[i] = 0 end
  for i = 1, #list do
    local bin <const> = place(list[i])
    counts[bin] = counts[bin] + 1
  end
  return counts
end

local function correlation(a, b)
  local mean_a <const>, var_a <const> = moments(a)
  local mean_b <const>, var_b <const> = moments(b)
  local sum = 0.0
  for i = 1, #a do sum = sum + (a[i] - mean_a) * (b[i] - mean_b) end
  return sum / #a / math.sqrt(var_a * var_b)
end

describe("Philox4x32-10", function()
  it("gives the published answers", function()
    -- Random123 1.09, tests/kat_vectors: counter and key of zeros, of ones, and digits of pi. The
    -- counter is (block, serial), the key is the seed, low words first.
    local function words(seed, serial, block)
      return ("%08x %08x %08x %08x"):format(core.debug.philox(seed, serial, block))
    end
    assert.equal("6627e8d5 e169c58d bc57ac4c 9b00dbd8", words(0, 0, 0))
    assert.equal("408f276d 41c83b0e a20bc7c6 6d5451fd", words(-1, -1, -1))
    assert.equal("d16cfe09 94fdcceb 5001e420 24126ea1",
      words(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88))
  end)

  it("is the same in vectors as alone", function()
    local seed <const>, serial <const> = 0x123456789abcdef, 0xfedcba987654321
    on_every_isa(function(isa)
      for _, start in ipairs { 0, 1, 6, 4095, 1 << 34 } do
        local words <const> = core.debug.draw("words", "float32", seed, serial, start, 131)
        for i, word in ipairs(words) do
          local at <const> = start + i - 1
          local four <const> = { core.debug.philox(seed, serial, at // 4) }
          assert.equal(four[at % 4 + 1], word, isa .. ": word " .. at)
        end
      end
    end)
  end)
end)

describe("a draw", function()
  it("has the same numbers whichever part is drawn", function()
    local parts <const> = { { 1, 3000 }, { 2, 3 }, { 37, 130 }, { 1023, 1030 }, { 999, 2999 } }
    on_every_isa(function(isa)
      for _, what in ipairs { "words", "uniform", "normal" } do
        for _, dtype in ipairs { "float32", "float64" } do
          local whole <const> = core.debug.draw(what, dtype, 5, 9, 0, 3000, -1, 2)
          for _, part in ipairs(parts) do
            local first <const>, last <const> = part[1], part[2]
            assert.same(piece(whole, first, last),
              core.debug.draw(what, dtype, 5, 9, first - 1, last - first + 1, -1, 2),
              ("%s, %s, %d to %d on %s"):format(what, dtype, first, last, isa))
          end
        end
      end
    end)
  end)

  it("is uniform to the bit on every instruction set", function()
    for _, dtype in ipairs { "float32", "float64" } do
      local expected
      on_every_isa(function(isa)
        local drawn <const> = core.debug.draw("uniform", dtype, 3, 1, 0, 2000, -0.3, 0.7)
        expected = expected or drawn
        assert.same(expected, drawn, dtype .. " on " .. isa)
      end)
    end
  end)

  it("is normal within rounding on every instruction set", function()
    for dtype, tolerance in pairs { float32 = 2e-6, float64 = 1e-14 } do
      local expected
      on_every_isa(function(isa)
        local drawn <const> = core.debug.draw("normal", dtype, 3, 1, 0, 2000, 0, 1)
        expected = expected or drawn
        for i = 1, #drawn do
          assert.near(expected[i], drawn[i], tolerance, ("%s %d on %s"):format(dtype, i, isa))
        end
      end)
    end
  end)

  it("depends on seed and serial alone", function()
    core.manual_seed(11)
    local a <const>, b <const> = flat(core.rand(50)), flat(core.rand(50))
    core.manual_seed(11)
    assert.same(a, flat(core.rand(5, 10)))
    assert.same(b, flat(core.rand(50)))
    assert.is_not.same(a, b)
    core.manual_seed(12)
    assert.is_not.same(a, flat(core.rand(50)))
  end)

  it("takes a generator of its own", function()
    local one <const>, other <const> = core.generator(3), core.generator(3)
    core.manual_seed(1)
    local default <const> = flat(core.randn(4))
    core.manual_seed(1)
    local first <const> = flat(core.randn(4, { generator = one }))
    assert.same(default, flat(core.randn(4)))
    assert.same(first, flat(core.randn(4, { generator = other })))
    local seed <const>, serial <const> = one:state()
    local second <const> = flat(core.randn(4, { generator = one }))
    one:set_state(seed, serial)
    assert.same(second, flat(core.randn(4, { generator = one })))
    assert.is_not.same(first, second)
  end)
end)

describe("uniform numbers", function()
  it("fill [0, 1) evenly", function()
    for _, dtype in ipairs { "float32", "float64" } do
      core.manual_seed(2)
      local n <const> = 64000
      local list <const> = flat(core.rand(n, { dtype = dtype }))
      local mean <const>, variance <const> = moments(list)
      assert.near(0.5, mean, 4.4 * math.sqrt(1 / 12 / n)) -- 4.4 standard errors
      assert.near(1 / 12, variance, 4.4 * math.sqrt(1 / 180 / n))
      local counts <const> = count_bins(list, 64, function(u) return u * 64 // 1 + 1 end)
      assert.equal(64, #counts) -- a number outside [0, 1) would have failed to be counted
      assert.is_true(chi_square(counts, n / 64) < chi_bound(63))
      assert.near(0, correlation(piece(list, 1, n - 1), piece(list, 2, n)), 4.4 / math.sqrt(n))
      assert.near(0, correlation(piece(list, 1, n - 4), piece(list, 5, n)), 4.4 / math.sqrt(n))
    end
  end)

  it("stay below high where rounding would reach it", function()
    local list <const> = core.debug.draw("uniform", "float32", 1, 1, 0, 4096, 1, 1 + 2 ^ -22)
    for _, u in ipairs(list) do assert.is_true(u >= 1 and u < 1 + 2 ^ -22) end
  end)

  it("may have no choice", function()
    for _, u in ipairs(flat(core.zeros(5):uniform_(2, 2))) do assert.equal(2, u) end
  end)

  it("have low and high", function()
    core.manual_seed(4)
    local list <const> = flat(core.zeros(20000):uniform_(-3, 5))
    local mean <const> = moments(list)
    assert.near(1, mean, 4.4 * math.sqrt(64 / 12 / 20000))
    assert.is_true(math.min(table.unpack(list, 1, 5000)) < -2.9)
    assert.is_true(math.max(table.unpack(list, 1, 5000)) > 4.9)
  end)
end)

describe("normal numbers", function()
  it("have the moments and the tails", function()
    for _, dtype in ipairs { "float32", "float64" } do
      core.manual_seed(3)
      local n <const> = 100000
      local list <const> = flat(core.randn(n, { dtype = dtype }))
      local mean <const>, variance <const>, skewness <const>, kurtosis <const> = moments(list)
      assert.near(0, mean, 4.4 / math.sqrt(n))
      assert.near(1, variance, 4.4 * math.sqrt(2 / n))
      assert.near(0, skewness, 4.4 * math.sqrt(6 / n))
      assert.near(0, kurtosis, 4.4 * math.sqrt(24 / n))
      local beyond <const> = { 0, 0, 0 }
      for _, z in ipairs(list) do
        for k = 1, 3 do beyond[k] = beyond[k] + (math.abs(z) > k and 1 or 0) end
      end
      for k, p in ipairs { 0.317310508, 0.045500264, 0.002699796 } do
        assert.near(p * n, beyond[k], 4.4 * math.sqrt(n * p * (1 - p)), "beyond " .. k)
      end
      local even <const>, odd <const> = {}, {}
      for i = 1, n / 2 do even[i], odd[i] = list[2 * i - 1], list[2 * i] end
      assert.near(0, correlation(even, odd), 4.4 / math.sqrt(n / 2))
      for i = 1, n / 2 do even[i], odd[i] = even[i] ^ 2, odd[i] ^ 2 end
      assert.near(0, correlation(even, odd), 4.4 / math.sqrt(n / 2))
    end
  end)

  it("have mean and deviation", function()
    core.manual_seed(5)
    local mean <const>, variance <const> = moments(flat(core.zeros(20000):normal_(3, 0.5)))
    assert.near(3, mean, 4.4 * 0.5 / math.sqrt(20000))
    assert.near(0.25, variance, 4.4 * 0.25 * math.sqrt(2 / 20000))
  end)
end)

describe("whole numbers", function()
  it("include both ends, all equally likely", function()
    core.manual_seed(6)
    local n <const> = 60000
    local counts <const> = count_bins(flat(core.randint(-2, 3, n)), 6, function(i) return i + 3 end)
    assert.is_true(chi_square(counts, n / 6) < chi_bound(5))
  end)

  it("are not biased where the range hardly fits", function()
    -- 3 * 2^62 choices for 4 * 2^62 words: without drawing again every third number would have two
    -- words and the others one.
    core.manual_seed(7)
    local n <const>, low <const> = 30000, math.mininteger
    local high <const> = low + 3 * (1 << 62) - 1
    local counts <const> = count_bins(flat(core.randint(low, high, n)), 3, function(i)
      local above <const> = i - low -- without sign: up to 3 * 2^62
      return ((above >> 1) % 3 * 2 + (above & 1)) % 3 + 1
    end)
    assert.is_true(chi_square(counts, n / 3) < chi_bound(2))
  end)

  it("span everything, or nothing", function()
    local negative = 0
    for _, i in ipairs(flat(core.randint(math.mininteger, math.maxinteger, 1000))) do
      negative = negative + (i < 0 and 1 or 0)
    end
    assert.near(500, negative, 4.4 * math.sqrt(250))
    assert.same({ 9, 9, 9 }, flat(core.randint(9, 9, 3)))
  end)
end)

describe("permutations", function()
  it("name every position once", function()
    for _, n in ipairs { 0, 1, 2, 100 } do
      local list <const> = core.randperm(n):totable()
      table.sort(list)
      assert.equal(n, #list)
      for i = 1, n do assert.equal(i, list[i]) end
    end
  end)

  it("are all equally likely", function()
    core.manual_seed(8)
    local counts <const>, place <const>, n <const> = { 0, 0, 0, 0, 0, 0 }, {}, 6000
    for _ = 1, n do
      local key <const> = table.concat(core.randperm(3):totable())
      if not place[key] then
        local seen = 0
        for _ in pairs(place) do seen = seen + 1 end
        place[key] = seen + 1
      end
      counts[place[key]] = counts[place[key]] + 1
    end
    assert.is_true(chi_square(counts, n / 6) < chi_bound(5))
  end)
end)

describe("bernoulli", function()
  it("is 1 as often as asked", function()
    core.manual_seed(9)
    local n <const> = 20000
    for _, dtype in ipairs { "float32", "float64" } do
      for _, p in ipairs { 0.1, 0.5, 0.9 } do
        local drawn <const> = core.full({ n }, p, { dtype = dtype }):bernoulli()
        assert.equal(dtype, drawn.dtype)
        assert.near(p, (moments(flat(drawn))), 4.4 * math.sqrt(p * (1 - p) / n))
      end
    end
    assert.same({ 0, 1, 0, 1 }, core.tensor({ 0, 1, 0, 1 }):bernoulli():totable())
  end)
end)

describe("dropout", function()
  it("keeps the mean, and what it keeps it scales", function()
    core.manual_seed(10)
    local n <const>, kept = 20000, 0
    for _, y in ipairs(core.ones(n):dropout(0.2):totable()) do
      assert.is_true(y == 0 or math.abs(y - 1.25) < 1e-6)
      kept = kept + (y ~= 0 and 1 or 0)
    end
    assert.near(0.8 * n, kept, 4.4 * math.sqrt(n * 0.16))
  end)

  it("drops the same elements in every dtype, on every instruction set, traced or not", function()
    local expected
    on_every_isa(function(isa)
      for _, dtype in ipairs { "float32", "float64" } do
        for _, traced in ipairs { true, false } do
          core.manual_seed(11)
          local x <const> = core.ones(3000, { dtype = dtype, requires_grad = traced })
          local y <const> = x:dropout(0.5):totable()
          expected = expected or y
          assert.same(expected, y, ("%s, %s on %s"):format(dtype, tostring(traced), isa))
        end
      end
    end)
  end)

  it("sends gradients the way of the values", function()
    core.manual_seed(12)
    local x <const> = core.ones(100, { requires_grad = true })
    local y <const> = x:dropout(0.75)
    y:sum():backward()
    assert.same(y:totable(), x.grad:totable())
  end)

  it("drops what is not a number", function()
    core.manual_seed(13)
    local zeros = 0
    for _, y in ipairs(core.full({ 1000 }, 0 / 0):dropout(0.5):totable()) do
      zeros = zeros + (y == 0 and 1 or 0)
    end
    assert.near(500, zeros, 4.4 * math.sqrt(250))
  end)
end)

describe("drawing into a tensor", function()
  it("writes through a view and nowhere else", function()
    local x <const> = core.zeros(3, 4)
    core.manual_seed(14)
    x:slice(2, 2, 3):uniform_(1, 2)
    core.manual_seed(14)
    local plain <const> = core.zeros(3, 2):uniform_(1, 2):totable()
    for i = 1, 3 do
      assert.same({ 0, plain[i][1], plain[i][2], 0 }, x[i]:totable())
    end
  end)

  it("is refused for a leaf that wants a gradient, outside no_grad", function()
    local w <const> = core.zeros(3, { requires_grad = true })
    assert.has_error(function() w:normal_() end)
    do
      local _ <close> = core.no_grad_scope()
      w:normal_()
    end
    assert.is_true(w.requires_grad)
    assert.is_not.same({ 0, 0, 0 }, w:totable())
  end)
end)
