--- Data: sets of rows, loaders of batches, splits and scalings; readers of files load when they are
--- first named.

---@class mlp.data
---@field tensors fun(...: mlp.Tensor|table): mlp.data.Tensors
---@field loader fun(source: any, options: table?): mlp.data.Loader
---@field split fun(data: mlp.data.Set, parts: number[], options: table?): mlp.data.Set ...
---@field scaler fun(x: mlp.Tensor, options: table?): mlp.data.Scaler
---@field idx table
---@field csv table
---@field mnist table
local data = {}

local PARTS <const> = {
  tensors = true, loader = true, split = true, scaler = true, idx = true, csv = true, mnist = true,
}

return setmetatable(data, {
  __index = function(_, name)
    if not PARTS[name] then return nil end
    data[name] = require("mlp.data." .. name)
    return data[name]
  end,
})
