--- Training with everything around it: epochs, validation, metrics, early stopping, checkpoints,
--- progress. What a step does is the loop that one would write by hand: zero_grad, model, loss,
--- backward, clip, optimizer step. It stands here twice: whole_step() is what is compiled, with its
--- tests and its clipping in tensors; learn() is the loop in Lua, for what cannot be compiled, and
--- to find out where a bad number came from.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local accumulate <const> = require "mlp.trainer.accumulate"
local batches <const> = require "mlp.trainer.batch"
local checkpoint <const> = require "mlp.trainer.checkpoint"
local Compiled <const> = require "mlp.trainer.compiled"
local clip <const> = require "mlp.optim.clip"
local early_stop <const> = require "mlp.trainer.early_stop"
local loader_of <const> = require "mlp.data.loader"
local losses <const> = require "mlp.loss"
local metric <const> = require "mlp.metric"
local modes <const> = require "mlp.trainer.modes"
local Module <const> = require "mlp.nn.module"
local Noise <const> = require "mlp.trainer.noise"
local optim <const> = require "mlp.optim"
local progress <const> = require "mlp.trainer.progress"
local report <const> = require "mlp.trainer.report"
local scheduled <const> = require "mlp.trainer.scheduled"
local Run <const> = require "mlp.trainer.run"
local Tally <const> = require "mlp.trainer.tally"
local WeightedLoss <const> = require "mlp.trainer.class_weight"

local EVALUATION_BATCH <const> = 256 -- rows at once where no gradient is kept

---@class mlp.Trainer
---@field model mlp.nn.Module
---@field optimizer mlp.optim.Optimizer
---@field steps integer updates so far; a schedule reads it
local Trainer = { __name = "mlp.Trainer" }
Trainer.__index = Trainer

-- ---- construction -------------------------------------------------------------------------------

--- Names of optimizers that step by gradients alone, in small letters.
local OPTIMIZERS <const> = {}
for name, class in pairs(optim) do
  local steps <const> = type(class) == "table" and class.slots and not class.wants_closure
  if steps then OPTIMIZERS[name:lower()] = name end
end

local function optimizer_of(o)
  local given <const> = o.optimizer
  if type(given) == "table" and type(given.zero_grad) == "function" and given.groups then
    if given.wants_closure then
      errors.raise("Trainer: %s computes the loss of all data many times in a step; call its "
        .. "step(closure) yourself", given.class_name)
    elseif o.lr then
      errors.raise("Trainer: lr goes with the name of an optimizer; this one has its own (opt.lr)")
    end
    return given
  end
  local name <const> = type(given) == "string" and OPTIMIZERS[given:lower()]
  if name then return optim[name](o.model:parameters(), { lr = o.lr }) end
  local guess <const> = type(given) == "string" and errors.guess(given, OPTIMIZERS)
  if guess then
    errors.raise("Trainer: unknown optimizer '%s' (did you mean '%s'?)", given, guess)
  end
  errors.wanted("Trainer", "optimizer", given, '"adamw", "adam", "sgd", another name of mlp.optim, '
    .. "or an optimizer")
end

