--- Several networks that answer together.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Ensemble: mlp.nn.Module
---@field members mlp.nn.Module[]
---@field average "outputs"|"probabilities"
---@overload fun(members: mlp.nn.Module[], options: {average: string?}?): mlp.nn.Ensemble
local Ensemble = Module:extend "Ensemble"

local AVERAGES <const> = { outputs = true, probabilities = true }

--- nn.Ensemble({a, b}, {average = "probabilities"}): networks of the same shape of output, whose
--- answers are averaged; trained apart, they err apart, and their mean errs less (Hansen and
--- Salamon, Neural network ensembles, IEEE PAMI 1990).
---@param members mlp.nn.Module[] at least one
---@param options {average: "outputs"|"probabilities"?}? "outputs" (default): the mean of what they
---  say; "probabilities": of the softmax of it over the last axis, for networks that give logits
function Ensemble:init(members, options)
  local o <const> = errors.options("Ensemble", options, { average = "outputs" })
  if type(members) ~= "table" or Module.is(members) or #members == 0 then
    errors.wanted("Ensemble", "the argument", members, "a table of modules: Ensemble{a, b}")
  end
  for i = 1, #members do
    if not Module.is(members[i]) then
      errors.wanted("Ensemble", ("member %d"):format(i), members[i], "a module")
    end
  end
  if not AVERAGES[o.average] then
    errors.wanted("Ensemble", "average", o.average, '"outputs" or "probabilities"')
  end
  self.members, self.average = { table.unpack(members) }, o.average
end

function Ensemble:describe() return ("mean of %s"):format(self.average) end

---@param x any what every member takes
---@return mlp.Tensor y the mean output, or the logarithm of the mean probabilities: logits again
function Ensemble:forward(x)
  local answers <const> = {}
  for i, member in ipairs(self.members) do
    local y <const> = member(x)
    answers[i] = self.average == "outputs" and y or y:log_softmax(-1)
  end
  local all <const> = core.stack(answers, 1) -- (members, ...)
  if self.average == "outputs" then return all:mean(1) end
  return all:logsumexp(1) - math.log(#answers)
end

return Ensemble
