-- The MNIST digits: 60,000 for training, 10,000 for testing, 28 x 28 grey. Looked for in the
-- folder MLP_DATA (and its folder mnist), then in the cache ($XDG_CACHE_HOME or ~/.cache, then
-- mlp/mnist), then fetched into the cache with curl. What is fetched takes its name only after
-- its MD5 was found right; files that were there already may be another set of the same format.
local errors <const> = require "mlp.errors"
local idx <const> = require "mlp.data.idx"
local md5 <const> = require "mlp.data.md5"
local file <const> = require "mlp.io.file"

---@class mlp.data.mnist
local mnist = {}

local CALL <const> = "mlp.data.mnist"
local MIRRORS <const> = {
  "https://ossci-datasets.s3.amazonaws.com/mnist/",
  "https://storage.googleapis.com/cvdf-datasets/mnist/",
}
local SUMS <const> = {
  ["train-images-idx3-ubyte.gz"] = "f68b3c2dcbeaaa9fbdd348bbdeb94873",
  ["train-labels-idx1-ubyte.gz"] = "d53e105ee54ea40749a09fcbcd1e9432",
  ["t10k-images-idx3-ubyte.gz"] = "9fb629c4189551a2d022fa330f9573f3",
  ["t10k-labels-idx1-ubyte.gz"] = "ec29112dd5afa0611ce80d1b7f02629c",
}

local function cache_folder()
  local home <const> = os.getenv "HOME"
  local cache <const> = os.getenv "XDG_CACHE_HOME" or home and home .. "/.cache"
  return cache and cache .. "/mlp/mnist"
end

-- Where to look, in order, and where a download goes (nowhere when the caller named a folder).
local function folders(opts)
  if opts.folder then return { opts.folder } end
  local data <const>, cache <const> = os.getenv "MLP_DATA", cache_folder()
  local list <const> = data and { data, data .. "/mnist" } or {}
  list[#list + 1] = cache
  return list, cache
end

local function exists(path)
  local handle <close> = io.open(path, "rb")
  return handle ~= nil
end

local function find(name, list)
  for _, folder in ipairs(list) do
    for _, candidate in ipairs { name, (name:gsub("%.gz$", "")) } do
      local path <const> = folder .. "/" .. candidate
      if exists(path) then return path end
    end
  end
end

-- Runs a program whose arguments may hold anything; what it says comes back when it fails.
local function run(...)
  local words <const> = {}
  for _, word in ipairs { ... } do words[#words + 1] = "'" .. word:gsub("'", [['\'']]) .. "'" end
  local pipe <const> = io.popen(table.concat(words, " ") .. " 2>&1")
  local said <const> = pipe:read("a")
  return pipe:close(), said:match("^%s*(.-)%s*$"):sub(1, 200)
end

local function fetch(name, url, path)
  local partial <const> = file.partial_name(path)
  local ok, why = run("curl", "-fsSL", "--retry", "2", "-o", partial, url .. name)
  if ok then
    local sum <const> = md5(file.read(partial) or "")
    ok, why = sum == SUMS[name], ("%s has the MD5 %s, not %s"):format(url .. name, sum, SUMS[name])
  end
  if ok then ok, why = os.rename(partial, path) end
  if not ok then os.remove(partial) end
  return ok, why
end

local function download(name, cache, mirrors)
  local made <const>, why <const> = run("mkdir", "-p", cache)
  if not made then return nil, why end
  local path <const>, reasons <const> = cache .. "/" .. name, {}
  for _, url in ipairs(mirrors) do
    local ok <const>, reason <const> = fetch(name, url, path)
    if ok then return path end
    reasons[#reasons + 1] = reason
  end
  return nil, table.concat(reasons, "; ")
end

local function missing(name, list, opts, why)
  return nil, ("%s: %s is not in '%s'%s; get the four files from %s and put them there, or set "
    .. "MLP_DATA to their folder"):format(CALL, name, table.concat(list, "', '"),
    why and (" and the download failed (%s)"):format(why) or "", opts.mirrors[1] or MIRRORS[1])
end

local function obtain(name, opts)
  local list <const>, cache <const> = folders(opts)
  local path, why = find(name, list), nil
  if not path and opts.download and cache then path, why = download(name, cache, opts.mirrors) end
  if path then return path end
  return missing(name, list, opts, why)
end

local function load(name, opts, idx_opts)
  local path <const>, message <const> = obtain(name, opts)
  if not path then return nil, message end
  return idx.load(path, idx_opts)
end

local function shaped(images, opts)
  if opts.flat then images = images:reshape(#images, -1) end
  return opts.dtype == "uint8" and images or images:to("float32"):div_(255)
end

-- "train" or "t10k".
local function part(prefix, opts)
  local images <const>, why <const> = load(prefix .. "-images-idx3-ubyte.gz", opts)
  if not images then return nil, why end
  local labels <const>, reason <const> =
    load(prefix .. "-labels-idx1-ubyte.gz", opts, { one_based = true })
  if not labels then return nil, reason end
  if images.ndim ~= 3 or labels.ndim ~= 1 or #images ~= #labels then
    return nil, ("%s: the %s files hold images (%s) and labels (%s), which do not fit"):format(CALL,
      prefix, table.concat(images.shape, ", "), table.concat(labels.shape, ", "))
  end
  return { images = shaped(images, opts), labels = labels }
end

local defaults <const> = {
  flat = true, dtype = "float32", download = true, folder = errors.NONE, mirrors = MIRRORS,
}

--- One half of the set.
---@class mlp.data.Digits
---@field images mlp.Tensor (count, 784) or, with flat = false, (count, 28, 28); float32 in 0..1,
--- or uint8
---@field labels mlp.Tensor (count) int64 classes from 1: digit d is class d + 1

--- Loads MNIST; `mlp.data.mnist{...}` is the same call.
---
--- Options: `flat` (default true): images as (count, 784) instead of (count, 28, 28); `dtype`:
--- "float32" (default, 0..1) or "uint8" (0..255); `folder`: look only there; `download` (default
--- true): fetch what is missing with curl; `mirrors`: list of addresses to fetch from.
---@param opts? table
---@return {train: mlp.data.Digits, test: mlp.data.Digits}? digits
---@return string? message which file is missing and how to get it
function mnist.load(opts)
  opts = errors.options(CALL, opts, defaults)
  if opts.dtype ~= "float32" and opts.dtype ~= "uint8" then
    errors.wanted(CALL, "dtype", opts.dtype, "'float32' or 'uint8'")
  end
  local train <const>, why <const> = part("train", opts)
  if not train then return nil, why end
  local test <const>, reason <const> = part("t10k", opts)
  if not test then return nil, reason end
  return { train = train, test = test }
end

return setmetatable(mnist, { __call = function(_, opts) return mnist.load(opts) end })
