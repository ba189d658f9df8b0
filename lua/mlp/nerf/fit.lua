--- Learning a scene: steps of Adam on random rays of all views. The step itself is a plain function
--- of tensors and is compiled; where the samples lie is decided outside of it.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local compile <const> = require("mlp.compile").compile
local HashField <const> = require "mlp.nerf.hash_field"
local Occupancy <const> = require "mlp.nerf.occupancy"
local rays_of <const> = require("mlp.nerf.rays").rays
local sampling <const> = require "mlp.nerf.sampling"

local fitting = {}

local CALL <const> = "nerf.fit"
local FINAL <const> = 0.03 -- of the learning rate, at the end of the half cosine
local WARM_UP <const>, EVERY <const> = 64, 16 -- steps before, and between, looks at what is empty

---@class mlp.nerf.FitOptions
---@field views mlp.nerf.Views
---@field field mlp.nn.Module? (x (R, S, 3), directions (R, 3)) -> density, colour; default
---  nerf.HashField()
---@field steps integer? default 1000 when no seconds are given
---@field seconds number? the fit ends at whichever limit comes first
---@field near number? where samples begin; default 2
---@field far number? where they end; default 6
---@field rays integer? of a step; default 1024
---@field samples integer? on a ray; default 32
---@field candidates integer? from which an occupancy grid chooses them; default 192
---@field background number[]|nil colour behind the scene; default black
---@field lr number? default 1e-2 for a hash field, else 5e-4
---@field seed integer? default 1
---@field progress boolean|fun(event: {step: integer, seconds: number, loss: number})|nil

--- A learned scene.
---@class mlp.nerf.Scene
---@field field mlp.nn.Module
---@field occupancy mlp.nerf.Occupancy?
---@field step integer
---@field seconds number
local Scene = { __name = "mlp.nerf.Scene" }
Scene.__index = Scene

-- ---- rays ---------------------------------------------------------------------------------------

--- Rays and colours of all views, one below the other.
local function all_rays(views)
  local height <const>, width <const> = views.images:size(2), views.images:size(3)
  local origins <const>, directions <const> = {}, {}
  for i = 1, #views.images do
    origins[i], directions[i] = rays_of(views.poses[i], height, width, views.focal)
  end
  return core.cat(origins, 1), core.cat(directions, 1), views.images:reshape(-1, 3)
end

