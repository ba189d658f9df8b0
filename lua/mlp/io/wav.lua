-- Sounds (RIFF WAVE): tensors (samples, channels) of floats, where -1 to 1 is what a loudspeaker
-- can do, and a rate in samples per second. A file is a list of chunks, each a name, a count of
-- bytes and the bytes; "fmt " says how the numbers in "data" are to be read, all others are passed
-- over.
-- Integers of n bits are scaled by 2^(n-1), exactly, both ways.
-- Multimedia Programming Interface and Data Specifications 1.0 (IBM, Microsoft 1991), chapter 3.
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local numbers <const> = require "mlp.io.numbers"

---@class mlp.io.wav
local wav = {}

local CALL <const> = "mlp.io.wav"
local PCM <const>, FLOAT <const>, EXTENSIBLE <const> = 1, 3, 0xFFFE
local GUID <const> = "\0\0\0\0\16\0\x80\0\0\xaa\0\x38\x9b\x71" -- follows the tag where extensible
local FULL <const> = 0xFFFFFFFF -- bytes: sizes have 32 bits
local refuse <const> = file.refuse

---@class mlp.io.WavForm
---@field tag integer PCM or FLOAT
---@field kind string of number, as mlp.io.numbers names it
---@field scale number what one stands for
---@field middle integer what silence is

---@type table<string, mlp.io.WavForm>
local forms <const> = {
  uint8 = { tag = PCM, kind = "uint8", scale = 2.0 ^ 7, middle = 128 },
  int16 = { tag = PCM, kind = "int16", scale = 2.0 ^ 15, middle = 0 },
  int24 = { tag = PCM, kind = "int24", scale = 2.0 ^ 23, middle = 0 },
  int32 = { tag = PCM, kind = "int32", scale = 2.0 ^ 31, middle = 0 },
  float32 = { tag = FLOAT, kind = "float32", scale = 1, middle = 0 },
  float64 = { tag = FLOAT, kind = "float64", scale = 1, middle = 0 },
}

local OTHER_TAGS <const> = { [2] = "ADPCM", [6] = "A-law", [7] = "mu-law", [0x11] = "IMA ADPCM",
  [0x55] = "MP3" }

-- ---- reading ------------------------------------------------------------------------------------

local function check_riff(source)
  file.expect(source, "RIFF", "a WAV sound")
  if source:read(8, 4) ~= "WAVE" then
    refuse("not a WAV sound but another RIFF file ('%s')", source:read(8, 4))
  end
  local claimed <const> = ("<I4"):unpack(source:read(4, 4)) + 8
  if claimed > source.size then
    refuse("it ends too early: its header claims %d bytes, but %d are there", claimed, source.size)
  end
  return claimed
end

-- The place and the size of the chunks that are asked for; a chunk of odd size is padded.
local function chunks_of(source)
  local stop <const>, found <const> = check_riff(source), {}
  local at = 12
  while at + 8 <= stop and not found.data do
    local name <const>, size <const> = ("<c4I4"):unpack(source:read(at, 8))
    if size > stop - at - 8 then
      refuse("its chunk '%s' claims %d bytes, but only %d are there", name, size, stop - at - 8)
    end
    found[name] = { at = at + 8, size = size }
    at = at + 8 + size + size % 2
  end
  if not found["fmt "] then refuse("it has no chunk 'fmt '") end
  return found["fmt "], found.data or refuse("it has no chunk 'data'")
end

local function form_of(tag, bytes)
  for name, form in pairs(forms) do
    if form.tag == tag and numbers.kinds[form.kind].bytes == bytes then return form, name end
  end
  if tag == PCM or tag == FLOAT then
    refuse("its numbers are %s of %d bytes; integers of 1 to 4 and floats of 4 or 8 can be read",
      tag == PCM and "integers" or "floats", bytes)
  end
  refuse("its sound is packed as %s; only plain numbers can be read",
    OTHER_TAGS[tag] or ("format %d"):format(tag))
end

local function read_format(source, chunk)
  if chunk.size < 16 then refuse("its chunk 'fmt ' has %d bytes, less than 16", chunk.size) end
  local bytes <const> = source:read(chunk.at, math.min(chunk.size, 40))
  local tag, channels <const>, rate <const>, _, block <const>, bits <const> =
    ("<I2I2I4I4I2I2"):unpack(bytes)
  if tag == EXTENSIBLE and #bytes == 40 then tag = ("<I2"):unpack(bytes, 25) end
  if channels == 0 or rate == 0 then
    refuse("its header says %d channels at %d samples per second", channels, rate)
  end
  local width <const> = (bits + 7) // 8
  if block ~= channels * width then
    refuse("its header says %d bytes for %d channels of %d bits", block, channels, bits)
  end
  return { tag = tag, channels = channels, rate = rate, width = width, block = block }
end

local function scaled(samples, form, dtype)
  if form.scale == 1 then return samples:to(dtype) end
  local wide <const> = form.kind == "int32" and "float64" or dtype -- 32 bits do not fit a float32
  return ((samples:to(wide) - form.middle) / form.scale):to(dtype)
end

