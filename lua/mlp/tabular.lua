--- Tables: from a CSV file to a trained network in one call, and from its file to predictions.
--- What the columns hold is found out: numbers are brought to mean 0 and a deviation about 1, a
--- missing one becomes the mean, texts become one input per class. Scales are learned from the
--- training rows alone. Whether each column is divided by its own deviation or all by one, as
--- columns of one unit may want it, and how long to train, are found on rows kept back, in turn
--- where there are few; then training begins anew on all training rows, from several seeds: the
--- mean of what the networks say is right more often than one of them.

local core <const> = require "mlp.core"
local data <const> = require "mlp.data"
local Ensemble <const> = require "mlp.nn.ensemble"
local errors <const> = require "mlp.errors"
local losses <const> = require "mlp.loss"
local metric <const> = require "mlp.metric"
local MLP <const> = require "mlp.nn.mlp"
local Module <const> = require "mlp.nn.module"
local page <const> = require "mlp.tabular.page"
local record <const> = require "mlp.tabular.record"
local safetensors <const> = require "mlp.io.safetensors"
local source <const> = require "mlp.tabular.source"
local state <const> = require "mlp.nn.state"
local Trainer <const> = require "mlp.trainer"

---@class mlp.tabular
local tabular = {}

local FEW_ROWS <const>, FOLDS <const> = 2000, 5 -- below, one part is too few to say when to stop
local LEAST_ROWS <const> = 10
local ROWS_AT_ONCE <const> = 256 -- of a prediction

