--- Real spherical harmonics of a direction: colours that depend on the view. They are polynomials
--- in x, y, z, so the encoding is a matrix on the products of coordinates, and has derivatives of
--- any order.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.SphericalHarmonics: mlp.nn.Module
---@field coefficients mlp.Tensor (degree^2, products)
---@field outputs integer degree^2
---@overload fun(degree: integer?, options: table?): mlp.nn.SphericalHarmonics
local SphericalHarmonics = Module:extend "SphericalHarmonics"

local PI <const> = math.pi
local function root(x) return math.sqrt(x / PI) end

--- Y(l, m) with l = 0 .. 3, m = -l .. l (Condon-Shortley phase in the odd m, as graphics has it):
--- coefficients of products of coordinates, "xyz" being x y z and "" being 1.
local HARMONICS <const> = {
  { [""] = root(1) / 2 },
  { y = -root(3 / 4) }, { z = root(3 / 4) }, { x = -root(3 / 4) },
  { xy = root(15) / 2 }, { yz = -root(15) / 2 },
  { zz = root(5) / 2, xx = -root(5) / 4, yy = -root(5) / 4 },
  { xz = -root(15) / 2 }, { xx = root(15) / 4, yy = -root(15) / 4 },
  { xxy = -root(35 / 2) * 3 / 4, yyy = root(35 / 2) / 4 }, { xyz = root(105) / 2 },
  { yzz = -root(21 / 2), xxy = root(21 / 2) / 4, yyy = root(21 / 2) / 4 },
  { zzz = root(7) / 2, xxz = -root(7) * 3 / 4, yyz = -root(7) * 3 / 4 },
  { xzz = -root(21 / 2), xxx = root(21 / 2) / 4, xyy = root(21 / 2) / 4 },
  { xxz = root(105) / 4, yyz = -root(105) / 4 },
  { xxx = -root(35 / 2) / 4, xyy = root(35 / 2) * 3 / 4 },
}

--- All products of up to `most` coordinates, in the order in which forward makes them.
local function products_to(most)
  local list, last = { "" }, { "" }
  for _ = 1, most do
    local longer = {}
    for _, product in ipairs(last) do
      for _, axis in ipairs { "x", "y", "z" } do longer[#longer + 1] = product .. axis end
    end
    table.move(longer, 1, #longer, #list + 1, list)
    last = longer
  end
  return list
end

--- nn.SphericalHarmonics(4): 16 numbers of a direction.
---@param degree integer? 1 to 4 (default 4); degree n has the n^2 harmonics with l < n
---@param options {dtype: mlp.Dtype?}?
function SphericalHarmonics:init(degree, options)
  degree = degree or 4
  if math.type(degree) ~= "integer" or degree < 1 or degree > 4 then
    errors.wanted("SphericalHarmonics", "degree", degree, "a whole number from 1 to 4")
  end
  local o <const> = errors.options("SphericalHarmonics", options, { dtype = "float32" })
  local rows <const>, products <const> = {}, products_to(degree - 1)
  for i = 1, degree * degree do
    rows[i] = {}
    for k, product in ipairs(products) do rows[i][k] = HARMONICS[i][product] or 0 end
  end
  self.degree, self.outputs = degree, degree * degree
  self.coefficients = core.tensor(rows, { dtype = o.dtype })
end

---@param x mlp.Tensor (..., 3) directions of length 1
---@return mlp.Tensor y (..., degree^2)
function SphericalHarmonics:forward(x)
  if x.ndim == 0 or x:size(-1) ~= 3 then
    errors.wanted("SphericalHarmonics", "the input", x, "a tensor of directions (..., 3)")
  end
  local parts <const> = { x:slice(-1, 1, 1) * 0 + 1 }
  for l = 1, self.degree - 1 do
    local flat <const> = table.move(x.shape, 1, x.ndim - 1, 1, {})
    flat[#flat + 1] = -1
    parts[l + 1] = l == 1 and x or (parts[l]:unsqueeze(-1) * x:unsqueeze(-2)):reshape(flat)
  end
  return core.linear(core.cat(parts, -1), self.coefficients)
end

function SphericalHarmonics:describe() return ("degree %d"):format(self.degree) end

return SphericalHarmonics
