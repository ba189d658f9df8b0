--- Coordinate networks: grids of features, and rays through a medium.
local assert <const> = require "luassert"
local R <const> = require "spec.support.reference"

local cases <const> = {}

local function case(row) cases[#cases + 1] = row end

-- ---- hash_grid ----------------------------------------------------------------------------------

local PRIMES <const> = { 1, 2654435761, 805459861 }

--- Levels as {cells, rows, dense, first row}, and how many rows there are.
local function levels_of(o, axes)
  local levels, rows = {}, 0
  for l = 1, o.levels do
    local cells <const> = math.floor(o.base * o.growth ^ (l - 1) * (1 + 1e-9))
    local corners <const> = (cells + 1) ^ axes
    local dense <const> = corners <= o.table_size
    local entries <const> = math.tointeger(dense and corners or o.table_size)
    levels[l] = { cells = cells, rows = entries, dense = dense, first = rows }
    rows = rows + entries
  end
  return levels, rows
end

local function row_of(level, corner, table_size)
  local place = 0
  for d, at in ipairs(corner) do
    if level.dense then
      place = place + at * math.tointeger((level.cells + 1) ^ (d - 1))
    else
      place = place ~ (at * PRIMES[d] & 0xffffffff)
    end
  end
  return level.first + (level.dense and place or place & table_size - 1) + 1
end

--- The weight of corner c, differentiated along the directions from the k-th on: each takes an
--- axis.
local function weight_of(c, f, cells, directions, k, taken)
  local weight = k <= #directions and 0 or 1
  for d = 1, #f do
    local up <const> = c >> (d - 1) & 1
    if k > #directions then
      weight = weight * (taken[d] and (2 * up - 1) * cells or up == 1 and f[d] or 1 - f[d])
    elseif not taken[d] then
      taken[d] = true
      weight = weight + directions[k][d] * weight_of(c, f, cells, directions, k + 1, taken)
      taken[d] = nil
    end
  end
  return weight
end

--- The features of one point on one level, added to the list.
local function look_up(features, point, rows, level, o, directions)
  local axes <const>, sum <const> = #point, {}
  local cell, f = {}, {}
  for d, x in ipairs(point) do
    local at <const> = math.min(math.max(x, 0), 1) * level.cells
    cell[d] = math.min(at // 1, level.cells - 1)
    f[d] = at - cell[d]
  end
  for c = 0, (1 << axes) - 1 do
    local weight <const> = weight_of(c, f, level.cells, directions, 1, {})
    local corner = {}
    for d = 1, axes do corner[d] = math.tointeger(cell[d] + (c >> (d - 1) & 1)) end
    for k, feature in ipairs(rows[row_of(level, corner, o.table_size)]) do
      sum[k] = (sum[k] or 0) + weight * feature
    end
  end
  table.move(sum, 1, #sum, #features + 1, features)
end

local function grid_reference(points, rows, o)
  local along <const> = { o.along, o.along2, o.along3 }
  if type(points[1]) ~= "table" then
    local features = {}
    for _, level in ipairs((levels_of(o, #points))) do
      look_up(features, points, rows, level, o, along)
    end
    return features
  end
  local list = {}
  for i, point in ipairs(points) do
    local one <const> = setmetatable({}, { __index = o })
    for k, direction in ipairs(along) do one[k == 1 and "along" or "along" .. k] = direction[i] end
    list[i] = grid_reference(point, rows, one)
  end
  return list
end

--- Coordinates whose products with the cells of a level stay off whole numbers.
local function inside_cells(make, shape, o)
  local kinks = {}
  for _, level in ipairs((levels_of(o, shape[#shape]))) do
    for i = 0, level.cells do kinks[#kinks + 1] = i / level.cells end
  end
  return make(shape, { range = { 0.02, 0.98 }, kinks = kinks })
end

for name, given in pairs {
  ["a line"] = { shape = { 7, 1 }, features = 3 },
  ["a plane"] = { shape = { 67, 2 }, features = 2 },
  ["one feature"] = { shape = { 5, 2 }, features = 1 },
  ["space"] = { shape = { 3, 2, 3 }, features = 4 },
  ["hashed space"] = { shape = { 9, 3 }, features = 2, table_size = 16 },
  ["hashed plane"] = { shape = { 9, 2 }, features = 2, table_size = 8 },
  ["a point"] = { shape = { 2 }, features = 2 },
  ["along a direction"] = { shape = { 5, 3 }, features = 2, directions = 1 },
  ["along two directions"] = { shape = { 5, 2 }, features = 1, directions = 2 },
  ["along three directions"] = { shape = { 2, 3 }, features = 2, directions = 3 },
} do
  local o <const> = { levels = 2, base = 2, growth = 1.5, table_size = given.table_size or 64 }
  local _, rows <const> = levels_of(o, given.shape[#given.shape])
  case {
    op = "hash_grid", name = name,
    covers = name == "hashed space"
      and { "hash_grid_back", "hash_grid_slope" } or nil,
    args = function(make)
      local options <const> = {}
      for key, value in pairs(o) do options[key] = value end
      for k = 1, given.directions or 0 do
        options["along" .. (k > 1 and k or "")] = make(given.shape)
      end
      return { inside_cells(make, given.shape, o), make { rows, given.features }, options }
    end,
    reference = grid_reference,
  }
end

local small <const> = { levels = 3, base = 4, growth = 2, table_size = 16 }
case {
  op = "hash_grid", name = "no points", out = { { 0, 6 } },
  args = function(make) return { make { 0, 2 }, make { 48, 2 }, small } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "hash_grid", name = "at corners and beyond the box", grad = { 2 },
  args = function(make)
    return { make.values { { 0, 0 }, { 1, 1 }, { 0.25, 1 }, { -3, 0.5 }, { 2, 7 } },
      make { 48, 2 }, small }
  end,
  reference = grid_reference,
}
for message, args in pairs {
  ["hash_grid: along is (5, 3) but the points are (5, 2)"] =
    function(make)
      local o <const> = { along = make { 5, 3 } }
      for name, value in pairs(small) do o[name] = value end
      return { make { 5, 2 }, make { 48, 2 }, o }
    end,
  ["hash_grid: the table is (7, 2) but these levels want 48 rows"] =
    function(make) return { make { 5, 2 }, make { 7, 2 }, small } end,
  ["hash_grid: points have 4 coordinates but 1 to 3 are wanted"] =
    function(make) return { make { 5, 4 }, make { 48, 2 }, small } end,
  ["hash_grid: table_size is 12 but a power of 2 up to 2^24 is wanted"] =
    function(make) return { make { 5, 2 }, make { 48, 2 }, { table_size = 12 } } end,
  ["hash_grid: levels is 40 but 1 to 32 are wanted"] =
    function(make) return { make { 5, 2 }, make { 48, 2 }, { levels = 40 } } end,
  ["hash_grid: base is 0 and growth 1.5 but numbers from 1 are wanted"] =
    function(make) return { make { 5, 2 }, make { 48, 2 }, { base = 0 } } end,
  ["hash_grid: the finest level has more than 2^20 cells along an axis"] =
    function(make) return { make { 5, 2 }, make { 48, 2 }, { growth = 4 } } end,
} do
  case { op = "hash_grid", name = message, args = args, error = message }
end

case {
  op = "hash_grid_levels", nonempty = "it takes no tensor",
  args = function()
    return { { levels = 4, base = 16, growth = 2, table_size = 4096, axes = 2 } }
  end,
  reference = function()
    return { { 16, 289, 1 }, { 32, 1089, 1 }, { 64, 4096, 0 }, { 128, 4096, 0 } }
  end,
}

-- ---- composite ----------------------------------------------------------------------------------

--- Colour, opacity, depth and weights of one ray.
local function ray(density, colour, t, delta, background)
  local reaches, opacity, depth = 1, 0, 0
  local seen, weights = {}, {}
  for k = 1, #colour[1] do seen[k] = 0 end
  for i = 1, #density do
    local left <const> = math.exp(-density[i] * delta[i])
    weights[i] = reaches * (1 - left)
    reaches = reaches * left
    opacity, depth = opacity + weights[i], depth + weights[i] * t[i]
    for k = 1, #seen do seen[k] = seen[k] + weights[i] * colour[i][k] end
  end
  for k = 1, background and #seen or 0 do seen[k] = seen[k] + (1 - opacity) * background[k] end
  return { seen, opacity, depth, weights }
end

local function composite(density, colour, t, delta, background)
  if type(density[1]) ~= "table" then
    return table.unpack(ray(density, colour, t, delta, background))
  end
  local outputs = { {}, {}, {}, {} }
  for r = 1, #density do
    local single <const> = background and type(background[1]) ~= "table" and background
    local one <const> = { composite(density[r], colour[r], t[r], delta[r],
      background and (single or background[r])) }
    for k = 1, 4 do outputs[k][r] = one[k] end
  end
  return table.unpack(outputs)
end

local function joined(shape, ...)
  local list = table.move(shape, 1, #shape, 1, {})
  for _, n in ipairs { ... } do list[#list + 1] = n end
  return list
end

local function rays(make, shape, samples, channels, background)
  local all <const> = joined(shape, samples)
  local from_0 <const> = { range = { 0.1, 2 } }
  return { make(all, from_0), make(joined(all, channels)), make(all, from_0), make(all, from_0),
    background and make(background) or nil }
end

for name, given in pairs {
  ["rays"] = { { 4 }, 5, 3, { 3 } },
  ["a background for each"] = { { 4 }, 5, 3, { 4, 3 } },
  ["without a background"] = { { 3 }, 7, 2 },
  ["one sample"] = { { 2, 3 }, 1, 1, { 1 } },
  ["one ray"] = { {}, 6, 3, { 3 } },
} do
  case {
    op = "composite", name = name,
    covers = name == "rays" and { "composite_back" } or nil,
    args = function(make) return rays(make, table.unpack(given)) end,
    reference = composite,
  }
end

case {
  op = "composite", name = "no rays", out = { { 0, 3 }, { 0 }, { 0 }, { 0, 5 } },
  args = function(make) return rays(make, { 0 }, 5, 3, { 3 }) end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "composite", name = "a negative density", error = "composite: density[1, 2] is below 0",
  args = function(make)
    local args <const> = rays(make, { 1 }, 3, 3)
    args[1] = make.values { { 1, -1, 1 } }
    return args
  end,
}
case {
  op = "composite", name = "too few distances",
  error = "composite: t is (2, 4) but density (2, 5) wants (2, 5)",
  args = function(make)
    local args <const> = rays(make, { 2 }, 5, 3)
    args[3] = make { 2, 4 }
    return args
  end,
}
case {
  op = "composite", name = "no samples", error = "composite: a ray has no samples",
  args = function(make) return rays(make, { 2 }, 0, 3) end,
}

--- The weights differentiated along u: u_i T_{i+1} - w_i (u_1 + ... + u_{i-1}).
local function along(u, a)
  local thick, before, list = 0, 0, {}
  for i = 1, #a do
    local left <const> = math.exp(-thick - a[i])
    list[i] = u[i] * left - (math.exp(-thick) - left) * before
    thick, before = thick + a[i], before + u[i]
  end
  return list
end

--- The gradient of sum q along(u, a): each thickness takes part in all samples from its own on.
local function curve(q, u, a)
  local p <const>, list = along(u, a), {}
  for m = 1, #a do
    local thick, before, sum = 0, 0, 0
    for i = 1, m do thick, before = thick + a[i], before + u[i] end
    for k = m + 1, #a do sum = sum + q[k] * p[k] end
    list[m] = -q[m] * math.exp(-thick) * before - sum
  end
  return list
end

local function rows_of(f)
  return function(...)
    local inputs <const>, list = { ... }, {}
    for r = 1, #inputs[1] do
      local row <const> = {}
      for k, input in ipairs(inputs) do row[k] = input[r] end
      list[r] = f(table.unpack(row))
    end
    return list
  end
end

for op, given in pairs { composite_along = { 1, along }, composite_curve = { 2, curve } } do
  case {
    op = op, shapes = { { 3, 5 }, { 1, 1 }, { 2, 40 } }, grad = given[1] == 2 and {} or nil,
    nonempty = "composite has one", smooth = false,
    reason = "they are second derivatives; one of the third order has no row",
    args = function(make, shape)
      local list = {}
      for k = 1, given[1] do list[k] = make(shape) end
      list[#list + 1] = make(shape, { range = { 0.1, 2 } })
      return list
    end,
    reference = rows_of(given[2]),
  }
end

-- Where closed forms are known. A ray of constant density s and length n d: opacity 1 - e^-(s n d).
local function closed(name, density, delta, samples, opacity)
  case {
    op = "composite", name = name, grad = {},
    args = function(make)
      local numbers = {}
      for i = 1, samples do numbers[i] = density end
      local x <const> = make.values({ numbers }, make.dtype)
      return { x, make.values { R.map(function() return { 1, 1 } end, numbers) }, x * 0 + 3,
        x * 0 + delta }
    end,
    check = function(outputs)
      local total <const> = R.sum(R.flat(outputs[4]:totable()))
      assert.near(opacity, outputs[2]:get(1), 1e-6)
      assert.near(outputs[2]:get(1), total, 1e-5)
      assert.near(opacity, outputs[1]:get(1, 2), 1e-6)
      assert.near(3 * opacity, outputs[3]:get(1), 1e-5)
    end,
  }
end
closed("constant density", 0.5, 0.25, 16, 1 - math.exp(-2))
closed("an opaque slab", 1e6, 1, 3, 1)
closed("empty space", 0, 1e10, 4, 0)
closed("opaque to the end of the world", 1e6, 1e10, 2, 1)
closed("4096 samples", 0.5, 4 / 4096, 4096, 1 - math.exp(-2))

-- ---- mesh_distance ------------------------------------------------------------------------------

local function minus(a, b) return { a[1] - b[1], a[2] - b[2], a[3] - b[3] } end
local function dot(a, b) return a[1] * b[1] + a[2] * b[2] + a[3] * b[3] end
local function cross(a, b)
  return { a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1] }
end

--- To the foot on the plane where it lies in the triangle, else to the nearest edge.
local function distance_to(p, face)
  local ab <const>, ac <const>, ap <const> =
    minus(face[2], face[1]), minus(face[3], face[1]), minus(p, face[1])
  local best = math.huge
  local function try(u, v)
    if u < -1e-12 or v < -1e-12 or u + v > 1 + 1e-12 then return end
    local off <const> = {}
    for k = 1, 3 do off[k] = ap[k] - u * ab[k] - v * ac[k] end
    best = math.min(best, math.sqrt(dot(off, off)))
  end
  local d11 <const>, d12 <const>, d22 <const> = dot(ab, ab), dot(ab, ac), dot(ac, ac)
  local e1 <const>, e2 <const> = dot(ap, ab), dot(ap, ac)
  local determinant <const> = d11 * d22 - d12 * d12
  try((e1 * d22 - e2 * d12) / determinant, (e2 * d11 - e1 * d12) / determinant)
  local function clamp(t) return math.min(math.max(t, 0), 1) end
  try(clamp(e1 / d11), 0)
  try(0, clamp(e2 / d22))
  local bc <const>, bp <const> = minus(face[3], face[2]), minus(p, face[2])
  local t <const> = clamp(dot(bp, bc) / dot(bc, bc))
  try(1 - t, t)
  return best
end

local function angle_of(p, face)
  local a <const>, b <const>, c <const> = minus(face[1], p), minus(face[2], p), minus(face[3], p)
  local la <const>, lb <const>, lc <const> =
    math.sqrt(dot(a, a)), math.sqrt(dot(b, b)), math.sqrt(dot(c, c))
  return math.atan(dot(a, cross(b, c)), la * lb * lc + dot(a, b) * lc + dot(b, c) * la
    + dot(c, a) * lb) / (2 * math.pi)
end

case {
  op = "mesh_distance", grad = {},
  shapes = { { { 7, 3 }, { 5, 3, 3 } }, { { 2, 3, 3 }, { 40, 3, 3 } }, { { 3 }, { 16, 3, 3 } } },
  args = function(make, shape) return { make(shape[1]), make(shape[2]) } end,
  reference = function(points, faces)
    local distances <const>, windings <const> = {}, {}
    local function look(p)
      if type(p[1]) == "table" then
        local ds, ws = {}, {}
        for i, q in ipairs(p) do ds[i], ws[i] = look(q) end
        return ds, ws
      end
      local least, around = math.huge, 0
      for _, face in ipairs(faces) do
        least, around = math.min(least, distance_to(p, face)), around + angle_of(p, face)
      end
      return least, around
    end
    distances[1], windings[1] = look(points)
    return distances[1], windings[1]
  end,
}
case {
  op = "mesh_distance", name = "no points", out = { { 0 }, { 0 } },
  args = function(make) return { make { 0, 3 }, make { 2, 3, 3 } } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "mesh_distance", name = "no triangles",
  args = function(make) return { make { 2, 3 }, make { 0, 3, 3 } } end,
  error = "mesh_distance: points are (2, 3) and corners (0, 3, 3), but (..., 3) and at least one",
}

return cases
