--- The passes that rewrite a recording (src/graph/dead.c, same.c, accumulate.c, spread.c, reuse.c)
--- and the choice of tiles (height.c), each held to the law that its file states: what a plan
--- consists of then, and that it computes what the function does.
local mlp <const> = require "mlp"
local core <const> = require "mlp.core"
require "spec.support.approx"

local ROWS <const> = 200

--- What dump says of each step: its operation, home of the result, cut, and remark.
local function steps_of(f)
  local list <const> = {}
  for line in f:dump():gmatch "[^\n]+" do
    local name <const>, rest <const> = line:match "^ +%d+  ([%w_]+) +(.*)$"
    if name then
      list[#list + 1] = {
        name = name, home = rest:match "%) +b%d+ +(%a+)", cut = rest:match " B  (%a+)",
        remark = rest:match "%d  (%a[%a ]*)$",
      }
    end
  end
  return list
end

local function names_of(f)
  local names <const> = {}
  for i, step in ipairs(steps_of(f)) do names[i] = step.name end
  return table.concat(names, " ")
end

local function sweeps_of(f) return tonumber(f:dump():match "(%d+) sweeps") end

--- The step of this name, the last of them where there are several.
local function step_of(f, name)
  local found
  for _, step in ipairs(steps_of(f)) do
    if step.name == name then found = step end
  end
  return assert(found, "no step " .. name .. " in\n" .. f:dump())
end

--- fn compiled and replayed: a replay gives what the function gives.
local function compiled(fn, ...)
  local f <const>, arguments <const> = mlp.compile(fn, { batch = 1 }), { ... }
  f(...)
  local wanted <const> = table.pack(fn(table.unpack(arguments)))
  local got <const> = table.pack(f(...))
  for i = 1, wanted.n do assert.close(got[i], wanted[i], { about = f:dump() }) end
  return f
end

local lanes, x
before_each(function()
  lanes = core.lanes()
  core.lanes(2)
  core.debug.tile_height(16)
  mlp.manual_seed(4)
  x = mlp.randn(ROWS, 5)
end)
after_each(function()
  core.lanes(lanes)
  core.debug.tile_height(0)
end)

describe("what nobody reads", function()
  it("is not computed", function()
    local f <const> = compiled(function(a)
      local _ = a:exp():sin()
      return a * 2
    end, x)
    assert.equal("mul", names_of(f))
  end)

  it("is computed where it changes what outlives the call, draws, or tests", function()
    local total <const> = mlp.zeros(5)
    local f <const> = mlp.compile(function(a)
      total:add_(a:sum(1))
      mlp.rand(3)
      return a * 2
    end)
    f(x)
    assert.equal("sum add rand mul", names_of(f))
  end)
end)

describe("what is computed twice", function()
  it("is computed once, and so is what follows from it", function()
    local f <const> = compiled(function(a) return a:exp():sin():sum(2), a:exp():sin():sum() end, x)
    assert.equal("exp sin sum sum", names_of(f))
  end)

  it("is computed twice where its operand changed in between", function()
    local f <const> = compiled(function(a)
      local b <const> = a * 2
      local before <const> = b:exp():sum(2)
      b:add_(1)
      return before + b:exp():sum(2)
    end, x)
    assert.equal(2, select(2, names_of(f):gsub("exp", "")))
  end)

  it("is computed twice where a result is changed in place, or returned", function()
    local f <const> = compiled(function(a)
      local b <const>, c <const> = a:exp(), a:exp()
      b:add_(1)
      return b:sum(2), c:sum(2)
    end, x)
    assert.equal(2, select(2, names_of(f):gsub("exp", "")))
    local g <const> = mlp.compile(function(a) return a:exp(), a:exp() end)
    g(x)
    local one <const>, other <const> = g(x)
    one:mul_(0)
    assert.close(other, x:exp())
  end)

  it("is drawn twice where it is random", function()
    local f <const> = mlp.compile(function() return mlp.rand(9) - mlp.rand(9) end)
    f()
    assert.is_true(f():abs():max():item() > 0)
  end)
end)

describe("a sum with a product", function()
  local a <const>, b <const> = mlp.randn(5, 4), mlp.randn(5, 4)

  local function adding(f)
    local n = 0
    for _, step in ipairs(steps_of(f)) do n = n + (step.remark == "adds" and 1 or 0) end
    return n
  end

  it("is added to by the product, from either side, in place or not", function()
    for _, fn in ipairs {
      function(v) return (v:slice(2, 1, 4):exp() + v:matmul(a)):relu() end,
      function(v)
        local z <const> = v:slice(2, 1, 4):exp()
        return (v:matmul(a) + z):relu()
      end,
      function(v)
        local z <const> = v:slice(2, 1, 4):exp()
        z:add_(v:matmul(a))
        return z:relu()
      end,
    } do
      local f <const> = compiled(fn, x)
      assert.equal(1, adding(f), f:dump())
      assert.is_nil(names_of(f):find "add")
    end
  end)

  it("takes one after the other", function()
    local f <const> = compiled(function(v)
      local z <const>, p <const>, q <const> = v:slice(2, 1, 4):exp(), v:matmul(a), v:matmul(b)
      return ((z + p) + q):relu()
    end, x)
    assert.equal(2, adding(f), f:dump())
  end)

  it("is cut along the batch as what it is made of, and so is what reads it", function()
    local f <const> = compiled(function(v)
      return (v:slice(2, 1, 4):exp() + v:matmul(a)):relu():sum(2)
    end, x)
    assert.equal(1, adding(f))
    assert.equal(1, sweeps_of(f), f:dump())
    assert.same({ "lane", "rows" }, { step_of(f, "relu").home, step_of(f, "relu").cut })
  end)

  it("is a sum where the product or the other summand is read once more", function()
    for _, fn in ipairs {
      function(v)
        local p <const> = v:matmul(a)
        return (v:slice(2, 1, 4):exp() + p) * p
      end,
      function(v)
        local z <const> = v:slice(2, 1, 4):exp()
        return (z + v:matmul(a)) * z
      end,
      function(v)
        local z <const> = v:slice(2, 1, 4):exp()
        local p <const> = v:matmul(a)
        local s <const> = z:sin()
        z:add_(p)
        return z * s
      end,
      function(v)
        local p <const> = v:matmul(a)
        return p + p
      end,
      function(v) return v:matmul(a) + v:matmul(a) end,
    } do
      local f <const> = compiled(fn, x)
      assert.equal(0, adding(f), f:dump())
    end
  end)
end)

