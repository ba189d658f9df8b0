-- A character model of Shakespeare, twice: with dense gated feed-forward networks, and with
-- mixtures of 8 experts of which every character uses 2. Both do the same work for a character and
-- take the same steps on the same batches; each is given the best of the same three learning
-- rates. The difference is averaged over seeds; what the clock says is printed too.
--   MLP_DATA=... lua5.4 examples/shakespeare_moe.lua [steps 400] [seeds 3]
-- reads text/tinyshakespeare.txt in the folder that MLP_DATA names.
local mlp = require "mlp"
local nn, plot = mlp.nn, mlp.plot
local STEPS <const>, SEEDS <const> = tonumber(arg and arg[1]) or 400, tonumber(arg and arg[2]) or 3
local RATES <const> = { 1e-3, 3e-3, 1e-2 }
local T <const>, B <const>, DIM <const>, HIDDEN <const>, EXPERTS <const> = 64, 16, 64, 96, 8
os.execute "mkdir -p out"

-- ---- the text -----------------------------------------------------------------------------------

local path = (os.getenv "MLP_DATA" or ".") .. "/text/tinyshakespeare.txt"
local file = io.open(path, "rb")
if not file then
  print(path .. " is not there: MLP_DATA must name the folder with the text.")
  return
end
local text = file:read "a"
local bytes = mlp.frombytes(text, "uint8", { #text }):to "int64"
local alphabet, characters = bytes:unique()
local V <const> = #alphabet
local cut <const> = #text * 9 // 10 -- what follows is for validation

--- B pieces of T characters and what follows each character.
local function batch(first, last, generator)
  local starts = mlp.randint(first, last - T - 1, { B, 1, generator = generator })
  local at = starts + mlp.arange(0, T, { dtype = "int64" })
  local piece = characters:index_select(1, at:reshape(-1)):reshape(B, T + 1)
  return piece:slice(2, 1, T), piece:slice(2, 2, T + 1)
end

local validation = {}
do
  local generator = mlp.generator(7)
  for i = 1, 16 do validation[i] = { batch(cut + 1, #text, generator) } end
end

-- ---- the two models -----------------------------------------------------------------------------

-- The router's work, 2 DIM EXPERTS, is worth this many units of the dense network, 6 DIM each.
local ROUTER <const> = (2 * EXPERTS + 5) // 6
local FFN <const> = {
  dense = { kind = "glu", hidden = 2 * HIDDEN + ROUTER },
  mixture = { kind = "moe", hidden = HIDDEN, experts = EXPERTS, top_k = 2,
    router = { kind = "mixtral", balance = 0.02 } },
}

local function make(kind)
  return nn.Transformer { vocabulary = V, context = T, dim = DIM, layers = 2, heads = 4,
    norm = "rms", bias = false, ffn = FFN[kind] }
end

local function loss_of(model, x, y)
  local logits, auxiliary = model(x)
  return mlp.loss.cross_entropy(logits, y), auxiliary
end

local function validate(model)
  model:eval()
  local total = 0
  mlp.no_grad(function()
    for _, pair in ipairs(validation) do total = total + loss_of(model, pair[1], pair[2]):item() end
  end)
  model:train()
  return total / #validation
end

--- Trains, and notes {seconds of training, loss on validation} ten times.
local function train(kind, rate, seed)
  mlp.manual_seed(seed)
  local model, generator = make(kind), mlp.generator(100 + seed)
  local optimizer = mlp.optim.AdamW(model:parameters(), { lr = rate })
  local curve, seconds = {}, 0
  for step = 1, STEPS do
    local started = os.clock()
    optimizer.lr = rate * math.min(step / 50, 1) * (1 - 0.9 * step / STEPS)
    local loss, auxiliary = loss_of(model, batch(1, cut, generator))
    if auxiliary then loss = loss + auxiliary.loss end
    optimizer:zero_grad()
    loss:backward()
    mlp.optim.clip_norm(model:parameters(), 1)
    optimizer:step()
    seconds = seconds + os.clock() - started
    if step % math.max(1, STEPS // 10) == 0 then
      curve[#curve + 1] = { seconds, validate(model) }
    end
  end
  return curve, model
end

-- ---- tuning, and the comparison -----------------------------------------------------------------

local function last(curve) return curve[#curve][2] end

local function mean(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return sum / #list
end

local best, sample = {}, nil
for _, kind in ipairs { "dense", "mixture" } do
  for _, rate in ipairs(RATES) do
    local curves, losses = {}, {}
    for seed = 1, SEEDS do
      local curve, model = train(kind, rate, seed)
      curves[seed], losses[seed] = curve, last(curve)
      if kind == "mixture" then sample = model end
    end
    print(("%-8s rate %g: %.4f nats per character"):format(kind, rate, mean(losses)))
    if not best[kind] or mean(losses) < best[kind].loss then
      best[kind] = { loss = mean(losses), losses = losses, curves = curves, rate = rate }
    end
  end
end

local differences = {}
for seed = 1, SEEDS do
  differences[seed] = best.dense.losses[seed] - best.mixture.losses[seed]
end
local d, squares = mean(differences), 0
for _, v in ipairs(differences) do squares = squares + (v - d) ^ 2 end
local error_of_mean = SEEDS > 1 and math.sqrt(squares / (SEEDS - 1) / SEEDS) or 0
print(("\nmixture below dense at equal work and steps: %.4f +- %.4f (standard error, %d seeds): %s")
  :format(d, error_of_mean, SEEDS,
    d > 2 * error_of_mean and "beyond 2 standard errors" or "not beyond 2 standard errors"))

--- The loss of a curve after so many seconds, on the line between its points.
local function at(curve, seconds)
  local before = curve[1]
  for _, point in ipairs(curve) do
    if point[1] >= seconds then
      local share = point[1] > before[1] and (seconds - before[1]) / (point[1] - before[1]) or 1
      return before[2] + share * (point[2] - before[2])
    end
    before = point
  end
  return before[2]
end

local clock = {}
for seed = 1, SEEDS do
  local dense, mixture = best.dense.curves[seed], best.mixture.curves[seed]
  local seconds = math.min(dense[#dense][1], mixture[#mixture][1])
  clock[seed] = at(dense, seconds) - at(mixture, seconds)
end
local function seconds_of(kind) return best[kind].curves[1][#best[kind].curves[1]][1] end
print(("mixture below dense when the faster one ends: %.4f (dense %.1f s, mixture %.1f s)"):format(
  mean(clock), seconds_of "dense", seconds_of "mixture"))

-- ---- pictures, and what the experts like --------------------------------------------------------

local COLOURS <const> = { dense = "#888888", mixture = "#0072b2" }

--- Every seed's curve, the first named, across the steps ("step") or the clock ("second").
local function curves_of(across)
  local series = {}
  for _, kind in ipairs { "dense", "mixture" } do
    for seed, curve in ipairs(best[kind].curves) do
      local x, y = {}, {}
      for i, point in ipairs(curve) do
        x[i], y[i] = across == "second" and point[1] or i * math.max(1, STEPS // 10), point[2]
      end
      series[#series + 1] = { x = x, y = y, colour = COLOURS[kind],
        name = seed == 1 and ("%s, rate %g"):format(kind, best[kind].rate) or nil }
    end
  end
  series.x_label, series.width = across, 460
  series.y_label = "validation loss, nats per character"
  return plot.lines(series)
end

local x = validation[1][1]
local labels = {}
for i, c in ipairs(x:reshape(-1):totable()) do
  labels[i] = ("%q"):format(string.char(alphabet:get(c))):gsub("\\\n", "\\n")
end
local inputs
do
  local _ <close> = sample:hook("blocks.2.norm2", function(out) inputs = out end)
  mlp.no_grad(function() sample(x) end)
end
print "\nWhat the experts of the second block take:"
local report = sample.blocks[2].ffn:report(inputs, { labels = labels, samples = 8 })
print(report)
assert(plot.grid({
  plot.grid { curves_of "step", curves_of "second", columns = 2,
    title = "Shakespeare by characters: a mixture and a dense network of equal work",
    subtitle = ("Each at the best of three rates, %d seeds"):format(SEEDS) },
  report:figure { title = "The experts of the second block, and the characters they take" },
  columns = 1 }):save "out/shakespeare_moe.svg")
