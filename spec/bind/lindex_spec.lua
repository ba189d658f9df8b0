--- What indexing says when it refuses.
local mlp <const> = require "mlp"

local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

describe("x[{...}]", function()
  local x <const> = mlp.zeros(2, 3)

  it("names the axis as the caller counts it, behind a position too", function()
    refuses("index: position 4 of axis 2, which has 3", function() return x[{ 1, { 1, 4 } }] end)
    refuses("index: position 4 of axis 2, which has 3", function() return x[{ {}, { 1, 4 } }] end)
    refuses("index: the range of axis 2 is a table of 1; {first, last} is wanted",
      function() return x[{ 1, { 1 } }] end)
  end)

  it("takes a step, and nothing after it", function()
    assert.are.same({ 1, 2 }, x[{ 1, { 1, 3, 2 } }]:reshape(1, -1).shape)
    for _, step in ipairs { 3, 4, math.maxinteger } do
      assert.are.same({ 0 }, x[{ 1, { 1, 3, step } }]:totable())
      assert.are.same({ 0, 3 }, x[{ { 1, 0, step } }].shape)
    end
    refuses("index: the step is 1.5 but a whole number is wanted",
      function() return x[{ 1, { 1, 3, 1.5 } }] end)
    refuses("index: the range of axis 1 is a table of 4; {first, last} is wanted",
      function() return x[{ { 1, 2, 1, 1 } }] end)
  end)
end)

describe("a field that is not there", function()
  local x <const> = mlp.zeros(2, 3)

  it("is refused with the name that was probably meant", function()
    refuses("a tensor has no field or method 'sahpe' (did you mean 'shape'?)",
      function() return x.sahpe end)
    refuses("a tensor has no field or method 'sofmax' (did you mean 'softmax'?)",
      function() return x:sofmax() end)
    local ok <const>, message = pcall(function() return x.qqqqqq end)
    assert.is_false(ok)
    assert.is_truthy(message:find "has no field or method 'qqqqqq'$")
  end)

  it("is refused with its name here, when another library has it", function()
    refuses("a tensor has no 'view'; its name here is 'reshape'", function() x:view(6) end)
    refuses("a tensor's requires_grad is set by x:requires_grad_()",
      function() x.requires_grad = true end)
  end)
end)
