-- Fourier features let networks learn what changes fast, after Tancik et al. 2020 (arXiv
-- 2006.10739): a network of plain ReLU layers sees every second pixel, along both axes, and is
-- asked for the pixels between; its coordinates come bare, or as sines of few, many or random
-- frequencies.
--   lua5.4 examples/fourier_features.lua [photo.png] [quick] [part ...]
-- Parts, all but the last when none is named:
--   words     ten pictures of words on tilted lines at 256 x 256, sigma chosen on two others
--   level     the same on level lines, whose strokes run as positional frequencies do: along axes
--   text      one picture of words, at the photograph's size
--   photograph  the same of the photograph
--   sigma     the photograph's PSNR against sigma, for pixels seen and pixels between
--   batches   what a step of 512 random pixels learns beside a step of all, which the paper takes
-- The paper takes 2,000 steps of all pixels at 512 x 512; ours says steps and pixels above each
-- table. "quick" is for trying things out. Writes out/fourier_features_text.png,
-- out/fourier_features_photograph.png and out/fourier_features.svg (sigma).
local PARTS <const> = { words = "texts", level = "texts", text = "pictures",
  photograph = "pictures", sigma = "sigma", batches = "batches" }

local wanted = {}
local path, quick = "examples/data/astronaut.png", false
for _, word in ipairs { ... } do
  if word == "quick" then quick = true
  elseif PARTS[word] then wanted[#wanted + 1] = word
  else path = word end
end
if #wanted == 0 then wanted = { "words", "level", "text", "photograph", "sigma" } end

local folder <const> = debug.getinfo(1, "S").source:match "^@(.*)%.lua$" .. "/"
local function load_part(name) return assert(loadfile(folder .. name .. ".lua")) end
local words <const> = load_part "words"()
local protocol <const> = load_part "protocol"(quick, path)

os.execute "mkdir -p out"
for _, part in ipairs(wanted) do
  local started <const> = os.time()
  load_part(PARTS[part])(protocol, words, part)
  print(("%s: %d s\n"):format(part, os.difftime(os.time(), started)))
end
