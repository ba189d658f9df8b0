--- examples/polynomials.lua on the digits that ship, with a budget of seconds; MLP_LONG=1 with
--- MLP_DATA: on MNIST, at the length the header states.
require "spec.support.approx"
local file <const> = require "mlp.io.file"
local script <const> = require "spec.support.script"

local EXAMPLE <const> = "examples/polynomials.lua"
local STANDARD <const> = "quadratic, N(0, I)"

local function is_whole_page(path)
  local text <const> = assert(file.read(path))
  assert.matches("^<!DOCTYPE html>", text)
  assert.is_nil(text:find "[^%a]nan[^%a]")
  return text
end

describe("examples/polynomials", function()
  setup(function() os.remove "out/polynomials.html" end)

  it("follows a network with polynomials", function()
    local c <const>, printed <const> = script.run(EXAMPLE, 256, 1, "digits")
    local last <const> = c.trace[#c.trace]
    assert.equal(9, #c.trace)
    assert.equal(256, last.step)
    assert.is_true(last.accuracy > 0.7)
    for _, row in ipairs(c.trace) do
      assert.is_true(row.fits[STANDARD].r2 > 0.96) -- "over 95 %"; 0.967 for relu at the origin
      assert.is_true(row.fits[STANDARD].r2 > row.fits["linear, N(0, I)"].r2)
    end
    assert.is_true(math.abs(last.fits[STANDARD].accuracy - last.accuracy) < 0.1)
    assert.is_true(c.closed_gap > 0.5)
    local fits <const> = last.fits -- each degree explains more
    assert.is_true(fits["cubic, N(mu, Sigma)"].r2 > fits["quadratic, N(mu, Sigma)"].r2)
    assert.is_true(fits["quartic, N(mu, Sigma)"].r2 > fits["cubic, N(mu, Sigma)"].r2)
    assert.is_true(c.steered.network[6] > 0.5)
    assert.is_true(c.attack.network[10] < c.attack.network[1] - 0.3)
    assert.matches("quadratic, one for each class", printed, 1, true)
    is_whole_page "out/polynomials.html"
  end)

  it("does so on MNIST", function()
    if not (os.getenv "MLP_LONG" and os.getenv "MLP_DATA") then
      pending "MLP_LONG=1 and MLP_DATA, the folder of MNIST, are wanted"
      return
    end
    local c <const> = script.run(EXAMPLE, 65536, 1, "mnist")
    local last <const> = c.trace[#c.trace]
    local linear <const>, best_linear = "linear, N(0, I)", 0
    for _, row in ipairs(c.trace) do
      assert.is_true(row.fits[STANDARD].r2 >= 0.967)
      best_linear = math.max(best_linear, row.fits[linear].accuracy)
    end
    assert.is_true(last.accuracy > 0.93) -- 0.944 with seed 1
    assert.is_true(last.accuracy - last.fits[STANDARD].accuracy < 0.03)
    assert.is_true(last.fits[linear].accuracy < best_linear)
    assert.is_true(c.closed_gap > 0.5)
  end)
end)
