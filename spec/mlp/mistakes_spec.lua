--- The mistakes that newcomers make, and the sentence that each of them gets. A mistake in a call
--- raises at the caller's line; a file that is not there or not what it says answers nil and the
--- sentence. The sentences are held word by word: they are what people see of this library on a
--- bad day.
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"
local nn <const> = mlp.nn

--- fn must raise exactly this sentence, at the one line on which it is written. (A tail call would
--- leave no frame to point at: `return f(x)` is told at the line of whoever called.)
local function raises(sentence, fn)
  local info <const> = debug.getinfo(fn, "S")
  assert.are.equal(info.linedefined, info.lastlinedefined, "the mistake must stand on one line")
  local ok <const>, message <const> = pcall(fn)
  assert.is_false(ok)
  assert.are.equal(("%s:%d: %s"):format(info.short_src, info.linedefined, sentence), message)
end

local function answers(sentence, value, message)
  assert.is_nil(value)
  assert.are.equal(sentence, message)
end

local function in_file(content)
  local path <const> = files.temporary()
  files.write(path, content)
  finally(function() os.remove(path) end)
  return path
end

describe("a newcomer's mistake:", function()
  local logits <const> = mlp.zeros(3, 10)

  it("1, wrong shapes", function()
    local layer <const>, x <const> = nn.Linear(64, 10), mlp.zeros(32, 65)
    raises("linear: input is (32, 65) but weight (10, 64) wants 64 columns",
      function() layer(x) end)
    local model <const> = nn.Sequential { nn.Linear(2, 3), nn.MLP { 4, 5, 1 } }
    raises("in layers[2].layers[1]: linear: input is (7, 3) but weight (5, 4) wants 4 columns",
      function() model(mlp.zeros(7, 2)) end)
    raises("mse: prediction is (32, 1) but target is (32,); a loss does not broadcast, shapes must "
      .. "be equal", function() mlp.loss.mse(mlp.zeros(32, 1), mlp.zeros(32)) end)
  end)

  it("2, class 0", function()
    local labels <const> = mlp.tensor({ 3, 0, 9 }, { dtype = "int64" })
    local sentence <const> =
      "cross_entropy: target[2] = 0, but classes are 1..10; labels 0..9? use target + 1"
    raises(sentence, function() mlp.loss.cross_entropy(logits, labels) end)
    raises(sentence, function() mlp.loss.cross_entropy(logits, { 3, 0, 9 }) end)
    raises("metric.accuracy: target has class 0, but classes count from 1 to 10",
      function() mlp.metric.accuracy(logits, labels) end)
    raises("index_select: index[2] is 0, but positions count from 1 to 3",
      function() return logits:index_select(1, { 1, 0 }) end)
  end)

  it("3, NaN in the data", function()
    local x <const> = mlp.zeros(40, 3)
    x:set(17, 3, 0 / 0)
    local data <const> = mlp.data.tensors(x, mlp.zeros(40, 1))
    local trainer <const> = mlp.Trainer { model = nn.Linear(3, 1), loss = "mse", progress = false }
    raises("Trainer: the loss is NaN at step 2 (epoch 1, batch 2): the batch itself holds NaN: "
      .. "input row 7, column 3 (row 17 of the data); nothing was updated, the last good weights "
      .. "stay", function() trainer:fit(data, { epochs = 1, batch_size = 10, shuffle = false }) end)
  end)

  it("4, an unknown option", function()
    local parameters <const> = { mlp.zeros(1, { requires_grad = true }) }
    raises("Linear: unknown option 'activaton' (did you mean 'activation'?)",
      function() nn.Linear(2, 3, { activaton = "relu" }) end)
    raises("Adam: unknown option 'learning_rate'",
      function() mlp.optim.Adam(parameters, { learning_rate = 1 }) end)
    raises("cross_entropy: unknown option 'label_smooting' (did you mean 'label_smoothing'?)",
      function() mlp.loss.cross_entropy(logits, { 1, 2, 3 }, { label_smooting = 0.1 }) end)
    raises("Trainer: unknown option 'metric' (did you mean 'metrics'?)",
      function() mlp.Trainer { model = nn.Linear(2, 3), loss = "mse", metric = {} } end)
  end)

  it("5, text among the numbers of a CSV file", function()
    local path <const> = in_file "rooms,price\n3,100\n4,n/k\n"
    answers(("mlp.data.csv: '%s': line 3, column 'price': 'n/k' is not a number, but line 2 has "
      .. "100 there; if the column holds names, list it in `categories`; if this cell means that "
      .. "the value is missing, list it in `missing_cells`"):format(path), mlp.data.csv.load(path))
  end)

  it("6, a file that is not what it says", function()
    local path <const> = in_file "\x89PNG\r\n\x1a\n and so on"
    answers(("mlp.io.npy: '%s': not an npy file but a PNG picture"):format(path),
      mlp.io.npy.load(path))
    answers(("mlp.io.safetensors: '%s': not a safetensors file but a PNG picture"):format(path),
      mlp.load(path))
  end)

  it("7, a missing file", function()
    local path <const> = files.temporary()
    answers(("mlp.io.safetensors: cannot open '%s': No such file or directory"):format(path),
      mlp.load(path))
    answers(("mlp.data.csv: cannot open '%s': No such file or directory"):format(path),
      mlp.data.csv.load(path))
  end)

  it("8, labels off by one", function()
    raises("cross_entropy: target[3] = 11, but classes are 1..10",
      function() mlp.loss.cross_entropy(logits, { 1, 2, 11 }) end)
    raises("nll: target[1] = -1, but classes are 1..10",
      function() mlp.loss.nll(logits, { -1, 2, 10 }) end)
    raises("cross_entropy: the target holds numbers that are not whole; classes are 1, 2, 3, ...",
      function() mlp.loss.cross_entropy(logits, mlp.tensor { 1, 2, 2.5 }) end)
  end)

  it("9, a tensor used after it was closed", function()
    local x <const> = mlp.zeros(2)
    x:close()
    raises("add: a is closed", function() return x + 1 end)
    raises("relu: input is closed", function() return x:relu() end)
  end)

  it("10, mixed dtypes", function()
    local x <const> = mlp.zeros(3, { dtype = "float64" })
    raises("add: b is float64 but a is float32; dtypes never mix, x:to(dtype) converts",
      function() return mlp.zeros(3) + x end)
    raises("linear: weight is float32 but input is float64; dtypes never mix, x:to(dtype) converts",
      function() local _ = nn.Linear(3, 2)(x) end)
  end)

  it("11, an empty batch", function()
    raises("mse: the batch is empty: prediction is (0, 1), and nothing has no mean",
      function() mlp.loss.mse(mlp.zeros(0, 1), mlp.zeros(0, 1)) end)
    raises("data.loader: the data set has no rows",
      function() mlp.data.loader(mlp.data.tensors(mlp.zeros(0, 2))) end)
    local trainer <const> = mlp.Trainer { model = nn.Linear(2, 1), loss = mlp.loss.mse }
    raises("Trainer:step: the batch is empty", function() trainer:step {} end)
  end)

  it("12, a module given nil", function()
    local model <const> = nn.MLP { 2, 3, 1 }
    raises("in layers[1]: linear: input is nil but a tensor is wanted",
      function() model(nil) end)
    raises("Residual: the argument is nil but a module is wanted",
      function() nn.Residual(nil) end)
    raises("Trainer: model is nil but a module is wanted",
      function() mlp.Trainer { loss = mlp.loss.mse } end)
  end)
end)
