-- What a saved estimator says about its table: one JSON text in the metadata of the model's file.
-- It is read with suspicion: whatever does not fit the model's layers is refused.
local core <const> = require "mlp.core"
local json <const> = require "dkjson"
local scaler <const> = require "mlp.data.scaler"

local record = {}

record.KEY = "mlp.table"

local function list_of(value, is_fine)
  if type(value) ~= "table" then return false end
  for i = 1, #value do
    if not is_fine(value[i]) then return false end
  end
  return true
end

local function is_text(value) return type(value) == "string" end
local function is_number(value) return math.type(value) ~= nil end

-- name -> list as two lists, for JSON objects have no order and empty ones no kind.
local function classes_text(columns, classes)
  local list <const> = {}
  for i, name in ipairs(columns) do list[i] = classes[name] or json.null end
  return list
end

local function floats(tensor) return tensor and tensor:to("float64"):reshape(-1):totable() end

--- The text.
---@param e mlp.tabular.Estimator
---@return string
function record.text(e)
  return json.encode {
    task = e.task, columns = e.form.columns, classes = classes_text(e.form.columns, e.form.classes),
    header = e.form.header, separator = e.form.separator, target = e.target.name,
    target_classes = e.target.classes, target_names = e.target.names,
    mean = floats(e.scale.mean), std = floats(e.scale.std),
    target_mean = floats(e.target_scale and e.target_scale.mean),
    target_std = floats(e.target_scale and e.target_scale.std), results = e.results,
  }
end

-- Widths that the columns make: one for a number, one per class.
local function width_of(spec)
  local width = 0
  for i = 1, #spec.columns do
    local classes <const> = spec.classes[i]
    if classes == json.null or classes == nil then
      width = width + 1
    elseif list_of(classes, is_text) then
      width = width + #classes
    else
      return nil
    end
  end
  return width
end

local function fault_of(spec)
  if type(spec) ~= "table" then return "it is no JSON object" end
  if spec.task ~= "classification" and spec.task ~= "regression" then return "it has no task" end
  if not list_of(spec.columns, is_text) or type(spec.classes) ~= "table" then
    return "it has no columns"
  end
  local width <const> = width_of(spec)
  for _, key in ipairs { "mean", "std" } do
    if not list_of(spec[key], is_number) or #spec[key] ~= width then
      return ("its '%s' does not fit the columns"):format(key)
    end
  end
  if not is_text(spec.target) or spec.header ~= "auto" and type(spec.header) ~= "boolean"
    or not is_text(spec.separator) then
    return "its target or the form of its file is not told"
  end
  if spec.task == "regression" then
    local told <const> = list_of(spec.target_mean, is_number) and #spec.target_mean == 1
      and list_of(spec.target_std, is_number) and #spec.target_std == 1
    return not told and "the scale of its target is not told" or nil
  end
  local named <const> = list_of(spec.target_classes, is_text) and #spec.target_classes > 0
    and (spec.target_names == nil or list_of(spec.target_names, is_text)
      and #spec.target_names == #spec.target_classes)
  return not named and "the classes of its target are not told" or nil
end

local function tensor(list) return core.tensor(list, { dtype = "float32" }) end

--- The fields of an estimator.
---@param text string
---@return table? fields
---@return string? message
function record.read(text)
  local ok <const>, spec <const> = pcall(json.decode, text, 1, json.null)
  local fault <const> = not ok and "it is no JSON" or fault_of(spec)
  if fault then return nil, "its description of the table is damaged: " .. fault end
  local classes <const> = {}
  for i, name in ipairs(spec.columns) do
    classes[name] = spec.classes[i] ~= json.null and spec.classes[i] or nil
  end
  return {
    task = spec.task, results = type(spec.results) == "table" and spec.results or {},
    form = { columns = spec.columns, classes = classes, header = spec.header,
      separator = spec.separator },
    target = { name = spec.target, classes = spec.target_classes, names = spec.target_names },
    scale = scaler { mean = tensor(spec.mean), std = tensor(spec.std), missing = "mean" },
    target_scale = spec.task == "regression" and scaler { mean = tensor(spec.target_mean),
      std = tensor(spec.target_std) } or nil,
  }
end

return record
