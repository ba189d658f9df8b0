--- The learning-rate range test (Smith 2017, section 3.3): the rate grows from step to step, by the
--- same factor, until the loss explodes. A good rate lies where the loss falls fastest, well below
--- where it turns. Weights, optimizer and random stream are afterwards as they were before.
---
---     local rates = mlp.tune.find_lr(trainer, train, {batch_size = 64})
---     rates:figure():save "lr.svg"
---     trainer.optimizer.lr = rates.suggestion

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local loader_of <const> = require "mlp.data.loader"
local modes <const> = require "mlp.trainer.modes"
local model_state <const> = require "mlp.nn.state"

local CALL <const> = "tune.find_lr"
local EXPLODED <const> = 4 -- times the smallest loss: there is nothing more to see
local SMOOTH <const> = 0.9 -- weight of the past in the curve that is judged (0.98 of many steps)
local EDGE <const> = 0.05 -- of the steps, at both ends, where no suggestion is looked for

--- What mlp.tune.find_lr answers.
---@class mlp.tune.LearningRates
---@field rates number[]
---@field losses number[] before the update at each rate
---@field smooth number[] the same, smoothed
---@field suggestion number? where the smoothed loss falls fastest over the logarithm of the rate;
---  nil when it never falls
---@field lowest number the rate of the smallest smoothed loss: a bound from above
local LearningRates = { __name = "mlp.tune.LearningRates" }
LearningRates.__index = LearningRates

function LearningRates:__tostring()
  return ("%d steps from %.3g to %.3g; the loss falls fastest at %s, is smallest at %.3g"):format(
    #self.rates, self.rates[1], self.rates[#self.rates],
    self.suggestion and ("%.3g"):format(self.suggestion) or "no rate", self.lowest)
end

--- The loss over the rates, with the suggestion.
---@return mlp.plot.Figure
function LearningRates:figure()
  local lines <const> = {}
  if self.suggestion then
    lines[1] = { x = self.suggestion, label = ("steepest: %.2g"):format(self.suggestion) }
  end
  local low, high = math.huge, self.smooth[1] -- the explosion would leave no room for the rest
  for i, loss in ipairs(self.smooth) do low = math.min(low, loss, self.losses[i]) end
  high = high + 0.5 * (high - low)
  return require("mlp.plot").lines {
    { x = self.rates, y = self.losses, colour = "#b5b5b5", width = 1 },
    { x = self.rates, y = self.smooth }, log_x = true, vertical = lines,
    y_limits = { low - 0.05 * (high - low), high }, legend = false,
    title = "Learning-rate range test", x_label = "learning rate", y_label = "loss",
  }
end

-- ---- afterwards as before -----------------------------------------------------------------------

local Kept <const> = { __name = "mlp.tune.kept" }

local function keep(trainer)
  local seed <const>, serial <const> = core.random_state()
  local factors <const> = {}
  for g, group in ipairs(trainer.optimizer.groups) do factors[g] = group.factor end
  return setmetatable({
    factors = factors,
    trainer = trainer, weights = model_state.copy(trainer.model), steps = trainer.steps,
    optimizer = trainer.optimizer:state(), stream = { seed, serial }, schedule = trainer.schedule,
  }, Kept)
end

function Kept:__close()
  local trainer <const> = self.trainer
  model_state.assign(trainer.model, self.weights)
  trainer.optimizer:load_state(self.optimizer)
  for g, group in ipairs(trainer.optimizer.groups) do group.factor = self.factors[g] end
  trainer.optimizer:zero_grad()
  trainer.steps, trainer.schedule = self.steps, self.schedule
  core.set_random_state(nil, self.stream[1], self.stream[2])
end

-- ---- the test -----------------------------------------------------------------------------------

--- Batches without end.
local function endless(loader)
  local iterator = loader:batches()
  return function()
    local batch = { iterator() }
    if batch[1] == nil then
      iterator = loader:batches()
      batch = { iterator() }
      if batch[1] == nil then errors.raise("%s: the data gave no batch", CALL) end
    end
    return batch
  end
end

--- A step's loss, or nil where it is not finite: the trainer then asks `where`, and raises.
local function loss_of(trainer, batch)
  local loss, diverged
  local run <const> = {}
  function run.where()
    diverged = true
    return "in the range test"
  end
  local ok <const>, message <const> = pcall(function()
    local learned <const> = table.pack(trainer:learn(batch, run))
    loss = learned[1]
    trainer.optimizer:step(learned[4], learned[5])
  end)
  if ok then return loss end
  if not diverged then error(message, 0) end
end

--- Averages that fade, corrected for their start as Adam's are.
local function smoothed(losses, weight)
  local average, list <const> = 0.0, {}
  for i, loss in ipairs(losses) do
    average = weight * average + (1 - weight) * loss
    list[i] = average / (1 - weight ^ i)
  end
  return list
