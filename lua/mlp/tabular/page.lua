-- The report on an estimator: what the table holds, the network, the curves, how good it is on rows
-- that it has not seen, and where it fails.
local Ensemble <const> = require "mlp.nn.ensemble"
local metric <const> = require "mlp.metric"
local plot <const> = require "mlp.plot"
local report <const> = require "mlp.report"

local CLASSES_SHOWN <const> = 30 -- a larger confusion matrix cannot be read

local NAMES_SHOWN <const> = 8

local SCALINGS <const> = { columns = "every column divided by its own deviation",
  table = "all columns divided by one deviation" }

local function short_list(names)
  local text <const> = table.concat(names, ", ", 1, math.min(#names, NAMES_SHOWN))
  return #names > NAMES_SHOWN and ("%s and %d more"):format(text, #names - NAMES_SHOWN) or text
end

-- Names from the table are no marks of the report's prose.
local function plain(text) return (text:gsub("[\\`*%[%]]", "\\%0")) end

local function add_columns(page, e)
  local rows <const>, at = {}, 1
  for i, name in ipairs(e.form.columns) do
    local classes <const> = e.form.classes[name]
    rows[i] = { column = name, holds = classes and ("%d classes: %s"):format(#classes,
      short_list(classes)) or "numbers" }
    if not classes then
      rows[i].mean, rows[i]["divided by"] = e.scale.mean:get(at), e.scale.std:get(at)
    end
    at = at + (classes and #classes or 1)
  end
  page:heading "The table"
  page:text(("%d columns predict **%s**, %s."):format(#rows, plain(e.target.name),
    e.target.classes and ("one of %d classes: %s"):format(#e:class_names(),
      plain(short_list(e:class_names()))) or "a number"))
  page:table { columns = { "column", "holds", "mean", "divided by" }, rows = rows,
    caption = "Inputs; means, and deviations to divide by, are those of the training rows." }
end

local function add_training(page, e)
  page:heading "The network":code(e.model:summary { 1, #e.scale.mean })
  if not e.curves then return end
  local seeds <const> = getmetatable(e.model) == Ensemble
    and (", from each of %d seeds"):format(#e.model.members) or ""
  page:heading "Training":text(("The loss on rows kept back was least after epoch %d of %d, with "
    .. "%s; the network was then trained anew for as long on all training rows%s."):format(e.epochs,
    #e.curves.training, SCALINGS[e.scaling], seeds))
  page:figure(plot.lines { { y = e.curves.training, name = "training" },
    { y = e.curves.validation, name = "kept back" }, log_y = true, x_label = "epoch",
    y_label = "loss", title = "Learning curves" }, "Loss on rows trained on and on rows kept back.")
end

local function add_confusion(page, e, answer)
  if #e.target.classes > CLASSES_SHOWN then return end
  page:figure(plot.confusion { metric.confusion(answer, e.test.y), classes = e:class_names() },
    "What was taken for what.")
end

local function add_scatter(page, e, answer)
  local y <const> = e.test.y:to "float32"
  local low <const>, high <const> = y:amin():item(), y:amax():item()
  page:figure(plot.scatter { { x = y, y = answer:reshape(-1) },
    x_label = e.target.name, y_label = "predicted", title = "Predicted and true" },
    ("A perfect prediction would lie on the diagonal from %.4g to %.4g."):format(low, high))
end

local function add_results(page, e)
  if not e.results.rows then return end
  page:heading "On rows not seen in training"
  local of_class <const> = e.task == "classification"
  page:table { columns = { "measure", "value" }, rows = of_class and {
    { "accuracy", e.results.accuracy }, { "of always the commonest class", e.results.baseline },
  } or { { "R2", e.results.r2 }, { "root mean square error", e.results.rmse },
    { "of always the mean", e.results.baseline },
  }, caption = ("%d test rows."):format(e.results.rows) }
  if not e.test then return end
  local answer <const> = e:outputs(e.test);
  (of_class and add_confusion or add_scatter)(page, e, answer)
end

---@param e mlp.tabular.Estimator
---@param title string?
---@return mlp.report
return function(e, title)
  local page <const> = report { title = title or ("Predicting %s"):format(e.target.name),
    subtitle = e.trained_rows and ("A network trained on %d rows"):format(e.trained_rows) or nil }
  add_results(page, e)
  add_training(page, e)
  add_columns(page, e)
  return page
end
