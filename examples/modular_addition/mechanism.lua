-- Part I, the mechanism: what a trained network computes. Exact circuits first, then the standard
-- run (all pairs, ReLU, AdamW 5e-5, no decay) with what the authors' released runs show.
local mlp <const> = require "mlp"
local study <const> = ...
local fourier <const>, plot <const> = mlp.fourier, mlp.plot
local pictures <const> = dofile(study.folder .. "pictures.lua")
local short <const>, range <const>, median <const> = study.short, study.range, study.median
local page <const>, p <const> = study.page, study.p
local all_pairs <const> = fourier.pairs(p)

page:heading "I. The mechanism"

-- ---- 1. in closed form --------------------------------------------------------------------------

page:heading("Exact circuits", { level = 2 }):text(
  "One cosine per neuron, ψ = 2φ, z², N phases of each frequency evenly on the circle. Then the "
  .. "logits are a flawed indicator of the sum (Proposition 1): *f(x, y)[j] = N/2 (−1 + p/2 [x + "
  .. "y = j] + p/4 ([2x = j] + [2y = j]))*. It wants phases that are symmetric for ι = 2 and 4, "
  .. "so it holds for N = 3 and from 5 on. (The paper writes the amplitudes as α β²; by its own "
  .. "definitions they are α² β.)")
local rows = {}
for i, N in ipairs { 1, 2, 3, 4, 5, 8 } do
  local pairs <const> = fourier.pairs(7)
  local gap <const> = fourier.circuit { p = 7, per_frequency = N }(pairs:inputs "float64")
    - fourier.indicator(pairs, N)
  rows[i] = { N, ({ 9, 18, 0, 12, 0, 0 })[i], short(gap:abs():max():item()) }
end
study:table({ "N", "expected", "here" }, rows,
  "Largest departure from Proposition 1, p = 7. Zero up to rounding where it holds.")

local counts <const> = { 12, 12, 12, 12, 12, 12, 12, 11, 11, 11, 11 } -- 128 neurons
local function circuit_loss(options)
  options.p, options.per_frequency = p, counts
  return (fourier.circuit(options):evaluate(all_pairs))
end

