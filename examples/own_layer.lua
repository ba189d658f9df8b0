-- A layer of one's own: fields are parameters, forward is Lua. Here a quadratic layer, y = (U x) *
-- (V x) + b, learns the products x1 x2 and x1^2 - x2^2, which a linear layer cannot; and its
-- gradient is checked.
--   lua5.4 examples/own_layer.lua
local mlp = require "mlp"
local nn = mlp.nn

local Quadratic = nn.Module:extend "Quadratic"

function Quadratic:init(inputs, outputs)
  self.left = nn.Linear(inputs, outputs, { bias = false })
  self.right = nn.Linear(inputs, outputs, { bias = false })
  self.bias = mlp.zeros(outputs, { requires_grad = true })
end

function Quadratic:forward(x) return self.left(x) * self.right(x) + self.bias end

mlp.manual_seed(7)
local model = Quadratic(2, 2)
print(model)
for name, weight in model:named_parameters() do print(name, table.concat(weight.shape, " x ")) end

local x = mlp.rand(256, 2) * 2 - 1
local x1, x2 = x:select(2, 1), x:select(2, 2)
local y = mlp.stack({ x1 * x2, x1 ^ 2 - x2 ^ 2 }, 2)

local optimizer = mlp.optim.Adam(model:parameters(), { lr = 0.02 })
for step = 1, 600 do
  local loss = mlp.loss.mse(model(x), y)
  optimizer:zero_grad()
  loss:backward()
  optimizer:step()
  if step % 200 == 0 then print(("step %d: mean squared error %.2e"):format(step, loss:item())) end
end

-- Is the gradient right? Ask in double precision, first and second order.
local precise = Quadratic(2, 2):to "float64"
local points = { mlp.rand(4, 2, { dtype = "float64" }) }
local ok, message = mlp.gradcheck(function(point) return precise(point) end, points,
  { second = true })
print("gradients agree with central differences:", ok, message or "")
