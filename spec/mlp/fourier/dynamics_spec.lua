--- The four-variable flow: the authors' endpoints, the two invariants, the closed form of the time
--- to blow-up, and predictors of the winning frequency.
require "spec.support.approx"
local mlp <const> = require "mlp"
local fourier <const> = mlp.fourier

local function doubles(list) return mlp.tensor(list, { dtype = "float64" }) end

local function last(options)
  options.p = options.p or 23
  local path <const> = fourier.flow(options)
  return path.alpha:get(-1), path.beta:get(-1), path.misalignment:get(-1), path
end

describe("fourier.flow", function()
  it("ends where the authors' runs end", function()
    local a, b, D = last { alpha = 0.02, beta = 0.02, phi = 1.5, psi = 0.18, steps = 1400 }
    assert.close({ a, b, D }, { 0.04796, 0.03674, 0.0297 }, { tolerance = 0, absolute = 5e-5 })
    a, b, D = last { alpha = 0.02, beta = 0.02, phi = -0.72, psi = -2.91, steps = 700 }
    assert.close({ a, b, D }, { 0.11097, 0.07972, 0.0080 }, { tolerance = 0, absolute = 5e-5 })
  end)

  it("keeps both invariants", function()
    for method, drift in pairs { euler = 0.02, rk4 = 1e-7 } do
      local _, _, _, path = last { alpha = 0.02, beta = 0.02, phi = 1.5, psi = 0.18, steps = 1400,
        method = method }
      for _, constant in ipairs { path:invariants() } do
        local begin <const> = constant:get(1)
        assert.is_true((constant - begin):abs():max():item() < drift * math.abs(begin), method)
      end
    end
  end)

  it("has the velocities that its header states", function()
    local p <const>, alpha <const>, beta <const>, phi <const>, psi = 23, 0.3, 0.2, 0.9, 0.5
    local h <const>, D <const> = 1e-6, 2 * 0.9 - 0.5
    local a, b, after = last { p = p, alpha = alpha, beta = beta, phi = phi, psi = psi, steps = 1,
      step = h }
    assert.close({ (a - alpha) / h, (b - beta) / h, (after - D) / h }, {
      2 / p * alpha * beta * math.cos(D), alpha ^ 2 / p * math.cos(D),
      -(4 * beta + alpha ^ 2 / beta) / p * math.sin(D) }, { tolerance = 1e-5 })
  end)

  it("is what gradient descent does to small weights", function()
    local kappa <const>, p <const> = 1e-3, 7
    local network <const> = fourier.Network { p = p, width = 5, activation = "square",
      init = "single", scale = kappa, seed = 3, dtype = "float64" }
    local before <const> = fourier.neurons(network)
    local pairs <const> = fourier.pairs(p)
    mlp.cross_entropy(network(pairs:inputs "float64"), pairs.class):backward()
    mlp.no_grad(function()
      for _, w in ipairs { network.input, network.output } do w:sub_(w.grad * 10) end
    end)
    local after <const> = fourier.neurons(network)
    local path <const> = fourier.flow { p = p, alpha = before.alpha, beta = before.beta,
      phi = before.phi, psi = before.psi, steps = 1, step = 10 }
    assert.close(after.alpha - kappa, path.alpha[2] - kappa, { tolerance = 1e-3 })
    assert.close(after.beta - kappa, path.beta[2] - kappa, { tolerance = 1e-3 })
    assert.close(after.misalignment, path.misalignment[2], { tolerance = 1e-6 })
  end)

  it("gives the lottery's contour", function()
    local amplitude <const> = doubles { 0.02, 0.02, 0.02, 0.01, 0.01 }
    local D <const> = doubles { 0, math.pi / 2, math.pi, 0, math.pi }
    local path <const> = fourier.flow { p = 23, alpha = amplitude, beta = amplitude, phi = 0,
      psi = -D, steps = 100, step = 0.01, loss = "sum", every = 100 }
    assert.same({ 2, 5 }, path.beta.shape)
    assert.close(path.beta[2], { 0.0602, 0.0356, 0.0155, 0.0140, 0.0085 },
      { tolerance = 0, absolute = 5e-5 })
    local mirrored <const> = fourier.flow { p = 23, alpha = amplitude, beta = amplitude, phi = 0,
      psi = D, steps = 100, step = 0.01, loss = "sum", every = 100 }
    assert.close(mirrored.beta[2], path.beta[2], { tolerance = 1e-12 })
  end)

  it("says what it wants", function()
    assert.error_matches(function() last { alpha = 1, beta = 1, phi = 0, steps = 1 } end,
      "fourier.flow: psi is nil but a number or a tensor")
    assert.error_matches(function()
      last { alpha = 1, beta = 1, phi = 0, psi = 0, steps = 1, method = "heun" }
    end, '"euler" or "rk4"')
  end)
end)

