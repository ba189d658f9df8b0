--- Losses: what they take, what they refuse, and that they are stable. Their values and gradients
--- against references are in the table of cases and in the golden files; here against formulas.
local mlp <const> = require "mlp"
require "spec.support.approx"

local logits <const> = mlp.tensor { { 2, -1, 0.5 }, { 0, 3, -2 } }

local function log_softmax(row)
  local total = 0
  for _, x in ipairs(row) do total = total + math.exp(x) end
  local result <const> = {}
  for i, x in ipairs(row) do result[i] = x - math.log(total) end
  return result
end

local function expected_terms(classes)
  local terms <const> = {}
  for i, row in ipairs(logits:totable()) do terms[i] = -log_softmax(row)[classes[i]] end
  return terms
end

describe("cross_entropy", function()
  it("takes classes as int64, as whole floats, as bytes and as a Lua table", function()
    local terms <const> = expected_terms { 1, 2 }
    local expected <const> = { (terms[1] + terms[2]) / 2 }
    for _, target in ipairs { mlp.tensor({ 1, 2 }, { dtype = "int64" }), mlp.tensor { 1, 2 },
      mlp.tensor({ 1, 2 }, { dtype = "uint8" }), { 1, 2 } } do
      assert.close(mlp.loss.cross_entropy(logits, target):reshape(1), expected)
    end
  end)

  it("takes probabilities, which one row of ones and zeros makes classes", function()
    local one_hot <const> = mlp.tensor { { 1, 0, 0 }, { 0, 1, 0 } }
    assert.close(mlp.loss.cross_entropy(logits, one_hot, { reduction = "none" }),
      expected_terms { 1, 2 })
  end)

  it("reduces as asked", function()
    local terms <const> = expected_terms { 3, 1 }
    local function reduced(how)
      return mlp.loss.cross_entropy(logits, { 3, 1 }, { reduction = how })
    end
    assert.close(reduced "none", terms)
    assert.close(reduced("sum"):item(), terms[1] + terms[2])
    assert.close(reduced("mean"):item(), (terms[1] + terms[2]) / 2)
  end)

  it("leaves out what is masked, and divides by what is left", function()
    local terms <const> = expected_terms { 3, 1 }
    for _, mask in ipairs { { 0, 1 }, mlp.tensor({ 0, 1 }, { dtype = "uint8" }) } do
      local loss <const> = mlp.loss.cross_entropy(logits, { 99, 1 }, { mask = mask })
      assert.close(loss:item(), terms[2])
    end
  end)

  it("weighs classes, given as a tensor or a table", function()
    local terms <const> = expected_terms { 3, 1 }
    local expected <const> = (4 * terms[1] + 0.5 * terms[2]) / 4.5
    for _, weight in ipairs { { 0.5, 1, 4 }, mlp.tensor { 0.5, 1, 4 } } do
      assert.close(mlp.loss.cross_entropy(logits, { 3, 1 }, { weight = weight }):item(), expected)
    end
  end)

  it("smooths labels towards equal shares", function()
    local row <const> = log_softmax(logits:totable()[1])
    local expected <const> = -(0.7 + 0.1) * row[1] - 0.1 * (row[2] + row[3])
    local loss <const> =
      mlp.loss.cross_entropy(logits:slice(1, 1, 1), { 1 }, { label_smoothing = 0.3 })
    assert.close(loss:item(), expected)
  end)

  it("does not change the options it is given", function()
    local options <const> = { weight = { 1, 1, 1 }, mask = { 1, 1 } }
    mlp.loss.cross_entropy(logits, { 1, 2 }, options)
    assert.are.same({ weight = { 1, 1, 1 }, mask = { 1, 1 } }, options)
  end)

  it("has leading axes", function()
    local x <const> = mlp.randn(2, 3, 5)
    local target <const> = mlp.randint(1, 5, { 2, 3 })
    assert.close(mlp.loss.cross_entropy(x, target, { reduction = "none" }):reshape(-1),
      mlp.loss.cross_entropy(x:reshape(6, 5), target:reshape(6), { reduction = "none" }))
  end)
end)

