--- Columns brought to mean 0 and deviation 1, with numbers learned from one set (the training rows)
--- and applied to all: test rows must not leak into them.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.data.Scaler
---@field mean mlp.Tensor of one row's shape; missing values (NaN) left out
---@field std mlp.Tensor the same shape: population deviation, 1 where a column is constant
---@field missing "keep"|"mean"
local Scaler = { __name = "mlp.data.Scaler" }
Scaler.__index = Scaler

local CALL <const> = "data.scaler"

local function want_rows(x)
  if not core.is_tensor(x) or x.dtype ~= "float32" and x.dtype ~= "float64" or x.ndim == 0
    or #x == 0 then
    errors.wanted(CALL, "the first argument", x, "a float tensor with at least one row")
  end
end

--- Sums in float64, so that large columns far from zero keep their deviation.
local function moments(x)
  local wide <const> = x:detach():to("float64")
  local known <const> = wide:eq(wide)
  local count <const> = known:to("float64"):sum(1):maximum(1)
  local mean <const> = core.where(known, wide, 0):sum(1) / count
  local off <const> = core.where(known, wide - mean, 0)
  local std <const> = ((off * off):sum(1) / count):sqrt()
  return mean, core.where(std:gt(0), std, 1)
end

local function check_known(known)
  local o <const> = errors.options(CALL, known, { mean = errors.NONE, std = errors.NONE,
    missing = "keep" })
  for _, name in ipairs { "mean", "std" } do
    if not core.is_tensor(o[name]) then errors.wanted(CALL, name, o[name], "a tensor") end
  end
  return o
end

--- Learns mean and deviation of every column (along the first axis). A table {mean =, std =,
--- missing =} makes a scaler of what another one has learned.
---
--- `missing`: what becomes of NaN: "keep" (default), or "mean", the column's mean, which is 0 after
--- scaling.
---@param x mlp.Tensor|{mean: mlp.Tensor, std: mlp.Tensor, missing: string?} (rows, ...) floats
---@param options {missing: "keep"|"mean"|nil}?
---@return mlp.data.Scaler
local function scaler(x, options)
  if type(x) == "table" and (x.mean or x.std) then return setmetatable(check_known(x), Scaler) end
  local o <const> = errors.options(CALL, options, { missing = "keep" })
  if o.missing ~= "keep" and o.missing ~= "mean" then
    errors.wanted(CALL, "missing", o.missing, '"keep" or "mean"')
  end
  want_rows(x)
  local mean <const>, std <const> = moments(x)
  return setmetatable({ mean = mean:to(x.dtype), std = std:to(x.dtype), missing = o.missing },
    Scaler)
end

--- (x - mean) / std.
---@param x mlp.Tensor (rows, ...)
---@return mlp.Tensor z of x's shape
function Scaler:apply(x)
  local z <const> = (x - self.mean) / self.std
  return self.missing == "mean" and core.where(z:eq(z), z, 0) or z
end

--- z * std + mean: back to the units of x.
---@param z mlp.Tensor (rows, ...)
---@return mlp.Tensor x of z's shape
function Scaler:inverse(z) return z * self.std + self.mean end

return scaler
