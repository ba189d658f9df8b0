-- The tokenizer of llama2.c: pieces of text with scores. Text becomes characters, or bytes where
-- the vocabulary lacks the character; then the neighbours whose union has the highest score are
-- joined, until none are (byte-pair encoding as SentencePiece does it). Tokens count from 1: 1
-- stands for what is unknown, 2 begins a text, 3 ends it, 4 to 259 are the bytes.
local file <const> = require "mlp.io.file"

local CALL <const> = "mlp.io.llama2c.tokenizer"
local BEGIN <const>, END <const>, FIRST_BYTE <const> = 2, 3, 4
local refuse <const> = file.refuse

---@class mlp.io.Tokenizer
---@field pieces string[] the text of every token
---@field scores number[]
---@field begin integer the token before every text
---@field stop integer the token after it
local Tokenizer = {}
Tokenizer.__index = Tokenizer
Tokenizer.__name = "mlp.io.Tokenizer"

-- ---- encoding -----------------------------------------------------------------------------------

local function characters(self, text)
  local tokens <const> = {}
  local at = 1
  while at <= #text do
    local last = utf8.len(text, at, at) and utf8.offset(text, 2, at) - 1 or at
    local token <const> = self.token_of[text:sub(at, last)]
    if token then
      tokens[#tokens + 1] = token
    else
      for i = at, last do tokens[#tokens + 1] = FIRST_BYTE + text:byte(i) end
    end
    at = last + 1
  end
  return tokens
end

-- The first pair of neighbours with the highest score, and what they become.
local function best_pair(self, tokens)
  local best, at, union = -math.huge, nil, nil
  for i = 1, #tokens - 1 do
    local joined <const> = self.token_of[self.pieces[tokens[i]] .. self.pieces[tokens[i + 1]]]
    if joined and self.scores[joined] > best then
      best, at, union = self.scores[joined], i, joined
    end
  end
  return at, union
end

local function join(self, tokens)
  local at, union = best_pair(self, tokens)
  while at do
    tokens[at] = union
    table.remove(tokens, at + 1)
    at, union = best_pair(self, tokens)
  end
  return tokens
end

-- The tokens of a word; most words come again.
local function word(self, text)
  local tokens = self.words[text]
  if not tokens then
    tokens = join(self, characters(self, text))
    self.words[text] = tokens
  end
  return tokens
end

--- Text as tokens. A space goes before the text, as it did in training.
---@param text string
---@param options {begin: boolean?, stop: boolean?}? begin: the token that begins a text in front,
---  default true; stop: the one that ends it behind, default false
---@return integer[]
function Tokenizer:encode(text, options)
  local o <const> = require("mlp.errors").options("encode", options, { begin = true, stop = false })
  local tokens <const> = {}
  for part in (#text > 0 and " " .. text or ""):gmatch(self.pattern) do
    table.move(word(self, part), 1, #word(self, part), #tokens + 1, tokens)
  end
  if o.begin then table.insert(tokens, 1, self.begin) end
  if o.stop then tokens[#tokens + 1] = self.stop end
  return tokens
end

-- ---- decoding -----------------------------------------------------------------------------------

local function piece(self, token, previous)
  local text <const> = self.pieces[token]
  if not text then
    require("mlp.errors").raise("decode: there is no token %s; there are 1 to %d",
      tostring(token), #self.pieces)
  end
  local byte <const> = text:match "^<0x(%x%x)>$"
  if byte then return string.char(tonumber(byte, 16)) end
  if token == self.begin or token == self.stop then return "" end
  if previous == self.begin then return (text:gsub("^ ", "")) end
  return text
end

--- Tokens as text; the space that encode put in front is taken away after the token that begins a
--- text.
---@param tokens mlp.Tensor|integer[]
---@return string
function Tokenizer:decode(tokens)
  local list <const> = type(tokens) == "table" and tokens or tokens:totable()
  local parts <const> = {}
  for i, token in ipairs(list) do parts[i] = piece(self, token, list[i - 1]) end
  return table.concat(parts)
end

-- ---- the file -----------------------------------------------------------------------------------

local RECORD <const> = "<fi4" -- score, length; then the bytes

local function read_pieces(source)
  local pieces <const>, scores <const>, at = {}, {}, 4
  local longest <const> = ("<i4"):unpack(source:read(0, 4))
  while at < source.size do
    local score <const>, length <const> = RECORD:unpack(source:read(at, 8))
    if length < 0 or length > longest then
      refuse("token %d is said to have %d bytes, but the longest has %d", #pieces + 1, length,
        longest)
    end
    pieces[#pieces + 1], scores[#scores + 1] = source:read(at + 8, length), score
    at = at + 8 + length
  end
  return pieces, scores
end

-- Where no piece has a space but in front, nothing is joined across a space: words go alone.
local function new(pieces, scores)
  local token_of <const>, pattern = {}, " ?[^ ]*"
  for token = #pieces, 1, -1 do
    token_of[pieces[token]] = token
    if pieces[token]:find(" ", 2, true) then pattern = ".+" end
  end
  return setmetatable({ pieces = pieces, scores = scores, token_of = token_of, begin = BEGIN,
    stop = END, pattern = pattern, words = setmetatable({}, { __mode = "v" }) }, Tokenizer)
end

local tokenizer = {}

--- Reads a tokenizer of llama2.c.
---@param path string
---@param vocabulary integer? how many tokens the model has, when it is known: the file must have as
---  many
---@return mlp.io.Tokenizer? tokenizer
---@return string? message
function tokenizer.load(path, vocabulary)
  return file.load(CALL, path, function(source)
    local pieces <const>, scores <const> = read_pieces(source)
    if vocabulary and #pieces ~= vocabulary then
      refuse("it has %d tokens, but the model has %d", #pieces, vocabulary)
    end
    if #pieces < FIRST_BYTE + 255 then
      refuse("it has %d tokens, but the %d of bytes and marks are wanted", #pieces,
        FIRST_BYTE + 255)
    end
    return new(pieces, scores)
  end)
end

return tokenizer
