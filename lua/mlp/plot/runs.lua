-- From lists of numbers to strokes: runs of points that can be drawn, broken where a value is
-- missing, smoothed if wished, and thinned where more points fall on a pixel than eyes can part.

local axis <const> = require "mlp.plot.axis"

local runs = {}

--- Stretches of points that can be drawn, each a list x, y, x, y, ... in values.
---@param x number[]
---@param y number[]
---@param log_x boolean
---@param log_y boolean
---@return number[][]
function runs.split(x, y, log_x, log_y)
  local out <const> = {}
  local current
  for i = 1, #y do
    if axis.drawable(x[i], log_x) and axis.drawable(y[i], log_y) then
      if not current then
        current = {}
        out[#out + 1] = current
      end
      current[#current + 1], current[#current + 2] = x[i], y[i]
    else
      current = nil
    end
  end
  return out
end

--- Exponential moving average, with the bias of its start removed; gaps stay gaps.
---@param y number[]
---@param weight number  0 <= weight < 1 of what came before
---@return number[]
function runs.smooth(y, weight)
  local out <const> = {}
  local mean, mass = 0, 0
  for i, value in ipairs(y) do
    if axis.drawable(value) then
      mean = weight * mean + (1 - weight) * value
      mass = weight * mass + (1 - weight)
      out[i] = mean / mass
    else
      out[i] = value
    end
  end
  return out
end

local function in_order(points)
  for i = 3, #points, 2 do
    if points[i] < points[i - 2] then return false end
  end
  return true
end

--- In pixels: first, lowest, highest and last point of every column of pixels, in their order.
--- What the eye sees is the same; a hundred thousand steps become a few thousand points.
---@param points number[]  x, y, x, y, ... in pixels
---@param width number     of the plot
---@return number[]
function runs.thin(points, width)
  if #points <= 8 * width or not in_order(points) then return points end
  local out <const> = {}
  local first = 1
  local function flush(last)
    local low, high = first, first
    for i = first, last, 2 do
      if points[i + 1] < points[low + 1] then low = i end
      if points[i + 1] > points[high + 1] then high = i end
    end
    local previous
    for _, i in ipairs { first, math.min(low, high), math.max(low, high), last } do
      if i ~= previous then out[#out + 1], out[#out + 2] = points[i], points[i + 1] end
      previous = i
    end
  end
  for i = 3, #points, 2 do
    if points[i] // 1 ~= points[first] // 1 then
      flush(i - 2)
      first = i
    end
  end
  flush(#points - 1)
  return out
end

--- Marks points to keep between two kept ones (Douglas and Peucker 1973).
local function keep_between(points, first, last, tolerance, kept)
  local x1 <const>, y1 <const> = points[first], points[first + 1]
  local dx <const>, dy <const> = points[last] - x1, points[last + 1] - y1
  local length <const> = math.sqrt(dx * dx + dy * dy)
  local farthest, distance = nil, tolerance
  for i = first + 2, last - 2, 2 do
    local x <const>, y <const> = points[i] - x1, points[i + 1] - y1
    local off <const> = length > 0 and math.abs(x * dy - y * dx) / length
      or math.sqrt(x * x + y * y)
    if off > distance then farthest, distance = i, off end
  end
  if not farthest then return end
  kept[farthest] = true
  keep_between(points, first, farthest, tolerance, kept)
  keep_between(points, farthest, last, tolerance, kept)
end

--- The same stroke with fewer points, none of those left out farther away than the tolerance.
---@param points number[]  x, y, x, y, ...
---@param tolerance number
---@return number[]
function runs.simplify(points, tolerance)
  local last <const> = #points - 1
  local kept <const> = { [1] = true, [last] = true }
  keep_between(points, 1, last, tolerance, kept)
  local out <const> = {}
  for i = 1, last, 2 do
    if kept[i] then out[#out + 1], out[#out + 2] = points[i], points[i + 1] end
  end
  return out
end

--- Points joined by stairs: each value holds until the next.
---@param points number[]
---@return number[]
function runs.stairs(points)
  local out <const> = { points[1], points[2] }
  for i = 3, #points, 2 do
    local n <const> = #out
    out[n + 1], out[n + 2] = points[i], points[i - 1]
    out[n + 3], out[n + 4] = points[i], points[i + 1]
  end
  return out
end

return runs
