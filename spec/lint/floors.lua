-- The floors of the house as a check: a file may include or require only what stands on a lower
-- floor, or on its own. Works on a table of texts, path -> content, so that the spec can feed it
-- houses that were never built. What the compiled objects say is symbols.lua's part.

local floors = {}

-- Where a folder stands. spec, examples and bench share the top and may not use one another, but
-- that a spec may look into what bench counts and prints.
local C_FLOORS <const> = { base = 0, kernel = 1, tensor = 2, op = 3, graph = 4, bind = 5 }
local NAMES <const> = { [0] = "base", "kernel", "tensor", "op", "graph", "bind" }

-- Headers of the outside world that only some folders may see, and why.
local KEPT <const> = {
  { "^lua", "bind", "floors 0 to 4 never heard of Lua" },
  { "^lauxlib%.h$", "bind", "floors 0 to 4 never heard of Lua" },
  { "^lualib%.h$", "bind", "floors 0 to 4 never heard of Lua" },
  { "^cblas", "kernel", "the kernels alone know a BLAS" },
  { "^lapack", "kernel", "the kernels alone know a BLAS" },
  { "^openblas", "kernel", "the kernels alone know a BLAS" },
  { "intrin%.h$", "kernel", "the kernels alone know an instruction set" },
  { "^arm_", "kernel", "the kernels alone know an instruction set" },
  { "^png", "base", "one file reads and writes png" },
  { "^zlib%.h$", "base", "one file packs and unpacks" },
  { "^pthread%.h$", "base", "the worker pool owns every thread" },
  { "^assert%.h$", nil, "a guest does not abort its host" },
  { "^signal%.h$", "base", "signals are the host's; workers block them" },
}

-- Calls that no C file may make, and why.
local GUEST <const> = "a guest does not end its host"
local SILENT <const> = "a guest does not write on its host's terminal"
local RANDOM <const> = "random numbers come from base/random.h"
local FORBIDDEN <const> = {
  abort = GUEST, exit = GUEST, _exit = GUEST, _Exit = GUEST, quick_exit = GUEST, assert = GUEST,
  printf = SILENT, fprintf = SILENT, vprintf = SILENT, vfprintf = SILENT,
  puts = SILENT, fputs = SILENT, putchar = SILENT, perror = SILENT, srand = RANDOM, rand = RANDOM,
  srandom = RANDOM, drand48 = RANDOM, srand48 = RANDOM,
}
-- Memory has one owner, src/base; above it a block is taken and given back.
local ALLOCATORS <const> = {
  malloc = true, calloc = true, realloc = true, free = true, aligned_alloc = true,
  posix_memalign = true, strdup = true,
}

local LUA_OUTSIDE <const> = {
  lua = { dkjson = true, argparse = true },
  examples = { dkjson = true, argparse = true },
  bench = { dkjson = true, argparse = true },
  spec = { dkjson = true, busted = true, luassert = true, say = true, term = true, pl = true },
}

local function line_of(text, position)
  local _, newlines = text:sub(1, position - 1):gsub("\n", "")
  return newlines + 1
end

-- Overwrites with blanks; lines keep their numbers.
local function blank(s) return (s:gsub("[^\n]", " ")) end

