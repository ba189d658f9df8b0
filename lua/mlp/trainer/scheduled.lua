--- What a trainer's `schedule` may be: one function step -> factor for the learning rate; or a
--- table that mixes several, the functions at 1, 2, ... for the learning rates of the optimizer's
--- groups, those under a name for that option: {lr = warmup, momentum = rise, weight_decay = fall}.

local errors <const> = require "mlp.errors"

local scheduled = {}

local function is_callable(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function check_entry(name, fn, optimizer)
  if not is_callable(fn) then
    errors.wanted("Trainer", ("schedule of %s"):format(name), fn,
      "a function of the step (mlp.schedule)")
  end
  if math.type(name) == "integer" and not optimizer.groups[name] then
    errors.raise("Trainer: there is a schedule for group %d, but the optimizer has %d group%s",
      name, #optimizer.groups, #optimizer.groups == 1 and "" or "s")
  elseif type(name) == "string" and name ~= "lr" then
    optimizer:scale(name, 1) -- refuses a name that it has not
  end
end

--- Refuses what is no schedule.
---@param given any
---@param optimizer mlp.optim.Optimizer
function scheduled.check(given, optimizer)
  if given == nil or is_callable(given) then return end
  if type(given) ~= "table" then
    errors.wanted("Trainer", "schedule", given, "a function of the step (mlp.schedule)")
  end
  for name, fn in pairs(given) do check_entry(name, fn, optimizer) end
end

local function factor_of(fn, step)
  local factor <const> = fn(step)
  if type(factor) ~= "number" or factor ~= factor or factor < 0 then
    errors.wanted("Trainer", "what the schedule gives", factor, "a number from 0")
  end
  return factor
end

--- Sets the optimizer's factors for a step.
---@param given mlp.Schedule|table
---@param optimizer mlp.optim.Optimizer
---@param step integer from 1
function scheduled.apply(given, optimizer, step)
  if is_callable(given) then
    optimizer.factor = factor_of(given, step)
    return
  end
  for name, fn in pairs(given) do
    local factor <const> = factor_of(fn, step)
    if math.type(name) == "integer" then
      optimizer.groups[name].factor = factor
    elseif name == "lr" then
      optimizer.factor = factor
    else
      optimizer:scale(name, factor)
    end
  end
end

return scheduled
