--- Weights that make rare classes count as much as frequent ones: class c of K, seen n_c times in N
--- rows, weighs N / (K n_c), so that the weights of all rows add up to N (King and Zeng 2001).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local CALL <const> = "data.class_weights"

local function check(labels, classes)
  if not core.is_tensor(labels) or labels.ndim ~= 1 or #labels == 0 then
    errors.wanted(CALL, "the labels", labels, "a tensor of one axis, not empty")
  end
  local least <const>, most <const> = labels:min():item(), labels:max():item()
  if least < 1 then errors.raise("%s: there is class %d, but classes count from 1", CALL, least) end
  if classes and (math.type(classes) ~= "integer" or classes < most) then
    errors.wanted(CALL, "classes", classes, ("a whole number from %d"):format(most))
  end
  return classes or most // 1 | 0
end

--- The balanced weights of classes, for a loss's option `weight`. Classes that do not occur weigh 1
--- and do not count.
---@param labels mlp.Tensor (rows) classes from 1
---@param options {classes: integer?}? how many classes there are; default: the largest label
---@return mlp.Tensor weights (classes) float32
local function class_weights(labels, options)
  local o <const> = errors.options(CALL, options, { classes = errors.NONE })
  local classes <const> = check(labels, o.classes)
  local weights <const>, counts <const>, seen = {}, {}, 0
  for class = 1, classes do counts[class] = 0 end
  for _, class in ipairs(labels:to("int64"):totable()) do
    if counts[class] == 0 then seen = seen + 1 end
    counts[class] = counts[class] + 1
  end
  for class, count in ipairs(counts) do
    weights[class] = count > 0 and #labels / (seen * count) or 1
  end
  return core.tensor(weights)
end

return class_weights
