--- The collector against us: tensors dropped while their views live, finalised in any order, in
--- every mode of the collector; memory that stays flat although nobody calls collectgarbage; long
--- histories that are freed without recursion.
local mlp <const> = require "mlp"
local child <const> = require "spec.support.child"

local LONG <const> = os.getenv "MLP_LONG" ~= nil

--- Live bytes and tensors when everything unreachable is gone.
local function settled()
  collectgarbage()
  collectgarbage()
  local memory <const> = mlp.memory()
  return memory.bytes, memory.tensors
end

local function restore_collector()
  collectgarbage "incremental"
  collectgarbage("setpause", 200)
  collectgarbage("setstepmul", 100)
  collectgarbage "restart"
end

--- Storages with views of views, histories and gradients, dropped here and there.
local function churn(rounds)
  local kept <const> = {}
  for i = 1, rounds do
    local base <const> = mlp.full({ 6, 5 }, i)
    local view <const> = base:transpose(1, 2):slice(1, 2, 4)
    local leaf <const> = mlp.ones(6, 5):requires_grad_()
    local loss <const> = (leaf * base):exp():sum()
    kept[i % 17 + 1] = view:select(1, 2)
    kept[i % 13 + 20] = loss
    if i % 5 == 0 then loss:backward() end
    if i % 7 == 0 then base:close() end
    for k = 1, 17 do
      local survivor <const> = kept[k]
      if survivor then assert.equal(survivor:get(1), survivor:get(6)) end
    end
  end
end

describe("the collector", function()
  after_each(restore_collector)

  local modes <const> = {
    ["stepping all the time"] = function()
      collectgarbage("setpause", 0)
      collectgarbage("setstepmul", 1000)
    end,
    ["generational"] = function() collectgarbage "generational" end,
    ["stopped"] = function() collectgarbage "stop" end,
    ["lazy"] = function() collectgarbage("setpause", 1000) end,
  }
  for name, set in pairs(modes) do
    it("leaves views and histories intact and gives every byte back, " .. name, function()
      local bytes <const>, tensors <const> = settled()
      set()
      churn(name == "stepping all the time" and 60 or 600)
      restore_collector()
      local bytes_after <const>, tensors_after <const> = settled()
      assert.equal(bytes, bytes_after)
      assert.equal(tensors, tensors_after)
    end)
  end

  it("may drop a tensor while its view lives", function()
    local views <const> = {}
    for i = 1, 50 do views[i] = mlp.full({ 100, 3 }, i):select(2, 2) end
    collectgarbage()
    for i = 1, 50 do
      assert.equal(i, views[i]:get(1))
      assert.equal(i, views[i]:get(-1))
    end
  end)

  it("may finalise tensors in any order", function()
    local bytes <const>, tensors <const> = settled()
    do -- a cycle of Lua tables finalises its tensors in an order of Lua's choice
      local ring <const> = {}
      local x = mlp.ones(10):requires_grad_()
      for i = 1, 200 do
        ring[i] = { tensor = x, back = ring[i - 1], all = ring }
        x = x:mul(1.01):reshape(2, 5):reshape(10)
      end
      ring[200].tensor:sum():backward()
    end
    assert.same({ bytes, tensors }, { settled() })
  end)

  it("meets closed tensors", function()
    local bytes <const>, tensors <const> = settled()
    do
      local x <const> = mlp.ones(10):requires_grad_()
      local y <const> = x:mul(2)
      local loss <const> = y:sum()
      y:close()
      y:close()
      loss:backward()
      assert.equal(2, x.grad:get(1))
      assert.error_matches(function() return y:sum() end, "closed")
    end
    assert.same({ bytes, tensors }, { settled() })
  end)

  it("closes a tensor at the end of its scope", function()
    local bytes <const> = settled()
    collectgarbage "stop"
    for _ = 1, 10 do
      local x <close> = mlp.zeros(1000, 1000)
      assert.equal(2, x.ndim)
    end
    assert.equal(bytes, mlp.memory().bytes)
  end)
end)

describe("memory without any call of collectgarbage", function()
  local function run(...)
    local output, well = child.lua("spec/stress/temporaries.lua", ...)
    assert.is_true(well, output)
    local figures <const> = child.figures(output)
    assert.is_truthy(figures.late_live, output)
    return figures
  end

  --- The address sanitizer keeps what was freed for a while, to catch its use.
  local function quarantined()
    local maps <close> = assert(io.open "/proc/self/maps")
    return maps:read("a"):find("libasan", 1, true) ~= nil
  end

  local function assert_flat(figures)
    local live <const> = figures.late_live / figures.early_live
    local resident <const> = figures.late_resident / figures.early_resident
    assert.is_true(live <= 1.1, "the peak of live bytes grew by a factor of " .. live)
    if quarantined() then return end
    assert.is_true(resident <= 1.1, "resident memory grew by a factor of " .. resident)
  end

  local COUNT <const> = LONG and 100000 or 20000

  for _, mode in ipairs { "incremental", "generational" } do
    it("stays within a tenth of the peak of the first thousand rounds, " .. mode, function()
      assert_flat(run(100000, 0, mode))
    end)
  end

  -- The stand-alone lua is generational; there a large heap is looked at seldom. An incremental
  -- collector marks the whole heap in every cycle, and no promise is made for it but this: what
  -- is dead and waits is no more than twice the heap.
  local HEAP_MB <const> = LONG and 300 or 60

  it("costs at most twice the time in a host with a large heap", function()
    local alone <const> = run(COUNT, 0, "generational")
    local inside <const> = run(COUNT, HEAP_MB, "generational")
    local ratio <const> = inside.seconds / alone.seconds
    assert.is_true(ratio <= 2, "takes " .. ratio .. " times as long")
  end)

  it("is bounded by the heap of an incremental host", function()
    local waiting <const> = run(COUNT, HEAP_MB, "incremental").late_live
    assert.is_true(waiting < 2.2 * HEAP_MB * 1024 * 1024, "live bytes reach " .. waiting)
  end)
end)

describe("a chain of a million operations", function()
  it("is freed, and differentiated, without recursion", function()
    local output, well = child.lua("spec/stress/chain.lua", LONG and 1000000 or 200000)
    assert.is_true(well, output)
    assert.equal("1.0\n0\n", output)
  end)
end)
