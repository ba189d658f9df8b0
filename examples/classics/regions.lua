-- What two layers can fence in, and what three can: a unit is a half-plane, a second layer takes
-- what several half-planes share (a convex region), a third joins such pieces (any region).
--   lua5.4 examples/classics/regions.lua [quick]
local mlp <const> = require "mlp"
local plot <const> = mlp.plot
local SIDE <const> = ... == "quick" and 64 or 256
local DOUBLE <const> = { dtype = "float64" }
local certificate <const> = { disagreements = 0, points = 0 }

--- The network of convex pieces, lists of corners counter-clockwise: every edge is one hidden unit,
--- positive on its left; a piece is where all its edges agree.
local function network(pieces)
  local normals <const>, offsets <const>, members <const>, needed <const> = {}, {}, {}, {}
  for k, corners in ipairs(pieces) do
    members[k], needed[k] = {}, 0.5 - #corners
    for i, p in ipairs(corners) do
      local q <const> = corners[i % #corners + 1]
      local nx <const>, ny <const> = p[2] - q[2], q[1] - p[1]
      table.insert(normals, { nx, ny })
      table.insert(offsets, -(nx * p[1] + ny * p[2]))
      members[k][#normals] = 1
    end
  end
  for _, row in ipairs(members) do
    for unit = 1, #normals do row[unit] = row[unit] or 0 end
  end
  local W1 <const>, b1 <const> = mlp.tensor(normals, DOUBLE), mlp.tensor(offsets, DOUBLE)
  local W2 <const>, b2 <const> = mlp.tensor(members, DOUBLE), mlp.tensor(needed, DOUBLE)
  return function(points)
    local side <const> = points:linear(W1, b1, { activation = "step" })   -- of each line
    local pieces_score <const> = side:linear(W2, b2)                      -- AND: positive if all
    local answer <const> = (pieces_score:step():sum(2) - 0.5):step()      -- OR: any piece
    return answer, 0.5 - pieces_score:amax(2) -- and how many lines are missing
  end, #normals
end

--- The judge, who knows no network: is the number of edges that a ray to the right crosses odd?
local function judge(outlines, x, y)
  local inside = 0
  for _, corners in ipairs(outlines) do
    local p = corners[#corners]
    for _, q in ipairs(corners) do
      local between <const> = (p[2] > y) ~= (q[2] > y)
      if between and x < p[1] + (y - p[2]) / (q[2] - p[2]) * (q[1] - p[1]) then
        inside = 1 - inside
      end
      p = q
    end
  end
  return inside
end

local panels <const> = {}
--- Compares network and judge on a grid; the outline may be drawn otherwise than the pieces.
local function check(name, pieces, outlines)
  local net <const>, lines <const> = network(pieces)
  local grid <const>, wrong = {}, 0
  for n = 0, SIDE * SIDE - 1 do
    grid[n + 1] = { 3 * (n % SIDE + 0.5) / SIDE - 1.5, 3 * (n // SIDE + 0.5) / SIDE - 1.5 }
  end
  for n, answer in ipairs(net(mlp.tensor(grid, DOUBLE)):totable()) do
    if answer ~= judge(outlines, grid[n][1], grid[n][2]) then wrong = wrong + 1 end
  end
  certificate.points = certificate.points + #grid
  certificate.disagreements = certificate.disagreements + wrong
  print(("%-12s %2d lines, %d convex piece(s): %d of %d points disagree with the judge")
    :format(name, lines, #pieces, wrong, #grid))
  panels[#panels + 1] = plot.regions { function(points)
    local _, missing <const> = net(points:to "float64")
    return mlp.stack({ -missing, -(missing - 1):abs(), missing - 2 }, 2)
  end, x = { -1.5, 1.5 }, y = { -1.5, 1.5 }, title = name, width = 330, resolution = 240 }
end

local function polygon(n, x, y, radius, turn)
  local corners <const> = {}
  for i = 1, n do
    local angle <const> = 2 * math.pi * i / n + turn
    corners[i] = { x + radius * math.cos(angle), y + radius * math.sin(angle) }
  end
  return corners
end
local triangle <const>, hexagon <const> = polygon(3, 0, -0.2, 1.3, 0.5), polygon(6, 0, 0, 1.1, 0.1)
local wedge <const> = { { -1.1, -0.3 }, { 90, -61 }, { 90, 73 } } -- its third edge is far away
local low <const> = { { -1.21, -1.13 }, { 1.17, -1.13 }, { 1.17, -0.31 }, { -1.21, -0.31 } }
local tall <const> = { { -1.21, -1.13 }, { -0.41, -1.13 }, { -0.41, 1.27 }, { -1.21, 1.27 } }
local L <const> = { low[1], low[2], low[3], { -0.41, -0.31 }, tall[3], tall[4] }
local outer <const>, inner <const> = polygon(8, 0, 0, 1.31, 0.2), polygon(8, 0, 0, 0.67, 0.2)
local ring <const> = {}
for i = 1, 8 do ring[i] = { outer[i], outer[i % 8 + 1], inner[i % 8 + 1], inner[i] } end
local west <const>, east <const> = polygon(5, -0.7, 0.4, 0.7, 0.3), polygon(4, 0.8, -0.5, 0.6, 1)
check("triangle", { triangle }, { triangle })
check("hexagon", { hexagon }, { hexagon })
check("open wedge", { wedge }, { wedge })
check("L", { low, tall }, { L })
check("annulus", ring, { outer, inner })
check("two islands", { west, east }, { west, east })

os.execute "mkdir -p out"
assert(plot.grid { columns = 3, title = "Two layers fence in a convex region, three layers any",
  subtitle = "Blue: the network says inside. Orange: one line of a piece is missing. Green: more.",
  table.unpack(panels) }:save "out/classics_regions.svg")
return certificate
