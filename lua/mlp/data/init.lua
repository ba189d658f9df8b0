--- Data: sets of rows, loaders of batches, splits and scalings; readers of files. Each loads when
--- it is first named.

local lazy <const> = require "mlp.lazy"

---@class mlp.data
---@field tensors fun(...: mlp.Tensor|table): mlp.data.Tensors
---@field loader fun(source: any, options: table?): mlp.data.Loader
---@field split fun(data: mlp.data.Set, parts: number[], options: table?): mlp.data.Set ...
---@field folds fun(data: mlp.data.Set, k: integer, options: table?): mlp.data.Fold[]
---@field class_weights fun(labels: mlp.Tensor, options: table?): mlp.Tensor
---@field scaler fun(x: mlp.Tensor, options: table?): mlp.data.Scaler
---@field idx mlp.data.idx files of MNIST and its kin
---@field csv mlp.data.csv tables as text
---@field mnist mlp.data.mnist the 70,000 handwritten digits
return lazy({}, {
  tensors = "mlp.data.tensors", loader = "mlp.data.loader", split = "mlp.data.split",
  folds = "mlp.data.folds", class_weights = "mlp.data.class_weights", scaler = "mlp.data.scaler",
  idx = "mlp.data.idx", csv = "mlp.data.csv", mnist = "mlp.data.mnist",
})
