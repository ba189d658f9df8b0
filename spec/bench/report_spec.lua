--- The benchmark's table: what it derives from the seconds, and how it looks.
local report <const> = require "bench.report"

local function record(seconds, more)
  local r = { id = "W4", threads = 1, date = "2026-01-02 03:04", flops = 5e9, peak = 200e9,
    seconds = seconds, none = {} }
  for key, value in pairs(more or {}) do r[key] = value end
  return r
end

describe("the benchmark's report", function()
  it("gives the rate and the share of the better of our faces", function()
    local rate <const>, share <const> = report.rate(record { eager = 0.1, compiled = 0.05 })
    assert.near(100e9, rate, 1)
    assert.near(0.5, share, 1e-12)
    assert.near(50e9, report.rate(record { eager = 0.1 }), 1)
  end)

  it("gives no rate where nothing was counted or measured", function()
    assert.is_nil(report.rate(record({ eager = 0.1 }, { flops = 0 })))
    assert.is_nil(report.rate(record { usual = 0.1 }))
    local rate <const>, share <const> = report.rate(record({ eager = 0.1 }, { peak = 0 }))
    assert.near(50e9, rate, 1)
    assert.is_nil(share)
  end)

  it("puts milliseconds, ratios and the mark of the threads into cells", function()
    local r = record { eager = 0.1, compiled = 0.025, usual = 0.1, tuned = 0.05 }
    assert.same({ "W4", "1", "100.0", "25.0", "100.0", "50.0", "200.0", "100 %", "0.25", "0.50",
      "27" }, report.cells(r, { 27, 14 }))
    r = record({ usual = 3e-6 }, { threads = 2 })
    assert.same({ "W4", "2", "-", "-", "0.00300", "-", "-", "-", "-", "-", "-" },
      report.cells(r, { 27 }))
  end)

  it("writes tables whose columns stand under one another", function()
    local text <const> = report.table { report.cells(record { eager = 0.1 }),
      report.cells(record({ eager = 1.25e-3 }, { id = "matmul" })) }
    local widths <const> = {}
    for line in text:gmatch "[^\n]+" do widths[#widths + 1] = #line end
    assert.same({ widths[1], widths[1], widths[1], widths[1] }, widths)
    assert.matches("| matmul |       1 | 1.250 |", text, 1, true)
  end)

  it("says on the page what was not measured, and why", function()
    local r <const> = record({ eager = 0.1 },
      { none = { compiled = "there is none" }, variant = "512 rows" })
    local text <const> = report.page { machine = { "- a machine" }, records = { r },
      rows = { W4 = { id = "W4", about = "a network" } }, skipped = { "W8 is skipped: why." },
      chunks = 7, tolerance = 1e-4 }
    assert.matches("- W4, a network\n  - 1 thread, measured 2026-01-02 03:04; tuned: 512 rows; "
      .. "compiled: there is none\n- W8 is skipped: why.\n", text, 1, true)
    assert.matches("- a machine\n\n| id ", text, 1, true)
    assert.matches("smallest of 7 chunk means", text, 1, true)
  end)
end)