local function read(source, dtype)
  local format_chunk <const>, data <const> = chunks_of(source)
  local format <const> = read_format(source, format_chunk)
  local form <const>, encoding <const> = form_of(format.tag, format.width)
  if data.size % format.block ~= 0 then
    refuse("its %d bytes of data are no whole number of samples of %d bytes", data.size,
      format.block)
  end
  local shape <const> = { data.size // format.block, format.channels }
  local samples <const> =
    numbers.tensor(source:read(data.at, data.size), numbers.kinds[form.kind], shape)
  return scaled(samples, form, dtype), format.rate, encoding
end

local function read_options(opts)
  local o <const> = errors.options(CALL, opts, { dtype = "float32" })
  if o.dtype ~= "float32" and o.dtype ~= "float64" then
    errors.wanted(CALL, "dtype", o.dtype, "'float32' or 'float64'")
  end
  return o.dtype
end

--- Reads a WAV sound of any count of channels: integers of 8, 16, 24 and 32 bits, floats of 32 and
--- 64. Packed sounds (A-law, ADPCM) are refused. What follows the sound is ignored.
---
---     local samples, rate = mlp.io.wav.load "bach.wav"
---@param path string
---@param opts? {dtype: "float32"|"float64"?} dtype: default "float32", which rounds 32-bit integers
---@return mlp.Tensor? samples (samples, channels); -1 to 1, floats as they are in the file
---@return integer|string rate samples per second, or the message
---@return string? encoding "uint8", "int16", "int24", "int32", "float32" or "float64"
function wav.load(path, opts)
  return file.load(CALL, path, read, read_options(opts))
end

--- The same from a string.
---@param bytes string
---@param opts? {dtype: "float32"|"float64"?}
---@return mlp.Tensor? samples
---@return integer|string rate or the message
---@return string? encoding
function wav.decode(bytes, opts)
  return file.decode(CALL, bytes, read, read_options(opts))
end

-- ---- writing ------------------------------------------------------------------------------------

local function check_samples(samples, rate)
  numbers.check(CALL, "samples", samples)
  local channels <const> = samples.ndim == 2 and samples:size(2) or 1
  if samples.ndim < 1 or samples.ndim > 2 or channels < 1 or channels > 65535
    or not samples.dtype:find "^float" then
    errors.wanted(CALL, "samples", samples, "floats of shape (samples) or (samples, channels)")
  end
  if math.type(rate) ~= "integer" or rate < 1 or rate > FULL then
    errors.wanted(CALL, "rate", rate, "a whole number of samples per second")
  end
  return channels
end

-- Beyond -1 to 1 sound is cut off, as a loudspeaker would; NaN is no sound.
local function bytes_of(samples, form)
  local kind <const> = numbers.kinds[form.kind]
  samples = samples:detach()
  if form.scale == 1 then return numbers.bytes(samples, kind) end
  if samples:isnan():any():item() > 0 then errors.raise("%s: the samples hold NaN", CALL) end
  local levels <const> = (samples:to "float64" * form.scale):round()
  return numbers.bytes(levels:clamp(-form.scale, form.scale - 1) + form.middle, kind)
end

-- More than two channels want the extensible format, in which no speaker is named for any of them.
local function format_chunk(form, channels, rate)
  local bytes <const> = numbers.kinds[form.kind].bytes
  local is_extensible <const> = channels > 2
  local basic <const> = ("<I2I2I4I4I2I2"):pack(is_extensible and EXTENSIBLE or form.tag, channels,
    rate, (rate * channels * bytes) & FULL, channels * bytes, 8 * bytes)
  if is_extensible then
    return basic .. ("<I2I2I4I2"):pack(22, 8 * bytes, 0, form.tag) .. GUID
  end
  return form.tag == PCM and basic or basic .. "\0\0"
end

-- What is not plain PCM counts its samples in a chunk of its own.
local function header_of(form, channels, rate, count, size)
  local format <const> = format_chunk(form, channels, rate)
  local chunks <const> = { "fmt " .. ("<s4"):pack(format) }
  if form.tag ~= PCM then chunks[2] = "fact" .. ("<I4I4"):pack(4, count) end
  chunks[#chunks + 1] = "data" .. ("<I4"):pack(size)
  local head <const> = table.concat(chunks)
  local total <const> = 4 + #head + size + size % 2
  if total > FULL then
    errors.raise("%s: the sound takes %d bytes, more than the 4 GiB of a WAV file", CALL, total)
  end
  return "RIFF" .. ("<I4"):pack(total) .. "WAVE" .. head
end

--- The bytes of a WAV file.
---@param samples mlp.Tensor (samples) or (samples, channels), floats; -1 to 1, integers cut off
--- what is beyond
---@param rate integer samples per second
---@param opts? {encoding: string?} encoding: "uint8", "int16" (default), "int24", "int32",
--- "float32" or "float64"
---@return string
function wav.encode(samples, rate, opts)
  local channels <const> = check_samples(samples, rate)
  local o <const> = errors.options(CALL, opts, { encoding = "int16" })
  local form <const> = forms[o.encoding]
  if not form then
    errors.wanted(CALL, "encoding", o.encoding,
      "one of " .. table.concat(numbers.names(forms), ", "))
  end
  local data <const> = bytes_of(samples, form)
  return header_of(form, channels, rate, #samples, #data) .. data .. ("\0"):rep(#data % 2)
end

--- Writes a WAV file.
---@param path string
---@param samples mlp.Tensor (samples) or (samples, channels), floats
---@param rate integer samples per second
---@param opts? {encoding: string?} as of encode
---@return true? done
---@return string? message
function wav.save(path, samples, rate, opts)
  local bytes <const> = wav.encode(samples, rate, opts)
  return file.write(CALL, path, function(handle) handle:write(bytes) end)
end

return wav
