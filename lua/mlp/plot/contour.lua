-- Lines of equal value on a grid (marching squares), joined into strokes.
--
-- Every cell of four neighbouring grid points holds at most two segments, each from one of its
-- edges to another; an edge belongs to two cells, so segments chain through edges. Edges are
-- numbered: 2 k for the one to the right of grid point k, 2 k + 1 for the one below it.

local contour = {}

-- For each pattern of corners above the level (1 top left, 2 top right, 4 bottom right, 8 bottom
-- left): pairs of edges (1 top, 2 right, 3 bottom, 4 left). 5 and 10 are saddles.
local SEGMENTS <const> = {
  [0] = {}, { 4, 1 }, { 1, 2 }, { 4, 2 }, { 2, 3 }, { 4, 1, 2, 3 }, { 1, 3 }, { 4, 3 }, { 3, 4 },
  { 1, 3 }, { 1, 2, 3, 4 }, { 2, 3 }, { 4, 2 }, { 1, 2 }, { 4, 1 }, {},
}

local function join(links, from, to)
  local list <const> = links[from]
  if list then list[#list + 1] = to else links[from] = { to } end
end

local function pattern(values, r, c, level)
  local a <const>, b <const> = values[r][c], values[r][c + 1]
  local d <const>, e <const> = values[r + 1][c + 1], values[r + 1][c]
  if a ~= a or b ~= b or d ~= d or e ~= e then return 0 end
  local bits <const> = (a > level and 1 or 0) + (b > level and 2 or 0) + (d > level and 4 or 0)
    + (e > level and 8 or 0)
  local saddle <const> = bits == 5 or bits == 10
  return saddle and (a + b + d + e) / 4 > level and 15 - bits or bits
end

local function edges_linked(values, level)
  local links <const> = {}
  local columns <const> = #values[1]
  for r = 1, #values - 1 do
    for c = 1, columns - 1 do
      local segments <const> = SEGMENTS[pattern(values, r, c, level)]
      if #segments > 0 then
        local k <const> = (r - 1) * columns + c
        local edges <const> = { 2 * k, 2 * (k + 1) + 1, 2 * (k + columns), 2 * k + 1 }
        for s = 1, #segments, 2 do
          join(links, edges[segments[s]], edges[segments[s + 1]])
          join(links, edges[segments[s + 1]], edges[segments[s]])
        end
      end
    end
  end
  return links
end

local function crossing(values, edge, level)
  local columns <const> = #values[1]
  local k <const> = edge // 2 - 1
  local r <const>, c <const> = k // columns + 1, k % columns + 1
  local down <const> = edge % 2 == 1
  local here <const> = values[r][c]
  local there <const> = down and values[r + 1][c] or values[r][c + 1]
  local share <const> = (level - here) / (there - here)
  return c + (down and 0 or share), r + (down and share or 0)
end

local function take(links, from)
  local to <const> = table.remove(links[from])
  for i, back in ipairs(links[to]) do
    if back == from then
      table.remove(links[to], i)
      break
    end
  end
  return to
end

local function walk(values, links, start, level)
  local x, y = crossing(values, start, level)
  local points <const> = { x, y }
  local at = start
  while #links[at] > 0 do
    at = take(links, at)
    x, y = crossing(values, at, level)
    points[#points + 1], points[#points + 2] = x, y
  end
  return points
end

--- The lines on which a function has some value.
---@param values number[][]  rows of grid values
---@param level number
---@return number[][] strokes  each x, y, x, y, ... in columns and rows, counted from 1
function contour.lines(values, level)
  local links <const> = edges_linked(values, level)
  local starts <const>, others <const> = {}, {}
  for edge, list in pairs(links) do
    local group <const> = #list == 1 and starts or others
    group[#group + 1] = edge
  end
  table.sort(starts) -- the same figure is the same file
  table.sort(others)
  table.move(others, 1, #others, #starts + 1, starts)
  local strokes <const> = {}
  for _, edge in ipairs(starts) do
    if #links[edge] > 0 then strokes[#strokes + 1] = walk(values, links, edge, level) end
  end
  return strokes
end

return contour
