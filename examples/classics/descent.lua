-- Gradient descent, seen: backpropagation by hand against the tape, number by number; then the loss
-- of a network over a plane through its weights, with the paths that SGD, momentum and Adam take.
--   lua5.4 examples/classics/descent.lua [quick]
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot
local STEPS <const> = ... == "quick" and 40 or 80
local DOUBLE <const> = { dtype = "float64" }
local certificate <const> = {}

print "1. A 2-2-1 tanh net, loss (y - t)^2 / 2 at x = (0.5, -1), t = 0.3: the chain rule by hand"
mlp.manual_seed(1)
local net <const> = nn.MLP { 2, 2, 1, activation = "tanh", dtype = "float64" }
local one <const>, two <const> = net.layers[1], net.layers[2]
local x1 <const>, x2 <const>, t <const> = 0.5, -1, 0.3
local W <const>, b <const> = one.weight:totable(), one.bias:totable()
local v <const>, c <const> = two.weight:totable()[1], two.bias:item()
local function tanh(z) return 1 - 2 / (math.exp(2 * z) + 1) end
local h1 <const> = tanh(W[1][1] * x1 + W[1][2] * x2 + b[1])
local h2 <const> = tanh(W[2][1] * x1 + W[2][2] * x2 + b[2])
local dy <const> = v[1] * h1 + v[2] * h2 + c - t               -- dL/dy = y - t
local d1 <const> = dy * v[1] * (1 - h1 * h1)                  -- through v1 and the slope of tanh
local d2 <const> = dy * v[2] * (1 - h2 * h2)
local by_hand <const> = { d1 * x1, d1 * x2, d2 * x1, d2 * x2, d1, d2, dy * h1, dy * h2, dy }

local loss <const> = (net(mlp.tensor({ { x1, x2 } }, DOUBLE)) - t):square():sum() / 2
loss:backward()
local by_tape <const> = {}
for _, tensor in ipairs { one.weight, one.bias, two.weight, two.bias } do
  for i = 1, tensor:numel() do table.insert(by_tape, tensor.grad:reshape(-1):get(i)) end
end
certificate.largest_gap = 0
for i, name in ipairs { "W11", "W12", "W21", "W22", "b1", "b2", "v1", "v2", "c" } do
  certificate.largest_gap = math.max(certificate.largest_gap, math.abs(by_hand[i] - by_tape[i]))
  print(("   dL/d%-3s  by hand %+.15f  by tape %+.15f"):format(name, by_hand[i], by_tape[i]))
end
print(("   largest difference %.1e"):format(certificate.largest_gap))

print "2. The loss of a 1-12-1 net that fits sin(3 x), around its best weights W*"
local points <const> = mlp.linspace(-1, 1, 64, DOUBLE):reshape(-1, 1)
local target <const> = (3 * points):sin():reshape(-1)
local function loss_at(theta) -- all 37 weights in one list
  local h <const> = (points * theta:slice(1, 1, 12) + theta:slice(1, 13, 24)):tanh()
  return (h:matmul(theta:slice(1, 25, 36)) + theta[37] - target):square():mean()
end
local best <const> = mlp.randn(37, DOUBLE):requires_grad_()
local adam <const> = mlp.optim.Adam({ best }, { lr = 0.02 })
for _ = 1, 1500 do
  adam:zero_grad()
  loss_at(best):backward()
  adam:step()
end
local centre <const> = best:detach()

-- D1: where the loss curves most, by power iteration with Hessian-vector products; shortened to a
-- third, or the ravine would be too narrow to see. D2: any direction across it.
local function curvature(d) return (d * mlp.hvp(loss_at, centre, d)):sum():item() end
local D1, D2 = mlp.randn(37, DOUBLE), mlp.randn(37, DOUBLE)
for _ = 1, 50 do
  D1 = mlp.hvp(loss_at, centre, D1)
  D1 = D1 / D1:norm()
end
certificate.sharpest, certificate.any = curvature(D1), curvature(D2 / D2:norm())
print(("   loss %.1e; curvature %.2f along the sharpest direction, %.2f along a random one")
  :format(loss_at(centre):item(), certificate.sharpest, certificate.any))
D2 = D2 - (D2 * D1):sum() * D1
D1, D2 = D1 / 3, D2 / D2:norm()
local function in_plane(at) return loss_at(centre + at[1] * D1 + at[2] * D2) end


--- One way down: its path on a map of the plane.
local function descend(name, make)
  local at <const> = mlp.tensor({ -1.2, 1.8 }, { dtype = "float64", requires_grad = true })
  local optimizer <const>, loss_now = make { at }, nil
  local path <const> = { x = {}, y = {}, size = 6, line = true, colour = "#d55e00" }
  for step = 1, STEPS do
    path.x[step], path.y[step] = at:get(1), at:get(2)
    optimizer:zero_grad()
    loss_now = in_plane(at)
    loss_now:backward()
    optimizer:step()
  end
  certificate[name] = loss_now:item()
  print(("   %-9s loss %.6f after %d steps"):format(name, certificate[name], STEPS))
  return plot.regions { function(p)
    local list <const> = {}
    for n, place in ipairs(p:to "float64") do list[n] = math.log(in_plane(place):item(), 10) end
    return mlp.tensor(list)
  end, x = { -2, 2 }, y = { -1, 3.2 }, points = { path }, levels = { -2.5, -2, -1.5, -1, -0.5, 0 },
    title = ("%s: loss %.4f"):format(name, certificate[name]), bar_label = "log10 loss",
    colours = "blues", resolution = 64, width = 390 }
end
local optim <const>, lr <const> = mlp.optim, 1 / curvature(D1)
os.execute "mkdir -p out"
assert(plot.grid {
  descend("SGD", function(p) return optim.SGD(p, { lr = lr }) end),
  descend("momentum", function(p) return optim.SGD(p, { lr = lr, momentum = 0.8 }) end),
  descend("Adam", function(p) return optim.Adam(p, { lr = 0.1 }) end),
  columns = 3, title = "Three ways down a plane through a network's weights",
  subtitle = ("Loss of a 1-12-1 net, %d steps; sideways its sharpest direction, upwards another")
    :format(STEPS) }:save "out/classics_descent.svg")
return certificate
