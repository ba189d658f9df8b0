--- Normalisation over the batch: every column gets mean 0 and variance 1 among the rows. While
--- training the statistics are those of the batch, and a running mean of them is kept; in
--- evaluation they are the kept ones. These are buffers, changed in place by operations.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.BatchNorm: mlp.nn.Module
---@field weight mlp.Tensor? (dim), starts at 1
---@field bias mlp.Tensor? (dim), starts at 0
---@field running_mean mlp.Tensor? (dim), starts at 0
---@field running_var mlp.Tensor? (dim), starts at 1; over n - 1
---@field num_batches_tracked mlp.Tensor? (), int64
---@field eps number
---@field momentum number|"cumulative"
---@overload fun(dim: integer, options: table?): mlp.nn.BatchNorm
local BatchNorm = Module:extend "BatchNorm"

---@class mlp.nn.BatchNormOptions
---@field eps number? added to the variance; default 1e-5
---@field momentum number|"cumulative"|nil share of the newest batch in the running statistics,
---  0..1, default 0.1; "cumulative": all batches count alike
---@field affine boolean? false: no weight, no bias; default true
---@field track boolean? false: no running statistics, evaluation uses its batch; default true
---@field dtype mlp.Dtype? default "float32"

local function want_momentum(momentum)
  local share <const> = type(momentum) == "number" and momentum >= 0 and momentum <= 1
  if not share and momentum ~= "cumulative" then
    errors.wanted("BatchNorm", "momentum", momentum, 'a number from 0 to 1, or "cumulative",')
  end
end

--- (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance of each column over all
--- leading axes (Ioffe and Szegedy 2015). Names in files are PyTorch's of BatchNorm1d.
---@param dim integer D, length of the last axis
---@param options mlp.nn.BatchNormOptions?
function BatchNorm:init(dim, options)
  initialise.want_size("BatchNorm", "dim", dim)
  local o <const> = errors.options("BatchNorm", options,
    { eps = 1e-5, momentum = 0.1, affine = true, track = true, dtype = "float32" })
  initialise.want_eps("BatchNorm", o.eps)
  want_momentum(o.momentum)
  self.dim, self.eps, self.momentum = dim, o.eps, o.momentum
  if o.affine then
    self.weight = core.ones(dim, { dtype = o.dtype, requires_grad = true })
    self.bias = core.zeros(dim, { dtype = o.dtype, requires_grad = true })
  end
  if o.track then
    self.running_mean = core.zeros(dim, { dtype = o.dtype })
    self.running_var = core.ones(dim, { dtype = o.dtype })
    self.num_batches_tracked = core.zeros({}, { dtype = "int64" })
  end
end

--- Takes the statistics of a batch of `rows` rows into the running ones.
local function track(self, mean, variance, rows)
  local _ <close> = core.no_grad_scope()
  self.num_batches_tracked:add_(1)
  local share = self.momentum
  if share == "cumulative" then share = 1 / self.num_batches_tracked:to(mean.dtype) end
  self.running_mean:lerp_(mean:detach(), share)
  self.running_var:lerp_(variance:detach() * (rows / (rows - 1)), share)
end

local function normalise(self, x, mean, variance)
  local scale = (variance + self.eps):rsqrt()
  if not self.weight then return (x - mean) * scale end
  return (x - mean) * (scale * self.weight) + self.bias
end

---@param x mlp.Tensor (..., dim), at least two rows while training
---@return mlp.Tensor y of x's shape
function BatchNorm:forward(x)
  errors.want_last_axis("BatchNorm", x, self.dim)
  if not self.training and self.running_mean then
    return normalise(self, x, self.running_mean, self.running_var)
  end
  local rows <const> = x:reshape(-1, self.dim)
  local n <const> = rows:size(1)
  if n < 2 then
    errors.raise("BatchNorm: %s has %d row, and a variance takes 2 (after model:eval() the running "
      .. "statistics are used, and any number will do)", errors.shape(x), n)
  end
  local mean <const>, variance <const> = rows:mean(1), rows:var(1, false, { correction = 0 })
  if self.training and self.running_mean then track(self, mean, variance, n) end
  return normalise(self, rows, mean, variance):reshape(x.shape)
end

function BatchNorm:describe() return ("%d"):format(self.dim) end

return BatchNorm
