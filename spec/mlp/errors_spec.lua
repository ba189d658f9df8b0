--- How the Lua floor says no.
local errors <const> = require "mlp.errors"

describe("errors.options", function()
  local DEFAULTS <const> = { rate = 1, name = errors.NONE, flag = false }

  it("lays options over defaults in a new table, and changes neither", function()
    local given <const> = { rate = 2 }
    local o <const> = errors.options("f", given, DEFAULTS)
    assert.are.same({ rate = 2, flag = false }, o)
    o.rate = 3
    assert.are.same({ rate = 2 }, given)
    assert.are.equal(1, DEFAULTS.rate)
    assert.are.same({ rate = 1, flag = false }, errors.options("f", nil, DEFAULTS))
    assert.are.same({ rate = 1, flag = true, name = "x" },
      errors.options("f", { flag = true, name = "x" }, DEFAULTS))
  end)

  it("refuses what is no table of known names", function()
    local function refuses(pattern, given)
      assert.error_matches(function() errors.options("f", given, DEFAULTS) end, pattern)
    end
    refuses("f: unknown option 'raet' %(did you mean 'rate'%?%)", { raet = 1 })
    refuses("f: unknown option 'entirely_other'$", { entirely_other = 1 })
    refuses("f: options have names, but 1 is a key", { "rate" })
    refuses("f: the last argument is 3 but a table of options is wanted", 3)
  end)
end)

describe("errors.guess", function()
  local WORDS <const> = { gelu = 1, elu = 1, relu = 1, activation = 1, [3] = 1 }

  it("finds the nearest word: changed, missing, added and exchanged letters", function()
    assert.are.equal("gelu", errors.guess("gleu", WORDS))
    assert.are.equal("relu", errors.guess("rleu", WORDS))
    assert.are.equal("activation", errors.guess("activaton", WORDS))
    assert.are.equal("activation", errors.guess("aktivation", WORDS))
    assert.are.equal("activation", errors.guess("acctivation", WORDS))
  end)

  it("finds nothing where nothing is near", function()
    assert.is_nil(errors.guess("momentum", WORDS))
    assert.is_nil(errors.guess("gelu", {}))
  end)
end)

describe("errors.raise", function()
  it("points at the caller, and leaves a sentence with a percent sign alone", function()
    local line <const> = debug.getinfo(1, "l").currentline + 1
    local ok <const>, message <const> = pcall(function() errors.raise "100 % wrong" end)
    assert.is_false(ok)
    assert.matches("errors_spec.lua:" .. line .. ": 100 %% wrong$", message)
  end)
end)
