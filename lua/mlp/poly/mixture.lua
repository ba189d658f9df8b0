--- Mixtures of normal distributions: with one component for each class they know what a single
--- normal cannot, that images of a 1 lie elsewhere than images of an 8.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local gaussian <const> = require "mlp.poly.gaussian"

local mixture = {}

---@class mlp.poly.Mixture
---@field parts mlp.poly.Gaussian[] K of them
---@field weights number[] (K), positive, with sum 1
---@field mean mlp.Tensor (D) of the whole
local Mixture = { __name = "mlp.poly.Mixture" }
Mixture.__index = Mixture
mixture.class = Mixture

local function shares(weights, K)
  local list <const>, total = {}, 0
  for i = 1, K do
    local w <const> = weights == nil and 1 or weights[i]
    if type(w) ~= "number" or not (w > 0 and w < math.huge) then
      errors.wanted("poly.mixture", ("weights[%d]"):format(i), w, "a number above 0")
    end
    list[i], total = w, total + w
  end
  for i = 1, K do list[i] = list[i] / total end
  return list
end

--- A mixture of normal distributions.
---@param parts mlp.poly.Gaussian[] over the same D inputs
---@param weights number[]? in any unit; default equal
---@return mlp.poly.Mixture
function mixture.mixture(parts, weights)
  if type(parts) ~= "table" or #parts == 0 then
    errors.wanted("poly.mixture", "the first argument", parts, "a list of poly.gaussian")
  end
  for i, part in ipairs(parts) do
    if getmetatable(part) ~= gaussian.class or #part.mean ~= #parts[1].mean then
      errors.wanted("poly.mixture", ("part %d"):format(i), part,
        "a poly.gaussian over as many inputs as the others")
    end
  end
  if weights ~= nil and (type(weights) ~= "table" or #weights ~= #parts) then
    errors.wanted("poly.mixture", "weights", weights, ("a list of %d numbers"):format(#parts))
  end
  local self <const> = setmetatable({
    parts = table.move(parts, 1, #parts, 1, {}), weights = shares(weights, #parts),
  }, Mixture)
  self.mean = self:average(function(part) return part.mean end)
  return self
end

--- One component for each class that occurs, with its share of the rows as weight.
---@param x mlp.Tensor (N, D) floats
---@param classes mlp.Tensor (N) int64
---@return mlp.poly.Mixture
function mixture.mixture_of(x, classes)
  if not core.is_tensor(x) or x.ndim ~= 2 then
    errors.wanted("poly.mixture_of", "x", x, "a tensor (N, D)")
  elseif not core.is_tensor(classes) or classes.ndim ~= 1 or #classes ~= #x then
    errors.wanted("poly.mixture_of", "classes", classes, ("a tensor (%d) of classes"):format(#x))
  end
  local parts <const>, weights <const> = {}, {}
  local _, inverse <const>, counts <const> = classes:unique()
  for i = 1, #counts do
    parts[i] = gaussian.gaussian_of(x[inverse:eq(i)])
    weights[i] = counts:get(i)
  end
  return mixture.mixture(parts, weights)
end

--- The weighted sum of what fn answers for each component.
---@param fn fun(part: mlp.poly.Gaussian): mlp.Tensor
---@return mlp.Tensor
---@package
function Mixture:average(fn)
  local sum
  for i, part in ipairs(self.parts) do
    local term <const> = fn(part) * self.weights[i]
    sum = sum and sum + term or term
  end
  return sum
end

--- The covariance of the whole: the mean of the components' own, and that of their means.
---@return mlp.Tensor (D, D)
function Mixture:matrix()
  return self:average(function(part)
    local off <const> = (part.mean - self.mean):unsqueeze(2)
    return part:matrix() + off:matmul(off:t())
  end)
end

--- Draws rows: how many from each component is drawn too.
---@param n integer
---@param options {generator: mlp.Generator?}?
---@return mlp.Tensor x (n, D) float64, ordered by component
function Mixture:sample(n, options)
  local o <const> = errors.options("poly.Mixture:sample", options, { generator = errors.NONE })
  local draws <const> = core.rand(n, { dtype = "float64", generator = o.generator })
  local rows <const>, below, edge = {}, 0, 0
  for i, part in ipairs(self.parts) do
    edge = i == #self.parts and 2 or edge + self.weights[i]
    local upto <const> = draws:lt(edge):to("int64"):sum():item()
    if upto > below then rows[#rows + 1] = part:sample(upto - below, options) end
    below = upto
  end
  return core.cat(rows, 1)
end

return mixture
