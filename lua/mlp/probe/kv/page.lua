--- What a reading says as one page that stands by itself, and as text. Measurements that take time
--- of their own, ablation and patterns, stand on it where they are given.

local Directions <const> = require "mlp.probe.kv.directions"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"

local page_of = {}

local AGREEMENTS <const> = 8 -- columns up to here tell of triggers, the others of positions
local VALUES <const> = 25 -- predictive values that are listed

--- The first column, and columns first to last, of every row.
local function parts(rows, first, last)
  local list <const> = {}
  for i, row in ipairs(rows) do list[i] = table.move(row, first, last, 2, { row[1] }) end
  return list
end

local function add_layers(page, reading)
  local headings <const>, rows <const> = reading:table()
  page:heading "Layers":text("**Agreement**: share of keys whose value puts first the token that "
    .. "followed their first trigger; beside it the rate with values shuffled among the keys of "
    .. "the layer, and the band that holds 95 % of shuffles. **Unigram**: of always saying the "
    .. "most frequent token. **Residual, ffn, both, composition**: whose first token the layer's "
    .. "output keeps. **Settled**: positions where what enters the network already puts first what "
    .. "the model will say.")
  page:figure(reading:figure(), "Agreement and behaviour, layer by layer.")
  for _, range in ipairs { { 2, AGREEMENTS, "Agreement." },
    { AGREEMENTS + 1, #headings, "Behaviour." } } do
    page:table { columns = parts({ headings }, range[1], range[2])[1], caption = range[3],
      rows = parts(rows, range[1], range[2]) }
  end
end

local function add_values(page, values)
  local rows <const> = {}
  for i = 1, math.min(VALUES, #values) do
    local v <const> = values[i]
    rows[i] = { v.label, v.unit, v.sign < 0 and "-" or "+", v.name, v.probability,
      v.any and "yes" or "no" }
  end
  page:heading "Predictive values":text "The values whose projection singles out a token most."
  page:table { columns = { "layer", "unit", "sign", "token", "softmax", "follows a trigger" },
    caption = ("The first of all; of all values %.3g %% agree with a trigger.")
      :format(100 * values.any), rows = rows }
end

local function add_ablation(page, ablation)
  page:heading "Without a token":text("How a key's coefficient changes when a token of its trigger "
    .. "examples is removed: what keys look at is what hurts.")
  page:figure(ablation:figure(), "Mean relative change of the coefficients.")
end

local function add_patterns(page, patterns)
  local headings <const>, rows <const> = patterns:table()
  page:heading "Clear patterns":text("Keys whose trigger examples share most, measured against "
    .. "examples dealt at random from those of all keys of the layer, with ends of three of them "
    .. "and the tokens that the value promotes.")
  page:table { columns = headings, rows = rows, caption = "The clearest of every layer in turn; "
    .. "p: how often examples dealt at random share as much." }
end

local function add_directions(page, directions)
  local headings <const>, rows <const> = directions:table()
  page:heading "Directions of the paper"
  page:table { columns = headings, rows = rows, caption = "Upper layers: the last three eighths, "
    .. "as the paper's 11 to 16 of 16." }
end

--- Page and text of a reading, saved where paths are given; see KVReading:report.
---@param reading mlp.probe.KVReading
---@param options table?
---@return mlp.report? page
---@return string text of the same, or a message
function page_of.reading(reading, options)
  local o <const> = errors.options("report", options, {
    title = "Feed-forward networks as memories", path = errors.NONE, text = errors.NONE,
    ablation = errors.NONE, patterns = errors.NONE })
  local page <const> = require "mlp.report" { title = o.title, subtitle = reading:caption(),
    footer = "After Geva et al. 2021, Transformer feed-forward layers are key-value memories." }
  local text <const>, values <const> = { o.title, tostring(reading) }, reading:predictive_values()
  add_layers(page, reading)
  add_values(page, values)
  for _, part in ipairs { { "ablation", add_ablation }, { "patterns", add_patterns } } do
    local given <const> = o[part[1]]
    if given then
      part[2](page, given)
      text[#text + 1] = tostring(given)
    end
  end
  if reading.model then
    local directions <const> = Directions.new(reading,
      { ablation = o.ablation, patterns = o.patterns, values = values })
    add_directions(page, directions)
    text[#text + 1] = tostring(directions)
  end
  local whole <const> = table.concat(text, "\n\n") .. "\n"
  local ok, message = true, nil
  if o.path then ok, message = page:save(o.path) end
  if ok and o.text then
    ok, message = file.write("mlp.probe.kv", o.text, function(handle) handle:write(whole) end)
  end
  if not ok then return nil, message end
  return page, whole
end

return page_of
