-- `make docs`, from the root: writes REFERENCE.md and lua/mlp/meta.lua.

require "mlp"

local WRITTEN <const> = {
  ["REFERENCE.md"] = require("spec.docs.markdown").reference,
  ["lua/mlp/meta.lua"] = require("spec.docs.meta").text,
}

for path, text in pairs(WRITTEN) do
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text()))
end
