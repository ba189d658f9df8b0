--- An exponential moving average of the weights beside any optimizer (Polyak and Juditsky 1992; as
--- used since Szegedy et al. 2016). After every step, a the average of a parameter p:
---
---     a = b a + (1 - b) p,    b = decay, while there are few steps (1 + t) / (10 + t)
---
--- Training goes on as if there were none; `swap` puts the averages in the weights' place:
---
---     local ema = mlp.optim.EMA(mlp.optim.Adam(model), {decay = 0.999})
---     ...
---     do
---       local _ <close> = ema:swap()
---       print(trainer:evaluate(test).loss)          -- by the averages
---     end
---
--- Buffers, such as the statistics of nn.BatchNorm, are not averaged.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"
local Wrapper <const> = require "mlp.optim.wrapper"

---@class mlp.optim.EMA.Options
---@field decay number? default 0.999
---@field warmup boolean? default true

---@class mlp.optim.EMA: mlp.optim.Wrapper
---@field beside mlp.Tensor[] the averages, in the order of the optimizer's parameters
---@overload fun(optimizer: mlp.optim.Optimizer, options: mlp.optim.EMA.Options?): mlp.optim.EMA
local EMA = Wrapper:extend "EMA"

EMA.defaults = { decay = 0.999, warmup = true }

function EMA.check(call, o) Optimizer.want_number(call, "decay", o.decay, 0, 1) end

--- The slots of ema_step's hyper.
function EMA.slots_of(o) return { o.decay, o.warmup and 1 or 0, 0 } end

function EMA.run(parameters, averages, hyper) core.ema_step(averages, parameters, hyper) end

local function exchange(self)
  local _ <close> = core.no_grad_scope()
  for i, p in ipairs(self.parameters) do
    local weights <const> = p:detach():clone()
    p:copy_(self.beside[i])
    self.beside[i]:copy_(weights)
  end
end

local Swap <const> = { __name = "mlp.optim.EMA.swap" }
Swap.__index = Swap

function Swap:close()
  if self.ema.swapped ~= self then return end
  self.ema.swapped = false
  exchange(self.ema)
end

Swap.__close = Swap.close

--- Puts the averages in the weights' place, until what it returns is closed: `local _ <close> =
--- ema:swap()`, or swap:close(). There is no step meanwhile.
---@return {close: fun(self)}
function EMA:swap()
  if self.swapped then
    errors.raise("EMA:swap: the averages stand in the weights' place already")
  end
  exchange(self)
  self.swapped = setmetatable({ ema = self }, Swap)
  return self.swapped
end

--- A step of the inner optimizer, and of the averages after it.
---@param ... any what the inner optimizer's step takes
---@return any ... what it returns
function EMA:step(...)
  if self.swapped then
    errors.raise("EMA:step: the averages stand in the weights' place; close what swap() returned")
  end
  return Wrapper.step(self, ...)
end

EMA.swapped = false

return EMA
