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
