--- Compiled functions. The first call runs the function as always and records every operation, the
--- derivatives and the update of an optimizer included; later calls replay the recording in C:
--- without Lua, without allocation, tile by tile through all layers, on several threads.
---
--- Here is what only Lua can do: calling the function, seeing which modules and optimizers took
--- part, and remembering what must be as it was for a replay to be right. The guards themselves are
--- checked in C (src/bind/lplan.c).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local watch <const> = require "mlp.watch"

local compiling = {}

---@class mlp.Compiled a compiled function: call it as the function it was made of
---@operator call: any

--- What is known of each compiled function beside its plans.
---@class mlp.compile.State
---@field fn function
---@field batch table<integer, true>
---@field tolerant boolean what cannot be recorded is not refused but run eagerly
---@field eagerly string? why it runs eagerly
---@type table<mlp.Compiled, mlp.compile.State>
local state_of <const> = setmetatable({}, { __mode = "k" })

-- ---- guards -------------------------------------------------------------------------------------

--- The function's upvalues whose replacement can be told: {number, value, ...}.
local function upvalues_of(fn)
  local list <const> = {}
  for i = 1, 255 do
    local name <const>, value <const> = debug.getupvalue(fn, i)
    if name == nil then break end
    local kind <const> = type(value)
    if name ~= "_ENV" and (kind == "table" or kind == "userdata" or kind == "function") then
      list[#list + 1] = i
      list[#list + 1] = value
    end
  end
  return list
end

local function add_fields(list, t, seen)
  if seen[t] then return end
  seen[t] = true
  local copy <const> = {}
  local count = 0
  for key, value in next, t do
    copy[key] = value
    count = count + 1
    if type(value) == "table" and getmetatable(value) == nil then add_fields(list, value, seen) end
  end
  table.move({ copy, t, count }, 1, 3, #list + 1, list)
end

--- The fields of modules, plain tables in them included: {copy, table, count, ...}.
local function fields_of(modules)
  local list <const>, seen <const> = {}, {}
  for module in pairs(modules) do add_fields(list, module, seen) end
  return list
end

--- {function, optimizer, ...}: to be called before a replay.
local function syncs_of(optimizers)
  local list <const> = {}
  for optimizer in pairs(optimizers) do
    list[#list + 1] = optimizer.refresh
    list[#list + 1] = optimizer
  end
  return list
end

-- ---- results ------------------------------------------------------------------------------------

--- Results as one flat list of tensors and constants; tables of them are taken apart, and `rebuild`
--- puts them together again.
local function flatten(results)
  local flat <const>, nested = { n = 0 }, false
  local function add(value)
    if type(value) == "table" and getmetatable(value) == nil then
      nested = true
      local keys <const>, places <const> = {}, {}
      for key, item in pairs(value) do
        keys[#keys + 1] = key
        places[#keys] = add(item)
      end
      return function(items)
        local copy <const> = {}
        for i, key in ipairs(keys) do copy[key] = places[i](items) end
        return copy
      end
    end
    flat.n = flat.n + 1
    flat[flat.n] = value
    local place <const> = flat.n
    return function(items) return items[place] end
  end
  local builders <const> = {}
  for i = 1, results.n do builders[i] = add(results[i]) end
  if not nested then return flat, nil end
  return flat, function(...)
    local items <const>, whole <const> = { ... }, {}
    for i, build in ipairs(builders) do whole[i] = build(items) end
    return table.unpack(whole, 1, #builders)
  end
end

--- Mask, tensors and constants of a list with holes.
local function sorted_out(list)
  local mask, tensors <const>, constants <const> = 0, {}, {}
  for i = 1, list.n do
    if core.is_tensor(list[i]) then
      mask = mask | 1 << i - 1
      tensors[#tensors + 1] = list[i]
    else
      constants[i] = list[i]
    end
  end
  return mask, tensors, constants
end

-- ---- recording ----------------------------------------------------------------------------------

local function run_eagerly(state, why)
  state.eagerly = why
  warn(("mlp: a compiled function runs eagerly: %s"):format(why))
end

local function want_constants(arguments)
  for i = 1, arguments.n do
    if type(arguments[i]) == "table" and getmetatable(arguments[i]) == nil then
      errors.wanted("compile", ("argument %d"):format(i), arguments[i],
        "a tensor (what is in a table would be fixed in the plan)")
    end
  end
end

--- The arguments under names of their own, so that recording tells them from the same tensors
--- reached in another way.
local function renamed(recording, arguments)
  local list <const> = { n = arguments.n }
  for i = 1, arguments.n do
    local value <const> = arguments[i]
    list[i] = core.is_tensor(value) and recording:argument(value) or value
  end
  return list
end

local function batch_flags(state, arguments)
  local flags <const> = {}
  for i = 1, arguments.n do
    if core.is_tensor(arguments[i]) then flags[#flags + 1] = state.batch[i] or false end
  end
  return flags
end

--- Makes a plan of an ended recording; nil and a message when it is refused.
local function keep_plan(compiled, state, recording, arguments, results, modules, optimizers)
  local flat <const>, rebuild <const> = flatten(results)
  if flat.n > 60 then return nil, "compile: a compiled function returns at most 60 values" end
  local argument_mask <const>, tensors <const>, constants <const> = sorted_out(arguments)
  local result_mask <const>, outputs <const>, fixed <const> = sorted_out(flat)
  local plan <const>, anchors <const> =
    recording:plan(tensors, batch_flags(state, arguments), outputs, core.lanes())
  if not plan then return nil, anchors end
  core.keep(compiled, {
    plan, constants, upvalues_of(state.fn), fields_of(modules), syncs_of(optimizers),
    fixed, rebuild, anchors = anchors,
  }, arguments.n, argument_mask, flat.n, result_mask)
  return true
end

--- Calls the function and stops recording. A coroutine that dies of an error closes nothing, so
--- this is a protected call: whatever happens, nothing is left open.
local function call_recorded(recording, state, arguments)
  watch.start()
  local outcome <const> = table.pack(pcall(state.fn, table.unpack(arguments, 1, arguments.n)))
  local modules <const>, optimizers <const> = watch.stop()
  recording:stop()
  if not outcome[1] then
    recording:close()
    error(outcome[2], 0)
  end
  return table.pack(table.unpack(outcome, 2, outcome.n)), modules, optimizers
end

local function detached(results)
  for i = 1, results.n do
    if core.is_tensor(results[i]) and not results[i].is_leaf then
      results[i] = results[i]:detach()
    end
  end
  return table.unpack(results, 1, results.n)
end

--- What a compiled function does when no plan fits: run it, and record.
local function record(compiled, ...)
  local state <const> = state_of[compiled]
  if state.eagerly then return state.fn(...) end
  local given <const> = table.pack(...)
  want_constants(given)
  local recording <close> = core.recording(state.tolerant)
  local arguments <const> = renamed(recording, given)
  local results <const>, modules <const>, optimizers <const> =
    call_recorded(recording, state, arguments)
  local gave_up <const> = recording:gave_up()
  if gave_up then
    run_eagerly(state, ("%s has no fixed shape, or gives a value to Lua"):format(gave_up))
    return table.unpack(results, 1, results.n)
  end
  local ok <const>, message <const> =
    keep_plan(compiled, state, recording, arguments, results, modules, optimizers)
  if not ok and not state.tolerant then errors.raise("%s", message) end
  if not ok then run_eagerly(state, message) end
  return detached(results)
end

-- ---- the public face ----------------------------------------------------------------------------

---@class mlp.compile.Options
---@field batch integer|integer[]|nil the arguments whose first axis is the batch; without them
---  nothing is cut into tiles

--- Lua numbers and branches inside `fn` are constants of the plan: what they were at the first call
--- with these shapes is what every replay uses. Tensors are read anew at every call, and so are the
--- learning rates of optimizers.
---
--- The result is called as `fn` is. It is recorded again when shapes, dtypes, steps of memory or
--- the constants among the arguments are others, when gradients are switched off or on, when a
--- module that ran has another mode or another field, when a tensor wants a gradient that did not,
--- when the number of threads changes; eight plans are kept. Reading a value into Lua inside `fn`,
--- or writing one, is an error at the first call. Operations without fixed shapes (masked_select,
--- nonzero) make the function run eagerly.
---
---     local step = mlp.compile(function(x, y)
---       local loss = mlp.loss.mse(model(x), y)
---       optimizer:zero_grad()
---       loss:backward()
---       optimizer:step()
---       return loss
---     end, {batch = {1, 2}})
---     for x, y in loader() do step(x, y) end
---     print(step:dump())
---@param fn function of tensors; other arguments are constants
---@param options mlp.compile.Options?
---@return mlp.Compiled
function compiling.compile(fn, options)
  if type(fn) ~= "function" then errors.wanted("compile", "the argument", fn, "a function") end
  local o <const> = errors.options("compile", options, { batch = {}, tolerant = false })
  local batch <const> = {}
  for _, place in ipairs(type(o.batch) == "number" and { o.batch } or o.batch) do
    if math.type(place) ~= "integer" or place < 1 then
      errors.wanted("compile", "batch", place, "the number of an argument")
    end
    batch[place] = true
  end
  local compiled <const> = core.compiled(fn, record)
  state_of[compiled] = { fn = fn, batch = batch, tolerant = o.tolerant }
  return compiled
end

local methods <const> = getmetatable(core.compiled(print, print)).__index

--- Every step of every plan: operation, shape, buffer, bytes, how it is cut, flops.
---@return string
function methods:dump()
  local state <const>, parts <const> = state_of[self], {}
  if state.eagerly then return ("runs eagerly: %s"):format(state.eagerly) end
  for i, guards in ipairs(core.plans(self)) do
    parts[i] = table.concat(guards[1]:lines(), "\n")
  end
  return #parts > 0 and table.concat(parts, "\n\n") or "no plan yet: call the function first"
end

--- How many plans there are.
---@return integer
function methods:plans() return #core.plans(self) end

--- Why it runs eagerly, nil when it does not.
---@return string?
function methods:why_eager() return state_of[self].eagerly end

--- Lets go of its plans and their memory; the next call records again.
function methods:forget() core.forget(self) end

return compiling
