--- L-BFGS: its direction against the inverse Hessian written out, its line search, and problems
--- that it must solve. That ten steps agree with PyTorch is held by the golden files.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local wolfe <const> = require "mlp.optim.wolfe"
require "spec.support.approx"

local WIDE <const> = { dtype = "float64" }

describe("lbfgs_direction", function()
  --- H written out: the pairs, oldest first, change gamma I (Nocedal and Wright 2006, 7.16).
  local function by_matrix(g, pairs_)
    local n <const> = #g
    local eye <const> = core.eye(n, WIDE)
    local s, y = table.unpack(pairs_[#pairs_])
    local h = eye * ((s * y):sum():item() / (y * y):sum():item())
    for _, pair in ipairs(pairs_) do
      s, y = table.unpack(pair)
      local rho <const> = 1 / (s * y):sum():item()
      local left <const> = eye - mlp.outer(s, y) * rho
      h = left:matmul(h):matmul(left:t()) + mlp.outer(s, s) * rho
    end
    return -h:matmul(g)
  end

  it("is that of the inverse Hessian, from a ring", function()
    local n <const>, m <const> = 6, 3
    local g <const> = mlp.randn(n, WIDE)
    local steps <const>, changes <const> = core.zeros(m, n, WIDE), core.zeros(m, n, WIDE)
    local kept <const> = {}
    for k = 1, 5 do
      local s <const> = mlp.randn(n, WIDE)
      local y <const> = s * mlp.rand(n, WIDE) + s * 0.5
      local row <const> = (k - 1) % m + 1
      steps[row], changes[row] = s, y
      table.insert(kept, { s, y })
      if #kept > m then table.remove(kept, 1) end
      local hyper <const> = core.tensor({ 1, 0, #kept, row, 0, 1 }, WIDE)
      assert.close(core.lbfgs_direction(g, steps, changes, hyper), by_matrix(g, kept))
    end
    local none <const> = core.tensor({ 1, 0, 0, 0, 0, 1 }, WIDE)
    assert.close(core.lbfgs_direction(g, steps, changes, none), -g)
  end)

  it("refuses a ring that does not fit", function()
    local g <const>, ring <const> = core.ones(3), core.ones(2, 3)
    local function hyper(stored, newest)
      return core.tensor({ 1, 0, stored, newest, 0, 1 }, WIDE)
    end
    assert.error_matches(function() core.lbfgs_direction(g, ring, ring, hyper(3, 1)) end,
      "3 pairs are stored, the newest in row 1, but there are 2 rows")
    assert.error_matches(function() core.lbfgs_direction(g, ring, core.ones(3, 3), hyper(1, 1)) end,
      "is %(3, 3%) but %(2, 3%) is wanted")
  end)
end)

describe("the line search", function()
  --- The search along a function of one number; the point and how many trials there were.
  local function search(f, slope, t)
    local trials = 0
    local function point(length)
      return { t = length, f = f(length), slope = slope(length) }
    end
    local found <const> = wolfe(function(length)
      trials = trials + 1
      return point(length)
    end, point(0), t, 1)
    return found, trials
  end

  it("finds a point of the strong Wolfe conditions, from any first length", function()
    local cases <const> = {
      { function(t) return (t - 3) ^ 2 end, function(t) return 2 * (t - 3) end },
      { function(t) return -t / (t * t + 2) end,
        function(t) return (t * t - 2) / (t * t + 2) ^ 2 end },
      { function(t) return (t + 0.004) ^ 5 - 2 * (t + 0.004) ^ 4 end,
        function(t) return 5 * (t + 0.004) ^ 4 - 8 * (t + 0.004) ^ 3 end },
      { function(t) return math.exp(t - 2) + math.exp(2 - t) end,
        function(t) return math.exp(t - 2) - math.exp(2 - t) end },
    }
    for _, case in ipairs(cases) do
      local f <const>, slope <const> = table.unpack(case)
      for _, t in ipairs { 1e-3, 0.1, 1, 10 } do
        local found <const>, trials <const> = search(f, slope, t)
        assert.is_true(found.f <= f(0) + 1e-4 * found.t * slope(0))
        assert.is_true(math.abs(found.slope) <= 0.9 * math.abs(slope(0)))
        assert.is_true(trials <= 26)
      end
    end
  end)

  it("ends where there is no such point", function()
    local found <const>, trials <const> =
      search(function(t) return -t end, function() return -1 end, 1)
    assert.is_true(trials <= 26 and found.t > 1)
  end)
end)

describe("L-BFGS", function()
  local function rosenbrock(x)
    local a <const>, b <const> = x[{ { 1, -2 } }], x[{ { 2, -1 } }]
    return ((b - a * a) ^ 2 * 100 + (1 - a) ^ 2):sum()
  end

  it("finds the bottom of Rosenbrock's valley", function()
    local x <const> = mlp.tensor({ -1.2, 1, -1.2, 1 }, { dtype = "float64", requires_grad = true })
    local optimizer <const> = mlp.optim.LBFGS({ x }, { max_iter = 100, tolerance_change = 1e-14 })
    local first <const> = optimizer:step(function() return rosenbrock(x) end)
    assert.close(first, rosenbrock(mlp.tensor({ -1.2, 1, -1.2, 1 }, WIDE)):item())
    assert.close(x:detach(), { 1, 1, 1, 1 }, { tolerance = 1e-5 })
    assert.is_true(optimizer:count() < 100)
  end)

  it("takes closures that call backward themselves", function()
    local function solved(closure_of)
      local x <const> = mlp.tensor({ -1.2, 1 }, { dtype = "float64", requires_grad = true })
      local optimizer <const> = mlp.optim.LBFGS({ x })
      optimizer:step(closure_of(x, optimizer))
      return x:tobytes()
    end
    local plain <const> = solved(function(x) return function() return rosenbrock(x) end end)
    assert.are.equal(plain, solved(function(x, optimizer)
      return function()
        optimizer:zero_grad()
        local loss <const> = rosenbrock(x)
        loss:backward()
        return loss
      end
    end))
  end)

  it("goes on from a state to the same bits", function()
    local function pair()
      local x <const> = mlp.tensor({ -1.2, 1, 0.5 }, { dtype = "float64", requires_grad = true })
      return x, mlp.optim.LBFGS({ x }, { max_iter = 3, history_size = 2 })
    end
    local x <const>, whole <const> = pair()
    for _ = 1, 4 do whole:step(function() return rosenbrock(x) end) end
    local y <const>, part <const> = pair()
    for _ = 1, 2 do part:step(function() return rosenbrock(y) end) end
    local _, other <const> = pair()
    local z <const> = y:detach():clone():requires_grad_()
    local again <const> = mlp.optim.LBFGS({ z }, { max_iter = 3, history_size = 2 })
    assert(again:load_state(part:state()))
    for _ = 1, 2 do again:step(function() return rosenbrock(z) end) end
    assert.are.equal(x:tobytes(), z:tobytes())
    assert.are.equal(0, other:count())
  end)

  it("leaves parameters without a gradient where they are", function()
    local x <const>, idle <const> = mlp.ones(2, { requires_grad = true }),
      mlp.ones(3, { requires_grad = true })
    mlp.optim.LBFGS({ x, idle }):step(function() return (x * x):sum() end)
    assert.close(x:detach(), { 0, 0 }, { tolerance = 1e-6, about = "x" })
    assert.are.same({ 1, 1, 1 }, idle:detach():totable())
  end)

  it("refuses what it cannot use", function()
    local x <const> = mlp.ones(2, { requires_grad = true })
    local function refuses(pattern, fn) assert.error_matches(fn, pattern) end
    refuses("LBFGS:step: the closure is nil but a function",
      function() mlp.optim.LBFGS({ x }):step() end)
    refuses("what the closure returns is 3 but the loss",
      function() mlp.optim.LBFGS({ x }):step(function() return 3 end) end)
    refuses("there are 2 groups of parameters but one", function()
      local y <const> = mlp.ones(1, { requires_grad = true })
      mlp.optim.LBFGS { { parameters = { x } }, { parameters = { y } } }
    end)
    refuses("parameter 2 is float64 but parameter 1 is float32", function()
      mlp.optim.LBFGS { x, mlp.ones(1, { dtype = "float64", requires_grad = true }) }
    end)
    refuses("line_search_fn is the string 'armijo'",
      function() mlp.optim.LBFGS({ x }, { line_search_fn = "armijo" }) end)
    local model <const> = mlp.nn.Linear(1, 1)
    refuses("Trainer: LBFGS computes the loss of all data many times", function()
      mlp.Trainer { model = model, loss = "mse", optimizer = mlp.optim.LBFGS(model) }
    end)
  end)
end)
