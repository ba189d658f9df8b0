--- Who takes part in a function that is being compiled. A plan holds only as long as the modules
--- that ran have the fields they had, and reads from tensors what optimizers are told; so modules
--- and optimizers report here, at the price of one test while nothing is recorded.

---@class mlp.watch
---@field modules table<table, true>? the modules that ran, while a function is being compiled
---@field optimizers table<table, true>? the optimizers that stepped
---@field hooked boolean? did a module that ran have hooks? A replay would not call them
local watch = {}

--- Starts watching.
function watch.start() watch.modules, watch.optimizers, watch.hooked = {}, {}, false end

--- Ends it.
---@return table<table, true> modules, table<table, true> optimizers, boolean hooked
function watch.stop()
  local modules <const>, optimizers <const> = watch.modules, watch.optimizers
  watch.modules, watch.optimizers = nil, nil
  return modules, optimizers, watch.hooked
end

return watch
