--- A model's numbers as named tensors, and files of them (safetensors). Names are the dotted paths
--- of the fields, in the model and in the file alike. A file of built-in modules also says, as JSON
--- in its metadata, how to make the model again: class names and arguments, nothing that runs;
--- which paths share one tensor, which is written once; and which layers were resized since.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local json <const> = require "dkjson"
local Module <const> = require "mlp.nn.module"
local resized <const> = require "mlp.nn.resized"
local safetensors <const> = require "mlp.io.safetensors"

local state = {}

local METADATA_KEY <const>, SHARED_KEY <const> = "mlp.model", "mlp.shared"
local RESIZED_KEY <const> = "mlp.resized"

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
    tensor:copy_(value.dtype == tensor.dtype and value or value:to(tensor.dtype))
  end
  return true
end

-- ---- how to make the model again ----------------------------------------------------------------

--- Built-in modules outside of mlp.nn, by the names that files give them.
local ELSEWHERE <const> = { NerfMLP = "mlp.nerf.mlp", NerfHashField = "mlp.nerf.hash_field" }

--- The class of a built-in module by its name, or nil.
local function class_named(nn, name)
  local path <const> = type(name) == "string" and ELSEWHERE[name]
  local class <const> = path and require(path) or nn[name]
  return type(class) == "table" and class.class_name == name and class or nil
end

local function class_of(nn, module)
  local class = getmetatable(module)
  return class_named(nn, class.class_name) == class and class.class_name or nil
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
    local class = type(spec.class) == "string" and class_named(nn, spec.class)
    if not class then
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

-- ---- tensors under several paths ----------------------------------------------------------------

--- Every path of a tensor but the first, with the first: {["layers.3.weight"] = "layers.1.weight"}.
local function shared_paths(model)
  local first, shared <const>, open <const> = {}, setmetatable({}, { __jsontype = "object" }), {}
  for name, tensor in pairs(state.tensors(model)) do first[tensor] = name end
  local function visit(t, prefix)
    if open[t] then return end -- a module among its own descendants
    open[t] = true
    for key, value in next, t do
      local path <const> = prefix .. tostring(key)
      if core.is_tensor(value) then
        if first[value] ~= path then shared[path] = first[value] end
      elseif Module.is(value) or type(value) == "table" and getmetatable(value) == nil then
        visit(value, path .. ".")
      end
    end
    open[t] = nil
  end
  visit(model, "")
  return shared
end

--- The table and the key behind a path, when a tensor stands there.
local function place_of(model, path)
  local t, key = model, nil
  for part in path:gmatch "[^.]+" do
    if key ~= nil then t = rawget(t, key) end
    if type(t) ~= "table" then return nil end
    key = rawget(t, part) ~= nil and part or math.tointeger(tonumber(part))
    if key == nil then return nil end
  end
  if key ~= nil and core.is_tensor(rawget(t, key)) then return t, key end
end

--- Puts one tensor under all the paths that share it; a sentence when the text does not fit.
local function share(model, text)
  local ok <const>, shared <const> = pcall(json.decode, text, 1, json.null)
  if not ok or type(shared) ~= "table" then return "its shared tensors are no JSON object" end
  for path, first in pairs(shared) do
    local from, from_key, to, key
    if type(first) == "string" then from, from_key = place_of(model, first) end
    if type(path) == "string" then to, key = place_of(model, path) end
    if not (from and to) or shape_text(from[from_key]) ~= shape_text(to[key]) then
      return ("'%s' cannot share a tensor with '%s'"):format(path, first)
    end
    to[key] = from[from_key]
  end
end

-- ---- files --------------------------------------------------------------------------------------

--- Saves parameters and buffers under their dotted names. A model of built-in modules can be had
--- back with mlp.load(path).
---@param model mlp.nn.Module
---@param path string
---@param options {dtype: string|table<string, string>|nil, about: table<string, string>?}? as of
---  mlp.io.safetensors.save; `about`: further metadata
---@return true?, string? message
function state.save(model, path, options)
  local o <const> = errors.options("save", options, { dtype = errors.NONE, about = {} })
  local description = state.description(model)
  local shared <const> = shared_paths(model)
  local metadata <const> = {
    [METADATA_KEY] = description, format = "mlp",
    [SHARED_KEY] = description and next(shared) and json.encode(shared) or nil,
    [RESIZED_KEY] = description and resized.paths(model),
  }
  for key, text in pairs(o.about) do metadata[key] = text end
  return safetensors.save(path, state.tensors(model), { dtype = o.dtype, metadata = metadata })
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

--- A description is short and may ask for anything: what it builds gets as much memory as the
--- tensors of the file speak for, with room for what initialisers need on the way.
local function with_memory_for(tensors, build_it)
  local bytes = 16 << 20
  for _, tensor in pairs(tensors) do bytes = bytes + 64 * tensor:numel() end
  local before <const> = core.memory_limit(core.memory().bytes + bytes)
  local ok <const>, made = pcall(build_it)
  core.memory_limit(before)
  if ok then return made end
  return nil, made
end

--- The model that a description asks for, its numbers still to be assigned.
---@param text string as state.description gives it
---@param tensors table<string, mlp.Tensor> of the file
---@return mlp.nn.Module? model, string? message
function state.make(text, tensors)
  local ok, spec = pcall(json.decode, text, 1, json.null)
  if not ok or type(spec) ~= "table" then return nil, "its description is no JSON object" end
  local model, why = with_memory_for(tensors, function() return build(require "mlp.nn", spec) end)
  if Module.is(model) then return model end
  if type(why) == "table" then return nil, why.message end
  if why == nil then return nil, "its description does not make a model" end
  local reason <const> = tostring(why):gsub("^.-:%d+: ", "") -- it is not this line's mistake
  if reason:find("out of memory", 1, true) then
    return nil, "its description wants more than its tensors fill, or this machine is out of memory"
  end
  return nil, "its description does not make a model: " .. reason
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
  local model, why = state.make(text, tensors)
  if not model then return nil, ("load: '%s': %s"):format(path, why) end
  for _, tensor in pairs(tensors) do
    if tensor.dtype == "float64" then model:to "float64" end
  end
  why = metadata[RESIZED_KEY] and resized.apply(model, metadata[RESIZED_KEY], tensors)
    or metadata[SHARED_KEY] and share(model, metadata[SHARED_KEY])
  if why then return nil, ("load: '%s': %s"):format(path, why) end
  local ok, mismatched = state.assign(model, tensors)
  if not ok then
    return nil, ("load: '%s': %s (where layers were changed after the model was made, make it "
      .. "yourself and call model:load(path))"):format(path, mismatched)
  end
  return model:eval()
end

return state
