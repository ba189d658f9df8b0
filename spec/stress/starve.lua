--- Memory that runs out. A piece is a function that uses one row, layer, reader or the trainer; it
--- is run with the n-th request for memory refused, and all that follow, for n = 1, 2, ... until it
--- gets through. Every refusal is a Lua error that says "out of memory" (files may answer nil and
--- say so), or does no harm; afterwards, with memory back, the piece works and every byte has come
--- home. Prints a line for each piece that breaks this, and how many pieces there were. Run by
--- oom_spec.lua in a process of its own: every refusal makes the library collect all garbage, which
--- is dear in the heap of a test run.
---     lua spec/stress/starve.lua [all]       all: every case, not one of each operation
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local cases <const> = require "spec.support.cases"
local make <const> = require "spec.support.make"
local pieces <const> = require "spec.stress.pieces"

local ALL <const> = arg[1] == "all"
local MOST_REQUESTS <const> = 3000

local function live()
  collectgarbage()
  collectgarbage()
  return mlp.memory().bytes
end

local function says_memory(message)
  return tostring(message):find("out of memory", 1, true) ~= nil
end

--- One attempt: whether it got through, and how it was refused otherwise.
local function attempt(piece, n)
  core.debug.fail_after(n)
  local sound, first, second = pcall(piece)
  core.debug.fail_after(-1)
  if not sound then return false, first end
  if first == nil and second ~= nil then return says_memory(second) and "told" or true, second end
  return true
end

--- Starves the piece at every request; returns how many requests it makes.
local function starve(piece)
  piece() -- what is loaded once is loaded
  for n = 0, MOST_REQUESTS do
    local through, message = attempt(piece, n)
    if through == true then return n end
    if not says_memory(message) then
      error(("request %d was refused: %s"):format(n + 1, tostring(message)), 0)
    end
  end
  error("never gets through", 0)
end

local function check(piece)
  piece()
  local before <const> = live()
  local requests <const> = starve(piece)
  piece()
  local lost <const> = live() - before
  if lost ~= 0 then error(("%d bytes were lost"):format(lost), 0) end
  return requests
end

--- Of the shapes of a case a small one with elements. Some are lists, with a shape or a number for
--- each argument.
local function shape_of(case)
  local function count(shape)
    local least
    for _, one in ipairs(shape) do
      if type(one) == "table" then least = math.min(least or math.huge, make.count(one)) end
    end
    return least or make.count(shape)
  end
  local best = case.shapes and case.shapes[1]
  for _, shape in ipairs(case.shapes or {}) do
    local small <const> = count(shape) > 0 and count(shape) <= 64
    if small and (count(best) == 0 or #shape > #best) then best = shape end
  end
  return best
end

--- The second derivative of the first output by the leaves; a row of the third order has none.
local function differentiate(y, leaves)
  local sound, message = pcall(function()
    local grads <const> = table.pack(core.grad(y:sum(), leaves, { create_graph = true }))
    local total
    for k = 1, #leaves do
      local g <const> = grads[k]
      if g and g.requires_grad then total = total and total:add(g:sum()) or g:sum() end
    end
    if total then core.grad(total, leaves) end
  end)
  if not sound and not message:find("has no derivative", 1, true) then error(message, 0) end
end

--- One run of a case, and its derivative where it has one.
local function piece_of(case)
  local dtype <const>, shape <const> = (case.dtypes or { "float32" })[1], shape_of(case)
  local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end
  local function wanted(position)
    if case.writes then return false end
    if not case.grad then return true end
    for _, one in ipairs(case.grad) do
      if one == position then return true end
    end
    return false
  end
  return function()
    local args <const> = case.args(make.new(case, dtype), shape)
    local n, leaves = 0, {}
    for position, arg in pairs(args) do
      n = math.max(n, position)
      if wanted(position) and make.is_tensor(arg) and is_float(arg) then
        leaves[#leaves + 1] = arg:requires_grad_()
      end
    end
    local y <const> = core[case.op](table.unpack(args, 1, n))
    if type(y) == "userdata" and y.requires_grad then differentiate(y, leaves) end
  end
end

--- ---- all of them -----------------------------------------------------------------------------

local count, refused = 0, 0

local function run(name, piece)
  count = count + 1
  local sound, requests = pcall(check, piece)
  core.debug.fail_after(-1)
  if sound then refused = refused + requests else print(("%s: %s"):format(name, requests)) end
end

local seen <const> = {}
for _, case in ipairs(cases) do
  if not case.error and (ALL or not seen[case.op]) then
    seen[case.op] = true
    run(case.op .. (case.name and " (" .. case.name .. ")" or ""), piece_of(case))
  end
end
for _, piece in ipairs(pieces) do run(piece.name, piece.run) end

print("pieces " .. count)
print("refused " .. refused)
