--- One row of a training history: how well a network answers, group by group, and how far its
--- neurons have become cosines.

local core <const> = require "mlp.core"
local neurons <const> = require "mlp.fourier.neurons"
local pairs <const> = require "mlp.fourier.pairs"

---@class mlp.fourier.Record
---@field step integer updates so far
---@field loss number mean cross-entropy on the training pairs
---@field accuracy number on the training pairs
---@field test_loss number? on the test pairs
---@field test_accuracy number?
---@field common number? accuracy on training pairs whose swap is a training pair too
---@field rare number? on training pairs whose swap is a test pair
---@field mirrored number? on test pairs whose swap is a training pair
---@field unseen number? on test pairs whose swap is a test pair: nothing like them was trained on
---@field ipr number mean over neurons and layers, per frequency
---@field ipr_coefficient number the same, per coefficient
---@field misalignment number mean |sin D|
---@field norm number length of all weights
---@field gradient number length of the gradient of the training loss
---@field decay number weight decay times norm: what pulls against the gradient

local function mean(right, positions)
  return right:index_select(1, positions):to("float64"):mean():item()
end

local function position_of(set) return set.x * set.p + set.y + 1 end

--- Positions among all p^2 pairs of the groups that a split makes.
local function groups_of(train, test)
  local groups <const> = { accuracy = position_of(train) }
  if not test then return groups end
  local common <const>, mirrored <const> = train:swapped_in(train), test:swapped_in(train)
  groups.test_accuracy = position_of(test)
  groups.common = groups.accuracy[common]
  groups.rare = groups.accuracy[common:logical_not()]
  groups.mirrored = groups.test_accuracy[mirrored]
  groups.unseen = groups.test_accuracy[mirrored:logical_not()]
  return groups
end

--- A function network -> record for these sets; without a test set its groups are left out.
---@param train mlp.fourier.Pairs
---@param test mlp.fourier.Pairs?
---@return fun(network: mlp.fourier.Network): table record without step, gradient and decay
local function measure(train, test)
  local all <const>, groups <const> = pairs(train.p), groups_of(train, test)
  local classes <const> = {}
  for _, name in ipairs { "accuracy", "test_accuracy" } do
    classes[name] = groups[name] and all.class:index_select(1, groups[name])
  end
  local inputs <const> = all:inputs()
  return function(network)
    local _ <close> = core.no_grad_scope()
    local logits <const> = network(inputs:to(network.input.dtype)):to "float64"
    local right <const>, record <const> = logits:argmax(2):eq(all.class), {}
    local function loss(name)
      local rows <const> = logits:index_select(1, groups[name])
      return core.cross_entropy(rows, classes[name]):item()
    end
    for name, positions in next, groups do record[name] = mean(right, positions) end
    record.loss, record.test_loss = loss "accuracy", test and loss "test_accuracy"
    local read <const> = neurons(network)
    record.ipr, record.ipr_coefficient = read:ipr(), read:ipr "coefficient"
    record.misalignment, record.norm = read:progress(), network:norm()
    return record
  end
end

return measure
