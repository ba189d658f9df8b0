--- One call of fit. A run stands at a place: a record of how far it has come (epoch, batch, step,
--- sums, random stream, order of the data, early stopping). A step first prepares the next place,
--- then updates the weights, then moves there; the update of weights is one operation. Compiled,
--- all of a step is one, and the place follows from what it returned, which can be asked for again.
--- So whenever a run is interrupted, the place can be brought into agreement with the weights, and
--- the checkpoint that is written then is as good as any other.
---
--- A run is a value to close: `<close>` saves the checkpoint when there was an error, and puts the
--- best weights and the modes back, however training ends.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local batches <const> = require "mlp.trainer.batch"
local checkpoint <const> = require "mlp.trainer.checkpoint"
local early_stop <const> = require "mlp.trainer.early_stop"
local History <const> = require "mlp.trainer.history"
local modes <const> = require "mlp.trainer.modes"
local progress <const> = require "mlp.trainer.progress"
local Tally <const> = require "mlp.trainer.tally"

---@class mlp.trainer.Place
---@field epoch integer the epoch under way, or the last one when batch is nil
---@field batch integer? batches of it that are done; nil: between two epochs
---@field first integer steps of the trainer before the run
---@field step integer steps of the trainer
---@field epochs integer entries of the history that are final
---@field tally mlp.trainer.Tally of the epoch so far
---@field seconds number that the epoch took so far
---@field seed integer of the default random stream
---@field serial integer of the default random stream
---@field data mlp.data.LoaderState
---@field early mlp.trainer.EarlyState?

---@class mlp.trainer.Run
---@field trainer mlp.Trainer
---@field at mlp.trainer.Place
---@field history mlp.trainer.History
local Run = { __name = "mlp.trainer.Run" }
Run.__index = Run

-- ---- places -------------------------------------------------------------------------------------

local function moved(at, changes)
  local place <const> = {}
  for key, value in pairs(at) do place[key] = value end
  for key, value in pairs(changes) do place[key] = value end
  return place
end

local function note_stream(at) at.seed, at.serial = core.random_state() end

local function seconds_so_far(self) return self.seconds + core.now() - self.started end

--- Where the run stands after this batch.
local function place_after(self, value, rows, prediction, target)
  local at <const> = self.at
  local seed <const>, serial <const> = core.random_state()
  return {
    epoch = at.epoch, batch = at.batch + 1, first = at.first, step = at.step + 1,
    epochs = at.epochs, tally = at.tally:plus(value, rows, prediction, target), data = at.data,
    seconds = seconds_so_far(self), seed = seed, serial = serial, early = at.early,
  }
end

--- The place after a step that is done, though nobody was told of it; without its part in the sums
--- when it cannot be measured, which is then what the run broke off for.
local function place_found(self)
  local found <const> = table.pack(pcall(function()
    return place_after(self, self.trainer:last_step(self.batch))
  end))
  if found[1] then return found[2] end
  local place <const> = moved(self.at, { batch = self.at.batch + 1, step = self.at.step + 1 })
  note_stream(place)
  return place
end

--- Brings place and weights into agreement after an interruption: an update that has begun is
--- completed and counted; one that has not begun never was. What callbacks drew stays drawn: they
--- are not called again.
local function agree(self)
  local after <const>, at <const> = self.after, self.at
  if self.calling then
    note_stream(at)
  elseif self.from == at and self.trainer.optimizer:complete(self.updates + 1) then
    self.at = after and after.step > at.step and after or place_found(self)
  end
  self.trainer.steps = self.at.step
  core.set_random_state(nil, self.at.seed, self.at.serial)
end

-- ---- checkpoints and callbacks ------------------------------------------------------------------

local function save_here(self)
  if not self.path or self.saved == self.at then return end
  local ok <const>, message <const> =
    checkpoint.save(self.path, self.trainer, self.at, self.history)
  if not ok then errors.raise("Trainer:fit: the checkpoint was not written: %s", message) end
  self.saved = self.at
