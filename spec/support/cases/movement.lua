--- Cases of the rows that move numbers or draw them: views, copies, parts, positions, masks. Values
--- are moved, never computed, so agreement is exact; only sums of several elements round.
local assert <const> = require "luassert"
local R <const> = require "spec.support.reference"

--- The nested table of this shape whose element at index (a list that f must not keep) is f(index).
local function build(shape, f)
  local index = {}
  local function axis(k)
    if k > #shape then return f(index) end
    local list = {}
    for i = 1, shape[k] do
      index[k] = i
      list[i] = axis(k + 1)
    end
    return list
  end
  return axis(1)
end

local function at(x, index)
  for k = 1, #index do x = x[index[k]] end
  return x
end

local function put(x, index, value)
  for k = 1, #index - 1 do x = x[index[k]] end
  x[index[#index]] = value
end

local function copy(x) return R.map(function(v) return v end, x) end

--- index with position k replaced by i.
local function with(index, k, i)
  local other = table.move(index, 1, #index, 1, {})
  other[k] = i
  return other
end

local function reordered(x, order)
  local shape <const>, of <const> = R.shape(x), {}
  for k = 1, #order do of[k] = shape[order[k]] end
  return build(of, function(index)
    local from = {}
    for k = 1, #order do from[order[k]] = index[k] end
    return at(x, from)
  end)
end

local function sliced(x, axis, first, last, step)
  local shape <const> = R.shape(x)
  shape[axis] = (last - first) // (step or 1) + 1
  return build(shape, function(index)
    return at(x, with(index, axis, first + (index[axis] - 1) * (step or 1)))
  end)
end

local function selected(x, axis, i)
  local shape <const> = R.shape(x)
  table.remove(shape, axis)
  return build(shape, function(index)
    local from <const> = table.move(index, 1, #shape, 1, {})
    table.insert(from, axis, i)
    return at(x, from)
  end)
end

local function index_selected(x, axis, positions)
  if type(positions) ~= "table" then positions = { positions } end
  local shape <const> = R.shape(x)
  shape[axis] = #positions
  return build(shape, function(index) return at(x, with(index, axis, positions[index[axis]])) end)
end

--- y[.., positions[k], ..] = f(y[.., positions[k], ..], source[.., k, ..]), k in order.
local function written(f, x, axis, positions, source)
  local y <const> = copy(x)
  build(R.shape(source), function(index)
    local to <const> = with(index, axis, positions[index[axis]])
    put(y, to, f(at(y, to), at(source, index)))
    return 0
  end)
  return y
end

--- The same with a position for every element; source may be a number.
local function scattered(f, x, axis, positions, source)
  local y <const> = copy(x)
  build(R.shape(positions), function(index)
    local to <const> = with(index, axis, at(positions, index))
    local value = source
    if type(source) == "table" then value = at(source, index) end
    put(y, to, f(at(y, to), value))
    return 0
  end)
  return y
end

local function replace(_, new) return new end
local function add(old, new) return old + new end

--- The lines of x that the mask covers, in order.
local function masked(x, mask, into)
  into = into or {}
  if type(mask) ~= "table" then
    if mask ~= 0 then into[#into + 1] = x end
    return into
  end
  for i = 1, #mask do masked(x[i], mask[i], into) end
  return into
end

--- x with value(k) in the k-th covered place.
local function assigned(x, mask, value)
  local k = 0
  local function walk(y, m)
    if type(m) == "table" then
      local list = {}
      for i = 1, #m do list[i] = walk(y[i], m[i]) end
      return list
    end
    if m == 0 then return y end
    k = k + 1
    return value(k)
  end
  return walk(x, mask)
end

local function same(x) return x end

local views <const> = {
  { op = "contiguous", shapes = { {}, { 5 }, { 3, 1, 4 }, { 0, 4 }, { 33, 18 }, { 2, 3, 17, 16 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end, reference = same },
  { op = "clone", shapes = { {}, { 1 }, { 3, 4 }, { 2, 0 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end, reference = same },

  { op = "reshape", shapes = { { 12 }, { 3, 4 }, { 2, 1, 6 }, { 1, 12, 1 } },
    args = function(make, shape) return { make(shape), { 2, 3, -1 } } end,
    out = { { 2, 3, 2 } }, reference = function(x) return R.nest(R.flat(x), { 2, 3, 2 }) end },
  { op = "reshape", name = "one element", shapes = { {}, { 1, 1 } },
    args = function(make, shape) return { make(shape), {} } end,
    out = { {} }, reference = function(x) return R.flat(x)[1] end },
  { op = "reshape", name = "empty", args = function(make) return { make { 0, 4 }, { 2, 0, 3 } } end,
    out = { { 2, 0, 3 } }, reference = function() return { {}, {} } end },
  { op = "reshape", name = "too few", args = function(make) return { make { 2, 3 }, { 4, 2 } } end,
    error = "reshape: (2, 3) has 6 elements, which do not fill the shape (4, 2)" },
  { op = "reshape", name = "no whole number",
    args = function(make) return { make { 2, 3 }, { 4, -1 } } end,
    error = "reshape: (2, 3) has 6 elements, which do not fill the shape (4, -1)" },
  { op = "reshape", name = "two free", args = function(make) return { make { 4 }, { -1, -1 } } end,
    error = "reshape: the shape (-1, -1) has more than one -1" },
  { op = "reshape", name = "any length", args = function(make) return { make { 0 }, { 0, -1 } } end,
    error = "-1 in (0, -1) beside an axis of length 0 could be any length" },

  { op = "flatten", shapes = { { 6 }, { 2, 3 }, { 2, 1, 3 }, { 0 } },
    args = function(make, shape) return { make(shape) } end, reference = R.flat },
  { op = "flatten", name = "without axes", args = function(make) return { make {} } end,
    out = { { 1 } }, reference = R.flat },
  { op = "flatten", name = "inner axes",
    args = function(make) return { make { 2, 3, 2, 2 }, 2, -2 } end,
    out = { { 2, 6, 2 } },
    reference = function(x) return R.nest(R.flat(x), { 2, 6, 2 }) end },
  { op = "flatten", name = "backwards", args = function(make) return { make { 2, 3 }, 2, 1 } end,
    error = "flatten: the first axis is 2 but the last is 1" },

  { op = "squeeze", shapes = { { 1, 3, 1 }, { 3 }, { 1, 3 } },
    args = function(make, shape) return { make(shape) } end, out = { { 3 } }, reference = R.flat },
  { op = "squeeze", name = "to a number", args = function(make) return { make { 1, 1 } } end,
    out = { {} }, reference = function(x) return x[1][1] end },
  { op = "squeeze", name = "one axis", args = function(make) return { make { 1, 2, 1 }, -1 } end,
    out = { { 1, 2 } }, reference = function(x) return R.nest(R.flat(x), { 1, 2 }) end },
  { op = "squeeze", name = "a list",
    args = function(make) return { make { 1, 2, 1 }, { 3, 1 } } end,
    out = { { 2 } }, reference = function(x) return R.flat(x) end },
  { op = "squeeze", name = "empty", args = function(make) return { make { 1, 0 } } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "squeeze", name = "a longer axis", args = function(make) return { make { 1, 2 }, 2 } end,
    error = "squeeze: axis 2 of (1, 2) has length 2, but only length 1 goes away" },

  { op = "unsqueeze", shapes = { {}, { 3 }, { 0 }, { 2, 3 } },
    args = function(make, shape) return { make(shape), 1 } end,
    out = function(shape) return { { 1, table.unpack(shape) } } end,
    reference = function(x) return { x } end },
  { op = "unsqueeze", name = "at the end", shapes = { { 3 }, { 2, 3 } },
    args = function(make, shape) return { make(shape), -1 } end,
    reference = function(x) return R.map(function(v) return { v } end, x) end },
  { op = "unsqueeze", name = "too far", args = function(make) return { make { 2 }, 3 } end,
    error = "unsqueeze: axis 3 does not exist" },

  { op = "transpose", shapes = { { 2, 3 }, { 1, 4 }, { 5, 1 }, { 33, 18 } },
    args = function(make, shape) return { make(shape), 1, 2 } end, reference = R.transpose },
  { op = "transpose", name = "outer axes",
    args = function(make) return { make { 2, 3, 4 }, -1, 1 } end,
    out = { { 4, 3, 2 } }, reference = function(x) return reordered(x, { 3, 2, 1 }) end },
  { op = "transpose", name = "empty", args = function(make) return { make { 0, 3 }, 1, 2 } end,
    out = { { 3, 0 } }, reference = function() return { {}, {}, {} } end },
  { op = "transpose", name = "axis 0", args = function(make) return { make { 2, 3 }, 0, 1 } end,
    error = "transpose: a is 0, but axes count from 1" },
  { op = "transpose", name = "axis 3", args = function(make) return { make { 2, 3 }, 1, 3 } end,
    error = "transpose: axis 3 does not exist in a tensor of 2 axes" },

  { op = "t", shapes = { { 2, 3 }, { 1, 4 }, { 17, 5 } },
    args = function(make, shape) return { make(shape) } end, reference = R.transpose },
  { op = "t", name = "empty", args = function(make) return { make { 2, 0 } } end,
    out = { { 0, 2 } }, reference = function() return {} end },
  { op = "t", name = "a vector", args = function(make) return { make { 3 } } end,
    error = "t: x is (3,) but a tensor of 2 axes is wanted" },

  { op = "permute", args = function(make) return { make { 2, 3, 4 }, 3, 1, 2 } end,
    out = { { 4, 2, 3 } }, reference = function(x) return reordered(x, { 3, 1, 2 }) end },
  { op = "permute", name = "a list",
    args = function(make) return { make { 2, 3, 4 }, { -2, -1, 1 } } end,
    out = { { 3, 4, 2 } }, reference = function(x) return reordered(x, { 2, 3, 1 }) end },
  { op = "permute", name = "empty", args = function(make) return { make { 2, 0, 3 }, 2, 1, 3 } end,
    out = { { 0, 2, 3 } }, reference = function() return {} end },
  { op = "permute", name = "too few", args = function(make) return { make { 2, 3 }, 1 } end,
    error = "permute: 1 axes are named but the tensor has 2" },
  { op = "permute", name = "twice", args = function(make) return { make { 2, 3 }, 1, 1 } end,
    error = "permute: axis 1 is named twice" },
  { op = "permute", name = "axis 0", args = function(make) return { make { 2, 3 }, 0, 1 } end,
    error = "permute: axes is 0, but axes count from 1" },

  { op = "expand", shapes = { { 1, 3 }, { 2, 1 }, { 1, 1 }, { 3 }, {} },
    args = function(make, shape) return { make(shape), { 4, 2, 3 } } end,
    out = { { 4, 2, 3 } },
    reference = function(x)
      return R.zip(function(v) return v end, x, build({ 4, 2, 3 }, function() return 0 end))
    end },
  { op = "expand", name = "kept", args = function(make) return { make { 1, 3 }, { 2, -1 } } end,
    out = { { 2, 3 } }, reference = function(x) return { x[1], x[1] } end },
  { op = "expand", name = "to nothing",
    args = function(make) return { make { 1, 3 }, { 0, 3 } } end,
    out = { { 0, 3 } }, reference = function() return {} end },
  { op = "expand", name = "empty", args = function(make) return { make { 0 }, { 2, 0 } } end,
    out = { { 2, 0 } }, reference = function() return { {}, {} } end },
  { op = "expand", name = "a longer axis",
    args = function(make) return { make { 2, 3 }, { 4, 3 } } end,
    error = "expand: (2, 3) does not stretch to (4, 3): axis 1 has length 2, and only length 1" },
  { op = "expand", name = "fewer axes", args = function(make) return { make { 2, 3 }, { 3 } } end,
    error = "expand: (2, 3) has more axes than the shape (3,)" },
  { op = "expand", name = "new and kept",
    args = function(make) return { make { 3 }, { -1, 3 } } end,
    error = "expand: axis 1 of (-1, 3) is new, so -1 gives it no length" },
}

local parts <const> = {
  { op = "slice", args = function(make) return { make { 3, 5 }, 2, 2, 4 } end,
    covers = { "slice_back" }, reference = function(x) return sliced(x, 2, 2, 4) end },
  { op = "slice", name = "whole", shapes = { { 3 }, { 1, 2 } },
    args = function(make, shape) return { make(shape), 1 } end, reference = same },
  { op = "slice", name = "empty input", args = function(make) return { make { 0, 3 }, 1 } end,
    out = { { 0, 3 } }, reference = same },
  { op = "slice", name = "from the end",
    args = function(make) return { make { 6, 2 }, -2, -3, -2 } end,
    out = { { 2, 2 } }, reference = function(x) return sliced(x, 1, 4, 5) end },
  { op = "slice", name = "steps", args = function(make) return { make { 2, 8, 2 }, 2, 2, 7, 3 } end,
    out = { { 2, 2, 2 } }, reference = function(x) return sliced(x, 2, 2, 7, 3) end },
  { op = "slice", name = "nothing at the start",
    args = function(make) return { make { 4 }, 1, 1, 0 } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "slice", name = "nothing at the end",
    args = function(make) return { make { 4 }, 1, 5, 4 } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "slice", name = "first 0", args = function(make) return { make { 4 }, 1, 0, 2 } end,
    error = "slice: first is 0, but positions count from 1" },
  { op = "slice", name = "last 0", args = function(make) return { make { 4 }, 1, 2, 0 } end,
    error = "slice: last is 0, but positions count from 1" },
  { op = "slice", name = "beyond", args = function(make) return { make { 4 }, 1, 2, 5 } end,
    error = "slice: last is 5, but the axis has length 4" },
  { op = "slice", name = "before", args = function(make) return { make { 4 }, 1, -5, 2 } end,
    error = "slice: first is -5, but the axis has length 4" },
  { op = "slice", name = "backwards", args = function(make) return { make { 4 }, 1, 3, 1 } end,
    error = "slice: first is 3 but last is 1; an empty slice has last = first - 1" },
  { op = "slice", name = "step 0", args = function(make) return { make { 4 }, 1, 1, 2, 0 } end,
    error = "slice: step is 0, but at least 1 is wanted" },
  { op = "slice", name = "axis 0", args = function(make) return { make { 4 }, 0, 1, 2 } end,
    error = "slice: axis is 0, but axes count from 1" },

  { op = "select", shapes = { { 4 }, { 4, 3 }, { 3, 1, 2 } },
    args = function(make, shape) return { make(shape), 1, 2 } end,
    reference = function(x) return x[2] end },
  { op = "select", name = "an inner axis",
    args = function(make) return { make { 2, 3, 4 }, 2, -1 } end,
    out = { { 2, 4 } }, reference = function(x) return selected(x, 2, 3) end },
  { op = "select", name = "empty", args = function(make) return { make { 2, 0 }, 1, 1 } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "select", name = "position 0", args = function(make) return { make { 4 }, 1, 0 } end,
    error = "select: index is 0, but positions count from 1" },
  { op = "select", name = "beyond", args = function(make) return { make { 2, 4 }, 2, 5 } end,
    error = "select: position 5 is outside axis 2, which has length 4" },
  { op = "select", name = "before", args = function(make) return { make { 2, 4 }, 2, -5 } end,
    error = "select: position -5 is outside axis 2, which has length 4" },

  { op = "diagonal", shapes = { { 3, 3 }, { 2, 4 }, { 4, 2 }, { 1, 1 } },
    args = function(make, shape) return { make(shape) } end,
    covers = { "diagonal_back" },
    reference = function(x)
      return build({ math.min(#x, #x[1]) }, function(i) return x[i[1]][i[1]] end)
    end },
  { op = "diagonal", name = "above", args = function(make) return { make { 3, 4 }, 2 } end,
    reference = function(x) return { x[1][3], x[2][4] } end },
  { op = "diagonal", name = "below", args = function(make) return { make { 3, 4 }, -1 } end,
    reference = function(x) return { x[2][1], x[3][2] } end },
  { op = "diagonal", name = "outside", args = function(make) return { make { 2, 2 }, 5 } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "diagonal", name = "other axes",
    args = function(make) return { make { 2, 3, 2 }, 0, 3, 1 } end,
    out = { { 3, 2 } },
    reference = function(x)
      return build({ 3, 2 }, function(i) return x[i[2]][i[1]][i[2]] end)
    end },
  { op = "diagonal", name = "empty", args = function(make) return { make { 0, 2 } } end,
    out = { { 0 } }, reference = function() return {} end },
  { op = "diagonal", name = "one axis", args = function(make) return { make { 2, 2 }, 0, 1, 1 } end,
    error = "diagonal: two different axes are wanted, but both are 1" },

  { op = "cat", shapes = { { 2, 3 }, { 1, 3 }, { 0, 3 } },
    args = function(make, shape) return { { make { 2, 3 }, make(shape), make { 1, 3 } } } end,
    reference = function(list)
      local y = {}
      for _, x in ipairs(list) do table.move(x, 1, #x, #y + 1, y) end
      return y
    end },
  { op = "cat", name = "along columns",
    args = function(make) return { { make { 2, 3 }, make { 2, 1 }, make { 2, 0 } }, -1 } end,
    out = { { 2, 4 } },
    reference = function(list)
      return build({ 2, 4 }, function(i)
        return i[2] < 4 and list[1][i[1]][i[2]] or list[2][i[1]][1]
      end)
    end },
  { op = "cat", name = "one tensor", args = function(make) return { { make { 3 } } } end,
    reference = function(list) return list[1] end },
  { op = "cat", name = "nothing", args = function() return { {} } end,
    error = "cat: the list of tensors is empty" },
  { op = "cat", name = "shapes",
    args = function(make) return { { make { 2, 3 }, make { 2, 4 } } } end,
    error = "cat: tensors[2] is (2, 4) but tensors[1] is (2, 3); only axis 1 may differ" },
  { op = "cat", name = "dtypes",
    args = function(make) return { { make { 2 }, make({ 2 }, { dtype = "int64" }) } } end,
    error = "cat: tensors[2] is int64 but tensors[1] is float32; dtypes never mix" },
  { op = "cat", name = "no axes", args = function(make) return { { make {} } } end,
    error = "cat: tensors is () but a tensor of 1 to 8 axes is wanted" },

  { op = "stack", shapes = { {}, { 3 }, { 2, 3 }, { 0, 2 } },
    args = function(make, shape) return { { make(shape), make(shape), make(shape) } } end,
    out = function(shape) return { { 3, table.unpack(shape) } } end, reference = same },
  { op = "stack", name = "at the end",
    args = function(make) return { { make { 2, 3 }, make { 2, 3 } }, -1 } end,
    out = { { 2, 3, 2 } },
    reference = function(list)
      return build({ 2, 3, 2 }, function(i) return list[i[3]][i[1]][i[2]] end)
    end },
  { op = "stack", name = "in between",
    args = function(make) return { { make { 2, 3 }, make { 2, 3 } }, 2 } end,
    out = { { 2, 2, 3 } },
    reference = function(list)
      return build({ 2, 2, 3 }, function(i) return list[i[2]][i[1]][i[3]] end)
    end },
  { op = "stack", name = "nothing", args = function() return { {} } end,
    error = "stack: the list of tensors is empty" },
  { op = "stack", name = "shapes", args = function(make) return { { make { 2 }, make { 3 } } } end,
    error = "stack: tensors[2] is (3,) but tensors[1] is (2,); equal shapes are wanted" },

  { op = "flip", shapes = { {}, { 5 }, { 2, 3 }, { 0, 3 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end,
    reference = function(x)
      local flat <const>, back <const> = R.flat(x), {}
      for i = 1, #flat do back[i] = flat[#flat + 1 - i] end
      return R.nest(back, R.shape(x))
    end },
  { op = "flip", name = "one axis", args = function(make) return { make { 2, 3, 2 }, 2 } end,
    reference = function(x)
      return build({ 2, 3, 2 }, function(i) return x[i[1]][4 - i[2]][i[3]] end)
    end },

  { op = "roll", shapes = { { 5 }, { 4, 3 }, { 1 } },
    args = function(make, shape) return { make(shape), 2 } end,
    reference = function(x)
      local y = {}
      for i = 1, #x do y[(i + 1) % #x + 1] = x[i] end
      return y
    end },
  { op = "roll", name = "back and around",
    args = function(make) return { make { 2, 3 }, -4, -1 } end,
    reference = function(x)
      return build({ 2, 3 }, function(i) return x[i[1]][i[2] % 3 + 1] end)
    end },
  { op = "roll", name = "empty", args = function(make) return { make { 0, 2 }, 1 } end,
    out = { { 0, 2 } }, reference = same },
}

local writing <const> = {
  { op = "copy_", writes = { 1 }, shapes = { { 2, 3 }, { 1, 3 }, { 3 }, {} },
    args = function(make, shape) return { make { 2, 3 }, make(shape) } end,
    reference = function(x, value)
      local y <const> = R.zip(function(_, v) return v end, x, value)
      return y, y
    end },
  { op = "copy_", name = "a number", writes = { 1 }, shapes = { {}, { 3 }, { 0, 2 } },
    args = function(make, shape) return { make(shape), 0.5 } end,
    reference = function(x)
      local y <const> = R.map(function() return 0.5 end, x)
      return y, y
    end },
  { op = "copy_", name = "too long", writes = { 1 },
    args = function(make) return { make { 3 }, make { 2, 3 } } end,
    error = "copy_: the value is (2, 3), which does not stretch to (3,)" },
  { op = "copy_", name = "stretching x", writes = { 1 },
    args = function(make) return { make { 1, 3 }, make { 2, 3 } } end,
    error = "copy_: the value is (2, 3), which does not stretch to (1, 3)" },
  { op = "copy_", name = "a stretched x", writes = { 1 },
    args = function(make) return { make { 1, 3 }:expand(2, 3), 0 } end,
    error = "copy_: x is a stretched view" },
  { op = "copy_", name = "dtypes", writes = { 1 },
    args = function(make) return { make { 3 }, make({ 3 }, { dtype = "float64" }) } end,
    error = "copy_: value is float64 but x is float32; dtypes never mix" },
}

local positions <const> = {
  { op = "index_select", shapes = { { 4 }, { 4, 3 }, { 4, 1 } },
    args = function(make, shape)
      return { make(shape), 1, make.values({ 3, 1, 3, 4 }, "int64") }
    end,
    covers = { "index_back" },
    reference = function(x, axis, index) return index_selected(x, axis, index) end },
  { op = "index_select", name = "columns", shapes = { { 2, 3 }, { 2, 3, 2 } },
    args = function(make, shape) return { make(shape), 2, make.index({ 5 }, 3) } end,
    reference = function(x, axis, index) return index_selected(x, axis, index) end },
  { op = "index_select", name = "one position",
    args = function(make) return { make { 4, 3 }, 1, make.index({}, 4) } end,
    reference = function(x, axis, index) return index_selected(x, axis, index) end },
  { op = "index_select", name = "a Lua list",
    args = function(make) return { make { 3, 2 }, -1, { 2, 2, 1 } } end,
    reference = function(x, _, index) return index_selected(x, 2, index) end },
  { op = "index_select", name = "none",
    args = function(make) return { make { 4, 3 }, 1, make.index({ 0 }, 1) } end,
    out = { { 0, 3 } }, reference = function() return {} end },
  { op = "index_select", name = "position 0",
    args = function(make) return { make { 4 }, 1, make.values({ 2, 0 }, "int64") } end,
    error = "index_select: index[2] is 0, but positions count from 1 to 4" },
  { op = "index_select", name = "beyond",
    args = function(make) return { make { 4, 3 }, 2, make.values({ 1, 4 }, "int64") } end,
    error = "index_select: index[2] is 4, but positions count from 1 to 3" },
  { op = "index_select", name = "of nothing",
    args = function(make) return { make { 0, 3 }, 1, make.values({ 1 }, "int64") } end,
    error = "index_select: index[1] is 1, but the axis has length 0" },
  { op = "index_select", name = "no vector",
    args = function(make) return { make { 4, 3 }, 1, make.index({ 2, 2 }, 4) } end,
    error = "index_select: index is (2, 2) but a tensor of 0 to 1 axes is wanted" },
  { op = "index_select", name = "float positions",
    args = function(make) return { make { 4, 3 }, 1, make { 2 } } end,
    error = "index_select: index is float32 but int64 is wanted" },

  { op = "index_add", shapes = { { 4 }, { 4, 3 }, { 4, 1 } },
    args = function(make, shape)
      return { make(shape), 1, make.values({ 3, 1, 3, 4 }, "int64"), make(shape) }
    end,
    reference = function(x, axis, index, source) return written(add, x, axis, index, source) end },
  { op = "index_add", name = "columns",
    args = function(make)
      return { make { 2, 3, 2 }, 2, make.index({ 5 }, 3), make { 2, 5, 2 } }
    end,
    reference = function(x, axis, index, source) return written(add, x, axis, index, source) end },
  { op = "index_add", name = "nothing",
    args = function(make) return { make { 2, 3 }, 1, make.index({ 0 }, 1), make { 0, 3 } } end,
    reference = same },
  { op = "index_add", name = "shapes",
    args = function(make) return { make { 2, 3 }, 1, make.index({ 4 }, 2), make { 3, 3 } } end,
    error = "index_add: source is (3, 3) but (4, 3) is wanted, one slice of x per position" },
  { op = "index_add", name = "position 0",
    args = function(make)
      return { make { 2 }, 1, make.values({ 0 }, "int64"), make { 1 } }
    end,
    error = "index_add: index[1] is 0, but positions count from 1 to 2" },

  { op = "index_copy", shapes = { { 4 }, { 4, 3 } },
    args = function(make, shape)
      return { make(shape), 1, make.values({ 3, 1, 3, 2 }, "int64"), make(shape) }
    end,
    covers = { "scatter_back" },
    reference = function(x, axis, index, source)
      return written(replace, x, axis, index, source)
    end },
  { op = "index_copy", name = "columns",
    args = function(make)
      return { make { 2, 3, 2 }, 2, make.values({ 2, 2 }, "int64"), make { 2, 2, 2 } }
    end,
    reference = function(x, axis, index, source)
      return written(replace, x, axis, index, source)
    end },
  { op = "index_copy", name = "nothing",
    args = function(make) return { make { 2, 3 }, 1, make.index({ 0 }, 1), make { 0, 3 } } end,
    reference = same },

  { op = "gather", name = "rows",
    args = function(make) return { make { 4, 3 }, 1, make.index({ 5, 3 }, 4) } end,
    covers = { "gather_back" },
    reference = function(x, _, index)
      return build({ 5, 3 }, function(i) return x[index[i[1]][i[2]]][i[2]] end)
    end },
  { op = "gather", name = "columns",
    args = function(make) return { make { 4, 3 }, -1, make.index({ 2, 4 }, 3) } end,
    reference = function(x, _, index)
      return build({ 2, 4 }, function(i) return x[i[1]][index[i[1]][i[2]]] end)
    end },
  { op = "gather", name = "an inner axis",
    args = function(make) return { make { 2, 4, 3 }, 2, make.index({ 2, 1, 2 }, 4) } end,
    reference = function(x, _, index)
      return build({ 2, 1, 2 }, function(i) return x[i[1]][at(index, i)][i[3]] end)
    end },
  { op = "gather", name = "a vector",
    args = function(make) return { make { 4 }, 1, { 4, 1, 4 } } end,
    reference = function(x) return { x[4], x[1], x[4] } end },
  { op = "gather", name = "nothing",
    args = function(make) return { make { 4, 3 }, 1, make.index({ 0, 3 }, 1) } end,
    out = { { 0, 3 } }, reference = function() return {} end },
  { op = "gather", name = "position 0",
    args = function(make) return { make { 2, 2 }, 2, make.values({ { 1 }, { 0 } }, "int64") } end,
    error = "gather: index[2, 1] is 0, but positions count from 1 to 2" },
  { op = "gather", name = "too wide",
    args = function(make) return { make { 2, 2 }, 2, make.index({ 3, 2 }, 2) } end,
    error = "gather: index is (3, 2) but x is (2, 2); apart from axis 2 it must fit inside x" },

  { op = "scatter",
    args = function(make)
      return { make { 3, 4 }, 2, make.values({ { 2, 2, 1 }, { 4, 1, 4 } }, "int64"), make { 2, 3 } }
    end,
    covers = { "scatter_back" },
    reference = function(x, axis, index, source)
      return scattered(replace, x, axis, index, source)
    end },
  { op = "scatter", name = "rows",
    args = function(make) return { make { 3, 4 }, 1, make.index({ 5, 4 }, 3), make { 5, 4 } } end,
    reference = function(x, axis, index, source)
      return scattered(replace, x, axis, index, source)
    end },
  { op = "scatter", name = "a number",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 1 }, 4), 1.5 } end,
    reference = function(x, axis, index, source)
      return scattered(replace, x, axis, index, source)
    end },
  { op = "scatter", name = "one value",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 2 }, 4), make {} } end,
    reference = function(x, axis, index, source)
      return scattered(replace, x, axis, index, source)
    end },
  { op = "scatter", name = "nothing",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 0 }, 1), make { 3, 0 } } end,
    reference = same },
  { op = "scatter", name = "shapes",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 2 }, 4), make { 3, 1 } } end,
    error = "scatter: source is (3, 1) but index is (3, 2); equal shapes are wanted" },

  { op = "scatter_add",
    args = function(make)
      return { make { 3, 4 }, 2, make.values({ { 2, 2, 1 }, { 4, 1, 4 } }, "int64"), make { 2, 3 } }
    end,
    reference = function(x, axis, index, source)
      return scattered(add, x, axis, index, source)
    end },
  { op = "scatter_add", name = "rows",
    args = function(make)
      return { make { 3, 2, 2 }, 1, make.index({ 5, 2, 2 }, 3), make { 5, 2, 2 } }
    end,
    reference = function(x, axis, index, source)
      return scattered(add, x, axis, index, source)
    end },
  { op = "scatter_add", name = "counts", dtypes = { "int64", "float32" },
    args = function(make) return { make.values({ 0, 0, 0 }), 1, make.index({ 20 }, 3), 1 } end,
    reference = function(x, axis, index, source)
      return scattered(add, x, axis, index, source)
    end },
  { op = "scatter_add", name = "one value",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 2 }, 4), make {} } end,
    reference = function(x, axis, index, source)
      return scattered(add, x, axis, index, source)
    end },
  { op = "scatter_add", name = "nothing",
    args = function(make) return { make { 3, 4 }, 2, make.index({ 3, 0 }, 1), make { 3, 0 } } end,
    reference = same },
  { op = "scatter_add", name = "position 0",
    args = function(make) return { make { 3 }, 1, make.values({ 1, 0 }, "int64"), 1 } end,
    error = "scatter_add: index[2] is 0, but positions count from 1 to 3" },
}

