--- Modules: fields in a fixed order, sharing by identity, modes, hooks, paths in errors.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn
local Module <const> = nn.Module

local function tensor(n) return mlp.zeros(n or 1, { requires_grad = true }) end

local function names(iterator)
  local list <const> = {}
  for name in iterator do list[#list + 1] = name end
  return list
end

--- A module of these fields.
local function module_of(fields)
  local Class <const> = Module:extend "Made"
  function Class:init() for key, value in pairs(fields) do self[key] = value end end
  function Class:forward(x) return x end
  return Class()
end

describe("a class", function()
  local Net <const> = Module:extend "Net"
  function Net:init(d)
    self.up = nn.Linear(d, 16)
    self.down = nn.Linear(16, 1)
  end
  function Net:forward(x) return self.down(self.up(x):gelu()) end

  it("makes objects that are called like functions", function()
    local net <const> = Net(3)
    assert.are.same({ 5, 1 }, net(mlp.ones(5, 3)).shape)
    assert.are.same({ "down.bias", "down.weight", "up.bias", "up.weight" },
      names(net:named_parameters()))
  end)

  it("prints as a tree", function()
    assert.are.equal("Net()\n  (down): Linear(16 -> 1)\n  (up): Linear(3 -> 16)",
      tostring(Net(3)))
    assert.are.equal("Sequential()\n  (layers.1): Residual()\n    (inner): Linear(2 -> 2, no bias)"
      .. "\n  (layers.2): Tanh()", tostring(nn.Sequential {
        nn.Residual(nn.Linear(2, 2, { bias = false })), nn.Tanh(),
      }))
  end)

  it("may stand among its own descendants", function()
    local Ring <const> = Module:extend "Ring"
    function Ring:init()
      self.inner, self.me, self.list = nn.Linear(2, 2), self, { self }
      self.list.again = self.list
    end
    local ring <const> = Ring()
    assert.are.equal("Ring()\n  (inner): Linear(2 -> 2)\n  (list.1): Ring() ...\n"
      .. "  (me): Ring() ...", tostring(ring))
    assert.are.equal(2, #ring:parameters())
    assert.matches("total +6 +24", ring:summary())
  end)

  it("can be extended again, and says when forward is missing", function()
    local Twice <const> = Net:extend "Twice"
    function Twice:forward(x) return Net.forward(self, x) * 2 end
    local twice <const> = Twice(3)
    assert.are.equal("Twice", tostring(twice):match "^%w+")
    assert.are.same({ 5, 1 }, twice(mlp.ones(5, 3)).shape)
    local Empty <const> = Module:extend "Empty"
    assert.error_matches(function() local _ = Empty()(1) end, "Empty: this class has no forward")
    assert.error_matches(function() Module:extend(3) end, "the name is 3 but a string")
  end)

  it("is told from other tables", function()
    assert.is_true(Module.is(Net(1)))
    for _, other in ipairs { Net, {}, 3, "Net", mlp.zeros(1), print } do
      assert.is_false(Module.is(other))
    end
  end)

  it("returns whatever forward returns", function()
    local Pair <const> = Module:extend "Pair"
    function Pair:forward(a, b) return b, a, nil, self.training end
    assert.are.same({ 2, 1, nil, true, n = 4 }, table.pack(Pair()(1, 2)))
  end)
end)

describe("walking", function()
  it("takes integer keys first, by number, then names in order", function()
    local list <const> = {}
    for i = 1, 11 do list[i] = tensor() end
    local module <const> = module_of { [2] = tensor(), [1] = tensor(), zeta = tensor(),
      alpha = tensor(), list = list, [10] = tensor() }
    assert.are.same({ "1", "2", "10", "alpha", "list.1", "list.2", "list.3", "list.4", "list.5",
      "list.6", "list.7", "list.8", "list.9", "list.10", "list.11", "zeta" },
      names(module:named_parameters()))
  end)

  it("finds parameters, buffers and modules in plain tables, and nothing else", function()
    local other <const> = setmetatable({ hidden = tensor() }, {})
    local module <const> = module_of { blocks = { { nn.Linear(1, 1) }, deep = { tensor() } },
      buffer = mlp.zeros(2), setting = 3, other = other, text = "weight" }
    assert.are.same({ "blocks.1.1.bias", "blocks.1.1.weight", "blocks.deep.1" },
      names(module:named_parameters()))
    assert.are.same({ "buffer" }, names(module:named_buffers()))
    assert.are.same({ "blocks.1.1" }, names(module:named_modules()))
    assert.are.same({ "blocks.1.1" }, names(module:children()))
    assert.are.equal(3, #module:parameters())
    assert.are.equal(3, module:parameter_count())
  end)

  it("counts what is shared once, under its first name", function()
    local shared <const>, layer <const> = tensor(7), nn.Linear(2, 2)
    local module <const> = module_of { a = shared, b = shared, one = layer, two = layer }
    assert.are.same({ "a", "one.bias", "one.weight" }, names(module:named_parameters()))
    assert.are.same({ "one" }, names(module:named_modules()))
    assert.are.equal(7 + 6, module:parameter_count())
  end)

  it("ends where modules hold each other", function()
    local a <const>, b <const> = module_of { w = tensor() }, module_of { w = tensor() }
    a.other, b.other = b, a
    assert.are.same({ "other.w", "w" }, names(a:named_parameters()))
    assert.are.same({ "other" }, names(a:named_modules()))
    a:eval()
    assert.is_false(b.training)
  end)

  it("reaches modules by their path, and guesses", function()
    local model <const> = nn.Sequential { nn.Linear(1, 2), nn.MLP { 2, 3, 1 } }
    assert.are.equal(model, model:at "")
    assert.are.equal(model.layers[2].layers[1], model:at "layers.2.layers.1")
    assert.error_matches(function() model:at "layer.2" end,
      "there is no module 'layer.2' %(did you mean 'layers.2'%?%)")
  end)
end)

describe("modes, gradients, dtypes", function()
  it("train and eval reach everything below and return the module", function()
    local model <const> = nn.Sequential { nn.Dropout(), nn.Residual(nn.Dropout()) }
    assert.is_true(model.layers[2].inner.training)
    assert.are.equal(model, model:eval())
    assert.is_false(model.training)
    assert.is_false(model.layers[2].inner.training)
    assert.are.equal(model, model:train())
    assert.is_true(model.layers[1].training)
  end)

  it("zero_grad forgets gradients", function()
    local layer <const> = nn.Linear(2, 1)
    layer(mlp.ones(1, 2)):sum():backward()
    assert.is_not_nil(layer.weight.grad)
    layer:zero_grad()
    assert.is_nil(layer.weight.grad)
  end)

  it("to converts floats, keeps sharing and what requires a gradient", function()
    local shared <const> = tensor()
    local module <const> = module_of { a = shared, b = shared, buffer = mlp.ones(1),
      counts = mlp.zeros({ 1 }, { dtype = "int64" }) }
    assert.are.equal(module, module:to "float64")
    assert.are.equal("float64", module.a.dtype)
    assert.is_true(rawequal(module.a, module.b))
    assert.is_true(module.a.requires_grad)
    assert.are.equal("float64", module.buffer.dtype)
    assert.is_false(module.buffer.requires_grad)
    assert.are.equal("int64", module.counts.dtype)
    local before <const> = module.a
    module:to "float64"
    assert.is_true(rawequal(before, module.a))
    assert.error_matches(function() module:to "int64" end, "dtype is the string 'int64' but")
  end)
end)

describe("hooks", function()
  it("see output, module and inputs, and may replace the output", function()
    local model <const> = nn.Sequential { nn.Linear(2, 3), nn.ReLU() }
    local seen
    local hook <const> = model:hook("layers.1", function(output, module, input)
      seen = { output.shape, module, input.shape }
      return mlp.full(output.shape, -5)
    end)
    local y <const> = model(mlp.ones(4, 2))
    assert.are.same({ { 4, 3 }, model.layers[1], { 4, 2 } }, seen)
    assert.are.equal(0, y:abs():sum():item())
    hook:close()
    seen = nil
    model(mlp.ones(4, 2))
    assert.is_nil(seen)
  end)

  it("end with their scope, each for itself, in any order", function()
    local layer <const>, calls <const> = nn.Linear(1, 1), {}
    local function note(name) return function() calls[#calls + 1] = name end end
    local first <const> = layer:hook("", note "first")
    do
      local _ <close> = layer:hook("", note "second")
      layer(mlp.ones(1, 1))
    end
    layer(mlp.ones(1, 1))
    first:close()
    first:close()
    layer(mlp.ones(1, 1))
    assert.are.same({ "first", "second", "first" }, calls)
  end)

  it("all run, also when one closes itself or adds another", function()
    local layer <const>, calls <const> = nn.Linear(1, 1), {}
    local once
    once = layer:hook("", function()
      calls[#calls + 1] = "once"
      once:close()
      layer:hook("", function() calls[#calls + 1] = "added" end)
    end)
    layer:hook("", function() calls[#calls + 1] = "always" end)
    layer(mlp.ones(1, 1))
    assert.are.same({ "once", "always" }, calls)
    layer(mlp.ones(1, 1))
    assert.are.same({ "once", "always", "always", "added" }, calls)
  end)

  it("leave no trace in the fields", function()
    local layer <const> = nn.Linear(1, 1)
    local before <const> = {}
    for key in pairs(layer) do before[key] = true end
    local _ <close> = layer:hook("", function() end)
    for key in pairs(layer) do assert.is_true(before[key]) end
    assert.error_matches(function() layer:hook("", 3) end, "the second argument is 3 but a func")
  end)
end)

describe("errors", function()
  it("carry the path of the modules that were running", function()
    local model <const> = nn.Sequential { nn.Residual(nn.Sequential { nn.Linear(2, 3) }) }
    assert.error_matches(function() model(mlp.ones(1, 2)) end, "in layers%[1%]: Residual: ")
    model.layers[1].inner.layers[1] = nn.Linear(5, 5)
    assert.error_matches(function() model(mlp.ones(1, 2)) end,
      "in layers%[1%].inner.layers%[1%]: linear: ")
  end)

  it("carry no path outside of modules", function()
    local layer <const> = nn.Linear(2, 2)
    layer(mlp.ones(1, 2))
    local ok <const>, message <const> = pcall(function() local _ = mlp.ones(2) + mlp.ones(3) end)
    assert.is_false(ok)
    assert.is_nil(message:find("in ", 1, true) and message:find("in layers", 1, true))
  end)
end)
