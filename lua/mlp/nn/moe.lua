--- A mixture of experts: of E feed-forward networks every token uses the few that a router chooses,
--- y = sum_k w_k expert_k(x) (Shazeer et al. 2017). Experts that are FFNs or GLUs of one shape lie
--- stacked, (E, H, D), and run as one product per expert on the rows sorted by expert, without
--- padding (Gale et al. 2023); a list of any modules runs one after the other.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local FFN <const> = require "mlp.nn.ffn"
local GLU <const> = require "mlp.nn.glu"
local Module <const> = require "mlp.nn.module"
local Router <const> = require "mlp.nn.router"

---@class mlp.nn.MoEOptions
---@field dim integer D
---@field hidden integer? H of every expert; default as of the expert
---@field experts integer|mlp.nn.Module[]|nil E, or a list of modules; default 8
---@field expert "ffn"|"glu"|nil default "glu"
---@field activation string? default "silu" for "glu", "gelu" for "ffn"
---@field bias boolean? of the experts; default false
---@field router string|mlp.nn.RouterOptions|nil a kind of router, or its options
---@field top_k integer? the router's
---@field shared integer? experts that every token uses, beside the chosen ones; default 0
---@field dtype mlp.Dtype? default "float32"

---@class mlp.nn.MoE: mlp.nn.Module
---@field router mlp.nn.Router
---@field gate mlp.Tensor? (E, H, D), of "glu"
---@field up mlp.Tensor? (E, H, D)
---@field down mlp.Tensor? (E, D, H)
---@field gate_bias mlp.Tensor? (E, H)
---@field up_bias mlp.Tensor? (E, H)
---@field down_bias mlp.Tensor? (E, D)
---@field experts mlp.nn.Module[]? when they were given
---@field shared mlp.nn.Module?
---@overload fun(options: mlp.nn.MoEOptions): mlp.nn.MoE
local MoE = Module:extend "MoE"
MoE.shows = { gate = true, value = true, hidden = true }
MoE.role = "FFN"

local CLASSES <const> = { ffn = FFN, glu = GLU }

-- ---- making -------------------------------------------------------------------------------------

--- Stacks what E freshly made experts hold, so that each starts as one of its own would.
local function stack(self, o, template)
  local made <const> = { template }
  for i = 2, self.count do made[i] = CLASSES[o.expert](self.each) end
  for _, part in ipairs { "gate", "up", "down" } do
    if template[part] then
      local weights <const>, biases <const> = {}, {}
      for i, expert in ipairs(made) do
        weights[i] = expert[part].weight:detach()
        biases[i] = expert[part].bias and expert[part].bias:detach()
      end
      self[part] = core.stack(weights, 1):requires_grad_()
      if #biases > 0 then self[part .. "_bias"] = core.stack(biases, 1):requires_grad_() end
    end
  end
end

local function make_experts(self, o)
  if type(o.experts) == "table" then
    if #o.experts == 0 then errors.raise "MoE: experts is an empty list" end
    for i, expert in ipairs(o.experts) do
      if not Module.is(expert) then
        errors.wanted("MoE", ("experts[%d]"):format(i), expert, "a module")
      end
    end
    self.experts, self.count = o.experts, #o.experts
    return
  end
  initialise.want_size("MoE", "experts", o.experts)
  if not CLASSES[o.expert] then errors.wanted("MoE", "expert", o.expert, '"ffn" or "glu"') end
  self.each = { dim = o.dim, hidden = o.hidden, activation = o.activation, bias = o.bias,
    dtype = o.dtype }
  local template <const> = CLASSES[o.expert](self.each)
  self.kind, self.count, self.activation = o.expert, o.experts,
    (template.gate or template.up).activation
  stack(self, o, template)
end

local function router_options(o)
  local options <const> = { top_k = o.top_k, dtype = o.dtype }
  if type(o.router) == "string" then
    options.kind = o.router
  elseif type(o.router) == "table" then
    for key, value in pairs(o.router) do options[key] = value end
  elseif o.router ~= nil then
    errors.wanted("MoE", "router", o.router, "the kind of a router, or a table of its options")
  end
  return options
end

--- nn.MoE{dim = 64, hidden = 128, experts = 8, top_k = 2, router = "mixtral"}. Hooks see `gate`,
--- `value`, `hidden` of the rows sorted by expert, `router.logits`, `router.weight`, and `out`.
---@param options mlp.nn.MoEOptions
function MoE:init(options)
  local o <const> = errors.options("MoE", options, { dim = errors.NONE, hidden = errors.NONE,
    experts = 8, expert = "glu", activation = errors.NONE, bias = false, router = errors.NONE,
    top_k = errors.NONE, shared = 0, dtype = "float32" })
  initialise.want_size("MoE", "dim", o.dim)
  self.width = o.dim
  make_experts(self, o)
  self.router = Router(o.dim, self.count, router_options(o))
  if math.type(o.shared) ~= "integer" or o.shared < 0 then
    errors.wanted("MoE", "shared", o.shared, "a whole number from 0")
  end
  if o.shared > 0 then
    if not self.each then errors.raise "MoE: shared experts want FFN or GLU experts" end
    local each <const> = { hidden = o.shared * self.up:size(2) }
    for key, value in pairs(self.each) do each[key] = each[key] or value end
    self.shared = CLASSES[self.kind](each)
  end
end

-- ---- experts ------------------------------------------------------------------------------------

