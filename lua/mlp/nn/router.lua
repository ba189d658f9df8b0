--- Which experts a token goes to, and with what weight. A router is a set of options; the known
--- ones have names. Logits h = x W_r; scores p are their softmax or sigmoid; the top k experts are
--- chosen, and weigh by their scores, or by the softmax of their logits alone. Whatever balances
--- the load comes back as a table of values beside the weights; nothing is kept. Scores are
--- computed in floats of 32 bits at least, those of the weights: there are none smaller.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Linear <const> = require "mlp.nn.linear"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.RouterOptions
---@field kind string? a named router, whose options are the defaults: "topk" (default), "switch",
---  "mixtral", "deepseek", "noisy", "expert_choice", "hash" or "soft"
---@field top_k integer? K, experts of a token; "soft": all; not of "expert_choice"
---@field score "softmax"|"sigmoid"|nil
---@field weigh "before"|"after"|nil weights are scores over all experts ("before" the choice), or
---  the softmax over the chosen ones ("after")
---@field renormalise boolean? weights before the choice are divided by their sum
---@field scale number? of the weights
---@field noise boolean? logits get learned normal noise in training (Shazeer et al. 2017)
---@field jitter number? inputs of the router times U(1 - jitter, 1 + jitter) in training
---@field groups integer? that the experts stand in
---@field group_limit integer? groups a token may use
---@field capacity number? tokens an expert keeps, times T K / E, in training; nil: all. T counts
---  every row of a call: rows of padding compete with the others for their places
---@field eval_capacity number? the same in evaluation; default as in training
---@field keep "first"|"highest"|nil which tokens, when there are more; default "first"
---@field balance number? coefficient of E / (T K) sum_i load_i mean p_i
---@field sequence_balance number? the same within every sequence, averaged
---@field z number? coefficient of the mean of logsumexp(h)^2
---@field importance number? coefficient of CV^2 of the summed weights
---@field load number? coefficient of CV^2 of the expected load; wants noise
---@field bias_rate number? by which the choice's bias moves in training, against the load

---@class mlp.nn.Routing
---@field expert mlp.Tensor (T, K) int64
---@field place mlp.Tensor (T, K) int64, rows among those sorted by expert
---@field weight mlp.Tensor (T, K)
---@field count mlp.Tensor (E) int64, rows of every expert

---@class mlp.nn.Router: mlp.nn.Module
---@field linear mlp.nn.Linear? D -> E
---@field noise_linear mlp.nn.Linear? D -> E
---@field bias mlp.Tensor? (E), a buffer: moves the choice, not the weights
---@overload fun(dim: integer, experts: integer, options: mlp.nn.RouterOptions?): mlp.nn.Router
local Router = Module:extend "Router"
Router.shows = { logits = true, score = true, weight = true }
Router.role = "FFN"

-- ---- named routers ------------------------------------------------------------------------------

--- Switch: Fedus et al. 2021. Mixtral: Jiang et al. 2024. DeepSeek: V3, 2024. Noisy: Shazeer et al.
--- 2017. Expert choice: Zhou et al. 2022. Hash: Roller et al. 2021.
local KINDS <const> = {
  topk = { top_k = 2, renormalise = true },
  switch = { top_k = 1, capacity = 1.25, eval_capacity = 2, jitter = 0.01, balance = 0.01 },
  mixtral = { top_k = 2, weigh = "after", balance = 0.02 },
  deepseek = { top_k = 2, score = "sigmoid", renormalise = true, bias_rate = 0.001,
    sequence_balance = 1e-4 },
  noisy = { top_k = 2, weigh = "after", noise = true, importance = 0.1, load = 0.1 },
  expert_choice = { capacity = 2 },
  hash = { top_k = 1 },
  soft = {},
}

--- Options about the choice of a token, which these kinds do not ask for.
local NOT_OF <const> = {
  expert_choice = { "top_k", "weigh", "renormalise", "noise", "groups", "group_limit", "keep",
    "balance", "sequence_balance", "load", "bias_rate" },
  hash = { "score", "weigh", "renormalise", "scale", "noise", "jitter", "groups", "group_limit",
    "keep", "balance", "sequence_balance", "z", "importance", "load", "bias_rate" },
}

local DEFAULTS <const> = { kind = "topk", top_k = errors.NONE, score = "softmax",
  weigh = "before", renormalise = false, scale = 1, noise = false, jitter = 0, groups = 1,
  group_limit = 0, capacity = errors.NONE, eval_capacity = errors.NONE, keep = "first", balance = 0,
  sequence_balance = 0, z = 0, importance = 0, load = 0, bias_rate = 0, dtype = "float32" }

