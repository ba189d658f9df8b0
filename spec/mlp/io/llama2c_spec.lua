local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local llama2c <const> = mlp.io.llama2c

local FOLDER <const> = "examples/data/stories260K/"
local CHECKPOINT <const>, TOKENS <const> = FOLDER .. "stories260K.bin", FOLDER .. "tok512.bin"

local function with_file(bytes, fn)
  local path <const> = files.temporary()
  files.write(path, bytes)
  local results <const> = table.pack(fn(path))
  os.remove(path)
  return table.unpack(results, 1, results.n)
end

--- A checkpoint of one's own sizes, all numbers 0.01.
local function checkpoint(change)
  local c <const> = { dim = 4, hidden = 6, layers = 2, heads = 2, kv_heads = 1, vocabulary = 7,
    context = 5 }
  for key, value in pairs(change or {}) do c[key] = value end
  local kv <const> = c.dim // c.heads * c.kv_heads
  local numbers = c.vocabulary * c.dim + c.dim + c.context * c.dim // c.heads
  numbers = numbers + c.layers * (2 * c.dim + 2 * c.dim ^ 2 + 2 * kv * c.dim + 3 * c.dim * c.hidden)
  local sign <const> = c.free and -1 or 1
  if c.free then numbers = numbers + c.vocabulary * c.dim end
  return ("<i4i4i4i4i4i4i4"):pack(c.dim, c.hidden, c.layers, c.heads, c.kv_heads,
    sign * c.vocabulary, c.context) .. ("<f"):pack(0.01):rep(numbers // 1 | 0)
end

--- The same of version 1: a longer header, and no tables of rotations, which are 5 x 2 numbers.
local function version_1(old)
  local head <const> = ("<I4i4"):pack(0x616b3432, 1) .. old:sub(1, 28) .. "\1"
  return head .. ("\0"):rep(256 - #head) .. old:sub(29, -1 - 4 * 5 * 2)
end

describe("stories260K", function()
  local model <const>, tokenizer <const> = assert(llama2c.load(CHECKPOINT, { tokenizer = TOKENS }))

  it("tells the documented story, word for word", function()
    local out <const> = model:generate({ tokenizer.begin },
      { temperature = 0, stop = tokenizer.begin, tokens = 257 })
    local text <const> = tokenizer:decode(out)
    local documented <const> = "Once upon a time, there was a little girl named Lily. She loved to "
      .. "play outside in the park. One day, she saw a big, red ball. She wanted to play with it, "
      .. "but it was too high.\nLily's mom said, \"Lily, let's go to the park.\" Lily was sad and "
      .. "didn't know what to do. She said, \"I want to play with your ball, but I can't find it."
      .. "\"\nLily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know "
      .. "what to do.\"\nLily didn't want to help her mom, so she said, \"I'm sorry, mom. I didn't "
      .. "know what to do.\" Her mom said, \"Don't worry, Lily. We can help you."
    assert.are.equal(documented, text:sub(1, #documented))
  end)

  it("has three quarters of its blocks' matrices in the feed-forward networks", function()
    assert.matches("FFN +63%.5 %% +72%.9 %%", model:summary())
    assert.are.equal(260032, model:parameter_count())
  end)

  it("gives PyTorch's loss on real stories", function()
    local path <const> = (os.getenv "MLP_DATA" or "") .. "/text/tinystories_sample.txt"
    if not io.open(path) then pending "MLP_DATA names no tinystories_sample.txt" return end
    local total, count, n = 0, 0, 0
    for story in files.read(path):gmatch "%s*(.-)%s*<|endoftext|>" do
      local all <const> = mlp.tensor(tokenizer:encode(story), { dtype = "int64" })
      total = total + mlp.no_grad(function()
        return mlp.loss.cross_entropy(model(all:slice(1, 1, #all - 1)), all:slice(1, 2, #all),
          { reduction = "sum" }):item()
      end)
      count, n = count + #all - 1, n + 1
      if n == 5 then break end
    end
    -- /usr/bin/python3 spec/golden/stories.py tinystories_sample.txt 5
    assert.are.equal(1748, count)
    assert.is_true(math.abs(total / count - 1.340082) < 1e-5)
  end)
end)

describe("the tokenizer", function()
  local tokenizer <const> = assert(llama2c.tokenizer(TOKENS))

  it("joins, begins with a mark, and falls back on bytes", function()
    local tokens <const> = tokenizer:encode "Once upon a time"
    assert.are.equal(tokenizer.begin, tokens[1])
    assert.is_true(#tokens < 10)
    for _, text in ipairs { "Once upon a time", "", " two  spaces ", "Zoë \u{1F600} €\n\tend",
      "broken \xff\xc3 bytes", "<|endoftext|>" } do
      assert.are.equal(text, tokenizer:decode(tokenizer:encode(text)))
      assert.are.equal(text, tokenizer:decode(tokenizer:encode(text, { stop = true })))
    end
    assert.are.same({ tokenizer.begin, tokenizer.token_of[" "], 4 + 0xF0, 4 + 0x9F, 4 + 0x98,
      4 + 0x80 }, tokenizer:encode "\u{1F600}")
  end)

  it("joins a text as a whole as it joins its words", function()
    local whole <const> = assert(llama2c.tokenizer(TOKENS))
    whole.pattern = ".+"
    local text <const> = "One day, a little fish named Fin was swimming near the shore.\nHe saw"
    assert.are.same(whole:encode(text), tokenizer:encode(text))
  end)

  it("refuses tokens it has not", function()
    assert.error_matches(function() tokenizer:decode { 513 } end, "there is no token 513")
  end)
end)

describe("checkpoints", function()
  it("are read with an unembedding of their own, or shared", function()
    for _, free in ipairs { false, true } do
      local model <const> = assert(with_file(checkpoint { free = free }, llama2c.load))
      assert.are.equal(not free, rawequal(model.unembedding.weight, model.embedding.weight))
      assert.are.same({ 3, 7 }, model(mlp.tensor({ 1, 7, 2 }, { dtype = "int64" })).shape)
    end
  end)

  it("of version 1 are read too", function()
    local bytes <const> = version_1(checkpoint())
    local model <const> = assert(with_file(bytes, llama2c.load))
    assert.are.equal(7, model.embedding.weight:size(1))
    local _, message <const> = with_file(("<I4i4"):pack(0x616b3432, 2) .. bytes:sub(9),
      llama2c.load)
    assert.matches("it is of version 2, but 0 and 1", message)
  end)

  it("that are cut or lie answer nil and a message", function()
    local good <const> = checkpoint()
    for bytes, wanted in pairs {
      [""] = "ends too early", [good:sub(1, 20)] = "ends too early",
      [good:sub(1, -2)] = "its header asks for %d+ bytes, but it has %d+",
      [good .. "x"] = "its header asks for", [("\255"):rep(64)] = "its header says dim = %-1",
      [("<i4i4i4i4i4i4i4"):pack(1 << 24, 1 << 24, 1 << 24, 1, 1, 1 << 24, 1)] =
        "its header asks for %d+ bytes, but it has 28",
      [("<i4i4i4i4i4i4i4"):pack(8, 4, 1, 3, 3, 9, 4)] = "which do not divide it",
      [("<i4i4i4i4i4i4i4"):pack(8, 4, 0, 2, 1, 9, 4)] = "its header says layers = 0",
    } do
      local model <const>, message <const> = with_file(bytes, llama2c.load)
      assert.is_nil(model)
      assert.matches(wanted, message)
    end
    local _, message <const> = llama2c.load "nowhere.bin"
    assert.matches("cannot open 'nowhere.bin'", message)
  end)

  it("of both versions are refused at every cut, and with any size another", function()
    local zero <const> = checkpoint()
    local one <const> = version_1(zero)
    local function refused(bytes, what)
      local model <const>, message <const> = with_file(bytes, llama2c.load)
      assert.is_nil(model, what)
      assert.are.equal("string", type(message))
    end
    for cut = 0, 28 do refused(zero:sub(1, cut), cut) end
    for cut = 0, 256 do refused(one:sub(1, cut), cut) end
    for field = 0, 6 do
      for _, size in ipairs { 0, -1, -7, 12, 1 << 24, 1 << 30, (1 << 31) - 1, -(1 << 31) } do
        local bytes <const> = ("<i4"):pack(size)
        refused(zero:sub(1, 4 * field) .. bytes .. zero:sub(4 * field + 5), field)
        if field < 6 or size < 1 then -- of version 1 the context has no numbers: any would do
          refused(one:sub(1, 8 + 4 * field) .. bytes .. one:sub(13 + 4 * field), field)
        end
      end
    end
  end)

  it("do not go with a tokenizer of another size", function()
    local model <const>, message <const> = with_file(checkpoint(),
      function(path) return llama2c.load(path, { tokenizer = TOKENS }) end)
    assert.is_nil(model)
    assert.matches("it has 512 tokens, but the model has 7", message)
    local whole <const> = files.read(TOKENS)
    for bytes, wanted in pairs {
      [whole:sub(1, -2)] = "ends too early", [whole:sub(1, 3)] = "ends too early",
      [whole:sub(1, 4)] = "it has 0 tokens",
      [("<i4fi4"):pack(3, 0, 9) .. "123456789"] = "token 1 is said to have 9 bytes",
      [("<i4fi4"):pack(3, 0, -1)] = "token 1 is said to have %-1 bytes",
    } do
      local tokenizer <const>, why <const> = with_file(bytes, llama2c.tokenizer)
      assert.is_nil(tokenizer)
      assert.matches(wanted, why)
    end
  end)
end)
