--- Triggers that stream, against a search through everything at once.
local mlp = require "mlp"
local nn <const> = mlp.nn

local V <const>, D <const>, H <const>, T <const>, TEXTS <const> = 13, 6, 7, 5, 20

local function setting(kind)
  mlp.manual_seed(11)
  local ffn <const> = kind == "glu" and nn.GLU { dim = D, hidden = H }
    or nn.FFN { dim = D, hidden = H, activation = kind }
  local lengths <const> = {}
  for i = 1, TEXTS do lengths[i] = 1 + i % T end
  return mlp.probe.kv(ffn, { unembedding = mlp.randn(V, D) }), mlp.randn(TEXTS, T, D),
    mlp.randint(1, V, TEXTS, T), lengths
end

local function stream(memory, x, following, lengths, batch)
  local triggers <const> = memory:triggers { top = 4 }
  for first = 1, TEXTS, batch do
    local last <const> = math.min(first + batch - 1, TEXTS)
    triggers:add(memory:coefficients(x:slice(1, first, last)), following:slice(1, first, last),
      table.move(lengths, first, last, 1, {}))
  end
  return triggers
end

--- The best position of every text, the four best texts: by loops.
local function search(m, following, lengths, unit, sign)
  local found <const> = {}
  for text, rows in ipairs(m) do
    local best
    for position = 1, lengths[text] do
      local c <const> = rows[position][unit]
      if not best or sign * c > sign * best.coefficient then
        best = { coefficient = c, text = text, position = position,
          following = following[text][position] }
      end
    end
    found[text] = best
  end
  table.sort(found, function(a, b)
    if a.coefficient ~= b.coefficient then return sign * a.coefficient > sign * b.coefficient end
    return a.text < b.text
  end)
  return table.move(found, 1, 4, 1, {})
end

describe("triggers", function()
  it("are the best of every text, in batches of any size", function()
    for _, kind in ipairs { "relu", "glu" } do
      local memory <const>, x <const>, following <const>, lengths <const> = setting(kind)
      local m <const>, after <const> = memory:coefficients(x):totable(), following:totable()
      for _, batch in ipairs { 1, 6, TEXTS } do
        local triggers <const> = stream(memory, x, following, lengths, batch)
        assert.are.equal(TEXTS, triggers.texts)
        assert.are.same({ memory.signed and 2 * H or H, 4 }, triggers.score.shape)
        for unit = 1, H do
          local wanted <const> = search(m, after, lengths, unit, 1)
          local found <const> = triggers:of(unit)
          for i = 1, 4 do -- of relu, coefficients of 0 are many: only their places are open
            assert.is_true(math.abs(wanted[i].coefficient - found[i].coefficient) < 1e-5)
            if found[i].coefficient > 0 then
              assert.are.equal(wanted[i].text, found[i].text)
              assert.are.equal(wanted[i].position, found[i].position)
              assert.are.equal(wanted[i].following, found[i].following)
            end
          end
          if memory.signed then
            assert.are.equal(search(m, after, lengths, unit, -1)[1].text,
              triggers:of(unit, { sign = -1 })[1].text)
          end
        end
      end
    end
  end)

  it("count active coefficients, positions and what follows", function()
    local memory <const>, x <const>, following <const>, lengths <const> = setting "relu"
    local triggers <const> = stream(memory, x, following, lengths, 6)
    local active, positions = 0, 0
    for text, rows in ipairs(memory:coefficients(x):totable()) do
      for position = 1, lengths[text] do
        positions = positions + 1
        for _, c in ipairs(rows[position]) do active = active + (c > 0 and 1 or 0) end
      end
    end
    assert.are.equal(positions, triggers.positions)
    assert.are.equal(active / (positions * H), triggers:active_share())
    assert.are.equal(positions, triggers.counts:sum():item())
  end)

  it("are as many as there are texts, when these are fewer than t", function()
    local memory <const>, x <const>, following <const> = setting "relu"
    local triggers <const> = memory:triggers()
    assert.are.same({}, triggers:of(1))
    assert.error_matches(function() triggers:agreement() end, "no text was added")
    assert.error_matches(function() triggers:active_share() end, "no text was added")
    triggers:add(memory:coefficients(x:slice(1, 1, 3)), following:slice(1, 1, 3))
    assert.are.equal(3, #triggers:of(1))
  end)

  it("say what is wrong", function()
    local memory <const>, x <const>, following <const> = setting "relu"
    local triggers <const> = memory:triggers()
    assert.error_matches(function() memory:triggers { top = 0 } end, "from 1")
    assert.error_matches(function() triggers:add(x, following) end, "texts, T, 7")
    assert.error_matches(function() triggers:add(memory:coefficients(x), x) end, "20, 5")
    assert.error_matches(function() triggers:of(1, { sign = -1 }) end, "no sign")
    assert.error_matches(function()
      triggers:add(memory:coefficients(x) * (0 / 0), following)
    end, "coefficients are not numbers")
  end)
end)

describe("agreement", function()
  it("counts what the definition counts, of both signs", function()
    local memory <const>, x <const>, following <const>, lengths <const> = setting "glu"
    local triggers <const> = stream(memory, x, following, lengths, 6)
    local hits, kept, negative = 0, 0, 0
    for _, sign in ipairs { 1, -1 } do
      for unit = 1, H do
        local first <const> = memory:value_tokens(unit, { top = 1, sign = sign })[1].token
        for i, trigger in ipairs(triggers:of(unit, { sign = sign })) do
          if trigger.following == first then
            kept = kept + 1
            if i == 1 then hits, negative = hits + 1, negative + (sign < 0 and 1 or 0) end
          end
        end
      end
    end
    local found <const> = triggers:agreement { permutations = 50 }
    assert.are.equal(2 * H, found.keys)
    assert.is_true(math.abs(found.rate - hits / (2 * H)) < 1e-12)
    assert.is_true(math.abs(found.negative - negative / H) < 1e-12)
    assert.is_true(math.abs((found.positive + found.negative) / 2 - found.rate) < 1e-12)
    assert.is_true(math.abs(found.precision - kept / (2 * H * 4)) < 1e-12)
    assert.is_true(found.low <= found.mean and found.mean <= found.high)
    assert.is_true(found.rank >= 1 and found.rank <= V)
  end)

  it("has a band that a seed repeats", function()
    local memory <const>, x <const>, following <const>, lengths <const> = setting "relu"
    local triggers <const> = stream(memory, x, following, lengths, 6)
    local function band()
      return triggers:agreement { permutations = 20, generator = mlp.generator(5) }
    end
    assert.are.same(band(), band())
  end)
end)
