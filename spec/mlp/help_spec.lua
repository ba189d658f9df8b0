local child <const> = require "spec.support.child"
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"

local function text(name) return tostring(mlp.help(name)) end

describe("mlp.help", function()
  it("tells about an operation what its row says", function()
    local words <const> = text "linear"
    assert.matches("mlp.linear(input, weight, bias, {activation = \"identity\"", words, 1, true)
    assert.matches("act(x W' + b)", words, 1, true)
    assert.matches("(H, D)", words, 1, true)
    assert.matches("one of identity, tanh", words, 1, true)
    assert.matches("Differentiable", words, 1, true)
  end)

  it("shows the method, the twin in place, and where no gradient flows", function()
    assert.matches("x:relu_(), in place", text "relu", 1, true)
    assert.equal(text "relu", text "relu_")
    assert.equal(text "relu", text "x:relu")
    assert.matches("No gradient flows through it.", text "argmax", 1, true)
    assert.matches("Draws random numbers", text "randn", 1, true)
  end)

  it("tells about a function what stands above its definition", function()
    local words <const> = text "loss.cross_entropy"
    assert.matches("mlp.loss.cross_entropy(logits, target, options?)", words, 1, true)
    assert.matches("classes from 1", words, 1, true)
    assert.matches("label_smoothing", words, 1, true)
    assert.matches("returns\n%s+mlp%.Tensor\n", words)
  end)

  it("tells about a class: how it is made, its fields, its methods", function()
    local words <const> = text "nn.Linear"
    assert.matches("mlp.nn.Linear(inputs, outputs, options?)", words, 1, true)
    assert.matches("weight      mlp.Tensor -- (outputs, inputs)", words, 1, true)
    assert.matches("Linear:forward(x)", words, 1, true)
    assert.matches("Also has what nn.Module has.", words, 1, true)
    assert.matches("Trainer:fit(data, options", text "Trainer", 1, true)
    assert.matches("mlp.optim.Adam(parameters, options", text "optim.Adam", 1, true)
  end)

  it("takes functions, classes and objects in place of names", function()
    assert.equal(text "nn.Linear", text(mlp.nn.Linear))
    assert.equal(text "nn.Linear", text(mlp.nn.Linear(2, 3)))
    assert.equal(text "loss.mse", text(mlp.loss.mse))
    assert.equal(text "exp", text(mlp.exp))
    assert.matches("no help about this value", text(function() end))
  end)

  it("finds methods, last parts and names with mlp before them", function()
    assert.matches("Module:hook(path, fn)", text "nn.Module.hook", 1, true)
    assert.matches("Module:hook(path, fn)", text "Module:hook", 1, true)
    assert.equal(text "nn.Linear", text "Linear")
    assert.equal(text "nn.Linear", text "mlp.nn.Linear")
    assert.equal(text "loss.cross_entropy", text "mlp.loss.cross_entropy(logits, target)")
    assert.matches("x:get(...)", text "x:get", 1, true)
    assert.matches("x:chunk(n, axis?)", text "Tensor:chunk", 1, true)
  end)

  it("lists every activation of the core under that topic", function()
    local words <const> = text "activations"
    for _, name in ipairs(core.activations()) do
      assert.matches("\n  " .. name .. " ", words, 1, true)
    end
  end)

  it("lists all topics without a name", function()
    local words <const> = tostring(mlp.help())
    for _, name in ipairs { "tensors", "activations", "reductions", "nn", "loss", "Trainer" } do
      assert.matches(('mlp.help "%s"'):format(name), words, 1, true)
    end
    assert.matches(" nn.Linear", words, 1, true)
  end)

  it("says what it does not know, and guesses", function()
    assert.equal("There is no help about 'linaer' (did you mean 'linear'?). "
      .. "mlp.help() lists all names.", text "linaer")
    assert.equal("There is no help about 'zzzzzzzzz'. mlp.help() lists all names.",
      text "zzzzzzzzz")
  end)

  it("stays within 80 columns, for every name; code is as long as its author made it", function()
    for _, topic in ipairs(require("mlp.help.catalogue").topics()) do
      for _, entry in ipairs(topic.entries) do
        for line in text(entry.path):gmatch "[^\n]+" do
          local code <const> = line:find "^    " and not line:find " %-%- "
          assert(code or utf8.len(line) <= 80, ("%s: %s"):format(entry.path, line))
        end
      end
    end
  end)

  it("knows the operations where the sources are missing", function()
    local script <const> = os.tmpname()
    local file <const> = assert(io.open(script, "w"))
    file:write [[
      local mlp = require "mlp"
      package.searchpath = function() return nil end
      print(mlp.help "linear")
      print(mlp.help "loss.mse")
      print(mlp.help())
    ]]
    file:close()
    local output <const>, well <const> = child.lua(script)
    os.remove(script)
    assert(well, output)
    assert.matches("act(x W' + b)", output, 1, true)
    assert.matches("mlp.loss.mse(...)", output, 1, true)
  end)
end)
