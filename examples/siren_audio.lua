-- A sound as a network of time: a SIREN listens to a WAV file, or to a chord made here; and beside
-- it sines behind Fourier features whose frequencies are those of sounds.
--   lua5.4 examples/siren_audio.lua [sound.wav or "chord"] [seconds for each network]
-- On seven seconds of a cello (SIREN's gt_bach.wav, 308,207 samples), 300 seconds each on one core:
-- 28.0 dB by 132,353 parameters, 38.0 dB by 151,349 and 192 frequencies.
-- Writes out/siren_audio_siren.wav and out/siren_audio_features.wav (what the networks hold; with
-- _error.wav what they lack) and out/siren_audio.svg.
local mlp = require "mlp"
local nn = mlp.nn

local path, seconds = arg[1] or "chord", tonumber(arg[2]) or 30
local hurried = seconds < 5 -- only to see that it runs

-- One second of three plucked strings.
local function chord()
  local rate = 16000
  local t = mlp.linspace(0, 1, rate)
  local sum = t * 0
  for k, frequency in ipairs { 220, 277.18, 329.63 } do
    for overtone = 1, 4 do
      local angle = t * (2 * math.pi * frequency * overtone)
      sum = sum + angle:sin() * (t * (-3.0 * overtone)):exp() * (0.25 / overtone / k ^ 0.2)
    end
  end
  return sum:reshape(-1, 1), rate
end

local samples, rate
if path ~= "chord" then
  samples, rate = mlp.io.wav.load(path)
  assert(samples, rate)
  samples = samples:mean(2, true)
else
  samples, rate = chord()
end
local count = #samples
print(("%s: %d samples at %d per second, seed 1"):format(path, count, rate))

-- ---- two networks -------------------------------------------------------------------------------

-- The paper's (Sitzmann et al. 2020, section 4.1): its time runs from -100 to 100 with omega 30,
-- which is omega 3000 for ours from -1 to 1.
local function siren()
  local width = hurried and 32 or 256
  return nn.Siren { 1, width, width, width, 1, omega_first = 3000 }, 0
end

-- Cosines and sines of 0 +- 1000 Hz, then sines of moderate frequency. A row of B is in turns per
-- unit of time, and a unit is half of the sound. As many weights and frequencies as half of the
-- samples, at most: F = 0.8 H frequencies, 2 F H + H^2 weights.
local function features()
  local H = math.min((count / 2 / 2.6) ^ 0.5 // 1 - 2, hurried and 32 or 512) | 0
  local encoding = nn.FourierFeatures(1, { features = 4 * H // 5,
    sigma = 1000 * (count / rate / 2) })
  local sines = nn.Siren { encoding.outputs, H, H, 1, omega_first = 10, omega = 10 }
  return nn.Sequential { encoding, sines }, encoding.outputs // 2
end

local NETWORKS = {
  { name = "SIREN", file = "siren", make = siren, lr = 3e-4 },
  { name = "features + sines", file = "features", make = features, lr = 1e-3 },
}

-- ---- listening ----------------------------------------------------------------------------------

local LOOKS = hurried and 2 or 15

local function listen(network)
  mlp.manual_seed(1)
  local model, fixed = network.make()
  local points = { x = {}, y = {}, name = network.name }
  local field = assert(mlp.field.fit { signal = mlp.field.audio(samples, rate), network = model,
    lr = network.lr, batch = math.min(4096, count // 16), steps = 1 })
  field:train { seconds = seconds, progress = function(event)
    if event.seconds < seconds * #points.x / LOOKS then return end
    points.x[#points.x + 1], points.y[#points.y + 1] = event.seconds, field:snr()
  end }
  points.x[#points.x + 1], points.y[#points.y + 1] = field.seconds, field:snr()
  print(("%-17s %d parameters + %d fixed frequencies, %.3f of the samples; %d steps in %.0f s")
    :format(network.name, model:parameter_count(), fixed, (model:parameter_count() + fixed) / count,
      field.step, field.seconds))
  print(("%-17s signal to noise %.2f dB"):format(network.name, field:snr()))
  return field:render(), points
end

-- ---- pictures -----------------------------------------------------------------------------------

local PIECE = 1024 -- samples at once

-- Mean power at each frequency, in decibels: Hann's window, the real Fourier basis, frames side by
-- side; an average of eight neighbours.
local function spectrum(sound)
  local basis = mlp.fourier.basis(PIECE):to "float32"
  local turn = mlp.linspace(0, 2 * math.pi, PIECE)
  local frames = sound:slice(1, 1, count // PIECE * PIECE):reshape(-1, PIECE)
  local parts = (frames * (0.5 - turn:cos() * 0.5)):matmul(basis:t()):square():mean(1)
  local power = parts:slice(1, 2, -2):reshape(-1, 2):sum(2)
  power = power:slice(1, 1, #power // 8 * 8):reshape(-1, 8):mean(2)
  local kilohertz = (mlp.arange(1, #power):to "float32" - 0.5) * (8 * rate / PIECE / 1000)
  return kilohertz:totable(), ((power + 1e-12):log() * (10 / math.log(10))):totable()
end

-- The loudest short piece.
local function loud_piece()
  local length = math.min(count, 500)
  local loud = samples:slice(1, 1, count // length * length):reshape(-1, length):square():mean(2)
  local first = (loud:argmax(1):item() - 1) * length + 1
  local t = ((mlp.arange(first, first + length - 1) - 1):to "float32" * (1 / rate)):totable()
  return t, function(x) return x:reshape(-1):slice(1, first, first + length - 1):totable() end
end

os.execute "mkdir -p out"
local t, piece = loud_piece()
local curves, waves, spectra = {}, {}, {}
local x, y
for i, network in ipairs(NETWORKS) do
  local heard
  heard, curves[i] = listen(network)
  local stem = "out/siren_audio_" .. network.file
  assert(mlp.io.wav.save(stem .. ".wav", heard:clamp(-1, 1), rate))
  assert(mlp.io.wav.save(stem .. "_error.wav", (heard - samples):clamp(-1, 1), rate))
  waves[i] = { x = t, y = piece(heard), name = network.name }
  x, y = spectrum(heard - samples)
  spectra[i] = { x = x, y = y, name = "error of " .. network.name }
end
waves[#waves + 1] = { x = t, y = piece(samples), name = "sound" }
x, y = spectrum(samples)
spectra[#spectra + 1] = { x = x, y = y, name = "sound" }
curves.x_label, curves.y_label, curves.title = "seconds of fitting", "signal to noise, dB",
  "How well they listen"
waves.x_label, waves.title = "seconds", "The loudest piece"
spectra.x_label, spectra.y_label, spectra.title = "kilohertz", "mean power, dB",
  "What is in the sound, what is left over"
assert(mlp.plot.grid { mlp.plot.lines(curves), mlp.plot.lines(spectra), mlp.plot.lines(waves),
  columns = 3 }:save "out/siren_audio.svg")
print "out/siren_audio_siren.wav, out/siren_audio_features.wav, out/siren_audio.svg"
