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
---@field rehearse boolean a recording leaves no trace, and the first call is a replay as all others
---@field sources (fun(): function[], mlp.nn.Module[])? of a rehearsal: functions and modules of the
---  caller's that `fn` calls, whose upvalues and fields it reads and must leave as they are
---@field recordings integer how often it was recorded
---@field unfit integer recordings that did not fit the call that they were made from
---@field eagerly string? why it runs eagerly
---@type table<mlp.Compiled, mlp.compile.State>
local state_of <const> = setmetatable({}, { __mode = "k" })

-- ---- guards -------------------------------------------------------------------------------------

local SCALAR <const> = { number = true, boolean = true, string = true }
local REPLACED <const> = { table = true, userdata = true, ["function"] = true }

--- Upvalues whose replacement can be told, as (function, number, value), of the kinds in question.
local function add_upvalues(list, fn, kinds)
  for i = 1, 255 do
    local name <const>, value <const> = debug.getupvalue(fn, i)
    if name == nil then break end
    if name ~= "_ENV" and kinds[type(value)] then
      table.move({ fn, i, value }, 1, 3, #list + 1, list)
    end
  end
end

local MOST_FIELDS <const> = 32 -- of a table of settings; a larger one is data

--- A small plain table may hold settings: {copy, table, count}.
local function add_settings(fields, t)
  local copy <const> = {}
  local count = 0
  for key, value in next, t do
    copy[key] = value
    count = count + 1
    if count > MOST_FIELDS then return end
  end
  table.move({ copy, t, count }, 1, 3, #fields + 1, fields)
end

local is_library <const> = setmetatable({}, { __mode = "k" })

--- What functions of the caller's read beside their arguments: numbers, flags and texts that they
--- share with others, those of plain tables, and the same of the functions that they call.
local function add_sources(upvalues, fields, fn, seen)
  if seen[fn] or debug.getinfo(fn, "S").what == "C" then return end
  seen[fn] = true
  add_upvalues(upvalues, fn, SCALAR)
  for i = 1, 255 do
    local name <const>, value <const> = debug.getupvalue(fn, i)
    if name == nil then break end
    if type(value) == "function" then
      add_sources(upvalues, fields, value, seen)
    elseif name ~= "_ENV" and type(value) == "table" and getmetatable(value) == nil
      and not seen[value] and not is_library[value] then
      seen[value] = true
      add_settings(fields, value)
    end
  end
end

--- Fields of a module, plain tables in them included; functions among them are appended.
local function add_fields(list, t, seen, functions)
  if seen[t] then return end
  seen[t] = true
  local copy <const> = {}
  local count = 0
  for key, value in next, t do
    copy[key] = value
    count = count + 1
    if type(value) == "function" then
      functions[#functions + 1] = value
    elseif type(value) == "table" and getmetatable(value) == nil then
      add_fields(list, value, seen, functions)
    end
  end
  table.move({ copy, t, count }, 1, 3, #list + 1, list)
end

--- What must stay as it is: upvalues as (function, number, value), and fields of modules and of
--- plain tables as (copy, table, count).
---@class mlp.compile.Surroundings
---@field no_grad boolean is it called under mlp.no_grad?
---@field upvalues any[]
---@field fields any[]
---@field seen table<table|function, true>

--- Those that are known before the function runs.
local function surroundings_of(state)
  local around <const> =
    { no_grad = not core.grad_enabled(), upvalues = {}, fields = {}, seen = {} }
  add_upvalues(around.upvalues, state.fn, REPLACED)
  if not state.sources then return around end
  for _, loaded in pairs(package.loaded) do
    if type(loaded) == "table" then is_library[loaded] = true end
  end
  local functions <const>, modules <const> = state.sources()
  for _, module in ipairs(modules) do
    add_fields(around.fields, module, around.seen, functions)
    functions[#functions + 1] = module.forward
  end
  for _, fn in ipairs(functions) do add_sources(around.upvalues, around.fields, fn, around.seen) end
  return around
end

--- And the fields of modules that ran, plain tables in them included.
local function add_modules(around, modules)
  for module in pairs(modules) do add_fields(around.fields, module, around.seen, {}) end
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
local function keep_plan(compiled, state, recording, arguments, results, around, optimizers)
  local flat <const>, rebuild <const> = flatten(results)
  if flat.n > 60 then return nil, "compile: a compiled function returns at most 60 values" end
  local argument_mask <const>, tensors <const>, constants <const> = sorted_out(arguments)
  local result_mask <const>, outputs <const>, fixed <const> = sorted_out(flat)
  local plan <const>, anchors <const> =
    recording:plan(tensors, batch_flags(state, arguments), outputs, core.lanes())
  if not plan then return nil, anchors end
  core.keep(compiled, {
    plan, constants, around.upvalues, around.fields, syncs_of(optimizers), fixed, rebuild,
    anchors = anchors,
  }, around.no_grad, arguments.n, argument_mask, flat.n, result_mask)
  return true
end

--- Calls the function and stops recording. A coroutine that dies of an error closes nothing, so
--- this is a protected call: whatever happens, nothing is left open.
local function call_recorded(recording, state, arguments)
  watch.start()
  local outcome <const> = table.pack(pcall(state.fn, table.unpack(arguments, 1, arguments.n)))
  local modules <const>, optimizers <const>, hooked <const> = watch.stop()
  recording:stop()
  if not outcome[1] then
    recording:close()
    error(outcome[2], 0)
  end
  return table.pack(table.unpack(outcome, 2, outcome.n)), modules, optimizers, hooked
end

local function detached(results)
  for i = 1, results.n do
    if core.is_tensor(results[i]) and not results[i].is_leaf then
      results[i] = results[i]:detach()
    end
  end
  return table.unpack(results, 1, results.n)
end

--- What ran stays as it ran: there is no plan.
local function as_it_ran(recording, results)
  recording:commit()
  return table.unpack(results, 1, results.n)
end

local MOST_UNFIT <const> = 3 -- a module may make a field at its first call, but not at every one

--- After a rehearsal the call itself, as a replay; unless what was recorded does not even fit the
--- call that it was recorded from.
local function after_rehearsal(compiled, state, recording, results, ...)
  if core.fits(compiled, ...) then
    recording:close()
    return compiled(...)
  end
  state.unfit = state.unfit + 1
  if state.unfit == MOST_UNFIT then
    run_eagerly(state, "it changes fields of modules, or variables, and reads them again")
  end
  return as_it_ran(recording, results)
end

--- What a compiled function does when no plan fits: run it, and record.
local function record(compiled, ...)
  local state <const> = state_of[compiled]
  if state.eagerly then return state.fn(...) end
  local given <const> = table.pack(...)
  want_constants(given)
  state.recordings = state.recordings + 1
  local around <const> = surroundings_of(state)
  local recording <close> = core.recording(state.tolerant, state.rehearse)
  local arguments <const> = renamed(recording, given)
  local results <const>, modules <const>, optimizers <const>, hooked <const> =
    call_recorded(recording, state, arguments)
  if hooked and state.rehearse then return as_it_ran(recording, results) end
  local gave_up <const> = recording:gave_up()
  if gave_up then
    run_eagerly(state, ("%s has no fixed shape, or gives a value to Lua"):format(gave_up))
    return as_it_ran(recording, results)
  end
  add_modules(around, modules)
  local ok <const>, message <const> =
    keep_plan(compiled, state, recording, arguments, results, around, optimizers)
  if not ok and not state.tolerant then errors.raise("%s", message) end
  if not ok then
    run_eagerly(state, message)
    return as_it_ran(recording, results)
  end
  if state.rehearse then return after_rehearsal(compiled, state, recording, results, ...) end
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
  local o <const> = errors.options("compile", options,
    { batch = {}, tolerant = false, rehearse = false, sources = errors.NONE })
  local batch <const> = {}
  for _, place in ipairs(type(o.batch) == "number" and { o.batch } or o.batch) do
    if math.type(place) ~= "integer" or place < 1 then
      errors.wanted("compile", "batch", place, "the number of an argument")
    end
    batch[place] = true
  end
  local compiled <const> = core.compiled(fn, record)
  state_of[compiled] = { fn = fn, batch = batch, tolerant = o.tolerant, rehearse = o.rehearse,
    sources = o.sources, recordings = 0, unfit = 0 }
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

--- How often the function was recorded so far.
---@return integer
function methods:recordings() return state_of[self].recordings end

--- Lets go of its plans and their memory; the next call records again.
function methods:forget() core.forget(self) end

return compiling
