-- Part II, the dynamics: how a neuron comes to its one frequency. The flow of one frequency, runs
-- that start with one per neuron, the race among all of them, and who can tell the winner.
local mlp <const> = require "mlp"
local study <const> = ...
local fourier <const>, plot <const> = mlp.fourier, mlp.plot
local pictures <const> = dofile(study.folder .. "pictures.lua")
local short <const>, median <const> = study.short, study.median
local page <const>, p <const>, seed <const> = study.page, study.p, study.seeds[1]

page:heading "II. The dynamics"

-- ---- 1. the flow of one frequency ---------------------------------------------------------------

page:heading("Four variables", { level = 2 }):text(
  "With small weights softmax is uniform, and every frequency of every neuron moves by itself. For "
  .. "the mean loss, from the update rule: α′ = (2/p) α β cos D, β′ = (1/p) α² cos D, D′ = "
  .. "−(1/p)(4β + α²/β) sin D, with D = 2φ − ψ. (The paper prints the last one as −p(4β² − α²/β) "
  .. "sin D, for the summed loss; neither the minus nor the square follows from the update rule "
  .. "in its own code.) Two quantities are constant, α² − 2β² and α² β sin D; and with them the "
  .. "time to blow-up is an elliptic integral in closed form, `mlp.fourier.escape`.")
