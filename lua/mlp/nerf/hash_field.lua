--- A radiance field on a hash grid (Mueller et al. 2022, section 5.4): two small networks after a
--- table of features, one for density, one for colour.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local HashGrid <const> = require "mlp.nn.hash_grid"
local Module <const> = require "mlp.nn.module"
local SphericalHarmonics <const> = require "mlp.nn.spherical_harmonics"
local Stack <const> = require "mlp.nn.mlp"

---@class mlp.nerf.HashFieldOptions
---@field bound number? the scene lies in -bound..bound; default 1.5
---@field levels integer? default 8
---@field features integer? per level; default 4
---@field table_size integer? default 2^15
---@field base integer? cells of the coarsest grid; default 16
---@field finest integer? cells of the finest; default 128
---@field width integer? of the networks; default 64
---@field degree integer? of the harmonics of directions; default 3

---@class mlp.nerf.HashField: mlp.nn.Module
---@field bound number
---@overload fun(options: mlp.nerf.HashFieldOptions?): mlp.nerf.HashField
local HashField = Module:extend "NerfHashField"

local GEOMETRY <const> = 16 -- numbers that the first network hands to the second
local LOWEST <const>, HIGHEST <const> = -15, 11 -- logarithms of density

---@param options mlp.nerf.HashFieldOptions?
function HashField:init(options)
  local o <const> = errors.options("nerf.HashField", options, { bound = 1.5, levels = 8,
    features = 4, table_size = 2 ^ 15, base = 16, finest = 128, width = 64, degree = 3 })
  self.bound = o.bound
  self.grid = HashGrid { axes = 3, levels = o.levels, features = o.features, base = o.base,
    finest = o.finest, table_size = o.table_size, low = -o.bound, high = o.bound }
  self.harmonics = SphericalHarmonics(o.degree)
  self.geometry = Stack { self.grid.outputs, o.width, GEOMETRY }
  self.colour = Stack { GEOMETRY + self.harmonics.outputs, o.width, o.width, 3, output = "sigmoid" }
end

--- The first number of the geometry is the logarithm of the density.
local function density_of(h)
  return h:slice(-1, 1, 1):squeeze(-1):clamp(LOWEST, HIGHEST):exp()
end

--- Density alone: what an occupancy grid asks for.
---@param x mlp.Tensor (N, 3)
---@return mlp.Tensor density (N)
function HashField:density(x) return density_of(self.geometry(self.grid(x))) end

---@param x mlp.Tensor (R, S, 3) positions
---@param directions mlp.Tensor (R, 3) of length 1
---@return mlp.Tensor density (R, S) per unit of length
---@return mlp.Tensor colour (R, S, 3) in 0..1
function HashField:forward(x, directions)
  local h <const> = self.geometry(self.grid(x))
  local view <const> = self.harmonics(directions):unsqueeze(2)
  local seen <const> = view:expand(x:size(1), x:size(2), view:size(3))
  return density_of(h), self.colour(core.cat({ h, seen }, -1))
end

return HashField
