--- The public face. `require "mlp"` returns this table and touches nothing else; the parts load when
--- they are first named.

local core <const> = require "mlp.core"
require "mlp.tensor"

---@class mlp
local mlp = { version = "scm" }

--- Parts that load on first use: mlp.nn is require "mlp.nn".
local PARTS <const> = {
  nn = "mlp.nn", loss = "mlp.loss", optim = "mlp.optim", schedule = "mlp.schedule", init = "mlp.initialise",
  metric = "mlp.metric", data = "mlp.data", io = "mlp.io", plot = "mlp.plot", probe = "mlp.probe",
  Trainer = "mlp.trainer",
}

--- Functions that live in a part of their own: mlp.help is require("mlp.help").help.
local FUNCTIONS <const> = {
  no_grad = "mlp.autograd", grad = "mlp.autograd", gradcheck = "mlp.autograd", jacobian = "mlp.autograd",
  hvp = "mlp.autograd", help = "mlp.help", info = "mlp.info",
}

--- Makes the model that a file written by model:save describes, with its weights, in evaluation mode. Only
--- built-in modules; nothing from the file is executed.
---@param path string
---@return mlp.nn.Module? model, string? message
function mlp.load(path) return require("mlp.nn.state").rebuild(path) end

--- Everything else is an operation or a constructor of tensors, straight from the core.
local function find(_, name)
  local value
  if PARTS[name] then
    value = require(PARTS[name])
  elseif FUNCTIONS[name] then
    value = require(FUNCTIONS[name])[name]
  elseif core.public[name] then
    value = core.public[name]
  end
  mlp[name] = value
  return value
end

return setmetatable(mlp, { __index = find })
