--- A line search for the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6):
--- along a direction of descent, a length t at which the function has fallen enough and its slope
--- is nearly level,
---
---     f(t) <= f(0) + c1 t f'(0)    and    |f'(t)| <= c2 |f'(0)|
---
--- First the length grows until an interval holds such a point, then the interval shrinks. Lengths
--- come from the cubic through two values and slopes, with the safeguards of minFunc (Schmidt 2005)
--- that PyTorch has too.

local C1 <const>, C2 <const> = 1e-4, 0.9
local TRIES <const> = 25
local NARROW <const> = 1e-9 -- of an interval, in the largest coordinate
local GROW_LEAST <const>, GROW_MOST <const> = 0.01, 10 -- of the last growth, of the length
local MARGIN <const> = 0.1 -- of the interval, in which a trial counts as being at its end

---@class mlp.optim.WolfePoint
---@field t number length along the direction
---@field f number value
---@field slope number derivative along the direction
---@field gradient mlp.Tensor

--- The minimum between low and high of the cubic through two points (equation 3.59); the middle
--- where it has none.
local function cubic(a, b, low, high)
  if a.t > b.t then a, b = b, a end
  local d1 <const> = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
  local square <const> = d1 * d1 - a.slope * b.slope
  if square ~= square or square < 0 then return (low + high) / 2 end
  local d2 <const> = math.sqrt(square)
  local t <const> = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
  return math.min(math.max(t, low), high)
end

local function rises(start, point) return point.f > start.f + C1 * point.t * start.slope end
local function is_level(start, point) return math.abs(point.slope) <= -C2 * start.slope end

--- Two ends of an interval that holds a good point, or one good point.
local function bracket(search, t)
  local start <const>, before, here = search.start, search.start, search:probe(t)
  while search.tries < TRIES do
    if rises(start, here) or search.tries > 1 and here.f >= before.f then return before, here end
    if is_level(start, here) then return here end
    if here.slope >= 0 then return before, here end
    local longer <const> = cubic(before, here, here.t + GROW_LEAST * (here.t - before.t),
      GROW_MOST * here.t)
    before, here = here, search:probe(longer)
    search.tries = search.tries + 1
  end
  return start, here
end

--- A trial so near an end of the interval that it would hardly shrink, twice in a row or beyond the
--- end, is moved inside.
local function inside(search, t, low, high)
  local margin <const> = MARGIN * (high - low)
  if math.min(high - t, t - low) >= margin then
    search.stuck = false
    return t
  end
  if not search.stuck and t < high and t > low then
    search.stuck = true
    return t
  end
  search.stuck = false
  return math.abs(t - high) < math.abs(t - low) and high - margin or low + margin
end

--- Shrinks the interval between `low`, its better end, and `high`; the best point.
local function zoom(search, low, high)
  while search.tries < TRIES and math.abs(high.t - low.t) * search.largest >= NARROW do
    local first <const>, last <const> = math.min(low.t, high.t), math.max(low.t, high.t)
    local point <const> = search:probe(inside(search, cubic(low, high, first, last), first, last))
    search.tries = search.tries + 1
    if rises(search.start, point) or point.f >= low.f then
      high = point
      if high.f < low.f then low, high = high, low end
    elseif is_level(search.start, point) then
      return point
    else
      if point.slope * (high.t - low.t) >= 0 then high = low end
      low = point
    end
  end
  return low
end

--- A length of the strong Wolfe conditions, or the best that 25 trials found.
---@param probe fun(t: number): mlp.optim.WolfePoint value, gradient and slope at a length
---@param start mlp.optim.WolfePoint at length 0; its slope is negative
---@param t number the first length to try
---@param largest number the largest coordinate of the direction
---@return mlp.optim.WolfePoint
local function wolfe(probe, start, t, largest)
  local search <const> = { start = start, tries = 0, stuck = false, largest = largest }
  function search.probe(_, length) return probe(length) end
  local low, high = bracket(search, t)
  if not high then return low end
  if high.f < low.f then low, high = high, low end
  return zoom(search, low, high)
end

return wolfe
