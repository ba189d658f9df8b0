-- Pictures of words: random strings of random size, place, tilt and colour on white, after those
-- that Tancik et al. 2020 test on. Letters are strokes; a pixel is inked by its distance to them. A
-- smaller picture has fewer words, not smaller ones: strokes stay a few pixels wide, so that every
-- second pixel still tells where they run.
local mlp <const> = require "mlp"

-- Strokes on a grid 4 wide (x to the right), 6 high (y down): points "xy", strokes parted by "/".
local STROKES <const> = {
  A = "06 20 46/14 34", B = "00 06 36 45 44 33 03/00 30 41 42 33", C = "41 30 10 01 05 16 36 45",
  D = "00 06 26 44 42 20 00", E = "40 00 06 46/03 33", F = "40 00 06/03 33",
  G = "41 30 10 01 05 16 36 45 43 23", H = "00 06/40 46/03 43", I = "10 30/20 26/16 36",
  J = "30 35 26 16 05 04", K = "00 06/40 03 46", L = "00 06 46", M = "06 00 23 40 46",
  N = "06 00 46 40", O = "10 01 05 16 36 45 41 30 10", P = "06 00 30 41 42 33 03",
  Q = "10 01 05 16 36 45 41 30 10/34 46", R = "06 00 30 41 42 33 03/23 46",
  S = "41 30 10 01 02 13 33 44 45 36 16 05", T = "00 40/20 26", U = "00 05 16 36 45 40",
  V = "00 26 40", W = "00 16 23 36 40", X = "00 46/40 06", Y = "00 23 40/23 26",
  Z = "00 40 06 46",
}
local LETTERS <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
local WIDTH <const>, HEIGHT <const>, ADVANCE <const> = 4, 6, 5.5 -- of a letter, in cells
local PEN <const> = 0.45 -- half the width of a stroke, in cells
local AREA <const> = 1 << 15 -- pixels of a picture for each of its words
local TILT <const> = math.pi / 5 -- most that a line may rise or fall
local BRIGHTEST <const> = 0.8 -- no colour is brighter
local SMALLEST <const>, LARGEST <const> = 5, 12 -- a cell, in pixels

--- Distances of points to the segment from a to b.
local function distance(x, y, ax, ay, bx, by)
  local dx <const>, dy <const> = bx - ax, by - ay
  local along = ((x - ax) * dx + (y - ay) * dy) * (1 / (dx * dx + dy * dy))
  along = along:clamp(0, 1)
  return ((x - ax - along * dx):square() + (y - ay - along * dy):square()):sqrt()
end

--- Distances of points, in cells, to a letter's strokes.
local function to_letter(letter, x, y)
  local nearest
  for stroke in STROKES[letter]:gmatch "[^/]+" do
    local ax, ay
    for bx, by in stroke:gmatch "(%d)(%d)" do
      if ax then
        local d <const> = distance(x, y, ax, ay, tonumber(bx), tonumber(by))
        nearest = nearest and mlp.minimum(nearest, d) or d
      end
      ax, ay = tonumber(bx), tonumber(by)
    end
  end
  return nearest
end

--- Pixels from the first to the last that a span touches, of n; nil when it is outside.
local function within(middle, reach, n)
  local first <const> = math.max(middle - reach, 0) // 1 | 0
  local last <const> = math.min(middle + reach, n - 1) // 1 | 0
  if last > first then return first, last end
end

--- Inks a letter. Its left upper corner is at (left, top), in pixels, and its line runs in the
--- direction (c, s); what lies outside of the picture is cut off.
local function write_letter(picture, letter, left, top, pen)
  local c <const>, s <const>, cell <const> = pen.c, pen.s, pen.cell
  local reach <const> = (WIDTH + HEIGHT) / 2 * cell -- half of a diagonal, or more
  local x0 <const>, x1 <const> = within(left + (WIDTH * c - HEIGHT * s) / 2 * cell, reach,
    picture:size(2))
  local y0 <const>, y1 <const> = within(top + (WIDTH * s + HEIGHT * c) / 2 * cell, reach, #picture)
  if not (x0 and y0) then return end
  local x <const> = (mlp.arange(x0, x1):to "float32":reshape(1, -1) + (0.5 - left)) * (1 / cell)
  local y <const> = (mlp.arange(y0, y1):to "float32":reshape(-1, 1) + (0.5 - top)) * (1 / cell)
  local to_stroke <const> = to_letter(letter, x * c + y * s, y * c - x * s)
  local ink <const> = ((PEN - to_stroke) * cell + 0.5):clamp(0, 1):unsqueeze(3)
  local part <const> = picture:slice(1, y0 + 1, y1 + 1):slice(2, x0 + 1, x1 + 1)
  part:copy_(part * (1 - ink) + ink * pen.colour)
end

local words <const> = {}

--- Writes a word of capital letters into a picture (H, W, 3).
---@param o {left: number, top: number, cell: number, angle: number?, colour: mlp.Tensor?} pixels;
---  angle in radians, downwards; colour (1, 1, 3), default black
function words.write(picture, word, o)
  local pen <const> = { c = math.cos(o.angle or 0), s = math.sin(o.angle or 0), cell = o.cell,
    colour = o.colour or mlp.zeros(1, 1, 3) }
  for i = 1, #word do
    local along <const> = (i - 1) * ADVANCE * o.cell
    write_letter(picture, word:sub(i, i), o.left + along * pen.c, o.top + along * pen.s, pen)
  end
end

--- A picture of random words, each along a line of its own.
---@param side integer pixels
---@param seed integer
---@param level boolean? all lines are level; else they rise and fall
---@return mlp.Tensor (side, side, 3) in 0..1
function words.picture(side, seed, level)
  local generator <const> = mlp.generator(seed)
  local function random() return mlp.rand({ 1 }, { generator = generator }):item() end
  local picture <const> = mlp.ones(side, side, 3)
  for _ = 1, math.max(side * side // AREA, 1) do
    local length <const> = 3 + random() * 6 // 1 | 0
    local cell <const> = SMALLEST * (LARGEST / SMALLEST) ^ random()
    local left <const>, top <const> = (random() * 1.1 - 0.2) * side, random() * side * 0.95
    local angle <const> = (random() * 2 - 1) * (level and 0 or TILT)
    local colour <const> = mlp.tensor { { { random(), random(), random() } } } * BRIGHTEST
    local letters <const> = {}
    for i = 1, length do
      local letter <const> = 1 + random() * #LETTERS // 1 | 0
      letters[i] = LETTERS:sub(letter, letter)
    end
    words.write(picture, table.concat(letters), { left = left, top = top, cell = cell,
      angle = angle, colour = colour })
  end
  return picture
end

return words
