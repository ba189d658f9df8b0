--- The public face. `require "mlp"` returns this table and touches nothing else; the parts load
--- when they are first named.

local core <const> = require "mlp.core"
local lazy <const> = require "mlp.lazy"
require "mlp.tensor"
require "mlp.compose"

---@class mlp
---@field version string
local mlp = { version = "scm" }

--- Operations and constructors of tensors come straight from the core.
for name, value in pairs(core.public) do mlp[name] = value end

--- Makes the model that a file written by model:save describes, with its weights, in evaluation
--- mode. Only built-in modules; nothing from the file is executed.
---@param path string
---@return mlp.nn.Module? model, string? message
function mlp.load(path) return require("mlp.nn.state").rebuild(path) end

local function from(module, name) return function() return require(module)[name] end end

return lazy(mlp, {
  nn = "mlp.nn", loss = "mlp.loss", optim = "mlp.optim", schedule = "mlp.schedule",
  init = "mlp.initialise", metric = "mlp.metric", data = "mlp.data", io = "mlp.io",
  plot = "mlp.plot", linalg = "mlp.linalg", Trainer = "mlp.trainer", report = "mlp.report",
  no_grad = from("mlp.autograd", "no_grad"), grad = from("mlp.autograd", "grad"),
  gradcheck = from("mlp.autograd", "gradcheck"), jacobian = from("mlp.autograd", "jacobian"),
  hvp = from("mlp.autograd", "hvp"), help = from("mlp.help", "help"),
  info = from("mlp.info", "info"), einsum = from("mlp.einsum", "einsum"),
})
