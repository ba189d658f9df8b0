-- Networks that add k numbers modulo p, after Li, Liang, Shi, Song and Zhou 2024, "Fourier Circuits
-- in Neural Networks and Transformers: A Case Study of Modular Arithmetic with Multiple Inputs"
-- (arXiv 2402.09469). One hidden layer reads k tables and raises their sum to the power k; the
-- logit of c = a_1 + .. + a_k mod p should be the largest:
--
--     f(a)[c] = sum over neurons i of (u_i1(a_1) + .. + u_ik(a_k))^k w_i(c)
--
-- The theory says which weights of norm 1 tell the sums apart by the widest margin: cosines. First
-- such networks are built, and their margin is the theoretical one to the last digits; then
-- networks are trained, and turn out to have found cosines too.
--   lua5.4 examples/fourier_circuits.lua [steps] [seeds]
-- 12,000 steps and 3 seeds unless told otherwise; that takes some minutes.
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot

local ARGUMENTS <const> = { ... }
local STEPS <const> = tonumber(ARGUMENTS[1]) or 12000
local SEEDS <const> = tonumber(ARGUMENTS[2]) or 3
local certificate <const>, started <const> = { built = {}, trained = {}, sweep = {} }, os.time()

-- ---- the network --------------------------------------------------------------------------------

local Circuit <const> = nn.Module:extend "Circuit"

--- k tables (p, m) of inputs and one of outputs; normal weights of deviation scale / sqrt(p).
function Circuit:init(k, p, m, options)
  self.k, self.tables = k, {}
  local made <const> = { dtype = options.dtype, generator = options.generator }
  local function table_of_weights()
    return (mlp.randn(p, m, made) * (options.scale / math.sqrt(p))):requires_grad_()
  end
  for j = 1, k do self.tables[j] = table_of_weights() end
  self.output = table_of_weights()
end

---@param tokens mlp.Tensor (B, k) int64, the number a is token a + 1
---@return mlp.Tensor logits (B, p)
function Circuit:forward(tokens)
  local sum
  for j, weights in ipairs(self.tables) do
    local read <const> = mlp.embedding(weights, tokens:select(2, j))
    sum = sum and sum + read or read
  end
  return mlp.linear(sum:power(self.k), self.output)
end

--- The length of each neuron's k + 1 rows together: (m).
function Circuit:lengths()
  local sum = self.output:square():sum(1)
  for _, weights in ipairs(self.tables) do sum = sum + weights:square():sum(1) end
  return sum:sqrt()
end

--- The L_{2,k+1} norm of section 3: (sum over neurons of length^(k+1))^(1/(k+1)).
function Circuit:norm()
  local q <const> = self.k + 1
  return self:lengths():pow(q):sum():pow(1 / q)
end

--- All p^k inputs (p^k, k) and the classes of their sums.
local function all_sums(k, p)
  local axes <const> = {}
  for j = 1, k do axes[j] = mlp.arange(0, p - 1, { dtype = "int64" }) end
  local numbers <const> = {}
  for j, grid in ipairs(mlp.meshgrid(axes)) do numbers[j] = grid:reshape(-1) end
  local stacked <const> = mlp.stack(numbers, 2)
  return stacked + 1, stacked:sum(2):remainder(p) + 1
end

--- By how much the right logit beats the best wrong one, for each input, at norm 1: f is
--- homogeneous of degree k + 1.
local function margins(model, tokens, classes)
  local _ <close> = mlp.no_grad()
  local logits <const> = model(tokens)
  local right <const> = classes:unsqueeze(2)
  local wrong <const> = logits:scatter(2, right, -math.huge):amax(2)
  return (logits:gather(2, right):squeeze(2) - wrong) / model:norm():pow(model.k + 1), logits
end

