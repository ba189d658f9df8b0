--- Derivatives against central differences, in float64.
---
--- Step and tolerance. With step h a central difference is wrong by h^2 f'''/6 (truncation) and by
--- 2^-53 |f| / h (rounding); with h = 6e-6, about the cube root of 2^-53, both are near 4e-11 of
--- f's size. A tolerance of 1e-6 of the largest derivative leaves room for values four orders
--- larger than the derivative and for third derivatives of that size; a wrong formula is off by far
--- more.
---
--- Outputs are contracted with fixed random numbers v: L = sum(v * f(x)). The difference is taken
--- per output before the contraction, so that outputs which x does not touch add no rounding. The
--- second order repeats it for the gradient: G(x, v) = sum(w * dL/dx) is differentiated by x and by
--- v.
local assert <const> = require "luassert"
local make <const> = require "spec.support.make"
local core <const> = require "mlp.core"

local gradcheck <const> = {}

gradcheck.step = 6e-6
gradcheck.tolerance = 1e-6
gradcheck.most = 24 -- elements of a leaf that are checked one by one; of more, evenly spread ones

local function fixed(seed, shape)
  local random <const>, flat <const> = make.generator(seed), {}
  for i = 1, make.count(shape) do flat[i] = 0.5 + random() end
  return make.from_flat(flat, "float64", shape)
end

local function leaf(flat, shape)
  return make.from_flat(flat, "float64", shape):requires_grad_()
end

--- sum(weight * value) over pairs, as a tensor with history.
local function contract(values, weights)
  local total
  for k, value in ipairs(values) do
    local part <const> = value:mul(weights[k]):sum()
    total = total and total:add(part) or part
  end
  return total
end

--- (sum(weight * (high - low))) / 2h in plain Lua.
local function slope(high, low, weights)
  local total = 0.0
  for k = 1, #weights do
    for i = 1, #weights[k] do total = total + weights[k][i] * (high[k][i] - low[k][i]) end
  end
  return total / (2 * gradcheck.step)
end

local function read_all(tensors)
  local list = {}
  for k, t in ipairs(tensors) do list[k] = make.read(t) end
  return list
end

--- Which elements to move: all of a few, some of many (a stride that visits every residue).
local function places(n)
  local list = {}
  local stride <const> = math.max(1, n // gradcheck.most)
  for i = 1, n, stride do list[#list + 1] = i end
  return list
end

--- Compares analytic[k][i] with the slope of evaluate (a function of leaves that returns flat
--- lists) when element i of leaf k moves.
local function compare(leaves, analytic, evaluate, weights, about)
  for k, tensor in ipairs(leaves) do
    local flat <const>, shape <const> = make.read(tensor)
    local got, wanted, moved = {}, {}, { table.unpack(leaves) }
    local function at(i, shift)
      local shifted = { table.unpack(flat) }
      shifted[i] = shifted[i] + shift
      moved[k] = leaf(shifted, shape)
      return evaluate(moved)
    end
    local checked <const> = places(#flat)
    for j, i in ipairs(checked) do
      got[j] = analytic[k][i]
      wanted[j] = slope(at(i, gradcheck.step), at(i, -gradcheck.step), weights)
    end
    assert.close(got, wanted, {
      tolerance = gradcheck.tolerance, absolute = 1e-9,
      about = ("%s, by argument %d %s (every %d-th element)"):format(about, k,
        "(" .. table.concat(shape, ", ") .. ")", #checked > 1 and checked[2] - checked[1] or 1),
    })
  end
end

--- Gradients as flat lists, zeros where nothing flows.
local function flat_gradients(y, leaves, options)
  local grads <const>, flats <const> = table.pack(core.grad(y, leaves, options)), {}
  for k, tensor in ipairs(leaves) do
    flats[k] = grads[k] and make.read(grads[k]) or {}
    if not grads[k] then
      for i = 1, tensor:numel() do flats[k][i] = 0.0 end
    end
  end
  return flats
end

--- Those outputs of f through which a gradient flows.
local function outputs_of(f, leaves)
  local traced = {}
  for _, y in ipairs(f(leaves)) do
    if y.requires_grad then traced[#traced + 1] = y end
  end
  return traced
end

local function seeds_for(outputs)
  local seeds = {}
  for k, y in ipairs(outputs) do seeds[k] = fixed(1000 + k, y.shape) end
  return seeds
end

--- First order. f takes a list of float64 leaves and returns a list of tensors.
function gradcheck.first(f, leaves, about)
  local outputs <const> = outputs_of(f, leaves)
  assert.is_true(#outputs > 0, about .. ": no output has a history")
  local seeds <const> = seeds_for(outputs)
  local analytic <const> = flat_gradients(contract(outputs, seeds), leaves)
  compare(leaves, analytic, function(moved) return read_all(outputs_of(f, moved)) end,
    read_all(seeds), about .. ": gradient")
end

--- Second order. Returns the contracted gradient, whose history holds the rows of the derivative,
--- or nil when the gradient depends on nothing.
function gradcheck.second(f, leaves, about)
  local n <const> = #leaves
  local everything <const> = { table.unpack(leaves) }
  for _, seed in ipairs(seeds_for(outputs_of(f, leaves))) do
    everything[#everything + 1] = seed:requires_grad_()
  end
  local function gradients(all)
    local xs <const>, vs <const> = { table.unpack(all, 1, n) }, { table.unpack(all, n + 1) }
    local total <const> = contract(outputs_of(f, xs), vs)
    return table.pack(core.grad(total, xs, { create_graph = true }))
  end
  local grads <const> = gradients(everything)
  local flowing, weights, kept = {}, {}, {}
  for k = 1, n do
    if grads[k] then
      kept[#kept + 1] = k
      flowing[#flowing + 1] = grads[k]
      weights[#weights + 1] = fixed(2000 + k, leaves[k].shape)
    end
  end
  local total <const> = contract(flowing, weights)
  if not (total and total.requires_grad) then return nil end
  local analytic <const> = flat_gradients(total, everything, { create_graph = true })
  compare(everything, analytic, function(moved)
    local list <const>, all <const> = {}, gradients(moved)
    for j, k in ipairs(kept) do list[j] = make.read(all[k]) end
    return list
  end, read_all(weights), about .. ": second order")
  return total
end

return gradcheck
