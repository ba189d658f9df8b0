--- Patterns, predictive values, directions and the page: by loops, and by what is planted.
local mlp = require "mlp"
local files <const> = require "mlp.io.file"
local nn <const> = mlp.nn

local V <const>, H <const> = 15, 10

local function setting(kind)
  mlp.manual_seed(7)
  local model <const> = nn.Transformer { vocabulary = V, context = 20, dim = 8, layers = 2,
    heads = 2, norm = "rms", ffn = { kind = kind, hidden = H, activation = "relu" } }
  local texts <const> = {}
  for i = 1, 9 do texts[i] = mlp.randint(1, V, 4 + 2 * i):totable() end
  return model, texts
end

local function read(kind)
  local model <const>, texts <const> = setting(kind)
  return mlp.probe.kv.read(model, texts, { top = 4, permutations = 5 }), texts
end

--- The share of the commonest among a key's triggers, of a kind.
local function share_of(triggers, texts, kind)
  local count <const>, most = {}, 0
  for i, trigger in ipairs(triggers) do
    local text <const>, p <const> = texts[trigger.text], trigger.position
    local feature = text[p]
    if kind == "last bigram" then
      feature = p > 1 and text[p - 1] .. " " .. text[p] or "none"
    elseif kind == "position" then
      feature = (p - 1) // 16
    end
    count[feature] = (count[feature] or 0) + 1
    most = math.max(most, count[feature])
    assert.is_true(i <= 4)
  end
  return most / #triggers
end

