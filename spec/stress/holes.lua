--- Prints the megabytes that are resident after large blocks were taken and given back over and
--- over: with a full pool each of them goes back to malloc, small ones stay between them, and none
--- is mapped by itself, since glibc has seen a larger one freed.
local mlp <const> = require "mlp"

do local _ = mlp.zeros(1024, 2048) end
collectgarbage()
do
  local full <const> = {}
  for i = 1, 700 do full[i] = mlp.zeros(160, 160) end
  assert(#full == 700)
end
collectgarbage()
local x <const>, net <const> = mlp.rand(4096, 3), mlp.nn.Siren { 3, 256, 256, 256, 1 }
local _ <close> = mlp.no_grad()
local kept <const> = {}
for i = 1, 48 do kept[i % 4 + 1] = net(x) end
assert(#kept == 4)
local statm <close> = assert(io.open "/proc/self/statm")
print(tonumber(statm:read("a"):match "^%d+ (%d+)") * 4096 // 1000000)
