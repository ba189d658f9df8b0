--- Every operation holds what its rows in the table of cases promise: the value (against a
--- plain-Lua double reference) in every dtype and on every instruction set, from strided and from
--- stretched views, into a fresh tensor and in place; the first and second derivative against
--- central differences; its documentation. An operation without a case fails here.
local core <const> = require "mlp.core"
local case_run <const> = require "spec.support.case_run"
local cases <const> = require "spec.support.cases"
local gradcheck <const> = require "spec.support.gradcheck"
local make <const> = require "spec.support.make"
local R <const> = require "spec.support.reference"

local isas <const> = {}
for _, name in ipairs { "generic", "avx2", "avx512" } do
  if core.debug.isa(name) then isas[#isas + 1] = name end
end

local arguments <const>, with_tensors <const> = case_run.arguments, case_run.with_tensors
local call <const>, compare <const> = case_run.call, case_run.compare
local differentiated <const>, gradients <const> = case_run.differentiated, case_run.gradients
local is_float <const>, has_gradient <const> = case_run.is_float, case_run.has_gradient

local function nested(t) return R.nest(make.read(t), t.shape) end

--- What the reference says, or nil where the case has none.
local function expected(run)
  if not run.case.reference then return nil end
  local args <const> = with_tensors(arguments(run), nested)
  return table.pack(run.case.reference(table.unpack(args, 1, args.n)))
end

--- The outputs, followed by the arguments that the call wrote.
local function results(run, args)
  local outputs <const> = call(run, args)
  for _, position in ipairs(run.case.writes or {}) do outputs[#outputs + 1] = args[position] end
  return outputs
end

local function on_every_isa(f)
  for _, name in ipairs(isas) do
    assert(core.debug.isa(name))
    f(name)
  end
end

--- ---- the checks ------------------------------------------------------------------------------

local check <const> = {}

function check.value(run)
  local wanted <const> = expected(run)
  local naive
  on_every_isa(function(isa)
    local args <const> = arguments(run)
    local got <const> = results(run, args)
    if wanted then compare(run, got, wanted, "value on " .. isa) end
    if run.case.check then run.case.check(got, args) end
    naive = naive or got
    if got ~= naive then compare(run, got, naive, isa .. " against " .. isas[1]) end
  end)
end

function check.out_shape(run)
  local out = run.case.out
  if type(out) == "function" then out = out(run.shape) end
  if not out then return end
  for k, y in ipairs(call(run, arguments(run))) do
    if out[k] then
      assert.same(out[k], y.shape, ("%s: shape of output %d"):format(run.about, k))
    end
  end
end

--- Reads through strides and offsets: the elements around the view are poison.
function check.strided(run)
  local plain <const> = results(run, arguments(run))
  local empty = false
  local args <const> = with_tensors(arguments(run), function(t)
    empty = empty or t:numel() == 0
    if empty then return t end
    local base, view = make.strided(t)
    return view(base)
  end)
  if not empty then compare(run, results(run, args), plain, "strided view against copy") end
end

--- Reads through stride 0: the first line along the first axis, stretched over that axis.
function check.stretched(run)
  if run.case.writes then return end
  local function stretched(copy)
    return with_tensors(arguments(run), function(t)
      if t.ndim == 0 or t:size(1) == 0 or not is_float(t) then return t end
      local seen <const> = t:slice(1, 1, 1):expand(table.unpack(t.shape))
      return copy and make.from_flat(make.read(seen), t.dtype, t.shape) or seen
    end)
  end
  local sound, plain = pcall(call, run, stretched(true))
  if sound then compare(run, call(run, stretched()), plain, "stretched view against copy") end
end

function check.in_place(run)
  if not run.row.in_place or run.case.twin == false then return end
  local args <const>, name <const> = arguments(run), run.case.op .. "_"
  local plain <const> = call(run, arguments(run))
  local first <const> = args[1]
  if not make.is_tensor(first) or first.dtype ~= plain[1].dtype then return end
  if table.concat(first.shape, ",") ~= table.concat(plain[1].shape, ",") then return end
  local got <const> = call(run, args, name)
  assert.equal(first, got[1], run.about .. ": the in-place twin returns its first argument")
  compare(run, { first }, { plain[1] }, "in place against out of place", 0)
end

--- The leaves of a run, and the call as a function of them.
local function as_function(run)
  local wanted <const>, leaves <const> = differentiated(run), {}
  with_tensors(arguments(run), function(t, position)
    if wanted[position] and is_float(t) then leaves[#leaves + 1] = t:requires_grad_() end
    return t
  end)
  return leaves, function(moved)
    local at = 0
    return call(run, with_tensors(arguments(run), function(t, position)
      if not (wanted[position] and is_float(t)) then return t end
      at = at + 1
      return moved[at]
    end))
  end
end

local function elements(leaves)
  local n = 0
  for _, leaf in ipairs(leaves) do n = n + leaf:numel() end
  return n
end

--- What carries no gradient has no history; a row whose derivative nobody wrote (it would be of the
--- third order) has one, and says so when it is asked.
function check.no_history(run)
  local leaves <const>, f <const> = as_function(run)
  if #leaves > 0 and run.row.differentiable then return end
  with_tensors(arguments(run), function(t)
    if is_float(t) then leaves[#leaves + 1] = t:requires_grad_() end
    return t
  end)
  for k, y in ipairs(f(leaves)) do
    if y.requires_grad then
      local sound, message = pcall(core.grad, y:sum(), leaves)
      assert.is_false(sound, ("%s: output %d has a history"):format(run.about, k))
      assert.is_truthy(message:find(run.case.op .. " has no derivative", 1, true), message)
    end
  end
end

function check.gradient(run)
  if not has_gradient(run) then return end
  local leaves <const>, f <const> = as_function(run)
  if elements(leaves) == 0 then return end
  gradcheck.first(f, leaves, run.about)
  if run.case.smooth == false then return end
  local last <const> = gradcheck.second(f, leaves, run.about)
  for _, name in ipairs(run.case.covers or {}) do
    run.case.reached = run.case.reached or {}
    if last and core.debug.history(last)[name] then run.case.reached[name] = true end
  end
end

local function zeros_like(t) return core.zeros(t.shape, { dtype = t.dtype }) end

--- The gradient in float32 on every instruction set, and that of strided leaves, against float64.
--- A derivative runs a few more operations than the value: ten times its tolerance.
function check.gradient_elsewhere(run)
  if not has_gradient(run) then return end
  local single <const> = case_run.of(run.case, run.shape, "float32")
  local leaves64 <const>, f64 <const> = as_function(run)
  local leaves32 <const>, f32 <const> = as_function(single)
  if #leaves64 == 0 then return end
  local wanted <const> = gradients(f64, leaves64)
  local function compare_with(got, tolerance, about)
    for k = 1, #leaves64 do
      assert.close(got[k] or zeros_like(leaves64[k]), wanted[k] or zeros_like(leaves64[k]), {
        tolerance = tolerance, about = ("%s: gradient of leaf %d %s"):format(run.about, k, about),
      })
    end
  end
  on_every_isa(function(isa)
    compare_with(gradients(f32, leaves32), 10 * single.tolerance, "in float32 on " .. isa)
  end)
  if elements(leaves64) == 0 then return end
  local bases <const>, views <const>, seen <const> = {}, {}, {}
  for k, leaf in ipairs(leaves64) do
    if leaf:numel() == 0 then return end
    bases[k], views[k] = make.strided(leaf)
    bases[k]:requires_grad_()
    seen[k] = views[k](bases[k])
  end
  local through <const> = gradients(function() return f64(seen) end, bases)
  for k = 1, #bases do through[k] = through[k] and views[k](through[k]) end
  compare_with(through, 10 * run.tolerance, "through a strided view")
end

--- The gradient through the in-place twin: of x, by way of a copy of x that the twin overwrites. A
--- row whose derivative reads the overwritten value must refuse, and say so; it must not answer.
function check.gradient_in_place(run)
  if not run.row.in_place or run.case.twin == false or not has_gradient(run) then return end
  local leaves <const>, f <const> = as_function(run)
  local same <const> = arguments(run)[1]
  local plain <const> = f(leaves)[1]
  if not differentiated(run)[1] or not make.is_tensor(same) or same.dtype ~= plain.dtype
      or table.concat(same.shape, ",") ~= table.concat(plain.shape, ",") then
    return
  end
  local wanted <const> = gradients(f, leaves)
  local sound, got = pcall(gradients, function(moved)
    local args <const>, at = arguments(run), 0
    local seen <const> = differentiated(run)
    local filled <const> = with_tensors(args, function(t, position)
      if not (seen[position] and is_float(t)) then return t end
      at = at + 1
      return position == 1 and moved[at]:mul(1) or moved[at]
    end)
    return call(run, filled, run.case.op .. "_")
  end, leaves)
  if not sound then
    assert.is_truthy(tostring(got):find("changed", 1, true), run.about .. ": " .. tostring(got))
    return
  end
  for k = 1, #leaves do
    assert.close(got[k] or zeros_like(leaves[k]), wanted[k] or zeros_like(leaves[k]), {
      tolerance = 10 * run.tolerance, about = run.about .. ": gradient in place, of leaf " .. k,
    })
  end
end

--- ---- the spec --------------------------------------------------------------------------------

--- A case whose call must be refused, at the line of the call.
local function check_refusal(run)
  local args <const> = arguments(run)
  local sound, message = pcall(function() return (call(run, args)) end)
  assert.is_false(sound, run.about .. ": was expected to be refused")
  local told <const> = tostring(message)
  assert.is_truthy(told:find(run.case.error, 1, true),
    ("%s: said '%s', expected '%s'"):format(run.about, told, run.case.error))
  assert.is_truthy(told:find("case_run.lua:%d+: "),
    ("%s: '%s' does not stand at the caller's line"):format(run.about, told))
end

local function examine(case)
  if case.error then
    it("refuses " .. (case.name or ""), function()
      for _, run in ipairs(case_run.all(case, case.dtypes or { "float32" })) do
        check_refusal(run)
      end
    end)
    return
  end
  local function each(title, f, dtypes)
    it(title .. (case.name and " (" .. case.name .. ")" or ""), function()
      finally(function() core.debug.isa(isas[#isas]) end)
      for _, run in ipairs(case_run.all(case, dtypes)) do f(run) end
    end)
  end
  each("computes its value", function(run)
    check.value(run)
    check.out_shape(run)
  end)
  each("reads views", function(run)
    check.strided(run)
    check.stretched(run)
  end)
  each("works in place", check.in_place)
  if not case_run.has_float64(case) then return end
  each("has its derivatives", function(run)
    check.no_history(run)
    check.gradient(run)
    check.gradient_elsewhere(run)
    check.gradient_in_place(run)
  end, { "float64" })
end

local by_op <const> = {}
for _, case in ipairs(cases) do
  by_op[case.op] = by_op[case.op] or {}
  table.insert(by_op[case.op], case)
end

for _, row in ipairs(core.rows()) do
  describe(row.name, function()
    for _, case in ipairs(by_op[row.name] or {}) do
      examine(case)
    end
  end)
end

describe("the table of cases", function()
  local function all_names(list, of)
    local names = {}
    for _, item in ipairs(list) do
      if of(item) then names[#names + 1] = item.name end
    end
    return names
  end

  it("names only operations that exist", function()
    for _, case in ipairs(cases) do
      assert.is_truthy(case_run.rows[case.op], "no operation is called " .. case.op)
      for _, name in ipairs(case.covers or {}) do
        assert.is_truthy(case_run.rows[name],
          ("%s covers %s, which does not exist"):format(case.op, name))
      end
    end
  end)

  it("has a case of every operation", function()
    local covered = {}
    for _, case in ipairs(cases) do
      for _, name in ipairs(case.covers or {}) do covered[name] = true end
    end
    assert.same({}, all_names(core.rows(), function(row)
      return not by_op[row.name] and not (row.internal and covered[row.name])
    end))
  end)

  it("reaches the internal operations that cases say they reach", function()
    for _, case in ipairs(cases) do
      for _, name in ipairs(case.covers or {}) do
        assert.is_truthy(case.reached and case.reached[name],
          ("%s (%s) does not reach %s"):format(case.op, case.name or "", name))
      end
    end
  end)

  it("has an empty tensor for every operation, or a reason", function()
    local function meets_empty(case)
      if case.nonempty then return true end
      for _, run in ipairs(case_run.all(case)) do
        local empty = false
        with_tensors(arguments(run), function(t)
          empty = empty or t:numel() == 0
          return t
        end)
        if empty then return true end
      end
      return false
    end
    assert.same({}, all_names(core.rows(), function(row)
      for _, case in ipairs(by_op[row.name] or {}) do
        if meets_empty(case) then return false end
      end
      return by_op[row.name] ~= nil
    end))
  end)
end)

describe("the operation table", function()
  it("documents every operation and every argument", function()
    for _, row in ipairs(core.rows()) do
      if not row.internal then
        assert.is_truthy(row.doc and #row.doc > 0, row.name .. " has no doc")
      end
      for _, arg in ipairs(row.arguments) do
        local about <const> = ("%s: argument %s"):format(row.name, tostring(arg.name))
        assert.is_truthy(arg.name and arg.name:find("^[%a_][%w_]*$"), about .. " has no name")
        if not row.internal then
          assert.is_truthy(arg.doc and #arg.doc > 0, about .. " has no doc")
        end
      end
    end
  end)

  it("lists every operation once", function()
    local seen = {}
    for _, row in ipairs(core.rows()) do
      assert.is_nil(seen[row.name], row.name .. " stands twice in the list")
      seen[row.name] = true
    end
  end)
end)
