--- A loss that weighs classes: by numbers that are given, or "balanced", by how rare the classes
--- are in the data that fit gets (mlp.data.class_weights).

local class_weights <const> = require "mlp.data.class_weights"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.trainer.WeightedLoss
---@field loss function (prediction, target, {weight =})
---@field given mlp.Tensor? (classes)
---@field labels mlp.Tensor? (rows) of the training data, where the weights follow from them
---@field weight mlp.Tensor? (classes) as the last prediction wanted them
local WeightedLoss = { __name = "mlp.trainer.WeightedLoss" }
WeightedLoss.__index = WeightedLoss

local function numbers(given)
  local is_list <const> = type(given) == "table" and getmetatable(given) == nil and #given > 0
  if is_list then given = core.tensor(given) end
  if not core.is_tensor(given) or given.ndim ~= 1 then
    errors.wanted("Trainer", "class_weight", given, '"balanced", or one number per class')
  end
  for class, weight in ipairs(given:totable()) do
    if not (weight >= 0 and weight < math.huge) then
      errors.wanted("Trainer", ("class_weight[%d]"):format(class), weight, "a number from 0")
    end
  end
  return given
end

--- The loss with weights of classes.
---@param loss function
---@param given mlp.Tensor|number[]|"balanced"
---@return mlp.trainer.WeightedLoss
function WeightedLoss.of(loss, given)
  return setmetatable({ loss = loss, given = given ~= "balanced" and numbers(given) or nil },
    WeightedLoss)
end

--- The loss for other training data, where the weights follow from them: another object, so that
--- who has compiled this one sees that it is not the same.
---@param data any as for Trainer:fit
---@return mlp.trainer.WeightedLoss
function WeightedLoss:for_data(data)
  if self.given then return self end
  local set <const> = type(data) == "table" and (data.set or data)
  local columns <const> = type(set) == "table" and set.tensors
  if type(columns) ~= "table" then
    errors.wanted("Trainer:fit", "data", data,
      'mlp.data.tensors(x, classes), of which class_weight = "balanced" counts the classes,')
  end
  return setmetatable({ loss = self.loss, labels = columns[#columns] }, WeightedLoss)
end

local function weight_for(self, classes)
  if self.given then return self.given end
  if not self.labels then
    errors.raise('Trainer: class_weight = "balanced" counts the classes of the data that fit gets; '
      .. "call fit first, or give the weights (mlp.data.class_weights)")
  end
  return class_weights(self.labels, { classes = classes })
end

function WeightedLoss:__call(prediction, target)
  if not self.weight or self.weight.dtype ~= prediction.dtype then
    self.weight = weight_for(self, prediction:size(-1)):to(prediction.dtype)
  end
  return self.loss(prediction, target, { weight = self.weight })
end

return WeightedLoss
