-- Circuits that are written down: their margin is the widest there is, on every input.
local mlp <const> = require "mlp"
local study <const>, folder <const> = ...
local circuit <const> = loadfile(folder .. "circuit.lua")(folder)
local sums <const> = dofile(folder .. "sums.lua")
local page <const> = study.page

--- Lists of k phases; that of the output is their sum.
local function phase_lists(k, first, others)
  local lists = { {} }
  for j = 1, k do
    local longer <const> = {}
    for _, list in ipairs(lists) do
      for _, phase in ipairs(j == 1 and first or others) do
        local copy <const> = table.move(list, 1, #list, 1, {})
        copy[j] = phase
        longer[#longer + 1] = copy
      end
    end
    lists = longer
  end
  return lists
end

local function equal_phases(N)
  local list <const> = {}
  for n = 1, N do list[n] = 2 * math.pi * n / N end
  return list
end

--- Lemma 4.3, 2^(2k-1) neurons for each frequency: cos(x_1 + .. + x_k - y) is a sum of 2^k products
--- of sines and cosines, each product a sum of 2^(k-1) powers (z_1 +- .. +- z_k)^k (Lemma G.1). As
--- phases these are the multiples of pi / 2, with the first one 0 or -pi / 2.
local function authors_phases(k)
  return phase_lists(k, { 0, -math.pi / 2 }, equal_phases(4))
end

--- Every combination of N equal phases, N^k neurons for each frequency. The one cross term that
--- survives the mean over phases is k! u_1 .. u_k w, and its mean is 2^-k cos(w (sum a - c)).
local function grid_phases(k, N) return phase_lists(k, equal_phases(N), equal_phases(N)) end

--- Each neuron a cosine in all its tables, all of one length (Theorem 4.1), for all frequencies.
local function build(k, p, lists)
  local K <const> = p // 2
  local N <const>, m <const> = #lists, #lists * K
  local phases <const> = mlp.tensor(lists, { dtype = "float64" }):expand(K, N, k):reshape(m, k)
  local frequency <const> = mlp.arange(1, K, { dtype = "int64" }):unsqueeze(2):expand(K, N)
    :reshape(m)
  local at <const> = frequency:one_hot(K):to "float64"
  local size <const> = math.sqrt(2 / ((k + 1) * p)) * m ^ (-1 / (k + 1))
  local function cosines(phase)
    return mlp.fourier.cosines(p, at * size, at * phase:unsqueeze(2)):t()
  end
  local model <const> = circuit.Circuit(k, p, m, { scale = 0, dtype = "float64" })
  mlp.no_grad(function()
    for j = 1, k do model.tables[j]:copy_(cosines(phases:select(2, j))) end
    model.output:copy_(cosines(phases:sum(2)))
  end)
  return model
end

page:heading("Built"):text("The widest margin that a network of L_{2,k+1} norm 1 can have is "
  .. "γ* = 2 k! / ((2k+2)^{(k+1)/2} (p−1) p^{(k−1)/2}) (Theorem 4.1). Cosines of all "
  .. "frequencies, with phases that add up, have it on every input. The authors need 2^{2k−1} "
  .. "neurons for each frequency (Lemma 4.3); a grid of three phases for each input needs 3^k, "
  .. "which is fewer from k = 3 on (27 against 32, 81 against 128). Two phases are too few: what "
  .. "should cancel does not.")
local CASES <const> = { -- k, p; then the constructions
  { 2, 5, "authors", 3, 4, 2 }, { 2, 7, "authors", 3, 4, 2 }, { 3, 5, "authors", 3, 4, 2 },
  { 3, 7, "authors", 3, 2 }, { 4, 5, "authors", 3 },
}
local add <const>, finish <const> = study:growing_table({ "k", "p", "phases", "neurons",
  "least margin", "γ*", "furthest from γ*" }, "Margins of built circuits. Over all p^k inputs, in "
  .. "float64; “furthest” is over inputs too.")
local certificate <const> = {}
for _, case in ipairs(CASES) do
  local k <const>, p <const> = case[1], case[2]
  local tokens <const>, classes <const> = sums.all(k, p)
  local all <const> = mlp.arange(1, #classes, { dtype = "int64" })
  for i = 3, #case do
    local authors <const> = case[i] == "authors"
    local lists <const> = authors and authors_phases(k) or grid_phases(k, case[i])
    local margin <const> = circuit.margins(build(k, p, lists), tokens, classes, all)
    local gamma <const> = circuit.widest_margin(k, p)
    local row <const> = { k = k, p = p, phases = case[i], m = #lists * (p // 2), gamma = gamma,
      least = margin:amin():item(), gap = (margin - gamma):abs():amax():item() }
    certificate[#certificate + 1] = row
    add { k, p, authors and "Lemma 4.3" or ("%d^%d grid"):format(case[i], k), row.m,
      ("%.8f"):format(row.least), ("%.8f"):format(gamma), ("%.1e"):format(row.gap) }
  end
end
finish()
study.certificate.built = certificate
