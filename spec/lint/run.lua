-- The checks of `make lint` that are our own: `lua spec/lint/run.lua BUILD`, from the root, with
-- BUILD holding the objects and the module. Prints one line for each breach and fails if any.

local floors <const> = require "spec.lint.floors"
local symbols <const> = require "spec.lint.symbols"

local COLUMNS <const> = 100
local build <const> = arg[1] or "build"

local function output_of(command)
  local pipe <const> = assert(io.popen(command))
  local text <const> = pipe:read "a"
  assert(pipe:close(), command .. " failed")
  return text
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- A young house may lack a folder.
local TREE <const> = "find $(ls -d src lua spec examples bench 2>/dev/null) -type f"

local complaints = {}
local function add(more) table.move(more, 1, #more, #complaints + 1, complaints) end

local files = {}
for path in output_of(TREE):gmatch "[^\n]+" do
  if path:find "%.lua$" or path:find "^src/" then files[path] = read(path) end
end
add(floors.check(files))

-- clang-format and luacheck see to the rest of the style; the length of C comments is left to us.
local function add_long_lines(path, text)
  local number = 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    if (utf8.len(line) or #line) > COLUMNS then
      add { ("%s:%d: is longer than %d columns"):format(path, number, COLUMNS) }
    end
  end
end
for path, text in pairs(files) do
  if path:find "^src/.*%.[chi]n?c?$" then add_long_lines(path, text) end
end

for object in output_of(("find '%s/obj' -name '*.o'"):format(build)):gmatch "[^\n]+" do
  add(symbols.check_object(object, output_of(("nm --format=sysv '%s'"):format(object))))
end
local module <const> = build .. "/mlp/core.so"
add(symbols.check_module(module, output_of(("nm -D '%s'"):format(module)),
  output_of(("objdump -p '%s'"):format(module))))

table.sort(complaints)
for _, complaint in ipairs(complaints) do print(complaint) end
os.exit(#complaints == 0, true)
