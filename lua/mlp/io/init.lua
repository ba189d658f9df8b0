-- Files. Each format loads when it is first named: mlp.io.npy is require "mlp.io.npy".
local FORMATS <const> = { npy = true, npz = true, safetensors = true, png = true }

---@class mlp.io
---@field npy table one array of NumPy
---@field npz table several named arrays of NumPy
---@field safetensors table named tensors and text about them
---@field png table pictures
local io_formats = {}

return setmetatable(io_formats, {
  __index = function(self, name)
    if not FORMATS[name] then return nil end
    self[name] = require("mlp.io." .. name)
    return self[name]
  end,
})
