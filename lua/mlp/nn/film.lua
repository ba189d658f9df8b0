--- Feature-wise linear modulation: a condition scales and shifts the columns of a signal.

local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.FiLM: mlp.nn.Module
---@field project mlp.nn.Linear condition -> 2 dim: what is added to a scale of 1, then the shift
---@overload fun(dim: integer, condition: integer, options: table?): mlp.nn.FiLM
local FiLM = Module:extend "FiLM"

--- y = x (1 + scale) + shift, both linear in the condition (Perez et al. 2018, section 3). With
--- weights of zero, as it starts, y is x.
---@param dim integer D, columns of the signal
---@param condition integer columns of the condition
---@param options {init: string?, dtype: string?}? an initialiser of the projection; default "zeros"
function FiLM:init(dim, condition, options)
  initialise.want_size("FiLM", "dim", dim)
  initialise.want_size("FiLM", "condition", condition)
  local o <const> = errors.options("FiLM", options, { init = "zeros", dtype = "float32" })
  self.dim = dim
  self.project = Linear(condition, 2 * dim, { init = o.init, dtype = o.dtype })
end

--- Refuses a condition whose rows are not those of the signal's first axes.
local function want_rows(x, z, dim)
  local rows <const> = z.shape
  rows[#rows] = nil
  local fits = x:size(-1) == dim and #rows < x.ndim
  for axis, length in ipairs(rows) do fits = fits and x:size(axis) == length end
  if not fits then
    errors.raise("FiLM: the signal is %s and the condition %s, but (rows, ..., %d) and (rows, %s) "
      .. "are wanted", errors.shape(x), errors.shape(z), dim, "condition")
  end
end

---@param x mlp.Tensor (B, ..., dim) the signal
---@param z mlp.Tensor (B, condition); or with more of the signal's leading axes
---@return mlp.Tensor y of x's shape
function FiLM:forward(x, z)
  want_rows(x, z, self.dim)
  local both = self.project(z)
  for _ = both.ndim + 1, x.ndim do both = both:unsqueeze(-2) end
  local scale <const>, shift <const> = table.unpack(both:split(self.dim, -1))
  return x * (scale + 1) + shift
end

function FiLM:describe() return ("%d"):format(self.dim) end

return FiLM
