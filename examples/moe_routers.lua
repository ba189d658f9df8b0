-- All routers of nn.MoE side by side. Words of 8 topics, each topic with a linear map of its own
-- that its words must be sent through: eight experts could each learn one. The table says who
-- does: loss on held-out tokens, the largest load over the mean, how much an expert knows of the
-- topic (normalised mutual information), work and time. Beside them two dense networks: as many
-- active weights as one expert, and as two.
--   lua5.4 examples/moe_routers.lua [steps 1000] [seeds 5]
-- Loads that balance: Fedus et al. 2021, section 2.2; who goes where, drawn: out/moe_routers.svg.
local mlp = require "mlp"
local nn, plot = mlp.nn, mlp.plot
local STEPS <const>, SEEDS <const> = tonumber(arg and arg[1]) or 1000, tonumber(arg and arg[2]) or 5
local E <const>, D <const>, H <const>, B <const> = 8, 16, 24, 512 -- experts, width, hidden, batch
local WORDS <const> = 32 -- of each topic
os.execute "mkdir -p out"

-- ---- the task -----------------------------------------------------------------------------------

local function make_task()
  local task = { maps = mlp.randn(E, D, D) / math.sqrt(D),
    words = (mlp.randn(E, 1, D) + 0.3 * mlp.randn(E, WORDS, D)):reshape(E * WORDS, D) }
  function task.batch(n)
    local word = mlp.randint(1, E * WORDS, { n })
    local topic = mlp.floor_divide(word - 1, WORDS) + 1
    local x = task.words:index_select(1, word) + 0.2 * mlp.randn(n, D)
    local y = task.maps:index_select(1, topic):matmul(x:unsqueeze(3)):squeeze(3)
    return x, y, word, topic
  end
  return task
end

-- ---- the networks -------------------------------------------------------------------------------

local function moe(router, options)
  return function()
    local o = { dim = D, hidden = H, experts = E, expert = "ffn", bias = true, router = router }
    for key, value in pairs(options or {}) do o[key] = value end
    return nn.MoE(o)
  end
end

-- Switch's own coefficient, 0.01, is small beside a cross entropy; this loss is smaller.
local NETWORKS <const> = {
  { "dense, one expert's work", function() return nn.FFN { dim = D, hidden = H } end },
  { "dense, two experts' work", function() return nn.FFN { dim = D, hidden = 2 * H } end },
  { "top 1, no balancing", moe { kind = "topk", top_k = 1, renormalise = false } },
  { "top 2, no balancing", moe { kind = "topk" } },
  { "Switch", moe { kind = "switch", balance = 0.1 } },
  { "Switch, dropless, z-loss", moe { kind = "switch", balance = 0.1,
    capacity = 8, eval_capacity = 8, z = 1e-3 } },
  { "Mixtral, top 2", moe { kind = "mixtral" } },
  { "DeepSeek: sigmoid, bias", moe { kind = "deepseek", top_k = 1, renormalise = false,
    bias_rate = 0.01 } },
  { "DeepSeek, two of four groups", moe { kind = "deepseek", groups = 4, group_limit = 2,
    bias_rate = 0.01 } },
  { "DeepSeek, one shared", moe({ kind = "deepseek", top_k = 1, renormalise = false,
    bias_rate = 0.01 }, { shared = 1 }) },
  { "noisy top 2", moe { kind = "noisy" } },
  { "expert choice", moe { kind = "expert_choice", capacity = 1 } },
  { "hash of the word", moe { kind = "hash" } },
  { "soft: all experts", moe { kind = "soft" } },
}

local function forward(model, x, word)
  if model.router then return model(x, word) end
  return model(x), nil
end

local function train(model, task)
  local optimizer = mlp.optim.Adam(model:parameters(), { lr = 5e-3 })
  local started = os.clock()
  for _ = 1, STEPS do
    local x, y, word = task.batch(B)
    local out, auxiliary = forward(model, x, word)
    local loss = mlp.loss.mse(out, y)
    if auxiliary then loss = loss + auxiliary.loss end
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
  end
  return os.clock() - started
end

-- ---- what is measured ---------------------------------------------------------------------------

