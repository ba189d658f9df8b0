local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local function refuses(message, fn)
  local ok <const>, got <const> = pcall(fn)
  assert.is_false(ok)
  assert.is_truthy(got:find(message, 1, true), got)
  assert.is_truthy(got:find("transformer_spec.lua", 1, true), got)
end

local function difference(a, b) return (a - b):abs():max():item() end

local function tokens(list) return mlp.tensor(list, { dtype = "int64" }) end

local SMALL <const> = { vocabulary = 11, context = 12, dim = 8, layers = 2, heads = 4, kv_heads = 2,
  ffn = { kind = "glu", hidden = 10 }, norm = "rms" }

local function small(changes)
  local options <const> = {}
  for key, value in pairs(SMALL) do options[key] = value end
  for key, value in pairs(changes or {}) do options[key] = value end
  mlp.manual_seed(3)
  return nn.Transformer(options)
end

describe("FFN and GLU", function()
  local x <const> = mlp.randn(2, 3, 4)

  it("are the formulas, over any leading axes", function()
    local ffn <const> = nn.FFN { dim = 4, hidden = 6, activation = "relu" }
    local h <const> = (x:matmul(ffn.up.weight:t()) + ffn.up.bias):relu()
    local y <const> = h:matmul(ffn.down.weight:t()) + ffn.down.bias
    assert.is_true(difference(ffn(x), y) < 1e-6)
    for activation in pairs { sigmoid = 1, relu = 1, gelu = 1, silu = 1, identity = 1 } do
      local glu <const> = nn.GLU { dim = 4, hidden = 6, activation = activation }
      local gate <const> = mlp[activation](x:matmul(glu.gate.weight:t()))
      local hidden <const> = gate * x:matmul(glu.up.weight:t())
      assert.is_true(difference(glu(x), hidden:matmul(glu.down.weight:t())) < 1e-6)
    end
    assert.are.same({ 4 }, ffn(mlp.ones(4)).shape)
  end)

  it("are sums of memories: y = sum_i m_i v_i + b", function()
    for _, ffn in ipairs { nn.FFN { dim = 4, hidden = 9 }, nn.GLU { dim = 4, hidden = 9 } } do
      local seen <const>, y <const> = mlp.probe.capture(ffn, { "hidden", "out" },
        function() return ffn(x) end)
      local total = mlp.zeros(2, 3, 4)
      for i = 1, 9 do
        total = total + seen.hidden:slice(3, i, i) * ffn.down.weight:select(2, i)
      end
      if ffn.down.bias then total = total + ffn.down.bias end
      assert.is_true(difference(total, y) < 1e-5)
      assert.are.equal(0, difference(seen.out, y))
    end
  end)

  it("drop hidden values in training only", function()
    local ffn <const> = nn.FFN { dim = 4, hidden = 6, dropout = 0.5 }
    local plain <const> = ffn:eval()(x)
    assert.are.equal(0, difference(plain, ffn(x)))
    assert.is_true(difference(plain, ffn:train()(x)) > 0)
  end)

  it("have gradients", function()
    for _, make in ipairs { nn.FFN, nn.GLU } do
      local ffn <const> = make { dim = 3, hidden = 4 }:to "float64"
      assert(mlp.gradcheck(function(v) return ffn(v) end,
        { mlp.randn(2, 3, { dtype = "float64" }) }, { second = true }))
    end
  end)

  it("refuse what they cannot be made of", function()
    refuses("FFN: dim is nil but a whole number from 1 is wanted", function() nn.FFN {} end)
    refuses("FFN: dropout is 1", function() nn.FFN { dim = 3, dropout = 1 } end)
    refuses("unknown activation 'gelo' (did you mean 'gelu'?)",
      function() nn.GLU { dim = 3, activation = "gelo" } end)
    refuses("GLU: unknown option 'hiden' (did you mean 'hidden'?)",
      function() nn.GLU { dim = 3, hiden = 3 } end)
  end)
end)

