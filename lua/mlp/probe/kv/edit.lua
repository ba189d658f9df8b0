--- Edits of a memory: they write into the network's weights, so whatever runs it, compiled or not,
--- sees them. Each answers a handle that puts back the very bits that stood there. Edits of one
--- unit lie on each other, so the last is undone first; one that appended a unit lies on all.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local retired <const> = require "mlp.optim.retired"

local edit = {}

-- Edits in place by network, so that two memories of one network share them.
local live <const> = setmetatable({}, { __mode = "k" })

--- An edit that is in place, until undo or the end of the scope of a <close> variable.
---@class mlp.probe.KVEdit
---@field units integer[] which it changed, or the one that it appended
---@field appended boolean whether it added a unit
---@field open boolean whether it is still in place
local Edit = { __name = "mlp.probe.KVEdit" }
Edit.__index = Edit

local function position(list, handle)
  for i, other in ipairs(list) do
    if rawequal(other, handle) then return i end
  end
end

local function check_last(list, handle)
  local mine <const> = {}
  for _, unit in ipairs(handle.units) do mine[unit] = true end
  for i = position(list, handle) + 1, #list do
    if handle.appended or list[i].appended then
      errors.raise("undo: %s since; undo that edit first",
        list[i].appended and "a unit was appended" or "a unit was edited")
    end
    for _, unit in ipairs(list[i].units) do
      if mine[unit] then
        errors.raise("undo: unit %d was edited again since; undo that edit first", unit)
      end
    end
  end
end

--- Puts back what stood there, to the bit. Again: nothing.
function Edit:undo()
  if not self.open then return end
  local list <const> = live[self.ffn]
  check_last(list, self)
  for i = #self.saved, 1, -1 do self.restore(self.saved[i]) end
  table.remove(list, position(list, self))
  self.open = false
end

function Edit:__close() self:undo() end