local masks <const> = {
  { op = "masked_select", shapes = { { 5 }, { 5, 3 }, { 5, 1, 2 } },
    args = function(make, shape) return { make(shape), make.mask { 5 } } end,
    covers = { "masked_back" }, reference = function(x, mask) return masked(x, mask) end },
  { op = "masked_select", name = "elements", shapes = { { 2, 3 }, { 3, 2 } },
    args = function(make, shape) return { make(shape), make.mask(shape) } end,
    reference = function(x, mask) return masked(x, mask) end },
  { op = "masked_select", name = "none",
    args = function(make) return { make { 2, 3 }, make.values({ 0, 0 }, "uint8") } end,
    out = { { 0, 3 } }, reference = function() return {} end },
  { op = "masked_select", name = "empty",
    args = function(make) return { make { 0, 3 }, make.mask { 0 } } end,
    out = { { 0, 3 } }, reference = function() return {} end },
  { op = "masked_select", name = "other values",
    args = function(make) return { make { 3 }, make.values({ 200, 0, 7 }, "uint8") } end,
    reference = function(x) return { x[1], x[3] } end },
  { op = "masked_select", name = "last axes",
    args = function(make) return { make { 2, 3 }, make.mask { 3 } } end,
    error = "masked_select: mask is (3,) but x is (2, 3); the first axes of x are wanted" },
  { op = "masked_select", name = "dtype",
    args = function(make) return { make { 2, 3 }, make { 2 } } end,
    error = "masked_select: mask is float32 but uint8 is wanted" },

  { op = "masked_assign", name = "a line for each",
    args = function(make)
      return { make { 4, 3 }, make.values({ 0, 1, 1, 0 }, "uint8"), make { 2, 3 } }
    end,
    reference = function(x, mask, value)
      return assigned(x, mask, function(k) return value[k] end)
    end },
  { op = "masked_assign", name = "an element for each",
    args = function(make)
      return { make { 2, 2 }, make.values({ { 0, 1 }, { 1, 1 } }, "uint8"), make { 3 } }
    end,
    reference = function(x, mask, value)
      return assigned(x, mask, function(k) return value[k] end)
    end },
  { op = "masked_assign", name = "one line",
    args = function(make) return { make { 4, 3 }, make.mask { 4 }, make { 3 } } end,
    reference = function(x, mask, value)
      return assigned(x, mask, function() return value end)
    end },
  { op = "masked_assign", name = "one value",
    args = function(make) return { make { 4, 3 }, make.mask { 4, 3 }, make {} } end,
    reference = function(x, mask, value)
      return assigned(x, mask, function() return value end)
    end },
  { op = "masked_assign", name = "a number",
    args = function(make) return { make { 4, 3 }, make.mask { 4 }, 2 } end,
    reference = function(x, mask)
      return assigned(x, mask, function() return { 2, 2, 2 } end)
    end },
  { op = "masked_assign", name = "empty",
    args = function(make) return { make { 0, 3 }, make.mask { 0 }, 2 } end,
    out = { { 0, 3 } }, reference = same },
  { op = "masked_assign", name = "too many",
    args = function(make)
      return { make { 4 }, make.values({ 0, 1, 1, 0 }, "uint8"), make { 3 } }
    end,
    error = "masked_assign: the mask selects 2 places but the value has 3" },
  { op = "masked_assign", name = "shapes",
    args = function(make) return { make { 4, 3 }, make.mask { 4 }, make { 2 } } end,
    error = "masked_assign: the value is (2,) but a number, (3,), or one such per selected place" },
}

