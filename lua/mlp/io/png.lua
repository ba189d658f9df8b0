-- Pictures: tensors of shape (height, width, channels) with 1 (grey), 2 (grey, alpha), 3 (RGB) or
-- 4 (RGBA) channels, uint8 in 0..255 or float32 in 0..1.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.io.png
local png = {}

local CALL <const> = "mlp.io.png"
local LIMIT <const> = 1 << 30 -- bytes of samples
local MAX_SIDE <const> = 1000000 -- pixels

local function read(source, opts)
  file.expect(source, "\x89PNG\r\n\x1a\n", "a PNG picture")
  local samples <const>, height <const>, width <const>, channels <const>, depth <const> =
    core.png_decode(source:read(0, source.size), { limit = opts.limit })
  if not samples then file.refuse("%s", (height:gsub("^png: ", ""))) end
  local picture <const> = core.frombytes(samples, "uint8", { height, width, channels })
  if opts.dtype == "uint8" then return picture, depth end
  return picture:to("float32") / 255, depth
end

local function read_options(opts)
  opts = errors.options(CALL, opts, { dtype = "uint8", limit = LIMIT })
  if opts.dtype ~= "uint8" and opts.dtype ~= "float32" then
    errors.wanted(CALL, "dtype", opts.dtype, "'uint8' or 'float32'")
  end
  return opts
end

--- Reads a PNG picture. Palettes become RGB, 16 bits are scaled to 8; gamma and colour profiles
--- are ignored.
---@param path string
---@param opts? {dtype: "uint8"|"float32"?, limit: integer?} dtype: default "uint8" (0..255);
--- "float32" gives 0..1; limit: bytes that the samples may take, default 1 GiB
---@return mlp.Tensor? picture (height, width, channels)
---@return integer|string depth bits per sample in the file (1, 2, 4, 8, 16), or the message
function png.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param bytes string
---@param opts? {dtype: "uint8"|"float32"?, limit: integer?}
---@return mlp.Tensor? picture (height, width, channels)
---@return integer|string depth or the message
function png.decode(bytes, opts)
  return file.decode(CALL, bytes, read, read_options(opts))
end

local function check_size(picture)
  local height <const>, width <const>, channels <const> = table.unpack(picture.shape)
  local fits <const> = (picture.ndim == 2 or picture.ndim == 3) and (channels or 1) <= 4
    and picture:numel() > 0 and height <= MAX_SIDE and width <= MAX_SIDE
  if not fits then
    errors.wanted(CALL, "picture", picture, "(height, width) or (height, width, 1 to 4)")
  end
  return height, width, channels or 1
end

-- Values outside 0..1 are clamped: a network's output may pass them a little. NaN has no colour.
local function samples_of(picture)
  if picture.dtype == "uint8" then return picture:tobytes() end
  if picture.dtype ~= "float32" and picture.dtype ~= "float64" then
    errors.wanted(CALL, "picture", picture, "uint8, float32 or float64")
  end
  if picture:isnan():sum():item() > 0 then errors.raise("%s: the picture holds NaN", CALL) end
  return (picture:detach():clamp(0, 1) * 255 + 0.5):floor():to("uint8"):tobytes()
end

--- The bytes of a PNG file.
---@param picture mlp.Tensor (height, width) or (height, width, 1 to 4): uint8, or floats in 0..1,
--- clamped
---@return string
function png.encode(picture)
  numbers.check(CALL, "picture", picture)
  local height <const>, width <const>, channels <const> = check_size(picture)
  return core.png_encode(samples_of(picture), height, width, channels)
end

--- Writes a PNG file with 8 bits per sample.
---@param path string
---@param picture mlp.Tensor (height, width) or (height, width, 1 to 4): uint8, or floats in 0..1,
--- clamped
---@return true? done
---@return string? message
function png.save(path, picture)
  local bytes <const> = png.encode(picture)
  return file.write(path, function(handle) handle:write(bytes) end)
end

return png
