-- MD5 (RFC 1321), only to tell whether a download is the file that was meant. About 5 MB a second.
local K <const>, S <const> = {}, {}
for i = 0, 63 do K[i + 1] = math.floor(2 ^ 32 * math.abs(math.sin(i + 1))) end
local TURNS <const> = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }
for round, turns in ipairs(TURNS) do
  for i = 0, 15 do S[(round - 1) * 16 + i + 1] = turns[i % 4 + 1] end
end

local BLOCK <const> = 64
local MASK <const> = 0xffffffff

local function mix(i, b, c, d)
  if i < 16 then return b & c | ~b & d, i end
  if i < 32 then return d & b | ~d & c, (5 * i + 1) % 16 end
  if i < 48 then return b ~ c ~ d, (3 * i + 5) % 16 end
  return c ~ (b | ~d & MASK), 7 * i % 16
end

local function digest_block(words, a0, b0, c0, d0)
  local a, b, c, d = a0, b0, c0, d0
  for i = 0, 63 do
    local f <const>, word <const> = mix(i, b, c, d)
    local sum <const> = (a + f + K[i + 1] + words[word + 1]) & MASK
    a, d, c = d, c, b
    b = (b + (sum << S[i + 1] | sum >> (32 - S[i + 1]))) & MASK
  end
  return a0 + a & MASK, b0 + b & MASK, c0 + c & MASK, d0 + d & MASK
end

--- The MD5 of a string, in 32 hexadecimal digits.
---@param text string
---@return string
local function md5(text)
  local zeros <const> = ("\0"):rep(-(#text + 9) % BLOCK)
  local padded <const> = text .. "\x80" .. zeros .. ("<I8"):pack(#text * 8)
  local format <const> = "<" .. ("I4"):rep(16)
  local a, b, c, d = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
  for at = 1, #padded, BLOCK do
    a, b, c, d = digest_block({ format:unpack(padded, at) }, a, b, c, d)
  end
  local function hexadecimal(byte) return ("%02x"):format(byte:byte()) end
  return (("<I4I4I4I4"):pack(a, b, c, d):gsub(".", hexadecimal))
end

return md5
