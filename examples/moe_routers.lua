-- All routers of nn.MoE side by side. Words of 8 topics, each topic with a linear map of its own
-- that its words must be sent through: eight experts could each learn one. The table says who
-- does: loss on held-out tokens, the largest load over the mean, how much an expert knows of the
-- topic (normalised mutual information), work and time. Beside them two dense networks, of as much
-- work for a token as one expert or two, the router's included.
--   lua5.4 examples/moe_routers.lua [steps 1000] [seeds 5]
-- Loads that balance: Fedus et al. 2021, section 2.2; losses and who takes what are drawn in
-- out/moe_routers.svg.
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

local ONE <const>, TWO <const> = "dense, work of one", "dense, work of two"

-- Networks, and the dense one that does as much: the router's 2 D E are worth E / 2 hidden units of
-- 4 D each. Balancing losses count 0.1: with the papers' 0.01 (Switch) and 0.02 (Mixtral), 1,000
-- steps leave the largest load at 1.7 and 1.2 times the mean. DeepSeek's bias moves by the paper's
-- 0.001 a step. Ten times as fast it swings: a topic is an eighth of the tokens and turns over as a
-- whole, and with groups twice, since two biases make a group's score; 1.28 instead of 1.08.
local NETWORKS <const> = {
  { ONE, function() return nn.FFN { dim = D, hidden = H + E // 2 } end },
  { TWO, function() return nn.FFN { dim = D, hidden = 2 * H + E // 2 } end },
  { "top 1, no balancing", moe { kind = "topk", top_k = 1, renormalise = false }, ONE },
  { "top 2, no balancing", moe { kind = "topk" }, TWO },
  { "Switch", moe { kind = "switch", balance = 0.1 }, ONE, "balanced" },
  { "Switch, dropless, z-loss", moe { kind = "switch", balance = 0.1,
    capacity = 8, eval_capacity = 8, z = 1e-3 }, ONE, "balanced" },
  { "Mixtral, top 2", moe { kind = "mixtral", balance = 0.1 }, TWO, "balanced" },
  { "DeepSeek, top 1", moe { kind = "deepseek", top_k = 1, renormalise = false }, ONE, "balanced" },
  { "DeepSeek, groups", moe { kind = "deepseek", groups = 4, group_limit = 2 }, TWO, "balanced" },
  { "DeepSeek, one shared", moe({ kind = "deepseek", top_k = 1, renormalise = false },
    { shared = 1 }), TWO, "balanced" },
  { "noisy top 2", moe { kind = "noisy" }, TWO, "balanced" },
  { "expert choice", moe { kind = "expert_choice", capacity = 1 }, ONE, "balanced" },
  { "hash of the word", moe { kind = "hash" }, ONE },
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

local TOPICS <const> = { "A", "B", "C", "D", "E", "F", "G", "H" }

-- ---- what is measured ---------------------------------------------------------------------------

--- How often each expert is the first choice of a token of each topic (topics, experts).
local function contingency(auxiliary, topic)
  local cell = (topic - 1) * E + auxiliary.expert:select(2, 1)
  return mlp.zeros(E * E):scatter_add(1, cell, mlp.ones(#topic)):reshape(E, E)
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
    result.counts = contingency(auxiliary, topic)
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

--- Which share of each topic goes where, experts in the order of the topic they take most of.
local function map_of(name, counts)
  local order, favourite = {}, (counts / counts:sum(1, true)):argmax(1)
  for i = 1, E do order[i] = i end
  table.sort(order, function(a, b)
    local first, second = favourite:get(a), favourite:get(b)
    return first < second or first == second and a < b
  end)
  local share = (counts / counts:sum(2, true)):index_select(2, order)
  return plot.heatmap { share, title = name, x_label = "expert", y_label = "topic", width = 232,
    colours = "blues", limits = { 0, 1 }, colour_bar = false, row_names = TOPICS,
    column_names = order }
end

-- ---- the table ----------------------------------------------------------------------------------

print(("%-30s %-19s %-9s %-15s %-7s %6s %7s"):format("network", "loss", "max/mean", "NMI",
  "largest", "FLOPs", "seconds"))
local results, maps = {}, {}
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
    maps[#maps + 1] = map_of(name, list[1].counts)
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

--- Prints which networks hold a claim; means over the seeds.
local function claim(text, holds)
  local kept, not_kept = {}, {}
  for _, network in ipairs(NETWORKS) do
    local name, _, dense, balanced = table.unpack(network)
    local held = holds(name, dense, balanced)
    if held ~= nil then table.insert(held and kept or not_kept, name) end
  end
  print(("%s: %s%s"):format(text, #not_kept == 0 and "found for all " .. #kept
    or "found for " .. #kept, #not_kept > 0 and "; not for " .. table.concat(not_kept, "; ") or ""))
end

local collapse = math.max(largest_of "top 1, no balancing", largest_of "top 2, no balancing")
print(("\ncollapse without balancing (largest share of the load 0.4 or more): %s (%.2f)"):format(
  collapse >= 0.4 and "found" or "not found", collapse))
claim("learned routers with balancing, largest load at most 1.2 times the mean",
  function(name, _, balanced) return balanced and statistics(results[name], "violation") <= 1.2 end)
claim("learned routers with balancing, NMI of expert and topic at least 0.8",
  function(name, _, balanced) return balanced and statistics(results[name], "nmi") >= 0.8 end)
claim("mixtures below the dense network of equal work, each seed", function(name, dense)
  if not dense then return nil end
  for seed, r in ipairs(results[name]) do
    if r.loss >= results[dense][seed].loss or r.flops > results[dense][seed].flops then
      return false
    end
  end
  return true
end)

-- ---- the picture --------------------------------------------------------------------------------

local names, losses, spreads = {}, {}, {}
for i, network in ipairs(NETWORKS) do
  names[i] = network[1]
  losses[i], spreads[i] = statistics(results[names[i]], "loss")
end
maps.columns, maps.title, maps.background = 4, "Which expert takes which topic, seed 1", "none"
maps.subtitle = "Share of a topic's tokens by their first choice, from none (white) to all"
local bars = plot.bars { { y = losses, spread = spreads }, names = names, horizontal = true,
  title = "Eight topics, eight linear maps", x_label = "mean square error on held-out tokens",
  subtitle = ("Mean and deviation over %d seeds"):format(SEEDS), width = 928 }
assert(plot.grid({ bars, plot.grid(maps), columns = 1 }):save "out/moe_routers.svg")
