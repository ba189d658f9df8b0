--- Optimizer rows against the same arithmetic in plain Lua, a number at a time; ten steps against
--- PyTorch are in the golden files.
local assert <const> = require "luassert"
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"
require "spec.support.approx"

local TOLERANCE <const> = { float32 = 1e-6, float64 = 1e-14 } -- a few roundings per step

-- ---- the arithmetic -----------------------------------------------------------------------------
-- Each: (p, g, moments of this number, hyper by name, step from 1) -> p

local step <const> = {}

function step.sgd(p, g, m, h, t)
  local d <const> = h.scale * g + h.weight_decay * p
  if not m[1] then return p - h.lr * d end
  m[1] = t == 1 and d or h.momentum * m[1] + (1 - h.dampening) * d
  return p - h.lr * (h.nesterov == 1 and d + h.momentum * m[1] or m[1])
end

function step.adam(p, g, m, h, t)
  if h.decoupled == 1 then p = p * (1 - h.lr * h.weight_decay) end
  local d <const> = h.scale * g + (h.decoupled == 1 and 0 or h.weight_decay * p)
  m[1] = h.beta1 * m[1] + (1 - h.beta1) * d
  m[2] = h.beta2 * m[2] + (1 - h.beta2) * d * d
  local mean <const>, square <const> = m[1] / (1 - h.beta1 ^ t), m[2] / (1 - h.beta2 ^ t)
  return p - h.lr * mean / (math.sqrt(square) + h.eps)
end

function step.rmsprop(p, g, m, h)
  local d <const> = h.scale * g + h.weight_decay * p
  m[1] = h.alpha * m[1] + (1 - h.alpha) * d * d
  local spread = m[1]
  if m[2] then
    m[2] = h.alpha * m[2] + (1 - h.alpha) * d
    spread = spread - m[2] * m[2]
  end
  local move <const> = d / (math.sqrt(spread) + h.eps)
  if not m[3] then return p - h.lr * move end
  m[3] = h.momentum * m[3] + move
  return p - h.lr * m[3]
end

function step.radam(p, g, m, h, t)
  local d <const> = h.scale * g + h.weight_decay * p
  m[1] = h.beta1 * m[1] + (1 - h.beta1) * d
  m[2] = h.beta2 * m[2] + (1 - h.beta2) * d * d
  local mean <const>, left <const> = m[1] / (1 - h.beta1 ^ t), 1 - h.beta2 ^ t
  local longest <const> = 2 / (1 - h.beta2) - 1
  local length <const> = longest - 2 * t * h.beta2 ^ t / left
  if length <= 5 then return p - h.lr * mean end
  local rectified <const> = math.sqrt((length - 4) * (length - 2) * longest
    / ((longest - 4) * (longest - 2) * length))
  return p - h.lr * mean * rectified * math.sqrt(left) / (math.sqrt(m[2]) + h.eps)
end

function step.adamax(p, g, m, h, t)
  local d <const> = h.scale * g + h.weight_decay * p
  m[1] = h.beta1 * m[1] + (1 - h.beta1) * d
  m[2] = math.max(h.beta2 * m[2], math.abs(d) + h.eps)
  return p - h.lr / (1 - h.beta1 ^ t) * m[1] / m[2]
end

function step.adagrad(p, g, m, h, t)
  local d <const> = h.scale * g + h.weight_decay * p
  m[1] = m[1] + d * d
  return p - h.lr / (1 + (t - 1) * h.lr_decay) * d / (math.sqrt(m[1]) + h.eps)
end

function step.lion(p, g, m, h)
  local d <const> = h.scale * g
  local c <const> = h.beta1 * m[1] + (1 - h.beta1) * d
  m[1] = h.beta2 * m[1] + (1 - h.beta2) * d
  return p * (1 - h.lr * h.weight_decay) - h.lr * (c > 0 and 1 or c < 0 and -1 or 0)
end

local SLOTS <const> = {
  sgd = { "lr", "momentum", "dampening", "weight_decay", "nesterov", "count", "scale" },
  adam = { "lr", "beta1", "beta2", "eps", "weight_decay", "decoupled", "count", "scale" },
  radam = { "lr", "beta1", "beta2", "eps", "weight_decay", "decoupled", "count", "scale" },
  adamax = { "lr", "beta1", "beta2", "eps", "weight_decay", "count", "scale" },
  rmsprop = { "lr", "alpha", "eps", "weight_decay", "momentum", "count", "scale" },
  adagrad = { "lr", "lr_decay", "eps", "weight_decay", "count", "scale" },
  lion = { "lr", "beta1", "beta2", "weight_decay", "count", "scale" },
}

