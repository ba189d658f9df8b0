--- What happened, epoch by epoch: history[3].train.loss, history[3].validation.accuracy, .lr (at
--- the end of the epoch), .step (steps so far), .seconds.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

---@class mlp.trainer.Epoch
---@field epoch integer
---@field step integer steps so far
---@field train table<string, any> loss and metrics, while training
---@field validation table<string, any>? loss and metrics after the epoch
---@field lr number the last learning rate in use
---@field seconds number
---@field partial boolean? the run ended inside this epoch

---@class mlp.trainer.History
---@field [integer] mlp.trainer.Epoch
local History = { __name = "mlp.trainer.History" }
History.__index = History

--- A history with these entries.
---@param entries mlp.trainer.Epoch[]?
---@return mlp.trainer.History
function History.new(entries) return setmetatable(entries or {}, History) end

--- One number per epoch, for a plot: history:curve "validation.accuracy".
---@param path string "train.loss", "validation.accuracy", "lr", "seconds"
---@return number[]
function History:curve(path)
  if type(path) ~= "string" then
    errors.wanted("history:curve", "the path", path, 'a string such as "validation.loss"')
  end
  local numbers <const> = {}
  for i, entry in ipairs(self) do
    local value = entry
    for name in path:gmatch "[^.]+" do value = type(value) == "table" and value[name] or nil end
    if type(value) ~= "number" then errors.raise("history:curve: there is no '%s'", path) end
    numbers[i] = value
  end
  return numbers
end

local function parts_of(numbers, metrics)
  local parts <const> = { ("loss %#.4g"):format(numbers.loss) }
  for _, name in ipairs(metrics) do
    local value <const> = numbers[name]
    if type(value) == "number" then parts[#parts + 1] = ("%s %#.4g"):format(name, value) end
  end
  return table.concat(parts, "  ")
end

--- Names of the metrics, in order.
local function metrics_of(numbers)
  local names <const> = {}
  for name in pairs(numbers) do
    if name ~= "loss" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- Loss and metrics as text.
---@param numbers table<string, any>
---@return string
function History.text(numbers) return parts_of(numbers, metrics_of(numbers)) end

--- One epoch as a line.
---@param entry mlp.trainer.Epoch
---@param epochs integer? how many there will be
---@return string
function History.line(entry, epochs)
  local count <const> = epochs and ("%" .. #tostring(epochs) .. "d/%d"):format(entry.epoch, epochs)
    or tostring(entry.epoch)
  local parts <const> = { ("epoch %s  %s"):format(count, History.text(entry.train)) }
  if entry.validation then parts[2] = "validation " .. History.text(entry.validation) end
  parts[#parts + 1] = ("lr %.3g"):format(entry.lr)
  parts[#parts + 1] = ("%.1f s"):format(entry.seconds)
  return table.concat(parts, "  |  ")
end

function History:__tostring()
  local lines <const> = {}
  for i, entry in ipairs(self) do lines[i] = History.line(entry, #self) end
  return table.concat(lines, "\n")
end

--- Entries 1 to n with plain values only: tensors (a confusion matrix) become tables.
---@param n integer
---@return mlp.trainer.Epoch[]
function History:plain(n)
  local function plain(value)
    if core.is_tensor(value) then return value:totable() end
    if type(value) ~= "table" then return value end
    local copy <const> = {}
    for key, item in pairs(value) do copy[key] = plain(item) end
    return copy
  end
  return plain(table.move(self, 1, n, 1, {}))
end

return History
