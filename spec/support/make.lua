--- Numbers for the cases: deterministic, exact in float32 (so that float32 and float64 runs see the
--- same inputs), away from the case's kinks. Also the strided twins: the same values seen through a
--- transposed, offset, gapped view of a storage whose other elements are poison.
local core <const> = require "mlp.core"
local approx <const> = require "spec.support.approx"

local make <const> = {}

local PACK <const> = { float32 = "<f", float64 = "<d", int64 = "<i8", uint8 = "<B" }
-- Read by mistake, each of these is noticed: as a number, as an index, as a mask.
local POISON <const> = { float32 = 0 / 0, float64 = 0 / 0, int64 = 0, uint8 = 211 }

--- splitmix64 (Steele, Lea, Flood 2014): a counter and a mixer; returns a function to [0, 1).
function make.generator(seed)
  local state = seed
  return function()
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return ((z ~ (z >> 31)) >> 11) * 0x1p-53
  end
end

function make.count(shape)
  local n = 1
  for _, length in ipairs(shape) do n = n * length end
  return n
end

function make.is_tensor(x)
  local meta <const> = type(x) == "userdata" and debug.getmetatable(x)
  return meta and meta.__name == "mlp.Tensor"
end

--- A tensor of these elements in row-major order.
function make.from_flat(flat, dtype, shape)
  local pieces, pack = {}, PACK[dtype]
  for i = 1, #flat do pieces[i] = string.pack(pack, flat[i]) end
  return core.frombytes(table.concat(pieces), dtype, shape)
end

--- The elements in row-major order, and the shape.
make.read = approx.read

local function near(x, kinks)
  for _, kink in ipairs(kinks or {}) do
    if math.abs(x - kink) < 0.05 then return true end
  end
  return false
end

--- A multiple of a power of two about 1/4096 of the range: at most 24 significant bits.
local function quantum(low, high) return 2.0 ^ (math.floor(math.log(high - low, 2)) - 12) end

local function uniform(random, n, low, high, kinks)
  local step <const>, flat <const> = quantum(low, high), {}
  for i = 1, n do
    local x
    repeat
      x = math.floor((low + (high - low) * random()) / step + 0.5) * step
    until not near(x, kinks)
    flat[i] = x
  end
  return flat
end

local function shuffle(random, list)
  for i = #list, 2, -1 do
    local j <const> = 1 + math.floor(random() * i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- n numbers at equal distances, shuffled: no ties, and far enough apart for finite differences.
local function distinct(random, n, low, high, kinks)
  local step <const>, flat <const>, places = quantum(low, high), {}, n
  repeat
    local at = 0
    for i = 1, places do
      local x <const> = math.floor((low + (high - low) * (i - 0.5) / places) / step + 0.5) * step
      if not near(x, kinks) and at < n then
        at = at + 1
        flat[at] = x
      end
    end
    places = places + 1
  until at == n
  return shuffle(random, flat)
end

local Maker <const> = {}
Maker.__index = Maker

--- make(shape, { range=, kinks=, dtype=, distinct= })
function Maker:__call(shape, options)
  options = options or {}
  local range <const> = options.range or self.range
  local draw <const> = options.distinct and distinct or uniform
  local n <const> = make.count(shape)
  local flat <const> = draw(self.random, n, range[1], range[2], options.kinks or self.kinks)
  local dtype <const> = options.dtype or self.dtype
  if dtype == "int64" or dtype == "uint8" then
    for i = 1, n do flat[i] = math.floor(flat[i]) end
  end
  return make.from_flat(flat, dtype, shape)
end

--- The case's maker for one run: `make` of the cases. A fresh one draws the same numbers again.
function make.new(case, dtype)
  local random <const> = make.generator(#case.op)
  local maker = setmetatable({
    dtype = dtype, range = case.range or { -2, 2 }, kinks = case.kinks, random = random,
  }, Maker)

  function maker.index(shape, n)
    local flat = {}
    for i = 1, make.count(shape) do flat[i] = 1 + math.floor(random() * n) end
    return make.from_flat(flat, "int64", shape)
  end

  function maker.mask(shape)
    local flat = {}
    for i = 1, make.count(shape) do
      flat[i] = i <= 2 and i % 2 or math.floor(random() * 2)
    end
    return make.from_flat(flat, "uint8", shape)
  end

  function maker.values(nested, of)
    local flat, shape = approx.read(nested)
    return make.from_flat(flat, of or dtype, shape)
  end

  return maker
end

--- Where element i (from 0) of a tensor of this shape lies in its base: axes backwards, one
--- poisoned row in front of the last axis, three places per element of which the middle one is
--- used.
local function place(i, shape)
  local index, n = {}, #shape
  for axis = n, 1, -1 do
    index[axis] = i % shape[axis]
    i = i // shape[axis]
  end
  local at, stride = 0, 3
  for axis = 1, n do
    at = at + (index[axis] + (axis == n and 1 or 0)) * stride
    stride = stride * shape[axis]
  end
  return at + 2
end

--- A base tensor and the function that views it as t: values equal, strides and offset not.
function make.strided(t)
  local flat, shape = approx.read(t)
  local n <const>, order <const>, base_shape <const> = #shape, {}, {}
  for axis = 1, n do
    order[axis] = n + 1 - axis
    base_shape[axis] = shape[n + 1 - axis] + (axis == 1 and 1 or 0)
  end
  base_shape[n + 1] = 3
  local base <const> = {}
  for i = 1, make.count(base_shape) do base[i] = POISON[t.dtype] end
  for i = 1, #flat do base[place(i - 1, shape)] = flat[i] end
  local function view(b)
    local seen = b:select(n + 1, 2)
    if n == 0 then return seen end
    seen = seen:slice(1, 2, base_shape[1])
    return n > 1 and seen:permute(order) or seen
  end
  return make.from_flat(base, t.dtype, base_shape), view
end

return make
