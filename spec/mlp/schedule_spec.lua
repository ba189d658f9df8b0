--- Schedules: factors at the ends, at the seams and beyond; PyTorch's where it has the same one.
local mlp <const> = require "mlp"
local schedule <const> = mlp.schedule
require "spec.support.approx"

local function factors(of, steps)
  local list <const> = {}
  for i, step in ipairs(steps) do list[i] = of(step) end
  return list
end

describe("schedule", function()
  it("constant stays", function()
    assert.are.same({ 1, 1 }, factors(schedule.constant(), { 1, 1000 }))
    assert.are.same({ 0.5, 0.5 }, factors(schedule.constant(0.5), { 1, 1000 }))
  end)

  it("cosine falls from 1, is halfway in the middle, and stays at its end", function()
    assert.close(factors(schedule.cosine(10), { 1, 6, 11, 500 }), { 1, 0.5, 0, 0 })
    assert.close(factors(schedule.cosine(10, { final = 0.2 }), { 1, 6, 11 }), { 1, 0.6, 0.2 })
    -- CosineAnnealingLR(T_max = 4) of PyTorch 1.13, in units of its base rate
    assert.close(factors(schedule.cosine(4), { 1, 2, 3, 4, 5 }),
      { 1, 0.8535533906, 0.5, 0.1464466094, 0 })
  end)

  it("linear runs straight", function()
    assert.close(factors(schedule.linear(4), { 1, 2, 3, 5, 9 }), { 1, 0.75, 0.5, 0, 0 })
    assert.close(factors(schedule.linear(2, { first = 0.2, final = 0.4 }), { 1, 2, 3 }),
      { 0.2, 0.3, 0.4 })
  end)

  it("step falls after every so many steps", function()
    assert.close(factors(schedule.step(3), { 1, 3, 4, 6, 7 }), { 1, 1, 0.1, 0.1, 0.01 })
    assert.close(factors(schedule.step(1, { factor = 0.5 }), { 1, 2, 3 }), { 1, 0.5, 0.25 })
  end)

  it("warmup grows to 1, then starts the next one at its own step 1", function()
    assert.close(factors(schedule.warmup(4), { 1, 2, 4, 5, 100 }), { 0.25, 0.5, 1, 1, 1 })
    assert.close(factors(schedule.warmup(2, schedule.cosine(10)), { 1, 2, 3, 8, 13 }),
      { 0.5, 1, 1, 0.5, 0 })
  end)

  it("one_cycle is PyTorch's OneCycleLR", function()
    -- OneCycleLR(max_lr = 1, total_steps = 10) of PyTorch 1.13
    assert.close(factors(schedule.one_cycle(10), { 1, 2, 3, 4, 7, 10 }),
      { 0.04, 0.52, 1, 0.9504846320, 0.3887419781, 4e-6 })
    assert.close(schedule.one_cycle(10)(11), 4e-6)
  end)

  it("exponential falls by the same factor at every step", function()
    assert.close(factors(schedule.exponential(0.5), { 1, 2, 4 }), { 1, 0.5, 0.125 })
  end)

  it("inverse_sqrt rises and falls", function()
    assert.close(factors(schedule.inverse_sqrt(4), { 1, 4, 16, 64 }), { 0.25, 1, 0.5, 0.25 })
  end)

  it("restarts is PyTorch's CosineAnnealingWarmRestarts", function()
    -- T_0 = 3, T_mult = 2, eta_min = 0.1 of PyTorch 1.13
    local growing <const> = schedule.restarts(3, { growth = 2, final = 0.1 })
    assert.close(factors(growing, { 1, 2, 3, 4, 6, 9, 10 }),
      { 1, 0.775, 0.325, 1, 0.775, 0.1602885683, 1 })
    assert.close(factors(schedule.restarts(2), { 1, 2, 3, 4, 101 }), { 1, 0.5, 1, 0.5, 1 })
  end)

  it("mix goes from one to the other", function()
    local rise <const>, fall <const> = schedule.constant(3), schedule.constant(1)
    assert.close(factors(schedule.mix(rise, fall, 0.25), { 1, 9 }), { 2.5, 2.5 })
    assert.close(factors(schedule.mix(rise, fall, schedule.linear(2, { first = 0, final = 1 })),
      { 1, 2, 3 }), { 3, 2, 1 })
    assert.error_matches(function() schedule.mix(rise, 3, 0.5) end, "schedule 2 is 3 but a sched")
  end)

  it("sequence gives each part its own count, and the last goes on", function()
    local of <const> = schedule.sequence {
      { 2, schedule.constant(0.1) }, { 3, schedule.linear(3) }, { 1, schedule.constant(7) },
    }
    assert.close(factors(of, { 1, 2, 3, 4, 5, 6, 60 }), { 0.1, 0.1, 1, 2 / 3, 1 / 3, 7, 7 })
  end)

  it("product multiplies, functions of the user's too", function()
    local of <const> = schedule.product(schedule.constant(0.5), function(step) return step end)
    assert.close(factors(of, { 1, 4 }), { 0.5, 2 })
  end)

  it("values are the factors for a plot", function()
    assert.close(schedule.values(schedule.linear(2), 3), { 1, 0.5, 0 })
  end)

  it("refuses what is no number of steps, and no schedule", function()
    assert.has_error(function() schedule.cosine(0) end)
    assert.has_error(function() schedule.step(2.5) end)
    assert.error_matches(function() schedule.warmup(3, 0.1) end, "after is 0.1 but a schedule")
    assert.error_matches(function() schedule.cosine(3, { finl = 0 }) end, "did you mean 'final'")
  end)
end)
