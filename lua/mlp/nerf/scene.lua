--- A learned scene: a radiance field, where its rays are sampled, and what it looks like from a
--- camera.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local compile <const> = require("mlp.compile").compile
local initialise <const> = require "mlp.initialise"
local rays <const> = require "mlp.nerf.rays"
local sampling <const> = require "mlp.nerf.sampling"

---@class mlp.nerf.Scene
---@field field mlp.nn.Module (x (R, S, 3), directions (R, 3)) -> density (R, S), colour (R, S, 3)
---@field occupancy mlp.nerf.Occupancy?
---@field near number
---@field far number
---@field samples integer on a ray, of a step
---@field fine integer more samples, where a first pass finds weight
---@field height integer pixels of the views
---@field width integer
---@field focal number pixels
---@field step integer updates so far
---@field seconds number that they took
local Scene = { __name = "mlp.nerf.Scene" }
Scene.__index = Scene

-- ---- along rays ---------------------------------------------------------------------------------

--- Colour, opacity, depth and weights of rays.
---@param self mlp.nerf.Scene
---@package
function Scene.see(self, origins, directions, t, delta)
  local x <const> = origins:unsqueeze(2) + directions:unsqueeze(2) * t:unsqueeze(3)
  local density <const>, colour <const> = self.field(x, directions)
  if not core.is_tensor(colour) then
    errors.wanted("nerf.fit", "the second result of the field", colour, "a colour (R, S, 3)")
  end
  return core.composite(density, colour, t, delta, self.background)
end

--- A first pass says where more samples belong (Mildenhall et al. 2020, section 5.2; here with one
--- network for both passes).
local function refined(self, origins, directions, t, delta, generator)
  local _ <close> = core.no_grad_scope()
  local _, _, _, weights <const> = Scene.see(self, origins, directions, t, delta)
  return sampling.hierarchical(t, weights, self.fine, self.far, { generator = generator })
end

