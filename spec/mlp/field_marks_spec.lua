--- What fields reach on real signals, in so many seconds on two cores or in so many steps:
--- MLP_LONG=1 and MLP_DATA. Each prints its figures.
local mlp <const> = require "mlp"
local golden_siren <const> = require "spec.golden.siren"
local nn <const> = mlp.nn

local DATA <const> = os.getenv "MLP_LONG" and os.getenv "MLP_DATA"
local ADAM <const> = { lr = 1e-2, betas = { 0.9, 0.99 }, eps = 1e-15 } -- Mueller et al. 2022

local function with_data(body)
  return function()
    if not DATA then pending "MLP_LONG=1 and MLP_DATA are wanted" return end
    body()
  end
end

local function with_two_threads(body)
  return with_data(function()
    local before <const> = mlp.set_threads()
    mlp.set_threads(2)
    local _ <close> = setmetatable({}, { __close = function() mlp.set_threads(before) end })
    body()
  end)
end

--- Fits the photograph of 512 x 512 pixels for 28 seconds.
local function photograph(network)
  local field <const> = assert(mlp.field.fit { signal = DATA .. "/images/astronaut.png",
    network = network, optimizer = ADAM, lr = ADAM.lr, seconds = 28 })
  local psnr <const> = field:psnr()
  print(("\nastronaut.png: %d parameters for %d values, %d steps in %.1f s: %.2f dB"):format(
    field.model:parameter_count(), field.signal.values:numel(), field.step, field.seconds, psnr))
  return psnr, field
end

describe("a hash grid of a photograph", function()
  it("reaches 38 dB in 30 s", with_two_threads(function()
    assert.is_true(photograph "hash_grid" >= 38)
  end))

  it("reaches 30 dB with a quarter of the values as parameters", with_two_threads(function()
    mlp.manual_seed(1)
    local grid <const> = nn.HashGrid { axes = 2, levels = 10, finest = 256, table_size = 2 ^ 14,
      low = -1, high = 1 }
    local psnr <const>, field <const> =
      photograph(nn.Sequential { grid, nn.MLP { grid.outputs, 64, 64, 3 } })
    assert.is_true(psnr >= 30)
    assert.is_true(field.model:parameter_count() <= field.signal.values:numel() / 4)
  end))
end)

describe("a SIREN of a photograph", function()
  local STEPS <const> = 500

  --- PSNR after 500 steps from the weights that PyTorch had; says each so many.
  local function psnr(about, options)
    local spec <const> = { network = golden_siren.model(),
      signal = mlp.field.image(assert(golden_siren.picture(DATA .. "/images/camera.png"))) }
    for name, value in pairs(options) do spec[name] = value end
    local field <const> = assert(mlp.field.fit(spec))
    print(("\ncamera.png, %s"):format(about))
    while true do
      print(("step %d: %.2f dB, %.0f s"):format(field.step, field:psnr(), field.seconds))
      if field.step >= STEPS then return field:psnr() end
      field:train { steps = spec.steps }
    end
  end

  local function psnr_of_pytorch()
    local log <close> = assert(io.open "spec/golden/siren.log")
    return tonumber(log:read "a":match(("step %d: (%%S+) dB"):format(STEPS)))
  end

  it("is PyTorch's within 0.5 dB, and better as fields fit it", with_data(function()
    local _, suited <const> = mlp.field.network("siren", 2, 1)
    local theirs <const>, ours <const> = psnr_of_pytorch(),
      psnr("all pixels, rate 1e-4 throughout",
        { batch = "all", lr = 1e-4, decay = false, steps = STEPS // 5 })
    assert.near(theirs, ours, 0.5)
    assert.is_true(psnr(("16,384 pixels, rate %g"):format(suited.lr),
      { lr = suited.lr, steps = STEPS }) > ours)
  end))
end)

describe("a radiance field of the lego bulldozer", function()
  it("reaches 22.7 dB on held-out views in 3 minutes", with_two_threads(function()
    local views <const> = assert(mlp.nerf.load(DATA .. "/nerf/lego_tiny_nerf.npz"))
    local known <const> = #views.images - 10
    local scene <const> = mlp.nerf.fit { seconds = 175, views = mlp.nerf.views(
      views.images:slice(1, 1, known), views.poses:slice(1, 1, known), views.focal) }
    local all, covered = 0, 0
    for i = known + 1, known + 10 do
      local psnr <const>, of_object <const> = scene:psnr(views.images[i], views.poses[i])
      all, covered = all + psnr / 10, covered + of_object / 10
    end
    print(("\nlego: %d steps in %.0f s: %.2f dB, %.2f dB on the object"):format(scene.step,
      scene.seconds, all, covered))
    assert.is_true(all >= 22.7)
  end))
end)