--- Where the samples of some rays lie, and how long they are.
local function samples_on(self, origins, directions, samples, generator)
  local draw <const> = { generator = generator, middle = generator == nil }
  if not (self.occupancy and self.occupancy.asked) then
    return sampling.stratified(#origins, samples, self.near, self.far, draw)
  end
  local t <const>, delta <const> =
    sampling.stratified(#origins, self.candidates, self.near, self.far, draw)
  return self.occupancy:choose(origins, directions, t, delta, samples, { generator = generator })
end

local function see(self, origins, directions, t, delta)
  local x <const> = origins:unsqueeze(2) + directions:unsqueeze(2) * t:unsqueeze(3)
  local density <const>, colour <const> = self.field(x, directions)
  return core.composite(density, colour, t, delta, self.background)
end

-- ---- pictures -----------------------------------------------------------------------------------

---@class mlp.nerf.RenderOptions
---@field height integer? pixels; default those of the views
---@field width integer?
---@field focal number? pixels; default that of the views, scaled with the width
---@field samples integer? on a ray; default twice those of a step
---@field rays integer? at once; default 2048

--- A picture from a camera.
---@param pose mlp.Tensor (4, 4)
---@param options mlp.nerf.RenderOptions?
---@return mlp.Tensor picture (height, width, 3) in 0..1
---@return mlp.Tensor depth (height, width): sum of weight times distance
---@return mlp.Tensor opacity (height, width)
function Scene:render(pose, options)
  local o <const> = errors.options("nerf.Scene:render", options, { height = self.height,
    width = self.width, focal = errors.NONE, samples = 2 * self.samples, rays = 2048 })
  local focal <const> = o.focal or self.focal * o.width / self.width
  local origins <const>, directions <const> = rays_of(pose, o.height, o.width, focal)
  local _ <close> = core.no_grad_scope()
  local seen <const>, depth <const>, opacity <const> = {}, {}, {}
  local parts <const> = directions:split(o.rays)
  for i, some in ipairs(origins:split(o.rays)) do
    local t <const>, delta <const> = samples_on(self, some, parts[i], o.samples)
    seen[i], opacity[i], depth[i] = see(self, some, parts[i], t, delta)
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
  local errors_ <const> = (self:render(pose, { height = #picture, width = picture:size(2) })
    - picture):square():mean(3)
  local covered <const> = picture:amax(3):gt(0):to "float32"
  local count <const> = covered:sum():item()
  local function decibels(x) return -10 * math.log(x, 10) end
  return decibels(errors_:mean():item()),
    count > 0 and decibels((errors_ * covered):sum():item() / count) or nil
end

--- Pictures around the scene, side by side in rows.
---@param count integer pictures
---@param options {columns: integer?, radius: number?, elevation: number?, size: integer?}? `size`
---  of a picture in pixels; default the views' height
---@return mlp.Tensor sheet (rows * size, columns * size, 3)
---@return mlp.Tensor[] pictures
function Scene:turntable(count, options)
  local o <const> = errors.options("nerf.Scene:turntable", options, { columns = 6, radius = 4,
    elevation = 30, size = self.height })
  local turn <const> = require("mlp.nerf.rays").turntable
  local pictures <const>, rows <const> = {}, {}
  for i, pose in ipairs(turn(count, { radius = o.radius, elevation = o.elevation })) do
    pictures[i] = self:render(pose, { height = o.size, width = o.size })
  end
  for first = 1, count, o.columns do
    local row <const> = { table.unpack(pictures, first, math.min(first + o.columns - 1, count)) }
    while #row < o.columns do row[#row + 1] = pictures[1] * 0 end
    rows[#rows + 1] = core.cat(row, 2)
  end
  return core.cat(rows, 1), pictures
end

-- ---- learning -----------------------------------------------------------------------------------

local function update_of(self)
  local adam <const> = self.adam
  return compile(function(origins, directions, t, delta, colours)
    local loss <const> = core.mse(see(self, origins, directions, t, delta), colours)
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss
  end, { batch = { 1, 2, 3, 4, 5 } })
end

local function one_step(self)
  local generator <const> = core.generator(self.seed * 1000003 + self.step)
  if self.occupancy and self.step >= WARM_UP and self.step % EVERY == 0 then
    self.occupancy:update(self.field, { generator = generator })
  end
  local all <const> = self.all
  local rows <const> = core.randint(1, #all.origins, { self.rays }, { generator = generator })
  local origins <const> = all.origins:index_select(1, rows)
  local directions <const> = all.directions:index_select(1, rows)
  local t <const>, delta <const> =
    samples_on(self, origins, directions, self.samples, generator)
  return self.update(origins, directions, t, delta, all.colours:index_select(1, rows))
end

local function look(self, loss, tell)
  local value <const> = loss:item()
  if value - value ~= 0 then
    errors.raise("%s: the loss is %s after step %d; a lower learning rate (lr) may help", CALL,
      tostring(value), self.step)
  end
  tell { step = self.step, seconds = self.seconds, loss = value }
end

--- Goes on learning.
---@param options {steps: integer?, seconds: number?, progress: boolean|function|nil}?
---@return mlp.nerf.Scene self
function Scene:train(options)
  local o <const> = errors.options("nerf.Scene:train", options,
    { steps = errors.NONE, seconds = errors.NONE, progress = errors.NONE })
  local steps <const> = o.steps or not o.seconds and 1000 or nil
  local tell <const> = require("mlp.field.fit").teller(o.progress)
  local first <const>, begun <const> = self.step, self.seconds
  local function done()
    return math.max(steps and (self.step - first) / steps or 0,
      o.seconds and (self.seconds - begun) / o.seconds or 0)
  end
  while done() < 1 do
    local started <const> = core.now()
    self.adam.factor = FINAL + (1 - FINAL) * (1 + math.cos(math.pi * done())) / 2
    local loss <const> = one_step(self)
    self.step = self.step + 1
    self.seconds = self.seconds + core.now() - started
    if self.step % EVERY == 0 or done() >= 1 then look(self, loss, tell) end
  end
  return self
end

--- Learns a scene from views.
---@param spec mlp.nerf.FitOptions
---@return mlp.nerf.Scene
function fitting.fit(spec)
  local o <const> = errors.options(CALL, spec, { views = errors.NONE, field = errors.NONE,
    steps = errors.NONE, seconds = errors.NONE, near = 2, far = 6, rays = 1024, samples = 32,
    candidates = 192, background = errors.NONE, lr = errors.NONE, seed = 1,
    progress = errors.NONE })
  if type(o.views) ~= "table" or not o.views.images then
    errors.wanted(CALL, "views", o.views, "what nerf.load or nerf.views gives")
  end
  local seed <const>, serial <const> = core.random_state()
  core.set_random_state(nil, o.seed, 0)
  local field <const> = o.field or HashField()
  core.set_random_state(nil, seed, serial)
  local origins <const>, directions <const>, colours <const> = all_rays(o.views)
  local hashed <const> = type(field.density) == "function"
  local self <const> = setmetatable({ field = field, near = o.near, far = o.far, rays = o.rays,
    samples = o.samples, candidates = o.candidates, seed = o.seed, step = 0, seconds = 0,
    height = o.views.images:size(2), width = o.views.images:size(3), focal = o.views.focal,
    background = o.background and core.tensor(o.background) or nil,
    occupancy = hashed and Occupancy { bound = field.bound } or nil,
    all = { origins = origins, directions = directions, colours = colours } }, Scene)
  self.adam = require("mlp.optim").Adam(field:parameters(), hashed
    and { lr = o.lr or 1e-2, betas = { 0.9, 0.99 }, eps = 1e-15 } or { lr = o.lr or 5e-4 })
  self.update = update_of(self)
  return self:train { steps = o.steps, seconds = o.seconds, progress = o.progress }
end

return fitting