local function with_kind(options)
  local kind <const> = options and options.kind or "topk"
  local known <const> = type(kind) == "string" and KINDS[kind]
  if not known then
    local guess <const> = type(kind) == "string" and errors.guess(kind, KINDS)
    errors.raise(guess and "Router: unknown kind '%s' (did you mean '%s'?)"
      or "Router: unknown kind '%s'", tostring(kind), guess)
  end
  local defaults <const> = {}
  for key, value in pairs(DEFAULTS) do defaults[key] = value end
  for key, value in pairs(known) do defaults[key] = value end
  for _, name in ipairs(NOT_OF[kind] or {}) do
    if options[name] ~= nil then errors.raise("Router: %s takes no option '%s'", kind, name) end
  end
  return errors.options("Router", options, defaults)
end

local function one_of(o, name, ...)
  for _, word in ipairs { ... } do
    if o[name] == word then return end
  end
  errors.wanted("Router", name, o[name], ('"%s"'):format(table.concat({ ... }, '" or "')))
end

local function check(o, experts)
  one_of(o, "score", "softmax", "sigmoid")
  one_of(o, "weigh", "before", "after")
  one_of(o, "keep", "first", "highest")
  for _, name in ipairs { "scale", "jitter", "balance", "sequence_balance", "z", "importance",
    "load", "bias_rate", "capacity", "eval_capacity" } do
    local value <const> = o[name]
    if value ~= nil and not (type(value) == "number" and value >= 0) then
      errors.wanted("Router", name, value, "a number from 0")
    end
  end
  if o.kind == "soft" then o.top_k = o.top_k or experts end
  if o.kind == "expert_choice" then return end
  initialise.want_size("Router", "top_k", o.top_k)
  if o.top_k > experts then
    errors.raise("Router: top_k is %d, but there are %d experts", o.top_k, experts)
  end
  if o.kind == "soft" and o.top_k < experts then
    errors.raise("Router: soft uses all %d experts, but top_k is %d", experts, o.top_k)
  end
  if o.load > 0 and not o.noise then
    errors.raise("Router: the load loss is about noise; set noise = true")
  end
end

--- nn.Router(dim, experts, {kind = "mixtral", top_k = 2}). Hooks see `logits`, `score`, `weight`.
---@param dim integer D
---@param experts integer E
---@param options mlp.nn.RouterOptions?
function Router:init(dim, experts, options)
  initialise.want_size("Router", "dim", dim)
  initialise.want_size("Router", "experts", experts)
  local o <const> = with_kind(options)
  check(o, experts)
  self.experts, self.options = experts, o
  local function linear(init)
    return Linear(dim, experts, { bias = false, init = init, dtype = o.dtype })
  end
  if o.kind ~= "hash" then self.linear = linear(o.noise and "zeros" or nil) end
  if o.noise then self.noise_linear = linear "zeros" end
  if o.bias_rate > 0 then self.bias = core.zeros(experts, { dtype = o.dtype }) end
end

-- ---- scores -------------------------------------------------------------------------------------

local function jittered(self, x)
  local jitter <const> = self.options.jitter
  if not self.training or jitter == 0 then return x end
  return x * (core.rand(x.shape, { dtype = x.dtype }) * (2 * jitter) + (1 - jitter))
end

--- Logits without and with noise, and the noise's deviation.
local function logits_of(self, x)
  local clean <const> = self:show("logits", self.linear(jittered(self, x)))
  if not (self.options.noise and self.training) then return clean, clean end
  local deviation <const> = self.noise_linear(x):softplus()
  return clean, clean + core.randn(clean.shape, { dtype = clean.dtype }) * deviation, deviation
end

local function scores_of(self, logits)
  if self.options.score == "sigmoid" then return self:show("score", logits:sigmoid()) end
  return self:show("score", logits:softmax(2))
end

--- How many tokens an expert keeps; 0: all (Fedus et al. 2021, equation 3; at least 4).
local function capacity_of(self, T)
  local o <const> = self.options
  local factor <const> = not self.training and o.eval_capacity or o.capacity
  if not factor or factor == math.huge then return 0 end
  return math.max(4, math.floor(T * o.top_k * factor / self.experts))
end

local function weights_of(self, logits, score, expert)
  local o <const> = self.options
  local weight
  if o.weigh == "after" then
    weight = logits:gather(2, expert):softmax(2)
  else
    weight = score:gather(2, expert)
    if o.renormalise then weight = weight / (weight:sum(2, true) + 1e-20) end
  end
  return self:show("weight", o.scale ~= 1 and weight * o.scale or weight)
