--- A run of a fit: steps until a budget is spent, at a learning rate that falls along half a
--- cosine, told to a listener, and kept in a file however it ends. What is fitted has `step` and
--- `seconds`, which the run counts, `seed`, and its optimizer `adam`.

local checkpoint <const> = require "mlp.field.checkpoint"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local run = {}

---@class mlp.field.Course
---@field call string for messages: "field.fit"
---@field train string the method, for messages: "field:train"
---@field interval integer steps between two looks at the loss
---@field final number? of the learning rate, at the end; nil: it does not fall
---@field step fun(fit: table): mlp.Tensor makes one update and answers its loss
---@field save fun(fit: table, path: string): boolean?, string? writes a checkpoint

--- Raises unless steps and seconds, where given, bound a fit.
---@param call string
---@param steps any
---@param seconds any
---@package
function run.want_budget(call, steps, seconds)
  if steps ~= nil and (math.type(steps) ~= "integer" or steps < 1) then
    errors.wanted(call, "steps", steps, "a whole number from 1")
  elseif seconds ~= nil and not (type(seconds) == "number" and seconds > 0) then
    errors.wanted(call, "seconds", seconds, "a positive number")
  end
end

--- What is random in the next step: a function of the seed and the step's number, so a fit that was
--- interrupted goes on as if it had not been.
---@param fit {seed: integer, step: integer}
---@return mlp.Generator
---@package
function run.generator(fit) return core.generator(fit.seed * 1000003 + fit.step) end

--- A function of events from what users give as `progress`.
---@param setting boolean|function|nil
---@return fun(event: {step: integer, seconds: number, loss: number}): "stop"?
local function teller(setting)
  if type(setting) == "function" then return setting end
  if not setting or not io then return function() end end
  return function(event)
    io.stderr:write(("\r%d steps, %.1f s, loss %.3g   "):format(event.step, event.seconds,
      event.loss))
  end
end

--- Where it begins and ends; with a checkpoint the budget is that of all runs together.
local function budget_of(fit, o)
  local steps <const> = o.steps or not o.seconds and 1000 or nil
  if o.checkpoint then return { first = 0, last = steps, begun = 0, limit = o.seconds } end
  return { first = fit.step, last = steps and fit.step + steps,
    begun = fit.seconds, limit = o.seconds and fit.seconds + o.seconds }
end

--- How much of the budget is spent, 0..1.
local function fraction_done(fit, budget)
  local by_steps <const> = budget.last
    and (fit.step - budget.first) / (budget.last - budget.first) or 0
  local by_time <const> = budget.limit
    and (fit.seconds - budget.begun) / (budget.limit - budget.begun) or 0
  return math.min(math.max(by_steps, by_time), 1)
end

--- Tells how it goes; true when the listener has heard enough.
local function look(fit, course, loss, tell)
  local value <const> = loss:item()
  if value - value ~= 0 then
    errors.raise("%s: the loss is %s after step %d; a lower learning rate (lr) may help",
      course.call, tostring(value):gsub("^-?nan$", "NaN"), fit.step)
  end
  return tell { step = fit.step, seconds = fit.seconds, loss = value } == "stop"
end

local function run_steps(fit, course, budget, tell)
  local done = fraction_done(fit, budget)
  while done < 1 do
    local started <const> = core.now()
    if course.final then
      fit.adam.factor = course.final + (1 - course.final) * (1 + math.cos(math.pi * done)) / 2
    end
    local loss <const> = course.step(fit)
    fit.step = fit.step + 1
    fit.seconds = fit.seconds + core.now() - started
    done = fraction_done(fit, budget)
    if (fit.step % course.interval == 0 or done >= 1) and look(fit, course, loss, tell) then
      return
    end
  end
end

--- Goes on fitting. What interrupts it is raised again, after the checkpoint was written.
---@param fit table
---@param course mlp.field.Course
---@param options {steps: integer?, seconds: number?, progress: boolean|function|nil,
---  checkpoint: string?}?
---@return table fit
---@package
function run.go(fit, course, options)
  local o <const> = errors.options(course.train, options, { steps = errors.NONE,
    seconds = errors.NONE, progress = errors.NONE, checkpoint = errors.NONE })
  run.want_budget(course.train, o.steps, o.seconds)
  local ok <const>, why =
    pcall(run_steps, fit, course, budget_of(fit, o), teller(o.progress))
  fit.step = checkpoint.count(fit.adam)
  if o.checkpoint then
    local done <const>, message <const> = course.save(fit, o.checkpoint)
    if not done then
      errors.raise("%s: the checkpoint was not written: %s", course.call, message)
    end
  end
  if not ok then error(why, 0) end
  return fit
end

return run
