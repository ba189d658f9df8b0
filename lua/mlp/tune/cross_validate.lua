--- k-fold cross-validation: as many trainings as folds, each with a new trainer and judged on the
--- fold that it did not see. The spread over folds says how far one split can be trusted.

local columns <const> = require "mlp.columns"
local errors <const> = require "mlp.errors"
local folds_of <const> = require "mlp.data.folds"

local CALL <const> = "tune.cross_validate"

--- What mlp.tune.cross_validate answers: the loss and the metrics of every fold; tostring is a
--- table.
---@class mlp.tune.CrossValidation
---@field [integer] table<string, any> what trainer:evaluate gave for the fold
---@field mean table<string, number> over the folds
---@field deviation table<string, number> over the folds, of a sample (divided by k - 1)
---@field trainers mlp.Trainer[]
local CrossValidation = { __name = "mlp.tune.CrossValidation" }
CrossValidation.__index = CrossValidation

--- Names of the numbers, the loss first.
local function names_of(entry)
  local names <const> = {}
  for name, value in pairs(entry) do
    if name ~= "loss" and type(value) == "number" then names[#names + 1] = name end
  end
  table.sort(names)
  table.insert(names, 1, "loss")
  return names
end

local function add_moments(result)
  result.mean, result.deviation = {}, {}
  for _, name in ipairs(names_of(result[1])) do
    local sum, spread = 0.0, 0.0
    for _, entry in ipairs(result) do sum = sum + entry[name] end
    local mean <const> = sum / #result
    for _, entry in ipairs(result) do spread = spread + (entry[name] - mean) ^ 2 end
    result.mean[name], result.deviation[name] = mean, math.sqrt(spread / (#result - 1))
  end
  return result
end

function CrossValidation:__tostring()
  local names <const>, rows <const> = names_of(self[1]), {}
  local function add(title, of)
    local row <const> = { title }
    for _, name in ipairs(names) do row[#row + 1] = of[name] end
    rows[#rows + 1] = row
  end
  for i, entry in ipairs(self) do add(("fold %d"):format(i), entry) end
  add("mean", self.mean)
  add("deviation", self.deviation)
  return columns({ "", table.unpack(names) }, rows)
end

--- One metric over the folds, as bars.
---@param name string? "accuracy"; default: "loss"
---@return mlp.plot.Figure
function CrossValidation:figure(name)
  name = name or "loss"
  if not self.mean[name] then errors.raise("%s: there is no number '%s'", CALL, tostring(name)) end
  local values <const>, names <const> = {}, {}
  for i, entry in ipairs(self) do values[i], names[i] = entry[name], tostring(i) end
  return require("mlp.plot").bars { { y = values }, names = names, x_label = "fold", y_label = name,
    title = ("%s: %.4g ± %.2g over %d folds"):format(name, self.mean[name], self.deviation[name],
      #self) }
end

local function trained(make, fold, number, fit)
  local trainer <const> = make(number)
  if type(trainer) ~= "table" or type(trainer.fit) ~= "function" then
    errors.wanted(CALL, "what the first argument returns", trainer, "a new mlp.Trainer")
  end
  if type(fit) == "function" then
    fit(trainer, fold.train, number)
  else
    trainer:fit(fold.train, fit)
  end
  return trainer
end

--- k-fold cross-validation (Stone 1974): trains on all folds but one and judges by that one, for
--- every fold.
---
---     local result = mlp.tune.cross_validate(function()
---       return mlp.Trainer {model = mlp.nn.MLP {4, 16, 3}, loss = mlp.loss.cross_entropy,
---                           metrics = {accuracy = mlp.metric.accuracy}}
---     end, data, {folds = 5, stratify = labels, fit = {epochs = 20}})
---     print(result.mean.accuracy, result.deviation.accuracy)
---@param make fun(fold: integer): mlp.Trainer makes a trainer, with a model that nothing has
---  trained
---@param data mlp.data.Set
---@param options {fit: mlp.FitOptions|function, folds: integer?, stratify: any, seed: integer?}
---  fit: what Trainer:fit gets, or a function (trainer, train, fold) that trains; folds: 5;
---  stratify: one label per row, of which every fold gets its share; seed: of who is in which fold
---  (1)
---@return mlp.tune.CrossValidation
local function cross_validate(make, data, options)
  local o <const> = errors.options(CALL, options,
    { fit = errors.NONE, folds = 5, stratify = errors.NONE, seed = 1 })
  if type(make) ~= "function" then
    errors.wanted(CALL, "the first argument", make, "a function that makes a trainer")
  elseif o.fit == nil then
    errors.raise("%s: say how to train: fit = {epochs = ...}", CALL)
  end
  local result <const> = setmetatable({ trainers = {} }, CrossValidation)
  for i, fold in ipairs(folds_of(data, o.folds, { seed = o.seed, stratify = o.stratify })) do
    local trainer <const> = trained(make, fold, i, o.fit)
    result[i], result.trainers[i] = trainer:evaluate(fold.test), trainer
  end
  return add_moments(result)
end

return cross_validate
