-- A photograph as a network of its coordinates: five networks get the same seconds each.
--   lua5.4 examples/image_field.lua [picture.png] [seconds for each] [decibels] [networks]
-- Writes out/image_field.png (what each network holds, and below it its errors, four times as
-- strong), out/image_field.svg (what each has learned of each band of frequencies, over the steps)
-- and, of the best, a picture of twice the size. With decibels it asks instead how long each takes
-- to reach that PSNR, and writes nothing.
local mlp = require "mlp"

local path = arg[1] or "examples/data/astronaut.png"
local seconds = tonumber(arg[2]) or 20
local goal = tonumber(arg[3])
local NETWORKS = #arg > 3 and { select(4, ...) }
  or { "none", "positional", "gaussian", "siren", "hash_grid" }

local picture = assert(mlp.io.png.load(path, { dtype = "float32" }))
local height, width, channels = table.unpack(picture.shape)
if channels == 2 or channels == 4 then picture = picture:slice(3, 1, channels - 1) end

-- ---- how long it takes to reach a PSNR ----------------------------------------------------------

-- Points of a step: plain layers learn more from many steps, sines and tables from many points.
local BATCH = { none = 2048, positional = 2048, gaussian = 2048, siren = 8192, hash_grid = 16384 }

-- Trains until the goal or the time is reached. Looks at the picture when the points of a step had
-- the PSNR wanted; looks cost no time.
local function reach(network)
  local field = assert(mlp.field.fit { signal = picture, network = network, steps = 1,
    decay = false, batch = BATCH[network] })
  local function good_enough(event)
    if -10 * math.log(event.loss, 10) >= goal then return "stop" end
  end
  local psnr
  repeat
    field:train { seconds = math.max(seconds - field.seconds, 0.01), progress = good_enough }
    psnr = field:psnr()
  until psnr >= goal or field.seconds >= seconds
  return field, psnr
end

if goal then
  print(("%s: %d x %d, seconds to %g dB, at most %g; threads: %d, seed 1"):format(path, height,
    width, goal, seconds, mlp.set_threads()))
  for _, network in ipairs(NETWORKS) do
    local field, psnr = reach(network)
    print(("%-12s %8s s  %6.2f dB  %6d steps of %5d pixels  %7d parameters"):format(network,
      psnr >= goal and ("%.1f"):format(field.seconds) or ("> %g"):format(seconds), psnr, field.step,
      BATCH[network], field.model:parameter_count()))
  end
  return
end

-- ---- the same seconds for all -------------------------------------------------------------------

-- Energy of a grey picture by octaves of frequency: bands 1-2, 2-4, 4-8, ... waves per side.
local function waves(n)
  local angle = mlp.arange(0, n - 1):to "float32":reshape(n, 1)
    * mlp.arange(0, n // 2):to "float32":reshape(1, n // 2 + 1) * (2 * math.pi / n)
  return mlp.cat({ angle:cos(), angle:sin() }, 2) / n
end
local vertical, horizontal = waves(height), waves(width)
local BANDS = math.floor(math.log(math.min(height, width) / 2, 2))

local function band_masks()
  local masks = {}
  local fy = mlp.arange(0, height // 2):to "float32":reshape(-1, 1)
  local fx = mlp.arange(0, width // 2):to "float32":reshape(1, -1)
  local radius = mlp.cat({ fy, fy }, 1):square() + mlp.cat({ fx, fx }, 2):square()
  for b = 1, BANDS do
    masks[b] = radius:ge(4.0 ^ (b - 1)):to "float32" * radius:lt(4.0 ^ b):to "float32"
  end
  return masks
end
local masks = band_masks()

local function energies(image)
  local grey, list = image:mean(3), {}
  local power = vertical:t():matmul(grey):matmul(horizontal):square()
  for b, mask in ipairs(masks) do list[b] = (power * mask):sum():item() end
  return list
end
local of_picture = energies(picture)

-- Fits one network; notes its errors by band at steps 1, 2, 4, 8, ...
local function fit(network)
  local field = assert(mlp.field.fit { signal = picture, network = network, steps = 1,
    decay = false })
  local curves, steps = {}, {}
  for b = 1, BANDS do curves[b] = {} end
  repeat
    local share = energies(field:render() - picture)
    steps[#steps + 1] = field.step
    for b = 1, BANDS do curves[b][#steps] = math.max(share[b] / of_picture[b], 1e-4) end
    field:train { steps = field.step, seconds = math.max(seconds - field.seconds, 0.01) }
  until field.seconds >= seconds * 0.9
  field.decay = true
  field:train { seconds = math.max(seconds * 0.2, 0.01) } -- the rate falls at the end
  return field, steps, curves
end

local function panel(network, steps, curves)
  local series = { title = network, x_label = "step", y_label = "error / signal", log_x = true,
    log_y = true, width = 330, height = 300, y_limits = { 1e-4, 3 } }
  for b = 1, BANDS, 2 do
    series[#series + 1] = { x = steps, y = curves[b],
      name = ("%d-%d waves"):format(2 ^ (b - 1) // 1 | 0, 2 ^ b // 1 | 0) }
  end
  return mlp.plot.lines(series)
end

os.execute "mkdir -p out"
local renders, differences, panels, best = {}, {}, {}, nil
print(("%s: %d x %d, %g s each, seed 1"):format(path, width, height, seconds))
for i, network in ipairs(NETWORKS) do
  local field, steps, curves = fit(network)
  local psnr = field:psnr()
  print(("%-12s %6.2f dB  %7d parameters  %6d steps"):format(network, psnr,
    field.model:parameter_count(), field.step))
  renders[i] = field:render():clamp(0, 1)
  differences[i] = ((renders[i] - picture):abs() * 4):clamp(0, 1)
  panels[i] = panel(network, steps, curves)
  if not best or psnr > best.psnr then best = { field = field, psnr = psnr } end
end

local sheet = mlp.cat({ mlp.cat(renders, 2), mlp.cat(differences, 2) }, 1)
assert(mlp.io.png.save("out/image_field.png", sheet))
assert(mlp.io.png.save("out/image_field_twice.png", best.field:render { 2 * height, 2 * width }))
panels.columns = 3
panels.title = "What a network learns first: error over signal, by band of frequencies"
assert(mlp.plot.grid(panels):save "out/image_field.svg")
print "out/image_field.png, out/image_field.svg, out/image_field_twice.png"
