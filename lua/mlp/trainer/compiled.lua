--- The work of a trainer as compiled functions (mlp.compile): a step, from the positions of its
--- rows to the update; the loss of a batch; a prediction. A recording is a rehearsal, so every step
--- that counts is a replay, and a run that is taken up again comes to the same bits.
---
--- What cannot be compiled (a number read into Lua in `forward`, shapes that are always others)
--- runs eagerly, unless the trainer was told compile = true.

local core <const> = require "mlp.core"
local batches <const> = require "mlp.trainer.batch"
local compile <const> = require("mlp.compile").compile
local errors <const> = require "mlp.errors"

---@class mlp.trainer.Compiled
---@field trainer mlp.Trainer
---@field wanted boolean is anything to be compiled?
---@field strict boolean what cannot be compiled is an error
---@field why string? why steps run eagerly
---@field functions table<string, mlp.Compiled> by kind of work and layout of the batch
---@field parts table<string, any> of the trainer, as they are in the plans
local Compiled = { __name = "mlp.trainer.Compiled" }
Compiled.__index = Compiled

--- Fields of the trainer that the functions read.
local PARTS <const> = { "model", "loss", "forward", "optimizer", "clip_norm" }

--- Recordings of one function after which it is asked whether replays are worth them.
local PATIENCE <const> = 16

--- What keeps steps from being compiled, whatever the model.
local function reason_of(trainer, option)
  if option == false then return "compile = false" end
  if (trainer.accumulate or 1) > 1 then return "batches in parts are added up in Lua" end
  if trainer.noise then return "gradient noise is added in Lua" end
end

---@param trainer mlp.Trainer
---@param option boolean? the trainer's `compile`
---@return mlp.trainer.Compiled
function Compiled.of(trainer, option)
  local why <const> = reason_of(trainer, option)
  if option == true and why then errors.raise("Trainer: compile = true, but %s", why) end
  return setmetatable({
    trainer = trainer, strict = option == true, functions = {}, parts = {}, calls = {},
    wanted = option ~= false, why = why,
  }, Compiled)
end

--- Functions and modules of the caller's, for the guards.
local function sources_of(trainer)
  local functions <const>, modules <const> = {}, { trainer.model }
  for _, part in ipairs { trainer.loss, trainer.forward or nil } do
    if type(part) == "function" then functions[#functions + 1] = part end
  end
  for _, module in trainer.model:named_modules() do modules[#modules + 1] = module end
  return functions, modules
end

local function new_function(self, work, batch, places)
  local trainer <const>, read <const> = self.trainer, batches.reader(batch)
  return compile(function(...) return work(trainer, read(...)) end, {
    batch = places, tolerant = not self.strict, rehearse = true,
    sources = function() return sources_of(trainer) end,
  })
end

--- A trainer's fields may be replaced at any time.
local function forget_what_changed(self)
  local parts <const>, trainer <const> = self.parts, self.trainer
  for _, name in ipairs(PARTS) do
    if parts[name] ~= trainer[name] then
      self.functions, self.calls = {}, {}
      parts[name] = trainer[name]
    end
  end
end

--- The compiled function of some work on such batches; nil where it is to run eagerly.
---@param name string of the work
---@param work fun(trainer: mlp.Trainer, batch: mlp.Tensor[]): ...
---@param batch mlp.Tensor[]|mlp.trainer.Selection
---@return mlp.Compiled?
function Compiled:find(name, work, batch)
  if self.why then return nil end
  forget_what_changed(self)
  local layout <const>, places <const> = batches.layout(batch)
  if not layout then return nil end
  local key <const> = name .. layout
  local found = self.functions[key]
  if not found then
    found = new_function(self, work, batch, places)
    self.functions[key], self.calls[key] = found, 0
  end
  self.calls[key] = self.calls[key] + 1
  return self:judge(found, self.calls[key])
end

--- A function that gave up, or that is recorded at most of its calls, is not worth asking.
function Compiled:judge(found, calls)
  local why = found:why_eager()
  local recordings <const> = found:recordings()
  if not self.strict and recordings >= PATIENCE and 2 * recordings > calls then
    why = "most batches have a shape of their own, or the model changes from step to step"
  end
  if not why then return found end
  self.why = why
end

--- What the last replay for this batch returned; nothing when there was none.
function Compiled:last(name, batch)
  local layout <const> = batches.layout(batch)
  local found <const> = layout and self.functions[name .. layout]
  if found then return core.last(found, batches.arguments(batch)) end
end

--- Every plan of every function.
---@return string
function Compiled:dump()
  local names <const>, parts <const> = {}, {}
  for name in pairs(self.functions) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = self.functions[name]:dump() end
  return #parts > 0 and table.concat(parts, "\n\n") or "nothing is compiled yet"
end

return Compiled
