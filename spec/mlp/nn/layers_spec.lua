--- The layers, each against its formula and its own refusals.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
local state <const> = require "mlp.nn.state"
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

describe("Ensemble", function()
  local a <const>, b <const> = nn.Linear(3, 2), nn.Linear(3, 2)

  local function scaled(by)
    local layer <const> = nn.Linear(2, 2, { bias = false })
    mlp.no_grad(function() layer.weight:copy_(mlp.eye(2) * by) end)
    return layer
  end

  it("is the mean of outputs, or the logits of the mean of probabilities", function()
    local x <const> = mlp.randn(4, 3)
    assert.close(nn.Ensemble { a, b }(x), (a(x) + b(x)) / 2)
    local shares <const> = nn.Ensemble({ a, b }, { average = "probabilities" })(x):softmax(2)
    assert.close(shares, (a(x):softmax(2) + b(x):softmax(2)) / 2)
    local sure <const> = nn.Ensemble({ scaled(1e4), scaled(-1e4) },
      { average = "probabilities" })(mlp.tensor { { 1, -1 } })
    assert.close(sure:softmax(2), mlp.tensor { { 0.5, 0.5 } }) -- nothing overflows
  end)

  it("trains its members, and comes back from a file", function()
    local model <const> = nn.Ensemble({ a, b }, { average = "probabilities" })
    assert.are.equal(4, #model:parameters())
    model(mlp.ones(1, 3)):sum():backward()
    assert.is_not_nil(b.weight.grad)
    local path <const> = os.tmpname()
    finally(function() os.remove(path) end)
    assert(model:save(path))
    local again <const> = assert(mlp.load(path))
    assert.are.equal("probabilities", again.average)
    assert.close(again(mlp.ones(1, 3)), model(mlp.ones(1, 3)))
  end)

  it("refuses what are no members, and other means", function()
    refuses("Ensemble: the argument is .* but a table of modules", function() nn.Ensemble {} end)
    refuses("a table of modules", function() nn.Ensemble(a) end)
    refuses("Ensemble: member 2 is 3 but a module", function() nn.Ensemble { a, 3 } end)
    refuses("average is the string 'median' but ",
      function() nn.Ensemble({ a }, { average = "median" }) end)
    refuses("did you mean 'average'", function() nn.Ensemble({ a }, { avrage = "outputs" }) end)
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
    refuses("RMSNorm: the input is nil but a tensor", function() nn.RMSNorm(3)() end)
    refuses("LayerNorm: the last axis has 0", function() nn.LayerNorm(3)(mlp.tensor(1)) end)
    refuses("LayerNorm: eps is the string 'x'", function() nn.LayerNorm(3, { eps = "x" }) end)
    refuses("RMSNorm: eps is %-1 but a number from 0", function() nn.RMSNorm(3, { eps = -1 }) end)
  end)
end)

describe("BatchNorm", function()
  local x <const> = mlp.tensor { { 1, 10 }, { 3, 10 }, { 5, 40 } }

  it("gives columns of mean 0 and variance 1 over all leading axes", function()
    for _, shape in ipairs { { 50, 3 }, { 5, 10, 3 } } do
      local y <const> = nn.BatchNorm(3)(mlp.randn(shape) * 4 + 7):reshape(-1, 3)
      assert.close(y:mean(1), { 0, 0, 0 }, { absolute = 1e-6 })
      assert.close(y:var(1, false, { correction = 0 }), { 1, 1, 1 }, { tolerance = 1e-4 })
    end
  end)

  it("keeps running statistics while training and uses them in evaluation", function()
    local layer <const> = nn.BatchNorm(2, { momentum = 0.5, affine = false })
    layer(x)
    assert.close(layer.running_mean, { 1.5, 10 })
    assert.close(layer.running_var, { 0.5 + 2, 0.5 + 150 })
    assert.are.equal(1, layer.num_batches_tracked:item())
    layer:eval()
    assert.close(layer(x), (x - mlp.tensor { 1.5, 10 }) / mlp.tensor { 2.5, 150.5 }:sqrt())
    assert.close(layer(x:slice(1, 1, 1)), layer(x):slice(1, 1, 1)) -- one row will do
    assert.close(layer.running_mean, { 1.5, 10 })
  end)

  it("averages all batches, or keeps nothing, when told", function()
    local all <const> = nn.BatchNorm(2, { momentum = "cumulative" })
    all(x)
    all(x * 3)
    assert.close(all.running_mean, { 6, 40 })
    local none <const> = nn.BatchNorm(2, { track = false })
    assert.is_nil(none.running_mean)
    local y <const> = none(x)
    assert.close(none:eval()(x), y)
    assert.close(y, all(x))
  end)

  it("passes the gradient through the batch's statistics, and none to the running ones", function()
    local layer <const> = nn.BatchNorm(3):to "float64"
    local inputs <const> = { mlp.randn({ 5, 3 }, { dtype = "float64" }) }
    assert.is_true(mlp.gradcheck(layer, inputs, { second = true }))
    assert.are.equal(6, layer:parameter_count())
    assert.is_false(layer.running_mean.requires_grad)
  end)

  it("may run twice before one backward pass, and after it", function()
    local layer <const>, leaf <const> = nn.BatchNorm(2), x:clone():requires_grad_()
    local total <const> = layer(leaf):square():sum() + layer(leaf * 2):square():sum()
    layer(x)
    total:backward()
    assert.are.equal(1, leaf.grad:isfinite():all():item())
  end)

  it("refuses one row, another width, settings that are none", function()
    refuses("BatchNorm: %(1, 2%) has 1 row", function() nn.BatchNorm(2)(mlp.ones(1, 2)) end)
    refuses("BatchNorm: the last axis has 2 but 3", function() nn.BatchNorm(3)(x) end)
    refuses("momentum is 2", function() nn.BatchNorm(3, { momentum = 2 }) end)
    refuses("eps is %-1", function() nn.BatchNorm(3, { eps = -1 }) end)
  end)
end)

describe("GroupNorm", function()
  local x <const> = mlp.randn(4, 6)

  it("is LayerNorm of stretches", function()
    assert.close(nn.GroupNorm(1, 6)(x), nn.LayerNorm(6)(x))
    local halves <const> = { nn.LayerNorm(3)(x:slice(2, 1, 3)), nn.LayerNorm(3)(x:slice(2, 4, 6)) }
    assert.close(nn.GroupNorm(2, 6)(x), mlp.cat(halves, 2))
    assert.close(nn.GroupNorm(2, 6)(x:reshape(2, 2, 6)), mlp.cat(halves, 2):reshape(2, 2, 6))
    assert.are.equal(0, nn.GroupNorm(2, 6, { affine = false }):parameter_count())
  end)

  it("refuses groups of several sizes, and another width", function()
    refuses("6 columns cannot be cut into 4 groups", function() nn.GroupNorm(4, 6) end)
    refuses("the last axis has 6 but 8", function() nn.GroupNorm(2, 8)(x) end)
  end)
end)

describe("WeightNorm", function()
  local x <const> = mlp.randn(5, 3)

  it("starts as the layer it wraps, and learns lengths apart from directions", function()
    local layer <const> = nn.Linear(3, 4)
    local wrapped <const> = nn.WeightNorm(layer)
    assert.close(wrapped(x), layer(x))
    mlp.no_grad(function() wrapped.magnitude:mul_(2) end)
    assert.close(wrapped(x), x:matmul(layer.weight:t()) * 2 + layer.bias)
    wrapped(x):square():sum():backward()
    local along <const> = (layer.weight.grad * layer.weight):sum(2)
    assert.close(along, { 0, 0, 0, 0 }, { absolute = 1e-4 }) -- no slope along itself
    assert.are.equal(4 + 12 + 4, wrapped:parameter_count())
  end)

  it("runs the hooks of its layer, and says where a mistake was made", function()
    local wrapped <const> = nn.WeightNorm(nn.Linear(3, 4))
    local seen
    local hook <close> = wrapped:hook("inner", function(y) seen = y.shape end)
    wrapped(x)
    assert.are.same({ 5, 4 }, seen)
    assert.matches("inner  Linear%(3 %-> 4%)  %(5, 4%) +16 +64 +140", wrapped:summary { 5, 3 })
    refuses("in layers%[1%]: linear: input is", function()
      nn.Sequential { nn.WeightNorm(nn.Linear(2, 2)) }(x)
    end)
    assert.is_not_nil(hook)
  end)

  it("refuses what has no weight, and a row without direction", function()
    refuses("WeightNorm: the layer is", function() nn.WeightNorm(nn.ReLU()) end)
    refuses("WeightNorm: the layer is", function() nn.WeightNorm(nn.LayerNorm(3)) end)
    refuses("all 0 and has no direction",
      function() nn.WeightNorm(nn.Linear(3, 4, { init = "zeros" })) end)
  end)
end)

describe("SpectralNorm", function()
  it("brings the largest singular value to 1", function()
    mlp.manual_seed(3)
    local layer <const>, x <const> = nn.SpectralNorm(nn.Linear(5, 4)), mlp.randn(2, 5)
    for _ = 1, 60 do layer(x) end
    layer:eval()
    local _, values <const> = mlp.linalg.svd(layer:effective())
    assert.close(values:max(), 1)
    assert.close(layer(x), x:matmul(layer:effective():t()) + layer.inner.bias)
  end)

  it("moves its vectors while training only", function()
    local layer <const>, x <const> = nn.SpectralNorm(nn.Linear(5, 4)):eval(), mlp.randn(2, 5)
    local before <const> = layer.u:clone()
    layer(x)
    assert.close(layer.u, before, { tolerance = 0 })
    layer:train()(x)
    assert.are_not.equal(before:tobytes(), layer.u:tobytes())
    assert.are.equal(24, layer:parameter_count())
  end)

  it("may run twice before one backward pass", function() -- as a critic of two batches does
    local layer <const> = nn.SpectralNorm(nn.Linear(3, 2))
    local total <const> = layer(mlp.randn(4, 3)):sum() - layer(mlp.randn(4, 3)):sum()
    total:backward()
    assert.are.equal(1, layer.inner.weight.grad:isfinite():all():item())
  end)

  it("refuses settings that are none", function()
    refuses("iterations is 0", function() nn.SpectralNorm(nn.Linear(3, 2), { iterations = 0 }) end)
    refuses("field 'wieght'", function() nn.SpectralNorm(nn.Linear(3, 2), { name = "wieght" }) end)
  end)
end)

describe("Bilinear", function()
  it("is x' W z + b for every output", function()
    local layer <const> = nn.Bilinear(3, 2, 4)
    local x <const>, z <const> = mlp.randn(2, 5, 3), mlp.randn(2, 5, 2)
    local expected <const> = mlp.einsum("bti,kij,btj->btk", x, layer.weight, z) + layer.bias
    assert.close(layer(x, z), expected)
    assert.are.equal(2 * 5 * 4 * (2 * 3 * 2 + 2 * 3 + 1), layer:flops(layer(x, z)))
    assert.is_nil(nn.Bilinear(3, 2, 4, { bias = false }).bias)
  end)

  it("refuses inputs of other widths or rows", function()
    local layer <const> = nn.Bilinear(3, 2, 4)
    refuses("Bilinear: inputs are %(5, 3%) and %(4, 2%)",
      function() layer(mlp.ones(5, 3), mlp.ones(4, 2)) end)
    refuses("Bilinear: right is 0", function() nn.Bilinear(3, 0, 4) end)
  end)
end)

describe("FiLM", function()
  it("starts as its signal, then scales and shifts its columns", function()
    local layer <const> = nn.FiLM(3, 2)
    local x <const>, z <const> = mlp.randn(4, 5, 3), mlp.randn(4, 2)
    assert.close(layer(x, z), x)
    local other <const> = nn.FiLM(3, 2, { init = "lecun" })
    local both <const> = other.project(z):reshape(4, 1, 6)
    assert.close(other(x, z), x * (both:slice(3, 1, 3) + 1) + both:slice(3, 4, 6))
    assert.close(other(x[1], z[1]:reshape(1, 2):expand(5, 2)), other(x, z)[1])
  end)

  it("refuses a condition of other rows", function()
    refuses("the signal is %(4, 3%) and the condition %(5, 2%)",
      function() nn.FiLM(3, 2)(mlp.ones(4, 3), mlp.ones(5, 2)) end)
    refuses("the signal is %(4, 2%)", function() nn.FiLM(3, 2)(mlp.ones(4, 2), mlp.ones(4, 2)) end)
  end)
end)

describe("Maxout", function()
  it("is the largest of its linear functions", function()
    local layer <const>, x <const> = nn.Maxout(3, 2, { pieces = 3 }), mlp.randn(4, 3)
    assert.close(layer(x), layer.linear(x):reshape(4, 2, 3):amax(3))
    assert.are.same({ 2, 3 }, mlp.maxout(mlp.ones(2, 12), 4).shape)
    refuses("cannot be cut into groups of 2", function() mlp.maxout(mlp.ones(3), 2) end)
    refuses("Maxout: pieces is 0", function() nn.Maxout(3, 2, { pieces = 0 }) end)
  end)
end)

describe("learned activations", function()
  local x <const> = mlp.tensor { { -2, 1 }, { 3, -4 } }

  it("PReLU has a slope for all, or for each column", function()
    assert.close(nn.PReLU()(x), { { -0.5, 1 }, { 3, -1 } })
    local layer <const> = nn.PReLU(2, { init = 0.5 })
    layer(x):sum():backward()
    assert.close(layer.weight.grad, { -2, -4 })
    assert.close(mlp.tensor(-2):prelu(mlp.tensor { 0.5 }), -1)
    refuses("prelu: weight is", function() nn.PReLU(3)(x) end)
    refuses("init is the string", function() nn.PReLU(3, { init = "zeros" }) end)
  end)

  it("LearnedSnake is snake with a frequency to train", function()
    local layer <const> = nn.LearnedSnake(2, { omega = 3 })
    assert.close(layer(x), x:snake(3))
    layer:to "float64"
    assert.is_true(mlp.gradcheck(function(omega)
      return layer:forward_with({ omega = omega }, x:to "float64")
    end, { layer.omega }))
    refuses("LearnedSnake: the last axis has 2 but 3", function() nn.LearnedSnake(3)(x) end)
    refuses("omega is 0", function() nn.LearnedSnake(1, { omega = 0 }) end)
  end)
end)

describe("gated halves", function()
  it("are functions, methods and a layer", function()
    local x <const> = mlp.randn(3, 4)
    local a <const>, b <const> = x:slice(2, 1, 2), x:slice(2, 3, 4)
    for kind, act in pairs { glu = "sigmoid", reglu = "relu", geglu = "gelu", swiglu = "silu" } do
      assert.close(mlp[kind](x), a * b[act](b), { about = kind })
      assert.close(nn.GatedHalves(kind)(x), x[kind](x), { about = kind })
    end
    assert.close(mlp.glu(x:t(), 1), mlp.glu(x):t())
    refuses("swiglu: axis 1 of %(3, 4%) has 3 elements", function() mlp.swiglu(x, 1) end)
    refuses('the kind is the string', function() nn.GatedHalves "gelu" end)
  end)
end)

describe("layers with state", function()
  it("are saved and made again, in both dtypes", function()
    local path <const> = os.tmpname()
    for _, dtype in ipairs { "float32", "float64" } do
      local x <const> = mlp.randn({ 6, 3 }, { dtype = dtype })
      local model <const> = nn.Sequential {
        nn.WeightNorm(nn.Linear(3, 8)), nn.BatchNorm(8), nn.SpectralNorm(nn.Linear(8, 8)),
        nn.PReLU(8), nn.GroupNorm(2, 8), nn.Maxout(8, 4), nn.GatedHalves "swiglu",
        nn.LearnedSnake(2), nn.Snake { omega = 2 }, nn.BatchNorm(2, { momentum = "cumulative" }),
      }:to(dtype)
      model(x):sum():backward()
      for name, w in model:named_parameters() do assert.is_not_nil(w.grad, name) end
      assert(model:save(path))
      local again <const> = assert(mlp.load(path))
      assert.are.equal(tostring(model), tostring(again))
      assert.close(again(x), model:eval()(x), { tolerance = 0 })
      assert.are.equal(dtype, again.layers[2].running_mean.dtype)
    end
    os.remove(path)
  end)
end)

describe("layers with state, compiled,", function()
  local function step(model)
    return function(x)
      model:zero_grad()
      local loss <const> = model(x):square():mean()
      loss:backward()
      return loss
    end
  end

  local function seeded(make)
    mlp.manual_seed(5)
    return make()
  end

  --- Largest difference of two tensors over the largest element.
  local function apart(a, b)
    local scale <const> = math.max(b:abs():max():item(), 1e-3)
    return (a:detach():to "float64" - b:detach():to "float64"):abs():max():item() / scale
  end

  for name, make in pairs {
    BatchNorm = function() return nn.BatchNorm(3) end,
    ["BatchNorm of all batches"] = function()
      return nn.BatchNorm(3, { momentum = "cumulative" })
    end,
    GroupNorm = function() return nn.GroupNorm(3, 3) end,
    WeightNorm = function() return nn.WeightNorm(nn.Linear(3, 4)) end,
    SpectralNorm = function() return nn.SpectralNorm(nn.Linear(3, 4)) end,
    all = function()
      return nn.Sequential { nn.Linear(3, 8), nn.BatchNorm(8), nn.PReLU(8),
        nn.SpectralNorm(nn.Linear(8, 8)), nn.GatedHalves(), nn.Maxout(4, 2), nn.LearnedSnake(2) }
    end,
  } do
    it("replay to the same gradients and the same state: " .. name, function()
      local eager <const>, compiled <const> = seeded(make), seeded(make)
      local run <const>, replay <const> = step(eager), mlp.compile(step(compiled), { batch = 1 })
      finally(function() core.debug.tile_height(0) end)
      core.debug.tile_height(16)
      for _ = 1, 4 do
        local x <const> = mlp.randn(67, 3)
        assert.close(replay(x), run(x))
      end
      local own <const> = state.tensors(compiled)
      for path, tensor in pairs(state.tensors(eager)) do
        assert.is_true(apart(own[path], tensor) < 1e-5, path)
        if tensor.grad then
          assert.is_true(apart(own[path].grad, tensor.grad) < 1e-4, "gradient of " .. path)
        end
      end
    end)
  end
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
