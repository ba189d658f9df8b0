--- How well a surrogate stands for a network, on data.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local compare = {}

---@class mlp.poly.Comparison
---@field fvu number share of the network's variance that the surrogate leaves unexplained: the mean
---  squared difference over the variance about each output's mean; 1 - R2
---@field fvu_pooled number Var(f - g) / Var(f) with all outputs thrown together, as the authors'
---  experiments measure it: it forgives a constant difference
---@field kl number mean divergence KL(softmax f || softmax g), nats
---@field agreement number share of rows where both have the same largest output
---@field accuracy number? of the surrogate, where classes are given
---@field network_accuracy number?

local CALL <const> = "poly.compare"

local function values(what, model, x)
  local y <const> = core.is_tensor(model) and model:detach() or model(x)
  if not core.is_tensor(y) or y.ndim ~= 2 or #y ~= #x then
    errors.wanted(CALL, "what " .. what .. " answers", y, ("a tensor (%d, outputs)"):format(#x))
  end
  return y:to "float64"
end

local function share(mask) return mask:to("float64"):mean():item() end

local function divergence(f, g)
  local log_f <const>, log_g <const> = f:log_softmax(-1), g:log_softmax(-1)
  return (log_f:exp() * (log_f - log_g)):sum(-1):mean():item()
end

local function pooled(t) return t:var(nil, false, { correction = 0 }):item() end

--- Compares two functions, or their values, on the same rows: the share of variance unexplained,
--- the divergence of the class probabilities, accuracies. No gradient flows.
---@param network mlp.Tensor|fun(x: mlp.Tensor): mlp.Tensor a module or function, or its values
---@param surrogate mlp.Tensor|fun(x: mlp.Tensor): mlp.Tensor the same
---@param x mlp.Tensor (N, D)
---@param classes mlp.Tensor? (N) int64 from 1
---@return mlp.poly.Comparison
function compare.compare(network, surrogate, x, classes)
  if not core.is_tensor(x) or x.ndim ~= 2 or #x < 1 then
    errors.wanted(CALL, "x", x, "a tensor (N, D) with at least one row")
  end
  local _ <close> = core.no_grad_scope()
  local f <const> = values("the network", network, x)
  local g <const> = values("the surrogate", surrogate, x)
  if f:size(2) ~= g:size(2) then
    errors.raise("%s: the network has %d outputs, the surrogate %d", CALL, f:size(2), g:size(2))
  end
  local best_f <const>, best_g <const> = f:argmax(2), g:argmax(2)
  local result <const> = {
    fvu = (f - g):square():sum():item() / (f - f:mean(1)):square():sum():item(),
    fvu_pooled = pooled(f - g) / pooled(f), kl = divergence(f, g),
    agreement = share(best_f:eq(best_g)),
  }
  if classes then
    result.accuracy, result.network_accuracy = share(best_g:eq(classes)), share(best_f:eq(classes))
  end
  return result
end

return compare