local function is_callable(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function loss_of(given)
  if is_callable(given) then return given end
  if type(given) == "string" and losses[given] then return losses[given] end
  local guess <const> = type(given) == "string" and errors.guess(given, losses)
  if guess then errors.raise("Trainer: unknown loss '%s' (did you mean '%s'?)", given, guess) end
  errors.wanted("Trainer", "loss", given, "a function (prediction, target), such as mlp.loss.mse,")
end

local function metrics_of(given)
  if type(given) ~= "table" then
    errors.wanted("Trainer", "metrics", given, "a table {name = metric}")
  end
  local list <const> = {}
  for name, value in pairs(given) do
    if type(name) ~= "string" or name == "loss" then
      errors.wanted("Trainer", "the name of a metric", name, "a string other than 'loss'")
    end
    list[#list + 1] = { name = name, metric = metric.of(name, value) }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function check(o)
  if not Module.is(o.model) then errors.wanted("Trainer", "model", o.model, "a module") end
  local bound <const> = o.clip_norm
  if bound ~= nil and (type(bound) ~= "number" or bound ~= bound or bound <= 0) then
    errors.wanted("Trainer", "clip_norm", bound, "a positive number")
  end
  if o.forward ~= nil and not is_callable(o.forward) then
    errors.wanted("Trainer", "forward", o.forward, "a function (model, batch)")
  end
  accumulate.check(o.accumulate)
  if o.compile ~= nil and type(o.compile) ~= "boolean" then
    errors.wanted("Trainer", "compile", o.compile, "true or false")
  end
  progress.check(o.progress)
end

---@class mlp.TrainerOptions
---@field model mlp.nn.Module
---@field loss (fun(prediction: any, target: any): mlp.Tensor)|string a function, or its name in
---  mlp.loss
---@field optimizer mlp.optim.Optimizer|string|nil an optimizer, or the name of one; default "adamw"
---@field lr number? of an optimizer given by name; default: its own
---@field schedule mlp.Schedule|table<string|integer, mlp.Schedule>|nil multiplies the learning
---  rate, step by step; several of them: {lr = ..., momentum = ...} for options of the optimizer by
---  name, {first, second} for the learning rates of its groups
---@field clip_norm number? bound of the norm of all gradients together
---@field accumulate integer? parts in which every batch goes through the model, to hold less at
---  once; the loss must be a mean over rows (1)
---@field gradient_noise number|{eta: number, gamma: number?}|nil normal noise on the gradients,
---  after clipping, of variance eta / (1 + steps)^gamma (Neelakantan et al. 2015); gamma: 0.55
---@field class_weight mlp.Tensor|number[]|"balanced"|nil (classes) weights of the classes in the
---  loss, which takes them as its option `weight`; "balanced": by how rare they are in fit's data
---@field metrics table<string, mlp.Metric|function>? measured while training and after each epoch
---@field progress boolean|fun(event: table)|nil default: on in a script, off in a host
---@field forward (fun(model: mlp.nn.Module, batch: mlp.Tensor[]): any, any)? prediction and target
---  of a batch; default: the model takes all tensors of the batch but the last, which is the target
---@field compile boolean? default: steps, evaluate and predict are compiled (mlp.compile) where
---  that can be done, and trainer:why_eager() tells why where it cannot; true: then it is an error;
---  false: the loop runs in Lua. Compiled, what `model` and `loss` draw from math.random or read
---  from global variables is what it was at the first batch

--- Makes a trainer: mlp.Trainer{model = model, loss = mlp.loss.cross_entropy, lr = 1e-3}.
---@param spec mlp.TrainerOptions
---@return mlp.Trainer
local function new(spec)
  if type(spec) ~= "table" then
    errors.wanted("Trainer", "the argument", spec, "a table: Trainer{model = ..., loss = ...}")
  end
  local o <const> = errors.options("Trainer", spec, {
    model = errors.NONE, loss = errors.NONE, optimizer = "adamw", lr = errors.NONE,
    schedule = errors.NONE, clip_norm = errors.NONE, metrics = {}, progress = errors.NONE,
    forward = errors.NONE, accumulate = errors.NONE, gradient_noise = errors.NONE,
    class_weight = errors.NONE, compile = errors.NONE,
  })
  check(o)
  local loss <const>, optimizer <const> = loss_of(o.loss), optimizer_of(o)
  scheduled.check(o.schedule, optimizer)
  local trainer <const> = setmetatable({
    model = o.model, loss = o.class_weight ~= nil and WeightedLoss.of(loss, o.class_weight) or loss,
    optimizer = optimizer, schedule = o.schedule, clip_norm = o.clip_norm,
    metrics = metrics_of(o.metrics), progress = o.progress, forward = o.forward,
    accumulate = o.accumulate, steps = 0,
    noise = o.gradient_noise ~= nil and Noise.of(o.gradient_noise) or nil,
  }, Trainer)
  trainer.compiled = Compiled.of(trainer, o.compile)
  return trainer
end

-- ---- one step -----------------------------------------------------------------------------------

local function predict(self, batch)
  if self.forward then return self.forward(self.model, batch) end
  local n <const> = #batch
  if n == 2 then return self.model(batch[1]), batch[2] end
  if n < 2 then
    errors.raise("Trainer: the batch has %d tensor%s but an input and a target are wanted; "
      .. "`forward` tells what else to do", n, n == 1 and "" or "s")
  end
  return self.model(table.unpack(batch, 1, n - 1)), batch[n]
end

local function is_finite(value) return value - value == 0 end

--- Is it the test in whole_step() that failed?
local function is_refused(message)
  return type(message) == "string" and message:find("want_finite: ", 1, true) ~= nil
end

local function detached(value)
  if core.is_tensor(value) then return value:detach() end
  if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
  local copy <const> = {}
  for key, item in pairs(value) do copy[key] = detached(item) end
  return copy
end

--- Raises the report on a loss that is not finite.
local function refuse_loss(self, batch, value, stream, run)
  local where, row_of = ("at step %d"):format(self.steps + 1), nil
  if run then where, row_of = run:where() end
  local seed <const>, serial <const> = core.random_state()
  core.set_random_state(nil, stream[1], stream[2])
  local cause <const> =
    report.of_loss(self.model, batch, function() predict(self, batch) end, row_of)
  core.set_random_state(nil, seed, serial)
  errors.raise("Trainer: the loss is %s %s: %s; nothing was updated, the last good weights stay",
    tostring(value):gsub("^-?nan$", "NaN"), where, cause)
end

local function refuse_gradient(self, norm, run)
  local where <const> = run and run:where() or ("at step %d"):format(self.steps + 1)
  errors.raise("Trainer: the norm of the gradient is %s %s: %s; nothing was updated, the last good "
    .. "weights stay", tostring(norm):gsub("^-?nan$", "NaN"), where,
    report.of_gradient(self.model))
end

--- Prediction, target and loss of a batch.
local function loss_for(self, batch)
  local prediction <const>, target <const> = predict(self, batch)
  local loss <const> = self.loss(prediction, target)
  if not core.is_tensor(loss) or loss:numel() ~= 1 then
    errors.wanted("Trainer", "the loss", loss, "a tensor of one element (a mean or a sum)")
  end
  return loss, prediction, target
end

--- Forward, loss and backward of a batch, or of a part of one whose loss counts `share`.
local function backward(self, batch, share, refuse)
  local loss <const>, prediction <const>, target <const> = loss_for(self, batch)
  local value <const> = loss:item()
  if not is_finite(value) then refuse(value) end
  local counted <const> = share == 1 and loss or loss * share
  counted:backward()
  return value, prediction, target
end

local function backward_of(self, batch, stream, run)
  local function refuse(value) refuse_loss(self, batch, value, stream, run) end
  if (self.accumulate or 1) == 1 then return backward(self, batch, 1, refuse) end
  return accumulate.run(batch, self.accumulate, function(part, share)
    return backward(self, part, share, refuse)
  end)
end

--- The gradients that the optimizer finds.
local function ready_for(self)
  local ready <const> = self.optimizer:ready()
  if #ready.gradients == 0 then
    errors.raise("Trainer: no parameter of the optimizer got a gradient; it must be made from the "
      .. "model that is trained, after model:to(dtype), which makes new parameters")
  end
  return ready
end

--- Forward, loss and backward of a batch, all that comes before the update.
---@param batch mlp.Tensor[]
---@param run mlp.trainer.Run? to tell where
---@return number loss, any prediction, any target, number scale, table ready what step() takes
function Trainer:learn(batch, run)
  local optimizer <const> = self.optimizer
  local stream <const> = { core.random_state() }
  optimizer:zero_grad()
  local value <const>, prediction <const>, target <const> = backward_of(self, batch, stream, run)
  local ready <const> = ready_for(self)
  local norm <const> = core.global_norm(ready.gradients):item()
  if not is_finite(norm) then refuse_gradient(self, norm, run) end
  if self.schedule then scheduled.apply(self.schedule, optimizer, self.steps + 1) end
  local scale <const> = self.clip_norm and clip.factor(norm, self.clip_norm) or 1
  if self.noise then self.noise:add(ready.gradients, self.steps, scale) end
  return value, prediction, target, scale, ready
end

--- What is told of a batch beside its loss: rows, and for metrics what they look at.
local function told(self, prediction, target)
  local rows <const> = Tally.rows_of(prediction)
  if #self.metrics == 0 then return rows end
  return rows, detached(prediction), detached(target)
end

--- All of a step, to be compiled: what stands behind want_finite does not happen when it fails.
local function whole_step(self, batch)
  local optimizer <const> = self.optimizer
  optimizer:zero_grad()
  local loss <const>, prediction <const>, target <const> = loss_for(self, batch)
  loss:backward()
  local ready <const> = ready_for(self)
  local norm <const>, value <const> = core.global_norm(ready.gradients), loss:detach()
  core.want_finite { value, norm }
  self.told = table.pack(value, told(self, prediction, target)) -- for who is interrupted from here
  optimizer:step(self.clip_norm and clip.factor_of(norm, self.clip_norm) or 1, ready)
  return table.unpack(self.told, 1, self.told.n)
end

--- The failed step again, in Lua, to find out where the number came from.
local function refuse_step(self, batch, stream, message, run)
  core.set_random_state(nil, stream[1], stream[2])
  self:learn(batches.rows(batch), run)
  error(message, 0)
end

local function step_compiled(self, compiled, batch, run)
  local optimizer <const>, stream <const> = self.optimizer, { core.random_state() }
  self.told = nil
  if self.schedule then scheduled.apply(self.schedule, optimizer, self.steps + 1) end
  local got <const> = table.pack(pcall(compiled, batches.arguments(batch)))
  if not got[1] then
    if self.schedule and self.steps > 0 then
      scheduled.apply(self.schedule, optimizer, self.steps) -- what the last step used
    end
    if is_refused(got[2]) then refuse_step(self, batch, stream, got[2], run) end
    error(got[2], 0)
  end
  return got[2]:item(), table.unpack(got, 3, got.n)
end

--- What the step that was made last told, of this batch.
---@param batch mlp.Tensor[]|mlp.trainer.Selection
---@return number loss, integer rows, any prediction, any target
function Trainer:last_step(batch)
  local got = table.pack(self.compiled:last("step", batch))
  if got.n == 0 then got = self.told end
  return got[1]:item(), table.unpack(got, 2, got.n)
end

--- One update by a batch, compiled where that can be done.
---@param batch mlp.Tensor[]|mlp.trainer.Selection
---@param run mlp.trainer.Run? to tell where, and what the step tells
---@return number loss before the update
function Trainer:update(batch, run)
  local compiled <const> = self.compiled:find("step", whole_step, batch)
  if compiled then
    local value <const>, rows <const>, prediction <const>, target <const> =
      step_compiled(self, compiled, batch, run)
    if run then run:prepare(value, rows, prediction, target) end
    return value
  end
  local value <const>, prediction <const>, target <const>, scale <const>, ready <const> =
    self:learn(batches.rows(batch), run)
  if run then run:prepare(value, told(self, prediction, target)) end
  self.optimizer:step(scale, ready)
  return value
end

--- Why steps run eagerly; nil where they are compiled, or will be when there is a batch.
---@return string?
function Trainer:why_eager() return self.compiled.why end

--- Every step of every plan that was compiled so far, as mlp.compile's dump() has it.
---@return string
function Trainer:dump() return self.compiled:dump() end

--- The learning rate that the last step used, or the next one will when there was none.
---@return number
function Trainer:effective_lr() return self.optimizer:rate() end

local function want_batch(call, batch)
  if type(batch) ~= "table" or core.is_tensor(batch) then
    errors.wanted(call, "the batch", batch, "a table of tensors: {x, y}")
  end
  if #batch == 0 then errors.raise("%s: the batch is empty", call) end
end

--- One update by one batch, in training mode; for loops of one's own.
---@param batch mlp.Tensor[] {input, target}
---@return number loss before the update
function Trainer:step(batch)
  want_batch("Trainer:step", batch)
  local _ <close> = not self.model.training and modes.keep(self.model) or nil
  if not self.model.training then self.model:train() end
  local value <const> = self:update(batch)
  self.steps = self.steps + 1
  return value
end

-- ---- fit ----------------------------------------------------------------------------------------

---@class mlp.FitOptions
---@field epochs integer? passes over the data
---@field steps integer? updates; the run ends at whichever limit comes first
---@field batch_size integer? default 32; a loader has its own, as the next four
---@field shuffle boolean? default true
---@field seed integer? of the order of the data
---@field generator mlp.Generator? of the order of the data
---@field drop_last boolean? leave a short last batch out
---@field validation any data to evaluate after every epoch
---@field early_stop mlp.trainer.EarlyStop|true|nil ends the run when the metric ("loss") of the
---  validation has not become better for `patience` (5) epochs; whichever way the run ends, the
---  best weights are put back
---@field checkpoint string? a file, written after every epoch and when the run ends or breaks off
---@field checkpoint_every integer? steps between two writings, instead of after every epoch
---@field callbacks (fun(entry: mlp.trainer.Epoch, trainer: mlp.Trainer): "stop"?)[]? functions
---  called after every epoch, or tables {on_step_end =, on_epoch_end =}

local LOADER_OPTIONS <const> = { "batch_size", "shuffle", "seed", "generator", "drop_last" }

local function is_loader(data) return type(data) == "table" and type(data.batches) == "function" end

local function training_loader(data, o)
  if is_loader(data) then
    for _, name in ipairs(LOADER_OPTIONS) do
      if o[name] ~= nil then errors.raise("Trainer:fit: the loader has its own %s", name) end
    end
    return data
  end
  if core.is_tensor(data) then
    errors.wanted("Trainer:fit", "data", data, "a data set, such as mlp.data.tensors(x, y),")
  end
  local options <const> = {}
  for _, name in ipairs(LOADER_OPTIONS) do options[name] = o[name] end
  if options.shuffle == nil and not is_callable(data) then options.shuffle = true end
  return loader_of(data, options)
end

local function evaluation_loader(data, batch_size)
  if is_loader(data) then return data end
  return loader_of(data, { batch_size = not is_callable(data) and (batch_size or EVALUATION_BATCH)
    or batch_size })
end

local EVENTS <const> = { on_step_end = errors.NONE, on_epoch_end = errors.NONE }

--- The events of an object, such as mlp.probe.statistics{...}, as plain functions.
local function bound(object)
  local functions <const> = {}
  for event in pairs(EVENTS) do
    if object[event] then
      functions[event] = function(...) return object[event](object, ...) end
    end
  end
  return functions
end

local function callbacks_of(given)
  local lists <const> = { on_step_end = {}, on_epoch_end = {} }
  if type(given) ~= "table" then
    errors.wanted("Trainer:fit", "callbacks", given, "a list of functions or tables")
  end
  for i, callback in ipairs(given) do
    if type(callback) == "function" then callback = { on_epoch_end = callback } end
    if type(callback) == "table" and getmetatable(callback) then callback = bound(callback) end
    local call <const> = ("Trainer:fit: callback %d"):format(i)
    for event, fn in pairs(errors.options(call, callback, EVENTS)) do
      if not is_callable(fn) then errors.wanted(call, event, fn, "a function") end
      table.insert(lists[event], fn)
    end
  end
  return lists
end

local function want_count(o, name)
  local value <const> = o[name]
  if value ~= nil and (math.type(value) ~= "integer" or value < 1) then
    errors.wanted("Trainer:fit", name, value, "a whole number from 1")
  end
end

local function run_options(self, data, o)
  for _, name in ipairs { "epochs", "steps", "checkpoint_every" } do want_count(o, name) end
  if not o.epochs and not o.steps then
    errors.raise("Trainer:fit: say how long: epochs = ... or steps = ...")
  end
  if o.checkpoint ~= nil and type(o.checkpoint) ~= "string" then
    errors.wanted("Trainer:fit", "checkpoint", o.checkpoint, "the name of a file")
  end
  if o.checkpoint_every and not o.checkpoint then
    errors.raise("Trainer:fit: checkpoint_every is given but checkpoint, the file, is not")
  end
  local callbacks <const> = callbacks_of(o.callbacks)
  return {
    loader = training_loader(data, o), epochs = o.epochs, steps = o.steps, path = o.checkpoint,
    every = o.checkpoint_every, on_step_end = callbacks.on_step_end,
    on_epoch_end = callbacks.on_epoch_end,
    validation = o.validation ~= nil and evaluation_loader(o.validation) or nil,
    early = o.early_stop and early_stop.options(o.early_stop, self.metrics) or nil,
  }
end

--- Trains on the data: a data set, a loader, a list of samples or an iterator.
---
--- Errors of callbacks and of the model are raised again as they are; Ctrl-C is one of them. A loss
--- or a gradient that is not finite ends the run before the update, with a report.
---@param data any
---@param options mlp.FitOptions
---@return mlp.trainer.History
function Trainer:fit(data, options)
  local o <const> = errors.options("Trainer:fit", options, {
    epochs = errors.NONE, steps = errors.NONE, batch_size = errors.NONE, shuffle = errors.NONE,
    seed = errors.NONE, generator = errors.NONE, drop_last = errors.NONE,
    validation = errors.NONE, early_stop = errors.NONE, checkpoint = errors.NONE,
    checkpoint_every = errors.NONE, callbacks = {},
  })
  local resumed <const> = self.resumed
  if type(self.loss) == "table" and self.loss.for_data then self.loss = self.loss:for_data(data) end
  local run <close> = Run.new(self, run_options(self, data, o), resumed)
  self.resumed = nil
  self.history = run.history
  return run:train()
end

--- Reads a checkpoint: the next fit, given the same data and options, goes on where it was written,
--- to the same bits on the same library and kernels. `epochs` and `steps` then count from the
--- beginning of the run.
---@param path string
---@return mlp.Trainer? self
---@return string? message why not; or, beside self, a warning that the bits may differ
function Trainer:resume(path)
  local resumed <const>, message <const> = checkpoint.load(path, self)
  if not resumed then return nil, message end
  self.resumed, self.steps = resumed, resumed.at.step
  return self, message
end

-- ---- without learning ---------------------------------------------------------------------------

local function loss_alone(self, batch)
  local loss <const>, prediction <const>, target <const> = loss_for(self, batch)
  return loss, told(self, prediction, target)
end

local function model_alone(self, batch) return (self.model(batch[1])) end

--- Some work on a batch without gradients.
local function without_gradients(self, name, work, batch)
  local compiled <const> = self.compiled:find(name, work, batch)
  if compiled then return compiled(batches.arguments(batch)) end
  return work(self, batches.rows(batch))
end

--- Mean loss and metrics over data, in evaluation mode.
---@param data any as for fit; a loader, or batches of `batch_size` rows (256)
---@param options {batch_size: integer?}?
---@return table<string, any> {loss = ..., accuracy = ...}
function Trainer:evaluate(data, options)
  local o <const> = errors.options("Trainer:evaluate", options, { batch_size = errors.NONE })
  local loader <const> = evaluation_loader(data, o.batch_size)
  local _ <close> = modes.keep(self.model)
  local _ <close> = core.no_grad_scope()
  self.model:eval()
  local tally = Tally.new(self.metrics)
  for batch in batches.iterator(loader, self:why_eager() == nil) do
    local loss <const>, rows <const>, prediction <const>, target <const> =
      without_gradients(self, "loss", loss_alone, batch)
    tally = tally:plus(loss:item(), rows, prediction, target)
  end
  if tally.rows == 0 then errors.raise("Trainer:evaluate: the data gave no batch") end
  return tally:result()
end

local function input_of(x)
  if type(x) == "table" and type(x.range) == "function" then return (x:range(1, #x)) end
  if type(x) == "table" and getmetatable(x) == nil then return core.tensor(x) end
  if core.is_tensor(x) and x.ndim > 0 then return x end
  errors.wanted("Trainer:predict", "the input", x, "a tensor of rows, a table or a data set")
end

--- What the model makes of the rows of x, in evaluation mode and without history.
---@param x mlp.Tensor|table|mlp.data.Tensors of a data set the first tensor
---@param options {batch_size: integer?}? rows at once (256)
---@return mlp.Tensor
function Trainer:predict(x, options)
  local o <const> = errors.options("Trainer:predict", options, { batch_size = EVALUATION_BATCH })
  if math.type(o.batch_size) ~= "integer" or o.batch_size < 1 then
    errors.wanted("Trainer:predict", "batch_size", o.batch_size, "a whole number from 1")
  end
  local input <const> = input_of(x)
  local _ <close> = modes.keep(self.model)
  local _ <close> = core.no_grad_scope()
  self.model:eval()
  local function output(rows) return without_gradients(self, "model", model_alone, { rows }) end
  if #input <= o.batch_size then return output(input) end
  local outputs <const> = {}
  for i, rows in ipairs(input:split(o.batch_size)) do outputs[i] = output(rows) end
  return core.cat(outputs, 1)
end

return setmetatable(Trainer, { __call = function(_, spec) return new(spec) end })
