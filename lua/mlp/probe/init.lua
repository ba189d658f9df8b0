--- Probes: questions to a trained model, or to one that trains; what stands inside while it runs.
--- Each is a file of its own, which loads when it is first named.

local lazy <const> = require "mlp.lazy"

---@class mlp.probe
---@field dead_units fun(model: mlp.nn.Module, data: any, options: table?): mlp.probe.DeadUnits
---@field kv mlp.probe.kv
---@field linear fun(model: mlp.nn.Module, layers: any, data: any): mlp.probe.LinearProbe
---@field statistics fun(data: any, options: table?): mlp.probe.Statistics
return lazy({}, {
  capture = "mlp.probe.capture", dead_units = "mlp.probe.dead_units",
  kv = "mlp.probe.kv", linear = "mlp.probe.linear", statistics = "mlp.probe.statistics",
})
