-- A network of one hidden layer turned into polynomials in closed form while it learns to read
-- digits, after Belrose and Rigg 2025 (arXiv 2502.01032). Linear and quadratic surrogates are made
-- at steps 1, 2, 4, ... under three pictures of the input: N(0, I), N(mu, Sigma) of the training
-- images, and one normal for each digit. Then the last quadratic one is read: which patterns make
-- an output large, and does the network fail when they are taken from its input?
--   lua5.4 examples/polynomials.lua [steps] [seed] [mnist|digits]
-- 65,536 steps unless told otherwise, under two minutes; the authors' whole table is
--   lua5.4 examples/polynomials.lua 524288 1 mnist
-- and takes five to six. MNIST is looked for as mlp.data.mnist says (the word "mnist" fetches it);
-- without it the 1,797 small digits that ship take its place.
local mlp <const> = require "mlp"
local poly <const>, plot <const> = mlp.poly, mlp.plot

local ARGUMENTS <const> = { ... }
local STEPS <const> = tonumber(ARGUMENTS[1]) or 65536
local SEED <const> = tonumber(ARGUMENTS[2]) or 1
local WIDTH <const>, BATCH <const>, DIRECTIONS <const> = 256, 32, 40
local certificate <const> = {}

-- ---- data ---------------------------------------------------------------------------------------

local function shipped_digits()
  local folder <const> = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
  local path <const> = io.open(folder .. "/data/digits.csv.gz") and folder or "examples"
  local file <const> = assert(mlp.data.csv.load(path .. "/data/digits.csv.gz",
    { header = false, target = 65 }))
  local all <const> = mlp.data.tensors(file.x / 16, file.y:to "int64" + 1)
  local part <const> = { seed = 1, stratify = all.tensors[2] }
  local train <const>, test <const> = mlp.data.split(all, { 0.8, 0.2 }, part)
  local function half(data)
    local x <const>, y <const> = table.unpack(data.tensors)
    return { images = x, labels = y }
  end
  return { train = half(train), test = half(test), name = "the shipped digits", side = 8 }
end

local function load_data()
  if ARGUMENTS[3] == "digits" then return shipped_digits() end
  local digits <const>, why <const> = mlp.data.mnist.load { download = ARGUMENTS[3] == "mnist" }
  if not digits then
    assert(ARGUMENTS[3] ~= "mnist", why)
    return shipped_digits()
  end
  digits.name, digits.side = "MNIST", 28
  return digits
end

local data <const> = load_data()
local train <const>, test <const>, side <const> = data.train, data.test, data.side
local D <const>, started <const> = side * side, os.time()

-- ---- the fits -----------------------------------------------------------------------------------

