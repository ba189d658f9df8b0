--- The layers, each against its formula and its own refusals.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
require "spec.support.approx"

local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

describe("Linear", function()
  it("is act(x W' + b) over any leading axes", function()
    local layer <const> = nn.Linear(3, 2, { activation = "tanh" })
    for _, shape in ipairs { { 3 }, { 5, 3 }, { 2, 4, 3 } } do
      local x <const> = mlp.randn(shape)
      local expected <const> = (x:matmul(layer.weight:t()) + layer.bias):tanh()
      assert.close(layer(x), expected)
      shape[#shape] = 2
      assert.are.same(shape, layer(x).shape)
    end
  end)

  it("goes without a bias, starts with one of zeros, takes an initialiser", function()
    local bare <const> = nn.Linear(3, 2, { bias = false })
    assert.is_nil(bare.bias)
    assert.close(bare(mlp.ones(1, 3)), bare.weight:sum(2):reshape(1, 2))
    assert.are.equal(0, nn.Linear(3, 2).bias:abs():sum():item())
    assert.are.equal(0, nn.Linear(3, 2, { init = "zeros" }).weight:abs():sum():item())
    local ones <const> = nn.Linear(3, 2, { init = function(w) w:copy_(1) end })
    assert.are.equal(6, ones.weight:sum():item())
    assert.is_true(ones.weight.requires_grad)
    assert.are.equal("float64", nn.Linear(1, 1, { dtype = "float64" }).weight.dtype)
  end)

  it("counts its operations", function()
    local layer <const> = nn.Linear(3, 2)
    assert.are.equal(5 * (2 * 3 * 2 + 2), layer:flops(mlp.zeros(5, 2)))
  end)

  it("refuses sizes and names that are none", function()
    refuses("Linear: inputs is 0 but a whole number", function() nn.Linear(0, 1) end)
    refuses("Linear: outputs is nil but a whole number", function() nn.Linear(1) end)
    refuses("unknown activation 'gleu' %(did you mean 'gelu'%?%)",
      function() nn.Linear(1, 1, { activation = "gleu" }) end)
    refuses("unknown initialiser 'he'", function() nn.Linear(1, 1, { init = "he" }) end)
  end)
end)

describe("Sequential", function()
  it("runs modules and plain functions in turn", function()
    local layer <const> = nn.Linear(2, 3)
    local model <const> = nn.Sequential { layer, function(x) return x * 2 end, nn.ReLU() }
    local x <const> = mlp.randn(4, 2)
    assert.close(model(x), (layer(x) * 2):relu())
    assert.are.equal(x, nn.Sequential {}(x))
  end)

  it("keeps its own list", function()
    local list <const> = { nn.ReLU() }
    local model <const> = nn.Sequential(list)
    list[1] = nil
    assert.are.equal(1, #model.layers)
  end)

  it("refuses what are no layers", function()
    refuses("layer 2 is 3 but a module", function() nn.Sequential { nn.ReLU(), 3 } end)
    refuses("the argument is a table but a table of layers",
      function() nn.Sequential(nn.ReLU()) end)
  end)
end)

describe("MLP", function()
  it("has its activation between layers and its output's at the end", function()
    local model <const> = nn.MLP { 3, 5, 2, activation = "tanh", output = "sigmoid" }
    local x <const> = mlp.randn(4, 3)
    local first <const>, second <const> = table.unpack(model.layers)
    assert.close(model(x), second(first(x)))
    assert.are.same({ "tanh", "sigmoid" }, { first.activation, second.activation })
    assert.are.equal("relu", nn.MLP { 3, 5, 2 }.layers[1].activation)
    assert.are.equal("identity", nn.MLP { 3, 5, 2 }.layers[2].activation)
  end)

  it("drops out after hidden layers", function()
    local model <const> = nn.MLP { 3, 5, 5, 2, dropout = 0.25 }
    assert.are.equal(5, #model.layers)
    assert.are.equal(0.25, model.layers[2].p)
    assert.are.equal("Linear", model.layers[5].class_name)
  end)

  it("refuses what is no list of widths", function()
    refuses("at least two widths", function() nn.MLP { 3 } end)
    refuses("the argument is 3 but a table", function() nn.MLP(3) end)
    refuses("MLP: width 2 is 0.5 but a whole number", function() nn.MLP { 3, 0.5, 2 } end)
    refuses("did you mean 'activation'", function() nn.MLP { 3, 2, activtion = "relu" } end)
  end)
end)

describe("Residual", function()
  it("adds its branch to its input", function()
    local inner <const> = nn.Linear(2, 2)
    local x <const> = mlp.randn(3, 2)
    assert.close(nn.Residual(inner)(x), x + inner(x))
    refuses("the branch makes %(%d, 1%) of %(%d, %d%), but x %+ f%(x%) wants one shape",
      function() nn.Residual(nn.Linear(x:size(-1), 1))(x) end)
  end)
end)

describe("Dropout", function()
  it("keeps the mean while training and does nothing in evaluation", function()
    local layer <const>, x <const> = nn.Dropout(0.25), mlp.ones(10000)
    mlp.manual_seed(1)
    local y <const> = layer(x)
    local kept <const> = y:gt(0):to("float32"):mean():item()
    assert.is_true(math.abs(kept - 0.75) < 0.02) -- five deviations of the share of 10,000 draws
    assert.close(y:max(), 1 / 0.75)
    layer:eval()
    assert.are.equal(x, layer(x))
    assert.are.equal(x, nn.Dropout(0)(x))
  end)

  it("passes the gradient where it kept", function()
    local x <const> = mlp.ones(100):requires_grad_()
    local y <const> = nn.Dropout(0.5)(x)
    y:sum():backward()
    assert.close(x.grad, y:detach())
  end)

  it("draws anew, from the seed", function()
    local layer <const>, x <const> = nn.Dropout(), mlp.ones(100)
    mlp.manual_seed(4)
    local first <const>, second <const> = layer(x), layer(x)
    assert.are_not.equal(first:tobytes(), second:tobytes())
    mlp.manual_seed(4)
    assert.are.equal(first:tobytes(), layer(x):tobytes())
  end)

  it("refuses what is no probability", function()
    for _, p in ipairs { 1, -0.1, "half", 0 / 0 } do
      refuses("Dropout: p is .* but a probability", function() nn.Dropout(p) end)
    end
  end)
end)

describe("norms", function()
  local x <const> = mlp.tensor { { 1, 2, 3, 6 }, { -1, 0, 0, 1 } }

  it("LayerNorm has mean 0 and deviation 1 over the last axis", function()
    local y <const> = nn.LayerNorm(4)(x)
    assert.close(y:mean(2), { 0, 0 }, { absolute = 1e-6 })
    assert.close((y * y):mean(2), { 1, 1 }, { tolerance = 1e-4 }) -- eps is 1e-5
  end)

  it("RMSNorm has mean square 1 over the last axis", function()
    local y <const> = nn.RMSNorm(4)(x)
    assert.close((y * y):mean(2), { 1, 1 })
    assert.close(y:slice(1, 2, 2) * math.sqrt(0.5), x:slice(1, 2, 2))
  end)

  it("scale and shift by parameters, or have none", function()
    local layer <const> = nn.LayerNorm(4)
    local bare <const> = nn.LayerNorm(4, { affine = false })
    mlp.no_grad(function()
      layer.weight:copy_(3)
      layer.bias:copy_(-1)
    end)
    assert.close(layer(x), bare(x) * 3 - 1)
    assert.are.equal(0, bare:parameter_count())
    assert.are.equal(4, nn.LayerNorm(4, { bias = false }):parameter_count())
    assert.are.equal(4, nn.RMSNorm(4):parameter_count())
  end)

  it("refuse another width", function()
    refuses("LayerNorm: the last axis has 4 but 3", function() nn.LayerNorm(3)(x) end)
    refuses("RMSNorm: the last axis has 4 but 3", function() nn.RMSNorm(3)(x) end)
    refuses("LayerNorm: eps is the string 'x'", function() nn.LayerNorm(3, { eps = "x" }) end)
    refuses("RMSNorm: eps is %-1 but a number from 0", function() nn.RMSNorm(3, { eps = -1 }) end)
  end)
end)

describe("Embedding", function()
  it("gives rows of its weight, for tensors and tables", function()
    local layer <const> = nn.Embedding(5, 3)
    local tokens <const> = mlp.tensor({ { 1, 5 }, { 2, 1 } }, { dtype = "int64" })
    local y <const> = layer(tokens)
    assert.are.same({ 2, 2, 3 }, y.shape)
    assert.close(y[1][2], layer.weight[5])
    assert.close(layer { 1, 5 }, layer(tokens[1]))
  end)

  it("adds gradients of a token that occurs twice", function()
    local layer <const> = nn.Embedding(3, 2)
    layer({ 2, 2, 1 }):sum():backward()
    assert.close(layer.weight.grad, { { 1, 1 }, { 2, 2 }, { 0, 0 } })
  end)

  it("refuses token 0 and tokens past the last", function()
    refuses("is 0, but", function() nn.Embedding(3, 2) { 1, 0 } end)
    refuses("is 4, but", function() nn.Embedding(3, 2) { 4 } end)
    refuses("Embedding: dim is nil", function() nn.Embedding(3) end)
  end)
end)

describe("activations", function()
  local x <const> = mlp.tensor { -2, -0.5, 0, 0.5, 2 }
  local CLASSES <const> = { identity = "Identity", step = "Step", sigmoid = "Sigmoid",
    log_sigmoid = "LogSigmoid", tanh = "Tanh", relu = "ReLU", leaky_relu = "LeakyReLU",
    elu = "ELU", softplus = "Softplus", gelu = "GELU", gelu_tanh = "GELUTanh", silu = "SiLU",
    relu6 = "ReLU6", squared_relu = "SquaredReLU", selu = "SELU", celu = "CELU", mish = "Mish",
    softsign = "Softsign", hard_sigmoid = "HardSigmoid", hard_tanh = "HardTanh",
    hard_swish = "HardSwish", snake = "Snake",
    sine = "Sine", gaussian = "Gaussian", power = "Power", softmax = "Softmax",
    log_softmax = "LogSoftmax" }

  it("are one thing as function, method, module and option of linear", function()
    for name, class in pairs(CLASSES) do
      local expected <const> = mlp[name](x)
      assert.close(x[name](x), expected, { about = name })
      assert.close(nn[class]()(x), expected, { about = class })
    end
    for _, name in ipairs(core.activations()) do
      assert.is_not_nil(CLASSES[name], name .. " has no module")
      local layer <const> = nn.Linear(1, 1, { activation = name, init = "zeros" })
      mlp.no_grad(function() layer.weight:copy_(1) end)
      assert.close(layer(x:reshape(5, 1)):reshape(5), mlp[name](x), { about = name })
    end
  end)

  it("take their settings as modules do", function()
    local leaky <const> = nn.LeakyReLU { negative_slope = 0.5 }
    assert.close(leaky(x), { -1, -0.25, 0, 0.5, 2 })
    assert.are.equal("LeakyReLU(negative_slope = 0.5)", tostring(leaky))
    refuses("did you mean 'negative_slope'", function() nn.LeakyReLU { negative_slop = 1 } end)
  end)

  it("softmax over any axis sums to 1", function()
    assert.close(nn.Softmax()(x):sum(), 1)
    assert.close(nn.LogSoftmax()(x):exp():sum(), 1)
  end)
end)
