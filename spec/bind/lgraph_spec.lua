--- Scopes of no_grad as values: they close once, however they are closed, and nothing else passes
--- for one.
local mlp <const> = require "mlp"

local function records() return (mlp.ones(1, { requires_grad = true }) * 2).requires_grad end

describe("a no_grad scope", function()
  it("closes once, by :close(), <close> or the collector", function()
    local scope <const> = mlp.no_grad()
    assert.is_false(records())
    scope:close()
    assert.is_true(records())
    scope:close()
    assert.is_true(records())
    do
      local _ <close> = mlp.no_grad()
      assert.is_false(records())
    end
    assert.is_true(records())
    mlp.no_grad()
    collectgarbage()
    collectgarbage()
    assert.is_true(records())
  end)

  it("refuses close without itself, or with something else", function()
    local scope <close> = mlp.no_grad()
    for _, other in ipairs { io.stdout, mlp.ones(1), {}, 1 } do
      assert.error_matches(function() scope.close(other) end, "scope:close%(%)")
    end
    assert.error_matches(function() scope.close() end, "scope:close%(%)")
    assert.is_false(records())
  end)

  it("holds for the coroutine that opened it, suspended or closed", function()
    local held
    local thread <const> = coroutine.create(function()
      local _ <close> = mlp.no_grad()
      held = not records()
      coroutine.yield()
    end)
    assert(coroutine.resume(thread))
    assert.is_true(held)
    assert.is_true(records())
    assert(coroutine.close(thread))
    assert.is_true(records())
  end)
end)

describe("requires_grad_", function()
  it("takes true, false or nothing", function()
    local x <const> = mlp.ones(2)
    assert.is_true(x:requires_grad_().requires_grad)
    assert.is_false(x:requires_grad_(false).requires_grad)
    assert.error_matches(function() x:requires_grad_("no") end,
      "requires_grad_: the flag is the string 'no' but true or false is wanted")
  end)
end)