describe("losses of classes agree:", function()
  it("nll of log_softmax is cross_entropy", function()
    assert.close(mlp.loss.nll(logits:log_softmax(-1), { 3, 2 }),
      mlp.loss.cross_entropy(logits, { 3, 2 }))
  end)

  it("two classes are bce_with_logits of the difference", function()
    local pair <const> = mlp.tensor { { 0.5, -1 }, { 2, 2.5 } }
    local difference <const> = pair:select(2, 2) - pair:select(2, 1)
    assert.close(mlp.loss.bce_with_logits(difference, { 0, 1 }),
      mlp.loss.cross_entropy(pair, { 1, 2 }))
  end)

  it("kl_div is cross_entropy less the entropy of the target", function()
    local target <const> = mlp.tensor { { 0.5, 0.25, 0.25 }, { 0.1, 0.2, 0.7 } }
    local entropy <const> = -(target * target:log()):sum():item()
    local log_p <const> = logits:log_softmax(-1)
    local divergence <const> = mlp.loss.kl_div(log_p, target, { reduction = "sum" })
    local crossed <const> = mlp.loss.cross_entropy(logits, target, { reduction = "sum" })
    assert.close(divergence:item(), crossed:item() - entropy)
  end)
end)

describe("losses of numbers", function()
  local x <const>, t <const> = mlp.tensor { 1, 4, -2 }, { 0.5, 1, -2 }

  it("take a Lua table in the prediction's dtype", function()
    assert.close(mlp.loss.mse(x, t):item(), (0.25 + 9) / 3)
    assert.close(mlp.loss.l1(x:to "float64", t, { reduction = "sum" }):item(), 3.5)
    assert.close(mlp.loss.huber(x, t, { reduction = "none", delta = 2 }), { 0.125, 4, 0 })
  end)

  it("never broadcast the target", function()
    for _, name in ipairs { "mse", "l1", "huber", "bce_with_logits", "kl_div" } do
      local ok <const>, message <const> = pcall(mlp.loss[name], mlp.zeros(4, 1), mlp.zeros(4))
      assert.is_false(ok)
      assert.matches("does not broadcast", message, 1, true)
    end
  end)
end)

describe("far out", function()
  local LARGE <const> = 1e4

  it("cross_entropy has finite values and gradients", function()
    local x <const> = mlp.tensor({ { LARGE, -LARGE }, { LARGE, -LARGE } }, { requires_grad = true })
    local loss <const> = mlp.loss.cross_entropy(x, { 1, 2 })
    assert.close(loss:item(), LARGE)
    loss:backward()
    assert.close(x.grad, { { 0, 0 }, { 0.5, -0.5 } })
  end)

  it("bce_with_logits has finite values and gradients", function()
    local x <const> = mlp.tensor({ LARGE, -LARGE, LARGE, -LARGE }, { requires_grad = true })
    local loss <const> = mlp.loss.bce_with_logits(x, { 1, 0, 0, 1 }, { reduction = "sum" })
    assert.close(loss:item(), 2 * LARGE)
    loss:backward()
    assert.close(x.grad, { 0, 0, 1, -1 })
  end)
end)

-- ---- losses of several operations ---------------------------------------------------------------

local function refuses(pattern, ...)
  local ok <const>, message <const> = pcall(...)
  assert.is_false(ok)
  assert.matches(pattern, message, 1, true)
end

local function randn64() return mlp.randn({ 4, 3 }, { dtype = "float64" }) end