--- A network together with what it knows of its table.
---@class mlp.tabular.Estimator
---@field model mlp.nn.Module takes scaled inputs; of several networks an mlp.nn.Ensemble
---@field task "classification"|"regression"
---@field form table how its columns are read: names in order, classes of text columns
---@field target {name: string, classes: string[]?, names: string[]?}
---@field scale mlp.data.Scaler of the inputs
---@field target_scale mlp.data.Scaler? of a number that is predicted
---@field scaling "columns"|"table" whether each column has a deviation of its own; not saved
---@field epochs integer? that the weights were trained for; not saved
---@field curves {training: number[], validation: number[]}? mean losses of the folds, epoch by
---  epoch; not saved
---@field results table<string, number|integer> on the test rows: rows, accuracy and baseline (the
---  commonest class); or r2, rmse and baseline (the mean's error)
local Estimator = { __name = "mlp.tabular.Estimator" }
Estimator.__index = Estimator

-- ---- inputs and targets -------------------------------------------------------------------------

local function inputs_of(e, table_of) return e.scale:apply(table_of.x) end

local function targets_of(e, y)
  if e.task == "classification" then return y end
  return e.target_scale:apply(y:to("float32"):reshape(-1, 1))
end

local function set_of(e, table_of)
  return data.tensors(inputs_of(e, table_of), targets_of(e, table_of.y))
end

--- The rows of a table at positions: what the rest of this file needs of it.
local function part_of(table_of, positions)
  return { x = table_of.x:index_select(1, positions), y = table_of.y:index_select(1, positions),
    rows = #positions }
end

-- The positions of the rows of each part, dealt out by the seed, classes in proportion.
local function positions_of(table_of, shares, o, task)
  local all <const> = data.tensors(core.arange(1, table_of.rows, { dtype = "int64" }))
  local parts <const> = { data.split(all, shares, { seed = o.seed,
    stratify = task == "classification" and table_of.y or nil }) }
  for k, part in ipairs(parts) do parts[k] = part.tensors[1] end
  return parts
end

-- The same means, and one deviation for all columns: the root of their mean variance.
local function of_table(scale)
  local std <const> = scale.std
  local one <const> = (std * std):mean():sqrt()
  return data.scaler { mean = scale.mean, std = one:expand(std.shape):clone(),
    missing = scale.missing }
end

-- The scales to try, by name.
local function scales_of(o, training)
  local own <const> = data.scaler(training.x, { missing = "mean" })
  if o.scaling == "columns" then return { columns = own } end
  if o.scaling == "table" then return { table = of_table(own) } end
  return { columns = own, table = #own.mean > 1 and of_table(own) or nil }
end

-- ---- training -----------------------------------------------------------------------------------

local function model_of(e, o, inputs)
  local outputs <const> = e.target.classes and #e.target.classes or 1
  if type(o.model) == "function" then
    local model <const> = o.model(inputs, outputs)
    if not Module.is(model) then
      errors.wanted("tabular.fit", "what model() made", model, "a module")
    end
    return model
  end
  local widths <const> = { inputs, table.unpack(o.hidden) }
  widths[#widths + 1] = outputs
  widths.activation, widths.dropout = o.activation, o.dropout
  return MLP(widths)
end

local function trainer_of(e, o, inputs, seed)
  core.manual_seed(seed)
  return Trainer { model = model_of(e, o, inputs), optimizer = o.optimizer, lr = o.lr,
    loss = e.task == "classification" and losses.cross_entropy or losses.mse, progress = false }
end

-- Rows to train on and rows that say when to stop, with a trainer of their own: one pair, or as
-- many as there are folds, each row being kept back once.
local function folds_of(e, o, training)
  local count <const> = o.folds or training.rows < FEW_ROWS and FOLDS or 1
  local shares <const> = { 1 - o.validation, o.validation }
  if count > 1 then
    for k = 1, count do shares[k] = 1 / count end
  end
  local parts <const>, folds <const> = positions_of(training, shares, o, e.task), {}
  for k = count > 1 and 1 or 2, #parts do
    local others <const> = {}
    for j, part in ipairs(parts) do
      if j ~= k then others[#others + 1] = part end
    end
    folds[#folds + 1] = { trainer = trainer_of(e, o, training.x:size(2), o.seed),
      training = set_of(e, part_of(training, core.cat(others, 1))),
      validation = set_of(e, part_of(training, parts[k])) }
  end
  return folds
end

local function fit(trainer, set, o, epochs, seed)
  return trainer:fit(set, { epochs = epochs, batch_size = o.batch_size, seed = seed })
end

-- One epoch of every fold: mean loss in training and on the rows kept back.
local function step(folds, o, epoch)
  local training, validation, rows = 0, 0, 0
  for _, fold in ipairs(folds) do
    training = training + fit(fold.trainer, fold.training, o, 1, o.seed + epoch)[1].train.loss
    local kept <const> = #fold.validation
    validation = validation + kept * fold.trainer:evaluate(fold.validation).loss
    rows = rows + kept
  end
  return training / #folds, validation / rows
end

-- The count of epochs after which the loss on rows kept back was least, and that loss. The folds
-- train in step.
local function find_epochs(e, o, training)
  local folds <const>, curves <const> = folds_of(e, o, training), { training = {}, validation = {} }
  local best, least = 1, math.huge
  for epoch = 1, o.epochs do
    curves.training[epoch], curves.validation[epoch] = step(folds, o, epoch)
    if o.on_epoch then
      o.on_epoch(epoch, curves.training[epoch], curves.validation[epoch], e.scaling)
    end
    if curves.validation[epoch] < least then best, least = epoch, curves.validation[epoch] end
    if epoch - best >= o.patience then break end
  end
  return best, least, curves
end

-- Keeps the scale, of those to try, with which the loss on rows kept back came lowest, and how long
-- that took.
local function find_settings(e, o, training)
  local scales <const>, lowest = scales_of(o, training), math.huge
  local kept
  for _, name in ipairs { "columns", "table" } do
    e.scaling, e.scale = name, scales[name]
    local epochs, least, curves
    if e.scale then epochs, least, curves = find_epochs(e, o, training) end
    if e.scale and (least < lowest or not kept) then
      kept, lowest = { scaling = name, scale = e.scale, epochs = epochs, curves = curves }, least
    end
  end
  for name, value in pairs(kept) do e[name] = value end
end

-- A network trained on all training rows; the seed says its first weights and the order of rows.
local function network_of(e, o, training, seed)
  local trainer <const> = trainer_of(e, o, training.x:size(2), seed)
  fit(trainer, set_of(e, training), o, e.epochs, seed)
  return trainer.model
end

local function train(e, o, training)
  find_settings(e, o, training)
  local networks <const> = {}
  for k = 1, o.ensemble do networks[k] = network_of(e, o, training, o.seed + k - 1) end
  local average <const> = e.task == "classification" and "probabilities" or "outputs"
  e.model = (#networks == 1 and networks[1] or Ensemble(networks, { average = average })):eval()
end

-- What one would say without looking at the inputs: the commonest class, the mean.
local function baseline(e, training, y)
  if e.task == "regression" then
    local off <const> = y:to "float32" - training.y:to("float32"):mean()
    return (off * off):mean():sqrt():item()
  end
  local counts <const> = core.one_hot(training.y, #e.target.classes):to("float32"):sum(1)
  return y:eq(counts:argmax()):to("float32"):mean():item()
end

local function measure(e, table_of)
  local answer <const>, y <const> = e:outputs(table_of), table_of.y
  if e.task == "classification" then
    return { rows = table_of.rows, accuracy = metric.accuracy(answer, y) }
  end
  local numbers <const> = y:to("float32"):reshape(-1, 1)
  return { rows = table_of.rows, r2 = metric.r2(answer, numbers),
    rmse = metric.rmse(answer, numbers) }
end

-- ---- options ------------------------------------------------------------------------------------

---@class mlp.TabularOptions
---@field target string|integer|nil the column to predict, by name or position; default the last
---@field task "classification"|"regression"|nil default: texts and few different whole numbers are
---  classes
---@field columns table? the columns to learn from, by name or position; default all
---@field categories table? columns of numbers that are names
---@field missing_cells string[]? texts that mean "missing"; default as mlp.data.csv
---@field separator string? between columns; default "auto"
---@field header boolean|"auto"|nil whether the first line names the columns; default "auto"
---@field test number|string|nil share of rows that are kept for the test (0.2; 0 for none), or
---  another file
---@field folds integer? parts of the training rows that are kept back in turn to say when to stop;
---  default 5 below 2,000 rows, else 1
---@field ensemble integer? networks that are trained on all training rows, from seed, seed + 1 and
---  so on, and answer by their mean (5)
---@field scaling "auto"|"columns"|"table"|nil whether each column is divided by its own deviation,
---  or all by one, the root of their mean variance; default "auto": whichever has the lower loss on
---  rows kept back
---@field validation number? with one fold, the share that is kept back (0.15)
---@field hidden integer[]? widths of the hidden layers ({128, 64})
---@field activation string? of the hidden layers ("tanh")
---@field dropout number? after hidden layers (0)
---@field model (fun(inputs: integer, outputs: integer): mlp.nn.Module)? makes another network
---@field optimizer string? "adamw"
---@field lr number? 1e-3
---@field batch_size integer? 32
---@field epochs integer? at most (400)
---@field patience integer? epochs without a better validation loss (20)
---@field seed integer? of split, weights and order (1)
---@field on_epoch fun(epoch: integer, training: number, validation: number, scaling: string)? is
---  told the losses, for each scaling that is tried

local DEFAULTS <const> = { target = -1, task = errors.NONE, columns = errors.NONE,
  categories = errors.NONE, missing_cells = errors.NONE, separator = "auto", header = "auto",
  test = 0.2, validation = 0.15, hidden = { 128, 64 }, activation = "tanh", dropout = 0,
  model = errors.NONE, optimizer = "adamw", lr = 1e-3, batch_size = 32, epochs = 400,
  patience = 20, seed = 1, ensemble = 5, folds = errors.NONE, scaling = "auto",
  on_epoch = errors.NONE }

local SCALINGS <const> = { auto = true, columns = true, table = true }

local function is_share(value, least)
  return math.type(value) ~= nil and value >= least and value < 1
end

local function check(options)
  local call <const> = "tabular.fit"
  local o <const> = errors.options(call, options, DEFAULTS)
  if type(o.test) ~= "string" and not is_share(o.test, 0) then
    errors.wanted(call, "test", o.test, "a share from 0 up to 1, or the name of a file")
  end
  if not is_share(o.validation, 0) or o.validation == 0 then
    errors.wanted(call, "validation", o.validation, "a share between 0 and 1")
  end
  if not SCALINGS[o.scaling] then
    errors.wanted(call, "scaling", o.scaling, '"auto", "columns" or "table"')
  end
  if type(o.hidden) ~= "table" then errors.wanted(call, "hidden", o.hidden, "a list of widths") end
  for _, name in ipairs { "epochs", "patience", "batch_size", "folds", "ensemble" } do
    if o[name] ~= nil and (math.type(o[name]) ~= "integer" or o[name] < 1) then
      errors.wanted(call, name, o[name], "a whole number from 1")
    end
  end
  if o.model ~= nil and type(o.model) ~= "function" then
    errors.wanted(call, "model", o.model, "a function (inputs, outputs) that makes a module")
  end
  return o
end

-- The training rows and the test rows (nil for none).
local function parts(e, o, read)
  if type(o.test) == "string" then
    local test <const>, message <const> = source.again(o.test, e.form, e.target)
    return test and read.data, test or message
  end
  if o.test == 0 then return read.data, nil end
  local training <const>, test <const> =
    table.unpack(positions_of(read.data, { 1 - o.test, o.test }, o, e.task))
  return part_of(read.data, training), part_of(read.data, test)
end

-- Training draws from a stream of its own seed; the caller's goes on as if nothing had been drawn.
local function kept_stream()
  local seed <const>, serial <const> = core.random_state()
  return setmetatable({}, { __close = function() core.set_random_state(nil, seed, serial) end })
end

--- Trains a network on a CSV file. The same file, options and seed give the same network.
---
---     local flowers = assert(mlp.tabular.fit("iris.csv", {target = "species"}))
---     print(flowers.results.accuracy)
---     assert(flowers:save "iris.safetensors")
---@param path string a CSV file, plain or packed by gzip
---@param options mlp.TabularOptions?
---@return mlp.tabular.Estimator? estimator
---@return string? message what is wrong with a file, by line and column
function tabular.fit(path, options)
  local o <const> = check(options)
  local read <const>, message <const> = source.read(path, o)
  if not read then return nil, message end
  local e <const> = setmetatable({ task = read.task, form = read.form, target = read.target,
    results = {} }, Estimator)
  local training <const>, test <const> = parts(e, o, read)
  if not training then return nil, test end
  if training.rows < LEAST_ROWS then
    return nil, ("tabular.fit: '%s' has %d rows to learn from, fewer than %d"):format(path,
      training.rows, LEAST_ROWS)
  end
  local _ <close> = kept_stream()
  if e.task == "regression" then
    e.target_scale = data.scaler(training.y:to("float32"):reshape(-1, 1))
  end
  train(e, o, training)
  e.trained_rows = training.rows
  if test then
    e.test = test
    e.results = measure(e, test)
    e.results.baseline = baseline(e, training, test.y)
  end
  return e
end

-- ---- using it -----------------------------------------------------------------------------------

--- What the network says about rows as they stand in the table: logits (rows, classes), or numbers
--- (rows, 1) in the units of the target.
---@param table_of mlp.data.Csv|{x: mlp.Tensor} x: (rows, inputs), not scaled
---@return mlp.Tensor
function Estimator:outputs(table_of)
  local _ <close> = core.no_grad_scope()
  local outputs <const> = {}
  for i, rows in ipairs(inputs_of(self, table_of):split(ROWS_AT_ONCE)) do
    outputs[i] = self.model(rows)
  end
  local out <const> = core.cat(outputs, 1)
  return self.target_scale and self.target_scale:inverse(out) or out
end

--- Reads a file with the columns of the table that was learned from; others are left aside.
---@param path string
---@return mlp.data.Csv? table
---@return string? message
function Estimator:read(path) return source.again(path, self.form) end

--- Predicts the target of every row of a file.
---@param path string a CSV file with the columns of the table that was learned from
---@return (string|number)[]? predictions names of classes, or numbers
---@return mlp.Tensor|string probabilities (rows, classes) in the order of class_names(); of
---  numbers the outputs (rows, 1); or the message
function Estimator:predict(path)
  local table_of <const>, message <const> = self:read(path)
  if not table_of then return nil, message end
  local out <const> = self:outputs(table_of)
  if self.task == "regression" then return out:reshape(-1):totable(), out end
  local names <const>, list <const> = self:class_names(), {}
  for i, class in ipairs(out:argmax(2):totable()) do list[i] = names[class] end
  return list, out:softmax(2)
end

--- What the classes are called.
---@return string[]
function Estimator:class_names() return self.target.names or self.target.classes or {} end

--- Loss-free measures on another file that holds the target: rows and accuracy, or rows, r2, rmse.
---@param path string
---@return table<string, number>? results
---@return string? message
function Estimator:evaluate(path)
  local table_of <const>, message <const> = source.again(path, self.form, self.target)
  if not table_of then return nil, message end
  return measure(self, table_of)
end

--- Writes the network and what it knows of its table; tabular.load reads it, and mlp.load the
--- network alone.
---@param path string
---@param options {dtype: string|table<string, string>|nil}? as of mlp.io.safetensors.save
---@return true?, string? message
function Estimator:save(path, options)
  local o <const> = errors.options("tabular: save", options, { dtype = errors.NONE })
  return state.save(self.model, path, { dtype = o.dtype,
    about = { [record.KEY] = record.text(self) } })
end

--- The training as a page: the columns, the network, the curves, how good it is and where it fails.
---@param title string? default: of what it predicts
---@return mlp.report
function Estimator:report(title) return page(self, title) end

--- Reads an estimator that was saved. Nothing in the file is executed.
---@param path string
---@return mlp.tabular.Estimator? estimator
---@return string? message
function tabular.load(path)
  local tensors <const>, metadata <const> = safetensors.load(path)
  if not tensors then return nil, metadata --[[@as string]] end
  if not metadata[record.KEY] then
    return nil, ("tabular: '%s' says nothing of a table; mlp.load reads its network"):format(path)
  end
  local fields <const>, fault <const> = record.read(metadata[record.KEY])
  if not fields then return nil, ("tabular: '%s': %s"):format(path, fault) end
  local model <const>, message <const> = state.rebuild(path)
  if not model then return nil, message end
  fields.model = model
  local e <const> = setmetatable(fields, Estimator)
  local ok <const>, out <const> = pcall(e.outputs, e, { x = core.zeros(1, #fields.scale.mean) })
  if not ok or out:size(-1) ~= math.max(1, #e:class_names()) then
    return nil, ("tabular: '%s': its network does not fit its table"):format(path)
  end
  return e
end

return tabular