--- Losses of all subsets of `size` frequencies.
local function subset_losses(size)
  local losses <const> = {}
  local function choose(from, chosen)
    if #chosen == size then losses[#losses + 1] = circuit_loss { frequencies = chosen } end
    for k = from, #chosen < size and 11 or 0 do
      choose(k + 1, table.move(chosen, 1, #chosen, 2, { k }))
    end
  end
  choose(1, {})
  return mlp.tensor(losses, { dtype = "float64" })
end

rows = {}
for i, line in ipairs { { 1, "1.642745 ± 0.020" }, { 2, "0.602362 ± 0.088" },
  { 4, "0.028781 ± 0.0155" }, { 8, "2.99e-8" }, { 11, "7.4e-15 (rounding)" } } do
  if not study.quick or line[1] < 4 then
    local losses <const> = subset_losses(line[1])
    local spread <const> = #losses > 1 and losses:std():item() * math.sqrt(1 - 1 / #losses) or 0
    rows[i] = { line[1], #losses, line[2],
      ("%.6g ± %.3g"):format(losses:mean():item(), spread) }
  end
end
study:table({ "frequencies", "subsets", "paper", "here" }, rows,
  "Fewer frequencies. Mean cross-entropy over all pairs of circuits with 128 neurons, over all "
  .. "subsets of the frequencies.")
rows = {}
for i, line in ipairs { { 0.4, "4.815" }, { 0.8, "2.001e-3" }, { 1.2, "1.19e-9" },
  { 1.6, "3.54e-7" }, { 2, "7.4e-15 (rounding)" } } do
  rows[i] = { line[1], line[2], ("%.4g"):format(circuit_loss { range = line[1] * math.pi }) }
end
study:table({ "phases on [0, c π], c =", "paper", "here" }, rows,
  "Fewer phases. The same circuits with all frequencies and phases on an arc.")

-- ---- 2. the standard run ------------------------------------------------------------------------

local runs <const> = {}
for i = 1, #study.seeds do
  local started <const> = study.clock()
  runs[i] = study:run({ seed = study.seeds[i] }, { steps = 10000, keep = { 5000, 10000 } })
  print(("standard run, seed %d: %d steps in %s"):format(study.seeds[i],
    runs[i].history[#runs[i].history].step, study.clock(started)))
end

local function over_runs(step, value)
  local values <const> = {}
  for i, run in ipairs(runs) do
    values[i] = value(study:at(run, step), fourier.neurons(study:kept(run, step)), run)
  end
  return range(values) .. (#values > 1 and (" (%s)"):format(study.spread(values)) or "")
end

local function first_complete(run)
  for _, record in ipairs(run.history) do
    if record.accuracy == 1 then return record.step end
  end
  return 0 / 0
end

page:heading("The standard run", { level = 2 })
rows = {
  { "loss at 5,000", "0.0477", "0.0427 – 0.0532", over_runs(5000, function(r) return r.loss end) },
  { "norm at 5,000", "34.92", "34.88 – 35.06", over_runs(5000, function(r) return r.norm end) },
  { "IPR (per frequency) at 0", "0.167", "0.167", over_runs(5000, function(_, _, run)
    return run.history[1].ipr end) },
  { "IPR (per frequency) at 5,000", "0.649", "0.640 – 0.664",
    over_runs(5000, function(r) return r.ipr end) },
  { "accuracy 1 first at step", "–", "3,400 – 3,700",
    over_runs(5000, function(_, _, run) return first_complete(run) end) },
  { "loss at 10,000", "4.8e-7", "5.4e-7", over_runs(10000, function(r) return r.loss end) },
  { "norm at 10,000", "57.46", "57.77", over_runs(10000, function(r) return r.norm end) },
  { "IPR (per frequency) at 10,000", "0.721", "0.709",
    over_runs(10000, function(r) return r.ipr end) },
  { "IPR (per coefficient) at 10,000", "–", "–",
    over_runs(10000, function(r) return r.ipr_coefficient end) },
  { "mean |sin D|", "0.086", "0.092", over_runs(10000, function(r) return r.misalignment end) },
  { "share with |D| < 0.3", "0.979", "0.984", over_runs(10000, function(_, n)
    return n:aligned(0.3) end) },
  { "α, mean", "0.452", "–", over_runs(10000, function(_, n) return n.alpha:mean():item() end) },
  { "α, deviation", "0.058", "–", over_runs(10000, function(_, n)
    return n.alpha:std():item() end) },
  { "β, mean", "0.505", "–", over_runs(10000, function(_, n) return n.beta:mean():item() end) },
  { "β, deviation", "0.058", "–", over_runs(10000, function(_, n) return n.beta:std():item() end) },
  { "energy at k*, input", "0.806", "–", over_runs(10000, function(_, n)
    return (n:energy()) end) },
  { "energy at k*, output", "0.847", "–", over_runs(10000, function(_, n)
    return (select(2, n:energy())) end) },
  { "neurons per frequency, fewest", "35", "29", over_runs(10000, function(_, n)
    return n:counts():min():item() end) },
  { "neurons per frequency, most", "61", "56", over_runs(10000, function(_, n)
    return n:counts():max():item() end) },
  { "asymmetry of phases, ι = 2", "0.108", "–", over_runs(10000, function(_, n)
    return n:asymmetry(2) end) },
  { "asymmetry of phases, ι = 4", "0.067", "–", over_runs(10000, function(_, n)
    return n:asymmetry(4) end) },
}
study:table({ "quantity", "authors' runs", "a C reproduction", "here" }, rows,
  ("The standard run, p = 23, 512 neurons, seeds %s. Here: range, then mean ± deviation over "
  .. "seeds; the reproduction had 3. Authors' values are computed from the weights they released; "
  .. "below the middle, all at step 10,000.")
  :format(table.concat(study.seeds, ", ", 1, #runs)))
page:text("The authors' runs are of one seed, 42: its weights, drawn with PyTorch and trained "
  .. "there for 5,000 steps, give norm 34.92 and loss 0.0475, trained here 34.93 and 0.0474 "
  .. "(float64 in both), and PyTorch's seeds 1, 2, 3 norms of 34.99 to 35.04. What differs in the "
  .. "rows above is the seed.")
page:text("The paper's text names one rate, 1e-4, and a loss summed over the pairs; the authors' "
  .. "code, which is followed here, has 5e-5 for runs on all pairs, and the mean. Its figures show "
  .. "the IPR per coefficient, its pipeline per frequency; a perfect cosine has 0.75 on average in "
  .. "the one and 1 in the other, so both stand in the table.")
page:text("“Every point falls precisely on the diagonal” (the paper, of ψ = 2φ) holds to the eye: "
  .. "|D| < 0.3 for the share above, not for all. “The fits are nearly perfect (residuals are "
  .. "negligible)” holds less: a fifth of the inputs' energy lies beside k*.")

local network <const> = study:kept(runs[1], 10000)
local read <const> = fourier.neurons(network)
local chosen <const> = pictures.round_robin(read)
local input <const>, output <const> = pictures.spectra(network, chosen, "step 10,000")
local spectra <const> = plot.grid { input, output, columns = 2 }
assert(spectra:save "out/modular_addition_spectra.svg")
study:figure("2", spectra, "Fourier coefficients of twenty neurons, dealt out over the "
  .. "frequencies: one bright pair in each row, at the same place in both layers.")

local fits <const> = {}
local residual <const> = {}
for _, side in ipairs { "input", "output" } do
  local fit <const>, left <const> = read[side]:fit(read.frequency)
  local weights <const> = read[side]:weights()
  residual[side] = left:mean():item()
  for i = 1, 3 do
    local m <const> = chosen:get(i)
    fits[#fits + 1] = plot.lines { { y = weights[m], x = mlp.arange(0, p - 1), marker = true,
      name = "weights" }, { y = fit[m], x = mlp.arange(0, p - 1), dash = "dashed", name = "fit" },
      title = ("%s of neuron %d, k = %d"):format(side, m, read.frequency:get(m)), x_label = "j",
      width = 400, height = 260, legend = i == 1 and "top" or "none" }
  end
end
fits.columns = 3
study:figure("3", plot.grid(fits), ("Weights and the best cosine of the neuron's frequency. The "
  .. "residual is not negligible: on average %s of the row's length in the input and %s in the "
  .. "output."):format(short(residual.input), short(residual.output)))

local double <const> = fourier.wrap(2 * read.phi)
study:figure("4", plot.scatter { { x = double, y = double - read.misalignment, size = 5,
  opacity = 0.6 }, { x = { -3.14, 3.14 }, y = { -3.14, 3.14 }, line = true, size = 0,
  colour = pictures.grey }, equal = true, x_label = "2 φ", y_label = "ψ, cut where 2 φ is",
  title = "Phases of all neurons", width = 480, height = 480 },
  "Phases of output and input: ψ = 2 φ up to a few tenths.")

local group <const> = read.frequency:eq(read:counts():argmax():item())
study:figure("5", pictures.rings(read.phi[group], ("Frequency %d"):format(
  read:counts():argmax():item())), "ι φ of one frequency's neurons on ring ι: spread around every "
  .. "ring, which is what makes noise cancel.")
study:figure("6", plot.histogram { { read.alpha, name = "α, input" }, { read.beta,
  name = "β, output" }, bins = 30, x_label = "amplitude at k*", width = 560, height = 320,
  title = "Amplitudes of all neurons" }, "No neuron dominates: both distributions lie close around "
  .. "0.45 and 0.5. (The paper draws violins.)")

-- ---- 3. logits ----------------------------------------------------------------------------------

local at_zero <const> = all_pairs:select(mlp.arange(1, p, 1, { dtype = "int64" })) -- x = 0
local function logits_of(any)
  local logits <const> = any:like { activation = "square" }(at_zero:inputs()):detach():t()
  local boxes <const> = {}
  for y = 0, p - 1 do
    boxes[#boxes + 1] = { row = y + 1, column = y + 1, colour = "#000000" }
    boxes[#boxes + 1] = { row = 1, column = y + 1, colour = pictures.grey }
    boxes[#boxes + 1] = { row = 2 * y % p + 1, column = y + 1, colour = pictures.grey }
  end
  return logits, boxes
end
local logits <const>, boxes <const> = logits_of(network)
local index <const> = mlp.arange(1, p, 1, { dtype = "int64" }):unsqueeze(1)
local diagonal <const> = logits:gather(1, index):squeeze(1):slice(1, 2, p)
local twice <const> = (2 * (index - 1)):remainder(p) + 1
local ghosts <const> = logits:gather(1, twice):squeeze(1):slice(1, 2, p)
study:figure("7", plot.heatmap { logits, boxes = boxes, colours = "diverging", x_label = "y",
  y_label = "class of the answer, j", title = "Logits for x = 0, z² on the trained weights",
  row_names = pictures.residues(p), column_names = pictures.residues(p), width = 560 },
  ("Logits of x = 0. On the diagonal, the right answer j = y, %s on average (the paper: about 25); "
  .. "at the ghost j = 2y %s, at the ghost j = 0 %s; the middle of all %s. The paper's text has "
  .. "the ghosts at half the peak, as an exact circuit has (10.5, 4.75 and −1 in units of aN/2). "
  .. "Training presses them lower than that.")
  :format(short(diagonal:mean():item()), short(ghosts:mean():item()),
    short(logits[1]:slice(1, 2, p):mean():item()), short(median(logits:reshape(-1)))))

-- ---- 4. other activations, and parts taken out --------------------------------------------------

page:heading("Other activations on the trained weights", { level = 2 })
local paper_swaps <const> = { { "100 %", "0" }, { "100 %", "0" }, { "100 %", "3.1e-5" },
  { "100 %", "0.0512" }, { "100 %", "1.29e-3" }, { "100 %", "6.5e-4" }, { "4.16 %", "4.247" },
  { "3.59 %", "3.891" } }
rows = {}
for i, entry in ipairs(fourier.swap(network, all_pairs)) do
  rows[i] = { entry.name, paper_swaps[i][1], ("%.2f %%"):format(100 * entry.accuracy),
    paper_swaps[i][2], short(entry.loss) }
end
study:table({ "activation", "accuracy, paper", "here", "loss, paper", "here" }, rows,
  "Activation swap. Trained with ReLU, asked with another function, nothing retrained: whatever "
  .. "has an even part adds, odd functions do not.")

page:heading("Parts taken out of the trained network", { level = 2 })
local by_size <const> = read:counts():argsort(1, { descending = true }):totable()
rows = {}
for _, count in ipairs { 1, 2, 4, 8, 11 } do
  local kept <const> = table.move(by_size, 1, count, 1, {})
  local loss <const>, accuracy <const> = fourier.ablate(network, { frequencies = kept })
    :evaluate(all_pairs)
  local inner <const>, inner_accuracy <const> = fourier.ablate(network, { frequencies = kept,
    within = true }):evaluate(all_pairs)
  rows[#rows + 1] = { count, short(loss), ("%.1f %%"):format(100 * accuracy), short(inner),
    ("%.1f %%"):format(100 * inner_accuracy) }
end
study:table({ "frequencies kept", "loss, neurons", "accuracy", "loss, components", "accuracy" },
  rows, "Fewer frequencies, trained. Neurons of other frequencies are taken out; or those "
  .. "frequencies and the constant inside all neurons, and every neuron stays.")
rows = {}
for _, share in ipairs { 0.4, 0.8, 1.2, 1.6, 2 } do
  local loss <const>, accuracy <const> = fourier.ablate(network,
    { phases = { -math.pi, (share - 1) * math.pi } }):evaluate(all_pairs)
  rows[#rows + 1] = { share, short(loss), ("%.1f %%"):format(100 * accuracy) }
end
study:table({ "phases on an arc of c π, c =", "loss", "accuracy" }, rows,
  "Fewer phases, trained. Only neurons whose φ lies on an arc stay.")

-- ---- 5. a small start ---------------------------------------------------------------------------

local small <const> = study:run({ seed = study.seeds[1], scale = 0.01 },
  { steps = 10000, optimizer = "sgd", lr = 0.1 })
local x <const>, loss <const> = study.column(small, "loss")
local _, ipr <const> = study.column(small, "ipr_coefficient")
page:heading("A small start", { level = 2 })
page:figure(plot.grid { plot.lines { { x = x, y = loss }, title = "Loss", x_label = "step",
  width = 460, height = 300 }, plot.lines { { x = x, y = ipr }, width = 460, height = 300,
  title = "IPR per coefficient", x_label = "step" }, columns = 2 },
  ("ReLU from a hundredth, SGD 0.1: frequencies are chosen before the loss moves. The IPR goes "
  .. "from %s to %s (the authors' figure: 0.12 to "
  .. "0.62)."):format(short(ipr[1]), short(ipr[#ipr])))
study.standard = runs
