--- Pictures to show to others, as SVG. Each kind of figure is a file of its own that loads
--- on first use; all answer a figure with `fig:save(path)` and `fig:svg()`.

local lazy <const> = require "mlp.lazy"

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
return lazy({}, {
  lines = "mlp.plot.lines", scatter = "mlp.plot.scatter", histogram = "mlp.plot.histogram",
  bars = "mlp.plot.bars", heatmap = "mlp.plot.heatmap", regions = "mlp.plot.regions",
  image_grid = "mlp.plot.image_grid", confusion = "mlp.plot.confusion", grid = "mlp.plot.grid",
})
