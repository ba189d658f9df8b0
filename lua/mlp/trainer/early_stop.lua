--- Early stopping: the number that is watched, which way it gets better, and a deep copy of the
--- weights that were best. A judgement makes a new state and leaves the old one alone.

local errors <const> = require "mlp.errors"
local model_state <const> = require "mlp.nn.state"

local early_stop = {}

local CALL <const> = "Trainer:fit: early_stop"

---@class mlp.trainer.EarlyStop
---@field patience integer? epochs without improvement that are borne (5)
---@field metric string? "loss" (default) or the name of a metric
---@field min_delta number? how much counts as an improvement (0)
---@field higher_is_better boolean? known for the loss and for the library's metrics

---@class mlp.trainer.EarlyState
---@field best number? of the watched number
---@field epoch integer? that had it
---@field wait integer epochs since
---@field weights table<string, mlp.Tensor>? as they were then

local function direction(o, metrics)
  if o.higher_is_better ~= nil then return o.higher_is_better end
  if o.metric == "loss" then return false end
  for _, entry in ipairs(metrics) do
    if entry.name == o.metric then
      if entry.metric.higher_is_better == nil then
        errors.raise("%s: say whether a higher '%s' is better: higher_is_better = true or false",
          CALL, o.metric)
      end
      return entry.metric.higher_is_better
    end
  end
  local known <const> = { loss = true }
  for _, entry in ipairs(metrics) do known[entry.name] = true end
  local guess <const> = errors.guess(tostring(o.metric), known)
  errors.raise(guess and "%s: there is no metric '%s' (did you mean '%s'?)"
    or "%s: there is no metric '%s'; the trainer's `metrics` names them", CALL, o.metric, guess)
end

--- Options checked and completed.
---@param options table|true
---@param metrics {name: string, metric: mlp.Metric}[]
---@return mlp.trainer.EarlyStop
function early_stop.options(options, metrics)
  if options == true then options = {} end
  local o <const> = errors.options(CALL, options,
    { patience = 5, metric = "loss", min_delta = 0, higher_is_better = errors.NONE })
  if math.type(o.patience) ~= "integer" or o.patience < 1 then
    errors.wanted(CALL, "patience", o.patience, "a whole number of epochs from 1")
  end
  if type(o.min_delta) ~= "number" or o.min_delta < 0 then
    errors.wanted(CALL, "min_delta", o.min_delta, "a number from 0")
  end
  o.higher_is_better = direction(o, metrics)
  return o
end

--- Nothing judged yet.
---@return mlp.trainer.EarlyState
function early_stop.start() return { wait = 0 } end

local function improves(o, value, best)
  if value ~= value then return false end
  if best == nil then return true end
  local gain <const> = o.higher_is_better and value - best or best - value
  return gain > o.min_delta
end

--- The state after one more epoch.
---@param o mlp.trainer.EarlyStop
---@param state mlp.trainer.EarlyState
---@param entry mlp.trainer.Epoch its validation is judged, or its training where there is none
---@param model mlp.nn.Module
---@return mlp.trainer.EarlyState
function early_stop.judge(o, state, entry, model)
  local value <const> = (entry.validation or entry.train)[o.metric]
  if not improves(o, value, state.best) then
    return {
      best = state.best, epoch = state.epoch, weights = state.weights, wait = state.wait + 1,
    }
  end
  return { best = value, epoch = entry.epoch, weights = model_state.copy(model), wait = 0 }
end

--- Has patience run out?
---@param o mlp.trainer.EarlyStop
---@param state mlp.trainer.EarlyState
---@return boolean
function early_stop.is_over(o, state) return state.wait >= o.patience end

--- Puts the best weights back.
---@param state mlp.trainer.EarlyState
---@param model mlp.nn.Module
function early_stop.restore(state, model)
  if state.weights then model_state.assign(model, state.weights) end
end

return early_stop
