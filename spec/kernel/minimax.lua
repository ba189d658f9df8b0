--- Where the coefficients of src/kernel/vmath.inc come from. Each polynomial minimises the largest
--- weighted error on its interval (the exchange of Remez on a grid); then its coefficients are
--- rounded to float32 (unless they are used in double). They multiply small corrections, so little
--- is lost; the error is measured after.
---
---   lua5.4 spec/kernel/minimax.lua        prints C tables with the error reached, as a power of 2
local abs <const>, exp <const>, log <const> = math.abs, math.exp, math.log

local function to_float32(x) return (string.unpack("<f", string.pack("<f", x))) end

--- Solves a x = b in place, by elimination with pivots.
local function solve(a, b)
  local n <const> = #b
  for k = 1, n do
    local pivot = k
    for i = k + 1, n do
      if abs(a[i][k]) > abs(a[pivot][k]) then pivot = i end
    end
    a[k], a[pivot], b[k], b[pivot] = a[pivot], a[k], b[pivot], b[k]
    for i = k + 1, n do
      local factor <const> = a[i][k] / a[k][k]
      for j = k, n do a[i][j] = a[i][j] - factor * a[k][j] end
      b[i] = b[i] - factor * b[k]
    end
  end
  for k = n, 1, -1 do
    for j = k + 1, n do b[k] = b[k] - a[k][j] * b[j] end
    b[k] = b[k] / a[k][k]
  end
  return b
end

local function horner(c, x)
  local y = 0.0
  for k = #c, 1, -1 do y = y * x + c[k] end
  return y
end

--- Points that crowd at both ends, where errors of polynomials are largest.
local function grid(low, high, n)
  local points <const> = {}
  for i = 0, n do
    points[i + 1] = (low + high) / 2 - (high - low) / 2 * math.cos(math.pi * i / n)
  end
  return points
end

