--- Averages and slow weights around an optimizer: their arithmetic against plain Lua, and that a
--- loop, a trainer and a checkpoint take them for the optimizer itself.
local mlp <const> = require "mlp"
local train <const> = require "spec.support.train"
local optim <const> = mlp.optim
require "spec.support.approx"

local TOLERANCE <const> = { float32 = 1e-6, float64 = 1e-14 }
local STEPS <const> = 10

--- Ten steps of SGD (lr 0.1) on the gradients t, t - 3 of two numbers.
local function run(dtype, wrap)
  local p <const> = mlp.tensor({ 1, -2 }, { dtype = dtype, requires_grad = true })
  local optimizer <const> = wrap(optim.SGD({ p }, { lr = 0.1 }))
  for t = 1, STEPS do
    optimizer:zero_grad();
    (p * mlp.tensor({ t, t - 3 }, { dtype = dtype })):sum():backward()
    optimizer:step()
  end
  return p, optimizer
end

local function by_hand(follow)
  local p <const>, beside <const> = { 1.0, -2.0 }, { 1.0, -2.0 }
  for t = 1, STEPS do
    for i, g in ipairs { t, t - 3 } do
      p[i] = p[i] - 0.1 * g
      p[i], beside[i] = follow(p[i], beside[i], t)
    end
  end
  return p, beside
end

describe("an exponential moving average", function()
  it("does its arithmetic and leaves training alone", function()
    for dtype, tolerance in pairs(TOLERANCE) do
      for _, warmup in ipairs { false, true } do
        local p <const>, ema <const> = run(dtype, function(optimizer)
          return optim.EMA(optimizer, { decay = 0.8, warmup = warmup })
        end)
        local plain <const>, average <const> = by_hand(function(x, a, t)
          local b <const> = warmup and math.min(0.8, (1 + t) / (10 + t)) or 0.8
          return x, b * a + (1 - b) * x
        end)
        assert.close(p:detach(), plain, { tolerance = tolerance })
        assert.close(ema.beside[1], average, { tolerance = tolerance })
      end
    end
  end)

  it("stands in the weights' place for as long as it is asked to", function()
    local p <const>, ema <const> = run("float64", optim.EMA)
    local weights <const>, averages <const> = p:tobytes(), ema.beside[1]:tobytes()
    do
      local swap <close> = ema:swap()
      assert.are.equal(averages, p:tobytes())
      assert.error_matches(function() ema:swap() end, "already")
      assert.error_matches(function() ema:step() end, "close what swap%(%) returned")
      swap:close()
      assert.are.equal(weights, p:tobytes())
    end
    assert.are.equal(weights, p:tobytes())
    assert.are.equal(averages, ema.beside[1]:tobytes())
    ema:step()
  end)
end)

describe("Lookahead", function()
  it("does its arithmetic", function()
    for dtype, tolerance in pairs(TOLERANCE) do
      local p <const>, lookahead <const> = run(dtype, function(optimizer)
        return optim.Lookahead(optimizer, { every = 3, alpha = 0.4 })
      end)
      local fast <const>, slow <const> = by_hand(function(x, s, t)
        if t % 3 ~= 0 then return x, s end
        s = s + 0.4 * (x - s)
        return s, s
      end)
      assert.close(p:detach(), fast, { tolerance = tolerance })
      assert.close(lookahead.beside[1], slow, { tolerance = tolerance })
    end
  end)

  it("completes a step that was interrupted before it", function()
    local p <const> = mlp.tensor({ 1 }, { requires_grad = true })
    local lookahead <const> = optim.Lookahead(optim.SGD({ p }, { lr = 1 }), { every = 1 });
    (p * 1):sum():backward()
    assert.is_false(lookahead:complete(1))
    lookahead.inner:step()
    assert.is_true(lookahead:complete(1))
    assert.close(p:detach(), { 0.5 })
    assert.is_true(lookahead:complete(1))
    assert.close(p:detach(), { 0.5 })
  end)
end)

describe("a wrapper", function()
  local WRAPPED <const> = {
    ema = function(model) return optim.EMA(optim.Adam(model, { lr = 0.02 }), { decay = 0.9 }) end,
    lookahead = function(model)
      return optim.Lookahead(optim.Adam(model, { lr = 0.02 }), { every = 2 })
    end,
    both = function(model)
      return optim.EMA(optim.Lookahead(optim.Adam(model, { lr = 0.02 }), { every = 2 }))
    end,
  }

  it("is scheduled, saved and resumed as the optimizer inside", function()
    local path <const> = os.tmpname()
    for _, wrap in pairs(WRAPPED) do
      local function trainer()
        local model <const> = train.model()
        return train.trainer { model = model, optimizer = wrap(model),
          schedule = mlp.schedule.cosine(20) }
      end
      local options <const> = { epochs = 4, batch_size = 4, seed = 2 }
      local whole <const> = trainer()
      whole:fit(train.data(), options)
      local part <const> = trainer()
      part:fit(train.data(), { epochs = 2, batch_size = 4, seed = 2, checkpoint = path })
      local other <const> = trainer()
      assert(other:resume(path))
      other:fit(train.data(), options)
      assert.are.equal(train.bits(whole.model), train.bits(other.model))
      for i, tensor in ipairs(whole.optimizer.beside) do
        assert.are.equal(tensor:tobytes(), other.optimizer.beside[i]:tobytes())
      end
      assert.close(whole:effective_lr(), 0.02 * mlp.schedule.cosine(20)(16))
    end
    os.remove(path)
  end)

  it("passes lr and factor on", function()
    local p <const> = mlp.ones(1, { requires_grad = true })
    local ema <const> = optim.EMA(optim.SGD({ p }, { lr = 0.5 }))
    ema.lr, ema.factor = 0.25, 0.5
    assert.are.equal(0.25, ema.inner.lr)
    assert.are.equal(0.125, ema:rate())
    assert.matches("^EMA%(SGD%(lr = 0.25", tostring(ema))
  end)

  it("refuses states of others, and options out of range", function()
    local p <const> = mlp.ones(2, { requires_grad = true })
    local ema <const> = optim.EMA(optim.SGD { p })
    local ok, message = ema:load_state(optim.SGD({ p }):state())
    assert.is_nil(ok)
    assert.matches("it is of SGD, not of EMA of SGD", message)
    local state <const> = ema:state()
    state.tensors["ema.1"] = mlp.ones(3)
    ok, message = ema:load_state(state)
    assert.is_nil(ok)
    assert.matches("'ema.1' is missing or of another shape", message)
    assert.error_matches(function() optim.EMA(p) end, "EMA: the first argument is a float32 tensor")
    assert.error_matches(function() optim.EMA(optim.SGD { p }, { decay = 1 }) end, "decay is 1 but")
    assert.error_matches(function() optim.Lookahead(optim.SGD { p }, { every = 0 }) end,
      "every is 0 but a whole number of steps from 1")
  end)
end)
