--- Products, layers, losses, optimizer steps. References work on plain nested lists, row by row.
local assert <const> = require "luassert"
local R <const> = require "spec.support.reference"

local cases <const> = {}

local function case(row) cases[#cases + 1] = row end

local function text(shape)
  return "(" .. table.concat(shape, ", ") .. (#shape == 1 and ",)" or ")")
end

-- ---- activations --------------------------------------------------------------------------------

--- erf by the series 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (1 3 5 ... (2n+1)): all terms have one
--- sign, so nothing cancels.
local function erf(x)
  local term, total, n = x, x, 0
  repeat
    n = n + 1
    term = term * 2 * x * x / (2 * n + 1)
    total = total + term
  until math.abs(term) <= 1e-17 * math.abs(total)
  return 2 / math.sqrt(math.pi) * math.exp(-x * x) * total
end

local function tanh(x)
  local e <const> = math.exp(-2 * math.abs(x))
  return (x < 0 and -1 or 1) * (1 - e) / (1 + e)
end

local function sigmoid(x) return 1 / (1 + math.exp(-x)) end

--- log(1 + e^x); log1p by x log(u) / (u - 1) with u = 1 + x (Kahan).
local function softplus(x)
  local e <const> = math.exp(-math.abs(x))
  local u <const> = 1 + e
  return math.max(x, 0) + (u == 1 and e or math.log(u) * e / (u - 1))
end

local activations <const> = {
  { "identity", function(z) return z end },
  { "relu", function(z) return math.max(z, 0) end },
  { "leaky_relu", function(z) return z > 0 and z or 0.2 * z end, { negative_slope = 0.2 } },
  { "elu", function(z) return z > 0 and z or 0.7 * (math.exp(z) - 1) end, { alpha = 0.7 } },
  { "relu6", function(z) return math.min(math.max(z, 0), 6) end },
  { "squared_relu", function(z) return math.max(z, 0) ^ 2 end },
  { "selu", function(z)
    return 1.0507009873554805 * (z > 0 and z or 1.6732632423543772 * (math.exp(z) - 1))
  end },
  { "celu", function(z) return z > 0 and z or 0.7 * (math.exp(z / 0.7) - 1) end, { alpha = 0.7 } },
  { "mish", function(z) return z * tanh(softplus(z)) end },
  { "softsign", function(z) return z / (1 + math.abs(z)) end },
  { "hard_sigmoid", function(z) return math.min(math.max(z / 6 + 0.5, 0), 1) end },
  { "hard_tanh", function(z) return math.min(math.max(z, -1), 1) end },
  { "hard_swish", function(z) return z * math.min(math.max(z / 6 + 0.5, 0), 1) end },
  { "snake", function(z) return z + math.sin(3 * z) ^ 2 / 3 end, { omega = 3 } },
  { "tanh", tanh },
  { "sigmoid", sigmoid },
  { "log_sigmoid", function(z) return -softplus(-z) end },
  { "softplus", function(z) return softplus(2 * z) / 2 end, { beta = 2 } },
  { "gelu", function(z) return z / 2 * (1 + erf(z / math.sqrt(2))) end },
  { "gelu_tanh", function(z)
    return z / 2 * (1 + tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z ^ 3)))
  end },
  { "silu", function(z) return z * sigmoid(z) end },
  { "sine", function(z) return math.sin(3 * z) end, { omega = 3 } },
  { "gaussian", function(z) return math.exp(-z * z / (2 * 0.8 ^ 2)) end, { sigma = 0.8 } },
  { "power", function(z) return z ^ 3 end, { exponent = 3 } },
  { "step", function(z) return z > 0 and 1 or 0 end },
}

-- ---- products -----------------------------------------------------------------------------------

local function depth(x) return #R.shape(x) end

--- f of every matrix of an array.
local function each_matrix(f, x)
  if depth(x) <= 2 then return f(x) end
  local list = {}
  for i = 1, #x do list[i] = each_matrix(f, x[i]) end
  return list
end

--- PyTorch's rules: a vector is a row on the left and a column on the right, and goes afterwards.
local function product(a, b)
  local row <const>, column <const> = depth(a) == 1, depth(b) == 1
  local c <const> = R.matmul(row and { a } or a, column and R.transpose { b } or b)
  return each_matrix(function(m)
    if column then m = R.transpose(m)[1] end
    return row and m[1] or m
  end, c)
end

for _, shapes in ipairs {
  { { 3, 4 }, { 4, 5 } }, { { 1, 1 }, { 1, 1 } }, { { 17, 33 }, { 33, 19 } },
  { { 4 }, { 4 } }, { { 4 }, { 4, 5 } }, { { 3, 4 }, { 4 } }, { { 3, 1 }, { 1, 4 } },
  { { 2, 3, 4 }, { 2, 4, 5 } }, { { 2, 3, 4 }, { 4, 5 } }, { { 2, 3, 4 }, { 4 } },
  { { 3 }, { 2, 3, 4 } }, { { 2, 1, 3, 4 }, { 3, 4, 2 } }, { { 1, 40 }, { 40, 70 } },
  { { 5, 40 }, { 40, 70 } }, { { 40, 30 }, { 30, 1 } },
} do
  case {
    op = "matmul", name = text(shapes[1]) .. " by " .. text(shapes[2]),
    args = function(make) return { make(shapes[1]), make(shapes[2]) } end,
    reference = product,
  }
