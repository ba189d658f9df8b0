--- Guests' manners: the module opened twice in one state, and many states in one process.
local child <const> = require "spec.support.child"

describe("a second require", function()
  it("of the core, after package.loaded was cleared, finds the same tensors", function()
    local first <const> = require "mlp.core"
    local x <const> = first.ones(2, 2)
    package.loaded["mlp.core"] = nil
    local second <const> = require "mlp.core"
    assert.equal(first, second)
    assert.same({ { 2, 2 }, { 2, 2 } }, second.add(x, second.ones(2, 2)):totable())
    assert.same({ 2, 2 }, x:sum(1):totable())
    assert.equal(first.memory().bytes, second.memory().bytes)
  end)

  it("of the facade works on old tensors", function()
    local x <const> = require("mlp").ones(3)
    local saved <const> = {}
    for name, module in pairs(package.loaded) do
      if name:find "^mlp" then saved[name] = module end
    end
    finally(function()
      for name, module in pairs(saved) do package.loaded[name] = module end
    end)
    for name in pairs(saved) do package.loaded[name] = nil end
    assert.equal(3, require("mlp").sum(x):item())
    assert.equal(3, #x:split(1))
  end)

  it("sets no global", function()
    local output, well = child.command([[
      lua5.4 -e 'local known = {} for k in pairs(_G) do known[k] = true end
                 local mlp = require "mlp"
                 local _ = mlp.nn, mlp.zeros(2)
                 for k in pairs(_G) do if not known[k] then print(k) end end']])
    assert.is_true(well, output)
    assert.equal("", output)
  end)
end)

describe("several states in one process", function()
  local program

  setup(function()
    local _, has_compiler = child.command "cc --version"
    if not has_compiler then return end
    local path <const> = os.tmpname()
    local output, well = child.command(
      "${MLP_HOST_CC:-cc $(pkg-config --cflags lua5.4)} -o " .. path .. " spec/stress/states.c "
      .. "${MLP_HOST_LIBS:-$(pkg-config --libs lua5.4)} -lpthread")
    assert(well, output)
    program = path
  end)

  teardown(function()
    if program then os.remove(program) end
  end)

  it("train at the same time in four threads and agree", function()
    if not program then return pending "needs a C compiler" end
    local output, well = child.command(program .. " together")
    assert.is_true(well, output)
    assert.equal("", output)
  end)

  it("survive a host whose allocator refuses any one request", function()
    if not program then return pending "needs a C compiler" end
    local output, well = child.command(program .. " starving")
    assert.is_true(well, output)
    assert.is_truthy(child.figures(output).attempts > 100, output)
  end)
end)
