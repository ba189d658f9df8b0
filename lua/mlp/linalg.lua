--- Linear algebra, by the LAPACK of OpenBLAS: of matrices in the last two axes, one by one over the
--- axes before them, in float32 and float64. All but matrix_rank have derivatives, and these have
--- derivatives too. Matrices with NaN or infinity are refused, and a factorisation that breaks down
--- is an error.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.linalg
local linalg = {}

--- The operations of the core that live here: "linalg.svd" and its like.
for _, row in ipairs(core.rows()) do
  local name <const> = row.name:match "^linalg%.(.*)$"
  if name and not row.internal then linalg[name] = core[row.name] end
end

-- ---- norms --------------------------------------------------------------------------------------

local NORM <const> = { ord = errors.NONE, axes = errors.NONE, keepdim = false }

local function singular_values(x, axes)
  local order <const> = {}
  for axis = 1, x.ndim do
    if axis ~= axes[1] and axis ~= axes[2] then order[#order + 1] = axis end
  end
  order[#order + 1], order[#order + 2] = axes[1], axes[2]
  local _, s <const> = linalg.svd(x:permute(table.unpack(order)))
  return s
end

--- Norms of vectors; axes nil: of all elements.
local function vector_norm(x, p, axes)
  if p == 1 or p == 2 or p == math.huge then return x:norm(axes, true, { p = p }) end
  if p == -math.huge then return x:abs():amin(axes, true) end
  if p == 0 then return x:ne(0):to(x.dtype):sum(axes, true) end
  if math.type(p) == nil or p ~= p then
    errors.wanted("linalg.norm", "ord", p, "a number, or of a matrix \"fro\" or \"nuc\",")
  end
  return x:abs():pow(p):sum(axes, true):pow(1 / p)
end

--- Sums of |x| along one axis of a matrix, of which the largest or smallest counts.
local function of_sums(along, over, choose)
  return function(x, axes) return choose(x:abs():sum(axes[along], true), axes[over], true) end
end

--- Norms of matrices by their ord; those of singular values leave out both axes.
local MATRIX <const> = {
  fro = function(x, axes) return x:norm(axes, true) end,
  nuc = function(x, axes) return singular_values(x, axes):sum(-1) end,
  [2] = function(x, axes) return singular_values(x, axes):amax(-1) end,
  [-2] = function(x, axes) return singular_values(x, axes):amin(-1) end,
  [1] = of_sums(1, 2, core.amax), [-1] = of_sums(1, 2, core.amin),
  [math.huge] = of_sums(2, 1, core.amax), [-math.huge] = of_sums(2, 1, core.amin),
}

--- nil, or a list of one or two different axes that count from 1.
local function resolved(x, axes)
  if axes == nil then return nil end
  local list <const> = {}
  for i, axis in ipairs(type(axes) == "table" and axes or { axes }) do
    local n <const> = math.type(axis) == "integer" and (axis < 0 and axis + x.ndim + 1 or axis) or 0
    if n < 1 or n > x.ndim or n == list[1] then
      errors.wanted("linalg.norm", ("axes[%d]"):format(i), axis,
        ("another axis from 1 to %d, or from -1 at the end,"):format(x.ndim))
    end
    list[i] = n
  end
  if #list < 1 or #list > 2 then
    errors.wanted("linalg.norm", "axes", axes, "one axis (vectors) or two (matrices)")
  end
  return list
end

local function left_shape(x, axes, keepdim)
  local shape <const> = {}
  for axis, n in ipairs(x.shape) do
    local gone <const> = not axes or axis == axes[1] or axis == axes[2]
    if not gone or keepdim then shape[#shape + 1] = gone and 1 or n end
  end
  return shape
end

---@class mlp.linalg.NormOptions
---@field ord number|"fro"|"nuc"|nil the kind, see above
---@field axes integer|integer[]|nil one axis: vectors; two: matrices, rows first
---@field keepdim boolean? keep the axes with length 1

--- The norm of vectors or matrices. Without ord the square root of the sum of squares, over the
--- axes or all elements. With ord and no axes x is one vector or one matrix. Of vectors ord is p in
--- (sum |x|^p)^(1/p), math.huge, -math.huge (the largest, the smallest |x|) or 0 (how many are not
--- 0). Of matrices it is "fro" (Frobenius), "nuc" (the sum of the singular values), 2 and -2 (the
--- largest and the smallest of them), 1 and -1 (of the columns' sums of |x|), math.huge and
--- -math.huge (of the rows').
---@param x mlp.Tensor float, of any shape
---@param options mlp.linalg.NormOptions?
---@return mlp.Tensor
function linalg.norm(x, options)
  if not core.is_tensor(x) then errors.wanted("linalg.norm", "x", x, "a tensor") end
  options = errors.options("linalg.norm", options, NORM)
  local ord, axes = options.ord, resolved(x, options.axes)
  if ord ~= nil and not axes then
    if x.ndim < 1 or x.ndim > 2 then
      errors.raise("linalg.norm: x is %s; with ord and more than two axes, or none, name one axis"
        .. " (vectors) or two (matrices)", errors.shape(x))
    end
    axes = x.ndim == 1 and { 1 } or { 1, 2 }
  end
  local y
  if ord == nil then
    y = x:norm(axes, true)
  elseif #axes == 1 then
    y = vector_norm(x, ord, axes)
  elseif MATRIX[ord] then
    y = MATRIX[ord](x, axes)
  else
    errors.wanted("linalg.norm", "ord", ord, "\"fro\", \"nuc\", 1, 2, math.huge or a negative one")
  end
  return y:reshape(left_shape(x, axes, options.keepdim))
end

return linalg
