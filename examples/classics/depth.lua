-- What depth buys: the tent map T folds [0, 1] once; composed L times it has 2^L pieces. Depth does
-- it with 2 L units, one layer needs 2^L - 1. And what training finds of it (takes up to a minute).
--   lua5.4 examples/classics/depth.lua [quick]
local mlp <const> = require "mlp"
local nn <const>, plot <const> = mlp.nn, mlp.plot
local quick <const> = ... == "quick"
local SEEDS <const>, STEPS <const> = quick and 1 or 5, quick and 300 or 3000
local certificate <const> = { pieces = {}, error = {} }
local levels <const>, deep <const>, flat <const> = {}, {}, {}

-- T(x) = 2 relu(x) - 4 relu(x - 1/2) on [0, 1]: two units. The next layer reads T from them.
local function tents(L)
  local spec <const> = { 1, activation = "relu" }
  for layer = 1, L do spec[layer + 1] = 2 end
  spec[L + 2] = 1
  local net <const> = nn.MLP(spec)
  mlp.no_grad(function()
    for layer = 1, L do
      local reads_T <const> = mlp.tensor { { 2, -4 }, { 2, -4 } }
      net.layers[layer].weight:copy_(layer == 1 and mlp.ones(2, 1) or reads_T)
      net.layers[layer].bias:copy_(mlp.tensor { 0, -0.5 })
    end
    net.layers[L + 1].weight:copy_(mlp.tensor { { 2, -4 } })
  end)
  return net
end

local function tent(x, L)
  for _ = 1, L do x = 2 * mlp.minimum(x, 1 - x) end
  return x
end

print "1. By hand. At the points k / 2^12 all of it is exact, in float32 too."
local x <const> = mlp.arange(0, 4096):to("float32"):reshape(-1, 1) / 4096
for L = 1, 10 do
  local y <const> = tents(L)(x):detach()
  local slopes <const> = (y:slice(1, 2, 4097) - y:slice(1, 1, 4096)) * 4096
  local turns <const> = slopes:slice(1, 2, 4096):ne(slopes:slice(1, 1, 4095))
  certificate.pieces[L] = turns:to("int64"):sum():item() + 1
  certificate.error[L] = (y - tent(x, L)):abs():amax():item()
  levels[L], deep[L], flat[L] = L, 2 * L, certificate.pieces[L] - 1
  if L % 3 == 1 then
    print(("   L = %2d: %2d units in depth, error %g, %4d linear pieces; one layer needs %d units")
      :format(L, deep[L], certificate.error[L], certificate.pieces[L], flat[L]))
  end
end
print "   One layer of n units has at most n + 1 pieces: each unit bends the line at one point."

-- About 400 parameters, 2 w + (depth - 1) (w^2 + w) + w + 1, in 1 to 6 hidden layers of width w.
local WIDTHS <const>, FOLDS <const> = { 133, 18, 12, 10, 9, 8 }, 3

local points <const> = mlp.linspace(-1, 1, 512):reshape(-1, 1)
local wanted <const> = tent((points + 1) / 2, FOLDS)
local function train(depth, seed)
  mlp.manual_seed(seed)
  local spec <const> = { 1, activation = "relu" }
  for layer = 1, depth do spec[layer + 1] = WIDTHS[depth] end
  spec[depth + 2] = 1
  local net <const> = nn.MLP(spec)
  local adam <const> = mlp.optim.Adam(net:parameters(), { lr = 0.01 })
  local falling <const> = mlp.schedule.cosine(STEPS)
  for step = 1, STEPS do
    adam.factor = falling(step)
    adam:zero_grad()
    mlp.loss.mse(net(points), wanted):backward()
    adam:step()
  end
  return mlp.metric.rmse(net(points), wanted)
end

print(("2. Trained on L = %d, %d seeds; a constant has an error of 0.29"):format(FOLDS, SEEDS))
local seeds <const>, medians <const> = { x = {}, y = {} }, {}
for depth = 1, 6 do
  local errors <const> = {}
  for seed = 1, SEEDS do
    errors[seed] = train(depth, seed)
    table.insert(seeds.x, depth)
    table.insert(seeds.y, errors[seed])
  end
  table.sort(errors)
  medians[depth] = errors[(SEEDS + 1) // 2]
  print(("   depth %d, width %3d: median rms error %.4f (%.4f to %.4f)")
    :format(depth, WIDTHS[depth], medians[depth], errors[1], errors[SEEDS]))
end
certificate.medians = medians
print "   Depth makes the function cheap to hold; to find it remains a matter of luck."

local at <const> = x:reshape(-1)
local function zigzag(L)
  return { x = at, y = tents(L)(x):detach():reshape(-1), name = ("L = %d"):format(L) }
end
seeds.name, seeds.size, seeds.opacity = "a seed", 8, 0.6
os.execute "mkdir -p out"
assert(plot.grid { plot.lines { zigzag(1), zigzag(2), zigzag(4), legend = "top", width = 400,
  title = "The tent map, composed L times" },
  plot.lines { { x = levels, y = flat, name = "one layer", marker = true },
    { x = levels, y = deep, name = "L layers", marker = true }, log_y = true, x_label = "L",
    y_label = "units", title = "Units it takes", width = 400 },
  plot.scatter { seeds, { x = { 1, 2, 3, 4, 5, 6 }, y = medians, name = "median", size = 12,
    marker = "diamond" }, log_y = true, x_label = "hidden layers (400 parameters in all)",
    y_label = "rms error", title = ("Trained on L = %d"):format(FOLDS), width = 440 }, columns = 3,
  title = "Depth folds: each layer doubles the pieces, a wider layer only adds" }
  :save "out/classics_depth.svg")
return certificate
