--- How a run tells how it is going: a bar on a terminal, one line per epoch into a pipe or a file,
--- a function of the user's, or silence. The stream is stderr; what is printed on it never stops a
--- run. A host that embeds Lua has no global `arg` and gets silence unless it asks.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local History <const> = require "mlp.trainer.history"

local INTERVAL <const> = 0.1 -- seconds between two pictures of the bar
local LINE_INTERVAL <const> = 0.5 -- seconds between two lines that stay on a terminal
local BAR <const>, COLUMNS <const> = 20, 79
local STDERR <const> = 2

---@class mlp.trainer.Progress
---@field is_due fun(self): boolean is it time to show a step?
---@field step fun(self, event: table)
---@field epoch fun(self, entry: mlp.trainer.Epoch)
---@field close fun(self)

-- ---- silence ------------------------------------------------------------------------------------

local Silent = {}
Silent.__index = Silent

function Silent:is_due() return false end
function Silent:step() end
function Silent:epoch() end
function Silent:close() end

-- ---- a function of the user's -------------------------------------------------------------------

local Sink = {}
Sink.__index = Sink

local function is_due(self)
  local now <const> = core.now()
  if now - self.shown < INTERVAL then return false end
  self.shown = now
  return true
end

Sink.is_due = is_due

function Sink:step(event)
  event.kind = "step"
  self.call(event)
end

function Sink:epoch(entry)
  local event <const> = { kind = "epoch" }
  for key, value in pairs(entry) do event[key] = value end
  self.call(event)
end

function Sink:close() end

-- ---- lines --------------------------------------------------------------------------------------

local Lines = {}
Lines.__index = Lines

function Lines:is_due() return false end
function Lines:step() end

function Lines:epoch(entry) self.stream:write(History.line(entry, self.epochs), "\n") end

function Lines:close() end

-- ---- a bar --------------------------------------------------------------------------------------

local Bar = {}
Bar.__index = Bar

local function draw(self, text)
  local line <const> = text:sub(1, COLUMNS)
  self.stream:write("\r", line, (" "):rep(self.width - #line))
  self.stream:flush()
  self.width = #line
end

local function bar_text(event, epochs)
  local done <const> = event.batches and event.batch / event.batches
  local filled <const> = done and math.floor(done * BAR) or 0
  local bar <const> = done and ("[%s%s] "):format(("="):rep(filled), (" "):rep(BAR - filled)) or ""
  return ("epoch %d%s %s%d%s  loss %.4g"):format(event.epoch, epochs and "/" .. epochs or "", bar,
    event.batch, event.batches and "/" .. event.batches or "", event.mean_loss)
end

Bar.is_due = is_due

function Bar:step(event) draw(self, bar_text(event, self.epochs)) end

function Bar:epoch(entry)
  local now <const>, line <const> = core.now(), History.line(entry, self.epochs)
  local last <const> = entry.partial or entry.epoch == self.epochs
  if not last and now - self.lined < LINE_INTERVAL then return end
  self.lined = now
  self.stream:write("\r", line, (" "):rep(self.width - #line), "\n")
  self.width = 0
end

function Bar:close()
  if self.width > 0 then self.stream:write "\n" end
  self.width = 0
end

-- ---- which --------------------------------------------------------------------------------------

local progress = {}

--- Refuses what is neither true, false, nil nor a function.
---@param setting any
function progress.check(setting)
  if setting == nil or type(setting) == "boolean" or type(setting) == "function" then return end
  errors.wanted("Trainer", "progress", setting, "true, false or a function")
end

--- Lines on a stream, or a bar where it is a terminal.
---@param stream {write: function, flush: function}
---@param epochs integer? how many there will be
---@param is_terminal boolean
---@return mlp.trainer.Progress
function progress.on(stream, epochs, is_terminal)
  return setmetatable({
    stream = stream, epochs = epochs, shown = -math.huge, lined = -math.huge, width = 0,
  }, is_terminal and Bar or Lines)
end

--- The progress that a setting asks for.
---@param setting boolean|fun(event: table)|nil nil: true in a script, false in a host
---@param epochs integer? how many there will be
---@return mlp.trainer.Progress
function progress.new(setting, epochs)
  if type(setting) == "function" then
    return setmetatable({ call = setting, shown = -math.huge }, Sink)
  end
  if setting == nil then setting = rawget(_G, "arg") ~= nil end
  local stream <const> = io and io.stderr
  if not setting or not stream then return setmetatable({}, Silent) end
  return progress.on(stream, epochs, core.isatty(STDERR))
end

return progress
