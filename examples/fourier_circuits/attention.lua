-- One layer of attention in place of the hidden layer (section 5, figures 3 and 9), at the paper's
-- size: 160 heads, hidden 128, batches of 1,024, half of the sums. The only product of two inputs
-- in it is that of attention and value, so the sum must be computed there.
local study <const>, folder <const> = ...
local mlp <const> = require "mlp"
local sums <const> = dofile(folder .. "sums.lua")
local nn <const>, plot <const>, fourier <const> = mlp.nn, mlp.plot, mlp.fourier

local HIDDEN <const> = 128
local HEADS <const> = study.quick and 8 or 160
local WIDTH <const> = 4 -- of a head; the paper does not say

--- W^P (W^V_h E softmax(E' W^K_h W^Q_h' E))_h, read at the last of the k numbers. Nothing tells
--- places apart, so what a head says of a number, and of a pair, are tables: values (p, heads
--- width) and scores (p^2, heads), made once per step and looked up for every row.
---@class Attention: mlp.nn.Module
---@field embedding mlp.Tensor E (p, hidden)
---@field query mlp.Tensor W^Q (hidden, heads width); key and value alike
---@field output mlp.Tensor W^P (p, heads width)
local Attention <const> = nn.Module:extend "Attention"

function Attention:init(p, generator)
  local function weights(rows, columns)
    return (mlp.randn(rows, columns, { generator = generator }) / math.sqrt(columns))
      :requires_grad_()
  end
  self.p = p
  self.embedding = mlp.randn(p, HIDDEN, { generator = generator }):requires_grad_()
  self.query, self.key, self.value = weights(HEADS * WIDTH, HIDDEN), weights(HEADS * WIDTH, HIDDEN),
    weights(HEADS * WIDTH, HIDDEN)
  self.output = weights(p, HEADS * WIDTH)
end

--- E' W^KQ E of all heads: how much a last number attends to a number, before softmax.
---@return mlp.Tensor (p last, p attended to, heads)
function Attention:scores()
  local function seen(weights)
    return mlp.linear(self.embedding, weights):reshape(self.p, HEADS, WIDTH):transpose(1, 2)
  end
  return (seen(self.query):matmul(seen(self.key):transpose(2, 3)) / math.sqrt(WIDTH))
    :permute(2, 3, 1)
end

