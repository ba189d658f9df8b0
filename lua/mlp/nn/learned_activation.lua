--- Activations with parameters that are trained: one number for all columns, or one for each.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

local learned = {}

local function want_start(call, name, value, least)
  if type(value) ~= "number" or value ~= value or value <= least then
    errors.wanted(call, name, value, least == 0 and "a number above 0" or "a number")
  end
end

---@class mlp.nn.PReLU: mlp.nn.Module
---@field weight mlp.Tensor (n) slopes below 0
---@overload fun(n: integer?, options: table?): mlp.nn.PReLU
local PReLU = Module:extend "PReLU"
learned.PReLU = PReLU

--- x where x > 0, else weight * x, with a weight that is trained (He et al. 2015).
---@param n integer? 1 (default): one slope; or the length of the last axis: one for each column
---@param options {init: number?, dtype: string?}? the slope at the start; default 0.25
function PReLU:init(n, options)
  n = n or 1
  initialise.want_size("PReLU", "n", n)
  local o <const> = errors.options("PReLU", options, { init = 0.25, dtype = "float32" })
  want_start("PReLU", "init", o.init, -math.huge)
  self.weight = core.full({ n }, o.init, { dtype = o.dtype }):requires_grad_()
end

---@param x mlp.Tensor (..., n), or any when n is 1
---@return mlp.Tensor y of x's shape
function PReLU:forward(x) return x:prelu(self.weight) end

function PReLU:describe() return ("%d"):format(self.weight:numel()) end

---@class mlp.nn.LearnedSnake: mlp.nn.Module
---@field omega mlp.Tensor (n) frequencies, radians per unit
---@overload fun(n: integer?, options: table?): mlp.nn.LearnedSnake
local LearnedSnake = Module:extend "LearnedSnake"
learned.LearnedSnake = LearnedSnake

--- x + sin(omega x)^2 / omega with frequencies that are trained (Ziyin et al. 2020); with a fixed
--- one it is the activation snake.
---@param n integer? 1 (default): one frequency; or the length of the last axis: one for each column
---@param options {omega: number?, dtype: string?}? the frequency at the start, above 0; default 1
function LearnedSnake:init(n, options)
  n = n or 1
  initialise.want_size("LearnedSnake", "n", n)
  local o <const> = errors.options("LearnedSnake", options, { omega = 1, dtype = "float32" })
  want_start("LearnedSnake", "omega", o.omega, 0)
  self.omega = core.full({ n }, o.omega, { dtype = o.dtype }):requires_grad_()
end

---@param x mlp.Tensor (..., n), or any when n is 1
---@return mlp.Tensor y of x's shape
function LearnedSnake:forward(x)
  local n <const> = self.omega:numel()
  if n ~= 1 then errors.want_last_axis("LearnedSnake", x, n) end
  return x + (x * self.omega):sin():square() / self.omega
end

function LearnedSnake:describe() return ("%d"):format(self.omega:numel()) end

return learned
