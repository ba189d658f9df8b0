--- Linear probes (Alain and Bengio 2016): how much of the classes a linear classifier finds in the
--- outputs of each layer, which stay as they are. Two controls say what the number is worth: the
--- accuracy with labels dealt out at random (after Hewitt and Liang 2019) should be that of chance
--- on rows that were not trained on, and on the training rows shows how much the probe can learn by
--- heart; the accuracy in the same model with random weights is what the architecture gives away.
---
---     print(mlp.probe.linear(model, {"layers.1", "layers.2"}, test))

local accuracy <const> = require "mlp.metric".accuracy
local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local LBFGS <const> = require "mlp.optim.lbfgs"
local loss <const> = require "mlp.loss"
local model_state <const> = require "mlp.nn.state"
local split <const> = require "mlp.data.split"
local tensors <const> = require "mlp.data.tensors"
local watch <const> = require "mlp.probe.watch"

local CALL <const> = "probe.linear"
local INPUT <const> = "input" -- the row of the table that probes the model's input itself

---@class mlp.probe.LinearRow
---@field layer string its path; "input" is the model's input
---@field units integer numbers per row that the probe sees
---@field accuracy number on rows that were not trained on
---@field train_accuracy number
---@field random_labels number on rows that were not trained on: chance, unless something leaks
---@field random_labels_train number what a probe of this size learns by heart
---@field random_weights number? of the layer with random weights; nil for the input

--- What mlp.probe.linear answers: a list of rows, the input first; tostring is a table.
---@class mlp.probe.LinearProbe
---@field [integer] mlp.probe.LinearRow
---@field majority number share of the most frequent class: what knows nothing reaches this
local LinearProbe = { __name = "mlp.probe.LinearProbe" }
LinearProbe.__index = LinearProbe

local FIELDS <const> = { "units", "accuracy", "train_accuracy", "random_labels",
  "random_labels_train", "random_weights" }

function LinearProbe:__tostring()
  local rows <const> = {}
  for i, row in ipairs(self) do
    rows[i] = { row.layer }
    for k, field in ipairs(FIELDS) do rows[i][k + 1] = row[field] end
  end
  return columns({ "layer", "units", "accuracy", "(training)", "random labels", "(training)",
    "random weights" }, rows) .. ("\nthe most frequent class: %.4g"):format(self.majority)
end

--- Accuracy layer by layer, with the controls.
---@return mlp.plot.Figure
function LinearProbe:figure()
  local names <const> = {}
  local y <const> = { accuracy = {}, random_weights = {}, random_labels = {} }
  for i, row in ipairs(self) do
    names[i] = row.layer == "" and "model" or row.layer
    for field, list in pairs(y) do list[i] = row[field] or row.accuracy end
  end
  return require("mlp.plot").bars {
    { y = y.accuracy, name = "trained" }, { y = y.random_weights, name = "random weights" },
    { y = y.random_labels, name = "random labels" },
    names = names, y_label = "accuracy of a linear probe",
    title = "What layers know of the classes",
    subtitle = ("the most frequent class: %.3g"):format(self.majority),
  }
end

-- ---- what layers say ----------------------------------------------------------------------------

