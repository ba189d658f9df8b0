local annotations <const> = require "mlp.help.annotations"
local catalogue <const> = require "mlp.help.catalogue"
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local page <const> = require "mlp.help.page"

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

describe("what make docs writes", function()
  it("is REFERENCE.md as it stands", function()
    assert(read "REFERENCE.md" == require("spec.docs.markdown").reference(),
      "REFERENCE.md is stale: run make docs")
  end)

  it("is lua/mlp/meta.lua as it stands", function()
    assert(read "lua/mlp/meta.lua" == require("spec.docs.meta").text(),
      "lua/mlp/meta.lua is stale: run make docs")
  end)

  it("makes annotations that are Lua", function() assert(loadfile "lua/mlp/meta.lua") end)
end)

-- What is wrong with the documentation of one name, in words; nil when nothing is.
local function fault_of_item(item, is_method)
  if not item.marked then return "has no annotations" end
  if #item.doc == 0 and not (is_method and #item.params + #item.returns > 0) then
    return "is not described"
  end
  local known <const> = {}
  for _, param in ipairs(item.params) do known[param.name] = true end
  for _, argument in ipairs(item.arguments) do
    if not known[argument] then return ("does not describe its argument '%s'"):format(argument) end
  end
end

local function fault_of_row(row)
  if row.doc == "" then return "is not described" end
  for _, argument in ipairs(row.arguments) do
    if (argument.doc or "") == "" and not argument.choices then
      return ("does not describe its argument '%s'"):format(argument.name)
    end
  end
end

local function fault_of_class(entry)
  for _, method in ipairs(catalogue.methods(entry)) do
    local fault <const> = fault_of_item(method, true)
    if fault then return ("%s %s"):format(method.name, fault) end
  end
  if #page.of(entry).doc == 0 then return "is not described" end
end

local function fault_of(entry)
  if entry.row then return fault_of_row(entry.row) end
  if entry.kind == "module" then return #entry.source.header == 0 and "has no header" or nil end
  if not entry.item then return "has no annotations" end
  if entry.kind == "class" then return fault_of_class(entry) end
  return fault_of_item(entry.item)
end

describe("public names", function()
  it("are all described, and so are their arguments", function()
    local faults <const> = {}
    for _, topic in ipairs(catalogue.topics()) do
      for _, entry in ipairs(topic.entries) do
        local fault <const> = fault_of(entry)
        if fault then faults[#faults + 1] = ("mlp.%s %s"):format(entry.path, fault) end
      end
    end
    assert.equal("", table.concat(faults, "\n"))
  end)

  it("all stand in the catalogue", function()
    local listed <const> = {}
    for _, topic in ipairs(catalogue.topics()) do
      listed[topic.name:match "^%w+"] = true
      for _, entry in ipairs(topic.entries) do listed[entry.path] = true end
    end
    for name in pairs(mlp) do
      assert(listed[name] or catalogue.row(name) or name == "version",
        ("mlp.%s is in no topic"):format(name))
    end
    for name in pairs(core.methods) do
      assert(listed["Tensor:" .. name] or catalogue.row(name),
        ("the method %s is in no topic"):format(name))
    end
  end)

  it("of namespaces stand in the catalogue, unless they are the library's own business", function()
    local listed <const> = {}
    for _, topic in ipairs(catalogue.topics()) do
      for _, entry in ipairs(topic.entries) do listed[entry.path] = true end
    end
    for _, space in ipairs { "nn", "loss", "optim", "schedule", "metric", "data", "io", "plot",
      "linalg" } do
      for name in pairs(mlp[space]) do
        assert(listed[space .. "." .. name], ("mlp.%s.%s is in no topic"):format(space, name))
      end
    end
  end)
end)

describe("annotations", function()
  local SOURCE <const> = [=[
-- What the file is about.
local thing = {}

---@class mlp.Thing: mlp.Base
---@field size integer? how large,
---  in rows
---@field [string] any
local Thing = {}

--- Says it.
---@param words string|string[] what
---@param ... any
---@param options {loud: boolean?, times: integer?}? how
---@return string? text, string? message why not
function Thing:say(words, options, ...) end

--- Made by a maker.
---@type fun(a: number, b: {c: string, d: integer}?): boolean
thing.made = maker()

function thing.bare(x) end

local function helper() end

---@alias mlp.Side "left"|"right"
]=]

  local items = {}
  for _, item in ipairs(annotations.parse(SOURCE).items) do items[item.name] = item end

  it("keep the comment that opens the file", function()
    assert.same({ "What the file is about." }, annotations.parse(SOURCE).header)
  end)

  it("are read with types that hold blanks and tags that go on", function()
    local say <const> = items.say
    assert.is_true(say.method)
    assert.same({ "words", "options", "..." }, say.arguments)
    assert.same({ name = "words", type = "string|string[]", optional = false, doc = "what" },
      say.params[1])
    assert.same({ name = "options", type = "{loud: boolean?, times: integer?}", optional = true,
      doc = "how" }, say.params[3])
    assert.same({ name = "size", type = "integer", optional = true, doc = "how large, in rows" },
      items["mlp.Thing"].fields[1])
  end)

  it("give each result of one line its name", function()
    local returns <const> = items.say.returns
    assert.same({ name = "text", type = "string", optional = true, doc = "" }, returns[1])
    assert.same({ name = "message", type = "string", optional = true, doc = "why not" }, returns[2])
  end)

  it("take the parameters of a function from its type", function()
    assert.same({ "a", "b" }, items.made.arguments)
    assert.same("{c: string, d: integer}", items.made.params[2].type)
    assert.same("boolean", items.made.returns[1].type)
  end)

  it("show what has none, and leave out local functions without", function()
    assert.is_false(items.bare.marked)
    assert.is_nil(items.helper)
    assert.equal('"left"|"right"', items["mlp.Side"].type)
  end)
end)
