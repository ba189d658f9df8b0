--- Gradients beyond backward: scopes without history, gradients as values, and checks against
--- central differences. All of it rests on derivatives being written in operations.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local autograd = {}

local function finish(scope, ok, ...)
  scope:close()
  if not ok then error((...), 0) end
  return ...
end

--- Runs fn(...) without recording history and returns what it returns. Without fn, returns a scope:
--- `local _ <close> = mlp.no_grad()`. A scope opened in a coroutine holds for that coroutine alone,
--- so a yield inside leaks nothing.
---@param fn function?
---@param ... any
---@return any ...
function autograd.no_grad(fn, ...)
  local scope = core.no_grad_scope()
  if fn == nil then return scope end
  if type(fn) ~= "function" then
    scope:close()
    errors.wanted("no_grad", "the first argument", fn, "a function, or nothing")
  end
  return finish(scope, pcall(fn, ...))
end

--- Gradients of a one-element y with respect to xs, as values. With create_graph they have a
--- history of their own, so that gradients of gradients can be taken.
---@param y mlp.Tensor
---@param xs mlp.Tensor[] leaves or intermediate values
---@param options {gradient: mlp.Tensor?, create_graph: boolean?, retain_graph: boolean?}?
---@return mlp.Tensor? ... one per x; nil where y does not depend on it
function autograd.grad(y, xs, options) return core.grad(y, xs, options) end

-- ---- what the functions below check -------------------------------------------------------------

local function want_call(call, fn)
  if type(fn) ~= "function" and not (getmetatable(fn) or {}).__call then
    errors.wanted(call, "the first argument", fn, "a function")
  end
  if not core.grad_enabled() then errors.raise("%s: inside no_grad there is no gradient", call) end
end

local function want_value(call, y)
  if not core.is_tensor(y) then errors.wanted(call, "what the function returns", y, "a tensor") end
  return y
end

local function want_float(call, what, x)
  if core.is_tensor(x) and x.dtype:match "^float" then return end
  errors.wanted(call, what, x, "a tensor of floats")
end

-- ---- checks and products ------------------------------------------------------------------------

local function fixed_weights(y)
  return core.rand(y.shape, { dtype = y.dtype, generator = core.generator(7) }) + 0.5
end

