--- What there is, by topic: every public name with where its documentation stands. Operations stand
--- in the core's table of rows, all else in annotations: of the Lua sources, and of
--- lua/mlp/meta/core.lua for what C offers beside the rows. A name that nothing documents is an
--- entry without a row or an item, so that a spec can find it.

local core <const> = require "mlp.core"
local annotations <const> = require "mlp.help.annotations"

local catalogue = {}

---@class mlp.help.Entry
---@field path string the public name behind "mlp.": "loss.mse", "linear", "Tensor:get"
---@field topic mlp.help.Topic
---@field kind "operation"|"function"|"class"|"module"
---@field value any
---@field row table? of an operation
---@field item mlp.help.Item?
---@field source mlp.help.Source? where the item stands

---@class mlp.help.Topic
---@field name string
---@field title string
---@field doc string[]
---@field entries mlp.help.Entry[]

local DECLARED <const> = "mlp.meta.core"

-- ---- finding items ------------------------------------------------------------------------------

--- Types by name, from every source that was looked into.
local types <const> = {}
local searched <const> = {}

local function source_of(module)
  local source <const> = annotations.source(module)
  if source and not searched[module] then
    searched[module] = true
    for _, item in ipairs(source.items) do
      local known <const> = types[item.name]
      if item.kind == "alias" or item.kind == "class"
        and not (known and #known.item.fields >= #item.fields) then
        types[item.name] = { item = item, source = source }
      end
    end
  end
  return source
end

--- The annotated class or alias of this name.
---@param name string "mlp.TrainerOptions"
---@return mlp.help.Item?
---@return mlp.help.Source?
function catalogue.type(name)
  local known <const> = types[name]
  if known then return known.item, known.source end
end

local function last_part(name) return name:match "[^.]*$" end

--- The modules of the library that a source names, below the given one.
local function named_modules(source, module)
  local list <const> = {}
  for name in source.text:gmatch '"(mlp%.[%w_.]+)"' do
    if name:sub(1, #module + 1) == module .. "." and source_of(name) then list[#list + 1] = name end
  end
  return list
end

local function matching(source, test)
  for _, item in ipairs(source and source.items or {}) do
    if item.kind ~= "class" and item.kind ~= "alias" and test(item) then return item, source end
  end
end

--- A function of the module itself: loss.mse in mlp.loss; or an entry that define(...) makes.
local function own_item(module, name)
  local owner <const> = last_part(module)
  return matching(source_of(module), function(item)
    return item.name == name and (item.owner == owner or not item.owner and item.kind == "value")
  end)
end

--- A function that a module is: plot.lines in mlp.plot.lines.
local function whole_item(module, name)
  local source <const> = source_of(module)
  if source then named_modules(source, module:match "^(.*)%.") end -- for the types it answers with
  return matching(source, function(item)
    return item.kind == "function" and not item.owner and item.name == name
  end)
end

--- A function of a part of the namespace: poly.mixture_of stands in mlp.poly.mixture; it may go by
--- a longer name outside: optim.clip_norm is norm of mlp.optim.clip.
local function renamed_item(module, name)
  for _, other in ipairs(named_modules(source_of(module), module)) do
    local item <const>, source <const> = matching(source_of(other), function(item)
      return item.kind == "function" and item.owner and not item.method and #item.params > 0
        and (item.name == name or item.owner .. "_" .. item.name == name)
    end)
    if item then return item, source end
  end
end

-- ---- entries ------------------------------------------------------------------------------------

local function add(topic, path, kind, value, item, source)
  local entry <const> = { path = path, topic = topic, kind = kind, value = value, item = item,
    source = source }
  topic.entries[#topic.entries + 1] = entry
  return entry
end

local function sorted_names(t)
  local names <const> = {}
  for name in pairs(t) do
    if type(name) == "string" and name:sub(1, 2) ~= "__" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local add_module

--- One name of a namespace; where it is documented is looked up in the order of likelihood.
local function add_name(topic, prefix, module, name, value)
  local path <const> = prefix .. name
  local row <const> = catalogue.row(path)
  if row then
    add(topic, path, "operation", value).row = row
    return
  end
  local item, source = own_item(module, name)
  if not item then item, source = whole_item(module .. "." .. name, name) end
  if not item and source_of(module) then item, source = renamed_item(module, name) end
  if item then
    if not item.hidden then add(topic, path, "function", value, item, source) end
    return
  end
  item, source = catalogue.type("mlp." .. path)
  if type(value) == "table" and source_of(module .. "." .. name) and not value.class_name then
    return add_module(topic, path, module .. "." .. name, value)
  end
  local entry <const> = add(topic, path, type(value) == "table" and "class" or "function", value,
    item, source)
  if not item and type(value) == "table" and value.operation then -- nn.ReLU stands for relu
    entry.item, entry.source = catalogue.type "mlp.nn.Activation"
    entry.row = catalogue.row(value.operation)
  end
end

--- All names of a namespace.
function add_module(topic, path, module, namespace)
  local source <const> = source_of(module)
  if source then
    named_modules(source, module)
    if path ~= topic.name then
      local _, first <const> = next(source.items)
      local entry <const> = add(topic, path, "module", namespace)
      entry.source, entry.item = source, first and catalogue.type("mlp." .. path)
    end
  end
  for _, name in ipairs(sorted_names(namespace)) do
    add_name(topic, path .. ".", module, name, namespace[name])
  end
end

local function by_name(list)
  local map <const> = {}
  for _, thing in ipairs(list) do map[thing.name] = thing end
  return map
end

local rows

--- The operation of this name, in-place twins included.
---@param name string
---@return table?
function catalogue.row(name)
  rows = rows or by_name(core.rows())
  local row = rows[name]
  if not row and name:sub(-1) == "_" then
    row = rows[name:sub(1, -2)]
    row = row and row.in_place and row or nil
  end
  return row and not row.internal and row or nil
end

local function add_row(topic, row)
  add(topic, row.name, "operation", core.public[row.name] or core.methods[row.name]).row = row
end

-- ---- topics -------------------------------------------------------------------------------------

--- Functions of mlp that are no operations: in which topic, and in which source.
local PLACED <const> = {
  tensors = { "tensor", "zeros", "ones", "full", "arange", "linspace", "eye", "zeros_like",
    "ones_like", "frombytes", "is_tensor", "split", "chunk" },
  ["random numbers"] = { "manual_seed", "generator", "random_state", "set_random_state" },
  ["products and layers"] = { "einsum", "outer", "cross" },
  ["shapes, copies and views"] = { "meshgrid" },
  order = { "unique" },
  ["compiled functions"] = { "compile", "set_threads" },
  activations = { "prelu", "maxout", "glu", "reglu", "geglu", "swiglu" },
  gradients = { "backward", "no_grad", "grad", "grad_enabled", "gradcheck", "jacobian", "hvp" },
}

local FUNCTION_SOURCES <const> = { DECLARED, "mlp.autograd", "mlp.tensor", "mlp.compose",
  "mlp.activations", "mlp.einsum", "mlp.init", "mlp.help", "mlp.info", "mlp.compile" }

local function function_item(name)
  for _, module in ipairs(FUNCTION_SOURCES) do
    local item <const>, source <const> = matching(source_of(module), function(item)
      return item.name == name and item.kind == "function" and item.owner ~= nil
        and not item.method
    end)
    if item then return item, source end
  end
end

local function add_functions(topic, names, mlp)
  for _, name in ipairs(names or {}) do
    if mlp[name] ~= nil then
      add(topic, name, "function", mlp[name], function_item(name))
    end
  end
end

--- Methods of tensors that are no operations.
local function tensor_methods(topic)
  for _, name in ipairs(sorted_names(core.methods)) do
    if not catalogue.row(name) then
      local test <const> = function(item)
        return item.name == name and (item.owner == "Tensor" or item.owner == "methods")
      end
      local item, source = matching(source_of(DECLARED), test)
      if not item then item, source = matching(source_of "mlp.tensor", test) end
      if not item then item, source = matching(source_of "mlp.compose", test) end
      if not item then item, source = matching(source_of "mlp.activations", test) end
      add(topic, "Tensor:" .. name, "function", core.methods[name], item, source)
    end
  end
end

local NAMESPACES <const> = {
  { "linalg", "Linear algebra", "mlp.linalg" },
  { "nn", "Layers", "mlp.nn" }, { "init", "Initial weights", "mlp.initialise" },
  { "loss", "Losses", "mlp.loss" }, { "optim", "Optimizers", "mlp.optim" },
  { "schedule", "Learning rates over time", "mlp.schedule" },
  { "metric", "Metrics", "mlp.metric" }, { "Trainer", "The trainer", "mlp.trainer" },
  { "tune", "Choosing settings", "mlp.tune" }, { "probe", "Probes", "mlp.probe" },
  { "data", "Data", "mlp.data" }, { "io", "Files", "mlp.io" }, { "plot", "Pictures", "mlp.plot" },
  { "field", "Fields", "mlp.field" },
  { "nerf", "Radiance fields", "mlp.nerf" },
  { "report", "Reports", "mlp.report" },
  { "poly", "Networks as polynomials", "mlp.poly" },
  { "fourier", "Modular addition, explained", "mlp.fourier" },
  { "tabular", "Tables", "mlp.tabular" },
}

--- Namespaces that are classes: mlp.Trainer{...} makes one.
local CLASSES <const> = { Trainer = true, report = true }

local function is_activation()
  local set <const> = { softmax = true, log_softmax = true }
  for _, name in ipairs(core.activations()) do set[name] = true end
  return function(row) return set[row.name] end
end

local ACTIVATIONS <const> = "Functions of one number that layers take by name, as in "
  .. '{activation = "relu"}, and softmax over an axis. Each is a function, a method and a module: '
  .. "mlp.relu(x), x:relu(), nn.ReLU()."

--- Operations by family, in the order of the core's list.
local function operation_topics(new_topic, mlp)
  local families <const>, activation <const> = {}, is_activation()
  for _, row in ipairs(core.rows()) do
    if not row.internal and not row.name:find(".", 1, true) then
      local name <const> = activation(row) and "activations" or row.family
      if not families[name] then
        local title <const> = name:sub(1, 1):upper() .. name:sub(2)
        families[name] = new_topic(name, title, name == "activations" and { ACTIVATIONS } or {})
        add_functions(families[name], PLACED[name], mlp)
      end
      add_row(families[name], row)
    end
  end
end

--- Types that the entries name and that are objects of their own: figures, loaders, histories.
local function add_objects(topic)
  local seen <const> = {}
  for _, entry in ipairs(topic.entries) do seen["mlp." .. entry.path] = true end
  local function look(text)
    for name in text:gmatch "mlp%.[%w_.]+" do
      local item <const>, source <const> = catalogue.type(name)
      if item and item.kind == "class" and item.variable and not seen[name]
        and name:lower():find("^mlp%." .. topic.name:lower()) then
        seen[name] = true
        add(topic, name:sub(5), "class", nil, item, source)
      end
    end
  end
  local at = 1
  while topic.entries[at] do
    local item <const> = topic.entries[at].item
    for _, list in ipairs(item and { item.returns, item.fields } or {}) do
      for _, field in ipairs(list) do look(field.type) end
    end
    at = at + 1
  end
end

local function add_class(topic, module, value)
  local source <const> = source_of(module)
  if not source then return end
  for _, name in ipairs(named_modules(source, module)) do
    source_of(name)
  end
  add(topic, topic.name, "class", value, catalogue.type("mlp." .. topic.name))
end

local function build()
  local mlp <const> = require "mlp"
  local topics <const>, placed <const> = {}, {}
  local function new_topic(name, title, doc)
    topics[#topics + 1] = { name = name, title = title, doc = doc, entries = {} }
    return topics[#topics]
  end
  for _, names in pairs(PLACED) do
    for _, name in ipairs(names) do placed[name] = true end
  end
  source_of(DECLARED)
  add_functions(new_topic("tensors", "Making tensors", {}), PLACED.tensors, mlp)
  local tensor <const> = new_topic("tensor methods", "The tensor", {})
  add(tensor, "Tensor", "class", nil, catalogue.type "mlp.Tensor")
  tensor_methods(tensor)
  operation_topics(new_topic, mlp)
  local generator <const> = add(tensor, "Generator", "class", nil, catalogue.type "mlp.Generator")
  add_functions(new_topic("gradients", "Gradients", source_of "mlp.autograd"
    and source_of "mlp.autograd".header or {}), PLACED.gradients, mlp)
  add_functions(new_topic("compiled functions", "Compiled functions", source_of "mlp.compile"
    and source_of "mlp.compile".header or {}), PLACED["compiled functions"], mlp)
  generator.topic = tensor
  for _, namespace in ipairs(NAMESPACES) do
    local name <const>, title <const>, module <const> = table.unpack(namespace)
    local source <const> = source_of(module)
    local topic <const> = new_topic(name, title, source and source.header or {})
    if CLASSES[name] then
      add_class(topic, module, mlp[name])
    else
      add_module(topic, name, module, mlp[name])
    end
    add_objects(topic)
    placed[name] = true
  end
  local rest <const> = {}
  for _, name in ipairs(sorted_names(mlp)) do
    if not placed[name] and not catalogue.row(name) and type(mlp[name]) == "function" then
      rest[#rest + 1] = name
    end
  end
  add_functions(new_topic("misc", "And also", {}), rest, mlp)
  return topics
end

local topics

--- All topics with all public names, in the order of the reference.
---@return mlp.help.Topic[]
function catalogue.topics()
  topics = topics or build()
  return topics
end

-- ---- what belongs to a class --------------------------------------------------------------------

--- Does a parent of the class document a method of this name?
local function is_inherited(item, name)
  local parent <const>, source <const> = catalogue.type((item.owner or ""):match "^[%w_.]*")
  if not parent then return false end
  local documented <const> = matching(source, function(other)
    return other.owner == parent.variable and other.name == name and other.marked
  end)
  return documented ~= nil or is_inherited(parent, name)
end

--- The methods that a class defines in its source, `init` and metamethods aside; functions with a
--- dot belong to the public face where their parameters are described. Those of tensors are entries
--- of their own.
---@param entry mlp.help.Entry
---@return mlp.help.Item[]
function catalogue.methods(entry)
  local list <const> = {}
  local variable <const> = entry.item and entry.path ~= "Tensor" and entry.item.variable
  for _, item in ipairs(variable and entry.source.items or {}) do
    local meant <const> = #item.params + #item.returns > 0
      or item.method and (item.marked or not is_inherited(entry.item, item.name))
    if item.kind == "function" and item.owner == variable and meant and not item.hidden
      and item.name ~= "init" and item.name:sub(1, 2) ~= "__" then
      list[#list + 1] = item
    end
  end
  return list
end

--- What a call of the class runs: its init, or the function `new` beside it.
---@param entry mlp.help.Entry
---@return mlp.help.Item?
function catalogue.constructor(entry)
  local variable <const> = entry.item and entry.item.variable
  if not variable or entry.value == nil then return nil end
  return (matching(entry.source, function(item)
    return item.kind == "function" and (item.owner == variable and item.name == "init"
      or not item.owner and item.name == "new" and item.marked)
  end))
end

return catalogue
