--- Edits of a memory: they write into the network's weights, so whatever runs it, compiled or not,
--- sees them. Each answers a handle that puts back the very bits that stood there. Edits of one
--- unit lie on each other, so the last is undone first.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local edit = {}

-- Edits in place by network, so that two memories of one network share them.
local live <const> = setmetatable({}, { __mode = "k" })

--- An edit that is in place, until undo or the end of the scope of a <close> variable.
---@class mlp.probe.KVEdit
---@field units integer[] which it changed
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
  for i = #self.saved, 1, -1 do self.saved[i].place:copy_(self.saved[i].before) end
  table.remove(list, position(list, self))
  self.open = false
end

function Edit:__close() self:undo() end

--- Does `changes`, {{place =, value =}, ...}, and keeps what stood at each place.
local function apply(memory, units, changes)
  local saved <const> = {}
  for i, change in ipairs(changes) do
    saved[i] = { place = change.place, before = change.place:clone() }
  end
  for _, change in ipairs(changes) do change.place:copy_(change.value) end
  local list <const> = live[memory.ffn] or {}
  live[memory.ffn] = list
  local handle <const> = setmetatable({ units = units, saved = saved, open = true,
    ffn = memory.ffn }, Edit)
  list[#list + 1] = handle
  return handle
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

--- See KV:insert.
function edit:insert(unit, memory)
  self:check_unit("insert", unit)
  if type(memory) ~= "table" then
    errors.wanted("insert", "the memory", memory, "a table {key =, value =}")
  end
  local o <const> = errors.options("insert", memory, { key = errors.NONE, gate = errors.NONE,
    value = errors.NONE, bias = errors.NONE, gate_bias = errors.NONE })
  if not self.gates and (o.gate ~= nil or o.gate_bias ~= nil) then
    errors.raise "insert: a gate is given, but the network is not gated"
  end
  local changes <const> = {
    { place = self.keys:select(1, unit), value = vector(self, "insert", "key", o.key) },
    { place = self.values:select(1, unit), value = vector(self, "insert", "value", o.value) },
  }
  if self.gates then
    changes[3] = { place = self.gates:select(1, unit),
      value = vector(self, "insert", "gate", o.gate) }
    changes[#changes + 1] = bias_change(self.ffn.gate, unit, o.gate_bias, "gate_bias")
  end
  changes[#changes + 1] = bias_change(self.ffn.up, unit, o.bias, "bias")
  return apply(self, { unit }, changes)
end

return edit
