-- Training one circuit, and the line of a table that says what came of it.
local mlp <const> = require "mlp"
local folder <const> = ...
local circuit <const> = loadfile(folder .. "circuit.lua")(folder)
local sums <const> = dofile(folder .. "sums.lua")

local learn = {}

local BATCH <const> = 1024
local EXAMINED <const> = 65536 -- sums, at most, that margins and accuracies are taken over

---@class Spec
---@field k integer
---@field p integer
---@field m integer neurons
---@field lr number of AdamW, without decay, betas 0.9 and 0.98, warm-up 10 (section J.1)
---@field lambda number of the norm; the loss is mean cross-entropy + lambda ||theta||_{2,k+1}
---@field steps integer
---@field seed integer of weights, split and batches
---@field share number? of the sums that are trained on, default 1
---@field scale number? of the initial weights, default 1

local function compiled_step(model, o)
  local adam <const> = mlp.optim.AdamW(model:parameters(),
    { lr = o.lr, betas = { 0.9, 0.98 }, weight_decay = 0 })
  return adam, mlp.compile(function(tokens, classes)
    local loss <const> = mlp.loss.cross_entropy(model(tokens), classes)
    adam:zero_grad();
    (loss + model:norm() * o.lambda):backward()
    adam:step()
  end, { batch = { 1, 2 }, tolerant = true })
end

local function some(rows, most) return #rows > most and rows:slice(1, 1, most) or rows end

---@param o Spec
---@return {spec: Spec, before: Reading, reading: Reading, accuracy: number, held_out: number?,
---  margin: number, norm: number, power: number, plain_power: number, law: number}
function learn.train(o)
  local generator <const>, started <const> = mlp.generator(o.seed), os.time()
  local tokens <const>, classes <const> = sums.all(o.k, o.p)
  local split <const> = sums.split(#classes, o.share or 1, generator)
  local model <const> = circuit.Circuit(o.k, o.p, o.m,
    { scale = o.scale or 1, generator = generator })
  local before <const> = circuit.read(model)
  local adam <const>, update <const> = compiled_step(model, o)
  local warm <const> = mlp.schedule.warmup(10)
  for step = 1, o.steps do
    local rows <const> = sums.batch(split.train, BATCH, generator)
    adam.factor = warm(step)
    update(tokens:index_select(1, rows), classes:index_select(1, rows))
  end
  local margin <const>, accuracy <const> =
    circuit.margins(model, tokens, classes, some(split.train, EXAMINED))
  local reading <const> = circuit.read(model)
  local function weighted(x) return (x * reading.weight):sum():item() end
  return { spec = o, before = before, reading = reading, accuracy = accuracy,
    held_out = split.held and sums.accuracy(model, tokens, classes, split.held, EXAMINED),
    margin = margin:amin():item() / circuit.widest_margin(o.k, o.p), norm = model:norm():item(),
    power = weighted(reading.power), plain_power = reading.power:mean():item(),
    law = weighted(reading.law), seconds = os.difftime(os.time(), started) // 1 | 0 }
end

learn.COLUMNS = { "(k, p, m)", "steps, rate, λ", "seed", "right", "held out", "margin / γ*",
  "power", "phase law", "neurons per frequency", "s" }

learn.CAPTION = "Cross-entropy + λ times the norm, from weights of scale 1, on all sums, or on "
  .. "half of them where a share of right answers is told for what was held out; margins and "
  .. "“right” over what was taught. Power is the share of a neuron's energy at its largest "
  .. "frequency, the mean over neurons weighted by length^{k+1}, then all alike; phase law is the "
  .. "mean |sin((Σθ − θ_w) / 2)|, weighted; then the fewest and the most neurons of a frequency, "
  .. "and seconds. A C reproduction of (3, 23, 352) with all sums had margin 0.92 γ\\*, power "
  .. "0.98, phase law 0.0012, 27 to 38 neurons per frequency; of half the sums at λ = 0.005 0.5 to "
  .. "0.6 γ\\* and power 0.75. The paper prints no margins and no seeds."

local NO_BREAK <const> = "\u{A0}" -- a space that keeps a cell on one line

local function whole(text) return (text:gsub(" ", NO_BREAK)) end

--- A run as a row of such a table.
function learn.row(r)
  local o <const>, counts <const> = r.spec, r.reading.counts
  return { whole(("(%d, %d, %d)"):format(o.k, o.p, o.m)),
    whole(("%d, %g, %g"):format(o.steps, o.lr, o.lambda)), o.seed, r.accuracy, r.held_out,
    ("%.3f"):format(r.margin), whole(("%.3f, %.2f"):format(r.power, r.plain_power)), r.law,
    whole(("%d – %d"):format(math.min(table.unpack(counts)), math.max(table.unpack(counts)))),
    r.seconds }
end

return learn
