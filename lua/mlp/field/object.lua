--- A fitted field: a network together with what its coordinates mean.

local core <const> = require "mlp.core"
local derivative <const> = require "mlp.field.derivative"
local errors <const> = require "mlp.errors"
local signals <const> = require "mlp.field.signal"

---@class mlp.Field
---@field model mlp.nn.Module
---@field kind "image"|"audio"|"distances"
---@field signal mlp.field.Signal? what it was fitted to; nil when it comes from a file
---@field shape integer[]? of the picture or sound
---@field rate integer? samples per second of a sound
---@field step integer updates so far
---@field seconds number that they took
local Field = { __name = "mlp.Field" }
Field.__index = Field

local ROWS <const> = 1 << 14 -- points at once where no gradient is kept

local function want_points(self, call, points)
  local axes <const> = signals.AXES[self.kind]
  if not core.is_tensor(points) or points.ndim ~= 2 or points:size(2) ~= axes then
    errors.wanted("field:" .. call, "the points", points, ("a tensor (N, %d)"):format(axes))
  end
end

--- What is at the points, without history, a block of rows at a time.
---@param points mlp.Tensor (N, D) in -1..1
---@return mlp.Tensor values (N, C)
function Field:sample(points)
  want_points(self, "sample", points)
  local _ <close> = core.no_grad_scope()
  if #points <= ROWS then return (self.model(points)) end
  local parts <const> = {}
  for i, rows in ipairs(points:split(ROWS)) do parts[i] = self.model(rows) end
  return core.cat(parts, 1)
end

--- The network itself, with history: for losses of one's own.
---@param points mlp.Tensor (..., D)
---@return mlp.Tensor values (..., C)
function Field:__call(points) return (self.model(points)) end

-- ---- derivatives --------------------------------------------------------------------------------

--- Of the points, a block of rows at a time, without history.
local function derived(self, call, points, f)
  want_points(self, call, points)
  local parts <const> = {}
  for i, rows in ipairs(#points > ROWS and points:split(ROWS) or { points }) do
    parts[i] = f("field:" .. call, self.model, rows):detach()
  end
  return core.cat(parts, 1)
end

--- Derivatives by the coordinates. With history: mlp.field.gradient.
---@param points mlp.Tensor (N, D)
---@return mlp.Tensor gradient (N, C, D); (N, D) where the field has one channel
function Field:gradient(points)
  return derived(self, "gradient", points, derivative.gradient_for)
end

--- The sum of the second derivatives by each coordinate. With history: mlp.field.laplacian.
---@param points mlp.Tensor (N, D)
---@return mlp.Tensor laplacian (N, C); (N) where the field has one channel
function Field:laplacian(points)
  return derived(self, "laplacian", points, derivative.laplacian_for)
end

-- ---- rendering ----------------------------------------------------------------------------------

local function want_kind(self, call, kind)
  if self.kind ~= kind then
    errors.raise("field:%s: this field holds %s, but %s is wanted", call, self.kind, kind)
  end
end

--- A picture at any resolution, or a sound at any rate.
---@param size {[1]: integer?, [2]: integer?, rate: integer?}? {height, width}, default those of the
---  signal; a sound: {rate = 22050}
---@return mlp.Tensor picture (height, width, C) floats, or sound (N, C)
function Field:render(size)
  if type(size) ~= "table" and size ~= nil then
    errors.wanted("field:render", "the size", size, "a table {height, width}")
  end
  if self.kind == "audio" then
    local rate <const> = size and size.rate or self.rate
    if type(rate) ~= "number" or rate ~= rate or self.shape[1] * rate // self.rate < 1 then
      errors.wanted("field:render", "rate", rate, "so many samples per second that one is left")
    end
    local count <const> = self.shape[1] * rate // self.rate | 0
    return self:sample(signals.middles(count):reshape(-1, 1))
  end
  want_kind(self, "render", "image")
  local height <const>, width <const> = table.unpack(size or self.shape)
  return self:sample(signals.grid(height, width)):reshape(height, width, self.shape[3])
end

--- The surface of a field of distances, by marching cubes; mlp.field.save_obj writes it.
---@param options {resolution: integer?}? numbers of the grid along each axis; default 96
---@return mlp.field.Mesh
function Field:mesh(options) return require("mlp.field.shape").mesh(self, options) end

--- A shaded picture of the surface of a field of distances, by sphere tracing.
---@param options {height: integer?, width: integer?, pose: mlp.Tensor?, focal: number?,
---  colour: number[]?, light: number[]?}? `pose` (4, 4) of the camera, as in mlp.nerf; `light` its
---  direction
---@return mlp.Tensor picture (height, width, 3) in 0..1, white where there is nothing
function Field:shade(options) return require("mlp.field.shape").shade(self, options) end

-- ---- how good it is -----------------------------------------------------------------------------

local function signal_for(self, given, call)
  local signal <const> = given == nil and self.signal or given ~= nil and signals.of(given)
  if not signal then errors.raise("field:%s: name the signal to compare with", call) end
  return signal
end

--- What the field says less what a signal says, at the signal's points; colours cut to 0..1.
local function differences(self, given, call)
  local signal <const> = signal_for(self, given, call)
  want_points(self, call, signal.points)
  local values = self:sample(signal.points)
  if values:size(2) ~= signal.values:size(2) then
    errors.raise("field:%s: the signal has %d values at a point, but the field %d", call,
      signal.values:size(2), values:size(2))
  end
  if signal.kind == "image" then values = values:clamp(0, 1) end
  return values - signal.values, signal
end

local function mean_square(x) return x:square():to "float64":mean():item() end

--- Peak signal-to-noise ratio in decibels: -10 log10 of the mean squared error, for a peak of 1.
---@param signal any? a picture or sound; default: what was fitted
---@return number
function Field:psnr(signal)
  return -10 * math.log(mean_square((differences(self, signal, "psnr"))), 10)
end

--- Signal-to-noise ratio in decibels: the mean square of the signal over that of the error.
---@param signal any? default: what was fitted
---@return number
function Field:snr(signal)
  local wrong <const>, right <const> = differences(self, signal, "snr")
  return 10 * math.log(mean_square(right.values) / mean_square(wrong), 10)
end

--- Mean absolute error.
---@param signal any? default: what was fitted
---@return number
function Field:error(signal)
  return differences(self, signal, "error"):abs():to "float64":mean():item()
end

-- ---- files --------------------------------------------------------------------------------------

--- Saves the network and what its coordinates mean, as safetensors. A network of built-in modules
--- comes back with mlp.field.load, and as a plain network with mlp.load.
---@param path string
---@return true? done
---@return string? message
function Field:save(path)
  return require("mlp.nn.state").save(self.model, path, { about = { ["mlp.field"] =
    require("dkjson").encode { kind = self.kind, shape = self.shape, rate = self.rate,
      step = self.step, seconds = self.seconds } } })
end

function Field:__tostring()
  return ("field of %s, %d parameters, %d steps"):format(self.kind, self.model:parameter_count(),
    self.step)
end

return Field
