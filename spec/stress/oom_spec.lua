--- Memory that runs out. A piece is a function that uses one row, layer, reader or the trainer; it
--- is run with the n-th request for memory refused, and all that follow, for n = 1, 2, ... until
--- it gets through. Every refusal is a Lua error that says "out of memory" (files may answer nil
--- and say so), or does no harm; afterwards, with memory back, the piece works and every byte has
--- come home.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
local cases <const> = require "spec.support.cases"
local make <const> = require "spec.support.make"
local pieces <const> = require "spec.stress.pieces"

local LONG <const> = os.getenv "MLP_LONG" ~= nil
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
local function starve(piece, name)
  piece() -- what is loaded once is loaded
  for n = 0, MOST_REQUESTS do
    local through, message = attempt(piece, n)
    if through == true then return n end
    assert.is_true(says_memory(message),
      ("%s, request %d refused: %s"):format(name, n + 1, tostring(message)))
  end
  error(name .. " never gets through")
end

local function check(name, piece)
  piece()
  local before <const> = live()
  local requests <const> = starve(piece, name)
  piece()
  assert.equal(before, live(), name .. ": bytes were lost")
  return requests
end

--- The first run of a case that has elements, and its derivative where it has one.
local function piece_of(case)
  local dtype <const> = (case.dtypes or { "float32" })[1]
  local shape = case.shapes and case.shapes[1]
  for _, candidate in ipairs(case.shapes or {}) do
    local small <const> = make.count(candidate) > 0 and make.count(candidate) <= 64
    if small and (make.count(shape) == 0 or #candidate > #shape) then shape = candidate end
  end
  local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end
  return function()
    local args <const> = case.args(make.new(case, dtype), shape)
    local n, leaves = 0, {}
    for position, arg in pairs(args) do
      n = math.max(n, position)
      if type(arg) == "userdata" and arg.dtype and is_float(arg) and not case.writes then
        leaves[#leaves + 1] = arg:requires_grad_()
      end
    end
    local y <const> = core[case.op](table.unpack(args, 1, n))
    if type(y) == "userdata" and y.requires_grad then
      local grads <const> = table.pack(core.grad(y:sum(), leaves, { create_graph = true }))
      for k = 1, #leaves do
        local g <const> = grads[k]
        if g and g.requires_grad then core.grad(g:sum(), leaves) end
      end
    end
  end
end

describe("when memory runs out", function()
  after_each(function() core.debug.fail_after(-1) end)

  local starved <const> = {} -- one case of every operation; all of them where time is no matter
  for _, case in ipairs(cases) do
    if not case.error and (LONG or not starved[case.op]) then
      starved[case.op] = true
      local name <const> = case.op .. (case.name and " (" .. case.name .. ")" or "")
      it(name .. " gives every byte back", function()
        assert.is_true(check(name, piece_of(case)) > 0, "no request for memory was seen")
      end)
    end
  end

  for _, piece in ipairs(pieces) do
    it(piece.name .. " gives every byte back", function() check(piece.name, piece.run) end)
  end

  it("in-place operations leave the tensor whole", function()
    local x <const> = mlp.ones(4, 4)
    for n = 0, 20 do
      if attempt(function() x:add_(1) end, n) == true then break end
      assert.same(mlp.ones(4, 4):totable(), x:totable())
    end
    assert.equal(2, x:get(4, 4))
  end)
end)
