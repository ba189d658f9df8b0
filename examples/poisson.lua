-- A picture from its gradients alone, and from its Laplacian and its rim: the network never sees
-- what is inside, only how that changes (Sitzmann et al. 2020, section 4.1).
--   lua5.4 examples/poisson.lua [picture.png] [seconds for each]
-- Of long waves a second derivative has little, so they are learned last: what comes of the
-- Laplacian has the drawing long before it has the light and shade.
-- Writes out/poisson.png: above, the truth, its derivatives to the right and down, and its
-- Laplacian; below, the picture from the gradients, its own two derivatives, and the picture from
-- the Laplacian.
local mlp = require "mlp"

local path = arg[1] or "examples/data/astronaut.png"
local seconds = tonumber(arg[2]) or 60
local LARGEST = 128 -- pixels of a side; more are averaged
local BATCH, WIDTH, RATE = 1024, 128, 1e-3

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

-- ---- two ways to supervise ----------------------------------------------------------------------

local function slopes_of(model, x)
  return (mlp.grad(model(x):sum(), { x }, { create_graph = true })) -- (N, 2)
end

local function from_gradients(model, at_x, at_y, of_x, of_y)
  local slopes = slopes_of(model, mlp.cat({ at_x, at_y }, 1):requires_grad_())
  return mlp.mse(slopes:slice(1, 1, #at_x):select(2, 1), of_x)
    + mlp.mse(slopes:slice(1, #at_x + 1, 2 * #at_x):select(2, 2), of_y)
end

-- Each error counts as a share of what it is the error of; what the rim says, ten times.
local BEND, RIM = 1 / bends:square():mean():item(), 10 / rim_values:square():mean():item()

local function from_laplacian(model, at, at_rim, bend, of_rim)
  local x = at:clone():requires_grad_()
  local slopes, sum = slopes_of(model, x), 0
  for axis = 1, 2 do
    sum = sum + mlp.grad(slopes:select(2, axis):sum(), { x }, { create_graph = true })
      :select(2, axis)
  end
  return mlp.mse(sum, bend) * BEND
    + mlp.mse(model(at_rim):reshape(-1), of_rim) * RIM
end

-- Some of the points, and what is known there.
local function pick(of_points, values)
  values = values:reshape(-1)
  return function()
    local rows = mlp.randint(1, #values, { BATCH })
    return of_points:index_select(1, rows), values:index_select(1, rows)
  end
end

-- Points anywhere among those of a grid, and what lies there between the four around. At the grid's
-- own points alone a network may take waves too short for the grid for longer ones, and the shorter
-- a wave, the less of it a second derivative asks for.
local function pick_between(of_points, values)
  local rows, columns = table.unpack(values.shape)
  local flat = values:reshape(-1)
  return function()
    local i, j = mlp.randint(1, rows - 1, { BATCH }), mlp.randint(1, columns - 1, { BATCH })
    local down, across, sum = mlp.rand(BATCH), mlp.rand(BATCH), 0
    local corner = (i - 1) * columns + j
    for di = 0, 1 do
      for dj = 0, 1 do
        local weight = (di == 1 and down or 1 - down) * (dj == 1 and across or 1 - across)
        sum = sum + flat:index_select(1, corner + (di * columns + dj)) * weight
      end
    end
    local shift = mlp.stack({ across * step[1], down * step[2] }, 2)
    return of_points:index_select(1, corner) + shift, sum
  end
end

-- Fits a SIREN to points of two kinds.
local function fit(name, loss_of, pick_first, pick_second)
  mlp.manual_seed(1)
  local model = mlp.nn.Siren { 2, WIDTH, WIDTH, WIDTH, 1, omega_first = 30 }
  local adam = mlp.optim.Adam(model:parameters(), { lr = RATE })
  local update = mlp.compile(function(...)
    local loss = loss_of(model, ...)
    adam:zero_grad()
    loss:backward()
    adam:step()
    return loss
  end)
  local started, steps, loss = mlp.now(), 0
  repeat
    local done = math.min((mlp.now() - started) / seconds, 1)
    adam.factor = 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
    local first, of_first = pick_first()
    local second, of_second = pick_second()
    loss = update(first, second, of_first, of_second)
    steps = steps + 1
  until mlp.now() - started >= seconds
  print(("%-15s %d parameters, %d steps in %g s, loss %.4g"):format(name, model:parameter_count(),
    steps, seconds, loss:item()))
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

print(("%s: %d x %d, grey, seed 1"):format(path, height, width))
local by_slope = fit("from gradients", from_gradients, pick(x_edges, x_slopes),
  pick(y_edges, y_slopes))
local by_bend = fit("from Laplacian", from_laplacian, pick_between(inner_points, bends),
  pick(rim_points, rim_values))

local sloped = render(by_slope)
sloped = sloped + (truth:mean() - sloped:mean()) -- gradients leave a constant open
local bent = render(by_bend)
print(("from its gradients, and its mean: PSNR %.2f dB"):format(psnr(sloped)))
print(("from its Laplacian, and its rim:  PSNR %.2f dB"):format(psnr(bent)))

-- ---- the sheet ----------------------------------------------------------------------------------

local function shown(derivative, scale)
  local picture = derivative / (6 * (scale or derivative):square():mean():sqrt()) + 0.5
  local blank = mlp.full({ height, width }, 0.5)
  local rows, columns = table.unpack(picture.shape)
  local top, left = (height - rows) // 2, (width - columns) // 2
  blank:slice(1, top + 1, top + rows):slice(2, left + 1, left + columns):copy_(picture)
  return blank:clamp(0, 1)
end

local function own_slopes(axis, at, like)
  local slopes = slopes_of(by_slope, at:clone():requires_grad_()):detach():select(2, axis)
  return shown(slopes:reshape(table.unpack(like.shape)), like)
end

os.execute "mkdir -p out"
local above = { truth, shown(x_slopes), shown(y_slopes), shown(bends) }
local below = { sloped:clamp(0, 1), own_slopes(1, x_edges, x_slopes),
  own_slopes(2, y_edges, y_slopes), bent:clamp(0, 1) }
local sheet = mlp.cat({ mlp.cat(above, 2), mlp.cat(below, 2) }, 1)
assert(mlp.io.png.save("out/poisson.png", sheet))
print "out/poisson.png"
