--- Networks of sines (Sitzmann et al. 2020): y = sin(omega (W x + b)) in every layer but the last,
--- which is linear. All derivatives of such a network are networks of the same kind, so gradients
--- and Laplacians of what it represents are as good as its values.
---
--- Weights start uniform in +-1/fan_in in the first layer and in +-sqrt(6/fan_in)/omega in all
--- others (section 3.2 and appendix 1.5), biases in +-1/sqrt(fan_in) (the authors' code). For
--- inputs uniform in [-1, 1] the products omega W x of every layer after the first are then close
--- to normal with deviation 1, and the activations close to the arcsine distribution, at any depth;
--- the biases turn the phases.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.SirenOptions
---@field [integer] integer widths, from input to output
---@field omega_first number? frequency of the first layer, radians per unit; default 30
---@field omega number? frequency of the layers after it; default 30
---@field output string? activation of the last layer; default "identity"
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.Siren: mlp.nn.Module
---@field layers mlp.nn.Linear[]
---@overload fun(spec: mlp.nn.SirenOptions): mlp.nn.Siren
local Siren = Module:extend "Siren"

local TOLERANCE <const> = 1e-4 -- rounding of coordinates is no reason to warn

--- Networks that were looked at: they warn once.
local seen <const> = setmetatable({}, { __mode = "k" })

local function layer(inputs, outputs, omega, first, activation, dtype)
  local sine <const> = activation == "sine"
  local linear <const> = Linear(inputs, outputs, { activation = activation, dtype = dtype,
    activation_options = sine and { omega = omega } or nil,
    init = function(weight) initialise.siren_(weight, { omega = omega, first = first }) end })
  local bound <const> = 1 / math.sqrt(inputs)
  initialise.uniform_(linear.bias, { low = -bound, high = bound })
  return linear
end

--- nn.Siren{2, 256, 256, 256, 1}: widths from input to output, then options by name. Coordinates
--- belong into [-1, 1]; when the first ones do not, a warning (Lua's `warn`) says so; in a compiled
--- function, which reads no numbers, it waits for the first call outside.
---@param spec mlp.nn.SirenOptions
function Siren:init(spec)
  if type(spec) ~= "table" then
    errors.wanted("Siren", "the argument", spec, "a table: Siren{2, 256, 256, 1}")
  end
  local widths <const>, named <const> = { table.unpack(spec) }, {}
  if #widths < 3 then
    errors.raise("Siren: at least three widths are wanted, with a hidden one: Siren{2, 64, 1}")
  end
  for key, value in pairs(spec) do
    if math.type(key) ~= "integer" or key < 1 or key > #widths then named[key] = value end
  end
  local o <const> = errors.options("Siren", named,
    { omega_first = 30, omega = 30, output = "identity", dtype = "float32" })
  for i, width in ipairs(widths) do initialise.want_size("Siren", ("width %d"):format(i), width) end
  self.layers = {}
  for i = 1, #widths - 1 do
    local last <const> = i == #widths - 1
    self.layers[i] = layer(widths[i], widths[i + 1], i == 1 and o.omega_first or o.omega, i == 1,
      last and o.output or "sine", o.dtype)
  end
end

local function warn_of_range(x)
  local far <const> = x:numel() > 0 and x:detach():abs():max():item() or 0
  if far > 1 + TOLERANCE then
    warn(("mlp: Siren: inputs reach %.3g, but its frequencies are made for [-1, 1]; scale them")
      :format(far))
  end
end

---@param x mlp.Tensor (..., widths[1]) in [-1, 1]
---@return mlp.Tensor y (..., widths[#widths])
function Siren:forward(x)
  if not seen[self] and core.is_tensor(x) and not core.is_recording() then
    seen[self] = true
    warn_of_range(x)
  end
  for _, linear in ipairs(self.layers) do x = linear(x) end
  return x
end

return Siren
