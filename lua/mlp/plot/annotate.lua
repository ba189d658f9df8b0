-- Remarks on a figure with axes: vertical lines ("best epoch"), horizontal lines ("chance"), and
-- notes at points. Labels of vertical lines stand in a strip above the plot, where no data are.

local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local marker <const> = require "mlp.plot.marker"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.Mark
---@field x number?  of a vertical line or a note
---@field y number?  of a horizontal line or a note
---@field label string?
---@field colour string?

local annotate = {}

local ROW <const> = 16
local DASH <const> = "4 3"

local function line_mark(call, what, axis_name, entry)
  if math.type(entry) then entry = { [axis_name] = entry } end
  local mark <const> = data.fields(call, what, entry,
    { [axis_name] = errors.NONE, label = errors.NONE, colour = theme.axis })
  if not math.type(mark[axis_name]) then
    errors.wanted(call, what .. "." .. axis_name, mark[axis_name], "a number")
  end
  mark.label = data.text(call, what .. ".label", mark.label)
  return mark
end

--- Vertical (axis "x") or horizontal (axis "y") lines from a number, a table, or a list of them.
---@param call string
---@param what "vertical"|"horizontal"
---@param value any
---@return mlp.plot.Mark[]
function annotate.lines(call, what, value)
  local axis_name <const> = what == "vertical" and "x" or "y"
  if value == nil then return {} end
  if type(value) ~= "table" or value[axis_name] then value = { value } end
  local marks <const> = {}
  for i, entry in ipairs(value) do
    marks[i] = line_mark(call, ("%s[%d]"):format(what, i), axis_name, entry)
  end
  return marks
end

--- Notes {x=, y=, text=}.
---@param call string
---@param value any
---@return {x: number, y: number, text: string}[]
function annotate.notes(call, value)
  local notes <const> = {}
  if value == nil then return notes end
  if type(value) ~= "table" then errors.wanted(call, "notes", value, "a list") end
  for i, entry in ipairs(value.text and { value } or value) do
    local what <const> = ("notes[%d]"):format(i)
    local note <const> = data.fields(call, what, entry,
      { x = errors.NONE, y = errors.NONE, text = errors.NONE })
    if not (math.type(note.x) and math.type(note.y)) then
      errors.raise("%s: %s wants numbers x and y, and a text", call, what)
    end
    note.text = data.text(call, what .. ".text", note.text) or ""
    notes[i] = note
  end
  return notes
end

--- Places for the labels of vertical lines, in as many rows as keep them apart.
---@param marks mlp.plot.Mark[]
---@param left number   of the plot
---@param width number  of the plot
---@param x fun(value: number): number
---@return {mark: mlp.plot.Mark, x: number, row: integer}[] placed, number height
function annotate.strip(marks, left, width, x)
  local ends <const> = {} -- right end of the last label of each row
  local placed <const> = {}
  table.sort(marks, function(p, q) return p.x < q.x end)
  for _, mark in ipairs(marks) do
    if mark.label then
      local wide <const> = text.width(text.clean(mark.label), theme.note)
      local start <const> = math.max(left, math.min(x(mark.x) - wide / 2, left + width - wide))
      local row = 1
      while ends[row] and ends[row] > start do row = row + 1 end
      ends[row] = start + wide + 10
      placed[#placed + 1] = { mark = mark, x = start, row = row }
    end
  end
  return placed, ROW * #ends
end

---@param canvas mlp.plot.Canvas
---@param marks mlp.plot.Mark[]
---@param place mlp.plot.Place
function annotate.draw_vertical(canvas, marks, place)
  for _, mark in ipairs(marks) do
    canvas:rule(place.x(mark.x), place.top - 2, place.x(mark.x), place.top + place.height,
      { stroke = mark.colour, stroke_width = 1.2, stroke_dasharray = DASH })
  end
end

--- Labels above the plot, where `strip` put them.
---@param canvas mlp.plot.Canvas
---@param placed {mark: mlp.plot.Mark, x: number, row: integer}[]
---@param top number  of the plot
function annotate.draw_strip(canvas, placed, top)
  for _, item in ipairs(placed) do
    canvas:text(item.x, top - 3 - ROW * (item.row - 0.5), item.mark.label, theme.note)
  end
end

---@param canvas mlp.plot.Canvas
---@param marks mlp.plot.Mark[]
---@param place mlp.plot.Place
function annotate.draw_horizontal(canvas, marks, place)
  for _, mark in ipairs(marks) do
    local y <const> = place.y(mark.y)
    canvas:rule(place.left, y, place.left + place.width, y,
      { stroke = mark.colour, stroke_width = 1.2, stroke_dasharray = DASH })
  end
end

---@param canvas mlp.plot.Canvas
---@param notes {x: number, y: number, text: string}[]
---@param place mlp.plot.Place
function annotate.draw_notes(canvas, notes, place)
  for _, note in ipairs(notes) do
    local x <const>, y <const> = place.x(note.x), place.y(note.y)
    local half <const> = text.width(text.clean(note.text), theme.note) / 2
    local middle <const> = math.max(place.left + half, math.min(x, place.left + place.width - half))
    marker.draw(canvas, "circle", x, y, 9,
      { fill = "none", stroke = theme.ink, stroke_width = 1.3 })
    canvas:text(middle, y - 16 > place.top and y - 16 or y + 16, note.text, theme.note,
      { anchor = "middle", fill = theme.ink, halo = theme.paper })
  end
end

return annotate
