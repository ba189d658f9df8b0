-- What a step learns from some random pixels, and from all of them as in the paper: one picture of
-- words, as many steps.
local protocol <const>, words <const> = ...

local SIDE <const>, STEPS <const> = protocol.quick and 32 or 256, protocol.steps(1000)
local PIXELS <const>, SIGMA <const> = SIDE * SIDE // 4, { gaussian = 8 }

print(("level words, %d x %d, seed 1; %d steps"):format(SIDE, SIDE, STEPS))
print(("%-12s %8s   %-15s %-15s %s"):format("mapping", "pixels", "train PSNR, dB", "test PSNR, dB",
  "seconds"))
for _, mapping in ipairs { "gaussian", "none" } do
  for _, batch in ipairs { protocol.batch, 2 * protocol.batch, PIXELS } do
    local got <const> = protocol.fit(words.picture(SIDE, 1), { mapping = mapping,
      sigma = SIGMA[mapping], rate = protocol.text.rate[mapping], steps = STEPS, batch = batch })
    print(("%-12s %8d   %-15.2f %-15.2f %.0f"):format(mapping, batch, got.train, got.test,
      got.seconds))
  end
end
