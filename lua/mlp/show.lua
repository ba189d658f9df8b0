--- A tensor as text, at most 80 columns wide: braces as one would write it in Lua, long axes
--- shortened in the middle, one number format for all that is shown; below it dtype and shape.

local core <const> = require "mlp.core"

local show = {}

local COLUMNS <const> = 80
local EDGE <const> = 3 -- shown at each end of a shortened axis
local FULL <const> = 200 -- tensors of so many elements are only shortened where lines get too long

-- ---- which positions ----------------------------------------------------------------------------

--- Positions 1 .. n, or `edge` at each end around a 0 that stands for "...".
local function positions(n, edge)
  local list = {}
  if n <= 2 * edge + 1 then
    for i = 1, n do list[i] = i end
    return list
  end
  for i = 1, edge do list[i] = i end
  list[edge + 1] = 0
  for i = n - edge + 1, n do list[#list + 1] = i end
  return list
end

--- Calls visit(number) for everything shown.
local function each(t, plan, depth, place, visit)
  for _, i in ipairs(plan[depth]) do
    place[depth] = i
    if i > 0 and depth == #plan then
      visit(t:get(table.unpack(place, 1, depth)))
    elseif i > 0 then
      each(t, plan, depth + 1, place, visit)
    end
  end
end

-- ---- one number format --------------------------------------------------------------------------

local function special(x)
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" end
  if x == -math.huge then return "-inf" end
end

--- A function number -> text that suits all the numbers.
local function formatter(numbers, dtype)
  local whole, largest, smallest = true, 0, math.huge
  for _, x in ipairs(numbers) do
    if not special(x) then
      local size = math.abs(x)
      whole = whole and x == math.floor(x)
      largest = math.max(largest, size)
      if size > 0 then smallest = math.min(smallest, size) end
    end
  end
  local pattern = "%.4f"
  if not dtype:match "^float" then
    pattern = "%d"
  elseif whole and largest < 1e9 then
    pattern = "%.0f"
  elseif largest >= 1e5 or (smallest < 1e-4 and largest < 1) or largest / smallest > 1e7 then
    pattern = "%.4e"
  end
  return function(x) return special(x) or (pattern:format(x):gsub(",", ".")) end
end

-- ---- layout -------------------------------------------------------------------------------------

local function lines_of(t, plan, depth, place, cell)
  if depth == #plan then
    local cells = {}
    for k, i in ipairs(plan[depth]) do
      place[depth] = i
      cells[k] = i == 0 and "..." or cell(t:get(table.unpack(place, 1, depth)))
    end
    return { "{" .. table.concat(cells, ", ") .. "}" }
  end
  local lines = {}
  for k, i in ipairs(plan[depth]) do
    place[depth] = i
    local part = i == 0 and { "..." } or lines_of(t, plan, depth + 1, place, cell)
    for j, line in ipairs(part) do
      local opening = (k == 1 and j == 1) and "{" or " "
      lines[#lines + 1] = opening .. line .. ((j == #part and k < #plan[depth]) and "," or "")
    end
  end
  lines[#lines] = lines[#lines] .. "}"
  return lines
end

local function widest(lines)
  local width = 0
  for _, line in ipairs(lines) do width = math.max(width, #line) end
  return width
end

local function draw(t, edge, last_edge)
  local plan, numbers = {}, {}
  for axis, n in ipairs(t.shape) do
    plan[axis] = positions(n, axis == t.ndim and last_edge or edge)
  end
  each(t, plan, 1, {}, function(x) numbers[#numbers + 1] = x end)
  local format, width = formatter(numbers, t.dtype), 0
  for _, x in ipairs(numbers) do width = math.max(width, #format(x)) end
  return lines_of(t, plan, 1, {}, function(x) return ("%" .. width .. "s"):format(format(x)) end)
end

--- The text of a tensor.
---@param t mlp.Tensor
---@return string
function show.text(t)
  local note = ("%s (%s%s)%s"):format(t.dtype, table.concat(t.shape, ", "),
    t.ndim == 1 and "," or "", t.requires_grad and ", requires grad" or "")
  if t.ndim == 0 then
    local x = t:item()
    return formatter({ x }, t.dtype)(x) .. "  " .. note
  end
  if t:numel() == 0 then return "{}  " .. note end
  local edge = t:numel() <= FULL and math.huge or EDGE
  local last = t:numel() <= FULL and math.huge or 2 * EDGE
  local lines = draw(t, edge, last)
  local fit = math.min(t:size(-1) // 2, 40)
  while widest(lines) > COLUMNS and fit >= 1 do
    lines = draw(t, edge, fit)
    fit = fit - 1
  end
  lines[#lines + 1] = note
  return table.concat(lines, "\n")
end

core.set_metamethod("__tostring", function(t)
  return core.is_tensor(t) and show.text(t) or "closed mlp.Tensor"
end)

return show
