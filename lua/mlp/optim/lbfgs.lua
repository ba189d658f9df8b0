--- L-BFGS (Liu and Nocedal 1989): a quasi-Newton method for whole data, where the loss is the same
--- function at every call. One step is several iterations; each takes the direction -H g, H made of
--- the last `history_size` pairs of steps and changes of the gradient, and searches along it for
--- the strong Wolfe conditions. The loss is therefore computed many times in a step, by a closure:
---
---     optimizer:step(function() return mlp.loss.mse(model(x), y) end)
---
--- A closure that calls zero_grad and backward itself, as PyTorch's do, may. The iterations are
--- PyTorch's; history_size is 10 where PyTorch has 100, since each pair is two copies of the
--- weights.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"
local retired <const> = require "mlp.optim.retired"
local wolfe <const> = require "mlp.optim.wolfe"

---@class mlp.optim.LBFGS.Options
---@field lr number? first length that a search tries, or the length without a search; default 1
---@field max_iter integer? of a step; default 20
---@field max_eval integer? of the loss in a step, more or less; default 1.25 max_iter
---@field tolerance_grad number? the largest element of a gradient that is none; default 1e-7
---@field tolerance_change number? of loss and parameters that is none; default 1e-9
---@field history_size integer? pairs that are kept; default 10
---@field line_search_fn "strong_wolfe"|"none"|nil default "strong_wolfe"

---@class mlp.optim.LBFGS: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.LBFGS.Options?): mlp.optim.LBFGS
local LBFGS = Optimizer:extend "LBFGS"

LBFGS.wants_closure = true -- so a trainer cannot use it

LBFGS.defaults = {
  lr = 1, max_iter = 20, max_eval = errors.NONE, tolerance_grad = 1e-7,
  tolerance_change = 1e-9, history_size = 10, line_search_fn = "strong_wolfe",
}

--- The slots of lbfgs_direction's hyper: beside lr the length of the last step, how many pairs
--- there are and in which row the newest is.
LBFGS.slots = { "lr", "length", "stored", "newest", "count", "scale" }
LBFGS.length, LBFGS.stored, LBFGS.newest = 0, 0, 0
local LENGTH <const>, STORED <const>, NEWEST <const>, COUNT <const> = 2, 3, 4, 5

function LBFGS.check(call, o)
  o.max_eval = o.max_eval or o.max_iter * 5 // 4
  for _, name in ipairs { "max_iter", "max_eval", "history_size" } do
    if math.type(o[name]) ~= "integer" or o[name] < 1 then
      errors.wanted(call, name, o[name], "a whole number from 1")
    end
  end
  Optimizer.want_number(call, "tolerance_grad", o.tolerance_grad, 0)
  Optimizer.want_number(call, "tolerance_change", o.tolerance_change, 0)
  if o.line_search_fn ~= "strong_wolfe" and o.line_search_fn ~= "none" then
    errors.wanted(call, "line_search_fn", o.line_search_fn, '"strong_wolfe" or "none"')
  end
end

function LBFGS.moments() return {} end

local function total_of(parameters)
  local n = 0
  for i, p in ipairs(parameters) do
    if p.dtype ~= parameters[1].dtype then
      errors.raise("LBFGS: parameter %d is %s but parameter 1 is %s; one dtype is wanted", i,
        p.dtype, parameters[1].dtype)
    end
    n = n + p:numel()
  end
  return n
end

