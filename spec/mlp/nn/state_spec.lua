--- Models on disk: to the same bits and back, in the same model or in one made from the file.
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local function temporary()
  local path <const> = files.temporary()
  finally(function() os.remove(path) end)
  return path
end

local function bits(model)
  local list <const> = {}
  for name, t in model:named_parameters() do list[#list + 1] = name .. "\0" .. t:tobytes() end
  for name, t in model:named_buffers() do list[#list + 1] = name .. "\0" .. t:tobytes() end
  return table.concat(list)
end

local function big()
  return nn.Sequential {
    nn.Linear(4, 6, { activation = "gelu", bias = false }), nn.LayerNorm(6), nn.Dropout(0.1),
    nn.Residual(nn.MLP { 6, 8, 6, activation = "silu", dropout = 0.2 }), nn.RMSNorm(6),
    nn.LeakyReLU { negative_slope = 0.2 }, nn.Linear(6, 3), nn.Softmax(),
  }
end

describe("save and load", function()
  it("keep every bit", function()
    local path <const>, model <const>, other <const> = temporary(), big(), big()
    assert.are_not.equal(bits(model), bits(other))
    assert.is_true(assert(model:save(path)))
    assert.are.equal(other, other:load(path))
    assert.are.equal(bits(model), bits(other))
  end)

  it("name tensors by their paths", function()
    local path <const> = temporary()
    assert(nn.MLP({ 2, 3, 1 }):save(path))
    local tensors <const> = assert(mlp.io.safetensors.load(path))
    local shapes <const> = {}
    for name, t in pairs(tensors) do shapes[name] = t.shape end
    assert.are.same({ ["layers.1.weight"] = { 3, 2 }, ["layers.1.bias"] = { 3 },
      ["layers.2.weight"] = { 1, 3 }, ["layers.2.bias"] = { 1 } }, shapes)
  end)

  it("convert floats to the model's", function()
    local path <const> = temporary()
    local model <const> = nn.Linear(2, 3)
    assert(model:save(path))
    local wide <const> = nn.Linear(2, 3):to "float64"
    assert(wide:load(path))
    assert.are.equal("float64", wide.weight.dtype)
    assert.are.same(model.weight:detach():totable(), wide.weight:detach():totable())
  end)

  it("name what is missing, unexpected or of another shape, and change nothing", function()
    local path <const> = temporary()
    assert(nn.MLP({ 2, 3, 1 }):save(path))
    local function refused(sentence, model)
      local before <const> = bits(model)
      local loaded <const>, message <const> = model:load(path)
      assert.is_nil(loaded)
      assert.are.equal(("load: '%s' does not fit the model: %s"):format(path, sentence), message)
      assert.are.equal(before, bits(model))
    end
    refused("missing: layers.3.bias, layers.3.weight", nn.MLP { 2, 3, 1, 1 })
    refused("unexpected: layers.2.bias, layers.2.weight", nn.MLP { 2, 3 })
    refused("missing: bias, weight; unexpected: layers.1.bias, layers.1.weight, layers.2.bias, "
      .. "layers.2.weight", nn.Linear(2, 3))
    refused("layers.1.weight is float32 (3, 2) in the file but float32 (3, 5) in the model",
      nn.MLP { 5, 3, 1 })
  end)

  it("store a shared tensor once and share it again", function()
    local Tied <const> = nn.Module:extend "Tied"
    function Tied:init()
      self.a = nn.Linear(2, 2)
      self.b = nn.Linear(2, 2)
      self.b.weight = self.a.weight
    end
    local path <const>, model <const>, other <const> = temporary(), Tied(), Tied()
    assert(model:save(path))
    assert(other:load(path))
    assert.are.equal(bits(model), bits(other))
    assert.is_true(rawequal(other.a.weight, other.b.weight))
  end)

  it("answer nil and a sentence for files that are none", function()
    local model <const>, path <const> = nn.Linear(1, 1), temporary()
    local function refused(pattern, ...)
      local value <const>, message <const> = ...
      assert.is_nil(value)
      assert.matches(pattern, message)
    end
    refused("cannot open", model:load(path))
    refused("cannot open", mlp.load(path))
    files.write(path, "text")
    refused("not a safetensors file but text", model:load(path))
    refused("cannot write", model:save "/nowhere/at/all")
  end)
end)

describe("mlp.load", function()
  it("makes a model of built-in modules anew, in evaluation mode", function()
    local path <const>, model <const> = temporary(), big()
    assert(model:save(path))
    local again <const> = assert(mlp.load(path))
    assert.are.equal(bits(model), bits(again))
    assert.are.equal(tostring(model), tostring(again))
    assert.is_false(again.training)
    assert.is_false(again.layers[4].inner.training)
    local x <const> = mlp.randn(5, 4)
    assert.are.equal(model:eval()(x):tobytes(), again(x):tobytes())
    assert.is_true(again.layers[1].weight.requires_grad)
  end)

  it("keeps the dtype", function()
    local path <const> = temporary()
    assert(nn.Linear(2, 2):to("float64"):save(path))
    assert.are.equal("float64", assert(mlp.load(path)).weight.dtype)
  end)

  it("gives back tensors and layers that stand in several places", function()
    local path <const>, layer <const> = temporary(), nn.Linear(3, 3)
    local tied <const> = nn.Linear(3, 3)
    tied.weight = layer.weight
    local model <const> = nn.Sequential { layer, nn.Tanh(), layer, tied }
    assert(model:save(path))
    local again <const> = assert(mlp.load(path))
    assert.are.equal(bits(model), bits(again))
    assert.are.equal(3, #again:parameters())
    assert.is_true(rawequal(again.layers[1].weight, again.layers[4].weight))
    assert.is_false(rawequal(again.layers[1].bias, again.layers[4].bias))
    local x <const> = mlp.randn(5, 3)
    assert.are.equal(model:eval()(x):tobytes(), again(x):tobytes())
  end)

  it("does not share what a file has no right to", function()
    local path <const> = temporary()
    local linear <const> = '{"class":"Linear","arguments":[2,2]}'
    for _, shared in ipairs { '{"weight":"bias"}', '{"weight":"nothing"}', '{"init":"weight"}',
      '{"weight":3}', "3", "{" } do
      assert(mlp.io.safetensors.save(path, { weight = mlp.ones(2, 2), bias = mlp.ones(2) },
        { metadata = { ["mlp.model"] = linear, ["mlp.shared"] = shared } }))
      local loaded <const>, message <const> = mlp.load(path)
      assert.is_nil(loaded)
      assert.matches("share", message)
    end
  end)

  it("makes layers again that were resized since, in their sizes", function()
    local path <const> = temporary()
    local function appended(model, ffn)
      local fact <const> = { key = mlp.randn(4), value = mlp.randn(4) }
      if ffn.gate then fact.gate = mlp.randn(4) end
      mlp.probe.kv(ffn):insert(fact)
      return model:eval()
    end
    local tokens <const> = mlp.tensor({ { 1, 3, 2 } }, { dtype = "int64" })
    local ffn <const>, gpt <const> = nn.FFN { dim = 4, hidden = 6 },
      nn.Transformer { vocabulary = 5, context = 3, dim = 4, layers = 2, heads = 2,
        ffn = { kind = "glu", hidden = 6 } }
    for model, x in pairs { [appended(ffn, ffn)] = mlp.randn(3, 4),
      [appended(gpt, gpt.blocks[2].ffn)] = tokens } do
      assert(model:save(path))
      local again <const> = assert(mlp.load(path))
      assert.are.equal(bits(model), bits(again))
      assert.are.equal(tostring(model), tostring(again))
      assert.are.equal(model(x):tobytes(), again(x):tobytes())
      assert.are.equal(#model:parameters(), #again:parameters())
    end
  end)

  it("resizes nothing that a file has no right to", function()
    local path <const> = temporary()
    for resized, wanted in pairs { ['["nothing"]'] = "'nothing' is no linear layer",
      ["[3]"] = "'3' is no linear layer", ['["2"]'] = "is no linear layer", ["3"] = "no JSON list",
      ["{"] = "no JSON list", ['[""]'] = "'' is no linear layer that" } do
      assert(mlp.io.safetensors.save(path, { weight = mlp.ones(9, 2), bias = mlp.ones(2, 2) },
        { metadata = { ["mlp.model"] = '{"class":"Linear","arguments":[2,2]}',
          ["mlp.resized"] = resized } }))
      local loaded <const>, message <const> = mlp.load(path)
      assert.is_nil(loaded)
      assert.matches(wanted, message)
    end
  end)

  it("takes no more memory than the tensors of the file speak for", function()
    local path <const> = temporary()
    collectgarbage()
    mlp.memory "reset_peak"
    local before <const> = mlp.memory().peak
    for _, description in ipairs { '{"class":"Linear","arguments":[20000,20000]}',
      '{"class":"Embedding","arguments":[1000000,1000000]}',
      '{"class":"LayerNorm","arguments":[1000000000]}' } do
      assert(mlp.io.safetensors.save(path, { weight = mlp.ones(1) },
        { metadata = { ["mlp.model"] = description } }))
      local loaded <const>, message <const> = mlp.load(path)
      assert.is_nil(loaded)
      assert.matches("wants more than its tensors fill, or this machine is out of memory$", message)
    end
    assert.is_true(mlp.memory().peak - before < 32 << 20)
    assert.are.equal(1 << 23, mlp.zeros(1 << 23):numel()) -- the limit is gone
  end)

  it("remembers arguments as they were, not as they became", function()
    local path <const>, spec <const> = temporary(), { 2, 3, 1 }
    local model <const> = nn.MLP(spec)
    spec[2] = 99
    assert(model:save(path))
    assert.are.equal(tostring(model), tostring(assert(mlp.load(path))))
  end)

  it("leaves models with code of the user's to load()", function()
    local path <const> = temporary()
    local Mine <const> = nn.Module:extend "Mine"
    function Mine:init() self.inner = nn.Linear(1, 1) end
    for _, model in ipairs { Mine(), nn.Sequential { nn.Linear(1, 1), function(x) return x end },
      nn.Sequential { Mine() } } do
      assert(model:save(path))
      local loaded <const>, message <const> = mlp.load(path)
      assert.is_nil(loaded)
      assert.matches("does not say how its model is made; make it yourself", message)
      assert(model:load(path))
    end
  end)

  it("builds nothing but layers from a description, and runs nothing", function()
    local path <const> = temporary()
    local function refused(pattern, description)
      assert(mlp.io.safetensors.save(path, { weight = mlp.ones(1) },
        { metadata = { ["mlp.model"] = description } }))
      local loaded <const>, message <const> = mlp.load(path)
      assert.is_nil(loaded)
      assert.matches(pattern, message)
    end
    refused("names the class 'os'", '{"class":"os","arguments":[]}')
    refused("names the class 'Module%.extend'", '{"class":"Module.extend","arguments":["x"]}')
    refused("no JSON object", "return os.exit()")
    refused("no JSON object", ("["):rep(100000))
    refused("does not make a model", '{"class":"Linear","arguments":["a",{}]}')
    refused("does not make a model", '{"items":[],"names":{}}')
    refused("missing: bias", '{"class":"Linear","arguments":[1,1]}')
  end)
end)
