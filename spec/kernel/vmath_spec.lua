--- The float32 functions of src/kernel/vmath.inc on every instruction set, against libm's float64
--- (the same operation on a float64 tensor): the largest error in units of the last place over bit
--- patterns spread evenly over all of float32, and densely where functions bend. The bounds are
--- those that vmath.inc states.
local core <const> = require "mlp.core"

local isas <const> = {}
for _, name in ipairs{ "generic", "avx2", "avx512" } do
  if core.debug.isa(name) then isas[#isas + 1] = name end
end

local NAN <const>, INF <const> = 0 / 0, math.huge

--- Every 1,000,003rd bit pattern, and 4,000 points from -12 to 12.
local function sweep()
  local packed, pack = {}, string.pack
  for bits = 0, 0xFFFFFFFF, 1000003 do packed[#packed + 1] = pack("<I4", bits) end
  for i = 1, 4000 do packed[#packed + 1] = pack("<f", (i - 2000.5) * 0.006) end
  return core.frombytes(table.concat(packed), "float32", { #packed })
end

local function read(x, format)
  local bytes, flat, at = x:tobytes(), {}, 1
  for i = 1, x:numel() do flat[i], at = string.unpack(format, bytes, at) end
  return flat
end

--- The distance between float32 numbers next to x: 2^-149 among the denormal ones.
local function ulp(x)
  local exponent = -126
  if x ~= 0 then
    local size <const> = math.abs(x)
    exponent = math.max((string.unpack("<I8", string.pack("<d", size)) >> 52) - 1023, -126)
  end
  return 2.0 ^ (exponent - 23)
end

local LARGEST <const> = 0x1.fffffep127

--- How far y, a float32, is from the true value, in ulp; infinite when NaN or infinity disagree.
local function distance(y, truth)
  if truth ~= truth or y ~= y then return (truth ~= truth) == (y ~= y) and 0 or INF end
  if math.abs(y) == INF then
    return (y > 0) == (truth > 0) and math.abs(truth) > LARGEST and 0 or INF
  end
  if math.abs(truth) >= LARGEST + ulp(LARGEST) / 2 then return INF end
  return math.abs(y - truth) / ulp(truth)
end

local function worst_of(x, single, double)
  local inputs <const>, got <const> = read(x, "<f"), read(single, "<f")
  local truth <const> = read(double, "<d")
  local worst, place = 0, 1
  for i = 1, #got do
    local d <const> = distance(got[i], truth[i])
    if d > worst then worst, place = d, i end
  end
  return worst, ("%a gives %a, wanted %a"):format(inputs[place], got[place], truth[place])
end

local BOUNDS <const> = {
  exp = 1, expm1 = 2, log = 1, log1p = 2, log2 = 1.5, log10 = 2, sigmoid = 2.5, tanh = 3, erf = 2,
  sin = 1.5, cos = 1.5, tan = 3.1, asin = 2.5, acos = 1.5, atan = 1.5, sinh = 2, cosh = 1.5,
  softplus = 2, sqrt = 0.5, reciprocal = 0.5, floor = 0, ceil = 0, round = 0, trunc = 0,
}

local function on_every_isa(f)
  for _, isa in ipairs(isas) do
    core.debug.isa(isa)
    f(isa)
  end
end

describe("float32 mathematics", function()
  local x <const> = sweep()
  local x64 <const> = x:to("float64")

  after_each(function() core.debug.isa(isas[#isas]) end)

  for name, bound in pairs(BOUNDS) do
    it(("%s is within %g ulp"):format(name, bound), function()
      local truth <const> = core[name](x64)
      on_every_isa(function(isa)
        local worst <const>, where <const> = worst_of(x, core[name](x), truth)
        assert.is_true(worst <= bound, ("%s on %s: %.3f ulp: %s"):format(name, isa, worst, where))
      end)
    end)
  end

  it("pow is within 1 ulp", function()
    for _, b in ipairs{ -2.5, -2, -1, 0.3333, 0.5, 1, 3, 7, 8, 0x1p24 } do
      local exponent <const> = core.tensor{ b } -- as float32 has it
      local truth <const> = x64:pow(exponent:to("float64"))
      on_every_isa(function(isa)
        local worst <const>, where <const> = worst_of(x, x:pow(exponent), truth)
        assert.is_true(worst <= 1, ("x^%g on %s: %.3f ulp: %s"):format(b, isa, worst, where))
      end)
    end
  end)

  it("atan2 is within 2 ulp in every quadrant", function()
    local n <const> = x:numel()
    local y <const> = core.cat({ x:slice(1, n // 2, n), x:slice(1, 1, n // 2 - 1) }, 1)
    local truth <const> = y:to("float64"):atan2(x64)
    on_every_isa(function(isa)
      local worst <const>, where <const> = worst_of(x, y:atan2(x), truth)
      assert.is_true(worst <= 2, ("atan2 on %s: %.3f ulp: %s"):format(isa, worst, where))
    end)
  end)

  it("a sine of omega x rounds nothing before the sine", function()
    local moderate <const> = core.linspace(-300, 300, 6001)
    local truth <const> = moderate:to("float64"):mul(30):sin()
    on_every_isa(function(isa)
      local worst <const>, where <const> = worst_of(moderate, moderate:sine(30), truth)
      assert.is_true(worst <= 1.5, ("sine on %s: %.3f ulp: %s"):format(isa, worst, where))
    end)
  end)

  it("keeps the signs of zeros", function()
    local zero <const> = core.tensor{ -0.0, 0.0 }
    for _, name in ipairs{ "sin", "tan", "asin", "atan", "sinh", "tanh", "erf", "expm1", "log1p",
      "sqrt", "floor", "ceil", "round", "trunc" } do
      on_every_isa(function(isa)
        local y <const> = core[name](zero):totable()
        assert.equal(-INF, 1 / y[1], ("%s(-0) on %s"):format(name, isa))
        assert.equal(INF, 1 / y[2], ("%s(0) on %s"):format(name, isa))
      end)
    end
  end)

  it("gives denormal numbers their digits", function()
    on_every_isa(function()
      assert.equal(0x1p-149 * 27, core.tensor{ -100 }:exp():item())
      assert.equal(-140.0, core.tensor{ 0x1p-140 }:log2():item())
      assert.equal(0x1p-140, core.tensor{ 0x1p-140 }:tanh():item())
      assert.equal(0x1p-140, core.tensor{ 0x1p-70 }:pow(2):item())
    end)
  end)

  it("maximum and minimum hand a NaN on, whichever side it is on", function()
    local a <const>, b <const> = core.tensor{ NAN, 1, INF }, core.tensor{ 1, NAN, -INF }
    on_every_isa(function()
      for _, name in ipairs{ "maximum", "minimum" } do
        local y <const> = core[name](a, b):totable()
        assert.is_true(y[1] ~= y[1] and y[2] ~= y[2], name)
        assert.equal(name == "maximum" and INF or -INF, y[3])
      end
    end)
  end)
end)
