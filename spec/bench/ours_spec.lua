--- Our side of the benchmark as the driver sees it: a child that is asked. Each workload runs, a
--- few rows high.
local start_child <const> = require "bench.child"
local moe <const> = require "bench.moe"
local workloads <const> = require "bench.workloads"

local FOLDER <const> = os.tmpname()

--- The row with at most eight rows, and widths as they are.
local function small(row)
  local copy <const> = {}
  for key, value in pairs(row) do copy[key] = value end
  local whole <const> = row.whole or row.net.kind == "matmul"
  copy.batch = whole and row.batch or math.min(row.batch, 8)
  copy.rows = row.rows and 40
  return copy
end

local function interpreter()
  local lowest = 0
  while arg and arg[lowest - 1] do lowest = lowest - 1 end
  return lowest < 0 and arg[lowest] or "lua5.4"
end

describe("a child of the benchmark", function()
  local child

  setup(function()
    os.remove(FOLDER)
    assert(os.execute("mkdir -p " .. FOLDER))
    child = start_child("ours", interpreter() .. " bench/ours.lua", FOLDER)
  end)

  teardown(function()
    child:close()
    os.execute("rm -r " .. FOLDER)
  end)

  local function prepare(row, face)
    local file <const> = FOLDER .. "/start.safetensors"
    local begun <const> = child:ask { call = "start", row = row, file = file }
    if begun.none then return begun end
    return child:ask { call = "prepare", row = row, file = file, face = face, threads = 1,
      seconds = 1e-4 }
  end

  local rows <const> = table.move(workloads, 1, #workloads, 1, {})
  for _, row in ipairs(moe.rows) do
    local net <const> = { kind = "moe", dim = 8, hidden = 16, experts = 8, top_k = 2 }
    rows[#rows + 1] = moe.workload(row, net)
  end

  for _, row in ipairs(rows) do
    it("runs " .. row.id, function()
      local answer <const> = prepare(small(row), "eager")
      if answer.none then pending(answer.none) return end
      local first <const>, last = answer.figures[1], answer.figures[#answer.figures]
      assert.is_true(first == first and last == last)
      if row.loss then assert.is_true(#answer.figures == 5) end
      if row.optimizer then assert.is_true(last ~= first) end
      assert.is_true(child:ask { call = "chunk" }.seconds > 0)
    end)
  end

  it("answers the same figures from the same start", function()
    local row <const> = small(workloads[1])
    assert.same(prepare(row, "eager").figures, prepare(row, "eager").figures)
  end)

  it("says what went wrong, and lives on", function()
    local ok <const>, message <const> = pcall(child.ask, child, { call = "dance" })
    assert.is_false(ok)
    assert.matches("^ours: ", message)
    assert.is_true(child:ask({ call = "about" }).version ~= nil)
  end)

  it("that ends is an error, and nobody waits", function()
    local gone <const> = start_child("gone", "true", FOLDER)
    local ok <const>, message <const> = pcall(gone.receive, gone)
    assert.is_false(ok)
    assert.matches("child 'gone' ended", message)
    gone:close()
  end)
end)
