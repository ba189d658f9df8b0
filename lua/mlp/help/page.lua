--- What is said about a name, before it is laid out: help prints pages as text, the reference as
--- Markdown. A page is a list of calls, paragraphs, tables and notes.

local core <const> = require "mlp.core"
local catalogue <const> = require "mlp.help.catalogue"

local page = {}

---@class mlp.help.Table
---@field title string
---@field rows mlp.help.Field[]

---@class mlp.help.Page
---@field name string
---@field calls string[] how it is written
---@field doc string[] lines; empty ones part paragraphs, four blanks mark code
---@field tables mlp.help.Table[]
---@field notes string[] sentences
---@field methods mlp.help.Page[] of a class

local function new(name, doc)
  return { name = name, calls = {}, doc = doc or {}, tables = {}, notes = {}, methods = {} }
end

local function lines_of(text)
  local lines <const> = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

-- ---- operations ---------------------------------------------------------------------------------

--- How a row's kinds are called in help.
local KINDS <const> = { position = "position", axes = "axis or axes", shape = "lengths" }

local function argument_text(argument)
  if argument.kind == "shape" then return "..." end
  if argument.default == nil or argument.default == "nil" then return argument.name end
  local quoted <const> = argument.kind == "choice" or argument.kind == "dtype"
  return ("%s = %s"):format(argument.name, quoted and '"' .. argument.default .. '"'
    or argument.default)
end

