-- .ci/setup with a Lua that is not there, on systems that this one is not.

local function setup(environment, jobs)
  local pipe <const> = assert(io.popen(("env -u CI %s .ci/setup --dry-run %s 2>&1; echo $?")
    :format(environment, jobs)))
  local text <const> = pipe:read "a"
  pipe:close()
  return text:match "^(.-)(%d+)\n$"
end

local function os_release(text)
  local path <const> = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
  return path
end

describe("the set-up script", function()
  local debian <const> = os_release 'PRETTY_NAME="Derived 1"\nID_LIKE="ubuntu debian"\n'
  local fedora <const> = os_release 'ID=fedora\nVERSION_ID=40\n'
  teardown(function() os.remove(debian); os.remove(fedora) end)

  it("names the packages of four systems, and stops, where there is no apt", function()
    local said <const>, code <const> = setup("LUA=no-such-lua OS_RELEASE=" .. fedora, "build test")
    assert.equal("1", code)
    assert.matches("mlp needs Lua 5.4, dkjson, argparse, busted, not found here", said, 1, true)
    assert.matches("Debian +apt%-get install[^\n]* lua5.4 lua%-dkjson lua%-argparse lua%-busted\n",
      said)
    assert.matches("Fedora +dnf install[^\n]* lua", said)
    assert.matches("Arch +pacman %-S[^\n]* lua54", said)
    assert.matches("macOS +brew install[^\n]* lua@5.4", said)
    assert.matches("Fedora +luarocks %-%-lua%-version 5.4 install busted", said)
  end)

  it("installs with apt on Debian and its kin", function()
    local may <const> = "command -v apt-get && (test $(id -u) = 0 || command -v sudo)"
    if not os.execute("(" .. may .. ") >/dev/null") then
      pending("there is no apt-get, or no right to use it, on this machine")
    end
    local said <const>, code <const> = setup("LUA=no-such-lua OS_RELEASE=" .. debian, "test")
    assert.equal("0", code)
    assert.equal("mlp needs busted: installing lua-busted with apt\n", said)
  end)

  it("refuses a job it does not know", function()
    local said <const>, code <const> = setup("", "tset")
    assert.equal("2", code)
    assert.matches("'tset' is no job", said, 1, true)
  end)
end)
