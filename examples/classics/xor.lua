-- XOR, five ways to see it: one unit cannot, two layers can, by hand, by features and by training.
--   lua5.4 examples/classics/xor.lua [quick]
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local SEEDS <const> = ... == "quick" and 20 or 100
local certificate <const> = {}

local x <const> = mlp.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
local y <const> = mlp.tensor { { 0 }, { 1 }, { 1 }, { 0 } }
local function correct(answer) return answer:eq(y):to("int64"):sum():item() end

print "1. By hand, with hard thresholds: h1 is AND, h2 is OR, y is OR but not AND."
local function by_hand(points)
  local h <const> = (points:sum(2, true) - mlp.tensor { 1.5, 0.5 }):step() -- two thresholds
  return h:linear(mlp.tensor { { -1, 1 } }, mlp.tensor { -0.5 }), h
end
local z <const>, h <const> = by_hand(x)
print "   x1 x2 | h1 h2 | before the threshold | y"
for i = 1, 4 do
  print(("   %2g %2g | %2g %2g | %20g | %g"):format(x:get(i, 1), x:get(i, 2), h:get(i, 1),
    h:get(i, 2), z:get(i, 1), z:step():get(i, 1)))
end
certificate.by_hand_correct = correct(z:step())

print "2. One unit cannot: (0,1)/2 + (1,0)/2 = (0,0)/2 + (1,1)/2, so for any weights the scores of"
print "   the ones and those of the zeros have the same sum. They cannot lie on two sides of 0."
mlp.manual_seed(1)
local units <const> = mlp.randn(2, 10000)
local scores <const> = x:matmul(units) + mlp.randn(10000)
certificate.largest_gap = (scores[2] + scores[3] - scores[1] - scores[4]):abs():amax():item()
certificate.best_unit = scores:step():eq(y):to("int64"):sum(1):amax():item()
print(("   10,000 random units: the sums differ by at most %.0e, the best has %d of 4 right")
  :format(certificate.largest_gap, certificate.best_unit))

print "3. The perceptron rule: w = w + (target - answer) x. Once a state comes back at the end of"
print "   an epoch, it will come back forever."
local function perceptron(features) -- (4, D), the last one always 1
  local w, seen = mlp.zeros(features:size(2)), {}
  for epoch = 1, 1000 do
    local mistakes = 0
    for i = 1, 4 do
      local wrong <const> = y[i] - (w * features[i]):sum():step()
      w, mistakes = w + wrong * features[i], mistakes + wrong:abs():item()
    end
    local state <const> = table.concat(w:totable(), " ")
    if mistakes == 0 then return epoch end
    if seen[state] then return epoch, epoch - seen[state] end
    seen[state] = epoch
  end
end
local one <const> = mlp.ones(4, 1)
certificate.epochs_seen, certificate.cycle = perceptron(mlp.cat({ x, one }, 2))
certificate.epochs_with_product, certificate.cycle_with_product =
  perceptron(mlp.cat({ x, x:prod(2, true), one }, 2))
print(("   on (x1, x2): epoch %d ends in the state of %d epoch(s) before, with mistakes: a cycle")
  :format(certificate.epochs_seen, certificate.cycle))
print(("   on (x1, x2, x1 x2): no mistake from epoch %d on. The right feature makes it easy.")
  :format(certificate.epochs_with_product))

local function train(seed)
  mlp.manual_seed(seed)
  local net <const> = mlp.nn.MLP { 2, 2, 1, activation = "tanh" }
  local adam <const> = mlp.optim.Adam(net:parameters(), { lr = 0.05 })
  for _ = 1, 300 do
    adam:zero_grad()
    mlp.loss.bce_with_logits(net(x), y):backward()
    adam:step()
  end
  return net, correct(net(x):step())
end
local solved, good, stuck = 0, nil, nil
for seed = 1, SEEDS do
  local net <const>, right <const> = train(seed)
  if right == 4 then solved, good = solved + 1, good or { net, seed } end
  if right < 4 then stuck = stuck or { net, seed } end
end
certificate.trained_share = solved / SEEDS
print(("4. Trained 2-2-1 nets: %d of %d solve it; 2,000 steps instead of 300 would help no other")
  :format(solved, SEEDS))

local function panel(title, net)
  return plot.regions { function(p)
    local score <const> = net(p)
    return mlp.cat({ -score, score }, 2)
  end, x = { -0.5, 1.5 }, y = { -0.5, 1.5 }, title = title, x_label = "x1", y_label = "x2",
    points = { { points = x, class = y:reshape(-1) + 1, classes = { "0", "1" }, size = 13 } },
    resolution = 160, width = 340, height = 380 }
end
os.execute "mkdir -p out"
assert(plot.grid { panel("Two lines, by hand", by_hand),
  panel(("Trained, seed %d"):format(good[2]), good[1]),
  panel(("Stuck, seed %d"):format(stuck[2]), stuck[1]), columns = 3,
  title = "XOR: no line separates the classes, two lines do",
  subtitle = ("Gradient descent finds such a pair in %d of %d runs"):format(solved, SEEDS) }
  :save "out/classics_xor.svg")
return certificate
