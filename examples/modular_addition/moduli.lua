-- Part V, other moduli: the authors' pipeline sizes the network with p, M = max(512, 512/529 p^2).
local mlp <const> = require "mlp"
local study <const> = ...
local fourier <const> = mlp.fourier
local short <const> = study.short
local page <const>, seed <const> = study.page, study.seeds[1]

page:heading "V. Other moduli"

local MODULI <const> = study.quick and { 7, 15 } or { 15, 23, 29, 31 }
local function width_of(p)
  return study.quick and 32 or math.max(512, math.ceil(512 / 529 * p * p))
end

local RUNS <const> = {
  { "ReLU, AdamW, 5,000 steps", {}, { steps = 5000 },
    { [15] = "0.0209", [23] = "0.0477", [29] = "0.00317", [31] = "0.00130" } },
  { "z², AdamW, 5,000 steps", { activation = "square" }, { steps = 5000 },
    { [15] = "0.00362", [23] = "0.00829", [29] = "4.65e-4", [31] = "1.68e-4" } },
  { "z², one frequency, SGD, 10,000 steps", { activation = "square", init = "single",
    scale = 0.02 }, { steps = 10000, optimizer = "sgd", lr = 0.1 },
    { [15] = "0.00178", [23] = "0.00675", [29] = "0.0311", [31] = "0.0754" } },
  { "ReLU, one frequency, SGD 0.01, 10,000 steps", { init = "single", scale = 0.002 },
    { steps = 10000, optimizer = "sgd", lr = 0.01 }, { [23] = "3.13" } },
}

local columns <const>, rows = { "run" }, {}
for _, p in ipairs(MODULI) do columns[#columns + 1] = ("p = %d"):format(p) end
for i, run in ipairs(RUNS) do
  local name <const>, network <const>, training <const>, authors <const> = table.unpack(run)
  rows[i] = { name }
  for c, p in ipairs(MODULI) do
    local options <const> = { p = p, width = width_of(p), seed = seed }
    for key, value in pairs(network) do options[key] = value end
    local history <const> = study:run(options, training).history
    local last <const> = history[#history]
    rows[i][c + 1] = ("%s (%s)%s"):format(short(last.loss), authors[p] or "–",
      last.accuracy < 1 and (", %.1f %%"):format(100 * last.accuracy) or "")
  end
end
study:table(columns, rows, ("Final loss. In brackets that of the authors' pipeline; all sums are "
  .. "right where no accuracy stands. M = max(512, 512/529 p²), seed %d."):format(seed))

rows = {}
for i, entry in ipairs { { 29, 15000, 0.995, "1,387", "6,426" }, { 31, 12000, 1.0, "1,302",
  "5,119" } } do
  local p <const>, steps <const>, authors <const> = table.unpack(entry)
  local run <const> = study:run({ p = p, width = width_of(p), seed = seed },
    { steps = steps, lr = 1e-4, weight_decay = 2, share = 0.75 })
  local last <const>, stage <const> = run.history[#run.history], fourier.stages(run.history)
  local wrong <const>, twins <const>, there <const> = study.mistakes(run)
  rows[i] = { p, last.step, ("%s (%s)"):format(short(stage.memorised), entry[4]),
    ("%s (%s)"):format(short(stage.generalised), entry[5]),
    ("%s (%s)"):format(short(last.test_accuracy), short(authors)), short(last.unseen),
    ("%d, %d of %d"):format(wrong, twins, there) }
end
study:table({ "p", "steps", "train ≥ 0.95", "test ≥ 0.95", "test at the end", "unseen",
  "wrong, (x, x) of those in the test set" }, rows, ("Grokking with larger moduli. ReLU, decay 2, "
  .. "seed %d; in brackets the authors' pipeline. The larger the modulus, the fewer test pairs "
  .. "stay wrong: here most (x, x) come right too."):format(seed))
