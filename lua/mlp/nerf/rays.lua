--- Rays through the middles of pixels, and cameras on a circle.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"

local rays = {}

local function want_pose(call, pose)
  if not core.is_tensor(pose) or pose.ndim ~= 2 or pose:size(2) ~= 4 or #pose < 3 or #pose > 4 then
    errors.wanted(call, "the pose", pose, "a tensor (4, 4) from camera to world")
  end
end

--- Rays of all pixels, row by row from the left upper corner.
---@param pose mlp.Tensor (4, 4) or (3, 4)
---@param height integer pixels
---@param width integer pixels
---@param focal number pixels
---@return mlp.Tensor origins (height * width, 3)
---@return mlp.Tensor directions (height * width, 3) of length 1
function rays.rays(pose, height, width, focal)
  want_pose("nerf.rays", pose)
  initialise.want_size("nerf.rays", "height", height)
  initialise.want_size("nerf.rays", "width", width)
  if type(focal) ~= "number" or focal ~= focal or focal <= 0 then
    errors.wanted("nerf.rays", "focal", focal, "a positive number of pixels")
  end
  local turn <const> = pose:to("float32"):slice(1, 1, 3)
  local x <const> = core.linspace(0.5 - width / 2, width / 2 - 0.5, width) * (1 / focal)
  local y <const> = core.linspace(height / 2 - 0.5, 0.5 - height / 2, height) * (1 / focal)
  local across <const> = x:reshape(1, width):expand(height, width)
  local up <const> = y:reshape(height, 1):expand(height, width)
  local seen <const> = core.stack({ across, up, across * 0 - 1 }, -1):reshape(-1, 3)
  local world <const> = seen:matmul(turn:slice(2, 1, 3):t())
  local length <const> = world:norm(2, true)
  if not (length:amin():item() >= 1e-12 and length:amax():item() < math.huge) then
    errors.raise("nerf.rays: the pose turns a direction into %s; its first three columns are no "
      .. "rotation", length:amin():item() < 1e-12 and "nothing" or "no number")
  end
  return turn:select(2, 4):reshape(1, 3):expand(#seen, 3):contiguous(), world / length
end

local function unit(v)
  local length <const> = math.sqrt(v[1] ^ 2 + v[2] ^ 2 + v[3] ^ 2)
  return { v[1] / length, v[2] / length, v[3] / length }
end

local function cross(a, b)
  return { a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1] }
end

--- The camera at a place that looks at the origin, z up.
local function looking_home(place)
  local back <const> = unit(place)
  local right <const> = unit(cross({ 0, 0, 1 }, back))
  local up <const> = cross(back, right)
  local rows <const> = {}
  for i = 1, 3 do rows[i] = { right[i], up[i], back[i], place[i] } end
  rows[4] = { 0, 0, 0, 1 }
  return core.tensor(rows)
end

--- Poses on a circle around the z axis, looking at the origin.
---@param count integer
---@param options {radius: number?, elevation: number?}? `radius` from the origin, default 4;
---  `elevation` above the plane in degrees, between -90 and 90, default 30
---@return mlp.Tensor[] poses (4, 4)
function rays.turntable(count, options)
  initialise.want_size("nerf.turntable", "count", count)
  local o <const> = errors.options("nerf.turntable", options, { radius = 4, elevation = 30 })
  if type(o.radius) ~= "number" or o.radius ~= o.radius or o.radius <= 0 then
    errors.wanted("nerf.turntable", "radius", o.radius, "a positive number")
  elseif type(o.elevation) ~= "number" or o.elevation ~= o.elevation
    or math.abs(o.elevation) >= 90 then
    errors.wanted("nerf.turntable", "elevation", o.elevation, "a number between -90 and 90")
  end
  local tilt <const>, poses <const> = math.rad(o.elevation), {}
  for i = 1, count do
    local turn <const> = 2 * math.pi * (i - 1) / count
    poses[i] = looking_home { o.radius * math.cos(tilt) * math.cos(turn),
      o.radius * math.cos(tilt) * math.sin(turn), o.radius * math.sin(tilt) }
  end
  return poses
end

return rays