--- Notes what was done: `restore` undoes each of `saved`.
local function handle_of(memory, units, saved, restore)
  local list <const> = live[memory.ffn] or {}
  live[memory.ffn] = list
  local handle <const> = setmetatable({ units = units, saved = saved, restore = restore,
    appended = false, open = true, ffn = memory.ffn }, Edit)
  list[#list + 1] = handle
  return handle
end

local function write_back(saved) saved.place:copy_(saved.before) end

--- Does `changes`, {{place =, value =}, ...}, and keeps what stood at each place.
local function apply(memory, units, changes)
  local saved <const> = {}
  for i, change in ipairs(changes) do
    saved[i] = { place = change.place, before = change.place:clone() }
  end
  for _, change in ipairs(changes) do change.place:copy_(change.value) end
  return handle_of(memory, units, saved, write_back)
end

local function units_of(memory, call, units)
  local list <const>, seen <const> = type(units) == "table" and units or { units }, {}
  if #list == 0 then errors.wanted(call, "units", units, "a unit or a list of units") end
  for _, unit in ipairs(list) do
    memory:check_unit(call, unit)
    if seen[unit] then errors.raise("%s: unit %d stands in the list twice", call, unit) end
    seen[unit] = true
  end
  return table.move(list, 1, #list, 1, {})
end

local function scale(memory, call, units, factor)
  local list <const>, changes <const> = units_of(memory, call, units), {}
  for i, unit in ipairs(list) do
    local place <const> = memory.values:select(1, unit)
    changes[i] = { place = place, value = factor == 0 and 0 or place * factor }
  end
  return apply(memory, list, changes)
end

--- See KV:suppress.
function edit:suppress(units) return scale(self, "suppress", units, 0) end

--- See KV:amplify.
function edit:amplify(units, factor)
  if type(factor) ~= "number" then errors.wanted("amplify", "factor", factor, "a number") end
  return scale(self, "amplify", units, factor)
end

local function vector(memory, call, what, value)
  if type(value) == "table" and not core.is_tensor(value) then
    value = core.tensor(value, { dtype = memory.values.dtype })
  end
  if not core.is_tensor(value) or value.ndim ~= 1 or value:numel() ~= memory.width then
    errors.wanted(call, what, value, ("a tensor (%d)"):format(memory.width))
  end
  return value:detach()
end

--- See KV:replace.
function edit:replace(unit, value)
  self:check_unit("replace", unit)
  return apply(self, { unit }, { { place = self.values:select(1, unit),
    value = vector(self, "replace", "value", value) } })
end

---@class mlp.probe.Memory
---@field key mlp.Tensor|number[] (D), the row of `up`
---@field gate mlp.Tensor|number[]|nil (D), the row of `gate`; gated networks want it
---@field value mlp.Tensor|number[] (D)
---@field bias number? of the key, where `up` has a bias; default 0
---@field gate_bias number? of the gate, where it has a bias; default 0

local function bias_change(layer, unit, bias, what)
  if layer.bias then
    return { place = layer.bias:detach():slice(1, unit, unit), value = bias or 0 }
  end
  if bias ~= nil then errors.raise("insert: %s is given, but the layer has no bias", what) end
end

--- Options of insert with their vectors checked: {key =, gate =, value =, bias =, gate_bias =}.
local function memory_of(self, memory)
  if type(memory) ~= "table" then
    errors.wanted("insert", "the memory", memory, "a table {key =, value =}")
  end
  local o <const> = errors.options("insert", memory, { key = errors.NONE, gate = errors.NONE,
    value = errors.NONE, bias = errors.NONE, gate_bias = errors.NONE })
  if not self.gates and (o.gate ~= nil or o.gate_bias ~= nil) then
    errors.raise "insert: a gate is given, but the network is not gated"
  end
  for _, what in ipairs { "key", "value", self.gates and "gate" } do
    o[what] = vector(self, "insert", what, o[what])
  end
  return o
end

--- See KV:insert: over what stands in a slot.
function edit:overwrite(unit, memory)
  self:check_unit("insert", unit)
  local o <const> = memory_of(self, memory)
  local changes <const> = {
    { place = self.keys:select(1, unit), value = o.key },
    { place = self.values:select(1, unit), value = o.value },
  }
  if self.gates then
    changes[3] = { place = self.gates:select(1, unit), value = o.gate }
    changes[#changes + 1] = bias_change(self.ffn.gate, unit, o.gate_bias, "gate_bias")
  end
  changes[#changes + 1] = bias_change(self.ffn.up, unit, o.bias, "bias")
  return apply(self, { unit }, changes)
end

-- ---- one unit more ------------------------------------------------------------------------------

local WHY <const> = "a memory was inserted as one more unit, or such an edit was undone"

--- Puts a tensor into a layer in the place of another.
local function exchange(layer, field, old, new)
  layer[field] = new
  retired.add(old, WHY)
  retired.remove(new)
end

local function take_back(saved) exchange(saved.layer, saved.field, saved.after, saved.before) end

--- Gives a layer a weight, or a bias, of its own that ends in `part`.
local function lengthen(saved, layer, field, axis, part)
  local before <const> = layer[field]
  local after <const> = core.cat({ before:detach(), part }, axis)
  if before.requires_grad then after:requires_grad_() end
  exchange(layer, field, before, after)
  saved[#saved + 1] = { layer = layer, field = field, before = before, after = after }
end

local function lengthen_bias(saved, layer, bias)
  if not layer.bias then return end
  lengthen(saved, layer, "bias", 1, core.full({ 1 }, bias or 0, { dtype = layer.bias.dtype }))
end

local function check_growth(self, o)
  if self.ffn.stacked then
    errors.raise("insert: an expert's weights are a part of its mixture's, so it cannot grow; name "
      .. "a slot: insert(unit, memory)")
  end
  for what, layer in pairs { bias = self.ffn.up, gate_bias = self.ffn.gate } do
    if o[what] ~= nil and not layer.bias then
      errors.raise("insert: %s is given, but the layer has no bias", what)
    end
  end
end

--- See KV:insert: as one more unit.
function edit:append(memory)
  local o <const> = memory_of(self, memory)
  check_growth(self, o)
  local unit <const>, saved <const>, ffn <const> = self.units + 1, {}, self.ffn
  lengthen(saved, ffn.up, "weight", 1, o.key:reshape(1, -1))
  lengthen_bias(saved, ffn.up, o.bias)
  if ffn.gate then
    lengthen(saved, ffn.gate, "weight", 1, o.gate:reshape(1, -1))
    lengthen_bias(saved, ffn.gate, o.gate_bias)
  end
  lengthen(saved, ffn.down, "weight", 2, o.value:reshape(-1, 1))
  local handle <const> = handle_of(self, { unit }, saved, take_back)
  handle.appended = true
  return handle
end

return edit
