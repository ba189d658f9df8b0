-- A CSV file that nobody has described: what separates its columns, whether its first line names
-- them, which is the target and whether that is a class or a number. Also the files that come with
-- scikit-learn, whose first line says "rows,columns,class,class,...".
local csv <const> = require "mlp.data.csv"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local records <const> = require "mlp.data.records"

local source = {}

local CALL <const> = "mlp.tabular"
local MOST_CLASSES <const> = 20   -- more different whole numbers are a quantity
local ROWS_PER_CLASS <const> = 5  -- and so are numbers that hardly ever come again
local LIMIT <const> = 4 << 30 -- bytes that may come out of a packed file

---@class mlp.tabular.Source
---@field data mlp.data.Csv
---@field task "classification"|"regression"
---@field form table options of csv.load that read the same columns from another file
---@field target {name: string, classes: string[]?, names: string[]?} classes as they stand in the
---  file; names, where the file says what to call them

-- The class names of a first line "rows,columns,name,name,...", when the second line fits it.
local function bundled_classes(text)
  local rows <const>, columns <const>, names <const>, rest <const> =
    text:match "^(%d+),(%d+),?([^\r\n]*)\r?\n([^\r\n]*)"
  if not rows or records(rest, ","):next({}) ~= tonumber(columns) + 1 then return nil end
  local list <const> = {}
  for name in names:gmatch "[^,]+" do list[#list + 1] = name end
  return list
end

local function whole(reading) return reading:uncompressed(LIMIT) end

-- The file is read once, for it may be a pipe; messages name it.
local function decoded(path, text, options)
  local data <const>, why <const> = csv.decode(text, options)
  if data then return data end
  return nil, ("%s: '%s': %s"):format(CALL, path, (why:gsub("^mlp%.data%.csv: ", "")))
end

local function is_class(y)
  if y.dtype == "int64" then return true end
  if y:eq(y:floor()):all():item() == 0 then return false end
  local distinct <const> = #y:unique()
  return distinct <= MOST_CLASSES and distinct * ROWS_PER_CLASS <= #y
end

local function check_task(task, y)
  if task == nil then return is_class(y) and "classification" or "regression" end
  if task ~= "classification" and task ~= "regression" then
    errors.wanted(CALL, "task", task, '"classification" or "regression"')
  end
  return task
end

-- How to read the same columns again: by name, text columns with the classes that were found.
local function form_of(data, options)
  local inputs <const>, classes <const> = {}, {}
  for _, name in ipairs(data.order) do
    if name ~= data.target then
      inputs[#inputs + 1], classes[name] = name, data.classes[name]
    end
  end
  return { columns = inputs, classes = classes, header = options.header,
    separator = options.separator }
end

local function csv_options(text, o)
  local bundled <const> = bundled_classes(text)
  local header = o.header
  if bundled then header = false end
  return { header = header, skip = bundled and 1 or 0, separator = o.separator, columns = o.columns,
    target = o.target, categories = o.categories, missing_cells = o.missing_cells }, bundled
end

--- Reads a table to learn from.
---@param path string
---@param o table options of tabular.fit
---@return mlp.tabular.Source?
---@return string? message
function source.read(path, o)
  local text <const>, message <const> = file.load(CALL, path, whole)
  if not text then return nil, message end
  local options <const>, bundled <const> = csv_options(text, o)
  local data, why = decoded(path, text, options)
  if not data then return nil, why end
  local task <const> = check_task(o.task, data.y)
  if task == "regression" and data.y.dtype == "int64" then
    return nil, ("%s: '%s': the target '%s' holds text, which regression cannot learn"):format(CALL,
      path, data.target)
  end
  if task == "classification" and data.y.dtype ~= "int64" then
    options.categories = table.move(o.categories or {}, 1, #(o.categories or {}), 1, {})
    table.insert(options.categories, data.target)
    data, why = decoded(path, text, options)
    if not data then return nil, why end
  end
  local target <const> = { name = data.target, classes = data.classes[data.target] }
  if target.classes and bundled and #bundled == #target.classes then target.names = bundled end
  return { data = data, task = task, form = form_of(data, options), target = target }
end

--- Reads the columns that a model was trained on from another file, the target too when it is
--- wanted.
---@param path string
---@param form table as `read` gave it
---@param target {name: string, classes: string[]?}?
---@return mlp.data.Csv?
---@return string? message
function source.again(path, form, target)
  local text <const>, message <const> = file.load(CALL, path, whole)
  if not text then return nil, message end
  local classes <const> = { [target and target.name or ""] = target and target.classes }
  for name, list in pairs(form.classes) do classes[name] = list end
  local data <const>, why <const> = decoded(path, text, { columns = form.columns,
    classes = classes, header = form.header, separator = form.separator,
    target = target and target.name, skip = bundled_classes(text) and 1 or 0 })
  if not data then return nil, why end
  for name in pairs(data.classes) do
    if not classes[name] then
      return nil, ("%s: '%s': the column '%s' holds text, but the model was trained on numbers")
        :format(CALL, path, name)
    end
  end
  return data
end

return source
