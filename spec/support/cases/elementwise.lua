--- Elementwise operations: functions of one number, of two, comparisons, logic, choice, conversion.
local R <const> = require "spec.support.reference"

local abs <const>, exp <const>, log <const>, sqrt <const> = math.abs, math.exp, math.log, math.sqrt
local NAN <const>, INF <const>, PI <const> = 0 / 0, math.huge, math.pi

--- ---- what Lua's math library lacks -----------------------------------------------------------

--- Corrects the rounding of 1 + x (Kahan).
local function log1p(x)
  local u <const> = 1 + x
  return u == 1 and x or log(u) * x / (u - 1)
end

local function expm1(x)
  local u <const> = exp(x)
  if u == 1 then return x end
  return u - 1 == -1 and -1.0 or (u - 1) * x / log(u)
end

local function tanh(x)
  local t <const> = expm1(2 * abs(x))
  local y <const> = t / (t + 2)
  return x < 0 and -y or y
end

--- By its series; the terms alternate and grow up to e^(x^2), which costs digits beyond |x| = 2.
local function erf(x)
  local term, total, k = x, x, 0
  repeat
    k = k + 1
    term = -term * x * x / k
    total = total + term / (2 * k + 1)
  until abs(term) <= 1e-18 * abs(total)
  return 2 / sqrt(PI) * total
end

local function sigmoid(x) return 1 / (1 + exp(-x)) end
local function softplus(x) return math.max(x, 0) + log1p(exp(-abs(x))) end
local function sign(x) return x > 0 and 1 or x < 0 and -1 or 0 end

local function round_half_even(x)
  local low <const> = math.floor(x)
  local rest <const> = x - low
  if rest ~= 0.5 then return rest < 0.5 and low or low + 1 end
  return low % 2 == 0 and low or low + 1
end

local function trunc(x) return x < 0 and math.ceil(x) or math.floor(x) end

--- ---- one number --------------------------------------------------------------------------------

local cases <const> = {}

