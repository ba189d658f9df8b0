-- The benchmark: our two faces and PyTorch's two, as four processes that take turns chunk by chunk,
-- at one thread and at two. `make bench` runs it, with what would hold OpenBLAS down unset.
--   make bench           every workload of bench/workloads.lua; writes bench/RESULTS.md
--   make bench ONLY=W4   one workload; a page is written once all were measured on this machine
-- Everything is kept in a folder below the build's; PYTHON names another interpreter than Debian's.
local json <const> = require "dkjson"
local count <const> = require "bench.count"
local report <const> = require "bench.report"
local start_child <const> = require "bench.child"
local workloads <const> = require "bench.workloads"

local CHUNKS <const>, CHUNK_SECONDS <const> = 7, 0.15
local TOLERANCE <const> = 1e-4 -- of the largest figure: float32 sums in another order, five updates
local OURS <const>, PEERS <const> = { "eager", "compiled" }, { "usual", "tuned" }
local PYTHON <const> = os.getenv "PYTHON" or "/usr/bin/python3"
local RESULTS <const> = "bench/RESULTS.md"

-- ---- the machine ------------------------------------------------------------------------------

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return pipe:read "a":match "^%s*(.-)%s*$"
end

local PROCESSORS <const> = tonumber(output_of "nproc || sysctl -n hw.ncpu") or 1
local THREADS <const> = math.min(2, PROCESSORS) -- the most that are asked for

local function processor()
  local model <const> = output_of "grep -m1 'model name' /proc/cpuinfo | cut -d: -f2"
  return model ~= "" and model or output_of "uname -m"
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

-- ---- the children -----------------------------------------------------------------------------

local function interpreter()
  local lowest = 0
  while arg[lowest - 1] do lowest = lowest - 1 end
  return arg[lowest]
end

--- PyTorch's threads are OpenMP's; an OpenBLAS with threads of its own fights them for the cores.
--- Debian's OpenMP build (libopenblas0-openmp) is put first in the peer's library path alone.
local function openmp_blas()
  local folder <const> = output_of "ls -d /usr/lib/*/openblas-openmp":match "^[^\n]*"
  return folder ~= "" and ("LD_LIBRARY_PATH=%s "):format(folder) or ""
end

--- The tuned peer's memory is not given back between steps, and lies on large pages.
local KEEPS_MEMORY <const> = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4294967296"
  .. ":glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864"
  .. ":glibc.malloc.hugetlb=1 "

local function start_children(folder)
  local children <const> = {}
  for _, face in ipairs(OURS) do
    children[face] = start_child(face,
      ("env OPENBLAS_NUM_THREADS=1 %s bench/ours.lua"):format(interpreter()), folder)
  end
  if not os.execute(PYTHON .. " -c 'import torch' 2>/dev/null") then return children end
  for _, face in ipairs(PEERS) do
    children[face] = start_child(face, ("env OPENBLAS_NUM_THREADS=%d OMP_NUM_THREADS=%d %s%s%s %s")
      :format(THREADS, THREADS, openmp_blas(), face == "tuned" and KEEPS_MEMORY or "",
        PYTHON, "bench/peer.py"), folder)
  end
  return children
end

--- The last first: a child holds the ends of the pipes to those that were started before it.
local function close_children(children)
  for _, faces in ipairs { PEERS, OURS } do
    for i = #faces, 1, -1 do
      if children[faces[i]] then children[faces[i]]:close() end
    end
  end
end

--- Operations a second of one core, and of two at once.
local function peaks(children)
  local one <const> = children.eager:ask({ call = "peak" }).flops
  for _, face in ipairs(OURS) do children[face]:send { call = "peak" } end
  local both = 0
  for _, face in ipairs(OURS) do both = both + children[face]:receive().flops end
  return { one, both }
end

-- ---- one workload -----------------------------------------------------------------------------

--- How far the numbers are from those wanted, as a part of the largest wanted.
local function distance(given, wanted)
  local far, largest = 0, 0
  for i, value in ipairs(wanted) do
    far, largest = math.max(far, math.abs(given[i] - value)), math.max(largest, math.abs(value))
  end
  return far / math.max(largest, 1e-30)
end

--- Asks each face to make ready; those that can, having done the same work, are returned.
local function prepare(children, request)
  local able <const>, none <const>, wanted, variant = {}, {}, nil, nil
  for _, faces in ipairs { OURS, PEERS } do
    for _, face in ipairs(faces) do
      request.face = face
      local answer <const> = children[face] and children[face]:ask(request)
        or { none = "PyTorch is not installed" }
      none[face], variant = answer.none, answer.variant or variant
      if answer.figures then
        wanted = wanted or answer.figures
        local far <const> = distance(answer.figures, wanted)
        if far ~= far or far > TOLERANCE then
          error(("%s, %s: after five steps it is %g from what is wanted (%g allowed): the sides "
            .. "do not do the same work"):format(request.row.id, face, far, TOLERANCE), 0)
        end
        able[#able + 1] = face
      end
    end
  end
  return able, none, variant
end

--- face -> the smallest of the chunk means, in seconds; the faces take turns.
local function take_turns(children, faces)
  local best <const> = {}
  for _ = 1, CHUNKS do
    for _, face in ipairs(faces) do
      local answer <const> = children[face]:ask { call = "chunk" }
      best[face] = math.min(best[face] or math.huge, answer.seconds)
    end
  end
  return best
end

--- The records of a workload, one for each number of threads; or none and a sentence that says why.
local function measure(children, row, peak, folder)
  local file <const> = folder .. "/start.safetensors"
  local start <const> = children.eager:ask { call = "start", row = row, file = file }
  if start.none then return {}, ("%s is skipped: %s."):format(row.id, start.none) end
  local records <const> = {}
  for threads = 1, THREADS do
    local able <const>, none <const>, variant <const> = prepare(children,
      { call = "prepare", row = row, file = file, threads = threads, seconds = CHUNK_SECONDS })
    records[threads] = { id = row.id, threads = threads, date = os.date "%Y-%m-%d %H:%M",
      flops = count.flops(row), peak = peak[threads], seconds = take_turns(children, able),
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
    chunks = CHUNKS, tolerance = TOLERANCE }), whole
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
  assert(os.execute("mkdir -p '" .. folder .. "'"))
  local children <const> = start_children(folder)
  local kept <const> = earlier(path, machine_lines(children.eager, children.usual))
  kept.peak = peaks(children)
  measure_all(children, rows, kept, folder)
  close_children(children)
  write(path, json.encode(kept, { indent = true }))
  print((page(kept, rows)))
  local everything <const>, whole <const> = page(kept, workloads)
  if whole then write(RESULTS, everything) end
end

main(table.unpack(arg))
