--- Texts in batches for a language model. Batches have few shapes, so that few plans run them all:
--- texts of about one length go together, padded behind, where no position that counts sees it.
--- Only mixtures would: where experts keep so many tokens and no more, all of a batch compete
--- for them, padding too. Models with such experts get one text at a time, without padding.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local texts = {}

local SHAPES <const> = 8 -- of all batches: as many plans as a compiled function keeps
local INT <const> = { dtype = "int64" }

---@class mlp.probe.Batch
---@field tokens mlp.Tensor (B, T) int64
---@field following mlp.Tensor (B, T) int64, the token after every position
---@field mask mlp.Tensor (B, T) uint8, 1 where a text has a position with a token after it
---@field numbers integer[] which texts they are; rows beyond are padding
---@field lengths integer[] positions that count

local function check_text(call, i, text, V)
  if type(text) ~= "table" or #text < 2 then
    errors.wanted(call, ("texts[%d]"):format(i), text, "a list of two tokens or more")
  end
  for k, token in ipairs(text) do
    if math.type(token) ~= "integer" or token < 1 or token > V then
      errors.raise("%s: texts[%d][%d] is %s, but the model has the tokens 1 to %d: the tokenizer "
        .. "does not fit the model", call, i, k, tostring(token), V)
    end
  end
end

--- How many positions of each text count: those in the context that have a token after them.
---@param call string
---@param model mlp.nn.Transformer
---@param lists integer[][]
---@return integer[] lengths
---@return integer total
function texts.lengths(call, model, lists)
  if type(lists) ~= "table" or #lists == 0 then
    errors.wanted(call, "texts", lists, "a list of lists of tokens")
  end
  local lengths <const>, V <const>, total = {}, model.embedding.weight:size(1), 0
  for i, text in ipairs(lists) do
    check_text(call, i, text, V)
    lengths[i] = math.min(#text - 1, model.context)
    total = total + lengths[i]
  end
  return lengths, total
end

--- Whether experts of a model keep so many tokens and no more.
local function tokens_compete(model)
  for _, block in ipairs(model.blocks) do
    local o <const> = block.ffn.router and block.ffn.router.options
    if o and (o.capacity or o.eval_capacity) then return true end
  end
  return false
end

--- The order in which texts go, and the length of each, padded to a multiple of `step`.
local function order_of(lengths, context, step)
  local order <const>, padded <const> = {}, {}
  for i, length in ipairs(lengths) do
    order[i] = i
    padded[i] = math.min((length + step - 1) // step * step, context)
  end
  table.sort(order, function(a, b)
    if padded[a] ~= padded[b] then return padded[a] < padded[b] end
    return a < b
  end)
  return order, padded
end

local function make(lists, lengths, numbers, B, T)
  local tokens <const>, following <const>, mask <const> = {}, {}, {}
  for row = 1, B do
    local text <const>, n <const> = lists[numbers[row]], lengths[numbers[row]] or 0
    local read <const>, after <const>, counts <const> = {}, {}, {}
    for k = 1, T do
      local inside <const> = k <= n
      read[k], after[k] = inside and text[k] or 1, inside and text[k + 1] or 1
      counts[k] = inside and 1 or 0
    end
    tokens[row], following[row], mask[row] = read, after, counts
  end
  local own <const> = {}
  for row, number in ipairs(numbers) do own[row] = lengths[number] end
  return { tokens = core.tensor(tokens, INT), following = core.tensor(following, INT),
    mask = core.tensor(mask, { dtype = "uint8" }), numbers = numbers, lengths = own }
end

--- Walks through all texts: `for batch in texts.batches(model, lists, lengths, B) do`.
---@param model mlp.nn.Transformer
---@param lists integer[][]
---@param lengths integer[] positions of each that count, 1 at least
---@param B integer texts in a batch, at most
---@return fun(): mlp.probe.Batch?
function texts.batches(model, lists, lengths, B)
  local alone <const>, context <const> = tokens_compete(model), model.context
  local order <const>, widths <const> =
    order_of(lengths, context, alone and 1 or (context + SHAPES - 1) // SHAPES)
  local at = 1
  B = alone and 1 or math.min(B, #order)
  return function()
    if at > #order then return nil end
    local numbers <const>, T <const> = {}, widths[order[at]]
    while order[at] and widths[order[at]] == T and #numbers < B do
      numbers[#numbers + 1] = order[at]
      at = at + 1
    end
    return make(lists, lengths, numbers, B, T)
  end
end

return texts
