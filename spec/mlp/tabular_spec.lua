-- Tables: what is found out about a file, that training learns from it, and that a saved estimator
-- says the same as the one that was saved.
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local json <const> = require "dkjson"
local mlp <const> = require "mlp"
local safetensors <const> = require "mlp.io.safetensors"
require "spec.support.approx"

local QUICK <const> = { hidden = { 16 }, epochs = 40, lr = 1e-2, folds = 1, ensemble = 1 }

local function with(options)
  local all <const> = {}
  for name, value in pairs(QUICK) do all[name] = value end
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

local function written(text)
  local path <const> = files.temporary()
  finally(function() os.remove(path) end)
  files.write(path, text)
  return path
end

-- Fruit: the kind follows from size and colour; every seventh weight is missing.
local function fruit(count)
  local lines <const> = { "size,colour,weight,kind" }
  for i = 1, count do
    local size <const>, is_red <const> = (i * 37 % 100) / 10, i % 2 == 0
    local kind <const> = size > 5 and (is_red and "apple" or "melon") or "berry"
    lines[#lines + 1] = ("%.1f,%s,%s,%s"):format(size, is_red and "red" or "green",
      i % 7 == 0 and "" or ("%.0f"):format(size * 100 + i % 5), kind)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- y = 3 a - 2 b + 100, in columns apart by semicolons, without names.