--- Where the samples of some rays lie, and how long they are.
---@param self mlp.nerf.Scene
---@param draw {generator: mlp.Generator, middle: boolean?} as of nerf.stratified
---@package
function Scene.samples_on(self, origins, directions, samples, draw)
  if not (self.occupancy and self.occupancy.asked) then
    local t <const>, delta <const> =
      sampling.stratified(#origins, samples, self.near, self.far, draw)
    if self.fine == 0 then return t, delta end
    return refined(self, origins, directions, t, delta, draw.generator)
  end
  local t <const>, delta <const> =
    sampling.stratified(#origins, self.candidates, self.near, self.far, draw)
  return self.occupancy:choose(origins, directions, t, delta, samples,
    { generator = draw.generator })
end

-- ---- pictures -----------------------------------------------------------------------------------

---@class mlp.nerf.RenderOptions
---@field height integer? pixels; default those of the views
---@field width integer?
---@field focal number? pixels; default that of the views, scaled with the width
---@field samples integer? on a ray; default twice those of a step
---@field rays integer? at once; default 2048

local function want_render(self, options)
  local call <const> = "nerf.Scene:render"
  local o <const> = errors.options(call, options, { height = self.height, width = self.width,
    focal = errors.NONE, samples = 2 * self.samples, rays = 2048 })
  for _, name in ipairs { "height", "width", "samples", "rays" } do
    initialise.want_size(call, name, o[name])
  end
  o.focal = o.focal or self.focal * o.width / self.width
  return o
end

--- A picture from a camera. The same camera gives the same picture.
---@param pose mlp.Tensor (4, 4) from camera to world
---@param options mlp.nerf.RenderOptions?
---@return mlp.Tensor picture (height, width, 3) in 0..1
---@return mlp.Tensor depth (height, width): sum of weight times distance
---@return mlp.Tensor opacity (height, width)
function Scene:render(pose, options)
  local o <const> = want_render(self, options)
  local origins <const>, directions <const> = rays.rays(pose, o.height, o.width, o.focal)
  local _ <close> = core.no_grad_scope()
  self.seen = self.seen or compile(function(...) return Scene.see(self, ...) end,
    { batch = { 1, 2, 3, 4 } })
  local draw <const> = { generator = core.generator(1), middle = true }
  local seen <const>, depth <const>, opacity <const> = {}, {}, {}
  local parts <const> = directions:split(o.rays)
  for i, some in ipairs(origins:split(o.rays)) do
    local t <const>, delta <const> = Scene.samples_on(self, some, parts[i], o.samples, draw)
    seen[i], opacity[i], depth[i] = self.seen(some, parts[i], t, delta)
  end
  return core.cat(seen, 1):reshape(o.height, o.width, 3):clamp(0, 1),
    core.cat(depth, 1):reshape(o.height, o.width), core.cat(opacity, 1):reshape(o.height, o.width)
end

--- Peak signal-to-noise ratio of a view, in decibels; and over the pixels alone that the object
--- covers, which are those that are not black.
---@param picture mlp.Tensor (H, W, 3) the truth
---@param pose mlp.Tensor (4, 4)
---@return number psnr
---@return number? covered nil where all is black
function Scene:psnr(picture, pose)
  if not core.is_tensor(picture) or picture.ndim ~= 3 or picture:size(3) ~= 3 then
    errors.wanted("nerf.Scene:psnr", "the picture", picture, "a tensor (H, W, 3)")
  end
  local errors_ <const> = (self:render(pose, { height = #picture, width = picture:size(2) })
    - picture):square():mean(3)
  local covered <const> = picture:amax(3):gt(0):to "float32"
  local count <const> = covered:sum():item()
  local function decibels(x) return -10 * math.log(x, 10) end
  return decibels(errors_:mean():item()),
    count > 0 and decibels((errors_ * covered):sum():item() / count) or nil
end

-- ---- turntables ---------------------------------------------------------------------------------

--- Pictures of one size side by side, the last row filled with black.
local function sheet_of(pictures, columns)
  local rows <const> = {}
  for first = 1, #pictures, columns do
    local last <const> = math.min(first + columns - 1, #pictures)
    local row <const> = { table.unpack(pictures, first, last) }
    while #row < columns do row[#row + 1] = pictures[1] * 0 end
    rows[#rows + 1] = core.cat(row, 2)
  end
  return core.cat(rows, 1)
end

---@class mlp.nerf.SheetOptions
---@field columns integer? of the sheet; default 6
---@field radius number? of the camera, as in nerf.turntable
---@field elevation number? degrees
---@field size integer? of a picture in pixels; default the height of the views
---@field files string? a name such as "out/turn-%03d.png", under which each picture is written

--- Pictures around the scene: a contact sheet, the pictures, and files of a film.
---@param count integer pictures
---@param options mlp.nerf.SheetOptions?
---@return mlp.Tensor? sheet (rows * size, columns * size, 3); nil when a file cannot be written
---@return mlp.Tensor[]|string pictures, or what is wrong with the file
function Scene:turntable(count, options)
  local call <const> = "nerf.Scene:turntable"
  local o <const> = errors.options(call, options, { columns = 6, radius = 4, elevation = 30,
    size = self.height, files = errors.NONE })
  initialise.want_size(call, "columns", o.columns)
  if o.files ~= nil and not pcall(string.format, o.files, 1) then
    errors.wanted(call, "files", o.files, 'a name with a number such as "out/turn-%03d.png"')
  end
  local pictures <const> = {}
  for i, pose in ipairs(rays.turntable(count, { radius = o.radius, elevation = o.elevation })) do
    pictures[i] = self:render(pose, { height = o.size, width = o.size })
    if o.files then
      local done <const>, message <const> =
        require("mlp.io").png.save(o.files:format(i), pictures[i])
      if not done then return nil, message end
    end
  end
  return sheet_of(pictures, o.columns), pictures
end

-- ---- files --------------------------------------------------------------------------------------

--- Saves all that rendering needs, as safetensors: nerf.load_scene reads it.
---@param path string
---@return true? done
---@return string? message
function Scene:save(path) return require("mlp.nerf.scene_file").save(self, path) end

function Scene:__tostring()
  return ("radiance field, %d parameters, %d steps"):format(self.field:parameter_count(), self.step)
end

return Scene
