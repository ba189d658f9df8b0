--- The pieces that oom_spec.lua starves, beside the rows: constructors, layers, losses,
--- optimizers, readers and writers, the trainer. Small, and complete in themselves: what a piece
--- makes, it drops.
local mlp <const> = require "mlp"

local pieces <const> = {}

local function piece(name, run) pieces[#pieces + 1] = { name = name, run = run } end

--- ---- tensors ---------------------------------------------------------------------------------

piece("creation", function()
  return mlp.tensor { { 1, 2 }, { 3, 4 } }, mlp.zeros(2, 3), mlp.full({ 2 }, 3), mlp.arange(1, 5),
    mlp.linspace(0, 1, 5), mlp.eye(3)
end)

piece("random numbers", function()
  return mlp.rand(3, 4), mlp.randn(3, 4), mlp.randint(1, 6, { 5 }), mlp.randperm(7)
end)

piece("reading and writing elements", function()
  local x <const> = mlp.zeros(3, 4)
  x[1] = mlp.ones(4)
  x[{ {}, { 2, 3 } }] = 5
  x:set(3, 4, 7)
  return x[2], x[{ { 1, 2 }, 3 }], x:totable(), tostring(x), x:tobytes()
end)

piece("masks", function()
  local x <const> = mlp.arange(1, 6)
  x[x:gt(3)] = 0
  return x[x:gt(1)]
end)

piece("operators", function()
  local x <const> = mlp.ones(2, 2)
  return x + 1, 2 * x, x / x, -x, x ^ 2, x - x
end)

--- ---- gradients -------------------------------------------------------------------------------

piece("backward", function()
  local w <const> = mlp.ones(3):requires_grad_()
  for _ = 1, 2 do (w * w):sum():backward() end
  return w.grad
end)

piece("no_grad", function()
  local w <const> = mlp.ones(3):requires_grad_()
  return mlp.no_grad(function() return w * 2 end)
end)

piece("gradcheck, jacobian, hvp", function()
  local x <const> = mlp.tensor({ 0.5, 0.25 }, { dtype = "float64" }):requires_grad_()
  mlp.gradcheck(function(t) return t:sin():sum() end, { x })
  mlp.jacobian(function(t) return t:sin() end, x)
  mlp.hvp(function(t) return (t * t * t):sum() end, x, mlp.ones(2, { dtype = "float64" }))
end)

return pieces
