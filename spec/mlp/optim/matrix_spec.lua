--- Optimizers that look at whole matrices, Muon and Adafactor: ten steps against the same
--- arithmetic in plain Lua, and what their papers promise.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local optim <const> = mlp.optim
require "spec.support.approx"

local TOLERANCE <const> = { float32 = 2e-5, float64 = 1e-12 } -- ten steps of five products each
local STEPS <const> = 10

-- ---- matrices in plain Lua ----------------------------------------------------------------------

local function map(a, f)
  local b <const> = {}
  for i, row in ipairs(a) do
    b[i] = {}
    for j, x in ipairs(row) do b[i][j] = f(x, i, j) end
  end
  return b
end

local function transposed(a)
  local t <const> = {}
  for j = 1, #a[1] do
    t[j] = {}
    for i = 1, #a do t[j][i] = a[i][j] end
  end
  return t
end

local function product(a, b)
  local c <const> = {}
  for i = 1, #a do
    c[i] = {}
    for j = 1, #b[1] do
      local sum = 0.0
      for k = 1, #b do sum = sum + a[i][k] * b[k][j] end
      c[i][j] = sum
    end
  end
  return c
end

local function sum(a, f)
  local total, count = 0.0, 0
  for _, row in ipairs(a) do
    for _, x in ipairs(row) do total, count = total + f(x), count + 1 end
  end
  return total, count
end

local function square(x) return x * x end

local function rms(a)
  local total <const>, count <const> = sum(a, square)
  return math.sqrt(total / count)
end

-- ---- the problem --------------------------------------------------------------------------------

--- The gradient at step t, the same numbers in every dtype: multiples of 1/16.
local function gradient(shape, t)
  local g <const> = {}
  for i = 1, shape[1] do
    g[i] = {}
    for j = 1, shape[2] do g[i][j] = ((37 * i + 11 * j * t + 5 * t) % 33 - 16) / 16 end
  end
  return g
end

local function start(shape) return map(gradient(shape, 77), function(x) return x / 2 end) end

local function give(p, g)
  p.grad = nil
  local values = core.tensor(g, { dtype = p.dtype })
  if p.ndim == 1 then values = values:reshape(-1) end;
  (p * values):sum():backward()
end

--- Ten steps of an optimizer on one parameter; a shape {1, n} marked flat is a vector.
local function trained(class, shape, options, dtype, flat)
  local p = core.tensor(start(shape), { dtype = dtype })
  if flat then p = p:reshape(-1) end
  p = p:clone():requires_grad_()
  local optimizer <const> = class({ p }, options)
  for t = 1, STEPS do
    give(p, gradient(shape, t))
    optimizer:step()
  end
  return p:detach():reshape(shape), optimizer
end

local function agrees(class, shape, options, wanted, flat)
  for dtype, tolerance in pairs(TOLERANCE) do
    local got <const> = trained(class, shape, options, dtype, flat)
    assert.close(got, wanted, { tolerance = tolerance, about = dtype })
  end
end

-- ---- Muon ---------------------------------------------------------------------------------------

--- u / |u| after five steps of the quintic (Jordan et al. 2024).
local function orthogonal(u)
  local norm <const> = math.sqrt(sum(u, square)) + 1e-7
  local tall <const> = #u > #u[1]
  local x = map(tall and transposed(u) or u, function(v) return v / norm end)
  for _ = 1, 5 do
    local a <const> = product(x, transposed(x))
    local aa <const> = product(a, a)
    local b <const> = map(a, function(v, i, j) return -4.7750 * v + 2.0315 * aa[i][j] end)
    local bx <const> = product(b, x)
    x = map(x, function(v, i, j) return 3.4445 * v + bx[i][j] end)
  end
  return tall and transposed(x) or x
end

local function muon(shape, o)
  local p, m = start(shape), map(start(shape), function() return 0.0 end)
  local rows <const>, columns <const> = shape[1], shape[2]
  local length <const> = o.match_rms and 0.2 * math.sqrt(math.max(rows, columns))
    or math.sqrt(math.max(1, rows / columns))
  for t = 1, STEPS do
    local g <const> = gradient(shape, t)
    m = map(m, function(v, i, j) return 0.9 * v + g[i][j] end)
    local u <const> = o.nesterov and map(m, function(v, i, j) return g[i][j] + 0.9 * v end) or m
    local step <const> = orthogonal(u)
    p = map(p, function(v, i, j)
      return v * (1 - 0.05 * o.weight_decay) - 0.05 * length * step[i][j]
    end)
  end
  return p
