--- Runs a Lua script in a process of its own: peaks of memory are the script's alone, and a crash
--- is a failed test rather than the end of the specs.
local child <const> = {}

--- The interpreter that runs the specs.
local function interpreter()
  local lowest = 0
  while arg and arg[lowest - 1] do lowest = lowest - 1 end
  return lowest < 0 and arg[lowest] or "lua5.4"
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- What the command printed (errors too), and whether it ended well.
---@return string output, boolean well
function child.command(line)
  local pipe <const> = assert(io.popen(line .. " 2>&1"))
  local output <const> = pipe:read "a"
  return output, pipe:close() == true
end

---@param environment table<string, string>  variables to set; "" unsets one
---@param script string  path of the script
---@param ... any  its arguments
---@return string output, boolean well
function child.lua_with(environment, script, ...)
  local words = { "env" }
  for name, value in pairs(environment) do
    if value == "" then table.insert(words, 2, "-u " .. name) end
    if value ~= "" then words[#words + 1] = name .. "=" .. quoted(value) end
  end
  for _, word in ipairs { interpreter(), script, ... } do
    words[#words + 1] = quoted(tostring(word))
  end
  return child.command(table.concat(words, " "))
end

---@param script string  path of the script
---@param ... any  its arguments
---@return string output, boolean well
function child.lua(script, ...) return child.lua_with({}, script, ...) end

--- The numbers of lines "name value" in the output.
---@return table<string, number>
function child.figures(output)
  local figures = {}
  for name, value in output:gmatch "([%a_]+) (%-?[%d.e+-]+)\n" do
    figures[name] = tonumber(value)
  end
  return figures
end

return child
