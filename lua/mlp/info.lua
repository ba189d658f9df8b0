--- What is in use: version, instruction set, BLAS, and what holds them back, in sentences.

local core <const> = require "mlp.core"

local info = {}

---@class mlp.BlasInfo
---@field library string OpenBLAS as it describes itself
---@field kernels string what it chose for this CPU
---@field threads integer that it may use
---@field pinned string? OPENBLAS_CORETYPE of the environment
---@field held_below boolean whether that holds its kernels below the CPU
---@field threads_kept boolean whether MLP_KEEP_BLAS_THREADS leaves its threads alone

---@class mlp.Info
---@field version string of this library
---@field lua string release of the Lua that runs it
---@field isa "generic"|"avx2"|"avx512" instruction set of our own loops
---@field cpu "generic"|"avx2"|"avx512" the best of them that this CPU runs
---@field blas mlp.BlasInfo
---@field warnings string[] sentences about what makes it slower than it could be
local Info = { __name = "mlp.Info" }
Info.__index = Info

local ABOUT <const> = { generic = "plain C", avx2 = "AVX2 with FMA", avx512 = "AVX-512" }

local function warnings_about(facts)
  local list <const>, blas <const> = {}, facts.blas
  if blas.held_below then
    list[#list + 1] = ("OPENBLAS_CORETYPE=%s holds OpenBLAS to %s kernels although this CPU "
      .. "has %s; unset it and matrix products may take half the time."):format(blas.pinned,
      blas.kernels, ABOUT[facts.cpu])
  end
  if facts.isa ~= facts.cpu then
    list[#list + 1] = ("MLP_ISA=%s holds our own loops to %s although this CPU has %s."):format(
      facts.isa, ABOUT[facts.isa], ABOUT[facts.cpu])
  end
  if blas.threads_kept then
    list[#list + 1] = ("MLP_KEEP_BLAS_THREADS is set: OpenBLAS keeps its %d threads, and no "
      .. "others are used."):format(blas.threads)
  end
  return list
end

--- What is in use here. The Lua prompt shows it as text; in scripts: print(mlp.info()).
---@return mlp.Info
function info.info()
  local facts <const> = core.info()
  return setmetatable({
    version = require("mlp").version, lua = facts.lua, isa = facts.isa, cpu = facts.cpu,
    blas = facts.blas, warnings = warnings_about(facts),
  }, Info)
end

function Info:__tostring()
  local lines <const> = {
    ("mlp %s on %s"):format(self.version, self.lua),
    ("instruction set  %s (this CPU's best: %s)"):format(ABOUT[self.isa], ABOUT[self.cpu]),
    ("matrix products  %s"):format(self.blas.library),
    ("                 %s kernels, %d thread%s"):format(self.blas.kernels, self.blas.threads,
      self.blas.threads == 1 and "" or "s"),
  }
  for _, warning in ipairs(self.warnings) do lines[#lines + 1] = "warning: " .. warning end
  return table.concat(lines, "\n")
end

return info
