--- The network of the paper (Mildenhall et al. 2020, figure 7): density from the position alone,
--- colour from the position and the viewing direction.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"
local PositionalEncoding <const> = require "mlp.nn.positional_encoding"
local Stack <const> = require "mlp.nn.mlp"

---@class mlp.nerf.MLPOptions
---@field width integer? default 256
---@field depth integer? layers of the trunk; default 8
---@field skip integer? the layer that takes the encoded position once more; default 5
---@field frequencies integer? of positions; default 10
---@field view_frequencies integer? of directions; 0: colours do not depend on them; default 4

---@class mlp.nerf.MLP: mlp.nn.Module
---@overload fun(options: mlp.nerf.MLPOptions?): mlp.nerf.MLP
local Radiance = Module:extend "NerfMLP"

---@param options mlp.nerf.MLPOptions?
function Radiance:init(options)
  local o <const> = errors.options("nerf.MLP", options,
    { width = 256, depth = 8, skip = 5, frequencies = 10, view_frequencies = 4 })
  self.position = PositionalEncoding(3, o.frequencies)
  local widths <const> = { self.position.outputs }
  for i = 1, o.depth do widths[i + 1] = o.width end
  widths.skips = o.skip <= o.depth and o.skip > 1 and { o.skip } or nil
  widths.output = "relu"
  self.trunk = Stack(widths)
  self.density = Linear(o.width, 1)
  local view = 0
  if o.view_frequencies > 0 then
    self.direction = PositionalEncoding(3, o.view_frequencies)
    self.feature, view = Linear(o.width, o.width), self.direction.outputs
  end
  self.colour = Stack { o.width + view, math.max(o.width // 2, 1), 3, output = "sigmoid" }
end

---@param x mlp.Tensor (R, S, 3) positions
---@param directions mlp.Tensor (R, 3) of length 1
---@return mlp.Tensor density (R, S) per unit of length
---@return mlp.Tensor colour (R, S, 3) in 0..1
function Radiance:forward(x, directions)
  local h = self.trunk(self.position(x))
  local density <const> = self.density(h):squeeze(-1):softplus()
  if self.direction then
    local view <const> = self.direction(directions):unsqueeze(2)
    h = core.cat({ self.feature(h), view:expand(x:size(1), x:size(2), view:size(3)) }, -1)
  end
  return density, self.colour(h)
end

return Radiance
