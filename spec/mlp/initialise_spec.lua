--- Initial weights: spread, bounds, orthogonality, defaults. Deviations are held to 5 standard
--- errors of what is drawn: for a deviation s of n draws about 5 s / sqrt(2 n).
local mlp <const> = require "mlp"
local init <const> = mlp.init
local nn <const> = mlp.nn
require "spec.support.approx"

local ROWS <const>, COLUMNS <const> = 100, 400
local N <const> = ROWS * COLUMNS

local function weight() return mlp.zeros(ROWS, COLUMNS) end

local function spread_is(t, expected)
  local mean <const>, std <const> = t:mean():item(), t:std():item()
  local error_of_std <const> = 5 * expected / math.sqrt(2 * N)
  assert.is_true(math.abs(std - expected) < error_of_std,
    ("deviation %g, expected %g"):format(std, expected))
  assert.is_true(math.abs(mean) < 5 * expected / math.sqrt(N))
end

local function largest(t) return t:abs():max():item() end

before_each(function() mlp.manual_seed(12) end)

describe("init", function()
  it("zeros, constant, uniform, normal", function()
    assert.are.equal(0, largest(init.zeros_(mlp.ones(3))))
    assert.close(init.constant_(mlp.ones(3), 2.5), { 2.5, 2.5, 2.5 })
    spread_is(init.uniform_(weight(), { low = -3, high = 3 }), 6 / math.sqrt(12))
    spread_is(init.normal_(weight(), { std = 0.5 }), 0.5)
    local uniform <const> = init.uniform_(weight())
    assert.is_true(uniform:min():item() >= 0 and uniform:max():item() < 1)
  end)

  it("variances are those of the papers", function()
    for _, distribution in ipairs { "uniform", "normal" } do
      local o <const> = { distribution = distribution }
      spread_is(init.kaiming_(weight(), o), math.sqrt(2 / COLUMNS))
      spread_is(init.xavier_(weight(), o), math.sqrt(2 / (COLUMNS + ROWS)))
      spread_is(init.lecun_(weight(), o), math.sqrt(1 / COLUMNS))
      o.activation = "identity"
      spread_is(init.kaiming_(weight(), o), math.sqrt(1 / COLUMNS))
      o.gain = 3
      spread_is(init.kaiming_(weight(), o), 3 * math.sqrt(1 / COLUMNS))
      spread_is(init.xavier_(weight(), o), 3 * math.sqrt(2 / (COLUMNS + ROWS)))
    end
  end)

  it("torch is PyTorch's Linear", function()
    local w <const> = init.torch_(weight())
    spread_is(w, 1 / math.sqrt(3 * COLUMNS))
    assert.is_true(largest(w) <= 1 / math.sqrt(COLUMNS))
    assert.is_true(largest(w) > 0.99 / math.sqrt(COLUMNS))
  end)

  it("siren has the bounds of its paper", function()
    local first <const> = init.siren_(weight(), { first = true })
    assert.is_true(largest(first) <= 1 / COLUMNS and largest(first) > 0.99 / COLUMNS)
    local bound <const> = math.sqrt(6 / COLUMNS) / 30
    local hidden <const> = init.siren_(weight())
    assert.is_true(largest(hidden) <= bound and largest(hidden) > 0.99 * bound)
  end)

  it("orthogonal rows or columns have length gain and are at right angles", function()
    for _, shape in ipairs { { 5, 8 }, { 8, 5 }, { 6, 6 }, { 4, 2, 3 } } do
      local w <const> = init.orthogonal_(mlp.zeros(shape, { dtype = "float64" }), { gain = 3 })
      local m = w:reshape(shape[1], -1)
      if #m > m:size(2) then m = m:t() end
      assert.close(m:matmul(m:t()), mlp.eye(#m, { dtype = "float64" }) * 9, { tolerance = 1e-12 })
    end
  end)

  it("fans of more axes multiply", function()
    local w <const> = init.lecun_(mlp.zeros(ROWS, 40, 10))
    spread_is(w, math.sqrt(1 / 400))
  end)

  it("writes parameters in place, without history, from a generator", function()
    local w <const> = mlp.zeros(3, 3):requires_grad_()
    assert.are.equal(w, init.kaiming_(w, { generator = mlp.generator(1) }))
    assert.is_true(w.requires_grad)
    local again <const> = init.kaiming_(mlp.zeros(3, 3), { generator = mlp.generator(1) })
    assert.are.equal(w:tobytes(), again:tobytes())
  end)

  it("refuses what it cannot fill", function()
    assert.error_matches(function() init.kaiming_(mlp.zeros(3)) end, "1 axes but at least 2")
    assert.error_matches(function() init.zeros_(3) end, "the first argument is 3 but a tensor")
    assert.error_matches(function() init.xavier_(weight(), { distribution = "cauchy" }) end,
      'distribution is the string')
    assert.error_matches(function() init.xavier_(weight(), { gian = 2 }) end, "did you mean 'gain'")
  end)
end)

describe("a layer starts", function()
  it("from the initialiser that suits its activation", function()
    local deviations <const> = {
      relu = math.sqrt(2 / COLUMNS), gelu = math.sqrt(2 / COLUMNS),
      tanh = math.sqrt(2 / (ROWS + COLUMNS)), identity = math.sqrt(1 / COLUMNS),
    }
    for activation, deviation in pairs(deviations) do
      spread_is(nn.Linear(COLUMNS, ROWS, { activation = activation }).weight:detach(), deviation)
    end
    local sine <const> = nn.Linear(COLUMNS, ROWS, { activation = "sine" }).weight
    local bound <const> = math.sqrt(6 / COLUMNS) -- omega 1, as the layer has it: sin(W x + b)
    assert.is_true(largest(sine:detach()) <= bound and largest(sine:detach()) > 0.99 * bound)
  end)

  it("from weights that keep the signal of ten sines alive", function()
    mlp.manual_seed(1)
    local h = mlp.randn(64, 128)
    for _ = 1, 10 do h = nn.Linear(128, 128, { activation = "sine" })(h) end
    assert.is_true(h:std():item() > 0.4) -- with weights for sin(30 x) it is below 1e-10
  end)

  it("from the one it is told, and from the seed", function()
    spread_is(nn.Linear(COLUMNS, ROWS, { activation = "relu", init = "lecun" }).weight:detach(),
      math.sqrt(1 / COLUMNS))
    mlp.manual_seed(5)
    local a <const> = nn.MLP { 3, 4, 2 }
    mlp.manual_seed(5)
    local b <const> = nn.MLP { 3, 4, 2 }
    assert.are.equal(a.layers[2].weight:tobytes(), b.layers[2].weight:tobytes())
    assert.are_not.equal(a.layers[2].weight:tobytes(),
      nn.MLP({ 3, 4, 2 }).layers[2].weight:tobytes())
  end)

  it("an embedding from normal numbers", function()
    spread_is(nn.Embedding(ROWS, COLUMNS, { std = 0.02 }).weight:detach(), 0.02)
  end)
end)
