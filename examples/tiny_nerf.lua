-- A radiance field from pictures with known cameras, shown from views that it has not seen.
--   lua5.4 examples/tiny_nerf.lua [scene.npz or folder] [seconds]
-- The scene: an .npz with images, poses and focal, a folder in the NeRF-synthetic layout
-- (transforms.json), or, for "own" and when nothing is named, balls on a floor that are drawn here.
-- The last 10 views are held out. Writes out/tiny_nerf.png (truth above, ours below),
-- out/tiny_nerf_turn.png and out/tiny_nerf.svg (PSNR against time, one without a grid beside).
local mlp = require "mlp"
local nerf = mlp.nerf

local path, seconds = arg[1] or "own", tonumber(arg[2]) or 60
local HELD_OUT = 10
local hurried = seconds < 5 -- only to see that it runs

-- ---- a scene of our own: three balls and a floor, lit from above --------------------------------

local BALLS = {
  { 0, 0, 0.1, 0.6, { 0.9, 0.3, 0.2 } }, { 0.8, 0.5, -0.2, 0.3, { 0.2, 0.5, 0.9 } },
  { -0.7, 0.6, -0.15, 0.35, { 0.95, 0.8, 0.2 } },
}

local function column(x, i) return x:select(2, i) end

-- Colours (N, 3) and distances of where rays meet a ball; 1e9 where they do not.
local function meet_ball(o, d, ball)
  local away = o - mlp.tensor { { ball[1], ball[2], ball[3] } }
  local b = (away * d):sum(2)
  local root = b:square() - away:square():sum(2) + ball[4] ^ 2
  local t = -b - root:clamp(0):sqrt()
  local normal = (away + d * t:unsqueeze(2)) * (1 / ball[4])
  local light = ((normal * mlp.tensor { { 0.4, 0.3, 0.866 } }):sum(2):clamp(0) * 0.8 + 0.2)
  return light:unsqueeze(2) * mlp.tensor { ball[5] }, t:masked_fill(root:le(0), 1e9)
end

local function meet_floor(o, d)
  local t = (-0.5 - column(o, 3)) / column(d, 3)
  local at = o + d * t:unsqueeze(2)
  local check = ((column(at, 1) * 2):floor() + (column(at, 2) * 2):floor()) % 2
  local outside = t:le(0):logical_or(at:slice(2, 1, 2):abs():amax(2):gt(1.2))
  return (check * 0.5 + 0.3):unsqueeze(2):expand(#o, 3), t:masked_fill(outside, 1e9)
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
  local side = hurried and 16 or 64
  local focal, images, poses = 1.25 * side, {}, {}
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
local train = nerf.views(views.images:slice(1, 1, count - HELD_OUT),
  views.poses:slice(1, 1, count - HELD_OUT), views.focal)

-- Mean over the held-out views: of all pixels, of those that the object covers.
local function measure(scene, some)
  local all, covered = 0, 0
  for i = count - some + 1, count do
    local psnr, of_object = scene:psnr(views.images[i], views.poses[i])
    all, covered = all + psnr / some, covered + of_object / some
  end
  return all, covered
end

local function learn(name, field, budget)
  local curve = { x = {}, y = {}, name = name, marker = true }
  local looks = hurried and 2 or 8
  local scene = nerf.fit { views = train, field = field, seconds = budget / looks }
  for k = 1, looks do
    if k > 1 then scene:train { seconds = budget / looks } end
    curve.x[k], curve.y[k] = scene.seconds, (measure(scene, 2))
  end
  local all, covered = measure(scene, HELD_OUT)
  print(("%-12s %d parameters, %d steps in %.0f s: %.2f dB held out, %.2f dB on the object"):format(
    name, scene.field:parameter_count(), scene.step, scene.seconds, all, covered))
  return scene, curve
end

print(("%s: %d views of %d x %d, the last %d held out, seed 1"):format(path, count,
  views.images:size(2), views.images:size(3), HELD_OUT))
mlp.manual_seed(1)
local scene, curve = learn("hash grid", nil, seconds)
mlp.manual_seed(1)
local _, paper = learn("network", nerf.MLP { width = 128, depth = 4, skip = 0, frequencies = 6,
  view_frequencies = 0 }, seconds)

os.execute "mkdir -p out"
local truths, ours = {}, {}
for k = 1, math.min(5, HELD_OUT) do
  local i = count - HELD_OUT + 2 * k - 1
  truths[k], ours[k] = views.images[i], (scene:render(views.poses[i]))
end
local sheet = mlp.cat({ mlp.cat(truths, 2), mlp.cat(ours, 2) }, 1)
assert(mlp.io.png.save("out/tiny_nerf.png", sheet))
local turn = scene:turntable(12, { columns = 6, elevation = 30 })
assert(mlp.io.png.save("out/tiny_nerf_turn.png", turn))
assert(mlp.plot.lines { curve, paper, x_label = "seconds of learning", y_label = "PSNR, dB",
  title = "Two views that were held out" }:save "out/tiny_nerf.svg")
print "out/tiny_nerf.png, out/tiny_nerf_turn.png, out/tiny_nerf.svg"