local triangles <const> = {
  { op = "tril", shapes = { { 3, 3 }, { 2, 4 }, { 4, 2 }, { 0, 3 }, { 3, 0 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end,
    reference = function(x)
      return build(R.shape(x), function(i) return i[2] <= i[1] and at(x, i) or 0 end)
    end },
  { op = "tril", name = "offset", args = function(make) return { make { 2, 3, 4 }, -1 } end,
    reference = function(x)
      return build(R.shape(x), function(i) return i[3] <= i[2] - 1 and at(x, i) or 0 end)
    end },
  { op = "tril", name = "far", args = function(make) return { make { 2, 3 }, math.maxinteger } end,
    reference = same },
  { op = "tril", name = "a vector", args = function(make) return { make { 3 } } end,
    error = "tril: x is (3,) but a tensor of 2 to 8 axes is wanted" },
  { op = "triu", shapes = { { 3, 3 }, { 2, 4 }, { 4, 2 }, { 0, 3 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end,
    reference = function(x)
      return build(R.shape(x), function(i) return i[2] >= i[1] and at(x, i) or 0 end)
    end },
  { op = "triu", name = "offset", args = function(make) return { make { 2, 3, 4 }, 2 } end,
    reference = function(x)
      return build(R.shape(x), function(i) return i[3] >= i[2] + 2 and at(x, i) or 0 end)
    end },
  { op = "triu", name = "far", args = function(make) return { make { 2, 3 }, math.mininteger } end,
    reference = same },
}

local function one_hot(index, classes)
  return R.map(function(i)
    local line = {}
    for k = 1, classes do line[k] = k == i and 1 or 0 end
    return line
  end, index)
end

local found <const> = {
  { op = "one_hot", shapes = { {}, { 4 }, { 2, 3 } },
    args = function(make, shape) return { make.index(shape, 5), 5, { dtype = make.dtype } } end,
    dtypes = { "float64", "float32", "int64", "uint8" }, reference = one_hot },
  { op = "one_hot", name = "a Lua list", args = function() return { { 2, 1 }, 2 } end,
    reference = one_hot },
  { op = "one_hot", name = "empty", args = function(make) return { make.index({ 0 }, 1), 3 } end,
    out = { { 0, 3 } }, reference = one_hot },
  { op = "one_hot", name = "class 0", args = function() return { { 2, 0 }, 2 } end,
    error = "one_hot: index[2] is 0, but positions count from 1 to 2" },
  { op = "one_hot", name = "beyond", args = function() return { { 3 }, 2 } end,
    error = "one_hot: index[1] is 3, but positions count from 1 to 2" },

  { op = "nonzero", dtypes = { "float64", "float32", "int64", "uint8" }, grad = {},
    args = function(make) return { make.values { { 0, 1, 0 }, { 3, 0, 1 } } } end,
    out = { { 3, 2 } }, reference = function() return { { 1, 2 }, { 2, 1 }, { 2, 3 } } end },
  { op = "nonzero", name = "nothing",
    args = function(make) return { make.values { 0, 0 } } end, grad = {},
    out = { { 0, 1 } }, reference = function() return {} end },
  { op = "nonzero", name = "no number", grad = {},
    args = function(make) return { make.values { 0 / 0, 0, -0.0 } } end,
    reference = function() return { { 1 } } end },
  { op = "nonzero", name = "empty", args = function(make) return { make { 0, 2 } } end, grad = {},
    out = { { 0, 2 } }, reference = function() return {} end },
}

--- What a draw is worth is the business of spec/op/random_spec.lua.
local function shaped(shape)
  return function(outputs) assert.same(shape, outputs[1].shape) end
end

local NOTHING_COMES_IN <const> = "no tensor comes in"

local draws <const> = {
  { op = "rand", random = true, nonempty = NOTHING_COMES_IN, args = function() return { 2, 3 } end,
    check = shaped { 2, 3 } },
  { op = "rand", name = "dtype", args = function() return { 2, { dtype = "int64" } } end,
    error = "rand: dtype is int64 but float32 or float64 is wanted" },
  { op = "randn", random = true, nonempty = NOTHING_COMES_IN,
    args = function() return { { 2, 0 } } end,
    check = shaped { 2, 0 } },
  { op = "randint", random = true, nonempty = NOTHING_COMES_IN,
    args = function() return { -1, 1, 2, 3 } end, check = shaped { 2, 3 } },
  { op = "randint", name = "backwards", args = function() return { 2, 1, 5 } end,
    error = "randint: low is 2 but high is 1; both ends are included, low first" },
  { op = "randperm", random = true, nonempty = NOTHING_COMES_IN, args = function() return { 5 } end,
    check = shaped { 5 } },
  { op = "randperm", name = "negative", args = function() return { -1 } end,
    error = "randperm: axis 1 has length -1, but lengths are 0 or more" },
  { op = "uniform", random = true, grad = {}, shapes = { { 5 }, { 3, 2 }, { 0 }, {} },
    args = function(make, shape) return { make(shape), -1, 2 } end,
    out = function(shape) return { shape } end, check = function() end },
  { op = "uniform", name = "backwards", args = function(make) return { make { 2 }, 1, 0 } end,
    error = "uniform: low is 1 and high is 0; finite numbers, low first, are wanted" },
  { op = "normal", random = true, grad = {}, shapes = { { 5 }, { 3, 2 }, { 0 }, {} },
    args = function(make, shape) return { make(shape), -1, 2 } end,
    out = function(shape) return { shape } end, check = function() end },
  { op = "normal", name = "negative", args = function(make) return { make { 2 }, 0, -1 } end,
    error = "normal: mean is 0 and deviation is -1; finite numbers are wanted, the deviation" },
  { op = "bernoulli", random = true, grad = {}, range = { 0, 1 },
    shapes = { { 5 }, { 3, 2 }, { 0 } },
    args = function(make, shape) return { make(shape) } end,
    out = function(shape) return { shape } end, check = function() end },
  { op = "bernoulli", name = "no probability",
    args = function(make) return { make.values { 0.5, 1.5 } } end,
    error = "bernoulli: x[2] is 1.5, but probabilities lie in 0 to 1" },
  { op = "dropout", random = true, shapes = { { 7 }, { 3, 2 }, { 0 }, {} },
    args = function(make, shape) return { make(shape), 0.4 } end,
    covers = { "dropout_apply" }, out = function(shape) return { shape } end,
    check = function() end },
  { op = "dropout", name = "p = 0", args = function(make) return { make { 7 }, 0 } end,
    reference = same },
  { op = "dropout", name = "p = 1", args = function(make) return { make { 7 }, 1 } end,
    reference = function(x) return R.map(function() return 0 end, x) end },
  { op = "dropout", name = "no probability", args = function(make) return { make { 7 }, 1.5 } end,
    error = "dropout: p is 1.5 but a probability from 0 to 1 is wanted" },
}

local all <const> = {}
for _, group in ipairs { views, parts, writing, positions, masks, triangles, found, draws } do
  table.move(group, 1, #group, #all + 1, all)
end
return all
