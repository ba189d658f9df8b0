-- Part III, grokking: three quarters of the pairs, weight decay 2. Memorisation, generalisation,
-- clean-up, group by group, over seeds of the weights on the split of the authors' pipeline;
-- then what other splits change, and the same with z².
local mlp <const> = require "mlp"
local study <const> = ...
local fourier <const>, plot <const> = mlp.fourier, mlp.plot
local pictures <const> = dofile(study.folder .. "pictures.lua")
local short <const>, range <const> = study.short, study.range
local page <const>, p <const> = study.page, study.p
local all_pairs <const> = fourier.pairs(p)
local STEPS <const> = 30000

page:heading "III. Grokking"

--- On the authors' split, or on one that the seed draws.
local function grok(seed, activation, steps, drawn)
  local started <const> = study.clock()
  local run <const> = study:run({ seed = seed, activation = activation }, { steps = steps,
    lr = 1e-4, weight_decay = 2, split = not drawn and study.published or nil, share = 0.75,
    keep = not drawn and { 0, 1000, 2200, 10000 } or nil })
  print(("grokking run, %s, %s, seed %d: %d steps in %s"):format(activation,
    drawn and "a split of its own" or "the authors' split", seed, run.history[#run.history].step,
    study.clock(started)))
  return run
end

local SEEDS <const> = math.min(5, #study.seeds)
local seed_names <const> = table.concat(study.seeds, ", ", 1, SEEDS)
local runs <const> = {}
for i = 1, SEEDS do runs[i] = grok(study.seeds[i], "relu", STEPS) end
study.grokked = runs[1]

-- ---- 1. what happens when -----------------------------------------------------------------------

local COLUMNS <const> = { "accuracy", "test_accuracy", "common", "rare", "mirrored", "unseen",
  "misalignment", "ipr", "loss", "test_loss", "norm" }
local AUTHORS <const> = {
  { 0, .038, .060, .023, .085, .085, 0, .634, .167, 3.14, 3.14, 3.21 },
  { 200, .371, 0, .487, 0, 0, 0, .316, .203, 3.06, 3.20, 4.7 },
  { 1000, .732, 0, .960, 0, 0, 0, .140, .371, 2.26, 3.40, 14.2 },
  { 1600, .854, .271, 1, .383, .383, 0, .118, .438, 1.42, 3.19, 20.3 },
  { 2200, 1, .707, 1, 1, 1, 0, .106, .500, .710, 2.53, 25.2 },
  { 5000, 1, .707, 1, 1, 1, 0, .099, .624, .00318, 1.19, 41.1 },
  { 8000, 1, .872, 1, 1, 1, .564, .086, .673, 2.6e-5, .606, 50.1 },
  { 10400, 1, .962, 1, 1, 1, .872, .072, .720, 8.4e-6, .322, 50.7 },
  { 20000, 1, .977, 1, 1, 1, .923, .053, .810, 7.1e-6, .125, 48.8 },
  { STEPS }, -- not in the reference's table
}

local function over_runs(step, name)
  local values <const> = {}
  for i, run in ipairs(runs) do values[i] = study:at(run, step)[name] end
  return mlp.tensor(values, { dtype = "float64" })
end

local rows = {}
for _, authors in ipairs(AUTHORS) do
  local theirs <const>, ours <const> = { authors[1], "authors" }, { authors[1], "here" }
  for c, name in ipairs(COLUMNS) do
    theirs[c + 2] = authors[c + 1] and short(authors[c + 1])
    ours[c + 2] = short(study.median(over_runs(authors[1], name)))
  end
  if authors[2] then rows[#rows + 1] = theirs end
  rows[#rows + 1] = ours
end
study:table({ "step", "whose", "train", "test", "common", "rare", "mirrored", "unseen", "|sin D|",
  "IPR", "train loss", "test loss", "norm" }, rows, ("Grokking, p = 23, ReLU. 396 training pairs "
  .. "and 133 test pairs: the authors' released run, and medians over seeds %s of the weights on "
  .. "the split of their pipeline (another one: 98 of its test pairs are mirrored, there 94). "
  .. "Common: both orders of the pair are trained on; rare: one is; mirrored: a test pair whose "
  .. "other order is trained on; unseen: neither is."):format(seed_names))

rows = {}
rows[1] = { "authors", "1,744", "–", "–", "0", "0.707", "0.707", "9,431", "–", "9,350", "50.87",
  "0.977" }
rows[2] = { "a C reproduction", "1,750 – 1,900", "–", "–", "–", "–", "–", "8,000 – 13,000", "–",
  "9,250 – 9,400", "50.6 – 51.1", "0.955 – 0.985" }
local ends <const> = {}
for i, run in ipairs(runs) do
  local s <const> = fourier.stages(run.history)
  local swapped <const> = run.test:swapped_in(run.train):to("float64"):mean():item()
  local suppressed, peak, apart = 0, 0, nil
  for _, record in ipairs(run.history) do
    if record.apart >= 0.95 then apart = apart or record.step end
    if record.step >= study:steps(200) and record.step <= study:steps(800) then
      suppressed = math.max(suppressed, record.rare)
    end
    peak = math.max(peak, record.norm)
  end
  rows[i + 2] = { ("seed %d"):format(study.seeds[i]), short(s.memorised), short(s.common),
    short(s.rare), short(suppressed), short(s.plateau), short(swapped), short(s.generalised),
    short(apart), short(s.norm_peak), short(peak),
    short(run.history[#run.history].test_accuracy) }
  ends[i] = run.history[#run.history].test_accuracy
end
study:table({ "run", "train ≥ 0.95", "common ≥ 0.95", "rare ≥ 0.95", "rare, most at 200 – 800",
  "test when train = 1", "mirrored share", "test ≥ 0.95", "unseen (x ≠ y) ≥ 0.95", "norm peaks",
  "at", "test at the end" }, rows, ("Stages. Steps at which accuracies pass 0.95 (looked at every "
  .. "200), the plateau of the test accuracy beside the share of test pairs that are mirrored, and "
  .. "the peak of the norm. The test accuracy ends at %s."):format(range(ends)))
page:text("Stage I, memorisation: common pairs first; rare ones are driven to zero before they are "
  .. "learned; the test accuracy then waits at exactly the mirrored share, for the network cannot "
  .. "tell (x, y) from (y, x). Stage II: decay prunes, unseen pairs come. Stage III: the gradient "
  .. "is gone and decay alone works on.")

-- ---- 2. what stays wrong ------------------------------------------------------------------------

--- The logit of the class 2x, above the mean of all, over the pairs (x, y) with y ~= x: where
--- (x, x) is a training pair, and where it is a test pair.
local function ghosts(run)
  local _ <close> = mlp.no_grad()
  local logits <const> = run.network(all_pairs:inputs()):to "float64"
  local twice <const> = (2 * all_pairs.x):remainder(p) + 1
  local ghost <const> = logits:gather(2, twice:unsqueeze(2)):squeeze(2) - logits:mean(2)
  local kept_back <const> = mlp.zeros(p)
  local twins <const> = run.test.x[run.test.x:eq(run.test.y)]
  kept_back:index_copy_(1, twins + 1, mlp.ones(#twins))
  local held <const> = kept_back:index_select(1, all_pairs.x + 1):gt(0)
  local apart <const> = all_pairs.x:ne(all_pairs.y)
  return ghost[apart:logical_and(held:logical_not())]:mean():item(),
    ghost[apart:logical_and(held)]:mean():item()
end

local long <const> = study:run({ seed = study.seeds[1] }, { steps = 49800, lr = 1e-4,
  weight_decay = 2, split = study.published })
local others <const>, foretold <const> = {}, {}
rows = { { "authors, released, 49,800 steps", "–", "–", "0.977", 3, "–", "–", "–" },
  { "authors, pipeline, their split", 5, "0.9624", "0.962", 5, 5, "–", "–" } }
local function twins_row(name, run)
  local last <const> = run.history[#run.history].test_accuracy
  local wrong <const>, twins <const>, there <const> = study.mistakes(run)
  local trained <const>, held <const> = ghosts(run)
  rows[#rows + 1] = { name, there, short(1 - there / #run.test), short(last), wrong, twins,
    short(trained), short(held) }
  return last, 1 - there / #run.test
end
twins_row("their split, 49,800 steps", long)
for i, run in ipairs(runs) do twins_row(("their split, seed %d"):format(study.seeds[i]), run) end
for i, seed in ipairs(study.seeds) do
  others[i], foretold[i] = twins_row(("a split of its own, seed %d"):format(seed),
    grok(seed, "relu", STEPS, true))
end
study:table({ "run", "(x, x) in the test set", "1 − their share", "test at the end", "wrong",
  "of them (x, x)", "ghost, trained", "ghost, kept back" }, rows, ("What stays wrong. On splits of "
  .. "their own %d seeds end at a test accuracy of %s, %s (a C reproduction, 8 seeds: 0.955 – "
  .. "0.985), and 1 minus the share of test pairs (x, x) is %s, %s. The ghost is the logit of 2x "
  .. "above the mean of all logits, over pairs (x, y) with y ≠ x: where (x, x) is trained on, and "
  .. "where it is kept back."):format(#others, study.spread(others), range(others),
  study.spread(foretold), range(foretold)))
page:text("So the end is a matter of the split. With ReLU and decay 2 the pairs that stay wrong "
  .. "are the test pairs (x, x), all of them but for one now and then: the number of these decides "
  .. "the accuracy (a random quarter of the 23 has 5.75 ± 2.1, which is 0.957 ± 0.016), and more "
  .. "steps change nothing after 20,000. Why: every trained pair (x, y) has a ghost at 2x "
  .. "(Proposition 1), which is wrong for all y but x. Where (x, x) is trained on, the ghost must "
  .. "stay; where it is not, everything that is trained presses it down, below the mean. On the "
  .. "authors' own split the five pairs that their published grids show wrong at the end, (3, 3), "
  .. "(9, 9), (13, 13), (14, 14), (17, 17), are the five (x, x) of the test set.")
page:text("Where text and data disagree: test accuracy does not “converge towards 100 %” at p = 23 "
  .. "with ReLU and decay 2, neither in the authors' released run (0.977 at 49,800 steps) nor "
  .. "here; part IV shows that a weaker decay gets further. And alignment is not what "
  .. "generalisation waits for: |sin D| falls from 0.63 to 0.11 *during* memorisation and hardly "
  .. "moves after; what moves then is the IPR.")

-- ---- 3. figures 13 to 16 ------------------------------------------------------------------------

local function band(name)
  local x <const>, low <const>, high <const> = study.column(runs[1], name), {}, {}
  for i in ipairs(x) do
    low[i], high[i] = math.huge, -math.huge
    for _, run in ipairs(runs) do
      low[i] = math.min(low[i], run.history[i][name])
      high[i] = math.max(high[i], run.history[i][name])
    end
  end
  local _, y <const> = study.column(runs[1], name)
  return { x = x, y = y, low = low, high = high }
end

local s <const> = fourier.stages(runs[1].history)
local marks <const> = {}
if s.memorised then marks[#marks + 1] = { x = s.memorised, label = "I" } end
if s.generalised then marks[#marks + 1] = { x = s.generalised, label = "II" } end

local function curves(title, names, more)
  local list <const> = { title = title, x_label = "step", width = 470, height = 330, legend = "top",
    vertical = marks }
  for key, value in pairs(more or {}) do list[key] = value end
  for _, entry in ipairs(names) do
    local line <const> = band(entry[1])
    line.name = entry[2]
    list[#list + 1] = line
  end
  return plot.lines(list)
end
local accuracy <const> = curves("b  Accuracy", { { "accuracy", "train" },
  { "test_accuracy", "test" }, { "unseen", "unseen" } })
assert(accuracy:save "out/modular_addition_grokking.svg")
study:figure("13", plot.grid { curves("a  Loss", { { "loss", "train" }, { "test_loss", "test" } }),
  accuracy,
  curves("c  Misalignment, mean |sin D|", { { "misalignment", "|sin D|" } }, { legend = "none" }),
  curves("d  Inverse participation ratio", { { "ipr", "per frequency" },
    { "ipr_coefficient", "per coefficient" } }),
  curves("d  Norm of the weights", { { "norm", "norm" } }, { legend = "none" }),
  curves("Pull of the loss and of decay", { { "gradient", "gradient of the loss" },
    { "decay", "decay times weights" } }, { log_y = true }), columns = 2 },
  ("Seed %d, bands over all %d seeds; marked are train ≥ 0.95 and test ≥ 0.95. The paper's panel d "
  .. "shows the IPR per coefficient (0.12, 0.37, 0.54, 0.64) and the norm in one. The last panel "
  .. "is what the stages are about: the gradient dies by five orders of magnitude while decay's "
  .. "pull stays. (AdamW divides the gradient by its own size, so their ratio is not that of the "
  .. "steps.)")
  :format(study.seeds[1], #runs))

local run <const> = runs[1]
local train_mask <const> = mlp.zeros(p * p)
train_mask:index_copy_(1, run.train.x * p + run.train.y + 1, mlp.ones(#run.train))
local is_common <const> = run.train:swapped_in(run.train)
local rare <const> = run.train:select(is_common:logical_not():nonzero():reshape(-1))
local unseen <const> = run.test:select(
  run.test:swapped_in(run.train):logical_not():nonzero():reshape(-1))
local function right_at(step)
  local _, _, right <const> = study:kept(run, step):evaluate(all_pairs)
  return right:to "float32"
end
study:figure("14", pictures.pairs(right_at(2200) * (0.4 + 0.6 * train_mask), unseen,
  "Step 2,200: who is answered right"), "Dark: training pairs, all right. Pale: test pairs that "
  .. "are right for free, their mirror was trained on. Boxed: unseen, all wrong.")
local distribution <const> = train_mask * 0.4
distribution:index_add_(1, (run.train.x * p + run.train.y + 1)[is_common],
  mlp.full({ is_common:to("int64"):sum():item() }, 0.6))
study:figure("15", plot.grid { pictures.pairs(distribution, rare, "The split: common, rare, test"),
  pictures.pairs(right_at(0), rare, "Right at step 0"),
  pictures.pairs(right_at(1000), rare, "Right at step 1,000"),
  pictures.pairs(right_at(2200), rare, "Right at step 2,200"), columns = 2 },
  "Common before rare; the rare pairs are boxed.")
local chosen <const> = pictures.round_robin(fourier.neurons(study:kept(run, 10000)))
study:figure("16", pictures.spectra_over_time({ study:kept(run, 0), study:kept(run, 2200),
  study:kept(run, 10000) }, { "step 0", "step 2,200", "step 10,000" }, chosen),
  "Twenty neurons while they grok: nothing, a rough frequency, a clean one.")

-- ---- 4. the lottery here, and z² ----------------------------------------------------------------

local told <const> = fourier.lottery(run.kept[0], run.network).accuracy
page:text(("Which frequency a neuron ends with is told here from the start by the smallest |D| in "
  .. "%s of the cases (authors' weights: 0.156), by the largest α in %s (0.395), by α² β cos D "
  .. "in %s (0.438), by the flow in %s (0.533)."):format(short(told.phase), short(told.magnitude),
  short(told.growth), short(told.flow)))

page:heading("The same with z²", { level = 2 })
rows = {}
local lines <const> = { title = "Accuracy on unseen pairs", x_label = "step", width = 640,
  height = 340, legend = "top" }
for i = 1, math.min(2, #runs) do
  local squared <const> = grok(study.seeds[i], "square", 10000)
  local stage <const>, last = fourier.stages(squared.history), squared.history[#squared.history]
  local perfect
  for _, record in ipairs(squared.history) do
    if record.test_accuracy == 1 then perfect = perfect or record.step else perfect = nil end
  end
  rows[i] = { ("seed %d"):format(study.seeds[i]), short(stage.generalised), short(perfect),
    ("%.1f %%"):format(100 * last.test_accuracy), short(last.ipr), short(last.misalignment) }
  local x <const>, y <const> = study.column(squared, "unseen")
  lines[#lines + 1] = { x = x, y = y, name = ("z², seed %d"):format(study.seeds[i]) }
end
rows[#rows + 1] = { "a C reproduction", "1,850", "4,450 – 4,500", "100 %", "0.88", "0.015" }
study:table({ "run", "test ≥ 0.95", "test = 1 for good", "test at the end", "IPR", "|sin D|" },
  rows, "z² groks sooner, and to the last pair. The same set-up, 10,000 steps.")
local x, y = {}, {}
for i, record in ipairs(run.history) do
  if record.step <= study:steps(20000) then x[i], y[i] = record.step, record.unseen end
end
lines[#lines + 1] = { x = x, y = y, name = ("ReLU, seed %d"):format(study.seeds[1]),
  colour = pictures.grey }
page:figure(plot.lines(lines), "Pairs of which neither order was trained on.")
