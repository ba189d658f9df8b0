--- Every optimizer, and wrapper, steps the same in a compiled function: what varies stands in
--- tensors, and nothing of a step is left to Lua.
local mlp <const> = require "mlp"
local optim <const> = mlp.optim
require "spec.support.approx"

local MAKERS <const> = {
  EMA = function(w) return optim.EMA(optim.Adam(w), { decay = 0.9 }) end,
  Lookahead = function(w)
    return optim.Lookahead(optim.SGD(w, { momentum = 0.9 }), { every = 2 })
  end,
  ["SGD with momentum"] = function(w) return optim.SGD(w, { momentum = 0.9, dampening = 0.5 }) end,
}
for name, class in pairs(optim) do
  if type(class) == "table" and class.slots and not class.wants_closure then
    MAKERS[name] = class
  end
end

--- Seven steps at changing rates; the weights and how often the function ran in Lua.
local function trained(make, compiled)
  mlp.manual_seed(4)
  local model <const> = mlp.nn.MLP { 5, 7, 3, activation = "tanh" }
  local optimizer <const> = make(model)
  local x <const>, y <const> = mlp.randn(40, 5), mlp.randint(1, 3, 40)
  local runs = 0
  local function step(a, b)
    runs = runs + 1
    local loss <const> = mlp.loss.cross_entropy(model(a), b)
    optimizer:zero_grad()
    loss:backward()
    optimizer:step()
    return loss
  end
  if compiled then step = mlp.compile(step, { batch = { 1, 2 } }) end
  for i = 1, 7 do
    optimizer.lr = 0.02 / i
    step(x, y)
  end
  assert.are.equal(7, optimizer:count())
  return model:parameters(), runs, optimizer
end

describe("a compiled step of", function()
  for name, make in pairs(MAKERS) do
    it(name .. " is the eager one", function()
      local eager <const>, _, one <const> = trained(make, false)
      local replayed <const>, runs <const>, other <const> = trained(make, true)
      assert.are.equal(1, runs)
      for i, parameter in ipairs(eager) do
        assert.close(replayed[i]:detach(), parameter:detach(), { tolerance = 1e-5 })
        if one.beside then assert.close(other.beside[i], one.beside[i], { tolerance = 1e-5 }) end
      end
    end)
  end
end)
