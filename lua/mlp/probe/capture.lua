--- Values inside a model while a function runs. Nothing else stays alive: each value is a copy
--- without history, and the hooks are gone when the function returns or raises.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

local function keep(value)
  return core.is_tensor(value) and value:detach():clone() or value
end

local function close_all(hooks)
  for _, hook in ipairs(hooks) do hook:close() end
end

--- Runs fn and returns what stood at each path: the output of a module ("blocks.2.ffn"), or a value
--- inside one that it shows ("blocks.2.ffn.hidden", ".gate", ".value", ".out").
---
---     local seen = mlp.probe.capture(model, {"blocks.1.ffn.hidden"}, function() model(tokens) end)
---     print(seen["blocks.1.ffn.hidden"].shape[2])
---@param model mlp.nn.Module
---@param paths string[]
---@param fn fun(): ... calls the model
---@param options {all: boolean?}? all: a list per path, of every time it was passed; default false,
---  the last
---@return table<string, mlp.Tensor> values by path; absent where fn did not pass
---@return any ... what fn returned
local function capture(model, paths, fn, options)
  if not Module.is(model) then
    errors.wanted("probe.capture", "the first argument", model, "a module")
  end
  if type(paths) ~= "table" then
    errors.wanted("probe.capture", "the second argument", paths, "a list of paths")
  end
  if type(fn) ~= "function" then
    errors.wanted("probe.capture", "the third argument", fn, "a function that calls the model")
  end
  local all <const> = errors.options("probe.capture", options, { all = false }).all
  local seen <const> = {}
  local hooks <close> = setmetatable({}, { __close = close_all })
  for i, path in ipairs(paths) do
    hooks[i] = model:hook(path, function(value)
      if all then
        seen[path] = seen[path] or {}
        table.insert(seen[path], keep(value))
      else
        seen[path] = keep(value)
      end
    end)
  end
  return seen, fn()
end

return capture
