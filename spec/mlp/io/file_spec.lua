-- Manners that every format shares: whole files or none, sentences that name call and file.
local core <const> = require "mlp.core"
local file <const> = require "mlp.io.file"
local files <const> = require "spec.support.files"

-- The names of the files beside `path` that begin like it.
local function beside(path)
  local pipe <const> = assert(io.popen("ls -d '" .. path .. "'* 2>/dev/null"))
  local names <const> = pipe:read("a")
  pipe:close()
  return names
end

describe("file.write", function()
  local path
  before_each(function() path = files.temporary() end)
  after_each(function() os.remove(path) end)

  it("writes everything and leaves nothing beside it", function()
    assert.is_true(file.write("test", path, function(handle)
      handle:write("one ", 2):write(" three")
    end))
    assert.are.equal("one 2 three", files.read(path))
    assert.are.equal(path .. "\n", beside(path))
  end)

  it("keeps the old file and removes the new one when the writer raises", function()
    files.write(path, "old")
    local raised <const> = {}
    local ok <const>, message <const> = pcall(file.write, "test", path, function(handle)
      handle:write("half")
      error(raised)
    end)
    assert.is_false(ok)
    assert.are.equal(raised, message)
    assert.are.equal("old", files.read(path))
    assert.are.equal(path .. "\n", beside(path))
  end)

  it("answers nil and a message where it cannot write", function()
    local done <const>, message <const> = file.write("test", "/nonexistent/x.npy",
      function() end)
    assert.is_nil(done)
    assert.are.equal("test: cannot write '/nonexistent/x.npy': No such file or directory",
      message)
  end)

  it("answers nil and a message when the disk is full", function()
    local full <close> = io.open("/dev/full", "wb")
    if not full then pending "this system has no /dev/full" end
    local real <const> = io.open
    finally(function() io.open = real end) -- luacheck: ignore 122
    io.open = function() return real("/dev/full", "wb") end -- luacheck: ignore 122
    local done <const>, message <const> = file.write("test", path, function(handle)
      handle:write(("x"):rep(1 << 20))
    end)
    assert.is_nil(done)
    assert.matches("No space left", message)
  end)

  it("wants a name", function()
    local _, message <const> = pcall(function() file.write("test", nil, function() end) end)
    assert.matches("file_spec.lua:%d+: test: path is nil but the name of a file is wanted",
      message)
  end)
end)

describe("file.read", function()
  it("reads everything", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    files.write(path, "a\0b\r\n")
    assert.are.equal("a\0b\r\n", file.read(path))
    assert.are.equal("a\0b\r\n", file.read(path, { limit = 5 }))
    local content <const>, message <const> = file.read(path, { limit = 4 })
    assert.is_nil(content)
    assert.matches("it has 5 bytes but at most 4 were wanted", message)
  end)

  it("names what is missing and what is no file", function()
    local _, message <const> = file.read "/nonexistent/x.npy"
    assert.are.equal("mlp.io: cannot open '/nonexistent/x.npy': No such file or directory", message)
    local content <const>, why <const> = file.read "/"
    assert.is_nil(content)
    assert.are.equal("mlp.io: cannot read '/': Is a directory", why)
  end)

  it("reads what has no size", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    assert(os.execute(("mkfifo '%s' && (printf piped > '%s' &)"):format(path, path)))
    assert.are.equal("piped", file.read(path))
  end)
end)

describe("a reader", function()
  it("passes on errors that are no refusals", function()
    local ok <const>, message <const> = pcall(file.decode, "x", "",
      function() error({ mine = 1 }) end)
    assert.is_false(ok)
    assert.are.same({ mine = 1 }, message)
  end)

  it("is told what a file looks like", function()
    local looks <const> = {
      [files.read(files.golden "scalar.npy")] = "an npy file",
      [files.read(files.golden "stored.npz")] = "a zip archive (npz)",
      [files.read(files.golden "rgb.png")] = "a PNG picture",
      [files.read(files.golden "all.safetensors")] = "a safetensors file",
      [files.read(files.golden "labels-idx1")] = "an IDX file",
      [core.deflate "x"] = "gzip data",
      ["<!DOCTYPE html>"] = "a web page or XML",
      ["version https://git-lfs.github.com/spec/v1"] = "a Git LFS pointer, not the file itself",
      ["a,b,c\n1,2,3\n"] = "text",
      [""] = "an empty file",
      ["\1\2\3"] = "something else",
    }
    for head, description in pairs(looks) do assert.are.equal(description, file.describe(head)) end
  end)
end)