local function end_of_line(text, from) return (text:find("\n", from, true) or #text + 1) - 1 end

-- Where the comment that may start at `from` ends, in either language; nil where none starts.
local function end_of_c_comment(text, from)
  local two <const> = text:sub(from, from + 1)
  if two == "/*" then return select(2, text:find("*/", from + 2, true)) or #text end
  if two == "//" then return end_of_line(text, from) end
end

local function end_of_long_bracket(text, from)
  local level <const> = text:match("^%[(=*)%[", from)
  return level and (select(2, text:find("]" .. level .. "]", from, true)) or #text)
end

local function end_of_lua_comment(text, from)
  if text:sub(from, from + 1) ~= "--" then return end
  return end_of_long_bracket(text, from + 2) or end_of_line(text, from)
end

local function end_of_quoted(text, from)
  local quote <const> = text:match("^[\"']", from)
  if not quote then return end
  local stop = from + 1
  while stop < #text and text:sub(stop, stop) ~= quote do
    stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
  end
  return stop
end

-- The text with blanks in place of comments, and of those strings that `keep` does not want; it is
-- shown what stands before the string.
local function bare(text, end_of_comment, end_of_bracket, keep)
  local pieces <const>, at = {}, 1
  while true do
    local from <const> = text:find("[/%-%[\"']", at)
    if not from then break end
    local comment <const> = end_of_comment(text, from)
    local string <const> = not comment
      and (end_of_bracket and end_of_bracket(text, from) or end_of_quoted(text, from))
    local stop <const> = comment or string or from
    local piece <const> = text:sub(from, stop)
    local hidden <const> = comment or string and not keep(text:sub(at, from - 1))
    pieces[#pieces + 1] = text:sub(at, from - 1) .. (hidden and blank(piece) or piece)
    at = stop + 1
  end
  return table.concat(pieces) .. text:sub(at)
end

local function all() return true end
local function none() return false end

local function c_with_strings(text) return bare(text, end_of_c_comment, nil, all) end
local function c_without_strings(text) return bare(text, end_of_c_comment, nil, none) end
local function lua_with_names(text)
  return bare(text, end_of_lua_comment, end_of_long_bracket, function(before)
    return before:find "%f[%w_]require%s*%(?%s*$"
  end)
end

local function included(complain, folder, name, quoted)
  if quoted then
    local target <const> = name:match("^(%w+)/[%w_]+%.%w+$")
    local floor <const> = C_FLOORS[target]
    if not floor then
      complain('includes "%s": headers are named by floor, as in "tensor/tensor.h"', name)
    elseif floor > C_FLOORS[folder] then
      complain('includes "%s": %s stands on floor %d and may not look up to floor %d (%s)', name,
        folder, C_FLOORS[folder], floor, NAMES[floor])
    end
  else
    for _, rule in ipairs(KEPT) do
      if name:find(rule[1]) and folder ~= rule[2] then
        complain("includes <%s>, which belongs %s: %s", name,
          rule[2] and "to src/" .. rule[2] .. " alone" or "nowhere", rule[3])
      end
    end
  end
end

local function check_c(path, text, complaints)
  local folder <const> = path:match("^src/(%w+)/[^/]+$")
  if not C_FLOORS[folder] then
    complaints[#complaints + 1] = ("%s: is on no floor; C stands in src/%s"):format(path,
      table.concat(NAMES, ", src/", 0))
    return
  end
  local function complainer(position)
    return function(format, ...)
      complaints[#complaints + 1] = ("%s:%d: "):format(path, line_of(text, position))
        .. format:format(...)
    end
  end
  local include <const> = '()\n[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)'
  for position, open, name in ("\n" .. c_with_strings(text)):gmatch(include) do
    included(complainer(position), folder, name, open == '"')
  end
  for position, name in c_without_strings(text):gmatch "()%f[%w_]([%a_][%w_]*)%s*%(" do
    local complain <const> = complainer(position)
    if FORBIDDEN[name] then complain("calls %s: %s", name, FORBIDDEN[name]) end
    if ALLOCATORS[name] and folder ~= "base" then
      complain("calls %s: memory is taken through base/memory.h", name)
    end
  end
end

local function check_lua(path, text, complaints)
  local top <const> = path:match "^(%w+)/"
  for position, name in lua_with_names(text):gmatch "()%f[%w_]require%s*%(?%s*[\"']([^\"']+)" do
    local first <const> = name:match "^[^.]*"
    local core <const> = name == "mlp.core" or name:find "^mlp%.core%."
    local why
    if first == "mlp" then
      if core and top == "examples" then why = "examples use the public face, as readers will" end
    elseif C_FLOORS[first] or first == "spec" or first == "examples" or first == "bench" then
      if first ~= top and not (top == "spec" and first == "bench") then
        why = ("%s may not use %s"):format(top, first)
      end
    elseif not LUA_OUTSIDE[top][first] then
      why = "it is not among the libraries this folder may use"
    end
    if why then
      complaints[#complaints + 1] = ("%s:%d: requires '%s': %s"):format(path,
        line_of(text, position), name, why)
    end
  end
end

---Every breach in a house given as path -> text, in the order of the paths.
---@param files table<string, string> paths from the root, such as "src/op/linear.c"
---@return string[] complaints one sentence each, `path:line: what: why`; empty when all is well
function floors.check(files)
  local paths, complaints = {}, {}
  for path in pairs(files) do paths[#paths + 1] = path end
  table.sort(paths)
  for _, path in ipairs(paths) do
    if path:find "^src/.*%.[ch]$" or path:find "^src/.*%.inc$" then
      check_c(path, files[path], complaints)
    elseif path:find "%.lua$" and LUA_OUTSIDE[path:match "^%w+"] then
      check_lua(path, files[path], complaints)
    end
  end
  return complaints
end

return floors
