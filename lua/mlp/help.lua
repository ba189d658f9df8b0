--- mlp.help at any prompt: what an operation, a function, a class or a topic is, from the core's
--- table of rows and from the annotations in the sources. See lua/mlp/help/: annotations are read,
--- collected into a catalogue, made into pages, and pages into text.

local errors <const> = require "mlp.errors"
local catalogue <const> = require "mlp.help.catalogue"
local page <const> = require "mlp.help.page"
local text <const> = require "mlp.help.text"

local help = {}

---@class mlp.Help text about a name; tostring and print show it, and so does the Lua prompt
---@field text string
local Help = { __name = "mlp.Help" }
Help.__index = Help
function Help:__tostring() return self.text end

local function answer(words) return setmetatable({ text = words }, Help) end

-- ---- topics -------------------------------------------------------------------------------------

local function first_sentence(doc)
  local words <const> = table.concat(doc, " ")
  return (words .. " "):match "^(.-%.)%s" or words
end

local function summary(entry)
  local p <const> = page.of(entry)
  return { name = entry.path, doc = first_sentence(p.doc) }
end

local function of_topic(topic)
  local rows <const> = {}
  for i, entry in ipairs(topic.entries) do rows[i] = summary(entry) end
  return text.list(topic.title, topic.doc, rows)
end

local function overview()
  local parts <const> = { 'mlp.help "name" tells about a name, mlp.help "topic" about a topic:' }
  for _, topic in ipairs(catalogue.topics()) do
    local names <const> = {}
    for i, entry in ipairs(topic.entries) do names[i] = entry.path end
    parts[#parts + 1] = text.index(('%s (mlp.help "%s")'):format(topic.title, topic.name), {},
      names)
  end
  return table.concat(parts, "\n\n")
end

-- ---- finding ------------------------------------------------------------------------------------

local known

--- Every word that finds something: full names first, last parts where they are free, topics last.
local function index()
  if known then return known end
  known = {}
  local function offer(name, found)
    if known[name] == nil then known[name] = found end
  end
  for _, topic in ipairs(catalogue.topics()) do
    for _, entry in ipairs(topic.entries) do
      offer(entry.path, { entry = entry })
      if entry.row and entry.row.in_place and entry.kind == "operation" then
        offer(entry.path .. "_", { entry = entry })
      end
    end
  end
  for _, topic in ipairs(catalogue.topics()) do
    for _, entry in ipairs(topic.entries) do
      offer(entry.path:match "[^.:]*$", { entry = entry })
      if entry.kind == "class" then
        for _, method in ipairs(page.of(entry).methods) do
          offer(method.name, { page = method })
          offer(method.name:match "[^.]*$", { page = method })
        end
      end
    end
    offer(topic.name, { topic = topic })
    offer(topic.name:lower(), { topic = topic })
  end
  return known
end

--- "mlp.nn.Linear", "x:relu", "nn.Linear.forward" as the index writes them.
local function spellings(name)
  local bare <const> = name:gsub("^%s+", ""):gsub("%s+$", ""):gsub("^mlp%.", ""):gsub("%(.*%)$", "")
  local method <const> = bare:match "^%a[%w_]*:([%w_]+)$"
  return { bare, (bare:gsub("%.([%w_]+)$", ":%1")), method and "Tensor:" .. method or bare,
    method or bare }
end

local function by_name(name)
  local words <const> = index()
  for _, spelling in ipairs(spellings(name)) do
    if words[spelling] then return words[spelling] end
  end
end

--- A function, class or module of the library, or an object of one of its classes.
local function by_value(value)
  local class <const> = type(value) == "table" and getmetatable(value) or nil
  for _, topic in ipairs(catalogue.topics()) do
    for _, entry in ipairs(topic.entries) do
      if entry.value ~= nil and (entry.value == value or entry.value == class) then
        return { entry = entry }
      end
    end
  end
end

local function unknown(name)
  local guess <const> = errors.guess(name:gsub("^mlp%.", ""), index())
  return ("There is no help about '%s'%s. mlp.help() lists all names."):format(name,
    guess and (" (did you mean '%s'?)"):format(guess) or "")
end

--- Tells about a name of the library: an operation, a function, a class, a method or a topic. The
--- Lua prompt shows the answer; in scripts: print(mlp.help "linear").
---
---     mlp.help()                      all names, by topic
---     mlp.help "activations"          a topic
---     mlp.help "nn.Linear"            a class; also mlp.help(mlp.nn.Linear)
---     mlp.help "x:split"              a method
---@param name any a name; or a function, a class or an object of the library itself
---@return mlp.Help
function help.help(name)
  if name == nil then return answer(overview()) end
  local found
  if type(name) == "string" then
    found = by_name(name)
  else
    found = by_value(name)
  end
  if not found then
    return answer(type(name) == "string" and unknown(name)
      or "There is no help about this value. mlp.help() lists all names.")
  end
  if found.topic then return answer(of_topic(found.topic)) end
  return answer(text.page(found.page or page.of(found.entry)))
end

return help
