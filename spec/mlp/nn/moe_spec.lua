local mlp <const> = require "mlp"
local nn <const> = mlp.nn
require "spec.support.approx"

local KINDS <const> = { "topk", "switch", "mixtral", "deepseek", "noisy", "expert_choice", "hash",
  "soft" }

local function refuses(message, fn)
  local ok <const>, got <const> = pcall(fn)
  assert.is_false(ok)
  assert.is_truthy(got:find(message, 1, true), got)
  assert.is_truthy(got:find("moe_spec.lua", 1, true), got)
end

local function difference(a, b) return (a - b):abs():max():item() end

local function near(wanted, got, tolerance)
  if mlp.is_tensor(got) then got = got:item() end
  assert.is_true(math.abs(wanted - got) <= (tolerance or 1e-6), ("%g, not %g"):format(got, wanted))
end

local function mixture(options)
  mlp.manual_seed(5)
  local o <const> = { dim = 4, hidden = 6, experts = 4 }
  for key, value in pairs(options or {}) do o[key] = value end
  return nn.MoE(o)
end

local function tokens_of(x)
  return mlp.arange(1, x:numel() // x:size(-1), { dtype = "int64" })
end

--- sum_k w_k expert_k(x), every expert on every token, masked.
local function dense(moe, x, weights)
  local y = mlp.zeros(x.shape, { dtype = x.dtype })
  for i = 1, moe.count do y = y + weights:slice(2, i, i) * moe:expert(i)(x) end
  return y
end

--- The chosen weights as (T, E).
local function spread(routing, E)
  local weight <const> = routing.weight
  return mlp.zeros(weight:size(1), E, { dtype = weight.dtype })
    :scatter_add(2, routing.expert, weight)
end

describe("a mixture of experts", function()
  it("is the dense sum, masked, for every kind of router and of expert", function()
    local x <const> = mlp.randn(17, 4)
    for _, kind in ipairs { "topk", "mixtral", "deepseek", "noisy", "soft" } do
      for _, expert in ipairs { "ffn", "glu" } do
        local moe <const> = mixture { router = kind, expert = expert, bias = true }:eval()
        local y <const> = moe(x)
        local weights <const> = spread(moe.router(x), 4)
        assert.is_true(difference(y, dense(moe, x, weights)) < 1e-6, kind .. " " .. expert)
      end
    end
  end)

  it("is the dense sum when experts choose, too", function()
    local moe <const>, x <const> = mixture { router = "expert_choice" }, mlp.randn(12, 4)
    local r <const>, auxiliary <const> = moe.router(x)
    local weights = mlp.zeros(4, 12)
    weights = weights:scatter(2, r.token:reshape(4, -1), r.weight)
    assert.is_true(difference(moe(x), dense(moe, x, weights:t())) < 1e-6)
    near(1, auxiliary.violation)
    assert.are.equal(24, auxiliary.taken:sum():item())
  end)

  it("keeps nothing of a forward pass", function()
    local function fields(object)
      local list <const> = {}
      for key, value in pairs(object) do list[key] = value end
      return list
    end
    local moe <const> = mixture { router = "switch", shared = 1 }
    local before <const>, of_router <const> = fields(moe), fields(moe.router)
    local alive <const> = setmetatable({ select(2, moe(mlp.randn(9, 4))) }, { __mode = "v" })
    collectgarbage()
    assert.is_nil(alive[1])
    assert.are.same(before, fields(moe))
    assert.are.same(of_router, fields(moe.router))
  end)

  it("computes the same, to the last bit, while someone looks at the gate", function()
    local moe <const>, x <const> = mixture { activation = "gelu" }, mlp.randn(9, 4)
    local function pass()
      for _, parameter in ipairs(moe:parameters()) do parameter.grad = nil end
      local y <const> = moe(x)
      y:square():sum():backward()
      return { y:detach(), moe.gate.grad, moe.up.grad, moe.down.grad }
    end
    local plain <const> = pass()
    local _ <close> = moe:hook("gate", function() end)
    for i, seen in ipairs(pass()) do assert.equal(0, difference(plain[i], seen)) end
  end)

  it("is read as a memory, expert by expert", function()
    local moe <const> = mixture { router = "mixtral" }
    local x <const>, unembedding <const> = mlp.randn(5, 4), mlp.randn(7, 4)
    local before <const> = moe(x)
    local memory <const> = mlp.probe.kv(moe:expert(2), { unembedding = unembedding })
    local value <const> = moe.down:detach():select(1, 2):select(2, 3)
    local promoted <const> = memory:value_tokens(3, { top = 1 })
    assert.are.equal(unembedding:matmul(value):argmax():item(), promoted[1].token)
    do
      local _ <close> = memory:suppress { 1, 2, 3, 4, 5, 6 }
      assert.is_true(difference(before, moe(x)) > 0)
    end
    assert.are.equal(0, difference(before, moe(x)))
  end)

  it("of one expert is the plain network", function()
    for _, expert in ipairs { "ffn", "glu" } do
      local moe <const> = mixture { experts = 1, top_k = 1, expert = expert,
        router = { weigh = "after" } }
      local x <const> = mlp.randn(2, 5, 4)
      assert.is_true(difference(moe(x), moe:expert(1)(x)) < 1e-6)
    end
  end)

  it("does not care for the order of experts", function()
    local moe <const>, x <const> = mixture { router = "mixtral" }, mlp.randn(9, 4)
    local before <const> = moe(x)
    local order <const> = mlp.tensor({ 3, 1, 4, 2 }, { dtype = "int64" })
    mlp.no_grad(function()
      for _, t in ipairs { moe.gate, moe.up, moe.down, moe.router.linear.weight } do
        t:copy_(t:index_select(1, order))
      end
    end)
    assert.is_true(difference(before, moe(x)) < 1e-6)
  end)

  it("weighs after the choice as before it, renormalised (Mixtral)", function()
    local x <const> = mlp.randn(9, 4)
    local after <const> = mixture { router = { weigh = "after", top_k = 2 } }
    local before <const> = mixture { router = { weigh = "before", renormalise = true, top_k = 2 } }
    assert.is_true(difference(after(x), before(x)) < 1e-6)
  end)

  it("takes any modules, with the same result", function()
    local stacked <const>, x <const> = mixture { router = "mixtral" }, mlp.randn(9, 4)
    local list <const> = {}
    for i = 1, 4 do list[i] = stacked:expert(i) end
    local moe <const> = mixture { router = "mixtral", experts = list }
    moe.router = stacked.router
    assert.is_true(difference(stacked(x), moe(x)) < 1e-6)
    local any <const> = mixture { experts = { nn.Linear(4, 4), nn.MLP { 4, 3, 4 } }, top_k = 1 }
    any(x)
    any(x):sum():backward()
  end)

  it("has gradients, the router's too, of both orders", function()
    for _, options in ipairs { { router = "mixtral" }, { router = "topk", expert = "ffn",
      bias = true }, { router = "deepseek", shared = 1 } } do
      local moe <const> = mixture(options):to "float64"
      local x <const> = mlp.randn(5, 4, { dtype = "float64" })
      local parameters <const> = moe:parameters()
      local inputs <const> = { x }
      for _, parameter in ipairs(parameters) do inputs[#inputs + 1] = parameter end
      moe:eval()
      assert(mlp.gradcheck(function()
        local y <const>, auxiliary <const> = moe(x)
        return (y * y):sum() + auxiliary.loss
      end, inputs, { second = options.router == "mixtral" }))
    end
  end)

  it("adds experts that all tokens share", function()
    local moe <const>, x <const> = mixture { shared = 2 }, mlp.randn(9, 4)
    assert.are.equal(12, moe.shared.up.weight:size(1))
    local routed <const> = dense(moe, x, spread(moe.router(x), 4))
    assert.is_true(difference(moe(x), routed + moe.shared(x)) < 1e-6)
  end)

  it("keeps the shape, and takes one token and none", function()
    for _, kind in ipairs(KINDS) do
      local moe <const> = mixture { router = kind }
      for _, shape in ipairs { { 2, 3, 4 }, { 1, 4 }, { 0, 4 }, { 4 } } do
        local x <const> = mlp.randn(shape)
        local y <const>, auxiliary <const> = moe(x, kind == "hash" and tokens_of(x) or nil)
        assert.are.same(shape, y.shape, kind)
        for _, name in ipairs { "loss", "violation", "dropped" } do
          local value <const> = auxiliary[name]:item()
          assert.is_true(value == value, kind)
        end
        if y:numel() == 0 then near(0, auxiliary.dropped) end
        if y:numel() > 0 then (y:sum() + auxiliary.loss):backward() end
      end
    end
  end)

  it("learns inside a compiled function as outside, for every kind of router", function()
    local x <const> = mlp.randn(12, 4)
    for _, kind in ipairs(KINDS) do
      local tokens <const> = kind == "hash" and tokens_of(x) or nil
      local function trained(compile)
        local moe <const> = mixture { router = kind }
        local optimizer <const> = mlp.optim.SGD(moe:parameters(), { lr = 0.1 })
        local step = function(input, words)
          local y <const>, auxiliary <const> = moe(input, words)
          optimizer:zero_grad()
          local loss <const> = (y - input):square():mean() + auxiliary.loss
          loss:backward()
          optimizer:step()
          return loss
        end
        if compile then step = mlp.compile(step, { batch = { 1 } }) end
        mlp.manual_seed(3)
        local losses <const> = {}
        for i = 1, 4 do losses[i] = step(x, tokens):item() end
        return losses
      end
      local eager <const>, compiled <const> = trained(false), trained(true)
      assert.is_true(eager[4] < eager[1], kind)
      for i = 1, 4 do near(eager[i], compiled[i], 1e-5) end
    end
  end)

  it("gives an expert that gets nothing a gradient of zero", function()
    local moe <const> = mixture { top_k = 1 }
    mlp.no_grad(function() moe.router.linear.weight:copy_(0) end) -- of equals the first
    local y <const>, auxiliary <const> = moe(mlp.randn(6, 4))
    y:sum():backward()
    assert.are.same({ 6, 0, 0, 0 }, auxiliary.load:totable())
    assert.are.equal(0, moe.up.grad:slice(1, 2, 4):abs():max():item())
    assert.is_true(moe.up.grad:select(1, 1):abs():max():item() > 0)
    near(4, auxiliary.violation)
  end)
end)

describe("capacity", function()
  it("of E times the mean drops nothing", function()
    local x <const> = mlp.randn(40, 4)
    local free <const> = mixture { router = { kind = "switch", jitter = 0 } }:eval()
    local full <const> = mixture { router = { kind = "switch", jitter = 0, capacity = 4 } }
    free.router.options.eval_capacity = nil
    free.router.options.capacity = nil
    local y <const>, auxiliary <const> = full(x)
    near(0, auxiliary.dropped)
    assert.is_true(difference(free(x), y) < 1e-6)
    full.router.options.capacity = math.huge
    assert.is_true(difference(free(x), full(x)) < 1e-6)
  end)

  it("drops the last to come, or the lowest; what is dropped passes by", function()
    local x <const> = mlp.randn(30, 4)
    for _, keep in ipairs { "first", "highest" } do
      local moe <const> = mixture { router = { kind = "switch", jitter = 0, capacity = 0.6,
        keep = keep } }
      mlp.no_grad(function() moe.router.linear.weight:slice(1, 2, 4):mul_(1e-3) end)
      local y <const>, auxiliary <const> = moe(x)
      local kept <const> = y:abs():amax(2):gt(0)
      assert.is_true(auxiliary.dropped:item() > 0)
      near(1 - kept:count_nonzero():item() / 30, auxiliary.dropped)
      local r <const> = moe.router(x)
      assert.is_true(r.count:amax():item() <= 4)
    end
  end)
end)

describe("losses", function()
  --- A router whose logits are what they are told.
  local function told(logits, options)
    options.jitter = 0
    local router <const> = nn.Router(logits:size(2), logits:size(2), options)
    mlp.no_grad(function() router.linear.weight:copy_(mlp.eye(logits:size(2))) end)
    local _, auxiliary <const> = router(logits)
    return auxiliary
  end

  it("of Switch are alpha when even, alpha N when one takes all", function()
    local even <const> = mlp.eye(4) * 1e-6 -- every token its own expert, barely
    near(0.01, told(even, { kind = "switch" }).losses.balance, 1e-7)
    local one <const> = mlp.zeros(8, 4)
    one[{ {}, 1 }] = 50
    near(0.04, told(one, { kind = "switch" }).losses.balance, 1e-7)
    near(0.01, told(even, { kind = "switch" }).loss, 1e-7)
  end)

  it("z is (ln N)^2 for equal scores", function()
    near(math.log(4) ^ 2, told(mlp.zeros(5, 4), { z = 1 }).losses.z)
  end)

  it("within sequences see what the batch hides", function()
    local first <const> = mlp.zeros(4, 2)
    first[{ { 1, 2 }, 1 }] = 50
    first[{ { 3, 4 }, 2 }] = 50
    local router <const> = nn.Router(2, 2, { top_k = 1, sequence_balance = 1, balance = 1 })
    mlp.no_grad(function() router.linear.weight:copy_(mlp.eye(2)) end)
    local _, auxiliary <const> = router(first, nil, 2)
    near(1, auxiliary.losses.balance)
    near(2, auxiliary.losses.sequence_balance)
  end)

  it("of load have the gradient of the expected load", function()
    mlp.manual_seed(2)
    local router <const> = nn.Router(3, 5, { kind = "noisy", load = 1, importance = 0 })
      :to "float64"
    local x <const> = mlp.randn(6, 3, { dtype = "float64" })
    mlp.no_grad(function()
      router.linear.weight:normal_()
      router.noise_linear.weight:normal_()
    end)
    assert(mlp.gradcheck(function()
      mlp.manual_seed(9)
      local _, auxiliary <const> = router(x)
      return auxiliary.losses.load
    end, { router.linear.weight, router.noise_linear.weight }))
  end)

  it("of load count how often fresh noise would choose each", function()
    mlp.manual_seed(4)
    local router <const> = nn.Router(3, 4, { kind = "noisy", load = 1, importance = 0, top_k = 1 })
    local x <const> = mlp.randn(1, 3):expand(4000, 3)
    mlp.no_grad(function() router.linear.weight:normal_() end)
    local _, auxiliary <const> = router(x)
    local share <const> = auxiliary.load / 4000
    local mean <const> = share:mean()
    near((((share - mean) ^ 2):mean() / mean ^ 2):item(), auxiliary.losses.load, 0.05)
  end)
end)

describe("the bias", function()
  it("moves against the load in training, and moves no weight", function()
    local moe <const> = mixture { router = { kind = "deepseek", top_k = 1, bias_rate = 0.02 } }
    local x <const> = mlp.randn(50, 4)
    local _, auxiliary = moe(x)
    local wanted <const> = (auxiliary.load:mean() - auxiliary.load):sign() * 0.02
    assert.is_true(difference(wanted, moe.router.bias) < 1e-7)
    local first <const> = auxiliary.violation:item()
    for _ = 1, 30 do _, auxiliary = moe(x) end
    assert.is_true(auxiliary.violation:item() < first)
    moe:eval()
    local before <const> = moe.router.bias:clone()
    moe(x)
    assert.are.equal(0, difference(before, moe.router.bias))
    mlp.no_grad(function() moe.router.bias:add_(7) end) -- the same for all: nothing changes
    local y <const> = moe(x)
    mlp.no_grad(function() moe.router.bias:add_(-7) end)
    assert.are.equal(0, difference(y, moe(x)))
    local names <const> = {}
    for name in moe:named_buffers() do names[name] = true end
    assert.is_true(names["router.bias"])
  end)
end)

describe("a mixture in a transformer", function()
  it("hands its losses on", function()
    for _, kind in ipairs { "switch", "hash" } do
      local model <const> = nn.Transformer { vocabulary = 9, context = 8, dim = 8, layers = 2,
        heads = 2, ffn = { kind = "moe", hidden = 6, experts = 3, router = kind } }
      local x <const> = mlp.tensor({ { 1, 2, 3 }, { 4, 5, 9 } }, { dtype = "int64" })
      local logits <const>, auxiliary <const> = model(x)
      assert.are.same({ 2, 3, 9 }, logits.shape)
      near(auxiliary[1].loss:item() + auxiliary[2].loss:item(), auxiliary.loss)
      ;(logits:sum() + auxiliary.loss):backward()
      assert.are.same({ 6 }, model:generate({ 1, 2 }, { tokens = 4 }).shape)
    end
  end)

  it("is saved and made again", function()
    local moe <const>, path <const> = mixture { router = { kind = "mixtral", top_k = 1 } },
      os.tmpname()
    assert(moe:save(path))
    local again <const> = assert(mlp.load(path))
    os.remove(path)
    local x <const> = mlp.randn(5, 4)
    assert.are.equal(0, difference(moe:eval()(x), again(x)))
  end)
end)

describe("report", function()
  it("names load, dead experts and samples, and leaves the mode", function()
    local moe <const> = mixture { top_k = 1 }
    mlp.no_grad(function() moe.router.linear.weight:copy_(0) end)
    local report <const> = moe:report(mlp.randn(3, 4), { labels = { "a", "b", "c" } })
    local text <const> = tostring(report)
    assert.matches("3 tokens, 3 choices; largest load 4%.00 x mean, 0%.0 %% dropped", text)
    assert.matches("1 +3 100%.0 %% #+ +a  b  c", text)
    assert.matches("dead, chosen by no token: 2, 3, 4", text)
    assert.are.same({ 3, 0, 0, 0 }, report.load)
    assert.are.same({ 2, 3, 4 }, report.dead)
    assert.are.same({ { "a", "b", "c" }, {}, {}, {} }, report.samples)
    assert.is_true(moe.training)
  end)

  it("says what experts take that choose for themselves", function()
    local moe <const>, x <const> = mixture { router = "expert_choice" }, mlp.randn(8, 4)
    local labels <const> = {}
    for i = 1, 8 do labels[i] = ("token %d"):format(i) end
    local report <const> = moe:report(x, { labels = labels, samples = 2 })
    assert.are.same({ 4, 4, 4, 4 }, report.load)
    local best <const> = moe.router.linear(x):softmax(2):argmax(1):totable()
    for i = 1, 4 do assert.are.equal(labels[best[i]], report.samples[i][1]) end
  end)

  it("tells where labels go, and draws it", function()
    local moe <const> = mixture { router = "topk", top_k = 1 }
    mlp.no_grad(function() moe.router.linear.weight:copy_(mlp.eye(4)) end)
    local report <const> = moe:report(mlp.eye(4):index_select(1, { 2, 2, 2, 3, 1 }),
      { labels = { "x", "x", "y", "y", "x" } })
    assert.are.same({ "x", "y" }, report.shares.labels)
    assert.close(mlp.tensor(report.shares.rows), { { 1 / 3, 2 / 3, 0, 0 }, { 0, 0.5, 0.5, 0 } })
    local svg <const> = report:figure():svg()
    assert.is_truthy(svg:find("load over the mean", 1, true))
    assert.is_truthy(svg:find("share of a label", 1, true))
    local html <const> = report:page { title = "Experts" }:html()
    assert.is_truthy(html:find("No token chose 4.", 1, true))
    refuses("labels is a table but one label for each of 2 tokens", function()
      moe:report(mlp.eye(4):slice(1, 1, 2), { labels = { "x" } })
    end)
  end)
end)

describe("an expert", function()
  it("is a view: what is changed in it changes the mixture", function()
    local moe <const>, x <const> = mixture { top_k = 4, router = "soft" }, mlp.randn(5, 4)
    local before <const> = moe(x)
    mlp.no_grad(function() moe:expert(2).down.weight:copy_(0) end)
    assert.is_true(difference(before, moe(x)) > 0)
    assert.are.equal(0, moe.down:select(1, 2):abs():max():item())
    local seen <const> = mlp.probe.capture(moe, { "hidden", "router.weight" },
      function() moe(x) end)
    assert.are.same({ 20, 6 }, seen.hidden.shape)
    assert.are.same({ 5, 4 }, seen["router.weight"].shape)
    refuses("the expert is 5 but a whole number from 1 to 4", function() moe:expert(5) end)
  end)
end)

describe("bad input", function()
  it("is refused in words", function()
    refuses("Router: top_k is 5, but there are 4 experts", function() mixture { top_k = 5 } end)
    refuses("Router: unknown kind 'mixtrl'", function() mixture { router = "mixtrl" } end)
    refuses("did you mean 'mixtral'?", function() mixture { router = "mixtrl" } end)
    refuses("unknown option 'topk' (did you mean 'top_k'?)",
      function() mixture { router = { topk = 1 } } end)
    refuses("MoE: experts is an empty list", function() mixture { experts = {} } end)
    refuses("expert is the string 'mlp' but", function() mixture { expert = "mlp" } end)
    refuses("the load loss is about noise", function() mixture { router = { load = 1 } } end)
    refuses("MoE: the last axis has 5 but 4 is wanted", function() mixture()(mlp.ones(3, 5)) end)
    refuses("MoE: the input is nil but a tensor (..., 4) is wanted", function() mixture()() end)
    refuses("the hash router wants the tokens", function()
      mixture { router = "hash" }(mlp.ones(3, 4))
    end)
    for _, tokens in ipairs { { 1, 2, 3 }, mlp.ones(3), mlp.ones(2, { dtype = "int64" }) } do
      refuses("but an int64 tensor of 3 is wanted", function()
        mixture { router = "hash" }(mlp.ones(3, 4), tokens)
      end)
    end
    local x <const> = mlp.ones(3, 4)
    x:set(2, 1, 0 / 0)
    for _, kind in ipairs { "topk", "switch", "deepseek", "noisy", "expert_choice", "soft" } do
      refuses("route: score[2, 1] is not a number", function() mixture { router = kind }(x) end)
    end
    refuses("Router: expert_choice takes no option 'top_k'",
      function() mixture { router = "expert_choice", top_k = 5 } end)
    refuses("Router: hash takes no option 'balance'",
      function() mixture { router = { kind = "hash", balance = 1 } } end)
    refuses("Router: soft uses all 4 experts, but top_k is 2",
      function() mixture { router = "soft", top_k = 2 } end)
    refuses("MoE: dim is nil", function() nn.MoE {} end)
  end)
end)
