--- What coordinate networks are made of: encodings against their formulas, with gradients of both
--- orders; sines that start as their paper says; skips and activations with parameters.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
require "spec.support.approx"

local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

local DOUBLE <const> = { dtype = "float64" }

--- Gradients of first and second order, of the input and of the parameters.
local function check_gradients(model, x)
  local inputs <const> = { x }
  for _, parameter in ipairs(model:parameters()) do inputs[#inputs + 1] = parameter:detach() end
  assert.is_true(mlp.gradcheck(function(input) return model(input) end, { x }, { second = true }))
end

describe("PositionalEncoding", function()
  it("doubles its frequency, sines before cosines", function()
    local x <const> = mlp.tensor({ { 0.3, -0.7 } }, DOUBLE)
    local y <const> = nn.PositionalEncoding(2, 3, DOUBLE)(x):totable()[1]
    local wanted <const> = { 0.3, -0.7 }
    for i = 0, 2 do
      for _, f in ipairs { math.sin, math.cos } do
        for _, v in ipairs { 0.3, -0.7 } do wanted[#wanted + 1] = f(2 ^ i * v) end
      end
    end
    for k = 1, #wanted do assert.near(wanted[k], y[k], 1e-12) end
    assert.equal(14, nn.PositionalEncoding(2, 3).outputs)
  end)

  it("takes pi, and leaves the input out", function()
    local encoding <const> = nn.PositionalEncoding(1, 2, { pi = true, input = false })
    local y <const> = encoding(mlp.full({ 1 }, 0.25))
    assert.close(y, mlp.tensor { 0.5 ^ 0.5, 0.5 ^ 0.5, 1, 0 }, { tolerance = 1e-6 })
  end)

  it("has its gradients", function()
    check_gradients(nn.PositionalEncoding(2, 2, DOUBLE), mlp.randn(3, 2, DOUBLE))
  end)
end)

describe("FourierFeatures", function()
  it("is [cos 2 pi B v, sin 2 pi B v]", function()
    for _, kind in ipairs { "gaussian", "positional", "basic" } do
      local model <const> = nn.FourierFeatures(2, { kind = kind, features = 6, sigma = 3 })
      local m <const> = model.outputs // 2
      local v <const> = mlp.rand(5, 2)
      local angle <const> = v:matmul(model.frequencies:slice(1, 1, m):t())
      assert.close(model(v), mlp.cat({ angle:cos(), angle:sin() }, 2), { tolerance = 1e-5 })
    end
  end)

  it("has the frequencies of its kind", function()
    local function turns(o) return nn.FourierFeatures(2, o).frequencies / (2 * math.pi) end
    assert.close(turns { kind = "basic" }, mlp.tensor { { 1, 0 }, { 0, 1 }, { 1, 0 }, { 0, 1 } })
    assert.close(turns({ kind = "positional", features = 6, sigma = 4 }):slice(1, 1, 6),
      mlp.tensor { { 1, 0 }, { 0, 1 }, { 4, 0 }, { 0, 4 }, { 16, 0 }, { 0, 16 } })
    local g <const> = mlp.generator(4)
    assert.near(10, turns({ features = 2000, generator = g }):std():item(), 0.5)
  end)

  it("has its gradients, and refuses what makes no sense", function()
    check_gradients(nn.FourierFeatures(2, { features = 3, sigma = 0.5, dtype = "float64" }),
      mlp.rand(3, 2, DOUBLE))
    refuses("kind is the string 'sinus' but",
      function() nn.FourierFeatures(2, { kind = "sinus" }) end)
    refuses("sigma is 0 but a positive", function() nn.FourierFeatures(2, { sigma = 0 }) end)
    refuses("1 features are too few for 2 axes",
      function() nn.FourierFeatures(2, { kind = "positional", features = 1 }) end)
  end)
end)

describe("HashGrid", function()
  local SMALL <const> = { axes = 2, levels = 3, base = 2, growth = 2, table_size = 16,
    dtype = "float64" }

  it("has a row for every corner while they fit", function()
    local grid <const> = nn.HashGrid(SMALL)
    assert.same({ 9 + 16 + 16, 2 }, grid.table.shape)
    assert.equal(6, grid.outputs)
    local far <const> = nn.HashGrid { levels = 5, base = 4, finest = 64 }
    local levels <const> = core.hash_grid_levels { levels = 5, base = 4,
      growth = far.levels.growth }:totable()
    assert.same({ 4, 8, 16, 32, 64 }, { levels[1][1], levels[2][1], levels[3][1], levels[4][1],
      levels[5][1] })
  end)

  it("looks from low to high", function()
    local grid <const> = nn.HashGrid(SMALL)
    local x <const> = mlp.rand(4, 2, DOUBLE)
    local y <const> = grid(x)
    grid.low, grid.high = -1, 1
    assert.close(grid(x * 2 - 1), y)
    refuses("low is 1 and high 0", function() nn.HashGrid { low = 1, high = 0 } end)
  end)

  it("gives gradients of gradients to its table and its points", function()
    local grid <const> = nn.HashGrid(SMALL)
    local function eikonal(x, rows)
      local y <const> = core.hash_grid(x, rows, grid.levels):sin():sum(-1)
      local slope <const> = mlp.grad(y:sum(), { x }, { create_graph = true })
      return (slope * slope):sum(-1)
    end
    local x <const> = mlp.tensor({ { 0.11, 0.83 }, { 0.57, 0.31 } }, DOUBLE)
    local rows <const> = mlp.randn(41, 2, DOUBLE)
    assert.is_true(mlp.gradcheck(eikonal, { x:requires_grad_(), rows }, { second = true }))
  end)

  it("sums gradients in the order of the points: the same bits again", function()
    local grid <const> = nn.HashGrid { levels = 4, base = 2, table_size = 64 }
    local x <const> = mlp.rand(500, 2)
    local function gradient()
      return mlp.grad((grid(x) * 3):sin():sum(), { grid.table })
    end
    assert.equal(0, gradient():ne(gradient()):sum():item())
  end)
end)

describe("SphericalHarmonics", function()
  local function directions(n)
    local golden <const>, list <const> = math.pi * (3 - math.sqrt(5)), {}
    for i = 1, n do
      local z <const> = 1 - (2 * i - 1) / n
      local r <const> = math.sqrt(1 - z * z)
      list[i] = { r * math.cos(golden * i), r * math.sin(golden * i), z }
    end
    return mlp.tensor(list, DOUBLE)
  end

  it("is orthonormal on the sphere", function()
    local y <const> = nn.SphericalHarmonics(4, DOUBLE)(directions(4000))
    local gram <const> = y:t():matmul(y) * (4 * math.pi / 4000)
    assert.close(gram, mlp.eye(16, DOUBLE), { tolerance = 2e-3 })
  end)

  it("obeys the addition theorem: squares of a degree sum to (2 l + 1) / 4 pi", function()
    local y <const> = nn.SphericalHarmonics(4, DOUBLE)(directions(7)):square()
    for l = 0, 3 do
      local sum <const> = y:slice(2, l * l + 1, (l + 1) * (l + 1)):sum(2)
      assert.close(sum, mlp.full({ 7 }, (2 * l + 1) / (4 * math.pi), DOUBLE))
    end
  end)

  it("has its gradients and its degrees", function()
    for degree = 1, 4 do
      assert.equal(degree * degree, nn.SphericalHarmonics(degree)(mlp.randn(2, 5, 3)):size(3))
    end
    check_gradients(nn.SphericalHarmonics(4, DOUBLE), mlp.randn(3, 3, DOUBLE))
    refuses("degree is 5 but a whole number from 1 to 4", function() nn.SphericalHarmonics(5) end)
    refuses("SphericalHarmonics: the input is", function() nn.SphericalHarmonics()(mlp.ones(2)) end)
  end)
end)

describe("Siren", function()
  --- Kolmogorov's statistic: sqrt(n) times the largest distance between the distribution of n
  --- values and one whose cumulative function is given. Of independent draws from it, one set in a
  --- thousand reaches 1.95.
  local function kolmogorov(values, cumulative)
    local n <const> = values:numel()
    local theirs <const> = cumulative(values:to "float64":reshape(-1):sort())
    local above <const> = mlp.linspace(1 / n, 1, n, { dtype = "float64" }) - theirs
    return math.sqrt(n) * mlp.maximum(above, 1 / n - above):max():item()
  end
  local IN_A_THOUSAND <const> = 1.95

  local function normal(x) return ((x * math.sqrt(0.5)):erf() + 1) * 0.5 end
  local function arcsine(x) return x:clamp(-1, 1):asin() / math.pi + 0.5 end

  --- Products omega W x and activations of each layer, of 16 networks that see one point each:
  --- given what the layer before says, the units of a layer are independent draws. `scale`
  --- multiplies the weights.
  local function units(scale)
    mlp.manual_seed(11)
    local products <const>, activations <const> = {}, {}
    for i = 1, 5 do products[i], activations[i] = {}, {} end
    for n = 1, 16 do
      local model <const> = nn.Siren { 2, 256, 256, 256, 256, 256, 1 }
      local x = mlp.rand(1, 2) * 2 - 1
      for i = 1, 5 do
        local layer <const> = model.layers[i]
        layer.weight:detach():mul_(scale)
        products[i][n], x = x:matmul(layer.weight:t()):detach() * 30, layer(x):detach()
        activations[i][n] = x
      end
    end
    for i = 1, 5 do
      products[i], activations[i] = mlp.cat(products[i], 1), mlp.cat(activations[i], 1)
    end
    return products, activations
  end

  it("starts with normal products of deviation 1 and arcsine activations, at any depth", function()
    local products <const>, activations <const> = units(1)
    for i = 1, 5 do
      local about <const> = "layer " .. i
      assert.is_true(kolmogorov(activations[i], arcsine) < IN_A_THOUSAND, about)
      assert.near(0.5, activations[i]:square():mean():item(), 0.02, about)
      if i > 1 then -- the first layer's inputs are two coordinates, not many activations
        assert.is_true(kolmogorov(products[i], normal) < IN_A_THOUSAND, about)
        assert.near(1, products[i]:square():mean():item(), 0.08, about)
      end
    end
  end)

  it("would not start so from weights a fifth smaller or larger", function()
    for _, scale in ipairs { 0.8, 1.2 } do
      assert.is_true(kolmogorov(units(scale)[3], normal) > IN_A_THOUSAND, scale)
    end
  end)

  it("has the bounds of its paper", function()
    local model <const> = nn.Siren { 2, 50, 50, 1, omega = 20, omega_first = 7 }
    local function most(i) return model.layers[i].weight:abs():max():item() end
    assert.is_true(most(1) <= 1 / 2 and most(1) > 0.4)
    for i = 2, 3 do
      local bound <const> = math.sqrt(6 / 50) / 20
      assert.is_true(most(i) <= bound and most(i) > 0.8 * bound)
    end
    assert.close(model.layers[1](mlp.ones(1, 2)),
      ((model.layers[1].weight:sum(2) + model.layers[1].bias) * 7):sin():reshape(1, 50),
      { tolerance = 1e-5 })
  end)

  it("has its gradients, and is made again from a file", function()
    check_gradients(nn.Siren { 2, 5, 5, 1, omega = 2, omega_first = 2, dtype = "float64" },
      mlp.rand(3, 2, DOUBLE))
    local path <const> = os.tmpname()
    local model <const> = nn.Sequential { nn.FourierFeatures(2, { features = 5 }),
      nn.Siren { 10, 4, 1, omega = 3 } }
    assert(model:save(path))
    local x <const> = mlp.rand(3, 2) / 9
    assert.close(assert(mlp.load(path))(x), model(x), { tolerance = 0 })
    os.remove(path)
  end)

  it("warns once when inputs leave [-1, 1]", function()
    local child <const> = require "spec.support.child"
    local output <const> = child.lua("-e", 'warn "@on" local m = require("mlp") '
      .. "local s = m.nn.Siren{1, 4, 1} s(m.ones(1, 1) * 3) s(m.ones(1, 1) * 3) "
      .. "m.nn.Siren{1, 4, 1}(m.ones(1, 1))")
    local _, count = output:gsub("Siren: inputs reach 3, but", "")
    assert.equal(1, count, output)
  end)
end)

describe("MLP with skips", function()
  it("joins the input to what a layer takes", function()
    local model <const> = nn.MLP { 2, 4, 4, 3, skips = { 3 } }
    local x <const> = mlp.randn(5, 2)
    local h <const> = model.layers[2](model.layers[1](x))
    assert.same({ 3, 6 }, model.layers[3].weight.shape)
    assert.close(model(x), model.layers[3](mlp.cat({ x, h }, 2)))
    refuses("a layer in skips is 4 but a whole number from 2 to 3",
      function() nn.MLP { 2, 4, 4, 3, skips = { 4 } } end)
  end)

  it("gives the hidden activation its parameters", function()
    local model <const> = nn.MLP { 2, 4, 1, activation = "gaussian",
      activation_options = { sigma = 0.1 } }
    local x <const> = mlp.randn(3, 2)
    local z <const> = x:matmul(model.layers[1].weight:t())
    assert.close(model.layers[1](x), (z:square() * -50):exp(), { tolerance = 1e-5 })
    refuses("sigma", function()
      nn.MLP { 2, 4, 1, activation = "gaussian", activation_options = { sigma = -1 } }
    end)
  end)
end)
