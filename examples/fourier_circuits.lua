-- Networks that add k numbers modulo p, after Li, Liang, Shi, Song and Zhou 2024, "Fourier Circuits
-- in Neural Networks and Transformers: A Case Study of Modular Arithmetic with Multiple Inputs"
-- (arXiv 2402.09469), in one page: circuits of cosines are built, and have the widest margin that
-- there is; networks are trained, and turn out to have found cosines; so does attention.
--   lua5.4 examples/fourier_circuits.lua [quick] [built trained sweep attention grokking large]
--                                        [seeds=3] [k=2345] [steps=20000]
-- Without names the first four parts run, in 25 minutes of one busy core; 18 of these are the
-- sweep's. "grokking" takes an hour or two (k= picks among its sums, steps= and seeds= shorten it),
-- "large" some minutes: the paper's own sizes. "quick" is for trying things out.
local wanted <const>, options <const> = {}, {}
local quick = false
for _, word in ipairs { ... } do
  local name <const>, value <const> = word:match "^(%w+)=(.*)$"
  if name then options[name] = value
  elseif word == "quick" then quick = true
  else wanted[#wanted + 1] = word end
end
if #wanted == 0 then wanted[1], wanted[2], wanted[3], wanted[4] = "built", "trained", "sweep",
  "attention" end

local folder <const> = debug.getinfo(1, "S").source:match "^@(.*)%.lua$" .. "/"
local function load_part(name) return assert(loadfile(folder .. name .. ".lua", "t", _ENV)) end
local command <const> = table.concat({ "lua5.4 examples/fourier_circuits.lua", ... }, " ")
local study <const> = load_part "study"()(quick, options, command)

os.execute "mkdir -p out"
for _, name in ipairs(wanted) do
  local started <const> = os.time()
  load_part(name)(study, folder)
  print(("%s: %d s"):format(name, os.difftime(os.time(), started)))
end
assert(study.page:save "out/fourier_circuits.html")
print "the report: out/fourier_circuits.html"
return study.certificate