local function add(case) cases[#cases + 1] = case end

local SHAPES <const> = { {}, { 5 }, { 1, 3 }, { 0, 4 }, { 67 }, { 3, 1, 6 } }

--- A function of one number: f(x, parameters...). `extra` are further fields of the row.
local function unary(op, f, extra)
  local case <const> = {
    op = op, shapes = SHAPES, covers = { "unary_chain" },
    args = function(make, shape) return { make(shape) } end,
    reference = function(x) return R.map(f, x) end,
  }
  for field, value in pairs(extra or {}) do case[field] = value end
  add(case)
end

--- The same with parameters after the tensor.
local function with_parameters(op, name, parameters, f, extra)
  extra = extra or {}
  extra.name = name
  extra.shapes = { { 5 }, { 2, 9 } }
  extra.args = function(make, shape) return { make(shape), table.unpack(parameters) } end
  extra.reference = function(x)
    return R.map(function(value) return f(value, table.unpack(parameters)) end, x)
  end
  unary(op, f, extra)
end

--- Values at points of interest, without derivatives.
local function at(op, name, points, f, dtypes)
  add{
    op = op, name = name, grad = {}, dtypes = dtypes,
    args = function(make) return { make.values(points) } end,
    reference = function(x) return R.map(f, x) end,
  }
end

local CONSTANT <const> = {} -- a slope that does not depend on x: nothing internal is reached
local function constant(kinks) return { kinks = kinks, covers = CONSTANT } end
local WHOLE <const>, HALVES <const> = { -2, -1, 0, 1, 2 }, { -1.5, -0.5, 0.5, 1.5 }

unary("identity", function(x) return x end, constant())
unary("neg", function(x) return -x end, constant())
unary("sign", sign, constant{ 0 })
unary("floor", math.floor, constant(WHOLE))
unary("ceil", math.ceil, constant(WHOLE))
unary("round", round_half_even, constant(HALVES))
unary("trunc", trunc, constant(WHOLE))
unary("step", function(x) return x > 0 and 1 or 0 end, constant{ 0 })
unary("abs", abs, { kinks = { 0 } })
unary("square", function(x) return x * x end)
unary("sqrt", sqrt, { range = { 0.3, 4 } })
unary("rsqrt", function(x) return 1 / sqrt(x) end, { range = { 0.3, 4 } })
unary("reciprocal", function(x) return 1 / x end, { range = { 0.3, 2 } })
unary("exp", exp)
unary("expm1", expm1)
unary("log", log, { range = { 0.3, 4 } })
unary("log1p", log1p, { range = { -0.7, 3 } })
unary("log2", function(x) return log(x, 2) end, { range = { 0.3, 4 } })
unary("log10", function(x) return log(x, 10) end, { range = { 0.3, 4 } })
unary("sin", math.sin, { range = { -7, 7 } })
unary("cos", math.cos, { range = { -7, 7 } })
unary("tan", math.tan, { range = { -1.2, 1.2 } })
unary("asin", math.asin, { range = { -0.9, 0.9 } })
unary("acos", math.acos, { range = { -0.9, 0.9 } })
unary("atan", math.atan)
unary("sinh", function(x) return (exp(x) - exp(-x)) / 2 end)
unary("cosh", function(x) return (exp(x) + exp(-x)) / 2 end)
unary("tanh", tanh)
unary("erf", erf)
unary("sigmoid", sigmoid, { range = { -5, 5 } })
unary("log_sigmoid", function(x) return -softplus(-x) end, { range = { -5, 5 } })
unary("relu", function(x) return math.max(x, 0) end, { kinks = { 0 } })
unary("leaky_relu", function(x) return x > 0 and x or 0.01 * x end, { kinks = { 0 } })
unary("elu", function(x) return x > 0 and x or expm1(x) end, { kinks = { 0 } })
unary("softplus", softplus, { range = { -5, 5 } })
unary("gelu", function(x) return x / 2 * (1 + erf(x / sqrt(2))) end)
unary("gelu_tanh", function(x)
  return x / 2 * (1 + tanh(sqrt(2 / PI) * (x + 0.044715 * x ^ 3)))
end)
unary("silu", function(x) return x * sigmoid(x) end)
unary("sine", math.sin)
unary("gaussian", function(x) return exp(-x * x / 2) end)
unary("power", function(x) return x * x end)
unary("clamp", function(x) return x end)

local function gate_of_mish(x) return x * tanh(softplus(x)) end
local function hard_sigmoid(x) return math.min(math.max(x + 3, 0), 6) / 6 end
local SELU_SCALE <const>, SELU_ALPHA <const> = 1.0507009873554805, 1.6732632423543772

unary("relu6", function(x) return math.min(math.max(x, 0), 6) end, {
  range = { -8, 8 }, kinks = { 0, 6 } })
unary("squared_relu", function(x) return math.max(x, 0) ^ 2 end, { kinks = { 0 } })
unary("selu", function(x)
  return SELU_SCALE * (x > 0 and x or SELU_ALPHA * expm1(x))
end, { kinks = { 0 } })
unary("celu", function(x) return x > 0 and x or expm1(x) end, { kinks = { 0 } })
unary("softsign", function(x) return x / (1 + abs(x)) end, { kinks = { 0 } })
unary("mish", gate_of_mish, { range = { -5, 5 } })
unary("hard_sigmoid", hard_sigmoid, { range = { -5, 5 }, kinks = { -3, 3 } })
unary("hard_tanh", function(x) return math.min(math.max(x, -1), 1) end, { kinks = { -1, 1 } })
unary("hard_swish", function(x) return x * hard_sigmoid(x) end, {
  range = { -5, 5 }, kinks = { -3, 3 } })
unary("snake", function(x) return x + math.sin(x) ^ 2 end)

with_parameters("leaky_relu", "0.3", { 0.3 }, function(x, slope)
  return x > 0 and x or slope * x
end, { kinks = { 0 } })
with_parameters("elu", "1.7", { 1.7 }, function(x, alpha)
  return x > 0 and x or alpha * expm1(x)
end, { kinks = { 0 } })
with_parameters("celu", "1.7", { 1.7 }, function(x, alpha)
  return x > 0 and x or alpha * expm1(x / alpha)
end, { kinks = { 0 } })
with_parameters("snake", "3", { 3 }, function(x, omega)
  return x + math.sin(omega * x) ^ 2 / omega
end)
with_parameters("softplus", "2.5", { 2.5 }, function(x, beta) return softplus(beta * x) / beta end)
with_parameters("sine", "omega 30", { 30 }, function(x, omega) return math.sin(omega * x) end, {
  tolerance64 = 1e-11, reason = "30 x is rounded before libm takes its sine" })
with_parameters("gaussian", "0.5", { 0.5 }, function(x, sigma) return exp(-(x / sigma) ^ 2 / 2) end)
with_parameters("clamp", "both", { -1, 0.5 }, function(x, low, high)
  return math.min(math.max(x, low), high)
end, { kinks = { -1, 0.5 } })
with_parameters("clamp", "below", { -0.25 }, math.max, { kinks = { -0.25 } })
for _, k in ipairs{ 0, 1, 3, 4, -1 } do
  with_parameters("power", tostring(k), { k }, function(x) return x ^ k end, { kinks = { 0 } })
end
with_parameters("power", "2.5", { 2.5 }, function(x) return x ^ 2.5 end, { range = { 0.3, 2 } })

at("round", "halves", { -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5 }, round_half_even)
at("step", "at 0", { -1e-30, 0.0, 1e-30 }, function(x) return x > 0 and 1 or 0 end)
at("relu", "NaN stays", { -1, NAN, 2 }, function(x) return x ~= x and x or math.max(x, 0) end)
at("clamp", "NaN stays", { -INF, NAN, INF }, function(x) return x end)
at("softplus", "far", { -800, -90, 90, 800 }, softplus)
at("log_sigmoid", "far", { -800, -90, 90, 800 }, function(x) return -softplus(-x) end)
at("sigmoid", "far", { -INF, -800, 800, INF }, sigmoid)
at("tanh", "far", { -INF, -30, 30, INF }, function(x) return x > 0 and 1 or -1 end)
at("mish", "far", { -800, -90, 90, 800, INF }, function(x) return math.max(x, 0) end)
at("selu", "far", { -INF, -800, 800, INF }, function(x)
  return SELU_SCALE * (x > 0 and x or -SELU_ALPHA)
end)
at("hard_swish", "ends", { -INF, -3, 0.0, 3, INF, NAN }, function(x)
  return x ~= x and x or x <= -3 and 0 or x
end)
for _, op in ipairs { "relu6", "hard_sigmoid", "hard_tanh" } do
  at(op, "ends", { -INF, INF, NAN }, function(x)
    return x ~= x and x or x > 0 and (op == "relu6" and 6 or 1) or (op == "hard_tanh" and -1 or 0)
  end)
end
at("snake", "far angles", { 1e3, -1e4, 1e6, 3e7 }, function(x) return x + math.sin(x) ^ 2 end)
at("sin", "far angles", { 1e3, -1e4, 1e6, 3e7, -1e15 }, math.sin)
at("cos", "far angles", { 1e3, -1e4, 1e6, 3e7, -1e15 }, math.cos)
at("exp", "ends", { -INF, -1000, 1000, INF, NAN }, exp)
at("log", "ends", { 0.0, INF, -1, NAN, 1e-40 }, log, { "float64" })

for op, f in pairs{ neg = function(x) return -x end, abs = abs, sign = sign,
  square = function(x) return x * x end, identity = function(x) return x end,
  relu = function(x) return math.max(x, 0) end } do
  at(op, "whole numbers", { -3, -1, 0, 2, 7 }, f, { "int64" })
end

local function refused(op, name, args, message)
  add{ op = op, name = name, args = args, error = message }
end

refused("exp", "whole numbers", function(make) return { make.values({ 1, 2 }, "int64") } end,
  "exp: input is int64 but float32 or float64 is wanted")
refused("softplus", "beta 0", function(make) return { make{ 2 }, 0 } end,
  "softplus: beta is 0 but more than 0 is wanted")
refused("celu", "alpha 0", function(make) return { make{ 2 }, 0 } end,
  "celu: alpha is 0 but more than 0 is wanted")
refused("snake", "omega 0", function(make) return { make{ 2 }, 0 } end,
  "snake: omega is 0 but more than 0 is wanted")
refused("gaussian", "negative width", function(make) return { make{ 2 }, -1 } end,
  "gaussian: sigma is -1 but more than 0 is wanted")

--- ---- two numbers -------------------------------------------------------------------------------

--- Shapes of a and of b; a number in place of a shape is passed as that number.
local PAIRS <const> = {
  { {}, {} }, { { 5 }, { 5 } }, { { 4, 5 }, { 5 } }, { { 3, 1 }, { 1, 4 } }, { { 2, 3 }, {} },
  { {}, { 67 } }, { { 2, 1, 3 }, { 4, 1 } }, { { 0, 4 }, { 4 } }, { { 3, 70 }, { 3, 1 } },
  { { 7 }, 1.5 }, { 1.5, { 7 } },
}

--- f(a, b); `extra.ranges` are those of a and b.
local function binary(op, f, extra)
  extra = extra or {}
  local ranges <const> = extra.ranges or {}
  extra.ranges = nil
  local case <const> = {
    op = op, shapes = PAIRS,
    args = function(make, pair)
      local args = {}
      for k, shape in ipairs(pair) do
        args[k] = type(shape) == "number" and shape or make(shape, { range = ranges[k] })
      end
      return args
    end,
    out = function(pair)
      local a <const> = type(pair[1]) == "table" and pair[1] or {}
      local b <const> = type(pair[2]) == "table" and pair[2] or {}
      local out, n = {}, math.max(#a, #b)
      for k = 1, n do
        local p <const>, q <const> = a[k - n + #a] or 1, b[k - n + #b] or 1
        out[k] = p == 1 and q or p
      end
      return { out }
    end,
    reference = function(a, b) return R.zip(f, a, b) end,
  }
  for field, value in pairs(extra) do case[field] = value end
  add(case)
end

--- Given values, no derivatives: a and b are nested tables or numbers.
local function between(op, name, a, b, f, dtypes)
  add{
    op = op, name = name, grad = {}, dtypes = dtypes,
    args = function(make)
      local function operand(x) return type(x) == "table" and make.values(x) or x end
      return { operand(a), operand(b) }
    end,
    reference = function(x, y) return R.zip(f, x, y) end,
  }
end

local function plus(a, b) return a + b end
local function minus(a, b) return a - b end
local function times(a, b) return a * b end
local function power(a, b) return a ^ b end
local function floor_divide(a, b) return a // b end
local function remainder(a, b) return a % b end
local function larger(a, b) return a ~= a and a or b ~= b and b or math.max(a, b) end
local function smaller(a, b) return a ~= a and a or b ~= b and b or math.min(a, b) end

binary("add", plus)
binary("sub", minus)
binary("mul", times)
binary("div", function(a, b) return a / b end, { ranges = { { -2, 2 }, { 0.4, 2 } } })
binary("pow", power, { ranges = { { 0.3, 2 }, { -2, 3 } },
  covers = { "pow_a", "pow_b" } })
binary("atan2", math.atan, { ranges = { { 0.3, 2 }, { -2, 2 } } })
binary("floor_divide", floor_divide, { ranges = { { -7, 7 }, { 0.3, 2 } } })
binary("remainder", remainder, {
  shapes = { { { 5 }, { 5 } }, { { 4, 5 }, { 5 } }, { { 0, 4 }, { 4 } } },
  ranges = { { 5.1, 5.9 }, { 2.1, 2.4 } } })

for columns = 1, 5 do -- rows of so few are gathered, and what repeats is doubled
  add{ op = "mul", name = ("%d columns"):format(columns), grad = {},
    dtypes = { "float32", "float64", "int64", "uint8" },
    args = function(make)
      return { make({ 3, 1, columns }, { range = { 0, 9 } }),
        make({ 3, 37, 1 }, { range = { 0, 9 } }) }
    end,
    reference = function(a, b) return R.zip(times, a, b) end }
end

--- A step aside, so that no two numbers of the grid that make draws from are equal.
local function apart(make, pair) return make(pair[1]), make(pair[2]):add(1 / 4096) end

for op, f in pairs{ maximum = larger, minimum = smaller } do
  binary(op, f, {
    shapes = { { {}, {} }, { { 5 }, { 5 } }, { { 3, 1 }, { 1, 4 } }, { { 0, 4 }, { 4 } } },
    args = function(make, pair) return { apart(make, pair) } end })
  add{ op = op, name = "ties share the gradient", smooth = false,
    reason = "the slope jumps where the operands are equal",
    args = function(make) return { make.values{ 1, 2, 3 }, make.values{ 1, 5, 3 } } end,
    reference = function(a, b) return R.zip(f, a, b) end }
  between(op, "NaN wins", { NAN, 1, INF, NAN }, { 1, NAN, -INF, NAN }, f)
  between(op, "whole numbers", { -3, 2, 7 }, { 4, 2, -9 }, f, { "int64" })
end

binary("share_of_max", function(a, b) return a > b and 1 or a < b and 0 or 0.5 end)

--- The second derivatives of a^b end the chain: they are read, not differentiated.
for op, f in pairs{
  pow_aa = function(a, b) return b * (b - 1) * a ^ (b - 2) end,
  pow_ab = function(a, b) return a ^ (b - 1) * (1 + b * log(a)) end,
  pow_bb = function(a, b) return a ^ b * log(a) ^ 2 end,
} do
  binary(op, f, { grad = {}, ranges = { { 0.3, 2 }, { -2, 3 } } })
end
between("pow_aa", "whole exponents at 0", { 0.0, 0.0, 0.0, 0.0 }, { 0, 1, 2, 3 }, function(_, b)
  return b == 2 and 2 or 0
end)

between("pow", "negative bases", { -2, -1.5, -1, 0.0, 3 }, 3, power)
between("pow", "squares", { -2, -1.5, -1, 0.0, 3 }, 2, power)
between("pow", "ends", { 0.0, 0.0, 2, 1, NAN, -8, INF }, { 0.0, -1, INF, NAN, 0.0, 1 / 3, -1 },
  power)
between("pow", "whole numbers", { -2, 3, 0, 7, 10 }, { 3, 4, 0, 1, 18 }, function(a, b)
  return math.tointeger(a ^ b)
end, { "int64" })
add{ op = "pow", name = "gradient at 0", smooth = false,
  reason = "the second derivative of x^b at 0 is infinite for some b",
  args = function(make) return { make.values{ 0.0, 0.0, 0.0 }, make.values{ 2, 3, 1 } } end,
  grad = { 1 }, reference = function(a, b) return R.zip(power, a, b) end }
between("add", "whole numbers", { 1, -5, math.maxinteger }, { 2, 3, 1 }, plus, { "int64" })
between("sub", "whole numbers", { 1, -5, math.mininteger }, { 2, 3, 1 }, minus, { "int64" })
between("mul", "whole numbers", { 4, -5, 1 << 62 }, { 2, 3, 2 }, times, { "int64" })
between("add", "bytes wrap", { 200, 255, 3 }, { 100, 1, 4 }, function(a, b)
  return (a + b) & 255
end, { "uint8" })
between("sub", "bytes wrap", { 5, 7 }, { 6, 7 }, function(a, b)
  return (a - b) & 255
end, { "uint8" })
between("remainder", "signs", { 5.5, -5.5, 5.5, -5.5, 6.0 }, { 3, 3, -3, -3, 3 }, remainder)
between("remainder", "infinities", { 5, -5, 5, -5 }, { INF, INF, -INF, -INF }, remainder)
for op, f in pairs{ floor_divide = floor_divide, remainder = remainder } do
  between(op, "whole numbers", { 7, -7, 7, -7, math.mininteger }, { 3, 3, -3, -3, -1 }, f,
    { "int64" })
  between(op, "bytes", { 7, 200, 255 }, { 3, 7, 255 }, f, { "uint8" })
end
between("atan2", "quadrants", { 1, 1, -1, -1, 0.0, 0.0, 0.0, -2 },
  { 1, -1, 1, -1, 1, -1, 0.0, 0.0 }, math.atan)

refused("add", "dtypes mix", function(make)
  return { make{ 2 }, make({ 2 }, { dtype = "int64" }) }
end, "add: b is int64 but a is float32")
refused("add", "shapes", function(make) return { make{ 2, 3 }, make{ 4 } } end,
  "add: shapes (2, 3) and (4,) do not broadcast: axis 2 is 3 against 4")
refused("div", "whole numbers", function(make)
  return { make.values({ 1 }, "int64"), make.values({ 2 }, "int64") }
end, "div: a is int64 but float32 or float64 is wanted")
refused("remainder", "divisor 0", function(make)
  return { make.values({ 1, 2 }, "int64"), make.values({ { 1, 1 }, { 1, 0 } }, "int64") }
end, "remainder: b[2, 2] is 0")
refused("floor_divide", "divisor 0", function(make) return { make.values({ 1 }, "int64"), 0 } end,
  "floor_divide: b is 0")
refused("pow", "negative whole exponent", function(make)
  return { make.values({ 1, 2 }, "int64"), make.values({ 1, -2 }, "int64") }
end, "pow: b[2] is negative")

--- ---- comparison and logic ----------------------------------------------------------------------

for op, f in pairs{
  lt = function(a, b) return a < b end, le = function(a, b) return a <= b end,
  gt = function(a, b) return a > b end, ge = function(a, b) return a >= b end,
  eq = function(a, b) return a == b end, ne = function(a, b) return a ~= b end,
} do
  binary(op, f, { dtypes = { "float64", "float32", "int64", "uint8" },
    args = function(make, pair)
      local args = {}
      for k, shape in ipairs(pair) do
        args[k] = type(shape) == "number" and 2 or make.index(shape, 4):to(make.dtype)
      end
      return args
    end,
    shapes = { { {}, {} }, { { 67 }, { 67 } }, { { 3, 1 }, { 1, 4 } }, { { 0, 4 }, { 4 } },
      { { 9 }, 2 }, { 2, { 9 } } } })
  between(op, "NaN", { NAN, 1, NAN }, { 1, NAN, NAN }, f)
end
refused("lt", "dtypes mix", function(make)
  return { make{ 2 }, make({ 2 }, { dtype = "int64" }) }
end, "lt: b is int64 but a is float32")

local BYTES <const> = { "uint8" }
local LEFT <const>, RIGHT <const> = { 0, 0, 1, 1, 5, 0 }, { 0, 1, 0, 1, 2, 200 }
local function is(x) return x ~= 0 end
for op, f in pairs{
  logical_and = function(a, b) return is(a) and is(b) end,
  logical_or = function(a, b) return is(a) or is(b) end,
  logical_xor = function(a, b) return is(a) ~= is(b) end,
} do
  between(op, nil, LEFT, RIGHT, f, BYTES)
  add{ op = op, name = "broadcast", dtypes = BYTES, out = { { 0, 3 } },
    args = function(make) return { make.mask{ 0, 1 }, make.mask{ 3 } } end,
    check = function() end }
  refused(op, "floats", function(make) return { make{ 2 }, make{ 2 } } end,
    op .. ": a is float32 but uint8 is wanted")
end
add{ op = "logical_not", shapes = { {}, { 0 }, { 67 } }, dtypes = BYTES,
  args = function(make, shape) return { make.mask(shape) } end,
  reference = function(x) return R.map(function(v) return v == 0 end, x) end }

for op, f in pairs{
  isnan = function(x) return x ~= x end,
  isinf = function(x) return abs(x) == INF end,
  isfinite = function(x) return abs(x) < INF end,
} do
  add{ op = op, shapes = { {}, { 0, 2 }, { 40 } },
    args = function(make, shape) return { make(shape) } end,
    reference = function(x) return R.map(f, x) end }
  at(op, "ends", { NAN, INF, -INF, 0.0, 3 }, f)
end

--- ---- choice and conversion ---------------------------------------------------------------------

local function choose(mask, a, b) if is(mask) then return a end return b end

add{ op = "where", shapes = { {}, { 5 }, { 0, 3 }, { 67 } },
  args = function(make, shape) return { make.mask(shape), make(shape), make(shape) } end,
  reference = function(mask, a, b) return R.zip(choose, mask, a, b) end }
add{ op = "where", name = "broadcast", out = { { 3, 4 } },
  args = function(make) return { make.mask{ 3, 1 }, make{ 4 }, make{} } end,
  reference = function(mask, a, b) return R.zip(choose, mask, a, b) end }
add{ op = "where", name = "numbers",
  args = function(make) return { make.mask{ 3, 4 }, make{ 3, 4 }, -1.5 } end,
  reference = function(mask, a, b) return R.zip(choose, mask, a, b) end }
add{ op = "where", name = "whole numbers", dtypes = { "int64", "uint8" },
  args = function(make) return { make.mask{ 9 }, 3, make({ 9 }, { range = { 0, 9 } }) } end,
  reference = function(mask, a, b) return R.zip(choose, mask, a, b) end }
refused("where", "mask of floats", function(make) return { make{ 2 }, make{ 2 }, make{ 2 } } end,
  "where: mask is float32 but uint8 is wanted")

local function filled(x, mask, value)
  return R.zip(function(a, m) return choose(m, value, a) end, x, mask)
end
add{ op = "masked_fill", shapes = { {}, { 5 }, { 0, 3 }, { 67 } },
  args = function(make, shape) return { make(shape), make.mask(shape), -3.5 } end,
  reference = filled }
add{ op = "masked_fill", name = "infinity", grad = {},
  args = function(make) return { make{ 5 }, make.mask{ 5 }, -INF } end, reference = filled }
add{ op = "masked_fill", name = "broadcast",
  args = function(make) return { make{ 3, 4 }, make.mask{ 4 }, 2.5 } end, reference = filled }
add{ op = "masked_fill", name = "whole numbers", dtypes = { "int64", "uint8" },
  args = function(make) return { make({ 9 }, { range = { 0, 9 } }), make.mask{ 9 }, 7 } end,
  reference = filled }
refused("masked_fill", "value does not fit", function(make)
  return { make.values({ 1 }, "int64"), make.values({ 1 }, "uint8"), 1.5 }
end, "masked_fill: value is 1.5 but the tensor is int64")

for _, from in ipairs{ "float64", "float32", "int64", "uint8" } do
  for _, target in ipairs{ "float64", "float32", "int64", "uint8" } do
    local whole <const> = target == "int64" or target == "uint8"
    add{ op = "to", name = from .. " to " .. target, dtypes = { from },
      shapes = { {}, { 0, 2 }, { 3, 5 }, { 67 } }, grad = from ~= target and {} or nil,
      args = function(make, shape) return { make(shape, { range = { 0, 9 } }), target } end,
      reference = function(x) return R.map(function(v) return whole and trunc(v) or v end, x) end }
  end
end

local function to_dtype(values, from, target)
  return function(make) return { make.values(values, from), target } end
end
add{ op = "to", name = "fractions are dropped", dtypes = { "float64", "float32" }, grad = {},
  args = function(make) return { make.values{ -2.7, -0.5, 0.5, 2.7 }, "int64" } end,
  reference = function(x) return R.map(trunc, x) end }
refused("to", "NaN", to_dtype({ { 1, 2 }, { NAN, 4 } }, "float32", "int64"),
  "to: input[2, 1] is NaN, which int64 cannot hold")
refused("to", "out of range", to_dtype({ 3, 300 }, "int64", "uint8"),
  "to: input[2] is 300, which uint8 cannot hold")
refused("to", "beyond int64", to_dtype({ 1e30 }, "float64", "int64"),
  "to: input[1] is 1e+30, which int64 cannot hold")

return cases
