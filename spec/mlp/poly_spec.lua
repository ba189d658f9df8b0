--- Networks as polynomials: every closed form against numerical integration in float64. In two
--- dimensions the trapezoid rule on a square of 12 deviations integrates what is analytic to 1e-12,
--- so a fit is held to what defines it: f - g is orthogonal to all monomials up to its degree.
require "spec.support.approx"
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local poly <const>, nn <const> = mlp.poly, mlp.nn

local DOUBLE <const> = { dtype = "float64" }
local function double(numbers) return mlp.tensor(numbers, DOUBLE) end
local function normal(...)
  local shape <const> = { ... }
  return mlp.randn(shape, DOUBLE)
end

--- A random network of two inputs; slopes are moderate, so that the rules above resolve them.
local function network(activation, gated, D, H, O)
  D, H, O = D or 2, H or 5, O or 3
  local net <const> = {
    activation = activation, weight = normal(H, D) * 0.5, bias = normal(H) * 0.5,
    output = { weight = normal(O, H), bias = normal(O) },
  }
  if gated then net.value = { weight = normal(H, D) * 0.5, bias = normal(H) * 0.5 } end
  return net
end

local function activated(net, y)
  local a <const> = net.activation
  if type(a) == "function" then return a(y) end
  if type(a) == "table" then return mlp[a[1]](y, a[2]) end
  return mlp[a](y)
end

local function run(net, x)
  local h = activated(net, mlp.linear(x, net.weight, net.bias))
  if net.value then h = h * mlp.linear(x, net.value.weight, net.value.bias) end
  return mlp.linear(h, net.output.weight, net.output.bias)
end

local function skewed(mean)
  return poly.gaussian(double(mean or { 0.3, -0.5 }), double { { 1.3, 0.4 }, { 0.4, 0.7 } })
end

--- Points x (B, 2) and weights (B) of the rule for a normal distribution of two inputs.
local function grid(gaussian, step)
  local t <const> = mlp.arange(-12, 12, step or 0.15, DOUBLE)
  local axes <const> = mlp.meshgrid { t, t }
  local z <const> = mlp.stack({ axes[1]:reshape(-1), axes[2]:reshape(-1) }, 2)
  local weight <const> = (z:square():sum(2) * -0.5):exp()
  local root <const> = mlp.linalg.cholesky(gaussian:matrix())
  return z:matmul(root:t()) + gaussian.mean, weight / weight:sum()
end

