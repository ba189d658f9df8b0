-- mlp summary: what is in a file of weights. Of a network that says how it is made its parts, of
-- any other file its tensors; and what the file says of itself.
local command <const> = require "mlp.command"
local safetensors <const> = require "mlp.io.safetensors"

local summary = { summary = "Show what is in a file of weights (safetensors)." }

function summary.describe(parser)
  parser:argument("model", "A safetensors file, or - for the standard input.")
  parser:flag("-t --tensors", "List the tensors, also where the network can be made again.")
end

local function list_of(entries)
  local lines <const>, widest = {}, 6
  for _, entry in ipairs(entries) do widest = math.max(widest, #entry.name) end
  local form <const> = "%-" .. widest .. "s  %-8s  %-20s %12s"
  local numbers, bytes = 0, 0
  lines[1] = form:format("tensor", "dtype", "shape", "bytes")
  for _, entry in ipairs(entries) do
    local shape <const> = "(" .. table.concat(entry.shape, ", ") .. ")"
    lines[#lines + 1] = form:format(entry.name, entry.dtype, shape, ("%d"):format(entry.bytes))
    local count = 1
    for _, length in ipairs(entry.shape) do count = count * length end
    numbers, bytes = numbers + count, bytes + entry.bytes
  end
  lines[#lines + 1] = ("%d tensors, %d numbers, %d bytes"):format(#entries, numbers, bytes)
  return table.concat(lines, "\n")
end

-- What the file says of itself; the description of the network is shown as its parts.
local function texts_of(metadata)
  local names <const>, lines <const> = {}, {}
  for name in pairs(metadata) do
    if not name:find "^mlp%." then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = ("%s: %s"):format(name, metadata[name]) end
  return table.concat(lines, "\n")
end

local function table_of(e)
  local lines <const> = { ("predicts %s (%s) from %d columns: %s"):format(e.target.name, e.task,
    #e.form.columns, table.concat(e.form.columns, ", ")) }
  if #e:class_names() > 0 then
    lines[#lines + 1] = "classes: " .. table.concat(e:class_names(), ", ")
  end
  local names <const> = {}
  for name, value in pairs(e.results) do
    if math.type(value) then names[#names + 1] = ("%s %.4g"):format(name, value) end
  end
  table.sort(names)
  if #names > 0 then lines[#lines + 1] = "on test rows: " .. table.concat(names, ", ") end
  return table.concat(lines, "\n")
end

-- The parts of a network that the file describes, or nil.
local function network_of(path, metadata)
  local mlp <const> = require "mlp"
  if metadata["mlp.table"] then
    local e <const> = mlp.tabular.load(path)
    if e then return tostring(e.model:summary { 1, #e.scale.mean }) .. "\n" .. table_of(e) end
  end
  local model <const> = metadata["mlp.model"] and mlp.load(path)
  return model and tostring(model:summary()) or nil
end

function summary.run(arguments, output)
  local path <const> = command.input(arguments.model)
  local entries <const>, metadata <const> = safetensors.inspect(path)
  if not entries then return nil, metadata end
  local network <const> = path ~= "/dev/stdin" and not arguments.tensors
    and network_of(path, metadata)
  output:write((network or list_of(entries)) .. "\n")
  local texts <const> = texts_of(metadata)
  if texts ~= "" then output:write(texts .. "\n") end
  return true
end

return summary
