--- Lookahead around any optimizer (Zhang et al. 2019, algorithm 1): the inner one runs ahead for
--- `every` steps, then slow weights s go a part of the way after it, and the weights p begin there
--- anew:
---
---     s = s + alpha (p - s)
---     p = s
---
---     mlp.optim.Lookahead(mlp.optim.Adam(model), {every = 5, alpha = 0.5})

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Optimizer <const> = require "mlp.optim.optimizer"
local Wrapper <const> = require "mlp.optim.wrapper"

---@class mlp.optim.Lookahead.Options
---@field every integer? default 5
---@field alpha number? default 0.5

---@class mlp.optim.Lookahead: mlp.optim.Wrapper
---@field beside mlp.Tensor[] the slow weights, in the order of the optimizer's parameters
---@overload fun(optimizer: table, options: mlp.optim.Lookahead.Options?): mlp.optim.Lookahead
local Lookahead = Wrapper:extend "Lookahead"

Lookahead.defaults = { every = 5, alpha = 0.5 }

function Lookahead.check(call, o)
  Optimizer.want_number(call, "alpha", o.alpha, 0)
  if math.type(o.every) ~= "integer" or o.every < 1 then
    errors.wanted(call, "every", o.every, "a whole number of steps from 1")
  end
end

--- The slots of lookahead_step's hyper.
function Lookahead.slots_of(o) return { o.alpha, o.every, 0 } end

function Lookahead.run(parameters, slow, hyper) core.lookahead_step(parameters, slow, hyper) end

return Lookahead