describe("Attention", function()
  it("of one head is softmax(q k' / sqrt d) v", function()
    local a <const>, x <const> = nn.Attention { dim = 4, heads = 1 }, mlp.randn(2, 3, 4)
    local q <const>, k <const>, v <const> = a.query(x), a.key(x), a.value(x)
    local y <const> = (q:matmul(k:transpose(2, 3)) / 2):softmax(3):matmul(v)
    assert.is_true(difference(a(x), a.out(y)) < 1e-6)
  end)

  it("is causal: what follows changes nothing before", function()
    local a <const> = nn.Attention { dim = 8, heads = 2, causal = true, rope = true }
    local x <const> = mlp.randn(1, 5, 8)
    local y <const> = x:clone()
    y[{ {}, { 4, 5 } }] = 7
    local before <const>, after <const> = a(x), a(y)
    assert.are.equal(0, difference(before:slice(2, 1, 3), after:slice(2, 1, 3)))
    assert.is_true(difference(before:slice(2, 4, 5), after:slice(2, 4, 5)) > 0)
  end)

  it("with rope depends on distances alone", function()
    local a <const> = nn.Attention { dim = 8, heads = 2, rope = true, bias = false }
    local q <const>, k <const> = mlp.randn(1, 1, 2, 4), mlp.randn(1, 1, 2, 4)
    local function product(t, s)
      return (mlp.rope(q, { offset = t }) * mlp.rope(k, { offset = s })):sum():item()
    end
    assert.is_true(math.abs(product(9, 4) - product(25, 20)) < 1e-4)
    assert.is_true(math.abs(product(9, 4) - product(9, 5)) > 1e-4)
    assert.are.same({ 3, 8 }, a(mlp.randn(3, 8)).shape)
  end)

  it("stays finite for scores that overflow", function()
    local q <const> = mlp.full({ 2, 1, 1 }, 1e10)
    local y <const> = mlp.attention(q, q, mlp.ones(2, 1, 1), { scale = 1e10 })
    assert.are.equal(0, difference(y, mlp.ones(2, 1, 1)))
  end)

  it("refuses heads that do not fit", function()
    refuses("heads is 3, which does not divide dim = 8",
      function() nn.Attention { dim = 8, heads = 3 } end)
    refuses("kv_heads is 3, which does not divide heads = 4",
      function() nn.Attention { dim = 8, heads = 4, kv_heads = 3 } end)
    refuses("rope wants heads of an even width, but dim / heads is 3",
      function() nn.Attention { dim = 9, heads = 3, rope = true } end)
    refuses("Attention: rope: unknown option 'bas' (did you mean 'base'?)",
      function() nn.Attention { dim = 8, heads = 2, rope = { bas = 3 } } end)
  end)
end)

describe("TransformerBlock", function()
  it("adds its branches to the residual: o = r + y", function()
    local block <const> = nn.TransformerBlock { dim = 8, heads = 2, ffn = { kind = "glu" } }
    local seen <const>, out <const> = mlp.probe.capture(block, { "residual", "ffn.out" },
      function() return block(mlp.randn(1, 3, 8)) end)
    assert.are.equal(0, difference(seen.residual + seen["ffn.out"], out))
  end)

  it("normalises sums without pre_norm", function()
    local block <const> = nn.TransformerBlock { dim = 8, heads = 2, pre_norm = false }
    local y <const> = block(mlp.randn(2, 3, 8))
    assert.is_true(y:mean(3):abs():max():item() < 1e-5)
  end)

  it("takes any module as its feed-forward network", function()
    local block <const> = nn.TransformerBlock { dim = 8, heads = 2, ffn = nn.MLP { 8, 3, 8 } }
    assert.are.same({ 3, 8 }, block(mlp.ones(3, 8)).shape)
    refuses("ffn.kind is the string 'gru' but", function()
      nn.TransformerBlock { dim = 8, heads = 2, ffn = { kind = "gru" } }
    end)
    refuses("norm is the string 'batch' but", function()
      nn.TransformerBlock { dim = 8, heads = 2, norm = "batch" }
    end)
  end)
end)

