-- A function of the plane, sampled: asked on a coarse grid, interpolated to the pixels of a
-- picture, and, for scores of classes, how far each class is ahead of the others.

local autograd <const> = require "mlp.autograd"
local axis <const> = require "mlp.plot.axis"
local core <const> = require "mlp.core"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"

local surface = {}

local NONE_HERE <const> = 0 / 0

--- Grid points row by row, the first row at the top (largest y).
local function grid_points(x, y, n)
  local list <const> = {}
  for r = 0, n - 1 do
    for c = 0, n - 1 do
      list[#list + 1] = { x[1] + (x[2] - x[1]) * c / (n - 1), y[2] - (y[2] - y[1]) * r / (n - 1) }
    end
  end
  return list
end

local function answers(fn, list, pointwise)
  if not pointwise then
    return data.plain(autograd.no_grad(function() return fn(core.tensor(list)) end))
  end
  local out <const> = {}
  for i, point in ipairs(list) do out[i] = fn(point[1], point[2]) end
  return out
end

local function number_at(call, item, k)
  local value <const> = type(item) == "table" and item[k] or item
  if math.type(value) == nil then
    errors.wanted(call, "an answer of the function", value, "a number")
  end
  return axis.drawable(value) and value or NONE_HERE
end

--- The function's values on a grid: one n x n matrix for each of its outputs, largest y first.
---@param call string
---@param fn any             a function or model of points (N, 2); of x and y when `pointwise`
---@param x number[]         {low, high}
---@param y number[]
---@param n integer
---@param pointwise boolean
---@return number[][][]
function surface.evaluate(call, fn, x, y, n, pointwise)
  local list <const> = grid_points(x, y, n)
  local out <const> = answers(fn, list, pointwise)
  if type(out) ~= "table" or #out ~= #list then
    errors.raise("%s: the function answered %s for %d points but one answer for each is wanted",
      call, type(out) == "table" and ("%d values"):format(#out) or "a " .. type(out), #list)
  end
  local outputs <const> = {}
  for k = 1, type(out[1]) == "table" and #out[1] or 1 do
    outputs[k] = {}
    for r = 1, n do
      local row <const> = {}
      for c = 1, n do row[c] = number_at(call, out[(r - 1) * n + c], k) end
      outputs[k][r] = row
    end
  end
  return outputs
end

--- One row of a picture, interpolated between the rows and columns of a grid.
local function fine_row(grid, at, side)
  local n <const> = #grid
  local upper <const> = math.min(math.floor(at), n - 1)
  local below <const> = at - upper
  local top <const>, bottom <const> = grid[upper], grid[upper + 1]
  local row <const> = {}
  for i = 1, side do
    local x <const> = 1 + (i - 0.5) / side * (n - 1)
    local left <const> = math.floor(x)
    local right <const> = x - left
    local a <const> = top[left] + below * (bottom[left] - top[left])
    local b <const> = top[left + 1] + below * (bottom[left + 1] - top[left + 1])
    row[i] = a + right * (b - a)
  end
  return row
end

--- A grid's values at the centres of side x side pixels between the same corners.
---@param grid number[][]
---@param side integer
---@return number[][]
function surface.refine(grid, side)
  local rows <const> = {}
  for i = 1, side do rows[i] = fine_row(grid, 1 + (i - 0.5) / side * (#grid - 1), side) end
  return rows
end

local function first_and_second(scores, r, c)
  local winner, first, second = 1, -math.huge, -math.huge
  for k, grid in ipairs(scores) do
    local value <const> = grid[r][c]
    if value > first then
      winner, first, second = k, value, first
    elseif value > second then
      second = value
    end
  end
  return winner, first, second
end

--- For scores of classes: the best class everywhere, and for each class how far it is ahead of its
--- best rival, which is zero on its boundary.
---@param scores number[][][]
---@return integer[][] winners, number[][][] leads
function surface.compare(scores)
  local winners <const>, leads <const> = {}, {}
  for k in ipairs(scores) do leads[k] = {} end
  for r, row in ipairs(scores[1]) do
    winners[r] = {}
    for k in ipairs(scores) do leads[k][r] = {} end
    for c in ipairs(row) do
      local winner <const>, first <const>, second <const> = first_and_second(scores, r, c)
      winners[r][c] = winner
      for k, grid in ipairs(scores) do
        leads[k][r][c] = grid[r][c] - (k == winner and second or first)
      end
    end
  end
  return winners, leads
end

return surface
