--- Linear layers of other sizes than they were made with, as after a memory was appended to a
--- network (mlp.probe.kv). How a model was made does not tell of them, so a file lists their paths;
--- made again, they take their shapes from the file's tensors.

local core <const> = require "mlp.core"
local json <const> = require "dkjson"
local Linear <const> = require "mlp.nn.linear"

local resized = {}

local function is_linear(module) return getmetatable(module) == Linear end

local function differs(layer)
  local made <const> = layer:made_with()
  return layer.weight:size(1) ~= made[2] or layer.weight:size(2) ~= made[1]
end

--- The paths of such layers as JSON, or nil where there are none.
---@param model mlp.nn.Module
---@return string?
function resized.paths(model)
  local paths <const> = {}
  for path, module in model:named_modules() do
    if is_linear(module) and differs(module) then paths[#paths + 1] = path end
  end
  return #paths > 0 and json.encode(paths) or nil
end

--- Whether a layer can have such a weight (H, D) and such a bias (H).
local function can_have(layer, weight, bias)
  if not layer or not weight or weight.ndim ~= 2 then return false end
  if not layer.bias or not bias then return not layer.bias and not bias end
  return bias.ndim == 1 and bias:size(1) == weight:size(1)
end

local function take_shape(layer, field, given)
  local old <const> = layer[field]
  local new <const> = core.zeros(given.shape, { dtype = old.dtype })
  layer[field] = old.requires_grad and new:requires_grad_() or new
end

--- Gives the layers of a file's list tensors of the file's shapes, for numbers to be written into.
---@param model mlp.nn.Module
---@param text string as resized.paths gives it
---@param tensors table<string, mlp.Tensor> of the file
---@return string? message where the list does not fit model and tensors
function resized.apply(model, text, tensors)
  local ok <const>, paths <const> = pcall(json.decode, text, 1, json.null)
  if not ok or type(paths) ~= "table" then return "its resized layers are no JSON list" end
  local layers <const> = {}
  for path, module in model:named_modules() do layers[path] = is_linear(module) and module end
  for _, path in ipairs(paths) do
    local layer <const>, prefix <const> = layers[path], path == "" and "" or tostring(path) .. "."
    local weight <const>, bias <const> = tensors[prefix .. "weight"], tensors[prefix .. "bias"]
    if not can_have(layer, weight, bias) then
      return ("'%s' is no linear layer that it could resize"):format(tostring(path))
    end
    take_shape(layer, "weight", weight)
    if bias then take_shape(layer, "bias", bias) end
  end
end

return resized