describe("every loss", function()
  mlp.manual_seed(11)
  local labels <const> = mlp.tensor({ { 1, 0, 1 }, { 0, 0, 1 }, { 1, 1, 1 }, { 0, 1, 0 } },
    { dtype = "float64" })
  local CALLS <const> = {
    log_cosh = function(x, y, _, o) return mlp.loss.log_cosh(x, y, o) end,
    hinge = function(x, _, _, o) return mlp.loss.hinge(x, labels * 2 - 1, o) end,
    multi_margin = function(x, _, _, o) return mlp.loss.multi_margin(x, { 1, 3, 2, 2 }, o) end,
    cosine = function(x, y, _, o) return mlp.loss.cosine(x, y, o) end,
    focal = function(x, _, _, o) return mlp.loss.focal(x, { 1, 3, 2, 2 }, o) end,
    binary_focal = function(x, _, _, o) return mlp.loss.binary_focal(x, labels, o) end,
    poisson_nll = function(x, _, _, o) return mlp.loss.poisson_nll(x, labels, o) end,
    gaussian_nll = function(x, y, z, o) return mlp.loss.gaussian_nll(x, y, z:exp(), o) end,
    triplet = function(x, y, z, o) return mlp.loss.triplet(x, y, z, o) end,
  }

  local x <const>, y <const>, z <const> = randn64(), randn64(), randn64()

  it("has its first and second derivative", function()
    for name, call in pairs(CALLS) do
      for _, reduction in ipairs { "mean", "none" } do
        local function loss(a, b, c) return call(a, b, c, { reduction = reduction }) end
        assert.is_true(mlp.gradcheck(loss, { x, y, z }, { second = true }), name)
      end
    end
  end)

  it("reduces as asked, and refuses other words", function()
    for name, call in pairs(CALLS) do
      local each <const> = call(x, y, z, { reduction = "none" })
      assert.close(call(x, y, z, { reduction = "sum" }), each:sum(), { about = name })
      assert.close(call(x, y, z), each:mean(), { about = name })
      refuses("reduction", call, x, y, z, { reduction = "avg" })
      refuses("did you mean 'reduction'?", call, x, y, z, { reductoin = "sum" })
    end
  end)

  it("refuses to broadcast a target, to mix dtypes, and a mean of nothing", function()
    for _, name in ipairs { "log_cosh", "hinge", "cosine", "binary_focal", "poisson_nll",
      "relative_l2" } do
      local loss <const> = mlp.loss[name]
      refuses("does not broadcast", loss, mlp.ones(4, 1), mlp.ones(4))
      refuses("float64", loss, mlp.ones(4), mlp.ones(4, { dtype = "float64" }))
      refuses("the batch is empty", loss, mlp.ones(0, 3), mlp.ones(0, 3))
      assert.are.equal(0, loss(mlp.ones(0, 3), mlp.ones(0, 3), { reduction = "sum" }):item())
    end
  end)
end)

describe("log_cosh", function()
  it("keeps its digits near 0 and does not overflow far out", function()
    assert.close(mlp.loss.log_cosh(mlp.tensor { 1e-3 }, { 0 }), 5e-7)
    assert.close(mlp.loss.log_cosh(mlp.tensor { 1e4 }, { 0 }), 1e4 - math.log(2))
  end)

  it("has a third derivative, and says that it is the last", function()
    local x <const> = mlp.tensor({ 0.3 }, { dtype = "float64" }):requires_grad_()
    local y = mlp.loss.log_cosh(x, { 0 })
    for _ = 1, 3 do y = mlp.grad(y:sum(), { x }, { create_graph = true }) end
    local t <const> = x:detach():tanh():item()
    assert.close(y, { -2 * t * (1 - t * t) }, { tolerance = 1e-12 })
    refuses("log_cosh: no derivative beyond the third", mlp.grad, y:sum(), { x })
  end)
end)

describe("hinge", function()
  it("takes sides as floats, as whole numbers and as a table", function()
    local x <const> = mlp.tensor { 2, 0.5, -3 }
    for _, sides in ipairs { { 1, -1, -1 }, mlp.tensor { 1, -1, -1 },
      mlp.tensor({ 1, -1, -1 }, { dtype = "int64" }) } do
      assert.close(mlp.loss.hinge(x, sides, { reduction = "none" }), { 0, 1.5, 0 })
      assert.close(mlp.loss.hinge(x, sides, { reduction = "none", squared = true, margin = 4 }),
        { 4, 20.25, 1 })
    end
  end)
end)