end

for _, shapes in ipairs {
  { { 0, 4 }, { 4, 5 }, { 0, 5 } }, { { 3, 0 }, { 0, 5 }, { 3, 5 } },
  { { 2, 0, 3 }, { 3, 4 }, { 2, 0, 4 } }, { { 3, 4 }, { 4, 0 }, { 3, 0 } },
  { { 0, 2, 3 }, { 3, 4 }, { 0, 2, 4 } }, { { 2, 3 }, { 0, 3, 4 }, { 0, 2, 4 } },
  { { 2, 0, 1, 3 }, { 3 }, { 2, 0, 1 } },
} do
  case {
    op = "matmul", name = text(shapes[1]) .. " by " .. text(shapes[2]), out = { shapes[3] },
    args = function(make) return { make(shapes[1]), make(shapes[2]) } end,
    check = function(outputs) -- a sum of nothing
      for _, x in ipairs(R.flat(outputs[1]:totable())) do assert.equal(0, x) end
    end,
  }
end

case {
  op = "matmul", name = "columns against rows",
  args = function(make) return { make { 3, 4 }, make { 5, 6 } } end,
  error = "matmul: (3, 4) by (5, 6): 4 columns against 5 rows",
}

-- ---- linear -------------------------------------------------------------------------------------

local function rows_of(f, x)
  if type(x[1]) ~= "table" and #x > 0 then return f(x) end
  local list = {}
  for i = 1, #x do list[i] = rows_of(f, x[i]) end
  return list
end

local function linear_with(act)
  return function(x, weight, bias)
    return rows_of(function(row)
      local y = {}
      for i = 1, #weight do
        local z = bias and bias[i] or 0
        for k = 1, #row do z = z + row[k] * weight[i][k] end
        y[i] = act(z)
      end
      return y
    end, x)
  end
end

for _, activation in ipairs(activations) do
  local name <const>, act <const> = activation[1], activation[2]
  local options <const> = { activation = name }
  for option, value in pairs(activation[3] or {}) do options[option] = value end
  case {
    op = "linear", name = name, range = { -1, 1 },
    args = function(make) return { make { 5, 3 }, make { 4, 3 }, make { 4 }, options } end,
    reference = linear_with(act),
  }
end

local function identity(z) return z end

for name, shapes in pairs {
  ["leading axes"] = { { 2, 3, 4 }, { 5, 4 }, { 5 } }, ["one row"] = { { 4 }, { 5, 4 }, { 5 } },
  ["one output"] = { { 7, 8 }, { 1, 8 }, { 1 } }, ["wide"] = { { 9, 40 }, { 70, 40 }, { 70 } },
  ["no bias"] = { { 6, 3 }, { 2, 3 } }, ["no rows"] = { { 0, 3 }, { 2, 3 }, { 2 } },
} do
  case {
    op = "linear", name = name,
    args = function(make)
      return { make(shapes[1]), make(shapes[2]), shapes[3] and make(shapes[3]) }
    end,
    reference = function(x, weight, bias)
      if #x == 0 then return {} end
      return linear_with(identity)(x, weight, bias)
    end,
  }
end

case {
  op = "linear", name = "no bias, with an activation",
  args = function(make) return { make { 6, 3 }, make { 2, 3 }, nil, { activation = "tanh" } } end,
  reference = function(x, weight) return linear_with(tanh)(x, weight) end,
}
case {
  op = "linear", name = "no inputs", out = { { 3, 2 } },
  args = function(make) return { make { 3, 0 }, make { 2, 0 }, make { 2 } } end,
  check = function(outputs, args)
    for i = 1, 3 do assert.close(outputs[1][i], args[3], { tolerance = 0 }) end
  end,
}
case {
  op = "linear", name = "too wide",
  args = function(make) return { make { 32, 65 }, make { 10, 64 } } end,
  error = "linear: input is (32, 65) but weight (10, 64) wants 64 columns",
}
case {
  op = "linear", name = "bias of another length",
  args = function(make) return { make { 5, 3 }, make { 4, 3 }, make { 3 } } end,
  error = "linear: bias is (3,) but weight (4, 3) wants (4,)",
}
case {
  op = "linear", name = "unknown activation",
  args = function(make) return { make { 5, 3 }, make { 4, 3 }, { activation = "rleu" } } end,
  error = "linear: activation is",
}

-- ---- gated --------------------------------------------------------------------------------------

