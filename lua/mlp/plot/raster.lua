-- Pictures inside a figure: pixels become a PNG in a data URI, so a grid of a hundred images stays
-- small. Small pictures are magnified by a whole factor before: programs that ignore
-- `image-rendering` would blur eight pixels shown as eighty.

local colour <const> = require "mlp.plot.colour"
local core <const> = require "mlp.core"

local raster = {}

local OVERSAMPLED <const> = 2 -- pixels of a magnified picture per pixel of the figure, at least
local DIGITS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local pair_of <const> = {} -- 12 bits -> two characters
for i = 0, 4095 do
  pair_of[i] = DIGITS:sub((i >> 6) + 1, (i >> 6) + 1) .. DIGITS:sub((i & 63) + 1, (i & 63) + 1)
end

--- RFC 4648.
---@param bytes string
---@return string
function raster.base64(bytes)
  local out <const> = {}
  local whole <const> = #bytes - #bytes % 3
  for i = 1, whole, 3 do
    local a <const>, b <const>, c <const> = bytes:byte(i, i + 2)
    out[#out + 1] = pair_of[a << 4 | b >> 4]
    out[#out + 1] = pair_of[(b & 15) << 8 | c]
  end
  local a <const>, b <const> = bytes:byte(whole + 1, -1)
  if b then
    out[#out + 1] = pair_of[a << 4 | b >> 4] .. pair_of[(b & 15) << 8]:sub(1, 1) .. "="
  elseif a then
    out[#out + 1] = pair_of[a << 4] .. "=="
  end
  return table.concat(out)
end

--- Rows of pixels (each a string of 1 or 3 bytes), every pixel `factor` times as wide and high.
---@param pixels string[]  row by row
---@param height integer
---@param width integer
---@param factor integer
---@return string bytes
function raster.magnified(pixels, height, width, factor)
  local rows <const> = {}
  for r = 1, height do
    local row <const> = {}
    for c = 1, width do row[c] = pixels[(r - 1) * width + c]:rep(factor) end
    rows[r] = table.concat(row):rep(factor)
  end
  return table.concat(rows)
end

--- Draws pixels into a rectangle.
---@param canvas mlp.plot.Canvas
---@param pixels string[]  row by row, each 1 byte (grey) or 3 (red, green, blue)
---@param height integer
---@param width integer
---@param box {x: number, y: number, width: number, height: number, smooth: boolean?}
--- `smooth` where the pixels sample something continuous
function raster.draw(canvas, pixels, height, width, box)
  local shown <const> = math.max(box.width / width, box.height / height)
  local factor <const> = box.smooth and 1 or math.max(1, math.ceil(OVERSAMPLED * shown))
  local png <const> = core.png_encode(raster.magnified(pixels, height, width, factor),
    height * factor, width * factor, #pixels[1])
  canvas:add("image", {
    x = box.x, y = box.y, width = box.width, height = box.height, preserveAspectRatio = "none",
    ["xlink:href"] = "data:image/png;base64," .. raster.base64(png),
    style = not box.smooth and "image-rendering:pixelated",
  })
end

--- Colours "#rrggbb" as pixels for `draw`, made once each.
---@param grey boolean  one byte per pixel
---@return table<string, string> pixel by colour
function raster.painter(grey)
  return setmetatable({}, {
    __index = function(known, hex)
      local r <const>, g <const>, b <const> = colour.rgb(hex)
      local pixel <const> = grey and string.char(r) or string.char(r, g, b)
      known[hex] = pixel
      return pixel
    end,
  })
end

return raster
