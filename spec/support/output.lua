-- Busted's own report, followed by one plain line that people and machines can read alike:
--   12 passed, 0 failed, 1 skipped
-- An error, wherever it happened, counts as a failure; a pending test as skipped.

local term <const> = require "term"

return function(options)
  local busted <const> = require "busted"
  local name <const> = term.isatty(io.stdout) and "utfTerminal" or "plainTerminal"
  local handler <const> = require("busted.outputHandlers." .. name)(options)

  busted.subscribe({ "suite", "end" }, function()
    io.write(("\n%d passed, %d failed, %d skipped\n"):format(handler.successesCount,
      handler.failuresCount + handler.errorsCount, handler.pendingsCount))
    return nil, true
  end)

  return handler
end
