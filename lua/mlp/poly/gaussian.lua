--- The normal distribution of inputs that a fit assumes: a mean (D) and a covariance (D, D), both
--- in float64. Of all distributions with that mean and covariance it presumes least (it has the
--- largest entropy).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local linalg <const> = require "mlp.linalg"

local gaussian = {}

---@class mlp.poly.Gaussian
---@field mean mlp.Tensor (D) float64
---@field covariance mlp.Tensor? (D, D) float64; nil: the identity
local Gaussian = { __name = "mlp.poly.Gaussian" }
Gaussian.__index = Gaussian
gaussian.class = Gaussian

local DOUBLE <const> = { dtype = "float64" }

local function mean_of(mean)
  if math.type(mean) == "integer" and mean >= 1 then return core.zeros(mean, DOUBLE) end
  if core.is_tensor(mean) and mean.ndim == 1 and #mean > 0 then
    return mean:detach():to("float64")
  end
  errors.wanted("poly.gaussian", "mean", mean, "a tensor (D), or D for a mean of 0,")
end

--- nil for the identity.
local function covariance_of(covariance, D)
  if covariance == nil then return nil end
  if type(covariance) == "number" and covariance >= 0 then
    return core.eye(D, DOUBLE) * covariance
  end
  if core.is_tensor(covariance) and covariance.ndim >= 1 and covariance.ndim <= 2 then
    local wide <const> = covariance:detach():to("float64")
    if wide.ndim == 1 and #wide == D then return core.eye(D, DOUBLE) * wide end
    if wide.ndim == 2 and wide:size(1) == D and wide:size(2) == D then return wide end
  end
  errors.wanted("poly.gaussian", "covariance", covariance,
    ("a tensor (%d, %d), a tensor (%d) of variances or a variance"):format(D, D, D))
end

--- N(mean, covariance). gaussian(D) is the standard one, N(0, I).
---@param mean mlp.Tensor|integer (D), or D for a mean of 0
---@param covariance mlp.Tensor|number|nil (D, D), or the variances (D), or one variance; default 1
---@return mlp.poly.Gaussian
function gaussian.gaussian(mean, covariance)
  mean = mean_of(mean)
  return setmetatable({ mean = mean, covariance = covariance_of(covariance, #mean) }, Gaussian)
end

local BLOCK <const> = 4096

--- Rows in blocks, so that only one at a time is copied in float64.
local function blocks(x) return x:detach():split(BLOCK, 1) end

--- The normal distribution with the mean and the covariance of the rows of x; the covariance
--- divides by N.
---@param x mlp.Tensor (N, D) floats
---@return mlp.poly.Gaussian
function gaussian.gaussian_of(x)
  if not core.is_tensor(x) or x.ndim ~= 2 or #x < 1 then
    errors.wanted("poly.gaussian_of", "x", x, "a tensor (N, D) with at least one row")
  end
  local D <const> = x:size(2)
  local mean <const>, covariance <const> = core.zeros(D, DOUBLE), core.zeros(D, D, DOUBLE)
  for _, block in ipairs(blocks(x)) do mean:add_(block:to("float64"):sum(1) / #x) end
  for _, block in ipairs(blocks(x)) do
    local off <const> = block:to("float64") - mean
    covariance:add_(off:t():matmul(off) / #x)
  end
  return gaussian.gaussian(mean, covariance)
end

--- rows Sigma.
---@param rows mlp.Tensor (R, D) float64
---@return mlp.Tensor (R, D)
---@package
function Gaussian:cover(rows)
  return self.covariance and rows:matmul(self.covariance) or rows
end

--- The covariance as a matrix.
---@return mlp.Tensor (D, D)
function Gaussian:matrix() return self.covariance or core.eye(#self.mean, DOUBLE) end

--- Draws rows.
---@param n integer how many
---@param options {generator: mlp.Generator?}?
---@return mlp.Tensor x (n, D) float64
function Gaussian:sample(n, options)
  local o <const> = errors.options("poly.Gaussian:sample", options, { generator = errors.NONE })
  local z <const> = core.randn(n, #self.mean, { dtype = "float64", generator = o.generator })
  if not self.covariance then return z + self.mean end
  if not self.root then -- a covariance may be singular: not Cholesky's root but the symmetric one
    local values <const>, vectors <const> = linalg.eigh(self.covariance)
    self.root = (vectors * values:maximum(0):sqrt()):matmul(vectors:t())
  end
  return z:matmul(self.root) + self.mean
end

return gaussian
