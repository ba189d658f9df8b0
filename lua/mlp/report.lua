--- Reports: one page of text, tables and figures that stands by itself. Figures are inside the page
--- as SVG, pictures as PNG; nothing is loaded from elsewhere and no script runs, so the file can be
--- mailed, archived and printed. What is wrong with a part is told when it is added; a link to a
--- place that the page does not have is told when the page is made.

local core <const> = require "mlp.core"
local cells <const> = require "mlp.report.cells"
local errors <const> = require "mlp.errors"
local data <const> = require "mlp.plot.data"
local figure_of <const> = require "mlp.plot.figure"
local file <const> = require "mlp.io.file"
local html <const> = require "mlp.report.html"
local png <const> = require "mlp.io.png"
local prose <const> = require "mlp.report.prose"
local raster <const> = require "mlp.plot.raster"
local style <const> = require "mlp.report.style"

local element <const>, escape <const> = html.element, html.escape

local CONTENTS_FROM <const> = 3 -- headings that a page without the option needs for a contents
local DEEPEST <const> = 3
local SMALL_PICTURE <const> = 256 -- pixels: narrower pictures are magnified by a whole factor
local DIGITS <const> = 4
-- Holds the promise of the first lines: the browser itself refuses whatever is not on the page.
local POLICY <const> = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

--- A page that is being written. Every method that adds a part answers the page.
---@class mlp.report
---@field title string
local Report = { __name = "mlp.report" }
Report.__index = Report

-- ---- making one ---------------------------------------------------------------------------------

---@class mlp.ReportOptions
---@field title string
---@field subtitle string? prose below the title
---@field footer string? prose at the end: data, command, date, licence
---@field contents boolean? a list of the headings; default: from three headings on
---@field language string? of the text, as browsers name it; default "en"

--- Begins a report.
---
---     local page = mlp.report {title = "Digits"}
---     page:heading "Training":text "Loss fell to **0.03**; see [the curves](#figure-1)."
---     page:figure(mlp.plot.lines {losses}, "Training loss.")
---     page:table {columns = {"epoch", "accuracy"}, rows = {{1, 0.91}, {2, 0.97}}}
---     assert(page:save "out/digits.html")
---@param options mlp.ReportOptions
---@return mlp.report
local function new(options)
  if type(options) ~= "table" then
    errors.wanted("report", "the argument", options, "a table: mlp.report{title = ...}")
  end
  local o <const> = errors.options("report", options, { title = errors.NONE, footer = errors.NONE,
    subtitle = errors.NONE, contents = errors.NONE, language = "en" })
  if o.title == nil then errors.wanted("report", "title", nil, "a text") end
  local page <const> = setmetatable({ parts = {}, headings = {}, targets = {}, ids = {},
    tables = 0, figures = 0 }, Report)
  for _, name in ipairs { "title", "subtitle", "footer", "language" } do
    page[name] = data.text("report", name, o[name])
  end
  page.contents = o.contents
  return page
end

