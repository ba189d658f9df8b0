--- Muon (Jordan et al. 2024): momentum whose matrices are made nearly orthogonal before the step,
--- so that all directions of a weight move by as much. At every step, with g the gradient of a
--- matrix p and l = sqrt(max(1, rows / columns)):
---
---     m = momentum m + g
---     u = m, with nesterov g + momentum m
---     o = u made nearly orthogonal (Newton and Schulz, 5 iterations)
---     p = p (1 - lr weight_decay) - lr l o
---
--- With match_rms l = 0.2 sqrt(max(rows, columns)), which makes steps as long as AdamW's, so that
--- its learning rate and decay serve (Liu et al. 2025, section 2.2).
---
--- Muon is for the matrices of hidden layers. Parameters of fewer than two axes are left to AdamW,
--- and so should be embeddings and the last layer: groups with `adamw = true`. They have the
--- options of the table `adamw`.

local AdamW <const> = require "mlp.optim.adamw"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"

---@class mlp.optim.Muon.Options
---@field lr number? default 0.02
---@field momentum number? default 0.95
---@field nesterov boolean? default true
---@field iterations integer? default 5
---@field match_rms boolean? default false
---@field weight_decay number? default 0
---@field adamw mlp.optim.Adam.Options|true|nil of parameters that are no matrices; default {lr =
---  3e-4, betas = {0.9, 0.95}, weight_decay = 0}; of a group true: all of it steps so

---@class mlp.optim.Muon: mlp.optim.Optimizer
---@overload fun(parameters: mlp.Tensor[], options: mlp.optim.Muon.Options?): mlp.optim.Muon
local Muon = Optimizer:extend "Muon"

Muon.defaults = {
  lr = 0.02, momentum = 0.95, nesterov = true, iterations = 5, match_rms = false, weight_decay = 0,
  adamw = {},
}

local ADAMW <const> = { lr = 3e-4, betas = { 0.9, 0.95 }, eps = 1e-8, weight_decay = 0 }

function Muon.check(call, o)
  Optimizer.want_number(call, "momentum", o.momentum, 0, 1)
  Optimizer.want_number(call, "weight_decay", o.weight_decay, 0)
  if math.type(o.iterations) ~= "integer" or o.iterations < 1 then
    errors.wanted(call, "iterations", o.iterations, "a whole number from 1")
  end
end

--- The slots of muon_step's hyper.
Muon.slots = { "lr", "momentum", "weight_decay", "nesterov", "iterations", "match_rms", "count",
  "scale" }

function Muon.moments() return { true } end

function Muon.run(parameters, gradients, moments, hyper)
  core.muon_step(parameters, gradients, moments[1], hyper)
end

--- The matrices of a group, and the rest by AdamW, whose learning rate is that group's own.
function Muon.divide(entry, defaults)
  local given = entry.options.adamw
  local matrices <const>, rest <const>, parts <const> = {}, {}, {}
  for _, p in ipairs(entry.parameters) do
    table.insert((given == true or p.ndim < 2) and rest or matrices, p)
  end
  if given == nil or given == true then given = defaults.adamw end
  if #matrices > 0 then parts[1] = { parameters = matrices, options = entry.options } end
  if #rest > 0 then
    parts[#parts + 1] = {
      parameters = rest, options = errors.options("Muon: adamw", given, ADAMW), method = AdamW,
    }
  end
  return parts
end

return Muon
