--- A run on disk, to go on from: one safetensors file with the model's weights and buffers
--- ("model."), the optimizer's moments ("optimizer."), the best weights ("best.") and the sums of
--- the epoch so far ("tally."); everything else is JSON in its metadata. The file is written aside
--- and renamed, so there is always a whole one. Nothing in it is executed.
---
--- JSON would round the numbers, so floats are kept as text: "#" and 17 digits.

local core <const> = require "mlp.core"
local json <const> = require "dkjson"
local model_state <const> = require "mlp.nn.state"
local safetensors <const> = require "mlp.io.safetensors"
local Tally <const> = require "mlp.trainer.tally"

local checkpoint = {}

local KEY <const>, FORMAT <const> = "mlp.checkpoint", 1

-- ---- exact numbers in JSON ----------------------------------------------------------------------

local function exact(value)
  if math.type(value) == "float" then
    return "#" .. ("%.17g"):format(value):gsub(",", ".") -- some locales write a comma
  end
  if type(value) ~= "table" then return value end
  local copy <const> = setmetatable({}, getmetatable(value))
  for key, item in pairs(value) do copy[key] = exact(item) end
  return copy
end

local SPECIAL <const> = { nan = 0 / 0, ["-nan"] = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local function restored(value)
  if type(value) == "string" and value:sub(1, 1) == "#" then
    local text <const> = value:sub(2)
    local number <const> = SPECIAL[text] or tonumber(text)
    return number and number + 0.0
  end
  if value == json.null then return nil end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, item in pairs(value) do copy[key] = restored(item) end
  return copy
end

-- ---- what the numbers depend on -----------------------------------------------------------------

--- Library, instruction set, BLAS, lanes and way of running: the same ones give the same bits.
local function surroundings(trainer)
  local info <const> = core.info()
  return {
    version = require("mlp").version, isa = info.isa, blas = info.blas.library,
    blas_kernels = info.blas.kernels, lanes = core.lanes(),
    compile = trainer.compiled.wanted,
  }
end

local NAMES <const> = { "version", "isa", "blas", "blas_kernels", "lanes", "compile" }

--- A sentence when something is not as it was.
local function changed(then_, trainer)
  local now <const>, parts <const> = surroundings(trainer), {}
  for _, name in ipairs(NAMES) do
    if then_[name] ~= nil and now[name] ~= then_[name] then
      parts[#parts + 1] = ("%s was %s and is %s"):format(name, then_[name], now[name])
    end
  end
  if #parts == 0 then return nil end
  return "the run goes on, but not to the same bits: " .. table.concat(parts, ", ")
end

-- ---- sums of the epoch so far -------------------------------------------------------------------

local function tally_out(tally, tensors)
  local sums <const> = {}
  for name, of in pairs(tally.sums) do
    sums[name] = {}
    for key, value in pairs(of) do
      if core.is_tensor(value) then
        tensors[("tally.%s.%s"):format(name, key)] = value
      else
        sums[name][key] = value
      end
    end
  end
  return { rows = tally.rows, loss = tally.loss, sums = sums }
end

local function tally_in(plain, metrics, tensors)
  local tally <const> = Tally.new(metrics)
  tally.rows, tally.loss = plain.rows, plain.loss
  for _, entry in ipairs(metrics) do
    local sums <const>, prefix <const> = plain.sums[entry.name] or {}, "tally." .. entry.name .. "."
    for name, tensor in pairs(tensors) do
      if name:sub(1, #prefix) == prefix then sums[name:sub(#prefix + 1)] = tensor end
    end
    if tally.rows > 0 and next(sums) == nil then return nil end -- a metric that was not there
    tally.sums[entry.name] = next(sums) and sums
  end
  return tally
end

-- ---- writing ------------------------------------------------------------------------------------

local function prefixed(prefix, from, to)
  for name, tensor in pairs(from) do to[prefix .. name] = tensor end
end

--- Writes a run's state.
---@param path string
---@param trainer mlp.Trainer
---@param at mlp.trainer.Place where the run stands
---@param history mlp.trainer.History
---@return true?, string? message
function checkpoint.save(path, trainer, at, history)
  local tensors <const>, optimizer <const> = {}, trainer.optimizer:state()
  prefixed("model.", model_state.tensors(trainer.model), tensors)
  prefixed("optimizer.", optimizer.tensors, tensors)
  prefixed("best.", at.early and at.early.weights or {}, tensors)
  local early <const> = at.early
    and { best = at.early.best, epoch = at.early.epoch, wait = at.early.wait }
  local body <const> = {
    format = FORMAT, surroundings = surroundings(trainer), history = history:plain(at.epochs),
    optimizer = { class = optimizer.class, lr = optimizer.lr, factor = optimizer.factor,
      group_lr = optimizer.group_lr },
    at = { epoch = at.epoch, batch = at.batch, first = at.first, step = at.step,
      epochs = at.epochs, seed = at.seed, serial = at.serial, data = at.data,
      seconds = at.seconds },
    tally = tally_out(at.tally, tensors), early = early,
  }
  return safetensors.save(path, tensors, { metadata = { [KEY] = json.encode(exact(body)) } })
end

-- ---- reading ------------------------------------------------------------------------------------

local function part(prefix, tensors)
  local chosen, found <const> = {}, #prefix
  for name, tensor in pairs(tensors) do
    if name:sub(1, found) == prefix then chosen[name:sub(found + 1)] = tensor end
  end
  return chosen
end

local function are_numbers(optimizer)
  if type(optimizer.group_lr) ~= "table" then return false end
  for _, lr in pairs(optimizer.group_lr) do
    if type(lr) ~= "number" then return false end
  end
  return type(optimizer.lr) == "number" and type(optimizer.factor) == "number"
    and type(optimizer.class) == "string"
end

local function are_sums(tally)
  if type(tally.sums) ~= "table" then return false end
  for _, of in pairs(tally.sums) do
    if type(of) ~= "table" then return false end
  end
  return math.type(tally.rows) == "integer" and type(tally.loss) == "number"
end

local function is_early(early)
  return early == nil or type(early) == "table" and math.type(early.wait) == "integer"
    and (early.best == nil or type(early.best) == "number")
end

local function is_result(result)
  return type(result) == "table" and type(result.loss) == "number"
end

local function is_history(history)
  for _, entry in pairs(history) do
    local whole <const> = type(entry) == "table" and math.type(entry.epoch) == "integer"
      and math.type(entry.step) == "integer" and type(entry.lr) == "number"
      and type(entry.seconds) == "number" and is_result(entry.train)
      and (entry.validation == nil or is_result(entry.validation))
    if not whole then return false end
  end
  return true
end

--- Nothing of a file is used before all of it is what a run writes.
local function is_whole(body)
  if type(body) ~= "table" or body.format ~= FORMAT then return false end
  for _, name in ipairs { "surroundings", "history", "optimizer", "at", "tally" } do
    if type(body[name]) ~= "table" then return false end
  end
  local at <const> = body.at
  for _, name in ipairs { "epoch", "first", "step", "epochs", "seed", "serial" } do
    if math.type(at[name]) ~= "integer" then return false end
  end
  return type(at.data) == "table" and type(at.seconds) == "number" and are_numbers(body.optimizer)
    and are_sums(body.tally) and is_early(body.early) and is_history(body.history)
end

local function read(path)
  local tensors <const>, metadata <const> = safetensors.load(path)
  if not tensors then return nil, metadata end
  local text <const> = metadata[KEY]
  if not text then return nil, ("resume: '%s' is no checkpoint of a training run"):format(path) end
  local ok <const>, body <const> = pcall(json.decode, text, 1, json.null)
  local whole <const> = ok and restored(body)
  if not is_whole(whole) then
    return nil, ("resume: '%s' does not describe a training run"):format(path)
  end
  return whole, tensors
end

--- Weights and optimizer of the trainer become those of the file; both or neither.
local function take_over(trainer, body, tensors)
  local before <const> = model_state.copy(trainer.model)
  local ok, message = model_state.assign(trainer.model, part("model.", tensors))
  if not ok then return nil, "the model differs: " .. message end
  local optimizer <const> = body.optimizer
  optimizer.tensors = part("optimizer.", tensors)
  ok, message = trainer.optimizer:load_state(optimizer)
  if not ok then model_state.assign(trainer.model, before) end
  return ok, message
end

---@class mlp.trainer.Resumed
---@field at mlp.trainer.Place
---@field history mlp.trainer.Epoch[]

--- Reads a run's state into a trainer made like the one that wrote it.
---@param path string
---@param trainer mlp.Trainer
---@return mlp.trainer.Resumed? resumed
---@return string? message why not; or, beside a result, what is not as it was
function checkpoint.load(path, trainer)
  local body <const>, tensors <const> = read(path)
  if not body then return nil, tensors --[[@as string]] end
  local at <const> = body.at
  at.tally = tally_in(body.tally, trainer.metrics, tensors)
  local ok, message = at.tally ~= nil, "the metrics are not those of the run"
  if ok then ok, message = take_over(trainer, body, tensors) end
  if not ok then return nil, ("resume: '%s' does not fit: %s"):format(path, message) end
  at.early = body.early
  if at.early then
    local weights <const> = part("best.", tensors)
    at.early.weights = next(weights) and weights or nil
  end
  return { at = at, history = body.history }, changed(body.surroundings, trainer)
end

return checkpoint
