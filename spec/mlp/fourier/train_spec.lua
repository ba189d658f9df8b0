--- Pairs, networks, what is read from them, training and its stages.
require "spec.support.approx"
local mlp <const> = require "mlp"
local fourier <const> = mlp.fourier

local function bits(mask) return mask:to("int64"):totable() end

describe("fourier.pairs", function()
  local all <const> = fourier.pairs(5)

  it("are all pairs with their sums, classes from 1", function()
    assert.equal(25, #all)
    assert.same({ 0, 0, 0, 0, 0, 1 }, all.x:slice(1, 1, 6):totable())
    assert.same({ 0, 1, 2, 3, 4, 0 }, all.y:slice(1, 1, 6):totable())
    assert.equal(3 + 1, all.class:get(4 * 5 + 4 + 1))
  end)

  it("are read as one-hot sums", function()
    local some <const> = all:select(mlp.tensor({ 2, 7 }, { dtype = "int64" })) -- (0, 1), (1, 1)
    assert.same({ { 1, 1, 0, 0, 0 }, { 0, 2, 0, 0, 0 } }, some:inputs():totable())
    assert.equal("float64", some:inputs("float64").dtype)
  end)

  it("split without loss, the same for the same seed", function()
    local train <const>, test <const> = fourier.pairs(23):split(0.75, { seed = 4 })
    assert.equal(396, #train)
    assert.equal(133, #test)
    local seen <const> = {}
    for _, part in ipairs { train, test } do
      for i = 1, #part do seen[part.x:get(i) * 23 + part.y:get(i)] = true end
    end
    for key = 0, 528 do assert.is_true(seen[key]) end
    local again <const> = fourier.pairs(23):split(0.75, { seed = 4 })
    assert.same(train.x:totable(), again.x:totable())
    assert.error_matches(function() all:split(1) end, "Pairs:split: share is 1 but")
  end)

  it("know their swaps", function()
    local train <const> = all:select(mlp.tensor({ 2, 6, 8, 13 }, { dtype = "int64" }))
    -- (0,1) (1,0) (1,2) (2,2): three have their swap there, (1, 2) has not
    assert.same({ 1, 1, 0, 1 }, bits(train:swapped_in(train)))
    local test <const> = all:select(mlp.tensor({ 12, 14 }, { dtype = "int64" })) -- (2,1) (2,3)
    assert.same({ 1, 0 }, bits(test:swapped_in(train)))
  end)

  it("count once what a symmetric network cannot tell apart", function()
    local rows <const>, weight <const> = all:distinct()
    assert.equal(15, #rows)
    assert.close(weight:sum():item(), 1)
    local network <const> = fourier.Network { p = 5, width = 8, seed = 1, scale = 1,
      dtype = "float64" }
    local terms <const> = mlp.cross_entropy(network(rows:inputs "float64"), rows.class,
      { reduction = "none" })
    assert.close((terms * weight):sum(), network:evaluate(all), { tolerance = 1e-13 })
  end)
end)

describe("fourier.Network", function()
  it("adds what its table says for both residues", function()
    local network <const> = fourier.Network { p = 5, width = 3, seed = 1, dtype = "float64" }
    local theta <const>, xi <const> = network.input:totable(), network.output:totable()
    local logits <const> = network(fourier.pairs(5):inputs "float64"):totable()
    for x = 0, 4 do
      for y = 0, 4 do
        local sum = 0
        for m = 1, 3 do
          sum = sum + xi[2][m] * math.max(theta[m][x + 1] + theta[m][y + 1], 0)
        end
        assert.close(logits[x * 5 + y + 1][2], sum, { tolerance = 1e-13 })
      end
    end
  end)

  it("begins as it is told", function()
    local normal <const> = fourier.Network { p = 23, seed = 1 }
    assert.close(normal:norm(), 0.1 * math.sqrt(2 * 512), { tolerance = 0.02 })
    local single <const> = fourier.neurons(fourier.Network { p = 23, init = "single", scale = 0.02,
      seed = 1, dtype = "float64" })
    assert.close((single.alpha - 0.02):abs():max(), 0, { absolute = 1e-15 })
    assert.close((single.beta - 0.02):abs():max(), 0, { absolute = 1e-15 })
    assert.close(single:ipr(), 1, { tolerance = 1e-12 })
    local counts <const> = single:counts()
    assert.is_true(counts:max():item() - counts:min():item() <= 1)
    local equal <const> = fourier.Network { p = 7, width = 4, init = "equal", scale = 0.5 }
    assert.close(fourier.spectrum(equal.input).magnitude, mlp.full({ 4, 3 }, 0.5))
  end)

  it("takes activations by name and by function", function()
    local pairs <const> = fourier.pairs(5)
    local square <const> = fourier.Network { p = 5, width = 4, activation = "square", seed = 1 }
    local own <const> = square:like { activation = function(z) return z * z end }
    assert.close(square(pairs:inputs()), own(pairs:inputs()))
    assert.close(square:like({ activation = "gelu" }):hidden(pairs:inputs()),
      mlp.linear(pairs:inputs(), square.input):gelu())
    assert.error_matches(function() fourier.Network { p = 5, activation = "relo" } end,
      "unknown activation 'relo' %(did you mean 'relu'%?%)")
    assert.error_matches(function() fourier.Network { p = 5, init = "zeros" } end, '"normal"')
  end)

  it("copies its weights", function()
    local network <const> = fourier.Network { p = 5, width = 4, seed = 1 }
    local copy <const> = network:like()
    mlp.no_grad(function() copy.input:mul_(0) end)
    assert.is_true(network.input:abs():sum():item() > 0)
    assert.equal(2, #copy:parameters())
  end)
end)

describe("fourier.neurons", function()
  it("reads an exact circuit", function()
    local read <const> = fourier.neurons(fourier.circuit { p = 11, per_frequency = 8, alpha = 0.5,
      beta = 2 })
    assert.close(read.alpha, mlp.full({ 40 }, 0.5), { tolerance = 1e-12 })
    assert.close(read.beta, mlp.full({ 40 }, 2), { tolerance = 1e-12 })
    assert.is_true(read:progress() < 1e-12)
    assert.equal(1, read:aligned())
    assert.same({ 8, 8, 8, 8, 8 }, read:counts():totable())
    for iota = 1, 4 do assert.is_true(read:asymmetry(iota) < 1e-12) end
    assert.close(read:symmetry(8), { 1, 1, 1, 1, 1 }, { tolerance = 1e-12 }) -- of eight phases
    local input <const>, output <const> = read:energy()
    assert.close({ input, output }, { 1, 1 }, { tolerance = 1e-12 })
    local leak <const> = read:leakage(3)
    assert.is_true(leak:max():item() < 1e-12)
  end)

  it("has no symmetry of a frequency without neurons", function()
    local read <const> = fourier.neurons(fourier.circuit { p = 11, per_frequency = 3,
      frequencies = { 2, 4 } })
    local all <const> = read:symmetry(1)
    assert.is_true(all:get(1) ~= all:get(1))
    assert.is_true(read:asymmetry(1) < 1e-12)
  end)

  it("measures harmonics, folded", function()
    local theta <const> = fourier.cosines(11, mlp.tensor { { 0, 0, 0.1, 0, 1 } }, mlp.zeros(1, 5))
    local read <const> = fourier.neurons { input = theta, output = theta:t() }
    local input <const> = read:leakage(5) -- 5 x 5 = 25 = 3 modulo 11
    assert.close(input, { 0.1 }, { tolerance = 1e-6 })
    assert.is_true(read:leakage(11):item() ~= read:leakage(11):item()) -- the constant
  end)

  it("wants two layers that fit", function()
    assert.error_matches(function() fourier.neurons(mlp.ones(2, 5)) end, "fourier.neurons: network")
    assert.error_matches(function()
      fourier.neurons { input = mlp.ones(2, 5), output = mlp.ones(2, 5) }
    end, "output is %(2, 5%) but input %(2, 5%) wants %(5, 2%)")
  end)
end)

describe("fourier.train", function()
  local train <const>, test <const> = fourier.pairs(7):split(0.75, { seed = 1 })

  it("learns, tells how, and keeps what is asked for", function()
    local network <const> = fourier.Network { p = 7, width = 64, seed = 1 }
    local seen <const> = {}
    local run <const> = fourier.train(network, train, { steps = 450, lr = 2e-3, test = test,
      every = 200, keep = { 0, 200 }, visit = function(record) seen[#seen + 1] = record.step end })
    assert.same({ 0, 200, 400, 450 }, seen)
    local first <const>, last <const> = run.history[1], run.history[#run.history]
    assert.close(first.loss, math.log(7), { tolerance = 0.01 })
    assert.equal(1, last.accuracy)
    assert.is_true(last.loss < 0.05)
    assert.is_true(last.misalignment < first.misalignment and last.ipr > first.ipr)
    assert.same({ true, true }, { run.kept[0] ~= nil, run.kept[200] ~= nil })
    assert.is_nil(run.kept[400])
    local loss <const>, accuracy <const> = network:evaluate(train)
    assert.close(last.loss, loss, { tolerance = 1e-6 })
    assert.equal(last.accuracy, accuracy)
    local _, tested <const> = network:evaluate(test)
    assert.equal(last.test_accuracy, tested)
    local share <const> = last.common * train:swapped_in(train):to("float64"):sum():item()
      + last.rare * train:swapped_in(train):logical_not():to("float64"):sum():item()
    assert.close(share / #train, last.accuracy)
  end)

  it("takes the steps of AdamW on the mean over all pairs, warmed up", function()
    local network <const> = fourier.Network { p = 7, width = 8, seed = 2, dtype = "float64" }
    local twin <const> = network:like()
    fourier.train(network, train, { steps = 12, lr = 1e-2, weight_decay = 0.5, every = 12 })
    local optimizer <const> = mlp.optim.AdamW(twin, { lr = 1e-2, betas = { 0.9, 0.98 },
      weight_decay = 0.5 })
    for step = 0, 12 do
      optimizer.factor = math.min(step / 10, 1)
      optimizer:zero_grad()
      mlp.cross_entropy(twin(train:inputs "float64"), train.class):backward()
      optimizer:step()
    end
    assert.close(network.input, twin.input, { tolerance = 1e-9 })
    assert.close(network.output, twin.output, { tolerance = 1e-9 })
  end)

  it("states the pull of gradient and decay", function()
    local network <const> = fourier.Network { p = 7, width = 8, seed = 2, dtype = "float64" }
    local run <const> = fourier.train(network, train, { steps = 1, weight_decay = 3, every = 1 })
    assert.is_nil(network.input.grad)
    mlp.cross_entropy(network(train:inputs "float64"), train.class):backward()
    local length <const> = mlp.global_norm { network.input.grad, network.output.grad }
    local last <const> = run.history[#run.history]
    assert.close(last.gradient, length:item(), { tolerance = 1e-9 })
    assert.close(last.decay, 3 * network:norm(), { tolerance = 1e-9 })
  end)

  it("stops when its visitor says so", function()
    local run <const> = fourier.train(fourier.Network { p = 7, width = 8 }, train, { steps = 100,
      every = 10, visit = function(record) return record.step == 20 and "stop" or nil end })
    assert.equal(20, run.history[#run.history].step)
  end)

  it("says what it wants", function()
    local network <const> = fourier.Network { p = 7, width = 8 }
    assert.error_matches(function() fourier.train(network, train, {}) end,
      "fourier.train: steps is nil but a whole number")
    assert.error_matches(function()
      fourier.train(network, train, { steps = 1, optimizer = "adam" })
    end, '"adamw" or "sgd"')
  end)
end)

describe("fourier.stages", function()
  it("finds where accuracy passes the threshold and the norm turns", function()
    local history <const> = {}
    for i, row in ipairs { { 0.1, 0, 0.1, 0, 3 }, { 0.7, 0, 0.96, 0, 9 },
      { 0.96, 0.6, 1, 0.96, 20 }, { 1, 0.7, 1, 1, 30 }, { 1, 0.97, 1, 1, 29 } } do
      history[i] = { step = (i - 1) * 200, accuracy = row[1], test_accuracy = row[2],
        common = row[3], rare = row[4], norm = row[5] }
    end
    assert.same({ common = 200, rare = 400, memorised = 400, generalised = 800, norm_peak = 600,
      plateau = 0.7 }, fourier.stages(history))
    history[5].test_accuracy = 0.9
    assert.is_nil(fourier.stages(history).generalised)
  end)

  it("wants a history with a test set", function()
    assert.error_matches(function() fourier.stages { { step = 0, accuracy = 1 } } end,
      "no test accuracy; train with")
    assert.error_matches(function() fourier.stages {} end, "the history of a run")
  end)
end)

-- He et al. 2026, section 5: windows of 20 % around the authors' released run.
describe("grokking at p = 23", function()
  local function grok(activation, seed, steps)
    local train <const>, test <const> = fourier.pairs(23):split(0.75, { seed = seed })
    local network <const> = fourier.Network { p = 23, seed = seed, activation = activation }
    return train, test, fourier.train(network, train, { steps = steps, lr = 1e-4,
      weight_decay = 2, test = test }).history
  end

  local function at(history, step) return history[step // 200 + 1] end

  it("has three stages under ReLU", function()
    if not os.getenv "MLP_LONG" then pending "11,000 steps: MLP_LONG=1" return end
    local train <const>, test <const>, history <const> = grok("relu", 3, 11000)
    local found <const> = fourier.stages(history)
    assert.is_true(found.memorised > 0.8 * 1744 and found.memorised < 1.2 * 1744)
    assert.is_true(found.common < found.rare)
    assert.is_true(found.norm_peak > 0.8 * 9350 and found.norm_peak < 1.2 * 9350)
    assert.close(found.plateau, test:swapped_in(train):to("float64"):mean())
    for step = 200, 800, 200 do assert.is_true(at(history, step).rare < 0.1) end
    assert.equal(0, at(history, 2200).unseen)
    assert.close(at(history, 2200).misalignment, 0.106, { tolerance = 0.2 })
    assert.close(at(history, 2200).ipr, 0.5, { tolerance = 0.2 })
    assert.is_true(at(history, 11000).test_accuracy > 0.9)
  end)

  it("leaves the test pairs (x, x) wrong under ReLU, and no others", function()
    if not os.getenv "MLP_LONG" then pending "20,000 steps: MLP_LONG=1" return end
    local train <const>, test <const> = fourier.pairs(23):split(0.75, { seed = 3 })
    local network <const> = fourier.Network { p = 23, seed = 3 }
    fourier.train(network, train, { steps = 20000, lr = 1e-4, weight_decay = 2, every = 20000 })
    local _, _, right <const> = network:evaluate(test)
    assert.same(bits(test.x:ne(test.y)), bits(right))
  end)

  it("is complete under z^2", function()
    if not os.getenv "MLP_LONG" then pending "5,000 steps: MLP_LONG=1" return end
    local _, _, history <const> = grok("square", 1, 5000)
    assert.equal(1, at(history, 5000).test_accuracy)
  end)
end)
