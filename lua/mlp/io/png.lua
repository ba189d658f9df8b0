-- Pictures: tensors of shape (height, width, channels) with 1 (grey), 2 (grey, alpha), 3 (RGB) or
-- 4 (RGBA) channels, uint8 in 0..255 or float32 in 0..1. A picture with a palette may also be read
-- and written as the positions of its colours in the palette, from 1.
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.io.png
local png = {}

local CALL <const> = "mlp.io.png"
local LIMIT <const> = 1 << 30 -- bytes of samples
local MAX_SIDE <const> = 1000000 -- pixels
local MAX_COLOURS <const> = 256
local DEPTHS <const> = { [1] = true, [2] = true, [4] = true, [8] = true, [16] = true }

-- ---- reading ------------------------------------------------------------------------------------

-- (colours, 3), or 4 where a colour is not opaque
local function palette_of(bytes)
  local colours <const> = core.frombytes(bytes, "uint8", { #bytes // 4, 4 })
  local is_opaque <const> = colours:select(2, 4):amin():item() == 255
  return is_opaque and colours:slice(2, 1, 3):contiguous() or colours
end

local function read(source, opts)
  file.expect(source, "\x89PNG\r\n\x1a\n", "a PNG picture")
  local is_float <const> = opts.dtype == "float32"
  local is_deep <const> = is_float and not opts.palette and source:read(24, 1):byte() == 16
  local samples <const>, height <const>, width <const>, channels <const>, depth <const>,
    palette <const> = core.png_decode(source:read(0, source.size), { limit = opts.limit,
      depth = is_deep and 16 or 8, positions = opts.palette })
  if not samples then file.refuse("%s", (height:gsub("^png: ", ""))) end
  local shape <const> = { height, width, channels }
  if is_deep then
    local form <const> = { encoding = "uint16", byteswap = true }
    return core.frombytes(samples, "int64", shape, form):to "float32" / 65535, depth
  end
  local picture <const> = core.frombytes(samples, "uint8", shape)
  if opts.palette then return picture:to "int64" + 1, depth, palette_of(palette) end
  return is_float and picture:to "float32" / 255 or picture, depth
end

local function read_options(opts)
  opts = errors.options(CALL, opts, { dtype = "uint8", limit = LIMIT, palette = false })
  if opts.dtype ~= "uint8" and opts.dtype ~= "float32" then
    errors.wanted(CALL, "dtype", opts.dtype, "'uint8' or 'float32'")
  end
  opts.palette = opts.palette and true or false
  return opts
end

---@class mlp.io.PngLoadOptions
---@field dtype "uint8"|"float32"|nil default "uint8" (0..255, 16 bits are scaled down); "float32"
---  gives 0..1 and keeps all 16 bits
---@field palette boolean? positions in the palette (int64, from 1) in place of colours; a picture
---  without a palette is refused; default false
---@field limit integer? bytes that the samples may take, default 1 GiB

--- Reads a PNG picture of any kind: 1 to 16 bits, grey, colours or a palette, with or without
--- transparency, interlaced or not. Gamma and colour profiles are ignored.
---@param path string
---@param opts? mlp.io.PngLoadOptions
---@return mlp.Tensor? picture (height, width, channels)
---@return integer|string depth bits per sample in the file (1, 2, 4, 8, 16), or the message
---@return mlp.Tensor? palette uint8 (colours, 3 or 4), where it is asked for
function png.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param bytes string
---@param opts? mlp.io.PngLoadOptions
---@return mlp.Tensor? picture (height, width, channels)
---@return integer|string depth or the message
---@return mlp.Tensor? palette
function png.decode(bytes, opts)
  return file.decode(CALL, bytes, read, read_options(opts))
end

-- ---- writing ------------------------------------------------------------------------------------

local function check_size(picture)
  local height <const>, width <const>, channels <const> = table.unpack(picture.shape)
  local fits <const> = (picture.ndim == 2 or picture.ndim == 3) and (channels or 1) <= 4
    and picture:numel() > 0 and height <= MAX_SIDE and width <= MAX_SIDE
  if not fits then
    errors.wanted(CALL, "picture", picture, "(height, width) or (height, width, 1 to 4)")
  end
  return height, width, channels or 1
end

-- As levels 0 to 2^depth - 1 in float64. Values outside 0..1 are clamped: a network's output may
-- pass them a little. NaN has no colour.
local function levels_of(picture, depth)
  if picture.dtype == "int64" then
    errors.wanted(CALL, "picture", picture, "uint8, float32 or float64")
  end
  local share = picture:detach():to "float64"
  if picture.dtype == "uint8" then share = share / 255 end
  if share:isnan():any():item() > 0 then errors.raise("%s: the picture holds NaN", CALL) end
  return (share:clamp(0, 1) * ((1 << depth) - 1) + 0.5):floor()
end

local function samples_of(picture, depth)
  if picture.dtype == "uint8" and depth == 8 then return picture:tobytes() end
  local levels <const> = levels_of(picture, depth)
  if depth < 16 then return levels:to("uint8"):tobytes() end
  local high <const> = (levels / 256):floor() -- two bytes, the higher one first
  return core.stack({ high, levels - high * 256 }, -1):to("uint8"):tobytes()
end

-- Colours as RGBA bytes.
local function palette_bytes(palette)
  numbers.check(CALL, "palette", palette)
  local count <const>, channels <const> = table.unpack(palette.shape)
  if palette.ndim ~= 2 or count < 1 or count > MAX_COLOURS or channels < 3 or channels > 4 then
    errors.wanted(CALL, "palette", palette, "(1 to 256 colours, 3 or 4)")
  end
  local colours <const> = levels_of(palette, 8)
  local opaque <const> = core.full({ count, 4 - channels }, 255, { dtype = "float64" })
  return core.cat({ colours, opaque }, 2):to("uint8"):tobytes(), count
end

local function positions_of(picture, count)
  if picture.dtype ~= "int64" then
    errors.wanted(CALL, "picture", picture, "int64, the positions of colours in the palette,")
  end
  local least <const>, most <const> = picture:amin():item(), picture:amax():item()
  if least < 1 or most > count then
    errors.raise("%s: the picture has the position %d but the palette has 1 to %d", CALL,
      least < 1 and least or most, count)
  end
  return (picture - 1):to("uint8"):tobytes()
end

-- The fewest bits that tell so many colours apart.
local function bits_for(count)
  for _, depth in ipairs { 1, 2, 4 } do
    if count <= 1 << depth then return depth end
  end
  return 8
end

local function with_palette(picture, o)
  local bytes <const>, count <const> = palette_bytes(o.palette)
  local height <const>, width <const>, channels <const> = check_size(picture)
  if channels ~= 1 then errors.wanted(CALL, "picture", picture, "one channel of positions") end
  return core.png_encode(positions_of(picture, count), height, width, 1,
    { depth = bits_for(count), palette = bytes, interlaced = o.interlaced })
end

local function check_depth(depth, picture, channels)
  if not DEPTHS[depth] then errors.wanted(CALL, "depth", depth, "1, 2, 4, 8 or 16") end
  if depth < 8 and channels > 1 then
    errors.wanted(CALL, "picture", picture, "grey (one channel) for fewer than 8 bits")
  end
end

---@class mlp.io.PngSaveOptions
---@field depth integer? bits per sample: 8 (default) or 16; of grey pictures also 1, 2 or 4
---@field palette mlp.Tensor? (1 to 256 colours, 3 or 4), uint8 or floats in 0..1; the picture is
---  then int64, positions in it from 1, and takes as few bits as the palette needs
---@field interlaced boolean? seen from the first bytes on, coarsely; default false

--- The bytes of a PNG file.
---@param picture mlp.Tensor (height, width) or (height, width, 1 to 4): uint8, or floats in 0..1,
--- clamped; with a palette int64 of one channel
---@param opts? mlp.io.PngSaveOptions
---@return string
function png.encode(picture, opts)
  local o <const> = errors.options(CALL, opts, { depth = errors.NONE, palette = errors.NONE,
    interlaced = false })
  numbers.check(CALL, "picture", picture)
  if o.palette and o.depth then
    errors.raise("%s: depth goes without a palette, whose size says how many bits there are", CALL)
  end
  if o.palette then return with_palette(picture, o) end
  local height <const>, width <const>, channels <const> = check_size(picture)
  local depth <const> = o.depth or 8
  check_depth(depth, picture, channels)
  return core.png_encode(samples_of(picture, depth), height, width, channels,
    { depth = depth, interlaced = o.interlaced })
end

--- Writes a PNG file.
---@param path string
---@param picture mlp.Tensor (height, width) or (height, width, 1 to 4): uint8, or floats in 0..1,
--- clamped; with a palette int64 of one channel
---@param opts? mlp.io.PngSaveOptions
---@return true? done
---@return string? message
function png.save(path, picture, opts)
  local bytes <const> = png.encode(picture, opts)
  return file.write(CALL, path, function(handle) handle:write(bytes) end)
end

return png
