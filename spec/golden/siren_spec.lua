--- SIREN against PyTorch 1.13: siren.json, written by siren.py. From one state both make 20 steps
--- of Adam on one signal; the loss before each, and what the network says afterwards, agree. What
--- 500 steps make of a photograph is in siren.log; spec/mlp/field_marks_spec.lua holds ours to it.
local assert <const> = require "luassert"
local golden <const> = require "spec.golden.golden"
local mlp <const> = require "mlp"
require "spec.support.approx"

local tensor <const> = golden.tensor

local function model_of(case, dtype)
  local spec <const> = { dtype = dtype, table.unpack(case.widths) }
  local model <const> = mlp.nn.Siren(spec)
  for i, layer in ipairs(model.layers) do
    for _, name in ipairs { "weight", "bias" } do
      local given <const> = case.state[("layers.%d.%s"):format(i - 1, name)]
      layer[name]:detach():copy_(tensor(given, dtype))
    end
  end
  return model
end

local function compare(case, dtype, tolerance)
  local model <const> = model_of(case, dtype)
  local points <const>, values <const> = tensor(case.points, dtype), tensor(case.values, dtype)
  local adam <const> = mlp.optim.Adam(model:parameters(), { lr = case.rate })
  local losses <const> = {}
  for step = 1, case.steps do
    local loss <const> = mlp.mse(model(points), values)
    adam:zero_grad()
    loss:backward()
    adam:step()
    losses[step] = loss:item()
  end
  assert.close(losses, case[dtype].losses, { tolerance = tolerance, about = "losses" })
  assert.close(model(points), tensor(case[dtype].output, "float64"),
    { tolerance = tolerance, about = "output" })
end

describe("PyTorch agrees on", function()
  golden.test(it, { golden.load "siren.json" }, function(case)
    return ("%d steps of a SIREN"):format(case.steps)
  end, compare)
end)
