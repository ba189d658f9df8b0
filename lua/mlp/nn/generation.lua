--- Drawing tokens from a language model. The distribution is softmax(logits / temperature), cut to
--- the top_k likeliest and to the smallest set whose probability reaches top_p (Holtzman et al.
--- 2020); a draw is the largest of log p plus Gumbel noise.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local report <const> = require "mlp.trainer.report"

local generation = {}

---@class mlp.nn.GenerateOptions
---@field tokens integer? how many new ones at most; default: until the context is full
---@field temperature number? 0: the likeliest; default 1
---@field top_k integer? only the k likeliest
---@field top_p number? only the likeliest that reach this probability together
---@field stop integer? a token that ends a sequence; in a batch it fills what others outlast
---@field generator mlp.Generator?

local function check(o)
  local function want(ok, name, wanted)
    if not ok then errors.wanted("generate", name, o[name], wanted) end
  end
  local function whole(x, low) return x == nil or math.type(x) == "integer" and x >= low end
  want(whole(o.tokens, 0), "tokens", "a whole number from 0")
  want(type(o.temperature) == "number" and o.temperature >= 0, "temperature", "a number from 0")
  want(whole(o.top_k, 1), "top_k", "a whole number from 1")
  want(o.top_p == nil or type(o.top_p) == "number" and o.top_p > 0 and o.top_p <= 1, "top_p",
    "a probability, 0 < p <= 1")
  want(whole(o.stop, 1), "stop", "a token, a whole number from 1")
end

--- Logits (B, V) with -inf outside the k largest of each row.
local function keep_top_k(logits, k)
  if k >= logits:size(2) then return logits end
  local least <const> = logits:topk(k, 2):amin(2, true)
  return logits:masked_fill(logits:lt(least), -math.huge)
end

--- A token stays when those likelier than it do not reach p yet.
local function keep_top_p(logits, p)
  local sorted <const>, order <const> = logits:softmax(2):sort(2, { descending = true })
  local before <const> = sorted:cumsum(2) - sorted
  local out <const> = core.zeros(logits.shape, { dtype = "uint8" })
    :scatter(2, order, before:ge(p))
  return logits:masked_fill(out, -math.huge)
end

local COLDEST <const> = 1e-30 -- below it float32 has no room: what is not likeliest is impossible

--- Logits (B, V) to tokens (B, 1).
local function choose(logits, o)
  if o.temperature == 0 then return logits:argmax(2, true) end
  logits = (logits - logits:amax(2, true)) / math.max(o.temperature, COLDEST)
  if o.top_k then logits = keep_top_k(logits, o.top_k) end
  if o.top_p then logits = keep_top_p(logits, o.top_p) end
  local uniform <const> = core.rand(logits.shape, { dtype = logits.dtype, generator = o.generator })
  return (logits - (-uniform:log()):log()):argmax(2, true)
end

local function as_batch(prompt)
  local tokens <const> = core.is_tensor(prompt) and prompt or core.tensor(prompt,
    { dtype = "int64" })
  if tokens.ndim < 1 or tokens.ndim > 2 or tokens:size(-1) == 0 then
    errors.wanted("generate", "the prompt", prompt, "tokens (T) or (B, T), at least one of them")
  end
  return tokens.ndim == 1 and tokens:unsqueeze(1) or tokens, tokens.ndim == 1
end

--- What a sequence draws after `stop` is `stop` again; `ended` (B, 1) marks such sequences.
local function pad(next_token, ended, stop)
  if not stop then return next_token, ended end
  ended = core.logical_or(ended, next_token:eq(stop))
  return next_token:masked_fill(ended, stop), ended
end

--- The logits (B, V) of the token after all that are in the list.
local function next_logits(model, list, cache)
  local logits <const> = model(list[#list], cache):select(2, -1)
  local largest <const> = logits:amax(2)
  if largest:ne(largest):any():item() == 0 then return logits end
  return errors.raise("generate: the logits after %d tokens are not numbers: %s",
    core.cat(list, 2):size(2), report.of_parameters(model) or "values in between overflow")
end

--- Draws until `most` new tokens are in the list of (B, T) and (B, 1), or all sequences have ended.
local function extend(model, list, most, o)
  local batch <const> = list[1]:size(1)
  local cache <const> = model:cache(batch)
  local ended = core.zeros(batch, 1, { dtype = "uint8" })
  for _ = 1, most do
    local drawn = choose(next_logits(model, list, cache), o)
    drawn, ended = pad(drawn, ended, o.stop)
    if o.stop and ended:all():item() ~= 0 then return end
    list[#list + 1] = drawn
  end
end

--- See Transformer:generate.
---@param model mlp.nn.Transformer
---@param prompt mlp.Tensor|integer[]
---@param options mlp.nn.GenerateOptions?
---@return mlp.Tensor
---@package
function generation.run(model, prompt, options)
  local o <const> = errors.options("generate", options, { tokens = errors.NONE, temperature = 1,
    top_k = errors.NONE, top_p = errors.NONE, stop = errors.NONE, generator = errors.NONE })
  check(o)
  local tokens <const>, single <const> = as_batch(prompt)
  local room <const> = model.context - tokens:size(2)
  local training <const> = model.training
  local _ <close> = core.no_grad_scope()
  local _ <close> = setmetatable({}, { __close = function()
    if training then model:train() end
  end })
  model:eval()
  local list <const> = { tokens }
  extend(model, list, math.min(o.tokens or room, room), o)
  local all <const> = core.cat(list, 2)
  return single and all:select(1, 1) or all
end

return generation
