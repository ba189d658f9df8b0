--- What a field is fitted to: points (N, D) in [-1, 1] and what is there, values (N, C).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local signal = {}

---@class mlp.field.Signal
---@field kind "image"|"audio"|"distances"
---@field points mlp.Tensor (N, D)
---@field values mlp.Tensor (N, C): colours in 0..1, samples in -1..1, distances
---@field shape integer[]? of the picture (H, W, C), or of the sound (N, C)
---@field rate integer? samples per second of a sound

--- Coordinates by the kind of signal.
---@package
signal.AXES = { image = 2, audio = 1, distances = 3 }
local AXES <const> = signal.AXES

local function make(kind, points, values, more)
  local made <const> = { kind = kind, points = points, values = values }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

--- The middles of n parts of -1 .. 1.
---@param n integer
---@return mlp.Tensor (n)
---@package
function signal.middles(n) return core.linspace(1 / n - 1, 1 - 1 / n, n) end
local middles <const> = signal.middles

local function want_side(call, name, side)
  if math.type(side) ~= "integer" or side < 1 then
    errors.wanted(call, name, side, "a whole number from 1")
  end
end

--- The middles of the pixels of a picture, row by row: (x, y) in -1 .. 1.
---@param height integer
---@param width integer
---@return mlp.Tensor points (height * width, 2)
function signal.grid(height, width)
  want_side("field.grid", "height", height)
  want_side("field.grid", "width", width)
  local x <const> = middles(width):reshape(1, width):expand(height, width)
  local y <const> = middles(height):reshape(height, 1):expand(height, width)
  return core.stack({ x, y }, -1):reshape(-1, 2)
end

--- A picture as a signal.
---@param picture mlp.Tensor (H, W) or (H, W, C): uint8, or floats in 0..1
---@return mlp.field.Signal
function signal.image(picture)
  local fits <const> = core.is_tensor(picture) and (picture.ndim == 2 or picture.ndim == 3)
    and picture:numel() > 0
  if not fits then
    errors.wanted("field.image", "the picture", picture, "a tensor (H, W) or (H, W, C)")
  end
  local height <const>, width <const>, channels = table.unpack(picture.shape)
  channels = channels or 1
  local scale <const> = picture.dtype == "uint8" and 1 / 255 or 1
  return make("image", signal.grid(height, width),
    picture:detach():to "float32":reshape(-1, channels) * scale,
    { shape = { height, width, channels } })
end

--- A sound as a signal.
---@param samples mlp.Tensor (N) or (N, C), -1..1
---@param rate integer? samples per second; default 44100
---@return mlp.field.Signal
function signal.audio(samples, rate)
  local fits <const> = core.is_tensor(samples) and (samples.ndim == 1 or samples.ndim == 2)
    and samples:numel() > 0
  if not fits then
    errors.wanted("field.audio", "the sound", samples, "a tensor (N) or (N, channels)")
  end
  if rate ~= nil and (type(rate) ~= "number" or rate ~= rate or rate <= 0) then
    errors.wanted("field.audio", "rate", rate, "a positive number of samples per second")
  end
  local values <const> = samples:detach():to "float32":reshape(#samples, -1)
  return make("audio", middles(#samples):reshape(-1, 1), values,
    { shape = values.shape, rate = rate or 44100 })
end

local TOLERANCE <const> = 1e-4 -- rounding of coordinates is no reason to warn

--- Networks of fields are made for the cube; a hash grid ends there.
local function warn_of_range(call, points)
  local far <const> = points:abs():max():item()
  if far > 1 + TOLERANCE then
    warn(("mlp: %s: points reach %.3g, but coordinates run from -1 to 1; scale them"):format(call,
      far))
  end
end

--- Signed distances to a shape as a signal: below 0 inside.
---@param points mlp.Tensor (N, 3) in -1..1; a warning (Lua's `warn`) says when they are not
---@param distances mlp.Tensor (N)
---@return mlp.field.Signal
function signal.distances(points, distances)
  local call <const> = "field.distances"
  if not core.is_tensor(points) or points.ndim ~= 2 or points:size(2) ~= 3 then
    errors.wanted(call, "the points", points, "a tensor (N, 3)")
  elseif #points == 0 then
    errors.raise("%s: there are no points, but at least 1 is wanted", call)
  elseif not core.is_tensor(distances) or distances:numel() ~= #points then
    errors.wanted(call, "the distances", distances, ("a tensor (%d)"):format(#points))
  end
  warn_of_range(call, points)
  return make("distances", points:detach():to "float32",
    distances:detach():to "float32":reshape(-1, 1))
end

local function of_file(path)
  local io <const> = require "mlp.io"
  if path:lower():match "%.png$" then
    local picture <const>, message <const> = io.png.load(path)
    if not picture then return nil, message end
    return signal.image(picture)
  elseif path:lower():match "%.wav$" then
    local samples <const>, rate <const> = io.wav.load(path)
    if not samples then return nil, rate end
    return signal.audio(samples, rate)
  end
  errors.wanted("field.fit", "signal", path, "the name of a .png or .wav file, or a tensor")
end

--- A signal that a user wrote down.
local function want_signal(given)
  local points <const>, values <const> = given.points, given.values
  local axes <const> = AXES[given.kind]
  if not axes then
    errors.wanted("field.fit", "the signal's kind", given.kind, "'image', 'audio' or 'distances'")
  elseif not core.is_tensor(points) or points.ndim ~= 2 or points:size(2) ~= axes then
    errors.wanted("field.fit", "points", points, ("a tensor (N, %d)"):format(axes))
  elseif #points == 0 then
    errors.raise "field.fit: there are no points, but at least 1 is wanted"
  elseif not core.is_tensor(values) or values.ndim ~= 2 or #values ~= #points then
    errors.wanted("field.fit", "values", values, ("a tensor (%d, C)"):format(#points))
  end
  warn_of_range("field.fit", points)
  return given
end

--- A signal from what users give: a signal, a picture, a mono sound, or the name of a file.
---@param given any
---@return mlp.field.Signal?
---@return string? message when the file cannot be read
function signal.of(given)
  if type(given) == "table" and given.points and given.values then return want_signal(given) end
  if type(given) == "string" then return of_file(given) end
  if not core.is_tensor(given) then
    errors.wanted("field.fit", "signal", given,
      "a picture (H, W, C), a sound (N), a signal (field.image, audio, distances) or a file's name")
  end
  return given.ndim == 1 and signal.audio(given) or signal.image(given)
end

return signal
