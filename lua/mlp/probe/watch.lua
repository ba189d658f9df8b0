--- What probes share: running a model over data without a trace of it, and looking at the outputs
--- of layers meanwhile. A layer is a module with an activation (nn.Linear with {activation = ...},
--- nn.ReLU and its kin), or any module that is named.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local loader_of <const> = require "mlp.data.loader"
local modes <const> = require "mlp.trainer.modes"
local Module <const> = require "mlp.nn.module"

local watch = {}

-- ---- layers -------------------------------------------------------------------------------------

--- The activation of a module by name, and the values of its parameters; nil where it has none.
---@param module mlp.nn.Module
---@return string? name, number[]? values
function watch.activation(module)
  local name <const> = module.operation or module.activation
  if type(name) ~= "string" or name == "identity" or not initialise.activations[name] then
    return nil
  end
  return name, module.values or {}
end

---@class mlp.probe.Layer
---@field path string
---@field module mlp.nn.Module
---@field ends number[] the values at which the activation is flat, 0 where there is no activation

local FAR <const> = { 1e4, 2e4 } -- where an activation that levels off has done so

--- Values of an activation far out, where they no longer change: 0 of relu, -1 and 1 of tanh.
local function flat_ends(name, values)
  local ends <const> = {}
  for _, sign in ipairs { -1, 1 } do
    local near <const>, far <const> = table.unpack(core[name](core.tensor(
      { sign * FAR[1], sign * FAR[2] }, { dtype = "float64" }), table.unpack(values)):totable())
    if near == far and near - near == 0 then ends[#ends + 1] = near end
  end
  return ends
end

local function layer_of(path, module)
  local name <const>, values <const> = watch.activation(module)
  return { path = path, module = module, ends = name and flat_ends(name, values) or { 0 } }
end

--- The layers at these paths, or all that have an activation.
---@param call string
---@param model mlp.nn.Module
---@param paths string[]?
---@return mlp.probe.Layer[]
function watch.layers(call, model, paths)
  if not Module.is(model) then errors.wanted(call, "the model", model, "a module") end
  local list <const> = {}
  if paths ~= nil then
    if type(paths) ~= "table" then
      errors.wanted(call, "layers", paths, 'a list of paths, such as {"layers.1"}')
    end
    for _, path in ipairs(paths) do list[#list + 1] = layer_of(path, model:at(path)) end
    return list
  end
  if watch.activation(model) then list[1] = layer_of("", model) end
  for path, module in model:named_modules() do
    if watch.activation(module) then list[#list + 1] = layer_of(path, module) end
  end
  if #list == 0 then
    errors.raise("%s: no module of the model has an activation; name the ones to look at: "
      .. 'layers = {"layers.1"}', call)
  end
  return list
end

--- An output as rows of units: (..., H) as (N, H), without history.
---@param y mlp.Tensor
---@return mlp.Tensor
function watch.units(y)
  y = y:detach()
  return y.ndim < 2 and y:reshape(-1, 1) or y:reshape(-1, y:size(-1))
end

--- Where units stand at a flat end of their activation, or within `margin` of one.
---@param layer mlp.probe.Layer
---@param y mlp.Tensor
---@param margin number
---@return mlp.Tensor mask uint8
function watch.flat(layer, y, margin)
  local mask = core.zeros(y.shape, { dtype = "uint8" })
  for _, level in ipairs(layer.ends) do
    mask = mask:logical_or((y - level):abs():le(margin))
  end
  return mask
end

-- ---- running ------------------------------------------------------------------------------------

local Hooks <const> = { __name = "mlp.probe.hooks" }

function Hooks:__close()
  for _, hook in ipairs(self) do hook:close() end
end

--- Calls fn(layer, output) after each forward of the layers, until the handle is closed.
---@param layers mlp.probe.Layer[]
---@param fn fun(layer: mlp.probe.Layer, output: mlp.Tensor)
---@return table handle
function watch.hook(layers, fn)
  local hooks <const> = setmetatable({}, Hooks)
  for i, layer in ipairs(layers) do
    hooks[i] = layer.module:hook("", function(y)
      if core.is_tensor(y) then fn(layer, y) end
    end)
  end
  return hooks
end

--- Batches of data as loaders give them; a tensor is data of inputs alone.
---@param call string
---@param data any a data set, a loader or a tensor of inputs
---@param batch_size integer
---@return fun(): mlp.Tensor? ...
function watch.batches(call, data, batch_size)
  if core.is_tensor(data) then
    if data.ndim == 0 then errors.wanted(call, "data", data, "at least one axis") end
    data = require "mlp.data.tensors"(data)
  end
  if type(data) == "table" and type(data.batches) == "function" then return data:batches() end
  return loader_of(data, { batch_size = batch_size }):batches()
end

--- The inputs of a batch: all of it but the last, the target, where there is more than one.
---@param batch mlp.Tensor[]
---@return mlp.Tensor ...
function watch.inputs(batch) return table.unpack(batch, 1, math.max(1, #batch - 1)) end

--- Runs the model over data in evaluation mode, without history, and calls fn(layer, output) for
--- every layer and batch.
---@param call string
---@param model mlp.nn.Module
---@param layers mlp.probe.Layer[]
---@param data any
---@param batch_size integer
---@param fn fun(layer: mlp.probe.Layer, output: mlp.Tensor)
---@return integer rows
function watch.run(call, model, layers, data, batch_size, fn)
  local _ <close> = modes.keep(model)
  local _ <close> = core.no_grad_scope()
  local _ <close> = watch.hook(layers, fn)
  model:eval()
  local rows = 0
  local iterator <const> = watch.batches(call, data, batch_size)
  while true do
    local batch <const> = { iterator() }
    if batch[1] == nil then break end
    model(watch.inputs(batch))
    rows = rows + #batch[1]
  end
  if rows == 0 then errors.raise("%s: the data gave no batch", call) end
  return rows
end

return watch
