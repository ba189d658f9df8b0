-- Where MNIST is looked for, what is fetched and what is not believed, with folders as mirrors.
local core <const> = require "mlp.core"
local mnist <const> = require "mlp.data.mnist"
local child <const> = require "spec.support.child"
local files <const> = require "spec.support.files"

local function images(count, value)
  return "\0\0\8\3" .. (">I4I4I4"):pack(count, 28, 28) .. string.char(value):rep(count * 784)
end

local function labels(...) return "\0\0\8\1" .. (">I4"):pack(select("#",
  ...)) .. string.char(...) end

local FAKES <const> = {
  ["train-images-idx3-ubyte"] = images(2, 51), ["train-labels-idx1-ubyte"] = labels(0, 9),
  ["t10k-images-idx3-ubyte.gz"] = core.deflate(images(1, 255)),
  ["t10k-labels-idx1-ubyte.gz"] = core.deflate(labels(4)),
}

-- A new folder, which is removed after the test.
local function new_folder()
  local path <const> = files.temporary()
  assert(os.execute(("mkdir -p '%s'"):format(path)))
  finally(function() os.execute(("rm -r '%s'"):format(path)) end)
  return path
end

local function new_set(folder, changes)
  for name, bytes in pairs(FAKES) do files.write(folder .. "/" .. name,
    changes and changes[name] or bytes) end
end

describe("mnist", function()
  it("reads plain and packed files of a folder", function()
    local folder <const> = new_folder()
    new_set(folder)
    local digits <const> = assert(mnist { folder = folder })
    assert.are.same({ { 2, 784 }, { 1, 784 } }, { digits.train.images.shape,
      digits.test.images.shape })
    assert.are.equal("float32", digits.train.images.dtype)
    assert.are.equal("int64", digits.train.labels.dtype)
    assert.are.same({ { 1, 10 }, { 5 } }, { digits.train.labels:totable(),
      digits.test.labels:totable() })
    assert.are.equal(1, digits.test.images[{ 1, 784 }]:item())
    assert.are.equal(core.tensor(51):div(255):item(), digits.train.images[{ 2, 1 }]:item())
    local square <const> = assert(mnist.load { folder = folder, flat = false, dtype = "uint8" })
    assert.are.same({ 2, 28, 28 }, square.train.images.shape)
    assert.are.equal(51, square.train.images[{ 2, 1, 28 }]:item())
  end)

  it("names the missing file and how to get it", function()
    local folder <const> = new_folder()
    new_set(folder)
    os.remove(folder .. "/t10k-labels-idx1-ubyte.gz")
    local digits <const>, message <const> = mnist { folder = folder }
    assert.is_nil(digits)
    assert.matches("^mlp.data.mnist: t10k%-labels%-idx1%-ubyte.gz is not in '" .. folder, message)
    assert.matches("get the four files from https://.* and put them there, or set MLP_DATA",
      message)
  end)

  it("says when the files do not fit or are damaged", function()
    local folder <const> = new_folder()
    new_set(folder, { ["train-labels-idx1-ubyte"] = labels(1, 2, 3) })
    files.refused("images %(2, 28, 28%) and labels %(3%), which do not fit", mnist,
      { folder = folder })
    new_set(folder, { ["train-images-idx3-ubyte"] = images(2, 51):sub(1, -2) })
    files.refused("mlp.data.idx: '.*train%-images%-idx3%-ubyte': the array is", mnist,
      { folder = folder })
  end)

  it("knows its options", function()
    assert.error_matches(function() mnist { flatten = true } end, "did you mean 'flat'")
    assert.error_matches(function() mnist { dtype = "float64" } end,
      "'float32' or 'uint8' is wanted")
  end)
end)

describe("the search for mnist", function()
  local function run(environment, mirror)
    return child.lua_with(environment, "spec/mlp/data/mnist_child.lua",
      mirror or "file:///nonexistent/")
  end

  it("looks in MLP_DATA, in its folder mnist, then in the cache", function()
    local root <const> = new_folder()
    for _, folder in ipairs { "/mnist", "/cache/mlp/mnist", "/.cache/mlp/mnist" } do
      assert(os.execute(("mkdir -p '%s'"):format(root .. folder)))
    end
    for _, place in ipairs {
      { root .. "/mnist", { MLP_DATA = root .. "/mnist", HOME = "/nonexistent",
        XDG_CACHE_HOME = "" } },
      { root .. "/mnist", { MLP_DATA = root, HOME = "/nonexistent", XDG_CACHE_HOME = "" } },
      { root .. "/cache/mlp/mnist", { MLP_DATA = "", XDG_CACHE_HOME = root .. "/cache" } },
      { root .. "/.cache/mlp/mnist", { MLP_DATA = "", HOME = root, XDG_CACHE_HOME = "" } },
    } do
      new_set(place[1])
      local output <const>, well <const> = run(place[2])
      assert.are.equal("train 2\ntest 1\n", output)
      assert.is_true(well)
      for name in pairs(FAKES) do os.remove(place[1] .. "/" .. name) end
    end
  end)

  local CURL <const> = os.execute "command -v curl > /dev/null" == true

  it("says why it could not fetch", function()
    if not CURL then pending "curl is not installed" return end
    local root <const> = new_folder()
    local output <const>, well <const> = run { MLP_DATA = "", XDG_CACHE_HOME = root .. "/it's" }
    assert.is_false(well)
    assert.matches("train%-images%-idx3%-ubyte.gz is not in '.*it's/mlp/mnist'", output)
    assert.matches("and the download failed %(curl", output)
  end)

  it("says when there is no curl", function()
    local root <const> = new_folder()
    for _, program in ipairs { "mkdir", "lua5.4" } do -- all that is left on the PATH
      assert(os.execute(("ln -s \"$(command -v %s)\" '%s/'"):format(program, root)))
    end
    local output <const> = run { MLP_DATA = "", XDG_CACHE_HOME = root, PATH = root }
    assert.matches("the download failed %(.*curl.*not found", output)
  end)

  it("does not keep what has the wrong MD5", function()
    if not CURL then pending "curl is not installed" return end
    local root <const> = new_folder()
    local name <const> = "train-images-idx3-ubyte.gz"
    files.write(root .. "/" .. name, core.deflate(images(2, 51)))
    local output <const> = run({ MLP_DATA = "", XDG_CACHE_HOME = root .. "/cache" },
      "file://" .. root .. "/")
    assert.matches("has the MD5 %x+, not f68b3c2dcbeaaa9fbdd348bbdeb94873", output)
    assert.are.equal("", (child.command(("ls '%s/cache/mlp/mnist'"):format(root))))
  end)

  it("fetches the real files once, where a mirror has them", function()
    local data <const> = files.data()
    if not data then pending "MLP_DATA is not set" end
    local root <const> = new_folder()
    local environment <const> = { MLP_DATA = "", XDG_CACHE_HOME = root }
    assert.are.equal("train 60000\ntest 10000\n", (run(environment,
      "file://" .. data .. "/mnist/")))
    assert.are.equal("train 60000\ntest 10000\n", (run(environment)))
  end)
end)
