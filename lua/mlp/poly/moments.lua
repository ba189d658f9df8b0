--- What an activation s does to a normal pre-activation y = m + s Z: the coefficients of its
--- expansion in Hermite polynomials,
---
---     c_n = E[s(m + s Z) He_n(Z)],      E s^(n)(y) = c_n / s^n   (Stein),
---     s(m + s Z) = sum over n of c_n He_n(Z) / n!.
---
--- Most activations have them in closed form; the others are integrated numerically.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local quadrature <const> = require "mlp.poly.quadrature"

local moments = {}

-- ---- the normal distribution --------------------------------------------------------------------

--- Phi(h), the distribution function.
---@param h mlp.Tensor
---@return mlp.Tensor
---@package
function moments.below(h) return ((h / math.sqrt(2)):erf() + 1) / 2 end

--- The density phi(h) and its derivatives, phi^(n) = (-1)^n He_n phi, as a list from n = 0.
local function bells(h, order)
  local list <const> = { [0] = (h:square() * -0.5):exp() / math.sqrt(2 * math.pi) }
  for n = 0, order - 1 do
    list[n + 1] = -(n > 0 and h * list[n] + list[n - 1] * n or h * list[n])
  end
  return list
end

--- Hermite polynomials (of the probabilists) divided by sqrt(n!), as a list from n = 0.
local function hermite(z, order)
  local list <const> = { [0] = core.public.ones_like(z), z }
  for n = 1, order - 1 do
    list[n + 1] = (z * list[n] - list[n - 1] * math.sqrt(n)) / math.sqrt(n + 1)
  end
  return list
end

--- a u + b v for lists of coefficients.
local function combined(order, a, u, b, v)
  local list <const> = {}
  for n = 0, order do list[n] = u[n] * a + v[n] * b end
  return list
end

-- ---- closed forms -------------------------------------------------------------------------------
-- Each takes m and s (H), the highest order N and the activation's parameter; it answers c_0 ..
-- c_N.

local closed = {}

function closed.power(m, s, order, k)
  local raw <const> = { [0] = core.public.ones_like(m), m } -- E y^j
  for j = 2, k do raw[j] = m * raw[j - 1] + s:square() * raw[j - 2] * (j - 1) end
  local list <const>, falling = {}, 1.0 -- k (k - 1) .. (k - n + 1)
  for n = 0, order do
    list[n] = n <= k and raw[k - n] * s:pow(n) * falling or core.public.zeros_like(m)
    falling = falling * (k - n)
  end
  return list
end

function closed.identity(m, s, order) return closed.power(m, s, order, 1) end
function closed.square(m, s, order) return closed.power(m, s, order, 2) end

--- E s = m Phi(h) + s phi(h), E s' = Phi(h), E s'' = phi(h) / s, h = m / s.
function closed.relu(m, s, order)
  local h <const> = m / s
  local bell <const> = bells(h, order)
  local below <const> = moments.below(h)
  local list <const> = { [0] = m * below + s * bell[0], s * below }
  for n = 2, order do list[n] = s * bell[n - 2] end
  return list
end

function closed.leaky_relu(m, s, order, slope)
  return combined(order, 1 - slope, closed.relu(m, s, order), slope, closed.identity(m, s, order))
end

function closed.abs(m, s, order)
  return combined(order, 2, closed.relu(m, s, order), -1, closed.identity(m, s, order))
end

--- relu(y)^2, whose derivative is 2 relu.
function closed.squared_relu(m, s, order)
  local h <const> = m / s
  local inner <const> = closed.relu(m, s, math.max(order - 1, 0))
  local mean <const> = (m:square() + s:square()) * moments.below(h) + m * s * bells(h, 0)[0]
  local list <const> = { [0] = mean }
  for n = 1, order do list[n] = s * inner[n - 1] * 2 end
  return list
end

-- Straight pieces are sums of relu(y - t), which is relu at the mean m - t.

function closed.relu6(m, s, order)
  return combined(order, 1, closed.relu(m, s, order), -1, closed.relu(m - 6, s, order))
end

function closed.hard_sigmoid(m, s, order)
  return combined(order, 1 / 6, closed.relu(m + 3, s, order), -1 / 6, closed.relu(m - 3, s, order))
end

function closed.hard_tanh(m, s, order)
  local list <const> = combined(order, 1, closed.relu(m + 1, s, order), -1,
    closed.relu(m - 1, s, order))
  list[0] = list[0] - 1
  return list
end

--- y hard_sigmoid(y) = (u^2 - 3 u - v^2 - 3 v) / 6 with u = relu(y + 3), v = relu(y - 3).
function closed.hard_swish(m, s, order)
  local function parts(t)
    return combined(order, 1 / 6, closed.squared_relu(m + t, s, order), -t / 6,
      closed.relu(m + t, s, order))
  end
  return combined(order, 1, parts(3), -1, parts(-3))
end

function closed.step(m, s, order)
  local h <const> = m / s
  local bell <const>, list <const> = bells(h, order), { [0] = moments.below(h) }
  for n = 1, order do list[n] = bell[n - 1] end
  return list
