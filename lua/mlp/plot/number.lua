-- Numbers as text, the same under every locale. string.format("%.2f") and tostring write the
-- locale's decimal mark, and an SVG path with "3,5" in it is another path, so every decimal here
-- is cut out of a whole number: "%.0f" never writes a mark.
--
-- `fixed` and `short` are for coordinates (ASCII), `tick`, `label` and `percent` are for readers:
-- a true minus sign, thin spaces between thousands, powers of ten with superscripts.

local number = {}

local MINUS <const> = "\u{2212}"
local THIN_SPACE <const> = "\u{2009}"
local SUPERSCRIPT <const> = {
  ["-"] = "\u{207B}", ["0"] = "\u{2070}", ["1"] = "\u{B9}", ["2"] = "\u{B2}", ["3"] = "\u{B3}",
  ["4"] = "\u{2074}", ["5"] = "\u{2075}", ["6"] = "\u{2076}", ["7"] = "\u{2077}",
  ["8"] = "\u{2078}", ["9"] = "\u{2079}",
}

--- A finite number with a fixed count of decimals; never "-0".
---@param value number
---@param decimals integer
---@return string
function number.fixed(value, decimals)
  local digits = ("%.0f"):format(math.abs(value) * 10.0 ^ decimals)
  if decimals > 0 then
    digits = ("0"):rep(decimals + 1 - #digits) .. digits
    digits = digits:sub(1, -decimals - 1) .. "." .. digits:sub(-decimals)
  end
  return value < 0 and digits:find "[1-9]" and "-" .. digits or digits
end

local function trim(digits)
  return digits:find(".", 1, true) and (digits:gsub("%.?0+$", "")) or digits
end

--- At most two decimals, no trailing zeros: what coordinates are written with.
---@param value number
---@return string
function number.short(value)
  return trim(number.fixed(value, 2))
end

--- The decimal exponent of a number: 1 <= |value| / 10^exponent < 10; 0 for 0.
---@param value number
---@return integer
function number.exponent(value)
  if value == 0 then return 0 end
  return math.floor(math.log(math.abs(value), 10) + 1e-12)
end

local function for_readers(digits)
  local sign, whole, rest = digits:match "^(-?)(%d+)(.*)$"
  if #whole > 4 then
    whole = whole:reverse():gsub("%d%d%d", "%0 "):reverse():gsub("^ ", ""):gsub(" ", THIN_SPACE)
  end
  return (sign == "-" and MINUS or "") .. whole .. rest
end

--- 10 to a whole power, as readers write it: "10⁻³".
---@param exponent integer
---@return string
function number.power_of_ten(exponent)
  return "10" .. ("%d"):format(exponent):gsub(".", SUPERSCRIPT)
end

local function scientific(value, exponent, decimals)
  local mantissa <const> = for_readers(trim(number.fixed(value / 10.0 ^ exponent, decimals)))
  return mantissa .. "\u{D7}" .. number.power_of_ten(exponent)
end

--- A tick of an axis whose ticks are 10^exponent apart (times 1, 2 or 5), as all of its
--- neighbours are written.
---@param value number
---@param exponent integer  exponent of the step between ticks
---@param largest number    the largest magnitude on the axis
---@return string
function number.tick(value, exponent, largest)
  if value ~= 0 and (largest >= 1e7 or exponent < -4) then
    local own <const> = number.exponent(value)
    return scientific(value, own, math.max(0, own - exponent))
  end
  return for_readers(number.fixed(value, math.max(0, -exponent)))
end

--- One number on its own, to a count of significant digits; also nan and infinities.
---@param value number
---@param digits integer?  significant digits, default 3
---@return string
function number.label(value, digits)
  digits = digits or 3
  if value ~= value then return "nan" end
  if math.abs(value) == math.huge then return (value < 0 and MINUS or "") .. "\u{221E}" end
  local exponent <const> = number.exponent(value)
  if exponent < -3 or exponent > 6 then return scientific(value, exponent, digits - 1) end
  return for_readers(trim(number.fixed(value, math.max(0, digits - 1 - exponent))))
end

--- Numbers to be compared side by side: all with as many decimals as the largest needs to show
--- some significant digits; whole numbers stay whole. Apart by too much, each on its own.
---@param list number[]
---@param digits integer
---@return fun(value: number): string
function number.alike(list, digits)
  local largest, whole = 0, true
  for _, value in ipairs(list) do
    if value == value and math.abs(value) < math.huge then
      largest = math.max(largest, math.abs(value))
      whole = whole and value % 1 == 0
    end
  end
  local exponent <const> = number.exponent(largest)
  local decimals <const> = whole and 0 or math.max(0, digits - 1 - exponent)
  return function(value)
    local fits <const> = exponent >= -3 and exponent <= 6 and math.abs(value) <= largest
    return fits and for_readers(number.fixed(value, decimals)) or number.label(value, digits)
  end
end

--- A share 0..1 as a percentage; never rounded up to 100 % or down to 0 %.
---@param share number
---@param decimals integer?  default 0
---@return string
function number.percent(share, decimals)
  local least <const> = 10.0 ^ -(decimals or 0)
  local value = 100 * share
  if share < 1 then value = math.min(value, 100 - least) end
  if share > 0 then value = math.max(value, least) end
  return for_readers(number.fixed(value, decimals or 0)) .. THIN_SPACE .. "%"
end

return number
