--- What SIREN starts from on both sides of the comparison with PyTorch, which siren.py runs: the
--- network 2-256-256-256-256-1 of seed 1, and the area mean of a photograph at 256 x 256 pixels.
---
---     lua5.4 -e 'assert(require("spec.golden.siren").save("camera.png", "siren.npz"))'
local mlp <const> = require "mlp"

local siren = {}

local SIDE <const> = 256
local WIDTHS <const> = { 2, 256, 256, 256, 256, 1 }

--- The weights by the names of PyTorch's state.
local function weights_of(model)
  local all <const> = {}
  for i, layer in ipairs(model.layers) do
    all[("layers.%d.weight"):format(i - 1)] = layer.weight:detach()
    all[("layers.%d.bias"):format(i - 1)] = layer.bias:detach()
  end
  return all
end

---@return mlp.nn.Siren
function siren.model()
  mlp.manual_seed(1)
  return mlp.nn.Siren(WIDTHS)
end

--- The picture; its sides are a multiple of 256 pixels.
---@param path string a grey PNG
---@return mlp.Tensor? picture (256, 256) in 0..1
---@return string? message
function siren.picture(path)
  local picture <const>, message <const> = mlp.io.png.load(path, { dtype = "float32" })
  if not picture then return nil, message end
  local n <const> = picture:size(1) // SIDE
  return picture:reshape(SIDE, n, SIDE, n):mean(4):mean(2)
end

--- Writes both.
---@param from string the PNG
---@param to string the .npz
---@return true? done
---@return string? message
function siren.save(from, to)
  local picture <const>, message <const> = siren.picture(from)
  if not picture then return nil, message end
  local all <const> = weights_of(siren.model())
  local signal <const> = mlp.field.image(picture)
  all.points, all.values = signal.points, signal.values
  return mlp.io.npz.save(to, all)
end

return siren