end

-- ---- what is said beside ------------------------------------------------------------------------

--- A mean over tokens that is 0 for none.
local function mean_of(x) return x:numel() > 0 and x:mean() or x:sum() end

--- Squared coefficient of variation, over the experts.
local function cv2(x)
  local mean <const> = x:mean()
  return ((x - mean) ^ 2):mean() / (mean ^ 2 + 1e-10)
end

--- E / (T K) sum_i load_i mean p_i: 1 when all experts are used alike, E when one takes all and
--- is sure of it (Fedus et al. 2021, equation 4; Gale et al. 2023 for K > 1).
local function balance_of(self, share, load, chosen)
  local mean <const> = share:numel() > 0 and share:mean(1) or share:sum(1)
  return (load * mean):sum() * (self.experts / math.max(chosen, 1))
end

--- The same within every sequence of T tokens, averaged over the sequences (DeepSeek-V3, 2.1.2).
local function sequence_balance_of(self, share, expert, T)
  local E <const>, K <const> = self.experts, self.options.top_k
  if share:numel() == 0 then return share:sum() end
  local load <const> = expert:one_hot(E):to(share.dtype):reshape(-1, T * K, E):sum(2)
  return (load * share:reshape(-1, T, E):mean(2)):sum(2):mean() * (E / (T * K))
end

--- Phi(z), the normal distribution function.
local function phi(z) return ((z / math.sqrt(2)):erf() + 1) / 2 end

--- The probability that an expert is among the top k when its noise is drawn anew: its clean logit
--- against the k-th largest noisy one of the others (Shazeer et al. 2017, appendix A).
local function expected_load(clean, noisy, deviation, K)
  if K >= clean:size(2) then return core.ones(clean.shape, { dtype = clean.dtype }):sum(1) end
  local top <const> = noisy:topk(K + 1, 2)
  local last_in <const>, first_out <const> = top:slice(2, K, K), top:slice(2, K + 1, K + 1)
  local threshold <const> = core.where(noisy:gt(first_out), first_out, last_in)
  return phi((clean - threshold) / deviation):sum(1)
end

local function losses_of(self, r)
  local o <const>, losses <const> = self.options, {}
  local function add(name, weight, value)
    if weight > 0 then losses[name] = value() * weight end
  end
  local share <const> = o.score == "sigmoid" and r.score / (r.score:sum(2, true) + 1e-20) or r.score
  add("balance", o.balance,
    function() return balance_of(self, share, r.load, r.expert:numel()) end)
  add("sequence_balance", o.sequence_balance,
    function() return sequence_balance_of(self, share, r.expert, r.length) end)
  add("z", o.z, function() return mean_of(r.clean:logsumexp(2) ^ 2) end)
  add("importance", o.importance, function() return cv2(r.importance) end)
  if r.deviation then
    add("load", o.load,
      function() return cv2(expected_load(r.clean, r.noisy, r.deviation, o.top_k)) end)
  end
  return losses
end

local function sum_of(losses, like)
  local total
  for _, name in ipairs { "balance", "sequence_balance", "z", "importance", "load" } do
    if losses[name] then total = total and total + losses[name] or losses[name] end
  end
  return total or core.zeros({}, { dtype = like.dtype })
end

--- What a routing says of itself. All tensors: nothing is read.
local function auxiliary_of(self, r)
  local load <const> = r.load
  local losses <const> = r.score and losses_of(self, r) or {}
  local entropy = r.score and r.score:detach()
  if entropy then entropy = mean_of(-(entropy * (entropy + 1e-20):log()):sum(2)) end
  local total <const> = load:sum()
  return {
    loss = sum_of(losses, r.weight), losses = losses, load = load,
    importance = r.importance and r.importance:detach(), entropy = entropy,
    dropped = (total - r.count:to(load.dtype):sum()) / total:clamp(1, math.huge),
    violation = load:amax() / load:mean():clamp(1e-20, math.huge), expert = r.expert,
  }
end

-- ---- kinds of choice ----------------------------------------------------------------------------

--- The summed weights of every expert (E).
local function importance_of(self, weight, expert)
  return core.zeros(self.experts, { dtype = weight.dtype })
    :scatter_add(1, expert:reshape(-1), weight:reshape(-1))
end

--- After a step the bias goes up where the load is below its mean, and down where it is above
--- (DeepSeek-V3, 2.1.2).
local function move_bias(self, load)
  if not (self.bias and self.training) then return end
  local _ <close> = core.no_grad_scope()
  self.bias:add_((load:mean() - load):sign() * self.options.bias_rate)
