--- The table of cases. One row of it promises what one operation does; spec/op/cases_spec.lua holds
--- every instruction set, dtype, view, gradient and in-place twin to the promise, and the benchmark
--- reads the same rows. They stand in spec/support/cases/<family>.lua, which returns a list:
---
---   local R = require "spec.support.reference"   -- map, zip, along, matmul ... on nested tables
---   return {
---     { op = "hypotenuse",                       -- as in src/op/list.h
---       shapes = { {}, {5}, {1, 3}, {0, 4}, {67} },   -- the case runs once for each of these
---       args = function(make, shape)
---         return { make(shape), make(shape, { range = { 1, 2 } }) }
---       end,
---       range = { -3, 3 }, kinks = { 0 },
---       reference = function(x, y)
---         return R.zip(function(a, b) return math.sqrt(a * a + b * b) end, x, y)
---       end },
---     { op = "linear", name = "gelu",
---       args = function(make)
---         return { make{ 5, 3 }, make{ 4, 3 }, make{ 4 }, { activation = "gelu" } }
---       end,
---       grad = { 1, 2, 3 }, reference = function(x, w, b, options) ... end },
---     { op = "linear", name = "too wide",
---       args = function(make) return { make{ 5, 3 }, make{ 4, 2 } } end,
---       error = "linear: input is (5, 3) but weight (4, 2) wants 2 columns" },
---   }
---
--- Fields (op, args, and one of reference, check and error are required):
---   op         the name of the operation
---   name       tells cases of one operation apart; unique per operation
---   args       function(make, shape): the argument list, positional, options table last; a list of
---              tensors is one argument. Called anew for every call; depends on nothing else.
---   shapes     what `args` is called with, one after the other: a shape, or a list with a shape
---              (or a number) per argument; without it the case runs once and shape is nil
---   range      { low, high } of make's numbers, { -2, 2 } by default
---   kinks      points that make's numbers keep at least 0.05 away from
---   dtypes     the dtypes that make uses by default, { "float64", "float32" }
---   reference  function(...): the arguments again, unpacked, tensors as nested tables (a number if
---              of shape ()), options as they are; returns a nested table (number, booleans)
---              per output; nil for an output that is not compared
---   check      function(outputs, args): assertions of its own, beside or instead of a reference
---   out        the shapes of the outputs (a list, or a function(shape) that returns one), for
---              outputs whose nested table cannot tell: (0, 3) looks like (0,)
---   grad       positions of the arguments to differentiate; default: every float tensor among
---              them (lists of tensors too); {}: none, and then no output may carry a history
---   smooth     false: the second derivative is not checked; `reason` says why
---   tolerance  of float32 against the reference, relative to the largest element; default 1e-5.
---              A looser one has its `reason`. Integer outputs are compared exactly.
---   tolerance64  of float64, default 1e-12; likewise
---   reason     the sentence behind a tolerance, `smooth = false` or `twin = false`
---   random     true: the default generator is seeded alike before every call
---   writes     positions of the arguments that the call changes in place; the reference returns
---              their new values after the outputs
---   error      a piece of the message that the call must raise; nothing else is checked then
---   nonempty   why the operation has no case with an axis of length 0 (a refused one counts)
---   covers     internal operations that this case reaches through its derivatives; verified
---   twin       false: not compared with the in-place twin
---
--- `make` (spec/support/make.lua) builds tensors from a small generator, the same at every call:
---   make(shape, { range=, kinks=, dtype=, distinct=true })   uniform in range, exact in float32;
---                               distinct: no two closer than 1/256 of the range (sorts, maxima)
---   make.index(shape, n)        int64 in 1 .. n
---   make.mask(shape)            uint8, 0 or 1, both present where there is room
---   make.values(nested, dtype)  exactly these; dtype defaults to the one of this run
---   make.dtype                  the dtype of this run
local families <const> = { "elementwise", "movement", "reduction", "network", "linalg",
  "tensors", "field", "experts" }

local FIELDS <const> = {
  op = "string", name = "string", args = "function", shapes = "table", range = "table",
  kinks = "table", dtypes = "table", reference = "function", check = "function", out = "any",
  grad = "table",
  smooth = "boolean", tolerance = "number", tolerance64 = "number", reason = "string",
  random = "boolean", writes = "table", error = "string", nonempty = "string", covers = "table",
  twin = "boolean", family = "string",
}

local function complain(row, format, ...)
  local where <const> = ("cases of %s: %s (%s): "):format(row.family, row.op or "?", row.name or "")
  error(where .. format:format(...), 0)
end

local function validate(row)
  for field, value in pairs(row) do
    local wanted = FIELDS[field] or complain(row, "unknown field '%s'", field)
    if wanted ~= "any" and type(value) ~= wanted then
      complain(row, "%s is a %s, wanted a %s", field, type(value), wanted)
    end
  end
  if not row.op then complain(row, "op is missing") end
  if not row.args then complain(row, "args is missing") end
  if not (row.reference or row.check or row.error) then
    complain(row, "needs a reference, a check or an error")
  end
  local loose = (row.tolerance or 0) > 1e-5 or (row.tolerance64 or 0) > 1e-12
  if (loose or row.smooth == false or row.twin == false) and not row.reason then
    complain(row, "a loose tolerance, smooth = false or twin = false needs a reason")
  end
end

local function family_rows(family)
  local path <const> = "spec.support.cases." .. family
  if not package.searchpath(path, package.path) then return {} end
  return require(path)
end

local cases <const>, seen <const> = {}, {}
for _, family in ipairs(families) do
  for _, row in ipairs(family_rows(family)) do
    row.family = family
    validate(row)
    local key <const> = row.op .. "\0" .. (row.name or "")
    if seen[key] then complain(row, "a second case of this name") end
    seen[key] = true
    cases[#cases + 1] = row
  end
end

return cases
