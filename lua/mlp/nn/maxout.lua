--- A layer whose unit is the largest of a few linear functions: a convex function that is learned.

local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Maxout: mlp.nn.Module
---@field linear mlp.nn.Linear inputs -> outputs * pieces
---@field pieces integer
---@overload fun(inputs: integer, outputs: integer, options: table?): mlp.nn.Maxout
local Maxout = Module:extend "Maxout"

--- nn.Maxout(inputs, outputs, {pieces = 2}) (Goodfellow et al. 2013); mlp.maxout is its function.
---@param inputs integer D
---@param outputs integer H
---@param options {pieces: integer?, bias: boolean?, init: string?, dtype: string?}? linear
---  functions of each unit, default 2; the rest as of Linear
function Maxout:init(inputs, outputs, options)
  initialise.want_size("Maxout", "outputs", outputs)
  local o <const> = errors.options("Maxout", options,
    { pieces = 2, bias = true, init = errors.NONE, dtype = "float32" })
  initialise.want_size("Maxout", "pieces", o.pieces)
  self.pieces = o.pieces
  self.linear = Linear(inputs, outputs * o.pieces,
    { bias = o.bias, init = o.init, dtype = o.dtype })
end

---@param x mlp.Tensor (..., inputs)
---@return mlp.Tensor y (..., outputs)
function Maxout:forward(x) return self.linear(x):maxout(self.pieces) end

function Maxout:describe() return ("pieces = %d"):format(self.pieces) end

return Maxout
