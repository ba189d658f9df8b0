--- What optimizers share. An optimizer holds its parameters in groups, each with the moments of its
--- parameters (lists of tensors) and its numbers in one float64 tensor, `hyper`. A step is one
--- operation per group: it reads hyper, updates parameters and moments in one pass, and counts
--- itself in hyper, so a step has happened entirely or not at all.
---
--- A class states the operation, the names of hyper's slots in the operation's order and the lists
--- of moments; see sgd.lua.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local retired <const> = require "mlp.optim.retired"
local watch <const> = require "mlp.watch"

---@class mlp.optim.Group
---@field parameters mlp.Tensor[]
---@field lr number? its own learning rate; nil: the optimizer's
---@field factor number multiplies its learning rate; a trainer's schedule of the group sets it (1)
---@field options table<string, any> what the group was made with, completed
---@field method table? the class that steps it, where it is not the optimizer's
---@field hyper mlp.Tensor float64, one number per slot
---@field moments mlp.Tensor[][] lists of one tensor per parameter, or empty lists

---@class mlp.optim.Optimizer
---@field lr number learning rate, read at every step; groups may have their own
---@field factor number multiplies every learning rate; a trainer's schedule sets it (1)
---@field groups mlp.optim.Group[]
---@field class_name string
local Optimizer = { class_name = "Optimizer", __name = "mlp.optim.Optimizer" }
Optimizer.__index = Optimizer

-- ---- classes ------------------------------------------------------------------------------------

local function construct(class, parameters, options)
  local optimizer <const> = setmetatable({}, class)
  optimizer:init(parameters, options)
  return optimizer
end

--- A new class of optimizer.
---@param name string
---@return table class
function Optimizer:extend(name)
  local class <const> = setmetatable({}, { __index = self, __call = construct })
  class.class_name, class.__name, class.__index = name, "mlp.optim." .. name, class
  class.__tostring = self.__tostring
  return class
end

-- ---- parameters ---------------------------------------------------------------------------------

local function want_parameter(call, seen, tensor)
  if not core.is_tensor(tensor) then
    errors.wanted(call, "a parameter", tensor, "a tensor (model:parameters() lists them)")
  elseif not tensor.requires_grad then
    errors.wanted(call, "a parameter", tensor, "a tensor that requires a gradient")
  elseif not tensor.is_leaf then
    errors.raise("%s: a parameter (%s) has a history; only leaves are "
      .. "trained, and x:detach() of it would be one", call, table.concat(tensor.shape, ", "))
  elseif seen[tensor] then
    errors.raise("%s: a parameter (%s) is listed twice", call, table.concat(tensor.shape, ", "))
  end
  seen[tensor] = true
end

