-- Our side of the benchmark: a child (bench/child.lua) that makes a workload's start, and runs the
-- workload in one face, "eager" or "compiled".
local json <const> = require "dkjson"
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"
local nets <const> = require "bench.nets"

local CHECKED <const> = 5 -- losses, or numbers of the output, that both sides compare; where
-- nothing is updated, the last is the sum of all gradients' magnitudes

local LOSSES <const> = { mse = mlp.loss.mse, cross_entropy = mlp.loss.cross_entropy,
  bce = mlp.loss.bce_with_logits }
local OPTIMIZERS <const> = { sgd = mlp.optim.SGD, adam = mlp.optim.Adam, adamw = mlp.optim.AdamW }

-- ---- the start: weights and data, the same for all --------------------------------------------

local TARGETS <const> = {
  mse = function(n, width) return mlp.randn(n, width) end,
  cross_entropy = function(n, width) return mlp.randint(1, width, n) end,
  bce = function(n, width) return mlp.randint(0, 1, n, width):to "float32" end,
}

--- x (N, D), y, order (N, a permutation) and the parameters, by name.
local function start(row)
  mlp.manual_seed(1)
  local model <const> = nets[row.net.kind](row.net)
  if not model then return nil end
  local n <const> = row.rows or row.batch
  local inputs <const>, outputs <const> = nets.width(row.net)
  local tensors <const> = { x = mlp.rand(n, inputs) * 2 - 1 }
  if row.loss then tensors.y = TARGETS[row.loss](n, outputs) end
  if row.rows then tensors.order = mlp.randperm(n) end
  for name, w in model:named_parameters() do tensors["model." .. name] = w:detach() end
  return tensors
end

local function model_at(row, tensors)
  local model <const> = nets[row.net.kind](row.net)
  local _ <close> = mlp.no_grad()
  for name, w in model:named_parameters() do w:copy_(tensors["model." .. name]) end
  return model
end

-- ---- one call of a workload -----------------------------------------------------------------

--- Forward and backward alone: gradients are made anew.
local function gradient_step(row, model)
  local loss_of <const>, parameters <const> = LOSSES[row.loss], model:parameters()
  return function(x, y)
    for _, parameter in ipairs(parameters) do parameter.grad = nil end
    local loss <const> = loss_of((model(x)), y)
    loss:backward()
    return loss
  end
end

local function training_step(row, model)
  if not row.optimizer then return gradient_step(row, model) end
  local optimizer <const> = OPTIMIZERS[row.optimizer](model:parameters(), { lr = row.lr })
  local loss_of <const> = LOSSES[row.loss]
  return function(x, y)
    local loss <const> = loss_of(model(x), y)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
    return loss
  end
end

