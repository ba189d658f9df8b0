-- The benchmark: we and PyTorch in turn, several rounds in one run, each round a fresh process; the
-- figure is the median of the rounds' smallest chunk means. Run it through `make bench`, which
-- unsets what would hold OpenBLAS down.
--   make bench            everything
--   make bench ONLY=add4  one workload
local ROUNDS <const> = 5
local ONE_THREAD <const> = "OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "

--- id, what it is, floating-point operations (nil: not a matter of arithmetic), unit of the printed
--- time.
local WORKLOADS <const> = {
  { id = "add4", name = "add of two 4x4 tensors, eager", unit = "us" },
  { id = "step281", name = "training step 2-8-1, 4 rows, SGD, eager", unit = "us" },
  { id = "step784", name = "training step 784-128-10, 64 rows, Adam, eager", unit = "ms",
    flops = 6 * 64 * (784 * 128 + 128 * 10) - 2 * 64 * 784 * 128 },
  { id = "matmul1024", name = "matmul 1024^3, one thread", unit = "ms", flops = 2 * 1024 ^ 3 },
}
local SCALE <const> = { us = 1e6, ms = 1e3 }

local function lines(command)
  local pipe <close> = assert(io.popen(command))
  local found = {}
  for line in pipe:lines() do
    local id, value = line:match "^(%S+) (%S+)$"
    if id then found[id] = tonumber(value) end
  end
  return found
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2]
end

local function add(lists, found)
  for id, value in pairs(found) do
    lists[id] = lists[id] or {}
    table.insert(lists[id], value)
  end
end

local function chosen(only)
  local ids = {}
  for _, w in ipairs(WORKLOADS) do
    if not only or only == w.id then ids[#ids + 1] = w.id end
  end
  if #ids == 0 then error(("there is no workload '%s'"):format(only), 0) end
  return table.concat(ids, " ")
end

local function has_torch()
  return os.execute "/usr/bin/python3 -c 'import torch' 2>/dev/null" == true
end

local function cell(value, w)
  return value and ("%9.3f"):format(value * SCALE[w.unit]) or "        -"
end

local function report(ours, theirs)
  local peak = ours.peak and median(ours.peak) or 0
  print(("FMA peak of one core, measured: %.0f GFLOP/s"):format(peak / 1e9))
  local head = { "workload", "unit", "mlp", "PyTorch", "ratio", "GFLOP/s", "of peak" }
  print(("%-50s %4s %9s %9s %7s %9s %7s"):format(table.unpack(head)))
  for _, w in ipairs(WORKLOADS) do
    local mine = ours[w.id] and median(ours[w.id])
    local peer = theirs[w.id] and median(theirs[w.id])
    if mine then
      local rate = w.flops and w.flops / mine
      print(("%-50s %4s %s %s %7s %9s %7s"):format(w.name, w.unit, cell(mine, w), cell(peer, w),
        peer and ("%.2f"):format(mine / peer) or "-", rate and ("%.1f"):format(rate / 1e9) or "-",
        rate and peak > 0 and ("%.0f %%"):format(100 * rate / peak) or "-"))
    end
  end
end

local ids = chosen(arg[1])
local ours, theirs = {}, {}
local torch = has_torch()
if not torch then print "PyTorch (Debian: python3-torch) is not installed: we stand alone" end
for _ = 1, ROUNDS do
  add(ours, lines(ONE_THREAD .. "lua5.4 bench/ours.lua " .. ids))
  if torch then add(theirs, lines(ONE_THREAD .. "/usr/bin/python3 bench/peer.py " .. ids)) end
end
report(ours, theirs)
