--- How the Lua floor says no: one sentence, raised at the caller's line (the first frame outside
--- this library), with the path of the module that was running. Options are checked here and
--- nowhere else.

local core <const> = require "mlp.core"

local errors = {}

--- Positions of errors skip this folder; mlp.nn.module adds whose frames give paths.
core.library = debug and debug.getinfo(1, "S").source:match "^(.*)errors%.lua$"
core.caller_is(core.library)

--- Marks an option that has no default: absent, it stays nil.
errors.NONE = setmetatable({}, { __name = "mlp.errors.NONE" })

--- Raises `string.format(format, ...)` at the caller's line.
---@param format string
---@param ... any
function errors.raise(format, ...)
  core.raise(select("#", ...) > 0 and format:format(...) or format)
end

--- Raises "<call>: <what> is <value> but <wanted> is wanted".
---@param call string   the function that refuses
---@param what string   the argument
---@param value any     what came
---@param wanted string what was wanted
function errors.wanted(call, what, value, wanted)
  errors.raise("%s: %s is %s but %s is wanted", call, what, core.describe(value), wanted)
end

--- A shape as messages write it: "(32, 64)", "(3,)".
---@param tensor mlp.Tensor
---@return string
function errors.shape(tensor)
  local shape <const> = tensor.shape
  return ("(%s%s)"):format(table.concat(shape, ", "), #shape == 1 and "," or "")
end

--- Refuses an input that is no tensor, or whose last axis has not this length.
---@param call string the layer that refuses
---@param x any
---@param length integer
function errors.want_last_axis(call, x, length)
  if not core.is_tensor(x) then
    errors.wanted(call, "the input", x, ("a tensor (..., %d)"):format(length))
  end
  if x.ndim == 0 or x:size(-1) ~= length then
    errors.raise("%s: the last axis has %d but %d is wanted", call, x.ndim == 0 and 0 or x:size(-1),
      length)
  end
end

--- The known word nearest to a wrong one, when it is near enough to be meant.
---@param word string
---@param known table<string, any>
---@return string?
function errors.guess(word, known)
  local best, found = 4, nil
  for candidate in pairs(known) do
    if type(candidate) == "string" then
      local d = core.word_distance(word, candidate)
      if d < best or (d == best and found and candidate < found) then best, found = d, candidate end
    end
  end
  return found
end

local function refuse_key(call, key, known)
  if type(key) ~= "string" then
    errors.raise("%s: options have names, but %s is a key", call, core.describe(key))
  end
  local guess = errors.guess(key, known)
  errors.raise(guess and "%s: unknown option '%s' (did you mean '%s'?)"
    or "%s: unknown option '%s'", call, key, guess)
end

--- A new table: the defaults, overlaid by the caller's options. Never changes either.
---@param call string              the function whose options these are
---@param options table?           what the caller gave
---@param defaults table<string, any> every known option; errors.NONE: no default
---@return table
function errors.options(call, options, defaults)
  local result = {}
  for key, value in pairs(defaults) do
    if value ~= errors.NONE then result[key] = value end
  end
  if options == nil then return result end
  if type(options) ~= "table" then
    errors.wanted(call, "the last argument", options, "a table of options")
  end
  for key, value in pairs(options) do
    if defaults[key] == nil then refuse_key(call, key, defaults) end
    result[key] = value
  end
  return result
end

return errors