describe("patterns of keys", function()
  it("are the shares that triggers have, the clearest of every layer in turn", function()
    for _, kind in ipairs { "ffn", "glu" } do
      local reading <const>, texts <const> = read(kind)
      local mined <const> = reading:patterns { count = 5, generator = mlp.generator(1),
        permutations = 50 }
      assert.are.equal(5, #mined.clearest)
      for i, pattern in ipairs(mined.clearest) do
        local layer <const> = reading[(i - 1) % 2 + 1]
        assert.are.equal(layer.memory, pattern.memory)
        local triggers <const> = layer.triggers:of(pattern.unit, { sign = pattern.sign })
        assert.are.same(triggers, pattern.triggers)
        assert.is_true(math.abs(share_of(triggers, texts, pattern.kind) - pattern.share) < 1e-6)
        assert.is_true(pattern.p >= 1 / 51 and pattern.p <= 1)
        assert.is_true(pattern.chance > 0 and pattern.chance <= 1)
        assert.are.equal(4, #pattern.examples)
        local last <const> = pattern.examples[1]:match "(%d+)$"
        assert.are.equal(texts[triggers[1].text][triggers[1].position], tonumber(last))
        assert.is_true(i <= 2 or mined.clearest[i - 2].z >= pattern.z)
      end
      for l, layer in ipairs(mined.layers) do
        local total, n = 0, 0
        for _, sign in ipairs(reading[l].memory.signed and { 1, -1 } or { 1 }) do
          for unit = 1, H do
            total = total + share_of(reading[l].triggers:of(unit, { sign = sign }), texts,
              "last token")
            n = n + 1
          end
        end
        assert.is_true(math.abs(total / n - layer.share["last token"]) < 1e-6)
      end
      assert.matches("what is shared", tostring(mined))
    end
  end)

  it("of a key that fires at one token alone name the token", function()
    local model <const>, texts <const> = setting "ffn"
    -- signal of the first block: the embedding, since its attention adds nothing
    mlp.no_grad(function()
      model.blocks[1].attention.out.weight:copy_(0)
      model.embedding.weight:copy_(mlp.randn(V, 8))
    end)
    local memory <const> = mlp.probe.kv.of(model)[1]
    local direction <const> = model.embedding.weight:detach():select(1, 6)
    for _, text in ipairs(texts) do text[3] = 6 end
    local _ <close> = memory:insert(2, { key = direction / direction:norm(),
      value = mlp.zeros(8) })
    local reading <const> = mlp.probe.kv.read(model, texts, { top = 9, permutations = 5 })
    local found
    for _, pattern in ipairs(reading:patterns { count = 2 * H, permutations = 200 }.clearest) do
      if pattern.label == "1" and pattern.unit == 2 then found = pattern end
    end
    assert.are.equal(1, found.share)
    assert.are.equal("last token", found.kind)
    assert.are.same({ 6 }, found.feature)
    assert.is_true(found.p <= 0.01)
  end)

  it("say what is wrong", function()
    local reading <const> = read "ffn"
    assert.error_matches(function() reading:patterns { permutations = 0 } end, "from 1")
  end)
end)

describe("predictive values", function()
  it("are those of the highest softmax, and agree as their triggers say", function()
    for _, kind in ipairs { "ffn", "glu" } do
      local reading <const> = read(kind)
      local values <const> = reading:predictive_values { top = 6 }
      assert.are.equal(6, #values)
      local highest, any, n = 0, 0, 0
      for _, layer in ipairs(reading) do
        for _, sign in ipairs(layer.memory.signed and { 1, -1 } or { 1 }) do
          for unit = 1, H do
            local p <const> = layer.memory:decode(layer.memory.values:select(1, unit) * sign)
              :softmax(1)
            local token <const> = p:argmax():item()
            highest = math.max(highest, p:max():item())
            local agrees = false
            for _, trigger in ipairs(layer.triggers:of(unit, { sign = sign })) do
              agrees = agrees or trigger.following == token
            end
            any, n = any + (agrees and 1 or 0), n + 1
          end
        end
      end
      assert.is_true(math.abs(highest - values[1].probability) < 1e-6)
      assert.is_true(math.abs(any / n - values.any) < 1e-12)
      assert.is_true(values[1].probability >= values[2].probability)
      assert.error_matches(function() reading:predictive_values { top = 0 } end, "from 1")
    end
  end)
end)

describe("directions", function()
  it("say found where the numbers are, and not where they are not", function()
    local reading <const> = read "ffn"
    local function named(list, words)
      for _, one in ipairs(list) do
        if one.claim:find(words, 1, true) then return one.found end
      end
    end
    local function with(lower, upper)
      for i, layer in ipairs(reading) do
        layer.agreement.rate, layer.agreement.high = i == 1 and lower or upper, 0.1
      end
      return reading:directions {
        ablation = setmetatable({ { first = -0.1, last = -lower, triggers = 1 },
          { first = 0.05, last = -upper, triggers = 1 } }, {}) }
    end
    assert.is_true(named(with(0.2, 0.9), "rises in upper"))
    assert.is_true(named(with(0.2, 0.9), "far above chance"))
    assert.is_false(named(with(0.9, 0.2), "rises in upper"))
    assert.is_false(named(with(0.01, 0.05), "rises in upper"))
    assert.is_true(named(with(0.9, 0.2), "less in upper"))
    assert.is_false(named(with(0.2, 0.9), "less in upper"))
    assert.is_true(named(with(0.2, 0.9), "last token more"))
    assert.is_false(named(with(0.2, 0.05), "last token more"))
    assert.is_nil(named(reading:directions(), "last token more"))
    assert.matches("not found", tostring(reading:directions()))
  end)
end)

describe("a report", function()
  it("of a model is a page and a text, with what was measured", function()
    local reading <const> = read "glu"
    local path <const>, plain <const> = os.tmpname(), os.tmpname()
    local page <const>, text <const> = reading:report { title = "Memories", path = path,
      text = plain, ablation = reading:ablation { keys = 3 },
      patterns = reading:patterns { permutations = 20 } }
    assert.are.equal(page:html(), files.read(path))
    assert.are.equal(text, files.read(plain))
    os.remove(path)
    os.remove(plain)
    for _, words in ipairs { "What layers do", "Trigger examples without one token",
      "Clear patterns", "Predictive values", "Directions of the paper" } do
      assert.matches(words, page:html(), 1, true)
    end
    for _, words in ipairs { "Memories", "zero-agreement", "without last", "what is shared",
      "agreement rises in upper layers" } do
      assert.matches(words, text, 1, true)
    end
    local none <const>, message <const> = reading:report { path = "/nowhere/at/all.html" }
    assert.is_nil(none)
    assert.matches("/nowhere/at/all.html", message, 1, true)
  end)

  it("of one network is made of its triggers", function()
    mlp.manual_seed(2)
    local ffn <const> = nn.GLU { dim = 6, hidden = H }
    local memory <const> = mlp.probe.kv(ffn, { unembedding = mlp.randn(V, 6) })
    local triggers <const> = memory:triggers { top = 3 }
    assert.error_matches(function() memory:report { triggers = triggers } end, "no text was added")
    triggers:add(memory:coefficients(mlp.randn(8, 4, 6)), mlp.randint(1, V, 8, 4))
    local page <const>, text <const> = memory:report { triggers = triggers, permutations = 9 }
    assert.matches("<svg", page:html())
    assert.matches("8 texts, 32 prefixes", text)
    assert.error_matches(function() memory:report() end, "triggers is nil")
    local other <const> = mlp.probe.kv(ffn):triggers()
    assert.error_matches(function() memory:report { triggers = other } end, "this memory's")
  end)
end)
