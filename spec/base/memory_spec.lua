--- Memory as the system sees it.
local child <const> = require "spec.support.child"

describe("memory", function()
  it("is taken again where a block of the same size was given back", function()
    local linux <close> = io.open "/proc/self/statm"
    if not linux then pending "/proc/self/statm is wanted" return end
    local output <const>, well <const> = child.lua "spec/stress/holes.lua"
    assert.is_true(well, output)
    assert.is_true(tonumber(output) < 250, output)
  end)
end)
