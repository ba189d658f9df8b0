--- Derivatives of a network by its coordinates, with history, so that losses can be made of them:
---
---     local slopes = mlp.field.gradient(model, points)
---     mlp.mse(slopes, wanted):backward()
---
--- Field:gradient and Field:laplacian are the same numbers without history.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local derivative = {}

local GRAPH <const> = { create_graph = true }

--- A leaf with the numbers of the points, and what the model says there.
local function asked(call, model, points)
  if not core.is_tensor(points) or points.ndim ~= 2 then
    errors.wanted(call, "the points", points, "a tensor (N, D)")
  elseif #points == 0 then
    errors.raise("%s: there are no points, but at least 1 is wanted", call)
  end
  local x <const> = points:detach():clone():requires_grad_()
  local y <const> = model(x)
  if not core.is_tensor(y) or y.ndim ~= 2 or #y ~= #x then
    errors.wanted(call, "the model's value", y, ("a tensor (%d, C)"):format(#x))
  end
  return x, y
end

--- The gradient by x of channel c of y, (N, D).
local function slopes_of(x, y, c) return (core.grad(y:select(2, c):sum(), { x }, GRAPH)) end

--- The sum of the second derivatives by each coordinate, (N); of planes there are none.
local function bends_of(x, slopes)
  local sum = x:detach():select(2, 1) * 0
  for d = 1, slopes.requires_grad and x:size(2) or 0 do
    local bend <const> = core.grad(slopes:select(2, d):sum(), { x }, GRAPH)
    if bend then sum = sum + bend:select(2, d) end
  end
  return sum
end

--- f(c) for each channel, side by side; of one channel alone.
local function by_channel(y, f)
  local list <const> = {}
  for c = 1, y:size(2) do list[c] = f(c) end
  return #list == 1 and list[1] or core.stack(list, 2)
end

---@param call string for messages
---@param model fun(points: mlp.Tensor): mlp.Tensor
---@param points mlp.Tensor
---@return mlp.Tensor
---@package
function derivative.gradient_for(call, model, points)
  local x <const>, y <const> = asked(call, model, points)
  return by_channel(y, function(c) return slopes_of(x, y, c) end)
end

---@param call string for messages
---@param model fun(points: mlp.Tensor): mlp.Tensor
---@param points mlp.Tensor
---@return mlp.Tensor
---@package
function derivative.laplacian_for(call, model, points)
  local x <const>, y <const> = asked(call, model, points)
  return by_channel(y, function(c) return bends_of(x, slopes_of(x, y, c)) end)
end

--- Derivatives of a model by its coordinates, with history: for losses on gradients.
---@param model fun(points: mlp.Tensor): mlp.Tensor a module, field or function: (N, D) -> (N, C)
---@param points mlp.Tensor (N, D); no gradient flows into them
---@return mlp.Tensor gradient (N, C, D); (N, D) where the model has one channel
function derivative.gradient(model, points)
  return derivative.gradient_for("field.gradient", model, points)
end

--- The sum of a model's second derivatives by each coordinate, with history: for losses on
--- Laplacians.
---@param model fun(points: mlp.Tensor): mlp.Tensor a module, field or function: (N, D) -> (N, C)
---@param points mlp.Tensor (N, D); no gradient flows into them
---@return mlp.Tensor laplacian (N, C); (N) where the model has one channel
function derivative.laplacian(model, points)
  return derivative.laplacian_for("field.laplacian", model, points)
end

local SMALL <const> = 1e-12 -- the root's slope stays finite where a gradient vanishes

--- How far gradients are from length 1, as those of distances are: the mean of (|gradient| - 1)^2
--- (the eikonal term of Gropp et al. 2020). Beside a loss on distances, or on points of a surface:
---
---     loss = function(prediction, target, points, model)
---       return mlp.loss.l1(prediction, target) + 0.1 * mlp.field.eikonal(model, points)
---     end
---@param model fun(points: mlp.Tensor): mlp.Tensor of distances: (N, D) -> (N, 1)
---@param points mlp.Tensor (N, D)
---@return mlp.Tensor loss a number
function derivative.eikonal(model, points)
  local x <const>, y <const> = asked("field.eikonal", model, points)
  if y:size(2) ~= 1 then
    errors.wanted("field.eikonal", "the model's value", y, ("a tensor (%d, 1)"):format(#x))
  end
  local lengths <const> = (slopes_of(x, y, 1):square():sum(2) + SMALL):sqrt()
  return (lengths - 1):square():mean()
end

return derivative
