--- Tables from measured records, for the terminal and for RESULTS.md. A record is one workload at
--- one thread count: {id, threads, date, flops, peak, seconds = {eager =, compiled =, usual =,
--- tuned =}, none = {face = why}}; seconds of one call, peak in operations per second of all its
--- threads.

local report = {}

---@class bench.Record
---@field id string
---@field threads integer
---@field date string
---@field flops integer floating-point operations of a call
---@field peak number floating-point operations a second of all threads
---@field seconds table<string, number> face -> smallest chunk mean
---@field none table<string, string> face -> why it was not measured
---@field variant string? what the tuned peer chose

local function ms(seconds)
  if not seconds then return "-" end
  local value <const> = seconds * 1e3
  local digits <const> = value < 0.1 and 5 or value < 10 and 3 or 1
  return ("%." .. digits .. "f"):format(value)
end

local function ratio(a, b) return a and b and ("%.2f"):format(a / b) or "-" end

--- The better of our two faces, in seconds.
local function ours(record)
  local s <const> = record.seconds
  return s.eager and s.compiled and math.min(s.eager, s.compiled) or s.eager or s.compiled
end

--- Operations a second of our better face, and their share of the peak.
---@param record bench.Record
---@return number? rate, number? share
function report.rate(record)
  local best <const> = ours(record)
  if not best or record.flops == 0 then return end
  return record.flops / best, record.peak > 0 and record.flops / best / record.peak or nil
end

local HEAD <const> = { "id", "threads", "eager", "compiled", "usual", "tuned", "GFLOP/s", "of peak",
  "of usual", "of tuned", "mark" }

---@param record bench.Record
---@param marks number[]? ms by threads
---@return string[] cells in the order of the head
function report.cells(record, marks)
  local s <const>, rate <const>, share <const> = record.seconds, report.rate(record)
  local mark <const> = marks and marks[record.threads]
  return { record.id, tostring(record.threads), ms(s.eager), ms(s.compiled), ms(s.usual),
    ms(s.tuned), rate and ("%.1f"):format(rate / 1e9) or "-",
    share and ("%.0f %%"):format(100 * share) or "-", ratio(ours(record), s.usual),
    ratio(ours(record), s.tuned), mark and ("%g"):format(mark) or "-" }
end

local function padded(cells, widths)
  local parts <const> = {}
  for i, cell in ipairs(cells) do
    local blank <const> = (" "):rep(widths[i] - #cell)
    parts[i] = i == 1 and cell .. blank or blank .. cell
  end
  return "| " .. table.concat(parts, " | ") .. " |"
end

local function rule(widths)
  local parts <const> = {}
  for i, width in ipairs(widths) do parts[i] = ("-"):rep(width + 1) .. (i == 1 and "-" or ":") end
  return "|" .. table.concat(parts, "|") .. "|"
end

--- A table that reads well as text and as Markdown.
---@param lines string[][] rows of cells
---@return string
function report.table(lines)
  local widths <const> = {}
  for i, cell in ipairs(HEAD) do
    widths[i] = #cell
    for _, cells in ipairs(lines) do widths[i] = math.max(widths[i], #cells[i]) end
  end
  local text <const> = { padded(HEAD, widths), rule(widths) }
  for _, cells in ipairs(lines) do text[#text + 1] = padded(cells, widths) end
  return table.concat(text, "\n")
end

local FOOT <const> = [[
Times are milliseconds of one training step, or of one forward pass (W9, W12, add, matmul). A
figure is the smallest of %d chunk means; the faces take turns, chunk by chunk. Eager and compiled
are ours, usual and tuned PyTorch's. GFLOP/s, the share of the measured FMA peak and the ratios are
those of the better of our two. The mark is the aim for a machine of 242 GFLOP/s a core. Before it
is timed, each face's first five losses (or outputs) from the same weights are compared with our
eager ones; they agree within %g of the largest.]]

local FACES <const> = { "eager", "compiled", "usual", "tuned" }

local function note(r)
  local parts <const> = { ("measured %s"):format(r.date) }
  if r.variant then parts[#parts + 1] = "tuned: " .. r.variant end
  for _, face in ipairs(FACES) do
    if r.none[face] then parts[#parts + 1] = ("%s: %s"):format(face, r.none[face]) end
  end
  return ("  - %d thread%s, %s"):format(r.threads, r.threads == 1 and "" or "s",
    table.concat(parts, "; "))
end

--- Under the table: what each workload is, and how each of its lines was measured.
local function notes(records, rows)
  local lines <const>, last = {}, nil
  for _, r in ipairs(records) do
    if r.id ~= last then lines[#lines + 1] = ("- %s, %s"):format(r.id, rows[r.id].about) end
    lines[#lines + 1], last = note(r), r.id
  end
  return table.concat(lines, "\n")
end

---@class bench.Page
---@field machine string[] lines about where it was measured
---@field records bench.Record[] in the order to be shown
---@field rows table<string, bench.Row> by id
---@field skipped string[] sentences about workloads that could not be measured
---@field chunks integer
---@field tolerance number of the comparison before the timing

--- All of it, in Markdown.
---@param page bench.Page
---@return string
function report.page(page)
  local lines <const>, skipped <const> = {}, {}
  for i, r in ipairs(page.records) do lines[i] = report.cells(r, page.rows[r.id].marks) end
  for i, why in ipairs(page.skipped) do skipped[i] = "\n- " .. why end
  return table.concat({ "# Measured by `make bench`", table.concat(page.machine, "\n"),
    report.table(lines), FOOT:format(page.chunks, page.tolerance),
    notes(page.records, page.rows) .. table.concat(skipped) }, "\n\n") .. "\n"
end

return report
