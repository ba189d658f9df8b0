-- Grokking under k inputs (the paper's figure 4): a two-layer transformer on half of the sums. When
-- does it know what it was taught, when what it was not? The network is that of the code base the
-- authors began with: 2 pre-norm blocks, hidden 128, 4 heads of 32, feed-forward 512, dropout 0.1,
-- batches of 512; rate, decay and the primes are the paper's.
local mlp <const> = require "mlp"
local study <const>, folder <const> = ...
local sums <const> = dofile(folder .. "sums.lua")
local nn <const>, plot <const> = mlp.nn, mlp.plot
local page <const> = study.page

local PRIMES <const> = { [2] = 97, [3] = 31, [4] = 11, [5] = 5 } -- p by k: about equally many sums
local LAST <const> = study:steps(tonumber(study.options.steps) or 20000)
local EVERY <const> = study.quick and LAST // 2 or 200
local LEARNED <const>, SEEN <const> = 0.99, 4096 -- accuracy that counts; sums it is measured on

--- The numbers, then a token that asks for the answer: (p^k, k + 1).
local function questions(k, p)
  local tokens <const>, classes <const> = sums.all(k, p)
  local asks <const> = mlp.full({ #tokens, 1 }, p + 1, { dtype = "int64" })
  return mlp.cat({ tokens, asks }, 2), classes
end

local Adder <const> = nn.Module:extend "Adder"

function Adder:init(k, p)
  self.transformer = nn.Transformer { vocabulary = p + 1, context = k + 1, dim = 128, layers = 2,
    heads = 4, ffn = { hidden = 512 }, rope = false, tied = false, dropout = 0.1 }
end

--- What stands at the last place.
---@param tokens mlp.Tensor (B, k + 1) int64
---@return mlp.Tensor logits (B, p + 1)
function Adder:forward(tokens) return self.transformer(tokens):select(2, -1) end

local function compiled_step(model)
  local adam <const> = mlp.optim.AdamW(model:parameters(),
    { lr = 1e-3, betas = { 0.9, 0.98 }, weight_decay = 1e-3 })
  return adam, mlp.compile(function(tokens, classes)
    local loss <const> = mlp.loss.cross_entropy(model(tokens), classes)
    adam:zero_grad()
    loss:backward()
    adam:step()
  end, { batch = { 1, 2 }, tolerant = true })
end

--- Trains until both halves are known, or to the last step.
---@return {train: integer?, held: integer?, step: integer, curve: table, seconds: integer}
local function grok(k, p, seed)
  mlp.manual_seed(seed)
  local tokens <const>, classes <const> = questions(k, p)
  local split <const>, model <const> = sums.split(#classes, 0.5), Adder(k, p)
  local adam <const>, learn <const> = compiled_step(model)
  local warm <const>, started <const> = mlp.schedule.warmup(10), os.time()
  local run <const> = { curve = { step = {}, train = {}, held = {} } }
  for step = 1, LAST do
    local rows <const> = sums.batch(split.train, 512)
    adam.factor, run.step = warm(step), step
    learn(tokens:index_select(1, rows), classes:index_select(1, rows))
    if step % EVERY == 0 then
      model:eval()
      for _, half in ipairs { "train", "held" } do
        local share <const> = sums.accuracy(model, tokens, classes, split[half], SEEN)
        table.insert(run.curve[half], share)
        if share >= LEARNED then run[half] = run[half] or step end
      end
      model:train()
      table.insert(run.curve.step, step)
      if run.train and run.held then break end
    end
  end
  run.seconds = os.difftime(os.time(), started) // 1 | 0
  return run
end

--- A step that was reached, or that it was not until the run ended.
local function reached(step, run) return step or ("> %d"):format(run.step) end

local function gap_of(run)
  if not run.train then return "–" end
  return run.held and run.held - run.train or ("> %d"):format(run.step - run.train)
end

page:heading "Grokking under k inputs"
local add <const>, finish <const> = study:growing_table({ "k", "p", "sums", "seed",
  "known ≥ 0.99", "unseen ≥ 0.99", "gap", "unseen / known", "unseen at end", "seconds" },
  ("From knowing to understanding. Steps until 99 %% of the taught half and of the other half are "
  .. "right, looked at every %d; the network, rate 1e-3 and decay 1e-3 as said above; “> n” is a "
  .. "run that ended before (at most %d steps). The paper shows curves of one run each and prints "
  .. "no numbers; its claim is that the gap shrinks as k grows."):format(EVERY, LAST))
local certificate <const>, figures <const> = {}, {}
local asked <const> = study.options.k or "2345"
for k = 2, 5 do
  if asked:find(k, 1, true) then
    local p <const>, list <const> = PRIMES[k], { log_x = true, x_label = "step", width = 460,
      height = 320, legend = "top", title = ("k = %d, p = %d"):format(k, PRIMES[k]) }
    for _, seed in ipairs(study:seeds(3)) do
      local run <const> = grok(k, p, seed)
      local c <const> = run.curve
      add { k, p, p ^ k // 1 | 0, seed, reached(run.train, run), reached(run.held, run),
        gap_of(run), run.held and run.train and run.held / run.train, c.held[#c.held],
        run.seconds }
      for i, half in ipairs { "train", "held" } do
        list[#list + 1] = { x = c.step, y = c[half], colour = i == 1 and "#0072b2" or "#d55e00",
          name = seed == 1 and (i == 1 and "taught" or "unseen") or nil }
      end
      certificate[#certificate + 1] = { k = k, p = p, seed = seed, run = run }
    end
    figures[#figures + 1] = plot.lines(list)
  end
end
finish()
page:text("The network: learned positions, 2 pre-norm blocks, hidden 128, 4 heads of 32, "
  .. "feed-forward 512 with GELU, dropout 0.1, batches of 512, half of the sums, AdamW with betas "
  .. "0.9 and 0.98, warm-up of 10 steps. The paper says 160 heads, which do not divide 128; the "
  .. "code base it began with has 4.")
study:figures(figures, 2, "Accuracy on what was taught and on what was not, one pair of lines for "
  .. "each seed.")
study.certificate.grokking = certificate
