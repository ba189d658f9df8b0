-- How a network adds modulo 23: the figures and tables of He, Wang, Chen and Yang 2026, "On the
-- Mechanism and Dynamics of Modular Addition" (arXiv 2602.16849), ours beside theirs, in one page:
-- what the trained network computes, how its frequencies were chosen, why it generalises late.
--   lua5.4 examples/modular_addition.lua [quick] [mechanism dynamics grokking roles moduli large]
-- Without names the first five parts run, in six to seven minutes; "large" is p = 97 and takes
-- three more. "quick" is a small network and few steps, for trying things out: its numbers mean
-- nothing.
local quick, wanted = false, {}
for _, word in ipairs(arg or {}) do
  if word == "quick" then quick = true else wanted[#wanted + 1] = word end
end
if #wanted == 0 then wanted = { "mechanism", "dynamics", "grokking", "roles", "moduli" } end

local folder <const> = ((arg and arg[0] or ""):match "^(.*)/[^/]*$" or "examples")
  .. "/modular_addition/"
local Study <const> = dofile(folder .. "study.lua")
local study <const> = Study(quick, folder)
os.execute "mkdir -p out"

for _, name in ipairs(wanted) do
  local started <const> = study.clock()
  assert(loadfile(folder .. name .. ".lua"))(study)
  print(("%s: %s\n"):format(name, study.clock(started)))
end
assert(study.page:save "out/modular_addition.html")
print "the report: out/modular_addition.html"