--- n + 1 extremes of alternating sign from the signed errors on the grid, the largest of each run.
local function alternation(errors, n)
  local picked = {}
  for i, e in ipairs(errors) do
    local last <const> = picked[#picked]
    if last and (errors[last] > 0) == (e > 0) then
      if abs(e) > abs(errors[last]) then picked[#picked] = i end
    else
      picked[#picked + 1] = i
    end
  end
  while #picked > n + 1 do
    local front <const>, back <const> = abs(errors[picked[1]]), abs(errors[picked[#picked]])
    table.remove(picked, front < back and 1 or #picked)
  end
  return picked
end

local function largest_error(points, values, weights, c)
  local errors, worst = {}, 0.0
  for i, x in ipairs(points) do
    errors[i] = weights[i] * (values[i] - horner(c, x))
    worst = math.max(worst, abs(errors[i]))
  end
  return worst, errors
end

--- The polynomial of this degree whose weighted error alternates between equal extremes.
local function exchange(points, values, weights, degree)
  local n <const>, picked = degree + 1, {}
  for k = 0, n do picked[k + 1] = 1 + (k * (#points - 1)) // n end
  local c
  for _ = 1, 50 do
    local a, b = {}, {}
    for r, i in ipairs(picked) do
      a[r], b[r] = {}, values[i]
      for k = 1, n do a[r][k] = points[i] ^ (k - 1) end
      a[r][n + 1] = (r % 2 == 0 and 1 or -1) / weights[i]
    end
    c = solve(a, b)
    local level <const> = abs(table.remove(c))
    local worst <const>, errors <const> = largest_error(points, values, weights, c)
    local again <const> = alternation(errors, n)
    if worst <= level * 1.001 or #again <= n then break end
    picked = again
  end
  return c
end

--- fit{f=, low=, high=, weight=, degree=, double=}: coefficients from the constant up, the error.
local function fit(task)
  local points, values, weights = {}, {}, {}
  for _, x in ipairs(grid(task.low, task.high, 1500)) do
    if abs(x) > 1e-6 then -- at 0 the correction that is fitted vanishes
      points[#points + 1] = x
      values[#points], weights[#points] = task.f(x), task.weight(x)
    end
  end
  local c <const> = exchange(points, values, weights, task.degree)
  for k = 1, #c do c[k] = task.double and c[k] or to_float32(c[k]) end
  return c, (largest_error(points, values, weights, c))
end

--- ---- the functions ---------------------------------------------------------------------------

--- sum of term(k) x^k from k = 0: for arguments small enough that 30 terms are plenty.
local function series(x, term)
  local total, power = 0.0, 1.0
  for k = 0, 30 do
    total = total + term(k) * power
    power = power * x
  end
  return total
end

local function factorial(n) return n < 2 and 1.0 or n * factorial(n - 1) end

--- erfc by its continued fraction (large x), 1 - erf by its series (small x).
local function erfc(x)
  if x < 2 then
    local term, total, k = x, x, 0
    repeat
      k = k + 1
      term = -term * x * x / k
      total = total + term / (2 * k + 1)
    until abs(term) < 1e-18 * abs(total)
    return 1 - 2 / math.sqrt(math.pi) * total
  end
  local fraction = x
  for k = 120, 1, -1 do fraction = x + k / 2 / fraction end
  return exp(-x * x) / math.sqrt(math.pi) / fraction
end

local function erf_over_x(x)
  if x > 1 then return (1 - erfc(x)) / x end
  return 2 / math.sqrt(math.pi)
    * series(-x * x, function(k) return 1 / (factorial(k) * (2 * k + 1)) end)
end

--- -log(erfc(x)) / x - 1: the 1 spares the largest coefficient its rounding.
local function erf_correction(x)
  if x > 1e-4 then return -log(erfc(x)) / x - 1 end
  local e <const> = erf_over_x(x)
  return e - 1 + x * e * e / 2
end

local QUARTER_TURN <const> = math.pi / 4

local tasks <const> = {
  { name = "exp", about = "e^r = 1 + r + r^2 p(r), |r| <= log(2) / 2, relative to e^r",
    low = -0.3467, high = 0.3467, degree = 4,
    f = function(r) return series(r, function(k) return 1 / factorial(k + 2) end) end,
    weight = function(r) return r * r / exp(r) end },
  { name = "expm1", about = "e^r - 1 = r + r^2 p(r), relative to e^r - 1",
    low = -0.3467, high = 0.3467, degree = 4,
    f = function(r) return series(r, function(k) return 1 / factorial(k + 2) end) end,
    weight = function(r)
      return abs(r) / series(r, function(k) return 1 / factorial(k + 1) end)
    end },
  { name = "log", about = "log(1 + f) = f - f^2 / 2 + f^3 p(f), 1 + f in sqrt(1/2) .. sqrt(2)",
    low = math.sqrt(0.5) - 1, high = math.sqrt(2) - 1, degree = 8,
    f = function(f)
      if abs(f) < 0.1 then return series(-f, function(k) return 1 / (k + 3) end) end
      return (log(1 + f) - f + f * f / 2) / (f * f * f)
    end,
    weight = function(f) return f * f * f / log(1 + f) end },
  { name = "sin", about = "sin r = r + r^3 p(r^2), |r| <= pi / 4", low = 0,
    high = QUARTER_TURN ^ 2, degree = 2,
    f = function(z)
      return -series(-z, function(k) return 1 / factorial(2 * k + 3) end)
    end,
    weight = function(z)
      return z / series(-z, function(k) return 1 / factorial(2 * k + 1) end)
    end },
  { name = "cos", about = "cos r = 1 - r^2 / 2 + r^4 p(r^2), |r| <= pi / 4", low = 0,
    high = QUARTER_TURN ^ 2, degree = 2,
    f = function(z) return series(-z, function(k) return 1 / factorial(2 * k + 4) end) end,
    weight = function(z) return z * z / math.cos(math.sqrt(z)) end },
  { name = "erf", about = "-log(1 - erf x) = x + x p(x), 0 <= x <= 4, relative in erf", low = 0,
    high = 4, degree = 9, f = erf_correction,
    weight = function(x) return erfc(x) / erf_over_x(x) end },
  { name = "asin", about = "asin s = s + s^3 p(s^2), 0 <= s <= 1/2", low = 0, high = 0.25,
    degree = 4,
    f = function(z)
      return series(z, function(k)
        local n <const> = k + 1
        return factorial(2 * n) / (4.0 ^ n * factorial(n) ^ 2 * (2 * n + 1))
      end)
    end,
    weight = function(z) return z end },
  { name = "atan", about = "atan t = t + t^3 p(t^2), 0 <= t <= 1", low = 0, high = 1, degree = 8,
    f = function(z)
      if z < 0.1 then return -series(-z, function(k) return 1 / (2 * k + 3) end) end
      local t <const> = math.sqrt(z)
      return (math.atan(t) - t) / (t * z)
    end,
    weight = function(z) return z * math.sqrt(z) / math.atan(math.sqrt(z)) end },
  { name = "sinh", about = "sinh a = a + a^3 p(a^2), 0 <= a <= 1", low = 0, high = 1, degree = 3,
    f = function(z) return series(z, function(k) return 1 / factorial(2 * k + 3) end) end,
    weight = function(z)
      return z / series(z, function(k) return 1 / factorial(2 * k + 1) end)
    end },
  { name = "log2", about = "log2 m = s p(s^2), s = (m - 1) / (m + 1), m in sqrt(1/2) .. sqrt(2)",
    low = 0, high = (3 - 2 * math.sqrt(2)) ^ 2, degree = 4, double = true,
    f = function(z)
      return 2 / log(2) * series(z, function(k) return 1 / (2 * k + 1) end)
    end,
    weight = function(z)
      return log(2) / 2 / series(z, function(k) return 1 / (2 * k + 1) end)
    end },
  { name = "exp2", about = "2^r = p(r), |r| <= 1/2", low = -0.5, high = 0.5, degree = 6,
    double = true, f = function(r) return 2.0 ^ r end,
    weight = function(r) return 2.0 ^ -r end },
}

for _, task in ipairs(tasks) do
  local c <const>, worst <const> = fit(task)
  print(("/* %s: 2^%.1f */"):format(task.about, log(worst, 2)))
  local suffix <const> = task.double and "" or "f"
  for k, value in ipairs(c) do
    print(("  %s[%d] = %a%s"):format(task.name, k - 1, value, suffix))
  end
end
