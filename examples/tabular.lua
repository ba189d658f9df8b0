-- Any table: what its columns hold is found out, a network trained, and a page written that says
-- how good it is. The target is the last column, or the one that is named; it may also stand in a
-- file of its own.
--   lua5.4 examples/tabular.lua [table.csv [target column, or file with it]]
--   without a table: the handwritten digits that come with the examples
local mlp = require "mlp"
local csv = mlp.data.csv
os.execute "mkdir -p out"

local folder = (arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples"
local path, target = arg and arg[1] or folder .. "/data/digits.csv.gz", arg and arg[2]
local name = path:match "([^/.]*)[^/]*$"

-- A target in a file of its own becomes the last column of one table.
local other = target and io.open(target)
if other then
  other:close()
  local inputs = assert(csv.load(path, { separator = "auto" }))
  local numbers = assert(csv.load(target)).x
  path, target = ("out/tabular_%s.csv"):format(name), "target"
  local columns = table.move(inputs.order, 1, #inputs.order, 1, {})
  columns[#columns + 1] = target
  local rows = inputs.x:totable()
  for i, row in ipairs(rows) do row[#row + 1] = numbers:get(i, 1) end
  assert(csv.save(path, { columns = columns, rows = rows }))
end

local estimator = assert(mlp.tabular.fit(path, {
  target = target, -- nil: the last column
  epochs = math.tointeger(tonumber(arg and arg[3])), -- nil: as many as it takes
  on_epoch = function(epoch, training, kept, scaling)
    if epoch % 20 == 0 then
      print(("scaled by %-7s  epoch %3d  loss %.4f, on rows kept back %.4f"):format(scaling, epoch,
        training, kept))
    end
  end,
}))

local r = estimator.results
print(("%s: %s of '%s' from %d columns, %d rows to learn from"):format(name, estimator.task,
  estimator.target.name, #estimator.form.columns, estimator.trained_rows))
if estimator.task == "classification" then
  print(("accuracy %.4f on %d test rows; always the commonest class: %.4f"):format(r.accuracy,
    r.rows, r.baseline))
else
  print(("R2 %.4f, error %.4g on %d test rows; always the mean: error %.4g"):format(r.r2, r.rmse,
    r.rows, r.baseline))
end

-- Save here, predict there: the file knows the columns, their scales and the names of the classes.
local file, page = ("out/tabular_%s.safetensors"):format(name), ("out/tabular_%s.html"):format(name)
assert(estimator:save(file))
assert(estimator:report():save(page))
local again = assert(mlp.tabular.load(file))
print("the first rows, predicted:", table.concat(assert(again:predict(path)), ", ", 1, 3))
print(("wrote %s and %s; try: mlp predict %s %s"):format(page, file, file, path))