--- act(g) v of two nested tables of one shape.
local function gated_with(act)
  local function each(g, v)
    if type(g) ~= "table" then return act(g) * v end
    local list = {}
    for i = 1, #g do list[i] = each(g[i], v[i]) end
    return list
  end
  return each
end

for _, activation in ipairs(activations) do
  local name <const>, act <const>, options <const> = table.unpack(activation)
  if not options then
    case {
      op = "gated", name = name, range = { -1, 1 }, covers = { "gated_back" },
      args = function(make) return { make { 5, 3 }, make { 5, 3 }, { activation = name } } end,
      reference = gated_with(act),
    }
  end
end

for _, shape in ipairs { {}, { 7 }, { 2, 0, 3 }, { 3, 1, 700 } } do
  case {
    op = "gated", name = "of " .. text(shape),
    args = function(make) return { make(shape), make(shape), { activation = "tanh" } } end,
    reference = gated_with(tanh),
  }
end

case {
  op = "gated", name = "shapes that differ",
  args = function(make) return { make { 5, 3 }, make { 5, 1 } } end,
  error = "gated: gate is (5, 3) but value is (5, 1)",
}

-- ---- softmax ------------------------------------------------------------------------------------

local function log_softmax(line)
  local top, total, y = -math.huge, 0, {}
  for _, x in ipairs(line) do top = math.max(top, x) end
  for _, x in ipairs(line) do total = total + math.exp(x - top) end
  for i, x in ipairs(line) do y[i] = x - top - math.log(total) end
  return y
end

local function softmax(line)
  local y = log_softmax(line)
  for i, x in ipairs(y) do y[i] = math.exp(x) end
  return y
end

for name, along in pairs { softmax = softmax, log_softmax = log_softmax } do
  case {
    op = name, shapes = { { 3, 5 }, { 1 }, { 4, 1 }, { 67 }, { 2, 3, 4 }, { 3, 300 } },
    args = function(make, shape) return { make(shape) } end,
    reference = function(x) return R.along(along, x, -1) end,
    covers = { name .. "_back" },
  }
  for axis = 1, 2 do
    case {
      op = name, name = "axis " .. axis, shapes = { { 3, 5 }, { 2, 3, 40 } },
      args = function(make, shape) return { make(shape), axis } end,
      reference = function(x) return R.along(along, x, axis) end,
    }
  end
  for k, shape in ipairs { { 0, 3 }, { 3, 0 } } do
    case {
      op = name, name = "empty " .. k, out = { shape },
      args = function(make) return { make(shape) } end,
      check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
    }
  end
end

-- ---- normalisation ------------------------------------------------------------------------------

local function normalised(x, weight, bias, epsilon, centred)
  return rows_of(function(row)
    local mean, square, y = centred and R.sum(row) / #row or 0, 0, {}
    for _, v in ipairs(row) do square = square + (v - mean) ^ 2 / #row end
    for i, v in ipairs(row) do
      y[i] = (v - mean) / math.sqrt(square + epsilon) * (weight and weight[i] or 1)
        + (bias and bias[i] or 0)
    end
    return y
  end, x)
end

local norm_shapes <const> = { { 4, 6 }, { 2, 3, 5 }, { 6 }, { 3, 1 }, { 2, 130 }, { 70, 3 } }