--- The arguments from `first` on, options last in braces.
local function argument_list(row, first)
  local plain <const>, named <const> = {}, {}
  for i = first, #row.arguments do
    local list <const> = row.arguments[i].option and named or plain
    list[#list + 1] = argument_text(row.arguments[i])
  end
  if #named > 0 then plain[#plain + 1] = "{" .. table.concat(named, ", ") .. "}" end
  return "(" .. table.concat(plain, ", ") .. ")"
end

--- What a method is called on, in an example.
local function subject(row) return #row.arguments[1].name == 1 and row.arguments[1].name or "x" end

local function argument_field(argument)
  local doc = argument.doc or ""
  if argument.choices then
    doc = ("%s%sone of %s"):format(doc, doc == "" and "" or "; ",
      table.concat(argument.choices, ", "))
  end
  if argument.default == "nil" and argument.kind ~= "tensor or nil" then
    doc = doc .. (doc == "" and "optional" or "; optional")
  end
  return { name = argument.name, type = KINDS[argument.kind] or argument.kind, doc = doc,
    optional = false }
end

local function argument_tables(row)
  local plain <const> = { title = "", rows = {} }
  local named <const> = { title = "options", rows = {} }
  for _, argument in ipairs(row.arguments) do
    local rows <const> = (argument.option and named or plain).rows
    rows[#rows + 1] = argument_field(argument)
  end
  local tables <const> = {}
  for _, one in ipairs { plain, named } do
    if #one.rows > 0 then tables[#tables + 1] = one end
  end
  return tables
end

local function row_notes(row)
  local notes <const> = {}
  if row.outputs > 1 then notes[1] = ("Answers %d tensors."):format(row.outputs) end
  if row.outputs == 0 then notes[1] = "Answers nothing." end
  if row.random then
    notes[#notes + 1] = "Draws random numbers, from the default generator unless one is given."
  end
  if row.outputs > 0 then
    notes[#notes + 1] = row.differentiable and "Differentiable, and so is its derivative."
      or "No gradient flows through it."
  end
  return notes
end

local function of_row(row)
  local p <const> = new(row.name, lines_of(row.doc))
  if core.public[row.name] or row.name:find(".", 1, true) then
    p.calls[1] = ("mlp.%s%s"):format(row.name, argument_list(row, 1))
  end
  if core.methods[row.name] then
    p.calls[#p.calls + 1] = ("%s:%s%s"):format(subject(row), row.name, argument_list(row, 2))
  end
  if row.in_place and core.methods[row.name .. "_"] then
    p.calls[#p.calls + 1] = ("%s:%s_%s, in place"):format(subject(row), row.name,
      argument_list(row, 2))
  end
  p.tables, p.notes = argument_tables(row), row_notes(row)
  return p
end

-- ---- annotated functions ------------------------------------------------------------------------

local function call_text(name, item)
  local arguments <const> = {}
  local optional <const> = {}
  for _, param in ipairs(item.params) do optional[param.name] = param.optional end
  for i, argument in ipairs(item.arguments) do
    arguments[i] = optional[argument] and argument .. "?" or argument
  end
  return ("%s(%s)"):format(name, table.concat(arguments, ", "))
end

--- The fields of a class that a table of options is described by, those of its parents included.
local function inherited_fields(item)
  local fields <const> = {}
  while item do
    for _, field in ipairs(item.fields) do fields[#fields + 1] = field end
    item = item.owner and catalogue.type(item.owner:match "^[%w_.]+") or nil
  end
  return fields
end

--- A table for every type that is only a table of fields and is named in the given ones. Aliases
--- are explained too.
local function add_types(p, lists)
  local seen <const> = {}
  local function look(field)
    for name in field.type:gmatch "mlp%.[%w_.]+" do
      local item <const> = catalogue.type(name)
      if item and not seen[name] then
        seen[name] = true
        local rows = {}
        if item.kind == "alias" then
          rows[1] = { name = "", type = item.type, doc = table.concat(item.doc, " ") }
        elseif not item.variable then
          rows = inherited_fields(item)
        end
        if #rows > 0 then p.tables[#p.tables + 1] = { title = name, rows = rows } end
        for _, row in ipairs(rows) do look(row) end
      end
    end
  end
  for _, list in ipairs(lists) do
    for _, field in ipairs(list) do look(field) end
  end
end

local function add_item(p, name, item, self_name)
  p.calls[#p.calls + 1] = call_text(name, item)
  for _, overload in ipairs(item.overloads) do
    local arguments <const> = overload:match "^fun%((.*)%)"
    local plain <const> = arguments and arguments:gsub("(%??): [^,]+", "%1")
    if plain and name ~= self_name then p.calls[#p.calls + 1] = ("%s(%s)"):format(name, plain) end
  end
  if #item.params > 0 then p.tables[#p.tables + 1] = { title = "", rows = item.params } end
  if #item.returns > 0 then
    p.tables[#p.tables + 1] = { title = "returns", rows = item.returns }
  end
end

local function of_function(entry)
  local item <const> = entry.item
  local name = "mlp." .. entry.path
  if entry.path:find ":" then name = entry.path:gsub("^Tensor", "x") end
  local p <const> = new(entry.path, item and item.doc)
  if not item then
    p.calls[1] = name .. "(...)"
    return p
  end
  if #item.arguments == 0 and item.kind == "value" then -- a table that may be called: see its text
    p.calls[1] = name
  else
    if entry.path:find "^Tensor:" and item.arguments[1] == "x" and not item.method then
      local shorter <const> = setmetatable({ arguments = { table.unpack(item.arguments, 2) },
        params = { table.unpack(item.params, 2) } }, { __index = item })
      add_item(p, name, shorter)
    else
      add_item(p, name, item)
    end
  end
  add_types(p, { item.params, item.returns })
  return p
end

-- ---- classes ------------------------------------------------------------------------------------

local function method_page(entry, item)
  local last <const> = entry.path:match "[^.]*$"
  local mark <const> = item.method and ":" or "."
  local p <const> = new(entry.path .. mark .. item.name, item.doc)
  add_item(p, last .. mark .. item.name, item)
  add_types(p, { item.params, item.returns })
  return p
end

--- "fun(parameters: mlp.Tensor[], options: T?)" of ---@overload, as parameters.
local function overload_call(name, overload)
  local arguments <const> = overload:match "^fun(%b())" or "()"
  local names <const> = {}
  for argument in arguments:gmatch "([%w_.]+%??):" do names[#names + 1] = argument end
  return ("%s(%s)"):format(name, table.concat(names, ", "))
end

local function class_doc(entry)
  local item <const> = entry.item
  if #item.doc > 0 then return item.doc end
  local first
  for _, other in ipairs(entry.source.items) do
    first = first or other.kind == "class" and other.variable and other
  end
  return first == item and entry.source.header or {}
end

local function of_class(entry)
  local item <const> = entry.item
  local p <const> = new(entry.path, item and class_doc(entry))
  local name <const> = "mlp." .. entry.path
  local constructor <const> = catalogue.constructor(entry)
  local lists <const> = { item and item.fields or {} }
  if constructor then
    for _, line in ipairs(constructor.doc) do
      if #p.doc > 0 and line == constructor.doc[1] then p.doc = { table.unpack(p.doc) } end
      if line == constructor.doc[1] and #p.doc > 0 then p.doc[#p.doc + 1] = "" end
      p.doc[#p.doc + 1] = line
    end
    add_item(p, name, constructor)
    lists[2] = constructor.params
  elseif item and entry.value ~= nil and item.overloads[1] then
    p.calls[1] = overload_call(name, item.overloads[1])
    lists[2] = { { type = item.overloads[1] } }
  end
  if item and #item.fields > 0 then
    p.tables[#p.tables + 1] = { title = "fields", rows = item.fields }
  end
  add_types(p, lists)
  if entry.row then
    p.doc = { ("The operation %s as a module: %s"):format(entry.row.name, entry.row.doc) }
    p.notes[1] = ("mlp.help \"%s\" lists its options."):format(entry.row.name)
    return p
  end
  if entry.path == "Tensor" then
    p.notes[1] = 'Its methods: mlp.help "tensor methods"; most operations are methods too.'
  end
  if item and item.owner then
    p.notes[#p.notes + 1] = ("Also has what %s has."):format(item.owner:gsub("^mlp%.", ""))
  end
  for _, method in ipairs(catalogue.methods(entry)) do
    p.methods[#p.methods + 1] = method_page(entry, method)
  end
  return p
end

-- ---- modules ------------------------------------------------------------------------------------

local function of_module(entry)
  return new(entry.path, entry.source and entry.source.header)
end

local MAKERS <const> = { operation = function(entry) return of_row(entry.row) end,
  ["function"] = of_function, class = of_class, module = of_module }

--- The page of an entry of the catalogue.
---@param entry mlp.help.Entry
---@return mlp.help.Page
function page.of(entry) return MAKERS[entry.kind](entry) end

return page
