-- The README's Lua runs, from top to bottom as a reader would type it: later blocks see what
-- earlier ones made. Files go to a folder of their own and trainings last two epochs.

local function read(path)
  local file <close> = assert(io.open(path, "r"))
  return file:read "a"
end

local README <const> = read "README.md"

local function blocks()
  local list <const> = {}
  for block in README:gmatch "\n```lua\n(.-)```" do list[#list + 1] = block end
  return list
end

describe("README.md", function()
  it("has Lua that runs", function()
    local folder <const> = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir '%s'"):format(folder)))
    local code <const> = {}
    for _, block in ipairs(blocks()) do
      if not block:find "^%-%- not run: " then code[#code + 1] = block end
    end
    local program <const> = table.concat(code, "\n")
      :gsub('"([%w_]+%.[%w]+)"', ('"%s/%%1"'):format(folder)):gsub("epochs = %d+", "epochs = 2")
      :gsub('optimizer = "adamw"', "progress = false, %0")
    local printed <const> = {}
    local environment <const> = setmetatable({ print = function(...)
      printed[#printed + 1] = tostring((...))
    end }, { __index = _G })
    local run <const> = assert(load(program, "=README.md", "t", environment))
    local ok <const>, message <const> = pcall(run)
    os.execute(("rm -r '%s'"):format(folder))
    assert(ok, message)
    assert.is_true(#printed > 5)
  end)

  it("says why a block does not run", function()
    for _, block in ipairs(blocks()) do
      local why <const> = block:match "^%-%- not run:([^\n]*)"
      assert(not why or why:find "%a", "a block is not run without a reason")
    end
  end)

  it("points at files that are there", function()
    local count = 0
    for target in README:gmatch "%]%(([^)#]+)%)" do
      if not target:find "^https?:" then
        assert(io.open(target, "r"), target .. " is not there"):close()
        count = count + 1
      end
    end
    assert.is_true(count > 10)
  end)
end)
