-- One axis: a scale that takes values to 0..1, and ticks worth reading.
--
-- Ticks stand at 1, 2 or 5 times a power of ten (whole numbers only where the data are whole:
-- there is no epoch 2.5), at decades on a logarithmic scale, at the middle of each slot for names.
-- Invariant: lo < hi, both finite, and positive on a logarithmic scale, whatever the data were.

local number <const> = require "mlp.plot.number"

---@class mlp.plot.Tick
---@field value number
---@field label string?  nil for the small ticks of a logarithmic scale

---@class mlp.plot.Axis
---@field lo number
---@field hi number
---@field kind "linear"|"log"|"names"
---@field ticks mlp.plot.Tick[]
local Axis = {}
Axis.__index = Axis

local axis = {}

local LARGEST <const> = 1e300 -- beyond it hi - lo may overflow; such values count as infinite
local STEPS <const> = { 1, 2, 5, 10 }
local NEAR_ZERO <const> = 0.4 -- data from 40 % of its largest value upwards still show zero
local CROWDED <const> = 1.5 -- labels of a logarithmic axis are short: so many more may stand there
local PLAIN_DECADES <const> = { -3, 4 } -- 0.001 to 10000 are written out

--- Whether a value can be drawn.
---@param value number
---@param log boolean?
---@return boolean
function axis.drawable(value, log)
  return value == value and math.abs(value) < LARGEST and (not log or value > 1 / LARGEST)
end

--- The fraction of the axis at which a value stands.
---@param value number
---@return number
function Axis:at(value)
  if self.kind == "log" then
    return math.log(value / self.lo) / math.log(self.hi / self.lo)
  end
  return (value - self.lo) / (self.hi - self.lo)
end

--- The smallest step of 1, 2 or 5 times a power of ten that goes into a span at most `room` times.
---@param span number
---@param room number
---@return integer step, integer exponent  the step is step * 10^exponent
function axis.step(span, room)
  local raw <const> = span / room
  local exponent <const> = number.exponent(raw)
  for _, step in ipairs(STEPS) do
    if step * 10.0 ^ exponent >= raw * (1 - 1e-9) then
      if step == 10 then return 1, exponent + 1 end
      return step, exponent
    end
  end
  return 1, exponent + 1
end

local function scaled(count, exponent) -- count * 10^exponent, exact where it can be
  return exponent < 0 and count / 10.0 ^ -exponent or count * 10.0 ^ exponent
end