end

local function token_choice(self, x, length)
  local o <const> = self.options
  local clean <const>, noisy <const>, deviation <const> = logits_of(self, x)
  local score <const> = scores_of(self, noisy)
  local by <const> = o.weigh == "after" and noisy or score
  local expert <const>, place <const>, count <const>, load <const> = core.route(by:detach(), {
    bias = self.bias, top_k = o.top_k, groups = o.groups, group_limit = o.group_limit,
    capacity = capacity_of(self, x:size(1)), keep = o.keep })
  local weight <const> = weights_of(self, noisy, score, expert)
  local r <const> = { expert = expert, place = place, count = count, weight = weight, clean = clean,
    noisy = noisy, deviation = deviation, score = score, length = length,
    load = load:to(x.dtype), importance = importance_of(self, weight, expert) }
  move_bias(self, r.load)
  return r, auxiliary_of(self, r)
end

--- Every expert takes the C tokens that score highest for it, in all experts' rows one after the
--- other; `token` (E C) says whose each row is. What a token would have chosen is told beside, by
--- the row that refuses scores that are no numbers.
local function expert_choice(self, x)
  local E <const>, T <const>, o <const> = self.experts, x:size(1), self.options
  local factor <const> = not self.training and o.eval_capacity or o.capacity
  local clean <const> = logits_of(self, x)
  local score <const> = scores_of(self, clean)
  local C <const> = math.min(T, math.max(T > 0 and 1 or 0,
    math.floor(T * factor / E)))
  local expert <const> = core.route(score:detach())
  local weight <const>, token <const> = score:t():topk(C, 2)
  local load <const> = core.full({ E }, C, { dtype = x.dtype })
  local r <const> = { token = token:reshape(-1), weight = self:show("weight", weight),
    count = core.full({ E }, C, { dtype = "int64" }), clean = clean, score = score, load = load,
    expert = expert, importance = weight:sum(2) }
  local auxiliary <const> = auxiliary_of(self, r)
  local taken <const> = core.zeros(T, { dtype = x.dtype })
    :scatter_add(1, r.token, core.ones(E * C, { dtype = x.dtype }))
  auxiliary.dropped, auxiliary.taken = mean_of(taken:eq(0):to(x.dtype)), taken
  return r, auxiliary
end

local function check_tokens(x, tokens)
  if tokens == nil then
    errors.raise "Router: the hash router wants the tokens: moe(x, tokens)"
  end
  if not core.is_tensor(tokens) or tokens.dtype ~= "int64" or tokens:numel() ~= x:size(1) then
    errors.wanted("Router", "tokens", tokens, ("an int64 tensor of %d"):format(x:size(1)))
  end
end

--- A fixed expert for every token of a vocabulary.
local function hash_choice(self, x, tokens)
  check_tokens(x, tokens)
  local E <const>, K <const> = self.experts, self.options.top_k
  local flat <const> = tokens:reshape(-1, 1)
  local base <const> = core.remainder(flat * 2654435761, 4294967291) -- Knuth's multiplier, a prime
  local steps <const> = core.arange(0, K - 1, { dtype = "int64" })
  local expert <const> = core.remainder(base + steps, E) + 1
  local wanted <const> = core.one_hot(expert, E):to(x.dtype)
  local rank <const> = core.arange(K, 1, -1, { dtype = x.dtype }):reshape(1, K, 1)
  local chosen <const>, place <const>, count <const>, load <const> = core.route(
    (wanted * rank):sum(2), { top_k = K, capacity = capacity_of(self, x:size(1)) })
  local weight <const> = core.full({ x:size(1), K }, 1 / K, { dtype = x.dtype })
  local r <const> = { expert = chosen, place = place, count = count, weight = weight,
    load = load:to(x.dtype), importance = importance_of(self, weight, chosen) }
  return r, auxiliary_of(self, r)
end

---@param x mlp.Tensor (T, D)
---@param tokens mlp.Tensor? T int64 in any shape, of the hash router
---@param length integer? tokens of one sequence; default T
---@return mlp.nn.Routing routing
---@return table auxiliary
function Router:forward(x, tokens, length)
  local kind <const> = self.options.kind
  if kind == "expert_choice" then return expert_choice(self, x) end
  if kind == "hash" then return hash_choice(self, x, tokens) end
  return token_choice(self, x, length or x:size(1))
end

function Router:describe()
  local o <const> = self.options
  return ("%s, %d experts%s"):format(o.kind, self.experts, o.top_k and ", top " .. o.top_k or "")
end

return Router
