--- Fields: what their coordinates mean, how they are fitted, derived, shown, saved and refused.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
require "spec.support.approx"

local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

--- A smooth picture of 12 by 8 pixels, three colours.
local function picture()
  local points <const> = mlp.field.grid(12, 8)
  local x <const>, y <const> = points:select(2, 1), points:select(2, 2)
  return (mlp.stack({ x, y, x * y }, 2) * 0.4 + 0.5):reshape(12, 8, 3)
end

local function fit(options)
  local spec <const> = { signal = picture(), network = "gaussian", steps = 60 }
  for name, value in pairs(options or {}) do spec[name] = value end
  return assert(mlp.field.fit(spec))
end

--- sin 3x cos 2y as a network without parameters but one.
local Wave <const> = nn.Module:extend "Wave"
function Wave:init() self.size = mlp.ones(1):requires_grad_() end
function Wave:forward(p)
  local x <const>, y <const> = p:slice(-1, 1, 1), p:slice(-1, 2, 2)
  return (x * 3):sin() * (y * 2):cos() * self.size
end

describe("signals", function()
  it("have their coordinates in the middles of pixels, rows first", function()
    local points <const> = mlp.field.grid(2, 4):totable()
    assert.same({ -0.75, -0.5 }, points[1])
    assert.same({ -0.25, -0.5 }, points[2])
    assert.same({ 0.75, 0.5 }, points[8])
    local bytes <const> = mlp.field.image(mlp.full({ 2, 2 }, 255, { dtype = "uint8" }))
    assert.equal(1, bytes.values:get(4, 1))
    assert.same({ 5, 1 }, mlp.field.audio(mlp.zeros(5)).points.shape)
  end)

  it("refuse what is none", function()
    refuses("there are no points, but at least 1", function()
      mlp.field.distances(mlp.zeros(0, 3), mlp.zeros(0))
    end)
    refuses("field.image: the picture is", function() mlp.field.image(mlp.zeros(3)) end)
    refuses("the distances is a float32 tensor", function()
      mlp.field.distances(mlp.zeros(4, 3), mlp.zeros(5))
    end)
    refuses("field.audio: rate is 0", function() mlp.field.audio(mlp.zeros(4), 0) end)
    refuses("the signal's kind is nil but 'image', 'audio' or 'distances' is wanted", function()
      mlp.field.fit { signal = { points = mlp.zeros(4, 2), values = mlp.zeros(4, 1) } }
    end)
    local function of(points, values)
      return function()
        mlp.field.fit { signal = { kind = "image", points = points, values = values } }
      end
    end
    refuses("field.fit: points is a float32 tensor %(4, 3%) but a tensor %(N, 2%) is wanted",
      of(mlp.zeros(4, 3), mlp.zeros(4, 1)))
    refuses("field.fit: there are no points, but at least 1", of(mlp.zeros(0, 2), mlp.zeros(0, 1)))
    refuses("field.fit: values is a float32 tensor %(3, 1%) but a tensor %(4, C%) is wanted",
      of(mlp.zeros(4, 2), mlp.zeros(3, 1)))
    refuses("network is the string 'sirene' but 'siren' is wanted", function()
      mlp.field.network("sirene", 2, 1)
    end)
  end)

  it("warn of points outside of the cube", function()
    local output <const> = require("spec.support.child").lua("-e", 'warn "@on" '
      .. 'local m = require "mlp" local signal = m.field.distances(m.ones(2, 3), m.ones(2)) '
      .. "signal.points = signal.points * 3 m.field.fit { signal = signal, steps = 1 } "
      .. "m.field.distances(m.ones(2, 3) * 2, m.ones(2))")
    assert.matches("field.fit: points reach 3, but coordinates run from %-1 to 1", output)
    assert.matches("field.distances: points reach 2, but", output)
    local _, count <const> = output:gsub("points reach", "")
    assert.equal(2, count)
  end)

  it("come from files, or say why not", function()
    local path <const> = os.tmpname() .. ".png"
    local handle = assert(io.open(path, "wb"))
    handle:write("This is a text.")
    handle:close()
    local field, message = mlp.field.fit { signal = path, steps = 1 }
    assert.is_nil(field)
    assert.matches("not a PNG picture but text", message)
    local bytes <const> = mlp.io.png.encode(picture())
    handle = assert(io.open(path, "wb"))
    handle:write(bytes:sub(1, #bytes // 2))
    handle:close()
    field, message = mlp.field.fit { signal = path, steps = 1 }
    assert.is_nil(field)
    assert.matches(path, message, 1, true)
    assert(mlp.io.png.save(path, picture()))
    assert.equal("image", assert(mlp.field.fit { signal = path, steps = 1, batch = 8 }).kind)
    os.remove(path)
  end)
end)

describe("a fit", function()
  it("learns, the same again from the same seed", function()
    local field <const> = fit()
    assert.is_true(field:psnr() > 25, field:psnr())
    assert.equal(field:psnr(), fit():psnr())
    assert.not_equal(field:psnr(), fit { seed = 2 }:psnr())
    local error <const> = (field:render():clamp(0, 1) - picture()):square():mean():item()
    assert.near(-10 * math.log(error, 10), field:psnr(picture()), 1e-3)
  end)

  it("knows networks by name, and takes modules", function()
    for _, name in ipairs { "none", "basic", "positional", "siren", "hash_grid",
      "gaussian_activation" } do
      local field <const> = fit { network = name, steps = 2 }
      assert.same({ 5, 7, 3 }, field:render { 5, 7 }.shape)
      assert.equal(2, field.step)
    end
    assert.equal(3, fit { network = nn.MLP { 2, 4, 3 }, steps = 3, batch = 5 }.step)
  end)

  it("goes on where it was interrupted, as if it had not been", function()
    local path <const> = os.tmpname()
    os.remove(path)
    local spec <const> = { network = nn.MLP { 2, 8, 3 }, batch = 16, steps = 60, checkpoint = path }
    local function from_start(progress)
      mlp.manual_seed(3)
      spec.network, spec.progress = nn.MLP { 2, 8, 3 }, progress
      return fit(spec)
    end
    local stopped <const> = pcall(from_start, function(event)
      if event.step == 40 then error "enough" end
    end)
    assert.is_false(stopped)
    local resumed <const> = from_start()
    assert.equal(60, resumed.step)
    os.remove(path)
    assert.equal(from_start():psnr(), resumed:psnr())
    local other, message = mlp.field.fit { signal = picture(), network = "none", checkpoint = path }
    assert.is_nil(other)
    assert.matches("does not fit the network", message)
    os.remove(path)
  end)

  it("tells its progress, and a loss that is no number", function()
    local events <const> = {}
    fit { steps = 40, progress = function(event) events[#events + 1] = event end }
    assert.equal(2, #events)
    assert.is_true(events[2].step == 40 and events[2].loss < events[1].loss)
    assert.equal(20, fit { steps = 40, progress = function() return "stop" end }.step)
    refuses("the loss is NaN after step 20", function()
      fit { loss = function(p, t) return (p - t):sum() * (0 / 0) end }
    end)
    refuses("steps is 0 but a whole number", function() fit { steps = 0 } end)
    refuses("did you mean 'network'", function() fit { netwrok = "siren" } end)
  end)
end)

describe("derivatives with history", function()
  local points <const> = mlp.tensor { { 0.3, -0.2 }, { -0.7, 0.9 }, { 0.1, 0.4 } }

  it("make losses: gradients by the weights", function()
    local wave <const> = Wave()
    local x <const>, y <const> = points:select(2, 1) * 3, points:select(2, 2) * 2
    assert.close(mlp.field.gradient(wave, points):detach(),
      mlp.stack({ x:cos() * y:cos() * 3, x:sin() * y:sin() * -2 }, 2), { tolerance = 1e-5 })
    local bends <const> = mlp.field.laplacian(wave, points)
    local wanted <const> = x:sin() * y:cos() * -13
    assert.close(bends:detach(), wanted, { tolerance = 1e-5 })
    bends:sum():backward() -- the wave is proportional to its size, which is 1
    assert.close(wave.size.grad, wanted:sum():reshape(1), { tolerance = 1e-5 })
    local function plane(p) return p:matmul(mlp.tensor { { 3 }, { 4 } }) end
    assert.close(mlp.field.laplacian(plane, points), mlp.zeros(3))
    assert.close(mlp.field.laplacian(nn.MLP { 2, 4, 1 }, points):detach(), mlp.zeros(3)) -- ReLU
    assert.near(16, mlp.field.eikonal(plane, points):item(), 1e-4)
    assert.near(1, mlp.field.eikonal(function(p) return p:slice(2, 1, 1) * 0 end, points):item(),
      1e-4)
  end)

  it("are taken by losses of fits: an eikonal term brings gradients to length 1", function()
    local at <const> = mlp.rand({ 400, 3 }, { generator = mlp.generator(2) }) * 2 - 1
    local signal <const> = mlp.field.distances(at, at:norm(2) - 0.5)
    local function off(weight)
      local field <const> = assert(mlp.field.fit { signal = signal, steps = 100,
        network = nn.Siren { 3, 24, 24, 1, omega_first = 10, omega = 10 },
        loss = function(prediction, target, where, model)
          return mlp.loss.l1(prediction, target) + weight * mlp.field.eikonal(model, where)
        end })
      return mlp.field.eikonal(field, at):item()
    end
    mlp.manual_seed(4)
    local without <const> = off(0)
    mlp.manual_seed(4)
    assert.is_true(off(1) < without / 2)
  end)

  it("say what they cannot be asked", function()
    refuses("field.gradient: the points is a float32 tensor %(3,%)", function()
      mlp.field.gradient(Wave(), mlp.zeros(3))
    end)
    refuses("field.laplacian: there are no points", function()
      mlp.field.laplacian(Wave(), mlp.zeros(0, 2))
    end)
    refuses("field.eikonal: the model's value is a float32 tensor %(4, 3%) but a tensor %(4, 1%)",
      function() mlp.field.eikonal(nn.Linear(2, 3), mlp.zeros(4, 2)) end)
  end)
end)

describe("a field", function()
  it("has the derivatives of what it is", function()
    local field <const> = fit { network = Wave(), steps = 1, signal = mlp.full({ 4, 4 }, 0.5),
      lr = 1e-9 }
    local points <const> = mlp.tensor { { 0.3, -0.2 }, { -0.7, 0.9 } }
    local wanted, bends = {}, {}
    for i, p in ipairs(points:totable()) do
      local x <const>, y <const> = p[1], p[2]
      wanted[i] = { 3 * math.cos(3 * x) * math.cos(2 * y), -2 * math.sin(3 * x) * math.sin(2 * y) }
      bends[i] = -13 * math.sin(3 * x) * math.cos(2 * y)
    end
    assert.close(field:gradient(points), mlp.tensor(wanted), { tolerance = 1e-5 })
    assert.close(field:laplacian(points), mlp.tensor(bends), { tolerance = 1e-5 })
    assert.same({ 2, 3, 2 }, fit { steps = 1 }:gradient(points).shape)
    assert.same({ 2, 3 }, fit { steps = 1 }:laplacian(points).shape)
  end)

  it("is saved, and comes back as a field and as a network", function()
    local path <const> = os.tmpname()
    local field <const> = fit { steps = 3, network = "hash_grid" }
    assert(field:save(path))
    local again <const> = assert(mlp.field.load(path))
    assert.close(again:render { 4, 4 }, field:render { 4, 4 }, { tolerance = 0 })
    assert.equal(field:psnr(), again:psnr(picture()))
    assert.equal(field.model:parameter_count(), assert(mlp.load(path)):parameter_count())
    refuses("a field from a file is not trained", function() again:train() end)
    refuses("name the signal to compare with", function() again:psnr() end)
    assert(nn.MLP { 2, 1 }:save(path))
    local none, message = mlp.field.load(path)
    assert.is_nil(none)
    assert.matches("holds a network, but no field", message)
    os.remove(path)
  end)

  it("says what it cannot be asked", function()
    local field <const> = fit { steps = 1 }
    for _, name in ipairs { "sample", "gradient", "laplacian" } do
      refuses("field:" .. name .. ": the points is a float32 tensor %(5, 3%) but a tensor %(N, 2%)",
        function() field[name](field, mlp.zeros(5, 3)) end)
      refuses("the points is the string 'here'", function() field[name](field, "here") end)
    end
    assert.same({ 0, 3 }, field:sample(mlp.zeros(0, 2)).shape)
    refuses("field:gradient: there are no points, but at least 1 is wanted", function()
      field:gradient(mlp.zeros(0, 2))
    end)
    refuses("field.grid: width is nil but a whole number from 1", function() field:render { 4 } end)
    refuses("field.grid: height is 0 but", function() field:render { 0, 4 } end)
    refuses("field:psnr: the signal has 1 values at a point, but the field 3", function()
      field:psnr(mlp.zeros(4, 4))
    end)
    refuses("field:error: the points is a float32 tensor %(4, 1%)", function()
      field:error(mlp.zeros(4))
    end)
    refuses("field:mesh: this field holds image, but distances", function() field:mesh() end)
  end)

  it("of a sound is heard at any rate", function()
    local sound <const> = (mlp.linspace(0, 20, 400)):sin() * 0.5
    local field <const> = fit { signal = mlp.field.audio(sound, 8000), network = "gaussian",
      steps = 150 }
    assert.is_true(field:snr() > 10, field:snr())
    assert.same({ 200, 1 }, field:render { rate = 4000 }.shape)
  end)
end)
