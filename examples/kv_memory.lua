-- A memory planted by hand: 200 facts, "the capital of X is Y", written into the keys and values of
-- a feed-forward network, and read back by the probe of Geva et al. 2021. Every key is triggered by
-- its own fact and its value says the answer; with the values shuffled, agreement is what chance
-- gives: inside a band that by its making one shuffle in twenty or so leaves. Then a fact is
-- inserted, answered, and undone to the bit.
--
--   lua5.4 examples/kv_memory.lua [seed, default 1]

local mlp = require "mlp"
local nn <const> = mlp.nn

local SEED <const> = tonumber(arg and arg[1]) or 1
local FACTS <const>, D <const> = 200, 128
local COUNTRIES <const> = FACTS + 1 -- the last has no capital yet
local V <const> = COUNTRIES + FACTS -- countries, then cities
local THRESHOLD <const> = 0.6 -- a key fits above this cosine; different tokens lie below

mlp.manual_seed(SEED)

-- 1. Tokens are random directions; country i goes with city capital[i].
local embedding = mlp.randn(V, D)
embedding = embedding / embedding:norm(2, true)
local capital <const> = (mlp.randperm(FACTS) + COUNTRIES):totable()
local names <const> = {}
for i = 1, V do
  names[i] = i <= COUNTRIES and "country " .. i or "city " .. i - COUNTRIES
end

-- 2. Key i is the direction of country i, its value that of the capital. Without a bias of the
-- values the network adds nothing elsewhere.
local ffn <const> = nn.FFN { dim = D, hidden = FACTS, activation = "relu" }
local memory <const> = mlp.probe.kv(ffn, { unembedding = embedding, names = names })
mlp.no_grad(function()
  ffn.down.bias:copy_(0)
  for i = 1, FACTS do
    memory:insert(i, { key = embedding:select(1, i), bias = -THRESHOLD,
      value = embedding:select(1, capital[i]) })
  end
end)

-- 3. Every fact is a text of one position; what follows it is the capital.
local questions <const> = embedding:slice(1, 1, FACTS):reshape(FACTS, 1, D)
local answers <const> = mlp.tensor(capital, { dtype = "int64" }):reshape(FACTS, 1)

local function read()
  local triggers <const> = memory:triggers { top = 5 }
  return triggers:add(memory:coefficients(questions), answers)
end

local function say(name, found)
  print(("%-16s agreement %5.1f %%; shuffled %.2f %%, 95 %% within %.1f to %.1f %%; median rank %g")
    :format(name, 100 * found.rate, 100 * found.mean, 100 * found.low, 100 * found.high,
      found.rank))
end

local triggers <const> = read()
local right = 0
for i = 1, FACTS do
  if triggers:of(i)[1].text == i then right = right + 1 end
end
print(("%d of %d keys have their own fact as first trigger"):format(right, FACTS))
say("planted", triggers:agreement())

do -- the values dealt out anew
  local before <const> = memory.values:clone()
  memory.values:copy_(before:index_select(1, mlp.randperm(FACTS)))
  say("values shuffled", read():agreement())
  memory.values:copy_(before)
end

-- 4. A fact more, in the place of the first one.
local function answer(country)
  local y <const> = ffn(embedding:slice(1, country, country)):detach()
  return names[memory:decode(y):argmax():item()]
end

local function bits() return ffn.up.weight:tobytes() .. ffn.up.bias:tobytes()
  .. ffn.down.weight:tobytes() end

local before <const>, others <const> = bits(), answer(2)
do
  local city <const> = embedding:select(1, COUNTRIES + 7)
  local fact <close> = memory:insert(1, { key = embedding:select(1, COUNTRIES), bias = -THRESHOLD,
    value = city })
  print(("inserted: the capital of country %d is %s; of country 2 still %s: %s"):format(COUNTRIES,
    answer(COUNTRIES), others, answer(2) == others))
  assert(fact.open)
end
print("undone, the bits are those of before:", bits() == before)