end

--- With d = sqrt(1 + s^2) and u = m / d: E s = m Phi(u) + (s^2 / d) phi(u), and its derivatives in
--- m are E s' = Phi(u) - phi'(u) / d^2 and E s^(n) = d^(1-n) (phi^(n-2) - phi^(n) / d^2)(u).
function closed.gelu(m, s, order)
  local d <const> = (s:square() + 1):sqrt()
  local u <const>, r <const> = m / d, s / d
  local bell <const>, below <const> = bells(u, order + 1), moments.below(u)
  local list <const> = { [0] = m * below + s * r * bell[0], s * (below - bell[1] / d:square()) }
  for n = 2, order do list[n] = d * r:pow(n) * (bell[n - 2] - bell[n] / d:square()) end
  return list
end

function closed.sine(m, s, order, omega)
  local list <const>, shrunk <const> = {}, ((s * omega):square() * -0.5):exp()
  for n = 0, order do
    list[n] = shrunk * (s * omega):pow(n) * (m * omega + n * math.pi / 2):sin()
  end
  return list
end

function closed.sin(m, s, order) return closed.sine(m, s, order, 1) end

--- y + sin(omega y)^2 / omega = y + 1 / (2 omega) - sin(2 omega y + pi / 2) / (2 omega).
function closed.snake(m, s, order, omega)
  local waves <const> = closed.sine(m + math.pi / (4 * omega), s, order, 2 * omega)
  local list <const> = combined(order, 1, closed.identity(m, s, order), -1 / (2 * omega), waves)
  list[0] = list[0] + 1 / (2 * omega)
  return list
end

--- A bell of width sigma, seen through the noise, is one of width tau = sqrt(sigma^2 + s^2).
function closed.gaussian(m, s, order, sigma)
  local tau <const> = (s:square() + sigma ^ 2):sqrt()
  local bell <const>, list <const> = bells(m / tau, order), {}
  local height <const> = sigma * math.sqrt(2 * math.pi) / tau
  for n = 0, order do list[n] = bell[n] * (s / tau):pow(n) * height end
  return list
end

-- ---- what is known of each activation -----------------------------------------------------------

---@class mlp.poly.Activation
---@field name string|function
---@field run fun(y: mlp.Tensor): mlp.Tensor
---@field parameter number?
---@field closed function? c_0 .. c_N in closed form
---@field width number? distance of the nearest singularity from the real axis
---@field kinks number[]? where it is not smooth, ascending; analytic between
---@field lines number[]? of a piecewise linear one: {p, q} in s(y) = p y + q relu(y)

local AT_0 <const>, AT_3 <const> = { 0 }, { -3, 3 }

--- width pi: sigmoid and its kin have a pole at i pi; mish where 1 + e^x = i.
local KNOWN <const> = {
  identity = { width = 4, lines = { 1, 0 } }, relu = { kinks = AT_0, lines = { 0, 1 } },
  abs = { kinks = AT_0, lines = { -1, 2 } }, step = { kinks = AT_0 },
  leaky_relu = { kinks = AT_0, parameter = 0.01,
    lines_of = function(slope) return { slope, 1 - slope } end },
  relu6 = { kinks = { 0, 6 } }, squared_relu = { kinks = AT_0 }, hard_tanh = { kinks = { -1, 1 } },
  hard_sigmoid = { kinks = AT_3 }, hard_swish = { kinks = AT_3 }, softsign = { kinks = AT_0 },
  elu = { kinks = AT_0, parameter = 1 }, celu = { kinks = AT_0, parameter = 1 },
  selu = { kinks = AT_0 }, gelu = { width = 4 }, gelu_tanh = { width = 1.5 },
  sine = { width = 4, parameter = 1, per = true }, sin = { width = 4 }, square = { width = 4 },
  power = { width = 4, parameter = 2 }, gaussian = { width = 4, parameter = 1 },
  sigmoid = { width = math.pi }, log_sigmoid = { width = math.pi }, silu = { width = math.pi },
  tanh = { width = math.pi / 2 }, softplus = { width = math.pi, parameter = 1, per = true },
  mish = { width = 3 * math.pi / 4 }, snake = { width = 2, parameter = 1, per = true },
}

local WANTED <const> = "the name of an activation of one number, {name, parameter} or a function"

local function want_parameter(call, name, parameter)
  if type(parameter) ~= "number" then
    errors.wanted(call, "the parameter of " .. name, parameter, "a number")
  elseif name == "power" and (math.tointeger(parameter) or -1) < 0 then
    errors.wanted(call, "the exponent of power", parameter, "a whole number from 0")
  end
  return name == "power" and math.tointeger(parameter) or parameter
end

