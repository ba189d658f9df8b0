--- The processes that a benchmark asks: our two faces, eager and compiled, and PyTorch's two, as a
--- tutorial writes it and tuned. They are made ready for a workload, hold that they do the same
--- work, and are then timed in turns.

local start_child <const> = require "bench.child"

local faces = {
  CHUNKS = 7, CHUNK_SECONDS = 0.15,
  TOLERANCE = 1e-4, -- of the largest figure: float32 sums in another order, five updates
  OURS = { "eager", "compiled" }, PEERS = { "usual", "tuned" },
}

local PYTHON <const> = os.getenv "PYTHON" or "/usr/bin/python3"

--- What a shell command prints, without its complaints and the blanks around it.
---@param command string
---@return string
function faces.output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return pipe:read "a":match "^%s*(.-)%s*$"
end

faces.PROCESSORS = tonumber(faces.output_of "nproc || sysctl -n hw.ncpu") or 1
faces.THREADS = math.min(2, faces.PROCESSORS) -- the most that are asked for

-- ---- the children -----------------------------------------------------------------------------

local function interpreter()
  local lowest = 0
  while arg[lowest - 1] do lowest = lowest - 1 end
  return arg[lowest]
end

--- PyTorch's threads are OpenMP's; an OpenBLAS with threads of its own fights them for the cores.
--- Debian's OpenMP build (libopenblas0-openmp) is put first in the peer's library path alone.
local function openmp_blas()
  local folder <const> = faces.output_of "ls -d /usr/lib/*/openblas-openmp":match "^[^\n]*"
  return folder ~= "" and ("LD_LIBRARY_PATH=%s "):format(folder) or ""
end

--- The tuned peer's memory is not given back between steps, and lies on large pages.
local KEEPS_MEMORY <const> = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4294967296"
  .. ":glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864"
  .. ":glibc.malloc.hugetlb=1 "

--- Starts a child for each face.
---@param folder string for the pipes, one for each set of children
---@param without_peers boolean? only ours
---@return table<string, bench.Child> children by face
function faces.start(folder, without_peers)
  local children <const> = {}
  assert(os.execute("mkdir -p '" .. folder .. "'"))
  for _, face in ipairs(faces.OURS) do
    children[face] = start_child(face,
      ("env OPENBLAS_NUM_THREADS=1 %s bench/ours.lua"):format(interpreter()), folder)
  end
  local peers <const> = without_peers and {} or faces.PEERS
  if not os.execute(PYTHON .. " -c 'import torch' 2>/dev/null") then return children end
  for _, face in ipairs(peers) do
    children[face] = start_child(face, ("env OPENBLAS_NUM_THREADS=%d OMP_NUM_THREADS=%d %s%s%s %s")
      :format(faces.THREADS, faces.THREADS, openmp_blas(),
        face == "tuned" and KEEPS_MEMORY or "", PYTHON, "bench/peer.py"), folder)
  end
  return children
end

--- The last first: a child holds the ends of the pipes to those that were started before it.
function faces.close(children)
  for _, side in ipairs { faces.PEERS, faces.OURS } do
    for i = #side, 1, -1 do
      if children[side[i]] then children[side[i]]:close() end
    end
  end
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
---@param children table<string, bench.Child>
---@param request table
---@return string[] able, table<string, string> none why others cannot, string? variant
function faces.prepare(children, request)
  local able <const>, none <const>, wanted, variant = {}, {}, nil, nil
  for _, side in ipairs { faces.OURS, faces.PEERS } do
    for _, face in ipairs(side) do
      request.face = face
      local answer <const> = children[face] and children[face]:ask(request)
        or { none = "PyTorch is not installed" }
      none[face], variant = answer.none, answer.variant or variant
      if answer.figures then
        wanted = wanted or answer.figures
        local far <const> = distance(answer.figures, wanted)
        if far ~= far or far > faces.TOLERANCE then
          error(("%s, %s: after five steps it is %g from what is wanted (%g allowed): the sides "
            .. "do not do the same work"):format(request.row.id, face, far, faces.TOLERANCE), 0)
        end
        able[#able + 1] = face
      end
    end
  end
  return able, none, variant
end

--- face -> the smallest of the chunk means, in seconds; the faces take turns.
function faces.take_turns(children, able)
  local best <const> = {}
  for _ = 1, faces.CHUNKS do
    for _, face in ipairs(able) do
      local answer <const> = children[face]:ask { call = "chunk" }
      best[face] = math.min(best[face] or math.huge, answer.seconds)
    end
  end
  return best
end

return faces
