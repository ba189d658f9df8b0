-- mlp.plot: pictures to show to others, as SVG. Each kind of figure is a file of its own that loads
-- on first use; all answer a figure with `fig:save(path)` and `fig:svg()`.

---@class mlp.plot
---@field lines fun(arguments: table): mlp.plot.Figure       learning curves, functions, sweeps
---@field scatter fun(arguments: table): mlp.plot.Figure     points by class, value and size
---@field histogram fun(arguments: table): mlp.plot.Figure   distributions
---@field bars fun(arguments: table): mlp.plot.Figure        numbers under names
---@field heatmap fun(arguments: table): mlp.plot.Figure     a matrix in colours
---@field regions fun(arguments: table): mlp.plot.Figure     a function of the plane
---@field image_grid fun(arguments: table): mlp.plot.Figure  many small images
---@field confusion fun(arguments: table): mlp.plot.Figure   a confusion matrix
---@field grid fun(arguments: table): mlp.plot.Figure        several figures in one
local plot = {}

local KINDS <const> = {
  lines = true, scatter = true, histogram = true, bars = true, heatmap = true, regions = true,
  image_grid = true, confusion = true, grid = true,
}

return setmetatable(plot, {
  __index = function(_, name)
    if not KINDS[name] then return nil end
    local kind <const> = require("mlp.plot." .. name)
    plot[name] = kind
    return kind
  end,
})
