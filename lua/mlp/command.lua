--- The command `mlp`: what a shell asks of the library. Results go to the standard output, all else
--- to the standard error; the status is 0, 1 for trouble with files or data, 2 for a wrong call. A
--- file called "-" is the standard input. Each command is a file below, which says what it takes
--- and answers true, or nil and a sentence.

local argparse <const> = require "argparse"

local command = {}

local TROUBLE <const>, USAGE <const> = 1, 2
local NAMES <const> = { "info", "summary", "train", "predict", "help" }

--- What commands write. A reader that went away ends the command without a word; other trouble,
--- such as a full disk, is told.
---@class mlp.command.Output
local Output = {}
Output.__index = Output

local BrokenPipe = {} -- marks the error that ends a command quietly

local function check(ok, message)
  if ok then return end
  if tostring(message):find "Broken pipe" then error(BrokenPipe, 0) end
  error({ trouble = ("cannot write: %s"):format(message) }, 0)
end

---@param text string
function Output:write(text)
  local ok <const>, message <const> = io.stdout:write(text)
  check(ok, message)
end

function Output:flush()
  local ok <const>, message <const> = io.stdout:flush()
  check(ok, message)
end

--- A path as the library takes it.
---@param path string
---@return string
function command.input(path) return path == "-" and "/dev/stdin" or path end

local function complain(words) io.stderr:write("mlp: ", words, "\n") end

local function parser_of()
  local parser <const> = argparse("mlp", "Multilayer perceptrons: train, look, predict.",
    "mlp COMMAND --help tells about a command.")
  parser:command_target "command"
  parser:flag("--version", "Print the version and stop."):action(function()
    print("mlp " .. require("mlp").version)
    os.exit(0, true)
  end)
  for _, name in ipairs(NAMES) do
    local part <const> = require("mlp.command." .. name)
    part.describe(parser:command(name, part.summary))
  end
  return parser
end

-- The place of a mistake is told where it is in a file of the user's; the caller of the library is
-- otherwise this command, which is no place to look at.
local function words_of(raised)
  if type(raised) == "table" and raised.trouble then return raised.trouble end
  local place <const>, words <const> = tostring(raised):match "^([^\n]-):%d+: (.*)$"
  local is_ours <const> = place and (place:find "mlp$" or place:find "mlp/command")
  return is_ours and words or tostring(raised)
end

local function run(arguments)
  local part <const> = require("mlp.command." .. arguments.command)
  local output <const> = setmetatable({}, Output)
  local ok <const>, message <const> = part.run(arguments, output)
  output:flush()
  if ok then return 0 end
  complain(message)
  return TROUBLE
end

--- Runs the command of a shell.
---@param arguments string[]
---@return integer status of the process
function command.run(arguments)
  local parser <const> = parser_of()
  local ok <const>, parsed <const> = parser:pparse(arguments)
  if not ok then
    complain(("%s\nTry 'mlp --help'."):format(parsed))
    return USAGE
  end
  local ran <const>, status <const> = pcall(run, parsed)
  if ran then return status end
  if status == BrokenPipe then return TROUBLE end
  if tostring(status):find "interrupted!" then return 130 end -- as a shell says of SIGINT
  complain(words_of(status))
  return TROUBLE
end

return command