local function plane(count)
  local lines <const> = {}
  for i = 1, count do
    local a <const>, b <const> = i * 13 % 50 / 5, i * 29 % 70 / 7
    lines[i] = ("%.3f;%.3f;%.3f"):format(a, b, 3 * a - 2 * b + 100)
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("tabular.fit", function()
  it("learns classes from numbers and texts with gaps", function()
    local e <const> = assert(mlp.tabular.fit(written(fruit(240)), with()))
    assert.equal("classification", e.task)
    assert.equal("kind", e.target.name)
    assert.same({ "apple", "berry", "melon" }, e:class_names())
    assert.same({ "size", "colour", "weight" }, e.form.columns)
    assert.same({ "green", "red" }, e.form.classes.colour)
    assert.equal(4, #e.scale.mean)
    assert.equal(48, e.results.rows)
    assert.is_true(e.results.accuracy > 0.9)
    assert.is_true(e.results.baseline < 0.6)
    assert.is_true(e.epochs >= 1 and e.epochs <= #e.curves.validation)
  end)

  it("learns a number, in its own units, from any separator", function()
    local e <const> = assert(mlp.tabular.fit(written(plane(300)), with()))
    assert.equal("regression", e.task)
    assert.equal("column 3", e.target.name)
    assert.is_true(e.results.r2 > 0.95)
    assert.is_true(e.results.rmse < 0.25 * e.results.baseline)
  end)

  it("takes whole numbers for classes only where there are few", function()
    local function task(values)
      local lines <const> = { "x,y" }
      for i = 1, 60 do lines[#lines + 1] = ("%d,%s"):format(i, values(i)) end
      local path <const> = written(table.concat(lines, "\n"))
      return assert(mlp.tabular.fit(path, with { epochs = 1 })).task
    end
    assert.equal("classification", task(function(i) return i % 3 end))
    assert.equal("regression", task(function(i) return i end))
    assert.equal("regression", task(function(i) return i % 3 + 0.5 end))
  end)

  it("knows the first line of scikit-learn's tables", function()
    local lines <const> = { "60,2,no,yes" }
    for i = 1, 60 do lines[#lines + 1] = ("%d,%d,%d"):format(i, i % 7, i > 30 and 1 or 0) end
    local e <const> = assert(mlp.tabular.fit(written(table.concat(lines, "\n")), with()))
    assert.same({ "no", "yes" }, e:class_names())
    assert.equal("column 3", e.target.name)
  end)

  it("does not let test rows into the scales, and gives the same for the same seed", function()
    local path <const> = written(plane(100))
    local function once(seed)
      local e <const> = assert(mlp.tabular.fit(path, with { epochs = 3, seed = seed }))
      return e.scale.mean:tobytes() .. e:outputs { x = core.ones(3, 2) }:tobytes()
    end
    mlp.manual_seed(5)
    local first <const> = core.rand(3):tobytes()
    mlp.manual_seed(5)
    assert.equal(once(1), once(1))
    assert.equal(first, core.rand(3):tobytes()) -- the caller's stream is left alone
    assert.are_not.equal(once(1):sub(1, 8), once(2):sub(1, 8))
  end)

  it("keeps back every row once where there are few, and tells each epoch", function()
    local told <const> = { columns = 0, table = 0 }
    local e <const> = assert(mlp.tabular.fit(written(plane(50)), { hidden = { 4 }, epochs = 3,
      folds = 5, test = 0, ensemble = 1, on_epoch = function(epoch, training, kept, scaling)
        told[scaling] = told[scaling] + 1
        assert.equal(told[scaling], epoch)
        assert.is_true(training > 0 and kept > 0)
      end }))
    assert.same({ columns = 3, table = 3 }, told)
    assert.equal(50, e.trained_rows)
    assert.is_nil(e.results.rows)
  end)

  it("divides by deviations of columns or by one, whichever predicts rows kept back", function()
    local function chosen(noise, options)
      local lines <const> = { "a,b,c,d,e,f,g,y" }
      mlp.manual_seed(3)
      for _, r in ipairs(mlp.randn(80, 8):totable()) do
        local cells <const> = { r[1], r[1] + r[8] }
        for k = 2, 7 do table.insert(cells, k, noise * r[k]) end
        for k, cell in ipairs(cells) do cells[k] = ("%.5f"):format(cell) end
        lines[#lines + 1] = table.concat(cells, ",")
      end
      local e <const> = assert(mlp.tabular.fit(written(table.concat(lines, "\n")), with(options)))
      return e.scaling, e.scale.std
    end
    -- What is small beside the first column is noise: scales of their own would make it loud.
    local scaling, std = chosen(0.1)
    assert.equal("table", scaling)
    assert.equal(std:get(1), std:get(2))
    -- Loud, in another unit, it drowns the first column.
    scaling, std = chosen(1e3)
    assert.equal("columns", scaling)
    assert.is_true(std:get(2) > 100 * std:get(1))
    assert.equal("columns", (chosen(0.1, { scaling = "columns" })))
    assert.equal("table", (chosen(1e3, { scaling = "table" })))
  end)

  it("trains an ensemble of seeds, each as if alone, that answers by its mean", function()
    local function alike(text, average, shares)
      local path <const> = written(text)
      local function trained(seed, ensemble)
        return assert(mlp.tabular.fit(path, with { test = path, epochs = 1, seed = seed,
          ensemble = ensemble, scaling = "columns" }))
      end
      local both <const> = trained(1, 2)
      assert.equal("Ensemble", both.model.class_name)
      assert.equal(average, both.model.average)
      local x <const> = { x = mlp.rand(3, #both.scale.mean) }
      local sum <const> = shares(trained(1, 1):outputs(x)) + shares(trained(2, 1):outputs(x))
      assert.close(shares(both:outputs(x)), sum / 2)
      return both
    end
    alike(plane(60), "outputs", function(y) return y end)
    local both <const> = alike(fruit(60), "probabilities", function(y) return y:softmax(2) end)
    local html <const> = both:report():html()
    assert.matches("from each of 2 seeds", html, 1, true)
    assert.matches("Ensemble(mean of probabilities)", html, 1, true)
    local file <const> = files.temporary()
    finally(function() os.remove(file) end)
    assert(both:save(file))
    local x <const> = { x = mlp.rand(3, #both.scale.mean) }
    assert.equal(both:outputs(x):tobytes(), assert(mlp.tabular.load(file)):outputs(x):tobytes())
  end)

  it("takes a test file, a target by name, some columns and a network of one's own", function()
    local train <const>, test <const> = written(fruit(200)), written(fruit(90))
    local e <const> = assert(mlp.tabular.fit(train, with { test = test, target = "colour",
      columns = { "kind", "size" }, model = function(inputs, outputs)
        return mlp.nn.Sequential { mlp.nn.Linear(inputs, outputs) }
      end }))
    assert.equal(90, e.results.rows)
    assert.same({ "kind", "size" }, e.form.columns)
    assert.same({ "green", "red" }, e:class_names())
  end)

  it("answers nil and a sentence for trouble with files", function()
    local function refused(pattern, text, options)
      local e <const>, message <const> = mlp.tabular.fit(written(text), with(options))
      assert.is_nil(e)
      assert.matches(pattern, message)
    end
    refused("line 3 has 1 fields but the first line has 2", "a,b\n1,2\n3\n")
    refused("mlp.tabular: '.*': there is no column 'c'", "a,b\n1,2\n3,4\n", { target = "c" })
    refused("has 2 rows to learn from, fewer than 10", "a,b\n1,2\n3,4\n", { test = 0 })
    refused("'y' holds text, which regression", "x,y\n1,a\n2,b\n", { task = "regression" })
    local _, message <const> = mlp.tabular.fit "/no/such/file.csv"
    assert.matches("cannot open '/no/such/file.csv'", message, 1, true)
  end)

  it("raises for options that cannot be", function()
    local function refuses(pattern, options)
      assert.error_matches(function() mlp.tabular.fit("x.csv", options) end, pattern)
    end
    refuses("did you mean 'hidden'", { hiden = { 3 } })
    refuses("test is 2 but a share", { test = 2 })
    refuses("scaling is the string 'rows' but", { scaling = "rows" })
    refuses("validation is 0 but a share between", { validation = 0 })
    refuses("hidden is 3 but a list", { hidden = 3 })
    refuses("epochs is 0.5 but a whole number", { epochs = 0.5 })
    refuses("ensemble is 0 but a whole number", { ensemble = 0 })
    refuses("folds is 0 but a whole number", { folds = 0 })
    assert.error_matches(function()
      mlp.tabular.fit(written(plane(20)), with { task = "clustering" })
    end, '"classification" or "regression"')
  end)
end)

describe("a saved estimator", function()
  local function saved(text, options)
    local e <const> = assert(mlp.tabular.fit(written(text), with(options)))
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    assert(e:save(path))
    return e, path
  end

  it("predicts what it predicted before", function()
    local table_path <const> = written(fruit(60))
    local e <const>, path <const> = saved(fruit(200), { epochs = 10 })
    local again <const> = assert(mlp.tabular.load(path))
    local before <const>, p <const> = e:predict(table_path)
    local after <const>, q <const> = again:predict(table_path)
    assert.same(before, after)
    assert.equal(p:tobytes(), q:tobytes())
    assert.is_true(math.abs(p:sum():item() - 60) < 1e-3)
    assert.same(e.results, again.results)
    assert.same(e:evaluate(table_path), again:evaluate(table_path))
    assert.equal("MLP", assert(mlp.load(path)).class_name)
  end)

  it("finds its columns by name and needs no target", function()
    local _, path <const> = saved(fruit(100), { epochs = 2 })
    local e <const> = assert(mlp.tabular.load(path))
    local list <const> = assert(e:predict(written("weight,other,colour,size\n1,x,red,2\n")))
    assert.equal(1, #list)
    local function refused(pattern, text)
      local none <const>, message <const> = e:predict(written(text))
      assert.is_nil(none)
      assert.matches(pattern, message)
    end
    refused("no column 'size'", "weight,colour\n1,red\n")
    refused("'blue' is none of the given classes", "size,weight,colour\n1,2,blue\n")
    refused("'size' holds text", "size,weight,colour\nlarge,2,red\n")
  end)

  it("predicts numbers in their units", function()
    local e <const>, path <const> = saved(plane(300))
    local again <const> = assert(mlp.tabular.load(path))
    local list <const>, out <const> = again:predict(written(plane(20)))
    assert.equal(20, #list)
    assert.equal(out:get(3, 1), list[3])
    assert.is_true(math.abs(list[1] - (3 * 2.6 - 2 * 29 / 7 + 100)) < 3)
    assert.is_nil(e.target.classes)
    local many <const> = mlp.rand(600, 2) -- more rows than are asked at once
    assert.close(e:outputs({ x = many })[600], e:outputs({ x = many[{ { 600, 600 } }] })[1])
  end)

  it("is refused when it is damaged", function()
    local _, path <const> = saved(fruit(60), { epochs = 1 })
    local tensors <const>, metadata <const> = safetensors.load(path)
    local function refused(pattern, change)
      local spec = json.decode(metadata["mlp.table"])
      spec = change(spec) or spec
      assert(safetensors.save(path, tensors, { metadata = { ["mlp.model"] = metadata["mlp.model"],
        ["mlp.table"] = type(spec) == "string" and spec or json.encode(spec) } }))
      local e <const>, message <const> = mlp.tabular.load(path)
      assert.is_nil(e)
      assert.matches(pattern, message)
    end
    refused("it is no JSON", function() return "{" end)
    refused("it is no JSON object", function() return "3" end)
    refused("no task", function(s) s.task = "x" end)
    refused("no columns", function(s) s.columns = "x" end)
    refused("'mean' does not fit", function(s) s.mean[1] = nil end)
    refused("'std' does not fit", function(s) s.std[2] = "1" end)
    refused("'mean' does not fit", function(s) table.insert(s.columns, "more") end)
    refused("'mean' does not fit", function(s) s.classes[2] = 3 end)
    refused("target or the form", function(s) s.target = 3 end)
    refused("classes of its target", function(s) s.target_classes = {} end)
    refused("classes of its target", function(s) s.target_names = { "a" } end)
    refused("scale of its target", function(s) s.task = "regression" end)
    refused("does not fit its table", function(s) table.insert(s.target_classes, "x") end)
    refused("does not fit its table", function(s)
      table.remove(s.columns) table.remove(s.mean) table.remove(s.std)
    end)
    assert(mlp.nn.Linear(2, 2):save(path))
    local e <const>, message <const> = mlp.tabular.load(path)
    assert.is_nil(e)
    assert.matches("says nothing of a table; mlp.load reads its network", message)
  end)
end)

describe("the report of an estimator", function()
  it("is a page with columns, curves, results and mistakes", function()
    local e <const> = assert(mlp.tabular.fit(written(fruit(100)), with { epochs = 3 }))
    local html <const> = e:report("Fruit & <more>"):html()
    for _, words in ipairs { "Fruit &amp; &lt;more&gt;", "always the commonest class",
      "Linear(4 -&gt; 16, tanh)", "Learning curves", "2 classes: green, red", "predicted" } do
      assert.is_true(html:find(words, 1, true) ~= nil, words)
    end
    local number <const> = assert(mlp.tabular.fit(written(plane(60)), with { epochs = 2 }))
    assert.matches("root mean square error", number:report():html(), 1, true)
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    assert(e:save(path))
    assert.matches("The table", assert(mlp.tabular.load(path)):report():html(), 1, true)
  end)
end)
