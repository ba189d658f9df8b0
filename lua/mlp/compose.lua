--- What is short to write in operations: outer and cross products, grids, the different elements.
--- Gradients and batches follow from the operations.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local methods <const>, public <const> = core.methods, core.public

local function want_tensor(call, what, x)
  if not core.is_tensor(x) then errors.wanted(call, what, x, "a tensor") end
end

local function want_vector(call, what, x)
  want_tensor(call, what, x)
  if x.ndim ~= 1 then
    errors.raise("%s: %s is %s but a vector (n) is wanted", call, what, errors.shape(x))
  end
end

-- ---- products -----------------------------------------------------------------------------------

--- The products of all elements of one vector with all of another: y[i][j] = x[i] other[j].
---@param x mlp.Tensor (n)
---@param other mlp.Tensor (m)
---@return mlp.Tensor (n, m)
function methods.outer(x, other)
  want_vector("outer", "x", x)
  want_vector("outer", "other", other)
  return x:unsqueeze(2) * other:unsqueeze(1)
end

--- The cross product of vectors of three numbers, along an axis; the other axes broadcast.
---@param x mlp.Tensor with an axis of length 3
---@param other mlp.Tensor of as many axes as x, or fewer when `axis` counts from the end
---@param axis integer? default -1
---@return mlp.Tensor
function methods.cross(x, other, axis)
  axis = axis or -1
  want_tensor("cross", "x", x)
  want_tensor("cross", "other", other)
  for _, t in ipairs { x, other } do
    if t:size(axis) ~= 3 then
      errors.raise("cross: axis %d of %s has %d elements but 3 are wanted", axis, errors.shape(t),
        t:size(axis))
    end
  end
  return x:roll(-1, axis) * other:roll(-2, axis) - x:roll(-2, axis) * other:roll(-1, axis)
end

-- ---- grids --------------------------------------------------------------------------------------

local GRID <const> = { indexing = "ij" }

--- The coordinates of a grid: from n vectors n tensors with an axis for each vector, in their order
--- ("ij", the default); {indexing = "xy"} exchanges the first two axes. Views.
---@param vectors mlp.Tensor[] 1 to 8 of them, each (n) or a single number
---@param options {indexing: "ij"|"xy"|nil}?
---@return mlp.Tensor[]
function public.meshgrid(vectors, options)
  options = errors.options("meshgrid", options, GRID)
  if type(vectors) ~= "table" or #vectors == 0 then
    errors.wanted("meshgrid", "vectors", vectors, "a list of vectors")
  end
  if options.indexing ~= "ij" and options.indexing ~= "xy" then
    errors.wanted("meshgrid", "indexing", options.indexing, '"ij" or "xy"')
  end
  local n <const>, axis_of <const>, shape <const> = #vectors, {}, {}
  for i = 1, n do axis_of[i] = i end
  if options.indexing == "xy" and n > 1 then axis_of[1], axis_of[2] = 2, 1 end
  for i, vector in ipairs(vectors) do
    want_tensor("meshgrid", ("vectors[%d]"):format(i), vector)
    if vector.ndim > 1 then want_vector("meshgrid", ("vectors[%d]"):format(i), vector) end
    shape[axis_of[i]] = vector:numel()
  end
  local grid <const> = {}
  for i, vector in ipairs(vectors) do
    local lengths <const> = {}
    for axis = 1, n do lengths[axis] = axis == axis_of[i] and vector:numel() or 1 end
    grid[i] = vector:reshape(lengths):expand(shape)
  end
  return grid
end

-- ---- different elements -------------------------------------------------------------------------

--- The different elements of a tensor in ascending order; where each element of x is among them,
--- in the shape of x, from 1; and how often each stands in x. Every NaN is an element of its own.
--- No gradient flows through it.
---@param x mlp.Tensor of any shape
---@return mlp.Tensor values (n), of x's dtype
---@return mlp.Tensor inverse int64, of x's shape: values[inverse] is x
---@return mlp.Tensor counts (n), int64
function methods.unique(x)
  want_tensor("unique", "x", x)
  local flat <const> = x:detach():reshape(-1)
  local total <const> = flat:numel()
  if total == 0 then
    return flat, core.zeros(x.shape, { dtype = "int64" }), core.zeros(0, { dtype = "int64" })
  end
  local sorted <const>, from <const> = flat:sort()
  local first <const> = core.ones(total, { dtype = "uint8" }) -- of its equals
  if total > 1 then
    first[{ { 2, total } }] = sorted:slice(1, 2, total):ne(sorted:slice(1, 1, total - 1))
  end
  local starts <const> = first:nonzero():reshape(-1)
  local ends <const> = core.cat { starts:slice(1, 2, #starts),
    core.tensor({ total + 1 }, { dtype = "int64" }) }
  local inverse <const> = core.zeros(total, { dtype = "int64" }):scatter(1, from, first:cumsum(1))
  return sorted:index_select(1, starts), inverse:reshape(x.shape), ends - starts
end

public.outer, public.cross, public.unique = methods.outer, methods.cross, methods.unique

return public
