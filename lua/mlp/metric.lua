--- Measures of a prediction. A metric is called as metric(prediction, target) and knows which way
--- is better. Over many batches it adds up sums and counts, and only then divides: the mean of
--- means over batches of different sizes is another number.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.metric
local metric = {}

-- ---- what a metric is ---------------------------------------------------------------------------

--- A measure that adds up over batches; called as metric(prediction, target, options).
---@class mlp.Metric
---@field name string
---@field higher_is_better boolean? nil: neither, as for a confusion matrix
---@field sums fun(prediction: mlp.Tensor, target: mlp.Tensor, options: table): table numbers and
---  tensors that add over batches
---@field value fun(sums: table, options: table): number|mlp.Tensor
---@field merge fun(a: table, b: table): table
---@field options table
---@overload fun(prediction: mlp.Tensor, target: any, options: table?): number|mlp.Tensor
local Metric = { __name = "mlp.Metric" }
Metric.__index = Metric

local function added(a, b)
  local sums <const> = {}
  for key, value in pairs(a) do sums[key] = value + b[key] end
  return sums
end

local function read_options(self, options)
  if options == nil then return self.options end
  local defaults <const> = {}
  for key, value in pairs(self.known) do defaults[key] = value end
  for key, value in pairs(self.options) do defaults[key] = value end
  return errors.options("metric." .. self.name, options, defaults)
end

local function want_tensor(self, what, value)
  if core.is_tensor(value) then return value:detach() end
  if type(value) == "table" and what == "target" then return core.tensor(value) end
  errors.wanted("metric." .. self.name, what, value, "a tensor")
end

--- The sums of one batch.
---@param prediction mlp.Tensor
---@param target mlp.Tensor|table
---@param options table? default: its own
---@return table
function Metric:measure(prediction, target, options)
  local _ <close> = core.no_grad_scope()
  prediction = want_tensor(self, "prediction", prediction)
  return self.sums(prediction, want_tensor(self, "target", target), read_options(self, options))
end

function Metric:__call(prediction, target, options)
  return self.value(self:measure(prediction, target, options), read_options(self, options))
end

--- The same metric with other options: mlp.metric.top_k:with{k = 3}.
---@param options table
---@return mlp.Metric
function Metric:with(options)
  local changed <const> = {}
  for key, value in pairs(self) do changed[key] = value end
  changed.options = read_options(self, options)
  return setmetatable(changed, Metric)
end

local function define(name, spec)
  spec.name, spec.merge, spec.known = name, spec.merge or added, spec.options or {}
  spec.options = errors.options("metric." .. name, nil, spec.known)
  metric[name] = setmetatable(spec, Metric)
end

--- A function (prediction, target) -> number as a metric: its mean over rows. A metric stays as
--- it is.
---@param name string
---@param value mlp.Metric|fun(prediction: mlp.Tensor, target: mlp.Tensor): number
---@return mlp.Metric
function metric.of(name, value)
  if getmetatable(value) == Metric then return value --[[@as mlp.Metric]] end
  if type(value) ~= "function" then
    errors.wanted("metric", name, value, "a metric or a function (prediction, target) -> number")
  end
  return setmetatable({
    name = name, options = {}, known = {}, merge = added,
    sums = function(prediction, target)
      local result = value(prediction, target)
      if core.is_tensor(result) and result:numel() == 1 then result = result:item() end
      if type(result) ~= "number" then
        errors.wanted("metric", "what " .. name .. " returns", result, "a number")
      end
      local rows <const> = prediction.ndim > 0 and #prediction or 1
      return { total = result * rows, count = rows }
    end,
    value = function(sums) return sums.total / sums.count end,
  }, Metric)
end

local function misfit(name, prediction, target, wanted)
  errors.raise("metric.%s: prediction is %s and target is %s but %s", name,
    errors.shape(prediction),
    errors.shape(target), wanted)
end

local function same_shape(a, b)
  if a.ndim ~= b.ndim then return false end
  for axis = 1, a.ndim do
    if a:size(axis) ~= b:size(axis) then return false end
  end
  return true
end

-- ---- classes ------------------------------------------------------------------------------------