end

local function call_back(self, list, event)
  if #list == 0 then return end
  self.calling = true
  for _, fn in ipairs(list) do
    if fn(event, self.trainer) == "stop" then self.stopped = true end
  end
  note_stream(self.at)
  self.calling = false
end

-- ---- one step -----------------------------------------------------------------------------------

local function step_event(self, value)
  local at <const> = self.at
  return {
    epoch = at.epoch, batch = at.batch, batches = self.batches, step = at.step, loss = value,
    mean_loss = at.tally.loss / at.tally.rows, lr = self.trainer:effective_lr(),
  }
end

--- The row of the data that row `row` of the present batch is; nil where the source has no order.
local function row_of(self)
  local loader <const>, batch <const> = self.loader, self.at.batch + 1
  if not loader.row_of then return nil end
  return function(row) return loader:row_of(batch, row) end
end

local function one_step(self, batch)
  local trainer <const>, at <const> = self.trainer, self.at
  note_stream(at)
  self.updates, self.batch = trainer.optimizer:count(), batch
  self.from = at
  local value <const> = trainer:update(batch, self)
  self.at = self.after
  trainer.steps = self.at.step
  if #self.on_step_end > 0 then call_back(self, self.on_step_end, step_event(self, value)) end
  if self.progress:is_due() then self.progress:step(step_event(self, value)) end
  if self.every and self.at.step % self.every == 0 then save_here(self) end
end

--- Prepares the next place; the trainer calls it when it knows all that the step will have told.
---@param value number loss
---@param rows integer of the batch
---@param prediction any? where there are metrics
---@param target any?
function Run:prepare(value, rows, prediction, target)
  self.after = place_after(self, value, rows, prediction, target)
end

--- Where a bad number was found, for the report.
---@return string, fun(row: integer): integer?
function Run:where()
  local at <const> = self.at
  self.diverged = true
  return ("at step %d (epoch %d, batch %d)"):format(at.step + 1, at.epoch, at.batch + 1),
    row_of(self)
end

-- ---- one epoch ----------------------------------------------------------------------------------

local function limit_reached(self) return self.last_step and self.at.step >= self.last_step end

local function begin_epoch(self)
  local iterator <const> = batches.iterator(self.loader, self.trainer:why_eager() == nil)
  if self.at.batch == nil then
    self.seconds = 0
    local place <const> = moved(self.at, {
      epoch = self.at.epoch + 1, batch = 0, tally = Tally.new(self.trainer.metrics), seconds = 0,
      data = self.loader:state(),
    })
    note_stream(place)
    self.at = place
  else
    self.seconds = self.at.seconds
  end
  self.started = core.now()
  return iterator
end

--- All steps of an epoch; true when the data came to their end.
local function run_steps(self, iterator)
  while not self.stopped and not limit_reached(self) do
    local batch <const> = iterator()
    if not batch then return true end
    one_step(self, batch)
  end
  return self.batches ~= nil and self.at.batch >= self.batches
end

local function entry_of(self, whole)
  local at <const>, trainer <const> = self.at, self.trainer
  local entry <const> = {
    epoch = at.epoch, step = at.step, train = at.tally:result(), lr = trainer:effective_lr(),
    partial = not whole or nil,
  }
  if self.validation then entry.validation = trainer:evaluate(self.validation) end
  entry.seconds = seconds_so_far(self)
  return entry
end

local function end_epoch(self, whole)
  local at <const> = self.at
  if at.tally.rows == 0 then
    errors.raise("Trainer:fit: the data gave no batch in epoch %d", at.epoch)
  end
  local entry <const> = entry_of(self, whole)
  local early <const> = self.early
    and early_stop.judge(self.early, self.best, entry, self.trainer.model)
  self.history[at.epochs + 1] = entry
  self.best, self.ended = early, not whole
  if whole then
    local place <const> = moved(at, { epochs = at.epochs + 1, early = early })
    place.batch = nil
    note_stream(place)
    place.data = self.loader:state()
    self.at = place
    if early and early_stop.is_over(self.early, early) then self.stopped = true end
  end
  self.progress:epoch(entry)
  call_back(self, self.on_epoch_end, entry)
  if whole and not self.every then save_here(self) end