--- All monomials of two inputs up to a degree: (B, F).
local function monomials(x, degree)
  local a <const>, b <const>, list <const> = x:select(2, 1), x:select(2, 2), {}
  for i = 0, degree do
    for j = 0, degree - i do list[#list + 1] = a:pow(i) * b:pow(j) end
  end
  return mlp.stack(list, 2)
end

--- The largest E[(f - g) monomial], against the size of f.
local function disagreement(net, p, x, weight, degree)
  local f <const> = run(net, x)
  local gap <const> = (f - p(x)) * weight:unsqueeze(2)
  local scale <const> = (f:square() * weight:unsqueeze(2)):sum():sqrt():item()
  return monomials(x, degree):t():matmul(gap):abs():amax():item() / scale
end

describe("poly.moments", function()
  -- Belrose and Rigg's setting for one unit under N(0, 1): E s, E s', E s'' and the R2 of degrees 1
  -- to 4, to five digits.
  local TABLE <const> = {
    relu = { .398942, .5, .398942, .73347, .96694, .96694, .98640 },
    gelu = { .282095, .5, .423142, .72329, .98230, .98230, .99728 },
    silu = { .206621, .5, .350845, .79851, .99509, .99509, .99966 },
    softplus = { .806059, .5, .206621, .92076, .99938, .99938, .99998 },
    sigmoid = { .5, .206621, 0, .98417, .98417, .99913, .99913 },
    tanh = { 0, .605706, 0, .93047, .93047, .98635, .98635 },
    sin = { 0, .606531, 0, .85092, .85092, .99274, .99274 },
    abs = { .797885, 0, .797885, 0, .87597, .87597, .94897 },
    square = { 1, 0, 2, 0, 1, 1, 1 },
  }

  local function unit(activation, mean, deviation)
    local one <const> = double { { 1 } }
    return { activation = activation, weight = one, output = { weight = one } },
      poly.gaussian(double { mean or 0 }, (deviation or 1) ^ 2)
  end

  for name, row in pairs(TABLE) do
    it("and R2 of one unit: " .. name, function()
      for n, moment in ipairs(poly.moments(name, 0, 1)) do
        assert.close(moment:item(), row[n], { tolerance = 0, absolute = 6e-7 })
      end
      local net <const>, input <const> = unit(name)
      for degree = 1, 4 do
        local r2 <const> = poly.explained(net, input, { degree = degree }).r2
        assert.close(r2, row[3 + degree], { tolerance = 0, absolute = 6e-6 })
      end
    end)
  end

  it("away from the origin", function()
    local expected <const> = {
      gelu = { .9902638, .6058691, .2070688 }, relu = { 1.0726894, .5987063, .1933341 },
    }
    for name, values in pairs(expected) do
      for n, moment in ipairs(poly.moments(name, 0.5, 2)) do
        assert.close(moment:item(), values[n], { tolerance = 0, absolute = 6e-8 })
      end
    end
    local r2 <const> = { relu = { .80527, .97322 }, gelu = { .78566, .96920 },
      silu = { .79635, .98105 }, tanh = { .82489, .84314 } }
    for name, values in pairs(r2) do
      local net <const>, input <const> = unit(name, 0.5, 2)
      for degree = 1, 2 do
        local got <const> = poly.explained(net, input, { degree = degree }).r2
        assert.close(got, values[degree], { tolerance = 0, absolute = 6e-6 })
      end
    end
  end)

  -- E s^(n+1) is the slope of E s^(n) in the mean, and E s^(n+2) s its slope in the deviation (the
  -- heat equation): central differences check every order of every activation.
  -- Whatever the library calls an activation is known here.
  local ALL <const> = { "abs", "sin", "square", { "leaky_relu", 0.3 }, { "sine", 1.7 },
    { "power", 3 }, { "softplus", 2 }, { "gaussian", 0.6 }, { "elu", 0.5 }, { "celu", 0.5 },
    { "snake", 0.7 } }
  for _, name in ipairs(core.activations()) do ALL[#ALL + 1] = name end
  local m <const>, s <const> = double { 0.4, -1.1, 2.3, 0 }, double { 0.7, 1.9, 0.5, 1 }

  local function label(activation)
    return type(activation) == "table" and table.concat(activation, " ") or activation
  end

  for _, activation in ipairs(ALL) do
    it("obey the heat equation: " .. label(activation), function()
      local h <const>, order <const> = 1e-4, { order = 5 }
      local function at(a, b) return poly.moments(activation, a, b, order) end
      local here <const> = at(m, s)
      local right <const>, left <const> = at(m + h, s), at(m - h, s)
      local wider <const>, narrower <const> = at(m, s + h), at(m, s - h)
      for n = 1, 4 do
        local about <const> = { tolerance = 1e-5, scale = 0.01 }
        assert.close((right[n] - left[n]) / (2 * h), here[n + 1], about)
        assert.close((wider[n] - narrower[n]) / (2 * h), here[n + 2] * s, about)
      end
    end)

    it("begin with the expected value: " .. label(activation), function()
      local t <const> = mlp.arange(-12, 12, 1e-3, DOUBLE)
      local weight <const> = (t:square() * -0.5):exp() * (1e-3 / math.sqrt(2 * math.pi))
      local y <const> = m:unsqueeze(2) + s:unsqueeze(2) * t
      local value <const> = (activated({ activation = activation }, y) * weight):sum(2)
      -- a jump between two nodes is placed to half a step: 4e-4 / 2 of step's E
      local absolute <const> = activation == "step" and 4e-4 or 1e-6
      assert.close(poly.moments(activation, m, s)[1], value, { tolerance = 0, absolute = absolute })
    end)
  end

  it("take a function as they take its name", function()
    for _, name in ipairs { "gelu", "silu", "tanh", "sin" } do
      local named <const> = poly.moments(name, m, s, { order = 6 })
      local given <const> = poly.moments(mlp[name], m, s, { order = 6 })
      for n = 1, 7 do assert.close(given[n], named[n], { tolerance = 1e-9, scale = 1 }) end
    end
  end)

  it("are those of the activation itself where nothing varies", function()
    local here <const> = poly.moments("tanh", 0.5, 0)
    local t <const> = mlp.tanh(double { 0.5 }):item()
    assert.close(here[1]:item(), t, { tolerance = 1e-7 })
    assert.close(here[2]:item(), 1 - t ^ 2, { tolerance = 1e-6 })
  end)
end)

describe("poly.fit under a normal distribution", function()
  setup(function() mlp.manual_seed(11) end)

  for _, activation in ipairs { "gelu", "silu", "sigmoid", "tanh", "softplus", "sin", "identity",
    { "power", 3 } } do
    local name <const> = type(activation) == "table" and activation[1] or activation
    for _, gated in ipairs { false, true } do
      it("leaves nothing of its degree: " .. name .. (gated and ", gated" or ""), function()
        local net <const>, input <const> = network(activation, gated), skewed()
        local x <const>, weight <const> = grid(input)
        for degree = 1, 4 do
          local p <const> = poly.fit(net, input, { degree = degree })
          assert.is_true(disagreement(net, p, x, weight, degree) < 1e-9)
          local mean <const> = weight:unsqueeze(1):matmul(run(net, x)):reshape(-1)
          assert.close(p.mean, mean, { tolerance = 1e-9 })
        end
      end)
    end
  end

  it("leaves nothing of its degree: relu", function()
    for _, gated in ipairs { false, true } do
      local net <const>, input <const> = network("relu", gated), skewed()
      local x <const>, weight <const> = grid(input, 0.05)
      for degree = 1, 4 do
        local p <const> = poly.fit(net, input, { degree = degree })
        assert.is_true(disagreement(net, p, x, weight, degree) < 2e-3) -- a kink costs step^2
      end
    end
  end)

  it("is half of the product of the weights for relu at the origin", function()
    local W1 <const>, W2 <const> = normal(7, 4), normal(3, 7)
    local p <const> = poly.fit({ activation = "relu", weight = W1, output = { weight = W2 } },
      poly.gaussian(4))
    assert.close(p.linear, W2:matmul(W1) * 0.5, { tolerance = 1e-14 })
  end)

  it("is the network where it is linear", function()
    local W1 <const>, W2 <const> = normal(7, 4), normal(3, 7)
    local p <const> = poly.fit({ weight = W1, output = { weight = W2 } }, poly.gaussian(4))
    assert.close(p.linear, W2:matmul(W1), { tolerance = 1e-14 })
    for o = 1, 3 do assert.close(p:form(o), mlp.zeros(4, 4, DOUBLE), { absolute = 1e-14 }) end
  end)

  it("is the network where it is bilinear", function()
    local net <const>, input <const> = network("identity", true, 6, 8), poly.gaussian(6)
    local x <const> = normal(50, 6) * 10
    assert.close(poly.fit(net, input)(x), run(net, x), { tolerance = 1e-12 })
    assert.close(poly.explained(net, input).r2, 1, { tolerance = 1e-12 })
    local w <const>, v <const> = net.weight[1]:unsqueeze(2), net.value.weight[1]:unsqueeze(2)
    local alone <const> = { weight = net.weight:slice(1, 1, 1), value = {
      weight = net.value.weight:slice(1, 1, 1) }, output = { weight = double { { 1 } } } }
    local form <const> = poly.fit(alone, input):form(1)
    assert.close(form * 2, w:matmul(v:t()) + v:matmul(w:t()), { tolerance = 1e-13 })
  end)

  it("has the mean Jacobian and Hessian of the network", function()
    local net <const>, input <const> = network("tanh", true, 2, 3, 1), skewed()
    local p <const> = poly.fit(net, input)
    local x <const>, weight <const> = grid(input, 0.3)
    x:requires_grad_()
    local first <const> = mlp.grad(run(net, x):sum(), { x }, { create_graph = true })
    assert.close(p.linear[1], weight:unsqueeze(1):matmul(first:detach()):reshape(-1),
      { tolerance = 1e-9 })
    for i = 1, 2 do
      local row <const> = mlp.grad(first:select(2, i):sum(), { x }, { create_graph = true })
      assert.close(p:form(1)[i] * 2, weight:unsqueeze(1):matmul(row:detach()):reshape(-1),
        { tolerance = 1e-9 })
    end
  end)

  it("is finite where units do not vary", function()
    local net <const> = network("relu", true, 3)
    local p <const> = poly.fit(net, poly.gaussian(double { 1, 2, 3 }, 0))
    local x <const> = double { { 1, 2, 3 } }
    assert.close(p(x), run(net, x), { tolerance = 1e-3 })
  end)
end)

describe("poly.explained", function()
  setup(function() mlp.manual_seed(12) end)

  local function variance(values, weight)
    local mean <const> = weight:unsqueeze(1):matmul(values)
    return weight:unsqueeze(1):matmul((values - mean):square()):reshape(-1)
  end

  for _, activation in ipairs { "gelu", "silu", "tanh", "softplus", "sin", "mish", "snake" } do
    it("is the variance that is integrated: " .. activation, function()
      for _, gated in ipairs { false, true } do
        local net <const>, input <const> = network(activation, gated), skewed()
        local x <const>, weight <const> = grid(input)
        local whole <const> = variance(run(net, x), weight)
        for degree = 1, 3 do
          local e <const> = poly.explained(net, input, { degree = degree })
          local p <const> = poly.fit(net, input, { degree = degree })
          assert.close(e.explained, variance(p(x), weight), { tolerance = 1e-9 })
          assert.is_true((e.total - whole):abs():le(e.bound + whole * 1e-9):all():item() == 1)
          assert.is_true(e.bound:amax():item() < 1e-6 * whole:amax():item())
          assert.equal(degree, #e.degrees)
        end
      end
    end)
  end

  it("is in closed form for piecewise linear units", function()
    for _, activation in ipairs { "relu", "abs", { "leaky_relu", 0.2 } } do
      local net <const>, input <const> = network(activation), skewed()
      local x <const>, weight <const> = grid(input, 0.05)
      local e <const> = poly.explained(net, input)
      assert.close(e.total, variance(run(net, x), weight), { tolerance = 1e-3 })
      assert.close(e.bound, mlp.zeros(3, DOUBLE))
      -- the series of all degrees approaches it from below, slowly: a kink's terms fall as n^-5/2
      local series <const> = poly.explained(net, input, { degree = 16 })
      assert.is_true(series.r2 < 1 and series.r2 > 0.995)
    end
  end)

  it("knows units that are the same, or opposite", function()
    local w <const> = double { { 1, 0.5 }, { 1, 0.5 }, { -1, -0.5 } }
    local net <const> = { activation = "relu", weight = w, bias = double { 0.3, 0.3, -0.3 },
      output = { weight = double { { 1, 1, 0 }, { 1, 0, -1 }, { 1, -1, 0 } } } }
    local input <const> = skewed()
    local e <const> = poly.explained(net, input)
    local one <const> = poly.explained({ activation = "relu", weight = w:slice(1, 1, 1),
      bias = double { 0.3 }, output = { weight = double { { 1 } } } }, input)
    local y <const> = w:slice(1, 1, 1)
    assert.close(e.total, { one.total:item() * 4, -- relu(y) + relu(y), relu(y) - relu(-y) = y, 0
      y:matmul(input:matrix()):matmul(y:t()):item(), 0 }, { tolerance = 1e-6 })
  end)
end)

describe("poly under a mixture", function()
  setup(function() mlp.manual_seed(13) end)

  local function mixture()
    local round <const> = poly.gaussian(double { 0, -1 }, 0.4)
    return poly.mixture({ skewed { -1, 0.5 }, skewed { 1.5, 1 }, round }, { 2, 1, 1 })
  end

  local function mixed_grid(mix)
    local x <const>, weight <const> = {}, {}
    for i, part in ipairs(mix.parts) do
      x[i], weight[i] = grid(part, 0.2)
      weight[i] = weight[i] * mix.weights[i]
    end
    return mlp.cat(x, 1), mlp.cat(weight, 1)
  end

  it("leaves nothing of its degree", function()
    for _, gated in ipairs { false, true } do
      local net <const>, mix <const> = network("silu", gated), mixture()
      local x <const>, weight <const> = mixed_grid(mix)
      for degree = 1, 2 do
        local p <const> = poly.fit(net, mix, { degree = degree })
        assert.is_true(disagreement(net, p, x, weight, degree) < 1e-9)
      end
    end
  end)

  it("is quadratic in as many directions as are asked for", function()
    local net <const>, mix <const> = network("tanh", true), mixture()
    local x <const>, weight <const> = mixed_grid(mix)
    local p <const> = poly.fit(net, mix, { directions = 1 })
    assert.equal(1, p.directions)
    local _, vectors <const> = mlp.linalg.eigh(mix:matrix())
    local gap <const> = (run(net, x) - p(x)) * weight:unsqueeze(2)
    local u <const> = x:matmul(vectors:select(2, 2))
    local features <const> = mlp.stack({ mlp.ones(#u, DOUBLE), x:select(2, 1), x:select(2, 2),
      u:square() }, 2)
    assert.is_true(features:t():matmul(gap):abs():amax():item() < 1e-9)
    assert.equal(1, mlp.linalg.matrix_rank(p:form(1)):item())
  end)

  it("of one component is the component", function()
    local net <const> = network("relu", true, 5, 8)
    local root <const> = normal(5, 5)
    local part <const> = poly.gaussian(normal(5), root:matmul(root:t()))
    local a <const> = poly.fit(net, part):about()
    local b <const> = poly.fit(net, poly.mixture { part }):about()
    assert.close(b.constant, a.constant, { tolerance = 1e-9 })
    assert.close(b.linear, a.linear, { tolerance = 1e-9 })
    for o = 1, 3 do assert.close(b:form(o), a:form(o), { tolerance = 1e-9 }) end
    assert.close(poly.explained(net, poly.mixture { part }).explained,
      poly.explained(net, part).explained, { tolerance = 1e-9 })
  end)

  it("explains what is integrated", function()
    local net <const>, mix <const> = network("gelu"), mixture()
    local x <const>, weight <const> = mixed_grid(mix)
    local function variance(values)
      local off <const> = values - weight:unsqueeze(1):matmul(values)
      return weight:unsqueeze(1):matmul(off:square()):reshape(-1)
    end
    for degree = 1, 2 do
      local e <const> = poly.explained(net, mix, { degree = degree })
      assert.close(e.total, variance(run(net, x)), { tolerance = 1e-9 })
      assert.close(e.explained, variance(poly.fit(net, mix, { degree = degree })(x)),
        { tolerance = 1e-9 })
    end
  end)

  it("has the mean, the covariance and the components of its rows", function()
    local x <const> = mlp.randn(60, 3)
    local classes <const> = mlp.randint(1, 3, { 60 })
    local mix <const>, whole <const> = poly.mixture_of(x, classes), poly.gaussian_of(x)
    assert.close(mix.mean, whole.mean, { tolerance = 1e-12 })
    assert.close(mix:matrix(), whole:matrix(), { tolerance = 1e-12 })
    assert.equal(3, #mix.parts)
  end)

  it("is drawn as it is described", function()
    local mix <const> = mixture()
    local x <const> = mix:sample(20000, { generator = mlp.generator(4) })
    local drawn <const> = poly.gaussian_of(x)
    assert.close(drawn.mean, mix.mean, { tolerance = 0, absolute = 0.05 }) -- 5 deviations of 0.01
    assert.close(drawn:matrix(), mix:matrix(), { tolerance = 0, absolute = 0.1 })
  end)

  -- The authors' own test: regression on a sample has a confidence interval for each coefficient;
  -- at 1 % for all of them together (Bonferroni) the closed form lies inside. Errors differ with x,
  -- so the intervals are White's.
  it("agrees with regression on samples of 10,000", function()
    local D <const>, O <const>, N <const> = 10, 3, 10000
    for _, activation in ipairs { "relu", "gelu" } do
      local net <const> = network(activation, false, D, 1000, O)
      for K = 1, 3 do
        local parts <const> = {}
        for i = 1, K do
          local root <const> = normal(D, D) * 0.4
          parts[i] = poly.gaussian(normal(D) * 0.5, root:matmul(root:t()))
        end
        local mix <const> = poly.mixture(parts)
        local p <const> = poly.fit(net, mix, { degree = 1 }):about()
        local x <const> = mix:sample(N)
        local design <const> = mlp.cat({ mlp.ones(N, 1, DOUBLE), x }, 2)
        local inverse <const> = mlp.linalg.inv(design:t():matmul(design))
        local influence <const> = design:matmul(inverse) -- (N, D + 1)
        local y <const> = run(net, x)
        local beta <const> = influence:t():matmul(y)
        local residual <const> = y - design:matmul(beta)
        local deviation <const> = influence:square():t():matmul(residual:square()):sqrt()
        local closed <const> = mlp.cat({ p.constant:unsqueeze(1), p.linear:t() }, 1)
        local z <const> = ((beta - closed) / deviation):abs():amax():item()
        assert.is_true(z < 3.79, ("%s, %d components: %.2f"):format(activation, K, z)) -- 0.01 / 66
        local sampled <const> = poly.least_squares(y, x, { degree = 1 })
        assert.close(sampled.linear, beta:slice(1, 2, D + 1):t(), { tolerance = 1e-9 })
      end
    end
  end)
end)

describe("a polynomial", function()
  setup(function() mlp.manual_seed(14) end)

  it("is the same about another point", function()
    local p <const> = poly.fit(network("silu", true, 4), poly.gaussian(double { 1, 2, 3, 4 }, 2),
      { degree = 4 })
    local x <const> = normal(20, 4)
    local q <const> = p:about(double { -1, 0, 1, 5 })
    assert.equal(4, q.degree)
    assert.close(q(x), p(x), { tolerance = 1e-10 })
    assert.close(p:about()(mlp.zeros(1, 4, DOUBLE))[1], p:about().constant, { tolerance = 1e-12 })
  end)

  it("of degree 2 is its coefficients", function()
    local p <const> = poly.fit(network("gelu", false, 4), poly.gaussian(4)):about()
    local x <const> = normal(4)
    for o = 1, 3 do
      local value <const> = p.constant:get(o) + p.linear[o]:matmul(x):item()
        + x:matmul(p:form(o)):matmul(x):item()
      assert.close(p(x):get(o), value, { tolerance = 1e-12 })
      local w <const>, v <const> = p:eigen(o)
      assert.close((v * w):matmul(v:t()), p:form(o), { tolerance = 1e-12 })
    end
    local u <const>, s <const>, vh <const> = p:svd()
    assert.close((u * s):matmul(vh), p.linear, { tolerance = 1e-12 })
  end)

  it("has gradients, and answers in the dtype it is asked in", function()
    local p <const> = poly.fit(network("relu", true, 4), poly.gaussian(4), { degree = 3 })
    assert.is_true(mlp.gradcheck(function(x) return p(x) end, { normal(3, 4) }, { second = true }))
    local x <const> = mlp.randn(2, 3, 4)
    assert.equal("float32", p(x).dtype)
    assert.same({ 2, 3, 3 }, p(x).shape)
    assert.close(p(x), p(x:to "float64"), { tolerance = 1e-5 })
    assert.equal("Polynomial(degree 3, 4 inputs, 3 outputs)", tostring(p))
  end)
end)

describe("poly.units", function()
  setup(function() mlp.manual_seed(15) end)

  local x
  before_each(function() x = mlp.randn(30, 4) end)

  local function agrees(model)
    model:eval()
    local u <const> = poly.units(model)
    local net <const> = { activation = u.activation.run, weight = u.weight, bias = u.bias,
      value = u.value, output = u.output }
    assert.close(run(net, x:to "float64"), model(x), { tolerance = 1e-5 })
    return u
  end

  it("reads networks of layers", function()
    agrees(nn.MLP { 4, 7, 3, activation = "gelu", dropout = 0.5 })
    agrees(nn.MLP { 4, 7, 3, activation = "relu", bias = false })
    local leaky <const> = nn.LeakyReLU { negative_slope = 0.3 }
    agrees(nn.Sequential { nn.Linear(4, 7), leaky, nn.Linear(7, 2) })
    agrees(nn.Sequential { nn.Sequential { nn.Linear(4, 7, { activation = "silu" }) },
      nn.Linear(7, 2) })
    agrees(nn.MLP { 4, 7, 3, activation = "leaky_relu",
      activation_options = { negative_slope = 0.3 } })
    agrees(nn.Siren { 4, 7, 3, omega_first = 2 })
    for _, kind in ipairs { "glu", "reglu", "geglu", "swiglu" } do
      agrees(nn.Sequential { nn.Linear(4, 14), nn.GatedHalves(kind), nn.Linear(7, 2) })
    end
    local linear <const> = agrees(nn.Sequential { nn.Linear(4, 7), nn.Linear(7, 2) })
    assert.equal("identity", linear.activation.name)
  end)

  it("reads blocks by their names", function()
    local Block <const> = nn.Module:extend "Block"
    function Block:init()
      self.gate = nn.Linear(4, 6, { activation = "silu" })
      self.up, self.down = nn.Linear(4, 6, { bias = false }), nn.Linear(6, 4)
    end
    function Block:forward(t) return self.down(self.gate(t) * self.up(t)) end
    agrees(Block())
    for _, activation in ipairs { "sigmoid", "gelu", "silu", "identity" } do
      agrees(nn.GLU { dim = 4, hidden = 6, activation = activation, bias = true })
    end
    agrees(nn.FFN { dim = 4, hidden = 6 })
    local Plain <const> = nn.Module:extend "Plain"
    function Plain:init()
      self.up, self.down = nn.Linear(4, 6, { activation = "gelu" }), nn.Linear(6, 4)
    end
    function Plain:forward(t) return self.down(self.up(t)) end
    agrees(Plain())
  end)

  it("says what it cannot read", function()
    local function refuses(words, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() poly.fit(table.unpack(arguments)) end, words)
    end
    local input <const> = poly.gaussian(4)
    refuses("the network is Linear%(relu%), Linear%(relu%), Linear, but Linear, activation, Linear",
      nn.MLP { 4, 5, 5, 2 }, input)
    local block <const> = nn.GLU { dim = 4, hidden = 6 }
    block.up = nn.Linear(4, 6, { activation = "tanh" })
    refuses("up has the activation tanh, but none is wanted there", block, input)
    refuses("the network is Linear, LayerNorm, Linear",
      nn.Sequential { nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2) }, input)
    refuses("unknown activation 'rleu' %(did you mean 'relu'%?%)",
      { activation = "rleu", weight = normal(3, 4), output = { weight = normal(2, 3) } }, input)
    refuses("output.weight is %(2, 5%) but %(any, 3%) is wanted",
      { weight = normal(3, 4), output = { weight = normal(2, 5) } }, input)
    refuses("the network has 4 inputs, the distribution 5", nn.MLP { 4, 5, 2 }, poly.gaussian(5))
    refuses("degree is 0 but a whole number from 1", nn.MLP { 4, 5, 2 }, input, { degree = 0 })
    refuses("degree is 3 but .* %(2 under a mixture%)", nn.MLP { 4, 5, 2 }, poly.mixture { input },
      { degree = 3 })
    refuses("directions is 65", nn.MLP { 4, 5, 2 }, poly.mixture { input }, { directions = 65 })
    refuses("the distribution is nil", nn.MLP { 4, 5, 2 })
    refuses("unknown option 'degre' %(did you mean 'degree'%?%)", nn.MLP { 4, 5, 2 }, input,
      { degre = 2 })
    assert.error_matches(function() poly.gaussian(mlp.zeros(3), mlp.zeros(2, 2)) end,
      "covariance is .* but a tensor %(3, 3%)")
    assert.error_matches(function() poly.mixture({ input }, { 0 }) end, "weights%[1%] is 0")
    assert.error_matches(function() poly.mixture { input, poly.gaussian(3) } end, "part 2 is")
    assert.error_matches(function() poly.moments({ "power", 0.5 }, 0, 1) end,
      "exponent of power is 0.5")
    assert.error_matches(function() poly.svd_attack(poly.fit(nn.MLP { 4, 5, 2 }, input),
      mlp.zeros(1, 4), 3) end, "directions is 3 but a whole number from 0 to 2")
  end)
end)

describe("poly.compare", function()
  it("measures what a surrogate leaves", function()
    local f <const> = double { { 1, 0 }, { 3, 0 }, { 0, 2 } }
    local g <const> = double { { 1, 0 }, { 0, 1 }, { 0, 2 } }
    local classes <const> = mlp.ones(3, { dtype = "int64" })
    local c <const> = poly.compare(f, g, mlp.zeros(3, 1), classes)
    -- means 4/3 and 2/3: spreads 14/3 and 8/3; differences 9 + 1
    assert.close(c.fvu, 10 / (14 / 3 + 8 / 3), { tolerance = 1e-12 })
    assert.close(c.fvu_pooled, (10 / 6 - (2 / 6) ^ 2) / (14 / 6 - 1), { tolerance = 1e-12 })
    local p <const> = 1 / (1 + math.exp(-3))
    local q <const> = 1 / (1 + math.exp(1))
    assert.close(c.kl, (p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))) / 3,
      { tolerance = 1e-12 })
    assert.close({ c.agreement, c.accuracy, c.network_accuracy }, { 2 / 3, 1 / 3, 2 / 3 })
  end)

  it("finds the quadratic fit nearer than the linear", function()
    mlp.manual_seed(16)
    local model <const>, input <const> = nn.MLP { 8, 30, 4 }, poly.gaussian(8)
    local x <const> = input:sample(2000):to "float32"
    local function fvu(degree)
      return poly.compare(model, poly.fit(model, input, { degree = degree }), x).fvu
    end
    assert.is_true(fvu(2) < fvu(1) and fvu(1) < 1)
    assert.close(fvu(2), 1 - poly.explained(model, input).r2, { tolerance = 0.1 })
  end)
end)

describe("poly.least_squares", function()
  it("finds a quadratic from a sample of it", function()
    mlp.manual_seed(17)
    local net <const> = network("identity", true, 5, 6)
    local x <const> = normal(200, 5)
    local p <const> = poly.least_squares(function(t) return run(net, t) end, x)
    assert.close(p(x * 3), run(net, x * 3), { tolerance = 1e-9 })
    assert.equal(0, #poly.least_squares(run(net, x), x, { degree = 1 }).terms)
  end)
end)

describe("attacks", function()
  setup(function() mlp.manual_seed(18) end)

  it("take the leading patterns out of inputs", function()
    local p <const> = poly.fit(network("relu", false, 6, 9), poly.gaussian(6))
    local x <const> = normal(10, 6)
    assert.close(poly.svd_attack(p, x, 0), x)
    local u <const> = p:svd()
    local left <const> = poly.svd_attack(p, x, 2)
    assert.close(left:matmul(p.linear:t()):matmul(u:slice(2, 1, 2)), mlp.zeros(10, 2, DOUBLE),
      { absolute = 1e-12 })
    assert.close(poly.svd_attack(p, x, 3):matmul(p.linear:t()), mlp.zeros(10, 3, DOUBLE),
      { absolute = 1e-12 })
  end)

  it("move one output's leading direction and no other", function()
    local p <const> = poly.fit(network("relu", false, 6, 9), poly.gaussian(6))
    local directions <const>, leading <const> = poly.eigen_attack(p)
    assert.close(leading:matmul(directions:t()), mlp.eye(3, DOUBLE), { tolerance = 1e-10 })
    local values <const>, vectors <const> = p:eigen(2)
    assert.close(p:form(2):matmul(leading[2]), leading[2] * values:get(6), { tolerance = 1e-10 })
    local sign <const> = vectors:select(2, 6):matmul(leading[2]):item()
    assert.close(vectors:select(2, 6) * sign, leading[2], { tolerance = 1e-12 })
    assert.is_true((p.linear * directions):sum(2):ge(0):all():item() == 1)
  end)
end)