--- Target classes (...) of a prediction (..., classes): int64, or whole floats, or one probability
--- per class.
local function classes_of(name, prediction, target)
  if prediction.ndim == 0 then
    misfit(name, prediction, target, "at least one axis, the classes, is wanted")
  end
  local count <const> = prediction:size(-1)
  if same_shape(prediction, target) then return target:argmax(-1) end
  if target.ndim ~= prediction.ndim - 1 or target:numel() * count ~= prediction:numel() then
    misfit(name, prediction, target, "one class for each row of the prediction is wanted")
  end
  if target:numel() > 0 and target:min():item() < 1 then
    errors.raise("metric.%s: target has class %d, but classes count from 1 to %d", name,
      target:min():item() // 1 | 0, count)
  end
  return target.dtype == "int64" and target or target:to("int64")
end

local function count_of(mask) return mask:to("float64"):sum():item() // 1 | 0 end

--- Logits of one class against 0 and 1: positive means 1.
local function is_binary(prediction, target)
  return same_shape(prediction, target) and (prediction.ndim < 2 or prediction:size(-1) == 1)
end

--- Share of rows whose largest prediction stands at the target class. Where prediction and target
--- both have one number per row, the prediction is a logit and the target 0 or 1.
---
--- accuracy(prediction (..., classes), target (...)) -> 0..1; higher is better
define("accuracy", {
  higher_is_better = true,
  sums = function(prediction, target)
    local right
    if is_binary(prediction, target) then
      right = prediction:gt(0):eq(target:gt(0.5))
    else
      right = prediction:argmax(-1):eq(classes_of("accuracy", prediction, target))
    end
    return { right = count_of(right), count = right:numel() }
  end,
  value = function(sums) return sums.right / sums.count end,
})

--- Share of rows whose target class is among the k largest predictions; k = 5 unless told
--- otherwise. mlp.metric.top_k:with{k = 3} is a metric for a trainer.
---
--- top_k(prediction (..., classes), target (...), {k=}) -> 0..1; higher is better
define("top_k", {
  higher_is_better = true,
  options = { k = 5 },
  sums = function(prediction, target, o)
    local classes <const> = classes_of("top_k", prediction, target)
    if math.type(o.k) ~= "integer" or o.k < 1 or o.k > prediction:size(-1) then
      errors.wanted("metric.top_k", "k", o.k, ("a number from 1 to %d"):format(prediction:size(-1)))
    end
    local _, best <const> = prediction:topk(o.k, -1)
    local right <const> = best:eq(classes:unsqueeze(-1))
    return { right = count_of(right), count = classes:numel() }
  end,
  value = function(sums) return sums.right / sums.count end,
})

--- How often each class was taken for each: row = target, column = prediction.
---
--- confusion(prediction (..., classes), target (...)) -> int64 (classes, classes)
define("confusion", {
  sums = function(prediction, target)
    local count <const> = prediction:size(-1)
    local truth <const> = classes_of("confusion", prediction, target):reshape(-1)
    local cell <const> = (truth - 1) * count + prediction:argmax(-1):reshape(-1)
    local cells <const> = core.zeros(count * count, { dtype = "float64" })
    cells:index_add_(1, cell, core.ones(cell:numel(), { dtype = "float64" }))
    return { cells = cells:reshape(count, count) }
  end,
  value = function(sums) return sums.cells:to("int64") end,
})

-- ---- numbers ------------------------------------------------------------------------------------

--- Both in float64, of one shape: sums of squares of large numbers need the digits.
local function wide_pair(name, prediction, target)
  if not same_shape(prediction, target) then
    misfit(name, prediction, target, "one shape is wanted; nothing is broadcast")
  end
  return prediction:to("float64"), target:to("float64")
end

--- Mean absolute error.
---
--- mae(prediction, target) -> number in the target's unit; lower is better
define("mae", {
  higher_is_better = false,
  sums = function(prediction, target)
    local p <const>, t <const> = wide_pair("mae", prediction, target)
    return { total = (p - t):abs():sum():item(), count = t:numel() }
  end,
  value = function(sums) return sums.total / sums.count end,
})

--- Root of the mean squared error.
---
--- rmse(prediction, target) -> number in the target's unit; lower is better
define("rmse", {
  higher_is_better = false,
  sums = function(prediction, target)
    local p <const>, t <const> = wide_pair("rmse", prediction, target)
    return { total = (p - t):square():sum():item(), count = t:numel() }
  end,
  value = function(sums) return math.sqrt(sums.total / sums.count) end,
})

--- Spread about the mean, merged without cancellation (Chan, Golub and LeVeque 1983): two batches
--- of sizes m and n whose means differ by d have together d^2 m n / (m + n) more than each alone.
local function merged_spread(a, b)
  local count <const> = a.count + b.count
  local d <const> = b.mean - a.mean
  return {
    count = count, mean = a.mean + d * (b.count / count),
    spread = a.spread + b.spread + d * d * (a.count * b.count / count),
    residual = a.residual + b.residual,
  }
end

--- Coefficient of determination, 1 - residual / spread about the mean; for several columns their
--- mean. 1 is perfect, 0 is as good as the constant mean.
---
--- r2(prediction (rows, ...), target of the same shape) -> number up to 1; higher is better
define("r2", {
  higher_is_better = true,
  merge = merged_spread,
  sums = function(prediction, target)
    local p, t = wide_pair("r2", prediction, target)
    p, t = p:reshape(#p, -1), t:reshape(#t, -1)
    local mean <const> = t:mean(1)
    return {
      count = #t, mean = mean, spread = (t - mean):square():sum(1),
      residual = (t - p):square():sum(1),
    }
  end,
  value = function(sums) return (1 - sums.residual / sums.spread):mean():item() end,
})

--- Peak signal-to-noise ratio, 10 log10(peak^2 / mean squared error); `peak` is the largest value
--- that can occur, 1 unless told otherwise.
---
--- psnr(prediction, target, {peak=}) -> dB; higher is better
define("psnr", {
  higher_is_better = true,
  options = { peak = 1 },
  sums = function(prediction, target)
    local p <const>, t <const> = wide_pair("psnr", prediction, target)
    return { total = (p - t):square():sum():item(), count = t:numel() }
  end,
  value = function(sums, o) return 10 * math.log(o.peak ^ 2 * sums.count / sums.total, 10) end,
})

return metric
