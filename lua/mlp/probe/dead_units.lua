--- Units that no data reach: whose activation is flat, with a slope of exactly 0, on every row. No
--- gradient passes them, so training cannot bring them back: relu below 0 (Lu et al. 2020), tanh or
--- a sigmoid that has rounded to its bound. Of modules without an activation, units that are 0.

local columns <const> = require "mlp.columns"
local errors <const> = require "mlp.errors"
local watch <const> = require "mlp.probe.watch"

local CALL <const> = "probe.dead_units"

---@class mlp.probe.DeadLayer
---@field path string
---@field units integer
---@field dead integer how many are dead
---@field positions integer[] which ones

--- What mlp.probe.dead_units answers: a list of layers; tostring is a table.
---@class mlp.probe.DeadUnits
---@field [integer] mlp.probe.DeadLayer
---@field units integer of all layers
---@field dead integer of all layers
---@field rows integer of the data
local DeadUnits = { __name = "mlp.probe.DeadUnits" }
DeadUnits.__index = DeadUnits

function DeadUnits:__tostring()
  local rows <const> = {}
  for i, layer in ipairs(self) do
    rows[i] = { layer.path, layer.units, layer.dead, layer.dead / layer.units }
  end
  return columns({ "layer", "units", "dead", "share" }, rows)
end

--- Shares of dead units, layer by layer.
---@return mlp.plot.Figure
function DeadUnits:figure()
  local names <const>, shares <const> = {}, {}
  for i, layer in ipairs(self) do
    names[i], shares[i] = layer.path == "" and "model" or layer.path, layer.dead / layer.units
  end
  return require("mlp.plot").bars { { y = shares }, names = names, y_label = "share of dead units",
    title = ("%d of %d units are dead"):format(self.dead, self.units) }
end

local function result_of(layers, asleep, rows)
  local result <const> = setmetatable({ units = 0, dead = 0, rows = rows }, DeadUnits)
  for i, layer in ipairs(layers) do
    if not asleep[layer] then
      errors.raise("%s: the module '%s' was not called, or gave no tensor", CALL, layer.path)
    end
    local positions <const> = {}
    for unit, flat in ipairs(asleep[layer]:totable()) do
      if flat ~= 0 then positions[#positions + 1] = unit end
    end
    local units <const> = asleep[layer]:numel()
    result[i] = { path = layer.path, units = units, dead = #positions, positions = positions }
    result.units, result.dead = result.units + units, result.dead + #positions
  end
  return result
end

--- Units whose activation is flat, with a slope of exactly 0, on every row of the data, so that no
--- gradient reaches their weights; of modules without an activation, units that are 0.
---
---     print(mlp.probe.dead_units(model, train))
---@param model mlp.nn.Module
---@param data any a data set, a loader or a tensor of inputs; the model takes all tensors of a
---  batch but the last, where there are several
---@param options {layers: string[]?, batch_size: integer?}? layers: paths of modules to look at;
---  default: all with an activation. batch_size: rows at once (256)
---@return mlp.probe.DeadUnits
local function dead_units(model, data, options)
  local o <const> = errors.options(CALL, options, { layers = errors.NONE, batch_size = 256 })
  local layers <const>, asleep <const> = watch.layers(CALL, model, o.layers), {}
  local rows <const> = watch.run(CALL, model, layers, data, o.batch_size, function(layer, y)
    local flat <const> = watch.flat(layer, watch.units(y), 0):all(1)
    asleep[layer] = asleep[layer] and asleep[layer]:logical_and(flat) or flat
  end)
  return result_of(layers, asleep, rows)
end

return dead_units
