--- assert.close(actual, expected, options): equal shapes, NaN in the same places, infinities equal,
--- and   max |actual - expected|  <=  tolerance * max |expected| + absolute where both maxima run
--- over the whole array: an element that happens to be near zero is held to the scale of its
--- neighbours, as rounding is. Arrays are tensors, nested tables or numbers. Options: tolerance
--- (1e-5), absolute (1e-4 of the tolerance), scale (a floor under max |expected|), about (the first
--- words of the message).
local say <const> = require "say"
local luassert <const> = require "luassert"
local R <const> = require "spec.support.reference"

local approx <const> = {}

local PACK <const> = { float32 = "<f", float64 = "<d", int64 = "<i8", uint8 = "<B" }

--- Elements and shape of a tensor, a nested table or a number.
function approx.read(x)
  if type(x) ~= "userdata" then
    if type(x) == "boolean" then x = x and 1 or 0 end
    return R.flat(x), R.shape(x)
  end
  local bytes, pack, flat, at = x:tobytes(), PACK[x.dtype], {}, 1
  for i = 1, x:numel() do
    flat[i], at = string.unpack(pack, bytes, at)
  end
  return flat, x.shape
end

local function shape_text(shape) return "(" .. table.concat(shape, ", ") .. ")" end

--- A nested table cannot tell what stands behind an empty axis.
local function same_shape(a, b, b_is_table)
  for axis = 1, math.max(#a, #b) do
    if a[axis] ~= b[axis] then return false end
    if a[axis] == 0 and b_is_table then return true end
  end
  return true
end

--- "[2, 3]" for the n-th element.
local function position(n, shape)
  local index, rest = {}, n - 1
  for axis = #shape, 1, -1 do
    index[axis] = rest % shape[axis] + 1
    rest = rest // shape[axis]
  end
  return "[" .. table.concat(index, ", ") .. "]"
end

local function number(x)
  if type(x) == "boolean" then return x and 1 or 0 end
  return x
end

local function differ(a, b, bound)
  if a ~= a or b ~= b then return (a ~= a) ~= (b ~= b) end
  if a == b then return false end
  return math.abs(a - b) > bound -- also when one of them is infinite
end

local function largest(flat)
  local most = 0
  for i = 1, #flat do
    local size <const> = math.abs(number(flat[i]))
    if size > most and size < math.huge then most = size end
  end
  return most
end

--- nil, or a sentence that tells where the arrays part.
function approx.difference(actual, expected, options)
  options = options or {}
  local tolerance <const> = options.tolerance or 1e-5
  local a, a_shape = approx.read(actual)
  local b, b_shape = approx.read(expected)
  if not same_shape(a_shape, b_shape, type(expected) ~= "userdata") then
    return ("shape is %s, expected %s"):format(shape_text(a_shape), shape_text(b_shape))
  end
  local scale <const> = math.max(largest(b), options.scale or 0)
  local bound <const> = tolerance * scale + (options.absolute or tolerance * 1e-4)
  local first, worst, wrong = nil, 0, 0
  for i = 1, #b do
    local x, y = number(a[i]), number(b[i])
    if differ(x, y, bound) then
      first, wrong = first or i, wrong + 1
      if math.abs(x - y) > worst then worst = math.abs(x - y) end
    end
  end
  if not first then return nil end
  return ("%d of %d elements are off; the first at %s: %.17g, expected %.17g\n"):format(wrong, #b,
      position(first, a_shape), number(a[first]), number(b[first]))
    .. ("the largest difference is %.3g, allowed is %.3g (%.3g of %.3g)"):format(worst, bound,
      tolerance, scale)
end

local function close(state, arguments)
  local options <const> = arguments[3] or {}
  local told <const> = approx.difference(arguments[1], arguments[2], options)
  if told then
    state.failure_message = (options.about and options.about .. ": " or "") .. told
  end
  return told == nil
end

say:set("assertion.close.positive", "arrays differ")
say:set("assertion.close.negative", "arrays are close, but a difference was expected")
local POSITIVE <const>, NEGATIVE <const> = "assertion.close.positive", "assertion.close.negative"
luassert:register("assertion", "close", close, POSITIVE, NEGATIVE)

return approx
