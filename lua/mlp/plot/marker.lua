-- The small shapes that stand for points, all of about the same ink: a size is the diameter of
-- the circle with the same area.

local svg <const> = require "mlp.plot.svg"

local marker = {}

-- Corners on a circle of radius 1, scaled so that areas agree with pi r^2.
local function corners(count, turn, scale)
  local list <const> = {}
  for i = 0, count - 1 do
    local angle <const> = math.pi * (2 * i / count + turn)
    list[#list + 1] = scale * math.sin(angle)
    list[#list + 1] = -scale * math.cos(angle)
  end
  return list
end

local a <const>, b <const> = 0.36, 1.16 -- half the width of a bar of the cross, and its reach
local SHAPES <const> = {
  square = corners(4, 0.25, 1.25), diamond = corners(4, 0, 1.25),
  triangle = corners(3, 0, 1.45), down = corners(3, 1, 1.45),
  cross = { -a, -b, a, -b, a, -a, b, -a, b, a, a, a, a, b, -a, b, -a, a, -b, a, -b, -a, -a, -a },
}

marker.names = { "circle", "square", "triangle", "diamond", "down", "cross" }

--- Draws one point.
---@param canvas mlp.plot.Canvas
---@param shape string  one of marker.names
---@param x number
---@param y number
---@param size number  diameter
---@param attributes table?
function marker.draw(canvas, shape, x, y, size, attributes)
  local list <const> = {}
  for name, value in pairs(attributes or {}) do list[name] = value end
  local points <const> = SHAPES[shape]
  if not points then
    list.cx, list.cy, list.r = x, y, size / 2
    return canvas:add("circle", list)
  end
  local moved <const> = {}
  for i = 1, #points, 2 do
    moved[i], moved[i + 1] = x + points[i] * size / 2, y + points[i + 1] * size / 2
  end
  list.d = svg.path(moved, true)
  canvas:add("path", list)
end

return marker
