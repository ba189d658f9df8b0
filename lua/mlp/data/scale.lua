--- Columns kept small: bytes that stand for float32 numbers, byte * scale + shift. They take a
--- quarter of the memory, and become numbers batch by batch, in a compiled step too.

local errors <const> = require "mlp.errors"

local scale = {}

---@class mlp.data.Scale
---@field factor number
---@field shift number

---@return mlp.data.Scale
function scale.of(call, factor, shift)
  local function is_number(x) return type(x) == "number" and x - x == 0 end
  if not is_number(factor) then errors.wanted(call, "the scale", factor, "a finite number") end
  if shift ~= nil and not is_number(shift) then
    errors.wanted(call, "the shift", shift, "a finite number")
  end
  return { factor = factor, shift = shift or 0 }
end

--- Rows of a column as they are given out.
---@param rows mlp.Tensor
---@param how mlp.data.Scale? nil: as they are
---@return mlp.Tensor
function scale.apply(rows, how)
  if not how then return rows end
  local values <const> = rows:to("float32") * how.factor
  return how.shift ~= 0 and values + how.shift or values
end

--- A name for all columns and their scales, such as "s-,0x1p-8+0x0p+0".
---@param scales table<integer, mlp.data.Scale>
---@param columns integer
---@return string
function scale.name(scales, columns)
  local parts <const> = {}
  for k = 1, columns do
    local how <const> = scales[k]
    parts[k] = how and ("%a%+a"):format(how.factor, how.shift) or "-"
  end
  return "s" .. table.concat(parts, ",")
end

return scale