--- The order cut into batches, used round and round.
local function batches_of(row, order)
  local batches <const>, next_one = {}, 0
  for first = 1, row.rows - row.batch + 1, row.batch do
    batches[#batches + 1] = order:slice(1, first, first + row.batch - 1):clone()
  end
  return function()
    next_one = next_one % #batches + 1
    return batches[next_one]
  end
end

local FACES <const> = {}

function FACES.eager(fn) return fn end

function FACES.compiled(fn, batch)
  if not mlp.compile then return nil, "mlp.compile does not exist yet" end
  return mlp.compile(fn, { batch = batch })
end

--- The call to measure, or nil and why there is none. It returns the loss or the output.
local function training(row, tensors, face, model)
  local step <const>, x <const>, y <const> = training_step(row, model), tensors.x, tensors.y
  if not row.rows then
    local run <const>, why <const> = FACES[face](step, not row.whole and { 1, 2 } or nil)
    return run and function() return run(x, y) end, why or run
  end
  local rows <const> = batches_of(row, tensors.order)
  local run <const>, why <const> = FACES[face](function(chosen)
    return step(x:index_select(1, chosen), y:index_select(1, chosen))
  end, { 1 })
  return run and function() return run(rows()) end, why or run
end

local function inference(_, tensors, face, model)
  local x <const> = tensors.x
  local run <const>, why <const> = FACES[face](function(given) return model(given) end, { 1 })
  return run and function()
    local _ <close> = mlp.no_grad()
    return run(x)
  end, why
end

local function use_threads(threads)
  if mlp.set_threads then mlp.set_threads(threads) return true end
  return threads == 1
end

--- seconds of n calls
local function repeated(call)
  return function(n)
    local begin <const> = core.now()
    for _ = 1, n do call() end
    return core.now() - begin
  end
end

--- The same within one call of a compiled step, or nil and why not.
local function replayed(tensors, step)
  if type(step) == "function" or not step.run then
    return nil, "a compiled step has no run(n) yet"
  end
  return function(n)
    local begin <const> = core.now()
    step:run(n, tensors.x, tensors.y)
    return core.now() - begin
  end
end

-- ---- requests -------------------------------------------------------------------------------

local requests = {}
local timed -- the chunk that is ready: n -> seconds
local calls -- in a chunk

--- {row, file} -> {} once the start is written, or {none = why}
function requests.start(q)
  local tensors <const> = start(q.row)
  if not tensors then return { none = ("mlp.nn has no %s yet"):format(q.row.net.kind) } end
  assert(mlp.io.safetensors.save(q.file, tensors))
  return {}
end

--- How many calls make a chunk of about `seconds`. Finding out warms everything up.
local function calls_for(seconds)
  local n, t = 1, timed(1)
  while t < seconds / 4 do
    n = n * 2
    t = timed(n)
  end
  return math.max(1, math.ceil(n * seconds / t))
end

--- How large all gradients are together.
local function gradients_of(model)
  local sum = 0
  for _, parameter in ipairs(model:parameters()) do
    sum = sum + parameter.grad:abs():sum():item()
  end
  return sum
end

local function figures(row, call, model)
  local list <const> = {}
  if row.loss then
    for i = 1, CHECKED do list[i] = call():item() end
    if not row.optimizer then list[CHECKED] = gradients_of(model) end
  else
    local y <const> = call():reshape(-1)
    for i = 1, math.min(CHECKED, #y) do list[i] = y:get(i) end
  end
  return list
end

--- {row, file, face, threads, seconds} -> {figures}, or {none = why}
function requests.prepare(q)
  timed = nil
  collectgarbage()
  local row <const> = q.row
  if row.replay and q.face == "eager" then return { none = "an eager step is called from Lua" } end
  if not use_threads(q.threads) then return { none = "mlp.set_threads does not exist yet" } end
  local tensors <const> = assert(mlp.io.safetensors.load(q.file))
  local model <const> = model_at(row, tensors)
  local call <const>, more <const> = (row.loss and training or inference)(row, tensors, q.face,
    model)
  if not call then return { none = more } end
  local checked <const> = figures(row, call, model)
  local why
  timed = repeated(call)
  if row.replay then timed, why = replayed(tensors, more) end
  if not timed then return { none = why } end
  calls = calls_for(q.seconds)
  return { figures = checked }
end

--- {} -> {seconds} of one call, the mean of a chunk
function requests.chunk() return { seconds = timed(calls) / calls } end

--- {} -> {flops} per second of one core: the best instruction set, the best of several tries
function requests.peak()
  local own <const>, best = core.debug.isa(), 0
  for _, isa in ipairs { "generic", "avx2", "avx512" } do
    for _ = 1, core.debug.isa(isa) and 9 or 0 do
      local begin <const> = core.now()
      best = math.max(best, core.debug.peak(4000000) / (core.now() - begin))
    end
  end
  core.debug.isa(own)
  return { flops = best }
end

--- {} -> what the report says of this side
function requests.about()
  local info <const> = mlp.info()
  return { version = info.version, lua = info.lua, isa = info.isa, blas = info.blas.library,
    kernels = info.blas.kernels }
end

for line in io.lines() do
  local request <const> = json.decode(line)
  local ok, answer = xpcall(requests[request.call], debug.traceback, request)
  io.write(json.encode(ok and answer or { error = answer }), "\n")
  io.flush()
end
