--- The public face. `require "mlp"` returns this table and touches nothing else; the parts load
--- when they are first named.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local lazy <const> = require "mlp.lazy"
require "mlp.tensor"
require "mlp.compose"
require "mlp.activations"

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

--- Into how many parts compiled functions and large products cut their work, and so how many
--- threads work at once; a setting of the process. At first it is MLP_THREADS of the environment,
--- or the number of processors. Results depend on it in the last bits, and on nothing else about
--- threads.
---@param n integer? 1 to 64; nil: only tells
---@return integer n
function mlp.set_threads(n)
  if n ~= nil and (math.type(n) ~= "integer" or n < 1 or n > 64) then
    errors.wanted("set_threads", "the number", n, "a whole number from 1 to 64")
  end
  return core.lanes(n)
end

local function from(module, name) return function() return require(module)[name] end end

return lazy(mlp, {
  nn = "mlp.nn", loss = "mlp.loss", optim = "mlp.optim", schedule = "mlp.schedule",
  init = "mlp.initialise", metric = "mlp.metric", data = "mlp.data", io = "mlp.io",
  plot = "mlp.plot", linalg = "mlp.linalg", field = "mlp.field", nerf = "mlp.nerf",
  Trainer = "mlp.trainer", report = "mlp.report", poly = "mlp.poly", fourier = "mlp.fourier",
  tabular = "mlp.tabular", probe = "mlp.probe", tune = "mlp.tune",
  no_grad = from("mlp.autograd", "no_grad"), grad = from("mlp.autograd", "grad"),
  gradcheck = from("mlp.autograd", "gradcheck"), jacobian = from("mlp.autograd", "jacobian"),
  hvp = from("mlp.autograd", "hvp"), help = from("mlp.help", "help"),
  compile = from("mlp.compile", "compile"), info = from("mlp.info", "info"),
  einsum = from("mlp.einsum", "einsum"),
})