end

describe("Muon", function()
  it("does its arithmetic, ten steps of it", function()
    for _, shape in ipairs { { 3, 7 }, { 9, 4 }, { 5, 5 }, { 1, 6 } } do
      for _, o in ipairs { { nesterov = true, weight_decay = 0 },
        { nesterov = false, weight_decay = 0.1, match_rms = true } } do
        local options <const> = { lr = 0.05, momentum = 0.9 }
        for name, value in pairs(o) do options[name] = value end
        agrees(optim.Muon, shape, options, muon(shape, o))
      end
    end
  end)

  it("moves every direction of a matrix by about as much", function()
    mlp.manual_seed(1)
    for _, shape in ipairs { { 40, 40 }, { 30, 80 }, { 64, 16 } } do
      local p <const> = mlp.zeros(shape, { requires_grad = true })
      local optimizer <const> = optim.Muon({ p }, { lr = 1 })
      local g <const> = mlp.randn(shape);
      (p * g):sum():backward()
      optimizer:step()
      local _, s <const> = mlp.linalg.svd(p:detach() / math.sqrt(math.max(1, shape[1] / shape[2])))
      -- The quintic takes singular values from 0.01 on to about 0.7 .. 1.2; a square of noise has
      -- smaller ones.
      assert.is_true(s:max():item() < 1.3)
      if shape[1] ~= shape[2] then assert.is_true(s:min():item() > 0.6) end
    end
  end)

  it("takes each matrix of a stack by itself", function()
    local stack <const> = mlp.randn(3, 4, 6):requires_grad_()
    local g <const> = mlp.randn(3, 4, 6)
    local before <const> = stack:detach():clone()
    local optimizer <const> = optim.Muon({ stack }, { lr = 0.1 });
    (stack * g):sum():backward()
    optimizer:step()
    for k = 1, 3 do
      local alone <const> = before[k]:clone():requires_grad_()
      local one <const> = optim.Muon({ alone }, { lr = 0.1 });
      (alone * g[k]):sum():backward()
      one:step()
      assert.close(stack:detach()[k], alone:detach(), { tolerance = 1e-6 })
    end
  end)

  it("leaves what is no matrix, and what is told so, to AdamW", function()
    local model <const> = mlp.nn.MLP { 3, 4, 2 }
    local hidden <const>, last <const> = model.layers[1], model.layers[2]
    local optimizer <const> = optim.Muon({
      { parameters = hidden, lr = 0.5 }, { parameters = last, adamw = true },
    }, { adamw = { lr = 0.1 } })
    assert.are.equal(3, #optimizer.groups)
    assert.close({ optimizer:rate(1), optimizer:rate(2), optimizer:rate(3) }, { 0.5, 0.1, 0.1 })
    local before <const> = last.weight:detach():clone()
    model(mlp.randn(5, 3)):sum():backward()
    optimizer:step()
    -- The first step of Adam moves every number by lr.
    assert.close((last.weight:detach() - before):abs():max():item(), 0.1, { tolerance = 1e-4 })
    assert.are.equal(1, optimizer:count())
    local again <const> = optim.Muon { { parameters = hidden },
      { parameters = last, adamw = true } }
    assert(again:load_state(optimizer:state()))
    assert.are.equal(0.5, again:rate(1))
  end)

  it("refuses vectors in its operation, and options out of range", function()
    local hyper <const> = core.tensor({ 0.1, 0.9, 0, 1, 5, 0, 0, 1 }, { dtype = "float64" })
    local v <const> = core.ones(3)
    assert.error_matches(function() core.muon_step({ v }, { v }, { core.ones(3) }, hyper) end,
      "muon_step: parameters is %(3,%) but a tensor of 2 to 8 axes")
    assert.error_matches(function() optim.Muon({ mlp.ones(2, 2, { requires_grad = true }) },
      { iterations = 0 }) end, "iterations is 0 but")
    assert.error_matches(function() optim.Muon({ mlp.ones(2, { requires_grad = true }) },
      { adamw = { betta = 1 } }) end, "Muon: adamw: unknown option 'betta'")
  end)
end)

-- ---- Adafactor ----------------------------------------------------------------------------------

local function means(a, f)
  local list <const> = {}
  for i, row in ipairs(a) do
    list[i] = sum({ row }, f) / #row
  end
  return list
end

local function adafactor(shape, o, flat)
  local p = start(shape)
  local r, c, v, m = {}, {}, map(p, function() return 0.0 end), map(p, function() return 0.0 end)
  for i = 1, shape[1] do r[i] = 0.0 end
  for j = 1, shape[2] do c[j] = 0.0 end
  for t = 1, STEPS do
    local g <const>, b <const> = gradient(shape, t), 1 - t ^ -0.8
    local function d2(x) return x * x + 1e-30 end
    local u
    if flat then
      v = map(v, function(x, i, j) return b * x + (1 - b) * d2(g[i][j]) end)
      u = map(g, function(x, i, j) return x / math.sqrt(v[i][j]) end)
    else
      for i, mean in ipairs(means(g, d2)) do r[i] = b * r[i] + (1 - b) * mean end
      for j, mean in ipairs(means(transposed(g), d2)) do c[j] = b * c[j] + (1 - b) * mean end
      local all <const> = sum({ r }, function(x) return x end) / #r
      u = map(g, function(x, i, j) return x / math.sqrt(r[i] * c[j] / all) end)
    end
    local cut <const> = math.max(1, rms(u) / o.clip)
    local rho <const> = o.relative and math.min(o.lr, 1 / math.sqrt(t)) or o.lr
    local a <const> = rho * (o.scale_parameter and math.max(1e-3, rms(p)) or 1)
    m = map(m, function(x, i, j) return o.beta1 * x + (1 - o.beta1) * a * u[i][j] / cut end)
    p = map(p, function(x, i, j) return x * (1 - o.lr * o.weight_decay) - m[i][j] end)
  end
  return p
end

describe("Adafactor", function()
  it("does its arithmetic, ten steps of it", function()
    for _, o in ipairs {
      { lr = 0.5, clip = 1, beta1 = 0, weight_decay = 0, relative = true, scale_parameter = true },
      { lr = 0.1, clip = 0.5, beta1 = 0.9, weight_decay = 0.1, relative = false,
        scale_parameter = false },
      { lr = 0.1, clip = 2, beta1 = 0, weight_decay = 0.1, relative = false,
        scale_parameter = true },
    } do
      for _, shape in ipairs { { 3, 9 }, { 17, 4 }, { 1, 5 } } do
        agrees(optim.Adafactor, shape, o, adafactor(shape, o))
      end
      agrees(optim.Adafactor, { 1, 11 }, o, adafactor({ 1, 11 }, o, true), true)
    end
  end)

  it("keeps a row and a column where Adam keeps a matrix", function()
    local p <const>, bias <const> = mlp.ones(30, 50, { requires_grad = true }),
      mlp.ones(30, { requires_grad = true })
    local moments <const> = optim.Adafactor({ p, bias }).groups[1].moments
    local count = 0
    for _, list in ipairs(moments) do
      for _, t in ipairs(list) do count = count + t:numel() end
    end
    assert.are.equal(30 + 50 + 30, count)
  end)

  it("takes each matrix of a stack by itself", function()
    local stack <const> = mlp.randn(2, 4, 6):requires_grad_()
    local g <const> = mlp.randn(2, 4, 6)
    local before <const> = stack:detach():clone()
    local options <const> = { relative = false, scale_parameter = false, clip = 1e9, lr = 0.1 }
    local optimizer <const> = optim.Adafactor({ stack }, options);
    (stack * g):sum():backward()
    optimizer:step()
    for k = 1, 2 do
      local alone <const> = before[k]:clone():requires_grad_()
      local one <const> = optim.Adafactor({ alone }, options);
      (alone * g[k]):sum():backward()
      one:step()
      assert.close(stack:detach()[k], alone:detach(), { tolerance = 1e-6 })
    end
  end)

  it("refuses other shapes and options out of range", function()
    local p <const>, hyper <const> = core.ones(2, 3), core.ones(11, { dtype = "float64" })
    assert.error_matches(function()
      core.adafactor_step({ p }, { p:clone() }, { core.ones(3) }, { core.ones(3) }, {}, hyper)
    end, "rows%[1%] is float32 %(3,%) but parameters%[1%] wants float32 %(2,%)")
    assert.error_matches(function()
      optim.Adafactor({ mlp.ones(1, { requires_grad = true }) }, { clip = 0 })
    end, "clip is 0 but a positive number")
  end)
end)
