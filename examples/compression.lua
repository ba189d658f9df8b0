-- Weights as storage, honestly: networks that hold a picture, their weights in 32, 16 and 8 bits,
-- beside a smaller picture of as many bytes, enlarged, and beside the PNG, which loses nothing.
--   lua5.4 examples/compression.lua [picture.png] [seconds for each network]
-- Writes out/compression.png (the picture, the network of 8 bits, the enlargement of as many bytes)
-- and out/compression.svg (PSNR against bytes).
local mlp = require "mlp"
local nn = mlp.nn

local path = arg[1] or "examples/data/astronaut.png"
local seconds = tonumber(arg[2]) or 30

local bytes = assert(mlp.io.png.load(path))
local channels = (bytes:size(3) - 1) // 2 * 2 + 1 -- without an alpha channel
bytes = bytes:slice(3, 1, channels)
local picture = bytes:to "float32" / 255
local height, width = bytes:size(1), bytes:size(2)

-- ---- the rival: fewer pixels --------------------------------------------------------------------

-- Keys' cubic (1981), a = -1/2.
local function cubic(x)
  x = math.abs(x)
  if x < 1 then return 1.5 * x ^ 3 - 2.5 * x ^ 2 + 1 end
  return x < 2 and -0.5 * x ^ 3 + 2.5 * x ^ 2 - 4 * x + 2 or 0
end

-- The matrix (to, from) that resamples a line of pixels; on the way down the kernel is as much
-- wider as the pixels are.
local function resampling(from, to)
  local ratio = from / to
  local stretch = math.max(ratio, 1)
  local rows = {}
  for i = 1, to do
    local centre, row, sum = (i - 0.5) * ratio, {}, 0
    for j = 1, from do row[j] = 0 end
    for at = math.floor(centre - 2 * stretch), math.ceil(centre + 2 * stretch) do
      local weight = cubic((at + 0.5 - centre) / stretch)
      local j = math.min(math.max(at, 0), from - 1) + 1 -- the rim goes on for ever
      row[j], sum = row[j] + weight, sum + weight
    end
    for j = 1, from do row[j] = row[j] / sum end
    rows[i] = row
  end
  return mlp.tensor(rows)
end

local function resize(image, rows, columns)
  local down, across = resampling(image:size(1), rows), resampling(image:size(2), columns)
  return down:matmul(image:permute(3, 1, 2)):matmul(across:t()):permute(2, 3, 1)
end

-- The largest smaller picture of at most so many bytes, one for each channel of a pixel; enlarged.
local function fewer_pixels(budget)
  local share = math.min(1, math.sqrt(budget / bytes:numel()))
  local rows, columns = math.max(1, height * share // 1 | 0), math.max(1, width * share // 1 | 0)
  local small = (resize(picture, rows, columns):clamp(0, 1) * 255):round() / 255
  return resize(small, height, width):clamp(0, 1), rows * columns * channels
end

-- ---- fewer bits ---------------------------------------------------------------------------------

-- One step of 255 for each tensor, from its smallest number to its largest, which take 8 bytes.
local function in_8_bits(weights)
  local low, high = weights:min():item(), weights:max():item()
  local scale = math.max((high - low) / 255, 1e-30)
  return ((weights - low) / scale):round() * scale + low, weights:numel() + 8
end

local function in_16_bits(weights)
  local there = mlp.io.safetensors.encode({ w = weights }, { dtype = "float16" })
  return assert(mlp.io.safetensors.decode(there)).w, 2 * weights:numel()
end

local function in_32_bits(weights) return weights, 4 * weights:numel() end

local FORMATS = {
  { name = "float32", store = in_32_bits },
  { name = "float16", store = in_16_bits },
  { name = "8 bits", store = in_8_bits },
}

-- What the field shows when its weights are stored in a format, and the bytes that they take.
local function stored(field, format)
  local total, kept = 0, {}
  for i, weights in ipairs(field.model:parameters()) do
    local held = weights:detach()
    local value, size = format.store(held)
    kept[i], total = held:clone(), total + size
    held:copy_(value)
  end
  local seen = field:render():clamp(0, 1)
  for i, weights in ipairs(field.model:parameters()) do weights:detach():copy_(kept[i]) end
  return seen, total
end

-- ---- the table ----------------------------------------------------------------------------------

local function psnr(image)
  return -10 * math.log((image - picture):square():mean():item(), 10)
end

local function siren(hidden) return nn.Siren { 2, hidden, hidden, hidden, channels } end

local function grid(rows)
  local encoding = nn.HashGrid { axes = 2, levels = 8, table_size = rows, finest = height,
    low = -1, high = 1 }
  return nn.Sequential { encoding, nn.MLP { encoding.outputs, 32, 32, channels } }
end

local SIREN, GRID = { lr = 5e-4 }, { lr = 1e-2, betas = { 0.9, 0.99 }, eps = 1e-15 }
local NETWORKS = {
  { name = "SIREN 48", make = siren, size = 48, adam = SIREN },
  { name = "SIREN 96", make = siren, size = 96, adam = SIREN },
  { name = "hash grid 2^11", make = grid, size = 2 ^ 11, adam = GRID, shown = true },
  { name = "hash grid 2^13", make = grid, size = 2 ^ 13, adam = GRID },
}

local file <close> = assert(io.open(path, "rb"))
local png_bytes = file:seek "end"
print(("%s: %d x %d x %d; the PNG has %d bytes and loses nothing"):format(path, height, width,
  channels, png_bytes))
print(("%g s for each network, seed 1; dB of the network, and of fewer pixels in as many bytes")
  :format(seconds))

local series, shown = {}, nil
for _, network in ipairs(NETWORKS) do
  mlp.manual_seed(1)
  local field = assert(mlp.field.fit { signal = picture, network = network.make(network.size),
    optimizer = network.adam, lr = network.adam.lr, seconds = seconds, batch = 4096 })
  print(("%s: %d steps"):format(network.name, field.step))
  local curve = { x = {}, y = {}, name = network.name, marker = true }
  for i, format in ipairs(FORMATS) do
    local seen, size = stored(field, format)
    local small, small_size = fewer_pixels(size)
    curve.x[i], curve.y[i] = size, psnr(seen)
    print(("%-15s %-8s %7d bytes %6.2f dB   fewer pixels %7d bytes %6.2f dB"):format(network.name,
      format.name, size, psnr(seen), small_size, psnr(small)))
    if network.shown then shown = { seen, small } end
  end
  series[#series + 1] = curve
end

local rivals = { x = {}, y = {}, name = "fewer pixels, bicubic", dash = "dashed" }
for k = 1, 8 do
  local small, size = fewer_pixels(bytes:numel() * 2.0 ^ (k - 9))
  rivals.x[k], rivals.y[k] = size, psnr(small)
end
series[#series + 1] = rivals
series[#series + 1] = { x = { png_bytes, png_bytes }, y = { 20, 45 }, name = "PNG, without loss",
  dash = "dotted" }

os.execute "mkdir -p out"
assert(mlp.io.png.save("out/compression.png", mlp.cat({ picture, shown[1], shown[2] }, 2)))
series.x_label, series.y_label, series.log_x = "bytes", "PSNR, dB", true
series.y_limits = { 14, 46 }
series.title = "A picture in so many bytes"
assert(mlp.plot.lines(series):save "out/compression.svg")
print "out/compression.png, out/compression.svg"