--- Parameters as a list: a module gives its own.
local function list_of(call, given, seen)
  if type(given) == "table" and type(given.parameters) == "function" then
    given = given:parameters()
  end
  if type(given) ~= "table" then
    errors.wanted(call, "the first argument", given, "a list of tensors: model:parameters()")
  end
  if #given == 0 then errors.raise("%s: there are no parameters to train", call) end
  local list <const> = table.move(given, 1, #given, 1, {})
  for _, tensor in ipairs(list) do want_parameter(call, seen, tensor) end
  return list
end

--- A list of {parameters = list, lr = ...}, or one list of tensors, as groups of options.
local function groups_of(call, given, known)
  local first <const> = type(given) == "table" and given[1]
  local grouped <const> = type(first) == "table" and rawget(first, "parameters") ~= nil
  local seen <const>, groups <const> = {}, {}
  if not grouped then return { { parameters = list_of(call, given, seen), options = {} } } end
  for i, entry in ipairs(given) do
    local named <const> = errors.options(("%s: group %d"):format(call, i), entry, known)
    groups[i] = { parameters = list_of(call, named.parameters, seen), options = named }
    named.parameters = nil
  end
  return groups
end

-- ---- numbers ------------------------------------------------------------------------------------

--- Numbers of options: "a number from 0", "below 1".
local function want_number(call, name, value, least, below)
  if type(value) == "number" and value >= least and (not below or value < below) then return end
  errors.wanted(call, name, value,
    ("a number from %g%s"):format(least, below and (" and below %g"):format(below) or ""))
end

Optimizer.want_number = want_number

--- Two rates of averages, which the slots know as beta1 and beta2.
local function want_betas(call, o)
  if type(o.betas) ~= "table" or #o.betas ~= 2 then
    errors.wanted(call, "betas", o.betas, "a table of two numbers")
  end
  want_number(call, "betas[1]", o.betas[1], 0, 1)
  want_number(call, "betas[2]", o.betas[2], 0, 1)
  o.beta1, o.beta2 = o.betas[1], o.betas[2]
end

Optimizer.want_betas = want_betas

--- One tensor per parameter, as a class's moments() says: full of a number (true: 0), of the shape
--- that a function gives for the parameter; false leaves the list empty.
local function moment_of(parameters, first)
  local list <const> = {}
  if first == false then return list end
  for i, p in ipairs(parameters) do
    local shape <const> = type(first) == "function" and first(p) or p.shape
    list[i] = core.full(shape, type(first) == "number" and first or 0, { dtype = p.dtype })
  end
  return list
end

local LR <const> = 1 -- the slot of hyper that every class has first

--- What the slots that no option fills begin with.
local FIRST <const> = { count = 0, scale = 1 }

--- The number that a slot begins with: an option's, the class's own, or of the two slots that every
--- class has last.
local function slot_value(method, o, name)
  local value = o[name]
  if value == nil then value = method[name] end
  if type(value) == "boolean" then return value and 1 or 0 end
  return FIRST[name] or value
end

local function group_of(optimizer, entry, defaults)
  local method <const> = entry.method or optimizer
  local o <const> = errors.options(method.class_name, entry.options,
    entry.method and entry.method.defaults or defaults)
  method.check(method.class_name, o)
  want_number(method.class_name, "lr", o.lr, 0)
  local values <const>, moments <const> = {}, {}
  for k, name in ipairs(method.slots) do values[k] = slot_value(method, o, name) end
  for k, first in ipairs(method.moments(o)) do
    moments[k] = moment_of(entry.parameters, first)
  end
  return {
    parameters = entry.parameters, lr = entry.options.lr, factor = 1, options = o,
    method = entry.method, moments = moments, written_lr = o.lr, written_scale = 1,
    hyper = core.tensor(values, { dtype = "float64" }),
  }
end

--- What every class's init does.
---@param parameters mlp.Tensor[]|mlp.nn.Module|table[] a list of tensors, a module, or a list of
---  groups {parameters = list, lr = ..., weight_decay = ...}: a group's options go before the rest
---@param options table?
function Optimizer:init(parameters, options)
  local known <const> = { parameters = errors.NONE }
  for name in pairs(self.defaults) do known[name] = errors.NONE end
  local o <const> = errors.options(self.class_name, options, self.defaults)
  self.lr, self.factor, self.groups = o.lr, 1, {}
  for _, entry in ipairs(groups_of(self.class_name, parameters, known)) do
    for _, part in ipairs(self.divide and self.divide(entry, o) or { entry }) do
      table.insert(self.groups, group_of(self, part, o))
    end
  end
end

-- ---- stepping -----------------------------------------------------------------------------------

--- Forgets the gradients of all parameters. Call it before every backward: gradients add up.
function Optimizer:zero_grad()
  for _, group in ipairs(self.groups) do
    for _, parameter in ipairs(group.parameters) do parameter.grad = nil end
  end
end

local function chosen(list, places)
  local part <const> = {}
  for i, place in ipairs(places) do part[i] = list[place] end
  return part
end

--- Parameters, gradients and moments of those parameters that have a gradient, where not all have.
local function ready_part(group)
  local gradients <const>, places <const> = {}, {}
  for i, parameter in ipairs(group.parameters) do
    local gradient <const> = parameter.grad
    if gradient then
      gradients[#gradients + 1], places[#places + 1] = gradient, i
    end
  end
  local moments <const> = {}
  for k, list in ipairs(group.moments) do
    moments[k] = #list > 0 and chosen(list, places) or list
  end
  return {
    parameters = chosen(group.parameters, places), gradients = gradients, moments = moments,
  }
end

local function ready_group(group)
  local parameters <const>, gradients <const> = group.parameters, {}
  for i = 1, #parameters do
    local gradient <const> = parameters[i].grad
    if not gradient then return ready_part(group) end
    gradients[i] = gradient
  end
  return { parameters = parameters, gradients = gradients, moments = group.moments }
end

--- Writes the learning rate to where the steps read it, when it has changed.
local function write_rate(self, group)
  local lr, factor <const> = group.lr or self.lr, self.factor
  if type(lr) ~= "number" then want_number(self.class_name, "lr", lr, 0) end
  if type(factor) ~= "number" then want_number(self.class_name, "factor", factor, 0) end
  lr = lr * factor * group.factor
  if lr == group.written_lr then return end
  want_number(self.class_name, "lr", lr, 0)
  core.put(group.hyper, LR, lr)
  group.written_lr = lr
end

--- Writes the factor on the gradients, a number or a tensor. After a tensor nobody here knows what
--- stands there: a compiled function computes it anew at every replay.
local function write_scale(group, scale)
  if core.is_tensor(scale) then
    local _ <close> = core.no_grad_scope()
    group.hyper:slice(1, -1, -1):copy_(scale:reshape(1))
    group.computed_scale = true
  elseif scale ~= group.written_scale or group.computed_scale then
    core.put(group.hyper, -1, scale)
    group.written_scale = scale
  end
end

local function step_group(self, group, scale, ready)
  write_rate(self, group)
  write_scale(group, scale)
  local method <const> = group.method or self
  method.run(ready.parameters, ready.gradients, ready.moments, group.hyper)
  for _, gradient in ipairs(ready.gradients) do gradient:close() end -- the parameters keep theirs
end

local function check_in_use(self)
  for _, group in ipairs(self.groups) do retired.check(self.class_name, group.parameters) end
end

---@class mlp.optim.Ready
---@field gradients mlp.Tensor[] all there are
---@field groups table[]

--- The gradients that step() would use, gathered once for looking at them and for stepping. Good
--- until the next backward, and for one step.
---@return mlp.optim.Ready
function Optimizer:ready()
  check_in_use(self)
  local groups <const> = {}
  for g, group in ipairs(self.groups) do groups[g] = ready_group(group) end
  if #groups == 1 then return { gradients = groups[1].gradients, groups = groups } end
  local all <const> = {}
  for _, part in ipairs(groups) do
    table.move(part.gradients, 1, #part.gradients, #all + 1, all)
  end
  return { gradients = all, groups = groups }
end

--- One update of every parameter that has a gradient.
---@param scale number|mlp.Tensor|nil multiplies the gradients first, as clipping wants it (1)
---@param ready mlp.optim.Ready? what ready() gave
function Optimizer:step(scale, ready)
  local watched <const> = watch.optimizers
  if watched then watched[self] = true end
  scale = scale or 1
  check_in_use(self)
  for g, group in ipairs(self.groups) do
    step_group(self, group, scale, ready and ready.groups[g] or ready_group(group))
  end
end

--- Brings learning rates that were changed to where the steps read them, as step() does; a compiled
--- function does this before it replays steps.
function Optimizer:refresh()
  for _, group in ipairs(self.groups) do write_rate(self, group) end
end

--- The learning rate that a group's last step used, or its next one will when there was none.
---@param group integer? default 1
---@return number
function Optimizer:rate(group)
  local of <const> = self.groups[group or 1]
  return (of.lr or self.lr) * self.factor * of.factor
end

--- The names of numbers that may be scaled: slots that options fill.
local function scalable(method)
  local known <const> = {}
  for k, slot in ipairs(method.slots) do
    if k ~= LR and FIRST[slot] == nil and method[slot] == nil then known[slot] = k end
  end
  return known
end

--- Multiplies an option of every group that has it, of what it was made with, by a factor: what
--- schedules of momentum or decay do. The learning rate has `factor` for that.
---@param name string "weight_decay"
---@param factor number
function Optimizer:scale(name, factor)
  local known, found = {}, false
  for _, group in ipairs(self.groups) do
    local method <const> = group.method or self
    known = scalable(method)
    if known[name] then
      core.put(group.hyper, known[name], slot_value(method, group.options, name) * factor)
      found = true
    end
  end
  if found then return end
  local guess <const> = errors.guess(name, known)
  errors.raise(guess and "%s: there is no number '%s' to scale (did you mean '%s'?)"
    or "%s: there is no number '%s' to scale", self.class_name, name, guess)
end

local function count_of(group) return group.hyper:get(-2) // 1 | 0 end

--- How many steps there were.
---@return integer
function Optimizer:count() return count_of(self.groups[1]) end

--- Completes a step that was interrupted between groups; true when there was one to complete, or
--- when the step in question is complete.
---@param count integer the number of the step in question
---@return boolean
function Optimizer:complete(count)
  if self:count() < count then return false end
  for _, group in ipairs(self.groups) do
    if count_of(group) < count then
      step_group(self, group, self.groups[1].hyper:get(-1), ready_group(group))
    end
  end
  return true
end

-- ---- state --------------------------------------------------------------------------------------

---@class mlp.optim.State
---@field tensors table<string, mlp.Tensor> copies: "1.hyper", "1.moments.2.3" (group, list, tensor)
---@field class string
---@field lr number
---@field factor number
---@field group_lr table<string, number> those that groups have of their own

local function each_tensor(self, visit)
  for g, group in ipairs(self.groups) do
    visit(("%d.hyper"):format(g), group.hyper)
    for k, list in ipairs(group.moments) do
      for i, tensor in ipairs(list) do visit(("%d.moments.%d.%d"):format(g, k, i), tensor) end
    end
  end
end

--- Everything that the next step depends on, copied, beside the parameters themselves.
---@return mlp.optim.State
function Optimizer:state()
  local state <const> = {
    class = self.class_name, lr = self.lr, factor = self.factor, tensors = {}, group_lr = {},
  }
  each_tensor(self, function(name, tensor) state.tensors[name] = tensor:clone() end)
  for g, group in ipairs(self.groups) do state.group_lr[tostring(g)] = group.lr end
  return state
end

local function misfit(self, state)
  if state.class ~= self.class_name then
    return ("it is of %s, not of %s"):format(state.class, self.class_name)
  end
  local own, message = 0, nil
  each_tensor(self, function(name, tensor)
    local given <const> = state.tensors[name]
    own = own + 1
    if not given then
      message = message or ("it has no '%s'"):format(name)
    elseif given.dtype ~= tensor.dtype
      or table.concat(given.shape, ",") ~= table.concat(tensor.shape, ",") then
      message = message or ("'%s' is %s, not %s"):format(name, core.describe(given),
        core.describe(tensor))
    end
  end)
  local given = 0
  for _ in pairs(state.tensors) do given = given + 1 end
  return message or given ~= own and ("it holds %d tensors, not %d"):format(given, own) or nil
end

--- Takes over a state; nothing changes when it does not fit.
---@param state mlp.optim.State
---@return true?, string? message
function Optimizer:load_state(state)
  local message <const> = misfit(self, state)
  if message then return nil, "the optimizer's state does not fit: " .. message end
  each_tensor(self, function(name, tensor) tensor:copy_(state.tensors[name]) end)
  self.lr, self.factor = state.lr, state.factor
  for g, group in ipairs(self.groups) do
    group.lr = state.group_lr[tostring(g)]
    group.written_lr, group.written_scale = group.hyper:get(LR), group.hyper:get(-1)
  end
  return true
end

function Optimizer:__tostring()
  local parameters = 0
  for _, group in ipairs(self.groups) do parameters = parameters + #group.parameters end
  return ("%s(lr = %g, %d parameters in %d group%s)"):format(self.class_name, self.lr, parameters,
    #self.groups, #self.groups == 1 and "" or "s")
end

return Optimizer
