--- The third derivatives of the functions of one number, which the table of cases does not reach:
--- against central differences of the second, in float64. One beyond is refused by name.
local core <const> = require "mlp.core"

--- The n-th derivative of core[name] at the points, as a tensor with history.
local function derivative(name, points, n)
  local x <const> = core.tensor(points, { dtype = "float64" }):requires_grad_()
  local y = core[name](x)
  for _ = 1, n do y = core.grad(y:sum(), { x }, { create_graph = true }) end
  return y, x
end

-- Away from the kinks of every function, inside the domain of every one.
local POINTS <const> = { 0.15, 0.35, 0.62, 0.81 }
local STEP <const> = 1e-5 -- truncation and rounding of the difference both near 1e-10

local SMOOTH <const> = {
  "sqrt", "rsqrt", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan",
  "sinh", "cosh", "tanh", "erf", "sigmoid", "log_sigmoid", "softplus", "gelu", "gelu_tanh", "silu",
  "sine", "gaussian", "reciprocal", "exp", "expm1", "elu", "power", "square",
  "squared_relu", "selu", "celu", "softsign", "mish", "hard_swish", "snake",
}

local function moved(by)
  local points = {}
  for i, x in ipairs(POINTS) do points[i] = x + by end
  return points
end

describe("the third derivative", function()
  for _, name in ipairs(SMOOTH) do
    it("of " .. name .. " is the slope of the second", function()
      local high <const> = derivative(name, moved(STEP), 2)
      local low <const> = derivative(name, moved(-STEP), 2)
      local wanted <const> = high:sub(low):div(2 * STEP):totable()
      local got <const> = derivative(name, POINTS, 3):totable()
      for i = 1, #POINTS do
        assert.near(wanted[i], got[i], 1e-6 * math.max(1, math.abs(wanted[i])), name)
      end
    end)
  end

  it("has parameters too", function()
    local x <const> = core.tensor({ 0.3 }, { dtype = "float64" }):requires_grad_()
    local y = x:power(5)
    for _ = 1, 3 do y = core.grad(y:sum(), { x }, { create_graph = true }) end
    assert.near(60 * 0.3 ^ 2, y:item(), 1e-12)
  end)

  it("is the last", function()
    local third <const>, at <const> = derivative("gelu", POINTS, 3)
    local sound, message = pcall(core.grad, third:sum(), { at })
    assert.is_false(sound)
    assert.is_truthy(message:find("gelu: no derivative beyond the third", 1, true), message)
  end)
end)
