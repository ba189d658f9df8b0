-- A picture from its gradients alone, and from its Laplacian and its rim: the network never sees
-- what is inside, only how that changes (Sitzmann et al. 2020, section 4.1).
--   lua5.4 examples/poisson.lua [picture.png] [seconds for each]
-- Of long waves a second derivative has little: asked point by point, a network has the drawing
-- long before it has light and shade. But what a Laplacian adds up to in a box is what flows out
-- through the box's sides (Gauss), and of large boxes long waves are the most; so the third network
-- is asked for sums in boxes of all sizes. It never sees more than the second.
-- On the photograph that comes along, 60 seconds each on one core: 30.0 dB from the gradients, 10.7
-- and 25.6 from the Laplacian (31.6, 15.0 and 26.2 with light and contrast adjusted). What remains
-- of the last is a slow unevenness of light, and edges softer than those from the gradients.
-- Writes out/poisson.png: above, the truth, its derivatives to the right and down, and its
-- Laplacian; below, the picture from the gradients, its own derivative to the right, and the
-- pictures from the Laplacian, by points and by boxes.
local mlp = require "mlp"

local path = arg[1] or "examples/data/astronaut.png"
local seconds = tonumber(arg[2]) or 60
local LARGEST = 128 -- pixels of a side; more are averaged
local BATCH, WIDTH, RATE = 1024, 128, 5e-4
local RIM_BATCH = 256

-- ---- the picture and its differences ------------------------------------------------------------

