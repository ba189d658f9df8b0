-- A gallery of activations: value, slope and curvature of each; what it does to a signal, to a
-- gradient on its way down ten layers, and to units that a high learning rate has hurt.
--   lua5.4 examples/classics/activations.lua [quick]
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot
local quick <const> = ... == "quick"
local REPEATS <const>, STEPS <const> = quick and 5 or 50, quick and 50 or 300
local NAMES <const> = { "identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "elu",
  "softplus", "gelu", "gelu_tanh", "silu", "log_sigmoid", "sine", "gaussian", "power" }
local certificate <const> = { checked = 0, gradient = {}, dead = {} }

--- Value, slope and curvature at x, the derivatives by the tape.
local function derivatives(f, x)
  local leaf <const> = x:detach():clone():requires_grad_()
  local y <const> = f(leaf)
  local slope <const> = mlp.grad(y:sum(), { leaf }, { create_graph = true })
  local curvature <const> = slope.requires_grad and mlp.grad(slope:sum(), { leaf })
  return y:detach(), slope:detach(), curvature or mlp.zeros_like(x)
end

local function nanoseconds(f, x) -- for one element: the best of a few runs
  local best = math.huge
  for _ = 1, REPEATS do
    local start <const> = mlp.now()
    f(x)
    best = math.min(best, mlp.now() - start)
  end
  return best / #x * 1e9
end

--- How much of the gradient is left after ten layers of 64 units, each begun as suits it: the norm
--- of the gradient at the input of each layer, relative to that above the last.
local function gradients(name)
  mlp.manual_seed(1)
  local h, signals <const> = mlp.randn(128, 64):requires_grad_(), {}
  for layer = 1, 10 do
    signals[layer] = h
    h = nn.Linear(64, 64, { activation = name })(h)
  end
  local top <const> = mlp.randn(128, 64)
  local norms <const> = table.pack(mlp.grad((h * top):sum(), signals))
  for layer = 1, 10 do norms[layer] = (norms[layer]:norm() / top:norm()):item() end
  return norms
end

mlp.manual_seed(1)
local ends <const> = mlp.tensor({ -8, 8 }, { dtype = "float64" })
local signal <const> = mlp.randn(65536)
print "activation   value(1) slope(1) curv.(1) | flat at -8, 8 | mean on N(0,1) | ns   | gradient"
local panels <const>, heat <const> = {}, {}
for i, name in ipairs(NAMES) do
  local f <const> = mlp[name]
  local points <const> = mlp.tensor({ 1, -0.7, 0.4, 2.1 }, { dtype = "float64" })
  local agrees <const> = mlp.gradcheck(f, { points }, { second = true })
  certificate.checked = certificate.checked + (agrees and 1 or 0)
  local y <const>, slope <const>, curvature <const> = derivatives(f, points)
  local _, far <const> = derivatives(f, ends)
  local norms <const> = gradients(name)
  certificate.gradient[name] = norms[1]
  heat[i] = {}
  for layer = 1, 10 do heat[i][layer] = math.log(norms[layer] + 1e-6, 10) end
  print(("%-11s %9.4f%9.4f%9.4f | %5s %5s   | %14.3f | %.2f | %s"):format(name,
    y:get(1), slope:get(1), curvature:get(1), math.abs(far:get(1)) < 0.01 and "flat" or "-",
    math.abs(far:get(2)) < 0.01 and "flat" or "-", f(signal):mean():item(), nanoseconds(f, signal),
    norms[1] == norms[1] and ("%.1e"):format(norms[1]) or "overflow"))
  local x <const> = mlp.linspace(-4, 4, 161)
  local value <const>, first <const>, second <const> = derivatives(f, x)
  panels[i] = plot.lines { { x = x, y = value }, { x = x, y = first },
    { x = x, y = second, width = 1.3 }, title = name, y_limits = { -1.5, 3 }, legend = "none",
    width = 250, height = 190 }
end
print(("%d of %d agree with central differences, first and second derivative")
  :format(certificate.checked, #NAMES))

--- The share of 256 hidden units that answer no point at all with a slope, after training too fast.
local function dead_share(name)
  mlp.manual_seed(2)
  local x <const> = mlp.randn(512, 8)
  local y <const> = x:sin():sum(2, true)
  local net <const> = nn.MLP { 8, 256, 1, activation = name }
  local sgd <const> = mlp.optim.SGD(net:parameters(), { lr = 3 })
  for _ = 1, STEPS do
    sgd:zero_grad()
    mlp.loss.huber(net(x), y):backward()
    sgd:step()
  end
  local z <const> = x:linear(net.layers[1].weight, net.layers[1].bias)
  local _, slope <const> = derivatives(mlp[name], z)
  return slope:ne(0):any(1):logical_not():to("float32"):mean():item()
end
for _, name in ipairs { "relu", "leaky_relu" } do
  certificate.dead[name] = dead_share(name)
  print(("dead units at a learning rate of 3: %-10s %5.1f %%")
    :format(name, 100 * certificate.dead[name]))
end

os.execute "mkdir -p out"
panels.columns, panels.title = 5, "Activations"
panels.subtitle = "Blue: value. Orange: slope. Green: curvature."
assert(plot.grid(panels):save "out/classics_activations.svg")
assert(plot.heatmap { heat, row_names = NAMES, x_label = "layer", bar_label = "log10",
  title = "What is left of a gradient on its way down ten layers", width = 640, height = 520,
  subtitle = "Norm at the input of each layer over norm above the tenth; power overflows" }
  :save "out/classics_gradients.svg")
return certificate
