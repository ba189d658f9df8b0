--- Pages of mlp.help as the Markdown of REFERENCE.md.

local catalogue <const> = require "mlp.help.catalogue"
local page <const> = require "mlp.help.page"

local markdown = {}

local function escaped(text) return (text:gsub("[<*_]", "\\%0")) end

--- Prose with its code as code: what stands between backquotes stays as it is.
local function prose(line)
  local parts <const> = {}
  for before, code in (line .. "``"):gmatch "([^`]*)(`[^`]*`)" do
    parts[#parts + 1] = escaped(before) .. (code ~= "``" and code or "")
  end
  return table.concat(parts)
end

--- Lines of four blanks are code, "name(...) -> ..." and formulas too.
local function add_doc(out, doc)
  local in_code = false
  for _, line in ipairs(doc) do
    local code <const> = line:find "^    " ~= nil
    if code ~= in_code and (code or line ~= "") then
      out[#out + 1] = code and "```lua" or "```"
      if not code then out[#out + 1] = "" end
      in_code = code
    end
    out[#out + 1] = in_code and line:sub(5) or prose(line)
  end
  if in_code then out[#out + 1] = "```" end
  out[#out + 1] = #doc > 0 and "" or nil
end

local function field_line(field)
  local parts <const> = { "-" }
  if field.name ~= "" then parts[#parts + 1] = "`" .. field.name .. "`" end
  local mark <const> = field.optional and not field.type:find "|nil$" and "?" or ""
  parts[#parts + 1] = "`" .. field.type .. mark .. "`"
  if field.doc ~= "" then parts[#parts + 1] = prose(field.doc) end
  return table.concat(parts, " ")
end

local function add_tables(out, tables)
  for _, one in ipairs(tables) do
    if one.title ~= "" then
      out[#out + 1] = (one.title:find "^mlp%." and "`%s`:" or "%s:"):format(one.title)
      out[#out + 1] = ""
    end
    for _, row in ipairs(one.rows) do out[#out + 1] = field_line(row) end
    out[#out + 1] = ""
  end
end

local function add_calls(out, calls)
  if #calls == 0 then return end
  local parts <const> = {}
  for i, call in ipairs(calls) do parts[i] = "`" .. call .. "`" end
  out[#out + 1] = table.concat(parts, "  \n")
  out[#out + 1] = ""
end

local function add_page(out, p, level)
  out[#out + 1] = ("%s %s"):format(("#"):rep(level), escaped(p.name))
  out[#out + 1] = ""
  add_calls(out, p.calls)
  add_doc(out, p.doc)
  add_tables(out, p.tables)
  if #p.notes > 0 then
    out[#out + 1] = prose(table.concat(p.notes, " "))
    out[#out + 1] = ""
  end
  for _, method in ipairs(p.methods) do add_page(out, method, level + 1) end
end

local function anchor_of(title)
  return (title:lower():gsub("[^%w %-_]", ""):gsub(" ", "-"))
end

local INTRODUCTION <const> = [[
# Reference

Every public name of `mlp`, by topic. `mlp.help "name"` shows the same at any prompt. Written by
`make docs` from the table of operations and the annotations in the sources; not edited by hand.

An argument with `?` may be left out. Axes, positions and classes count from 1; ranges include both
ends. A mistake of the caller raises at the caller's line; what reads and writes files answers
`nil, message`.
]]

--- The address of each heading, by what the renderers of Markdown make of it: the second heading of
--- one name gets -1 at its end.
local function anchors_of(lines)
  local anchors <const>, count <const> = {}, {}
  for _, line in ipairs(lines) do
    local title <const> = line:match "^#+ (.*)$"
    if title then
      local plain <const> = title:gsub("\\", "")
      local anchor <const> = anchor_of(plain)
      count[anchor] = (count[anchor] or -1) + 1
      local full <const> = count[anchor] == 0 and anchor or ("%s-%d"):format(anchor, count[anchor])
      anchors[plain] = anchors[plain] or full
    end
  end
  return anchors
end

local function add_index(out, topics, anchors)
  for _, topic in ipairs(topics) do
    out[#out + 1] = ("- [%s](#%s):"):format(topic.title, anchors[topic.title])
    for _, entry in ipairs(topic.entries) do
      out[#out + 1] = ("  [%s](#%s)"):format(escaped(entry.path), anchors[entry.path])
    end
  end
  out[#out + 1] = ""
end

--- The whole reference.
---@return string
function markdown.reference()
  local topics <const>, body <const> = catalogue.topics(), {}
  for _, topic in ipairs(topics) do
    body[#body + 1] = "## " .. topic.title
    body[#body + 1] = ""
    add_doc(body, topic.doc)
    for _, entry in ipairs(topic.entries) do add_page(body, page.of(entry), 3) end
  end
  local out <const> = { INTRODUCTION }
  add_index(out, topics, anchors_of(body))
  table.move(body, 1, #body, #out + 1, out)
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"):gsub("\n+$", "\n"))
end

return markdown
