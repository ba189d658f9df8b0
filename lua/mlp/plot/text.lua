-- How wide a text will be, and cutting texts to a width. SVG is laid out before anybody knows
-- which font will draw it, so widths are estimates in em: those of DejaVu Sans, the widest of the
-- family list in theme.lua. Too much room is a little white; too little would be an overlap.
--
-- Every text from outside passes `clean` first: the result is valid UTF-8 made of characters that
-- XML 1.0 allows, whatever bytes came in.

local text = {}

local WIDTHS <const> = {
  { 0.32, " !,.:;'|ijl" }, { 0.40, "()[]{}/\\\"-fIrt" }, { 0.53, "cksvxyzJ?_*^`" },
  { 0.64, "0123456789$abdeghnopquFLEPST" }, { 0.72, "ABCKRVXYZ" }, { 0.80, "DGHNOQU+<=>~#&" },
  { 0.99, "mMwW%@" },
}
local BOLD <const> = 1.09
local REPLACEMENT <const> = "\u{FFFD}"

local width_of <const> = {}
for _, class in ipairs(WIDTHS) do
  for character in class[2]:gmatch "." do width_of[character:byte()] = class[1] end
end

local function is_wide(code) -- Hangul, CJK, full-width forms, pictographs
  return code >= 0x1100 and code <= 0x115F or code >= 0x2E80 and code <= 0xD7A3
    or code >= 0xF900 and code <= 0xFAFF or code >= 0xFE30 and code <= 0xFF60
    or code >= 0x1F300 and code <= 0x3FFFD
end

local function is_superscript(code)
  return code == 0xB9 or code == 0xB2 or code == 0xB3 or code >= 0x2070 and code <= 0x207E
end

local function code_width(code)
  if width_of[code] then return width_of[code] end
  if code >= 0x300 and code <= 0x36F then return 0 end -- combining marks
  if code == 0x2009 or code == 0x202F then return 0.2 end
  if is_superscript(code) then return 0.46 end
  return is_wide(code) and 1 or 0.66
end

--- Estimated width of a valid UTF-8 text.
---@param s string
---@param style {size: number, weight: string?}
---@return number pixels
function text.width(s, style)
  local em = 0
  for _, code in utf8.codes(s) do em = em + code_width(code) end
  return em * style.size * (style.weight == "bold" and BOLD or 1)
end

--- The widest of a list of texts.
---@param list string[]
---@param style {size: number, weight: string?}
---@return number pixels
function text.widest(list, style)
  local widest = 0
  for _, s in ipairs(list) do widest = math.max(widest, text.width(s, style)) end
  return widest
end

local function allowed(code)
  return code >= 0x20 and code <= 0xD7FF and code ~= 0x7F or code == 0x9 or code == 0xA
    or code >= 0xE000 and code <= 0xFFFD or code >= 0x10000 and code <= 0x10FFFF
end

--- Any bytes as valid UTF-8 without characters that XML forbids; what cannot stay becomes U+FFFD.
---@param s string
---@return string
function text.clean(s)
  local parts <const> = {}
  local at = 1
  while at <= #s do
    local good <const> = utf8.len(s, at, at) and utf8.codepoint(s, at) or nil
    local kept <const> = good and allowed(good)
    parts[#parts + 1] = kept and utf8.char(good) or REPLACEMENT
    at = at + (good and #utf8.char(good) or 1)
  end
  return table.concat(parts)
end

--- A text cut to a width, with an ellipsis where something is missing.
---@param s string
---@param style {size: number, weight: string?}
---@param limit number  pixels
---@return string
function text.ellipsis(s, style, limit)
  if text.width(s, style) <= limit then return s end
  local kept = utf8.len(s)
  local cut
  repeat
    kept = kept - 1
    cut = s:sub(1, (utf8.offset(s, kept + 1) or 1) - 1):gsub("%s+$", "") .. "\u{2026}"
  until kept <= 0 or text.width(cut, style) <= limit
  return cut
end

local function wrap_line(line, style, limit, lines)
  local current
  for word in line:gmatch "%S+" do
    local longer <const> = current and current .. " " .. word or word
    if current and text.width(longer, style) > limit then
      lines[#lines + 1] = current
      current = word
    else
      current = longer
    end
  end
  lines[#lines + 1] = current or ""
end

--- A text in lines no wider than a limit, broken at spaces and newlines; a longer word is cut.
---@param s string
---@param style {size: number, weight: string?}
---@param limit number  pixels
---@return string[]
function text.wrap(s, style, limit)
  local lines <const> = {}
  for line in (s .. "\n"):gmatch "(.-)\n" do wrap_line(line, style, limit, lines) end
  for i, line in ipairs(lines) do lines[i] = text.ellipsis(line, style, limit) end
  return lines
end

local PLAIN <const> = {
  ["\u{B9}"] = "1", ["\u{B2}"] = "2", ["\u{B3}"] = "3", ["\u{2070}"] = "0", ["\u{2074}"] = "4",
  ["\u{2075}"] = "5", ["\u{2076}"] = "6", ["\u{2077}"] = "7", ["\u{2078}"] = "8",
  ["\u{2079}"] = "9", ["\u{207A}"] = "+", ["\u{207B}"] = "\u{2212}", ["\u{207C}"] = "=",
  ["\u{207D}"] = "(", ["\u{207E}"] = ")",
}

--- A text as runs that are raised or not, superscripts turned into ordinary characters: fonts take
--- the Unicode superscripts from several blocks, raised digits of one size look like one number.
---@param s string
---@return {text: string, raised: boolean}[]
function text.runs(s)
  local runs <const> = {}
  for _, code in utf8.codes(s) do
    local character <const> = utf8.char(code)
    local raised <const> = PLAIN[character] ~= nil
    if #runs == 0 or runs[#runs].raised ~= raised then
      runs[#runs + 1] = { text = "", raised = raised }
    end
    runs[#runs].text = runs[#runs].text .. (PLAIN[character] or character)
  end
  return runs
end

return text
