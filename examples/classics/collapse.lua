-- Depth without a bend between the layers is nothing new: a deep linear network is one matrix,
-- whose rank is at most its narrowest layer.
--   lua5.4 examples/classics/collapse.lua [quick]
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot
local STEPS <const> = ... == "quick" and 300 or 1500
local WIDTHS <const> = { 8, 16, 3, 16, 8 }
local certificate <const> = {}

local function network(activation)
  local spec <const> = { activation = activation, dtype = "float64" }
  table.move(WIDTHS, 1, #WIDTHS, 1, spec)
  return nn.MLP(spec)
end

print "1. Four linear layers, 8 -> 16 -> 3 -> 16 -> 8, multiplied out: W = W4 W3 W2 W1, one bias"
mlp.manual_seed(1)
local deep <const> = network "identity"
for _, layer in ipairs(deep.layers) do mlp.no_grad(function() layer.bias:normal_() end) end
local W, b = mlp.eye(8, { dtype = "float64" }), mlp.zeros(8, { dtype = "float64" })
for _, layer in ipairs(deep.layers) do
  W, b = layer.weight:detach():matmul(W), layer(b):detach()
end
local x <const> = mlp.randn(256, 8, { dtype = "float64" })
local answers <const> = deep(x):detach()
local gap <const> = (answers - x:linear(W, b)):abs():amax() / answers:abs():amax()
certificate.largest_gap = gap:item()
print(("   largest relative difference on 256 random inputs: %.1e"):format(certificate.largest_gap))

--- Gaussian elimination, the largest element as the pivot: the rank is how many are not 0.
local function pivots(matrix)
  local list <const>, rest = {}, matrix
  for k = 1, #matrix do
    local best <const> = rest:abs():argmax():item() - 1
    local i <const>, j <const> = best // 8 + 1, best % 8 + 1
    list[k] = math.max(math.abs(rest:get(i, j)), 1e-18)
    rest = rest - rest:select(2, j):reshape(-1, 1) * rest[i]:reshape(1, -1) / rest:get(i, j)
  end
  return list
end
local of_product <const> = pivots(W)
local of_random <const> = pivots(mlp.randn(8, 8, { dtype = "float64" }))
local rank = 0
for _, pivot in ipairs(of_product) do rank = rank + (pivot > 1e-12 * of_product[1] and 1 or 0) end
certificate.rank = rank
print(("2. Its rank is %d, that of the narrowest layer (a random 8 x 8 matrix has 8)"):format(rank))

print "3. Trained to answer |x|, which bends: one layer, four linear layers, four with tanh"
mlp.manual_seed(2)
local y <const> = x:abs()
local function train(net)
  local adam <const> = mlp.optim.Adam(net:parameters(), { lr = 0.01 })
  local losses <const> = {}
  for step = 1, STEPS do
    local loss <const> = mlp.loss.mse(net(x), y)
    adam:zero_grad()
    loss:backward()
    adam:step()
    losses[step] = loss:item()
  end
  return losses
end
local single <const> = train(nn.Linear(8, 8, { dtype = "float64" }))
local linear <const>, bent <const> = train(network "identity"), train(network "tanh")
certificate.single, certificate.linear, certificate.bent = single[STEPS], linear[STEPS], bent[STEPS]
print(("   loss: one layer %.4f, four linear layers %.4f, with tanh %.4f")
  :format(single[STEPS], linear[STEPS], bent[STEPS]))
print "   No number of linear layers gets below one; through the neck of 3 they stay above it."

os.execute "mkdir -p out"
assert(plot.grid { plot.lines { { y = of_random, name = "random 8 x 8", marker = true },
  { y = of_product, name = "W4 W3 W2 W1", marker = true }, log_y = true, x_label = "pivot",
  title = "Rank: pivots of the product", width = 480,
  horizontal = { y = 1e-16, label = "rounding" } },
  plot.lines { { y = single, name = "one layer" }, { y = linear, name = "four linear" },
    { y = bent, name = "four with tanh" }, title = "Learning |x|", x_label = "step",
    y_label = "mean squared error", log_y = true, width = 520 }, columns = 2,
  title = "A deep linear network is one matrix, and no better than one" }
  :save "out/classics_collapse.svg")
return certificate