describe("what the batch runs along", function()
  it("lives a tile at a time, its sums one part a lane, in one sweep", function()
    local w <const> = mlp.randn(5, 3)
    local f <const> = compiled(function(a)
      return a:matmul(w):tanh():sum(1), a:square():sum()
    end, x)
    assert.equal(1, sweeps_of(f), f:dump())
    assert.equal("lane", step_of(f, "tanh").home)
    assert.equal("rows", step_of(f, "tanh").cut)
    assert.equal("summed", step_of(f, "sum").cut)
  end)

  it("is swept again where a finished sum is read by rows", function()
    local f <const> = compiled(function(a)
      local e <const> = a:exp()
      return (e / e:sum(1)):sin():sum(2)
    end, x)
    assert.equal(2, sweeps_of(f), f:dump())
    assert.equal("arena", step_of(f, "exp").home)
    assert.equal("lane", step_of(f, "div").home)
  end)

  it("is whole where a step needs all rows at once", function()
    local f <const> = compiled(function(a) return a:exp():cumsum(1):sin() end, x)
    assert.same({ "rows", "once" }, { step_of(f, "exp").cut, step_of(f, "cumsum").cut })
    assert.equal("arena", step_of(f, "exp").home)
  end)

  it("is not cut where it does not lead: a tile would have gaps", function()
    local f <const> = compiled(function(a) return a:t():exp():sum(1) end, x)
    assert.equal("once", step_of(f, "exp").cut)
  end)
end)

describe("a tile", function()
  --- Rows of a tile of fn on x (8192, 256), as the caches of this machine suggest.
  local function height_of(fn)
    core.debug.tile_height(0)
    local f <const> = compiled(fn, mlp.randn(8192, 256))
    return tonumber(f:dump():match "tiles of (%d+)")
  end

  it("is tall for products, and fits the first cache where there are none", function()
    local w <const> = mlp.randn(256, 16)
    local function chain(a) return ((a * 2 + 1) * a):relu():sum(2) end
    local short <const> = height_of(chain)
    local tall <const> = height_of(function(a) return chain(a) + a:matmul(w):sum(2) end)
    assert.is_true(short >= 16 and short < 64, "tiles of " .. short)
    assert.is_true(tall >= 64 and tall <= 512 and tall % 16 == 0, "tiles of " .. tall)
  end)
end)

describe("a result", function()
  it("takes the place of an operand that nobody reads again", function()
    local f <const> = compiled(function(a) return a:exp():sin():cos():sum(2) end, x)
    assert.is_nil(step_of(f, "exp").remark)
    assert.equal("in place", step_of(f, "sin").remark)
    assert.equal("in place", step_of(f, "cos").remark)
  end)

  -- 3,000 numbers: more than the loops take at a time.
  for _, act in ipairs { "silu", "sine" } do
    it("takes it by its number where there are several: gradients of a unit gated by " .. act,
      function()
        local w <const> = { mlp.randn(5, 15):requires_grad_(), mlp.randn(5, 15):requires_grad_() }
        local f <const> = compiled(function(a)
          local h <const> = core.gated(a:matmul(w[1]), a:matmul(w[2]), { activation = act })
          return mlp.grad(h:exp():sum(), w)
        end, x)
        assert.equal("in place", step_of(f, "gated_back").remark)
      end)
  end

  it("shares no place with another result where one operand stands twice", function()
    local w <const> = { mlp.randn(5, 15):requires_grad_(), mlp.randn(5, 15):requires_grad_() }
    local f <const> = compiled(function(a)
      local g <const> = a:matmul(w[1])
      local h <const> = core.gated(g, a:matmul(w[2]), { activation = "silu" })
      return mlp.grad(h, w, { gradient = g:detach() })
    end, x)
    assert.equal("in place", step_of(f, "gated_back").remark)
  end)

  it("has a place of its own where the operand is read later, returned, or not ours", function()
    local f <const> = compiled(function(a)
      local e <const> = a:exp()
      return (e:sin() * e):sum(2)
    end, x)
    assert.is_nil(step_of(f, "sin").remark)
    local g <const> = compiled(function(a)
      local e <const> = a:exp()
      return e, e:sin():sum(2)
    end, x)
    assert.is_nil(step_of(g, "sin").remark)
    assert.is_nil(step_of(compiled(function(a) return a:sin():sum(2) end, x), "sin").remark)
  end)
end)