case {
  op = "layer_norm", name = "weight and bias", shapes = norm_shapes,
  args = function(make, shape)
    local n <const> = shape[#shape]
    return { make(shape), make { n }, make { n } }
  end,
  reference = function(x, weight, bias) return normalised(x, weight, bias, 1e-5, true) end,
  covers = { "layer_norm_back" },
  tolerance = 2e-5, reason = "a row whose numbers are close together loses digits to its mean",
}
case {
  op = "layer_norm", name = "plain, eps", shapes = norm_shapes,
  args = function(make, shape) return { make(shape), { eps = 0.1 } } end,
  reference = function(x) return normalised(x, nil, nil, 0.1, true) end,
}
case {
  op = "layer_norm", name = "weight alone",
  args = function(make) return { make { 4, 5 }, make { 5 } } end,
  reference = function(x, weight) return normalised(x, weight, nil, 1e-5, true) end,
}
case {
  op = "layer_norm", name = "bias alone",
  args = function(make) return { make { 4, 5 }, nil, make { 5 } } end,
  reference = function(x, _, bias) return normalised(x, nil, bias, 1e-5, true) end,
}
case {
  op = "layer_norm", name = "no rows", out = { { 0, 3 } },
  args = function(make) return { make { 0, 3 }, make { 3 }, make { 3 } } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "layer_norm", name = "weight of another length",
  args = function(make) return { make { 4, 5 }, make { 4 } } end,
  error = "layer_norm: input is (4, 5) but weight is (4,), where (5,) is wanted",
}
case {
  op = "rms_norm", name = "weight", shapes = { { 4, 6 }, { 2, 3, 5 }, { 6 }, { 70, 3 } },
  args = function(make, shape) return { make(shape), make { shape[#shape] } } end,
  reference = function(x, weight) return normalised(x, weight, nil, 1e-6, false) end,
  covers = { "rms_norm_back" },
}
case {
  op = "rms_norm", name = "plain, eps", shapes = norm_shapes,
  args = function(make, shape) return { make(shape), { eps = 0.1 } } end,
  reference = function(x) return normalised(x, nil, nil, 0.1, false) end,
}
case {
  op = "rms_norm", name = "no rows", out = { { 0, 3 } },
  args = function(make) return { make { 0, 3 }, make { 3 } } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}

-- ---- embedding ----------------------------------------------------------------------------------

for k, shape in ipairs { { 5 }, { 2, 4 }, {} } do
  case {
    op = "embedding", name = "index " .. text(shape), grad = { 1 },
    args = function(make) return { make { 7, 3 }, make.index(shape, 7) } end,
    reference = function(weight, index) return R.map(function(i) return weight[i] end, index) end,
    covers = k == 1 and { "embedding_back" } or nil,
  }
end
case {
  op = "embedding", name = "no positions", out = { { 0, 3 } },
  args = function(make) return { make { 7, 3 }, make.index({ 0 }, 7) } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "embedding", name = "position 0",
  args = function(make) return { make { 10, 3 }, { 1, 10, 0 } } end,
  error = "embedding: index[3] is 0, but positions count from 1 to 10",
}

-- ---- attention ----------------------------------------------------------------------------------

local function turned(x, position, options)
  local y <const>, width <const> = {}, #x
  for i = 1, width // 2 do
    local halves <const> = options.pairs == "halves"
    local a <const> = halves and i or 2 * i - 1
    local b <const> = halves and i + width // 2 or 2 * i
    local angle <const> = position * (options.base or 10000) ^ (-2 * (i - 1) / width)
      * (options.inverse and -1 or 1)
    y[a] = x[a] * math.cos(angle) - x[b] * math.sin(angle)
    y[b] = x[a] * math.sin(angle) + x[b] * math.cos(angle)
  end
  return y
end

--- A sequence (T, H, D), or a list of them.
local function rope(x, options)
  if depth(x) > 3 then
    local list <const> = {}
    for i = 1, #x do list[i] = rope(x[i], options) end
    return list
  end
  local y <const> = {}
  for t = 1, #x do
    y[t] = {}
    for h = 1, #x[t] do y[t][h] = turned(x[t][h], t - 1 + (options.offset or 0), options) end
  end
  return y
end

for name, options in pairs {
  ["as it comes"] = {}, ["from a position on"] = { offset = 5 },
  ["of another base"] = { base = 100 }, ["by halves"] = { pairs = "halves", offset = 2 },
  ["back"] = { inverse = true, offset = 3 },
} do
  case {
    op = "rope", name = name, shapes = { { 3, 2, 4 }, { 2, 5, 1, 6 }, { 1, 1, 1, 2 } },
    args = function(make, shape) return { make(shape), options } end,
    reference = rope,
  }
end
case {
  op = "rope", name = "nothing", out = { { 0, 2, 4 } },
  args = function(make) return { make { 0, 2, 4 } } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "rope", name = "an odd width",
  args = function(make) return { make { 3, 2, 5 } } end,
  error = "rope: heads are 5 wide but pairs want an even width",
}

--- One query against the first n of the keys, with the head they share.
local function attend(q, k, v, head, n, scale)
  local scores <const>, y <const>, top, total = {}, {}, -math.huge, 0
  for s = 1, n do
    scores[s] = 0
    for i = 1, #q do scores[s] = scores[s] + scale * q[i] * k[s][head][i] end
    top = math.max(top, scores[s])
  end
  for s = 1, n do total = total + math.exp(scores[s] - top) end
  for i = 1, #v[1][head] do
    y[i] = 0
    for s = 1, n do y[i] = y[i] + math.exp(scores[s] - top) / total * v[s][head][i] end
  end
  return y
end

local function attention(q, k, v, options)
  local y <const> = {}
  if depth(q) > 3 then
    for b = 1, #q do y[b] = attention(q[b], k[b], v[b], options) end
    return y
  end
  for t = 1, #q do
    y[t] = {}
    local n <const> = options.causal and #k - #q + t or #k
    for h = 1, #q[t] do
      local head <const> = (h - 1) // (#q[t] // #k[1]) + 1
      y[t][h] = attend(q[t][h], k, v, head, n, options.scale or 1 / math.sqrt(#q[t][h]))
    end
  end
  return y
end

--- The leading axes; T, H, D of the queries; S, G, E of the values.
for name, sizes in pairs {
  ["one sequence"] = { {}, 3, 2, 4, 3, 2, 4 }, ["a batch"] = { { 2 }, 3, 2, 3, 4, 2, 2 },
  ["shared keys"] = { { 2 }, 2, 4, 2, 3, 2, 3 }, ["one of everything"] = { {}, 1, 1, 1, 1, 1, 1 },
  ["two leading axes"] = { { 1, 2 }, 2, 1, 2, 2, 1, 2 },
  ["more than a block"] = { {}, 67, 1, 2, 70, 1, 3 },
} do
  for _, options in ipairs { {}, { causal = true }, { causal = true, scale = 0.7 } } do
    local lead <const>, T <const>, H <const>, D <const>, S <const>, G <const>, E <const> =
      table.unpack(sizes)
    local function with(...) return R.flat { lead, { ... } } end
    case {
      op = "attention",
      name = ("%s%s%s"):format(name, options.causal and ", causal" or "",
        options.scale and ", scaled" or ""),
      args = function(make)
        return { make(with(T, H, D)), make(with(S, G, D)), make(with(S, G, E)), options }
      end,
      grad = T > 10 and {} or nil, reference = attention,
      covers = name == "a batch" and not options.causal and { "attention_back" } or nil,
    }
  end
end
case {
  op = "attention", name = "no sequences", out = { { 0, 3, 2, 2 } },
  args = function(make)
    return { make { 0, 3, 2, 4 }, make { 0, 3, 2, 4 }, make { 0, 3, 2, 2 } }
  end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
for message, shapes in pairs {
  ["heads of query are 4 wide but those of key 3"] = { { 2, 2, 4 }, { 2, 2, 3 }, { 2, 2, 3 } },
  ["query has 3 heads, which 2 heads of key do not divide"] =
    { { 2, 3, 4 }, { 2, 2, 4 }, { 2, 2, 4 } },
  ["value is (3, 2, 4), which does not fit key (2, 2, 4)"] =
    { { 2, 2, 4 }, { 2, 2, 4 }, { 3, 2, 4 } },
  ["key is (2, 2, 2, 4), which does not fit query (3, 2, 2, 4)"] =
    { { 3, 2, 2, 4 }, { 2, 2, 2, 4 }, { 2, 2, 2, 4 } },
  ["5 queries are more than the 2 positions of key"] =
    { { 5, 2, 4 }, { 2, 2, 4 }, { 2, 2, 4 } },
} do
  case {
    op = "attention", name = message, error = "attention: " .. message,
    args = function(make)
      return { make(shapes[1]), make(shapes[2]), make(shapes[3]), { causal = true } }
    end,
  }
end

-- ---- losses of pairs ----------------------------------------------------------------------------

local function reduced(terms, reduction, divisor)
  if reduction == "none" then return terms end
  local list <const> = R.flat(terms)
  local total <const> = R.sum(list)
  return reduction == "sum" and total or total / (divisor or #list)
end

local pairs_of <const> = {
  mse = { f = function(x, t) return (x - t) ^ 2 end },
  l1 = { f = function(x, t) return math.abs(x - t) end },
  huber = {
    f = function(x, t)
      local d <const> = math.abs(x - t)
      return d <= 0.8 and d * d / 2 or 0.8 * (d - 0.4)
    end,
    options = { delta = 0.8 },
  },
  log_cosh = {
    f = function(x, t)
      local d <const> = math.abs(x - t)
      return d - math.log(2) + softplus(-2 * d)
    end,
  },
  bce_with_logits = {
    f = function(x, t) return (1 - t) * x + softplus(-x) end, targets = { range = { 0, 1 } },
    covers = { "bce_back" },
  },
  kl_div = {
    f = function(x, t) return t * (math.log(t) - x) end, targets = { range = { 0.1, 1 } },
  },
}

for name, kind in pairs(pairs_of) do
  for _, reduction in ipairs { "mean", "sum", "none" } do
    local options <const> = { reduction = reduction }
    for key, value in pairs(kind.options or {}) do options[key] = value end
    case {
      op = name, name = reduction, shapes = { { 4, 3 }, {}, { 1 }, { 1, 67 } },
      args = function(make, shape)
        return { make(shape), make(shape, kind.targets), options }
      end,
      reference = function(x, t) return reduced(R.zip(kind.f, x, t), reduction) end,
      covers = reduction == "mean" and (kind.covers or name == "mse" and { "loss_chain" }) or nil,
    }
  end
  case {
    op = name, name = "of nothing", out = { {} },
    args = function(make)
      local options <const> = { reduction = "sum" }
      for key, value in pairs(kind.options or {}) do options[key] = value end
      return { make { 0, 3 }, make { 0, 3 }, options }
    end,
    check = function(outputs) assert.equal(0, outputs[1]:item()) end,
  }
end

case {
  op = "kl_div", name = "batchmean",
  args = function(make)
    return { make { 4, 5 }, make({ 4, 5 }, { range = { 0.1, 1 } }), { reduction = "batchmean" } }
  end,
  reference = function(x, t) return reduced(R.zip(pairs_of.kl_div.f, x, t), "mean", 4) end,
}

local function bce(x, t, options)
  return reduced(R.zip(function(logit, label, weight, positive)
    return weight * ((1 - label) * logit + (1 + (positive - 1) * label) * softplus(-logit))
  end, x, t, options.weight or 1, options.pos_weight or 1), options.reduction)
end

for name, shapes in pairs {
  ["a weight per column"] = { { 3 } }, ["pos_weight per column"] = { nil, { 3 } },
  ["a weight per element"] = { { 4, 3 }, { 3 } }, ["both per element"] = { { 4, 3 }, { 4, 3 } },
  ["one number each"] = { { 1 }, {} }, ["a number and columns"] = { {}, { 3 } },
} do
  case {
    op = "bce_with_logits", name = name, grad = { 1, 2 },
    args = function(make)
      local function weight(shape) return shape and make(shape, { range = { 0.5, 2 } }) end
      return { make { 4, 3 }, make({ 4, 3 }, { range = { 0, 1 } }), {
        weight = weight(shapes[1]), pos_weight = weight(shapes[2]), reduction = "none",
      } }
    end,
    reference = bce,
  }
end
case {
  op = "bce_with_logits", name = "weights and a mean", grad = { 1, 2 },
  args = function(make)
    return { make { 4, 3 }, make({ 4, 3 }, { range = { 0, 1 } }), {
      weight = make({ 4, 3 }, { range = { 0.5, 2 } }),
      pos_weight = make({ 3 }, { range = { 1, 2 } }),
      reduction = "mean",
    } }
  end,
  reference = bce,
}

for op, power in pairs { hinge = 1, squared_hinge = 2 } do
  for _, reduction in ipairs { "mean", "sum", "none" } do
    case {
      op = op, name = reduction, shapes = { { 4, 3 }, {}, { 1, 67 } }, grad = { 1 },
      kinks = { -0.75, 0.75 },
      args = function(make, shape)
        local sides <const> = make.mask(shape):to(make.dtype):mul(2):sub(1)
        return { make(shape), sides, { reduction = reduction, margin = 0.75 } }
      end,
      reference = function(x, t)
        return reduced(R.zip(function(a, b) return math.max(0, 0.75 - a * b) ^ power end, x, t),
          reduction)
      end,
      covers = reduction == "mean" and { "loss_chain" } or nil,
    }
  end
  case {
    op = op, name = "of nothing", out = { {} }, grad = { 1 },
    args = function(make) return { make { 0, 3 }, make { 0, 3 }, { reduction = "sum" } } end,
    check = function(outputs) assert.equal(0, outputs[1]:item()) end,
  }
  case {
    op = op, name = "labels 0 and 1",
    args = function(make) return { make { 2, 2 }, make.values { { 1, -1 }, { 1, 0.0 } } } end,
    error = op .. ": target[2, 2] is 0 but -1 or 1 is wanted; of labels 0 and 1, 2 * label - 1",
  }
end

case {
  op = "mse", name = "a target that would broadcast",
  args = function(make) return { make { 32, 1 }, make { 32 } } end,
  error = "mse: prediction is (32, 1) but target is (32,); a loss does not broadcast",
}
case {
  op = "l1", name = "an empty batch",
  args = function(make) return { make { 0, 3 }, make { 0, 3 } } end,
  error = "l1: the batch is empty: prediction is (0, 3)",
}
case {
  op = "huber", name = "delta 0",
  args = function(make) return { make { 3 }, make { 3 }, { delta = 0 } } end,
  error = "huber: delta is 0 but more than 0 is wanted",
}

-- ---- losses of classes --------------------------------------------------------------------------

--- f(row, target, counts) of every row of x; mask may be nil.
local function each_row(f, x, target, mask)
  if type(x[1]) ~= "table" then return f(x, target, mask == nil or mask ~= 0) end
  local list = {}
  for i = 1, #x do list[i] = each_row(f, x[i], target[i], mask and mask[i]) end
  return list
end

--- Terms and the divisor of their mean. `term` sees log probabilities.
local function class_loss(term, x, target, options)
  local total = 0
  local terms <const> = each_row(function(row, t, counts)
    if not counts then return 0 end
    total = total + (type(t) == "table" and 1 or options.weight and options.weight[t] or 1)
    return term(row, t)
  end, x, target, options.mask)
  return reduced(terms, options.reduction or "mean", total)
end

local function cross_entropy(x, target, options)
  options = options or {}
  local smoothing <const>, weight <const> = options.label_smoothing or 0, options.weight
  return class_loss(function(row, t)
    local log_p <const>, total = log_softmax(row), 0
    for c = 1, #row do
      local q <const> = type(t) == "table" and t[c] or c == t and 1 or 0
      total = total
        - (weight and weight[c] or 1) * ((1 - smoothing) * q + smoothing / #row) * log_p[c]
    end
    return total
  end, x, target, options)
end

local function nll(x, target, options)
  options = options or {}
  return class_loss(function(row, t)
    return -(options.weight and options.weight[t] or 1) * row[t]
  end, x, target, options)
end

local function class_options(make, classes, rows, which, reduction)
  return {
    reduction = reduction,
    weight = which.weight and make({ classes }, { range = { 0.25, 2 } }) or nil,
    mask = which.mask and make.mask(rows) or nil,
    label_smoothing = which.smoothing,
  }
end

for name, which in pairs {
  ["plain"] = {}, ["weight"] = { weight = true }, ["mask"] = { mask = true },
  ["weight and mask"] = { weight = true, mask = true },
} do
  for _, reduction in ipairs { "mean", "sum", "none" } do
    for op, reference in pairs { cross_entropy = cross_entropy, nll = nll } do
      case {
        op = op, name = name .. ", " .. reduction, grad = { 1 },
        shapes = { { 6, 5 }, { 2, 3, 4 }, { 7, 1 } },
        args = function(make, shape)
          local rows <const> = { table.unpack(shape, 1, #shape - 1) }
          local classes <const> = shape[#shape]
          return { make(shape), make.index(rows, classes),
            class_options(make, classes, rows, which, reduction) }
        end,
        reference = reference,
        covers = name == "plain" and reduction == "mean" and { op .. "_back" } or nil,
      }
    end
    local smooth <const> = { weight = which.weight, mask = which.mask, smoothing = 0.2 }
    case {
      op = "cross_entropy", name = name .. ", smoothed, " .. reduction, grad = { 1 },
      args = function(make)
        return { make { 6, 5 }, make.index({ 6 }, 5),
          class_options(make, 5, { 6 }, smooth, reduction) }
      end,
      reference = cross_entropy,
    }
    case {
      op = "cross_entropy", name = name .. ", probabilities, " .. reduction, grad = { 1 },
      args = function(make)
        return { make { 6, 5 }, make({ 6, 5 }, { range = { 0, 1 } }),
          class_options(make, 5, { 6 }, smooth, reduction) }
      end,
      reference = cross_entropy,
    }
  end
end

for op, reference in pairs { cross_entropy = cross_entropy, nll = nll } do
  case {
    op = op, name = "one row", grad = { 1 },
    args = function(make) return { make { 5 }, make.index({}, 5) } end,
    reference = reference,
  }
  case {
    op = op, name = "many classes", grad = { 1 },
    args = function(make) return { make { 3, 300 }, make.index({ 3 }, 300) } end,
    reference = reference,
  }
  case {
    op = op, name = "of nothing", out = { {} },
    args = function(make)
      return { make { 0, 3 }, make.index({ 0 }, 3), { reduction = "sum" } }
    end,
    check = function(outputs) assert.equal(0, outputs[1]:item()) end,
  }
  case {
    op = op, name = "class 0",
    args = function(make) return { make { 3, 10 }, { 1, 10, 0 } } end,
    error = op .. ": target[3] = 0, but classes are 1..10",
  }
end
case {
  op = "cross_entropy", name = "a target of another length",
  args = function(make) return { make { 3, 10 }, { 1, 10 } } end,
  error = "cross_entropy: logits (3, 10) want int64 classes (3,) or probabilities (3, 10), "
    .. "but target is int64 (2,)",
}

-- ---- optimizer steps ----------------------------------------------------------------------------
-- Their arithmetic stands in spec/op/update_spec.lua; here they meet instruction sets and views.

local function lists(make, kinds)
  local args = {}
  for k, range in ipairs(kinds) do
    args[k] = { make({ 3, 67 }, { range = range }), make({ 0, 2 }), make({ 5 }, { range = range }) }
  end
  return args
end

--- Some parameter moved, and none by more than `most`.
local function moved(before, args, most)
  local farthest = 0
  for i, p in ipairs(args[1]) do
    for k, x in ipairs(R.flat(p:totable())) do
      farthest = math.max(farthest, math.abs(x - before[i][k]))
    end
  end
  assert.is_true(farthest > 0 and farthest <= most, ("moved by %g"):format(farthest))
end

for op, step in pairs {
  sgd_step = { hyper = { 0.1, 0.9, 0, 0, 1, 3, 1 }, lists = { false, false, false }, most = 0.8 },
  adam_step = {
    hyper = { 0.1, 0.9, 0.99, 1e-8, 0, 0, 3, 1 }, lists = { false, false, false, { 0.1, 1 } },
    most = 2,
  },
  radam_step = {
    hyper = { 0.1, 0.9, 0.99, 1e-8, 0, 0, 9, 1 }, lists = { false, false, false, { 0.1, 1 } },
    most = 2,
  },
  adamax_step = {
    hyper = { 0.1, 0.9, 0.99, 1e-8, 0, 3, 1 }, lists = { false, false, false, { 0.1, 1 } },
    most = 10,
  },
  adagrad_step = {
    hyper = { 0.1, 0.1, 1e-8, 0, 3, 1 }, lists = { false, false, { 0.1, 1 } }, most = 0.1,
  },
  lion_step = {
    hyper = { 0.1, 0.9, 0.99, 0, 3, 1 }, lists = { false, false, false }, most = 0.1001,
  },
  ema_step = { hyper = { 0.9, 1, 3 }, lists = { false, false }, most = 2.9 },
  lookahead_step = { hyper = { 0.5, 4, 3 }, lists = { false, false }, most = 2.1 },
  add_scaled = { hyper = { 0.5, 3 }, lists = { false, false }, most = 1.1 },
  rmsprop_step = {
    hyper = { 0.1, 0.9, 1e-8, 0, 0.5, 3, 1 },
    lists = { false, false, { 1, 2 }, { 0, 0.5 }, false }, most = 1,
  },
} do
  local before
  case {
    op = op, grad = {},
    args = function(make)
      local kinds = {}
      for k, range in ipairs(step.lists) do kinds[k] = range or { -2, 2 } end
      local args <const> = lists(make, kinds)
      before = {}
      for i, p in ipairs(args[1]) do before[i] = R.flat(p:totable()) end
      args[#args + 1] = make.values(step.hyper, "float64")
      return args
    end,
    check = function(_, args) moved(before, args, step.most) end,
  }
end

--- Steps that look at matrices: shapes of each list, then hyper.
for op, step in pairs {
  muon_step = {
    shapes = { { { 3, 67 }, { 0, 2 } }, { { 3, 67 }, { 0, 2 } }, { { 3, 67 }, { 0, 2 } } },
    hyper = { 0.1, 0.9, 0, 1, 5, 0, 3, 1 }, most = 0.13,
  },
  adafactor_step = {
    shapes = { { { 3, 67 }, { 0, 2 }, { 5 } }, { { 3, 67 }, { 0, 2 }, { 5 } },
      { { 3 }, { 0 }, { 5 } }, { { 67 }, { 2 }, { 0 } }, { { 3, 67 }, { 0, 2 }, { 5 } } },
    hyper = { 0.1, 0.8, 1e-30, 1e-3, 1, 0.9, 0, 0, 0, 3, 1 }, most = 2.5,
  },
} do
  local before
  case {
    op = op, grad = {},
    args = function(make)
      local args <const> = {}
      for k, shapes in ipairs(step.shapes) do
        args[k] = {}
        for i, shape in ipairs(shapes) do
          args[k][i] = make(shape, { range = (k == 3 or k == 4) and { 0.5, 1 } or { -2, 2 } })
        end
      end
      before = {}
      for i, p in ipairs(args[1]) do before[i] = R.flat(p:totable()) end
      args[#args + 1] = make.values(step.hyper, "float64")
      return args
    end,
    check = function(_, args) moved(before, args, step.most) end,
  }
end

local function dot(a, b)
  local total = 0.0
  for i, x in ipairs(a) do total = total + x * b[i] end
  return total
end

local function along(a, b, factor)
  local c <const> = {}
  for i, x in ipairs(a) do c[i] = x + factor * b[i] end
  return c
end

case {
  op = "lbfgs_direction", grad = {}, shapes = { { 67 }, { 0 } },
  args = function(make, shape)
    local n <const> = shape[1]
    return { make { n }, make({ 3, n }, { range = { 0.5, 2 } }), make({ 3, n },
      { range = { 0.5, 2 } }), make.values({ 1, 0, 3, 2, 4, 1 }, "float64") }
  end,
  reference = function(g, steps, changes)
    local d, alpha <const> = along(g, g, -2), {}
    for _, row in ipairs { 2, 1, 3 } do
      local s <const>, y <const> = steps[row], changes[row]
      alpha[row] = dot(s, d) / dot(s, y)
      d = along(d, y, -alpha[row])
    end
    d = along(d, d, dot(steps[2], changes[2]) / dot(changes[2], changes[2]) - 1)
    for _, row in ipairs { 3, 1, 2 } do
      local s <const>, y <const> = steps[row], changes[row]
      d = along(d, s, alpha[row] - dot(y, d) / dot(s, y))
    end
    return d
  end,
}

case {
  op = "global_norm", grad = {},
  args = function(make) return { { make { 3, 67 }, make { 0 }, make {}, make { 5 } } } end,
  reference = function(list)
    local total = 0
    for _, x in ipairs(R.flat(list)) do total = total + x * x end
    return math.sqrt(total)
  end,
}
for name, value in pairs { finite = 1e30, infinite = math.huge, NaN = 0 / 0 } do
  case {
    op = "all_finite", name = name, grad = {},
    args = function(make)
      return { { make { 3, 67 }, make { 0 }, make.values { 1, 2, value } } }
    end,
    reference = function() return name == "finite" and 1 or 0 end,
  }
end
case {
  op = "want_finite", grad = {},
  args = function(make) return { { make { 3, 67 }, make { 0 }, make.values { 1, 2, 1e30 } } } end,
  check = function(got) assert.same({}, got) end,
}

return cases
