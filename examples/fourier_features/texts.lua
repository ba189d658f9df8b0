-- Ten pictures of words: how well each mapping guesses the pixels between those it saw.
local protocol <const>, words <const>, part <const> = ...
local mlp <const> = require "mlp"

local SIDE <const>, PICTURES <const> = protocol.quick and 32 or 256, protocol.quick and 2 or 10
local VALIDATION <const> = protocol.quick and 1 or 2
local STEPS <const>, RATE <const> = protocol.steps(2000), 1e-3
-- The paper's sigmas for text, 5 and 14 at 512 x 512, would be 4 and 7 at this size.
local SIGMAS <const> = { positional = { 4, 5, 6, 7 }, gaussian = { 7, 10, 14, 20 } }

local function scores(mapping, sigma, first, count, steps)
  local list <const> = {}
  for i = 1, count do
    local picture <const> = words.picture(SIDE, first + i - 1, part == "level")
    list[i] = protocol.fit(picture, { mapping = mapping, sigma = sigma, rate = RATE,
      steps = steps }).test
  end
  return mlp.tensor(list)
end

-- The sigma that is best, after half of the steps, on pictures that the table does not hold.
local function validated(mapping)
  local best
  for _, sigma in ipairs(SIGMAS[mapping]) do
    local mean <const> = scores(mapping, sigma, 101, VALIDATION, STEPS // 2):mean():item()
    print(("  %s, sigma %g: %.2f dB on the pictures kept for this"):format(mapping, sigma, mean))
    if not best or mean > best.mean then best = { mean = mean, sigma = sigma } end
  end
  return best.sigma
end

print(("words on %s lines, %d x %d, seeds 1 to %d; %d steps of %d of %d pixels, rate %g"):format(
  part == "level" and "level" or "tilted", SIDE, SIDE, PICTURES, STEPS, protocol.batch,
  SIDE * SIDE // 4, RATE))
local sigmas <const> = { positional = validated "positional", gaussian = validated "gaussian" }
print(("%-12s %6s   %-17s %s"):format("mapping", "sigma", "test PSNR, dB",
  "the paper's, 16 at 512 x 512"))
local means <const> = {}
for i, mapping in ipairs(protocol.mappings) do
  local sigma <const> = sigmas[mapping]
  local tests <const> = scores(mapping, sigma, 1, PICTURES, STEPS)
  means[i] = tests:mean():item()
  print(("%-12s %6s   %5.2f +- %-8.2f %5.2f +- %.2f"):format(mapping, sigma or "-", means[i],
    tests:std():item(), table.unpack(protocol.text.paper[mapping])))
end
print(("gaps: %.2f, %.2f, %.2f dB"):format(means[2] - means[1], means[3] - means[2],
  means[4] - means[3]))
