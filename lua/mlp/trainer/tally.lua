--- Sums over batches, from which loss and metrics of an epoch follow. Adding a batch makes a new
--- tally and leaves the old one alone, so that a step is either counted or not, also when it is
--- interrupted.

local core <const> = require "mlp.core"

---@class mlp.trainer.Tally
---@field metrics {name: string, metric: mlp.Metric}[]
---@field rows integer
---@field loss number sum over rows
---@field sums table<string, table>
local Tally = { __name = "mlp.trainer.Tally" }
Tally.__index = Tally

--- Nothing counted yet.
---@param metrics {name: string, metric: mlp.Metric}[]
---@return mlp.trainer.Tally
function Tally.new(metrics)
  return setmetatable({ metrics = metrics, rows = 0, loss = 0.0, sums = {} }, Tally)
end

--- Rows of a prediction.
---@return integer
function Tally.rows_of(prediction)
  return core.is_tensor(prediction) and prediction.ndim > 0 and prediction:size(1) or 1
end

--- With one more batch. The loss of a batch, a mean, weighs as much as the batch has rows.
---@param loss number
---@param rows integer
---@param prediction any? where there are metrics
---@param target any?
---@return mlp.trainer.Tally
function Tally:plus(loss, rows, prediction, target)
  local sums <const> = #self.metrics > 0 and {} or self.sums
  for _, entry in ipairs(self.metrics) do
    local name <const>, metric <const> = entry.name, entry.metric
    local batch <const> = metric:measure(prediction, target)
    sums[name] = self.sums[name] and metric.merge(self.sums[name], batch) or batch
  end
  return setmetatable({
    metrics = self.metrics, rows = self.rows + rows, loss = self.loss + loss * rows, sums = sums,
  }, Tally)
end

--- Mean loss and metrics: {loss = ..., accuracy = ...}.
---@return table<string, any>
function Tally:result()
  local result <const> = { loss = self.loss / self.rows }
  for _, entry in ipairs(self.metrics) do
    result[entry.name] = entry.metric.value(self.sums[entry.name], entry.metric.options)
  end
  return result
end

return Tally
