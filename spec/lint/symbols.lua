-- What the compiled objects say about the manners of a guest: no writable data beyond the few
-- names below, no symbol for the host to see but luaopen_*, no call that ends or litters the host
-- hidden behind a macro. Works on the text that nm prints, so that the spec can feed it lies.

local symbols = {}

-- Writable data of the process, by name, each with its reason. Tensors, modes and generators
-- belong to a Lua state and hang on its context.
symbols.WRITABLE = {
  chosen = "kernel.c: which kernel table runs, an atomic set when the module is loaded",
  pool = "pool.c: the worker threads, which belong to the process",
  inside = "pool.c: whether this thread runs a part, so that parts do not nest",
  settled = "blas.c: whether OpenBLAS, whose thread count is one of the process, was set to one",
}

local FORBIDDEN <const> = {
  "abort", "exit", "_exit", "_Exit", "quick_exit", "__assert_fail", "printf", "__printf_chk",
  "fprintf", "__fprintf_chk", "vprintf", "vfprintf", "puts", "fputs", "putchar", "perror", "srand",
  "rand", "srandom", "stdout", "stderr",
}
for _, name in ipairs(FORBIDDEN) do FORBIDDEN[name] = true end

-- Sections whose content a running program may change. Constant tables that hold addresses lie in
-- .data.rel.ro: the loader writes them once and then locks them.
local function writable(section)
  if section:find "^%.data%.rel%.ro" then return false end
  return section:find "^%.data" or section:find "^%.bss" or section:find "^%.t?data"
    or section:find "^%.tbss" or section:find "COM"
end

---Breaches in one object file.
---@param object string its name, for the sentences
---@param listing string what `nm --format=sysv OBJECT` prints
---@return string[] complaints
function symbols.check_object(object, listing)
  local complaints = {}
  for line in listing:gmatch "[^\n]+" do
    local cells = {}
    for cell in (line .. "|"):gmatch "%s*([^|]-)%s*|" do cells[#cells + 1] = cell end
    local name <const>, kind <const>, section <const> = cells[1], cells[4], cells[7]
    if section == "*UND*" and FORBIDDEN[name] then
      complaints[#complaints + 1] = ("%s: refers to %s: a guest does not end or litter its host")
        :format(object, name)
    elseif section and writable(section) and kind ~= "SECTION" then
      -- A static inside a function carries a number: calls.1234
      if not symbols.WRITABLE[name:gsub("%.%d+$", "")] then
        complaints[#complaints + 1] = ("%s: %s is writable data (%s): it belongs in a context")
          :format(object, name, section)
      end
    end
  end
  return complaints
end

---Breaches in the module.
---@param module string its name, for the sentences
---@param names string what `nm -D MODULE` prints
---@param needed string what `objdump -p MODULE` prints
---@return string[] complaints
function symbols.check_module(module, names, needed)
  local complaints = {}
  for kind, name in names:gmatch "(%a) ([^\n]+)" do
    local ours <const> = name:find "^mlp_"
    if kind == "U" and ours then
      complaints[#complaints + 1] = ("%s: refers to %s, which no file defines: it will not load")
        :format(module, name)
    elseif not kind:find "[Uw]" and not name:find "^luaopen_" then
      complaints[#complaints + 1] = ("%s: exports %s: a host should see luaopen_* alone")
        :format(module, name)
    end
  end
  for library in needed:gmatch "NEEDED%s+(%S+)" do
    if library:find "^liblua" then
      complaints[#complaints + 1] = ("%s: is linked against %s: the host brings its own Lua")
        :format(module, library)
    end
  end
  return complaints
end

return symbols
