--- The lists of a memory of H units. Each unit has one, of what its coefficient is largest on; in a
--- signed memory a second one, of what it is most negative on, and -v is read there. Those stand
--- behind the first: list H + i belongs to unit i.

local core <const> = require "mlp.core"

local lists = {}

--- R, how many there are.
---@param memory mlp.probe.KV
---@return integer
function lists.count(memory) return memory.signed and 2 * memory.units or memory.units end

--- Whose list it is, and with which sign.
---@param list integer
---@param H integer
---@return integer unit
---@return integer sign
function lists.unit(list, H) return (list - 1) % H + 1, list > H and -1 or 1 end

--- Scores of the tokens by the value of every list.
---@param memory mlp.probe.KV
---@return mlp.Tensor scores (R, V)
function lists.scores(memory)
  local scores <const> = memory:decode(memory.values)
  return memory.signed and core.cat({ scores, -scores }, 1) or scores
end

return lists
