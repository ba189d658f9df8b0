--- Makes temporaries by the ten thousand and never calls collectgarbage; prints the peaks after the
--- first thousand and at the end. Run by gc_spec.lua: temporaries.lua COUNT HEAP_MB MODE; MODE is
--- "incremental" (an embedding host) or "generational" (the stand-alone lua).
local COUNT <const>, HEAP_MB <const>, MODE <const> = tonumber(arg[1]), tonumber(arg[2]), arg[3]
local mlp <const> = require "mlp"

collectgarbage(MODE)

--- A heap such as a host may have: many small tables and strings.
local function fill(megabytes)
  local heap = {}
  while collectgarbage "count" < megabytes * 1024 do
    local i <const> = #heap + 1
    heap[i] = { i, name = "entry " .. i, { i, i + 1 } }
  end
  return heap
end

--- The largest resident size so far, in bytes.
local function resident_peak()
  for line in io.lines "/proc/self/status" do
    local kilobytes <const> = line:match "^VmHWM:%s+(%d+)"
    if kilobytes then return tonumber(kilobytes) * 1024 end
  end
end

local heap <const> = fill(HEAP_MB)
local x <const>, y <const> = mlp.rand(64, 64), mlp.rand(64, 64)
local w <const> = mlp.rand(64, 64):requires_grad_()

local function peaks(name)
  print(name .. "_live " .. mlp.memory().peak)
  print(name .. "_resident " .. resident_peak())
end

local started = os.clock()
for i = 1, COUNT do
  local loss <const> = (x * w + y):relu():sum()
  if i % 4 == 0 then
    loss:backward()
    w.grad = nil
  end
  if i == 1000 then
    peaks "early"
    started = os.clock()
  end
end
print("seconds " .. os.clock() - started)
peaks "late"
print("heap " .. #heap)
