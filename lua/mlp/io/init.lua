--- Files. Each format loads when it is first named: mlp.io.npy is require "mlp.io.npy".

local lazy <const> = require "mlp.lazy"

---@class mlp.io
---@field npy mlp.io.npy one array of NumPy
---@field npz mlp.io.npz several named arrays of NumPy
---@field safetensors mlp.io.safetensors named tensors and text about them
---@field png mlp.io.png pictures
---@field wav mlp.io.wav sounds
---@field llama2c mlp.io.llama2c small language models
return lazy({}, {
  npy = "mlp.io.npy", npz = "mlp.io.npz", safetensors = "mlp.io.safetensors", png = "mlp.io.png",
  wav = "mlp.io.wav", llama2c = "mlp.io.llama2c",
})
