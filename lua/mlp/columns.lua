--- Tables as text: what results answer to print. The first column is words, the others are numbers
--- and stand flush right.

--- One cell as text: a number with four digits, nil as a dash.
local function cell(value)
  if value == nil then return "-" end
  if math.type(value) == "float" then return ("%.4g"):format(value) end
  return tostring(value)
end

--- Rows under headings.
---@param headings string[]
---@param rows any[][] as many values per row; nil is a dash
---@return string
return function(headings, rows)
  local widths <const>, texts <const> = {}, { headings }
  for r, row in ipairs(rows) do
    texts[r + 1] = {}
    for c = 1, #headings do texts[r + 1][c] = cell(row[c]) end
  end
  for _, row in ipairs(texts) do
    for c, text in ipairs(row) do
      widths[c] = math.max(widths[c] or 0, utf8.len(text) or #text)
    end
  end
  for r, row in ipairs(texts) do
    local parts <const> = {}
    for c, text in ipairs(row) do
      local gap <const> = (" "):rep(widths[c] - (utf8.len(text) or #text))
      parts[c] = c == 1 and text .. gap or gap .. text
    end
    texts[r] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return table.concat(texts, "\n")
end
