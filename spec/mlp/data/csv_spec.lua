-- Tables as text: quoting, headers, missing cells, classes, sentences that name line and column.
local core <const> = require "mlp.core"
local csv <const> = require "mlp.data.csv"
local records <const> = require "mlp.data.records"
local files <const> = require "spec.support.files"

local function cells(text, separator)
  local walker <const>, rows <const> = records(text, separator or ","), {}
  while true do
    local fields <const> = {}
    if not walker:next(fields) then return rows end
    rows[#rows + 1] = fields
    rows[#rows].line = walker.line
  end
end

local function row(line, ...) return { line = line, ... } end

-- NaN is not equal to itself, so it is written as a word here.
local function listed(tensor)
  local list <const> = tensor:totable()
  for k, value in ipairs(list) do list[k] = value == value and value or "nan" end
  return list
end

describe("records", function()
  it("separate fields and lines", function()
    assert.are.same({ row(1, "a", "b"), row(2, "", ""), row(3, "c", "") }, cells "a,b\n,\nc,")
    assert.are.same({ row(1, "a"), row(2, "b"), row(3, "c") }, cells "a\r\nb\rc\r\n")
    assert.are.same({}, cells "")
  end)

  it("pass over empty lines and blanks, and count them", function()
    assert.are.same({ row(3, "a b", "c"), row(5, "d", "e") }, cells "\n  \n a b , c\t\n\nd,e\n\n  ")
  end)

  it("read quoted fields", function()
    assert.are.same({ row(1, "a,b", 'say "hi"', ""), row(2, " kept ", "x\ny"), row(4, "z") },
      cells '"a,b","say ""hi""",""\n" kept " , "x\ny"\nz')
    assert.are.same({ row(1, "", '"', '5"') }, cells '"","""",5"')
  end)

  it("take other separators, and runs of blanks", function()
    assert.are.same({ row(1, "a", "1,5") }, cells("a;1,5", ";"))
    assert.are.same({ row(1, "a", "", "b") }, cells("a\t\tb", "\t"))
    assert.are.same({ row(1, "a", "b", "c d"), row(2, "e") }, cells('  a   b\t"c d" \n  e', " "))
    assert.are.same({ row(1, "a", "b") }, cells("a^b", "^"))
    assert.are.same({ row(1, "a", "b") }, cells("a|b", "|"))
  end)

  it("refuse quotes that do not close or do not end the field", function()
    files.refused("line 2, field 2: its quote never closes", csv.decode, 'a,b\n1,"2\n3,4')
    files.refused("line 2, field 1: more text follows its closing quote", csv.decode, 'a,b\n"1"x,2')
  end)
end)

describe("csv.decode", function()
  it("gives numbers, the target and the columns by name", function()
    local data <const> = assert(csv.decode("a,b,c\n1,2,3\n-4.5,+5e1,.5\n", { target = "c" }))
    assert.are.same({ { 1, 2 }, { -4.5, 50 } }, data.x:totable())
    assert.are.same({ 3, 0.5 }, data.y:totable())
    assert.are.same({ "a", "b" }, data.names)
    assert.are.equal("float32", data.x.dtype)
    assert.are.equal("float32", data.y.dtype)
    assert.are.same({ 2, 50 }, data.columns.b:totable())
    assert.are.same({ "c", 2 }, { data.target, data.rows })
    assert.are.same({ {}, {} }, { data.classes, data.missing })
  end)

  it("turns text into classes from 1, and into 0/1 columns of x", function()
    local data <const> = assert(csv.decode("size,colour,kind\n1,red,cat\n2,blue,dog\n3,red,cat\n",
      { target = "kind" }))
    assert.are.same({ "size", "colour=blue", "colour=red" }, data.names)
    assert.are.same({ { 1, 0, 1 }, { 2, 1, 0 }, { 3, 0, 1 } }, data.x:totable())
    assert.are.equal("int64", data.y.dtype)
    assert.are.same({ 1, 2, 1 }, data.y:totable())
    assert.are.same({ 2, 1, 2 }, data.columns.colour:totable())
    assert.are.same({ colour = { "blue", "red" }, kind = { "cat", "dog" } }, data.classes)
  end)

  it("finds out whether there is a header, unless told", function()
    assert.are.same({ "column 1", "column 2" }, assert(csv.decode "1,2\n3,4").names)
    assert.are.equal(2, assert(csv.decode "1,2\n3,4").rows)
    assert.are.same({ "1", "2" }, assert(csv.decode("1,2\n3,4", { header = true })).names)
    local data <const> = assert(csv.decode("a,b\nc,d", { header = false }))
    assert.are.same({ ["column 1"] = { "a", "c" }, ["column 2"] = { "b", "d" } }, data.classes)
    assert.are.same({ "column 1", "x" }, assert(csv.decode ",x\n1,2").names)
  end)

  it("chooses columns by name and position", function()
    local text <const> = "a,b,c\n1,2,3\n4,5,6"
    assert.are.same({ { 3, 1 }, { 6, 4 } }, assert(csv.decode(text, { columns = { -1,
      "a" } })).x:totable())
    local data <const> = assert(csv.decode(text, { columns = { "a" }, target = 2 }))
    assert.are.same({ { { 1 }, { 4 } }, { 2, 5 } }, { data.x:totable(), data.y:totable() })
    files.refused("no column 'd' among a, b, c", csv.decode, text, { target = "d" })
    files.refused("no column 4, only 1 to 3", csv.decode, text, { columns = { 4 } })
    files.refused("no column 0", csv.decode, text, { target = 0 })
  end)

  it("reads numbers as names where told, in the order of their size", function()
    local data <const> = assert(csv.decode("10,1\n9,2\n10,3", { target = 1, categories = { 1 } }))
    assert.are.same({ "9", "10" }, data.classes["column 1"])
    assert.are.same({ 2, 1, 2 }, data.y:totable())
  end)

  it("keeps the classes of another file", function()
    local classes <const> = { kind = { "dog", "cat", "bird" } }
    local data <const> = assert(csv.decode("kind,n\ncat,1\ndog,2", { classes = classes,
      target = "kind" }))
    assert.are.same({ 2, 1 }, data.y:totable())
    assert.are.same(classes, data.classes)
    files.refused("line 3, column 'kind': 'fish' is none of the given classes", csv.decode,
      "kind,n\ncat,1\nfish,2", { classes = classes })
  end)

  it("skips lines, a byte order mark and gzip", function()
    local data <const> = assert(csv.decode("\xef\xbb\xbfmade by,3\r\na,b\r\n1,2\r\n", { skip = 1 }))
    assert.are.same({ "a", "b" }, data.names)
    files.refused("line 3, column 'b': 'x' is not a number, but line 4 has 2", csv.decode,
      "skipped\na,b\n1,x\n1,2", { skip = 1 })
    assert.are.same({ { 1, 2 } }, assert(csv.decode(core.deflate "a,b\n1,2")).x:totable())
  end)

  it("reads the same numbers under a locale with a decimal comma", function()
    local found <const> = files.under_comma(function()
      assert.are.equal("0,5", ("%g"):format(0.5))
      assert.are.same({ { 0.5, 1250 } }, assert(csv.decode "a,b\n0.5,1.25e3").x:totable())
      files.refused("'0,5' is not a number", csv.decode, "a;b\n0,5;1\n1;2", { separator = ";" })
    end)
    if not found then pending "no locale with a decimal comma on this system" end
  end)
end)

describe("missing cells", function()
  local text <const> = "n,kind,y\n1,cat,1\n,dog,2\nNA,?,3\n"

  it("are NaN, or a class of their own, and are counted", function()
    local data <const> = assert(csv.decode(text, { target = "y" }))
    assert.are.same({ 1, "nan", "nan" }, listed(data.columns.n))
    assert.are.same({ "cat", "dog", "" }, data.classes.kind)
    assert.are.same({ 1, 2, 3 }, data.columns.kind:totable())
    assert.are.same({ "n", "kind=cat", "kind=dog", "kind=" }, data.names)
    assert.are.same({ n = 2, kind = 1 }, data.missing)
  end)

  it("drop their row", function()
    local data <const> = assert(csv.decode(text, { target = "y", missing = "drop" }))
    assert.are.same({ { 1, 1 } }, data.x:totable())
    assert.are.same({ "cat" }, data.classes.kind)
    local only_y <const> = assert(csv.decode(text, { columns = {}, target = "y",
      missing = "drop" }))
    assert.are.same({ 1, 2, 3 }, only_y.y:totable())
    assert.are.same({ 3, 0 }, only_y.x.shape)
    files.refused("has no rows", csv.decode, "a\n\"\"\n", { missing = "drop" })
  end)

  it("are refused", function()
    files.refused("line 3, column 'n': the value is missing", csv.decode, text,
      { missing = "error" })
    files.refused("line 2, column 'y': the value is missing in the target", csv.decode,
      "x,y\n1,\n2,3",
      { target = "y" })
  end)

  it("are what the caller says", function()
    local data <const> = assert(csv.decode("a\n-\n1\n", { missing_cells = { "-" } }))
    assert.are.same({ "nan", 1 }, listed(data.x:reshape(-1)))
  end)

  it("make a column that has nothing else numeric", function()
    local data <const> = assert(csv.decode "a,b\n1,\n2,NA\n")
    assert.are.same({ "nan", "nan" }, listed(data.columns.b))
  end)
end)

describe("a hostile CSV file", function()
  it("names line and column of a stray word", function()
    local _, message <const> = csv.decode "age,name\n30,ann\n31,bob\nold,eve\n"
    assert.are.equal("mlp.data.csv: line 4, column 'age': 'old' is not a number, but line 2 has 30 "
      .. "there; if the column holds names, list it in `categories`; if this cell means that the "
      .. "value is missing, list it in `missing_cells`", message)
    for _, word in ipairs { "0x10", "1e", "1,5", "--1", "1 2", "inf", "-inf", "1.2.3", "e5",
      "." } do
      files.refused("is not a number", csv.decode, ('a,b\n1,2\n"%s",3'):format(word))
    end
  end)

  it("names the line whose fields do not count up", function()
    files.refused("line 3 has 1 fields but the first line has 2", csv.decode, "a,b\n1,2\n3\n")
    files.refused("line 4 has 3 fields but the first line has 2", csv.decode,
      'a,b\n"1\n2",2\n3,4,5')
  end)

  it("has names that differ", function()
    files.refused("columns 1 and 3 are both called 'a'", csv.decode, "a,b,a\n1,2,3")
  end)

  it("does not blow up x", function()
    local lines <const> = { "name,n" }
    for k = 1, 300 do lines[#lines + 1] = ("name%d,%d"):format(k, k) end
    local text <const> = table.concat(lines, "\n")
    files.refused("column 'name' holds 300 different texts", csv.decode, text)
    assert.are.same({ 300, 1 }, assert(csv.decode(text, { columns = { "n" } })).x.shape)
    assert.are.same({ 300, 301 }, assert(csv.decode(text, { categories = { "name" } })).x.shape)
    files.refused("70000 columns, more than 65536", csv.decode, (","):rep(69999))
  end)

  it("is told what it is instead", function()
    files.refused("not a CSV file but a PNG picture", csv.load, files.golden "rgb.png")
    files.refused("not a CSV file but an empty file", csv.decode, "")
    files.refused("it has no rows", csv.decode, "\n\n")
    files.refused("it has no rows", csv.decode, "a,b\n")
    files.refused("cannot open '/nonexistent/x.csv': No such file", csv.load, "/nonexistent/x.csv")
  end)

  it("never raises, whatever is in it", function()
    local text <const> = 'a,"b ""c""",d\n1,"x,\ny",3\n2,z,\n'
    files.survives_damage(text, csv.decode)
    for length = 0, #text do csv.decode(text:sub(1, length)) end
  end)

  it("cannot unpack beyond the limit", function()
    files.refused("limit of 1000 bytes", csv.decode, core.deflate(("1,2\n"):rep(1000)),
      { limit = 1000 })
  end)

  it("knows its options", function()
    for opts, pattern in pairs {
      [{ seperator = ";" }] = "did you mean 'separator'", [{ separator = "ab" }] = "separator is",
      [{ header = "yes" }] = "header is", [{ missing = "zero" }] = "'nan', 'drop' or 'error'",
      [{ categories = "a" }] = "categories is", [{ skip = -1 }] = "skip is",
    } do
      assert.error_matches(function() csv.decode("a\n1", opts) end, pattern)
    end
  end)
end)

describe("csv.save", function()
  local function back(value, opts)
    return assert(csv.decode(csv.encode(value, opts), { header = false,
      separator = opts and opts.separator or "," }))
  end

  it("writes numbers that read back to the bit, with as few digits as that takes", function()
    local x <const> = core.tensor { { 0.1, -2 }, { 1 / 3, 1e30 }, { 1e-42, 16777216 } }
    assert.equal(x:tobytes(), back(x).x:tobytes())
    assert.equal("0.1,-2\n", csv.encode(x:slice(1, 1, 1)))
    local wide <const> = core.tensor({ 0.1, 1 / 3, 2 ^ 60, -1e-300 }, { dtype = "float64" })
    local list <const> = {}
    for cell in csv.encode(wide):gmatch "[^\n]+" do list[#list + 1] = tonumber(cell) end
    assert.same(wide:totable(), list)
    assert.equal("9007199254740993\n", csv.encode { rows = { { 9007199254740993 } } })
    assert.equal("3\n4\n", csv.encode(core.tensor({ 3, 4 }, { dtype = "int64" })))
  end)

  it("writes names, texts, gaps and truth; quotes what would be read otherwise", function()
    assert.equal('name,"a ""b"", c"\nx,1\n" y",0.5\n"two\nlines",\n,1\n', csv.encode {
      columns = { "name", 'a "b", c' },
      rows = { { "x", true }, { " y", 0.5 }, { "two\nlines", 0 / 0 }, { nil, 1 } } })
    assert.equal('""\n1\n', csv.encode { rows = { {}, { 1 } } })
    assert.equal("a;b,c\n", csv.encode({ rows = { { "a", "b,c" } } }, { separator = ";" }))
    assert.equal("b,a\n2,1\n,3\n", csv.encode { columns = { "b", "a" },
      rows = { { a = 1, b = 2 }, { a = 3 } } })
  end)

  it("writes what csv.load reads again", function()
    local rows <const> = {}
    for i = 1, 50 do rows[i] = { i / 7, ("k, %d \"q\""):format(i % 3), i } end
    local text <const> = csv.encode { columns = { "x", "kind", "n" }, rows = rows }
    local table_of <const> = assert(csv.decode(text))
    assert.same({ "x", "kind", "n" }, table_of.order)
    assert.same({ 'k, 0 "q"', 'k, 1 "q"', 'k, 2 "q"' }, table_of.classes.kind)
    assert.equal(core.tensor(7 / 7):item(), table_of.columns.x:get(7))
  end)

  it("packs by the name or when asked, and says where it cannot write", function()
    local path <const> = files.temporary()
    finally(function() os.remove(path) os.remove(path .. ".gz") end)
    local x <const> = core.arange(1, 300, { dtype = "float32" }):reshape(100, 3)
    assert.is_true(csv.save(path .. ".gz", x))
    assert.equal("\x1f\x8b", files.read(path .. ".gz"):sub(1, 2))
    assert.equal(x:tobytes(), assert(csv.load(path .. ".gz")).x:tobytes())
    assert.is_true(csv.save(path, x, { compress = true }))
    assert.equal(files.read(path .. ".gz"), files.read(path))
    assert.is_true(csv.save(path, x))
    assert.equal(csv.encode(x), files.read(path))
    assert.matches("^mlp.data.csv: cannot write '/no/such/x.csv': ",
      select(2, csv.save("/no/such/x.csv", x)))
  end)

  it("does not depend on the locale", function()
    local text <const> = csv.encode(core.tensor { 0.5, 1.25 })
    local found <const> = files.under_comma(function()
      assert.equal(text, csv.encode(core.tensor { 0.5, 1.25 }))
    end)
    if not found then pending "no locale with a decimal comma on this system" end
  end)

  it("refuses what is no table", function()
    local function refuses(sentence, value, opts)
      assert.error_matches(function() csv.encode(value, opts) end, sentence, 1, true)
    end
    refuses("the table is 3 but a tensor or {columns", 3)
    refuses("rows is nil but a list of rows", {})
    refuses("did you mean 'rows'", { row = {} })
    refuses("row 1 is 3 but a list of cells", { rows = { 3 } })
    refuses("row 1, column 2 is a table", { rows = { { 1, {} } } })
    refuses("row 1 has a cell 2 but there are 1 columns", { columns = { "a" },
      rows = { { 1, 2 } } })
    refuses("did you mean 'loss'?", { columns = { "loss" }, rows = { { los = 2 } } })
    refuses("a tensor (rows) or (rows, columns)", core.zeros(2, 2, 2))
    refuses("separator is the string '.'", core.zeros(2), { separator = "." })
  end)
end)

describe("the separator", function()
  it("is found in the first line when it is asked for", function()
    for text, names in pairs { ["a,b\n1,2\n"] = { "a", "b" }, ["a;b\n1;2\n"] = { "a", "b" },
      ["a b\tc\n1\t2\n"] = { "a b", "c" }, ["a  b\n1 2\n"] = { "a", "b" },
      ["a one,b\n1,2\n"] = { "a one", "b" }, ["a\n1\n"] = { "a" } } do
      assert.same(names, assert(csv.decode(text, { separator = "auto" })).names)
    end
  end)
end)

describe("real tables", function()
  local folder <const> = files.data() and files.data() .. "/tabular/"
  local function load(name, opts) return assert(csv.load(folder .. name, opts)) end

  it("California housing", function()
    if not folder then pending "MLP_DATA is not set" end
    local data <const> = load("california_housing.csv", { target = "median_house_value" })
    assert.are.same({ 20640, 13 }, data.x.shape)
    assert.are.same({ total_bedrooms = 207 }, data.missing)
    assert.are.same({ "<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN" },
      data.classes.ocean_proximity)
    assert.are.equal(452600, data.y[1]:item())
    local complete <const> = load("california_housing.csv", { missing = "drop" })
    assert.are.equal(20640 - 207, complete.rows)
  end)

  it("digits, iris, satellite, diabetes", function()
    if not folder then pending "MLP_DATA is not set" end
    local digits <const> = load("digits.csv.gz", { target = -1, categories = { -1 } })
    assert.are.same({ 1797, 64 }, digits.x.shape)
    assert.are.equal(10, #digits.classes[digits.target])
    local iris <const> = load("iris.csv", { skip = 1, target = 5, categories = { 5 } })
    assert.are.same({ 150, 4 }, iris.x.shape)
    assert.are.same({ "0", "1", "2" }, iris.classes["column 5"])
    assert.are.equal(6, #load("satellite.csv", { target = -1 }).classes.classes)
    assert.are.same({ 442, 10 }, load("diabetes_data_raw.csv.gz", { separator = " " }).x.shape)
    local _, message <const> = csv.load(folder .. "iris.csv")
    assert.matches("line 1, column 'column 3': 'setosa' is not a number", message)
  end)
end)
