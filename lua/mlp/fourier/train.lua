--- Full-batch training as the paper does it: mean cross-entropy, a warm-up of ten steps, a look at
--- the network every 200. The step is a plain function of tensors: it reads no number.

local compile <const> = require("mlp.compile").compile
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local measure <const> = require "mlp.fourier.measure"
local optim <const> = require "mlp.optim"

local CALL <const> = "fourier.train"
local WARM_UP <const> = 10
local TERMS <const> = { reduction = "none" }

---@class mlp.fourier.TrainOptions
---@field steps integer updates
---@field optimizer "adamw"|"sgd"|nil default "adamw", with betas 0.9 and 0.98
---@field lr number? default 5e-5
---@field weight_decay number? default 0; with "adamw" apart from the gradient
---@field test mlp.fourier.Pairs? measured, never trained on
---@field every integer? steps between measurements, default 200; the last step is measured too
---@field keep integer[]|"all"|nil steps, multiples of `every`, whose networks are kept
---@field visit (fun(record: mlp.fourier.Record, network: mlp.fourier.Network): "stop"?)? sees every
---  record as it is made

---@class mlp.fourier.Run
---@field history mlp.fourier.Record[] from step 0 on
---@field kept table<integer, mlp.fourier.Network> copies by step; the steps of `keep`
---@field network mlp.fourier.Network the one that was trained

local MAKERS <const> = {
  adamw = function(network, o)
    return optim.AdamW(network, { lr = o.lr, weight_decay = o.weight_decay, betas = { 0.9, 0.98 } })
  end,
  sgd = function(network, o)
    return optim.SGD(network, { lr = o.lr, weight_decay = o.weight_decay })
  end,
}

local function read(options)
  local o <const> = errors.options(CALL, options, { steps = errors.NONE, optimizer = "adamw",
    lr = 5e-5, weight_decay = 0, test = errors.NONE, every = 200, keep = errors.NONE,
    visit = errors.NONE })
  for _, name in ipairs { "steps", "every" } do
    if math.type(o[name]) ~= "integer" or o[name] < 1 then
      errors.wanted(CALL, name, o[name], "a whole number from 1")
    end
  end
  if not MAKERS[o.optimizer] then
    errors.wanted(CALL, "optimizer", o.optimizer, '"adamw" or "sgd"')
  end
  local kept <const> = {}
  for _, step in ipairs(type(o.keep) == "table" and o.keep or {}) do kept[step] = true end
  o.is_kept = function(step) return o.keep == "all" or kept[step] end
  return o
end

--- Two functions: one computes the gradient of the mean loss, one makes an update of it, compiled.
local function steps_of(network, pairs, optimizer)
  local rows <const>, weight = pairs:distinct()
  local inputs <const>, class <const> = rows:inputs(network.input.dtype), rows.class
  weight = weight:to(network.input.dtype)
  local function gradient(X, y, w)
    local terms <const> = core.cross_entropy(network(X), y, TERMS)
    optimizer:zero_grad()
    core.backward((terms * w):sum())
  end
  local update <const> = compile(function(X, y, w)
    gradient(X, y, w)
    optimizer:step()
  end, { batch = { 1, 2, 3 }, tolerant = true })
  return function() gradient(inputs, class, weight) end,
    function() update(inputs, class, weight) end
end

local function length(tensors)
  local sum = 0
  for _, t in ipairs(tensors) do sum = sum + t.grad:square():sum():item() end
  return math.sqrt(sum)
end

--- Trains a network on pairs, all of them in every step. Equal pairs and swapped ones are computed
--- once. As in the reference the very first update has a learning rate of 0 and only fills the
--- moments; `step` counts those that move.
---@param network mlp.fourier.Network changed in place
---@param pairs mlp.fourier.Pairs the training set
---@param options mlp.fourier.TrainOptions
---@return mlp.fourier.Run
local function train(network, pairs, options)
  local o <const> = read(options)
  local optimizer <const> = MAKERS[o.optimizer](network, o)
  local gradient <const>, update <const> = steps_of(network, pairs, optimizer)
  local look <const> = measure(pairs, o.test)
  local run <const> = { history = {}, kept = {}, network = network }
  local function note(step)
    local record <const> = look(network)
    gradient()
    record.step, record.gradient = step, length(network:parameters())
    optimizer:zero_grad()
    record.decay = o.weight_decay * record.norm
    run.history[#run.history + 1] = record
    if o.is_kept(step) then run.kept[step] = network:like() end
    return o.visit and o.visit(record, network)
  end
  for step = 0, o.steps do
    optimizer.factor = math.min(step / WARM_UP, 1)
    update()
    if (step % o.every == 0 or step == o.steps) and note(step) == "stop" then break end
  end
  return run
end

return train