describe("focal", function()
  local options <const> = { gamma = 0, weight = { 0.5, 1, 4 }, mask = { 0, 1 } }

  it("is cross_entropy for gamma 0, weights and masks included", function()
    assert.close(mlp.loss.focal(logits, { 3, 1 }, options),
      mlp.loss.cross_entropy(logits, { 3, 1 }, { weight = { 0.5, 1, 4 }, mask = { 0, 1 } }))
    assert.close(mlp.loss.focal(logits, { 99, 1 }, options),
      mlp.loss.cross_entropy(logits, { 99, 1 }, { mask = { 0, 1 }, weight = { 0.5, 1, 4 } }))
  end)

  it("is smooth where a row is certain, for any gamma", function()
    for _, gamma in ipairs { 0, 0.5, 1, 2 } do
      local x <const> = mlp.tensor({ { 200, 0, 0 }, { -200, 0, 0 } }, { requires_grad = true })
      mlp.loss.focal(x, { 1, 1 }, { gamma = gamma }):backward()
      assert.are.equal(1, x.grad:isfinite():all():item(), "gamma " .. gamma)
      assert.close(x.grad[2], { -0.5, 0.25, 0.25 })
    end
  end)

  it("refuses probabilities, and classes of another number", function()
    refuses("focal: target is", mlp.loss.focal, logits, logits)
    refuses("one class for each row of (2, 3)", mlp.loss.multi_margin, logits, { 1, 2, 3 })
    refuses("multi_margin: target[1] = 0, but classes are 1..3", mlp.loss.multi_margin, logits,
      { 0, 1 })
    refuses("focal: target[1] = 0, but classes are 1..3", mlp.loss.focal, logits, { 0, 1 })
    refuses("focal: target[2] = 4, but classes are 1..3", mlp.loss.focal, logits, { 3, 4 })
    refuses("gamma is -1", mlp.loss.focal, logits, { 1, 2 }, { gamma = -1 })
  end)
end)

describe("binary_focal", function()
  it("is bce_with_logits for gamma 0, and finite far out", function()
    local x <const>, t <const> = mlp.tensor { 2, -1, 300 }, { 1, 0.25, 0 }
    assert.close(mlp.loss.binary_focal(x, t, { gamma = 0 }), mlp.loss.bce_with_logits(x, t))
    assert.close(mlp.loss.binary_focal(x, t, { reduction = "none" })[3], 300)
    assert.close(mlp.loss.binary_focal(x, t, { gamma = 0, alpha = 0.5 }),
      mlp.loss.bce_with_logits(x, t) / 2)
  end)
end)

describe("cosine", function()
  it("has a value and a slope at the origin", function()
    local x <const> = mlp.zeros(2, 3, { requires_grad = true })
    local loss <const> = mlp.loss.cosine(x, mlp.ones(2, 3))
    assert.close(loss, 1)
    loss:backward()
    assert.are.equal(1, x.grad:isfinite():all():item())
  end)

  it("wants one byte for each pair", function()
    refuses("one byte per pair, (2,)", mlp.loss.cosine, logits, logits, { same = { 1 } })
  end)
end)

describe("gaussian_nll", function()
  it("keeps the gradient of a variance that is too small", function()
    local variance <const> = mlp.tensor({ -3, 2 }, { requires_grad = true })
    local loss <const> = mlp.loss.gaussian_nll(mlp.zeros(2), { 1, 1 }, variance,
      { eps = 0.5, reduction = "sum" })
    assert.close(loss, 0.5 * (math.log(0.5) + 2) + 0.5 * (math.log(2) + 0.5))
    loss:backward()
    assert.close(variance.grad, { 0.5 * (2 - 4), 0.5 * (0.5 - 0.25) })
  end)

  it("takes one variance for a row, and no other shape", function()
    local x <const> = mlp.zeros(4, 3)
    mlp.loss.gaussian_nll(x, x, mlp.ones(4, 1))
    refuses("one number per row", mlp.loss.gaussian_nll, x, x, mlp.ones(4))
    refuses("one number per row", mlp.loss.gaussian_nll, x, x, mlp.ones(1, 3))
  end)
end)

describe("relative_l2", function()
  it("divides by the prediction, and no gradient flows that way", function()
    local x <const> = mlp.tensor({ 2, 0, -1 }, { requires_grad = true })
    local loss <const> = mlp.loss.relative_l2(x, { 1, 1, -1 }, { reduction = "sum" })
    assert.close(loss, 1 / 4.01 + 1 / 0.01)
    loss:backward()
    assert.close(x.grad, { 2 / 4.01, -2 / 0.01, 0 })
  end)

  it("is least at the mean of noisy targets", function() -- 2 of 8 and 0: the mean is 4
    local x <const> = mlp.tensor({ 4, 4 }, { requires_grad = true })
    mlp.loss.relative_l2(x, { 8, 0 }, { reduction = "sum" }):backward()
    assert.close(x.grad:sum(), 0)
  end)

  it("wants an eps", function()
    refuses("eps is 0", mlp.loss.relative_l2, logits, logits, { eps = 0 })
  end)
end)