local rows = {}
for i, case in ipairs { { 1.5, 0.18, 1400, "0.04796, 0.03674, 0.0297" },
  { -0.72, -2.91, 700, "0.11097, 0.07972, 0.0080" } } do
  local path <const> = fourier.flow { p = 23, alpha = 0.02, beta = 0.02, phi = case[1],
    psi = case[2], steps = case[3] }
  local exact <const> = fourier.flow { p = 23, alpha = 0.02, beta = 0.02, phi = case[1],
    psi = case[2], steps = case[3], method = "rk4" }
  local drift <const> = {}
  for _, of in ipairs { path, exact } do
    for _, constant in ipairs { of:invariants() } do
      drift[#drift + 1] = short(((constant - constant:get(1)) / constant:get(1)):abs():max():item())
    end
  end
  rows[i] = { i, case[4], ("%.5f, %.5f, %.4f"):format(path.alpha:get(-1), path.beta:get(-1),
    path.misalignment:get(-1)), drift[1] .. ", " .. drift[2], drift[3] .. ", " .. drift[4] }
end
study:table({ "case", "α, β, D; reference", "here", "drift, Euler", "drift, Runge-Kutta" }, rows,
  "Endpoints of the flow. p = 23, k = 2, α = β = 0.02, Euler steps of 1 as in the reference; and "
  .. "how far the two invariants move, relatively.")

local function after_a_while(points) -- (N, 2): thousandths of magnitude, D
  local magnitude <const> = points:select(2, 1):to "float64" / 1000
  return fourier.flow { p = 23, alpha = magnitude, beta = magnitude, phi = 0, loss = "sum",
    psi = -points:select(2, 2), steps = 100, step = 0.01, every = 100 }.beta[2]
end
study:figure("10", plot.regions { after_a_while, x = { 10, 20 }, y = { 0, 2 * math.pi },
  levels = { 0.01, 0.015, 0.02, 0.03, 0.04, 0.05 }, colours = "viridis",
  title = "What becomes of a frequency", bar_label = "β at the end",
  x_label = "magnitude at the start, thousandths", y_label = "misalignment D at the start",
  resolution = 40, width = 560, height = 460 }, ("The lottery's contour, 100 steps of 0.01 of the "
  .. "flow of the summed loss: from %s at (0.02, 0) down to %s at (0.01, π), symmetric about π; "
  .. "the reference: 0.0602, "
  .. "0.0085."):format(short(after_a_while(mlp.tensor { { 20, 0 } }):item()),
  short(after_a_while(mlp.tensor { { 10, math.pi } }):item())))

-- ---- 2. one frequency per neuron at the start ---------------------------------------------------

--- Steps and values of one neuron's numbers, from all networks that a run kept.
local function follow(run, neuron, last)
  local t <const>, lines <const> = {}, { alpha = {}, beta = {}, phi = {}, psi = {}, twice = {} }
  for _, record in ipairs(run.history) do
    if record.step <= study:steps(last) then
      local read <const> = fourier.neurons(run.kept[record.step])
      local n <const> = #t + 1
      t[n] = record.step
      for _, name in ipairs { "alpha", "beta", "phi", "psi" } do
        lines[name][n] = read[name]:get(neuron)
      end
      lines.psi[n] = lines.phi[n] * 2 - read.misalignment:get(neuron) -- cut where 2 phi is
      lines.twice[n] = lines.phi[n] * 2
    end
  end
  return t, lines
end

--- The neuron whose |D| at the start is nearest to an angle.
local function neuron_with(run, angle)
  return (fourier.neurons(run.kept[0]).misalignment:abs() - angle):abs():argmin():item()
end

local function phases_and_magnitudes(run, last)
  local t <const>, line = follow(run, neuron_with(run, 1.5), last)
  return plot.grid { plot.lines { { x = t, y = line.phi, name = "φ", colour = pictures.grey },
    { x = t, y = line.psi, name = "ψ", colour = pictures.orange },
    { x = t, y = line.twice, name = "2 φ", colour = pictures.blue }, title = "Phases",
    x_label = "step", width = 460, height = 320, legend = "top" },
    plot.lines { { x = t, y = line.alpha, name = "α", colour = pictures.blue },
      { x = t, y = line.beta, name = "β", colour = pictures.orange }, title = "Magnitudes",
      x_label = "step", width = 460, height = 320, legend = "top" }, columns = 2 }
end

local LEAKS <const> = { { "input", 2 }, { "input", 3 }, { "input", 5 }, { "output", 2 },
  { "output", 3 } }

--- Medians over neurons of what is at harmonics of k*.
local function leaks(network)
  local read <const>, found <const> = fourier.neurons(network), {}
  for i, leak in ipairs(LEAKS) do
    local input <const>, output <const> = read:leakage(leak[2])
    found[i] = median(leak[1] == "input" and input or output)
  end
  return found
end

local square <const> = study:run({ seed = seed, activation = "square", init = "single",
  scale = 0.02 }, { steps = 10000, optimizer = "sgd", lr = 0.1, keep = "all" })
page:heading("One frequency per neuron, z²", { level = 2 })
study:figure("8", phases_and_magnitudes(square, 6000), ("One neuron (seed %d): 2φ and ψ meet while "
  .. "the magnitudes lie flat; then these grow, near step 4,000."):format(seed))
local chosen <const> = pictures.round_robin(fourier.neurons(square.kept[0]))
study:figure("11", pictures.spectra_over_time({ study:kept(square, 0), study:kept(square, 1000),
  study:kept(square, 5000) }, { "step 0", "step 1,000", "step 5,000" }, chosen),
  "Single-frequency preservation under z²: what starts with one frequency keeps it.")

local relu <const> = study:run({ seed = seed, init = "single", scale = 0.002 },
  { steps = 10000, optimizer = "sgd", lr = 0.01, keep = "all" })
page:heading("One frequency per neuron, ReLU", { level = 2 })
study:figure("12a", pictures.spectra_over_time({ study:kept(relu, 0), study:kept(relu, 5000),
  study:kept(relu, 10000) }, { "step 0", "step 5,000", "step 10,000" }, chosen),
  "Under ReLU a little leaks into harmonics: odd ones in the input, all in the output.")
study:figure("12b", phases_and_magnitudes(relu, 10000),
  "Phases and magnitudes under ReLU: as with z², later.")
rows = {}
local function leak_row(name, network, paper)
  local found <const> = leaks(network)
  rows[#rows + 1] = { name, paper, short(found[1]), short(found[2]), short(found[3]),
    short(found[4]), short(found[5]) }
end
leak_row("z², step 5,000", study:kept(square, 5000), "at most 1e-4 anywhere")
leak_row("z², step 10,000", study:kept(square, 10000), "at most 0.034, input 3k*")
leak_row("ReLU, step 1,000", study:kept(relu, 1000), "0.06 input 3k*")
leak_row("ReLU, step 5,000", study:kept(relu, 5000), "0.19 input 3k*")
leak_row("ReLU, step 10,000", study:kept(relu, 10000), "0.24 input 3k*; 0.06 output 2k*")
if study.standard then
  leak_row("ReLU, standard run, 10,000", study:kept(study.standard[1], 10000), "0.21 input 3k*")
end
study:table({ "run", "authors' weights", "input 2k*", "input 3k*", "input 5k*", "output 2k*",
  "output 3k*" }, rows, ("Leakage. Median amplitude at harmonics of k* over that at k*, seed %d. "
  .. "The theory has 1/9 at the input's 3k* and 1/25 at 5k*; the trained weights have about "
  .. "twice that late in training, as the authors' own do."):format(seed))

-- ---- 3. the race --------------------------------------------------------------------------------

local race <const> = study:run({ seed = seed, activation = "square" },
  { steps = 10000, optimizer = "sgd", lr = 0.1, keep = "all" })
page:heading("The lottery", { level = 2 })
local final <const> = fourier.neurons(race.network)
local m <const> = final.input:energy(final.frequency):argmax():item()
local winner <const> = final.frequency:get(m)
local series <const> = { D = {}, beta = {} }
for k = 1, final.K do
  local line <const> = k == winner and { name = ("k = %d, the winner"):format(k),
    colour = pictures.orange, width = 3 } or { colour = pictures.grey, width = 1 }
  for _, list in pairs(series) do
    list[k] = { x = {}, y = {}, dash = "solid" }
    for key, value in pairs(line) do list[k][key] = value end
  end
end
for _, record in ipairs(race.history) do
  if record.step <= study:steps(5000) then
    local read <const> = fourier.neurons(race.kept[record.step])
    local D <const> = read:misalignments()[m]
    for k = 1, final.K do
      table.insert(series.D[k].x, record.step)
      table.insert(series.D[k].y, D:get(k))
      table.insert(series.beta[k].x, record.step)
      table.insert(series.beta[k].y, read.output.magnitude:get(m, k))
    end
  end
end
for name, list in pairs(series) do
  list.title, list.x_label, list.width, list.height = name == "D" and "Misalignment D"
    or "Magnitude β", "step", 460, 340
  list.legend = "top"
end
study:figure("9", plot.grid { plot.lines(series.D), plot.lines(series.beta), columns = 2 },
  ("The race of %d frequencies in neuron %d (z², Gaussian start, seed %d): k = %d starts with D = "
  .. "%s and β = %s."):format(final.K, m, seed, winner, short(series.D[winner].y[1]),
  short(series.beta[winner].y[1])))

rows = {}
local function lottery_row(name, before, after, options, reference)
  local result <const> = fourier.lottery(before, after, options)
  local counted <const> = result.counted:to("int64"):sum():item()
  local row <const> = { name, counted }
  for i, rule in ipairs { "phase", "magnitude", "growth", "flow" } do
    row[i + 2] = ("%s (%s)"):format(short(result.accuracy[rule]), reference[i])
  end
  rows[#rows + 1] = row
end
for _, start in ipairs { { 0.005, 24000, { "0.990", "0.086", "0.990", "0.934" } },
  { 0.02, 6000, { "0.773", "0.107", "0.773", "0.742" } } } do
  local run <const> = study:run({ seed = seed, activation = "square", init = "equal",
    scale = start[1] }, { steps = start[2], optimizer = "sgd", lr = 0.1, keep = { 0 } })
  lottery_row(("equal magnitudes %g, z², SGD"):format(start[1]), run.kept[0], run.network, nil,
    start[3])
end
lottery_row("Gaussian 0.1, z², SGD", race.kept[0], race.network, nil,
  { "0.201", "0.480", "0.664", "0.891" })
lottery_row("the same, energy at k* > 0.8", race.kept[0], race.network, { energy = 0.8 },
  { "0.203", "0.703", "0.922", "1.000" })
if study.standard then
  local run <const> = study.standard[1]
  lottery_row("Gaussian 0.1, ReLU, AdamW", fourier.Network { p = p, width = study.width,
    seed = seed }, run.network, nil, { "0.182", "0.453", "0.467", "0.605" })
end
study:table({ "start and training", "neurons", "smallest |D|", "largest α", "largest α² β cos D",
  "first to escape" }, rows, ("Who tells the winner. Share of neurons whose final frequency is "
  .. "told from the start by four rules, seed %d; in brackets the same of the authors' "
  .. "released weights or, with equal magnitudes, of a C reproduction. Chance is 1/11 = 0.091. "
  .. "The paper's corollary is the first rule and supposes equal magnitudes: there it holds. "
  .. "Under the Gaussian start of the paper's own runs phase alone tells a fifth; phase and "
  .. "magnitude through the flow tell nine tenths."):format(seed))
