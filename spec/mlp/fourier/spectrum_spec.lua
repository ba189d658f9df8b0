--- The Fourier basis of Z_p and spectra in it: exact identities, for odd and even p.
require "spec.support.approx"
local mlp <const> = require "mlp"
local fourier <const> = mlp.fourier

local EXACT <const> = { tolerance = 1e-13 } -- sums of some twenty doubles
local DOUBLE <const> = { dtype = "float64" }

local function draw(...)
  return mlp.randn({ ... }, { dtype = "float64", generator = mlp.generator(1) })
end

describe("fourier.basis", function()
  for _, p in ipairs { 3, 4, 7, 8, 23 } do
    it("is orthonormal for p = " .. p, function()
      local basis <const> = fourier.basis(p)
      assert.close(basis:matmul(basis:t()), mlp.eye(p, DOUBLE), EXACT)
    end)
  end

  it("starts with the constant, then cosine and sine of every frequency", function()
    local row <const>, w = fourier.basis(5), 2 * math.pi / 5
    local scale <const> = math.sqrt(2 / 5)
    assert.close(row:get(1, 3), 1 / math.sqrt(5), EXACT)
    assert.close(row:get(2, 3), scale * math.cos(2 * w), EXACT)
    assert.close(row:get(5, 4), scale * math.sin(2 * w * 3), EXACT)
  end)

  it("is the caller's own", function()
    fourier.basis(5):mul_(0)
    assert.close(fourier.basis(5):norm():item(), math.sqrt(5), EXACT)
  end)

  it("wants a modulus", function()
    assert.error_matches(function() fourier.basis(2) end, "fourier.basis: p is 2 but a modulus")
    assert.error_matches(function() fourier.basis "7" end, "modulus")
  end)
end)

describe("fourier.spectrum", function()
  for _, p in ipairs { 7, 8 } do
    it("gives amplitudes and phases that make the rows again, p = " .. p, function()
      local weights <const> = draw(4, p)
      local s <const> = fourier.spectrum(weights)
      assert.close(s:weights(), weights, EXACT)
      local mean <const> = weights:mean(2, true)
      assert.close(fourier.cosines(p, s.magnitude, s.phase) + mean, weights, EXACT)
      assert.equal(p // 2, s.K)
    end)
  end

  it("reads alpha cos(w_k j + phi) as it is written", function()
    local row <const> = {}
    for j = 0, 22 do row[j + 1] = 0.3 * math.cos(2 * math.pi * 4 * j / 23 - 1.2) end
    local s <const> = fourier.spectrum(mlp.tensor({ row }, DOUBLE))
    assert.equal(4, s:dominant():item())
    local magnitude <const>, phase <const> = s:at(s:dominant())
    assert.close(magnitude, { 0.3 }, EXACT)
    assert.close(phase, { -1.2 }, EXACT)
    assert.close(s:energy(s:dominant()), { 1 }, EXACT)
    local fit <const>, residual <const> = s:fit(s:dominant())
    assert.close(fit, { row }, EXACT)
    assert.is_true(residual:item() < 1e-13)
  end)

  it("fits one cosine by least squares, and tells what it leaves", function()
    local weights <const> = draw(3, 11)
    local s <const> = fourier.spectrum(weights)
    local k <const> = mlp.tensor({ 2, 5, 1 }, { dtype = "int64" })
    local fit <const>, residual <const> = s:fit(k)
    for m = 1, 3 do
      local at <const> = 2 * math.pi * k:get(m) / 11 * mlp.arange(0, 10, 1, DOUBLE)
      local waves <const> = mlp.stack({ at:cos(), at:sin() }, 2)
      local best <const> = waves:matmul(mlp.linalg.lstsq(waves, weights[m]:unsqueeze(2)))
      assert.close(fit[m], best:squeeze(2), { tolerance = 1e-11 })
      local left <const> = (weights[m] - best:squeeze(2)):norm() / weights[m]:norm()
      assert.close(residual[m], left:item(), { tolerance = 1e-11 })
    end
  end)

  it("has two inverse participation ratios", function()
    local phi <const> = mlp.tensor({ { 0.4 }, { 1.1 } }, DOUBLE)
    local zero <const> = mlp.zeros(2, 2, DOUBLE)
    local s <const> = fourier.spectrum(fourier.cosines(7,
      mlp.cat({ zero, mlp.ones(2, 1, DOUBLE) }, 2), mlp.cat({ zero, phi }, 2)))
    assert.close(s:ipr(), { 1, 1 }, EXACT)
    local function law(a) return math.cos(a) ^ 4 + math.sin(a) ^ 4 end
    assert.close(s:ipr "coefficient", { law(0.4), law(1.1) }, EXACT)
    assert.error_matches(function() s:ipr "both" end, "Spectrum:ipr: form is the string 'both' but")
  end)

  it("refuses what is no table of weights", function()
    assert.error_matches(function() fourier.spectrum(mlp.ones(7)) end, "fourier.spectrum: weights")
    assert.error_matches(function()
      fourier.cosines(7, mlp.ones(2, 3), mlp.ones(3, 3))
    end, "phase is %(3, 3%) but the magnitudes are %(2, 3%)")
    assert.error_matches(function()
      fourier.cosines(9, mlp.ones(2, 3), mlp.ones(2, 3))
    end, "3 frequencies came but p = 9 has 4")
  end)
end)

describe("angles and harmonics", function()
  it("wrap to [-pi, pi)", function()
    local angles <const> = mlp.tensor({ 0, 3, 4, -4, math.pi, -math.pi, 7 }, DOUBLE)
    assert.close(fourier.wrap(angles), { 0, 3, 4 - 2 * math.pi, 2 * math.pi - 4, -math.pi, -math.pi,
      7 - 2 * math.pi }, EXACT)
  end)

  it("fold into the frequencies of Z_p", function()
    local k <const> = mlp.tensor({ 1, 4, 11 }, { dtype = "int64" })
    assert.same({ 3, 11, 10 }, fourier.harmonic(k, 3, 23):totable())
    assert.same({ 0, 0 }, fourier.harmonic(k:slice(1, 1, 2), 23, 23):totable())
  end)
end)
