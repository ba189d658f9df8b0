-- One picture of words, or the photograph, by the rates and sigmas of the paper: what each mapping
-- says of the pixels that it saw, and of those between.
local protocol <const>, words <const>, part <const> = ...
local mlp <const> = require "mlp"

local STEPS <const> = protocol.steps(2000)
local WINDOW <const>, ZOOM <const> = protocol.quick and 8 or 128, 2 -- pixels that the sheet shows
local MARGIN <const>, CELL <const> = 24, 2 -- of the sheet; a cell of its letters; in pixels

local function compare(name, picture, settings)
  local n <const> = #picture
  print(("%s, %d x %d: %d steps of %d of %d pixels"):format(name, n, n, STEPS, protocol.batch,
    n * n // 4))
  print(("%-12s %6s %6s   %-15s %-15s %s"):format("mapping", "rate", "sigma", "test PSNR, dB",
    "train PSNR, dB", "the paper's test, mean of 16"))
  local seen <const> = { protocol.every_second(picture, 1) }
  local between <const> = { protocol.every_second(picture, 2) }
  for i, mapping in ipairs(protocol.mappings) do
    local rate <const>, sigma <const> = settings.rate[mapping], settings.sigma[mapping]
    local got <const> = protocol.fit(picture, { mapping = mapping, sigma = sigma, rate = rate,
      steps = STEPS })
    print(("%-12s %6g %6s   %-15.2f %-15.2f %5.2f +- %.2f"):format(mapping, rate, sigma or "-",
      got.test, got.train, table.unpack(settings.paper[mapping])))
    seen[i + 1], between[i + 1] = got.train_answer(), got.test_answer()
  end
  return seen, between
end

-- The middle of a picture, each pixel as a square, with a margin. (tile, tile, 3)
local function tile_of(picture)
  local first <const> = (#picture - WINDOW) // 2 + 1
  local last <const> = first + WINDOW - 1
  local middle <const> = picture:slice(1, first, last):slice(2, first, last):clamp(0, 1)
  local side <const> = WINDOW * ZOOM
  local squares <const> = middle:reshape(WINDOW, 1, WINDOW, 1, 3)
    :expand(WINDOW, ZOOM, WINDOW, ZOOM, 3):reshape(side, side, 3)
  local tile <const> = mlp.ones(side + MARGIN, side + MARGIN, 3)
  tile:slice(1, MARGIN + 1, side + MARGIN):slice(2, MARGIN + 1, side + MARGIN):copy_(squares)
  return tile
end

-- Rows of pictures, each with its name above.
local function sheet_of(rows)
  local strips <const> = {}
  for i, row in ipairs(rows) do
    local tiles <const> = {}
    for j, picture in ipairs(row) do
      tiles[j] = tile_of(picture)
      local name <const> = (j == 1 and row.name or protocol.mappings[j - 1]):upper()
      words.write(tiles[j], name, { left = MARGIN, top = MARGIN // 4, cell = CELL })
    end
    strips[i] = mlp.cat(tiles, 2)
  end
  return mlp.cat(strips, 1)
end

local photograph <const> = protocol.photograph()
local seen, between
if part == "photograph" then
  seen, between = compare("photograph", photograph, protocol.natural)
else
  seen, between = compare("words", words.picture(#photograph, 1), protocol.text)
end
seen.name, between.name = "SEEN", "BETWEEN"
local file <const> = ("out/fourier_features_%s.png"):format(part)
assert(mlp.io.png.save(file, sheet_of { seen, between }))
print(file .. ": truth at pixels seen and between, and the mappings' answers")
