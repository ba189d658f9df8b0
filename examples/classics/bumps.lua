-- Universal approximation, built and not believed: a step up and a step down make a bump, bumps
-- make any curve. How far off, does steepness help, and what does training make of the same widths?
--   lua5.4 examples/classics/bumps.lua [quick]
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local quick <const> = ... == "quick"
local STEPS <const> = quick and 300 or 3000
local DOUBLE <const> = { dtype = "float64" }
local certificate <const> = { soft = {}, steep = {}, trained = {} }

local function f(x) -- what is to be drawn, on [0, 1]
  return 0.2 + 0.4 * x ^ 2 + 0.3 * x * (15 * x):sin() + 0.05 * (50 * x):cos()
end

--- One hidden layer of N + 1 sigmoid units: unit i rises at the edge between bumps i - 1 and i, and
--- its output weight is the difference of their heights. The end bumps have no outer edge.
local function bumps(N, steepness)
  local net <const> = mlp.nn.MLP { 1, N + 1, 1, activation = "sigmoid", dtype = "float64" }
  local heights <const> = f(mlp.linspace(0.5 / N, 1 - 0.5 / N, N, DOUBLE))
  local edges <const> = mlp.linspace(0, 1, N + 1, DOUBLE)
  edges:set(1, -1) -- far out: this unit is always on
  edges:set(N + 1, 2) -- and this one always off
  local below <const> = mlp.cat({ mlp.zeros(1, DOUBLE), heights }, 1)
  local above <const> = mlp.cat({ heights, mlp.zeros(1, DOUBLE) }, 1)
  mlp.no_grad(function()
    net.layers[1].weight:copy_(steepness)
    net.layers[1].bias:copy_(-steepness * edges)
    net.layers[2].weight:copy_((above - below):reshape(1, N + 1))
  end)
  return net
end

-- 1,001 points; between them the steep bumps are up to 8 % worse still.
local x <const> = mlp.linspace(0, 1, 1001, DOUBLE):reshape(-1, 1)
local y <const> = f(x)
local function errors(net)
  local gap <const> = mlp.no_grad(function() return net(x) end) - y
  return gap:abs():amax():item(), gap:square():mean():sqrt():item()
end

--- The same number of units from a random start: edges anywhere, then Adam with a falling rate.
local function train(N)
  mlp.manual_seed(N)
  local net <const> = mlp.nn.MLP { 1, N + 1, 1, activation = "sigmoid" }
  mlp.no_grad(function()
    local slope <const> = mlp.randn(N + 1) * 40
    net.layers[1].weight:copy_(slope:reshape(-1, 1))
    net.layers[1].bias:copy_(-slope * mlp.rand(N + 1))
  end)
  local points <const> = mlp.linspace(0, 1, 512):reshape(-1, 1)
  local values <const> = f(points)
  local adam <const> = mlp.optim.Adam(net:parameters(), { lr = 0.01 })
  local falling <const> = mlp.schedule.cosine(STEPS)
  for step = 1, STEPS do
    adam.factor = falling(step)
    adam:zero_grad()
    mlp.loss.mse(net(points), values):backward()
    adam:step()
  end
  return net:to "float64"
end

print(" bumps | steepness 4N: largest, rms error | 20N: largest, rms     | trained: largest, rms")
local WIDTHS <const> = { 10, 50, 100, 200, 400 }
local rms <const> = { soft = {}, steep = {}, trained = {} }
certificate.rms = rms
for i, N in ipairs(WIDTHS) do
  local line = ("%6d"):format(N)
  for _, kind in ipairs { "soft", "steep", "trained" } do
    local net <const> = kind == "trained" and train(N) or bumps(N, (kind == "soft" and 4 or 20) * N)
    certificate[kind][i], rms[kind][i] = errors(net)
    line = line .. (" | %12.4f %10.5f"):format(certificate[kind][i], rms[kind][i])
  end
  print(line)
end

-- In the plane, two bumps at right angles make a cross; a second layer keeps where they meet.
local function tower(points)
  local px <const>, py <const> = points:select(2, 1), points:select(2, 2)
  local function bump(t) return (40 * (t - 0.3)):sigmoid() - (40 * (t - 0.7)):sigmoid() end
  return (40 * (bump(px) + bump(py) - 1.5)):sigmoid()
end
local levels <const> = tower(mlp.tensor { { 0.5, 0.5 }, { 0.4, 0.6 }, { 0.5, 0.2 }, { 0.2, 0.2 } })
certificate.tower_inside = math.min(levels:get(1), levels:get(2))
certificate.tower_outside = math.max(levels:get(3), levels:get(4))
print(("a tower over a square in the plane: %.4f inside, %.4f outside, 0.1 from its edge")
  :format(certificate.tower_inside, certificate.tower_outside))

local at <const> = x:reshape(-1)
local function curve(net) return net(x):detach():reshape(-1) end
os.execute "mkdir -p out"
assert(plot.grid { plot.lines { { x = at, y = f(at), name = "the curve", width = 3 },
  { x = at, y = curve(bumps(10, 200)), name = "10 steep bumps" },
  { x = at, y = curve(bumps(10, 40)), name = "10 soft bumps" },
  { x = at, y = curve(bumps(50, 200)), name = "50 soft bumps" },
  title = "A curve from bumps", legend = "top", width = 540 },
  plot.lines { { x = WIDTHS, y = rms.steep, name = "steep", marker = true },
    { x = WIDTHS, y = rms.trained, name = "trained", marker = true },
    { x = WIDTHS, y = rms.soft, name = "soft", marker = true }, log_x = true, log_y = true,
    title = "Error by hand and by training", x_label = "bumps", y_label = "rms error",
    width = 420 },
  plot.regions { tower, x = { 0, 1 }, y = { 0, 1 }, title = "A tower in the plane", width = 380,
    bar_label = "output" }, columns = 3,
  title = "One hidden layer can draw any curve; how well depends on how its bumps overlap" }
  :save "out/classics_bumps.svg")
return certificate
