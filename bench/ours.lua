-- Our side of a benchmark round: prints one line "id seconds-per-call" for each workload asked for.
--   lua5.4 bench/ours.lua add4 step281 ...
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

--- Seconds per call: the smallest mean of `chunks` chunks of about `seconds` each.
local function time(call, chunks, seconds)
  local function chunk(n)
    local start = core.now()
    for _ = 1, n do call() end
    return core.now() - start
  end
  local n, best = 1, math.huge
  while chunk(n) < seconds / 4 do n = n * 2 end
  for _ = 1, chunks do best = math.min(best, chunk(n) / n) end
  return best
end

local workloads = {}

function workloads.add4()
  local a, b = mlp.rand(4, 4), mlp.rand(4, 4)
  return function() return a + b end
end

function workloads.step281()
  local x = mlp.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
  local y = mlp.tensor { { 0 }, { 1 }, { 1 }, { 0 } }
  local model = nn.MLP { 2, 8, 1, activation = "tanh" }
  local optimizer = mlp.optim.SGD(model:parameters(), { lr = 0.1 })
  return function()
    local loss = mlp.loss.bce_with_logits(model(x), y)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
  end
end

function workloads.step784()
  local x, y = mlp.rand(64, 784), mlp.randint(1, 10, 64)
  local model = nn.MLP { 784, 128, 10 }
  local optimizer = mlp.optim.Adam(model:parameters(), { lr = 1e-3 })
  return function()
    local loss = mlp.loss.cross_entropy(model(x), y)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
  end
end

function workloads.matmul1024()
  local a, b = mlp.rand(1024, 1024), mlp.rand(1024, 1024)
  return function() return a:matmul(b) end
end

--- Floating-point operations per second of one core: the best instruction set, the best of several
--- tries.
local function peak()
  local best = 0
  for _, isa in ipairs { "generic", "avx2", "avx512" } do
    if core.debug.isa(isa) then
      for _ = 1, 5 do
        local start = core.now()
        local flops = core.debug.peak(5000000)
        best = math.max(best, flops / (core.now() - start))
      end
    end
  end
  return best
end

for _, id in ipairs(arg) do
  mlp.manual_seed(1)
  print(("%s %.9g"):format(id, time(workloads[id](), 7, 0.15)))
end
print(("peak %.9g"):format(peak()))
