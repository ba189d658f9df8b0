--- Feed-forward networks as memories: what the probe says against sums written out by hand.
local mlp = require "mlp"
local nn <const> = mlp.nn

local V <const>, D <const>, H <const> = 11, 6, 9

local function network(kind)
  mlp.manual_seed(3)
  if kind == "glu" then return nn.GLU { dim = D, hidden = H, bias = true } end
  return nn.FFN { dim = D, hidden = H, activation = kind }
end

local function distance(a, b) return (a - b):abs():max():item() end

local function bytes(ffn)
  local list <const> = {}
  for name, tensor in ffn:named_parameters() do list[#list + 1] = name .. tensor:tobytes() end
  return table.concat(list)
end

describe("mlp.probe.kv", function()
  it("says y = sum of m_i v_i + b", function()
    for _, kind in ipairs { "relu", "gelu", "glu" } do
      local ffn <const> = network(kind)
      local x <const> = mlp.randn(2, 5, D)
      local memory <const> = mlp.probe.kv(ffn)
      local m <const> = memory:coefficients(x)
      assert.are.same({ 2, 5, H }, m.shape)
      assert.are.equal(kind == "glu", memory.signed)
      local sum <const> = m:matmul(memory.values) + ffn.down.bias
      assert.is_true(distance(sum, ffn(x)) < 1e-5)
    end
  end)

  it("reads values by the unembedding and keys by the embedding", function()
    local ffn <const>, U <const> = network "glu", mlp.randn(V, D)
    local gain <const> = mlp.rand(D) + 0.5
    local names <const> = {}
    for i = 1, V do names[i] = "w" .. i end
    local memory <const> = mlp.probe.kv(ffn, { unembedding = U, gain = gain, names = names })
    local scores <const> = (U * gain):matmul(ffn.down.weight:detach():select(2, 4)):totable()
    local promoted <const>, demoted <const> = memory:value_tokens(4, { top = 3 })
    local most, least = 1, 1
    for i, score in ipairs(scores) do
      if score > scores[most] then most = i end
      if score < scores[least] then least = i end
    end
    assert.are.equal(3, #promoted)
    assert.are.equal("w" .. most, promoted[1].name)
    assert.is_true(math.abs(scores[most] - promoted[1].score) < 1e-5)
    assert.are.equal(least, demoted[1].token)
    assert.are.equal(least, memory:value_tokens(4, { sign = -1 })[1].token)
    assert.are.equal("gain", memory.projection)

    memory.keys:select(1, 2):copy_(U:select(1, 7) * 3) -- a view: the network follows
    local keys <const>, gates <const> = memory:key_tokens(2, { top = 2 })
    assert.are.equal(7, keys[1].token)
    assert.is_true(math.abs(keys[1].score - 1) < 1e-5)
    assert.are.equal(2, #gates)
  end)

  it("ranks sub-updates by |m| ||v||", function()
    local ffn <const>, U <const> = network "glu", mlp.randn(V, D)
    local memory <const>, x <const> = mlp.probe.kv(ffn, { unembedding = U }), mlp.randn(D)
    local m <const> = memory:coefficients(x:reshape(1, D)):reshape(H):totable()
    local list <const>, total = memory:sub_updates(x, { top = H, tokens = 2 }), 0
    assert.are.equal(H, #list)
    for i, one in ipairs(list) do
      local norm <const> = memory.values:select(1, one.unit):norm():item()
      assert.is_true(math.abs(one.coefficient - m[one.unit]) < 1e-6)
      assert.is_true(math.abs(one.size - math.abs(m[one.unit]) * norm) < 1e-5)
      assert.is_true(i == 1 or one.size <= list[i - 1].size)
      local sign <const> = one.coefficient < 0 and -1 or 1
      local first <const> = memory:value_tokens(one.unit, { sign = sign })
      assert.are.equal(first[1].token, one.promoted[1].token)
      total = total + one.share
    end
    assert.is_true(math.abs(total - 1) < 1e-5)
    assert.are.equal(0, memory:sub_updates(mlp.zeros(D), { top = 1 })[1].share)
    assert.error_matches(function() memory:sub_updates(x * (0 / 0)) end, "are not numbers")
    assert.error_matches(function() memory:decode() end, "decode: the input is nil")
  end)

  it("reads every block of a language model, and every expert of a mixture", function()
    mlp.manual_seed(1)
    local model <const> = nn.Transformer { vocabulary = V, context = 8, dim = 8, layers = 2,
      heads = 2, norm = "rms", ffn = { kind = "glu", hidden = 12 } }
    local memories <const> = mlp.probe.kv.of(model, { gain = true })
    assert.are.equal(2, #memories)
    assert.are.equal(12, memories[2].units)
    local moe <const> = nn.MoE { dim = D, hidden = H, experts = 3, top_k = 1 }
    local expert <const> = mlp.probe.kv(moe:expert(2))
    local x <const> = mlp.randn(4, D)
    local before <const> = moe:expert(2)(x)
    do
      local handle <close> = expert:amplify({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 2)
      assert.is_true(handle.open)
      assert.is_true(distance(moe:expert(2)(x), before * 2) < 1e-5)
    end
    assert.are.equal(before:tobytes(), moe:expert(2)(x):tobytes())
  end)

  it("says what is wrong", function()
    local ffn <const> = network "relu"
    assert.error_matches(function() mlp.probe.kv(nn.Linear(2, 2)) end, "nn.FFN, nn.GLU")
    assert.error_matches(function() mlp.probe.kv(ffn, { unembedding = mlp.zeros(V, 3) }) end,
      "a tensor %(tokens, 6%)")
    assert.error_matches(function() mlp.probe.kv(ffn, { unembedding = mlp.zeros(V, D),
      names = { "a" } }) end, "a list of 11")
    local memory <const> = mlp.probe.kv(ffn)
    assert.error_matches(function() memory:value_tokens(1) end, "option unembedding")
    assert.error_matches(function() memory:key_tokens(1) end, "option embedding")
    assert.error_matches(function() memory:suppress(10) end, "from 1 to 9")
    assert.error_matches(function() memory:suppress { 1, 1 } end, "twice")
    assert.error_matches(function() memory:suppress {} end, "a list of units")
    assert.error_matches(function() memory:replace(1, { 1, 2 }) end, "a tensor %(6%)")
    assert.error_matches(function() memory:insert(1, { key = mlp.zeros(D) }) end, "value is nil")
    assert.error_matches(function()
      memory:insert(1, { key = mlp.zeros(D), value = mlp.zeros(D), gate = mlp.zeros(D) })
    end, "not gated")
  end)
end)

describe("edits of a memory", function()
  it("suppress, amplify and replace as if coefficients had changed", function()
    for _, kind in ipairs { "relu", "glu" } do
      local ffn <const> = network(kind)
      local memory <const>, x <const> = mlp.probe.kv(ffn), mlp.randn(4, D)
      local before <const>, y <const> = bytes(ffn), ffn(x)
      local m <const> = memory:coefficients(x)
      local function part(unit) return m:slice(2, unit, unit) * memory.values:select(1, unit) end
      local one <const>, two <const> = part(3):clone(), part(5):clone()
      local suppressed <const> = memory:suppress { 3, 5 }
      assert.is_true(distance(ffn(x), y - one - two) < 1e-5)
      suppressed:undo()
      suppressed:undo()
      assert.are.equal(before, bytes(ffn))
      do
        local _ <close> = memory:amplify(3, 4)
        assert.is_true(distance(ffn(x), y + one * 3) < 1e-5)
      end
      do
        local _ <close> = memory:replace(3, mlp.zeros(D))
        assert.is_true(distance(ffn(x), y - one) < 1e-5)
      end
      assert.are.equal(before, bytes(ffn))
    end
  end)

  it("lie on each other, also from two memories of one network", function()
    local ffn <const> = network "glu"
    local before <const> = bytes(ffn)
    local first <const> = mlp.probe.kv(ffn):suppress(2)
    local second <const> = mlp.probe.kv(ffn):insert(2, { key = mlp.ones(D), gate = mlp.ones(D),
      value = mlp.ones(D), gate_bias = 1 })
    assert.are.equal(1, ffn.gate.bias:detach():select(1, 2):item())
    assert.error_matches(function() first:undo() end, "unit 2 was edited again")
    second:undo()
    first:undo()
    assert.are.equal(before, bytes(ffn))
  end)

  it("are seen by a compiled function", function()
    local ffn <const> = network "relu"
    local run <const> = mlp.compile(function(x) return ffn(x):detach() end)
    local x <const> = mlp.randn(4, D)
    for _ = 1, 3 do run(x) end
    local before <const> = run(x):tobytes()
    do
      local _ <close> = mlp.probe.kv(ffn):suppress { 1, 2, 3, 4, 5, 6, 7, 8, 9 }
      assert.is_true(distance(run(x), ffn(x)) < 1e-6)
      assert.are_not.equal(before, run(x):tobytes())
    end
    assert.are.equal(before, run(x):tobytes())
  end)

  it("appends a memory as one more unit, and takes it away to the bit", function()
    for _, kind in ipairs { "relu", "glu" } do
      local ffn <const> = network(kind)
      local memory <const>, other <const> = mlp.probe.kv(ffn), mlp.probe.kv(ffn)
      local before <const>, weight <const> = bytes(ffn), ffn.up.weight
      local x <const> = mlp.randn(D)
      local old <const> = ffn(x)
      do
        local gate <const> = kind == "glu" and x or nil
        local fact <close> = memory:insert { key = x, gate = gate, value = mlp.ones(D), bias = 0.5 }
        assert.are.same({ H + 1 }, fact.units)
        assert.are.equal(H + 1, other.units)
        assert.is_true(ffn.up.weight.requires_grad)
        local m <const> = memory:coefficients(x):get(H + 1)
        assert.is_true(m > 1)
        assert.is_true(distance(ffn(x), old + m) < 1e-5)
        assert.error_matches(function() memory:triggers():add(mlp.zeros(1, 2, H),
          mlp.ones(1, 2, { dtype = "int64" })) end, "texts, T, 10")
      end
      assert.are.equal(before, bytes(ffn))
      assert.is_true(rawequal(weight, ffn.up.weight))
      assert.are.equal(H, memory.units)
    end
  end)

  it("append as an undoing in turn allows, and not to an expert of a mixture", function()
    local ffn <const> = network "relu"
    local memory <const> = mlp.probe.kv(ffn)
    local fact <const> = { key = mlp.ones(D), value = mlp.ones(D) }
    local suppressed <const> = memory:suppress(1)
    local appended <const> = memory:insert(fact)
    assert.error_matches(function() suppressed:undo() end, "a unit was appended since")
    local later <const> = memory:suppress(H + 1)
    assert.error_matches(function() appended:undo() end, "a unit was edited since")
    later:undo()
    appended:undo()
    suppressed:undo()
    local moe <const> = nn.MoE { dim = D, hidden = H, experts = 2, top_k = 1, expert = "ffn" }
    assert.error_matches(function() mlp.probe.kv(moe:expert(1)):insert(fact) end, "name a slot")
    local plain <const> = mlp.probe.kv(nn.FFN { dim = D, hidden = H, bias = false })
    assert.error_matches(function()
      plain:insert { key = mlp.ones(D), value = mlp.ones(D), bias = 1 }
    end, "the layer has no bias")
    assert.are.equal(H, plain.units)
  end)

  it("that append make plans record again, and optimizers say so", function()
    local ffn <const> = network "relu"
    local run <const> = mlp.compile(function(x) return ffn(x):detach() end)
    local x <const>, optimizer <const> = mlp.randn(4, D), mlp.optim.Adam(ffn)
    local wrapped <const> = mlp.optim.EMA(mlp.optim.SGD(ffn))
    for _ = 1, 3 do run(x) end
    local before <const> = run(x):tobytes()
    local function learn(by)
      by:zero_grad()
      ffn(x):sum():backward()
      by:step()
    end
    local step <const> = mlp.compile(function() learn(optimizer) end)
    local fact <const> = mlp.probe.kv(ffn):insert { key = mlp.ones(D), value = mlp.ones(D),
      bias = 10 }
    assert.is_true(distance(run(x), ffn(x)) < 1e-6)
    assert.are_not.equal(before, run(x):tobytes())
    local message <const> = "is not the model's any more: a memory was inserted.*new optimizer"
    assert.error_matches(function() learn(optimizer) end, message)
    assert.error_matches(function() learn(wrapped) end, message)
    assert.error_matches(step, message)
    local lbfgs <const>, new <const> = mlp.optim.LBFGS(ffn), mlp.optim.Adam(ffn)
    fact:undo()
    assert.are.equal(before, run(x):tobytes())
    assert.error_matches(function()
      lbfgs:step(function() return ffn(x):sum() end)
    end, message)
    assert.error_matches(function() learn(new) end, message)
    learn(optimizer)
    step()
  end)

  it("that append can be trained", function()
    local ffn <const> = network "relu"
    local _ <close> = mlp.probe.kv(ffn):insert { key = mlp.ones(D), value = mlp.ones(D), bias = 10 }
    local optimizer <const>, before <const> = mlp.optim.SGD(ffn, { lr = 0.1 }), bytes(ffn)
    ffn(mlp.randn(4, D)):sum():backward()
    optimizer:step()
    assert.are_not.equal(before, bytes(ffn))
  end)
end)
