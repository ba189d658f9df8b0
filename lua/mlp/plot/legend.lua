-- Which colour is which. A legend never stands on the data: the names of lines stand at their ends,
-- in the right margin; other names flow in rows under the title, or, when there are many, in a
-- column at the right.

local colour <const> = require "mlp.plot.colour"
local marker <const> = require "mlp.plot.marker"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.Key
---@field name string
---@field colour string
---@field kind "line"|"marker"|"patch"
---@field dash string?
---@field marker string?
---@field opacity number?

---@class mlp.plot.End
---@field y number    value at which the line ends
---@field name string
---@field colour string

local legend = {}

legend.places = { "auto", "top", "right", "end", "none" }

local MOST_AT_TOP <const> = 6
local SWATCH <const> = { line = 28, marker = 12, patch = 14 }
local GAP <const> = 18
local ROW <const> = 21
local MARKER_SIZE <const> = 8.5
local DASHES <const> = {
  dashed = { 3.5, 2.5 }, dotted = { 0.1, 2 }, ["dash-dot"] = { 4, 2, 0.1, 2 },
}

--- The stroke-dasharray of a dash name, for a line of some width; nil when it is solid.
---@param name string?
---@param width number
---@return string?
function legend.dash_array(name, width)
  local pattern <const> = DASHES[name]
  if not pattern then return nil end
  local words <const> = {}
  for i, share in ipairs(pattern) do words[i] = ("%.0f"):format(math.max(1, share * width)) end
  return table.concat(words, " ")
end

--- Where the names go.
---@param choice string  one of legend.places
---@param keys mlp.plot.Key[]
---@param ends mlp.plot.End[]?  nil when lines do not end at the right edge
---@return "top"|"right"|"end"|"none"
function legend.place(choice, keys, ends)
  if choice == "end" and not ends or choice == "auto" then
    if #keys == 0 then return "none" end
    if ends and #ends <= #theme.palette then return "end" end
    return #keys <= MOST_AT_TOP and "top" or "right"
  end
  return #keys == 0 and "none" or choice
end

local function key_width(key)
  return SWATCH[key.kind] + 7 + text.width(text.clean(key.name), theme.label)
end

local function draw_key(canvas, key, x, y)
  local middle <const> = x + SWATCH[key.kind] / 2
  if key.kind == "line" then
    canvas:add("line", { x1 = x, x2 = x + SWATCH.line, y1 = y, y2 = y, stroke = key.colour,
      stroke_width = 2, stroke_linecap = "round",
      stroke_dasharray = legend.dash_array(key.dash, 2) })
  elseif key.kind == "patch" then
    canvas:add("rect", { x = x, y = y - 6, width = SWATCH.patch, height = 12, rx = 2,
      fill = key.colour, fill_opacity = key.opacity })
  end
  if key.marker then
    marker.draw(canvas, key.marker, middle, y, MARKER_SIZE, { fill = key.colour })
  end
  canvas:text(x + SWATCH[key.kind] + 7, y, key.name, theme.label)
end

--- Keys flowing in rows.
---@param keys mlp.plot.Key[]
---@param width number
---@return {key: mlp.plot.Key, x: number, row: integer}[] placed, number height
function legend.flow(keys, width)
  local placed <const> = {}
  local x, row = 0, 1
  for i, key in ipairs(keys) do
    local wide <const> = key_width(key)
    if x > 0 and x + wide > width then x, row = 0, row + 1 end
    placed[i] = { key = key, x = x, row = row }
    x = x + wide + GAP
  end
  return placed, row * ROW
end

---@param canvas mlp.plot.Canvas
---@param placed {key: mlp.plot.Key, x: number, row: integer}[]
---@param left number
---@param top number
function legend.draw_rows(canvas, placed, left, top)
  for _, item in ipairs(placed) do
    draw_key(canvas, item.key, left + item.x, top + (item.row - 0.5) * ROW)
  end
end

--- Width of the keys in one column.
---@param keys mlp.plot.Key[]
---@return number
function legend.column_width(keys)
  local widest = 0
  for _, key in ipairs(keys) do widest = math.max(widest, key_width(key)) end
  return widest
end

---@param canvas mlp.plot.Canvas
---@param keys mlp.plot.Key[]
---@param left number
---@param top number
function legend.draw_column(canvas, keys, left, top)
  for i, key in ipairs(keys) do draw_key(canvas, key, left, top + (i - 0.5) * ROW) end
end

--- Moves positions apart, as little as needed and within limits where they fit.
---@param wanted number[]  increasing
---@param step number      least distance
---@param lowest number
---@param highest number
---@return number[]
function legend.apart(wanted, step, lowest, highest)
  local out <const> = {}
  for i, y in ipairs(wanted) do
    out[i] = math.max(y, i > 1 and out[i - 1] + step or lowest)
  end
  local limit = highest
  for i = #out, 1, -1 do
    out[i] = math.min(out[i], limit)
    limit = out[i] - step
  end
  return out
end

--- Names in the right margin, each beside the end of its line.
---@param canvas mlp.plot.Canvas
---@param ends mlp.plot.End[]
---@param place mlp.plot.Place
function legend.draw_ends(canvas, ends, place)
  local sorted <const>, wanted <const> = {}, {}
  for i, item in ipairs(ends) do sorted[i] = { y = place.y(item.y), item = item } end
  table.sort(sorted, function(p, q) return p.y < q.y end)
  for i, item in ipairs(sorted) do wanted[i] = item.y end
  local ys <const> = legend.apart(wanted, theme.line(theme.direct), place.top,
    place.top + place.height)
  for i, entry in ipairs(sorted) do
    local ink <const> = entry.item.colour
    local fill <const> = colour.rgb(ink) and colour.mix(ink, "#000000", 0.12) or ink
    canvas:text(place.left + place.width + 8, ys[i], entry.item.name, theme.direct,
      { fill = fill })
  end
end

return legend