describe("Transformer", function()
  it("gives the logits of every next token", function()
    for _, changes in ipairs { {}, { rope = false }, { tied = false }, { pre_norm = false },
      { norm = "layer", ffn = false } } do
      if changes.ffn == false then changes.ffn = { kind = "ffn" } end
      local model <const> = small(changes)
      assert.are.same({ 2, 3, 11 }, model(tokens { { 1, 2, 3 }, { 4, 5, 11 } }).shape)
      local x <const>, y <const> = tokens { 1, 2, 3 }, tokens { 1, 2, 9 }
      local d <const> = (model(x) - model(y)):abs():amax(2)
      assert.is_true(d:get(1) == 0 and d:get(2) == 0 and d:get(3) > 0)
    end
  end)

  it("takes one token, and none", function()
    local model <const> = small()
    for _, shape in ipairs { { 1, 1 }, { 1, 0 }, { 0, 3 }, { 1 } } do
      local logits <const> = model(mlp.ones(shape, { dtype = "int64" }))
      shape[#shape + 1] = model.embedding.weight:size(1)
      assert.are.same(shape, logits.shape)
      logits:sum():backward()
    end
    for _, options in ipairs { { tokens = 2 }, { tokens = 2, temperature = 0, stop = 3 } } do
      local none <const> = model:generate(mlp.ones(0, 3, { dtype = "int64" }), options)
      assert.are.equal(0, none:size(1))
    end
    refuses("embedding: index is missing", function() model() end)
    refuses("LayerNorm: the input is nil", function() nn.LayerNorm(4)() end)
  end)

  it("shares the embedding when tied, also in a file", function()
    local model <const>, path <const> = small(), os.tmpname()
    assert.is_true(rawequal(model.embedding.weight, model.unembedding.weight))
    assert(model:save(path))
    local again <const> = assert(mlp.load(path))
    os.remove(path)
    assert.is_true(rawequal(again.embedding.weight, again.unembedding.weight))
    local x <const> = tokens { 1, 5, 7 }
    assert.are.equal(0, difference(model:eval()(x), again(x)))
    assert.is_false(rawequal(small { tied = false }.unembedding.weight,
      small { tied = false }.embedding.weight))
  end)

  it("learns to count", function()
    local model <const> = small()
    local optimizer <const> = mlp.optim.Adam(model:parameters(), { lr = 1e-2 })
    local x <const> = tokens { { 1, 2, 3, 4, 5, 6, 7, 8 }, { 4, 5, 6, 7, 8, 9, 10, 11 } }
    local first, loss
    for _ = 1, 60 do
      loss = mlp.loss.cross_entropy(model(x:slice(2, 1, 7)), x:slice(2, 2, 8))
      first = first or loss:item()
      optimizer:zero_grad()
      loss:backward()
      optimizer:step()
    end
    assert.is_true(loss:item() < first / 10)
    assert.are.same({ 4, 5, 6, 7, 8, 9, 10 },
      model:generate({ 4, 5 }, { tokens = 5, temperature = 0 }):totable())
  end)

  it("gives the same with a cache as without", function()
    local model <const> = small():eval()
    local x <const> = tokens { { 1, 5, 7, 2, 9 }, { 3, 3, 8, 1, 11 } }
    local whole <const> = model(x)
    mlp.no_grad(function()
      local cache <const> = model:cache(2)
      local parts <const> = { model(x:slice(2, 1, 2), cache), model(x:slice(2, 3, 3), cache),
        model(x:slice(2, 4, 5), cache) }
      assert.are.equal(5, cache.length)
      assert.is_true(difference(mlp.cat(parts, 2), whole) < 1e-5)
    end)
  end)

  it("refuses what is longer than its context", function()
    local model <const> = small()
    refuses("Transformer: 13 positions are more than the context of 12",
      function() model(mlp.ones(1, 13, { dtype = "int64" })) end)
    refuses("Transformer: vocabulary is nil", function() nn.Transformer { dim = 8 } end)
    refuses("Transformer: ffn is a module, but every block has one of its own",
      function() small { ffn = nn.FFN { dim = 8 } } end)
  end)
end)

describe("generate", function()
  local model <const> = small()

  it("takes the likeliest at temperature 0, and fills the context", function()
    local out <const> = model:generate({ 1 }, { temperature = 0 })
    assert.are.same({ 12 }, out.shape)
    for i = 1, 11 do
      local logits <const> = model(out:slice(1, 1, i))
      assert.are.equal(logits[i]:argmax():item(), out:get(i + 1))
    end
    assert.are.same(out:totable(), model:generate({ 1 }, { top_k = 1 }):totable())
    assert.are.same(out:totable(), model:generate({ 1 }, { top_p = 1e-9 }):totable())
  end)

  it("draws as often as the probabilities say, and from nothing that is cut off", function()
    local logits <const> = mlp.log(mlp.tensor { 0.5, 0.3, 0.15, 0.05 })
    local fixed <const> = nn.Module:extend "Fixed"
    function fixed:init() self.context = 3 end
    function fixed:cache() return self end
    function fixed:forward(x)
      return logits:reshape(1, 1, 4):expand(x:size(1), x:size(2), 4)
    end
    local function shares(options)
      mlp.manual_seed(1)
      options.tokens = 1
      local run <const> = require("mlp.nn.generation").run
      local drawn <const> = run(fixed(), mlp.ones(4000, 1, { dtype = "int64" }), options)
      local counts <const> = {}
      for i = 1, 4 do counts[i] = drawn:select(2, 2):eq(i):count_nonzero():item() / 4000 end
      return counts
    end
    local function near(wanted, got)
      for i = 1, 4 do assert.is_true(math.abs(wanted[i] - got[i]) < 0.03) end
    end
    near({ 0.5, 0.3, 0.15, 0.05 }, shares {})
    near({ 0.625, 0.375, 0, 0 }, shares { top_k = 2 })
    near({ 0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0 }, shares { top_p = 0.85 })
    local flat <const> = 0.5 ^ 0.5 + 0.3 ^ 0.5 + 0.15 ^ 0.5 + 0.05 ^ 0.5
    near({ 0.5 ^ 0.5 / flat, 0.3 ^ 0.5 / flat, 0.15 ^ 0.5 / flat, 0.05 ^ 0.5 / flat },
      shares { temperature = 2 })
  end)

  it("ends at stop, and pads what ended before the others", function()
    local first <const> = model:generate({ 1 }, { temperature = 0 }):get(2)
    local longer = 1 -- a prompt that draws something else
    repeat
      longer = longer + 1
    until model:generate({ longer }, { temperature = 0, tokens = 1 }):get(2) ~= first
    assert.are.same({ 1 }, model:generate({ 1 }, { temperature = 0, stop = first }):totable())
    local out <const> = model:generate({ { 1 }, { longer } },
      { temperature = 0, stop = first, tokens = 1 })
    assert.are.same({ 2, 2 }, out.shape)
    assert.are.equal(first, out:get(1, 2))
  end)

  it("leaves the mode as it was and no history", function()
    model:train()
    local out <const> = model:generate({ 1, 2 }, { tokens = 2 })
    assert.is_true(model.training)
    assert.are.same({ 4 }, out.shape)
    assert.is_true(mlp.grad_enabled())
  end)

  it("refuses bad options", function()
    refuses("generate: temperature is -1",
      function() model:generate({ 1 }, { temperature = -1 }) end)
    refuses("generate: top_p is 0 but", function() model:generate({ 1 }, { top_p = 0 }) end)
    refuses("generate: top_k is 0 but", function() model:generate({ 1 }, { top_k = 0 }) end)
    refuses("generate: the prompt is", function() model:generate {} end)
    refuses("embedding: index", function() model:generate { 12 } end)
  end)

  it("refuses logits that are not numbers, and takes every temperature", function()
    local greedy <const> = model:generate({ 1 }, { temperature = 0 }):totable()
    for _, temperature in ipairs { 1e-30, 1e-45, 5e-324 } do
      assert.are.same(greedy, model:generate({ 1 }, { temperature = temperature }):totable())
      assert.are.same(greedy,
        model:generate({ 1 }, { temperature = temperature, top_p = 0.9 }):totable())
    end
    local broken <const> = small()
    mlp.no_grad(function() broken.blocks[1].ffn.down.weight:set(2, 1, 0 / 0) end)
    for _, options in ipairs { { temperature = 0 }, {}, { top_k = 2 }, { top_p = 0.5 } } do
      refuses("generate: the logits after 2 tokens are not numbers: the parameter "
        .. "blocks.1.ffn.down.weight holds NaN: row 2, column 1",
        function() broken:generate({ 1, 2 }, options) end)
    end
  end)
end)

describe("hooks on values inside", function()
  local model <const> = small()
  local x <const> = tokens { { 1, 2, 3 } }

  it("see and replace them, until their handle closes", function()
    local plain <const> = model(x)
    do
      local seen
      local _ <close> = model:hook("blocks.2.ffn.hidden", function(value, module)
        seen = { value.shape, module.class_name }
        return value * 0
      end)
      local cut <const> = mlp.probe.capture(model, { "blocks.2.ffn.out" },
        function() model(x) end)["blocks.2.ffn.out"]
      assert.are.same({ { 1, 3, 10 }, "GLU" }, seen)
      assert.are.equal(0, cut:abs():max():item())
    end
    assert.are.equal(0, difference(plain, model(x)))
  end)

  it("have the same names everywhere", function()
    local paths <const> = {}
    for _, name in ipairs { "gate", "value", "hidden", "out" } do
      paths[#paths + 1] = "blocks.1.ffn." .. name
    end
    for _, name in ipairs { "query", "key", "value", "hidden", "out" } do
      paths[#paths + 1] = "blocks.1.attention." .. name
    end
    local seen <const> = mlp.probe.capture(model, paths, function() model(x) end)
    for _, path in ipairs(paths) do assert.is_truthy(seen[path], path) end
    assert.are.equal(0, difference(seen["blocks.1.ffn.gate"] * seen["blocks.1.ffn.value"],
      seen["blocks.1.ffn.hidden"]))
  end)

  it("report mistakes at the caller", function()
    refuses("there is no module or value 'blocks.1.ffn.hiden' (did you mean "
      .. "'blocks.1.ffn.hidden'?)", function() model:hook("blocks.1.ffn.hiden", print) end)
    local hook = model:hook("blocks.1.ffn.hidden", function() return mlp.ones(2) end)
    refuses("the value 'hidden' of GLU is float32 (1, 3, 10), but the hook returned",
      function() model(x) end)
    hook:close()
    hook = model:hook("blocks.1.ffn.hidden", function() error("mine", 0) end)
    assert.has_error(function() model(x) end, "mine")
    hook:close()
    model(x)
  end)
end)

describe("probe.capture", function()
  local model <const> = small()
  local x <const> = tokens { { 1, 2, 3 } }

  it("gives values without history, and what the function returned", function()
    local seen <const>, a <const>, b <const> = mlp.probe.capture(model, { "blocks.1", "norm" },
      function()
        model(x)
        return 1, 2
      end)
    assert.are.same({ 1, 2 }, { a, b })
    assert.is_false(seen["blocks.1"].requires_grad)
    assert.are.same({ 1, 3, 8 }, seen.norm.shape)
  end)

  it("keeps the last, or all", function()
    local function twice()
      model(x)
      model(x:slice(2, 1, 2))
    end
    local last <const> = mlp.probe.capture(model, { "norm" }, twice)
    assert.are.same({ 1, 2, 8 }, last.norm.shape)
    local all <const> = mlp.probe.capture(model, { "norm" }, twice, { all = true })
    assert.are.same({ 1, 3, 8 }, all.norm[1].shape)
    assert.are.equal(2, #all.norm)
  end)

  it("keeps nothing else alive, and no hook, also when the function raises", function()
    model(x) -- what is made at first use is there
    collectgarbage()
    local before <const> = mlp.memory().tensors
    local seen <const> = mlp.probe.capture(model, { "blocks.1.ffn.hidden" },
      function() model(x) end)
    collectgarbage()
    collectgarbage()
    assert.are.equal(before + 1, mlp.memory().tensors)
    assert.are.same({ 1, 3, 10 }, seen["blocks.1.ffn.hidden"].shape)
    local ok <const> = pcall(mlp.probe.capture, model, { "norm" }, function() error "mine" end)
    assert.is_false(ok)
    assert.is_false(model:is_hooked())
  end)

  it("refuses what it cannot look at", function()
    refuses("there is no module or value 'nrm' (did you mean 'norm'?)",
      function() mlp.probe.capture(model, { "norm", "nrm" }, function() end) end)
    assert.is_false(model:is_hooked())
    refuses("the third argument is nil", function() mlp.probe.capture(model, {}) end)
    refuses("the second argument is the string 'norm'",
      function() mlp.probe.capture(model, "norm", print) end)
  end)
end)

describe("summary", function()
  it("gives the shares of a GPT block: two thirds of the matrices are the FFN's", function()
    local model <const> = nn.Transformer { vocabulary = 50, context = 16, dim = 32, layers = 2,
      heads = 4, rope = false }
    local text <const> = model:summary(mlp.ones(1, 16, { dtype = "int64" }))
    assert.matches("FFN +%d+%.%d %% +66%.7 %%", text)
    assert.matches("attention +%d+%.%d %% +33%.3 %%", text)
    assert.is_nil(nn.MLP({ 2, 3, 1 }):summary():find("share of", 1, true))
  end)
end)
