-- Colours and colour maps. A map takes 0..1 to a colour through 256 steps, mixed between a few
-- anchors in Oklab (Ottosson 2020, https://bottosson.github.io/posts/oklab), where equal steps look
-- equal. "viridis" has the nine published anchors of the map of van der Walt and Smith (CC0).
--
-- Every map runs evenly in lightness, from its first colour or from its middle, so it survives
-- grey printing; the ends of "diverging" are told apart under colour blindness.

local errors <const> = require "mlp.errors"

local colour = {}

local STEPS <const> = 256
local DARK_TEXT <const> = "#222222"
local EQUAL_CONTRAST <const> = 0.213 -- luminance on which dark and white text are read alike

local ANCHORS <const> = {
  viridis = { "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962",
    "#addc30", "#fde725" },
  grey = { "#000000", "#ffffff" },
  ink = { "#ffffff", "#000000" }, -- as pencil on paper
  blues = { "#f4f8fc", "#a9cbe6", "#3d8ec4", "#08477e" },
  oranges = { "#fdf6f0", "#f7c49a", "#e0762a", "#8f3a00" },
  diverging = { "#08477e", "#2a7fba", "#9cc5e2", "#f6f6f6", "#f5b98a", "#d9661a", "#8a3500" },
}
local DIVERGING <const> = { diverging = true }
local GREY <const> = { grey = true, ink = true } -- byte for byte: 0.5 is 128, as in the image

--- "#rrggbb" or "#rgb" as three numbers 0..255; nil when it is neither.
---@param hex string
---@return integer? red, integer? green, integer? blue
function colour.rgb(hex)
  if type(hex) ~= "string" then return nil end
  local short <const> = hex:match "^#(%x%x%x)$"
  local r, g, b = (short and "#" .. short:gsub(".", "%0%0") or hex):match "^#(%x%x)(%x%x)(%x%x)$"
  if not r then return nil end
  return tonumber(r, 16), tonumber(g, 16), tonumber(b, 16)
end

---@return string "#rrggbb"
function colour.hex(r, g, b)
  return ("#%02x%02x%02x"):format(r, g, b)
end

local function to_linear(byte)
  local c <const> = byte / 255
  return c <= 0.04045 and c / 12.92 or ((c + 0.055) / 1.055) ^ 2.4
end

local function to_byte(c)
  c = c <= 0.0031308 and 12.92 * c or 1.055 * c ^ (1 / 2.4) - 0.055
  return math.floor(255 * math.max(0, math.min(1, c)) + 0.5)
end

local function oklab(hex)
  local r, g, b = colour.rgb(hex)
  r, g, b = to_linear(r), to_linear(g), to_linear(b)
  local l <const> = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ^ (1 / 3)
  local m <const> = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ^ (1 / 3)
  local s <const> = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ^ (1 / 3)
  return 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s
end

local function from_oklab(L, a, b)
  local l <const> = (L + 0.3963377774 * a + 0.2158037573 * b) ^ 3
  local m <const> = (L - 0.1055613458 * a - 0.0638541728 * b) ^ 3
  local s <const> = (L - 0.0894841775 * a - 1.2914855480 * b) ^ 3
  return to_byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    to_byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    to_byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)
end

--- The colour a share of the way from one to another.
---@param from string "#rrggbb"
---@param to string "#rrggbb"
---@param share number 0..1
---@return string "#rrggbb"
function colour.mix(from, to, share)
  local L1 <const>, a1 <const>, b1 <const> = oklab(from)
  local L2 <const>, a2 <const>, b2 <const> = oklab(to)
  return colour.hex(from_oklab(L1 + share * (L2 - L1), a1 + share * (a2 - a1),
    b1 + share * (b2 - b1)))
end

--- Near black or white, whichever is read better on a colour: the contrast ratio of the Web Content
--- Accessibility Guidelines 2.1 is at least 3.9.
---@param hex string
---@return string
function colour.text_on(hex)
  local r <const>, g <const>, b <const> = colour.rgb(hex)
  local luminance <const> = 0.2126 * to_linear(r) + 0.7152 * to_linear(g) + 0.0722 * to_linear(b)
  return luminance > EQUAL_CONTRAST and DARK_TEXT or "#ffffff"
end

---@class mlp.plot.ColourMap
---@field anchors string[]
---@field diverging boolean  its middle means "none"
---@field grey boolean       all its colours are greys
---@field [integer] string   256 colours "#rrggbb"
local Map = {}
Map.__index = Map

--- The colour of a share 0..1; outside, the nearer end.
---@param share number
---@return string "#rrggbb"
function Map:at(share)
  return self[math.floor(math.max(0.0, math.min(1.0, share)) * (STEPS - 1) + 1.5)]
end

local function build(anchors, diverging)
  local map <const> = setmetatable({ anchors = anchors, diverging = diverging }, Map)
  for i = 0, STEPS - 1 do
    local place <const> = i / (STEPS - 1) * (#anchors - 1)
    local left <const> = math.min(math.floor(place), #anchors - 2)
    map[i + 1] = colour.mix(anchors[left + 1], anchors[left + 2], place - left)
  end
  return map
end

local function build_grey(anchors)
  local map <const> = setmetatable({ anchors = anchors, diverging = false, grey = true }, Map)
  local from <const>, to <const> = colour.rgb(anchors[1]), colour.rgb(anchors[2])
  for i = 0, STEPS - 1 do
    local level <const> = math.floor(from + (to - from) * i / (STEPS - 1) + 0.5)
    map[i + 1] = colour.hex(level, level, level)
  end
  return map
end

local function names()
  local list <const> = {}
  for name in pairs(ANCHORS) do list[#list + 1] = name end
  table.sort(list)
  return '"' .. table.concat(list, '", "') .. '"'
end

--- A colour map by its name, or from a list of two or more colours "#rrggbb".
---@param call string  the call that speaks in messages
---@param what string|string[]
---@return mlp.plot.ColourMap
function colour.map(call, what)
  if GREY[what] then return build_grey(ANCHORS[what]) end
  if type(what) == "string" and ANCHORS[what] then
    return build(ANCHORS[what], DIVERGING[what] or false)
  end
  local good = type(what) == "table" and #what >= 2
  for _, hex in ipairs(good and what or {}) do good = good and colour.rgb(hex) ~= nil end
  if not good then
    errors.wanted(call, "colours", what,
      ('one of %s, or a list of colours "#rrggbb"'):format(names()))
  end
  return build(what, false)
end

--- A paler map, on which points of the same colours stand out.
---@param map mlp.plot.ColourMap
---@param white number  share of white 0..1
---@return mlp.plot.ColourMap
function colour.pale(map, white)
  local darkest <const> = map.diverging and 1 or 0 -- both ends: pale brown is a muddy orange
  local anchors <const> = {}
  for i = 1 + darkest, #map.anchors - darkest do
    anchors[#anchors + 1] = colour.mix(map.anchors[i], "#ffffff", white)
  end
  return build(anchors, map.diverging)
end

--- A check for colours of series: "#rgb", "#rrggbb" or a name that SVG knows.
---@param call string
---@param what string
---@param value any
---@return string?
function colour.check(call, what, value)
  if value == nil or colour.rgb(value) or type(value) == "string" and value:find "^%a+$" then
    return value
  end
  errors.wanted(call, what, value, 'a colour such as "#0072b2" or "black"')
end

return colour