--- method, hyper where it is not the default, which moments there are
local runs <const> = {
  { "sgd", {}, {} },
  { "sgd", { weight_decay = 0.1, scale = 0.5 }, {} },
  { "sgd", { momentum = 0.9 }, { true } },
  { "sgd", { momentum = 0.9, dampening = 0.3, weight_decay = 0.1 }, { true } },
  { "sgd", { momentum = 0.9, nesterov = 1, scale = 2 }, { true } },
  { "adam", {}, { true, true } },
  { "adam", { weight_decay = 0.1, scale = 0.5 }, { true, true } },
  { "adam", { weight_decay = 0.1, decoupled = 1 }, { true, true } },
  { "radam", { weight_decay = 0.1, scale = 0.5 }, { true, true } },
  { "adamax", { weight_decay = 0.1, scale = 0.5 }, { true, true } },
  { "adagrad", {}, { true } },
  { "adagrad", { lr_decay = 0.5, weight_decay = 0.1, scale = 0.5 }, { true } },
  { "lion", { weight_decay = 0.1, scale = 0.5 }, { true } },
  { "rmsprop", {}, { true, false, false } },
  { "rmsprop", { momentum = 0.9, weight_decay = 0.1 }, { true, false, true } },
  { "rmsprop", { scale = 0.5 }, { true, true, false } },
  { "rmsprop", { momentum = 0.5 }, { true, true, true } },
}

local DEFAULTS <const> = {
  lr = 0.05, momentum = 0, dampening = 0, weight_decay = 0, nesterov = 0, count = 0, scale = 1,
  beta1 = 0.9, beta2 = 0.99, eps = 1e-8, decoupled = 0, alpha = 0.9, lr_decay = 0,
}

local SHAPES <const> = { { 3, 23 }, { 0, 2 }, {}, { 5 } }
local STEPS <const> = 10 -- the sixth of RAdam is its first that divides by the average of squares

--- One run: tensors for the row, and what plain Lua makes of the same numbers.
local function prepare(run, dtype)
  local method <const>, changes <const>, moments <const> = table.unpack(run)
  local new <const>, h, slots = make.new({ op = method }, dtype), {}, {}
  for k, name in ipairs(SLOTS[method]) do
    h[name] = changes[name] or DEFAULTS[name]
    slots[k] = h[name]
  end
  local lists <const> = { {}, {} }
  for i, shape in ipairs(SHAPES) do
    lists[1][i], lists[2][i] = new(shape), new(shape)
    for k, there in ipairs(moments) do
      lists[k + 2] = lists[k + 2] or {}
      if there then lists[k + 2][i] = core.zeros(shape, { dtype = dtype }) end
    end
  end
  if method == "sgd" then lists[3] = lists[3] or {} end
  return lists, h, core.tensor(slots, { dtype = "float64" })
end

local function expected(run, lists, h)
  local method <const>, _, moments <const> = table.unpack(run)
  local wanted <const> = {}
  for i, parameter in ipairs(lists[1]) do
    local ps <const>, gs <const> = make.read(parameter), make.read(lists[2][i])
    for k = 1, #ps do
      local m = {}
      for j, there in ipairs(moments) do m[j] = there and 0.0 end
      for t = 1, STEPS do ps[k] = step[method](ps[k], gs[k], m, h, t) end
    end
    wanted[i] = ps
  end
  return wanted
end

