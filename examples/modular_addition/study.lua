-- What the parts share: the budget, the page, and tables that stand in the page and the terminal.
local mlp <const> = require "mlp"
local fourier <const> = mlp.fourier

---@class Study
---@field p integer
---@field width integer
---@field seeds integer[]
---@field published function all -> train, test: the split of the authors' pipeline
---@field page mlp.report
local Study = {}
Study.__index = Study

local QUICK_SHARE <const> = 50 -- of the steps

--- Steps of the paper in steps of this budget; multiples of 200 stay moments of measurement.
function Study:steps(n) return self.quick and n // QUICK_SHARE or n end

--- Adds to each record `apart`, the accuracy on unseen pairs of two different numbers: (x, x) has
--- no mirror, and a fate of its own (part III, "What stays wrong").
local function see_apart(train, test)
  local mask <const> = test:swapped_in(train):logical_or(test.x:eq(test.y)):logical_not()
  local apart <const> = test:select(mask:nonzero():reshape(-1))
  return function(record, network) record.apart = select(2, network:evaluate(apart)) end
end

--- A network of the study's size, trained; a seed is of the weights, and of the split by a share.
---@param network table options of fourier.Network; p and width where they are not the study's
---@param training table options of fourier.train; share: of the pairs that are trained on; or
---  split: a function all -> train, test
function Study:run(network, training)
  network.p, network.width = network.p or self.p, network.width or self.width
  local all <const> = fourier.pairs(network.p)
  local train, test = all, nil
  if training.split then train, test = training.split(all)
  elseif training.share then train, test = all:split(training.share, { seed = network.seed }) end
  local options <const> = { test = test, every = self:steps(200), visit = test and
    see_apart(train, test) }
  for name, value in pairs(training) do options[name] = value end
  options.share, options.split, options.steps = nil, nil, self:steps(training.steps)
  if type(training.keep) == "table" then
    options.keep = {}
    for i, step in ipairs(training.keep) do options.keep[i] = self:steps(step) end
  end
  local run <const> = fourier.train(fourier.Network(network), train, options)
  run.train, run.test = train, test
  return run
end

--- The record of a run at a step of the paper; the last one for a step beyond.
function Study:at(run, step)
  for _, record in ipairs(run.history) do
    if record.step >= self:steps(step) then return record end
  end
  return run.history[#run.history]
end

--- The network that a run kept at a step of the paper.
function Study:kept(run, step) return run.kept[self:steps(step)] end

--- Of a run's test pairs: how many are wrong at the end, how many of those are (x, x), and how many
--- (x, x) there are.
function Study.mistakes(run)
  local _, _, right <const> = run.network:evaluate(run.test)
  local wrong <const>, twin <const> = right:logical_not(), run.test.x:eq(run.test.y)
  local function count(mask) return mask:to("int64"):sum():item() end
  return count(wrong), count(wrong:logical_and(twin)), count(twin)
end

--- One column of a history: steps and values.
function Study.column(run, name)
  local x <const>, y <const> = {}, {}
  for i, record in ipairs(run.history) do x[i], y[i] = record.step, record[name] end
  return x, y
end

--- A stopwatch: seconds on the wall and of processor time since `started`.
function Study.clock(started)
  if not started then return { wall = os.time(), processor = os.clock() } end
  return ("%d s, %.1f s of processor time"):format(os.difftime(os.time(), started.wall),
    os.clock() - started.processor)
end

-- ---- numbers as text ----------------------------------------------------------------------------

--- Three or four significant digits, as short as can be.
function Study.short(x)
  if x == nil or x ~= x then return "–" end
  if math.type(x) == "integer" then return tostring(x) end
  local size <const> = math.abs(x)
  if size < 1e-3 and size > 0 then return (("%.2e"):format(x):gsub("e%-0", "e-")) end
  local decimals <const> = size >= 100 and 1 or size >= 10 and 2 or size >= 1 and 3 or 4
  return (("%%.%df"):format(decimals):format(x):gsub("(%.%d-)0+$", "%1"):gsub("%.$", ""))
end

--- "0.0427 – 0.0532", or one number where all are alike.
function Study.range(values)
  local short <const> = Study.short
  local low <const>, high <const> = math.min(table.unpack(values)), math.max(table.unpack(values))
  if short(low) == short(high) then return short(low) end
  return short(low) .. " – " .. short(high)
end

--- "0.0484 ± 0.0031": mean and standard deviation.
function Study.spread(values)
  if #values < 2 then return Study.short(values[1]) end
  local all <const> = mlp.tensor(values, { dtype = "float64" })
  return ("%s ± %s"):format(Study.short(all:mean():item()), Study.short(all:std():item()))
end

--- The middle of a tensor's numbers; NaN does not count.
function Study.median(tensor)
  local sorted <const> = tensor[tensor:isfinite()]:sort()
  return #sorted > 0 and sorted:get((#sorted + 1) // 2) or 0 / 0
end

-- ---- the page -----------------------------------------------------------------------------------

local function padded(text, width)
  return text .. (" "):rep(width - (utf8.len(text) or #text))
end

--- A table in the page and, below its caption's first sentence, in the terminal.
function Study:table(columns, rows, caption)
  self.page:table { columns = columns, rows = rows, caption = caption }
  local widths <const> = {}
  for _, row in ipairs { columns, table.unpack(rows) } do
    for c = 1, #columns do
      widths[c] = math.max(widths[c] or 0, utf8.len(tostring(row[c] or "–")))
    end
  end
  print(caption:match "^[^.]*%.")
  for _, row in ipairs { columns, table.unpack(rows) } do
    local line <const> = {}
    for c = 1, #columns do line[c] = padded(tostring(row[c] or "–"), widths[c]) end
    print((("  " .. table.concat(line, "  ")):gsub(" +$", "")))
  end
end

--- A figure under the number it has in the paper.
function Study:figure(number, figure, caption)
  self.page:figure(figure, ("**The paper's figure %s.** %s"):format(number, caption))
end

return function(quick, folder)
  return setmetatable({
    quick = quick, folder = folder, p = 23, width = quick and 64 or 512,
    seeds = quick and { 1 } or { 1, 2, 3, 4, 5, 6, 7, 8 },
    published = dofile(folder .. "split.lua"),
    page = mlp.report {
      title = "How a network adds modulo 23",
      subtitle = "After He, Wang, Chen and Yang 2026, *On the Mechanism and Dynamics of Modular "
        .. "Addition* (arXiv 2602.16849): their figures beside ours"
        .. (quick and " (quick: a small network, a fiftieth of the steps; nothing is comparable)"
          or ""),
      footer = "Written by `lua5.4 examples/modular_addition.lua" .. (quick and " quick" or "")
        .. "`. There is no data but the sums themselves; seeds are named with every table.",
    },
  }, Study)
end
