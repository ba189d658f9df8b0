-- XOR: the smallest problem that one layer cannot solve and two can. Full-batch Adam on four
-- points.
--   lua5.4 examples/xor.lua
local mlp = require "mlp"
local nn = mlp.nn

mlp.manual_seed(1)
local x = mlp.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
local y = mlp.tensor { { 0 }, { 1 }, { 1 }, { 0 } }

local model = nn.MLP { 2, 8, 1, activation = "tanh" }
local optimizer = mlp.optim.Adam(model:parameters(), { lr = 0.05 })
print(model)

local losses = {}
for step = 1, 300 do
  local loss = mlp.loss.bce_with_logits(model(x), y)
  optimizer:zero_grad()
  loss:backward()
  optimizer:step()
  losses[step] = loss:item()
  if step % 100 == 0 then print(("step %d: loss %.5f"):format(step, losses[step])) end
end

local probability = mlp.no_grad(function() return model(x):sigmoid() end)
for i = 1, #x do
  print(("%g xor %g = %.3f"):format(x:get(i, 1), x:get(i, 2), probability:get(i, 1)))
end

-- What the network makes of the whole square: rows are x2 from 1.5 down to -0.5, columns x1.
print "\nprobability of 1 over the square (x1 to the right, x2 upwards)"
local shades = { [0] = " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" }
for row = 0, 12 do
  local line = {}
  for column = 0, 24 do
    local point = mlp.tensor { { -0.5 + column / 12, 1.5 - row / 6 } }
    line[#line + 1] = shades[math.min(9, model(point):sigmoid():item() * 10 // 1)]
  end
  print(table.concat(line))
end

-- Kept for examples/embed.c, a C program that asks this network.
os.execute "mkdir -p out"
assert(model:save "out/xor.safetensors")
