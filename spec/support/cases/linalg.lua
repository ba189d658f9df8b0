--- Linear algebra. References work on one nested matrix at a time, by methods that LAPACK does not
--- use: Jacobi rotations, Gram and Schmidt twice, elimination with whole pivoting.
local assert <const> = require "luassert"
local core <const> = require "mlp.core"
local R <const> = require "spec.support.reference"

local cases <const> = {}

local function case(row)
  row.op = "linalg." .. row.op
  cases[#cases + 1] = row
end

local T <const>, matmul <const> = R.transpose, R.matmul

local function depth(x) return #R.shape(x) end

local function filled(m, n, f)
  local a = {}
  for i = 1, m do
    a[i] = {}
    for j = 1, n do a[i][j] = f(i, j) end
  end
  return a
end

local function identity(n) return filled(n, n, function(i, j) return i == j and 1 or 0 end) end

--- f of every matrix; several results give several arrays.
local function each_matrix(f)
  local function walk(x)
    if depth(x) <= 2 then return table.pack(f(x)) end
    local parts = {}
    for i = 1, #x do
      local results <const> = walk(x[i])
      for k = 1, results.n do
        parts[k] = parts[k] or {}
        parts[k][i] = results[k]
      end
    end
    parts.n = #parts
    return parts
  end
  return function(x) return table.unpack(walk(x)) end
end

-- ---- plain methods ------------------------------------------------------------------------------

--- x or -x: the first element within a hundredth of the largest is positive.
local function sign_of(x)
  local most = 0
  for i = 1, #x do most = math.max(most, math.abs(x[i])) end
  for i = 1, #x do
    if math.abs(x[i]) >= 0.99 * most then return x[i] < 0 and -1 or 1 end
  end
end

local function symmetric(a)
  return filled(#a, #a, function(i, j) return (a[i][j] + a[j][i]) / 2 end)
end

--- One-sided Jacobi: columns of A are turned against each other until they are orthogonal. Of a
--- wide matrix the transpose is taken. Returns U, s, V', thin.
local function svd(a)
  if #a < #a[1] then
    local u, s, vh = svd(T(a))
    local left, right = T(vh), T(u)
    for i = 1, #s do
      local column = {}
      for k = 1, #left do column[k] = left[k][i] end
      if sign_of(column) < 0 then
        for k = 1, #left do left[k][i] = -left[k][i] end
        for k = 1, #right[i] do right[i][k] = -right[i][k] end
      end
    end
    return left, s, right
  end
  local columns <const>, v <const> = T(a), identity(#a[1])
  for _ = 1, 30 do
    for p = 1, #columns - 1 do
      for q = p + 1, #columns do
        local alpha, beta, gamma = 0, 0, 0
        for k = 1, #a do
          alpha = alpha + columns[p][k] ^ 2
          beta = beta + columns[q][k] ^ 2
          gamma = gamma + columns[p][k] * columns[q][k]
        end
        if gamma ~= 0 then
          local zeta <const> = (beta - alpha) / (2 * gamma)
          local t <const> = (zeta >= 0 and 1 or -1) / (math.abs(zeta) + math.sqrt(1 + zeta ^ 2))
          local c <const> = 1 / math.sqrt(1 + t * t)
          for _, set in ipairs { columns, v } do
            for k = 1, #set[p] do
              local x, y = set[p][k], set[q][k]
              set[p][k], set[q][k] = c * x - c * t * y, c * t * x + c * y
            end
          end
        end
      end
    end
  end
  local order, s = {}, {}
  for i, column in ipairs(columns) do
    local sum = 0
    for k = 1, #column do sum = sum + column[k] ^ 2 end
    order[i] = { value = math.sqrt(sum), u = column, v = v[i] }
  end
  table.sort(order, function(x, y) return x.value > y.value end)
  local ut, vh = {}, {}
  for i, one in ipairs(order) do
    s[i] = one.value
    local sign <const> = sign_of(one.u)
    local length <const> = math.max(one.value, 1e-300)
    ut[i] = R.map(function(x) return sign * x / length end, one.u)
    vh[i] = R.map(function(x) return sign * x end, one.v)
  end
  return T(ut), s, vh
end

--- Cyclic Jacobi rotations of a symmetric matrix.
local function eigh(a)
  a = symmetric(a)
  local n <const>, v = #a, identity(#a)
  for _ = 1, 30 do
    for p = 1, n - 1 do
      for q = p + 1, n do
        if a[p][q] ~= 0 then
          local theta <const> = (a[q][q] - a[p][p]) / (2 * a[p][q])
          local t <const> = (theta >= 0 and 1 or -1) / (math.abs(theta) + math.sqrt(1 + theta ^ 2))
          local c <const> = 1 / math.sqrt(1 + t * t)
          local turn <const> = identity(n)
          turn[p][p], turn[q][q], turn[p][q], turn[q][p] = c, c, c * t, -c * t
          a = matmul(matmul(T(turn), a), turn)
          v = matmul(v, turn)
        end
      end
    end
  end
  local list, w = {}, {}
  for i, column in ipairs(T(v)) do
    local sign <const> = sign_of(column)
    list[i] = { value = a[i][i], vector = R.map(function(x) return sign * x end, column) }
  end
  table.sort(list, function(x, y) return x.value < y.value end)
  local vt = {}
  for i, one in ipairs(list) do w[i], vt[i] = one.value, one.vector end
  return w, T(vt)
end

--- Gram and Schmidt, each column twice against those before it.
local function qr(a)
  local q <const>, k <const> = {}, math.min(#a, #a[1])
  for j = 1, k do
    local x = T(a)[j]
    for _ = 1, 2 do
      for i = 1, j - 1 do
        local dot = 0
        for row = 1, #x do dot = dot + q[i][row] * x[row] end
        for row = 1, #x do x[row] = x[row] - dot * q[i][row] end
      end
    end
    local norm = 0
    for row = 1, #x do norm = norm + x[row] ^ 2 end
    q[j] = R.map(function(y) return y / math.sqrt(norm) end, x)
  end
  local r <const> = matmul(q, a)
  for i = 1, k do
    for j = 1, i - 1 do r[i][j] = 0 end
  end
  return T(q), r
end

local function cholesky(a)
  a = symmetric(a)
  local l <const> = filled(#a, #a, function() return 0 end)
  for i = 1, #a do
    for j = 1, i do
      local x = a[i][j]
      for k = 1, j - 1 do x = x - l[i][k] * l[j][k] end
      l[i][j] = i == j and math.sqrt(x) or x / l[j][j]
    end
  end
  return l
end

--- X with A X = B, and the determinant of A.
local function eliminate(a, b)
  local n <const>, det = #a, 1
  a, b = R.map(function(x) return x end, a), R.map(function(x) return x end, b)
  for i = 1, n do
    local best = i
    for r = i + 1, n do
      if math.abs(a[r][i]) > math.abs(a[best][i]) then best = r end
    end
    if best ~= i then det = -det end
    a[i], a[best], b[i], b[best] = a[best], a[i], b[best], b[i]
    det = det * a[i][i]
    for r = 1, n do
      local factor <const> = r ~= i and a[r][i] / a[i][i] or 0
      if factor ~= 0 then
        for c = 1, n do a[r][c] = a[r][c] - factor * a[i][c] end
        for c = 1, #b[1] do b[r][c] = b[r][c] - factor * b[i][c] end
      end
    end
  end
  for i = 1, n do
    for c = 1, #b[1] do b[i][c] = b[i][c] / a[i][i] end
  end
  return b, det
end

local function inverse(a) return (eliminate(a, identity(#a))) end
local function determinant(a) return select(2, eliminate(a, identity(#a))) end

local function pinv(a, options)
  local u, s, vh = svd(a)
  local least <const> = (options and options.rtol or 1e-10) * s[1]
  local scaled = {}
  for i = 1, #s do
    scaled[i] = R.map(function(x) return s[i] > least and x / s[i] or 0 end, vh[i])
  end
  return matmul(T(scaled), T(u))
end

--- f(matrix, right side) with vectors as columns, and batches against each other.
local function with_right_side(f)
  local function walk(a, b, ...)
    if depth(a) == 2 and depth(b) <= 2 then
      local vector <const> = depth(b) == 1
      local x <const> = f(a, vector and T { b } or b, ...)
      return vector and T(x)[1] or x
    end
    local deepest <const> = math.max(depth(a), depth(b) == 1 and 0 or depth(b))
    local n <const> = math.max(depth(a) == deepest and #a or 0, depth(b) == deepest and #b or 0)
    local function at(x, i) return depth(x) < deepest and x or x[#x == 1 and 1 or i] end
    local list = {}
    for i = 1, n do list[i] = walk(at(a, i), at(b, i), ...) end
    return list
  end
  return walk
end

-- ---- arguments ----------------------------------------------------------------------------------

--- Numbers in -1 .. 1 with 3, 5, 7 ... added on the diagonal: well conditioned, and no two singular
--- values near each other.
local function sound(make, shape)
  local m <const>, n <const> = shape[#shape - 1], shape[#shape]
  local flat <const> = R.flat(filled(m, n, function(i, j) return i == j and 1 + 2 * i or 0 end))
  local x <const> = make(shape, { range = { -1, 1 } })
  if x:numel() == 0 then return x end
  return x:add(core.tensor(R.nest(flat, { m, n }), { dtype = make.dtype })):detach()
end

local function square(make, shape) return { sound(make, shape) } end

local SQUARE <const> = { { 1, 1 }, { 2, 2 }, { 5, 5 }, { 2, 1, 3, 3 }, { 0, 0 }, { 0, 3, 3 } }
local ANY <const> = { { 1, 1 }, { 4, 4 }, { 5, 3 }, { 3, 5 }, { 2, 4, 2 }, { 1, 4 }, { 0, 3 },
  { 3, 0 }, { 0, 2, 3 } }

local function least(shape) return math.min(shape[#shape - 1], shape[#shape]) end

--- The batch of a shape with these axes behind it.
local function behind(shape, ...)
  local s <const> = { table.unpack(shape, 1, #shape - 2) }
  for _, n in ipairs { ... } do s[#s + 1] = n end
  return s
end

--- The reference of arrays that may be empty: nested tables of these do not tell their shape.
local function unless_empty(f, outputs)
  return function(a, ...)
    if #R.flat(a) == 0 then return table.unpack({}, 1, outputs) end
    return f(a, ...)
  end
end

local VECTORS <const> = "rounding of vectors is amplified by one over the distance of the values"

-- ---- factorisations -----------------------------------------------------------------------------

case {
  op = "svd", shapes = ANY, args = square, reference = unless_empty(each_matrix(svd), 3),
  tolerance64 = 1e-11, reason = VECTORS,
  out = function(s)
    local k <const> = least(s)
    return { behind(s, s[#s - 1], k), behind(s, k), behind(s, k, s[#s]) }
  end,
}

--- Q' Q = 1
local function check_orthonormal(q)
  local product <const> = q:transpose(-1, -2):matmul(q)
  assert.close(product, core.eye(q:size(-1), { dtype = q.dtype }), { tolerance = 1e-5 })
end

case {
  op = "svd", name = "full", shapes = { { 4, 2 }, { 2, 4 }, { 3, 3 } }, dtypes = { "float32" },
  args = function(make, shape) return { sound(make, shape), { full_matrices = true } } end,
  out = function(s) return { { s[1], s[1] }, { least(s) }, { s[2], s[2] } } end,
  check = function(outputs, args)
    local u <const>, s <const>, vh <const> = table.unpack(outputs)
    check_orthonormal(u)
    check_orthonormal(vh)
    local k <const> = s:size(1)
    local product <const> = u:slice(2, 1, k):mul(s):matmul(vh:slice(1, 1, k))
    assert.close(product, args[1], { tolerance = 1e-5 })
  end,
}

case {
  op = "svd", name = "full and empty", dtypes = { "float32" },
  args = function(make) return { make { 2, 0 }, { full_matrices = true } } end,
  out = { { 2, 2 }, { 0 }, { 0, 0 } },
  check = function(outputs) check_orthonormal(outputs[1]) end,
}

case {
  op = "svd", name = "full with a gradient",
  args = function(make)
    return { make { 3, 2 }:requires_grad_(), { full_matrices = true } }
  end,
  error = "linalg.svd: the vectors that complete a basis have no derivative; "
    .. "pass {full_matrices = false}",
}

case {
  op = "svd", name = "NaN",
  args = function(make) return { make.values { { 1, 0 / 0 }, { 0, 1 } } } end,
  error = "nan, but finite numbers are wanted",
}

case {
  op = "svd", name = "vector", args = function(make) return { make { 3 } } end,
  error = "linalg.svd: a is (3,) but a tensor of 2 to 8 axes is wanted",
}

case {
  op = "svd", name = "whole numbers", args = function(make) return { make.index({ 2, 2 }, 5) } end,
  error = "linalg.svd: a is int64 but float32 or float64 is wanted",
}

case {
  op = "eigh", shapes = SQUARE, args = square, reference = unless_empty(each_matrix(eigh), 2),
  tolerance64 = 1e-11, reason = VECTORS,
  out = function(s) return { behind(s, s[#s]), s } end,
}

case {
  op = "eigh", name = "not square", args = function(make) return { make { 3, 4 } } end,
  error = "linalg.eigh: a is (3, 4) but square matrices are wanted",
}

case {
  op = "eigh", name = "infinity",
  args = function(make) return { make.values { { math.huge } } } end,
  error = "linalg.eigh: a holds inf, but finite numbers are wanted",
}

case {
  op = "qr", shapes = ANY, args = square, reference = unless_empty(each_matrix(qr), 2),
  out = function(s)
    local k <const> = least(s)
    return { behind(s, s[#s - 1], k), behind(s, k, s[#s]) }
  end,
}

case {
  op = "qr", name = "complete", shapes = { { 4, 2 }, { 2, 4 }, { 3, 0 } }, dtypes = { "float32" },
  args = function(make, shape) return { sound(make, shape), { mode = "complete" } } end,
  out = function(s) return { { s[1], s[1] }, s } end,
  check = function(outputs, args)
    check_orthonormal(outputs[1])
    assert.close(outputs[1]:matmul(outputs[2]), args[1], { tolerance = 1e-5 })
  end,
}

case {
  op = "qr", name = "complete with a gradient",
  args = function(make) return { make { 3, 2 }:requires_grad_(), { mode = "complete" } } end,
  error = "linalg.qr: the vectors that complete a basis have no derivative",
}

case {
  op = "cholesky", shapes = SQUARE, args = square,
  reference = unless_empty(each_matrix(cholesky), 1), out = function(s) return { s } end,
}

case {
  op = "cholesky", name = "indefinite",
  args = function(make) return { make.values { { 1, 2 }, { 2, 1 } } } end,
  error = "linalg.cholesky: the matrix is not positive definite",
}

-- ---- systems ------------------------------------------------------------------------------------

local solve <const> = with_right_side(function(a, b) return (eliminate(a, b)) end)

for name, shapes in pairs {
  ["one vector"] = { { 4, 4 }, { 4 } }, ["one column"] = { { 4, 4 }, { 4, 1 } },
  ["columns"] = { { 3, 3 }, { 3, 5 } }, ["one number"] = { { 1, 1 }, { 1, 1 } },
  ["batches"] = { { 2, 3, 3 }, { 2, 3, 2 } }, ["one matrix"] = { { 3, 3 }, { 2, 3, 2 } },
  ["one right side"] = { { 2, 3, 3 }, { 3, 2 } },
  ["a vector for each matrix"] = { { 2, 3, 3 }, { 3 } },
  ["stretched batches"] = { { 2, 1, 2, 2 }, { 3, 2, 2 } },
} do
  case {
    op = "solve", name = name, reference = solve,
    args = function(make) return { sound(make, shapes[1]), make(shapes[2]) } end,
  }
end

for name, shapes in pairs {
  ["of nothing"] = { { 0, 0 }, { 0, 2 }, { 0, 2 } },
  ["no column"] = { { 2, 2 }, { 2, 0 }, { 2, 0 } },
  ["no matrix"] = { { 0, 2, 2 }, { 2, 3 }, { 0, 2, 3 } },
} do
  case {
    op = "solve", name = name, out = { shapes[3] }, check = function() end,
    args = function(make) return { make(shapes[1]), make(shapes[2]) } end,
  }
end

case {
  op = "solve", name = "singular",
  args = function(make) return { make.values { { 1, 2 }, { 2, 4 } }, make { 2 } } end,
  error = "linalg.solve: the matrix is singular",
}

case {
  op = "solve", name = "rows",
  args = function(make) return { make { 3, 3 }, make { 2, 3 } } end,
  error = "linalg.solve: a is (3, 3) but b (2, 3) has 2 rows",
}

case {
  op = "solve", name = "dtypes",
  args = function(make) return { make({ 2, 2 }, { dtype = "float64" }),
    make({ 2 }, { dtype = "float32" }) } end,
  error = "dtypes never mix",
}

local lstsq <const> = with_right_side(function(a, b, options)
  return matmul(pinv(a, options), b)
end)

for name, shapes in pairs {
  ["tall"] = { { 6, 3 }, { 6, 2 } }, ["wide"] = { { 2, 4 }, { 2, 3 } },
  ["square"] = { { 3, 3 }, { 3, 1 } }, ["vector"] = { { 5, 2 }, { 5 } },
  ["batches"] = { { 2, 4, 2 }, { 2, 4, 1 } }, ["one matrix"] = { { 4, 2 }, { 2, 4, 1 } },
} do
  case {
    op = "lstsq", name = name, reference = lstsq,
    args = function(make) return { sound(make, shapes[1]), make(shapes[2]) } end,
  }
end

for name, shapes in pairs {
  ["no equation"] = { { 0, 2 }, { 0, 3 }, { 2, 3 } },
  ["no unknown"] = { { 2, 0 }, { 2, 1 }, { 0, 1 } },
} do
  case {
    op = "lstsq", name = name, out = { shapes[3] },
    args = function(make) return { make(shapes[1]), make(shapes[2]) } end,
    check = function(outputs)
      for _, x in ipairs(R.flat(outputs[1]:totable())) do assert.equal(0, x) end
    end,
  }
end

case { -- the shortest of the solutions; no gradient: a change changes the rank
  op = "lstsq", name = "of rank 1", dtypes = { "float32" },
  args = function(make)
    return { make.values { { 1, 2 }, { 2, 4 }, { 3, 6 } }, make { 3 }, { rtol = 1e-4 } }
  end,
  reference = lstsq,
}

case {
  op = "lstsq", name = "NaN",
  args = function(make) return { make { 2, 2 }, make.values { 0 / 0, 1 } } end,
  error = "linalg.lstsq: b holds",
}

case {
  op = "inv", shapes = SQUARE, args = square, reference = unless_empty(each_matrix(inverse), 1),
  out = function(s) return { s } end,
}

case {
  op = "inv", name = "singular", args = function(make) return { make.values { { 0 } } } end,
  error = "linalg.inv: the matrix is singular",
}

case {
  op = "pinv", shapes = ANY, args = square, reference = unless_empty(each_matrix(pinv), 1),
  out = function(s) return { behind(s, s[#s], s[#s - 1]) } end,
}

case {
  op = "pinv", name = "of rank 1", dtypes = { "float32" },
  args = function(make)
    return { make.values { { 1, 2 }, { 2, 4 }, { 3, 6 } }, { rtol = 1e-4 } }
  end,
  reference = pinv,
}

-- ---- determinants -------------------------------------------------------------------------------

local function of_empty(f, ...)
  local results <const> = table.pack(...)
  return function(a)
    if #R.flat(a) == 0 and #a == 0 then return table.unpack(results) end
    return f(a)
  end
end

case {
  op = "det", shapes = { { 1, 1 }, { 2, 2 }, { 5, 5 }, { 2, 1, 3, 3 } }, args = square,
  reference = each_matrix(determinant), covers = { "linalg.cofactor" },
}

case {
  op = "det", name = "of nothing", args = function(make) return { make { 0, 0 } } end,
  reference = of_empty(determinant, 1),
}

case {
  op = "det", name = "negative", args = function(make) -- two rows exchanged
    return { make({ 4, 4 }, { range = { -0.25, 0.25 } }):add(core.tensor({ { 0, 1, 0, 0 },
      { 1, 0, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } }, { dtype = make.dtype })):detach() }
  end,
  reference = determinant,
}

case { -- the first derivative of a singular matrix exists; the second asks for the inverse
  op = "det", name = "of a singular matrix", smooth = false,
  reason = "the second derivative is written with the inverse, which is not",
  args = function(make)
    return { make.values { { 1, 2, 0 }, { 2, 4, 0 }, { 0, 0, 3 } } }
  end,
  reference = function() return 0 end,
}

case {
  op = "slogdet", shapes = { { 1, 1 }, { 3, 3 }, { 2, 2, 2 } },
  args = function(make, shape) return { sound(make, shape):neg() } end,
  reference = each_matrix(function(a)
    local det <const> = determinant(a)
    return det < 0 and -1 or 1, math.log(math.abs(det))
  end),
}

case {
  op = "slogdet", name = "of nothing", args = function(make) return { make { 0, 0 } } end,
  reference = of_empty(determinant, 1, 0),
}

case {
  op = "slogdet", name = "of a singular matrix", dtypes = { "float32" },
  args = function(make) return { make.values { { 1, 2 }, { 2, 4 } } } end,
  reference = function() return 0, -math.huge end,
}

case {
  op = "slogdet", name = "beyond the range of floats", dtypes = { "float32" },
  args = function(make)
    return { core.eye(40, { dtype = make.dtype }):mul(1e10) }
  end,
  reference = function() return 1, 40 * math.log(1e10) end,
}

case {
  op = "matrix_rank", shapes = ANY, args = square,
  reference = each_matrix(function(a)
    if #a == 0 then return nil end
    return math.min(#a, #a[1])
  end),
  out = function(s) return { behind(s) } end,
}

case {
  op = "matrix_rank", name = "of products",
  args = function(make) return { make { 2, 5, 2 }:matmul(make { 2, 2, 6 }), { rtol = 1e-4 } } end,
  reference = function() return { 2, 2 } end,
}

return cases
