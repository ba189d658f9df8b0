--- A form in two inputs: y[k] = x' W[k] z + b[k].

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Bilinear: mlp.nn.Module
---@field weight mlp.Tensor (outputs, left, right)
---@field bias mlp.Tensor? (outputs)
---@overload fun(left: integer, right: integer, outputs: integer, options: table?): mlp.nn.Bilinear
local Bilinear = Module:extend "Bilinear"

---@param left integer columns of the first input
---@param right integer columns of the second input
---@param outputs integer H
---@param options {bias: boolean?, init: string?, dtype: string?}? `init` names an initialiser, by
---  default lecun over left * right
function Bilinear:init(left, right, outputs, options)
  initialise.want_size("Bilinear", "left", left)
  initialise.want_size("Bilinear", "right", right)
  initialise.want_size("Bilinear", "outputs", outputs)
  local o <const> = errors.options("Bilinear", options,
    { bias = true, init = errors.NONE, dtype = "float32" })
  self.weight = initialise.weight({ outputs, left, right }, o.init, "identity", o.dtype)
  self.bias = o.bias and core.zeros(outputs, { dtype = o.dtype, requires_grad = true }) or nil
end

local function want_rows(x, z, left, right)
  local a <const>, b <const> = x.shape, z.shape
  local columns <const>, others <const> = table.remove(a), table.remove(b)
  if columns ~= left or others ~= right or table.concat(a, ",") ~= table.concat(b, ",") then
    errors.raise("Bilinear: inputs are %s and %s but (..., %d) and (..., %d) of the same rows are "
      .. "wanted", errors.shape(x), errors.shape(z), left, right)
  end
end

---@param x mlp.Tensor (..., left)
---@param z mlp.Tensor (..., right)
---@return mlp.Tensor y (..., outputs)
function Bilinear:forward(x, z)
  local outputs <const>, left <const>, right <const> = table.unpack(self.weight.shape)
  want_rows(x, z, left, right)
  local shape <const> = x.shape
  shape[#shape], shape[#shape + 1] = outputs, left
  local forms <const> = core.linear(z, self.weight:reshape(-1, right)):reshape(shape)
  local y <const> = (forms * x:unsqueeze(-2)):sum(-1)
  return self.bias and y + self.bias or y
end

--- Multiplications and additions of both products, and one addition for the bias.
---@param y mlp.Tensor the output
---@return integer
function Bilinear:flops(y)
  local _, left <const>, right <const> = table.unpack(self.weight.shape)
  return y:numel() * (2 * left * right + 2 * left + (self.bias and 1 or 0))
end

function Bilinear:describe()
  local outputs <const>, left <const>, right <const> = table.unpack(self.weight.shape)
  return ("%d, %d -> %d%s"):format(left, right, outputs, self.bias and "" or ", no bias")
end

return Bilinear
