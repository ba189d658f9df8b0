--- Learning a scene: steps of Adam on random rays of all views. The step itself is a plain function
--- of tensors and is compiled; where the samples lie is decided outside of it. What is random in a
--- step is a function of the seed and the step's number, so an interrupted fit goes on as if it had
--- not been.

local core <const> = require "mlp.core"
local checkpoint <const> = require "mlp.field.checkpoint"
local compile <const> = require("mlp.compile").compile
local errors <const> = require "mlp.errors"
local HashField <const> = require "mlp.nerf.hash_field"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"
local Occupancy <const> = require "mlp.nerf.occupancy"
local rays_of <const> = require("mlp.nerf.rays").rays
local run <const> = require "mlp.field.run"
local Scene <const> = require "mlp.nerf.scene"
local scene_file <const> = require "mlp.nerf.scene_file"

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
---@field fine integer? more samples on a ray, where a first pass finds weight; default 0. Both
---  passes ask one network, and the second alone trains it; the paper trains a coarse network for
---  the first. A field with an occupancy grid does without
---@field candidates integer? from which an occupancy grid chooses the samples; default 192
---@field background number[]|nil colour behind the scene; default black
---@field lr number? default 1e-2 for a hash field, else 5e-4
---@field seed integer? of weights, rays and samples; default 1
---@field progress boolean|fun(event: {step: integer, seconds: number, loss: number}): "stop"?|nil
---  a function is told every 16 steps; "stop" from it ends the fit
---@field checkpoint string? a file: written when the fit ends or breaks off, and taken up when it
---  is there already; nerf.load_scene reads it too

--- Rays and colours of all views, one below the other.
local function all_rays(views)
  local height <const>, width <const> = views.images:size(2), views.images:size(3)
  local origins <const>, directions <const> = {}, {}
  for i = 1, #views.images do
    origins[i], directions[i] = rays_of(views.poses[i], height, width, views.focal)
  end
  return { origins = core.cat(origins, 1), directions = core.cat(directions, 1),
    colours = views.images:reshape(-1, 3) }
end

-- ---- one step -----------------------------------------------------------------------------------

local function update_of(self)
  local adam <const> = self.adam
  return compile(function(origins, directions, t, delta, colours)
    local loss <const> = core.mse(Scene.see(self, origins, directions, t, delta), colours)
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss
  end, { batch = { 1, 2, 3, 4, 5 }, rehearse = true }) -- so that all steps are replays, to the bit
end

local function one_step(self)
  local generator <const> = run.generator(self)
  if self.occupancy and self.step >= WARM_UP and self.step % EVERY == 0 then
    self.occupancy:update(self.field, { generator = generator })
  end
  local all <const> = self.all
  local rows <const> = core.randint(1, #all.origins, { self.rays }, { generator = generator })
  local origins <const> = all.origins:index_select(1, rows)
  local directions <const> = all.directions:index_select(1, rows)
  local t <const>, delta <const> =
    Scene.samples_on(self, origins, directions, self.samples, { generator = generator })
  return self.update(origins, directions, t, delta, all.colours:index_select(1, rows))
end

-- ---- the run ------------------------------------------------------------------------------------

local function learner_of(self)
  return { model = self.field, adam = self.adam, step = self.step, seconds = self.seconds,
    seed = self.seed }
end

local function save(self, path) return scene_file.save(self, path, learner_of(self)) end

--- Goes on learning; with a checkpoint up to so many steps or seconds in all, else so many more.
--- What interrupts it is raised again, after the checkpoint was written.
---@param options {steps: integer?, seconds: number?, progress: boolean|function|nil,
---  checkpoint: string?}?
---@return mlp.nerf.Scene self
function Scene:train(options)
  if not self.update then
    errors.raise("nerf.Scene:train: a scene from a file is not trained further; nerf.fit with its "
      .. "checkpoint is")
  end
  return run.go(self, { call = CALL, train = "nerf.Scene:train", interval = EVERY, final = FINAL,
    step = one_step, save = save }, options)
end

--- False where there is no such file; nil and a message where it does not fit.
local function take_up(self, path)
  local learner <const> = learner_of(self)
  local tensors <const>, message = checkpoint.take_up(CALL, path, learner)
  if not tensors then return tensors, message end
  -- the grid was asked at the first step past WARM_UP that EVERY divides
  message = scene_file.take_cells(self, tensors, learner.step > WARM_UP)
  if message then return nil, ("%s: '%s': %s"):format(CALL, path, message) end
  self.step, self.seconds = learner.step, learner.seconds
  return true
end

-- ---- the call -----------------------------------------------------------------------------------

local function want_options(o)
  if type(o.views) ~= "table" or not o.views.images then
    errors.wanted(CALL, "views", o.views, "what nerf.load or nerf.views gives")
  elseif o.field ~= nil and not Module.is(o.field) then
    errors.wanted(CALL, "field", o.field, "a module such as nerf.HashField() or nerf.MLP()")
  end
  for _, name in ipairs { "rays", "samples", "candidates" } do
    initialise.want_size(CALL, name, o[name])
  end
  if math.type(o.fine) ~= "integer" or o.fine < 0 then
    errors.wanted(CALL, "fine", o.fine, "a whole number from 0")
  end
  run.want_budget(CALL, o.steps, o.seconds)
  require("mlp.nerf.sampling").want_range(CALL, o.near, o.far)
  local ok <const>, background <const> = pcall(core.tensor, o.background or { 0, 0, 0 })
  if not ok or #background ~= 3 or background.ndim ~= 1 then
    errors.wanted(CALL, "background", o.background, "three numbers: {1, 1, 1}")
  end
end

--- The default field, its first numbers from the seed.
local function default_field(seed_wanted)
  local seed <const>, serial <const> = core.random_state()
  core.set_random_state(nil, seed_wanted, 0)
  local field <const> = HashField()
  core.set_random_state(nil, seed, serial)
  return field
end

--- Learns a scene from views.
---@param spec mlp.nerf.FitOptions
---@return mlp.nerf.Scene? scene
---@return string? message when the checkpoint does not fit
function fitting.fit(spec)
  local o <const> = errors.options(CALL, spec, { views = errors.NONE, field = errors.NONE,
    steps = errors.NONE, seconds = errors.NONE, near = 2, far = 6, rays = 1024, samples = 32,
    fine = 0, candidates = 192, background = errors.NONE, lr = errors.NONE, seed = 1,
    progress = errors.NONE, checkpoint = errors.NONE })
  want_options(o)
  local field <const> = o.field or default_field(o.seed)
  local hashed <const> = type(field.density) == "function"
  local self <const> = setmetatable({ field = field, near = o.near, far = o.far, rays = o.rays,
    samples = o.samples, fine = o.fine, candidates = o.candidates, seed = o.seed, step = 0,
    seconds = 0, height = o.views.images:size(2), width = o.views.images:size(3),
    focal = o.views.focal, background = o.background and core.tensor(o.background) or nil,
    occupancy = hashed and Occupancy { bound = field.bound } or nil,
    all = all_rays(o.views) }, Scene)
  self.adam = require("mlp.optim").Adam(field:parameters(), hashed
    and { lr = o.lr or 1e-2, betas = { 0.9, 0.99 }, eps = 1e-15 } or { lr = o.lr or 5e-4 })
  self.update = update_of(self)
  if o.checkpoint then
    local taken <const>, message <const> = take_up(self, o.checkpoint)
    if taken == nil then return nil, message end
  end
  return self:train { steps = o.steps, seconds = o.seconds, progress = o.progress,
    checkpoint = o.checkpoint }
end

return fitting