--- Outputs of the layers, and the input, over all rows: path -> (N, units).
local function features(model, layers, data, batch_size)
  local parts <const> = { [INPUT] = {} }
  for _, layer in ipairs(layers) do parts[layer.path] = {} end
  watch.run(CALL, model, layers, data, batch_size, function(layer, y)
    if y.ndim == 0 then errors.raise("%s: the module '%s' gives no rows", CALL, layer.path) end
    table.insert(parts[layer.path], y:detach():reshape(#y, -1))
  end)
  for path, list in pairs(parts) do
    if path ~= INPUT and #list == 0 then
      errors.raise("%s: the module '%s' was not called, or gave no tensor", CALL, path)
    end
    parts[path] = #list > 0 and core.cat(list, 1) or nil
  end
  local x <const> = data:range(1, #data)
  parts[INPUT] = x:reshape(#x, -1)
  return parts
end

--- Runs fn while the weights of the model are drawn anew, as layers draw them, and biases are 0.
local function with_random_weights(model, fn)
  local before <const> = model_state.copy(model)
  for name, p in model:named_parameters() do
    local module <const> = model:at(name:match "^(.*)%.[^.]+$" or "")
    local drawn = p.ndim >= 2 and initialise.weight(p.shape, nil,
      watch.activation(module) or "identity", p.dtype)
    if name:match "bias$" and p.ndim < 2 then drawn = core.zeros(p.shape, { dtype = p.dtype }) end
    if drawn then
      local _ <close> = core.no_grad_scope()
      p:copy_(drawn:detach())
    end
  end
  local ok <const>, result <const> = pcall(fn)
  model_state.assign(model, before)
  if not ok then error(result, 0) end
  return result
end

-- ---- one probe ----------------------------------------------------------------------------------

--- Columns of mean 0 and deviation 1 on the training rows; columns that never change stay 0.
local function standardised(x, rows)
  local train <const> = x:index_select(1, rows.train):to "float32"
  local mean <const>, deviation <const> = train:mean(1, true), train:std(1, true)
  local safe <const> = deviation:masked_fill(deviation:le(1e-6), 1)
  local function scaled(part) return (part - mean) / safe end
  return scaled(train), scaled(x:index_select(1, rows.test):to "float32")
end

--- A logistic regression of the training rows: accuracy on the others, and on these.
local function fit(x, labels, rows, o)
  local train <const>, test <const> = standardised(x, rows)
  local y <const> = labels:index_select(1, rows.train)
  local w <const> = core.zeros(o.classes, train:size(2), { requires_grad = true })
  local b <const> = core.zeros(o.classes, { requires_grad = true })
  local optimizer <const> = LBFGS({ w, b }, { max_iter = o.iterations, tolerance_grad = 1e-5 })
  optimizer:step(function()
    return loss.cross_entropy(core.linear(train, w, b), y) + (w * w):sum() * (o.l2 / 2)
  end)
  local _ <close> = core.no_grad_scope()
  return accuracy(core.linear(test, w, b), labels:index_select(1, rows.test)),
    accuracy(core.linear(train, w, b), y)
end

local function row_of(path, x, labels, rows, o)
  local row <const> = { layer = path, units = x:size(2) }
  row.accuracy, row.train_accuracy = fit(x, labels.given, rows, o)
  row.random_labels, row.random_labels_train = fit(x, labels.dealt, rows, o)
  return row
end

-- ---- the question -------------------------------------------------------------------------------

local function labels_of(data)
  local parts <const> = type(data) == "table" and data.tensors
  if type(parts) ~= "table" or #parts < 2 then
    errors.wanted(CALL, "data", data, "a data set of inputs and classes (mlp.data.tensors(x, y))")
  end
  local y <const> = parts[#parts]
  if y.ndim ~= 1 then errors.wanted(CALL, "the classes", y, "one class per row") end
  return y:to "int64"
end

--- Positions of the training rows and of the others, in proportion within each class.
local function rows_of(labels, o)
  local all <const> = tensors(core.arange(1, #labels, { dtype = "int64" }))
  local train <const>, test <const> = split(all, { o.train, 1 - o.train },
    { seed = o.seed, stratify = labels })
  return { train = train.tensors[1], test = test.tensors[1] }
end

local function majority_of(labels, classes)
  local counts <const> = core.zeros(classes, { dtype = "float64" })
  counts:index_add_(1, labels, core.ones(#labels, { dtype = "float64" }))
  return counts:max():item() / #labels
end

local function probed(model, layers, data, labels, o)
  local rows <const> = rows_of(labels.given, o)
  local trained <const> = features(model, layers, data, o.batch_size)
  local result <const> = setmetatable({
    row_of(INPUT, trained[INPUT], labels, rows, o), majority = majority_of(labels.given,
      o.classes),
  }, LinearProbe)
  local blank <const> = with_random_weights(model, function()
    return features(model, layers, data, o.batch_size)
  end)
  for i, layer in ipairs(layers) do
    result[i + 1] = row_of(layer.path, trained[layer.path], labels, rows, o)
    result[i + 1].random_weights = fit(blank[layer.path], labels.given, rows, o)
  end
  return result
end

---@class mlp.probe.LinearOptions
---@field train number? share of the rows that probes are trained on; default 0.7
---@field seed integer? of who is, and of the controls; default 1
---@field l2 number? weight decay of the probe; default 1e-3
---@field iterations integer? of L-BFGS, at most; default 100
---@field batch_size integer? rows of the model at once; default 256

--- Linear probes of layers (Alain and Bengio 2016): how well a logistic regression on a layer's
--- standardised outputs finds the classes, on rows that it was not trained on. Beside each stand
--- two controls: the same with labels dealt out at random, which should be chance (and on the
--- training rows shows what the probe learns by heart), and the same in the model with random
--- weights, which is what the architecture gives away. The first row probes the input itself.
---
---     local probe = mlp.probe.linear(model, {"layers.1", "layers.2"}, test)
---     print(probe)
---     probe:figure():save "probe.svg"
---
--- Weights, modes and random streams are afterwards as they were. For random weights parameters
--- of two axes or more are drawn as layers draw them and biases are 0; other vectors stay.
---@param model mlp.nn.Module
---@param layers string[]? paths of modules; nil: all with an activation
---@param data mlp.data.Tensors inputs and classes from 1, one per row; better rows that the model
---  was not trained on
---@param options mlp.probe.LinearOptions?
---@return mlp.probe.LinearProbe
local function linear(model, layers, data, options)
  local o <const> = errors.options(CALL, options,
    { train = 0.7, seed = 1, l2 = 1e-3, iterations = 100, batch_size = 256 })
  if type(o.train) ~= "number" or o.train <= 0 or o.train >= 1 then
    errors.wanted(CALL, "train", o.train, "a fraction between 0 and 1")
  end
  local y <const> = labels_of(data)
  o.classes = y:max():item() // 1 | 0
  local watched <const> = watch.layers(CALL, model, layers)
  local seed <const>, serial <const> = core.random_state()
  core.manual_seed(o.seed)
  local dealt <const> = y:index_select(1, core.randperm(#y))
  local ok <const>, result <const> = pcall(probed, model, watched, data,
    { given = y, dealt = dealt }, o)
  core.set_random_state(nil, seed, serial)
  if not ok then error(result, 0) end
  return result
end

return linear
