-- A memory that was learned: a decoder of two blocks learns 200 generated facts, "the capital of X
-- is Y" in four phrasings, and then its feed-forward networks are cut open. For each fact: its
-- three largest sub-updates m_i v_i (Geva et al. 2022) before the answer are suppressed; three
-- random active memories, as a control; and a false capital is inserted as one more unit. Does the
-- answer flip, and do the 199 others stay? It is the causal test that the papers lack.
--
-- Embeddings and attention stay as they were drawn, so that facts can only be learned by the
-- networks in question: where everything learns, attention carries them. And there are two
-- models: one learns by cross entropy alone, and spreads each fact over hundreds of memories; the
-- other pays for the size of its sub-updates, PRICE times the sum of |m_i| ||v_i||.
--
--   lua5.4 examples/learned_memory.lua [seeds, default 3] [steps, default 500] [facts, default 200]
--
-- Writes out/learned_memory.svg and out/learned_memory.html.

local mlp = require "mlp"

local SEEDS <const> = tonumber(arg and arg[1]) or 3
local STEPS <const> = tonumber(arg and arg[2]) or 500
local FACTS <const> = tonumber(arg and arg[3]) or 200
local TOP <const>, PRICE <const> = 3, 0.1

-- ---- the facts ----------------------------------------------------------------------------------

-- X is the country, and the capital comes last; what is asked is all before it.
local PHRASINGS <const> = { "the capital of X is", "the capital city of X is named",
  "in X the seat of government is", "the government of X meets in" }