local function add(page, part)
  page.parts[#page.parts + 1] = part
  return page
end

--- Notes an id; one that was given must be new, one that was made gets a number until it is.
local function claim(page, call, given, made)
  local id = given or made
  if given and (type(given) ~= "string" or not given:find "^[^%s#]+$") then
    errors.wanted(call, "id", given, "a text without spaces")
  end
  if given and page.ids[given] then errors.raise("%s: the id '%s' is taken", call, given) end
  local count = 1
  while page.ids[id] do
    count = count + 1
    id = ("%s-%d"):format(made, count)
  end
  page.ids[id] = true
  return id
end

local function words(call, what, value)
  if value == nil then errors.wanted(call, what, value, "a text") end
  return data.text(call, what, value)
end

-- ---- text ---------------------------------------------------------------------------------------

--- "Loss & accuracy" -> "loss-accuracy"
local function slug(text)
  local id <const> = text:lower():gsub("[%c%p%s]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  return id ~= "" and id or "section"
end

--- Adds a heading; the contents list it, and `[label](#id)` in a text leads to it.
---@param text string
---@param options {level: integer?, id: string?}? level: 1 (default), 2 or 3; id: default the text
---  in small letters with "-" between the words
---@return mlp.report self
function Report:heading(text, options)
  local call <const> = "report:heading"
  local o <const> = errors.options(call, options, { level = 1, id = errors.NONE })
  if math.type(o.level) ~= "integer" or o.level < 1 or o.level > DEEPEST then
    errors.wanted(call, "level", o.level, "1, 2 or 3")
  end
  text = words(call, "text", text)
  local id <const> = claim(self, call, o.id, slug(text))
  self.headings[#self.headings + 1] = { level = o.level, id = id, text = text }
  return add(self, element("h" .. o.level + 1, { id = id }, escape(text)))
end

--- Adds paragraphs, which are apart by empty lines. Four marks are known: `code`, *emphasis*,
--- **strong** and `[label](target)`, where a target is "#id" on this page, an address or a file; a
--- backslash before a mark's character takes it as it is.
---@param text string
---@return mlp.report self
function Report:text(text)
  return add(self, prose.paragraphs(words("report:text", "text", text), self.targets))
end

--- Adds a list; its items know the marks of a text.
---@param items string[]
---@param options {ordered: boolean?}? ordered: numbers in place of bullets
---@return mlp.report self
function Report:list(items, options)
  local o <const> = errors.options("report:list", options, { ordered = false })
  if items == nil then errors.wanted("report:list", "items", items, "a list of texts") end
  local lines <const> = data.texts("report:list", "items", items)
  for i, item in ipairs(lines) do
    lines[i] = element("li", nil, prose.line(item, self.targets))
  end
  return add(self, element(o.ordered and "ol" or "ul", nil, table.concat(lines, "\n")))
end

--- Adds a text as it stands, in letters of one width: a program, a log, a summary of a model.
---@param text any a text, or a value that tostring shows, such as model:summary()
---@return mlp.report self
function Report:code(text)
  if text == nil then errors.wanted("report:code", "text", text, "a text") end
  return add(self, element("pre", nil, escape(tostring(text))))
end

-- ---- tables and figures -------------------------------------------------------------------------

--- "Figure 3. What it shows.", counted by kind.
local function caption_of(page, call, kind, given)
  page[kind] = page[kind] + 1
  local name <const> = ("%s %d"):format(kind == "tables" and "Table" or "Figure", page[kind])
  local text <const> = data.text(call, "caption", given)
  local mark <const> = element("b", nil, name .. ".")
  local content <const> = text and mark .. " " .. prose.line(text, page.targets) or mark
  return element("figcaption", nil, content), (name:lower():gsub(" ", "-"))
end

---@class mlp.ReportTable
---@field rows table[]|mlp.Tensor lists of cells, tables of cells by column, or (rows, columns); a
---  cell is a text, a number, a boolean or nil
---@field columns string[]? names of the columns
---@field caption string? with the marks of a text; "Table 1." stands before it
---@field digits integer? significant digits of the largest number in a column, which says how many
---  decimals its neighbours have; default 4
---@field id string? for links; default "table-1", counted

--- Adds a table. Columns of numbers have as many decimals in every row.
---@param spec mlp.ReportTable
---@return mlp.report self
function Report:table(spec)
  local call <const> = "report:table"
  if type(spec) ~= "table" then
    errors.wanted(call, "the argument", spec, "a table {rows = ...}")
  end
  local o <const> = errors.options(call, spec, { rows = errors.NONE, columns = errors.NONE,
    caption = errors.NONE, digits = DIGITS, id = errors.NONE })
  if math.type(o.digits) ~= "integer" or o.digits < 1 or o.digits > 17 then
    errors.wanted(call, "digits", o.digits, "a whole number from 1 to 17")
  end
  local columns <const> = data.texts(call, "columns", o.columns)
  local body <const> = element("table", nil, cells.html(o.rows, columns, o.digits))
  local caption <const>, made <const> = caption_of(self, call, "tables", o.caption)
  local id <const> = claim(self, call, o.id, made)
  return add(self, element("figure", { id = id }, caption .. "\n" .. body))
end

local function is_png(value) return type(value) == "string" and value:sub(1, 4) == "\x89PNG" end

--- Its inside as HTML: SVG as it is, of pictures a PNG in a data URI.
local function drawing(call, value, width, alt)
  if figure_of.is(value) then return (value:svg():gsub("^<%?xml.-%?>%s*", "")) end
  if not core.is_tensor(value) and not is_png(value) then
    errors.wanted(call, "figure", value,
      "a figure of mlp.plot, a picture (height, width, channels) or the bytes of a PNG file")
  end
  local bytes <const> = is_png(value) and value or png.encode(value)
  local natural <const> = (">I4"):unpack(bytes, 17) -- the width, in IHDR
  local shown <const> = width or natural * math.max(1, SMALL_PICTURE // natural)
  return element("img", { src = "data:image/png;base64," .. raster.base64(bytes), alt = alt,
    width = shown, class = shown > natural and "pixels" })
end

--- Adds a figure of mlp.plot, inside the page as SVG; or a picture, inside as PNG.
---@param figure mlp.plot.Figure|mlp.Tensor|string a figure; a picture (height, width, channels) as
---  mlp.io.png takes it; or the bytes of a PNG file
---@param caption string? with the marks of a text; "Figure 1." stands before it
---@param options {id: string?, width: number?}? id: for links, default "figure-1", counted; width:
---  of a picture on the page in pixels, default its own, magnified when it is small
---@return mlp.report self
function Report:figure(figure, caption, options)
  local call <const> = "report:figure"
  local o <const> = errors.options(call, options, { id = errors.NONE, width = errors.NONE })
  local width <const> = data.positive(call, "width", o.width)
  local body <const> = drawing(call, figure, width, data.text(call, "caption", caption) or "")
  local below <const>, made <const> = caption_of(self, call, "figures", caption)
  local id <const> = claim(self, call, o.id, made)
  return add(self, element("figure", { id = id }, body .. "\n" .. below))
end

-- ---- the page -----------------------------------------------------------------------------------

--- The headings from `at` on that lie at `level` or deeper, as nested lists; and where they end.
local function contents(headings, at, level)
  local items <const> = {}
  while headings[at] and headings[at].level >= level do
    local heading <const> = headings[at]
    local item = element("a", { href = "#" .. heading.id }, escape(heading.text))
    local below, stop = "", at + 1
    if headings[stop] and headings[stop].level > heading.level then
      below, stop = contents(headings, stop, heading.level + 1)
    end
    item = element("li", nil, item .. below)
    items[#items + 1], at = item, stop
  end
  return element("ul", nil, table.concat(items, "\n")), at
end

local function head(page)
  return element("head", nil, table.concat({
    element("meta", { charset = "utf-8" }),
    element("meta", { http_equiv = "Content-Security-Policy", content = POLICY }),
    element("meta", { name = "viewport", content = "width=device-width, initial-scale=1" }),
    element("title", nil, escape(page.title)), element("style", nil, "\n" .. style),
  }, "\n"))
end

local function check_targets(page, targets)
  for _, id in ipairs(targets) do
    if not page.ids[id] then
      local guess <const> = errors.guess(id, page.ids)
      errors.raise("report: a text links to '#%s' but the page has no such place%s", id,
        guess and (" (did you mean '#%s'?)"):format(guess) or "")
    end
  end
end

--- The page as the text of an HTML document. Equal reports give equal bytes.
---@return string
function Report:html()
  local targets <const> = table.move(self.targets, 1, #self.targets, 1, {})
  local top = element("h1", nil, escape(self.title))
  if self.subtitle then
    top = top .. element("p", { class = "subtitle" }, prose.line(self.subtitle, targets))
  end
  local body <const> = { element("header", nil, top) }
  if self.contents or self.contents == nil and #self.headings >= CONTENTS_FROM then
    body[2] = element("nav", nil, (contents(self.headings, 1, 1)))
  end
  table.move(self.parts, 1, #self.parts, #body + 1, body)
  if self.footer then
    body[#body + 1] = element("footer", nil, prose.paragraphs(self.footer, targets))
  end
  check_targets(self, targets)
  return "<!DOCTYPE html>\n" .. element("html", { lang = self.language },
    head(self) .. "\n" .. element("body", nil, "\n" .. table.concat(body, "\n") .. "\n")) .. "\n"
end

--- Writes the page as an HTML file: aside first, then renamed, so a reader never sees half of it.
---@param path string
---@return true? ok
---@return string? message why the file could not be written
function Report:save(path)
  if type(path) ~= "string" then errors.wanted("report:save", "path", path, "a text") end
  local document <const> = self:html()
  return file.write("report:save", path, function(handle) handle:write(document) end)
end

return setmetatable(Report, { __call = function(_, options) return new(options) end })
