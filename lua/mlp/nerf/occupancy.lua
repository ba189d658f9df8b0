--- Which parts of a scene are empty: a grid of densities, asked of the field now and then. Rays
--- then put their samples where something may be. The number of samples stays the same for all
--- rays, so a compiled step keeps its shapes.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local want_size <const> = require("mlp.initialise").want_size

---@class mlp.nerf.Occupancy
---@field cells mlp.Tensor (resolution^3) densities, fading
---@field bound number
---@field resolution integer
local Occupancy = { __name = "mlp.nerf.Occupancy" }
Occupancy.__index = Occupancy

local FADE <const> = 0.9

--- nerf.Occupancy{bound = 1.5, resolution = 48, threshold = 0.5}: everything counts as full at
--- first.
---@param options {bound: number?, resolution: integer?, threshold: number?}? `threshold`: density
---  per unit of length below which a cell is empty
---@return mlp.nerf.Occupancy
local function new(options)
  local o <const> = errors.options("nerf.Occupancy", options,
    { bound = 1.5, resolution = 48, threshold = 0.5 })
  want_size("nerf.Occupancy", "resolution", o.resolution)
  if type(o.bound) ~= "number" or o.bound ~= o.bound or o.bound <= 0 then
    errors.wanted("nerf.Occupancy", "bound", o.bound, "a positive number")
  end
  return setmetatable({ bound = o.bound, resolution = o.resolution, threshold = o.threshold,
    cells = core.full({ o.resolution ^ 3 // 1 | 0 }, 1e9), asked = false }, Occupancy)
end

--- The number, from 1, of the cell of each point; points outside take the nearest.
---@param x mlp.Tensor (..., 3)
---@return mlp.Tensor cells (...) int64
function Occupancy:cell_of(x)
  local n <const> = self.resolution
  local at <const> = ((x + self.bound) * (n / (2 * self.bound))):floor():clamp(0, n - 1)
  return (at:select(-1, 1) + at:select(-1, 2) * n + at:select(-1, 3) * (n * n)):to "int64" + 1
end

--- Asks the field at a random place in each of some cells. The first time all cells are asked.
---@param field mlp.nn.Module with a method density((N, 3)) -> (N)
---@param options {share: number?, generator: mlp.Generator?}? `share` of the cells, default 1/8
function Occupancy:update(field, options)
  local o <const> = errors.options("nerf.Occupancy:update", options,
    { share = 1 / 8, generator = errors.NONE })
  local _ <close> = core.no_grad_scope()
  local n <const>, draw <const> = self.resolution, { generator = o.generator }
  local cells <const> = self.asked
    and core.randint(1, n ^ 3 // 1 | 0, { math.max(1, o.share * n ^ 3 // 1 | 0) }, draw)
    or core.arange(1, n ^ 3 // 1 | 0)
  local index <const> = cells - 1
  local corner <const> = core.stack({ index % n, index // n % n, index // (n * n) }, 2):to "float32"
  local x <const> = (corner + core.rand({ #cells, 3 }, draw)) * (2 * self.bound / n) - self.bound
  local parts <const> = {}
  for i, rows in ipairs(x:split(1 << 14)) do parts[i] = field:density(rows) end
  local before <const> = self.asked and self.cells:index_select(1, cells) * FADE or nil
  local now <const> = core.cat(parts, 1)
  self.cells = self.cells:index_copy(1, cells, before and core.maximum(before, now) or now)
  self.asked = true
end

--- The share of cells that are not empty.
---@return number
function Occupancy:share() return self.cells:gt(self.threshold):to("float32"):mean():item() end

--- Samples in occupied cells: `samples` of the candidates (R, M) of each ray, in order. A ray with
--- more gets a random choice, whose lengths are stretched to make up for the others; one with fewer
--- gets samples of length 0.
---@param origins mlp.Tensor (R, 3)
---@param directions mlp.Tensor (R, 3)
---@param t mlp.Tensor (R, M) candidates
---@param delta mlp.Tensor (R, M)
---@param samples integer S
---@param options {generator: mlp.Generator?}?
---@return mlp.Tensor t (R, S)
---@return mlp.Tensor delta (R, S)
function Occupancy:choose(origins, directions, t, delta, samples, options)
  local o <const> = errors.options("nerf.Occupancy:choose", options, { generator = errors.NONE })
  local _ <close> = core.no_grad_scope()
  local x <const> = origins:unsqueeze(2) + directions:unsqueeze(2) * t:unsqueeze(3)
  local inside <const> = x:abs():amax(3):le(self.bound)
  local full <const> = self.cells:index_select(1, self:cell_of(x):reshape(-1)):reshape(t.shape)
    :gt(self.threshold):to "float32" * inside:to "float32"
  local key <const> = full + core.rand(t.shape, { generator = o.generator }) * 0.5
  local _, chosen = key:topk(math.min(samples, t:size(2)), 2)
  chosen = chosen:sort(2)
  local stretch <const> = full:sum(2, true) / full:gather(2, chosen):sum(2, true):clamp(1)
  return t:gather(2, chosen), (delta * full):gather(2, chosen) * stretch
end

return setmetatable(Occupancy, { __call = function(_, options) return new(options) end })
