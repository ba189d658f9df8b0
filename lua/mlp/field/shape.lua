--- Fields of signed distances as things to look at: a mesh by marching cubes, a picture by sphere
--- tracing (Hart 1996).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local shape = {}

local function want_distances(field, call)
  if field.kind ~= "distances" then
    errors.raise("field:%s: this field holds %s, but distances are wanted", call, field.kind)
  end
end

--- The middles, or ends, of a grid over the cube: (n^3, 3) points, z slowest.
---@param n integer
---@param coordinates mlp.Tensor (n)
---@return mlp.Tensor
function shape.lattice(n, coordinates)
  local x <const> = coordinates:reshape(1, 1, n):expand(n, n, n)
  local y <const> = coordinates:reshape(1, n, 1):expand(n, n, n)
  local z <const> = coordinates:reshape(n, 1, 1):expand(n, n, n)
  return core.stack({ x, y, z }, -1):reshape(-1, 3)
end

---@param field mlp.Field
---@param options {resolution: integer?}?
---@return mlp.field.Mesh
function shape.mesh(field, options)
  want_distances(field, "mesh")
  local o <const> = errors.options("field:mesh", options, { resolution = 96 })
  if math.type(o.resolution) ~= "integer" or o.resolution < 2 then
    errors.wanted("field:mesh", "resolution", o.resolution, "a whole number from 2")
  end
  local n <const> = o.resolution
  local points <const> = shape.lattice(n, core.linspace(-1, 1, n))
  local values <const> = field:sample(points):reshape(-1)
  local rim <const> = points:abs():amax(2):gt(1 - 1e-6) -- what is inside there is closed off
  local whole <const> = core.where(rim, values:clamp(1e-3), values):reshape(n, n, n)
  local vertices <const>, faces <const> = require("mlp.field.marching").cubes(whole)
  return { vertices = vertices, faces = faces }
end

local STEPS <const>, NEAR_ENOUGH <const> = 80, 1e-3
local WIDE <const> = 0.012 -- on each side, where a normal is asked for
local CAUTION <const> = 0.9 -- a network's distance may be a little too long

--- One step of each ray: as far as the surface is away at least.
local function stepped(field, origins, directions, t)
  local at <const> = origins + directions * t
  local inside <const> = at:clamp(-1, 1)
  return (field:sample(inside) + (at - inside):norm(2, true)) * CAUTION
end

--- Where each ray meets the surface, and whether it does. Rays that are there or past the scene
--- step no further.
local function march(field, origins, directions, from, to)
  local t = core.full({ #origins, 1 }, from)
  local active = core.arange(1, #origins)
  for _ = 1, STEPS do
    local here <const> = t:index_select(1, active)
    local step <const> = stepped(field, origins:index_select(1, active),
      directions:index_select(1, active), here)
    local there <const> = (here + step):clamp(from, to)
    t = t:index_copy(1, active, there)
    local going <const> = step:abs():gt(NEAR_ENOUGH * 0.1):logical_and(there:lt(to))
    active = active:index_select(1, going:reshape(-1):nonzero():reshape(-1))
    if #active == 0 then break end
  end
  local at <const> = origins + directions * t
  local hit <const> = field:sample(at:clamp(-1, 1)):abs():lt(NEAR_ENOUGH * 10)
    :logical_and(at:abs():amax(2, true):le(1))
  return at, hit
end

--- The direction in which distance grows, by differences over a little way: the derivative of a
--- field on a grid jumps from cell to cell, and shows them.
local function normal_at(field, at)
  local slopes <const> = {}
  for axis = 1, 3 do
    local step <const> = core.zeros(1, 3)
    step:set(1, axis, WIDE)
    slopes[axis] = field:sample((at + step):clamp(-1, 1)) - field:sample((at - step):clamp(-1, 1))
  end
  local slope <const> = core.cat(slopes, 2)
  return slope / slope:norm(2, true):clamp(1e-9)
end

--- A shaded picture of the surface.
---@param field mlp.Field
---@param options {height: integer?, width: integer?, pose: mlp.Tensor?, focal: number?,
---  colour: number[]?, light: number[]?}?
---@return mlp.Tensor picture (height, width, 3)
function shape.shade(field, options)
  want_distances(field, "shade")
  local rays <const> = require "mlp.nerf.rays"
  local o <const> = errors.options("field:shade", options, { height = 256, width = 256,
    pose = errors.NONE, focal = errors.NONE, colour = { 0.75, 0.8, 0.9 },
    light = { 0.5, 0.3, 0.8 } })
  local light <const> = core.tensor { o.light }
  if light:norm():item() == 0 then
    errors.raise "field:shade: light has no direction; a vector of three numbers is wanted"
  end
  local pose <const> = o.pose or rays.turntable(1, { radius = 3.5, elevation = 20 })[1]
  local origins <const>, directions <const> = rays.rays(pose, o.height, o.width,
    o.focal or 1.5 * o.width)
  local at <const>, hit <const> = march(field, origins, directions, 1, 6)
  local normal <const> = normal_at(field, at)
  local bright <const> = (normal * (light / light:norm())):sum(2, true):clamp(0) * 0.8 + 0.2
  local seen <const> = (bright * core.tensor { o.colour }):masked_fill(hit:logical_not(), 1)
  return seen:reshape(o.height, o.width, 3)
end

return shape
