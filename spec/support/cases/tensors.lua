--- Tensors against each other: between two, beside itself, distances, places in a sorted line.
local R <const> = require "spec.support.reference"

local cases <const> = {}

local function case(row) cases[#cases + 1] = row end

-- ---- lerp ---------------------------------------------------------------------------------------

local function lerp(x, y, weight)
  return R.zip(function(a, b, w) return a + w * (b - a) end, x, y, weight)
end

case {
  op = "lerp", shapes = { {}, { 5 }, { 3, 67 }, { 0, 2 } }, reference = lerp,
  args = function(make, shape)
    return { make(shape), make(shape), make(shape, { range = { -1, 2 } }) }
  end,
}

case {
  op = "lerp", name = "by a number", reference = lerp,
  args = function(make) return { make { 4, 3 }, make { 4, 3 }, 0.25 } end,
}

case {
  op = "lerp", name = "towards a number, most of the way", reference = lerp,
  args = function(make) return { make { 4, 3 }, 2, 0.75 } end,
}

case {
  op = "lerp", name = "broadcast", reference = lerp,
  args = function(make) return { make { 2, 1, 3 }, make { 4, 1 }, make { 3 } } end,
}

case { -- exactly the end, whatever rounding would make of x + (y - x)
  op = "lerp", name = "the whole way", dtypes = { "float32" },
  args = function(make) return { make.values { 1e8, -3e7 }, make.values { 1, 0.1 }, 1 } end,
  check = function(outputs, args)
    assert(outputs[1]:eq(args[2]):all():item() == 1, "lerp with weight 1 is not y")
  end,
}

case {
  op = "lerp", name = "whole numbers", error = "lerp: x is int64 but float32 or float64 is wanted",
  args = function(make) return { make.index({ 2 }, 3), make.index({ 2 }, 3), 1 } end,
}

-- ---- tile ---------------------------------------------------------------------------------------

--- Nested lists beside themselves: axis by axis, with axes of length 1 put in front.
local function tiled(x, times)
  local function walk(part, k)
    if k > #times then return part end
    local list = {}
    for _ = 1, times[k] do
      for i = 1, #part do list[#list + 1] = walk(part[i], k + 1) end
    end
    return list
  end
  local missing <const> = #times - #R.shape(x)
  for _ = 1, missing do x = { x } end
  local all <const> = {}
  for k = 1, -missing do all[k] = 1 end
  times = table.move(times, 1, #times, #all + 1, all)
  return walk(x, 1)
end

for name, one in pairs {
  ["a line"] = { { 3 }, { 4 } }, ["a matrix"] = { { 2, 3 }, { 3, 2 } },
  ["new axes"] = { { 3 }, { 2, 1, 2 } }, ["the last axes"] = { { 2, 2, 3 }, { 5 } },
  ["a number"] = { {}, { 2, 3 } }, ["once"] = { { 2, 3 }, { 1, 1 } },
  ["one column"] = { { 4, 1 }, { 2, 3 } },
} do
  case {
    op = "tile", name = name, reference = tiled,
    args = function(make) return { make(one[1]), one[2] } end,
  }
end

case {
  op = "tile", name = "many axes",
  args = function(make) return { make { 2, 1, 2, 1, 2, 1 }, { 2, 2, 2, 1, 1, 2, 2, 2 } } end,
  reference = tiled,
}

for name, one in pairs {
  ["nothing"] = { { 0, 2 }, { 2, 3 }, { 0, 6 } }, ["no times"] = { { 2, 2 }, { 0, 1 }, { 0, 2 } },
} do
  case {
    op = "tile", name = name, out = { one[3] }, check = function() end,
    args = function(make) return { make(one[1]), one[2] } end,
  }
end

case {
  op = "tile", name = "whole numbers", reference = tiled,
  args = function(make) return { make.index({ 2, 2 }, 9), { 1, 3 } } end,
}

case {
  op = "tile", name = "less than nothing", error = "-1",
  args = function(make) return { make { 2 }, { -1 } } end,
}

-- ---- cdist --------------------------------------------------------------------------------------

local function distance(p)
  return function(x, y)
    local total = 0
    for k = 1, #x do
      local d <const> = math.abs(x[k] - y[k])
      total = p == math.huge and math.max(total, d) or p ~= math.huge and total + d ^ p or total
    end
    return p == math.huge and total or total ^ (1 / p)
  end
end

local function distances(x, y, options)
  local function of(a, b)
    if #R.shape(a) > 2 or #R.shape(b) > 2 then
      local deep <const> = math.max(#R.shape(a), #R.shape(b))
      local function at(t, i) return #R.shape(t) < deep and t or t[#t == 1 and 1 or i] end
      local list = {}
      for i = 1, math.max(#R.shape(a) == deep and #a or 0, #R.shape(b) == deep and #b or 0) do
        list[i] = of(at(a, i), at(b, i))
      end
      return list
    end
    local list = {}
    for i = 1, #a do
      list[i] = {}
      for j = 1, #b do list[i][j] = distance(options and options.p or 2)(a[i], b[j]) end
    end
    return list
  end
  return of(x, y)
end

for name, one in pairs {
  ["of few coordinates"] = { { 4, 3 }, { 5, 3 } }, ["of one coordinate"] = { { 3, 1 }, { 2, 1 } },
  ["of many coordinates"] = { { 5, 40 }, { 3, 40 } }, ["batches"] = { { 2, 3, 2 }, { 2, 4, 2 } },
  ["one set against a batch"] = { { 3, 30 }, { 2, 2, 30 } },
} do
  case {
    op = "cdist", name = name, reference = distances,
    args = function(make) return { make(one[1]), make(one[2]) } end,
  }
end

for name, p in pairs { ["p = 1"] = 1, ["p = 3"] = 3, ["p = 1.5"] = 1.5, ["p = inf"] = math.huge } do
  case {
    op = "cdist", name = name, reference = distances,
    args = function(make)
      return { make({ 2, 3, 4 }, { range = { -2, 0 }, distinct = true }),
        make({ 2, 2, 4 }, { range = { 0.125, 1 }, distinct = true }), { p = p } }
    end,
  }
end

case { -- where the product alone would leave no digit
  op = "cdist", name = "of points close to each other", tolerance = 1e-5, reference = distances,
  args = function(make)
    local x <const> = make({ 3, 32 }, { range = { 100, 101 } })
    return { x, x:add(make({ 3, 32 }, { range = { -0.0078125, 0.0078125 } })):detach() }
  end,
  grad = {}, dtypes = { "float32" },
}

case { -- the derivative between a point and itself is 0
  op = "cdist", name = "of a point and itself",
  args = function(make)
    local x <const> = make { 1, 3 }
    return { x, x:clone():detach() }
  end,
  grad = {}, dtypes = { "float32" }, reference = function() return { { 0 } } end,
}

for name, one in pairs {
  ["no points"] = { { 0, 3 }, { 2, 3 }, { 0, 2 } },
  ["no coordinates"] = { { 2, 0 }, { 1, 0 }, { 2, 1 } },
} do
  case {
    op = "cdist", name = name, out = { one[3] },
    args = function(make) return { make(one[1]), make(one[2]) } end,
    check = function(outputs)
      for _, x in ipairs(R.flat(outputs[1]:totable())) do assert(x == 0) end
    end,
  }
end

case {
  op = "cdist", name = "other coordinates",
  args = function(make) return { make { 2, 3 }, make { 2, 4 } } end,
  error = "cdist: x is (2, 3) but y is (2, 4); points of equally many coordinates are wanted",
}

case {
  op = "cdist", name = "p = 0", error = "cdist: p is 0 but a number from 1 to math.huge is wanted",
  args = function(make) return { make { 2, 3 }, make { 2, 3 }, { p = 0 } } end,
}

-- ---- searchsorted -------------------------------------------------------------------------------

--- The first position whose element is larger (or not smaller), one by one.
local function searched(sorted, values, options)
  local right <const> = options and options.right
  local lines <const> = type(sorted[1]) == "table"
  if lines then
    local list = {}
    for i = 1, #sorted do list[i] = searched(sorted[i], values[i], options) end
    return list
  end
  return R.map(function(x)
    for i, y in ipairs(sorted) do
      local nan <const> = x ~= x
      if nan and not right and y ~= y then return i end
      if not nan and (y ~= y or (right and y > x) or (not right and y >= x)) then return i end
    end
    return #sorted + 1
  end, values)
end

for _, right in ipairs { false, true } do
  local after <const> = right and ", behind equals" or ""
  case {
    op = "searchsorted", name = "one line" .. after, reference = searched,
    args = function(make)
      return { make.values { -1, 0, 0, 0.5, 2, 2, 3 },
        make.values { { -2, -1, 0 }, { 0.25, 2, 9 } }, { right = right } }
    end,
  }
  case {
    op = "searchsorted", name = "NaN" .. after, reference = searched,
    args = function(make)
      return { make.values { -math.huge, 0, math.huge, 0 / 0 },
        make.values { 0 / 0, math.huge, -math.huge, -0.0 }, { right = right } }
    end,
  }
end

case {
  op = "searchsorted", name = "a line for each", reference = searched,
  args = function(make)
    return { make.values { { 1, 2, 3 }, { 4, 5, 6 } }, make.values { { 0, 9 }, { 5, 5.5 } } }
  end,
}

case {
  op = "searchsorted", name = "a number", reference = searched,
  args = function(make) return { make.values { 1, 2, 3 }, 2.5 } end,
}

case {
  op = "searchsorted", name = "whole numbers", reference = searched,
  args = function(make)
    return { make.values({ -5, 0, 7 }, "int64"), make.values({ -6, 0, 7, 8 }, "int64") }
  end,
}

case {
  op = "searchsorted", name = "an empty line", reference = searched,
  args = function(make) return { make { 0 }, make { 3 } } end,
}

case {
  op = "searchsorted", name = "nothing to search", out = { { 0, 2 } }, check = function() end,
  args = function(make) return { make { 0, 4 }, make { 0, 2 } } end,
}

case {
  op = "searchsorted", name = "other lines",
  args = function(make) return { make { 2, 4 }, make { 3, 2 } } end,
  error = "searchsorted: sorted is (2, 4) but values are (3, 2)",
}

return cases
