-- Pictures. What is held here is structure, not bytes: well-formed XML, where things stand, what
-- the pixels are, and the sentences for mistakes.

local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local plot <const> = require "mlp.plot"
local xml <const> = require "spec.support.xml"

local NAN <const> = 0 / 0
local HOSTILE <const> = "<b>&amp; \"quoted\" 'it' \u{4F60}\u{597D} \xE9 \1\27 ]]> caf\u{E9}"
local HOSTILE_CLEAN <const> =
  "<b>&amp; \"quoted\" 'it' \u{4F60}\u{597D} \u{FFFD} \u{FFFD}\u{FFFD} ]]> caf\u{E9}"

local function parsed(figure) return xml.parse(figure:svg()) end

local function texts(root)
  local list <const> = {}
  for i, element in ipairs(root:all "text") do list[i] = element.text end
  return list
end

local function has_text(root, wanted)
  return root:find("text", { text = wanted }) ~= nil
end

--- Strokes and areas of data, apart from the furniture, by their colour.
local function paths(root, attributes)
  local list <const> = {}
  for _, path in ipairs(root:all "path") do
    local fits = true
    for name, value in pairs(attributes) do fits = fits and path.attributes[name] == value end
    if fits then list[#list + 1] = path end
  end
  return list
end

--- An embedded picture: bytes, height, width, channels.
local function pixels(image)
  local bytes = image.attributes["xlink:href"]:match "^data:image/png;base64,(.+)$"
  bytes = bytes:gsub("[^%w+/=]", "")
  local bits <const> = {}
  local digits <const> =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  for four in bytes:gmatch "...." do
    local value = 0
    for digit in four:gmatch "." do
      value = value << 6 | (digit == "=" and 0 or digits:find(digit, 1, true) - 1)
    end
    bits[#bits + 1] = (">I3"):pack(value):sub(1, 3 - select(2, four:gsub("=", "")))
  end
  return assert(core.png_decode(table.concat(bits)))
end

--- The pixel in the middle of cell (row, column) of a picture of rows x columns cells.
local function cell(image, rows, columns, row, column)
  local bytes <const>, height <const>, width <const>, channels <const> = pixels(image)
  local y <const>, x <const> = (row - 0.5) * height // rows, (column - 0.5) * width // columns
  local at <const> = math.tointeger((y * width + x) * channels + 1)
  return table.pack(bytes:byte(at, at + channels - 1))
end

local BLUE <const>, ORANGE <const> = "#0072b2", "#d55e00"

--- One figure of each kind, with a text from the caller wherever a text can go.
local function one_of_each(s)
  return {
    lines = plot.lines{ { 1, 3, 2, name = s }, { y = { 2, 1, 4 }, name = s .. s }, title = s,
      subtitle = s, x_label = s, y_label = s, vertical = { x = 2, label = s },
      horizontal = { y = 3, label = s }, notes = { { x = 2, y = 2, text = s } } },
    scatter = plot.scatter{ { x = { 1, 2, 3 }, y = { 4, 5, 6 }, class = { 1, 2, 1 },
      classes = { s, s }, labels = { s, s, s } }, title = s },
    histogram = plot.histogram{ { { 1, 2, 2, NAN, 3 }, name = s }, { { 2, 3 }, name = "b" },
      title = s, x_label = s },
    bars = plot.bars{ { y = { 1, -2 }, name = s }, names = { s, s }, title = s, y_label = s },
    sideways = plot.bars{ { 1, -2 }, names = { s, s }, horizontal = true, title = s },
    heatmap = plot.heatmap{ { { 1, -2 }, { NAN, 4 } }, row_names = { s, s }, bar_label = s,
      column_names = { s, s }, values = true, title = s },
    regions = plot.regions{ function(x, y) return x * y end, pointwise = true, x = { -1, 1 },
      y = { -1, 1 }, resolution = 8, levels = 0.3, title = s, bar_label = s,
      points = { { x = { 0 }, y = { 0 }, name = s } } },
    image_grid = plot.image_grid{ { { { 0, 1 }, { 1, 0 } }, { { 1, 1 }, { 0, 0 } } },
      captions = { s, s .. "\n" .. s }, title = s },
    confusion = plot.confusion{ { { 3, 1 }, { 0, 4 } }, classes = { s, "b" }, title = s,
      x_label = s, y_label = s },
    grid = plot.grid{ plot.lines{ { 1, 2 }, title = s }, title = s, subtitle = s, letters = true },
  }
end

describe("every figure", function()
  it("is well-formed and shows texts as they were given", function()
    for kind, figure in pairs(one_of_each(HOSTILE)) do
      local root <const> = parsed(figure)
      assert.equal("svg", root.name)
      assert.equal("http://www.w3.org/2000/svg", root.attributes.xmlns)
      assert.equal(("0 0 %s %s"):format(root.attributes.width, root.attributes.height),
        root.attributes.viewBox)
      local title <const> = figure.title and root.attributes["aria-label"] or HOSTILE_CLEAN
      assert.equal(HOSTILE_CLEAN, title, kind)
      assert.is_truthy(table.concat(texts(root)):find("]]>", 1, true), kind)
    end
  end)

  it("is the same text each time, under every locale", function()
    local before <const> = {}
    for kind, figure in pairs(one_of_each "name") do before[kind] = figure:svg() end
    local format <const> = string.format
    finally(function()
      rawset(string, "format", format)
      os.setlocale("C", "numeric")
    end)
    for _, name in ipairs { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "de_DE" } do
      if os.setlocale(name, "numeric") then break end
    end
    rawset(string, "format", function(pattern, ...) -- where no such locale is installed
      local text <const> = format(pattern, ...)
      return pattern:find "%%[-+#0-9.]*[fgeaFGEA]" and text:gsub("%.", ",") or text
    end)
    for kind, figure in pairs(one_of_each "name") do
      assert.is_true(before[kind] == figure:svg(), kind)
    end
  end)

  it("has no number longer than two decimals, none that is not finite", function()
    for kind, figure in pairs(one_of_each "name") do
      local drawing <const> = figure:svg():gsub('xlink:href="[^"]*"', "")
      assert.is_nil(drawing:find "%d%.%d%d%d", kind)
      assert.is_nil(drawing:find '[" ,ML]%-?nan[" ,ML]', kind)
      assert.is_nil(drawing:find '[" ,ML]%-?inf[" ,ML]', kind)
    end
  end)

  it("keeps its texts inside the sheet", function()
    for kind, figure in pairs(one_of_each "a name") do
      for _, element in ipairs(parsed(figure):all "text") do
        local x <const>, y <const> = element:number "x", element:number "y"
        assert.is_true(x >= 0 and x <= figure.width and y >= 0 and y <= figure.height, kind)
      end
    end
  end)

  it("refers only to definitions that it has", function()
    local figure <const> = plot.grid{
      plot.lines{ { 1, 2, 3 }, y_limits = { 1, 2 } },
      plot.lines{ { 1, 2, 3 }, y_limits = { 1, 2 } },
      plot.heatmap{ { { 1, 2 } } } }
    local drawing <const> = figure:svg()
    local seen = {}
    for id in drawing:gmatch ' id="([^"]+)"' do
      assert.is_nil(seen[id], "twice: " .. id)
      seen[id] = true
    end
    local uses = 0
    for id in drawing:gmatch "url%(#([^)]+)%)" do
      uses = uses + 1
      assert.is_true(seen[id], id)
    end
    assert.equal(3, uses)
  end)

  it("leaves the caller's tables alone", function()
    local series <const> = { y = { 1, NAN, 3 }, name = "a" }
    local options <const> = { series, title = "t", vertical = { 2, 1 }, legend = false }
    local figure <const> = plot.lines(options)
    local before <const> = figure:svg()
    assert.same({ 2, 1 }, options.vertical)
    assert.equal(false, options.legend)
    assert.is_nil(series.x)
    series.y[1] = 100
    assert.equal(before, figure:svg())
  end)

  it("has a size, a background and a description", function()
    local figure <const> = plot.lines{ { 1, 2 }, width = 300, height = 200, title = "Loss",
      background = "none" }
    assert.equal(300, figure.width)
    assert.equal(200, figure.height)
    assert.equal("mlp.plot.Figure(300 x 200, 'Loss')", tostring(figure))
    assert.same({}, parsed(figure):all "rect")
    assert.equal("#ffffff", parsed(plot.lines{ { 1, 2 } }):all("rect")[1].attributes.fill)
  end)
end)

describe("one thing to draw", function()
  it("may stand alone: a tensor, or a list of numbers as a series", function()
    local counts <const> = mlp.tensor({ { 3, 1 }, { 0, 2 } }, { dtype = "int64" })
    local y <const> = mlp.tensor { 1, 3, 2 }
    for name, value in pairs { lines = y, histogram = y, bars = y, confusion = counts,
      heatmap = mlp.eye(3), image_grid = mlp.ones(2, 4, 4) } do
      assert.are.equal(plot[name] { value }:svg(), plot[name](value):svg(), name)
    end
    for _, name in ipairs { "lines", "histogram", "bars" } do
      assert.are.equal(plot[name] { { 1, 3, 2 }, title = "t" }:svg(),
        plot[name]({ 1, 3, 2, title = "t" }):svg(), name)
    end
  end)
end)

describe("fig:save", function()
  it("writes the document", function()
    local path <const> = os.tmpname() .. ".svg"
    finally(function() os.remove(path) end)
    local figure <const> = plot.lines{ { 1, 2 } }
    assert.is_true(figure:save(path))
    local file <close> = assert(io.open(path, "rb"))
    assert.equal(figure:svg(), file:read "a")
  end)

  it("answers nil and a message where it cannot", function()
    local done <const>, message <const> = plot.lines{ { 1, 2 } }:save "/no/such/folder/x.svg"
    assert.is_nil(done)
    assert.matches("cannot write '/no/such/folder/x.svg'", message, 1, true)
  end)

  it("refuses names of other formats", function()
    assert.error_matches(function() plot.lines{ { 1, 2 } }:save "curve.PNG" end,
      "figure:save: 'curve.PNG' asks for PNG but figures are SVG")
    assert.error_matches(function() plot.lines{ { 1, 2 } }:save(5) end,
      "figure:save: path is 5 but a text is wanted")
  end)
end)

describe("plot.lines", function()
  it("breaks lines at gaps, and shows a lone point", function()
    local root <const> = parsed(plot.lines{ { 1, 2, NAN, 4, 5, 1 / 0, 7 } })
    local strokes <const> = paths(root, { stroke = BLUE })
    assert.equal(2, #strokes)
    assert.equal(4, #strokes[1]:points())
    assert.equal(1, #root:all "circle")
  end)

  it("stands where the values are", function()
    local root <const> = parsed(plot.lines{ { x = { 0, 5, 10 }, y = { 0, 1, 2 } } })
    local points <const> = paths(root, { stroke = BLUE })[1]:points()
    assert.is_true(math.abs(points[3] - (points[1] + points[5]) / 2) < 0.02)
    assert.is_true(math.abs(points[4] - (points[2] + points[6]) / 2) < 0.02)
    assert.is_true(points[2] > points[6]) -- up is up
    local tick <const> = root:find("text", { text = "1.0" })
    assert.is_true(math.abs(tick:number "y" - 12 * 0.355 - points[4]) < 0.02)
  end)

  it("takes logarithms, and has gaps where there are none", function()
    local root <const> = parsed(plot.lines{ { 1, 10, 0, -3, 100, 1000 }, log_y = true })
    local strokes <const> = paths(root, { stroke = BLUE })
    assert.equal(2, #strokes)
    local low <const>, high <const> = strokes[1]:points(), strokes[2]:points()
    local step <const> = low[2] - low[4]
    assert.is_true(step > 20)
    assert.is_true(math.abs(low[4] - high[2] - step) < 0.03)
    assert.is_true(math.abs(high[2] - high[4] - step) < 0.03)
    assert.is_true(has_text(root, "100"))
  end)

  it("names lines at their ends, outside the data and apart", function()
    local root <const> = parsed(plot.lines{ { y = { 1, 5 }, name = "one" },
      { y = { 2, 5.01 }, name = "two" }, { y = { 3, 5.02 }, name = "three" } })
    local right <const> = paths(root, { stroke = BLUE })[1]:points()[3]
    local ys <const> = {}
    for i, name in ipairs { "three", "two", "one" } do
      local label <const> = root:find("text", { text = name })
      assert.is_true(label:number "x" > right)
      ys[i] = label:number "y"
    end
    assert.is_true(ys[2] - ys[1] >= 13 and ys[3] - ys[2] >= 13)
  end)

  it("puts names above the plot where lines end elsewhere", function()
    local root <const> = parsed(plot.lines{ { y = { 1, 5, 3, 4, 5, 6 }, name = "long" },
      { y = { 2, 3 }, name = "short" } })
    local highest = 1 / 0
    for _, stroke in ipairs(root:all "path") do
      local points <const> = stroke:points()
      for i = 2, #points, 2 do highest = math.min(highest, points[i]) end
    end
    for _, name in ipairs { "long", "short" } do
      assert.is_true(root:find("text", { text = name }):number "y" < highest - 5)
    end
    assert.is_false(has_text(parsed(plot.lines{ { y = { 1 }, name = "n" }, legend = false }), "n"))
  end)

  it("tells lines apart in grey print when their names are elsewhere", function()
    local function dashes(...)
      local root <const> = parsed(plot.lines{ { y = { 1, 2 }, name = "a" }, ... })
      local list <const> = {}
      for _, path in ipairs(root:all "path") do
        list[#list + 1] = path.attributes["stroke-dasharray"] or "solid"
      end
      return list
    end
    assert.same({ "solid", "solid" }, dashes { y = { 2, 3 }, name = "b" })
    assert.same({ "solid", "7 5", "solid" },
      dashes({ x = { 1, 1.2 }, y = { 2, 3 }, name = "b" }, { y = { 1, 3 }, dash = "solid" }))
  end)

  it("shows bands, marks and notes", function()
    local root <const> = parsed(plot.lines{
      { y = { 2, 3, NAN, 4, 5 }, low = { 1, 2, 2, NAN, 4 }, high = { 3, 4, 4, 5, 6 },
        marker = true },
      vertical = { { x = 2, label = "best" }, 4 }, horizontal = 9,
      notes = { { x = 1, y = 2, text = "start" } } })
    local bands <const> = paths(root, { ["fill-opacity"] = "0.18" })
    assert.equal(2, #bands) -- the fourth point has no lower edge
    assert.equal(12, #bands[1]:points())
    assert.is_true(has_text(root, "best") and has_text(root, "start"))
    assert.is_true(has_text(root, "8")) -- the axis reaches the horizontal line
    local dashed = 0
    for _, line in ipairs(root:all "line") do
      dashed = dashed + (line.attributes["stroke-dasharray"] and 1 or 0)
    end
    assert.equal(3, dashed)
  end)

  it("keeps a hundred thousand steps small, and their extremes", function()
    local y <const> = {}
    for i = 1, 100000 do y[i] = 5 + math.sin(i * i) end
    y[12345], y[77777] = 0, 9
    local figure <const> = plot.lines{ { y = y, smooth = 0.99 } }
    assert.is_true(#figure:svg() < 80000)
    local low, high = 1 / 0, -1 / 0
    local points <const> = paths(parsed(figure), { stroke = BLUE, ["stroke-opacity"] = "0.3" })[1]
      :points()
    for i = 2, #points, 2 do low, high = math.min(low, points[i]), math.max(high, points[i]) end
    local axis <const> = parsed(figure)
    local zero <const>, eight <const> = axis:find("text", { text = "0" }),
      axis:find("text", { text = "8" })
    local unit <const> = (zero:number "y" - eight:number "y") / 8
    assert.is_true(math.abs(high - low - 9 * unit) < 0.05)
  end)

  it("cuts data only where the caller set limits", function()
    assert.same({}, parsed(plot.lines{ { 1, 2 } }):all "clipPath")
    assert.equal(1, #parsed(plot.lines{ { 1, 2 }, x_limits = { 1, 1.5 } }):all "clipPath")
  end)

  it("takes tensors", function()
    local x <const> = mlp.tensor { 1, 2, 3 }
    local of_tensor <const> = plot.lines{ { x = x, y = mlp.tensor { { 4 }, { 5 }, { 6 } } } }
    assert.equal(plot.lines{ { x = { 1, 2, 3 }, y = { 4, 5, 6 } } }:svg(), of_tensor:svg())
    assert.equal(plot.lines{ { 1, 2, 3 } }:svg(), plot.lines{ x }:svg())
  end)
end)

describe("plot.scatter", function()
  it("draws what is finite", function()
    local root <const> = parsed(plot.scatter{ { x = { 1, 2, NAN, 4 }, y = { 1, NAN, 3, 4 } } })
    assert.equal(2, #root:all "circle")
  end)

  it("tells classes by colour and shape, and names them", function()
    local root <const> = parsed(plot.scatter{ {
      points = mlp.tensor { { 0, 0 }, { 1, 1 }, { 2, 0 } },
      class = mlp.tensor({ 2, 1, 2 }, { dtype = "int64" }), classes = { "cat", "dog" } } })
    local groups <const> = {}
    for _, group in ipairs(root:all "g") do
      if group.attributes.fill then groups[#groups + 1] = group end
    end
    assert.equal(2, #groups)
    assert.equal(BLUE, groups[1].attributes.fill)
    assert.equal(1, #groups[1]:all "circle") -- one cat
    assert.equal(2, #groups[2]:all "path") -- two dogs, squares
    assert.is_true(has_text(root, "cat") and has_text(root, "dog"))
  end)

  it("joins points in their order where asked, broken at what is missing", function()
    local series <const> = { x = { 2, 0, 1, 1, 2 }, y = { 0, 0, 1, NAN, 2 }, line = true }
    local strokes <const> = paths(parsed(plot.scatter{ series }), { stroke = BLUE })
    assert.equal(1, #strokes)
    local line <const> = strokes[1]:points()
    assert.equal(6, #line) -- a point alone after a gap is a marker, no line
    assert.is_true(line[1] > line[5] and line[5] > line[3]) -- 2, 0, 1, unsorted
    series.line = nil
    assert.equal(0, #paths(parsed(plot.scatter{ series }), { stroke = BLUE }))
  end)

  it("draws a line alone where points have no size", function()
    local root <const> = parsed(plot.scatter{ { x = { 0, 1, 2 }, y = { 0, 1, 0 }, line = true,
      size = 0 } })
    assert.equal(1, #paths(root, { stroke = BLUE }))
    assert.equal(0, #root:all "circle")
  end)

  it("sizes areas, and colours by value", function()
    local root <const> = parsed(plot.scatter{ { x = { 1, 2, 3 }, y = { 1, 2, 3 },
      size = { 1, 4, 0 }, value = { -1, 2, NAN } }, bar_label = "margin" })
    local circles <const> = root:all "circle"
    -- coordinates have two decimals
    assert.is_true(math.abs(circles[2]:number "r" - 2 * circles[1]:number "r") <= 0.02)
    assert.equal(0, circles[3]:number "r")
    assert.equal("#8a3500", circles[2].attributes.fill) -- the end of a scale around zero
    assert.equal("#d4d4d4", circles[3].attributes.fill)
    assert.is_true(has_text(root, "margin"))
  end)

  it("makes a unit as long on both axes when asked", function()
    local root <const> = parsed(plot.scatter{ { x = { 0, 1, 0 }, y = { 0, 0, 1 } }, equal = true })
    local circles <const> = root:all "circle"
    local across <const> = circles[2]:number "cx" - circles[1]:number "cx"
    local up <const> = circles[1]:number "cy" - circles[3]:number "cy"
    assert.is_true(math.abs(across - up) < 0.03)
  end)
end)

describe("plot.histogram", function()
  --- Heights of the bars over that of the first.
  local function heights(root)
    local list <const> = {}
    for _, rect in ipairs(root:all "rect") do
      if rect.attributes.fill == BLUE then list[#list + 1] = rect:number "height" end
    end
    local first <const> = list[1]
    for i, height in ipairs(list) do list[i] = math.floor(100 * height / first + 0.5) / 100 end
    return list
  end

  it("counts every value once, the last edge included", function()
    local edges <const> = { 0, 1, 2, 3 }
    assert.same({ 1, 2, 1 }, heights(parsed(plot.histogram{ { 0, 1, 1.5, 3 }, bins = edges })))
    assert.same({ 1, 1, 2 }, heights(parsed(plot.histogram{ { 0, 1, 2, 3 }, bins = 3 })))
  end)

  it("stands whole numbers in the middle of their bins", function()
    local root <const> = parsed(plot.histogram{ { 1, 2, 2, 3, 3, 3 } })
    assert.same({ 1, 2, 3 }, heights(root))
    local tick <const> = root:find("text", { text = "2", ["text-anchor"] = "middle" })
    local bar
    for _, rect in ipairs(root:all "rect") do
      local x <const> = rect.attributes.fill == BLUE and rect:number "x"
      if x and x < tick:number "x" and x + rect:number "width" > tick:number "x" then bar = rect end
    end
    assert.is_true(math.abs(bar:number "x" + bar:number "width" / 2 - tick:number "x") < 0.05)
  end)

  it("says what it left out", function()
    assert.is_true(has_text(parsed(plot.histogram{ { 1, 2, NAN } }),
      "1 value is not finite and left out"))
    assert.is_true(has_text(parsed(plot.histogram{ { 1, 1 / 0, NAN } }),
      "2 values are not finite and left out"))
  end)

  it("compares series by share or density", function()
    local root <const> = parsed(plot.histogram{ { { 1, 1, 1, 1 }, name = "many" },
      { { 1 }, name = "few" }, bins = { 0, 2 }, scale = "share" })
    local many <const> = paths(root, { fill = BLUE })[1]:points()
    local few <const> = paths(root, { fill = ORANGE })[1]:points()
    assert.same(many, few)
    assert.is_true(has_text(parsed(plot.histogram{ { 1, 1 }, bins = { 0, 0.25, 2 },
      scale = "density" }), "density"))
  end)

  it("has a foot on a logarithmic axis", function()
    local y <const> = {}
    for i = 1, 1100 do y[i] = i <= 1000 and 1 or i <= 1099 and 2 or 4 end
    assert.equal(3, #heights(parsed(plot.histogram{ y, log_y = true })))
  end)
end)

describe("plot.bars", function()
  it("starts at zero", function()
    local root <const> = parsed(plot.bars{ { 10, 12, -6 }, names = { "a", "b", "c" } })
    local bars <const> = {}
    for _, rect in ipairs(root:all "rect") do
      if rect.attributes.fill == BLUE then bars[#bars + 1] = rect end
    end
    local unit <const> = bars[1]:number "height" / 10
    assert.is_true(math.abs(bars[2]:number "height" - 12 * unit) < 0.03)
    assert.is_true(math.abs(bars[3]:number "height" - 6 * unit) < 0.03)
    local zero <const> = bars[1]:number "y" + bars[1]:number "height"
    assert.is_true(math.abs(bars[3]:number "y" - zero) < 0.03)
    assert.is_true(has_text(root, "12") and has_text(root, "\u{2212}6"))
  end)

  it("turns names that do not fit, and breaks those that can be broken", function()
    local long <const>, broken <const>, names <const> = {}, {}, {}
    for i = 1, 12 do
      long[i], broken[i], names[i] = "Donaudampfschiff" .. i, "two words", "n" .. i
    end
    local y <const> = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }
    local function turned(list)
      local element <const> = parsed(plot.bars{ y, names = list }):find("text", { text = list[3] })
      return element and element.attributes.transform ~= nil
    end
    assert.is_true(turned(long))
    assert.is_nil(turned(broken)) -- stands in two lines
    assert.is_false(turned(names))
  end)

  it("may lie", function()
    local root <const> = parsed(plot.bars{ { 1, 2 }, names = { "first", "second" },
      horizontal = true })
    assert.is_true(root:find("text", { text = "first" }):number "y"
      < root:find("text", { text = "second" }):number "y")
  end)
end)

describe("plot.heatmap", function()
  it("shows the first row on top, in the colours of the map", function()
    local root <const> = parsed(plot.heatmap{ mlp.tensor { { 0, 1, 2 }, { 3, 4, 5 } } })
    local image <const> = root:all("image")[1]
    assert.same({ 0x44, 0x01, 0x54, n = 3 }, cell(image, 2, 3, 1, 1))
    assert.same({ 0xfd, 0xe7, 0x25, n = 3 }, cell(image, 2, 3, 2, 3))
    assert.is_true(root:find("text", { text = "1", ["text-anchor"] = "end" }):number "y"
      < root:find("text", { text = "2", ["text-anchor"] = "end" }):number "y")
  end)

  it("diverges around zero where the data do, and greys what is missing", function()
    local root <const> = parsed(plot.heatmap{ { { -4, 0, 2 }, { NAN, 4, 1 / 0 } } })
    local image <const> = root:all("image")[1]
    assert.same({ 0x08, 0x47, 0x7e, n = 3 }, cell(image, 2, 3, 1, 1))
    local middle <const> = cell(image, 2, 3, 1, 2)
    assert.is_true(middle[1] > 240 and middle[3] > 240)
    assert.same({ 0xd4, 0xd4, 0xd4, n = 3 }, cell(image, 2, 3, 2, 1))
    assert.same({ 0x8a, 0x35, 0x00, n = 3 }, cell(image, 2, 3, 2, 2))
    assert.is_true(has_text(root, "none")) -- the bar explains the grey
  end)

  it("goes without its colour bar among many that share limits", function()
    local matrix <const> = { { 0, 1 }, { 1, 0 } }
    local with <const> = parsed(plot.heatmap{ matrix, bar_label = "share" })
    local without <const> = parsed(plot.heatmap{ matrix, bar_label = "share", colour_bar = false })
    assert.is_true(has_text(with, "share") and not has_text(without, "share"))
    assert.is_true(without:all("image")[1]:number "width" > with:all("image")[1]:number "width")
    assert.same(cell(with:all("image")[1], 2, 2, 1, 2), cell(without:all("image")[1], 2, 2, 1, 2))
    assert.error_matches(function() plot.heatmap{ matrix, colour_bar = 0 } end,
      "colour_bar is 0 but true or false is wanted")
  end)

  it("frames cells", function()
    local bare <const> = parsed(plot.heatmap{ mlp.eye(4) })
    local root <const> = parsed(plot.heatmap{ mlp.eye(4), boxes = { { row = 1, column = 4 },
      { row = 3, column = 2, colour = "#123456" } } })
    assert.equal(#bare:all "rect" + 2, #root:all "rect")
    local box <const> = root:find("rect", { stroke = "#123456" })
    local image <const> = root:all("image")[1]
    local cell_width <const> = image:number "width" / 4
    assert.is_true(math.abs(box:number "x" - image:number "x" - cell_width) < 2)
    assert.is_true(math.abs(box:number "width" - cell_width) < 2)
  end)

  it("writes values into cells that can hold them", function()
    local root <const> = parsed(plot.heatmap{ { { 0.5, 0.25 }, { 0.75, NAN } }, values = true })
    assert.is_true(has_text(root, "0.25") and has_text(root, "0.50"))
    local wide <const> = {}
    for i = 1, 200 do wide[i] = i + 0.25 end
    assert.is_false(has_text(parsed(plot.heatmap{ { wide }, values = true }), "7.3"))
  end)

  it("stays small", function()
    local rows <const> = {}
    for r = 1, 64 do
      rows[r] = {}
      for c = 1, 64 do rows[r][c] = math.sin(r * c) end
    end
    assert.is_true(#plot.heatmap{ rows }:svg() < 60000)
  end)
end)

describe("plot.regions", function()
  it("asks for points (N, 2) without recording history", function()
    local seen
    plot.regions{ function(p)
      seen = p
      assert.is_false(core.grad_enabled())
      return p:sum(2)
    end, x = { 0, 1 }, y = { 2, 4 }, resolution = 5 }
    assert.same({ 25, 2 }, seen.shape)
    assert.same({ { 0, 4 }, { 1, 2 } }, { seen:totable()[1], seen:totable()[25] })
  end)

  it("draws boundaries where the values say", function()
    local root <const> = parsed(plot.regions{ function(x) return x end, pointwise = true,
      x = { 0, 10 }, y = { 0, 10 }, levels = 3, resolution = 12 })
    local image <const> = root:all("image")[1]
    local line <const> = paths(root, { stroke = "#222222" })
    assert.equal(1, #line)
    local points <const> = line[1]:points()
    assert.equal(4, #points) -- a straight line needs no more
    local wanted <const> = image:number "x" + 0.3 * image:number "width"
    assert.is_true(math.abs(points[1] - wanted) < 0.2 and math.abs(points[3] - wanted) < 0.2)
  end)

  it("gives each class its region", function()
    local root <const> = parsed(plot.regions{ function(p)
      local out <const> = {}
      for i, q in ipairs(p:totable()) do out[i] = { -q[1], q[1], -100 } end
      return mlp.tensor(out)
    end, x = { -1, 1 }, y = { -1, 1 }, classes = { "left", "right", "never" } })
    local image <const> = root:all("image")[1]
    local left <const>, right <const> = cell(image, 2, 2, 1, 1), cell(image, 2, 2, 1, 2)
    assert.same(left, cell(image, 2, 2, 2, 1))
    assert.is_true(left[3] > left[1] and right[1] > right[3]) -- bluish, orange
    assert.is_true(has_text(root, "left") and has_text(root, "never"))
    local points <const> = paths(root, { stroke = "#222222" })[1]:points()
    local middle <const> = image:number "x" + image:number "width" / 2
    assert.is_true(math.abs(points[1] - middle) < 0.2)
  end)

  it("lies around the points when no part of the plane is named", function()
    local root <const> = parsed(plot.regions{ function(x, y) return x + y end, pointwise = true,
      resolution = 4, points = { { x = { 0, 1 }, y = { 0, 1 } } } })
    local image <const> = root:all("image")[1]
    for _, circle in ipairs(root:all "circle") do
      local x <const> = circle:number "cx"
      assert.is_true(x > image:number "x" and x < image:number "x" + image:number "width")
    end
    assert.equal(2, #root:all "circle")
  end)

  it("passes on what the function raises", function()
    local mine <const> = { "mine" }
    local ok <const>, raised <const> = pcall(plot.regions, { function() error(mine) end,
      x = { 0, 1 }, y = { 0, 1 } })
    assert.is_false(ok)
    assert.equal(mine, raised)
  end)
end)

describe("plot.image_grid", function()
  it("shows bytes as they are", function()
    local x <const> = mlp.tensor({ { { 0, 128 }, { 255, 7 } } }, { dtype = "uint8" })
    local image <const> = parsed(plot.image_grid{ x }):all("image")[1]
    local _, height <const>, width <const>, channels <const> = pixels(image)
    assert.equal(1, channels)
    assert.is_true(height == width and height % 2 == 0 and height >= 100)
    for i, value in ipairs { 0, 128, 255, 7 } do
      assert.same({ value, n = 1 }, cell(image, 2, 2, (i + 1) // 2, (i - 1) % 2 + 1))
    end
  end)

  it("shows colours as they are", function()
    local rgb <const> = { { { { 255, 0, 10 }, { 1, 2, 3 } } } }
    local bytes <const> = parsed(plot.image_grid{ mlp.tensor(rgb, { dtype = "uint8" }) })
    assert.same({ 255, 0, 10, n = 3 }, cell(bytes:all("image")[1], 1, 2, 1, 1))
    local floats <const> = parsed(plot.image_grid{ { { { 1, 0.5, 0 }, { 0, NAN, 7 / 255 } } } })
    assert.same({ 255, 128, 0, n = 3 }, cell(floats:all("image")[1], 1, 2, 1, 1))
    assert.same({ 0, 0, 7, n = 3 }, cell(floats:all("image")[1], 1, 2, 1, 2))
  end)

  it("compares images on one scale, or each on its own", function()
    local x <const> = { { { 0, 8 } }, { { 0, 16 } } }
    local function first(limits)
      return cell(parsed(plot.image_grid{ x, limits = limits }):all("image")[1], 1, 2, 1, 2)[1]
    end
    assert.equal(128, first "all")
    assert.equal(255, first "each")
    assert.equal(64, first { 0, 32 })
  end)

  it("stands row by row, with captions below", function()
    local captions <const> = { "one", "two", "three", "four", "five" }
    local root <const> = parsed(plot.image_grid{ mlp.zeros(5, 8, 6), columns = 3,
      captions = captions, caption_colours = { BLUE, BLUE, ORANGE, BLUE, BLUE } })
    local images <const> = root:all "image"
    assert.equal(5, #images)
    assert.equal(images[1]:number "y", images[3]:number "y")
    assert.is_true(images[4]:number "y" > images[1]:number "y" + images[1]:number "height")
    assert.equal(images[1]:number "x", images[4]:number "x")
    assert.is_true(math.abs(images[1]:number "width" / images[1]:number "height" - 3 / 4) < 1e-3)
    for i, caption in ipairs(captions) do
      local label <const> = root:find("text", { text = caption })
      local foot <const> = images[i]:number "y" + images[i]:number "height"
      assert.is_true(label:number "y" > foot and label:number "y" < foot + 20)
      assert.equal(i == 3 and ORANGE or BLUE, label.attributes.fill)
    end
  end)

  it("takes lists of images of several sizes, and one image", function()
    local mixed <const> = parsed(plot.image_grid{ mlp.zeros(4, 8), mlp.zeros(6, 3, 3) })
    assert.equal(2, #mixed:all "image")
    assert.equal(1, #parsed(plot.image_grid{ mlp.zeros(4, 8) }):all "image")
    assert.equal(2, #parsed(plot.image_grid{ mlp.zeros(2, 4, 8, 1) }):all "image")
  end)

  it("keeps a hundred digits small", function()
    local x <const> = {}
    for i = 0, 6399 do
      local n <const>, r <const> = i // 64 + 1, i % 64 // 8 + 1
      x[n] = x[n] or {}
      x[n][r] = x[n][r] or {}
      x[n][r][i % 8 + 1] = math.sin(i * i)
    end
    assert.is_true(#plot.image_grid{ x }:svg() < 200000)
  end)

  it("writes base64", function()
    local raster <const> = require "mlp.plot.raster"
    for text, wanted in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==",
      fooba = "Zm9vYmE=", foobar = "Zm9vYmFy", -- RFC 4648, section 10
      ["\xff\xfe\xfd"] = "//79" } do
      assert.equal(wanted, raster.base64(text))
    end
  end)
end)

describe("plot.confusion", function()
  local COUNTS <const> = { { 8, 2, 0 }, { 0, 5, 5 }, { 0, 0, 0 } }

  it("says how much is right", function()
    local root <const> = parsed(plot.confusion{ COUNTS, classes = { "a", "b", "c" } })
    assert.is_true(has_text(root, "accuracy 65.0\u{2009}% (13 of 20)"))
    assert.is_true(has_text(root, "80\u{2009}%")) -- recall and share of a
    assert.is_true(has_text(root, "71\u{2009}%")) -- precision of b: 5 of 7
    assert.is_true(has_text(root, "true") and has_text(root, "predicted"))
    for _, name in ipairs { "a", "b", "c" } do
      local places = 0
      for _, text in ipairs(texts(root)) do places = places + (text == name and 1 or 0) end
      assert.equal(2, places)
    end
  end)

  it("tells right from wrong, and leaves nothing blank but nothing", function()
    local root <const> = parsed(plot.confusion{ mlp.tensor(COUNTS) })
    local fills <const>, titles <const> = {}, {}
    for _, rect in ipairs(root:all "rect") do
      if rect.attributes.rx then
        fills[#fills + 1] = rect.attributes.fill
        titles[#titles + 1] = rect.text
      end
    end
    assert.equal(9, #fills)
    local function blueness(hex)
      return tonumber(hex:sub(6, 7), 16) - tonumber(hex:sub(2, 3), 16)
    end
    assert.is_true(blueness(fills[1]) > 60 and blueness(fills[5]) > 20)
    assert.is_true(blueness(fills[2]) < -40 and blueness(fills[6]) < blueness(fills[2]))
    for _, blank in ipairs { 3, 4, 7, 8, 9 } do assert.equal("#f5f5f5", fills[blank]) end
    assert.equal("1, predicted 2: 2 (20.0\u{2009}%)", titles[2])
  end)
end)

describe("plot.grid", function()
  it("places figures without overlap", function()
    local small <const> = plot.lines{ { 1, 2 }, width = 200, height = 150 }
    local large <const> = plot.lines{ { 1, 2 }, width = 300, height = 100 }
    local figure <const> = plot.grid{ small, large, small, columns = 2, gap = 10 }
    assert.equal(510, figure.width)
    assert.equal(310, figure.height)
    local root <const> = parsed(figure)
    assert.is_truthy(root:find("g", { transform = "translate(0 0)" }))
    assert.is_truthy(root:find("g", { transform = "translate(210 0)" }))
    assert.is_truthy(root:find("g", { transform = "translate(0 160)" }))
    assert.equal(310 + 4 + 310, plot.grid{ figure, figure, columns = 1 }.height) -- grids of grids
  end)
end)

describe("a mistake in a call", function()
  local line <const> = plot.lines{ { 1, 2 } }
  local MISTAKES <const> = {
    { function() plot.lines{ { 1, 2 }, titel = "x" } end,
      "plot.lines: unknown option 'titel' (did you mean 'title'?)" },
    { function() plot.lines{ { y = { 1 }, color = "red" } } end,
      "plot.lines: series 1: unknown option 'color' (did you mean 'colour'?)" },
    { function() plot.lines{ { y = { 1, "a" }, name = "v" } } end,
      "plot.lines: y[2] of series 1 ('v') is the string 'a' but a number is wanted" },
    { function() plot.lines{ { y = {} } } end, "plot.lines: y of series 1 is empty" },
    { function() plot.lines{ { y = {}, name = "train" } } end,
      "plot.lines: y of series 1 ('train') is empty" },
    { function() plot.lines{} end, "plot.lines: nothing to draw: a list of series" },
    { function() plot.lines "x" end,
      "plot.lines: argument is the string 'x' but a list of series" },
    { function() plot.lines{ { NAN, 1 / 0 } } end,
      "plot.lines: nothing to draw, no point is finite" },
    { function() plot.lines{ { -1, 0 }, log_y = true } end,
      "no point is finite and positive on the logarithmic axis" },
    { function() plot.lines{ { y = { 1, 2 }, x = { 1 } } } end,
      "plot.lines: x of series 1 has 1 numbers but y has 2" },
    { function() plot.lines{ mlp.zeros(2, 2) } end,
      "but a list of numbers or a tensor (N) is wanted" },
    { function() plot.lines{ { 1 }, y_limits = { 2, 1 } } end,
      "plot.lines: y_limits is {2, 1} but {low, high} with low < high is wanted" },
    { function() plot.lines{ { 1 }, legend = "left" } end,
      "plot.lines: legend is the string 'left' but one of \"auto\"" },
    { function() plot.lines{ { 1 }, width = 0 } end,
      "plot.lines: width is 0 but a positive number is wanted" },
    { function() plot.lines{ { y = { 1 }, low = { 1 } } } end, "a band wants both low and high" },
    { function() plot.scatter{ { x = { 1 }, y = { 1 }, size = -1 } } end,
      "plot.scatter: size of series 1 is -1 but a size >= 0 is wanted" },
    { function() plot.scatter{ { points = { { 1, 2, 3 } } } } end,
      "plot.scatter: points of series 1 have 3 columns but (N, 2) is wanted" },
    { function() plot.heatmap{ { { 1, 2 }, { 1 } } } end,
      "plot.heatmap: row 2 of matrix has 1 numbers but row 1 has 2" },
    { function() plot.heatmap{ { { 1 } }, colours = "jet" } end,
      "plot.heatmap: colours is the string 'jet'" },
    { function() plot.heatmap{ { { 1 } }, boxes = { { row = 1, column = 2 } } } end,
      "plot.heatmap: boxes[1].column is 2 but a whole number from 1 to 1 is wanted" },
    { function() plot.histogram{ { 1, 2 }, bins = { 5, 6 } } end,
      "plot.histogram: no value lies inside the bins" },
    { function() plot.histogram{ { 1, 2 }, bins = 0 } end, "plot.histogram: bins is 0 but" },
    { function() plot.bars{ { 1, 2 }, names = { "a" } } end,
      "plot.bars: names has length 1 but length 2 is wanted" },
    { function() plot.image_grid{ mlp.zeros(2, 3, 4, 2) } end, "plot.image_grid: argument 1 is" },
    { function() plot.image_grid{ mlp.zeros(2, 3, 4), captions = { "a" } } end,
      "plot.image_grid: captions has length 1 but length 2 is wanted" },
    { function() plot.image_grid{ { { { 1 }, { 2 } }, 5 } } end, "plot.image_grid: argument 1 is" },
    { function() plot.confusion{ mlp.zeros(2, 3) } end,
      "plot.confusion: the matrix is (2, 3) but a square" },
    { function() plot.confusion{ { { 1, -2 }, { 3, 4 } } } end,
      "plot.confusion: matrix[1][2] is -2 but a count >= 0 is wanted" },
    { function() plot.regions{ 5, x = { 0, 1 }, y = { 0, 1 } } end,
      "plot.regions: argument 1 is 5 but a function or model of points (N, 2) is wanted" },
    { function() plot.regions{ function() return { 1 } end, x = { 0, 1 }, y = { 0, 1 } } end,
      "plot.regions: the function answered 1 values for 6400 points" },
    { function() plot.regions{ function() end } end, "plot.regions: x is missing" },
    { function() plot.grid{ line, 5 } end, "plot.grid: item 2 is 5 but a figure is wanted" },
  }
  for _, mistake in ipairs(MISTAKES) do
    local fn <const>, sentence <const> = table.unpack(mistake)
    it("is told at its line: " .. sentence, function()
      local ok <const>, message <const> = pcall(fn)
      assert.is_false(ok)
      assert.matches("^spec/mlp/plot_spec.lua:%d+: plot%.", message)
      assert.is_truthy(message:find(sentence, 1, true), message)
    end)
  end
end)
