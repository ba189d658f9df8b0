--- Tables whose fields load when they are first named. pairs() names them all, and so loads them.

--- Lets `namespace` find its parts.
---@generic T: table
---@param namespace T what is already there stays
---@param parts table<string, string|fun(): any> name -> the module it is, or a function that gets
---  it
---@return T namespace
return function(namespace, parts)
  local function find(_, name)
    local part <const> = parts[name]
    if part == nil then return nil end
    namespace[name] = type(part) == "string" and require(part) or part()
    return namespace[name]
  end
  local function all()
    for name in next, parts do find(nil, name) end
    return next, namespace, nil
  end
  return setmetatable(namespace, { __index = find, __pairs = all })
end
