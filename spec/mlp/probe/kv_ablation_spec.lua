--- Token ablation against prefixes that are cut by hand and run one by one.
local mlp = require "mlp"
local nn <const> = mlp.nn

local V <const>, H <const>, BEGIN <const> = 12, 6, 2

local function setting(kind)
  mlp.manual_seed(4)
  local model <const> = nn.Transformer { vocabulary = V, context = 9, dim = 8, layers = 2,
    heads = 2, norm = "rms", ffn = { kind = kind, hidden = H, activation = "relu" } }
  local texts <const> = {}
  for i = 1, 5 do
    texts[i] = mlp.randint(1, V, 4 + 2 * i):totable() -- the last are beyond the context
    texts[i][1] = i == 2 and 5 or BEGIN
  end
  return model, texts
end

--- The coefficient of a unit at the end of a prefix that lost the token at `place`.
local function coefficient(model, block, unit, text, position, place)
  local prefix <const> = table.move(text, 1, position, 1, {})
  table.remove(prefix, place)
  local path <const> = ("blocks.%d.ffn.hidden"):format(block)
  local seen <const> = mlp.probe.capture(model, { path }, function() model { prefix } end)
  return seen[path]:get(1, position - 1, unit)
end

--- Mean relative changes of a block by the definition; random: mean over all places.
local function expected(model, texts, layer, block, begin)
  local sum <const> = { first = 0, last = 0, random = 0, n = 0 }
  for _, sign in ipairs(layer.memory.signed and { 1, -1 } or { 1 }) do
    for unit = 1, H do
      for _, trigger in ipairs(layer.triggers:of(unit, { sign = sign })) do
        local text <const> = texts[trigger.text]
        local spared <const>, p <const> = text[1] == begin and 1 or 0, trigger.position
        if sign * trigger.coefficient > 0 and p - spared >= 2 then
          local function change(place)
            return coefficient(model, block, unit, text, p, place) / trigger.coefficient - 1
          end
          sum.n = sum.n + 1
          sum.first, sum.last = sum.first + change(spared + 1), sum.last + change(p)
          local random = 0
          for place = spared + 1, p do random = random + change(place) end
          sum.random = sum.random + random / (p - spared)
        end
      end
    end
  end
  return sum
end

local function near(a, b, tolerance) return math.abs(a - b) < (tolerance or 1e-4) end

describe("token ablation", function()
  it("is what prefixes without a token say", function()
    for _, kind in ipairs { "ffn", "glu" } do
      local model <const>, texts <const> = setting(kind)
      local reading <const> = mlp.probe.kv.read(model, texts, { top = 3, permutations = 2 })
      for _, begin in ipairs { BEGIN, V + 1 } do
        local found <const> = reading:ablation { begin = begin, generator = mlp.generator(1) }
        for block, layer in ipairs(reading) do
          local wanted <const> = expected(model, texts, layer, block, begin)
          assert.are.equal(wanted.n, found[block].triggers)
          assert.is_true(near(wanted.first / wanted.n, found[block].first))
          assert.is_true(near(wanted.last / wanted.n, found[block].last))
        end
      end
    end
  end)

  it("removes every token of a prefix equally often", function()
    local model <const>, texts <const> = setting "ffn"
    local reading <const> = mlp.probe.kv.read(model, texts, { top = 3, permutations = 2 })
    local wanted <const> = expected(model, texts, reading[1], 1, BEGIN)
    local generator <const>, n <const>, list <const> = mlp.generator(3), 60, {}
    for i = 1, n do
      list[i] = reading:ablation { begin = BEGIN, generator = generator }[1].random
    end
    local found <const> = mlp.tensor(list, { dtype = "float64" })
    local error_of_mean <const> = found:std():item() / math.sqrt(n)
    assert.is_true(error_of_mean > 0)
    assert.is_true(near(wanted.random / wanted.n, found:mean():item(), 4 * error_of_mean))
  end)

  it("takes as many keys and triggers as it is told, shows them, and says what is wrong", function()
    local model <const>, texts <const> = setting "glu"
    model:train()
    local reading <const> = mlp.probe.kv.read(model, texts, { top = 3, permutations = 2 })
    local some <const> = reading:ablation { keys = 4, top = 2, generator = mlp.generator(1) }
    assert.is_true(some[1].triggers <= 8 and some[1].triggers > 0)
    assert.is_true(model.training)
    assert.matches("without first +without last", tostring(some))
    assert.matches("<svg", some:figure():svg())
    assert.error_matches(function() reading:ablation { keys = 0 } end, "keys is 0")
    assert.error_matches(function() reading:ablation { most = 3 } end, "most")
  end)
end)
