--- Guesses at misspelt options: the same ones from the rows, the constructors and the Lua floor.
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"

local function refuses(sentence, fn) assert.error_matches(fn, sentence, 1, true) end

describe("word_distance", function()
  it("counts letters changed, added, left out, and neighbours exchanged", function()
    for _, case in ipairs { { "", "", 0 }, { "lr", "", 2 }, { "", "lr", 2 }, { "relu", "relu", 0 },
      { "rleu", "relu", 1 }, { "dtyp", "dtype", 1 }, { "momentun", "momentum", 1 },
      { "ab", "ba", 1 }, { "abcd", "badc", 2 }, { "kitten", "sitting", 3 } } do
      assert.are.equal(case[3], core.word_distance(case[1], case[2]), case[1] .. " " .. case[2])
    end
    assert.is_true(core.word_distance(("a"):rep(1000), "a") > 3)
  end)
end)

describe("an unknown option", function()
  it("of a constructor, an operation or a gradient is guessed at", function()
    refuses("tensor: unknown option 'dtpye' (did you mean 'dtype'?)",
      function() mlp.tensor({ 1 }, { dtpye = "float64" }) end)
    refuses("frombytes: unknown option 'ofset' (did you mean 'offset'?)",
      function() mlp.frombytes("abcd", "uint8", { 1 }, { ofset = 1 }) end)
    refuses("dropout: unknown option 'genrator' (did you mean 'generator'?)",
      function() mlp.dropout(mlp.ones(1), 0.5, { genrator = 1 }) end)
    refuses("backward: unknown option 'retain_grahp' (did you mean 'retain_graph'?)",
      function() mlp.ones(1):backward { retain_grahp = true } end)
  end)

  it("is refused without a guess when nothing is near, and when it is no name", function()
    local ok <const>, message = pcall(function() mlp.ones(1, { qqqqqqqq = 1 }) end)
    assert.is_false(ok)
    assert.is_truthy(message:find "ones: unknown option 'qqqqqqqq'$")
    refuses("ones: options have names, but 1 is a key", function() mlp.ones(1, { [1] = 2 }) end)
  end)
end)