---@param tokens mlp.Tensor (B, k) int64
---@return mlp.Tensor logits (B, p)
function Attention:forward(tokens)
  local B <const>, k <const> = table.unpack(tokens.shape)
  local pair <const> = (tokens:slice(2, k, k) - 1) * self.p + tokens -- (B, k)
  local scores <const> = self:scores():reshape(self.p ^ 2 // 1 | 0, HEADS)
  local attention <const> = mlp.embedding(scores, pair):softmax(2) -- (B, k, heads)
  local values <const> = mlp.embedding(mlp.linear(self.embedding, self.value), tokens)
    :reshape(B, k, HEADS, WIDTH)
  local read <const> = (values * attention:unsqueeze(4)):sum(2)
  return mlp.linear(read:reshape(B, HEADS * WIDTH), self.output)
end

local function train(o)
  local generator <const>, started <const> = mlp.generator(1), os.time()
  local tokens <const>, classes <const> = sums.all(o.k, o.p)
  local split <const> = sums.split(#classes, 0.5, generator)
  local model <const> = Attention(o.p, generator)
  local adam <const> = mlp.optim.AdamW(model:parameters(),
    { lr = 1e-3, betas = { 0.9, 0.98 }, weight_decay = 1e-3 })
  local learn <const> = mlp.compile(function(x, y)
    local loss <const> = mlp.loss.cross_entropy(model(x), y)
    adam:zero_grad()
    loss:backward()
    adam:step()
  end)
  local warm <const> = mlp.schedule.warmup(10)
  for step = 1, o.steps do
    local rows <const> = sums.batch(split.train, 1024, generator)
    adam.factor = warm(step)
    learn(tokens:index_select(1, rows), classes:index_select(1, rows))
  end
  return { spec = o, model = model,
    accuracy = sums.accuracy(model, tokens, classes, split.train, 65536),
    held_out = sums.accuracy(model, tokens, classes, split.held, 65536),
    seconds = os.difftime(os.time(), started) // 1 | 0 }
end

-- ---- scores in frequencies ----------------------------------------------------------------------

--- The energy of a table of scores (p, p) by pairs of frequencies (K, K), cosines and sines
--- together, as shares. What is constant along an axis is left out: along the numbers attended to
--- softmax does not see it, along the last number it is no function of the pair.
local function spectrum(scores)
  local rows <const> = fourier.basis(#scores)
  local energy <const> = rows:matmul(scores):matmul(rows:t()):square()
  local K <const> = #scores // 2
  local waves <const> = energy[{ { 2, -1 }, { 2, -1 } }]:reshape(K, 2, K, 2):sum(4):sum(2)
  return waves / waves:sum()
end

local function heads_of(result)
  local _ <close> = mlp.no_grad()
  local scores <const> = result.model:scores():to "float64"
  local list <const> = {}
  for h = 1, HEADS do
    local table_of <const> = scores:select(3, h)
    local shares <const> = spectrum(table_of)
    local two <const> = shares:reshape(-1):topk(2)
    local place <const> = shares:argmax():item() - 1
    list[h] = { scores = table_of, shares = shares, first = two:get(1), both = two:sum():item(),
      alike = place // #shares == place % #shares, swing = table_of:std():item() }
  end
  return list
end

local function mean_of(list, value)
  local sum = 0
  for _, head in ipairs(list) do sum = sum + value(head) / #list end
  return sum
end

-- ---- runs ---------------------------------------------------------------------------------------

local RUNS <const> = study.quick and { { k = 3, p = 7, steps = study:steps(4000) } }
  or { { k = 3, p = 61, steps = 4000 }, { k = 4, p = 31, steps = 6000 } }

study.page:heading "Attention"
local add <const>, finish <const> = study:growing_table({ "k", "p", "heads", "steps", "accuracy",
  "held out", "one bin", "two bins", "equal frequencies", "seconds" }, ("One layer of attention. "
  .. "Hidden %d, %d heads of %d, AdamW 1e-3, decay 1e-3, batches of 1,024, half of the sums, seed "
  .. "1. Bins are those of the two-dimensional spectrum of a head's scores: the share of its "
  .. "energy in the largest and the largest two, mean over heads; then how many heads have equal "
  .. "frequencies along both axes there. The paper has the same (k, p), heads and hidden width and "
  .. "prints no numbers."):format(HIDDEN, HEADS, WIDTH))
local certificate <const> = {}
for i, o in ipairs(RUNS) do
  local result <const> = train(o)
  local heads <const> = heads_of(result)
  result.heads = heads
  result.one = mean_of(heads, function(h) return h.first end)
  result.two = mean_of(heads, function(h) return h.both end)
  result.alike = mean_of(heads, function(h) return h.alike and 1 or 0 end)
  certificate[i] = result
  add { o.k, o.p, HEADS, o.steps, result.accuracy, result.held_out, result.one, result.two,
    ("%d of %d"):format(math.tointeger((result.alike * HEADS + 0.5) // 1), HEADS),
    result.seconds }
end
finish()
study.certificate.attention = certificate

--- Scores and spectra of three heads, the first, the middle and the last: any will do.
local function figures_of(result)
  local above <const>, below <const> = {}, {}
  for i, h in ipairs { 1, HEADS // 2, HEADS } do
    local head <const> = result.heads[h]
    above[i] = plot.heatmap { head.scores, title = ("Scores of head %d"):format(h),
      x_label = "number attended to", y_label = "last number", width = 330, height = 310,
      colours = "diverging", centre = 0 }
    below[i] = plot.heatmap { head.shares, title = "Its two-dimensional spectrum", width = 330,
      x_label = "frequency", y_label = "frequency", height = 310 }
  end
  return table.move(below, 1, 3, 4, above)
end
for _, result in ipairs(certificate) do
  study:figures(figures_of(result), 3, ("**The paper's figure %s.** k = %d, p = %d: scores of "
    .. "three heads before softmax, and below their spectra. The paper shows heads whose scores "
    .. "are clean waves in both numbers, one or two bright bins. Here one bin holds %.0f %% of a "
    .. "head's energy in the mean over heads (spread evenly it would be %.1f %%): some heads are "
    .. "such waves, many are bands, one frequency in one number and several in the other.")
    :format(result.spec.k == 4 and "3" or "9", result.spec.k, result.spec.p, 100 * result.one,
    100 / (result.spec.p // 2) ^ 2))
end
