--- Training and evaluation modes, put back as they were when a scope closes, whatever happened.

local modes = {}

local Scope <const> = { __name = "mlp.trainer.modes" }

function Scope:__close()
  for module, training in pairs(self) do module.training = training end
end

--- Notes the mode of a model and of everything below it: `local _ <close> = modes.keep(model)`.
---@param model mlp.nn.Module
---@return table scope
function modes.keep(model)
  local scope <const> = { [model] = model.training }
  for _, module in model:named_modules() do scope[module] = module.training end
  return setmetatable(scope, Scope)
end

return modes
