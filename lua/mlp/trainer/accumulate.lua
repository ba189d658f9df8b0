--- Gradient accumulation: a batch that is too large to hold at once goes through the model in
--- parts. Gradients add up by themselves; each part's loss, a mean over its rows, counts as much as
--- the part has rows, so loss and gradient are those of the whole batch, but for rounding.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local accumulate = {}

--- Refuses what is no number of parts.
---@param parts any
function accumulate.check(parts)
  if parts ~= nil and (math.type(parts) ~= "integer" or parts < 1) then
    errors.wanted("Trainer", "accumulate", parts, "a whole number of parts from 1")
  end
end

local function rows_of(batch)
  local rows <const> = batch[1]:size(1)
  for k, tensor in ipairs(batch) do
    if tensor.ndim == 0 or tensor:size(1) ~= rows then
      errors.raise("Trainer: accumulate wants batches of rows, but tensor %d of the batch is %s "
        .. "and tensor 1 has %d rows", k, core.describe(tensor), rows)
    end
  end
  return rows
end

local function slices(batch, first, last)
  local part <const> = {}
  for k, tensor in ipairs(batch) do part[k] = tensor:slice(1, first, last) end
  return part
end

local function joined(list)
  if not core.is_tensor(list[1]) then
    errors.wanted("Trainer", "the prediction", list[1], "a tensor, where batches come in parts,")
  end
  for i, tensor in ipairs(list) do list[i] = tensor:detach() end
  return core.cat(list, 1)
end

--- Runs `backward` on the parts of a batch, one after the other.
---@param batch mlp.Tensor[]
---@param parts integer at most; equal ones, as far as the rows allow
---@param backward fun(part: mlp.Tensor[], share: number): number, any, any value, prediction and
---  target of a part whose loss counts `share`
---@return number loss, any prediction, any target of the whole batch
function accumulate.run(batch, parts, backward)
  local rows <const> = rows_of(batch)
  local count <const> = math.max(1, math.min(parts, rows))
  local total, predictions <const>, targets <const> = 0.0, {}, {}
  for i = 1, count do
    local first <const>, last <const> = (i - 1) * rows // count + 1, i * rows // count
    local share <const> = (last - first + 1) / rows
    local value <const>, prediction <const>, target <const> =
      backward(slices(batch, first, last), share)
    total = total + share * value
    predictions[i], targets[i] = prediction, target
  end
  return total, joined(predictions), joined(targets)
end

return accumulate
