--- Pages as text for a terminal, 80 columns wide.

local text = {}

local COLUMNS <const> = 80

local function padded(word, width) return word .. (" "):rep(width - utf8.len(word)) end

local function wrap_into(lines, words, first, rest)
  local line, empty = first, true
  for word in words:gmatch "%S+" do
    if not empty and utf8.len(line) + 1 + utf8.len(word) > COLUMNS then
      lines[#lines + 1] = line
      line, empty = rest, true
    end
    line = empty and line .. word or line .. " " .. word
    empty = false
  end
  lines[#lines + 1] = line
end

--- Paragraphs are filled; lines that begin with four blanks are code and stay.
local function add_doc(lines, doc, indent)
  local paragraph = {}
  local function flush()
    if #paragraph > 0 then wrap_into(lines, table.concat(paragraph, " "), indent, indent) end
    paragraph = {}
  end
  for _, line in ipairs(doc) do
    if line:find "^%s*$" or line:find "^    " then
      flush()
      lines[#lines + 1] = line == "" and "" or indent .. line
    else
      if line:find "^[*-] " then flush() end -- an item of a list
      paragraph[#paragraph + 1] = line
    end
  end
  flush()
end

local function add_table(lines, one, indent)
  if one.title ~= "" then lines[#lines + 1] = indent .. one.title end
  local width = 0
  for _, row in ipairs(one.rows) do width = math.max(width, #row.name) end
  for _, row in ipairs(one.rows) do
    local kind <const> = row.type .. (row.optional and not row.type:find "|nil$" and "?" or "")
    wrap_into(lines, kind .. (row.doc ~= "" and "  -- " .. row.doc or ""),
      indent .. "  " .. padded(row.name, width) .. "  ", indent .. (" "):rep(width + 6))
  end
end

local function add_page(lines, p, indent)
  for _, call in ipairs(p.calls) do wrap_into(lines, call, indent, indent .. "    ") end
  if #p.calls > 0 and #p.doc > 0 then lines[#lines + 1] = "" end
  add_doc(lines, p.doc, indent == "" and "" or indent .. "  ")
  for k, one in ipairs(p.tables) do
    if indent == "" and (k == 1 or one.title ~= "returns") then lines[#lines + 1] = "" end
    add_table(lines, one, indent)
  end
  if #p.notes > 0 then
    if indent == "" then lines[#lines + 1] = "" end
    wrap_into(lines, table.concat(p.notes, " "), indent, indent)
  end
end

--- The page as text.
---@param p mlp.help.Page
---@return string
function text.page(p)
  local lines <const> = {}
  if #p.calls == 0 then lines[1], lines[2] = p.name, "" end
  add_page(lines, p, "")
  if #p.methods > 0 then lines[#lines + 1], lines[#lines + 2] = "", "methods" end
  for _, method in ipairs(p.methods) do
    for _, call in ipairs(method.calls) do lines[#lines + 1] = "  " .. call end
    if method.doc[1] then
      local first <const> = (table.concat(method.doc, " ") .. " "):match "^(.-%.)%s"
      wrap_into(lines, first or table.concat(method.doc, " "), "      ", "      ")
    end
  end
  return table.concat(lines, "\n")
end

--- A title, paragraphs and names side by side.
---@param title string
---@param doc string[]
---@param names string[]
---@return string
function text.index(title, doc, names)
  local lines <const> = { title }
  add_doc(lines, doc, "  ")
  wrap_into(lines, table.concat(names, "  "), "  ", "  ")
  return table.concat(lines, "\n")
end

--- Names with a line about each.
---@param title string
---@param doc string[]
---@param rows {name: string, doc: string}[]
---@return string
function text.list(title, doc, rows)
  local lines <const> = { title, "" }
  add_doc(lines, doc, "")
  if #doc > 0 then lines[#lines + 1] = "" end
  local width = 0
  for _, row in ipairs(rows) do width = math.max(width, #row.name) end
  for _, row in ipairs(rows) do
    wrap_into(lines, row.doc, "  " .. padded(row.name, width) .. "  ", (" "):rep(width + 4))
  end
  return table.concat(lines, "\n")
end

return text