local function grey_picture()
  local picture = assert(mlp.io.png.load(path, { dtype = "float32" }))
  local colours = (picture:size(3) - 1) // 2 * 2 + 1 -- without an alpha channel
  local grey = picture:slice(3, 1, colours):mean(3)
  local n = math.max(1, math.min(grey:size(1), grey:size(2)) // LARGEST)
  local height, width = grey:size(1) // n, grey:size(2) // n
  return grey:slice(1, 1, height * n):slice(2, 1, width * n)
    :reshape(height, n, width, n):mean(4):mean(2)
end
local truth = grey_picture()
local height, width = table.unpack(truth.shape)
local points = mlp.field.grid(height, width):reshape(height, width, 2)
local step = { 2 / width, 2 / height } -- of the coordinates, from a pixel to its neighbour

-- The columns (dimension 2) or rows (1) from one to another, counted from the end if below 0.
local function crop(x, dimension, from, to)
  return x:slice(dimension, from, to < 0 and x:size(dimension) + 1 + to or to)
end

-- A difference of neighbours is, to second order, the derivative halfway between them.
local function edges(axis)
  local along = 3 - axis -- x runs along the second dimension
  local function neighbours(x) return crop(x, along, 1, -2), crop(x, along, 2, -1) end
  local left, right = neighbours(truth)
  local from, to = neighbours(points)
  return ((from + to) / 2):reshape(-1, 2), (right - left) / step[axis]
end
local x_edges, x_slopes = edges(1)
local y_edges, y_slopes = edges(2)

-- The five-point Laplacian of what lies inside the rim.
local function laplacian()
  local function inner(x) return crop(crop(x, 1, 2, -2), 2, 2, -2) end
  local right, left = crop(crop(truth, 1, 2, -2), 2, 3, -1), crop(crop(truth, 1, 2, -2), 2, 1, -3)
  local below, above = crop(crop(truth, 1, 3, -1), 2, 2, -2), crop(crop(truth, 1, 1, -3), 2, 2, -2)
  local middle = inner(truth) * 2
  return inner(points):reshape(-1, 2),
    (left + right - middle) / step[1] ^ 2 + (above + below - middle) / step[2] ^ 2
end
local inner_points, bends = laplacian()

local function rim(x)
  local channels = x.ndim == 3 and x:size(3) or 1
  local parts = {}
  for i, side in ipairs { crop(x, 1, 1, 1), crop(x, 1, height, height), crop(x, 2, 1, 1),
    crop(x, 2, width, width) } do parts[i] = side:reshape(-1, channels) end
  return mlp.cat(parts, 1)
end
local rim_points, rim_values = rim(points), rim(truth):reshape(-1)

-- ---- three ways to supervise --------------------------------------------------------------------

-- Some of the points, and what is known there.
local function pick(of_points, values, count)
  local rows = mlp.randint(1, values:numel(), { count })
  return of_points:index_select(1, rows), values:reshape(-1):index_select(1, rows)
end

-- d/dx at some points, d/dy at others.
local function two_slopes(model, at_x, at_y)
  local slopes = mlp.field.gradient(model, mlp.cat({ at_x, at_y }, 1)) -- (N, 2)
  return slopes:slice(1, 1, #at_x):select(2, 1), slopes:slice(1, #at_x + 1, #slopes):select(2, 2)
end

local by_gradients = { name = "gradients" }

function by_gradients.pick()
  local at_x, of_x = pick(x_edges, x_slopes, BATCH)
  local at_y, of_y = pick(y_edges, y_slopes, BATCH)
  return at_x, at_y, of_x, of_y
end

function by_gradients.loss(model, at_x, at_y, of_x, of_y)
  local x, y = two_slopes(model, at_x, at_y)
  return mlp.mse(x, of_x) + mlp.mse(y, of_y)
end

-- Each error counts as a share of what it is the error of; what the rim says, so many times.
local function share(values) return 1 / values:square():mean():item() end
local RIM = share(rim_values)

local function rim_loss(model, at_rim, of_rim, times)
  return mlp.mse(model(at_rim):reshape(-1), of_rim) * (times * RIM)
end

local by_points = { name = "Laplacian, points", share = share(bends) }

-- Points anywhere among those of a grid, and what lies there between the four around. At the grid's
-- own points alone a network may take waves too short for the grid for longer ones, and the shorter
-- a wave, the less of it a second derivative asks for.
function by_points.pick()
  local rows, columns = table.unpack(bends.shape)
  local i, j = mlp.randint(1, rows - 1, { BATCH }), mlp.randint(1, columns - 1, { BATCH })
  local down, across, sum = mlp.rand(BATCH), mlp.rand(BATCH), 0
  local corner = (i - 1) * columns + j
  for di = 0, 1 do
    for dj = 0, 1 do
      local weight = (di == 1 and down or 1 - down) * (dj == 1 and across or 1 - across)
      sum = sum + bends:reshape(-1):index_select(1, corner + (di * columns + dj)) * weight
    end
  end
  local shift = mlp.stack({ across * step[1], down * step[2] }, 2)
  return inner_points:index_select(1, corner) + shift, sum, pick(rim_points, rim_values, RIM_BATCH)
end

function by_points.loss(model, at, bend, at_rim, of_rim)
  return mlp.mse(mlp.field.laplacian(model, at), bend) * by_points.share
    + rim_loss(model, at_rim, of_rim, 10)
end

-- Squares of pixels inside the rim, all of one side: `sums` (rows, columns) of the Laplacian by the
-- square's first pixel, and the `count` of squares that a step asks for.
local POINTS, FEWEST = 256, 4 -- on the sides of the boxes of a step; boxes

local function boxes_of(side)
  local rows, columns = table.unpack(bends.shape)
  local total = mlp.zeros(rows + 1, columns + 1, { dtype = "float64" }) -- above, left
  total:slice(1, 2, -1):slice(2, 2, -1):copy_(bends:to "float64":cumsum(1):cumsum(2))
  local strip = total:slice(1, 1 + side, -1) - total:slice(1, 1, rows + 1 - side)
  local sums = strip:slice(2, 1 + side, -1) - strip:slice(2, 1, columns + 1 - side)
  sums = sums:to "float32":contiguous()
  return { side = side, sums = sums, share = share(sums),
    count = math.max(POINTS // (4 * side), FEWEST) }
end

local by_boxes = { name = "Laplacian, boxes", sizes = {} }
do -- from boxes of most of the picture down to single pixels
  local side = (math.min(height, width) - 2) * 3 // 4
  while side >= 1 do
    table.insert(by_boxes.sizes, boxes_of(side))
    side = side // 2
  end
end

-- Random boxes: the edges in their left and right sides, in their upper and lower sides, as numbers
-- among x_edges and y_edges, and the sums inside.
local function some_boxes(boxes)
  local side, count = boxes.side, boxes.count
  local rows, columns = table.unpack(boxes.sums.shape)
  local i, j = mlp.randint(1, rows, { count, 1 }), mlp.randint(1, columns, { count, 1 })
  local along = mlp.arange(0, side - 1):reshape(1, side)
  local left = (i + along) * (width - 1) + j
  local top = (i - 1) * width + j + 1 + along
  local sums = boxes.sums:reshape(-1):index_select(1, ((i - 1) * columns + j):reshape(-1))
  return mlp.stack { left, left + side }:reshape(-1),
    mlp.stack { top, top + side * width }:reshape(-1), sums
end

function by_boxes.pick()
  local x, y, sums = {}, {}, {}
  for k, boxes in ipairs(by_boxes.sizes) do x[k], y[k], sums[k] = some_boxes(boxes) end
  local at_rim, of_rim = pick(rim_points, rim_values, RIM_BATCH)
  return x_edges:index_select(1, mlp.cat(x, 1)), y_edges:index_select(1, mlp.cat(y, 1)), at_rim,
    of_rim, table.unpack(sums)
end

function by_boxes.loss(model, at_x, at_y, at_rim, of_rim, ...)
  local loss, from = rim_loss(model, at_rim, of_rim, 40), 0
  local x, y = two_slopes(model, at_x, at_y)
  for k, boxes in ipairs(by_boxes.sizes) do
    local numbers = 2 * boxes.count * boxes.side
    local function outflow(slopes, axis) -- in pixels, as the sums are
      local sides = slopes:slice(1, from + 1, from + numbers)
        :reshape(2, boxes.count, boxes.side):sum(3)
      return (sides:select(1, 2) - sides:select(1, 1)) / step[axis]
    end
    loss = loss + mlp.mse(outflow(x, 1) + outflow(y, 2), (select(k, ...))) * boxes.share
    from = from + numbers
  end
  return loss
end

-- ---- the fits -----------------------------------------------------------------------------------

local function fit(way)
  mlp.manual_seed(1)
  local model = mlp.nn.Siren { 2, WIDTH, WIDTH, WIDTH, 1, omega_first = 30 }
  local adam = mlp.optim.Adam(model:parameters(), { lr = RATE })
  local update = mlp.compile(function(...)
    local loss = way.loss(model, ...)
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss
  end)
  local started, steps, loss = mlp.now(), 0
  repeat
    local done = math.min((mlp.now() - started) / seconds, 1)
    adam.factor = 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
    loss = update(way.pick())
    steps = steps + 1
  until mlp.now() - started >= seconds
  print(("%-18s %d parameters, %d steps in %g s, loss %.4g"):format(way.name,
    model:parameter_count(), steps, seconds, loss:item()))
  return model
end

local function render(model)
  return mlp.no_grad(function()
    return model(points:reshape(-1, 2)):reshape(height, width)
  end)
end

local function psnr(picture)
  return -10 * math.log((picture:clamp(0, 1) - truth):square():mean():item(), 10)
end

-- The picture times a number, plus a number: those that bring it closest to the truth.
local function adjusted(picture)
  local x, y = picture - picture:mean(), truth - truth:mean()
  return x * ((x * y):mean() / x:square():mean()) + truth:mean()
end

local function report(way, picture)
  print(("%-18s PSNR %.2f dB, %.2f dB with light and contrast adjusted"):format(way.name,
    psnr(picture), psnr(adjusted(picture))))
  return picture:clamp(0, 1)
end

print(("%s: %d x %d, grey, seed 1"):format(path, height, width))
local sloped_model = fit(by_gradients)
local sloped = render(sloped_model)
sloped = report(by_gradients, sloped + (truth:mean() - sloped:mean())) -- they leave a constant open
local pointed = report(by_points, render(fit(by_points)))
local boxed = report(by_boxes, render(fit(by_boxes)))

-- ---- the sheet ----------------------------------------------------------------------------------

local function shown(derivative, scale)
  local picture = derivative / (6 * (scale or derivative):square():mean():sqrt()) + 0.5
  local blank = mlp.full({ height, width }, 0.5)
  local rows, columns = table.unpack(picture.shape)
  local top, left = (height - rows) // 2, (width - columns) // 2
  blank:slice(1, top + 1, top + rows):slice(2, left + 1, left + columns):copy_(picture)
  return blank:clamp(0, 1)
end

local own = two_slopes(sloped_model, x_edges, y_edges):detach()
  :reshape(table.unpack(x_slopes.shape))

os.execute "mkdir -p out"
local above = { truth, shown(x_slopes), shown(y_slopes), shown(bends) }
local below = { sloped, shown(own, x_slopes), pointed, boxed }
local sheet = mlp.cat({ mlp.cat(above, 2), mlp.cat(below, 2) }, 1)
assert(mlp.io.png.save("out/poisson.png", sheet))
print "out/poisson.png"
