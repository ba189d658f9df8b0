-- A radiance field from pictures with known cameras, shown from views that it has not seen.
--   lua5.4 examples/tiny_nerf.lua [scene.npz or folder] [seconds] [seconds of the plain network]
-- The scene: an .npz with images, poses and focal, a folder in the NeRF-synthetic layout
-- (transforms.json), or, for "own" and when nothing is named, balls on a floor that are drawn here.
-- The last 10 views are held out. A field on a hash grid learns; then, as long or for a time of its
-- own (0: not at all), a network of sines and cosines of the position as in the authors' tiny NeRF.
-- On lego (the authors' views at 100 by 100), seed 1, one core, mean of the ten: 31.2 dB in 120 s,
-- 26.6 on the pixels that the object covers; the plain network 23.3 dB in 420 s.
-- Writes out/tiny_nerf.png (truth, ours, distance), out/tiny_nerf_turn.png, out/tiny_nerf.svg (PSNR
-- against time), out/tiny_nerf.safetensors (the scene, for mlp.nerf.load_scene).
local mlp = require "mlp"
local nerf = mlp.nerf

local path, seconds = arg[1] or "own", tonumber(arg[2]) or 60
local plain_seconds = tonumber(arg[3]) or seconds
local HELD_OUT = 10
local hurried = seconds < 5 -- only to see that it runs

-- ---- a scene of our own: balls and their shadows on a floor -------------------------------------

local BALLS = {
  { 0, 0, 0.1, 0.6, { 0.9, 0.3, 0.2 } }, { 0.8, 0.5, -0.2, 0.3, { 0.2, 0.5, 0.9 } },
  { -0.7, 0.6, -0.15, 0.35, { 0.95, 0.8, 0.2 } }, { 0.25, -0.85, -0.28, 0.22, { 0.3, 0.75, 0.4 } },
}
local LIGHT = mlp.tensor { { 0.4, 0.3, 0.866 } } -- from there

local function column(x, i) return x:select(2, i) end

-- Colours (N, 3) and distances of where rays meet a ball; 1e9 where they do not.
local function meet_ball(o, d, ball)
  local away = o - mlp.tensor { { ball[1], ball[2], ball[3] } }
  local b = (away * d):sum(2)
  local root = b:square() - away:square():sum(2) + ball[4] ^ 2
  local t = -b - root:clamp(0):sqrt()
  local normal = (away + d * t:unsqueeze(2)) * (1 / ball[4])
  local light = ((normal * LIGHT):sum(2):clamp(0) * 0.8 + 0.2)
  local misses = root:le(0):logical_or(t:le(0))
  return light:unsqueeze(2) * mlp.tensor { ball[5] }, t:masked_fill(misses, 1e9)
end

local function meet_floor(o, d)
  local t = (-0.5 - column(o, 3)) / column(d, 3)
  local at = o + d * t:unsqueeze(2)
  local check = ((column(at, 1) * 2):floor() + (column(at, 2) * 2):floor()) % 2
  local outside = t:le(0):logical_or(at:slice(2, 1, 2):abs():amax(2):gt(1.2))
  local lit = t * 0 + 1
  for _, ball in ipairs(BALLS) do
    local _, above = meet_ball(at, LIGHT:expand(#o, 3), ball)
    lit = lit:masked_fill(above:lt(1e8), 0.45)
  end
  return ((check * 0.45 + 0.45) * lit):unsqueeze(2):expand(#o, 3), t:masked_fill(outside, 1e9)
end

local function draw(pose, side, focal)
  local o, d = nerf.rays(pose, side, side, focal)
  local colour, nearest = meet_floor(o, d)
  for _, ball in ipairs(BALLS) do
    local its, t = meet_ball(o, d, ball)
    colour = mlp.where(t:lt(nearest):unsqueeze(2), its, colour)
    nearest = mlp.minimum(t, nearest)
  end
  return colour:masked_fill(nearest:gt(1e8):unsqueeze(2), 0):reshape(side, side, 3)
end

local function own_scene()
  local side = hurried and 16 or 100
  local focal, images, poses = 1.05 * side, {}, {}
  for ring, elevation in ipairs { 20, 40, 60, 30 } do
    local count = ring == 4 and HELD_OUT or 12
    for _, pose in ipairs(nerf.turntable(count, { radius = 4, elevation = elevation })) do
      poses[#poses + 1], images[#images + 1] = pose, draw(pose, side, focal)
    end
  end
  return nerf.views(mlp.stack(images, 1), mlp.stack(poses, 1), focal)
end

-- ---- learning -----------------------------------------------------------------------------------

local views = own_scene()
if path ~= "own" then views = assert(nerf.load(path)) end
local count = #views.images
local known = count - HELD_OUT
assert(known > 0, path .. " has no more views than the 10 that are held out")
local train = nerf.views(views.images:slice(1, 1, known), views.poses:slice(1, 1, known),
  views.focal)

-- Mean over the first of the held-out views: of all pixels, of those that the object covers.
local function measure(scene, some)
  local all, covered = 0, 0
  for i = known + 1, known + some do
    local psnr, of_object = scene:psnr(views.images[i], views.poses[i])
    all, covered = all + psnr / some, covered + of_object / some
  end
  return all, covered
end

local LOOKS, SHOWN = hurried and 2 or 10, 2

local function learn(name, field, budget)
  mlp.manual_seed(1)
  local curve = { x = {}, y = {}, name = name, marker = true }
  local scene
  local function look(event)
    if event.seconds < budget * #curve.x / LOOKS then return end
    curve.x[#curve.x + 1], curve.y[#curve.y + 1] = event.seconds, (measure(scene, SHOWN))
    print(("  %-13s %4.0f s, %5d steps: %.2f dB on %d held-out views"):format(name, event.seconds,
      event.step, curve.y[#curve.y], SHOWN))
  end
  scene = nerf.fit { views = train, field = field, steps = 1 }
  scene:train { seconds = budget, progress = look }
  local all, covered = measure(scene, HELD_OUT)
  print(("%s: %d parameters, %d steps in %.0f s: %.2f dB held out, %.2f dB on the object"):format(
    name, scene.field:parameter_count(), scene.step, scene.seconds, all, covered))
  return scene, curve
end

print(("%s: %d views of %d x %d, the last %d held out, seed 1, %d threads"):format(path, count,
  views.images:size(2), views.images:size(3), HELD_OUT, mlp.set_threads()))
local scene, curve = learn("hash grid", nil, seconds)
local curves = { curve }
if plain_seconds > 0 then
  -- four layers of 128 instead of eight of 256, for two cores
  local plain = nerf.MLP { width = 128, depth = 4, skip = 0, frequencies = 6, view_frequencies = 0 }
  local _
  _, curves[2] = learn("plain network", plain, plain_seconds)
end
print "the authors' tiny NeRF on lego (Mildenhall et al. 2020): 22.7 dB after 1,000 steps"

-- ---- pictures -----------------------------------------------------------------------------------

local LARGER = hurried and 1 or 2 -- what is ours has more pixels than it learned from

-- The nearest is white, the farthest dark, nothing black.
local function distances(depth, opacity)
  local there = opacity:gt(0.5)
  local depths = depth / opacity:clamp(1e-3)
  local near = mlp.where(there, depths, depths * 0 + 1e9):amin():item()
  local far = mlp.where(there, depths, depths * 0):amax():item()
  local grey = (far - depths) * (0.85 / math.max(far - near, 1e-6)) + 0.15
  return grey:masked_fill(there:logical_not(), 0):clamp(0, 1):unsqueeze(3)
    :expand(#depth, depth:size(2), 3)
end

local function enlarged(picture, k)
  local height, width = #picture, picture:size(2)
  return picture:reshape(height, 1, width, 1, 3):expand(height, k, width, k, 3):contiguous()
    :reshape(height * k, width * k, 3)
end

os.execute "mkdir -p out"
assert(scene:save "out/tiny_nerf.safetensors")
local truths, ours, depths = {}, {}, {}
for k = 1, 5 do
  local i = known + 2 * k - 1
  local size = { height = LARGER * views.images:size(2), width = LARGER * views.images:size(3) }
  local picture, depth, opacity = scene:render(views.poses[i], size)
  truths[k], ours[k], depths[k] = enlarged(views.images[i], LARGER), picture,
    distances(depth, opacity)
end
local rows = { mlp.cat(truths, 2), mlp.cat(ours, 2), mlp.cat(depths, 2) }
assert(mlp.io.png.save("out/tiny_nerf.png", mlp.cat(rows, 1)))
local away = views.poses:slice(2, 1, 3):slice(3, 4, 4):reshape(-1, 3):norm(2):mean():item()
local turn = scene:turntable(12, { columns = 6, elevation = 30, radius = away,
  size = LARGER * scene.height })
assert(mlp.io.png.save("out/tiny_nerf_turn.png", turn))
curves.x_label, curves.y_label = "seconds of learning", "PSNR, dB"
curves.title = ("%d views that were held out"):format(SHOWN)
assert(mlp.plot.lines(curves):save "out/tiny_nerf.svg")
print "out/tiny_nerf.png, out/tiny_nerf_turn.png, out/tiny_nerf.svg, out/tiny_nerf.safetensors"