--- What is known of an activation: a name, {name, parameter} as in {"leaky_relu", 0.2}, or a smooth
--- function of a tensor.
---@param call string who asks
---@param given any
---@return mlp.poly.Activation
---@package
function moments.activation(call, given)
  if type(given) == "function" then return { name = given, run = given, width = 1 } end
  local name <const> = type(given) == "table" and given[1] or given
  local known <const> = KNOWN[name]
  if not known then
    local guess <const> = type(name) == "string" and errors.guess(name, KNOWN)
    if guess then
      errors.raise("%s: unknown activation '%s' (did you mean '%s'?)", call, name, guess)
    end
    errors.wanted(call, "the activation", name, WANTED)
  end
  local parameter = known.parameter
  if parameter then
    parameter = want_parameter(call, name, type(given) == "table" and given[2] or parameter)
  end
  local operation <const> = core[name]
  return {
    name = name, parameter = parameter, closed = closed[name], kinks = known.kinks,
    width = known.width and known.width / (known.per and math.max(math.abs(parameter), 1e-3) or 1),
    lines = known.lines_of and known.lines_of(parameter) or known.lines,
    run = function(y)
      if parameter then return operation(y, parameter) end
      return operation(y)
    end,
  }
end

-- ---- coefficients -------------------------------------------------------------------------------

--- Nodes and weights for this activation: (Q), or (H, Q) where it has kinks.
local function rule(activation, m, s)
  if activation.kinks then
    local cuts <const> = {}
    for i, kink in ipairs(activation.kinks) do cuts[i] = (kink - m) / s end
    return quadrature.cut(cuts)
  end
  return quadrature.trapezoid(s:numel() > 0 and s:amax():item() or 1, activation.width)
end

--- E g(y, Z) for y = m + s Z.
---@param activation mlp.poly.Activation decides the rule
---@param m mlp.Tensor (H)
---@param s mlp.Tensor (H), above 0
---@param g fun(y: mlp.Tensor, z: mlp.Tensor): mlp.Tensor of (H, Q) and (Q) or (H, Q)
---@return mlp.Tensor (H)
---@package
function moments.expectation(activation, m, s, g)
  local z <const>, weight <const> = rule(activation, m, s)
  local y <const> = m:unsqueeze(2) + s:unsqueeze(2) * z
  return (g(y, z) * weight):sum(2)
end

local function integrated(activation, m, s, order)
  local z <const>, weight <const> = rule(activation, m, s)
  local value <const> = activation.run(m:unsqueeze(2) + s:unsqueeze(2) * z) * weight
  local list <const>, factorial = {}, 1.0
  for n, h in pairs(hermite(z, math.max(order, 1))) do list[n] = (value * h):sum(2) end
  for n = 0, order do
    list[n] = list[n] * math.sqrt(factorial)
    factorial = factorial * (n + 1)
  end
  return list
end

--- c_0 .. c_N, from 0.
---@param activation mlp.poly.Activation
---@param m mlp.Tensor (H)
---@param s mlp.Tensor (H), above 0
---@param order integer N
---@return table<integer, mlp.Tensor> c (H) each
---@package
function moments.coefficients(activation, m, s, order)
  if activation.closed then return activation.closed(m, s, order, activation.parameter) end
  return integrated(activation, m, s, order)
end

--- Deviations below this count as this: the derivatives of the activation stay finite.
moments.FLOOR = 1e-4

local function column(what, x)
  if type(x) == "number" then x = core.tensor({ x }, { dtype = "float64" }) end
  if not core.is_tensor(x) or x.ndim > 1 then
    errors.wanted("poly.moments", what, x, "a number or a tensor (H)")
  end
  return x:detach():to("float64"):reshape(-1)
end

--- The expected value and derivatives of an activation at a normal pre-activation: E s(y), E s'(y),
--- E s''(y) and so on. Every activation of the library is known. Exact where it has closed forms
--- (identity, relu and its straight kin, squared_relu, hard_swish, step, gelu, sine, snake,
--- gaussian, power), else integrated to about 1e-12. Deviations below 1e-4 count as 1e-4.
---
---     local mean, slope, curve = table.unpack(mlp.poly.moments("gelu", 0.5, 2))
---@param activation string|table|fun(y: mlp.Tensor): mlp.Tensor a name, {name, parameter}, or a
---  function that is analytic within 1 of the real axis
---@param mean number|mlp.Tensor m (H)
---@param deviation number|mlp.Tensor s (H)
---@param options {order: integer?}? the highest derivative; default 2
---@return mlp.Tensor[] moments (H) each, float64; the n-th derivative is item n + 1
function moments.moments(activation, mean, deviation, options)
  local order <const> = errors.options("poly.moments", options, { order = 2 }).order
  if math.type(order) ~= "integer" or order < 0 or order > 64 then
    errors.wanted("poly.moments", "order", order, "a whole number from 0 to 64")
  end
  local m <const> = column("mean", mean)
  local s <const> = column("deviation", deviation):maximum(moments.FLOOR)
  local known <const> = moments.activation("poly.moments", activation)
  local c <const> = moments.coefficients(known, m, s, order)
  local list <const> = {}
  for n = 0, order do list[n + 1] = c[n] / s:pow(n) end
  return list
end

return moments
