-- The benchmark: our two faces and PyTorch's two, as four processes that take turns chunk by chunk,
-- at one thread and at two. `make bench` runs it, with what would hold OpenBLAS down unset.
--   make bench           every workload of bench/workloads.lua; writes bench/RESULTS.md
--   make bench ONLY=W4   one workload; a page is written once all were measured on this machine
--   make bench ONLY=moe  mixtures of experts beside dense networks (bench/moe.lua)
-- Everything is kept in a folder below the build's; PYTHON names another interpreter than Debian's.
local json <const> = require "dkjson"
local count <const> = require "bench.count"
local faces <const> = require "bench.faces"
local report <const> = require "bench.report"
local workloads <const> = require "bench.workloads"

local RESULTS <const> = "bench/RESULTS.md"

-- ---- the machine ------------------------------------------------------------------------------

local PROCESSORS <const>, THREADS <const> = faces.PROCESSORS, faces.THREADS

local function processor()
  local model <const> = faces.output_of "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2"
  return model ~= "" and model or faces.output_of "uname -m"
end

--- Lines about where we are; two runs with the same lines may stand in one table.
local function machine_lines(ours, peer)
  local mine <const> = ours:ask { call = "about" }
  local lines <const> = {
    ("- %s, %d core%s"):format(processor(), PROCESSORS, PROCESSORS == 1 and "" or "s"),
    ("- mlp: %s, %s loops, %s, %s kernels"):format(mine.lua, mine.isa, mine.blas, mine.kernels),
  }
  if not peer then
    lines[3] = "- PyTorch (Debian: python3-torch) is not installed: we stand alone"
  else
    local theirs <const> = peer:ask { call = "about" }
    lines[3] = ("- PyTorch %s on %s"):format(theirs.version, table.concat(theirs.blas, ", "))
  end
  return lines
end

--- Operations a second of one core, and of two at once.
local function peaks(children)
  local one <const> = children.eager:ask({ call = "peak" }).flops
  for _, face in ipairs(faces.OURS) do children[face]:send { call = "peak" } end
  local both = 0
  for _, face in ipairs(faces.OURS) do both = both + children[face]:receive().flops end
  return { one, both }
end

-- ---- one workload -----------------------------------------------------------------------------

--- The records of a workload, one for each number of threads; or none and a sentence that says why.
local function measure(children, row, peak, folder)
  local file <const> = folder .. "/start.safetensors"
  local start <const> = children.eager:ask { call = "start", row = row, file = file }
  if start.none then return {}, ("%s is skipped: %s."):format(row.id, start.none) end
  local records <const> = {}
  for threads = 1, THREADS do
    local able <const>, none <const>, variant <const> = faces.prepare(children, { call = "prepare",
      row = row, file = file, threads = threads, seconds = faces.CHUNK_SECONDS })
    records[threads] = { id = row.id, threads = threads, date = os.date "%Y-%m-%d %H:%M",
      flops = count.flops(row), peak = peak[threads], seconds = faces.take_turns(children, able),
      none = none, variant = variant }
  end
  os.remove(file)
  return records
end

-- ---- what is kept -----------------------------------------------------------------------------

local function read(path)
  local handle <close> = io.open(path)
  return handle and json.decode(handle:read "a")
end

local function write(path, text)
  local handle <const> = assert(io.open(path .. ".new", "w"))
  assert(handle:write(text))
  assert(handle:close())
  assert(os.rename(path .. ".new", path))
end

--- What was measured before on this machine with these libraries.
local function earlier(path, machine)
  local kept <const> = read(path)
  local same <const> = kept and table.concat(kept.machine, "\n") == table.concat(machine, "\n")
  return same and kept or { machine = machine, records = {}, skipped = {} }
end

local function key(id, threads) return ("%s/%d"):format(id, threads) end

--- The records of these rows in their order, the sentences about those that were skipped, and
--- whether there is one or the other for each.
local function in_order(kept, rows)
  local list <const>, skipped <const>, whole = {}, {}, true
  for _, row in ipairs(rows) do
    skipped[#skipped + 1] = kept.skipped[row.id]
    for threads = 1, kept.skipped[row.id] and 0 or THREADS do
      local record <const> = kept.records[key(row.id, threads)]
      list[#list + 1] = record
      whole = whole and record ~= nil
    end
  end
  return list, skipped, whole
end

--- W9 is W9a and W9b.
local function chosen(only)
  local list <const> = {}
  for _, row in ipairs(workloads) do
    if not only or row.id == only or row.id:match "^(.-)%l$" == only then list[#list + 1] = row end
  end
  if #list == 0 then error(("there is no workload '%s'"):format(only), 0) end
  return list
end

local function page(kept, rows)
  local by_id <const> = {}
  for _, row in ipairs(rows) do by_id[row.id] = row end
  local records <const>, skipped <const>, whole <const> = in_order(kept, rows)
  local about <const> = table.move(kept.machine, 1, #kept.machine, 1, {})
  about[#about + 1] = ("- FMA peak, measured: %.0f GFLOP/s on one core, %.0f on two"):format(
    kept.peak[1] / 1e9, kept.peak[2] / 1e9)
  return report.page({ machine = about, records = records, rows = by_id, skipped = skipped,
    chunks = faces.CHUNKS, tolerance = faces.TOLERANCE }), whole
end

local function measure_all(children, rows, kept, folder)
  for _, row in ipairs(rows) do
    local begin <const> = os.time()
    local records <const>, why <const> = measure(children, row, kept.peak, folder)
    kept.skipped[row.id] = why
    for _, record in ipairs(records) do kept.records[key(row.id, record.threads)] = record end
    io.stderr:write(("%-6s %3d s  %s\n"):format(row.id, os.time() - begin, why or row.about))
  end
end

local function main(folder, only)
  local rows <const>, path <const> = chosen(only), folder .. "/results.json"
  local children <const> = faces.start(folder)
  local kept <const> = earlier(path, machine_lines(children.eager, children.usual))
  kept.peak = peaks(children)
  measure_all(children, rows, kept, folder)
  faces.close(children)
  write(path, json.encode(kept, { indent = true }))
  print((page(kept, rows)))
  local everything <const>, whole <const> = page(kept, workloads)
  if whole then write(RESULTS, everything) end
end

if arg[2] == "moe" then
  require("bench.moe").main(arg[1])
else
  main(table.unpack(arg))
end