end

--- The rate in whose neighbourhood the smoothed loss falls fastest.
local function steepest(rates, smooth)
  local margin <const>, best, place = math.max(1, (EDGE * #rates) // 1 | 0), 0, nil
  for i = margin + 1, #rates - margin do
    local slope <const> = (smooth[i + 1] - smooth[i - 1]) / math.log(rates[i + 1] / rates[i - 1])
    if slope < best then best, place = slope, i end
  end
  return place and rates[place]
end

local function result_of(rates, losses, weight)
  if #losses < 3 then
    errors.raise("%s: the loss was not finite after %d steps; begin with a smaller rate (first)",
      CALL, #losses)
  end
  local smooth <const>, lowest = smoothed(losses, weight), 1
  for i, loss in ipairs(smooth) do
    if loss < smooth[lowest] then lowest = i end
  end
  local turn <const> = table.move(rates, 1, math.max(3, lowest), 1, {})
  return setmetatable({
    rates = rates, losses = losses, smooth = smooth, suggestion = steepest(turn, smooth),
    lowest = rates[lowest],
  }, LearningRates)
end

--- Steps at growing rates, until the last or until the loss explodes.
local function run(trainer, next_batch, o)
  local rates <const>, losses <const>, least = {}, {}, math.huge
  local optimizer <const> = trainer.optimizer
  local groups <const> = optimizer.groups
  for _, group in ipairs(groups) do group.lr, group.factor = nil, 1 end
  optimizer.factor, trainer.schedule = 1, nil
  for i = 1, o.steps do
    local rate <const> = o.first * (o.last / o.first) ^ ((i - 1) / (o.steps - 1))
    optimizer.lr = rate
    local loss <const> = loss_of(trainer, next_batch())
    if not loss then break end
    trainer.steps = trainer.steps + 1
    rates[i], losses[i] = rate, loss
    least = math.min(least, loss)
    if i > 3 and loss > EXPLODED * math.abs(least) then break end
  end
  return result_of(rates, losses, o.smooth)
end

local function check(o)
  for _, name in ipairs { "first", "last" } do
    local value <const> = o[name]
    if type(value) ~= "number" or not (value > 0 and value < math.huge) then
      errors.wanted(CALL, name, value, "a positive number")
    end
  end
  if o.first >= o.last then
    errors.raise("%s: first is %g and last is %g; the rate is to grow", CALL, o.first, o.last)
  end
  if math.type(o.steps) ~= "integer" or o.steps < 10 then
    errors.wanted(CALL, "steps", o.steps, "a whole number from 10")
  end
  if type(o.smooth) ~= "number" or not (o.smooth >= 0 and o.smooth < 1) then
    errors.wanted(CALL, "smooth", o.smooth, "a number from 0 and below 1")
  end
end

---@class mlp.tune.RateOptions
---@field first number? the first rate; default 1e-6
---@field last number? the last one; default 10
---@field steps integer? default 100
---@field batch_size integer? default 32; a loader has its own
---@field seed integer? of the order of the data; default 1
---@field smooth number? weight of the past in the smoothed loss; default 0.9

--- The learning-rate range test (Smith 2017, section 3.3): the rate grows by the same factor from
--- step to step until the loss explodes; the suggestion is where the smoothed loss falls fastest.
--- All groups of the optimizer step by the rate that is tried. Weights, optimizer, modes and random
--- stream are afterwards as they were before.
---
---     local rates = mlp.tune.find_lr(trainer, train, {batch_size = 64})
---     rates:figure():save "lr.svg"
---     trainer.optimizer.lr = rates.suggestion
---@param trainer mlp.Trainer
---@param data any a data set, a loader, a list of samples
---@param options mlp.tune.RateOptions?
---@return mlp.tune.LearningRates
local function find_lr(trainer, data, options)
  local o <const> = errors.options(CALL, options, { first = 1e-6, last = 10, steps = 100,
    batch_size = errors.NONE, seed = errors.NONE, smooth = SMOOTH })
  check(o)
  if type(trainer) ~= "table" or not trainer.optimizer then
    errors.wanted(CALL, "the first argument", trainer, "an mlp.Trainer")
  end
  local is_loader <const> = type(data) == "table" and type(data.batches) == "function"
  local loader <const> = is_loader and data
    or loader_of(data, { batch_size = o.batch_size, shuffle = true, seed = o.seed or 1 })
  local _ <close> = keep(trainer)
  local _ <close> = modes.keep(trainer.model)
  trainer.model:train()
  if type(trainer.loss) == "table" and trainer.loss.for_data then
    trainer.loss = trainer.loss:for_data(data)
  end
  return run(trainer, endless(loader), o)
end

return find_lr
