--- A history of COUNT operations, walked backwards, then another one that is only dropped; prints
--- the derivative and the number of tensors left. The default C stack of 8 MB leaves 8 bytes to
--- each of a million nodes, so recursion would be a crash.
local COUNT <const> = tonumber(arg[1])
local mlp <const> = require "mlp"

local function chain(x)
  for _ = 1, COUNT do x = x + 1 end
  return x
end

do
  local x <const> = mlp.zeros(1):requires_grad_()
  chain(x):sum():backward()
  print(x.grad:get(1))
  x:close()
end
collectgarbage()
do
  local _ <const> = chain(mlp.zeros(1):requires_grad_())
end
collectgarbage()
collectgarbage()
print(mlp.memory().tensors)
