local child <const> = require "spec.support.child"
local core <const> = require "mlp.core"
local mlp <const> = require "mlp"

-- What a process of its own says of itself under these variables.
local function info_under(environment)
  local script <const> = os.tmpname()
  local file <const> = assert(io.open(script, "w"))
  file:write 'print(require("mlp").info())'
  file:close()
  local plain <const> = { OPENBLAS_CORETYPE = "", MLP_ISA = "", MLP_KEEP_BLAS_THREADS = "" }
  for name, value in pairs(environment) do plain[name] = value end
  local output <const>, well <const> = child.lua_with(plain, script)
  os.remove(script)
  assert(well, output)
  return output
end

describe("mlp.info", function()
  it("has the facts as fields", function()
    local info <const> = mlp.info()
    assert.equal(mlp.version, info.version)
    assert.matches("^Lua 5%.4", info.lua)
    assert.matches("OpenBLAS", info.blas.library)
    assert.is_true(info.blas.threads >= 1)
    assert.equal(core.info().isa, info.isa)
  end)

  it("reads as text", function()
    local text <const> = tostring(mlp.info())
    assert.matches("^mlp %S+ on Lua 5%.4", text)
    assert.matches("instruction set", text)
    assert.matches("kernels, %d+ thread", text)
  end)

  it("warns of nothing when nothing is held back", function()
    assert.not_matches("warning", info_under {})
  end)

  it("warns when OPENBLAS_CORETYPE holds the kernels below the CPU", function()
    if core.info().cpu ~= "avx512" or not core.info().blas.library:find "DYNAMIC_ARCH" then
      return pending "this machine has nothing below its own kernels to hold them to"
    end
    local text <const> = info_under { OPENBLAS_CORETYPE = "Haswell" }
    assert.matches("warning: OPENBLAS_CORETYPE=Haswell holds OpenBLAS to Haswell kernels", text)
  end)

  it("warns when MLP_ISA lowers the loops", function()
    if core.info().cpu == "generic" then return pending "there is nothing lower" end
    assert.matches("warning: MLP_ISA=generic holds our own loops to plain C",
      info_under { MLP_ISA = "generic" })
  end)

  it("says that the threads of OpenBLAS are left alone", function()
    assert.matches("warning: MLP_KEEP_BLAS_THREADS is set",
      info_under { MLP_KEEP_BLAS_THREADS = "1" })
  end)
end)
