-- Too small a sigma blurs, too large a one learns what it sees and guesses noise between.
local protocol <const> = ...
local mlp <const> = require "mlp"

local SIGMAS <const> = protocol.quick and { 1, 10, 100 } or { 1, 3, 10, 30, 100 }
local STEPS <const>, RATE <const> = protocol.steps(800), protocol.natural.rate.gaussian

local photograph <const> = protocol.photograph()
local n <const> = #photograph
local train <const>, test <const> = {}, {}
print(("gaussian features of the photograph, %d x %d: %d steps of %d of %d pixels, rate %g"):format(
  n, n, STEPS, protocol.batch, n * n // 4, RATE))
print(("%6s   %-15s %s"):format("sigma", "train PSNR, dB", "test PSNR, dB"))
for i, sigma in ipairs(SIGMAS) do
  local got <const> = protocol.fit(photograph, { mapping = "gaussian", sigma = sigma, rate = RATE,
    steps = STEPS })
  train[i], test[i] = got.train, got.test
  print(("%6g   %-15.2f %.2f"):format(sigma, got.train, got.test))
end
print "the paper's notebook, one photograph, rate 1e-4: test 21.4 at 1, 24.9 at 10, 11.3 at 100"

assert(mlp.plot.lines({
  { x = SIGMAS, y = train, name = "pixels seen", marker = "circle" },
  { x = SIGMAS, y = test, name = "pixels between", marker = "circle" },
  title = "Frequencies: too few blur, too many guess noise", log_x = true,
  x_label = "sigma, turns across the picture", y_label = "PSNR, dB", width = 520, height = 340,
}):save "out/fourier_features.svg")
print "out/fourier_features.svg"
