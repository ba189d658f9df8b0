--- Reductions and order. References fold a plain list of numbers; `reduce` brings every set of axes
--- down to that.
local R <const> = require "spec.support.reference"

local NAN <const>, INF <const> = 0 / 0, math.huge

--- ---- references ------------------------------------------------------------------------------

--- f of every list of numbers that meet when `axes` (a number, a list, nil: all) are reduced. f may
--- return several numbers, for several outputs. `shape` is that of x, for axes of length 0.
local function reduce(f, x, axes, keepdim, shape)
  shape = shape or R.shape(x)
  if type(axes) == "number" then axes = { axes } end
  local reduced = {}
  for _, axis in ipairs(axes or {}) do reduced[axis < 0 and axis + #shape + 1 or axis] = true end
  local flat <const>, lists, order, left = R.flat(x), {}, 1, {}
  for axis, length in ipairs(shape) do
    local goes <const> = not axes or reduced[axis]
    if not goes then order = order * length end
    if keepdim or not goes then left[#left + 1] = goes and 1 or length end
  end
  for i = 1, order do lists[i] = {} end
  for i, value in ipairs(flat) do
    local rest, place, step = i - 1, 0, 1
    for axis = #shape, 1, -1 do
      local at <const> = rest % shape[axis]
      rest = rest // shape[axis]
      if axes and not reduced[axis] then
        place, step = place + at * step, step * shape[axis]
      end
    end
    table.insert(lists[place + 1], value)
  end
  local outputs = {}
  for i, list in ipairs(lists) do
    local results <const> = table.pack(f(list))
    for k = 1, results.n do
      outputs[k] = outputs[k] or {}
      outputs[k][i] = results[k]
    end
  end
  for k = 1, #outputs do outputs[k] = R.nest(outputs[k], left) end
  return table.unpack(outputs)
end

local function mean(list) return R.sum(list) / #list end

local function variance(list, correction)
  local centre <const>, squares = mean(list), {}
  for i, v in ipairs(list) do squares[i] = (v - centre) ^ 2 end
  return R.sum(squares) / math.max(#list - correction, 0)
end

local function norm(list, p)
  local total = 0
  for _, v in ipairs(list) do
    total = p == INF and math.max(total, math.abs(v)) or total + math.abs(v) ^ p
  end
  return p == INF and total or total ^ (1 / p)
end

local function product(list)
  local total = 1
  for _, v in ipairs(list) do total = total * v end
  return total
end

local function logsumexp(list)
  local top = -INF
  for _, v in ipairs(list) do top = math.max(top, v) end
  if top == INF or top == -INF then return top end
  local total = 0
  for _, v in ipairs(list) do total = total + math.exp(v - top) end
  return top + math.log(total)
end

--- The first NaN, or else the first of the largest (smallest with sign = -1).
local function extreme(list, sign)
  local best
  for i, v in ipairs(list) do
    local old <const> = best and list[best]
    if not best or old == old and (v ~= v or sign * v > sign * old) then best = i end
  end
  return list[best], best
end

--- Positions in order: ties by position, NaN above everything.
local function ordered(list, descending)
  local order <const> = {}
  for i = 1, #list do order[i] = i end
  local function above(a, b) return a ~= a and b == b or a > b end
  table.sort(order, function(i, j)
    local a, b = list[i], list[j]
    if descending then a, b = b, a end
    if above(a, b) then return false end
    return above(b, a) or i < j
  end)
  return order
end

local function picked(list, order, k)
  local values, places = {}, {}
  for i = 1, k do values[i], places[i] = list[order[i]], order[i] end
  return values, places
end

local function running(list, reverse)
  local y <const>, total = {}, 0
  for i = 1, #list do
    local at <const> = reverse and #list + 1 - i or i
    total = total + list[at]
    y[at] = total
  end
  return y
end

--- ---- the rows --------------------------------------------------------------------------------

local rows <const> = {}
local function add(row) rows[#rows + 1] = row end

--- Axes that the walk treats differently: all, last, first, inner, outer and last, none.
local AXES <const> = {
  { name = "of all", shapes = { {}, { 1 }, { 7 }, { 3, 5 }, { 2, 3, 4 }, { 300 } } },
  { name = "along the last axis", axes = -1,
    shapes = { { 6 }, { 3, 1 }, { 2, 3, 70 }, { 4, 300 } } },
  { name = "along the first axis", axes = 1, shapes = { { 6 }, { 5, 3 }, { 70, 3 }, { 40, 67 } } },
  { name = "along an inner axis", axes = 2, shapes = { { 2, 3, 4 }, { 2, 1, 5 }, { 3, 37, 2 } } },
  { name = "over outer and last", axes = { 1, -1 }, keepdim = true,
    shapes = { { 3, 4, 5 }, { 2, 1, 3 } } },
  { name = "over the last two", axes = { -2, -1 }, shapes = { { 3, 4, 5 }, { 2, 3, 2, 2 } } },
  { name = "over two of four", axes = { 2, 4 }, shapes = { { 2, 3, 2, 3 } } },
  { name = "over no axis", axes = {}, shapes = { { 2, 3 } } },
}

--- A case per way to name the axes; `f` folds a list; `more` holds further fields of the row and:
---   prefix   goes before the name
---   one      true: one axis at a time
---   input    function(make, shape) -> x; default make(shape)
---   options  the last argument
local OWN <const> = { prefix = true, one = true, input = true, options = true }

local function add_reductions(op, f, more)
  more = more or {}
  local input <const> = more.input or function(make, shape) return make(shape) end
  for _, way in ipairs(AXES) do
    if not (more.one and type(way.axes) == "table") then
      local row <const> = {
        op = op, name = (more.prefix or "") .. way.name, shapes = way.shapes,
        args = function(make, shape)
          return { input(make, shape), way.axes, way.keepdim or false, more.options }
        end,
        reference = function(x, axes, keepdim) return reduce(f, x, axes, keepdim) end,
      }
      for key, value in pairs(more) do
        if not OWN[key] then row[key] = value end
      end
      add(row)
    end
  end
end

local function distinct(make, shape) return make(shape, { distinct = true }) end

--- What is left of axes of length 0.
local function add_empty(op, f, more)
  local row <const> = {
    op = op, name = "of nothing", shapes = { { 0, 3 }, { 3, 0 }, { 0 } },
    args = function(make, shape) return { make(shape), 1 } end,
    out = function(shape) return { { shape[2] } } end,
  }
  row.check = function(outputs, args)
    local shape <const> = args[1].shape
    if shape[1] > 0 then return end
    for _, value in ipairs(outputs[1]:reshape(-1):totable()) do
      local wanted <const> = f({})
      assert(value == wanted or value ~= value and wanted ~= wanted,
        ("%s of nothing is %s"):format(op, value))
    end
  end
  for key, value in pairs(more or {}) do row[key] = value end
  add(row)
end

add_reductions("sum", R.sum)
add_empty("sum", R.sum)
add_reductions("mean", mean)
add_empty("mean", function() return NAN end)
add{ op = "mean", name = "of integers", args = function(make) return { make.index({ 3 }, 4) } end,
  error = 'mean: x is int64 but float32 or float64 is wanted (x:to("float32") converts)' }

add{ op = "sum", name = "of integers", dtypes = { "int64", "uint8" }, range = { 0, 250 },
  shapes = { { 3, 50 }, { 300 } },
  args = function(make, shape) return { make(shape), 1 } end,
  reference = function(x, axis) return reduce(R.sum, x, axis) end }

local EQUAL_ELEMENTS <const> = "at a single element var is 0 / 0, and its derivative too"
for _, way in ipairs(AXES) do
  for _, op in ipairs{ "var", "std" } do
    local shapes = {}
    for _, shape in ipairs(way.shapes) do
      local n = 1
      for _, length in ipairs(shape) do n = n * length end
      if n > 5 then shapes[#shapes + 1] = shape end
    end
    if not (type(way.axes) == "table" and #way.axes == 0) then
      add{ op = op, name = way.name, shapes = shapes,
        args = function(make, shape)
          return { make(shape), way.axes, way.keepdim or false,
            { correction = way.keepdim and 0 or nil } }
        end,
        -- The line of (3, 1) or (2, 1, 5) has one element.
        reference = function(x, axes, keepdim, options)
          return reduce(function(list)
            local v <const> = variance(list, options.correction or 1)
            return op == "std" and math.sqrt(v) or v
          end, x, axes, keepdim)
        end }
    end
  end
end
add{ op = "var", name = "of one element", shapes = { { 1 }, {}, { 3, 1 } },
  args = function(make, shape) return { make(shape), #shape > 0 and -1 or nil } end,
  grad = {}, nonempty = EQUAL_ELEMENTS,
  check = function(outputs)
    for _, value in ipairs(outputs[1]:reshape(-1):totable()) do assert(value ~= value) end
  end }
add_empty("var", function() return NAN end)
add_empty("std", function() return NAN end)
add{ op = "var", name = "far from 0", dtypes = { "float32" }, range = { 4096, 4097 }, grad = {},
  args = function(make) return { make{ 1000 }, nil, false, { unbiased = false } } end,
  reference = function(x) return variance(R.flat(x), 0) end }

for _, p in ipairs{ 1, 2, INF } do
  add_reductions("norm", function(list) return norm(list, p) end, {
    prefix = ("p = %g, "):format(p), options = { p = p }, kinks = { 0 },
    input = p == INF and function(make, shape)
      return make(shape, { distinct = true, range = { 0.5, 3 } }) -- no two of one magnitude
    end,
  })
end
add_empty("norm", function() return 0 end)
add{ op = "norm", name = "at 0", shapes = { { 4 }, { 2, 3 } },
  args = function(make, shape)
    local x <const> = make(shape)
    return { x:mul(0), -1 }
  end,
  reference = function(x) return reduce(function() return 0.0 end, x, -1) end,
  grad = {} }
add{ op = "norm", name = "of another kind",
  args = function(make) return { make{ 3 }, 1, { p = 3 } } end,
  error = "norm: p is 3 but 1, 2 or math.huge is wanted" }

add_reductions("logsumexp", logsumexp)
add_empty("logsumexp", function() return -INF end)
add{ op = "logsumexp", name = "far out",
  args = function(make)
    return { make.values{ { 1e4, 1e4, -1e4 }, { -1e4, -1e4, -1e4 }, { 0, 1e4, 3 } }, 2 }
  end,
  reference = function(x, axis) return reduce(logsumexp, x, axis) end,
  smooth = false, reason = "e^x of differences beyond 1e4 is 0 to every digit" }
add{ op = "logsumexp", name = "of infinities", grad = {},
  args = function(make)
    return { make.values{ { -INF, -INF }, { INF, 1 }, { -INF, 2 }, { NAN, 1 } }, 2 }
  end,
  reference = function() return { -INF, INF, 2, NAN } end }

add_reductions("prod", product,
  { range = { 0.5, 1.5 }, covers = { "cumprod_back" }, one = true })
add_empty("prod", function() return 1 end)
add{ op = "prod", name = "with zeros",
  args = function(make) return { make.values{ { 2, 0, 3 }, { 0, 4, 0 }, { 1, 2, 5 } }, 2 } end,
  reference = function(x, axis) return reduce(product, x, axis) end }
add{ op = "prod", name = "over two of three axes",
  args = function(make) return { make{ 2, 2, 2 }, { 1, 2 } } end,
  error = "prod: axes names 2 axes, but one axis or all of them is wanted" }

add_reductions("amax", function(list) return (extreme(list, 1)) end, { input = distinct })
add_reductions("amin", function(list) return (extreme(list, -1)) end, { input = distinct })
for op, sign in pairs{ amax = 1, amin = -1 } do
  add{ op = op, name = "ties and NaN", grad = {},
    args = function(make)
      return { make.values{ { 1, 3, 3 }, { NAN, 2, 9 }, { -INF, -INF, -INF }, { 0, NAN, INF } }, 2 }
    end,
    reference = function(x) return reduce(function(l) return (extreme(l, sign)) end, x, 2) end }
  add{ op = op, name = "of nothing", args = function(make) return { make{ 3, 0 }, 2 } end,
    error = ("%s: x is (3, 0), but among no elements none is the %s"):format(op,
      sign > 0 and "largest" or "smallest") }
  add{ op = op, name = "of integers", dtypes = { "int64", "uint8" }, range = { 0, 100 },
    shapes = { { 5, 40 }, { 80 } }, args = function(make, shape) return { make(shape), -1 } end,
    reference = function(x) return reduce(function(l) return (extreme(l, sign)) end, x, -1) end }
end

for op, sign in pairs{ max = 1, min = -1 } do
  local arg <const> = "arg" .. op
  local function place(list) return (select(2, extreme(list, sign))) end
  local function value_and_place(list) return extreme(list, sign) end
  add_reductions(op, value_and_place, { input = distinct, one = true })
  add_reductions(arg, place, { one = true })
  add{ op = op, name = "ties and NaN", grad = {},
    args = function(make)
      return {
        make.values{ { 1, 3, 3 }, { 3, 1, 1 }, { NAN, 2, NAN }, { 0, NAN, 1 }, { INF, 2, INF } }, 2,
      }
    end,
    reference = function(x) return reduce(function(l) return extreme(l, sign) end, x, 2) end }
  add{ op = arg, name = "ties and NaN, downwards",
    args = function(make)
      return { make.values{ { 1, 3, NAN, 1 }, { 3, NAN, NAN, 1 }, { 3, 2, 0, 1 } }, 1 }
    end,
    reference = function(x) return reduce(place, x, 1) end }
  add{ op = op, name = "of integers", dtypes = { "int64", "uint8" }, range = { 0, 100 },
    shapes = { { 5, 40 }, { 80 } }, args = function(make, shape) return { make(shape), 1 } end,
    reference = function(x) return reduce(function(l) return extreme(l, sign) end, x, 1) end }
  add{ op = op, name = "over two axes",
    args = function(make) return { make{ 2, 2, 2 }, { 1, 2 } } end,
    error = (": axis names 2 axes, but one axis or none is wanted (a%s takes several)"):format(op) }
  for _, name in ipairs{ op, arg } do
    add{ op = name, name = "of nothing", args = function(make) return { make{ 0, 3 } } end,
      error = ("%s: x is (0, 3), but among no elements none is the %s"):format(name,
        sign > 0 and "largest" or "smallest") }
  end
end

local function count(list)
  local n = 0
  for _, v in ipairs(list) do n = n + (v ~= 0 and 1 or 0) end
  return n
end
local counts <const> = {
  any = function(list) return count(list) > 0 and 1 or 0 end,
  all = function(list) return count(list) == #list and 1 or 0 end,
  count_nonzero = count,
}
for op, f in pairs(counts) do
  add_reductions(op, f, {
    input = function(make, shape) return make.mask(shape) end, dtypes = { "uint8" },
  })
  add_empty(op, f)
  add{ op = op, name = "of floats",
    args = function(make)
      return { make.values{ { 0, 0 }, { 0, NAN }, { -0.0, 1 }, { 2, 3 } }, 2 }
    end,
    reference = function(x) return reduce(f, x, 2) end }
  add{ op = op, name = "of int64", dtypes = { "int64" }, range = { -1, 2 },
    args = function(make) return { make{ 40, 3 }, 1 } end,
    reference = function(x) return reduce(f, x, 1) end }
end

for _, axis in ipairs{ 1, 2, -1 } do
  for _, reverse in ipairs{ false, true } do
    add{ op = "cumsum", name = ("along %d%s"):format(axis, reverse and ", reversed" or ""),
      shapes = { { 3, 4 }, { 2, 1 }, { 5, 40 }, { 2, 3, 4 } },
      args = function(make, shape) return { make(shape), axis, { reverse = reverse } } end,
      reference = function(x, along, options)
        return R.along(function(line) return running(line, options.reverse) end, x, along)
      end }
  end
end
add{ op = "cumsum", name = "of a number", args = function(make) return { make{}, 1 } end,
  reference = function(x) return x end }
add{ op = "cumsum", name = "of nothing", shapes = { { 0 }, { 0, 3 } },
  args = function(make, shape) return { make(shape), 1 } end,
  reference = function() return {} end, out = function(shape) return { shape } end }
add{ op = "cumsum", name = "of integers", dtypes = { "int64", "uint8" }, range = { 0, 250 },
  args = function(make) return { make{ 40 }, 1 } end,
  reference = function(x) return running(x) end }

local function running_product(line)
  local y <const>, total = {}, 1
  for i, v in ipairs(line) do
    total = total * v
    y[i] = total
  end
  return y
end

--- dy[i] / dx[k] of the running products of a line; d2y[i] / dx[k] dx[l] when l is given.
local function change(line, i, k, l)
  if k > i or (l and (l > i or l == k)) then return 0 end
  local total = 1
  for at = 1, i do
    if at ~= k and at ~= l then total = total * line[at] end
  end
  return total
end

--- The list of f(i), a sum over the places 1 .. n.
local function sums(n, f)
  local y <const> = {}
  for i = 1, n do
    local total = 0
    for k = 1, n do total = total + f(i, k) end
    y[i] = total
  end
  return y
end

for _, axis in ipairs{ 1, -1 } do
  add{ op = "cumprod", name = "along " .. axis, shapes = { { 5 }, { 3, 4 }, { 2, 1 }, { 2, 3, 3 } },
    args = function(make, shape) return { make(shape), axis } end,
    reference = function(x, along) return R.along(running_product, x, along) end }
end
local LINES <const> = { { 2, 0, 3, 4 }, { 0, 4, 0, 1 }, { 1, 2, 5, 0 }, { 0.5, 3, -1, 2 } }
add{ op = "cumprod", name = "with zeros",
  args = function(make) return { make.values(LINES), 2 } end,
  reference = function(x) return R.along(running_product, x, 2) end }
add{ op = "cumprod", name = "of integers", dtypes = { "int64" }, range = { -9, 9 },
  args = function(make) return { make{ 3, 40 }, 2 } end,
  reference = function(x)
    return R.map(function(row)
      local whole <const> = {}
      for i, v in ipairs(x[row]) do whole[i] = math.tointeger(v) end
      return running_product(whole)
    end, { 1, 2, 3 })
  end }
add{ op = "cumprod", name = "of a number", args = function(make) return { make{}, 1 } end,
  reference = function(x) return x end }
add{ op = "cumprod", name = "of bytes", dtypes = { "uint8" }, range = { 0, 9 },
  args = function(make) return { make{ 3 }, 1 } end,
  error = 'cumprod: x is uint8 but int64 or a float is wanted (x:to("int64") converts)' }

add{ op = "cumprod_back", args = function(make) return { make.values(LINES), make{ 4, 4 }, 2 } end,
  reference = function(x, g)
    return R.map(function(row)
      return sums(4, function(k, i) return g[row][i] * change(x[row], i, k) end)
    end, { 1, 2, 3, 4 })
  end,
  smooth = false, reason = "its second derivative is the third of cumprod, which has none" }
add{ op = "cumprod_slope", args = function(make) return { make.values(LINES), make{ 4, 4 }, 2 } end,
  reference = function(x, h)
    return R.map(function(row)
      return sums(4, function(i, k) return h[row][k] * change(x[row], i, k) end)
    end, { 1, 2, 3, 4 })
  end,
  smooth = false, reason = "its second derivative is the third of cumprod, which has none" }
add{ op = "cumprod_curve", grad = {},
  args = function(make) return { make.values(LINES), make{ 4, 4 }, make{ 4, 4 }, 2 } end,
  reference = function(x, g, h)
    return R.map(function(row)
      return sums(4, function(k, i)
        local total = 0
        for l = 1, 4 do total = total + g[row][i] * h[row][l] * change(x[row], i, k, l) end
        return total
      end)
    end, { 1, 2, 3, 4 })
  end }
for op, inputs in pairs{ cumprod = 1, cumprod_back = 2, cumprod_slope = 2, cumprod_curve = 3 } do
  add{ op = op, name = "of nothing", shapes = { { 0 }, { 0, 3 }, { 3, 0 } }, grad = {},
    args = function(make, shape)
      local args <const> = {}
      for i = 1, inputs do args[i] = make(shape) end
      args[inputs + 1] = 1
      return args
    end,
    check = function(outputs) assert(outputs[1]:numel() == 0) end,
    out = function(shape) return { shape } end }
end

for _, descending in ipairs{ false, true } do
  local word <const> = descending and "descending" or "ascending"
  local function in_order(line)
    return picked(line, ordered(line, descending), #line)
  end
  local function places(line) return (select(2, in_order(line))) end
  for _, axis in ipairs{ -1, 1 } do
    local shapes <const> = { { 1 }, { 9 }, { 3, 5 }, { 2, 3, 4 }, { 100 } }
    local name <const> = ("%s along %d"):format(word, axis)
    add{ op = "sort", name = name, shapes = shapes,
      args = function(make, shape)
        return { make(shape, { distinct = true }), axis, { descending = descending } }
      end,
      reference = function(x) return R.along(in_order, x, axis) end }
    add{ op = "argsort", name = name, shapes = shapes,
      args = function(make, shape)
        return { make(shape, { distinct = true }), axis, { descending = descending } }
      end,
      reference = function(x) return R.along(places, x, axis) end }
  end
  for _, dtype in ipairs{ "int64", "uint8" } do
    add{ op = "sort", name = word .. ", many ties, " .. dtype, dtypes = { dtype }, range = { 0, 9 },
      args = function(make) return { make{ 2, 60 }, -1, { descending = descending } } end,
      reference = function(x) return R.along(in_order, x, 2) end }
  end
end
for _, op in ipairs{ "sort", "argsort" } do
  add{ op = op, name = "of a number", args = function(make) return { make{} } end, grad = {},
    check = function(outputs) assert(outputs[#outputs]:item() == 1) end }
  add{ op = op, name = "of nothing", shapes = { { 0 }, { 3, 0 }, { 0, 3 } },
    args = function(make, shape) return { make(shape) } end,
    check = function(outputs, args) assert(#outputs[1].shape == #args[1].shape) end,
    out = function(shape) return { shape, op == "sort" and shape or nil } end }
end

for _, largest in ipairs{ true, false } do
  for _, k in ipairs{ 1, 3 } do
    add{ op = "topk", name = ("%d %s"):format(k, largest and "largest" or "smallest"),
      shapes = { { 3 }, { 9 }, { 4, 5 }, { 3, 70 }, { 3, 3, 3 } },
      args = function(make, shape)
        return { make(shape, { distinct = true }), k, -1, { largest = largest } }
      end,
      reference = function(x)
        return R.along(function(line) return picked(line, ordered(line, largest), k) end, x, -1)
      end }
  end
end
add{ op = "topk", name = "along the first axis", args = function(make)
    return { make({ 6, 2 }, { distinct = true }), 4, 1 }
  end,
  reference = function(x)
    return R.along(function(line) return picked(line, ordered(line, true), 4) end, x, 1)
  end }
add{ op = "topk", name = "more than are selected one by one", args = function(make)
    return { make({ 2, 200 }, { distinct = true }), 100 }
  end,
  reference = function(x)
    return R.along(function(line) return picked(line, ordered(line, true), 100) end, x, 2)
  end,
  smooth = false, reason = "second differences of 400 elements take seconds; the slope is 0 or 1" }
add{ op = "topk", name = "of nothing", shapes = { { 2, 0 }, { 0, 2 } },
  args = function(make, shape) return { make(shape), 0 } end,
  check = function(outputs) assert(outputs[1]:numel() == 0) end,
  out = function(shape) return { { shape[1], 0 }, { shape[1], 0 } } end }
add{ op = "topk", name = "too many", args = function(make) return { make{ 2, 3 }, 4 } end,
  error = "topk: k is 4 but axis 2 of x has 3 elements" }

return rows
