--- What the next step of a fit depends on, as tensors of a file: the network's ("model."), Adam's
--- moments ("optimizer."), and in the metadata the step, the seed and Adam's rates. A step of Adam
--- counts itself, entirely or not at all; that count is the step of the fit, wherever an interrupt
--- fell.

local json <const> = require "dkjson"
local model_state <const> = require "mlp.nn.state"
local safetensors <const> = require "mlp.io.safetensors"

local checkpoint = {}

---@class mlp.field.Learner
---@field model mlp.nn.Module
---@field adam mlp.optim.Adam
---@field step integer
---@field seconds number
---@field seed integer

--- The updates that an Adam has made.
---@param adam mlp.optim.Adam
---@return integer
---@package
function checkpoint.count(adam) return adam.groups[1].hyper:get(-2) // 1 | 0 end

--- The tensors whose names begin with the prefix, without it.
---@param tensors table<string, mlp.Tensor>
---@param prefix string
---@return table<string, mlp.Tensor>
---@package
function checkpoint.part(tensors, prefix)
  local part <const> = {}
  for name, tensor in pairs(tensors) do
    if name:sub(1, #prefix) == prefix then part[name:sub(#prefix + 1)] = tensor end
  end
  return part
end

--- Writes a fit to a file.
---@param path string
---@param fit mlp.field.Learner
---@param metadata table<string, string>? more of it
---@param tensors table<string, mlp.Tensor>? more of them
---@return true? done
---@return string? message
---@package
function checkpoint.save(path, fit, metadata, tensors)
  local all <const>, about <const>, adam <const> = {}, {}, fit.adam:state()
  for name, tensor in pairs(tensors or {}) do all[name] = tensor end
  for name, tensor in pairs(model_state.tensors(fit.model)) do all["model." .. name] = tensor end
  for name, tensor in pairs(adam.tensors) do all["optimizer." .. name] = tensor end
  for name, text in pairs(metadata or {}) do about[name] = text end
  about["mlp.field.fit"] = json.encode { step = checkpoint.count(fit.adam), seconds = fit.seconds,
    seed = fit.seed, lr = adam.lr, factor = adam.factor, class = adam.class }
  return safetensors.save(path, all, { metadata = about })
end

--- Takes a file's numbers into the model and the optimizer.
local function assign(call, path, fit, tensors, at)
  local ok, message = model_state.assign(fit.model, checkpoint.part(tensors, "model."))
  if not ok then
    return nil, ("%s: '%s' does not fit the network: %s"):format(call, path, message)
  end
  ok, message = fit.adam:load_state { class = at.class, lr = at.lr, factor = at.factor,
    group_lr = {}, tensors = checkpoint.part(tensors, "optimizer.") }
  if not ok then return nil, ("%s: '%s': %s"):format(call, path, message) end
  return true
end

--- Takes up a file, so that the fit goes on as if it had not been interrupted.
---@param call string for messages: "field.fit"
---@param path string
---@param fit mlp.field.Learner
---@return table<string, mlp.Tensor>|false|nil tensors all of the file; false where there is none
---@return string? message where it does not fit
---@package
function checkpoint.take_up(call, path, fit)
  local handle <const> = io.open(path)
  if not handle then return false end
  handle:close()
  local tensors <const>, metadata <const> = safetensors.load(path)
  if not tensors then return nil, metadata end
  local at <const> = json.decode(metadata["mlp.field.fit"] or "null")
  if type(at) ~= "table" then return nil, ("%s: '%s' is no checkpoint"):format(call, path) end
  if at.seed ~= fit.seed then
    return nil, ("%s: '%s' was written with seed %s"):format(call, path, tostring(at.seed))
  end
  local ok <const>, message <const> = assign(call, path, fit, tensors, at)
  if not ok then return nil, message end
  fit.step, fit.seconds = checkpoint.count(fit.adam), tonumber(at.seconds) or 0
  return tensors
end

return checkpoint
