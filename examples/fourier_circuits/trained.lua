-- Networks that are trained: do they find what the theorem says, how near to the widest margin do
-- they come, and do all frequencies appear? The paper's figures 1 and 2, with numbers.
local study <const>, folder <const> = ...
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local learn <const> = loadfile(folder .. "learn.lua")(folder)
local page <const> = study.page

local RUNS <const> = {
  { k = 3, p = 23, m = 352, lr = 1e-3, lambda = 5e-4, steps = 12000, seeds = 3 },
  { k = 3, p = 23, m = 352, lr = 5e-3, lambda = 5e-3, steps = 4000, share = 0.5, seeds = 1 },
  { k = 2, p = 23, m = 88, lr = 1e-3, lambda = 5e-4, steps = 12000, seeds = 3 },
  { k = 4, p = 11, m = 640, lr = 1e-3, lambda = 5e-4, steps = 12000, seeds = 2 },
}

page:heading("Trained"):text("The paper's text speaks of SGD; its settings (section J.1) list "
  .. "AdamW, which is used here. Its λ is the factor of the norm in the loss; taken for AdamW's "
  .. "decay, it left neurons of many frequencies and margins below 0 in a C reproduction.")
local add <const>, finish <const> = study:growing_table(learn.COLUMNS,
  "Trained circuits. " .. learn.CAPTION)
local certificate <const> = {}
for _, run in ipairs(RUNS) do
  for _, seed in ipairs(study:seeds(run.seeds)) do
    local o <const> = { seed = seed }
    for key, value in pairs(run) do o[key] = value end
    o.steps = study:steps(run.steps)
    local result <const> = learn.train(o)
    certificate[#certificate + 1] = result
    add(learn.row(result))
  end
end
finish()
study.certificate.trained = certificate

-- ---- pictures of the first ----------------------------------------------------------------------

local first <const> = certificate[1]
local p <const>, reading <const> = first.spec.p, first.reading

--- The strongest neuron of each of the first frequencies that have one.
local function strongest_of(count)
  local order <const>, seen <const>, chosen <const> = reading.weight:argsort(1,
    { descending = true }):totable(), {}, {}
  for _, i in ipairs(order) do
    local k <const> = reading.frequency:get(i)
    if k <= count and not seen[k] then
      seen[k] = true
      chosen[#chosen + 1] = i
    end
  end
  return chosen
end
local strongest <const> = strongest_of(4)
local residues <const> = mlp.arange(0, p - 1, { dtype = "float64" })
local names <const> = {}
for k = 1, p // 2 do names[k] = tostring(k) end
local COLOURS <const> = { "#0072b2", "#009e73", "#e69f00", "#d55e00" }

--- The cosine of neuron i's frequency in one table, between the residues too.
local function wave(spectrum, i)
  local k <const> = reading.frequency:get(i)
  local amplitude <const>, phase <const> = spectrum:at(reading.frequency)
  local x <const> = mlp.linspace(0, p - 1, 8 * p)
  return x, (x * (2 * math.pi * k / p) + phase:get(i)):cos() * amplitude:get(i)
end

--- A neuron's tables: the weights as dots, and through them the cosine of its frequency.
local function neuron_figure(i, legend)
  local figure <const> = { title = ("Neuron %d, frequency %d"):format(i,
    reading.frequency:get(i)), x_label = "number", width = 440, height = 280,
    legend = legend and "top" or "none" }
  for j, spectrum in ipairs(reading.spectra) do
    local name <const> = j == #reading.spectra and "w" or ("u%d"):format(j)
    local x <const>, y <const> = wave(spectrum, i)
    figure[#figure + 1] = { x = x, y = y, line = true, size = 0, colour = COLOURS[j] }
    figure[#figure + 1] = { x = residues, y = spectrum:weights()[i], colour = COLOURS[j], size = 6,
      name = name }
  end
  return plot.scatter(figure)
end

local function spectrum_figure(i)
  local output <const> = reading.spectra[#reading.spectra]
  return plot.bars { output.power[i] / output.power[i]:sum(), names = names, width = 440,
    height = 280, title = "Power of its output", x_label = "frequency",
    y_label = "share of energy", values = false }
end

local panels <const> = {}
for n = 1, #strongest do
  panels[#panels + 1] = neuron_figure(strongest[n], n == 1)
  panels[#panels + 1] = spectrum_figure(strongest[n])
end
local counts <const> = plot.bars { reading.counts, names = names, x_label = "frequency",
  y_label = "neurons", title = "Every frequency is used", width = 440, height = 280,
  values = false }
local power <const> = plot.histogram { { first.before.power, name = "before" },
  { reading.power, name = "after" }, bins = 30, title = "From noise to cosines",
  x_label = "share of energy at the largest frequency", y_label = "share of neurons",
  scale = "share", width = 440, height = 280, legend = "top" }
assert(plot.grid { columns = 2, panels[1], panels[2], counts, power }
  :save "out/fourier_circuits.svg")
study:figures(panels, 2, "**The paper's figure 1.** The strongest neuron of each of the "
  .. "frequencies 1 to 4, first run: dots are weights, lines the cosine of the neuron's frequency "
  .. "in each of its three input tables and in its output.")
study:figures({ counts, power }, 2, ("**The paper's figure 2.** Left, neurons that count, by "
  .. "their frequency; right, the share of a neuron's energy at its largest frequency, all neurons "
  .. "alike: mean %.3f before, %.3f after. (The paper: near 0.27 before at p = 23, near 1 after; "
  .. "its measure must be one-sided too, for a real cosine has 0.5 on either side.)"):format(
  first.before.power:mean():item(), reading.power:mean():item()))
