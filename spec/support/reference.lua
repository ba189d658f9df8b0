--- Small tools for plain-Lua references: arrays are nested tables of numbers, a number is an array
--- without axes. Nothing here is clever; a reference is to be read, not to be fast. Axes count from
--- 1, negative ones from the end.
local R <const> = {}

--- The axes' lengths; inner axes behind an empty one are unknown and left out.
function R.shape(x)
  local shape = {}
  while type(x) == "table" do
    shape[#shape + 1] = #x
    x = x[1]
  end
  return shape
end

--- The elements in row-major order.
function R.flat(x, into)
  into = into or {}
  if type(x) ~= "table" then
    into[#into + 1] = x
    return into
  end
  for i = 1, #x do R.flat(x[i], into) end
  return into
end

--- The inverse of flat.
function R.nest(flat, shape)
  local at = 0
  local function build(axis)
    if axis > #shape then
      at = at + 1
      return flat[at]
    end
    local list = {}
    for i = 1, shape[axis] do list[i] = build(axis + 1) end
    return list
  end
  return build(1)
end

--- f of every element.
function R.map(f, x)
  if type(x) ~= "table" then return f(x) end
  local y = {}
  for i = 1, #x do y[i] = R.map(f, x[i]) end
  return y
end

local function depth(x)
  if type(x) ~= "table" then return 0 end
  return 1 + (x[1] ~= nil and depth(x[1]) or 0)
end

--- f of the elements of any number of arrays, broadcast against each other from the last axis.
function R.zip(f, ...)
  local arrays, deepest = { ... }, 0
  for _, x in ipairs(arrays) do deepest = math.max(deepest, depth(x)) end
  if deepest == 0 then return f(...) end
  local longest
  for _, x in ipairs(arrays) do
    if depth(x) == deepest and (longest == nil or longest == 1) then longest = #x end
  end
  local y = {}
  for i = 1, longest do
    local parts = {}
    for k, x in ipairs(arrays) do
      local spread = depth(x) == deepest
      parts[k] = spread and (#x == 1 and x[1] or x[i]) or x
    end
    y[i] = R.zip(f, table.unpack(parts))
  end
  return y
end

local function resolve(axis, x) return axis < 0 and axis + depth(x) + 1 or axis end

--- f of every line of numbers along `axis`; f may return a number (the axis goes, or stays with
--- length 1 when keepdim) or a list (the axis takes its length). Several results of f give several
--- arrays.
function R.along(f, x, axis, keepdim)
  local shape <const> = R.shape(x)
  axis = resolve(axis, x)
  local flat <const> = R.flat(x)
  local inner, outer, n = 1, 1, shape[axis] or 0
  for k = axis + 1, #shape do inner = inner * shape[k] end
  for k = 1, axis - 1 do outer = outer * shape[k] end
  local results, lengths = {}, {}
  for o = 0, outer - 1 do
    for i = 0, inner - 1 do
      local line = {}
      for k = 1, n do line[k] = flat[(o * n + k - 1) * inner + i + 1] end
      local values <const> = table.pack(f(line))
      for r = 1, values.n do
        local value <const> = values[r]
        local list <const> = type(value) == "table" and value or { value }
        results[r] = results[r] or {}
        lengths[r] = type(value) == "table" and #value or (keepdim and 1 or false)
        for k = 1, #list do results[r][(o * #list + k - 1) * inner + i + 1] = list[k] end
      end
    end
  end
  local arrays = {}
  for r = 1, #results do
    local out = {}
    for k = 1, #shape do
      local length = lengths[r]
      if k ~= axis then length = shape[k] end
      if length then out[#out + 1] = length end
    end
    arrays[r] = R.nest(results[r], out)
  end
  return table.unpack(arrays)
end

--- A line's sum.
function R.sum(line)
  local total = 0.0
  for i = 1, #line do total = total + line[i] end
  return total
end

--- (n, k) times (k, m); further leading axes broadcast.
function R.matmul(a, b)
  if depth(a) > 2 or depth(b) > 2 then
    local deepest <const> = math.max(depth(a), depth(b))
    local function count(x) return depth(x) == deepest and #x or 0 end
    local function at(x, i) return depth(x) < deepest and x or x[#x == 1 and 1 or i] end
    local c = {}
    for i = 1, math.max(count(a), count(b)) do c[i] = R.matmul(at(a, i), at(b, i)) end
    return c
  end
  local c = {}
  for i = 1, #a do
    c[i] = {}
    for j = 1, #(b[1] or {}) do
      local total = 0.0
      for k = 1, #b do total = total + a[i][k] * b[k][j] end
      c[i][j] = total
    end
  end
  return c
end

--- Rows and columns exchanged.
function R.transpose(a)
  local b = {}
  for j = 1, #(a[1] or {}) do
    b[j] = {}
    for i = 1, #a do b[j][i] = a[i][j] end
  end
  return b
end

return R
