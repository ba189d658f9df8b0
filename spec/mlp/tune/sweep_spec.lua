--- Sweeps: every combination or so many draws, the best of them, errors noted, tables and figures.
local mlp <const> = require "mlp"

local function bowl(o) return (math.log(o.lr, 10) + 2) ^ 2 + (o.width or 0) / 100 end

describe("tune.sweep", function()
  it("tries every combination and ranks them", function()
    local seen <const> = {}
    local sweep <const> = mlp.tune.sweep(function(o, trial)
      seen[trial] = ("%g %d"):format(o.lr, o.width)
      o.lr = o.lr -- the options are the function's own
      return bowl(o)
    end, { width = { 4, 8 }, lr = { 1e-3, 1e-2, 1e-1 } })
    assert.are.same({ "0.001 4", "0.001 8", "0.01 4", "0.01 8", "0.1 4", "0.1 8" }, seen)
    assert.are.same({ lr = 1e-2, width = 4 }, sweep:best().options)
    assert.are.equal("value", sweep.metric)
    assert.are.same({ 3, 4 }, { sweep:ranked()[1] == sweep[3] and 3, sweep:ranked()[2] == sweep[4]
      and 4 })
    assert.matches("^trial +lr +width +value +seconds\n3 +0.01 +4", tostring(sweep))
  end)

  it("draws at random, from lists and functions, the same from the same seed", function()
    local space <const> = { lr = function(u) return 10 ^ (-4 + 3 * u) end, width = { 1, 2, 3 } }
    local function rates(seed)
      local sweep <const> = mlp.tune.sweep(bowl, space, { samples = 40, seed = seed })
      local list <const>, widths <const> = {}, {}
      for i, trial in ipairs(sweep) do
        list[i] = trial.options.lr
        widths[trial.options.width] = true
        assert.is_true(trial.options.lr >= 1e-4 and trial.options.lr < 0.1)
      end
      assert.are.same({ true, true, true }, widths)
      return list
    end
    assert.are.same(rates(1), rates(1))
    assert.are_not.same(rates(1), rates(2))
  end)

  it("takes tables of numbers, and either direction", function()
    local function run(o) return { loss = o.a, accuracy = o.a } end
    local space <const> = { a = { 1, 3, 2 } }
    assert.are.equal(1, mlp.tune.sweep(run, space):best().options.a)
    assert.are.equal(3, mlp.tune.sweep(run, space,
      { metric = "accuracy", higher_is_better = true }):best().options.a)
  end)

  it("notes what failed and goes on, unless it was interrupted", function()
    local function run(o)
      if o.a == 1 then error "the loss is NaN" end
      return o.a == 2 and 0 / 0 or o.a
    end
    local sweep <const> = mlp.tune.sweep(run, { a = { 1, 2, 3 } })
    assert.matches("the loss is NaN", sweep[1].error)
    assert.are.equal(3, sweep:best().options.a)
    assert.matches("failed", tostring(sweep))
    assert.error_matches(function()
      mlp.tune.sweep(function() error "interrupted!" end, { a = { 1 } })
    end, "interrupted!")
    assert.error_matches(function() mlp.tune.sweep(function() error "no" end, { a = { 1 } }) end,
      "no trial succeeded; the first failed with")
  end)

  it("shows numbers as lines, on a logarithmic axis where they are far apart, words as bars",
    function()
      local sweep <const> = mlp.tune.sweep(function(o)
        return bowl(o) + (o.kind == "relu" and 1 or 0)
      end, { lr = { 1e-3, 1e-2, 1e-1 }, kind = { "relu", "tanh" }, skip = { true, false } })
      local lines <const> = sweep:figure("lr", "kind"):svg()
      assert.matches("kind = relu", lines, 1, true)
      assert.matches("tanh", sweep:figure("kind"):svg(), 1, true)
      assert.matches("kind = tanh", sweep:figure("skip", "kind"):svg(), 1, true)
      assert.error_matches(function() sweep:figure "rate" end,
        "'rate' is no option of the sweep %(kind, lr, skip%)")
    end)

  it("refuses what it cannot try", function()
    local function refuses(pattern, ...)
      local arguments <const> = table.pack(...)
      assert.error_matches(function() mlp.tune.sweep(table.unpack(arguments)) end, pattern)
    end
    refuses("the first argument is 1 but a function", 1, { a = { 1 } })
    refuses("there are no options to try", bowl, {})
    refuses("a is 1 but a list of choices", bowl, { a = 1 })
    refuses("'a' is drawn at random; say how many trials", bowl, { a = function(u) return u end })
    refuses("samples is 0 but", bowl, { a = { 1 } }, { samples = 0 })
    refuses("the function returned no number 'loss'", function() return { mae = 1 } end,
      { a = { 1 } })
    refuses("what the function returns is the string 'x' but a number", function() return "x" end,
      { a = { 1 } })
  end)
end)
