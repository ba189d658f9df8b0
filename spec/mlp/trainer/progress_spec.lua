--- Progress: a bar, lines, events or silence; never too often.
local child <const> = require "spec.support.child"
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local progress <const> = require "mlp.trainer.progress"
local train <const> = require "spec.support.train"

local function stream()
  local written <const> = {}
  return {
    text = function() return table.concat(written) end,
    write = function(_, ...)
      for _, part in ipairs { ... } do written[#written + 1] = part end
    end,
    flush = function() end,
  }
end

local function event(batch)
  return { epoch = 2, batch = batch, batches = 4, step = 9, loss = 1, mean_loss = 0.5, lr = 0.1 }
end

local function entry(epoch)
  return { epoch = epoch, step = 4 * epoch, train = { loss = 0.25, accuracy = 0.5 }, lr = 0.1,
    validation = { loss = 0.75, accuracy = 0.25 }, seconds = 1.25 }
end

describe("lines", function()
  it("come once per epoch and never per step", function()
    local out <const> = stream()
    local lines <const> = progress.on(out, 10, false)
    assert.is_false(lines:is_due())
    lines:epoch(entry(1))
    lines:epoch(entry(10))
    lines:close()
    assert.are.equal("epoch  1/10  loss 0.2500  accuracy 0.5000  |  validation loss 0.7500  "
      .. "accuracy 0.2500  |  lr 0.1  |  1.2 s\nepoch 10/10  loss 0.2500  accuracy 0.5000  |  "
      .. "validation loss 0.7500  accuracy 0.2500  |  lr 0.1  |  1.2 s\n", out.text())
  end)
end)

describe("the bar", function()
  it("is drawn over itself, within 79 columns, and leaves lines of epochs", function()
    local out <const> = stream()
    local bar <const> = progress.on(out, 10, true)
    assert.is_true(bar:is_due())
    assert.is_false(bar:is_due())
    bar:step(event(3))
    assert.are.equal("\repoch 2/10 [===============     ] 3/4  loss 0.5", out.text())
    bar:epoch(entry(2))
    local line <const> = out.text():match "\r([^\r]*)\n$"
    assert.matches("^epoch  2/10  loss 0.2500", line)
    bar:close()
    assert.is_nil(out.text():find "\n.*\n")
  end)

  it("ends its line when the run breaks off", function()
    local out <const> = stream()
    local bar <const> = progress.on(out, nil, true)
    bar:step(event(1))
    bar:close()
    assert.are.equal("\n", out.text():sub(-1))
  end)

  it("leaves few lines of many short epochs, but the last one", function()
    local out <const> = stream()
    local bar <const> = progress.on(out, 1000, true)
    for epoch = 1, 1000 do bar:epoch(entry(epoch)) end
    local _, lines <const> = out.text():gsub("\n", "")
    assert.is_true(lines < 20)
    assert.matches("epoch 1000/1000", out.text())
  end)
end)

describe("a function", function()
  it("gets events, those of steps not too often", function()
    local seen <const> = { step = {}, epoch = {} }
    local trainer <const> = train.trainer {
      progress = function(told) table.insert(seen[told.kind], told) end,
    }
    local start <const> = core.now()
    trainer:fit(train.data(), { epochs = 40, batch_size = 1 })
    assert.are.equal(40, #seen.epoch)
    assert.are.equal("number", type(seen.epoch[3].train.loss))
    assert.is_true(#seen.step >= 1 and #seen.step <= 1 + (core.now() - start) / 0.1)
    assert.are.equal(13, seen.step[1].batches)
  end)

  it("that fails ends the run with its error", function()
    local trainer <const> = train.trainer { progress = function() error("mine", 0) end }
    assert.has_error(function() trainer:fit(train.data(), { epochs = 1 }) end, "mine")
  end)
end)

describe("without a word, progress", function()
  --- What a script prints on stderr.
  local function printed(script)
    local path <const> = files.temporary()
    finally(function() os.remove(path) end)
    files.write(path, script .. [[

      local train = require "spec.support.train"
      local mlp = require "mlp"
      mlp.Trainer{ model = train.model(), loss = mlp.loss.mse, progress = PROGRESS }
        :fit(train.data(), { epochs = 3 })
    ]])
    local output <const>, well <const> = child.lua(path)
    assert.is_true(well, output)
    return output
  end

  local function count_lines(text) return select(2, text:gsub("\n", "")) end

  it("is one line per epoch in a script", function()
    assert.are.equal(3, count_lines(printed "PROGRESS = nil"))
    assert.are.equal(3, count_lines(printed "PROGRESS = true"))
  end)

  it("is silence in a host, and where it is switched off", function()
    assert.are.equal("", printed "PROGRESS = false")
    assert.are.equal("", printed "arg = nil")
    assert.are.equal(3, count_lines(printed "arg, PROGRESS = nil, true"))
  end)

  it("is silence where there is no stderr", function()
    assert.are.equal("", printed "io.stderr, PROGRESS = nil, true")
  end)
end)
