--- Mixtures of experts: choosing, sorting, products by group.
local assert <const> = require "luassert"
local R <const> = require "spec.support.reference"

local cases <const> = {}

local function case(row) cases[#cases + 1] = row end

-- ---- route --------------------------------------------------------------------------------------

--- Places of the K largest, the first of equals first.
local function largest(list, K)
  local order <const> = {}
  for i = 1, #list do order[i] = i end
  table.sort(order, function(a, b) return list[a] > list[b] or list[a] == list[b] and a < b end)
  return { table.unpack(order, 1, K) }
end

--- The experts of the best groups.
local function allowed(list, o)
  local groups <const>, worth <const>, is <const> = o.groups or 1, {}, {}
  local each <const> = #list // groups
  for g = 1, groups do
    local own <const> = { table.unpack(list, (g - 1) * each + 1, g * each) }
    table.sort(own)
    worth[g] = own[each] + (own[each - 1] or 0)
  end
  for _, g in ipairs(largest(worth, (o.group_limit or 0) > 0 and o.group_limit or groups)) do
    for i = (g - 1) * each + 1, g * each do is[i] = true end
  end
  return is
end

local function chosen(score, o)
  local expert <const> = {}
  for t, row in ipairs(score) do
    local biased <const> = {}
    for i, s in ipairs(row) do biased[i] = s + (o.bias and o.bias[i] or 0) end
    local is <const> = allowed(biased, o)
    for i in ipairs(row) do biased[i] = is[i] and biased[i] or -math.huge end
    expert[t] = largest(biased, o.top_k or 1)
  end
  return expert
end

--- The pairs {t, k} of an expert in the order in which it keeps them.
local function members(score, expert, i, o)
  local list <const>, K <const> = {}, o.top_k or 1
  local capacity <const> = o.capacity and o.capacity > 0
  for t = 1, #score do
    for k = 1, K do
      if expert[t][k] == i then list[#list + 1] = { t, k } end
    end
  end
  table.sort(list, function(a, b)
    if capacity and a[2] ~= b[2] then return a[2] < b[2] end
    return a[1] < b[1]
  end)
  return list
end

local function route(score, o)
  o = o or {}
  local expert <const>, place <const>, count <const>, load <const> = chosen(score, o), {}, {}, {}
  for t = 1, #score do place[t] = {} end
  local row, dropped = 0, {}
  for i = 1, #score[1] do
    local list <const> = members(score, expert, i, o)
    local C <const> = o.capacity and o.capacity > 0 and o.capacity or #list
    local keep <const> = {}
    for n, pair in ipairs(list) do keep[pair] = n <= C end
    if o.keep == "highest" then
      local by <const> = { table.unpack(list) }
      table.sort(by, function(a, b) return score[a[1]][i] > score[b[1]][i] end)
      for n, pair in ipairs(by) do keep[pair] = n <= C end
    end
    count[i], load[i] = math.min(#list, C), #list
    for _, pair in ipairs(list) do
      if keep[pair] then
        row = row + 1
        place[pair[1]][pair[2]] = row
      else
        dropped[#dropped + 1] = pair
      end
    end
  end
  for n, pair in ipairs(dropped) do place[pair[1]][pair[2]] = row + n end
  return expert, place, count, load
end

for name, options in pairs {
  ["one"] = {}, ["two"] = { top_k = 2 }, ["all"] = { top_k = 6 },
  ["groups"] = { top_k = 2, groups = 3, group_limit = 1 },
  ["groups of one"] = { top_k = 2, groups = 6, group_limit = 4 },
  ["a capacity"] = { top_k = 2, capacity = 3 },
  ["a capacity for the highest"] = { top_k = 2, capacity = 2, keep = "highest" },
  ["room enough"] = { top_k = 2, capacity = 100 },
} do
  case {
    op = "route", name = name, grad = {},
    args = function(make) return { make({ 9, 6 }, { distinct = true }), options } end,
    reference = route,
  }
end
case {
  op = "route", name = "a bias", grad = {},
  args = function(make)
    return { make { 7, 4 }, { top_k = 2, bias = make.values { 0, 3, -3, 0.5 } } }
  end,
  reference = route,
}
case {
  op = "route", name = "equals", grad = {},
  args = function(make) return { make.values { { 1, 1, 1 }, { 0, 2, 2 } }, { top_k = 2 } } end,
  check = function(outputs)
    assert.same({ { 1, 2 }, { 2, 3 } }, outputs[1]:totable())
  end,
}
case {
  op = "route", name = "no tokens", grad = {}, out = { { 0, 2 }, { 0, 2 }, { 3 }, { 3 } },
  args = function(make) return { make { 0, 3 }, { top_k = 2 } } end,
  check = function(outputs) assert.same({ 0, 0, 0 }, outputs[3]:totable()) end,
}
for message, options in pairs {
  ["top_k is 5 but 1 to 4, the number of experts, is wanted"] = { top_k = 5 },
  ["top_k is 0 but"] = { top_k = 0 },
  ["3 groups do not divide 4 experts"] = { groups = 3 },
  ["group_limit is 3 but 1 to 2"] = { groups = 2, group_limit = 3 },
  ["1 groups of 2 experts are fewer than top_k = 3"] = { groups = 2, group_limit = 1, top_k = 3 },
  ["capacity is -1"] = { capacity = -1 },
} do
  case { op = "route", name = message, error = "route: " .. message,
    args = function(make) return { make { 3, 4 }, options } end }
end
case {
  op = "route", name = "not a number", error = "route: score[2, 1] is not a number",
  args = function(make) return { make.values { { 1, 2 }, { 0 / 0, 1 } } } end,
}

-- ---- dispatch and combine -----------------------------------------------------------------------

--- A permutation of 1 .. T K as (T, K), the same at every call.
local function places(make, T, K)
  local list <const> = {}
  for p = 0, T * K - 1 do list[p + 1] = (p * 5 + 3) % (T * K) + 1 end
  return make.values(R.nest(list, { T, K }), "int64")
end

local function dispatch(x, place, weight)
  local rows <const> = {}
  for t, row in ipairs(place) do
    for k, at in ipairs(row) do
      rows[at] = R.map(function(v) return v * (weight and weight[t][k] or 1) end, x[t])
    end
  end
  return rows
end

local function combine(rows, place, weight)
  local y <const> = {}
  for t, row in ipairs(place) do
    y[t] = {}
    for i = 1, #rows[1] do
      y[t][i] = 0
      for k, at in ipairs(row) do
        y[t][i] = y[t][i] + (weight and weight[t][k] or 1) * rows[at][i]
      end
    end
  end
  return y
end

for name, sizes in pairs { ["two of each"] = { 3, 2, 4 }, ["one"] = { 1, 1, 1 },
  ["wide"] = { 2, 3, 37 } } do
  local T <const>, K <const>, D <const> = table.unpack(sizes)
  for _, weighted in ipairs { true, false } do
    local label <const> = name .. (weighted and ", weighted" or "")
    case {
      op = "dispatch", name = label, reference = dispatch,
      args = function(make)
        return { make { T, D }, places(make, T, K), weighted and make { T, K } or nil }
      end,
      covers = weighted and T == 3 and { "combine_dot" } or nil,
    }
    case {
      op = "combine", name = label, reference = combine,
      args = function(make)
        return { make { T * K, D }, places(make, T, K), weighted and make { T, K } or nil }
      end,
    }
  end
end
case {
  op = "dispatch", name = "no tokens", out = { { 0, 3 } },
  args = function(make) return { make { 0, 3 }, make.index({ 0, 2 }, 1) } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "combine", name = "no tokens", out = { { 0, 3 } },
  args = function(make) return { make { 0, 3 }, make.index({ 0, 2 }, 1) } end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
case {
  op = "combine", name = "too few rows", error = "combine: rows is (5, 3) but (6, 3) is wanted",
  args = function(make) return { make { 5, 3 }, places(make, 3, 2) } end,
}
case {
  op = "dispatch", name = "a row that is not there",
  error = "dispatch: place[1, 2] is 3, but positions count from 1 to 2",
  args = function(make) return { make { 1, 3 }, make.values({ { 1, 3 } }, "int64") } end,
}

-- ---- experts ------------------------------------------------------------------------------------

local function experts(x, weight, count, bias, options)
  if bias and bias.turned ~= nil then bias, options = nil, bias end
  local y <const>, e, last = {}, 1, count[1]
  for a = 1, #x do
    while e <= #count and a > last do
      e = e + 1
      last = last + (count[e] or 0)
    end
    local w = weight[math.min(e, #count)]
    if options and options.turned then w = R.transpose(w) end
    y[a] = {}
    for n = 1, #w do
      y[a][n] = e <= #count and bias and bias[e][n] or 0
      for i = 1, e <= #count and #w[1] or 0 do y[a][n] = y[a][n] + w[n][i] * x[a][i] end
    end
  end
  return y
end

for name, counts in pairs { ["three experts"] = { 2, 4, 1 }, ["one idle"] = { 3, 0, 4 },
  ["rows left over"] = { 2, 1, 2 }, ["one expert"] = { 7 }, ["all idle"] = { 0, 0 } } do
  local E <const> = #counts
  local function args(biased, turned)
    return function(make)
      return { make { 7, turned and 4 or 3 }, make { E, 4, 3 }, make.values(counts, "int64"),
        biased and make { E, 4 } or nil, turned and { turned = true } or nil }
    end
  end
  case { op = "experts", name = name, reference = experts, args = args(),
    covers = name == "three experts" and { "experts_outer" } or nil }
  case { op = "experts", name = name .. ", with a bias", reference = experts, args = args(true) }
  case { op = "experts", name = name .. ", turned",
    reference = function(x, w, count, _, o) return experts(x, w, count, nil, o) end,
    args = args(false, true) }
end
case {
  op = "experts", name = "no rows", out = { { 0, 4 } },
  args = function(make)
    return { make { 0, 3 }, make { 2, 4, 3 }, make.values({ 0, 0 }, "int64") }
  end,
  check = function(outputs) assert.equal(0, outputs[1]:numel()) end,
}
for message, row in pairs {
  ["input is (5, 2) but weight (2, 4, 3) wants 3 columns"] = { { 5, 2 }, { 2, 4, 3 }, { 1, 1 } },
  ["count is (3,) but one number for each of 2 experts is wanted"] =
    { { 5, 3 }, { 2, 4, 3 }, { 1, 1, 1 } },
  ["count[2] is 5, but 4 of 5 rows are left"] = { { 5, 3 }, { 2, 4, 3 }, { 1, 5 } },
  ["count[1] is -1"] = { { 5, 3 }, { 2, 4, 3 }, { -1, 5 } },
} do
  case {
    op = "experts", name = message, error = "experts: " .. message,
    args = function(make) return { make(row[1]), make(row[2]), make.values(row[3], "int64") } end,
  }
end

return cases
