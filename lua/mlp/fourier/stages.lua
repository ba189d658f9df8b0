--- Where the stages of grokking lie in a history: memorisation, generalisation, clean-up.

local errors <const> = require "mlp.errors"

local CALL <const> = "fourier.stages"

local function first(history, name, least)
  for _, record in ipairs(history) do
    if record[name] >= least then return record.step, record end
  end
end

---@class mlp.fourier.Stages
---@field common integer? first step with accuracy on common pairs at the threshold
---@field rare integer? the same on rare pairs
---@field memorised integer? the same on all training pairs: the end of stage I
---@field generalised integer? the same on test pairs: the end of stage II
---@field norm_peak integer the step of the largest norm: from here on decay wins
---@field plateau number? test accuracy when all training pairs are first answered right

--- Finds the stages in the history of a run with a test set; steps are those of records.
---@param history mlp.fourier.Record[]
---@param threshold number? accuracy that counts as learned, default 0.95
---@return mlp.fourier.Stages
local function stages(history, threshold)
  threshold = threshold or 0.95
  if type(history) ~= "table" or not history[1] then
    errors.wanted(CALL, "history", history, "the history of a run")
  elseif not history[1].test_accuracy then
    errors.raise("%s: the history has no test accuracy; train with {test = pairs}", CALL)
  end
  local peak = history[1]
  for _, record in ipairs(history) do
    if record.norm > peak.norm then peak = record end
  end
  local _, complete <const> = first(history, "accuracy", 1)
  return {
    common = first(history, "common", threshold), rare = first(history, "rare", threshold),
    memorised = (first(history, "accuracy", threshold)),
    generalised = (first(history, "test_accuracy", threshold)),
    norm_peak = peak.step, plateau = complete and complete.test_accuracy,
  }
end

return stages
