--- Predictive values (Geva et al. 2021, section 4): the values of all layers whose projection gives
--- one token the highest probability, softmax(v E). These are not calibrated; but values that
--- single out a token so are those that agree with their keys' triggers most.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local lists <const> = require "mlp.probe.kv.lists"

local predictive = {}

local CALL <const> = "reading:predictive_values"

---@class mlp.probe.PredictiveValue
---@field memory mlp.probe.KV
---@field label string of the layer
---@field unit integer
---@field sign integer -1 where -v is read, of a gated network
---@field probability number
---@field token integer
---@field name string
---@field first boolean whether the token followed the key's first trigger example
---@field any boolean whether it followed one of those that were kept

---@class mlp.probe.PredictiveValues
---@field [integer] mlp.probe.PredictiveValue the highest probability first
---@field first number share of all values whose token followed the first trigger example
---@field any number share of all values whose token followed one of those that were kept

--- Probability and token of every list of a layer, and whether they agree: tables of R.
local function of_layer(layer)
  local memory <const>, following <const> = layer.memory, layer.triggers.following
  local probability <const>, token <const> = lists.scores(memory):softmax(2):max(2)
  local agrees <const> = following:eq(token:reshape(-1, 1))
  return probability:totable(), token:totable(), agrees:select(2, 1):totable(),
    agrees:any(2):totable()
end

local function add(list, reading, layer)
  local memory <const> = layer.memory
  local H <const>, label <const> = memory.units, reading.label(memory)
  local probability <const>, token <const>, first <const>, any <const> = of_layer(layer)
  for r, p in ipairs(probability) do
    local unit <const>, sign <const> = lists.unit(r, H)
    list[#list + 1] = { memory = memory, label = label, unit = unit, sign = sign,
      probability = p, token = token[r], first = first[r] ~= 0, any = any[r] ~= 0,
      name = memory.names and memory.names[token[r]] or tostring(token[r]),
      place = #list + 1 }
  end
end

local function share(list, field)
  local n = 0
  for _, value in ipairs(list) do n = n + (value[field] and 1 or 0) end
  return n / #list
end

--- See KVReading:predictive_values.
---@param reading mlp.probe.KVReading
---@param options table?
---@return mlp.probe.PredictiveValues
function predictive.of(reading, options)
  local o <const> = errors.options(CALL, options, { top = 100 })
  if math.type(o.top) ~= "integer" or o.top < 1 then
    errors.wanted(CALL, "top", o.top, "a whole number from 1")
  end
  local _ <close> = core.no_grad_scope()
  local list <const> = {}
  for _, layer in ipairs(reading) do
    if layer.agreement then add(list, reading, layer) end
  end
  table.sort(list, function(a, b)
    if a.probability ~= b.probability then return a.probability > b.probability end
    return a.place < b.place
  end)
  local result <const> = { first = share(list, "first"), any = share(list, "any") }
  return table.move(list, 1, math.min(o.top, #list), 1, result)
end

return predictive
