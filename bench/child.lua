--- A process that lives as long as the benchmark and is asked one thing at a time: a line of JSON
--- goes to its standard input through a named pipe, a line of JSON comes back on its output. A
--- child that dies answers with the end of its output, so nobody waits for it; one whose pipe is
--- closed leaves.

local json <const> = require "dkjson"

---@class bench.Child
---@field name string
local Child = {}
Child.__index = Child

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Starts a command.
---@param name string for messages and the pipe's name
---@param command string a shell command
---@param folder string where the pipe is made
---@return bench.Child
local function start(name, command, folder)
  local pipe <const> = quoted(("%s/%s.pipe"):format(folder, name))
  assert(os.execute(("rm -f %s && mkfifo %s"):format(pipe, pipe)))
  local answers <const> = assert(io.popen(("exec %s < %s"):format(command, pipe)))
  local requests <const> = assert(io.open(("%s/%s.pipe"):format(folder, name), "w"))
  requests:setvbuf "line"
  return setmetatable({ name = name, answers = answers, requests = requests }, Child)
end

--- Sends a request; the child begins to work.
---@param request table
function Child:send(request) self.requests:write(json.encode(request), "\n") end

--- Waits for the answer. What the child could not do is an error here.
---@return table
function Child:receive()
  local line <const> = self.answers:read "l"
  local answer <const> = line and json.decode(line)
  if not answer then
    error(("the benchmark's child '%s' ended, or said '%s'"):format(self.name, tostring(line)), 0)
  end
  if answer.error then error(("%s: %s"):format(self.name, answer.error), 0) end
  return answer
end

---@param request table
---@return table
function Child:ask(request)
  self:send(request)
  return self:receive()
end

--- Waits until the child has left.
function Child:close()
  self.requests:close()
  self.answers:close()
end

return start
