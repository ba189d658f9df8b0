-- Three kinds of answer, three losses, one gradient: at the pre-activation each pair of output and
-- loss has the gradient prediction - target. And why they are fused: the naive forms overflow.
--   lua5.4 examples/classics/outputs_and_losses.lua [quick]
local mlp <const> = require "mlp"
local loss <const>, plot <const> = mlp.loss, mlp.plot
local DOUBLE <const> = { dtype = "float64" }
local certificate <const> = {}

mlp.manual_seed(1)
local z <const> = (mlp.randn(64, 5, DOUBLE) * 3):requires_grad_()
local classes <const> = mlp.randint(1, 5, { 64 })
local one_hot <const> = mlp.zeros(64, 5, DOUBLE):scatter(2, classes:reshape(-1, 1), 1)
local numbers <const>, shares <const> = mlp.randn(64, 5, DOUBLE), mlp.rand(64, 5, DOUBLE)
local sum <const> = { reduction = "sum" }

-- A number, five yes-or-no answers, one of five classes: the output, its loss, its target.
local PAIRS <const> = {
  { name = "linear, half the squared error", loss = loss.mse(z, numbers, sum) / 2,
    prediction = z, target = numbers },
  { name = "sigmoid, binary cross entropy", loss = loss.bce_with_logits(z, shares, sum),
    prediction = z:sigmoid(), target = shares },
  { name = "softmax, cross entropy", loss = loss.cross_entropy(z, classes, sum),
    prediction = z:softmax(2), target = one_hot },
}
print "1. d loss / d z against prediction - target, 320 numbers each"
certificate.largest_gap = 0
for _, pair in ipairs(PAIRS) do
  local gradient <const> = mlp.grad(pair.loss, { z })
  local gap <const> = (gradient - (pair.prediction - pair.target)):abs():amax():item()
  certificate.largest_gap = math.max(certificate.largest_gap, gap)
  print(("   %-32s differ by at most %.1e"):format(pair.name, gap))
end

print "2. At pre-activations of +-10,000, in float32"
local far <const> = mlp.tensor({ 1e4, -1e4 }, { requires_grad = true })
local yes <const> = mlp.tensor { 0, 1 } -- both answers as wrong as can be
local function naive_bce(logits, target)
  local p <const> = logits:sigmoid()
  return -(target * p:log() + (1 - target) * (1 - p):log())
end
local function naive_cross_entropy(logits, class)
  local e <const> = logits:exp()
  return -(e:select(2, class) / e:sum(2)):log()
end
local row <const> = far:reshape(1, 2)
local both <const> = {
  { "binary cross entropy", naive_bce(far, yes):sum(), loss.bce_with_logits(far, yes, sum), 20000 },
  { "cross entropy", naive_cross_entropy(row, 2):sum(), loss.cross_entropy(row, { 2 }), 20000 },
  { "log sum exp", row:exp():sum():log(), row:logsumexp(2):sum(), 10000 },
}
certificate.stable_right, certificate.naive_right = 0, 0
for _, case in ipairs(both) do
  local name <const>, naive <const>, stable <const>, truth <const> = table.unpack(case)
  local slope <const> = mlp.grad(stable, { far })
  local fine <const> = stable:item() == truth and slope:isfinite():all():item() == 1
  certificate.stable_right = certificate.stable_right + (fine and 1 or 0)
  certificate.naive_right = certificate.naive_right + (naive:item() == truth and 1 or 0)
  print(("   %-22s naive %5g, fused %g with gradient (%g, %g); true value %g")
    :format(name, naive:item(), stable:item(), slope:get(1), slope:get(2), truth))
end

print "3. The wrong pair: sigmoid with squared error. Target 1, an answer that is surely wrong:"
local line <const> = mlp.linspace(-12, 12, 481):requires_grad_()
local ones <const> = mlp.ones(481)
local curves <const> = {
  { "linear, squared error", loss.mse(line, ones, sum) / 2 },
  { "sigmoid, cross entropy", loss.bce_with_logits(line, ones, sum) },
  { "sigmoid, squared error", loss.mse(line:sigmoid(), ones, sum) / 2 },
}
local series <const> = {}
for i, curve in ipairs(curves) do
  series[i] = { x = line:detach(), y = mlp.grad(curve[2], { line }), name = curve[1] }
end
certificate.right_pair, certificate.wrong_pair = series[2].y:get(41), series[3].y:get(41)
print(("   at z = -10 the gradient is %.6f with cross entropy, %.6f with squared error: too flat")
  :format(certificate.right_pair, certificate.wrong_pair))

local near <const>, zeros <const> = mlp.linspace(-5, 40, 361), mlp.zeros(361)
os.execute "mkdir -p out"
assert(plot.grid { plot.lines { title = "Gradient at the pre-activation, target 1",
  y_limits = { -2, 1 }, x_label = "pre-activation z", legend = "top", width = 560,
  table.unpack(series) },
  plot.lines { { x = near, y = loss.bce_with_logits(near, zeros, { reduction = "none" }),
    name = "fused", width = 8, colour = "#9ecae1" },
    { x = near, y = naive_bce(near, zeros), name = "naive: infinite from z = 17",
      colour = "#d55e00" }, title = "Binary cross entropy in float32, target 0",
    x_label = "pre-activation z", y_label = "loss", legend = "top", width = 520 }, columns = 2,
  title = "Output and loss belong together: gradient = prediction - target" }
  :save "out/classics_outputs_and_losses.svg")
return certificate
