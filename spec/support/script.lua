--- Runs an example inside the spec: what it returns (its certificate) and what it printed.
local script <const> = {}

---@param path string from the root of the repository
---@param ... any its arguments
---@return any certificate
---@return string printed
function script.run(path, ...)
  local printed <const> = {}
  local environment <const> = setmetatable({ print = function(...)
    local words <const> = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    printed[#printed + 1] = table.concat(words, "\t")
  end }, { __index = _G })
  local chunk <const> = assert(loadfile(path, "t", environment))
  return chunk(...), table.concat(printed, "\n")
end

return script
