--- Statistics of layers while a model trains, as a callback of Trainer:fit: norms of gradients and
--- weights, dead units, saturation. They are taken on a batch of your choice that stays the same,
--- in evaluation mode, so that they can be compared and training goes on to the same bits.
---
---     local statistics = mlp.probe.statistics(validation, {every = 10})
---     trainer:fit(train, {epochs = 5, callbacks = {statistics}})
---     statistics:figure():save "layers.svg"
---
--- An output is saturated where its activation is flat to a hundredth: relu at 0, tanh beyond 0.99;
--- a unit is dead where it is flat entirely on every row (mlp.probe.dead_units).

local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modes <const> = require "mlp.trainer.modes"
local watch <const> = require "mlp.probe.watch"

local CALL <const> = "probe.statistics"
local MARGIN <const> = 0.01 -- from a flat end, in which an output counts as saturated

---@class mlp.probe.LayerStatistics
---@field weight_norm number? of the layer's parameters together
---@field gradient_norm number?
---@field dead number? share of its units, where it has an activation
---@field saturation number? share of its outputs

---@class mlp.probe.Moment
---@field step integer
---@field layers table<string, mlp.probe.LayerStatistics> by path

--- A callback that keeps statistics: a list of moments; tostring is the table of the last one.
---@class mlp.probe.Statistics
---@field [integer] mlp.probe.Moment
---@field paths string[] of the layers, in the model's order
local Statistics = { __name = "mlp.probe.Statistics" }
Statistics.__index = Statistics

-- ---- taking -------------------------------------------------------------------------------------

