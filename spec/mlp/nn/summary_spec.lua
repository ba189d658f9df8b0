--- The summary: numbers that add up.
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local function lines_of(text)
  local lines <const> = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line:gsub("%s+", " ") end
  return lines
end

describe("summary", function()
  local model <const> = nn.MLP { 784, 128, 10 }

  it("lists parts with shapes, parameters, bytes and FLOPs", function()
    assert.are.same({
      "path module output parameters bytes FLOPs",
      lines_of(model:summary { 64, 784 })[2],
      ". MLP() (64, 10) 0 0 0",
      "layers.1 Linear(784 -> 128, relu) (64, 128) 100,480 401,920 12,853,248",
      "layers.2 Linear(128 -> 10) (64, 10) 1,290 5,160 164,480",
      "total 101,770 407,080 13,017,728",
    }, lines_of(model:summary { 64, 784 }))
  end)

  it("leaves out what needs an input, without one", function()
    local lines <const> = lines_of(model:summary())
    assert.are.equal("layers.1 Linear(784 -> 128, relu) 100,480 401,920", lines[4])
    assert.are.equal("total 101,770 407,080", lines[6])
  end)

  it("counts shared parameters once and shared layers as often as they run", function()
    local layer <const> = nn.Linear(4, 4)
    local lines <const> = lines_of(nn.Sequential({ layer, layer }):summary { 1, 4 })
    assert.are.equal("layers.1 Linear(4 -> 4) (1, 4) 20 80 72", lines[4])
    assert.are.equal("total 20 80 72", lines[5])
  end)

  it("runs in evaluation mode without history, and leaves no trace", function()
    local dropout <const> = nn.Dropout(0.5)
    local spied <const> = nn.Sequential { dropout }
    local seen
    local _ <close> = dropout:hook("", function(_, module)
      seen = { module.training, mlp.grad_enabled() }
    end)
    spied:summary(mlp.ones(2, 2))
    assert.are.same({ false, false }, seen)
    assert.is_true(dropout.training)
    assert.error_matches(function() model:summary { 1, 783 } end, "in layers%[1%]: linear")
    assert.is_true(model.training)
    assert.error_matches(function() model:summary(3) end, "the input is 3 but a tensor or")
  end)

  it("takes int64 inputs as tensors", function()
    local tokens <const> = mlp.tensor({ { 1, 2, 3 } }, { dtype = "int64" })
    assert.matches("%(1, 3, 5%)", nn.Embedding(7, 5):summary(tokens))
  end)
end)
