--- Learning rates over time. A schedule is a plain function step -> factor: steps count from 1 and
--- the factor multiplies the optimizer's lr, so any function of yours is one too. The makers below
--- return such functions, and some take them:
---
---     schedule = mlp.schedule.warmup(100, mlp.schedule.cosine(900))

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.schedule
local schedule = {}

---@alias mlp.Schedule fun(step: integer): number

local function want_steps(call, what, steps)
  if math.type(steps) ~= "integer" or steps < 1 then
    errors.wanted("schedule." .. call, what, steps, "a whole number from 1")
  end
end

local function want_schedule(call, what, value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  if type(value) ~= "function" and not (type(meta) == "table" and meta.__call) then
    errors.wanted("schedule." .. call, what, value, "a schedule, that is a function of the step,")
  end
end

local function options_of(call, options, defaults)
  local o <const> = errors.options("schedule." .. call, options, defaults)
  for name, value in pairs(o) do
    if type(value) ~= "number" then
      errors.wanted("schedule." .. call, name, value, "a number")
    end
  end
  return o
end

--- Always the same factor.
---@param factor number? default 1
---@return mlp.Schedule
function schedule.constant(factor)
  factor = factor or 1
  if type(factor) ~= "number" then
    errors.wanted("schedule.constant", "factor", factor, "a number")
  end
  return function() return factor end
end

--- Half a cosine from 1 at step 1 towards `final`, which it has at step steps + 1 and keeps
--- (Loshchilov and Hutter 2017; PyTorch's CosineAnnealingLR).
---@param steps integer
---@param options {final: number?}? final: default 0
---@return mlp.Schedule
function schedule.cosine(steps, options)
  want_steps("cosine", "steps", steps)
  local final <const> = options_of("cosine", options, { final = 0 }).final
  return function(step)
    local t <const> = math.min((step - 1) / steps, 1)
    return final + (1 - final) * (1 + math.cos(math.pi * t)) / 2
  end
end

--- A straight line from `first` at step 1 to `final` at step steps + 1, which it keeps.
---@param steps integer
---@param options {first: number?, final: number?}? default from 1 to 0
---@return mlp.Schedule
function schedule.linear(steps, options)
  want_steps("linear", "steps", steps)
  local o <const> = options_of("linear", options, { first = 1, final = 0 })
  return function(step)
    return o.first + (o.final - o.first) * math.min((step - 1) / steps, 1)
  end
end

--- Multiplies by `factor` after every so many steps (PyTorch's StepLR).
---@param every integer steps
---@param options {factor: number?}? default 0.1
---@return mlp.Schedule
function schedule.step(every, options)
  want_steps("step", "every", every)
  local factor <const> = options_of("step", options, { factor = 0.1 }).factor
  return function(step) return factor ^ ((step - 1) // every) end
end

--- Grows in a straight line, 1/steps at step 1 to 1 at step `steps`; then `after`, whose own count
--- begins at 1 behind the warm-up.
---@param steps integer
---@param after mlp.Schedule? default constant()
---@return mlp.Schedule
function schedule.warmup(steps, after)
  want_steps("warmup", "steps", steps)
  after = after or schedule.constant()
  want_schedule("warmup", "after", after)
  return function(step)
    if step <= steps then return step / steps end
    return after(step - steps)
  end
end

--- One rise and one fall over `steps`, both half cosines (Smith and Topin 2018; PyTorch's
--- OneCycleLR): from `first` up to 1 at the fraction `rise` of the steps, then down to `final`.
---@param steps integer at least 2
---@param options {rise: number?, first: number?, final: number?}? rise 0.3; first 1/25; final
---  1/250000
---@return mlp.Schedule
function schedule.one_cycle(steps, options)
  want_steps("one_cycle", "steps", steps)
  local o <const> = options_of("one_cycle", options,
    { rise = 0.3, first = 1 / 25, final = 1 / 250000 })
  local top <const>, last <const> = o.rise * steps - 1, steps - 1
  local function between(from, to, t) return to + (from - to) * (1 + math.cos(math.pi * t)) / 2 end
  return function(step)
    local t <const> = math.min(step - 1, last)
    if t <= top then return between(o.first, 1, top > 0 and t / top or 1) end
    return between(1, o.final, (t - top) / (last - top))
  end
end

--- Multiplies by `factor` at every step (PyTorch's ExponentialLR).
---@param factor number such as 0.999
---@return mlp.Schedule
function schedule.exponential(factor)
  if type(factor) ~= "number" or factor ~= factor or factor < 0 then
    errors.wanted("schedule.exponential", "factor", factor, "a number from 0")
  end
  return function(step) return factor ^ (step - 1) end
end

--- A straight rise to 1 at step `steps`, then falling as 1 / sqrt(step) (Vaswani et al. 2017,
--- equation 3, but for its scale).
---@param steps integer of the rise
---@return mlp.Schedule
function schedule.inverse_sqrt(steps)
  want_steps("inverse_sqrt", "steps", steps)
  return function(step) return math.min(step / steps, math.sqrt(steps / step)) end
end

--- Cosines from 1 to `final` that begin anew, each `growth` times as long as the one before
--- (Loshchilov and Hutter 2017, SGDR; PyTorch's CosineAnnealingWarmRestarts).
---@param steps integer of the first
---@param options {growth: number?, final: number?}? growth: default 1, at least 1; final: default 0
---@return mlp.Schedule
function schedule.restarts(steps, options)
  want_steps("restarts", "steps", steps)
  local o <const> = options_of("restarts", options, { growth = 1, final = 0 })
  if o.growth < 1 then errors.wanted("schedule.restarts", "growth", o.growth, "at least 1") end
  return function(step)
    local done, length = step - 1, steps
    while done >= length do
      done, length = done - length, length * o.growth
    end
    return o.final + (1 - o.final) * (1 + math.cos(math.pi * done / length)) / 2
  end
end

--- One schedule after another, each with its own count from 1:
--- sequence{{100, mlp.schedule.constant(0.1)}, {900, mlp.schedule.cosine(900)}}. The last goes on.
---@param parts {[1]: integer, [2]: mlp.Schedule}[] pairs of a number of steps and a schedule
---@return mlp.Schedule
function schedule.sequence(parts)
  if type(parts) ~= "table" or #parts == 0 then
    errors.wanted("schedule.sequence", "the argument", parts, "a list of {steps, schedule}")
  end
  local kept <const> = {}
  for i, part in ipairs(parts) do
    if type(part) ~= "table" then
      errors.wanted("schedule.sequence", ("part %d"):format(i), part, "{steps, schedule}")
    end
    want_steps("sequence", ("steps of part %d"):format(i), part[1])
    want_schedule("sequence", ("part %d"):format(i), part[2])
    kept[i] = { part[1], part[2] }
  end
  return function(step)
    for i = 1, #kept - 1 do
      if step <= kept[i][1] then return kept[i][2](step) end
      step = step - kept[i][1]
    end
    return kept[#kept][2](step)
  end
end

--- The product of schedules at each step.
---@param ... mlp.Schedule
---@return mlp.Schedule
function schedule.product(...)
  local parts <const> = { ... }
  for i = 1, select("#", ...) do want_schedule("product", ("schedule %d"):format(i), parts[i]) end
  return function(step)
    local factor = 1
    for _, part in ipairs(parts) do factor = factor * part(step) end
    return factor
  end
end

--- Two schedules mixed: (1 - share) a + share b, where share is a number, or a schedule of its own
--- that says how far the change from a to b has come.
---@param a mlp.Schedule
---@param b mlp.Schedule
---@param share number|mlp.Schedule
---@return mlp.Schedule
function schedule.mix(a, b, share)
  want_schedule("mix", "schedule 1", a)
  want_schedule("mix", "schedule 2", b)
  if type(share) == "number" then share = schedule.constant(share) end
  want_schedule("mix", "share", share)
  return function(step)
    local part <const> = share(step)
    return (1 - part) * a(step) + part * b(step)
  end
end

--- The factors of steps 1 to n, for a plot.
---@param of mlp.Schedule
---@param n integer
---@return mlp.Tensor factors (n) float32
function schedule.values(of, n)
  want_schedule("values", "the first argument", of)
  want_steps("values", "n", n)
  local list <const> = {}
  for step = 1, n do list[step] = of(step) end
  return core.tensor(list)
end

return schedule
