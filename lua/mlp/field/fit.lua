--- Fitting: steps of Adam on random points of a signal. The points of a step are a function of the
--- seed and the step's number, so a fit that was interrupted goes on as if it had not been.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local checkpoint <const> = require "mlp.field.checkpoint"
local compile <const> = require("mlp.compile").compile
local Field <const> = require "mlp.field.object"
local Module <const> = require "mlp.nn.module"
local networks <const> = require "mlp.field.network"
local run <const> = require "mlp.field.run"
local signals <const> = require "mlp.field.signal"

local fitting = {}

local CALL <const> = "field.fit"
local INTERVAL <const> = 20 -- steps between two looks at the loss
local FINAL <const> = 0.01 -- of the learning rate, at the end of the half cosine

---@class mlp.FieldOptions
---@field signal any a picture (H, W, C), a sound (N), a signal, or the name of a .png or .wav file
---@field network string|mlp.nn.Module|nil by name (see field.network) or a module (N, D) -> (N, C);
---  default: "hash_grid" for pictures and shapes, "siren" for sounds
---@field steps integer? updates; default 1000 when no seconds are given
---@field seconds number? the fit ends at whichever limit comes first
---@field batch integer|"all"|nil points of a step; default 16384, or all there are
---@field lr number? default: what suits the network
---@field optimizer table? options of Adam, instead of those that suit the network
---@field decay boolean? the rate falls along half a cosine to 1 % (default true)
---@field loss (fun(prediction: mlp.Tensor, target: mlp.Tensor, points: mlp.Tensor,
---  model: mlp.nn.Module): mlp.Tensor)? default: mean squared error; of distances, mean absolute
---  error. Derivatives by the points: field.gradient, laplacian, eikonal
---@field seed integer? of weights and points; default 1
---@field progress boolean|fun(event: {step: integer, seconds: number, loss: number}): "stop"?|nil
---  a function is told every 20 steps; "stop" from it ends the fit
---@field checkpoint string? a file: written when the fit ends or breaks off, and taken up when it
---  is there already

-- ---- one step -----------------------------------------------------------------------------------

--- Records itself at the first call and is replayed then; it reads no value.
local function step_of(model, optimizer, loss_of)
  return compile(function(points, values)
    local loss <const> = loss_of(model(points), values, points, model)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
    return loss
  end, { batch = { 1, 2 }, rehearse = true }) -- so that all steps are replays, to the bit
end

--- The points of step number `step`.
local function batch_of(self)
  local signal <const>, n <const> = self.signal, #self.signal.points
  if self.batch >= n then return signal.points, signal.values end
  local rows <const> = core.randint(1, n, { self.batch }, { generator = run.generator(self) })
  return signal.points:index_select(1, rows), signal.values:index_select(1, rows)
end

local function one_step(self) return self.update(batch_of(self)) end

-- ---- the run ------------------------------------------------------------------------------------

local function save(self, path) return checkpoint.save(path, self) end

--- Goes on fitting; with a checkpoint up to so many steps or seconds in all, else so many more.
--- What interrupts it is raised again, after the checkpoint was written.
---@param options {steps: integer?, seconds: number?, progress: boolean|function|nil,
---  checkpoint: string?}?
---@return mlp.Field self
function Field:train(options)
  if not self.update then
    errors.raise "field:train: a field from a file is not trained further"
  end
  return run.go(self, { call = CALL, train = "field:train", interval = INTERVAL,
    final = self.decay and FINAL or nil, step = one_step, save = save }, options)
end

local function model_of(o, signal)
  if Module.is(o.network) then return o.network, { lr = o.lr or 1e-3 } end
  local name <const> = o.network or networks.default[signal.kind]
  return networks.network(name, signal.points:size(2), signal.values:size(2),
    { kind = signal.kind, seed = o.seed })
end

local function adam_of(model, suited, o)
  local options <const> = {}
  for name, value in pairs(o.optimizer or suited) do options[name] = value end
  options.lr = o.lr or options.lr
  return require("mlp.optim").Adam(model:parameters(), options)
end

local function loss_for(signal, given)
  if given then return given end
  local losses <const> = require "mlp.loss"
  local usual <const> = signal.kind == "distances" and losses.l1 or losses.mse
  return function(prediction, target) return usual(prediction, target) end
end

--- Fits a network to a signal.
---@param spec mlp.FieldOptions
---@return mlp.Field? field
---@return string? message when a file cannot be read
function fitting.fit(spec)
  local o <const> = errors.options(CALL, spec, { signal = errors.NONE, network = errors.NONE,
    steps = errors.NONE, seconds = errors.NONE, batch = 1 << 14, lr = errors.NONE,
    optimizer = errors.NONE, decay = true, loss = errors.NONE, seed = 1, progress = errors.NONE,
    checkpoint = errors.NONE })
  run.want_budget(CALL, o.steps, o.seconds)
  local signal <const>, message = signals.of(o.signal)
  if not signal then return nil, message end
  if o.batch ~= "all" and (math.type(o.batch) ~= "integer" or o.batch < 1) then
    errors.wanted(CALL, "batch", o.batch, 'a whole number from 1, or "all"')
  end
  local model <const>, suited <const> = model_of(o, signal)
  local adam <const> = adam_of(model, suited, o)
  local self <const> = setmetatable({ model = model, kind = signal.kind, signal = signal,
    shape = signal.shape, rate = signal.rate, step = 0, seconds = 0, seed = o.seed,
    batch = o.batch == "all" and math.huge or o.batch, decay = o.decay, adam = adam,
    update = step_of(model, adam, loss_for(signal, o.loss)) }, Field)
  if o.checkpoint then
    local taken
    taken, message = checkpoint.take_up(CALL, o.checkpoint, self)
    if taken == nil then return nil, message end
  end
  return self:train { steps = o.steps, seconds = o.seconds, progress = o.progress,
    checkpoint = o.checkpoint }
end

--- Reads a field that field:save wrote: to look at, not to train further.
---@param path string
---@return mlp.Field? field
---@return string? message
function fitting.load(path)
  local _, metadata <const> = require("mlp.io").safetensors.load(path)
  if type(metadata) ~= "table" then return nil, metadata end
  local about <const> = require("dkjson").decode(metadata["mlp.field"] or "null")
  if type(about) ~= "table" then
    return nil, ("field.load: '%s' holds a network, but no field"):format(path)
  end
  local model <const>, message <const> = require("mlp.nn.state").rebuild(path)
  if not model then return nil, message end
  return setmetatable({ model = model, kind = about.kind, shape = about.shape, rate = about.rate,
    step = about.step, seconds = about.seconds }, Field)
end

return fitting
