-- A trained language model of 260,032 parameters, run from its published files: stories260K, a
-- Llama-2-style transformer of five blocks that llama2.c trained on TinyStories (Eldan and Li
-- 2023). It tells a story greedily, shows where its parameters and its work are, and measures the
-- mean loss per token on real stories of its training text. Its files ship in
-- examples/data/stories260K (MIT).
--   lua5.4 examples/stories.lua [stories to measure, default 100]
-- The stories are text/tinystories_sample.txt in the folder that MLP_DATA names; without it this
-- part is left out. What PyTorch says of the same weights: spec/golden/stories.py.
local mlp = require "mlp"
local STORIES <const> = tonumber(arg and arg[1]) or 100

local folder <const> = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
local files <const> = folder .. "/data/stories260K/"
local model, tokenizer = assert(mlp.io.llama2c.load(files .. "stories260K.bin",
  { tokenizer = files .. "tok512.bin" }))

-- 1. A story: always the likeliest token, until the token that begins the next story.
local started = os.clock()
local tokens <const> = model:generate({ tokenizer.begin },
  { temperature = 0, stop = tokenizer.begin })
print(tokenizer:decode(tokens))
print(("\n%d tokens, %.0f a second\n"):format(#tokens, #tokens / (os.clock() - started)))

-- 2. Where parameters and work are: the feed-forward networks hold most of the blocks' matrices.
print(model:summary(mlp.ones(1, 256, { dtype = "int64" })):match "share of.*")

-- 3. How well it tells others' stories. A story begins with a mark and is cut to the context; each
-- token after the mark is predicted from those before it.
local function stories_of(text, most)
  local list <const> = {}
  for story in (text .. "<|endoftext|>"):gmatch "(.-)<|endoftext|>" do
    story = story:match "^%s*(.-)%s*$"
    if story ~= "" and #list < most then list[#list + 1] = story end
  end
  return list
end

local function measure(story)
  local list <const> = tokenizer:encode(story)
  local n <const> = math.min(#list, model.context)
  local all <const> = mlp.tensor(list, { dtype = "int64" })
  local logits <const> = model(all:slice(1, 1, n - 1))
  return mlp.loss.cross_entropy(logits, all:slice(1, 2, n), { reduction = "sum" }):item(), n - 1
end

local text <const> = os.getenv "MLP_DATA" and io.open(os.getenv "MLP_DATA"
  .. "/text/tinystories_sample.txt", "rb")
if text then
  local list <const> = stories_of(text:read "a", STORIES)
  local total, count = 0, 0
  started = os.clock()
  mlp.no_grad(function()
    for _, story in ipairs(list) do
      local loss <const>, predicted <const> = measure(story)
      total, count = total + loss, count + predicted
    end
  end)
  print(("\n%d stories, %d tokens, mean loss per token %.6f (%.1f s)"):format(#list, count,
    total / count, os.clock() - started))
  print "The checkpoint's own validation loss, as published: 1.2968"
else
  print "\nMLP_DATA names no folder with text/tinystories_sample.txt: no stories to measure."
end
