-- A sound as a network of time: a SIREN listens to a WAV file, or to a chord made here.
--   lua5.4 examples/siren_audio.lua [sound.wav or "chord"] [seconds]
-- Writes out/siren_audio.wav (what the network holds), out/siren_audio_error.wav and
-- out/siren_audio.svg.
local mlp = require "mlp"

local path, seconds = arg[1] or "chord", tonumber(arg[2]) or 30

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

local field = assert(mlp.field.fit { signal = mlp.field.audio(samples, rate), network = "siren",
  seconds = 0.05 * seconds, decay = false })
local times, ratios = {}, {}
repeat
  times[#times + 1], ratios[#ratios + 1] = field.seconds, field:snr()
  field:train { seconds = 0.19 * seconds }
until field.seconds >= seconds
times[#times + 1], ratios[#ratios + 1] = field.seconds, field:snr()

print(("%s: %d samples at %d per second, %d parameters, %d steps in %.0f s, seed 1"):format(
  path, #samples, rate, field.model:parameter_count(), field.step, field.seconds))
print(("signal to noise %.2f dB"):format(field:snr()))

os.execute "mkdir -p out"
local heard = field:render()
assert(mlp.io.wav.save("out/siren_audio.wav", heard:clamp(-1, 1), rate))
assert(mlp.io.wav.save("out/siren_audio_error.wav", (heard - samples):clamp(-1, 1), rate))

local shown = math.min(#samples, 800)
local from = math.max(1, #samples // 3 - shown // 2)
local function piece(x)
  return x:select(2, 1):slice(1, from, math.min(from + shown - 1, #x)):totable()
end
local t = {}
for i = 1, #piece(samples) do t[i] = (from + i - 1) / rate end
assert(mlp.plot.grid {
  mlp.plot.lines { { x = times, y = ratios, name = "SIREN", marker = true },
    x_label = "seconds of fitting", y_label = "signal to noise, dB",
    title = "How well it listens" },
  mlp.plot.lines { { x = t, y = piece(samples), name = "sound" },
    { x = t, y = piece(heard), name = "network", dash = "dashed" }, x_label = "seconds",
    title = "A piece of it" }, columns = 2 }:save "out/siren_audio.svg")
print "out/siren_audio.wav, out/siren_audio_error.wav, out/siren_audio.svg"
