-- Loads MNIST under the environment that mnist_spec.lua gives this process, from the mirror that is
-- the argument.
local mnist <const> = require "mlp.data.mnist"

local digits <const>, message <const> = mnist { mirrors = { arg[1] }, dtype = "uint8" }
if not digits then
  print(message)
  os.exit(false)
end
print("train " .. #digits.train.images)
print("test " .. #digits.test.images)
