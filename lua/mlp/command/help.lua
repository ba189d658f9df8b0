-- mlp help: what mlp.help says of a name of the library.
local mlp <const> = require "mlp"

local help = { summary = "Tell about a name of the library, or list all names." }

function help.describe(parser)
  parser:argument("name", "Such as linear, nn.Linear, loss.mse, activations.", nil):args "?"
end

function help.run(arguments, output)
  local words <const> = tostring(mlp.help(arguments.name))
  if words:find "^There is no help about" then
    return nil, (words:gsub("mlp%.help%(%)", "mlp help"))
  end
  output:write(words:gsub("\n*$", "\n"))
  return true
end

return help
