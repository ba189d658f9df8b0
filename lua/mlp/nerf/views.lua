--- Pictures with cameras, from files of two layouts.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local views = {}

---@class mlp.nerf.Views
---@field images mlp.Tensor (V, H, W, 3) in 0..1
---@field poses mlp.Tensor (V, 4, 4)
---@field focal number pixels

--- Pictures, poses and a focal length as views.
---@param images mlp.Tensor (V, H, W, 3): uint8, or floats in 0..1
---@param poses mlp.Tensor (V, 4, 4) from camera to world, the camera looking along -z with y up
---@param focal number pixels
---@return mlp.nerf.Views
function views.views(images, poses, focal)
  if not core.is_tensor(images) or images.ndim ~= 4 or images:size(4) ~= 3
    or images:numel() == 0 then
    errors.wanted("nerf.views", "the images", images, "a tensor (views, height, width, 3)")
  end
  local fits <const> = core.is_tensor(poses) and poses.ndim == 3 and #poses == #images
    and poses:size(2) == 4 and poses:size(3) == 4
  if not fits then
    errors.wanted("nerf.views", "the poses", poses, ("a tensor (%d, 4, 4)"):format(#images))
  end
  if type(focal) ~= "number" or focal ~= focal or focal <= 0 then
    errors.wanted("nerf.views", "focal", focal, "a positive number of pixels")
  end
  local scale <const> = images.dtype == "uint8" and 1 / 255 or 1
  return { images = images:to "float32" * scale, poses = poses:to "float32", focal = focal }
end

--- Views, or nil and why the numbers of a file are none.
local function checked(path, ...)
  local ok <const>, made <const> = pcall(views.views, ...)
  if ok then return made end
  return nil, ("nerf.load: '%s': %s"):format(path, tostring(made):gsub("^.-nerf.views: ", ""))
end

-- ---- an .npz ------------------------------------------------------------------------------------

--- The layout of tiny_nerf_data.npz: images, poses, focal.
local function of_npz(path)
  local arrays <const>, message <const> = require("mlp.io").npz.load(path)
  if not arrays then return nil, message end
  if not (arrays.images and arrays.poses and arrays.focal and arrays.focal:numel() == 1) then
    return nil, ("nerf.load: '%s' lacks images, poses or one focal"):format(path)
  end
  return checked(path, arrays.images, arrays.poses, arrays.focal:to("float64"):item())
end

-- ---- a folder -----------------------------------------------------------------------------------

--- Transparent parts become black: colours come not multiplied by their opacity.
local function on_black(picture)
  if picture:size(3) == 4 then return picture:slice(3, 1, 3) * picture:slice(3, 4, 4) end
  return picture
end

--- Means of k by k pixels; what is over at the right and below is left out.
local function shrunk(picture, k)
  if k == 1 then return picture end
  local height <const>, width <const> = #picture // k, picture:size(2) // k
  return picture:slice(1, 1, height * k):slice(2, 1, width * k):contiguous()
    :reshape(height, k, width, k, -1):mean(4):mean(2)
end

--- What a folder says about its pictures, and the file that says it; nil and the files wanted.
local function describe(path, split)
  local names <const> = split and { ("transforms_%s.json"):format(split) }
    or { "transforms.json", "transforms_train.json" }
  for _, name in ipairs(names) do
    local handle <close> = io.open(path .. "/" .. name)
    if handle then return require("dkjson").decode(handle:read "a") or {}, name end
  end
  return nil, table.concat(names, " or ")
end

local function is_pose(rows)
  if type(rows) ~= "table" or #rows ~= 4 then return false end
  for _, row in ipairs(rows) do
    if type(row) ~= "table" or #row ~= 4 then return false end
    for _, value in ipairs(row) do
      if type(value) ~= "number" then return false end
    end
  end
  return true
end

--- The picture and the pose of a frame; nil and a message.
local function frame_of(path, frame, shrink, shape)
  if type(frame) ~= "table" or type(frame.file_path) ~= "string" then
    return nil, "it names no picture (file_path)"
  elseif not is_pose(frame.transform_matrix) then
    return nil, "its transform_matrix is no 4 by 4 matrix of numbers"
  end
  local name = frame.file_path:gsub("^%./", "")
  if not name:match "%.png$" then name = name .. ".png" end
  local picture, message = require("mlp.io").png.load(path .. "/" .. name, { dtype = "float32" })
  if not picture then return nil, message end
  picture = shrunk(on_black(picture), shrink)
  if picture:size(3) == 1 then picture = picture:expand(#picture, picture:size(2), 3) end
  shape = shape or picture.shape
  if #picture ~= shape[1] or picture:size(2) ~= shape[2] then
    return nil, ("its picture is %d by %d but the first one is %d by %d"):format(#picture,
      picture:size(2), shape[1], shape[2])
  end
  return picture, core.tensor(frame.transform_matrix)
end

--- A folder as the synthetic scenes of NeRF have it: transforms_train.json and its like, or
--- transforms.json, and the pictures that it names.
local function of_folder(path, split, shrink)
  local about <const>, file <const> = describe(path, split)
  if about == nil then return nil, ("nerf.load: '%s' holds no %s"):format(path, file) end
  local angle <const> = type(about) == "table" and about.camera_angle_x
  if type(angle) ~= "number" or type(about.frames) ~= "table" or #about.frames == 0 then
    return nil, ("nerf.load: %s of '%s' names no frames or no camera_angle_x"):format(file,
      path)
  end
  local images <const>, poses <const> = {}, {}
  for i, frame in ipairs(about.frames) do
    local picture <const>, pose <const> =
      frame_of(path, frame, shrink, images[1] and images[1].shape)
    if not picture then return nil, ("nerf.load: frame %d of '%s': %s"):format(i, path, pose) end
    images[i], poses[i] = picture, pose
  end
  local width <const> = images[1]:size(2)
  return checked(path, core.stack(images, 1), core.stack(poses, 1),
    width / 2 / math.tan(angle / 2))
end

--- Reads views: an .npz with images, poses and focal, or a folder with transforms.json or
--- transforms_train.json. Transparent pictures are put on black.
---@param path string
---@param options {split: string?, shrink: integer?}? of a folder: `split` "train", "val" or "test"
---  names transforms_<split>.json; `shrink`: the mean of so many by so many pixels becomes one
---  (default 1)
---@return mlp.nerf.Views? views
---@return string? message
function views.load(path, options)
  if type(path) ~= "string" then
    errors.wanted("nerf.load", "the path", path, "the name of an .npz file or a folder")
  end
  local o <const> = errors.options("nerf.load", options, { split = errors.NONE, shrink = 1 })
  require("mlp.initialise").want_size("nerf.load", "shrink", o.shrink)
  if path:match "%.npz$" then return of_npz(path) end
  return of_folder(path, o.split, o.shrink)
end

return views
