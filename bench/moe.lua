--- A mixture of experts beside the dense network of as much work, or of as many weights, and beside
--- PyTorch's loop over experts (index the rows, run the expert, add them back), in turns, on one
--- thread. `make bench ONLY=moe` prints the table; the marks are those that issue "The FFN
--- laboratory" sets.
---
---     id       as in bench/workloads.lua
---     mixture  the workload; its networks, losses and optimizers are those of bench/ours.lua
---     dense    its rival's network: SwiGLU of the active width 2,048, or of all weights, 8,192
---     marks    the most that the mixture's time may be of the dense network's, and of PyTorch's

local faces <const> = require "bench.faces"

local MIXTURE <const> = { kind = "moe", dim = 256, hidden = 1024, experts = 8, top_k = 2 }
local ACTIVE <const> = { kind = "glu", dim = 256, hidden = 2048 }
local TOTAL <const> = { kind = "glu", dim = 256, hidden = 8192 }

local moe = {}

moe.rows = {
  { id = "train", about = "forward and backward, 1,024 rows", batch = 1024, loss = "mse",
    dense = ACTIVE, marks = { 1.15, 0.75 } },
  { id = "adamw", about = "the same with AdamW's step", batch = 1024, loss = "mse",
    optimizer = "adamw", lr = 1e-3, dense = ACTIVE, marks = { 1.35, 0.75 } },
  { id = "one", about = "inference, 1 row", batch = 1, dense = TOTAL, marks = {} },
  { id = "sixteen", about = "inference, 16 rows", batch = 16, dense = TOTAL, marks = {} },
  { id = "many", about = "inference, 1,024 rows", batch = 1024, dense = TOTAL, marks = { 0.35 } },
}

--- The workload with a network, as bench/ours.lua takes it.
---@param row table
---@param net table
---@return bench.Row
function moe.workload(row, net)
  return { id = row.id, about = row.about, batch = row.batch, loss = row.loss,
    optimizer = row.optimizer, lr = row.lr, net = net }
end

-- ---- measuring ----------------------------------------------------------------------------------

--- Makes children ready; {child, face} of those that can.
local function ready(children, row, folder)
  local file <const>, list <const> = folder .. "/start.safetensors", {}
  children.eager:ask { call = "start", row = row, file = file }
  local able <const> = faces.prepare(children, { call = "prepare", row = row, file = file,
    threads = 1, seconds = faces.CHUNK_SECONDS })
  os.remove(file)
  for i, face in ipairs(able) do list[i] = { children[face], face } end
  return list
end

--- The best seconds of our faces and of PyTorch's for the mixture, and of our faces for its rival.
local function measure(mixture, dense, row, folder)
  local best <const> = {}
  local runners <const> = { ours = ready(mixture, moe.workload(row, MIXTURE), folder),
    dense = ready(dense, moe.workload(row, row.dense), folder) }
  for _ = 1, faces.CHUNKS do
    for side, list in pairs(runners) do
      for _, runner in ipairs(list) do
        local child <const>, face <const> = table.unpack(runner)
        local key <const> = (face == "usual" or face == "tuned") and "peer" or side
        best[key] = math.min(best[key] or math.huge, child:ask({ call = "chunk" }).seconds)
      end
    end
  end
  return best
end

-- ---- the table ----------------------------------------------------------------------------------

local function ms(seconds) return seconds and ("%.3f"):format(seconds * 1e3) or "-" end

--- A ratio and whether it keeps its mark.
local function against(a, b, mark)
  if not b then return "-", "-" end
  return ("%.3f"):format(a / b),
    mark and ("%.2f%s"):format(mark, a / b <= mark and "" or " missed") or "-"
end

local FORM <const> = "%-34s %9s %9s %9s  %7s %-12s %9s %s"

local function line_of(row, best)
  local dense <const>, dense_mark <const> = against(best.ours, best.dense, row.marks[1])
  local peer <const>, peer_mark <const> = against(best.ours, best.peer, row.marks[2])
  return FORM:format(row.about, ms(best.ours), ms(best.dense), ms(best.peer), dense, dense_mark,
    peer, peer_mark)
end

--- Measures all rows and prints them.
---@param folder string for what the children need
function moe.main(folder)
  local mixture <const> = faces.start(folder .. "/mixture")
  local dense <const> = faces.start(folder .. "/dense", true)
  print "8 experts, top 2, SwiGLU 256-1024-256; ms on one thread, the better of eager and compiled"
  print(FORM:format("", "mixture", "dense", "PyTorch", "/dense", "mark", "/PyTorch", "mark"))
  for _, row in ipairs(moe.rows) do print(line_of(row, measure(mixture, dense, row, folder))) end
  faces.close(dense)
  faces.close(mixture)
  print "dense: the same active width (2,048) in training, as many weights (8,192) in inference"
end

return moe
