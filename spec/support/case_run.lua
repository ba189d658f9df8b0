--- One run of a row of the table of cases: which shape and dtype, its arguments, its call, how its
--- outputs are compared. What spec/op/cases_spec.lua and spec/op/compiled_cases_spec.lua share.
local assert <const> = require "luassert"
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"
require "spec.support.approx"

local case_run = {}

--- The rows of the table of operations, by name.
case_run.rows = {}
for _, row in ipairs(core.rows()) do case_run.rows[row.name] = row end

local is_tensor <const> = make.is_tensor

function case_run.is_float(t) return t.dtype == "float64" or t.dtype == "float32" end

--- "(2, 3)"; of a shape for each operand "((2, 3), (3))".
local function shape_text(shape)
  if type(shape) ~= "table" then return tostring(shape) end
  local parts = {}
  for i, part in ipairs(shape) do parts[i] = shape_text(part) end
  return "(" .. table.concat(parts, ", ") .. ")"
end

--- One run of a case: what the checks below pass around.
function case_run.of(case, shape, dtype)
  local at <const> = shape and " of " .. shape_text(shape) or ""
  return {
    case = case, shape = shape, dtype = dtype, row = case_run.rows[case.op],
    about = ("%s%s%s, %s"):format(case.op, case.name and " '" .. case.name .. "'" or "", at, dtype),
    tolerance = dtype == "float64" and (case.tolerance64 or 1e-12) or case.tolerance or 1e-5,
  }
end

function case_run.all(case, dtypes)
  local runs = {}
  for _, dtype in ipairs(dtypes or case.dtypes or { "float64", "float32" }) do
    for _, shape in ipairs(case.shapes or { false }) do
      runs[#runs + 1] = case_run.of(case, shape or nil, dtype)
    end
  end
  return runs
end

--- Does the case run in float64, as gradient checks want it?
function case_run.has_float64(case)
  for _, dtype in ipairs(case.dtypes or { "float64" }) do
    if dtype == "float64" then return true end
  end
  return false
end

--- Fresh arguments; nil ones may stand between the others, so the count is kept in n.
function case_run.arguments(run)
  local args <const> = run.case.args(make.new(run.case, run.dtype), run.shape)
  local n = 0
  for position in pairs(args) do n = math.max(n, position) end
  args.n = n
  return args
end

--- The keys of a list or of options: the same order for a copy.
local function keys_of(t)
  local keys <const> = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if math.type(a) ~= math.type(b) then return math.type(a) ~= nil end
    return a < b
  end)
  return keys
end

--- A copy of args with f(tensor, position) in place of every tensor, called in order.
function case_run.with_tensors(args, f)
  local changed <const> = { n = args.n }
  for position = 1, args.n do
    local arg = args[position]
    if is_tensor(arg) then
      arg = f(arg, position)
    elseif type(arg) == "table" then
      local list = {}
      for _, key in ipairs(keys_of(arg)) do
        local item <const> = arg[key]
        list[key] = is_tensor(item) and f(item, position) or item
      end
      arg = list
    end
    changed[position] = arg
  end
  return changed
end

function case_run.call(run, args, name)
  if run.case.random then core.manual_seed(7) end
  local outputs <const> = table.pack(core[name or run.case.op](table.unpack(args, 1, args.n)))
  outputs.n = nil
  return outputs
end

function case_run.compare(run, got, wanted, about, tolerance)
  for k = 1, math.max(#got, wanted.n or #wanted) do
    if wanted[k] ~= nil then
      assert.is_truthy(got[k], ("%s: output %d is missing"):format(run.about, k))
      local exact <const> = not case_run.is_float(got[k])
      assert.close(got[k], wanted[k], {
        tolerance = exact and 0 or tolerance or run.tolerance, absolute = exact and 0 or nil,
        about = ("%s: %s, output %d"):format(run.about, about, k),
      })
    end
  end
end

--- Positions of the arguments to differentiate.
function case_run.differentiated(run)
  local wanted <const>, args <const> = {}, case_run.arguments(run)
  if run.case.grad then
    for _, position in ipairs(run.case.grad) do wanted[position] = true end
    return wanted
  end
  case_run.with_tensors(args, function(t, position)
    wanted[position] = wanted[position] or case_run.is_float(t)
    return t
  end)
  return wanted
end

function case_run.has_gradient(run)
  if not run.row.differentiable or run.case.writes then return false end
  return next(case_run.differentiated(run)) ~= nil
end

--- Gradients of sum(v * f) for fixed v, as tensors.
function case_run.gradients(f, leaves)
  local total
  for k, y in ipairs(f(leaves)) do
    if y.requires_grad then
      local random <const>, seed <const> = make.generator(500 + k), {}
      for i = 1, y:numel() do seed[i] = math.floor(4096 * (0.5 + random())) / 4096 end
      local part <const> = y:mul(make.from_flat(seed, y.dtype, y.shape)):sum()
      total = total and total:add(part) or part
    end
  end
  return table.pack(core.grad(total, leaves))
end

return case_run