--- Parameters by the path of the module that they stand in, and the paths in order.
local function by_module(model)
  local groups <const>, paths <const> = {}, {}
  for name, parameter in model:named_parameters() do
    local path <const> = name:match "^(.*)%.[^.]+$" or ""
    if not groups[path] then
      groups[path] = {}
      paths[#paths + 1] = path
    end
    table.insert(groups[path], parameter)
  end
  return groups, paths
end

local function norm(list) return core.global_norm(list):item() end

local function entry(moment, path)
  moment.layers[path] = moment.layers[path] or {}
  return moment.layers[path]
end

local function note_norms(moment, groups, loss)
  local all <const>, gradients <const> = {}, {}
  for _, parameters in pairs(groups) do table.move(parameters, 1, #parameters, #all + 1, all) end
  local found <const> = table.pack(core.grad(loss, all))
  for i, parameter in ipairs(all) do gradients[parameter] = found[i] end
  for path, parameters in pairs(groups) do
    local list <const>, at <const> = {}, entry(moment, path)
    for _, parameter in ipairs(parameters) do list[#list + 1] = gradients[parameter] end
    at.weight_norm, at.gradient_norm = norm(parameters), norm(list)
  end
end

local function note_output(moment, layer, y)
  local units <const>, at <const> = watch.units(y), entry(moment, layer.path)
  at.dead = watch.flat(layer, units, 0):all(1):to("float64"):mean():item()
  at.saturation = watch.flat(layer, units, MARGIN):to("float64"):mean():item()
end

local function predict(trainer, batch)
  if trainer.forward then return trainer.forward(trainer.model, batch) end
  return trainer.model(watch.inputs(batch)), batch[#batch]
end

--- Looks at a trainer's model now.
---@param trainer mlp.Trainer
---@return mlp.probe.Moment
function Statistics:take(trainer)
  local model <const>, moment <const> = trainer.model, { step = trainer.steps, layers = {} }
  local groups <const>, paths <const> = by_module(model)
  local layers <const> = watch.layers(CALL, model, self.layers)
  local seed <const>, serial <const> = core.random_state()
  do
    local _ <close> = modes.keep(model)
    model:eval()
    local prediction, target
    do
      local _ <close> = watch.hook(layers, function(layer, y) note_output(moment, layer, y) end)
      prediction, target = predict(trainer, self.batch)
    end
    note_norms(moment, groups, trainer.loss(prediction, target))
  end
  core.set_random_state(nil, seed, serial)
  for _, layer in ipairs(layers) do
    if not groups[layer.path] then paths[#paths + 1] = layer.path end
  end
  self.paths, self[#self + 1] = paths, moment
  return moment
end

--- What fit calls after every step.
---@param event {step: integer}
---@param trainer mlp.Trainer
function Statistics:on_step_end(event, trainer)
  if self.every and event.step % self.every == 0 then self:take(trainer) end
end

--- What fit calls after every epoch.
---@param _ mlp.trainer.Epoch
---@param trainer mlp.Trainer
function Statistics:on_epoch_end(_, trainer)
  if not self.every then self:take(trainer) end
end

-- ---- showing ------------------------------------------------------------------------------------

local FIELDS <const> = { "weight_norm", "gradient_norm", "dead", "saturation" }

function Statistics:__tostring()
  local last <const>, rows <const> = self[#self], {}
  if not last then return "mlp.probe.Statistics: nothing was looked at yet" end
  for i, path in ipairs(self.paths) do
    local at <const> = last.layers[path] or {}
    rows[i] = { path }
    for k, field in ipairs(FIELDS) do rows[i][k + 1] = at[field] end
  end
  return columns({ "layer", "weight norm", "gradient norm", "dead", "saturation" }, rows)
end

--- One number of one layer over time.
---@param path string of the layer
---@param field "weight_norm"|"gradient_norm"|"dead"|"saturation"
---@return number[] steps, number[] values
function Statistics:curve(path, field)
  local steps <const>, values <const> = {}, {}
  for _, moment in ipairs(self) do
    local value <const> = moment.layers[path] and moment.layers[path][field]
    if value then
      steps[#steps + 1], values[#values + 1] = moment.step, value
    end
  end
  if #steps == 0 then
    errors.raise("%s: there is no '%s' of layer '%s'", CALL, tostring(field), tostring(path))
  end
  return steps, values
end

local PANELS <const> = {
  { "gradient_norm", "norm of the gradient", log = true },
  { "weight_norm", "norm of the weights", log = true },
  { "saturation", "share of outputs that are saturated" },
  { "dead", "share of units that are dead" },
}

local function panel(self, spec)
  local series <const> = { y_label = spec[2], x_label = "step", log_y = spec.log, legend = "top" }
  for _, path in ipairs(self.paths) do
    local ok <const>, x <const>, y <const> = pcall(self.curve, self, path, spec[1])
    if ok then
      series[#series + 1] = { x = x, y = y, name = path == "" and "model" or path, marker = #x < 2 }
    end
  end
  if not spec.log then series.y_limits = { 0, 1 } end
  return #series > 0 and require("mlp.plot").lines(series) or nil
end

--- Four panels over the steps: gradients, weights, saturation, dead units.
---@return mlp.plot.Figure
function Statistics:figure()
  if #self == 0 then errors.raise("%s: nothing was looked at yet", CALL) end
  local panels <const> = { columns = 2, title = "Layers while training" }
  for _, spec in ipairs(PANELS) do panels[#panels + 1] = panel(self, spec) end
  return require("mlp.plot").grid(panels)
end

--- A callback for Trainer:fit that looks at every layer: norms of gradients and weights, share of
--- dead units, saturation (share of outputs where the activation is flat to a hundredth). It looks
--- on a batch that stays the same, in evaluation mode; training goes on to the same bits.
---
---     local statistics = mlp.probe.statistics(validation, {every = 10})
---     trainer:fit(train, {epochs = 5, callbacks = {statistics}})
---     statistics:figure():save "layers.svg"
---@param data any the batch {x, y} to look at, or a data set, of which the first `rows`
---@param options {every: integer?, rows: integer?, layers: string[]?}? every: steps between two
---  looks; default: after every epoch. rows: 256. layers: paths of modules whose outputs count;
---  default: all with an activation
---@return mlp.probe.Statistics
local function statistics(data, options)
  local o <const> = errors.options(CALL, options,
    { every = errors.NONE, rows = 256, layers = errors.NONE })
  for _, name in ipairs { "every", "rows" } do
    if o[name] ~= nil and (math.type(o[name]) ~= "integer" or o[name] < 1) then
      errors.wanted(CALL, name, o[name], "a whole number from 1")
    end
  end
  local is_batch <const> = type(data) == "table" and getmetatable(data) == nil
    and core.is_tensor(data[1])
  o.batch = is_batch and data or { watch.batches(CALL, data, o.rows)() }
  return setmetatable(o, Statistics)
end

return statistics