local function take(run, lists, hyper)
  local args <const> = { table.unpack(lists) }
  args[#args + 1] = hyper
  for _ = 1, STEPS do core[run[1] .. "_step"](table.unpack(args)) end
end

local function title(run)
  local words <const> = {}
  for _, name in ipairs(SLOTS[run[1]]) do
    if run[2][name] then words[#words + 1] = ("%s %g"):format(name, run[2][name]) end
  end
  local moments <const> = {}
  for k, there in ipairs(run[3]) do moments[k] = there and "x" or "-" end
  return ("%s_step (%s; moments %s)"):format(run[1], table.concat(words, ", "),
    table.concat(moments))
end

for _, run in ipairs(runs) do
  describe(title(run), function()
    for dtype, tolerance in pairs(TOLERANCE) do
      it("does its arithmetic in " .. dtype, function()
        local lists <const>, h <const>, hyper <const> = prepare(run, dtype)
        local wanted <const> = expected(run, lists, h)
        take(run, lists, hyper)
        for i, flat in ipairs(wanted) do
          local got <const> = lists[1][i]
          assert.close(got:reshape(-1), #flat > 0 and flat or core.zeros(0), {
            tolerance = tolerance, about = "parameter " .. i,
          })
        end
        assert.equal(STEPS, hyper:get(-2))
      end)
    end

    it("gives the same bits through views", function()
      local lists <const>, _, hyper <const> = prepare(run, "float32")
      take(run, lists, hyper)
      local again <const>, _, fresh <const> = prepare(run, "float32")
      for _, list in ipairs(again) do
        for i, t in ipairs(list) do
          if t:numel() > 0 then
            local base, view = make.strided(t)
            list[i] = view(base)
          end
        end
      end
      take(run, again, fresh)
      for i, parameter in ipairs(lists[1]) do
        assert.close(again[1][i], parameter, { tolerance = 0, about = "parameter " .. i })
      end
    end)
  end)
end

describe("an optimizer row", function()
  local function adam(parameters, gradients, means, squares)
    local hyper <const> = core.tensor({ 0.1, 0.9, 0.99, 1e-8, 0, 0, 0, 1 }, { dtype = "float64" })
    core.adam_step(parameters, gradients, means, squares, hyper)
  end

  local function refused(sentence, ...)
    local sound <const>, message <const> = pcall(...)
    assert.is_false(sound)
    assert.equal(sentence, (tostring(message):gsub("^.-:%d+: ", "")))
  end

  local p <const>, q <const> = core.ones(3), core.ones(4)

  it("refuses lists of other lengths", function()
    refused("adam_step: 2 parameters but 1 gradients", adam, { p, p }, { p }, { p, p }, { p, p })
    refused("adam_step: 1 parameters but 0 means", adam, { p }, { p }, {}, { p })
  end)

  it("refuses tensors of other shapes and dtypes, naming the place", function()
    refused("adam_step: gradients[2] is float32 (3,) but parameters[2] is float32 (4,)", adam,
      { p, q }, { p, p }, { p, q }, { p, q })
    refused("adam_step: squares[1] is float64 (3,) but parameters[1] is float32 (3,)", adam, { p },
      { p }, { p }, { core.ones(3, { dtype = "float64" }) })
  end)

  it("refuses another number of slots", function()
    refused("sgd_step: hyper is (3,) but (7,) is wanted", core.sgd_step, { p }, { p }, {},
      core.ones(3, { dtype = "float64" }))
  end)

  it("leaves gradients as they were, and says who changed a parameter", function()
    local w <const>, g <const> = core.ones(3):requires_grad_(), core.ones(3)
    local y <const> = w:mul(w):sum()
    adam({ w }, { g }, { core.zeros(3) }, { core.zeros(3) })
    assert.close(g, { 1, 1, 1 }, { tolerance = 0 })
    local sound <const>, message <const> = pcall(y.backward, y)
    assert.is_false(sound)
    assert.matches("adam_step has since changed", message, 1, true)
  end)

  it("counts a step of nothing", function()
    local hyper <const> = core.tensor({ 0.1, 0.9, 0.99, 1e-8, 0, 0, 4, 1 }, { dtype = "float64" })
    core.adam_step({}, {}, {}, {}, hyper)
    assert.equal(5, hyper:get(7))
  end)
end)

describe("global_norm", function()
  it("neither overflows nor vanishes in float32", function()
    assert.close(core.global_norm { core.full({ 4 }, 1e30), core.zeros(2) }, 2e30)
    assert.close(core.global_norm { core.full({ 4 }, 1e-30) }, 2e-30)
  end)

  it("is 0 of nothing, and NaN of NaN", function()
    assert.equal(0, core.global_norm({}):item())
    local norm <const> = core.global_norm({ core.ones(3), core.full({ 2 }, 0 / 0) }):item()
    assert.is_true(norm ~= norm)
  end)
end)

describe("want_finite", function()
  it("is silent about finite numbers and an error otherwise", function()
    assert.equal(0, select("#", core.want_finite { core.ones(3), core.full({ 2 }, 1e300,
      { dtype = "float64" }) }))
    for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      local list <const> = { core.ones(3), core.tensor { 1, value } }
      assert.error_matches(function() core.want_finite(list) end,
        "want_finite: a number is infinite or NaN")
    end
    assert.error_matches(function() core.want_finite { core.ones(3):to "int64" } end, "is int64")
  end)

  it("stands before later changes in a compiled function, at every cut", function()
    local mlp <const> = require "mlp"
    local lanes <const> = core.lanes()
    finally(function()
      core.lanes(lanes)
      core.debug.tile_height(0)
    end)
    for _, height in ipairs { 0, 3 } do
      core.lanes(2)
      core.debug.tile_height(height)
      local w <const> = core.zeros(2)
      local f <const> = mlp.compile(function(x)
        local y <const> = x:sum(1)
        core.want_finite { y }
        w:add_(y)
      end, { batch = 1 })
      for i = 1, 3 do
        f(core.ones(8, 2))
        assert.same({ 8 * i, 8 * i }, w:totable())
      end
      local bad <const> = core.ones(8, 2)
      bad:set(8, 1, 0 / 0)
      assert.error_matches(function() f(bad) end, "want_finite")
      assert.same({ 24, 24 }, w:totable())
    end
  end)
end)