local INPUTS <const> = {
  ["N(0, I)"] = poly.gaussian(D), ["N(mu, Sigma)"] = poly.gaussian_of(train.images),
  ["one for each class"] = poly.mixture_of(train.images, train.labels),
}
local ORDER <const> = { "N(0, I)", "N(mu, Sigma)", "one for each class" }
local FITS <const> = {}
for degree, word in ipairs { "linear", "quadratic" } do
  for _, input in ipairs(ORDER) do
    FITS[#FITS + 1] = { name = word .. ", " .. input, degree = degree, input = input }
  end
end

-- Degrees 3 and 4 are powers of each neuron's own pre-activation; they are made at the end.
local HIGHER <const> = {}
for i, word in ipairs { "cubic", "quartic" } do
  HIGHER[i] = { name = word .. ", N(mu, Sigma)", degree = 2 + i, input = "N(mu, Sigma)" }
end

--- Fits of a network: what they miss on the test images, and exactly under their own input; the
--- latter under the mixture, which takes seconds, at the last step alone.
local function measure(row, model, fits)
  local units <const> = poly.units(model)
  for _, fit in ipairs(fits) do
    local options <const> = { degree = fit.degree, directions = DIRECTIONS }
    local p <const> = poly.fit(units, INPUTS[fit.input], options)
    local c <const> = poly.compare(model, p, test.images, test.labels)
    if fit.input ~= "one for each class" or row.step == STEPS then
      c.r2 = poly.explained(units, INPUTS[fit.input], options).r2
    end
    row.fits[fit.name], row.polynomials[fit.name], row.accuracy = c, p, c.network_accuracy
  end
  return row
end

local function measured(model, step)
  return measure({ step = step, fits = {}, polynomials = {} }, model, FITS)
end

local LINEAR <const>, QUADRATIC <const> = "linear, N(0, I)", "quadratic, N(0, I)"
local BEST <const> = "quadratic, one for each class"

-- ---- training -----------------------------------------------------------------------------------

-- The authors' baseline: AdamW, rate 1e-5 (half a cosine over 2,048 epochs), decay 0.1, batches of
-- 32, noise of deviation 0.05 on the input. With the 1,437 small digits the rate is 1e-4.
mlp.manual_seed(SEED)
local model <const> = mlp.nn.MLP { D, WIDTH, 10, activation = "relu", init = "torch" }
local adam <const> = mlp.optim.AdamW(model:parameters(),
  { lr = side == 28 and 1e-5 or 1e-4, weight_decay = 0.1 })
local falling <const> = mlp.schedule.cosine(2048 * (60000 // BATCH))

local learn <const> = mlp.compile(function(images, labels)
  local noisy <const> = images + mlp.randn(#images, D) * 0.05
  local loss <const> = mlp.loss.cross_entropy(model(noisy), labels)
  adam:zero_grad()
  loss:backward()
  adam:step()
end)

local SHOWN <const> = { 1, 256, 4096, 16384, 65536, 524288 }
local PAPER <const> = { -- authors' saved measures: accuracy of net, linear, quadratic; test FVU; KL
  [1] = { .146, .161, .158, .268, .116, .004, .002 },
  [256] = { .630, .540, .601, .196, .039, .013, .002 },
  [4096] = { .899, .896, .900, .206, .247, .216, .052 },
  [16384] = { .931, .912, .932, .177, .325, .173, .041 },
  [65536] = { .963, .847, .959, .179, .524, .321, .109 },
  [524288] = { .983, .604, .954, .425, 1.527, 1.747, .294 },
}

print(("%s, %d-%d-10, seed %d; surrogates under N(0, I)"):format(data.name, D, WIDTH, SEED))
print "   step | net    | linear | quadr. | test FVU lin / quad | KL lin / quad | R2 quad, exact"
local function report_line(row)
  local l <const>, q <const> = row.fits[LINEAR], row.fits[QUADRATIC]
  print(("%7d | %.4f | %.4f | %.4f |  %6.3f / %6.3f    | %.3f / %.3f | %.4f"):format(row.step,
    row.accuracy, l.accuracy, q.accuracy, l.fvu, q.fvu, l.kl, q.kl, q.r2))
end

local trace <const> = {}
local loader <const> = mlp.data.loader(mlp.data.tensors(train.images, train.labels),
  { batch_size = BATCH, shuffle = true, seed = SEED, drop_last = true })
do
  local step, next_mark = 0, 1
  while step < STEPS do
    for images, labels in loader() do
      step = step + 1
      adam.factor = falling(step)
      learn(images, labels)
      if step == next_mark or step == STEPS then
        trace[#trace + 1] = measured(model, step)
        report_line(trace[#trace])
        collectgarbage() -- a checkpoint leaves a gigabyte of garbage
        next_mark = next_mark * 2
      end
      if step == STEPS then break end
    end
  end
end
local last <const> = measure(trace[#trace], model, HIGHER)
certificate.trace = trace
local AT_END <const> = table.move(HIGHER, 1, #HIGHER, #FITS + 1, table.move(FITS, 1, #FITS, 1, {}))

--- How far the accuracy of a surrogate is at most from the network's, and at which step.
local function furthest(fit)
  local most, at = 0, 0
  for _, row in ipairs(trace) do
    local distance <const> = math.abs(row.accuracy - row.fits[fit].accuracy)
    if distance > most then most, at = distance, row.step end
  end
  return 100 * most, at
end
local last_distance <const> = 100 * math.abs(last.accuracy - last.fits[QUADRATIC].accuracy)
local most <const>, most_at <const> = furthest(QUADRATIC)
local distances <const> = ("The quadratic fit under N(0, I) is at most %.1f points from the "
  .. "network (step %d), at the end %.1f; that by classes at most %.1f (step %d)"):format(most,
  most_at, last_distance, furthest(BEST))
print(distances)

-- ---- what is left on real images ----------------------------------------------------------------

-- The best that any quadratic of this kind can do is regression on the training images themselves.
local sampled <const> = poly.least_squares(model, train.images,
  { directions = DIRECTIONS, basis = INPUTS["one for each class"] })
local regression <const> = poly.compare(model, sampled, test.images, test.labels)
local from <const>, to <const> = last.fits[QUADRATIC].fvu, regression.fvu
certificate.closed_gap = (from - last.fits[BEST].fvu) / (from - to)
certificate.sampled = regression
print "\nafter the last step, on the test images:"
print "fit                            | FVU    | KL     | accuracy | R2 under its own input, exact"
for _, fit in ipairs(AT_END) do
  local c <const> = last.fits[fit.name]
  print(("%-30s | %.4f | %.4f | %.4f   | %.4f"):format(fit.name, c.fvu, c.kl, c.accuracy, c.r2))
end
print(("%-30s | %.4f | %.4f | %.4f   |"):format("quadratic, from a sample", regression.fvu,
  regression.kl, regression.accuracy))
print(("the fit by classes closes %.0f %% of the gap between N(0, I) and the sample")
  :format(100 * certificate.closed_gap))

-- ---- reading the polynomial ---------------------------------------------------------------------

local quadratic <const>, linear <const> = last.polynomials[QUADRATIC], last.polynomials[LINEAR]
local DIGIT <const> = 7 -- class 8, as in the authors' plot
local values <const>, vectors <const> = quadratic:eigen(DIGIT + 1)
local function ends(n) -- the n most negative and the n most positive eigenvalues
  return values:slice(1, 1, n):totable(), values:slice(1, D - n + 1, D):totable()
end
local lowest <const>, highest <const> = ends(2)
local inner <const> = values:slice(1, 11, D - 10):abs():amax():item()
certificate.eigenvalues = { lowest[1], lowest[2], highest[1], highest[2], inner = inner }
print(("\ndigit %d, eigenvalues: %.3f, %.3f .. %.3f, %.3f; all but 20 of %d within %.3f")
  :format(DIGIT, lowest[1], lowest[2], highest[1], highest[2], D, inner))

local function accuracy(f, x) return mlp.metric.accuracy(f(x), test.labels) end
local surrogates <const> =
  { { "network", model }, { "quadratic", quadratic }, { "linear", linear } }
local attack <const> = { network = {}, quadratic = {}, linear = {} }
print "input patterns taken away | network | quadratic | linear"
for k = 0, 9 do
  local x <const> = poly.svd_attack(linear, test.images, k)
  for _, pair in ipairs(surrogates) do attack[pair[1]][k + 1] = accuracy(pair[2], x) end
  print(("%25d | %.3f   | %.3f     | %.3f"):format(k, attack.network[k + 1],
    attack.quadratic[k + 1], attack.linear[k + 1]))
end
certificate.attack = attack

-- How many images are read as digit o when o's direction is added, the mean over the ten digits.
local directions <const> = poly.eigen_attack(quadratic):to "float32"
local SIZES <const> = { 0, 1, 2, 4, 8, 16 }
local steered <const> = { network = {}, quadratic = {} }
for i, size in ipairs(SIZES) do
  for _, pair in ipairs { surrogates[1], surrogates[2] } do
    local total = 0
    for o = 1, 10 do
      local read <const> = pair[2](test.images + directions[o] * size):argmax(2)
      total = total + read:eq(o):to("float64"):mean():item() / 10
    end
    steered[pair[1]][i] = total
  end
end
certificate.steered = steered
local function mean_length(rows) return rows:square():sum(2):sqrt():mean():item() end
print(("a digit's eigenvector added 0 to 16 times: read as that digit %.0f %% .. %.0f %% (network)")
  :format(100 * steered.network[1], 100 * steered.network[#SIZES]))

-- ---- the report ---------------------------------------------------------------------------------

local function column(get)
  local list <const> = {}
  for i, row in ipairs(trace) do list[i] = get(row) end
  return list
end
local steps <const> = column(function(row) return row.step end)
local function curve(name, get)
  return { x = steps, y = column(get), name = name, marker = true }
end
local function of_fit(name, key, label)
  return curve(label or name, function(row) return row.fits[name][key] end)
end

local function traced(key, title, options)
  local figure <const> = { title = title, x_label = "training step", log_x = true,
    y_label = options.label, log_y = options.log, legend = "right", width = 760 }
  for _, fit in ipairs(FITS) do
    if trace[1].fits[fit.name][key] then
      figure[#figure + 1] = of_fit(fit.name, key)
    end
  end
  return plot.lines(figure)
end

--- Ours solid, and of the authors' (on MNIST) the one that falls, dashed.
local function accuracy_lines()
  local figure <const> = {
    curve("network", function(row) return row.accuracy end),
    of_fit(QUADRATIC, "accuracy", "quadratic"),
    of_fit(LINEAR, "accuracy", "linear"), of_fit(BEST, "accuracy", "quadratic, by classes"),
    title = "Simple first: who reads the test digits as the network learns", log_x = true,
    x_label = "training step", y_label = "accuracy", legend = "right", width = 760 }
  for _, line in ipairs(figure) do line.dash = "solid" end
  if side == 28 then
    local theirs <const> = { x = {}, y = {}, name = "linear, the authors'", dash = "dashed",
      colour = "#009e73" }
    for i, step in ipairs(SHOWN) do
      if step <= STEPS then theirs.x[i], theirs.y[i] = step, PAPER[step][2] end
    end
    figure[#figure + 1] = theirs
  end
  return plot.lines(figure)
end
local accuracy_figure <const> = accuracy_lines()
local r2_figure <const> = traced("r2", "Explained variance under the fitted input, exact",
  { label = "R2" })
local fvu_figure <const> = traced("fvu", "Variance left unexplained on test images",
  { label = "FVU", log = true })
local kl_figure <const> = traced("kl", "Divergence from the network's probabilities, test images",
  { label = "KL, nats", log = true })

local function images(rows, captions, title)
  return plot.image_grid { rows:reshape(#captions, side, side), captions = captions, columns = 4,
    colours = "diverging", limits = "each", title = title }
end
local picked <const>, captions <const> = {}, {}
for i = 1, 4 do
  local high <const>, low <const> = D + 1 - i, i
  picked[i], picked[4 + i] = vectors:select(2, high), vectors:select(2, low)
  captions[i] = ("%+.3f"):format(values:get(high))
  captions[4 + i] = ("%+.3f"):format(values:get(low))
end
local eigen_figure <const> = images(mlp.stack(picked, 1), captions,
  ("What makes output %d large (above) and small (below)"):format(DIGIT))
local _, sizes <const>, patterns <const> = linear:svd()
local svd_captions <const> = {}
for i = 1, 8 do svd_captions[i] = ("%.3f"):format(sizes:get(i)) end
local svd_figure <const> = images(patterns:slice(1, 1, 8), svd_captions,
  "The linear part by importance: input patterns and singular values")
local removed <const> = {}
for k = 0, 9 do removed[k + 1] = k end
local function attacked(name)
  return { x = removed, y = attack[name], name = name, marker = true }
end
local attack_figure <const> = plot.lines { attacked "network", attacked "quadratic",
  attacked "linear", title = "Without the leading input patterns", width = 560, legend = "right",
  x_label = "patterns taken away", y_label = "accuracy",
  { x = { 0, 1, 2, 3, 4, 5, 6 }, y = { .95, .84, .71, .64, .57, .53, .32 }, dash = "dashed",
    name = "authors' network" } }

local page <const> = mlp.report { title = "A network as polynomials",
  subtitle = ("%s, %d-%d-10 ReLU, %d steps, seed %d. After Belrose and Rigg 2025, *Converting MLPs "
    .. "into Polynomials in Closed Form* (arXiv 2502.01032)."):format(data.name, D, WIDTH, STEPS,
    SEED),
  footer = ("`%s`; %d seconds."):format(table.concat({ "lua5.4 examples/polynomials.lua",
    table.unpack(ARGUMENTS) }, " "), os.time() - started) }
page:heading "While the network learns"
page:text("A surrogate is the polynomial of least mean squared error to the network under an "
  .. "assumed input; no sample is drawn. The linear one keeps up at first and is then left "
  .. "behind; quadratic ones stay with the network.")
page:figure(accuracy_figure, "Accuracy on the test images; surrogates fitted under N(0, I) and, "
  .. "“by classes”, under one normal for each class. " .. distances .. ".")
local rows <const> = {}
for _, step in ipairs(SHOWN) do
  for _, row in ipairs(trace) do
    if row.step == step then
      local l <const>, q <const>, p = row.fits[LINEAR], row.fits[QUADRATIC], PAPER[step]
      rows[#rows + 1] = { step, "here", row.accuracy, l.accuracy, q.accuracy, l.fvu_pooled,
        q.fvu_pooled, l.kl, q.kl }
      rows[#rows + 1] = { step, "paper", table.unpack(p) }
    end
  end
end
page:table { rows = rows, digits = 4, columns = { "step", "", "net", "linear", "quadratic",
  "FVU linear", "FVU quadratic", "KL linear", "KL quadratic" },
  caption = "Test images, fits under N(0, I), beside the authors' saved measures (their network, "
    .. "MNIST). FVU as they pool it over all outputs. Their quadratic FVU grows past 1 while ours "
    .. "stays small, though both read the digits; what makes theirs grow is not known to us." }
page:heading "How much is explained"
page:figure(r2_figure, "The share of variance that a surrogate explains under the input it was "
  .. "made for, in closed form. The paper's claim is above 0.95 for quadratic fits. A single ReLU "
  .. "unit centred at 0 has 0.967, and a network that has learned nothing is near it.")
page:figure(fvu_figure, "On real images a fit made under N(0, I) can be worse than the mean (FVU "
  .. "above 1): images are not white noise. Knowing their covariance, or their classes, mends most "
  .. "of it.")
page:figure(kl_figure, "What the surrogates' softmax misses of the network's, in nats.")
local final <const> = {}
for i, fit in ipairs(AT_END) do
  local c <const> = last.fits[fit.name]
  final[i] = { fit.name, c.r2, c.fvu, c.kl, c.accuracy, c.agreement }
end
final[#final + 1] = { "quadratic, regression on the training images", nil, regression.fvu,
  regression.kl, regression.accuracy, regression.agreement }
page:table { rows = final, digits = 4, columns = { "fit", "R2 (exact)", "FVU, test", "KL, test",
  "accuracy", "agreement" }, caption = ("After step %d. Quadratic fits by classes and by "
  .. "regression are quadratic in %d principal components, linear in all. The closed form closes "
  .. "%.0f %% of the gap between N(0, I) and regression. Cubic and quartic fits have powers of "
  .. "each neuron's own pre-activation."):format(STEPS, DIRECTIONS,
  100 * certificate.closed_gap) }
page:heading "Reading the polynomial"
page:figure(plot.lines { values, title = ("Eigenvalues of the form of digit %d"):format(DIGIT),
  x_label = "rank", y_label = "eigenvalue", width = 560 }, "A handful of directions at both ends, "
  .. "and hundreds that hardly matter. The authors' largest: +0.26, +0.21 and -0.20, -0.16.")
page:figure(eigen_figure, "Leading eigenvectors with their eigenvalues.")
page:figure(svd_figure, "Rows of V' in linear = U diag(s) V'.")
page:heading "Attacks"
page:figure(attack_figure, "Inputs are projected off the leading patterns of the linear part; what "
  .. "fools the polynomial fools the network.")
page:figure(plot.lines { { x = SIZES, y = steered.network, name = "network", marker = true },
  { x = SIZES, y = steered.quadratic, name = "quadratic", marker = true }, width = 560,
  title = "Adding a digit's eigenvector", x_label = "times the pseudo-inverse direction",
  y_label = "read as that digit", legend = "right" }, ("The mean over the ten digits. Each is "
  .. "pushed along a column of the pseudo-inverse of all digits' leading eigenvectors, of mean "
  .. "length %.1f; the images' own mean length is %.1f."):format(mean_length(directions),
  mean_length(test.images)))
os.execute "mkdir -p out"
assert(page:save "out/polynomials.html")
assert(plot.grid { accuracy_figure, r2_figure, columns = 1 }:save "out/polynomials.svg")
print "report: out/polynomials.html"
return certificate