describe("fourier.escape", function()
  it("agrees with the flow followed almost to the end", function()
    local alpha <const> = { 0.02, 0.03, 0.02, 0.01, 0.02 }
    local beta <const> = { 0.02, 0.01, 0.02, 0.03, 0.02 }
    local D <const> = { 0, 1, 2.5, -2, 3.1 }
    local time <const> = fourier.escape(doubles(alpha), doubles(beta), doubles(D), 23)
    for i = 1, 5 do
      local near <const> = 0.99 * time:get(i)
      local _, b = last { alpha = alpha[i], beta = beta[i], phi = 0, psi = -D[i], steps = 4000,
        step = near / 4000, method = "rk4", every = 4000 }
      -- beta' -> (2 / p) beta^2 at the end, so p / (2 beta) is left
      assert.close(near + 23 / (2 * b), time:get(i), { tolerance = 1e-5 })
    end
  end)

  it("has the closed form of aligned phases", function()
    -- alpha^2 = 2 beta^2, D = 0: beta' = (2 / p) beta^2 from the start
    local beta <const> = doubles { 0.01, 0.5 }
    assert.close(fourier.escape(beta * math.sqrt(2), beta, beta * 0, 7), { 350, 7 },
      { tolerance = 1e-9 })
  end)

  it("grows with misalignment and does not see its sign", function()
    local D <const> = mlp.linspace(0, 3.1, 20, { dtype = "float64" })
    local kappa <const> = mlp.full({ 20 }, 0.005, { dtype = "float64" })
    local time <const> = fourier.escape(kappa, kappa, D, 23)
    assert.is_true((time:slice(1, 2, 20) - time:slice(1, 1, 19)):min():item() > 0)
    assert.close(fourier.escape(kappa, kappa, -D, 23), time, { tolerance = 1e-12 })
    assert.is_true(time:isfinite():all():item() == 1)
  end)
end)

local function equal_magnitudes(width, scale)
  return fourier.Network { p = 7, width = width, init = "equal", scale = scale, seed = 1,
    activation = "square" }
end

describe("fourier.lottery", function()
  it("has predictors that agree where the flow is the law", function()
    local before <const> = equal_magnitudes(64, 0.005)
    local result <const> = fourier.lottery(before, before)
    local agree <const> = result.predicted.flow:eq(result.predicted.phase):to("float64"):mean()
    assert.equal(1, agree:item()) -- equal magnitudes: the smallest |D| escapes first
    assert.equal(64, result.counted:to("float64"):sum():item())
    local none <const> = fourier.lottery(before, before, { energy = 1 }).counted
    assert.equal(0, none:any():item())
  end)

  it("tells winners of a trained network", function()
    local before <const> = equal_magnitudes(48, 0.02)
    local after <const> = before:like()
    fourier.train(after, fourier.pairs(7), { steps = 2500, optimizer = "sgd", lr = 0.1,
      every = 2500 })
    local result <const> = fourier.lottery(before, after)
    assert.is_true(result.accuracy.phase > 0.7, tostring(result.accuracy.phase))
    assert.is_true(result.accuracy.flow > 0.7)
    assert.is_true(result.accuracy.magnitude < 0.7)
  end)

  -- He et al. 2026, the corollary: equal magnitudes, and the smallest |D| wins.
  it("is the corollary at p = 23: phases tell the winner, magnitudes do not", function()
    if not os.getenv "MLP_LONG" then pending "24,000 steps: MLP_LONG=1" return end
    local before <const> = fourier.Network { p = 23, init = "equal", scale = 0.005, seed = 1,
      activation = "square" }
    local after <const> = before:like()
    fourier.train(after, fourier.pairs(23), { steps = 24000, optimizer = "sgd", lr = 0.1,
      every = 24000 })
    local accuracy <const> = fourier.lottery(before, after).accuracy
    assert.is_true(accuracy.phase >= 0.97, tostring(accuracy.phase))
    assert.equal(accuracy.phase, accuracy.growth)
    assert.equal(accuracy.phase, accuracy.flow)
    assert.is_true(accuracy.magnitude < 0.15)
  end)

  it("wants networks of one shape", function()
    local a <const> = fourier.Network { p = 7, width = 4 }
    assert.error_matches(function() fourier.lottery(a, fourier.Network { p = 7, width = 5 }) end,
      "the networks are %(4, 7%) and %(5, 7%)")
  end)
end)