---@param parameters mlp.Tensor[]|mlp.nn.Module of one dtype; no groups
---@param options mlp.optim.LBFGS.Options?
function LBFGS:init(parameters, options)
  Optimizer.init(self, parameters, options)
  if #self.groups ~= 1 then
    errors.raise("LBFGS: there are %d groups of parameters but one is wanted", #self.groups)
  end
  local group <const> = self.groups[1]
  local n <const>, m <const> = total_of(group.parameters), group.options.history_size
  local dtype <const> = { dtype = group.parameters[1].dtype }
  -- steps and changes (m, n); the last gradient and the last direction (n)
  group.moments = { { core.zeros(m, n, dtype), core.zeros(m, n, dtype) },
    { core.zeros(n, dtype), core.zeros(n, dtype) } }
end

-- ---- all parameters as one vector ---------------------------------------------------------------

local function flat(tensors)
  local parts <const> = {}
  for i, tensor in ipairs(tensors) do parts[i] = tensor:detach():reshape(-1) end
  return core.cat(parts, 1)
end

local function gradient_of(parameters)
  local gradients <const> = {}
  for i, p in ipairs(parameters) do
    gradients[i] = p.grad or core.zeros(p.shape, { dtype = p.dtype })
  end
  return flat(gradients)
end

local function assign(parameters, vector)
  local _ <close> = core.no_grad_scope()
  local first = 1
  for _, p in ipairs(parameters) do
    local last <const> = first + p:numel() - 1
    if last >= first then p:copy_(vector:slice(1, first, last):reshape(p.shape)) end
    first = last + 1
  end
end

local function dot(a, b) return (a * b):sum():item() end
local function largest(vector) return vector:abs():max():item() end

--- Loss and gradient where the parameters are.
local function evaluate(self, closure)
  self:zero_grad()
  local loss <const> = closure()
  if not core.is_tensor(loss) or loss:numel() ~= 1 then
    errors.wanted("LBFGS:step", "what the closure returns", loss, "the loss, of one element,")
  end
  local done = false
  for _, p in ipairs(self.groups[1].parameters) do done = done or p.grad ~= nil end
  if not done then loss:backward() end
  self.evaluations = self.evaluations + 1
  return { t = 0, f = loss:item(), gradient = gradient_of(self.groups[1].parameters) }
end

-- ---- one iteration ------------------------------------------------------------------------------

--- Takes the last step and the change of the gradient along it into the history, where the loss is
--- curved upwards.
local function remember(group, gradient)
  local hyper <const>, rows <const> = group.hyper, group.options.history_size
  local previous <const>, direction <const> = table.unpack(group.moments[2])
  local y <const>, s <const> = gradient - previous, direction * hyper:get(LENGTH)
  if dot(y, s) <= 1e-10 then return end
  local row <const> = (hyper:get(NEWEST) // 1 | 0) % rows + 1
  group.moments[1][1][row] = s
  group.moments[1][2][row] = y
  hyper:set(NEWEST, row)
  hyper:set(STORED, math.min(hyper:get(STORED) + 1, rows))
end

local function direction_of(group, gradient)
  if group.hyper:get(COUNT) > 0 then remember(group, gradient) end
  local steps <const>, changes <const> = table.unpack(group.moments[1])
  local direction <const> = core.lbfgs_direction(gradient, steps, changes, group.hyper)
  group.moments[2][1]:copy_(gradient)
  group.moments[2][2]:copy_(direction)
  return direction
end

--- The first length to try: before anything is known of the curvature a short one.
local function first_length(self, group, gradient)
  local lr <const> = self:rate()
  if group.hyper:get(COUNT) > 0 then return lr end
  return math.min(1, 1 / gradient:abs():sum():item()) * lr
end

--- Moves along the direction; the point that is reached. Without a search its loss is computed
--- unless the step ends there.
local function move(self, closure, here, direction, t, is_last)
  local parameters <const> = self.groups[1].parameters
  local origin <const> = flat(parameters)
  local function probe(length)
    assign(parameters, origin + direction * length)
    local point <const> = evaluate(self, closure)
    point.t, point.slope = length, dot(point.gradient, direction)
    return point
  end
  if self.groups[1].options.line_search_fn == "none" then
    if not is_last then return probe(t) end
    assign(parameters, origin + direction * t)
    return { t = t, f = here.f, gradient = here.gradient }
  end
  local point <const> = wolfe(probe, here, t, largest(direction))
  assign(parameters, origin + direction * point.t)
  return point
end

--- One iteration from `here`; where it came to, and whether it was the last.
local function iterate(self, closure, here, is_last)
  local group <const> = self.groups[1]
  local o <const>, hyper <const> = group.options, group.hyper
  local direction <const> = direction_of(group, here.gradient)
  local t <const> = first_length(self, group, here.gradient)
  hyper:set(COUNT, hyper:get(COUNT) + 1)
  hyper:set(LENGTH, t)
  here.t, here.slope = 0, dot(here.gradient, direction)
  if here.slope > -o.tolerance_change then return here, true end
  local there <const> = move(self, closure, here, direction, t, is_last)
  hyper:set(LENGTH, there.t)
  local over <const> = is_last or self.evaluations >= o.max_eval
    or largest(there.gradient) <= o.tolerance_grad
    or largest(direction) * there.t <= o.tolerance_change
    or math.abs(there.f - here.f) < o.tolerance_change
  return there, over
end

--- Up to max_iter iterations, fewer where nothing is gained any more.
---@param closure fun(): mlp.Tensor the loss, by all the data; called many times
---@return number loss before the step
function LBFGS:step(closure)
  if type(closure) ~= "function" then
    errors.wanted("LBFGS:step", "the closure", closure,
      "a function that computes and returns the loss")
  end
  local o <const> = self.groups[1].options
  retired.check("LBFGS", self.groups[1].parameters)
  self.evaluations = 0
  local here = evaluate(self, closure)
  local first <const> = here.f
  if largest(here.gradient) <= o.tolerance_grad then return first end
  for iteration = 1, o.max_iter do
    local over
    here, over = iterate(self, closure, here, iteration == o.max_iter)
    if over then break end
  end
  return first
end

return LBFGS
