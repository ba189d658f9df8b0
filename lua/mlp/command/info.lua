-- mlp info: version, instruction set, OpenBLAS and what it was told.
local mlp <const> = require "mlp"

local info = { summary = "Tell the version, the instruction set and the OpenBLAS in use." }

function info.describe() end

function info.run(_, output)
  output:write(tostring(mlp.info()) .. "\n")
  return true
end

return info
