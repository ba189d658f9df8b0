--- Every example runs, as a reader would run it, with a tiny budget; what it claims is checked.
local child <const> = require "spec.support.child"
local files <const> = require "mlp.io.file"
local mlp <const> = require "mlp"

local DATA <const> = os.getenv "MLP_DATA"

local function run(script, ...)
  local output, well = child.lua("examples/" .. script, ...)
  assert.is_true(well, script .. " fails:\n" .. output)
  return output
end

local function exists(path)
  local handle <close> = io.open(path)
  return handle ~= nil
end

describe("the example", function()
  it("xor learns the four answers and saves its network", function()
    local output <const> = run("xor.lua")
    for a = 0, 1 do
      for b = 0, 1 do
        local p <const> = tonumber(output:match(("%d xor %d = ([%%d.]+)"):format(a, b)))
        assert.is_true(math.abs(p - (a ~ b)) < 0.1, ("%d xor %d = %s"):format(a, b, p))
      end
    end
    assert.is_true(exists "out/xor.safetensors")
  end)

  it("own_layer learns products, and its gradients agree", function()
    local output <const> = run("own_layer.lua")
    assert.is_true(tonumber(output:match "step 600: mean squared error ([%d.e+-]+)") < 1e-8)
    assert.matches("central differences:%s+true", output)
  end)

  it("by_hand ends with the Trainer's weights, to the bit", function()
    assert.matches("to the bit:%s+true", run("by_hand.lua"))
  end)

  it("kv_memory finds what was planted, and only that", function()
    local output <const> = run("kv_memory.lua")
    assert.matches("200 of 200 keys", output)
    assert.matches("planted +agreement 100.0 %%", output)
    local rate <const>, low <const>, high <const> =
      output:match "values shuffled +agreement +([%d.]+) %%.-within ([%d.]+) to ([%d.]+) %%"
    assert.is_true(tonumber(low) <= tonumber(rate) and tonumber(rate) <= tonumber(high))
    assert.matches("of country 201 is city 7; of country 2 still city %d+: true", output)
    assert.matches("bits are those of before:%s+true", output)
  end)

  it("learned_memory learns facts, and an inserted one is answered alone", function()
    local output <const> = run("learned_memory.lua", 1, 40, 20)
    assert.matches("price 0.1: 100.0 %% of 20 facts known; .* before: true", output)
    for _, model in ipairs { "no price", "priced" } do
      assert.matches(model .. " +a false capital inserted +flips it 100.0 [^\n]*right 100.0",
        output)
    end
    assert.is_true(exists "out/learned_memory.html")
  end)

  it("kv_stories finds more agreement in the last layer than shuffled values give", function()
    if not DATA then pending "MLP_DATA names no folder with tinystories_sample.txt" return end
    local output <const> = run("kv_stories.lua", 30, 4)
    local rate <const>, high <const> = output:match "\n5 +([%d.]+) +[%d.]+ +[%d.]+ +([%d.]+)"
    assert.is_true(tonumber(rate) > 2 * tonumber(high))
    assert.matches("agreement rises in upper layers.- found", output)
    assert.is_true(exists "out/kv_stories.html" and exists "out/kv_stories.txt")
  end)

  it("digits learns, loads what it saved, and draws", function()
    os.remove "out/digits_loss.svg"
    local output <const> = run("digits.lua", 3)
    assert.is_true(tonumber(output:match "test accuracy ([%d.]+) %%") > 90)
    assert.matches("same answers:%s+true", output)
    assert.is_true(exists "out/digits_loss.svg")
  end)

  it("modular_addition draws the paper's figures 2 to 16", function()
    os.remove "out/modular_addition.html"
    local output <const> = run("modular_addition.lua", "quick")
    -- what is exact is so at every budget
    assert.matches("4 +12 +12\n", output)
    assert.matches("8 +0 +%d.%d+e%-1%d\n", output)
    assert.matches("0.602362 ± 0.088 +0.602362 ± 0.0879", output)
    assert.matches("0.04796, 0.03674, 0.0297 +0.04796, 0.03674, 0.0297", output)
    local page <const> = assert(files.read "out/modular_addition.html")
    local numbers <const> = { "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12a", "12b",
      "13", "14", "15", "16" }
    for _, number in ipairs(numbers) do
      assert.matches("The paper's figure " .. number .. ".", page, 1, true)
    end
    assert.is_nil(page:find "[^%a]nan[^%a]")
  end)

  it("stories tells the documented story, and PyTorch's loss on real ones", function()
    local output <const> = run("stories.lua", 5)
    assert.matches("^Once upon a time, there was a little girl named Lily%. She loved", output)
    assert.matches("FFN +63%.5 %% +72%.9 %%", output)
    if DATA then assert.matches("1748 tokens, mean loss per token 1%.3400?8", output) end
  end)

  it("moe_routers compares all routers and draws who takes what", function()
    local output <const> = run("moe_routers.lua", 3, 1)
    for _, name in ipairs { "dense", "Switch", "Mixtral", "DeepSeek", "noisy", "choice", "hash",
      "soft" } do
      assert.matches(name .. "[^\n]* %d%.%d+ %+%- ", output)
    end
    assert.matches("collapse without balancing[^\n]+found", output)
    assert.is_true(exists "out/moe_routers.svg")
  end)

  it("shakespeare_moe compares a mixture and a dense network", function()
    if not DATA then pending "MLP_DATA names no folder with tinyshakespeare.txt" return end
    local output <const> = run("shakespeare_moe.lua", 2, 1)
    assert.matches("mixture below dense at equal work and steps: %-?%d%.%d+", output)
    assert.matches("1024 tokens, 2048 choices", output)
  end)

  it("look_inside finds a rate, watches layers, asks them, and sweeps", function()
    os.remove "out/look_relu.svg"
    local output <const> = run("look_inside.lua", 4)
    assert.matches("the loss falls fastest at [%d.]+", output)
    assert.is_true(tonumber(output:match "mean +[%d.]+ +([%d.]+)") > 0.8)
    assert.is_true(exists "out/look_relu.svg" and exists "out/look_sweep.svg")
  end)

  it("housing explains prices", function()
    if not DATA then pending "MLP_DATA names no folder with california_housing.csv" return end
    assert.is_true(tonumber(run("housing.lua", 2, 1):match "mean R2 ([%d.]+)") > 0.6)
  end)

  it("mnist reads digits", function()
    if not DATA then pending "MLP_DATA names no folder with MNIST" return end
    assert.is_true(tonumber(run("mnist.lua", 1, 1, 6000):match "seed 1: ([%d.]+) %%") > 85)
  end)

  it("image_field fits five networks to a photograph", function()
    os.remove "out/image_field.png"
    local output <const> = run("image_field.lua", "examples/data/astronaut.png", 0.3)
    local _, count <const> = output:gsub("%a +%d+%.%d+ dB", "")
    assert.equal(5, count, output)
    assert.is_true(exists "out/image_field.png" and exists "out/image_field.svg")
  end)

  it("image_field asks how long two of them take to a PSNR", function()
    local output <const> = run("image_field.lua", "examples/data/astronaut.png", 1, 15, "hash_grid",
      "none")
    assert.matches("hash_grid +%d%.%d s +%d%d%.%d%d dB", output)
    assert.matches("none +[>%d. ]+ s +%d+%.%d%d dB", output)
  end)

  it("fourier_features compares mappings on words and a photograph", function()
    os.remove "out/fourier_features_text.png"
    os.remove "out/fourier_features_photograph.png"
    os.remove "out/fourier_features.svg"
    local output <const> = run("fourier_features.lua", "quick", "words", "level", "text",
      "photograph", "sigma", "batches")
    for _, mapping in ipairs { "none", "basic", "positional", "gaussian" } do
      local _, count <const> = output:gsub(mapping .. "[ %d.-]+%d%.%d%d %+%- ", "")
      assert.equal(4, count, mapping .. " in:\n" .. output)
    end
    for _, file in ipairs { "_text.png", "_photograph.png", ".svg" } do
      assert.is_true(exists("out/fourier_features" .. file), file)
    end
  end)

  it("siren_audio fits a sound, with fewer numbers than half of its samples", function()
    os.remove "out/siren_audio_features.wav"
    local output <const> = run("siren_audio.lua", "chord", 1)
    for _, name in ipairs { "SIREN", "features %+ sines" } do
      assert.is_true(tonumber(output:match(name .. " +signal to noise (%-?[%d.]+) dB")) > 0, output)
      assert.is_true(tonumber(output:match(name .. " .-(%d%.%d+) of the samples")) < 0.5)
    end
    assert.is_true(exists "out/siren_audio_features.wav" and exists "out/siren_audio.svg")
    assert.equal(16000, #assert(mlp.io.wav.load "out/siren_audio_siren.wav"))
  end)

  it("poisson finds a picture from its gradients and its Laplacian", function()
    os.remove "out/poisson.png"
    local output <const> = run("poisson.lua", "examples/data/astronaut.png", 2)
    local function psnr(way) return tonumber(output:match(way .. " +PSNR ([%d.]+) dB")) end
    assert.is_true(psnr "gradients" > 11, output)
    assert.is_true(psnr "Laplacian, points" > 7 and psnr "Laplacian, boxes" > 7, output)
    assert.is_true(exists "out/poisson.png")
  end)

  it("compression holds networks against fewer pixels", function()
    os.remove "out/compression.png"
    local output <const> = run("compression.lua", "examples/data/astronaut.png", 0.5)
    local _, count <const> = output:gsub("%d+ bytes +%d+%.%d+ dB +fewer pixels", "")
    assert.equal(12, count, output)
    -- as the cubic kernel and the photograph have it, whatever the networks do
    assert.matches("fewer pixels +19683 bytes +23%.96 dB", output)
    assert.is_true(exists "out/compression.png" and exists "out/compression.svg")
  end)

  it("tiny_nerf learns a scene that it draws itself", function()
    local output <const> = run("tiny_nerf.lua", "own", 1)
    assert.is_true(tonumber(output:match "hash grid: .-: ([%d.]+) dB held out") > 5)
    assert.is_true(tonumber(output:match "plain network: .-: ([%d.]+) dB held out") > 5)
    assert.is_true(exists "out/tiny_nerf.png" and exists "out/tiny_nerf_turn.png")
    assert.is_true(assert(mlp.nerf.load_scene "out/tiny_nerf.safetensors").step > 0)
  end)

  it("sdf fits a shape and meshes it", function()
    local output <const> = run("sdf.lua", "rings", 1)
    assert.matches("closed: true", output)
    assert.is_true(exists "out/sdf.obj" and exists "out/sdf.png")
  end)

  it("tabular learns the digits, writes a page and predicts from its file", function()
    os.remove "out/tabular_digits.html"
    local output <const> = run("tabular.lua", "examples/data/digits.csv.gz", "column 65", 3)
    assert.is_true(tonumber(output:match "accuracy ([%d.]+) on 359 test rows") > 0.85)
    assert.matches("the first rows, predicted:%s+%d, %d, %d\n", output)
    assert.is_true(exists "out/tabular_digits.html")
  end)

  it("tabular takes a target from a file of its own", function()
    if not DATA then pending "MLP_DATA names no folder with the diabetes table" return end
    local folder <const> = DATA .. "/tabular/diabetes_"
    local output <const> = run("tabular.lua", folder .. "data_raw.csv.gz",
      folder .. "target.csv.gz", 5)
    assert.is_true(tonumber(output:match "R2 ([%d.]+), error") > 0.2)
  end)

  it("notmnist reads letters and writes a page", function()
    if not DATA then pending "MLP_DATA names no folder with notMNIST" return end
    os.remove "out/notmnist.html"
    local output <const> = run("notmnist.lua", 2, 2000)
    assert.is_true(tonumber(output:match "test accuracy ([%d.]+) %%") > 70)
    assert.is_true(exists "out/notmnist.html")
  end)
end)