--- How often a token of each topic goes to each expert (topics, experts).
local function contingency(model, auxiliary, x, topic)
  local n = x:size(1)
  local expert = auxiliary.expert and auxiliary.expert:select(2, 1)
  if not expert then
    expert = model.router.linear(x):argmax(2) -- the expert that weighs the token highest
  end
  return mlp.zeros(E * E):scatter_add(1, (topic - 1) * E + expert, mlp.ones(n)):reshape(E, E)
end

--- I(topic; expert) / sqrt(H(topic) H(expert)).
local function nmi(counts)
  local p = counts / counts:sum()
  local function entropy(q) return -(q * (q + 1e-12):log()):sum():item() end
  local rows, columns = entropy(p:sum(2)), entropy(p:sum(1))
  if rows * columns <= 1e-9 then return 0 end
  return (rows + columns - entropy(p)) / math.sqrt(rows * columns)
end

local function measure(model, task)
  model:eval()
  return mlp.no_grad(function()
    local x, y, word, topic = task.batch(4096)
    local out, auxiliary = forward(model, x, word)
    local result = { loss = mlp.loss.mse(out, y):item() }
    if not auxiliary then return result end
    result.counts = contingency(model, auxiliary, x, topic)
    result.nmi, result.violation = nmi(result.counts), auxiliary.violation:item()
    result.largest = (auxiliary.load:amax() / auxiliary.load:sum()):item()
    return result
  end)
end

local function statistics(list, field)
  local n, sum, squares = #list, 0, 0
  for _, r in ipairs(list) do sum = sum + (r[field] or 0) end
  for _, r in ipairs(list) do squares = squares + ((r[field] or 0) - sum / n) ^ 2 end
  return sum / n, n > 1 and math.sqrt(squares / (n - 1)) or 0
end

--- Multiplications and additions for one token; a hash router has none of its own.
local function work_of(model)
  if model.router and not model.router.linear then return model:flops(mlp.zeros(1, D)) end
  local total = model:summary({ 64, D }):match "total[^\n]*%s([%d,]+)\n"
  return tonumber((total:gsub(",", ""))) / 64
end

-- ---- the table ----------------------------------------------------------------------------------

print(("%-30s %-19s %-9s %-15s %-7s %6s %7s"):format("network", "loss", "max/mean", "NMI",
  "largest", "FLOPs", "seconds"))
local results, figures = {}, {}
for _, network in ipairs(NETWORKS) do
  local name, make = table.unpack(network)
  local list = {}
  for seed = 1, SEEDS do
    mlp.manual_seed(seed)
    local task = make_task()
    mlp.manual_seed(1000 + seed)
    local model = make()
    local seconds = train(model, task)
    list[seed] = measure(model, task)
    list[seed].seconds, list[seed].flops = seconds, work_of(model)
  end
  results[name] = list
  local loss, spread = statistics(list, "loss")
  local known, known_spread = statistics(list, "nmi")
  local line = ("%-30s %.5f +- %.5f"):format(name, loss, spread)
  if list[1].nmi then
    line = line .. ("  %-9.2f %.3f +- %.3f  %.3f "):format(statistics(list, "violation"), known,
      known_spread, (statistics(list, "largest")))
    figures[#figures + 1] = plot.heatmap { list[1].counts, title = name, x_label = "expert",
      y_label = "topic", width = 300, colours = "blues" }
  else
    line = line .. (" "):rep(36)
  end
  print(("%s %6s %7.2f"):format(line, list[1].flops and ("%.0f"):format(list[1].flops) or "",
    (statistics(list, "seconds"))))
end

-- ---- what was found -----------------------------------------------------------------------------

local function largest_of(name)
  local most = 0
  for _, r in ipairs(results[name]) do most = math.max(most, r.largest) end
  return most
end

local function found(ok) return ok and "found" or "not found" end

local collapse = math.max(largest_of "top 1, no balancing", largest_of "top 2, no balancing")
print(("\ncollapse without balancing (largest share of the load 0.4 or more): %s (%.2f)"):format(
  found(collapse >= 0.4), collapse))
local switch = statistics(results.Switch, "loss")
local dense = statistics(results[NETWORKS[1][1]], "loss")
print(("Switch below the dense network of equal work: %s (%.5f, %.5f)"):format(
  found(switch < dense), switch, dense))
figures.columns, figures.title = 4, "Which expert takes which topic, seed 1"
assert(plot.grid(figures):save "out/moe_routers.svg")
