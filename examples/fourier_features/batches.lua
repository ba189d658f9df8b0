-- What a step learns from some random pixels, and from all of them as in the paper: one picture of
-- words, gaussian features, as many steps.
local protocol <const>, words <const> = ...

local SIDE <const>, STEPS <const> = protocol.quick and 32 or 256, protocol.steps(1000)
local PIXELS <const>, SIGMA <const> = SIDE * SIDE // 4, 10

print(("words, %d x %d, seed 1; gaussian, sigma %g, %d steps"):format(SIDE, SIDE, SIGMA,
  STEPS))
print(("%8s   %-15s %-15s %s"):format("pixels", "train PSNR, dB", "test PSNR, dB", "seconds"))
for _, batch in ipairs { protocol.batch, 4 * protocol.batch, PIXELS } do
  local got <const> = protocol.fit(words.picture(SIDE, 1), { mapping = "gaussian", sigma = SIGMA,
    rate = protocol.text.rate.gaussian, steps = STEPS, batch = batch })
  print(("%8d   %-15.2f %-15.2f %.0f"):format(batch, got.train, got.test, got.seconds))
end
