--- An optimizer around another: it does what the inner one does, and after every step something
--- with the weights, which is one more operation over all parameters. Whoever steps, saves or
--- schedules the inner one (a loop, a trainer) may take the wrapper in its place.
---
--- A class states the tensors beside the parameters, the slots of its hyper, whose last counts its
--- steps, and the operation; see ema.lua.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.optim.Wrapper: mlp.optim.Optimizer
---@field inner mlp.optim.Optimizer
local Wrapper = {}

--- Numbers that belong to the inner optimizer.
local INNER <const> = { lr = true, factor = true }

local function newindex(self, key, value)
  if INNER[key] then
    self.inner[key] = value
  else
    rawset(self, key, value)
  end
end

local function is_optimizer(value)
  return type(value) == "table" and type(value.zero_grad) == "function" and value.groups ~= nil
end

local function construct(class, inner, options)
  if not is_optimizer(inner) then
    errors.wanted(class.class_name, "the first argument", inner, "an optimizer, such as "
      .. "mlp.optim.AdamW(model:parameters()),")
  end
  local o <const> = errors.options(class.class_name, options, class.defaults)
  class.check(class.class_name, o)
  local self <const> = setmetatable({ inner = inner, parameters = {}, beside = {} }, class)
  for _, group in ipairs(inner.groups) do
    table.move(group.parameters, 1, #group.parameters, #self.parameters + 1, self.parameters)
  end
  for i, p in ipairs(self.parameters) do self.beside[i] = p:detach():clone() end
  self.hyper = core.tensor(class.slots_of(o), { dtype = "float64" })
  self.before = inner:count()
  return self
end

--- A new class of wrapper.
---@param name string
---@return table class
function Wrapper:extend(name)
  local class <const> = setmetatable({}, { __index = self, __call = construct })
  class.class_name, class.__name, class.__newindex = name, "mlp.optim." .. name, newindex
  function class.__index(object, key)
    local own <const> = class[key]
    if own ~= nil then return own end
    return rawget(object, "inner")[key]
  end
  function class.__tostring(object) return ("%s(%s)"):format(name, tostring(object.inner)) end
  return class
end

local function follow(self) self.run(self.parameters, self.beside, self.hyper) end

local function own_count(self) return self.hyper:get(-1) // 1 | 0 end

function Wrapper:zero_grad() self.inner:zero_grad() end

function Wrapper:ready() return self.inner:ready() end

function Wrapper:refresh() self.inner:refresh() end

function Wrapper:count() return self.inner:count() end

function Wrapper:rate(group) return self.inner:rate(group) end

function Wrapper:scale(name, factor) self.inner:scale(name, factor) end

--- A step of the inner optimizer, and what this class does after it.
---@param ... any what the inner optimizer's step takes
---@return any ... what it returns
function Wrapper:step(...)
  local result <const> = self.inner:step(...)
  follow(self)
  return result
end

function Wrapper:complete(count)
  if not self.inner:complete(count) then return false end
  if self.before + own_count(self) < count then follow(self) end
  return true
end

-- ---- state --------------------------------------------------------------------------------------

local function each_tensor(self, visit)
  local prefix <const> = self.class_name:lower()
  visit(prefix .. ".hyper", self.hyper)
  for i, tensor in ipairs(self.beside) do visit(("%s.%d"):format(prefix, i), tensor) end
end

function Wrapper:state()
  local state <const> = self.inner:state()
  state.class = ("%s of %s"):format(self.class_name, state.class)
  each_tensor(self, function(name, tensor) state.tensors[name] = tensor:clone() end)
  return state
end

--- The inner optimizer's part of a state, and this class's; nil and why not, where they are not
--- there.
local function divided(self, state)
  local prefix <const> = self.class_name .. " of "
  if type(state.class) ~= "string" or state.class:sub(1, #prefix) ~= prefix then
    return nil, ("the optimizer's state does not fit: it is of %s, not of %s"):format(state.class,
      self:state().class)
  end
  local inner <const>, own <const>, message = {}, {}, nil
  for key, value in pairs(state) do inner[key] = value end
  inner.class, inner.tensors = state.class:sub(#prefix + 1), {}
  for name, tensor in pairs(state.tensors) do inner.tensors[name] = tensor end
  each_tensor(self, function(name, tensor)
    own[name], inner.tensors[name] = inner.tensors[name], nil
    local given <const> = own[name]
    if not given or given.dtype ~= tensor.dtype or errors.shape(given) ~= errors.shape(tensor) then
      message = ("the optimizer's state does not fit: '%s' is missing or of another shape")
        :format(name)
    end
  end)
  if message then return nil, message end
  return inner, own
end

function Wrapper:load_state(state)
  local inner <const>, own <const> = divided(self, state)
  if not inner then return nil, own end
  local ok <const>, message <const> = self.inner:load_state(inner)
  if not ok then return nil, message end
  each_tensor(self, function(name, tensor) tensor:copy_(own[name]) end)
  self.before = self.inner:count() - own_count(self)
  return true
end

return Wrapper
