-- The feed-forward networks of a trained model read as memories, after Geva et al. 2021: agreement
-- of values with their keys' triggers in every layer beside its permutation band, and what layers
-- do. The model is stories260K (see stories.lua), the texts are from its training text:
-- text/tinystories_sample.txt in the folder that MLP_DATA names. Writes out/kv_stories.html.
--
--   lua5.4 examples/kv_stories.lua [stories, default 1158]

local mlp = require "mlp"

local STORIES <const> = tonumber(arg and arg[1]) or 1158
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

local started <const> = mlp.now()
local reading <const> = mlp.probe.kv.read(model, stories, { names = tokenizer.pieces,
  generator = mlp.generator(1) })
print(reading)
print(("%.1f s"):format(mlp.now() - started))

assert(reading:report { title = "stories260K as memories" }:save "out/kv_stories.html")
print "out/kv_stories.html"
