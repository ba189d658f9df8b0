--- Where along its ray a field is asked.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"

local sampling = {}

--- Raises unless samples can lie between near and far.
---@param call string
---@param near any
---@param far any
---@package
function sampling.want_range(call, near, far)
  for name, value in pairs { near = near, far = far } do
    if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then
      errors.wanted(call, name, value, "a finite number")
    end
  end
  if near >= far then
    errors.raise("%s: near is %s and far %s, but near < far is wanted", call, near, far)
  end
end

--- One sample in each of S equal parts of near .. far: at random, or in the middle.
---@param rays integer R
---@param samples integer S
---@param near number
---@param far number
---@param options {generator: mlp.Generator?, middle: boolean?}?
---@return mlp.Tensor t (R, S), rising
---@return mlp.Tensor delta (R, S): from each sample to the next, and to `far`
function sampling.stratified(rays, samples, near, far, options)
  initialise.want_size("nerf.stratified", "rays", rays)
  initialise.want_size("nerf.stratified", "samples", samples)
  local o <const> = errors.options("nerf.stratified", options,
    { generator = errors.NONE, middle = false })
  sampling.want_range("nerf.stratified", near, far)
  local part <const> = (far - near) / samples
  local begin <const> = core.linspace(near, far - part, samples):reshape(1, samples)
  local shift <const> = o.middle and core.full({ rays, samples }, 0.5)
    or core.rand({ rays, samples }, { generator = o.generator })
  local t <const> = begin + shift * part
  return t, sampling.lengths(t, far)
end

--- From each sample to the next, and from the last to `far`.
---@param t mlp.Tensor (R, S)
---@param far number
---@return mlp.Tensor delta (R, S)
function sampling.lengths(t, far)
  local last <const> = core.full({ #t, 1 }, far)
  local next_ones <const> = t:size(2) > 1 and core.cat({ t:slice(2, 2, -1), last }, 2) or last
  return (next_ones - t):clamp(0)
end

--- More samples where the weights of a first pass lie: drawn from the piecewise constant density
--- that they define, then sorted among the old ones (Mildenhall et al. 2020, section 5.2).
---@param t mlp.Tensor (R, S) of the first pass
---@param weights mlp.Tensor (R, S), as composite gives them
---@param samples integer N more
---@param far number
---@param options {generator: mlp.Generator?}?
---@return mlp.Tensor t (R, S + N), rising
---@return mlp.Tensor delta (R, S + N)
function sampling.hierarchical(t, weights, samples, far, options)
  initialise.want_size("nerf.hierarchical", "samples", samples)
  local o <const> = errors.options("nerf.hierarchical", options, { generator = errors.NONE })
  local fits <const> = core.is_tensor(weights) and core.is_tensor(t) and t.ndim == 2
    and weights.ndim == 2 and #weights == #t and weights:size(2) == t:size(2)
  if not fits then
    errors.raise("nerf.hierarchical: t is %s and the weights %s, but both (R, S) are wanted",
      core.describe(t), core.describe(weights))
  end
  local _ <close> = core.no_grad_scope()
  local count <const> = t:size(2)
  local density <const> = weights:detach() + 1e-5
  local edges <const> = (density / density:sum(2, true)):cumsum(2)
  local draws <const> = core.rand({ #t, samples }, { generator = o.generator })
  -- the part in which a draw falls: how many edges lie below it
  local part <const> = draws:unsqueeze(3):ge(edges:unsqueeze(2)):to("float32"):sum(3)
    :clamp(0, count - 1):to "int64" + 1
  local upper <const> = edges:gather(2, part)
  local size <const> = (density / density:sum(2, true)):gather(2, part)
  local within <const> = 1 - ((upper - draws) / size):clamp(0, 1)
  local delta <const> = sampling.lengths(t, far)
  local fresh <const> = t:gather(2, part) + delta:gather(2, part) * within
  local all <const> = core.cat({ t, fresh }, 2):sort(2)
  return all, sampling.lengths(all, far)
end

return sampling
