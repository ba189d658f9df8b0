--- Ctrl-C, for real: the signal, the error that the interpreter makes of it, and what is left.
local child <const> = require "spec.support.child"
local files <const> = require "spec.support.files"
local train <const> = require "spec.support.train"

--- Sends itself the signal at step 7, as a terminal would.
local SCRIPT <const> = [[
  local train = require "spec.support.train"
  local trainer = train.trainer()
  trainer:fit(train.data(), { epochs = 1000000, batch_size = 4, seed = 2, checkpoint = arg[1],
    checkpoint_every = 1000000, callbacks = { { on_step_end = function(event)
      if event.step == 7 then io.popen("kill -INT $PPID"):close() end
    end } } })
]]

local function temporary()
  local path <const> = files.temporary()
  finally(function() os.remove(path) end)
  return path
end

describe("Ctrl-C", function()
  it("ends the run and leaves a checkpoint from which it goes on to the same bits", function()
    local script <const>, path <const> = temporary(), temporary()
    files.write(script, SCRIPT)
    local output <const>, well <const> = child.lua(script, path)
    assert.is_false(well)
    if not output:find "interrupted!" then pending "this interpreter does not handle the signal" end
    local again <const> = train.trainer()
    assert(again:resume(path))
    local at <const> = again.steps
    assert.is_true(at >= 7)
    again:fit(train.data(), { steps = at + 5, batch_size = 4, seed = 2 })
    local whole <const> = train.trainer()
    whole:fit(train.data(), { steps = at + 5, batch_size = 4, seed = 2 })
    assert.are.equal(train.bits(whole.model), train.bits(again.model))
  end)
end)
