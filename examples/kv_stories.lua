-- The feed-forward networks of a trained model read as memories, after Geva et al. 2021: agreement
-- of values with their keys' triggers in every layer beside its permutation band, what layers do,
-- what a token of a trigger is worth, the clearest patterns of keys, and which of the paper's
-- directions are found. The model is stories260K (see stories.lua), the texts are from its training
-- text: text/tinystories_sample.txt in the folder that MLP_DATA names. Writes out/kv_stories.html,
-- .txt and .svg.
--
--   lua5.4 examples/kv_stories.lua [stories, default 1158] [keys without a token, default 100]
--
-- Tokens are taken from the triggers of so many keys of every layer.

local mlp = require "mlp"

local STORIES <const> = tonumber(arg and arg[1]) or 1158
local KEYS <const> = tonumber(arg and arg[2]) or 100
local folder <const> = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
local files <const> = folder .. "/data/stories260K/"

local text <const> = os.getenv "MLP_DATA" and io.open(os.getenv "MLP_DATA"
  .. "/text/tinystories_sample.txt", "rb")
if not text then
  print "MLP_DATA names no folder with text/tinystories_sample.txt: no stories to read."
  return
end

local model <const>, tokenizer <const> = assert(mlp.io.llama2c.load(files .. "stories260K.bin",
  { tokenizer = files .. "tok512.bin" }))

local stories <const> = {}
for story in (text:read "a" .. "<|endoftext|>"):gmatch "%s*(.-)%s*<|endoftext|>" do
  if story ~= "" and #stories < STORIES then stories[#stories + 1] = tokenizer:encode(story) end
end

local function timed(what, fn)
  local started <const> = mlp.now()
  local result <const> = fn()
  print(("%s: %.1f s"):format(what, mlp.now() - started))
  return result
end

local generator <const> = mlp.generator(1)
local reading <const> = timed("reading", function()
  return mlp.probe.kv.read(model, stories, { names = tokenizer.pieces, top = 50,
    generator = generator })
end)
local ablation <const> = timed("ablation", function()
  return reading:ablation { keys = KEYS, begin = tokenizer.begin, generator = generator }
end)
local patterns <const> = timed("patterns", function()
  return reading:patterns { generator = generator }
end)

os.execute "mkdir -p out"
local _, said <const> = assert(reading:report { title = "stories260K as memories",
  path = "out/kv_stories.html", text = "out/kv_stories.txt", ablation = ablation,
  patterns = patterns })
print(said)
assert(mlp.plot.grid { columns = 1, reading:figure(), ablation:figure() }
  :save "out/kv_stories.svg")
print "out/kv_stories.html, out/kv_stories.txt, out/kv_stories.svg"
