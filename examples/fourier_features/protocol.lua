-- The protocol of Tancik et al. 2020, section 6 and supplement: what is trained, on which pixels,
-- by which rates, and what they reached.
local quick <const>, path <const> = ...
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local FEATURES <const>, WIDTH <const> = 256, 256
local protocol <const> = { quick = quick, batch = quick and 256 or 512,
  mappings = { "none", "basic", "positional", "gaussian" } }

-- Mean and deviation of the test PSNR over 16 pictures of 512 x 512; rates and sigmas for these.
protocol.text = {
  paper = { none = { 18.40, 2.23 }, basic = { 20.48, 1.96 }, positional = { 27.57, 3.07 },
    gaussian = { 30.47, 2.11 } },
  rate = { none = 1e-3, basic = 1e-3, positional = 1e-3, gaussian = 1e-3 },
  sigma = { positional = 5, gaussian = 14 },
}
protocol.natural = {
  paper = { none = { 19.32, 2.48 }, basic = { 21.71, 2.71 }, positional = { 24.95, 3.72 },
    gaussian = { 25.57, 4.19 } },
  rate = { none = 1e-2, basic = 1e-2, positional = 1e-3, gaussian = 1e-3 },
  sigma = { positional = 6, gaussian = 10 },
}

function protocol.steps(full) return quick and 4 or full end

--- The photograph, cut to a square of even side. (N, N, 3) in 0..1
function protocol.photograph()
  local picture <const> = assert(mlp.io.png.load(path, { dtype = "float32" }))
  local n <const> = quick and 32 or math.min(picture:size(1), picture:size(2)) // 2 * 2
  local square <const> = picture:slice(1, 1, n):slice(2, 1, n)
  if picture:size(3) < 3 then return square:slice(3, 1, 1):expand(n, n, 3):contiguous() end
  return square:slice(3, 1, 3):contiguous()
end

--- Pixels first, first + 2, ... along both axes. (N / 2, N / 2, 3)
function protocol.every_second(picture, first)
  return picture:slice(1, first, #picture, 2):slice(2, first, #picture, 2)
end

-- The same pixels as a signal; coordinates run from 0 to 1, as in the paper.
local function signal_of(picture, first)
  local n <const> = #picture
  local line <const> = mlp.arange(first - 1, n - 1, 2):to "float32" * (1 / n)
  local m <const> = #line
  local points <const> = mlp.stack({ line:reshape(1, m):expand(m, m),
    line:reshape(m, 1):expand(m, m) }, -1)
  return { kind = "image", points = points:reshape(-1, 2),
    values = protocol.every_second(picture, first):reshape(-1, 3) }
end

-- Weights start as in the authors' code, by Glorot and Bengio 2010.
local function network(mapping, sigma)
  mlp.manual_seed(1)
  local function layers(inputs)
    return nn.MLP { inputs, WIDTH, WIDTH, WIDTH, 3, output = "sigmoid", init = "xavier" }
  end
  if mapping == "none" then return layers(2) end
  local encoding <const> = nn.FourierFeatures(2, { kind = mapping, sigma = sigma,
    features = FEATURES })
  return nn.Sequential { encoding, layers(encoding.outputs) }
end

--- Trains on the pixels 1, 3, ...; PSNR there, and on the pixels 2, 4, ... Adam, whose steps no
--- factor of the loss changes; the rate does not fall.
---@param o {mapping: string, sigma: number?, rate: number, steps: integer, batch: integer?}
function protocol.fit(picture, o)
  local seen <const>, between <const> = signal_of(picture, 1), signal_of(picture, 2)
  local field <const> = mlp.field.fit { signal = seen, network = network(o.mapping, o.sigma),
    lr = o.rate, decay = false, steps = o.steps, batch = o.batch or protocol.batch }
  local shape <const> = protocol.every_second(picture, 1).shape
  local function answer(signal) return field:sample(signal.points):reshape(shape) end
  return { train = field:psnr(seen), test = field:psnr(between), seconds = field.seconds,
    train_answer = function() return answer(seen) end,
    test_answer = function() return answer(between) end }
end

return protocol