--- Expert i as a module of its own: an FFN or GLU whose weights are those of the mixture (views:
--- changing them in place changes the mixture), or the i-th of the list that was given.
---@param i integer
---@return mlp.nn.Module
function MoE:expert(i)
  if math.type(i) ~= "integer" or i < 1 or i > self.count then
    errors.wanted("MoE:expert", "the expert", i, ("a whole number from 1 to %d"):format(self.count))
  end
  if self.experts then return self.experts[i] end
  local expert <const> = CLASSES[self.kind](self.each)
  expert.stacked = true
  for _, part in ipairs { "gate", "up", "down" } do
    if self[part] then
      expert[part].weight = self[part]:detach():select(1, i)
      local bias <const> = self[part .. "_bias"]
      expert[part].bias = bias and bias:detach():select(1, i)
    end
  end
  return expert
end

--- All experts on the rows (A, D), `count` of them for each in turn.
local function run_stacked(self, rows, count)
  local value <const> = core.experts(rows, self.up, count, self.up_bias)
  local hidden
  if self.kind == "glu" then
    local gate <const> = core.experts(rows, self.gate, count, self.gate_bias)
    if self:is_shown "gate" then
      local shown <const> = self:show("gate", core[self.activation](gate))
      hidden = shown * self:show("value", value)
    else
      hidden = core.gated(gate, self:show("value", value), { activation = self.activation })
    end
  else
    hidden = core[self.activation](value)
  end
  return core.experts(self:show("hidden", hidden), self.down, count, self.down_bias)
end

--- Modules of any kind, one after the other. How many rows each has is read, so this cannot be
--- compiled; rows that no expert keeps give 0.
local function run_list(self, rows, count)
  local parts <const>, at = {}, 0
  for i, n in ipairs(count:totable()) do
    if n > 0 then parts[#parts + 1] = self.experts[i](rows:slice(1, at + 1, at + n)) end
    at = at + n
  end
  if at < rows:size(1) or at == 0 then
    parts[#parts + 1] = core.zeros({ rows:size(1) - at, rows:size(2) }, { dtype = rows.dtype })
  end
  return core.cat(parts, 1)
end

-- ---- the way through ----------------------------------------------------------------------------

local function mix(self, x, r)
  local run <const> = self.experts and run_list or run_stacked
  if r.place then
    local rows <const> = run(self, core.dispatch(x, r.place), r.count)
    return core.combine(rows, r.place, r.weight)
  end
  local rows <const> = run(self, x:index_select(1, r.token), r.count)
  return core.zeros(x.shape, { dtype = x.dtype })
    :index_add(1, r.token, rows * r.weight:reshape(-1, 1))
end

---@class mlp.nn.MoEAuxiliary
---@field loss mlp.Tensor () the sum of losses, to be added to the model's
---@field losses table<string, mlp.Tensor> balance, z, ..., with their coefficients
---@field load mlp.Tensor (E) tokens that chose each expert
---@field importance mlp.Tensor (E) summed weights
---@field entropy mlp.Tensor? () of the router's scores, mean over tokens, in nats; not of hash,
---  which has none
---@field dropped mlp.Tensor () share of the choices that no expert kept; of expert choice: share of
---  the tokens that no expert took
---@field violation mlp.Tensor () largest load over mean load
---@field expert mlp.Tensor (T, K) int64, the best first; of expert choice (T, 1): the one that
---  scores the token highest, whether it took it or not

---@param x mlp.Tensor (..., D)
---@param tokens mlp.Tensor? (...) int64, of the hash router
---@return mlp.Tensor y (..., D)
---@return mlp.nn.MoEAuxiliary auxiliary tensors, none of them read
function MoE:forward(x, tokens)
  errors.want_last_axis("MoE", x, self.width)
  local shape <const> = x.shape
  local flat <const> = x:reshape(-1, shape[#shape])
  local routing <const>, auxiliary <const> =
    self.router(flat, tokens, #shape > 2 and shape[#shape - 1] or nil)
  local y = mix(self, flat, routing)
  if self.shared then y = y + self.shared(flat) end
  return y:reshape(shape), auxiliary
end

--- The experts' products for the chosen pairs; router and shared experts count for themselves.
---@param y mlp.Tensor the output
---@return integer
function MoE:flops(y)
  if not self.up then return 0 end
  local D <const>, H <const> = self.up:size(3), self.up:size(2)
  local o <const> = self.router.options
  local tokens <const> = y:numel() // D
  local rows <const> = o.kind == "expert_choice" and math.floor(tokens * o.capacity)
    or tokens * o.top_k
  local products <const> = self.kind == "glu" and 3 or 2
  return rows * (2 * products * D * H + (self.kind == "glu" and H or 0))
end

function MoE:describe()
  if self.experts then return ("%d experts"):format(self.count) end
  local D <const>, H <const> = self.up:size(3), self.up:size(2)
  return ("%d experts %d -> %d -> %d, %s"):format(self.count, D, H, D, self.activation)
end

--- What the router does with a batch: load per expert, dead experts, and the tokens that each
--- expert weighs highest. Runs in evaluation mode. It prints as text; `report:figure()` draws it,
--- `report:page()` is a page of its own.
---
---     print(moe:report(x, {labels = words}))
---     moe:report(x, {labels = words}):figure():save "out/experts.svg"
---@param x mlp.Tensor (..., D)
---@param options {labels: string[]?, samples: integer?, tokens: mlp.Tensor?}? labels of the tokens,
---  for samples (5 of each expert); tokens of the hash router
---@return mlp.nn.MoEReport
function MoE:report(x, options) return require "mlp.nn.moe_report" (self, x, options) end

return MoE
