--- Fitting: steps of Adam on random points of a signal. The points of a step are a function of the
--- seed and the step's number, so a fit that was interrupted goes on as if it had not been.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local checkpoint <const> = require "mlp.field.checkpoint"
local compile <const> = require("mlp.compile").compile
local Field <const> = require "mlp.field.object"
local Module <const> = require "mlp.nn.module"
local networks <const> = require "mlp.field.network"
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
---@field loss (fun(prediction: mlp.Tensor, target: mlp.Tensor): mlp.Tensor)? default: mean squared
---  error; of distances, mean absolute error
---@field seed integer? of weights and points; default 1
---@field progress boolean|fun(event: {step: integer, seconds: number, loss: number}): "stop"?|nil
---  a function is told every 20 steps; "stop" from it ends the fit
---@field checkpoint string? a file: written when the fit ends or breaks off, and taken up when it
---  is there already

-- ---- one step -----------------------------------------------------------------------------------

--- Records itself at the first call and is replayed then; it reads no value.
local function step_of(model, optimizer, loss_of)
  return compile(function(points, values)
    local loss <const> = loss_of(model(points), values)
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
  local generator <const> = core.generator(self.seed * 1000003 + self.step)
  local rows <const> = core.randint(1, n, { self.batch }, { generator = generator })
  return signal.points:index_select(1, rows), signal.values:index_select(1, rows)
end

-- ---- telling how it goes ------------------------------------------------------------------------

--- A function of events from what users give as `progress`.
---@param setting boolean|function|nil
---@return fun(event: {step: integer, seconds: number, loss: number}): "stop"?
---@package
function fitting.teller(setting)
  if type(setting) == "function" then return setting end
  if not setting or not io then return function() end end
  return function(event)
    io.stderr:write(("\r%d steps, %.1f s, loss %.3g   "):format(event.step, event.seconds,
      event.loss))
  end
end

-- ---- the run ------------------------------------------------------------------------------------

--- How much of the run is done, 0..1.
local function fraction_done(self, run)
  local by_steps <const> = run.last and (self.step - run.first) / (run.last - run.first) or 0
  local by_time <const> = run.limit and (self.seconds - run.begun) / (run.limit - run.begun) or 0
  return math.min(math.max(by_steps, by_time), 1)
end

--- Tells how it goes; true when the listener has heard enough.
local function look(self, loss, tell)
  local value <const> = loss:item()
  if value - value ~= 0 then
    errors.raise("%s: the loss is %s after step %d; a lower learning rate (lr) may help", CALL,
      tostring(value):gsub("^-?nan$", "NaN"), self.step)
  end
  return tell { step = self.step, seconds = self.seconds, loss = value } == "stop"
end

local function run_steps(self, run, tell)
  while fraction_done(self, run) < 1 do
    local started <const> = core.now()
    if self.decay then
      local done <const> = fraction_done(self, run)
      self.adam.factor = FINAL + (1 - FINAL) * (1 + math.cos(math.pi * done)) / 2
    end
    local loss <const> = self.update(batch_of(self))
    self.step = self.step + 1
    self.seconds = self.seconds + core.now() - started
    if (self.step % INTERVAL == 0 or fraction_done(self, run) >= 1) and look(self, loss, tell) then
      return
    end
  end
end

--- Raises unless steps and seconds, where given, bound a fit.
---@param call string
---@param steps any
---@param seconds any
---@package
function fitting.want_budget(call, steps, seconds)
  if steps ~= nil and (math.type(steps) ~= "integer" or steps < 1) then
    errors.wanted(call, "steps", steps, "a whole number from 1")
  elseif seconds ~= nil and not (type(seconds) == "number" and seconds > 0) then
    errors.wanted(call, "seconds", seconds, "a positive number")
  end
end

--- Goes on fitting. What interrupts it is raised again, after the checkpoint was written.
---@param options {steps: integer?, seconds: number?, progress: boolean|function|nil,
---  checkpoint: string?}?
---@return mlp.Field self
function Field:train(options)
  local o <const> = errors.options("field:train", options, { steps = errors.NONE,
    seconds = errors.NONE, progress = errors.NONE, checkpoint = errors.NONE })
  if not self.update then
    errors.raise "field:train: a field from a file is not trained further"
  end
  fitting.want_budget(CALL, o.steps, o.seconds)
  local steps <const> = o.steps or not o.seconds and 1000 or nil
  local run <const> = { first = 0, last = steps, begun = 0, limit = o.seconds }
  if not o.checkpoint then
    run.first, run.begun = self.step, self.seconds
    run.last, run.limit = steps and self.step + steps, o.seconds and self.seconds + o.seconds
  end
  local ok <const>, why = pcall(run_steps, self, run, fitting.teller(o.progress))
  self.step = checkpoint.count(self.adam)
  if o.checkpoint then
    local done <const>, message <const> = checkpoint.save(o.checkpoint, self)
    if not done then errors.raise("%s: the checkpoint was not written: %s", CALL, message) end
  end
  if not ok then error(why, 0) end
  return self
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
  local losses <const> = require "mlp.loss"
  return given or signal.kind == "distances" and losses.l1 or losses.mse
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
  fitting.want_budget(CALL, o.steps, o.seconds)
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
