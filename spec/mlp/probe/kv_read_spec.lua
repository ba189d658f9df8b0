--- A language model read as memories, against its own values taken text by text.
local mlp = require "mlp"
local nn <const> = mlp.nn

local V <const>, L <const> = 15, 2

local function setting(kind)
  mlp.manual_seed(7)
  local model <const> = nn.Transformer { vocabulary = V, context = 6, dim = 8, layers = L,
    heads = 2, norm = "rms", ffn = { kind = kind, hidden = 10, activation = "relu" } }
  local texts <const> = {}
  for i = 1, 9 do texts[i] = mlp.randint(1, V, 2 + i % 7):totable() end -- some beyond the context
  return model, texts
end

local function first(memory, x) return memory:decode(x):argmax():item() end

--- Counts of behaviour and zero-agreement of a layer over every position, by loops.
local function count(model, texts, memory, layer)
  local tally <const> = { residual = 0, ffn = 0, agreement = 0, composition = 0, zero = 0, n = 0 }
  local path <const> = "blocks." .. layer
  for _, text in ipairs(texts) do
    local n <const> = math.min(#text - 1, model.context)
    local tokens <const> = mlp.tensor(table.move(text, 1, n, 1, {}), { dtype = "int64" })
    local seen <const> = mlp.probe.capture(model,
      { path .. ".residual", path .. ".ffn", path .. ".ffn.hidden" },
      function() model(tokens:reshape(1, n)) end)
    for k = 1, n do
      local r <const> = seen[path .. ".residual"]:reshape(n, -1):select(1, k)
      local y <const> = seen[path .. ".ffn"]:reshape(n, -1):select(1, k)
      local m <const> = seen[path .. ".ffn.hidden"]:reshape(n, -1):select(1, k):totable()
      local by_y <const> = first(memory, y)
      local o <const>, by_r <const> = first(memory, r + y), first(memory, r)
      local case <const> = o == by_r and (o == by_y and "agreement" or "residual")
        or (o == by_y and "ffn" or "composition")
      tally[case], tally.n = tally[case] + 1, tally.n + 1
      local said = false
      for unit, c in ipairs(m) do
        local sign <const> = c < 0 and -1 or 1
        said = said or c ~= 0 and (c > 0 or memory.signed)
          and first(memory, memory.values:select(1, unit) * sign) == by_y
      end
      tally.zero = tally.zero + (said and 0 or 1)
    end
  end
  return tally
end

--- The tokens of an expert, by the definition of the rows that it has: a set, and how many.
local function sent_to(routing, expert)
  local counts <const>, sent <const> = routing.count:totable(), {}
  local n, rows = 0, 0
  local function add(token)
    if not sent[token] then sent[token], n = true, n + 1 end
  end
  for _, more in ipairs(counts) do rows = rows + more end
  if routing.token then
    for k, token in ipairs(routing.token:totable()) do
      if (k - 1) // counts[1] + 1 == expert then add(token) end
    end
    return sent, n
  end
  local place <const> = routing.place:totable()
  for token, chosen in ipairs(routing.expert:totable()) do
    for k, other in ipairs(chosen) do
      if other == expert and place[token][k] <= rows then add(token) end
    end
  end
  return sent, n
end

describe("mlp.probe.kv.read", function()
  it("counts behaviour, zero-agreement and triggers of every layer", function()
    for _, kind in ipairs { "ffn", "glu" } do
      local model <const>, texts <const> = setting(kind)
      local reading <const> = mlp.probe.kv.read(model, texts,
        { top = 3, batch_size = 4, permutations = 10 })
      assert.are.equal(L, #reading)
      for i, layer in ipairs(reading) do
        local wanted <const> = count(model, texts, layer.memory, i)
        assert.are.equal(wanted.n, reading.positions)
        assert.are.equal(wanted.n, reading.samples)
        for case, share in pairs(layer.behaviour) do
          assert.is_true(math.abs(share - wanted[case] / wanted.n) < 1e-9, kind .. case)
        end
        assert.is_true(math.abs(layer.zero_agreement - wanted.zero / wanted.n) < 1e-9)
        local trigger <const> = layer.triggers:of(1)[1]
        assert.are.equal(texts[trigger.text][trigger.position + 1], trigger.following)
        assert.is_true(trigger.position <= model.context)
      end
    end
  end)

  it("samples as many positions as it is told, or none", function()
    local model <const>, texts <const> = setting "glu"
    local reading <const> = mlp.probe.kv.read(model, texts,
      { samples = 11, permutations = 5, generator = mlp.generator(2) })
    local b <const> = reading[1].behaviour
    assert.are.equal(11, reading.samples)
    assert.is_true(math.abs(b.residual + b.ffn + b.agreement + b.composition - 1) < 1e-12)
    assert.are.equal(tostring(reading), tostring(mlp.probe.kv.read(model, texts,
      { samples = 11, permutations = 5, generator = mlp.generator(2), batch_size = 2 })))
    local none <const> = mlp.probe.kv.read(model, texts, { samples = 0, permutations = 5 })
    assert.is_nil(none[1].behaviour)
    assert.matches("0 of them sampled", tostring(none))
    assert.matches("<svg", none:report():html())
  end)

  it("writes text, figures and a page", function()
    local model <const>, texts <const> = setting "glu"
    local reading <const> = mlp.probe.kv.read(model, texts, { permutations = 5, gain = true })
    assert.matches("zero%-agreement", tostring(reading))
    local page <const> = reading:report { title = "Memories" }:html()
    assert.matches("<title>Memories</title>", page, 1, true)
    assert.matches("with the last norm's gain", (page:gsub("&#39;", "'")), 1, true)
    assert.matches("What layers do", page, 1, true)
  end)

  it("reads the experts of a mixture at the positions that they were sent", function()
    for _, router in ipairs { { kind = "topk", top_k = 1 },
      { kind = "topk", top_k = 2, capacity = 1 }, { kind = "expert_choice" } } do
      mlp.manual_seed(5)
      local model <const> = nn.Transformer { vocabulary = 9, context = 6, dim = 8, layers = 2,
        heads = 2, ffn = { kind = "moe", hidden = 7, experts = 3, router = router } }
      local text <const> = { 3, 1, 4, 1, 5, 9, 2 }
      local reading <const> = mlp.probe.kv.read(model, { text }, { top = 2, permutations = 3 })
      assert.are.equal(6, #reading)
      local tokens <const> = mlp.tensor({ table.move(text, 1, 6, 1, {}) }, { dtype = "int64" })
      for i, layer in ipairs(reading) do
        local path <const>, e <const> = "blocks." .. layer.memory.block, layer.memory.expert
        assert.are.equal((i - 1) % 3 + 1, e)
        local routing, input
        do
          local _ <close> = model:hook(path .. ".ffn.router", function(r) routing = r end)
          local _ <close> = model:hook(path .. ".ffn", function(_, _, x) input = x end)
          model(tokens)
        end
        local sent <const>, n <const> = sent_to(routing, e)
        assert.are.equal(n, layer.triggers.positions)
        assert.are.equal(n, layer.samples)
        local m <const> = layer.memory:coefficients(input):reshape(6, -1):totable()
        for unit = 1, 7 do
          local best
          for position in pairs(sent) do
            best = math.max(best or -math.huge, m[position][unit])
          end
          local found <const> = layer.triggers:of(unit)[1]
          assert.are.equal(best == nil, found == nil)
          assert.is_true(not best or math.abs(best - found.coefficient) < 1e-5)
        end
      end
    end
  end)

  it("says of a text what is so of it alone, where experts drop tokens", function()
    for _, router in ipairs { { kind = "switch", eval_capacity = 1 }, { kind = "expert_choice",
      capacity = 0.5 } } do
      mlp.manual_seed(6)
      local model <const> = nn.Transformer { vocabulary = 9, context = 20, dim = 8, layers = 2,
        heads = 2, ffn = { kind = "moe", hidden = 7, experts = 2, router = router } }
      local texts <const>, sums <const>, total = {}, {}, 0
      for i = 1, 4 do texts[i] = mlp.randint(1, 9, 11 + 2 * i):totable() end
      local function positions(lists)
        local counts <const> = {}
        for i, layer in ipairs(mlp.probe.kv.read(model, lists, { permutations = 3 })) do
          counts[i] = layer.triggers.positions
        end
        return counts
      end
      for _, text in ipairs(texts) do
        for i, n in ipairs(positions { text }) do sums[i] = (sums[i] or 0) + n end
        total = total + #text - 1
      end
      assert.are.same(sums, positions(texts))
      assert.is_true(sums[1] + sums[2] < total)
    end
  end)

  it("says nothing of an expert that gets nothing", function()
    mlp.manual_seed(5)
    local model <const> = nn.Transformer { vocabulary = 9, context = 6, dim = 8, layers = 1,
      heads = 2, ffn = { kind = "moe", hidden = 7, experts = 4, router = { kind = "hash",
        top_k = 1 } } }
    local reading <const> = mlp.probe.kv.read(model, { { 2, 2, 2, 2 } }, { permutations = 3 })
    local reached = 0
    for _, layer in ipairs(reading) do
      if layer.agreement then reached = reached + 1 end
      assert.are.equal(layer.agreement and 3 or 0, layer.triggers.positions)
      assert.are.equal(layer.agreement and 1 or 0, #layer.triggers:of(1))
    end
    assert.are.equal(1, reached)
    assert.matches("1.4", tostring(reading), 1, true)
    assert.matches("<svg", reading:report():html())
  end)

  it("leaves the model as it was, and says what is wrong", function()
    local model <const>, texts <const> = setting "glu"
    model:train()
    mlp.probe.kv.read(model, texts, { permutations = 5 })
    assert.is_true(model.training)
    local read <const> = mlp.probe.kv.read
    assert.error_matches(function() read(nn.Linear(2, 2), texts) end, "a language model")
    assert.error_matches(function() read(model, {}) end, "a list of lists of tokens")
    assert.error_matches(function() read(model, { { 1, 2 }, { 3 } }) end, "texts%[2%]")
    assert.error_matches(function() read(model, { { 1, 2 }, { 3, V + 1 } }) end,
      "texts%[2%]%[2%] is 16, but the model has the tokens 1 to 15: the tokenizer does not fit")
    assert.error_matches(function() read(model, texts, { samples = -1 }) end, "from 0")
    local broken <const> = setting "glu"
    mlp.no_grad(function() broken.norm.weight:set(3, 0 / 0) end)
    assert.error_matches(function() read(broken, texts) end,
      "probe.kv.read: the parameter norm.weight holds NaN: row 3")
    assert.error_matches(function() read(model, texts, { names = { "a" } }) end, "a list of 15")
  end)
end)
