--- Activations that are not functions of one number: prelu has a slope of its own, maxout and the
--- gated halves (GLU and its kin) make several numbers one.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local methods <const>, public <const> = core.methods, core.public

local function want_tensor(call, x)
  if not core.is_tensor(x) then errors.wanted(call, "the first argument", x, "a tensor") end
end

--- x where x > 0, else weight * x: leaky_relu whose slope is learned (He et al. 2015).
---@param x mlp.Tensor (..., D)
---@param weight mlp.Tensor (1) one slope, or (D) one per column
---@return mlp.Tensor y of x's shape
function methods.prelu(x, weight)
  want_tensor("prelu", x)
  if not core.is_tensor(weight) or weight.ndim > 1
    or weight:numel() ~= 1 and (x.ndim == 0 or weight:numel() ~= x:size(-1)) then
    errors.wanted("prelu", "weight", weight, ("one slope, or one for each column of %s,"):format(
      errors.shape(x)))
  end
  return x:relu() - (-x):relu() * (weight.ndim > x.ndim and weight:reshape {} or weight)
end

--- The largest of each group of neighbours along the last axis (Goodfellow et al. 2013).
---@param x mlp.Tensor (..., H * pieces)
---@param pieces integer how many make one
---@return mlp.Tensor y (..., H)
function methods.maxout(x, pieces)
  want_tensor("maxout", x)
  if math.type(pieces) ~= "integer" or pieces < 1 then
    errors.wanted("maxout", "pieces", pieces, "a whole number from 1")
  end
  local shape <const> = x.shape
  local width <const> = shape[#shape] or 0
  if width % pieces ~= 0 or #shape == 0 then
    errors.raise("maxout: the last axis of %s cannot be cut into groups of %d", errors.shape(x),
      pieces)
  end
  shape[#shape], shape[#shape + 1] = width // pieces, pieces
  return x:reshape(shape):amax(-1)
end

--- Half the axis times an activation of the other half.
local function gated(call, activation, x, axis)
  want_tensor(call, x)
  axis = axis or -1
  local length <const> = x:size(axis)
  if length % 2 ~= 0 then
    errors.raise("%s: axis %d of %s has %d elements, which are no two halves", call, axis,
      errors.shape(x), length)
  end
  return x:slice(axis, 1, length // 2) * core[activation](x:slice(axis, length // 2 + 1, length))
end

--- The first half times sigmoid of the second (Dauphin et al. 2017).
---@param x mlp.Tensor (..., 2 H)
---@param axis integer? which is cut in halves; default -1
---@return mlp.Tensor y (..., H)
function methods.glu(x, axis) return gated("glu", "sigmoid", x, axis) end

--- The first half times relu of the second (Shazeer 2020).
---@param x mlp.Tensor (..., 2 H)
---@param axis integer? which is cut in halves; default -1
---@return mlp.Tensor y (..., H)
function methods.reglu(x, axis) return gated("reglu", "relu", x, axis) end

--- The first half times gelu of the second (Shazeer 2020).
---@param x mlp.Tensor (..., 2 H)
---@param axis integer? which is cut in halves; default -1
---@return mlp.Tensor y (..., H)
function methods.geglu(x, axis) return gated("geglu", "gelu", x, axis) end

--- The first half times silu of the second (Shazeer 2020, with beta = 1).
---@param x mlp.Tensor (..., 2 H)
---@param axis integer? which is cut in halves; default -1
---@return mlp.Tensor y (..., H)
function methods.swiglu(x, axis) return gated("swiglu", "silu", x, axis) end

for _, name in ipairs { "prelu", "maxout", "glu", "reglu", "geglu", "swiglu" } do
  public[name] = methods[name]
end

return public
