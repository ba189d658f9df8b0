--- A model's numbers as named tensors, and files of them (safetensors). Names are the dotted paths
--- of the fields, in the model and in the file alike. A file of built-in modules also says, as JSON
--- in its metadata, how to make the model again: class names and arguments, nothing that runs.

local core <const> = require "mlp.core"
local json <const> = require "dkjson"
local safetensors <const> = require "mlp.io.safetensors"

local state = {}

local METADATA_KEY <const> = "mlp.model"

-- ---- names and tensors --------------------------------------------------------------------------

--- Parameters and buffers by name. The tensors themselves, not copies.
---@param model mlp.nn.Module
---@return table<string, mlp.Tensor>
function state.tensors(model)
  local tensors = {}
  for name, tensor in model:named_parameters() do tensors[name] = tensor end
  for name, tensor in model:named_buffers() do tensors[name] = tensor end
  return tensors
end

--- Parameters and buffers by name, copied.
---@param model mlp.nn.Module
---@return table<string, mlp.Tensor>
function state.copy(model)
  local copies = {}
  for name, tensor in pairs(state.tensors(model)) do copies[name] = tensor:detach():clone() end
  return copies
end

local function missing_from(a, b)
  local names = {}
  for name in pairs(a) do
    if b[name] == nil then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function shape_text(t) return ("%s (%s)"):format(t.dtype, table.concat(t.shape, ", ")) end

--- Why the given tensors do not fit the model, or nil.
local function mismatch(own, given)
  local missing, extra = missing_from(own, given), missing_from(given, own)
  local parts = {}
  if #missing > 0 then parts[#parts + 1] = "missing: " .. table.concat(missing, ", ") end
  if #extra > 0 then parts[#parts + 1] = "unexpected: " .. table.concat(extra, ", ") end
  if #parts > 0 then return table.concat(parts, "; ") end
  local names = missing_from(own, {})
  for _, name in ipairs(names) do
    if table.concat(own[name].shape, ",") ~= table.concat(given[name].shape, ",") then
      return ("%s is %s in the file but %s in the model"):format(name, shape_text(given[name]),
        shape_text(own[name]))
    end
  end
end

--- Writes the given tensors into the model's, all or none. Floats are converted to the model's
--- dtype.
---@param model mlp.nn.Module
---@param given table<string, mlp.Tensor>
---@return true?, string? message names what is missing, unexpected or of another shape
function state.assign(model, given)
  local own = state.tensors(model)
  local message = mismatch(own, given)
  if message then return nil, message end
  local _ <close> = core.no_grad_scope()
  for name, tensor in pairs(own) do
    local value = given[name]
    tensor:assign(value.dtype == tensor.dtype and value or value:to(tensor.dtype))
  end
  return true
end

-- ---- how to make the model again ----------------------------------------------------------------

local function class_of(nn, module)
  local class = getmetatable(module)
  return nn[class.class_name] == class and class.class_name or nil
end

--- A JSON value for an argument; raises the name of what cannot be written.
local function describe(nn, value)
  local kind = type(value)
  if kind == "nil" then return json.null end
  if kind == "number" or kind == "string" or kind == "boolean" then return value end
  if nn.Module.is(value) then
    local class = class_of(nn, value)
    if not class then error({ unknown = getmetatable(value).class_name }) end
    local arguments = value:made_with()
    local list = setmetatable({}, { __jsontype = "array" })
    for i = 1, arguments.n do list[i] = describe(nn, arguments[i]) end
    return { class = class, arguments = list }
  end
  if kind ~= "table" then error({ unknown = "a " .. kind }) end
  local items = setmetatable({}, { __jsontype = "array" })
  local names = setmetatable({}, { __jsontype = "object" })
  for i = 1, #value do items[i] = describe(nn, value[i]) end
  for key, item in pairs(value) do
    if type(key) == "string" and not (key == "init" and type(item) == "function") then
      names[key] = describe(nn, item)
    end
  end
  return { items = items, names = names }
end

local function build(nn, spec)
  if type(spec) ~= "table" then
    if spec == json.null then return nil end
    return spec
  end
  if spec.class ~= nil then
    local class = type(spec.class) == "string" and nn[spec.class]
    if type(class) ~= "table" or class.class_name ~= spec.class then
      error({ message = ("it names the class '%s', which this library has not"):format(
        tostring(spec.class)) })
    end
    local arguments = type(spec.arguments) == "table" and spec.arguments or {}
    local list = {}
    for i = 1, #arguments do list[i] = build(nn, arguments[i]) end
    return class(table.unpack(list, 1, #arguments))
  end
  local value = {}
  for i, item in ipairs(type(spec.items) == "table" and spec.items or {}) do
    value[i] = build(nn, item)
  end
  for key, item in pairs(type(spec.names) == "table" and spec.names or {}) do
    value[key] = build(nn, item)
  end
  return value
end

--- The description of a model of built-in modules as JSON, or nil and the name of what stands in
--- the way.
---@param model mlp.nn.Module
---@return string? text, string? unknown
function state.description(model)
  local ok, spec = pcall(describe, require "mlp.nn", model)
  if ok then return json.encode(spec) end
  if type(spec) == "table" and spec.unknown then return nil, spec.unknown end
  error(spec, 0)
end

-- ---- files --------------------------------------------------------------------------------------

--- Saves parameters and buffers under their dotted names. A model of built-in modules can be had
--- back with mlp.load(path).
---@param model mlp.nn.Module
---@param path string
---@return true?, string? message
function state.save(model, path)
  local description = state.description(model)
  return safetensors.save(path, state.tensors(model),
    { metadata = { [METADATA_KEY] = description, format = "mlp" } })
end

--- Reads a file written by save (or by another library, with the same names) into this model.
---@param model mlp.nn.Module
---@param path string
---@return mlp.nn.Module? self, string? message  nothing is changed when the file does not fit
function state.load(model, path)
  local tensors, message = safetensors.load(path)
  if not tensors then return nil, message end
  local ok, why = state.assign(model, tensors)
  if not ok then return nil, ("load: '%s' does not fit the model: %s"):format(path, why) end
  return model
end

local function rebuild(text)
  local ok, spec = pcall(json.decode, text, 1, json.null)
  if not ok or type(spec) ~= "table" then return nil, "its description is no JSON object" end
  local made, model = pcall(build, require "mlp.nn", spec)
  if made and require("mlp.nn").Module.is(model) then return model end
  return nil, type(model) == "table" and model.message
    or "its description does not make a model: " .. tostring(model)
end

--- Makes the model that a file describes, in evaluation mode, with the file's weights. Executes
--- nothing from the file.
---@param path string
---@return mlp.nn.Module? model, string? message
function state.rebuild(path)
  local tensors, metadata = safetensors.load(path)
  if not tensors then return nil, metadata --[[@as string]] end
  local text = metadata[METADATA_KEY]
  if not text then
    return nil, ("load: '%s' does not say how its model is made; make it yourself and call "
      .. "model:load(path)"):format(path)
  end
  local model, why = rebuild(text)
  if not model then return nil, ("load: '%s': %s"):format(path, why) end
  local _, first = next(tensors)
  if first and first.dtype == "float64" then model:to("float64") end
  local ok, mismatched = state.assign(model, tensors)
  if not ok then return nil, ("load: '%s': %s"):format(path, mismatched) end
  return model:eval()
end

return state
