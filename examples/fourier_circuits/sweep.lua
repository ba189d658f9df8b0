-- Where training collapses: initial scale against lambda, at full length. From a small start the
-- product of k + 1 small numbers has no slope, and the norm pulls everything to 0.
local study <const>, folder <const> = ...
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local learn <const> = loadfile(folder .. "learn.lua")(folder)

local SCALES <const> = study.quick and { 0.3, 1 } or { 0.1, 0.3, 0.5, 1, 2 }
local LAMBDAS <const> = study.quick and { 5e-4 } or { 5e-5, 5e-4, 5e-3 }
local STEPS <const> = study:steps(12000)
local GONE <const> = 0.05 -- a network that stands has a norm of some units

study.page:heading "Where training collapses"
local add <const>, finish <const> = study:growing_table({ "scale", "λ", "accuracy", "margin / γ*",
  "norm", "power", "" }, ("Initial scale against λ. (3, 23, 352), all sums, rate 1e-3, %d steps, "
  .. "seed 1. Collapsed: the norm is below %g; chance is 1/23 = 0.043."):format(STEPS, GONE))
local certificate <const>, accuracy <const>, margin <const> = {}, {}, {}
for i, scale in ipairs(SCALES) do
  accuracy[i], margin[i] = {}, {}
  for j, lambda in ipairs(LAMBDAS) do
    local r <const> = learn.train { k = 3, p = 23, m = 352, lr = 1e-3, lambda = lambda,
      scale = scale, seed = 1, steps = STEPS }
    local collapsed <const> = r.norm < GONE
    accuracy[i][j], margin[i][j] = r.accuracy, math.max(r.margin, 0)
    certificate[#certificate + 1] = { scale = scale, lambda = lambda, norm = r.norm,
      margin = r.margin, accuracy = r.accuracy, collapsed = collapsed }
    add { scale, ("%g"):format(lambda), r.accuracy, not collapsed and r.margin or nil, r.norm,
      not collapsed and r.power or nil, collapsed and "collapsed" or "" }
  end
end
finish()
study.certificate.sweep = certificate

local function named(values)
  local names <const> = {}
  for i, value in ipairs(values) do names[i] = ("%g"):format(value) end
  return names
end

local function map(title, values)
  return plot.heatmap { values, title = title, row_names = named(SCALES),
    column_names = named(LAMBDAS), values = true, limits = { 0, 1 }, x_label = "λ",
    y_label = "initial scale", width = 440, height = 360 }
end
study:figures({ map("Accuracy", accuracy), map("Margin / γ*, where positive", margin) }, 2,
  "The collapse region, dark: a small start under a large λ. In what stands the start does not "
  .. "matter, and a smaller λ is nearer to γ\\*, as Lemma 3.7 has it for λ → 0.")
