--- The classics keep what they claim. Every script is loaded with the argument "quick" (MLP_LONG=1:
--- with none, at full length), prints, writes its figures into out/ and returns its certificate.
require "spec.support.approx"
local xml <const> = require "spec.support.xml"
local file <const> = require "mlp.io.file"

local FOLDER <const> = "examples/classics/"
local LONG <const> = os.getenv "MLP_LONG" ~= nil
local FIGURES <const> = {
  "xor", "translation", "regions", "bumps", "collapse", "activations", "gradients",
  "outputs_and_losses", "depth", "features", "descent",
}

--- The certificate of a script and what it printed.
local function run(name)
  local printed <const> = {}
  local environment <const> = setmetatable({ print = function(...)
    local words <const> = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    printed[#printed + 1] = table.concat(words, "\t")
  end }, { __index = _G })
  local script <const> = assert(loadfile(FOLDER .. name .. ".lua", "t", environment))
  return script(not LONG and "quick" or nil), table.concat(printed, "\n")
end

local function figure(name) return "out/classics_" .. name .. ".svg" end

describe("examples/classics", function()
  setup(function()
    for _, name in ipairs(FIGURES) do os.remove(figure(name)) end
  end)

  it("xor", function()
    local c <const>, printed <const> = run "xor"
    assert.equal(4, c.by_hand_correct)
    assert.matches("1  1 |  1  1 |                 -0.5 | 0", printed, 1, true)
    assert.is_true(c.largest_gap < 1e-5) -- scores up to 10, a few roundings of 6e-8 each
    assert.equal(3, c.best_unit)
    assert.is_true(c.cycle >= 1 and c.epochs_seen < 1000)
    assert.is_nil(c.cycle_with_product)
    assert.is_true(c.epochs_with_product < 1000)
    -- 49 of 100 seeds; rounding elsewhere may move a few, 20 seeds stray by 2 x 0.11
    assert.is_true(c.trained_share > 0.25 and c.trained_share < 0.75)
  end)

  it("translation", function()
    local c <const> = run "translation"
    assert.is_true(c.largest_gap < 1e-12) -- sums of 128 doubles
    assert.is_true(c.linear_loss > math.log(2) - 1e-6) -- float32
    assert.is_true(c.linear_correct < 32)
    assert.equal(32, c.by_hand_correct)
    assert.equal(100, c.filter_from_one)
    assert.equal(100, c.filter_from_all)
    assert.equal(100, c.mlp_from_all)
    assert.is_true(c.mlp_from_one < 75)
  end)

  it("regions", function()
    local c <const> = run "regions"
    assert.equal(6 * (LONG and 256 or 64) ^ 2, c.points)
    assert.equal(0, c.disagreements)
  end)

  it("bumps", function()
    local c <const> = run "bumps"
    local function is(list, ...)
      for i, text in ipairs { ... } do
        local half <const> = 0.51 * 10 ^ -(#text - 1) -- of the last digit that is stated
        assert.is_true(math.abs(list[i] - tonumber(text)) < half, text .. " " .. list[i])
      end
    end
    is(c.soft, ".135", ".0104", ".0068", ".0040", ".0021")
    is(c.rms.soft, ".0645", ".0050", ".0014", ".00042", ".00015")
    is(c.steep, ".194", ".0425", ".0197", ".0099", ".0049")
    for i = 1, 5 do assert.is_true(c.rms.trained[i] < (LONG and 0.05 or 0.15)) end
    assert.is_true(c.tower_inside > 0.99 and c.tower_outside < 0.01)
  end)

  it("collapse", function()
    local c <const> = run "collapse"
    assert.is_true(c.largest_gap < 1e-14)
    assert.equal(3, c.rank)
    assert.is_true(c.linear > c.single - 1e-3) -- the single layer is near its optimum, not at it
    assert.is_true(c.bent < 0.8 * c.single)
  end)

  it("activations", function()
    local c <const>, printed <const> = run "activations"
    assert.equal(15, c.checked)
    assert.matches("sigmoid +0.7311   0.1966  %-0.0909", printed)
    assert.matches("gelu +0.8413   1.0833   0.2420", printed)
    assert.equal(0, c.gradient.step)
    assert.is_true(c.gradient.sigmoid < 1e-4)
    for _, name in ipairs { "relu", "tanh", "gelu", "sine" } do
      assert.is_true(c.gradient[name] > 0.05 and c.gradient[name] < 20, name)
    end
    assert.is_true(c.dead.relu > 0.5)
    assert.equal(0, c.dead.leaky_relu)
  end)

  it("outputs_and_losses", function()
    local c <const> = run "outputs_and_losses"
    assert.is_true(c.largest_gap < 1e-15)
    assert.equal(3, c.stable_right)
    assert.equal(0, c.naive_right)
    assert.close(c.right_pair, -1 / (1 + math.exp(-10)), { tolerance = 1e-6 })
    assert.is_true(math.abs(c.wrong_pair) < 1e-4)
  end)

  it("depth", function()
    local c <const> = run "depth"
    for L = 1, 10 do
      assert.equal(2 ^ L, c.pieces[L])
      assert.equal(0, c.error[L])
    end
    assert.equal(6, #c.medians)
    if LONG then assert.is_true(c.medians[5] < 0.1 * c.medians[1]) end
  end)

  it("features", function()
    local c <const> = run "features"
    assert.is_true(c.accuracy > (LONG and 0.96 or 0.9))
    assert.is_true(c.cosine > 0.999)
    assert.equal(10, c.own_class)
    assert.is_true(c.trained[4] > c.untrained[4] + 5)
    assert.is_true(c.trained[4] > c.trained[1] - 1)
    for k = 1, 4 do assert.is_true(c.shuffled[k] < 40) end
  end)

  it("descent", function()
    local c <const>, printed <const> = run "descent"
    assert.is_true(c.largest_gap < 1e-15)
    assert.matches("dL/dW11  by hand %+0.4217124736957", printed)
    assert.is_true(c.sharpest > 10 * c.any)
    if LONG then
      assert.is_true(c.momentum < c.SGD and c.momentum < c.Adam)
    else
      assert.is_true(c.momentum < 0.5 and c.SGD < 0.5 and c.Adam < 0.5)
    end
  end)

  it("write figures that are whole", function()
    for _, name in ipairs(FIGURES) do
      local text <const> = assert(file.read(figure(name)))
      assert.is_true(#xml.parse(text):all "text" > 5, name)
      assert.is_nil(text:find "[^%a]nan[^%a]", name)
    end
  end)

  it("are all in the reading order", function()
    local readme <const> = assert(file.read(FOLDER .. "README.md"))
    local count = 0
    for name in readme:gmatch "\n## %d+%. `([%w_]+)%.lua`" do
      count = count + 1
      assert.is_string(file.read(FOLDER .. name .. ".lua"))
    end
    assert.equal(10, count)
    assert.equal(10, select(2, readme:gsub("\n%*Exercise%.%*", "")))
  end)
end)
