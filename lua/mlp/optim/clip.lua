--- Keeping gradients small, after backward and before the step; in place, as PyTorch does it.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local clip = {}

local function gradients_of(call, parameters, bound)
  if type(parameters) == "table" and type(parameters.parameters) == "function" then
    parameters = parameters:parameters()
  end
  if type(parameters) ~= "table" then
    errors.wanted(call, "the first argument", parameters, "a list of tensors: model:parameters()")
  end
  if type(bound) ~= "number" or bound ~= bound or bound <= 0 then
    errors.wanted(call, "the bound", bound, "a positive number")
  end
  local gradients <const> = {}
  for i, parameter in ipairs(parameters) do
    if not core.is_tensor(parameter) then
      errors.wanted(call, ("parameter %d"):format(i), parameter, "a tensor")
    end
    gradients[#gradients + 1] = parameter.grad
  end
  return gradients
end

--- What gradients of this norm are multiplied by: bound / (norm + 1e-6), at most 1.
---@param norm number
---@param bound number
---@return number
function clip.factor(norm, bound) return math.min(bound / (norm + 1e-6), 1) end

--- The same of a norm that is a tensor.
---@param norm mlp.Tensor () float64
---@param bound number
---@return mlp.Tensor
function clip.factor_of(norm, bound) return (bound / (norm + 1e-6)):clamp(nil, 1) end

--- Scales all gradients together so that their common Euclidean norm is at most `bound`.
---@param parameters mlp.Tensor[]|mlp.nn.Module
---@param bound number
---@return number norm before clipping
function clip.norm(parameters, bound)
  local gradients <const> = gradients_of("optim.clip_norm", parameters, bound)
  if #gradients == 0 then return 0.0 end
  local norm <const> = core.global_norm(gradients):item()
  local factor <const> = clip.factor(norm, bound)
  if factor < 1 then
    for _, gradient in ipairs(gradients) do gradient:mul_(factor) end
  end
  return norm
end

--- Cuts every element of every gradient to -bound .. bound.
---@param parameters mlp.Tensor[]|mlp.nn.Module
---@param bound number
function clip.value(parameters, bound)
  for _, gradient in ipairs(gradients_of("optim.clip_value", parameters, bound)) do
    gradient:clamp_(-bound, bound)
  end
end

return clip