--- Words as tokens: those of the phrasings, then countries, then cities.
local function vocabulary()
  local names <const>, token_of <const> = {}, {}
  local function add(word)
    if token_of[word] then return end
    names[#names + 1] = word
    token_of[word] = #names
  end
  for _, phrasing in ipairs(PHRASINGS) do
    for word in phrasing:gmatch "%l+" do add(word) end
  end
  for i = 1, FACTS do add("country" .. i) end
  for i = 1, FACTS do add("city" .. i) end
  return names, token_of
end

--- Of one phrasing for all facts: questions (FACTS, T) with the capitals behind, (FACTS, T + 1).
local function sentences(phrasing, token_of, capital)
  local rows <const> = {}
  for i = 1, FACTS do
    rows[i] = {}
    for word in phrasing:gmatch "%a+" do
      table.insert(rows[i], token_of[word == "X" and "country" .. i or word])
    end
    table.insert(rows[i], capital[i])
  end
  return mlp.tensor(rows, { dtype = "int64" })
end

--- Names of the tokens, the capital of each country, and a tensor of sentences for each phrasing.
local function world()
  local names <const>, token_of <const> = vocabulary()
  local capital <const>, texts <const> = (mlp.randperm(FACTS) + #names - FACTS):totable(), {}
  for p, phrasing in ipairs(PHRASINGS) do texts[p] = sentences(phrasing, token_of, capital) end
  return { names = names, capital = capital, texts = texts }
end

-- ---- learning -----------------------------------------------------------------------------------

--- What all sub-updates cost at a position, on the average: a function to be called after the model
--- ran, and the hooks to close.
local function priced(model)
  local hooks <const>, cost = {}, nil
  for b, block in ipairs(model.blocks) do
    hooks[b] = model:hook(("blocks.%d.ffn.hidden"):format(b), function(m)
      local sizes <const> = m * block.ffn.down.weight:t():norm(2)
      local mean <const> = sizes:sum() / (m:numel() / m:size(-1))
      cost = cost and cost + mean or mean
    end)
  end
  return function()
    local total <const> = cost
    cost = nil
    return total
  end, hooks
end

local function parameters_of_networks(model)
  local list <const> = {}
  for _, block in ipairs(model.blocks) do
    for _, p in ipairs(block.ffn:parameters()) do list[#list + 1] = p end
  end
  return list
end

local function learn(facts, price)
  local model <const> = mlp.nn.Transformer { vocabulary = #facts.names, context = 8, dim = 64,
    layers = 2, heads = 4, norm = "rms", tied = false,
    ffn = { kind = "ffn", hidden = 1024, activation = "relu" } }
  local optimizer <const> =
    mlp.optim.AdamW(parameters_of_networks(model), { lr = 3e-3, weight_decay = 0.1 })
  local cost_so_far <const>, hooks <const> = priced(model)
  local step <const> = mlp.compile(function(text)
    local T <const> = text:size(2)
    local loss <const> = mlp.loss.cross_entropy(model(text:slice(2, 1, T - 1)), text:slice(2, 2, T))
    optimizer:zero_grad();
    (loss + cost_so_far() * price):backward()
    optimizer:step()
    return loss
  end, { batch = { 1 } })
  for i = 1, STEPS do
    optimizer.lr = 3e-3 * math.min(1, i / 50, (STEPS - i + 1) / (STEPS / 2))
    for _, text in ipairs(facts.texts) do step(text) end
  end
  for _, hook in ipairs(hooks) do hook:close() end
  return model:eval()
end

-- ---- asking -------------------------------------------------------------------------------------

--- The answers to all questions of a phrasing, (FACTS).
local function ask(model, text)
  local T <const> = text:size(2)
  local _ <close> = mlp.no_grad()
  return model(text:slice(2, 1, T - 1)):select(2, T - 1):argmax(2)
end

--- What the feed-forward networks of both blocks read at the last word of the questions, (FACTS, D)
--- each, and what the last block hands on.
local function inside(model, text)
  local T <const> = text:size(2)
  local paths <const> = { "blocks.1.norm2", "blocks.2.norm2", "blocks.2" }
  local seen <const> = mlp.probe.capture(model, paths, function()
    model(text:slice(2, 1, T - 1))
  end)
  for i, path in ipairs(paths) do paths[i] = seen[path]:select(2, T - 1) end
  return paths
end

--- What an edit did to fact i: 1 or 0, is its answer now another (or the one in question), and the
--- share of the other facts whose answers are still right.
local function effect(model, facts, i, answer)
  local answers <const> = ask(model, facts.texts[1])
  local right <const>, own <const> = answers:eq(facts.targets):to "float32", answers:get(i)
  local flipped <const> = answer and own == answer or not answer and own ~= facts.capital[i]
  local others <const> = (right:sum():item() - right:get(i)) / (FACTS - 1)
  return flipped and 1 or 0, others
end

-- ---- three edits of each fact -------------------------------------------------------------------

--- The sub-updates of both blocks before the answer of fact i, as {block, unit}: the largest TOP,
--- and as many others, drawn from those that are active.
local function chosen(memories, reads, i)
  local all <const>, largest <const>, random <const> = {}, {}, {}
  for block, memory in ipairs(memories) do
    for _, u in ipairs(memory:sub_updates(reads[block]:select(1, i), { top = memory.units })) do
      if u.coefficient ~= 0 then all[#all + 1] = { block, u.unit, u.size } end
    end
  end
  table.sort(all, function(a, b) return a[3] > b[3] end)
  for k = 1, TOP do largest[k] = all[k] end
  for _, k in ipairs(mlp.randperm(#all - TOP):slice(1, 1, TOP):totable()) do
    random[#random + 1] = all[TOP + k]
  end
  return largest, random
end

local function suppressed(memories, units, fn)
  local edits <const> = {}
  for k, unit in ipairs(units) do edits[k] = memories[unit[1]]:suppress(unit[2]) end
  local flipped <const>, others <const> = fn()
  for k = #edits, 1, -1 do edits[k]:undo() end
  return flipped, others
end

--- A key that answers to what the last network reads for fact i and not to what it reads for the
--- others: the direction that tells them apart best (Fisher 1936), with its threshold half-way.
local function key_of(reads, i)
  local off <const> = reads - reads:mean(1)                      -- (FACTS, D)
  local spread <const> = off:t():matmul(off) / FACTS
  local direction <const> = mlp.linalg.solve(spread + 1e-3 * mlp.eye(#spread), off:select(1, i))
  local score <const> = reads:matmul(direction)                  -- (FACTS)
  local mine <const> = score:get(i)
  score:set(i, -math.huge)
  local others <const> = score:amax():item()
  local scale <const> = 2 / (mine - others)
  return direction * scale, -scale * (mine + others) / 2
end

--- Appends the memory "the capital of country i is `city`" to the last block.
local function insert(model, memories, seen, i, facts, city)
  local key <const>, bias <const> = key_of(seen[2], i)
  local words <const> = model.unembedding.weight:detach()
  local value <const> = words:select(1, city) - words:select(1, facts.capital[i])
  local norm <const> = seen[3]:norm(2):mean():item()
  return memories[2]:insert { key = key, bias = bias, value = value * (3 * norm / value:norm()) }
end

--- Means over all facts: {flipped, others} of each edit.
local function operate(model, facts)
  local memories <const> = mlp.probe.kv.of(model)
  local seen <const> = inside(model, facts.texts[1])
  local sums <const> = {}
  local function add(edit, flipped, others)
    sums[edit] = sums[edit] or { 0, 0 }
    sums[edit][1], sums[edit][2] = sums[edit][1] + flipped / FACTS, sums[edit][2] + others / FACTS
  end
  for i = 1, FACTS do
    local largest <const>, random <const> = chosen(memories, seen, i)
    local function look() return effect(model, facts, i) end
    add("largest", suppressed(memories, largest, look))
    add("random", suppressed(memories, random, look))
    local city <const> = facts.capital[i % FACTS + 1]
    local fact <close> = insert(model, memories, seen, i, facts, city)
    assert(fact.open)
    add("insert", effect(model, facts, i, city))
  end
  return sums
end

-- ---- the table ----------------------------------------------------------------------------------

local EDITS <const> = { { "largest", ("%d largest sub-updates suppressed"):format(TOP), "largest" },
  { "random", ("%d random memories suppressed"):format(TOP), "random" },
  { "insert", "a false capital inserted", "insertion" } }
local MODELS <const> = { { price = 0, name = "no price" }, { price = PRICE, name = "priced" } }

--- The facts of a seed learned at a price, and operated on.
local function study(seed, price)
  mlp.manual_seed(seed)
  local facts <const> = world()
  facts.targets = mlp.tensor(facts.capital, { dtype = "int64" })
  local model <const> = learn(facts, price)
  local function bits()
    local parts <const> = {}
    for i, p in ipairs(parameters_of_networks(model)) do parts[i] = p:tobytes() end
    return table.concat(parts)
  end
  local before <const> = bits()
  local known <const> = ask(model, facts.texts[1]):eq(facts.targets):to("float32"):mean():item()
  local found <const> = operate(model, facts)
  print(("seed %d, price %g: %.1f %% of %d facts known; undone, the bits are those of before: %s")
    :format(seed, price, 100 * known, FACTS, bits() == before))
  return found
end

--- Mean and deviation over seeds, in per cent.
local function over_seeds(found, edit, which)
  local values <const> = {}
  for seed = 1, SEEDS do values[seed] = 100 * found[seed][edit][which] end
  local all <const> = mlp.tensor(values, { dtype = "float64" })
  return all:mean():item(), SEEDS > 1 and all:std():item() or 0
end

local rows <const>, names <const> = {}, {}
local series <const> = { { name = "this fact answers otherwise", y = {}, spread = {} },
  { name = "the others stay right", y = {}, spread = {} } }
for _, model in ipairs(MODELS) do
  local found <const> = {}
  for seed = 1, SEEDS do found[seed] = study(seed, model.price) end
  for _, edit in ipairs(EDITS) do
    local row <const> = { model.name, edit[2] }
    names[#names + 1] = ("%s: %s"):format(model.name, edit[3])
    for which, s in ipairs(series) do
      s.y[#names], s.spread[#names] = over_seeds(found, edit[1], which)
      row[#row + 1] = ("%.1f ± %.1f %%"):format(s.y[#names], s.spread[#names])
    end
    rows[#rows + 1] = row
  end
end
for _, row in ipairs(rows) do
  print(("%-9s %-34s flips it %-14s others right %s"):format(table.unpack(row)))
end

local figure <const> = mlp.plot.bars { series[1], series[2], names = names, horizontal = true,
  x_label = "per cent of facts", title = "Edits of a learned memory, one fact at a time" }
local page <const> = mlp.report { title = "A memory that was learned" }
page:text(("Decoders of two blocks, 64 wide, 1,024 memories each (ReLU), whose feed-forward "
  .. "networks learned %d facts in %d steps; means and deviations over %d seeds. What is asked is "
  .. "the first phrasing. Priced: %g times the sum of |m| ||v|| is added to the loss.")
  :format(FACTS, STEPS, SEEDS, PRICE))
page:table { rows = rows,
  columns = { "model", "edit", "this fact answers otherwise", "others still right" } }
page:figure(figure, "Largest: by |m| ||v||, over both blocks (Geva et al. 2022, section 5).")
os.execute "mkdir -p out"
assert(figure:save "out/learned_memory.svg")
assert(page:save "out/learned_memory.html")
print "written: out/learned_memory.svg, out/learned_memory.html"
