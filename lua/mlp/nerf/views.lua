--- Pictures with cameras, from files of two layouts.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local views = {}

---@class mlp.nerf.Views
---@field images mlp.Tensor (V, H, W, 3) in 0..1
---@field poses mlp.Tensor (V, 4, 4)
---@field focal number pixels

--- Pictures, poses and a focal length as views.
---@param images mlp.Tensor (V, H, W, 3) in 0..1
---@param poses mlp.Tensor (V, 4, 4) from camera to world
---@param focal number pixels
---@return mlp.nerf.Views
function views.views(images, poses, focal)
  if not core.is_tensor(images) or images.ndim ~= 4 or images:size(4) ~= 3 or #images == 0 then
    errors.wanted("nerf.views", "the images", images, "a tensor (views, height, width, 3)")
  end
  local fits <const> = core.is_tensor(poses) and poses.ndim == 3 and #poses == #images
    and poses:size(2) == 4 and poses:size(3) == 4
  if not fits then
    errors.wanted("nerf.views", "the poses", poses, ("a tensor (%d, 4, 4)"):format(#images))
  end
  return { images = images:to "float32", poses = poses:to "float32", focal = focal }
end

--- The layout of tiny_nerf_data.npz: images, poses, focal.
local function of_npz(path)
  local arrays <const>, message <const> = require("mlp.io").npz.load(path)
  if not arrays then return nil, message end
  if not (arrays.images and arrays.poses and arrays.focal) then
    return nil, ("nerf.load: '%s' lacks images, poses or focal"):format(path)
  end
  return views.views(arrays.images, arrays.poses, arrays.focal:to("float64"):item())
end

--- Transparent parts become black: colours come not multiplied by their opacity.
local function on_black(picture)
  if picture:size(3) == 4 then return picture:slice(3, 1, 3) * picture:slice(3, 4, 4) end
  return picture
end

--- A folder as the synthetic scenes of NeRF have it: transforms_train.json, or transforms.json, and
--- the pictures that it names.
local function of_folder(path)
  local io_png <const>, json <const> = require("mlp.io").png, require "dkjson"
  local handle = io.open(path .. "/transforms.json") or io.open(path .. "/transforms_train.json")
  if not handle then
    return nil, ("nerf.load: '%s' holds no transforms.json or transforms_train.json"):format(path)
  end
  local about <const> = json.decode(handle:read "a")
  handle:close()
  if type(about) ~= "table" or type(about.frames) ~= "table" or not about.camera_angle_x then
    return nil, ("nerf.load: the transforms of '%s' name no frames or no camera_angle_x"):format(
      path)
  end
  local images <const>, poses <const> = {}, {}
  for i, frame in ipairs(about.frames) do
    local name = frame.file_path:gsub("^%./", "")
    if not name:match "%.png$" then name = name .. ".png" end
    local picture <const>, message <const> = io_png.load(path .. "/" .. name, { dtype = "float32" })
    if not picture then return nil, message end
    images[i], poses[i] = on_black(picture), core.tensor(frame.transform_matrix)
  end
  if #images == 0 then return nil, ("nerf.load: '%s' names no frames"):format(path) end
  local width <const> = images[1]:size(2)
  return views.views(core.stack(images, 1), core.stack(poses, 1),
    width / 2 / math.tan(about.camera_angle_x / 2))
end

--- Reads views: an .npz with images, poses and focal, or a folder with transforms.json.
---@param path string
---@return mlp.nerf.Views? views
---@return string? message
function views.load(path)
  if type(path) ~= "string" then
    errors.wanted("nerf.load", "the path", path, "the name of an .npz file or a folder")
  end
  return (path:match "%.npz$" and of_npz or of_folder)(path)
end

return views