--- The widest margin of any network of norm 1 (their theorem): gamma* =
--- 2 k! / ((2k + 2)^((k+1)/2) (p - 1) p^((k-1)/2)).
local function widest_margin(k, p)
  local factorial = 1
  for i = 2, k do factorial = factorial * i end
  return 2 * factorial / ((2 * k + 2) ^ ((k + 1) / 2) * (p - 1) * p ^ ((k - 1) / 2))
end

-- ---- built by hand ------------------------------------------------------------------------------

--- Lists of k phases. Their sum is that of the output.
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

--- The authors' circuit, 2^(2k-1) neurons for each frequency: cos(x_1 + .. + x_k - y) is a sum of
--- 2^k products of sines and cosines, each product a sum of 2^(k-1) powers (z_1 +- .. +- z_k)^k. As
--- phases these are the multiples of pi / 2, with the first one 0 or -pi / 2.
local function authors_phases(k)
  return phase_lists(k, { 0, -math.pi / 2 }, equal_phases(4))
end

--- Every combination of N equal phases, N^k neurons for each frequency.
local function grid_phases(k, N) return phase_lists(k, equal_phases(N), equal_phases(N)) end

--- Each neuron a cosine in all its tables, all of one length, for all (p - 1) / 2 frequencies.
local function build(k, p, lists)
  local m <const> = #lists * (p - 1) // 2
  local model <const> = Circuit(k, p, m, { scale = 0, dtype = "float64" })
  local phases <const> = mlp.tensor(lists, { dtype = "float64" })
  local w <const> = mlp.arange(1, (p - 1) // 2, { dtype = "float64" }) * (2 * math.pi / p)
  local turn <const> = w:unsqueeze(2) * mlp.arange(0, p - 1, { dtype = "float64" }) -- (K, p)
  local size <const> = math.sqrt(2 / ((k + 1) * p)) * m ^ (-1 / (k + 1))
  local function cosines(phase) -- (lists) -> (p, m)
    return ((turn:unsqueeze(1) + phase:reshape(-1, 1, 1)):cos() * size):reshape(m, p):t()
  end
  mlp.no_grad(function()
    for j = 1, k do model.tables[j]:copy_(cosines(phases:select(2, j))) end
    model.output:copy_(cosines(phases:sum(2)))
  end)
  return model
end

local CASES <const> = { -- k, p; then the constructions
  { 2, 5, "authors", 3, 4, 2 }, { 2, 7, "authors", 3, 4, 2 }, { 3, 5, "authors", 3, 4, 2 },
  { 3, 7, "authors", 3, 2 }, { 4, 5, "authors", 3 },
}
print "  k  p | phases       | neurons | least margin | gamma*       | furthest from it, any input"
for _, case in ipairs(CASES) do
  local k <const>, p <const> = case[1], case[2]
  local tokens <const>, classes <const> = all_sums(k, p)
  for i = 3, #case do
    local lists <const> = case[i] == "authors" and authors_phases(k) or grid_phases(k, case[i])
    local row <const> = { k = k, p = p, phases = case[i], m = #lists * (p - 1) // 2 }
    local margin <const> = margins(build(k, p, lists), tokens, classes)
    row.gamma, row.least = widest_margin(k, p), margin:amin():item()
    row.gap = (margin - row.gamma):abs():amax():item()
    row.label = case[i] == "authors" and "the authors'" or ("%d^%d grid"):format(case[i], k)
    certificate.built[#certificate.built + 1] = row
    print(("%3d %2d | %-12s | %7d | %12.8f | %12.8f | %.1e"):format(k, p, row.label, row.m,
      row.least, row.gamma, row.gap))
  end
end

-- ---- in frequencies -----------------------------------------------------------------------------

--- The cosines and the sines of w_k j, k = 1 to K = (p - 1) / 2, j = 0 to p - 1: (K, p) each, rows
--- of length 1.
local function waves(p)
  local w <const> = mlp.arange(1, (p - 1) // 2, { dtype = "float64" }) * (2 * math.pi / p)
  local turn <const> = w:unsqueeze(2) * mlp.arange(0, p - 1, { dtype = "float64" })
  return turn:cos() * math.sqrt(2 / p), turn:sin() * math.sqrt(2 / p)
end

--- Rows of weights as waves, w[j] = mean + sum over k of amplitude cos(w_k j + phase): the energy
--- (M, K) of each frequency, the phase (M, K), the largest frequency (M) and the share of the row's
--- energy that lies there (M).
local function spectrum_of(weights)
  local rows <const> = weights:detach():t():to "float64"
  local cosine <const>, sine <const> = waves(#weights)
  local c <const>, s <const> = rows:matmul(cosine:t()), rows:matmul(sine:t())
  local power <const> = c:square() + s:square()
  local largest <const>, frequency <const> = power:max(2)
  return { rows = rows, power = power, phase = (-s):atan2(c), frequency = frequency,
    share = largest / rows:square():sum(2) }
end

-- ---- trained ------------------------------------------------------------------------------------

--- The share of each neuron's energy that lies at its largest frequency, in the mean over its
--- tables, and that frequency by the output. One-sided: a real cosine has 1.
local function spectra(model)
  local list <const> = {}
  for j = 1, model.k do list[j] = spectrum_of(model.tables[j]) end
  list[#list + 1] = spectrum_of(model.output)
  local power
  for _, s in ipairs(list) do power = power and power + s.share or s.share end
  return list, list[#list].frequency, power / #list
end

--- |sin((theta_1 + .. + theta_k - theta_w) / 2)|: 0 where the phases add up.
local function phase_law(list, frequency)
  local function at(s) return s.phase:gather(2, frequency:unsqueeze(2)):squeeze(2) end
  local gap = -at(list[#list])
  for j = 1, #list - 1 do gap = gap + at(list[j]) end
  return (gap / 2):sin():abs()
end

--- Means over neurons are weighted by what a neuron can do: its length to the power k + 1. The many
--- that the norm has shrunk to nothing do not count.
local function examined(model, tokens, classes)
  local margin <const>, logits <const> = margins(model, tokens, classes)
  local list <const>, frequency <const>, power <const> = spectra(model)
  local weight = model:lengths():detach():to("float64"):pow(model.k + 1)
  weight = weight / weight:sum()
  local p <const> = #model.output
  local counts <const> = mlp.zeros((p - 1) // 2, { dtype = "float64" })
  local alive <const> = weight:gt(0.01 / #weight)
  counts:index_add_(1, frequency, alive:to "float64")
  return {
    accuracy = logits:argmax(2):eq(classes):to("float64"):mean():item(),
    margin = margin:amin():item() / widest_margin(model.k, p), power = power,
    mean_power = (power * weight):sum():item(), plain_power = power:mean():item(),
    law = (phase_law(list, frequency) * weight):sum():item(), counts = counts:totable(),
    list = list, frequency = frequency, weight = weight, norm = model:norm():item(),
  }
end

--- A network (k, p, m) trained on all sums, or on a share of them; batches of 1,024.
local function train(o)
  local generator <const> = mlp.generator(o.seed)
  local tokens <const>, classes <const> = all_sums(o.k, o.p)
  local order <const> = mlp.randperm(#classes, { generator = generator })
  local rows <const> = order:slice(1, 1, math.ceil(#classes * (o.share or 1)))
  local model <const> = Circuit(o.k, o.p, o.m, { scale = o.scale or 1, generator = generator })
  local before <const> = examined(model, tokens, classes)
  local adam <const> = mlp.optim.AdamW(model:parameters(),
    { lr = o.lr, betas = { 0.9, 0.98 }, weight_decay = 0 })
  local warm <const> = mlp.schedule.warmup(10)
  local learn <const> = mlp.compile(function(batch, sums)
    local loss <const> = mlp.loss.cross_entropy(model(batch), sums) + model:norm() * o.lambda
    adam:zero_grad()
    loss:backward()
    adam:step()
  end)
  for step = 1, o.steps do
    local picked <const> = mlp.randint(1, #rows, { math.min(1024, #rows) },
      { generator = generator })
    local batch <const> = rows:index_select(1, picked)
    adam.factor = warm(step)
    learn(tokens:index_select(1, batch), classes:index_select(1, batch))
  end
  local after <const> = examined(model, tokens, classes)
  after.before, after.spec = before, o
  if o.share then
    local held <const> = order:slice(1, #rows + 1, #order)
    local guess <const> = model(tokens:index_select(1, held)):argmax(2)
    after.held_out = guess:eq(classes:index_select(1, held)):to("float64"):mean():item()
  end
  return after
end

local RUNS <const> = {
  { name = "k = 3, all sums", k = 3, p = 23, m = 352, lr = 1e-3, lambda = 5e-4 },
  { name = "k = 3, half of the sums", k = 3, p = 23, m = 352, lr = 5e-3, lambda = 5e-3,
    share = 0.5, once = true, part = 3 },
  { name = "k = 2, all sums", k = 2, p = 23, m = 88, lr = 1e-3, lambda = 5e-4, once = true },
  { name = "k = 4, all sums", k = 4, p = 11, m = 640, lr = 1e-3, lambda = 5e-4, once = true },
}

local function line(run, r)
  print(("%-24s | %4d | %.4f | %.3f    | %.3f (%.3f)  | %.3f  | %.4f | %d .. %d"):format(
    run.name, r.spec.seed, r.accuracy, r.margin, r.mean_power, r.before.mean_power, r.plain_power,
    r.law, math.min(table.unpack(r.counts)), math.max(table.unpack(r.counts))))
end

print "\nmargin over gamma*; power at one frequency, weighted (before) and plain; phases; counts"
print "trained                  | seed | acc.   | margin   | power (before) | plain | phases | each"
for _, run in ipairs(RUNS) do
  for seed = 1, run.once and 1 or SEEDS do
    local o <const> = { seed = seed, steps = STEPS // (run.part or 1) }
    for key, value in pairs(run) do o[key] = value end
    local r <const> = train(o)
    certificate.trained[#certificate.trained + 1] = r
    line(run, r)
    if r.held_out then print(("%24s   accuracy on the other half %.4f"):format("", r.held_out)) end
  end
end

-- ---- where training collapses -------------------------------------------------------------------

local SCALES <const>, LAMBDAS <const> = { 0.1, 0.3, 1, 3 }, { 5e-5, 5e-4, 5e-3 }
local margin_map <const>, accuracy_map <const> = {}, {}
print "\nk = 3, p = 23, a quarter of the steps; lambda: accuracy, margin over gamma*"
for i, scale in ipairs(SCALES) do
  margin_map[i], accuracy_map[i] = {}, {}
  local words <const> = {}
  for j, lambda in ipairs(LAMBDAS) do
    local r <const> = train { k = 3, p = 23, m = 352, lr = 1e-3, lambda = lambda, scale = scale,
      seed = 1, steps = STEPS // 4 }
    local collapsed <const> = r.norm < 1e-3
    certificate.sweep[#certificate.sweep + 1] = { scale = scale, lambda = lambda, norm = r.norm,
      margin = r.margin, accuracy = r.accuracy, collapsed = collapsed }
    margin_map[i][j], accuracy_map[i][j] = collapsed and 0 or r.margin, r.accuracy
    words[j] = ("%g: %.2f %5.2f%s"):format(lambda, r.accuracy, r.margin,
      collapsed and " collapsed" or "")
  end
  print(("scale %.1f | %s"):format(scale, table.concat(words, " | ")))
end

-- ---- attention in place of a hidden layer -------------------------------------------------------

-- The paper's other network: one layer of attention over the k numbers and nothing else, read at
-- the last of them. The only product in it is that of attention and value, so sums must be computed
-- there. Smaller than theirs (160 heads; p = 61 for k = 3), so that it fits a minute.
local HEADS <const>, WIDTH <const>, PRIME <const> = 32, 128, 13
local PART <const> = WIDTH // HEADS

local Attention <const> = nn.Module:extend "Attention"

function Attention:init(generator)
  local function weights(rows, columns)
    return (mlp.randn(rows, columns, { generator = generator }) / math.sqrt(rows)):requires_grad_()
  end
  self.numbers = mlp.randn(PRIME, WIDTH, { generator = generator }):requires_grad_()
  self.query, self.key, self.value = weights(WIDTH, WIDTH), weights(WIDTH, WIDTH),
    weights(WIDTH, WIDTH)
  self.output = weights(WIDTH, PRIME)
end

---@param tokens mlp.Tensor (B, k) int64
---@return mlp.Tensor logits (B, p)
function Attention:forward(tokens)
  local B <const>, k <const> = table.unpack(tokens.shape)
  local x <const> = mlp.embedding(self.numbers, tokens)
  local function heads(weights) -- (B, heads, k, part)
    return x:matmul(weights):reshape(B, k, HEADS, PART):permute(1, 3, 2, 4)
  end
  local last <const> = heads(self.query):slice(3, k, k)
  local scores <const> = last:matmul(heads(self.key):transpose(3, 4)) / math.sqrt(PART)
  local read <const> = scores:softmax(-1):matmul(heads(self.value)) -- (B, heads, 1, part)
  return read:reshape(B, WIDTH):matmul(self.output)
end

--- The scores of all pairs of numbers in one head, E W^KQ E' (p, p).
function Attention:scores(head)
  local columns <const> = { {}, { (head - 1) * PART + 1, head * PART } }
  local function seen(weights)
    return self.numbers:detach():to("float64"):matmul(weights:detach():to("float64")[columns])
  end
  return seen(self.query):matmul(seen(self.key):t())
end

--- The energy of scores by pairs of frequencies (K, K), cosines and sines together, as shares; what
--- is constant along an axis is left out.
local function two_dimensional(scores)
  local energy
  local bases <const> = { waves(PRIME) }
  for _, left in ipairs(bases) do
    for _, right in ipairs(bases) do
      local part <const> = left:matmul(scores):matmul(right:t()):square()
      energy = energy and energy + part or part
    end
  end
  return energy / energy:sum()
end

local function train_attention(steps)
  local generator <const> = mlp.generator(1)
  local tokens <const>, classes <const> = all_sums(3, PRIME)
  local order <const> = mlp.randperm(#classes, { generator = generator })
  local cut <const> = #order * 4 // 5
  local model <const> = Attention(generator)
  local adam <const> = mlp.optim.AdamW(model:parameters(),
    { lr = 1e-3, betas = { 0.9, 0.98 }, weight_decay = 1 })
  local learn <const> = mlp.compile(function(batch, sums)
    local loss <const> = mlp.loss.cross_entropy(model(batch), sums)
    adam:zero_grad()
    loss:backward()
    adam:step()
  end)
  for _ = 1, steps do
    local rows <const> = order:index_select(1,
      mlp.randint(1, cut, { 512 }, { generator = generator }))
    learn(tokens:index_select(1, rows), classes:index_select(1, rows))
  end
  local _ <close> = mlp.no_grad()
  local right <const> = model(tokens):argmax(2):eq(classes):to("float64"):index_select(1, order)
  return model, right:slice(1, 1, cut):mean():item(),
    right:slice(1, cut + 1, #order):mean():item()
end

local attention <const>, seen_accuracy <const>, held_accuracy <const> =
  train_attention(STEPS // 8)
local head_spectra <const>, on_diagonal, largest = {}, 0, 0
for head = 1, HEADS do
  local shares <const> = two_dimensional(attention:scores(head))
  local place <const> = shares:reshape(-1):argmax():item() - 1
  on_diagonal = on_diagonal + (place // #shares == place % #shares and 1 or 0)
  largest = largest + shares:amax():item() / HEADS
  head_spectra[head] = shares
end
certificate.attention = { accuracy = seen_accuracy, held_out = held_accuracy,
  on_diagonal = on_diagonal / HEADS, largest = largest }
print(("\nattention, k = 3, p = %d, %d heads, %d steps: accuracy %.4f, on the fifth kept back %.4f")
  :format(PRIME, HEADS, STEPS // 8, seen_accuracy, held_accuracy))
print(("scores in two dimensions: the largest of %d bins holds %.2f of the energy in the mean, and")
  :format((PRIME // 2) ^ 2 // 1 | 0, largest))
print(("is one of equal frequencies in %d of %d heads"):format(on_diagonal, HEADS))

-- ---- the report ---------------------------------------------------------------------------------

local first <const> = certificate.trained[1]
local p <const> = first.spec.p
local _, strongest <const> = first.weight:topk(4)
local residues <const> = mlp.arange(0, p - 1, { dtype = "float64" })

--- The tables of a neuron, and one line through each by its largest cosine.
local function neuron_figure(i)
  local figure <const> = { title = ("Neuron %d"):format(i), x_label = "number", width = 420,
    legend = "none", height = 260 }
  for _, s in ipairs(first.list) do
    figure[#figure + 1] = { x = residues, y = s.rows[i], marker = true }
  end
  return plot.lines(figure)
end

local function spectrum_figure(i)
  local names <const> = {}
  for k = 1, (p - 1) // 2 do names[k] = tostring(k) end
  local output <const> = first.list[#first.list]
  return plot.bars { output.power[i] / output.power[i]:sum(), names = names, width = 420,
    height = 260, title = ("Spectrum of its output, frequency %d"):format(first.frequency:get(i)),
    x_label = "frequency", y_label = "share of energy", values = false }
end

local panels <const> = {}
for n = 1, #strongest do
  panels[#panels + 1] = neuron_figure(strongest:get(n))
  panels[#panels + 1] = spectrum_figure(strongest:get(n))
end
local names <const> = {}
for k = 1, (p - 1) // 2 do names[k] = tostring(k) end
local neurons_figure <const> = plot.grid { columns = 2, table.unpack(panels) }
local counts_figure <const> = plot.bars { first.counts, names = names, x_label = "frequency",
  y_label = "neurons", title = "Every frequency is used", width = 560 }
local power_figure <const> = plot.histogram { { first.before.power, name = "before" },
  { first.power, name = "after" }, bins = 30, x_label = "share of energy at the largest frequency",
  title = "From noise to cosines", scale = "share", width = 560 }
local scale_names <const>, lambda_names <const> = {}, {}
for i, scale in ipairs(SCALES) do scale_names[i] = ("%g"):format(scale) end
for j, lambda in ipairs(LAMBDAS) do lambda_names[j] = ("%g"):format(lambda) end

local page <const> = mlp.report { title = "Fourier circuits",
  subtitle = "Adding k numbers modulo p with one hidden layer. After Li, Liang, Shi, Song and Zhou "
    .. "2024, *Fourier Circuits in Neural Networks and Transformers*.",
  footer = ("`lua5.4 examples/fourier_circuits.lua %d %d`; %d seconds."):format(STEPS, SEEDS,
    os.time() - started) }
page:heading "Built"
page:text("The widest margin that a network of L_{2,k+1} norm 1 can have is gamma* = 2 k! / "
  .. "((2k+2)^((k+1)/2) (p-1) p^((k-1)/2)). Cosines of all frequencies, with phases that add up, "
  .. "have it on every input. The authors need 2^(2k-1) neurons for each frequency; a grid of "
  .. "three phases for each input needs 3^k, which is fewer from k = 3 on (27 against 32, 81 "
  .. "against 128). Two phases are too few: what should cancel does not.")
local built <const> = {}
for i, r in ipairs(certificate.built) do
  built[i] = { r.k, r.p, r.label, r.m, r.least, r.gamma, ("%.1e"):format(r.gap) }
end
page:table { rows = built, digits = 7, columns = { "k", "p", "phases", "neurons", "least margin",
  "gamma*", "furthest from it" }, caption = "Margins over all p^k inputs, in float64." }
page:heading "Trained"
local rows <const> = {}
for i, r in ipairs(certificate.trained) do
  local o <const> = r.spec
  rows[i] = { ("(%d, %d, %d)"):format(o.k, o.p, o.m), o.share or 1, o.seed, o.steps, r.accuracy,
    r.held_out or "", r.margin, r.mean_power, r.before.mean_power, r.law,
    ("%d to %d"):format(math.min(table.unpack(r.counts)), math.max(table.unpack(r.counts))) }
end
page:table { rows = rows, digits = 4, columns = { "(k, p, m)", "share", "seed", "steps", "accuracy",
  "held out", "margin / gamma*", "power", "power before", "phase law", "neurons per frequency" },
  caption = "AdamW without decay, cross entropy + lambda times the norm; power is the share of a "
    .. "neuron's energy at its largest frequency (one-sided: 1 for a cosine), weighted by "
    .. "length^(k+1); phase law is the mean |sin((sum of theta - theta_w) / 2)|. The paper shows "
    .. "power near 1 after training and near 0.27 before at p = 23, and prints no margins." }
page:figure(neurons_figure, "The four strongest neurons of the first run: three input tables and "
  .. "the output are cosines of one frequency.")
page:figure(counts_figure, "Neurons by their frequency, those that count.")
page:figure(power_figure, "All neurons, before and after training.")
page:heading "Where training collapses"
page:figure(plot.grid { columns = 2,
  plot.heatmap { accuracy_map, title = "Accuracy", row_names = scale_names,
    column_names = lambda_names, values = true,
    x_label = "lambda", y_label = "initial scale", width = 420, height = 340 },
  plot.heatmap { margin_map, title = "Margin / gamma*", row_names = scale_names,
    column_names = lambda_names, values = true,
    x_label = "lambda", y_label = "initial scale", width = 420, height = 340 } },
  ("(3, 23, 352), %d steps, seed 1. From a small start the products of three small numbers have no "
  .. "slope, and the norm pulls everything to 0."):format(STEPS // 4))
page:heading "Attention"
local maps <const> = {}
for head = 1, 3 do
  maps[head] = plot.heatmap { attention:scores(head), title = ("Scores of head %d"):format(head),
    x_label = "number attended to", y_label = "last number", width = 360, height = 330,
    colours = "diverging", centre = 0 }
  maps[3 + head] = plot.heatmap { head_spectra[head], title = "Its spectrum", width = 360,
    x_label = "frequency", y_label = "frequency", height = 330, values = true, digits = 2 }
end
page:figure(plot.grid { columns = 3, table.unpack(maps) }, ("One layer of attention, k = 3, p = "
  .. "%d, %d heads of %d, AdamW 1e-3 with decay 1, four fifths of the sums, %d steps: accuracy "
  .. "%.4f, and %.4f on the rest. Scores are waves in both numbers: one bin of the "
  .. "two-dimensional spectrum holds %.0f %% of the energy in the mean, and in %d of %d heads it "
  .. "is one of equal frequencies. The paper shows the same with 160 heads at p = 61."):format(
  PRIME, HEADS, PART, STEPS // 8, seen_accuracy, held_accuracy, 100 * largest, on_diagonal, HEADS))
page:heading "What is not here"
page:text("The paper's measurement of grokking in two-layer transformers for k = 2 to 5 is not "
  .. "repeated, nor are its largest networks, (4, 47, 2944) and (5, 23, 5632).")
os.execute "mkdir -p out"
assert(page:save "out/fourier_circuits.html")
assert(plot.grid { columns = 2, panels[1], panels[2], counts_figure, power_figure }
  :save "out/fourier_circuits.svg")
print "report: out/fourier_circuits.html"
return certificate
