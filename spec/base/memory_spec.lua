--- Memory as the system sees it.
local child <const> = require "spec.support.child"

describe("memory", function()
  it("is taken again where a block of the same size was given back", function()
    local linux <close> = io.open "/proc/self/statm"
    if not linux then pending "/proc/self/statm is wanted" return end
    if os.getenv "ASAN_OPTIONS" or os.getenv "TSAN_OPTIONS" then
      pending "a sanitizer has an allocator of its own, which keeps what is given back"
      return
    end
    local output <const>, well <const> = child.lua "spec/stress/holes.lua"
    assert.is_true(well, output)
    assert.is_true(tonumber(output) < 250, output)
  end)
end)