local function ticks_in_room(lo, hi, room, whole)
  local step, exponent = axis.step(hi - lo, math.max(1, room))
  if whole and exponent < 0 then step, exponent = 1, 0 end
  local unit <const> = scaled(step, exponent)
  local slack <const> = 1e-6
  local largest <const> = math.max(math.abs(lo), math.abs(hi))
  local ticks <const> = {}
  for i = math.ceil(lo / unit - slack), math.floor(hi / unit + slack) do
    local value <const> = scaled(i * step, exponent)
    ticks[#ticks + 1] = { value = value, label = number.tick(value, exponent, largest) }
  end
  return ticks
end

local function decade_label(multiple, exponent, plain)
  if plain then return number.tick(scaled(multiple, exponent), math.min(0, exponent), 1) end
  if multiple == 1 then return number.power_of_ten(exponent) end
  return ("%d\u{D7}"):format(multiple) .. number.power_of_ten(exponent)
end

-- A scale with one tick says nothing: two are shown even where they are cramped.
local function linear_ticks(lo, hi, room, whole)
  local ticks = ticks_in_room(lo, hi, room, whole)
  for more = 1, 4 do
    if #ticks >= 2 then break end
    ticks = ticks_in_room(lo, hi, room + more, whole)
  end
  return ticks
end

-- Candidates of a logarithmic axis: {multiple, exponent, value} within its limits.
local function decade_marks(lo, hi, stride)
  local first <const> = math.floor(math.log(lo, 10) + 1e-9)
  local last <const> = math.ceil(math.log(hi, 10) - 1e-9)
  local marks <const> = {}
  for exponent = first, last do
    for multiple = 1, stride == 1 and 9 or 1 do
      local value <const> = scaled(multiple, exponent)
      if value >= lo * (1 - 1e-9) and value <= hi * (1 + 1e-9) then
        marks[#marks + 1] = { multiple = multiple, exponent = exponent, value = value }
      end
    end
  end
  return marks, first >= PLAIN_DECADES[1] - 1 and last <= PLAIN_DECADES[2] + 1
end

local function labelled(marks, plain, wanted)
  local ticks <const> = {}
  local count = 0
  for i, mark in ipairs(marks) do
    local label <const> = wanted(mark) and decade_label(mark.multiple, mark.exponent, plain) or nil
    ticks[i] = { value = mark.value, label = label }
    count = count + (label and 1 or 0)
  end
  return ticks, count
end

-- 1, 2, 5, 10, 20 ... where they fit, else decades, else every n-th decade; within one decade,
-- where neither says much, the ticks of a linear axis.
local function log_ticks(lo, hi, room)
  local stride <const> = math.max(1, math.ceil(math.log(hi / lo, 10) / room))
  local marks <const>, plain <const> = decade_marks(lo, hi, stride)
  local ticks, count = labelled(marks, plain, function(mark)
    return stride == 1 and (mark.multiple == 1 or mark.multiple == 2 or mark.multiple == 5)
  end)
  if stride > 1 or count > CROWDED * room then
    ticks, count = labelled(marks, plain, function(mark)
      return mark.multiple == 1 and mark.exponent % stride == 0
    end)
  end
  return count >= 2 and ticks or linear_ticks(lo, hi, room)
end

--- A linear axis. `room` is the number of ticks that fit.
---@param lo number
---@param hi number
---@param room integer
---@param whole boolean?  ticks at whole numbers only
---@return mlp.plot.Axis
function axis.linear(lo, hi, room, whole)
  return setmetatable({ kind = "linear", lo = lo, hi = hi,
    ticks = linear_ticks(lo, hi, room, whole) }, Axis)
end

--- A logarithmic axis.
---@param lo number positive
---@param hi number
---@param room integer
---@return mlp.plot.Axis
function axis.log(lo, hi, room)
  return setmetatable({ kind = "log", lo = lo, hi = hi, ticks = log_ticks(lo, hi, room) }, Axis)
end

--- An axis of names: the i-th stands at value i, in a slot from i - 1/2 to i + 1/2.
---@param names string[]
---@param room integer
---@return mlp.plot.Axis
function axis.names(names, room)
  local stride <const> = math.max(1, math.ceil(#names / room))
  local ticks <const> = {}
  for i = 1, #names, stride do ticks[#ticks + 1] = { value = i, label = names[i] } end
  return setmetatable({ kind = "names", lo = 0.5, hi = #names + 0.5, ticks = ticks }, Axis)
end

--- Two different limits around an extent of one point.
local function opened(lo, hi, log)
  if hi - lo > 1e-12 * math.max(math.abs(lo), math.abs(hi)) then return lo, hi end
  if log then return lo / 2, hi * 2 end
  local half <const> = lo == 0 and 1 or math.abs(lo) / 2
  return lo - half, hi + half
end

--- The limits of an axis that shows data from `lo` to `hi`.
---@param lo number
---@param hi number
---@param options {log: boolean?, pad: number?, zero: boolean?, keep_zero: boolean?}
--- `pad` is the share of the extent left free at each side; `zero` always shows zero,
--- `keep_zero` shows it where the data come near
---@return number lo, number hi
function axis.limits(lo, hi, options)
  local pad <const> = options.pad or 0
  if options.log then
    lo, hi = opened(lo, hi, true)
    local factor <const> = (hi / lo) ^ pad
    return lo / factor, hi * factor
  end
  local above <const> = lo >= 0 and (options.zero or options.keep_zero and lo < NEAR_ZERO * hi)
  local below <const> = hi <= 0 and (options.zero or options.keep_zero and hi > NEAR_ZERO * lo)
  if above then lo = 0 end
  if below and not above then hi = 0 end
  if lo == hi and (above or below) then return 0, 1 end
  lo, hi = opened(lo, hi, false)
  local free <const> = pad * (hi - lo)
  return above and lo or lo - free, below and not above and hi or hi + free
end

return axis