--- Own leaves with the same values: the check moves them about.
local function leaf_copies(call, inputs)
  local copies, wanted = {}, {}
  for i, x in ipairs(inputs) do
    if not core.is_tensor(x) then errors.wanted(call, ("input %d"):format(i), x, "a tensor") end
    copies[i] = x:detach():clone()
    if x.dtype == "float32" then
      errors.wanted(call, ("input %d"):format(i), x, "a float64 tensor")
    end
    if x.dtype == "float64" then wanted[#wanted + 1] = copies[i]:requires_grad_() end
  end
  return copies, wanted
end

--- d value() / d x, element by element, by central differences; value() reads x.
local function numeric(value, x, step)
  local flat = x:detach():reshape(-1)
  local result = core.zeros(flat.shape, { dtype = "float64" })
  for i = 1, #flat do
    local at = flat:get(i)
    flat:set(i, at + step)
    local above = value()
    flat:set(i, at - step)
    local below = value()
    flat:set(i, at)
    result:set(i, (above - below) / (2 * step))
  end
  return result:reshape(x.shape)
end

--- Compares gradients of the one-element value() with central differences; a sentence when they
--- differ.
local function compare(value, wanted, o, what)
  local y = value()
  local found = y.requires_grad and table.pack(core.grad(y, wanted)) or {}
  for k, x in ipairs(wanted) do
    local expected = numeric(function() return value():item() end, x, o.step)
    local gap = (found[k] and expected - found[k] or expected):abs():sum()
    local scale = math.max(expected:abs():sum():item(), 1)
    gap = x:numel() > 0 and gap:item() or 0
    if gap ~= gap or gap > o.tolerance * scale then
      return ("%s by input %d differs from central differences by %.3g of %.3g"):format(what, k,
        gap, scale)
    end
  end
end

--- Compares gradients of fn with central differences, in float64.
---@param fn fun(...: mlp.Tensor): mlp.Tensor returns one float64 tensor
---@param inputs mlp.Tensor[] float64 tensors are differentiated, integers passed on
---@param options {step: number?, tolerance: number?, second: boolean?}? step 1e-6; tolerance 1e-6
---  (sum of errors over sum of gradients, at least 1); second = true also checks gradients of
---  gradients
---@return boolean ok, string? message which derivative differs, and by how much
function autograd.gradcheck(fn, inputs, options)
  want_call("gradcheck", fn)
  if type(inputs) ~= "table" then
    errors.wanted("gradcheck", "the second argument", inputs, "a table of tensors")
  end
  local o = errors.options("gradcheck", options, { step = 1e-6, tolerance = 1e-6, second = false })
  local xs, wanted = leaf_copies("gradcheck", inputs)
  local function value()
    local y = want_value("gradcheck", fn(table.unpack(xs)))
    return (y * fixed_weights(y)):sum()
  end
  local message = compare(value, wanted, o, "the gradient")
  if message or not o.second then return not message, message end
  message = compare(function()
    local total = core.zeros({}, { dtype = "float64" })
    local grads = table.pack(core.grad(value(), wanted, { create_graph = true }))
    for k = 1, #wanted do
      if grads[k] then total = total + (grads[k] * fixed_weights(grads[k])):sum() end
    end
    return total
  end, wanted, o, "the second derivative")
  return not message, message
end

--- The matrix of derivatives: entry (i, j) is d fn(x)[i] / d x[j], both flattened in row-major
--- order.
---@param fn fun(x: mlp.Tensor): mlp.Tensor
---@param x mlp.Tensor (..., ) floats
---@param options {create_graph: boolean?}?
---@return mlp.Tensor jacobian (outputs, inputs)
function autograd.jacobian(fn, x, options)
  local o = errors.options("jacobian", options, { create_graph = false })
  want_call("jacobian", fn)
  want_float("jacobian", "x", x)
  local leaf = x.requires_grad and x or x:detach():requires_grad_()
  local y = want_value("jacobian", fn(leaf)):reshape(-1)
  if #y == 0 then return core.zeros({ 0, x:numel() }, { dtype = x.dtype }) end
  local rows = {}
  for i = 1, #y do
    local row = y.requires_grad
      and core.grad(y[i], { leaf }, { create_graph = o.create_graph, retain_graph = true })
    rows[i] = (row or core.zeros(leaf.shape, { dtype = leaf.dtype })):reshape(-1)
  end
  return core.stack(rows, 1)
end

--- Hessian-vector product: the derivative of grad fn(x) along v, without ever building the Hessian.
---@param fn fun(x: mlp.Tensor): mlp.Tensor returns one element
---@param x mlp.Tensor
---@param v mlp.Tensor of x's shape
---@return mlp.Tensor hv of x's shape
---@return mlp.Tensor value fn(x), detached
function autograd.hvp(fn, x, v)
  want_call("hvp", fn)
  want_float("hvp", "x", x)
  want_float("hvp", "v", v)
  if errors.shape(v) ~= errors.shape(x) then
    errors.raise("hvp: v is %s but x is %s; one shape is wanted", errors.shape(v), errors.shape(x))
  end
  local leaf = x:detach():requires_grad_()
  local y = want_value("hvp", fn(leaf))
  local gradient = core.grad(y, { leaf }, { create_graph = true })
  local zero = core.zeros(leaf.shape, { dtype = leaf.dtype })
  if not (gradient and gradient.requires_grad) then return zero, y:detach() end
  return core.grad((gradient * v):sum(), { leaf }) or zero, y:detach()
end

return autograd
