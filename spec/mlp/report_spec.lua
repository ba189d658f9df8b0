-- Reports. What is held here is structure: one well-formed page that asks for nothing from outside,
-- where texts go, that links lead somewhere, and the sentences for mistakes.

local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local xml <const> = require "spec.support.xml"

local HOSTILE <const> = "<script>alert(1)</script> & \"it\" \xE9 \1 ]]> --> caf\u{E9}"
local HOSTILE_CLEAN <const> =
  "<script>alert(1)</script> & \"it\" \u{FFFD} \u{FFFD} ]]> --> caf\u{E9}"

local function page() return mlp.report { title = "A report" } end

local function parsed(report)
  local document <const> = report:html()
  assert.equal("<!DOCTYPE html>\n", document:sub(1, 16))
  return xml.parse(document:sub(17))
end

local function only(root, name)
  local all <const> = root:all(name)
  assert.equal(1, #all)
  return all[1]
end

local function texts(root, name)
  local list <const> = {}
  for i, element in ipairs(root:all(name)) do list[i] = element.text end
  return list
end

local function curve() return mlp.plot.lines { { 3, 2, 1 }, title = "Loss & <more>" } end

describe("a report", function()
  it("is one page with its title, and every part in order", function()
    local report <const> = mlp.report { title = "T", subtitle = "S", footer = "F", language = "de" }
    local root <const> = parsed(report:heading "One":text "two":code "three":list { "four" })
    assert.equal("html", root.name)
    assert.equal("de", root.attributes.lang)
    assert.equal("T", only(root, "title").text)
    local body, names = only(root, "body"), {}
    for i, element in ipairs(body) do names[i] = element.name end
    assert.same({ "header", "h2", "p", "pre", "ul", "footer" }, names)
  end)

  it("asks for nothing from outside and holds no script", function()
    local report <const> = page():figure(curve()):figure(mlp.rand(4, 4, 3)):text "[a](b.html)"
    local root <const> = parsed(report)
    for _, name in ipairs { "script", "link", "iframe", "object" } do
      assert.equal(0, #root:all(name))
    end
    for _, image in ipairs(root:all "img") do assert.matches("^data:", image.attributes.src) end
    local policy <const> = root:find("meta", { ["http-equiv"] = "Content-Security-Policy" })
    assert.matches("default-src 'none'", policy.attributes.content, 1, true)
  end)

  it("shows whatever bytes come, as text", function()
    local report <const> = mlp.report { title = HOSTILE, subtitle = HOSTILE, footer = HOSTILE }
    report:heading(HOSTILE):text(HOSTILE):list { HOSTILE }:code(HOSTILE)
    report:table { columns = { HOSTILE }, rows = { { HOSTILE } }, caption = HOSTILE }
    report:figure(mlp.rand(2, 2), HOSTILE)
    local root <const> = parsed(report)
    assert.equal(0, #root:all "script")
    for _, name in ipairs { "title", "h1", "h2", "p", "li", "pre", "th", "td" } do
      local first <const> = root:all(name)[1].text
      assert.equal(HOSTILE_CLEAN, first)
    end
    assert.equal("Table 1. " .. HOSTILE_CLEAN, root:all("figcaption")[1].text)
  end)

  it("is the same bytes each time", function()
    local function once() return page():heading "A":table { rows = { { 1, 2 } } }:html() end
    assert.equal(once(), once())
    local report <const> = page():heading "A"
    assert.equal(report:html(), report:html())
  end)

  it("is saved whole, or says why not", function()
    local path <const> = files.temporary()
    assert.is_true(page():save(path))
    assert.equal(page():html(), files.read(path))
    os.remove(path)
    local ok <const>, message <const> = page():save "/no/such/folder/x.html"
    assert.is_nil(ok)
    assert.matches("cannot write '/no/such/folder/x.html'", message, 1, true)
  end)
end)

describe("headings", function()
  it("have levels, and ids that are unique", function()
    local report <const> = page():heading "Loss & accuracy":heading("Loss", { level = 2 })
    report:heading("Loss", { level = 3 }):heading "\u{4F60}"
    report:heading "?":heading("x", { id = "y" })
    local root <const> = parsed(report)
    assert.equal("loss-accuracy", root:all("h2")[1].attributes.id)
    assert.equal("loss", root:all("h3")[1].attributes.id)
    assert.equal("loss-2", root:all("h4")[1].attributes.id)
    assert.equal("\u{4F60}", root:all("h2")[2].attributes.id)
    assert.equal("section", root:all("h2")[3].attributes.id)
    assert.equal("y", root:all("h2")[4].attributes.id)
  end)

  it("are listed from three on, nested by level", function()
    assert.equal(0, #parsed(page():heading "a":heading "b"):all "nav")
    assert.equal(1, #parsed(mlp.report { title = "t", contents = true }:heading "a"):all "nav")
    local report <const> = page():heading("deep", { level = 2 }):heading "a"
    report:heading("b", { level = 3 }):heading("c", { level = 2 }):heading "d"
    local nav <const> = only(parsed(report), "nav")
    assert.same({ "deep", "a", "b", "c", "d" }, texts(nav, "a"))
    local function depth_of(name)
      local element, depth = nav:find("a", { text = name }), 0
      while element ~= nav do
        element, depth = element.parent, depth + (element.name == "ul" and 1 or 0)
      end
      return depth
    end
    assert.equal(1, depth_of "a")
    assert.equal(2, depth_of "b")
    assert.equal(2, depth_of "c")
    assert.equal(1, depth_of "d")
  end)
end)

describe("text", function()
  local function marked(text) return only(parsed(page():text(text)), "p") end

  it("is paragraphs between empty lines", function()
    local list <const> = texts(parsed(page():text "a b\n\n  c \n \t\n\r\n\r\nd\n"), "p")
    assert.same({ "a b", "c", "d" }, list)
    assert.equal(0, #parsed(page():text " \n\n "):all "p")
  end)

  it("knows four marks, one inside another", function()
    local p <const> = marked "`a*b*<`, *very* **so *it* is**, [a `b`](https://x.org/?a=1&b=2)"
    assert.equal("a*b*<", p:all("code")[1].text)
    assert.same({ "very", "it" }, texts(p, "em"))
    assert.equal("so it is", only(p, "strong").text)
    assert.equal("https://x.org/?a=1&b=2", only(p, "a").attributes.href)
    assert.equal("a b", only(p, "a").text)
  end)

  it("leaves alone what is no mark", function()
    for _, text in ipairs { "2*3*4", "2 * 3 * 4", "a ** b ** c", "x[1](2", "a*", "`", "[x]", "**",
      "f(x)*g(x)*h", "[x](javascript:alert)", "[x](DATA:text)", "a\\b", "***", "*a\nb" } do
      local p <const> = marked(text)
      assert.equal(text, p.text)
      assert.equal(0, #p, text)
    end
    assert.equal("*a* `b` [c](d) \\", marked("\\*a\\* \\`b\\` \\[c](d) \\\\").text)
  end)

  it("links only to places that the page has", function()
    local report <const> = page():text "[below](#results), [it](#figure-1)"
    assert.error_matches(function() report:html() end, "links to '#results' but the page has no")
    report:heading "Result"
    assert.error_matches(function() report:html() end, "did you mean '#result'%?")
    report:heading "Results":figure(curve())
    assert.equal(2, #only(parsed(report), "p"):all "a")
  end)
end)

describe("tables", function()
  local function rows_of(spec)
    local root <const>, list <const> = parsed(page():table(spec)), {}
    for i, row in ipairs(root:all "tr") do
      list[i] = {}
      for k, cell in ipairs(row) do list[i][k] = cell.text end
    end
    return list, root
  end

  it("write numbers of a column alike, and everything else as it is", function()
    local list <const>, root <const> = rows_of { columns = { "name", "loss", "n" }, rows = {
      { "a", 1.23456, 7 }, { "b", 0.5, 12345 }, { true, nil, -1 }, { false, 0 / 0 } } }
    assert.same({ "name", "loss", "n" }, list[1])
    assert.same({ "a", "1.235", "7" }, list[2])
    assert.same({ "b", "0.500", "12\u{2009}345" }, list[3])
    assert.same({ "yes", "\u{2013}", "\u{2212}1" }, list[4])
    assert.same({ "no", "nan", "\u{2013}" }, list[5])
    assert.is_nil(root:all("td")[1].attributes.class)
    assert.equal("number", root:all("td")[2].attributes.class)
    assert.equal("number", root:all("th")[3].attributes.class)
  end)

  it("take rows by the names of columns, tensors, and tensors of one number", function()
    assert.same({ { "a", "b" }, { "1", "x" }, { "2", "\u{2013}" } },
      (rows_of { columns = { "a", "b" }, rows = { { a = 1, b = "x" }, { a = 2 } } }))
    local tensor <const> = mlp.tensor { { 1, 2 }, { 3, 4 } }
    assert.same({ { "1", "2" }, { "3", "4" } }, (rows_of { rows = tensor }))
    assert.same({ { "0.2500" } }, (rows_of { rows = { { mlp.tensor(0.25) } } }))
    assert.same({ { "a" } }, (rows_of { columns = { "a" }, rows = {} }))
  end)

  it("are counted, captioned and can be linked to", function()
    local root <const> = parsed(page():table { rows = { { 1 } } }
      :table { rows = { { 1 } }, caption = "A *second*." }
      :table { rows = { { 1 } }, id = "mine" }:text "[x](#table-2) [y](#mine)")
    assert.same({ "Table 1.", "Table 2. A second.", "Table 3." }, texts(root, "figcaption"))
    assert.equal("table-2", root:all("figure")[2].attributes.id)
  end)
end)

describe("figures", function()
  it("of mlp.plot stand inside as SVG", function()
    local root <const> = parsed(page():figure(curve(), "Loss, *falling*."):figure(curve()))
    assert.equal(2, #root:all "svg")
    assert.equal("Loss & <more>", root:all("svg")[1].attributes["aria-label"])
    assert.same({ "Figure 1. Loss, falling.", "Figure 2." }, texts(root, "figcaption"))
    assert.is_nil(page():figure(curve()):html():find("<?xml", 1, true))
  end)

  it("that are pictures stand inside as PNG, small ones magnified", function()
    local function image(picture, options)
      return only(parsed(page():figure(picture, "It", options)), "img").attributes
    end
    local small <const> = image(mlp.rand(8, 10, 3))
    assert.matches("^data:image/png;base64,iVBORw0KGgo", small.src)
    assert.equal("250", small.width)
    assert.equal("pixels", small.class)
    assert.equal("It", small.alt)
    local large <const> = image(mlp.zeros(2, 300))
    assert.equal("300", large.width)
    assert.is_nil(large.class)
    assert.equal("64", image(mlp.zeros(2, 300), { width = 64 }).width)
    local bytes <const> = mlp.io.png.encode(mlp.rand(8, 10, 3))
    assert.equal("250", image(bytes).width)
  end)
end)

describe("mistakes in a report", function()
  local function refused(pattern, work)
    local ok <const>, message <const> = pcall(work)
    assert.is_false(ok)
    assert.matches("^spec/mlp/report_spec.lua:%d+: report", message)
    assert.matches(pattern, message, 1, true)
  end

  it("are told at the caller's line, with what is wanted", function()
    refused("a table: mlp.report{title = ...}", function() mlp.report "T" end)
    refused("title is nil", function() mlp.report {} end)
    refused("did you mean 'title'", function() mlp.report { titel = "x" } end)
    refused("text is nil", function() page():heading() end)
    refused("level is 4", function() page():heading("x", { level = 4 }) end)
    refused("the id 'a' is taken", function() page():heading("a"):heading("b", { id = "a" }) end)
    refused("a text without spaces", function() page():heading("b", { id = "a b" }) end)
    refused("text is a table", function() page():text {} end)
    refused("a list of texts", function() page():list() end)
    refused("a text is wanted", function() page():list { {} } end)
    refused("figure is nil", function() page():figure() end)
    refused("a figure of mlp.plot, a picture", function() page():figure "out/x.svg" end)
    refused("width is -1", function() page():figure(curve(), nil, { width = -1 }) end)
    refused("rows is nil", function() page():table {} end)
    refused("row 1 is 3", function() page():table { rows = { 3 } } end)
    refused("row 2, column 1 is a table", function() page():table { rows = { { 1 }, { {} } } } end)
    refused("a cell 3 but there are 2", function()
      page():table { columns = { "a", "b" }, rows = { { 1, 2, 3 } } }
    end)
    refused("did you mean 'loss'?", function()
      page():table { columns = { "loss" }, rows = { { los = 3 } } }
    end)
    refused("digits is 0", function() page():table { rows = {}, digits = 0 } end)
    refused("path is nil", function() page():save() end)
  end)

  it("leave the page as it was", function()
    local report <const> = page()
    pcall(report.figure, report, 3)
    pcall(report.table, report, { rows = 3 })
    report:figure(curve()):table { rows = { { 1 } } }
    assert.same({ "Figure 1.", "Table 1." }, texts(parsed(report), "figcaption"))
  end)

  it("in a picture are those of png", function()
    assert.error_matches(function() page():figure(mlp.zeros(2, 2, 9)) end, "1 to 4")
  end)
end)
