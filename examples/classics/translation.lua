-- Two cyclic patterns of 16 bits, at any shift: what no single unit can tell apart, 16 units can,
-- and one filter slid around the circle can too, with 17 numbers and from one example of each.
--   lua5.4 examples/classics/translation.lua [quick]
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local SEEDS <const> = ... == "quick" and 2 or 10
local certificate <const> = {}

-- All shifts of both patterns; class 1 is A. Row s of a circulant matrix is w shifted by s - 1.
local A <const> = mlp.tensor { 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
local B <const> = mlp.tensor { 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
local places <const> = {}
for s = 0, 15 do
  for i = 0, 15 do places[#places + 1] = (i - s) % 16 + 1 end
end
local index <const> = mlp.tensor(places, { dtype = "int64" })
local function circulant(w) return w:index_select(1, index):reshape(16, 16) end
local x <const> = mlp.cat({ circulant(A), circulant(B) }, 1)
local y <const> = mlp.cat({ mlp.ones(16, 1), mlp.zeros(16, 1) }, 1)
local function correct(scores) return scores:step():eq(y):to("int64"):sum():item() end

print "1. One unit: over the 16 shifts each input bit is 1 four times, so the scores of A and the"
print "   scores of B have the same sum, 4 sum(w) + 16 b. They cannot all differ in sign."
mlp.manual_seed(1)
local w <const> = mlp.randn(16, 1000, { dtype = "float64" })
local sums <const> = x:to("float64"):matmul(w):reshape(2, 16, 1000):sum(2)
certificate.largest_gap = (sums - 4 * w:sum(1)):abs():amax():item()
print(("   1,000 random units: the sums agree to %.0e"):format(certificate.largest_gap))

local function fit(net, rows, steps)
  local adam <const> = mlp.optim.Adam(net:parameters(), { lr = 0.03 })
  local some_x <const>, some_y <const> = x:index_select(1, rows), y:index_select(1, rows)
  local loss
  for _ = 1, steps do
    adam:zero_grad()
    loss = mlp.loss.bce_with_logits(net(some_x), some_y)
    loss:backward()
    adam:step()
  end
  return correct(net(x)), loss:item()
end
local all <const> = mlp.arange(1, 32, { dtype = "int64" })
certificate.linear_correct, certificate.linear_loss = fit(mlp.nn.Linear(16, 1), all, 1000)
print(("   trained: loss %.4f. By the sum no unit has less than log 2 = %.4f; %d of 32 right")
  :format(certificate.linear_loss, math.log(2), certificate.linear_correct))

print "2. By hand: hidden unit s holds A shifted by s - 1 and fires when more than 3.5 bits agree;"
print "   the output fires when any of them does."
local hidden <const> = x:linear(circulant(A), mlp.full({ 16 }, -3.5), { activation = "step" })
certificate.by_hand_correct = correct(hidden:sum(2, true) - 0.5)
print(("   %d of 32 right"):format(certificate.by_hand_correct))

-- One filter, 17 numbers: the best agreement over all shifts, which no shift of the input changes.
local Filter <const> = mlp.nn.Module:extend "Filter"
function Filter:init()
  self.weight = mlp.randn(16):mul(0.3):requires_grad_()
  self.bias = mlp.zeros(1, { requires_grad = true })
end
function Filter:forward(bits)
  return bits:matmul(circulant(self.weight):t()):amax(2, true) + self.bias
end
local function fresh(kind)
  return kind == "filter" and Filter() or mlp.nn.MLP { 16, 16, 1, activation = "relu" }
end

print(("3. Trained on some shifts of each, asked about all 32; means of %d seeds"):format(SEEDS))
local shown <const> = { 1, 2, 4, 8, 12, 16 }
local results <const> = { mlp = {}, filter = {} }
for i, count in ipairs(shown) do
  for kind, shares in pairs(results) do
    local total = 0
    for seed = 1, SEEDS do
      mlp.manual_seed(seed)
      local pick <const> = mlp.cat({ mlp.randperm(16):slice(1, 1, count),
        mlp.randperm(16):slice(1, 1, count) + 16 }, 1)
      local net <const> = fresh(kind)
      total = total + fit(net, pick, 300)
    end
    shares[i] = 100 * total / (32 * SEEDS)
  end
  print(("   %2d of 16 shifts: 16-16-1 net %5.1f %%, one filter %5.1f %%")
    :format(count, results.mlp[i], results.filter[i]))
end
certificate.filter_from_one, certificate.mlp_from_one = results.filter[1], results.mlp[1]
certificate.filter_from_all, certificate.mlp_from_all = results.filter[6], results.mlp[6]

os.execute "mkdir -p out"
assert(plot.grid { plot.image_grid { circulant(A), circulant(B), colours = "ink", limits = { 0, 1 },
  captions = { "16 shifts of A", "16 shifts of B" }, size = 270, columns = 2,
  title = "The inputs, one in each row" },
  plot.lines { { x = shown, y = results.mlp, name = "16-16-1 network, 289 weights", marker = true },
    { x = shown, y = results.filter, name = "one filter and max, 17 weights", marker = true },
    title = "Right answers on all 32 inputs", x_label = "shifts of each pattern seen in training",
    y_label = "%", y_limits = { 0, 103 }, width = 560, height = 400,
    horizontal = { y = 50, label = "guessing" } },
  columns = 2, title = "A built-in symmetry is worth any number of examples" }
  :save "out/classics_translation.svg")
return certificate
