--- A module is a Lua table: its fields are parameters (tensors that require a gradient), buffers
--- (other tensors), children (modules, or plain tables of them) and settings. Nothing is
--- registered; the fields are walked, integer keys first and numerically, then names in order, so
--- the order is the same in every run. Sharing is identity: one tensor in two places is one
--- parameter.

require "mlp.tensor"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local watch <const> = require "mlp.watch"

---@class mlp.nn.Module
---@field training boolean true after construction and :train(), false after :eval()
---@field class_name string
---@field shows table<string, true> the values inside forward that hooks can look at, by name
local Module = { class_name = "Module", training = true, shows = {} }
Module.__index = Module
Module.__name = "mlp.nn.Module"

-- ---- classes ------------------------------------------------------------------------------------

--- What each object was made with, so that a file can say how to make it again.
local made_with <const> = setmetatable({}, { __mode = "k" })

--- Plain tables are copied, deeply: the caller may go on changing his.
local function keep(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = keep(item) end
  return copy
end

--- Calling a class makes an object and runs its init.
local function construct(class, ...)
  local object = setmetatable({}, class)
  local arguments = table.pack(...)
  for i = 1, arguments.n do arguments[i] = keep(arguments[i]) end
  made_with[object] = arguments
  object:init(...)
  return object
end

--- The arguments the object was made with, `n` of them; plain tables as they were then.
---@return table
function Module:made_with() return made_with[self] end

--- Hooks of an object live here, by the name of the value they look at, so that they are no fields
--- of it; "out" is what forward returns.
local hooks_of <const> = setmetatable({}, { __mode = "k" })

local function run_hooks(list, module, inputs, ...)
  local out = table.pack(...)
  for _, hook in ipairs(table.move(list, 1, #list, 1, {})) do -- a hook may close itself, or add one
    local replaced = hook.fn(out[1], module, table.unpack(inputs, 1, inputs.n))
    if replaced ~= nil then out[1] = replaced end
  end
  return table.unpack(out, 1, out.n)
end

local function pass(...) return ... end

--- model(x) is model:forward(x), then hooks. Its frame stays on the stack while forward runs (no
--- tail call): errors read the path of modules from such frames.
local function call(self, ...)
  local hooks, watched = hooks_of[self], watch.modules
  if watched then watched[self] = true end
  if not (hooks and hooks.out) then return pass(self:forward(...)) end
  watch.hooked = true
  return run_hooks(hooks.out, self, table.pack(...), self:forward(...))
end

Module.__call = call
core.caller_is(core.library, call)

--- module(...) with other values in some of its fields for this one pass: a weight that is
--- computed. The module itself keeps what it has; its hooks run.
---@param fields table<string, any>
---@param ... any what forward takes
---@return any what forward gives
function Module:forward_with(fields, ...)
  local stand_in <const> = setmetatable(fields, { __index = self })
  local hooks <const> = hooks_of[self]
  if not (hooks and hooks.out) then return self.forward(stand_in, ...) end
  watch.hooked = true
  return run_hooks(hooks.out, self, table.pack(...), self.forward(stand_in, ...))
end

--- A new class below this one: define `init` (fills fields) and `forward`.
---
---     local Net = nn.Module:extend "Net"
---     function Net:init(d) self.up = nn.Linear(d, 16) self.down = nn.Linear(16, 1) end
---     function Net:forward(x) return self.down(self.up(x):gelu()) end
---@param name string shown in trees and messages
---@return table class
function Module:extend(name)
  if type(name) ~= "string" then errors.wanted("Module:extend", "the name", name, "a string") end
  local class = setmetatable({}, { __index = self, __call = construct, __name = "mlp.nn.class" })
  class.class_name, class.__name = name, "mlp.nn." .. name
  class.__index, class.__call, class.__tostring = class, call, self.__tostring
  return class
end

function Module:init() end -- luacheck: no unused args

--- What the module computes. Subclasses define it.
function Module:forward()
  errors.raise("%s: this class has no forward method", self.class_name)
end

-- ---- walking ------------------------------------------------------------------------------------

--- Is this a module?
---@param value any
---@return boolean
function Module.is(value)
  local class = type(value) == "table" and getmetatable(value)
  return type(class) == "table" and class.__call == call
end

local function key_order(a, b)
  if math.type(a) and math.type(b) then return a < b end
  if math.type(a) or math.type(b) then return math.type(a) ~= nil end
  return a < b
end

local function sorted_keys(t)
  local keys = {}
  for key in next, t do
    if math.type(key) == "integer" or type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys, key_order)
  return keys
end

local function joined(path, key) return path == "" and tostring(key) or path .. "." .. key end

--- Visits tensors and modules among the fields, plain tables included, each path once.
local function walk(t, path, visit, seen)
  for _, key in ipairs(sorted_keys(t)) do
    local value, at = rawget(t, key), joined(path, key)
    if core.is_tensor(value) then
      visit(at, value)
    elseif Module.is(value) then
      if not seen[value] then
        seen[value] = true
        visit(at, value)
        walk(value, at, visit, seen)
      end
    elseif type(value) == "table" and getmetatable(value) == nil and not seen[value] then
      seen[value] = true
      walk(value, at, visit, seen)
    end
  end
end

local function collect(module, wanted)
  local list, seen_tensor = {}, {}
  walk(module, "", function(path, value)
    if wanted(value) and not seen_tensor[value] then
      seen_tensor[value] = true
      list[#list + 1] = { path, value }
    end
  end, { [module] = true })
  return list
end

local function iterate(list)
  local i = 0
  return function()
    i = i + 1
    if list[i] then return list[i][1], list[i][2] end
  end
end

local function is_parameter(value) return core.is_tensor(value) and value.requires_grad end
local function is_buffer(value) return core.is_tensor(value) and not value.requires_grad end

--- The parameters with their dotted names ("layers.1.weight"), in walking order; a shared one once.
---@return fun(): string?, mlp.Tensor?
function Module:named_parameters() return iterate(collect(self, is_parameter)) end

--- Tensors that are saved with the model but not trained, with their dotted names.
---@return fun(): string?, mlp.Tensor?
function Module:named_buffers() return iterate(collect(self, is_buffer)) end

--- The modules below this one with their dotted names.
---@return fun(): string?, mlp.nn.Module?
function Module:named_modules() return iterate(collect(self, Module.is)) end

--- The parameters as a list.
---@return mlp.Tensor[]
function Module:parameters()
  local list = {}
  for _, tensor in self:named_parameters() do list[#list + 1] = tensor end
  return list
end

--- Direct children with the keys they stand under ("up", "layers.1").
---@return fun(): string?, mlp.nn.Module?
function Module:children()
  local list, seen = {}, {}
  local function look(t, path)
    if seen[t] then return end
    seen[t] = true
    for _, key in ipairs(sorted_keys(t)) do
      local value = rawget(t, key)
      if Module.is(value) then
        list[#list + 1] = { joined(path, key), value }
      elseif type(value) == "table" and getmetatable(value) == nil then
        look(value, joined(path, key))
      end
    end
  end
  look(self, "")
  return iterate(list)
end

local function find(module, path)
  if path == "" then return module end
  for name, found in module:named_modules() do
    if name == path then return found end
  end
end

local function refuse_path(module, what, path, names)
  local guess = errors.guess(path, names)
  errors.raise(guess and "%s: there is no %s '%s' (did you mean '%s'?)"
    or "%s: there is no %s '%s'", module.class_name, what, path, guess)
end

local function want_path(module, path)
  if type(path) ~= "string" then
    errors.wanted(module.class_name, "the path of a module", path, 'a string such as "layers.1"')
  end
end

--- The module at a dotted path; "" is the module itself.
---@param path string
---@return mlp.nn.Module
function Module:at(path)
  want_path(self, path)
  local found <const> = find(self, path)
  if found then return found end
  local names = {}
  for name in self:named_modules() do names[name] = true end
  refuse_path(self, "module", path, names)
end

--- The module and the name of the value that a path of a hook means: the output of the module
--- there, or a value that forward shows under the path's last word.
local function value_at(module, path)
  want_path(module, path)
  local found <const> = find(module, path)
  if found then return found, "out" end
  local before <const>, name <const> = path:match "^(.-)%.?([^.]+)$"
  local owner <const> = find(module, before or path)
  if owner and (name == "out" or owner.shows[name]) then return owner, name end
  local names = {}
  local function add(prefix, inner)
    for shown in pairs(inner.shows) do names[joined(prefix, shown)] = true end
  end
  add("", module)
  for at, inner in module:named_modules() do
    names[at] = true
    add(at, inner)
  end
  refuse_path(module, "module or value", path, names)
end

-- ---- modes, dtypes, gradients -------------------------------------------------------------------

local function set_training(module, flag)
  module.training = flag
  for _, child in module:named_modules() do child.training = flag end
  return module
end

--- Training mode for this module and all below: dropout drops.
---@return mlp.nn.Module self
function Module:train() return set_training(self, true) end

--- Evaluation mode for this module and all below.
---@return mlp.nn.Module self
function Module:eval() return set_training(self, false) end

local function replace(t, old, new, seen)
  for _, key in ipairs(sorted_keys(t)) do
    local value = rawget(t, key)
    if core.is_tensor(value) and rawequal(value, old) then
      t[key] = new
    elseif type(value) == "table" and not seen[value]
      and (Module.is(value) or getmetatable(value) == nil) then
      seen[value] = true
      replace(value, old, new, seen)
    end
  end
end

--- Converts floating parameters and buffers; new tensors, so make optimizers afterwards.
---@param dtype "float32"|"float64"
---@return mlp.nn.Module self
function Module:to(dtype)
  if dtype ~= "float32" and dtype ~= "float64" then
    errors.wanted("to", "dtype", dtype, '"float32" or "float64"')
  end
  for _, pair in ipairs(collect(self, core.is_tensor)) do
    local old = pair[2]
    if old.dtype:match "^float" and old.dtype ~= dtype then
      local new = old:detach():to(dtype)
      if old.requires_grad then new:requires_grad_() end
      replace(self, old, new, { [self] = true })
    end
  end
  return self
end

--- Forgets the gradients of all parameters.
function Module:zero_grad()
  for _, tensor in self:named_parameters() do tensor.grad = nil end
end

--- How many numbers the parameters hold.
---@return integer
function Module:parameter_count()
  local n = 0
  for _, tensor in self:named_parameters() do n = n + tensor:numel() end
  return n
end

-- ---- hooks --------------------------------------------------------------------------------------

---@class mlp.nn.Hook
---@field close fun(self: mlp.nn.Hook) removes this hook, and no other
local Hook = { __name = "mlp.nn.Hook" }
Hook.__index = Hook

function Hook:close()
  local hooks = hooks_of[self.module]
  local list = hooks and hooks[self.name]
  for i, hook in ipairs(list or {}) do
    if hook == self then table.remove(list, i) end
  end
  if list and #list == 0 then hooks[self.name] = nil end
  if hooks and next(hooks) == nil then hooks_of[self.module] = nil end
  core.hooks_changed()
end

Hook.__close = Hook.close

--- Calls fn(output, module, inputs...) after each forward of the module at `path`; what fn returns,
--- unless nil, takes the output's place. The path may also end in the name of a value inside a
--- module that shows it: fn(value, module), whose replacement keeps shape and dtype. The handle
--- removes it: `local hook <close> = model:hook("blocks.2.ffn.hidden", fn)`.
---@param path string dotted; "" is the module itself
---@param fn fun(output: any, module: mlp.nn.Module, ...): any
---@return mlp.nn.Hook
function Module:hook(path, fn)
  local module, name = value_at(self, path)
  if type(fn) ~= "function" then errors.wanted("hook", "the second argument", fn, "a function") end
  local hook = setmetatable({ module = module, name = name, fn = fn }, Hook)
  local hooks = hooks_of[module] or {}
  hooks_of[module] = hooks
  hooks[name] = hooks[name] or {}
  table.insert(hooks[name], hook)
  core.hooks_changed()
  return hook
end

--- Are there hooks on this module, or on one below it?
---@return boolean
function Module:is_hooked()
  if hooks_of[self] then return true end
  for _, child in self:children() do
    if child:is_hooked() then return true end
  end
  return false
end

local function fits(value, replaced)
  return core.is_tensor(replaced) and replaced.dtype == value.dtype
    and table.concat(replaced.shape, ",") == table.concat(value.shape, ",")
end

--- For forward: are there hooks on this value? If not, it need not be made.
---@param name string "gate"
---@return boolean
function Module:is_shown(name)
  local hooks <const> = hooks_of[self]
  return hooks ~= nil and hooks[name] ~= nil
end

--- For forward: shows a value to the hooks on its name, which may replace it by one of the same
--- shape and dtype. A class lists such names in its field `shows`.
---@param name string "hidden"
---@param value mlp.Tensor
---@return mlp.Tensor value the one to go on with
function Module:show(name, value)
  local hooks <const> = hooks_of[self]
  if not (hooks and hooks[name]) then return value end
  local replaced <const> = run_hooks(hooks[name], self, { n = 0 }, value)
  if rawequal(replaced, value) or fits(value, replaced) then return replaced end
  errors.raise("hook: the value '%s' of %s is %s %s, but the hook returned %s", name,
    self.class_name, value.dtype, errors.shape(value), core.describe(replaced))
end

-- ---- files --------------------------------------------------------------------------------------

--- Saves parameters and buffers as safetensors under their dotted names; see mlp.load.
---@param path string
---@param options {dtype: string|table<string, string>|nil}? dtype: the kind of the floats in the
---  file, "float16" or "bfloat16" for half the bytes, or of some parameters by name; they come back
---  as float32; default their own
---@return true?, string? message
function Module:save(path, options) return require("mlp.nn.state").save(self, path, options) end

--- Reads a file written by save, or by another library under the same names.
---@param path string
---@return mlp.nn.Module? self, string? message names what is missing, unexpected or of another
---  shape; then nothing changed
function Module:load(path) return require("mlp.nn.state").load(self, path) end

-- ---- showing ------------------------------------------------------------------------------------

--- A table of the parts: output shapes, parameters, bytes, FLOPs (those of linear layers, beside
--- which the rest is small; a class of one's own counts with a method flops(output, inputs...)).
---@param input mlp.Tensor|integer[]|nil an example input or its shape
---@return string
function Module:summary(input) return require("mlp.nn.summary").text(self, input) end

--- What stands between the parentheses of tostring: the settings. Subclasses define it.
---@return string
function Module:describe() return "" end -- luacheck: no unused args

--- `open` holds the modules whose children are being listed: one among its own descendants is
--- named, not entered again.
local function tree(module, indent, open)
  local head <const> = ("%s(%s)"):format(module.class_name, module:describe())
  if open[module] then return head .. " ..." end
  local lines <const> = { head }
  open[module] = true
  for key, child in module:children() do
    lines[#lines + 1] = ("%s  (%s): %s"):format(indent, key, tree(child, indent .. "  ", open))
  end
  open[module] = nil
  return table.concat(lines, "\n")
end

function Module:__tostring() return tree(self, "", {}) end

return setmetatable(Module, { __call = construct, __name = "mlp.nn.class" })
