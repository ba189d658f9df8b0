-- Part IV, what width and decay are for: many neurons so that all frequencies and phases are there,
-- decay so that memory gives way.
local mlp <const> = require "mlp"
local study <const> = ...
local fourier <const>, plot <const> = mlp.fourier, mlp.plot
local short <const>, range <const> = study.short, study.range
local page <const> = study.page

page:heading "IV. Roles"

-- ---- 1. width -----------------------------------------------------------------------------------

page:heading("Width", { level = 2 })
local rows <const>, curve <const> = {}, { accuracy = {}, covered = {}, two = {}, four = {} }
local WIDTHS <const> = study.quick and { 8, 16 } or { 16, 32, 64, 128, 256, 512 }
local SEEDS <const> = math.min(3, #study.seeds)
for w, width in ipairs(WIDTHS) do
  local values <const> = { accuracy = {}, loss = {}, covered = {}, two = {}, four = {} }
  for i = 1, SEEDS do
    local run <const> = study:run({ seed = study.seeds[i], width = width }, { steps = 10000 })
    local read <const>, last = fourier.neurons(run.network), run.history[#run.history]
    values.accuracy[i], values.loss[i] = last.accuracy, last.loss
    values.covered[i] = read:counts():gt(0):to("int64"):sum():item()
    values.two[i], values.four[i] = read:asymmetry(2), read:asymmetry(4)
  end
  rows[w] = { width, range(values.accuracy), range(values.loss), range(values.covered),
    range(values.two), range(values.four) }
  for name, list in pairs(curve) do
    list[w] = mlp.tensor(values[name], { dtype = "float64" }):mean():item()
  end
end
study:table({ "neurons", "accuracy", "loss", "frequencies covered", "asymmetry, ι = 2",
  "asymmetry, ι = 4" }, rows, ("Width. The standard run, 10,000 steps, %d seeds. Asymmetry is the "
  .. "mean over frequencies of |Σ exp(iιφ)| / neurons: noise that does not cancel."):format(SEEDS))
page:figure(plot.grid { plot.lines { { x = WIDTHS, y = curve.accuracy, marker = true },
  title = "Accuracy", x_label = "neurons", log_x = true, width = 320, height = 280 },
  plot.lines { { x = WIDTHS, y = curve.covered, marker = true }, title = "Frequencies covered",
    x_label = "neurons", log_x = true, width = 320, height = 280 },
  plot.lines { { x = WIDTHS, y = curve.two, marker = true, name = "ι = 2" },
    { x = WIDTHS, y = curve.four, marker = true, name = "ι = 4" }, title = "Asymmetry of phases",
    x_label = "neurons", log_x = true, width = 320, height = 280, legend = "top" }, columns = 3 },
  "What width buys: all frequencies, and phases that cancel each other's noise.")

-- ---- 2. decay -----------------------------------------------------------------------------------

page:heading("Decay", { level = 2 })
local STEPS <const> = 30000
local function decayed(decay)
  if decay == 2 and study.grokked then return study.grokked end
  return study:run({ seed = study.seeds[1] }, { steps = STEPS, lr = 1e-4, weight_decay = decay,
    split = study.published })
end
local unseen <const>, norm <const>, gradient <const> = {}, {}, {}
local sweep <const> = {}
for i, decay in ipairs { 0, 0.5, 1, 2, 4 } do
  local run <const> = decayed(decay)
  local stage <const>, last <const> = fourier.stages(run.history), run.history[#run.history]
  local wrong <const>, twins <const> = study.mistakes(run)
  sweep[i] = { decay, short(stage.memorised), short(stage.generalised), short(last.test_accuracy),
    short(last.unseen), ("%d (%d)"):format(wrong, twins), short(last.ipr), short(last.norm),
    short(last.gradient), short(last.decay) }
  for name, list in pairs { unseen = unseen, norm = norm, gradient = gradient } do
    local x <const>, y <const> = study.column(run, name)
    list[i] = { x = x, y = y, name = ("λ = %g"):format(decay) }
  end
end
study:table({ "decay", "train ≥ 0.95", "test ≥ 0.95", "test at the end", "unseen",
  "wrong, (x, x)", "IPR", "norm", "gradient", "decay × norm" }, sweep, ("Decay. The grokking run "
  .. "with other decays, %d steps, seed %d; in brackets how many of the wrong test pairs are (x, "
  .. "x)."):format(study:steps(STEPS), study.seeds[1]))
local function drawn(list, title, more)
  list.title, list.x_label, list.width, list.height, list.legend = title, "step", 420, 320, "top"
  for key, value in pairs(more or {}) do list[key] = value end
  return plot.lines(list)
end
page:figure(plot.grid { drawn(unseen, "Accuracy on unseen pairs"),
  drawn(norm, "Norm of the weights"),
  drawn(gradient, "Norm of the loss gradient", { log_y = true }), columns = 2 },
  "Decay's role: without it the gradient of the loss dies and much that was memorised stays; with "
  .. "too much it never finds a clean circuit. Half of the paper's decay goes further than all of "
  .. "it, later.")
