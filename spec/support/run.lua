-- Starts busted under whatever Lua runs this file: `lua spec/support/run.lua [options] [spec...]`.
-- The busted on the path starts under the system's default Lua, which may be an older one.
require "busted.runner" { standalone = false }
