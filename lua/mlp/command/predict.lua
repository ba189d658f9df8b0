-- mlp predict: what a saved network says of every row of a CSV file, as a CSV file. One that was
-- trained on a table finds its columns by their names and answers names of classes; any other gets
-- all columns as numbers and answers its outputs.
local command <const> = require "mlp.command"
local csv <const> = require "mlp.data.csv"
local mlp <const> = require "mlp"
local safetensors <const> = require "mlp.io.safetensors"

local predict = { summary = "Predict the rows of a CSV file; the answer is CSV as well." }

function predict.describe(parser)
  parser:argument("model", "A safetensors file, saved by mlp train or model:save.")
  parser:argument("data", "A CSV file, or - for the standard input.")
  parser:option("-o --output", "A file for the answer."):argname "FILE"
  parser:flag("-p --probabilities", "One more column per class.")
end

-- More digits than a network's floats have would be noise.
local function short(value)
  return type(value) == "number" and tonumber(("%.7g"):format(value)) or value
end

-- Columns and rows of the answer of a network that knows its table.
local function of_table(e, path, with_probabilities)
  local list <const>, out <const> = e:predict(path)
  if not list then return nil, out end
  local columns <const>, rows <const> = { e.target.name }, {}
  for i, value in ipairs(list) do rows[i] = { short(value) } end
  if with_probabilities and e.task == "classification" then
    for _, name in ipairs(e:class_names()) do columns[#columns + 1] = "p " .. name end
    for i, shares in ipairs(out:totable()) do
      for k, share in ipairs(shares) do rows[i][k + 1] = short(share) end
    end
  end
  return { columns = columns, rows = rows }
end

local function of_numbers(model, path)
  local given <const>, message <const> = csv.load(path, { separator = "auto" })
  if not given then return nil, message end
  local _ <close> = mlp.no_grad()
  local ok <const>, out <const> = pcall(model, given.x)
  if not ok then
    return nil, ("the network does not take the %d columns of '%s': %s"):format(#given.names, path,
      tostring(out):gsub("^.-:%d+: ", ""))
  end
  local columns <const> = {}
  for k = 1, out:size(-1) do columns[k] = ("output %d"):format(k) end
  return { columns = columns, rows = out:reshape(given.rows, -1) }
end

local function answer(arguments)
  local path <const> = command.input(arguments.data)
  local entries <const>, metadata <const> = safetensors.inspect(arguments.model)
  if not entries then return nil, metadata end
  if metadata["mlp.table"] then
    local e <const>, message <const> = mlp.tabular.load(arguments.model)
    if not e then return nil, message end
    return of_table(e, path, arguments.probabilities)
  end
  local model <const>, message <const> = mlp.load(arguments.model)
  if not model then return nil, message end
  return of_numbers(model, path)
end

function predict.run(arguments, output)
  local result <const>, message <const> = answer(arguments)
  if not result then return nil, message end
  if arguments.output then return csv.save(arguments.output, result) end
  output:write(csv.encode(result))
  return true
end

return predict
