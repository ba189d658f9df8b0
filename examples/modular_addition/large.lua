-- Part VI, the authors' default configuration: p = 97 with 1,024 neurons, 5,000 steps on all 9,409
-- pairs. Two minutes on two cores, so it runs when it is named.
local study <const> = ...
local short <const> = study.short
local seed <const> = study.seeds[1]

study.page:heading "VI. p = 97"

local P <const>, WIDTH <const> = study.quick and 31 or 97, study.quick and 32 or 1024
local started <const> = study.clock()
local run <const> = study:run({ p = P, width = WIDTH, seed = seed }, { steps = 5000 })
local spent <const>, last <const> = study.clock(started), run.history[#run.history]
study:table({ "quantity", "authors", "a C reproduction", "here" }, {
  { "loss", "0.001667", "0.001768", short(last.loss) },
  { "norm", "96.35", "96.30", short(last.norm) },
  { "accuracy", "–", "–", short(last.accuracy) },
  { "IPR (per frequency)", "–", "–", short(last.ipr) },
  { "mean |sin D|", "–", "–", short(last.misalignment) },
}, ("The default configuration. p = %d, %d neurons, ReLU, AdamW 5e-5, no decay, all pairs, step "
  .. "%d, seed %d; %s."):format(P, WIDTH, last.step, seed, spent))