end

--- A run that ends inside an epoch is saved there: taken up again, it knows of no end.
local function run_epoch(self)
  local iterator <const> = begin_epoch(self)
  self.trainer.model:train()
  local whole <const> = run_steps(self, iterator)
  if not whole then save_here(self) end
  end_epoch(self, whole)
end

local function is_done(self)
  local at <const> = self.at
  if self.stopped or self.ended then return true end
  if at.batch ~= nil then return false end -- taken up inside an epoch
  return limit_reached(self) or self.epochs ~= nil and at.epoch >= self.epochs
end

--- Trains until a limit, patience or a callback ends it.
---@return mlp.trainer.History
function Run:train()
  while not is_done(self) do run_epoch(self) end
  save_here(self)
  return self.history
end

-- ---- beginning and end --------------------------------------------------------------------------

local function start_place(trainer, loader)
  local place <const> = {
    epoch = 0, first = trainer.steps, step = trainer.steps, epochs = 0, seconds = 0,
    tally = Tally.new(trainer.metrics), data = loader:state(),
  }
  note_stream(place)
  return place
end

--- Goes on where a checkpoint was written.
local function take_up(self, resumed)
  self.at, self.history = resumed.at, History.new(resumed.history)
  local ok <const>, message <const> = self.loader:restore(self.at.data, self.at.batch)
  if not ok then errors.raise("Trainer:fit: cannot resume: %s", message) end
  core.set_random_state(nil, self.at.seed, self.at.serial)
end

---@class mlp.trainer.RunOptions
---@field loader mlp.data.Loader
---@field validation mlp.data.Loader?
---@field epochs integer?
---@field steps integer? of this run, before and after resuming
---@field early mlp.trainer.EarlyStop?
---@field path string?
---@field every integer?
---@field on_step_end function[]
---@field on_epoch_end function[]

--- A run that has not begun.
---@param trainer mlp.Trainer
---@param o mlp.trainer.RunOptions
---@param resumed mlp.trainer.Resumed?
---@return mlp.trainer.Run
function Run.new(trainer, o, resumed)
  local self <const> = setmetatable({
    trainer = trainer, loader = o.loader, validation = o.validation, epochs = o.epochs,
    early = o.early, path = o.path, every = o.every, on_step_end = o.on_step_end,
    on_epoch_end = o.on_epoch_end, at = start_place(trainer, o.loader), history = History.new(),
    batches = o.loader:count(), seconds = 0, started = core.now(),
    progress = progress.new(trainer.progress, o.epochs), modes = modes.keep(trainer.model),
  }, Run)
  if resumed then take_up(self, resumed) end
  self.last_step = o.steps and self.at.first + o.steps
  self.best = self.early and (self.at.early or early_stop.start())
  self.at.early = self.best
  self.stopped = self.early ~= nil and early_stop.is_over(self.early, self.best)
  return self
end

--- The collector first: an interruption that came right after a no_grad scope was opened, before
--- its variable had it, left it to the collector to close.
local function rescue(self)
  collectgarbage()
  agree(self)
  if not self.diverged then save_here(self) end
end

--- Closing: `raised` is the error that ended the run, nil when it ended by itself.
function Run:__close(raised)
  local ok, message = true, nil
  if raised ~= nil then ok, message = pcall(rescue, self) end
  if self.best then early_stop.restore(self.best, self.trainer.model) end
  for module, training in pairs(self.modes) do module.training = training end
  self.progress:close()
  if not ok then warn(("mlp: %s"):format(message)) end
end

return Run
