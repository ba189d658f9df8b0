-- mlp train: a network for a CSV file, as a Lua file says. That file is a program of the user's and
-- is run as one; it answers a table: `data`, the CSV file; `save` and `report`, files to write; all
-- else are options of mlp.tabular.fit. A relative name is looked up from where the shell stands.
local command <const> = require "mlp.command"
local errors <const> = require "mlp.errors"
local mlp <const> = require "mlp"

local train = { summary = "Train a network on a CSV file, as a Lua file says." }

function train.describe(parser)
  parser:argument("config", "A Lua file that returns a table, or - for the standard input:\n"
    .. "return {data = \"iris.csv\", target = \"species\", save = \"iris.safetensors\"}")
  parser:option("-o --save", "Where the network goes, in place of what the file says.")
    :argname "FILE"
  parser:option("-r --report", "Where the report (HTML) goes."):argname "FILE"
  parser:option("-e --epochs", "At most so many."):argname "N":convert(math.tointeger)
  parser:option("-s --seed", "Of split, weights and order."):argname "N":convert(math.tointeger)
  parser:flag("-q --quiet", "No lines about epochs.")
end

local function read_config(path)
  local chunk <const>, message <const> = loadfile(path ~= "-" and path or nil)
  if not chunk then return nil, message end
  local ok <const>, config <const> = pcall(chunk)
  if not ok then return nil, tostring(config) end
  if type(config) ~= "table" then
    return nil, ("%s: the file answers %s but a table is wanted: return {data = \"table.csv\"}")
      :format(path, type(config))
  end
  if type(config.data) ~= "string" then
    return nil, ("%s: data is %s but the name of a CSV file is wanted"):format(path,
      type(config.data))
  end
  return config
end

local function on_epoch(epoch, training, validation, scaling)
  io.stderr:write(("scaled by %s, epoch %d  loss %.4g  kept back %.4g\n"):format(scaling, epoch,
    training, validation))
end

local function options_of(config, arguments)
  local options <const> = {}
  for name, value in pairs(config) do options[name] = value end
  options.data, options.save, options.report = nil, nil, nil
  options.epochs = arguments.epochs or config.epochs
  options.seed = arguments.seed or config.seed
  if not arguments.quiet and options.on_epoch == nil then options.on_epoch = on_epoch end
  return options
end

local function results_text(e)
  local r <const> = e.results
  if not r.rows then return ("trained for %d epochs\n"):format(e.epochs) end
  if e.task == "classification" then
    return ("accuracy %.4f on %d test rows (the commonest class: %.4f)\n"):format(r.accuracy,
      r.rows, r.baseline)
  end
  return ("R2 %.4f, root mean square error %.4g on %d test rows (the mean: %.4g)\n"):format(r.r2,
    r.rmse, r.rows, r.baseline)
end

function train.run(arguments, output)
  local config <const>, message <const> = read_config(arguments.config)
  if not config then return nil, message end
  local e <const>, why <const> = mlp.tabular.fit(command.input(config.data),
    options_of(config, arguments))
  if not e then return nil, why end
  output:write(results_text(e))
  for name, save in pairs { save = function(path) return e:save(path) end,
    report = function(path) return e:report():save(path) end } do
    local path <const> = arguments[name] or config[name]
    if path ~= nil and type(path) ~= "string" then
      errors.wanted("mlp train", name, path, "the name of a file")
    end
    local ok, trouble = true, nil
    if path then ok, trouble = save(path) end
    if not ok then return nil, trouble end
  end
  return true
end

return train
