--- Looking into networks: what stands inside while they run.

local lazy <const> = require "mlp.lazy"

---@class mlp.probe
return lazy({}, { capture = "mlp.probe.capture" })
