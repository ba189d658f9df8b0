--- Radiance fields: rays, samples, what is empty, and a scene of one ball that is learned.
local mlp <const> = require "mlp"
local nerf <const> = mlp.nerf
require "spec.support.approx"

local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

--- Views of a red ball of radius 1 at the origin.
local function ball(count, side)
  local poses <const> = nerf.turntable(count, { radius = 3 })
  local images <const> = {}
  for i, pose in ipairs(poses) do
    local origins <const>, directions <const> = nerf.rays(pose, side, side, 1.2 * side)
    local along <const> = (origins * directions):sum(2)
    local miss <const> = (origins * origins):sum(2) - along:square()
    local hit <const> = miss:lt(1):to "float32"
    images[i] = mlp.stack({ hit * 0.9, hit * 0.2, hit * 0.1 }, 2):reshape(side, side, 3)
  end
  return nerf.views(mlp.stack(images, 1), mlp.stack(poses, 1), 1.2 * side)
end

describe("rays", function()
  it("go through the middles of pixels, down the camera's -z", function()
    local pose <const> = mlp.eye(4)
    pose:set(1, 4, 5)
    local origins <const>, directions <const> = nerf.rays(pose, 2, 4, 2)
    assert.same({ 8, 3 }, directions.shape)
    assert.close(origins[3], mlp.tensor { 5, 0, 0 })
    local d <const> = mlp.tensor { -1.5 / 2, 0.5 / 2, -1 }
    assert.close(directions[1], d / d:norm(), { tolerance = 1e-6 })
    assert.close(directions:norm(2), mlp.ones(8), { tolerance = 1e-6 })
  end)

  it("of a turntable meet at the origin", function()
    for _, pose in ipairs(nerf.turntable(5, { radius = 2, elevation = 40 })) do
      local origins <const>, directions <const> = nerf.rays(pose, 1, 1, 1)
      assert.near(2, origins[1]:norm():item(), 1e-5)
      assert.is_true((origins[1] + directions[1] * 2):norm():item() < 1e-5)
      local turn <const> = pose:slice(1, 1, 3):slice(2, 1, 3)
      assert.close(turn:t():matmul(turn), mlp.eye(3), { tolerance = 1e-5 })
    end
  end)

  it("refuse poses that are none", function()
    refuses("nerf.rays: the pose is a float32 tensor %(3, 3%)", function()
      nerf.rays(mlp.eye(3), 2, 2, 1)
    end)
    refuses("turns a direction into nothing", function() nerf.rays(mlp.zeros(4, 4), 2, 2, 1) end)
    refuses("turns a direction into no number", function()
      nerf.rays(mlp.full({ 4, 4 }, 0 / 0), 2, 2, 1)
    end)
    refuses("radius is 0", function() nerf.turntable(2, { radius = 0 }) end)
    refuses("elevation is 90", function() nerf.turntable(2, { elevation = 90 }) end)
    refuses("focal is 0", function() nerf.rays(mlp.eye(4), 2, 2, 0) end)
    refuses("height is 0", function() nerf.rays(mlp.eye(4), 0, 2, 1) end)
  end)
end)

describe("samples", function()
  it("lie one in each part", function()
    local t <const>, delta <const> = nerf.stratified(50, 8, 2, 6, { generator = mlp.generator(1) })
    local part <const> = ((t - 2) * 2):floor()
    assert.close(part, mlp.arange(0, 7):to "float32":reshape(1, 8):expand(50, 8))
    assert.close(delta:sum(2), 6 - t:select(2, 1), { tolerance = 1e-5 })
    assert.close(nerf.stratified(1, 2, 0, 4, { middle = true }), mlp.tensor { { 1, 3 } })
    refuses("samples is 0 but", function() nerf.stratified(1, 0, 2, 6) end)
    refuses("near is 6 and far 2", function() nerf.stratified(1, 4, 6, 2) end)
    refuses("far is inf", function() nerf.stratified(1, 4, 6, math.huge) end)
  end)

  it("crowd where the weights are", function()
    local t <const> = nerf.stratified(20, 16, 0, 16, { middle = true })
    local weights <const> = t:gt(5):to "float32" * t:lt(7):to "float32"
    local fine <const>, delta <const> = nerf.hierarchical(t, weights, 32, 16,
      { generator = mlp.generator(2) })
    assert.same({ 20, 48 }, fine.shape)
    assert.is_true((fine:slice(2, 2, -1) - fine:slice(2, 1, -2)):amin():item() >= 0)
    local there <const> = fine:gt(5):to "float32" * fine:lt(8):to "float32"
    assert.is_true(there:sum():item() > 20 * 32)
    assert.is_true(delta:amin():item() >= 0)
    refuses("both %(R, S%) are wanted", function() nerf.hierarchical(t, mlp.ones(20, 3), 4, 16) end)
    refuses("samples is 0 but", function() nerf.hierarchical(t, weights, 0, 16) end)
  end)
end)

describe("an occupancy grid", function()
  local field <const> = { density = function(_, x)
    return x:square():sum(2):lt(0.25):to "float32" * 10
  end }

  it("knows what is empty, and puts samples where something is", function()
    local grid <const> = nerf.Occupancy { bound = 1, resolution = 16 }
    assert.equal(1, grid:share())
    grid:update(field, { generator = mlp.generator(1) })
    assert.near(4 / 3 * math.pi * 0.125 / 8, grid:share(), 0.02)
    local origins <const> = mlp.tensor { { 0, 0, -2 }, { 0.9, 0, -2 } }
    local directions <const> = mlp.tensor { { 0, 0, 1 }, { 0, 0, 1 } }
    local t <const>, delta <const> = nerf.stratified(2, 64, 0, 4, { middle = true })
    local chosen <const>, lengths <const> = grid:choose(origins, directions, t, delta, 8)
    assert.same({ 2, 8 }, chosen.shape)
    assert.is_true(chosen[1]:amin():item() > 1.3 and chosen[1]:amax():item() < 2.7)
    assert.near(1, lengths[1]:sum():item(), 0.3)
    assert.equal(0, lengths[2]:sum():item())
    refuses("resolution is 0", function() nerf.Occupancy { resolution = 0 } end)
    refuses("bound is %-1", function() nerf.Occupancy { bound = -1 } end)
  end)
end)

-- ---- composite ----------------------------------------------------------------------------------

--- The gradients of opacity and depth by all densities of one ray.
local function gradients(density, delta)
  local x <const> = density:requires_grad_()
  local t <const> = mlp.arange(1, #x):to(x.dtype) * delta
  local colour <const> = mlp.ones(#x, 1, { dtype = x.dtype })
  local _, opacity <const>, depth <const> =
    mlp.composite(x, colour, t, mlp.full({ #x }, delta, { dtype = x.dtype }))
  return mlp.grad(opacity, { x }, { retain_graph = true }), mlp.grad(depth, { x }), opacity
end

describe("composite", function()
  it("has the closed derivative of constant density, at 4096 samples too", function()
    for _, count in ipairs { 1, 16, 4096 } do
      local delta <const> = 4 / count
      local slope <const> = gradients(mlp.full({ count }, 0.5, { dtype = "float64" }), delta)
      -- opacity is 1 - e^-(sum of density delta)
      assert.close(slope, mlp.full({ count }, delta * math.exp(-2), { dtype = "float64" }),
        { tolerance = 1e-12 })
    end
  end)

  it("has finite derivatives in empty space and behind what is opaque", function()
    for _, density in ipairs { 0, 1e6 } do
      for _, delta in ipairs { 1e-3, 1, 1e10 } do
        local a <const>, b <const>, opacity <const> = gradients(mlp.full({ 64 }, density), delta)
        assert.equal(64, a:isfinite():to("int64"):sum():item())
        assert.equal(64, b:isfinite():to("int64"):sum():item())
        assert.equal(density == 0 and 0 or 1, opacity:item())
      end
    end
  end)
end)

describe("views", function()
  it("are read from both layouts", function()
    local views <const> = ball(2, 6)
    local folder <const> = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder)
    assert(mlp.io.npz.save(folder .. "/scene.npz", { images = views.images, poses = views.poses,
      focal = mlp.tensor(views.focal) }))
    local again <const> = assert(nerf.load(folder .. "/scene.npz"))
    assert.close(again.poses, views.poses, { tolerance = 0 })
    local frames <const> = {}
    for i = 1, 2 do
      assert(mlp.io.png.save(("%s/view%d.png"):format(folder, i), views.images[i]))
      frames[i] = { file_path = "./view" .. i, transform_matrix = views.poses[i]:totable() }
    end
    local handle = assert(io.open(folder .. "/transforms.json", "w"))
    handle:write(require("dkjson").encode { frames = frames,
      camera_angle_x = 2 * math.atan(6 / 2 / views.focal) })
    handle:close()
    local listed <const> = assert(nerf.load(folder))
    assert.close(listed.images, views.images, { tolerance = 3e-3 })
    assert.near(views.focal, listed.focal, 1e-4)
    os.execute("rm -r " .. folder)
    local none, message = nerf.load(folder)
    assert.is_nil(none)
    assert.matches("holds no transforms.json", message)
    refuses("the poses is", function() nerf.views(views.images, mlp.zeros(2, 3, 3), 1) end)
    refuses("focal is nil", function() nerf.views(views.images, views.poses) end)
  end)

  it("come from the synthetic layout: splits, opacity, smaller", function()
    local folder <const> = os.tmpname()
    os.remove(folder)
    os.execute(("mkdir -p %s/test"):format(folder))
    local glass <const> = mlp.cat({ mlp.full({ 4, 6, 3 }, 0.8), mlp.full({ 4, 6, 1 }, 0.5) }, 3)
    glass:slice(1, 1, 2):slice(3, 4, 4):mul_(0)
    assert(mlp.io.png.save(folder .. "/test/r_0.png", glass))
    local function describe_frames(frame)
      local handle <close> = assert(io.open(folder .. "/transforms_test.json", "w"))
      handle:write(require("dkjson").encode { camera_angle_x = 0.5, frames = { frame } })
    end
    local function fails(pattern)
      local none <const>, message <const> = nerf.load(folder, { split = "test" })
      assert.is_nil(none)
      assert.matches(pattern, message)
    end
    local pose <const> = mlp.eye(4):totable()
    describe_frames { file_path = "./test/r_0", transform_matrix = pose }
    local views <const> = assert(nerf.load(folder, { split = "test", shrink = 2 }))
    assert.same({ 1, 2, 3, 3 }, views.images.shape)
    assert.near(1.5 / math.tan(0.25), views.focal, 1e-6)
    assert.equal(0, views.images:get(1, 1, 1, 1))
    assert.near(0.4, views.images:get(1, 2, 3, 2), 5e-3)
    local none <const>, message <const> = nerf.load(folder)
    assert.is_nil(none)
    assert.matches("holds no transforms.json or transforms_train.json", message)
    describe_frames { file_path = "./test/r_1", transform_matrix = pose }
    fails "frame 1 of .-r_1.png"
    describe_frames { file_path = "./test/r_0", transform_matrix = { { 1, 0 }, { 0, 1 } } }
    fails "transform_matrix is no 4 by 4 matrix"
    describe_frames { transform_matrix = pose }
    fails "names no picture"
    local handle <const> = assert(io.open(folder .. "/transforms_test.json", "w"))
    handle:write "{ this is no JSON"
    handle:close()
    fails "names no frames"
    os.execute("rm -r " .. folder)
  end)
end)

describe("a scene", function()
  it("is learned from views, the same again from the same seed", function()
    local views <const> = ball(6, 12)
    local function learn()
      mlp.manual_seed(2)
      return nerf.fit { views = views, near = 1.5, far = 4.5, rays = 128, samples = 16, steps = 90,
        field = nerf.HashField { levels = 4, table_size = 2 ^ 10, finest = 32, width = 16 } }
    end
    local scene <const> = learn()
    local psnr <const>, covered <const> = scene:psnr(views.images[1], views.poses[1])
    assert.is_true(psnr > 13 and covered > 10, ("%g dB, %g dB"):format(psnr, covered))
    assert.equal(psnr, (learn():psnr(views.images[1], views.poses[1])))
    assert.is_true(scene.occupancy.asked)
    local sheet <const>, pictures <const> = scene:turntable(3, { columns = 2, size = 5 })
    assert.same({ 10, 10, 3 }, sheet.shape)
    assert.equal(3, #pictures)
    local small <const> = { height = 3, width = 3 }
    local _, depth <const>, opacity <const> = scene:render(views.poses[1], small)
    assert.same({ 3, 3 }, depth.shape)
    assert.is_true(opacity:amax():item() <= 1 + 1e-5)
  end)

  it("takes the paper's network", function()
    local field <const> = nerf.MLP { width = 16, depth = 3, skip = 2, frequencies = 3,
      view_frequencies = 2 }
    local density <const>, colour <const> = field(mlp.rand(4, 5, 3), mlp.ones(4, 3))
    assert.same({ 4, 5 }, density.shape)
    assert.same({ 4, 5, 3 }, colour.shape)
    assert.is_true(density:amin():item() >= 0 and colour:amax():item() <= 1)
    local views <const> = ball(2, 6)
    local scene <const> = nerf.fit { views = views, field = field, steps = 2, rays = 16,
      samples = 4, background = { 1, 1, 1 } }
    assert.equal(2, scene.step)
    refuses("views is nil but", function() nerf.fit { steps = 1 } end)
    refuses("field is 3 but a module", function() nerf.fit { views = views, field = 3 } end)
    refuses("the second result of the field is nil", function()
      nerf.fit { views = views, field = mlp.nn.MLP { 3, 4 }, steps = 1 }
    end)
    for name, value in pairs { rays = 0, samples = 0, candidates = 0.5, fine = -1, near = "a",
      background = { 1, 2 }, steps = 0, seconds = -1 } do
      refuses("nerf.fit: " .. name .. " is ", function()
        nerf.fit { views = views, [name] = value }
      end)
    end
  end)

  it("puts more samples where a first pass finds weight", function()
    local views <const> = ball(2, 6)
    local field <const> = nerf.MLP { width = 16, depth = 2, skip = 0, frequencies = 3 }
    local scene <const> = nerf.fit { views = views, field = field, steps = 3, rays = 16,
      samples = 4, fine = 6 }
    assert.close(scene:render(views.poses[1]), scene:render(views.poses[1]), { tolerance = 0 })
  end)

  it("goes on where it was interrupted, as if it had not been", function()
    local path <const> = os.tmpname()
    os.remove(path)
    local views <const> = ball(3, 8)
    local function fit(progress)
      mlp.manual_seed(4)
      return nerf.fit { views = views, near = 1.5, far = 4.5, rays = 64, samples = 8, steps = 96,
        candidates = 32, checkpoint = path, progress = progress, field = nerf.HashField {
          levels = 2, table_size = 2 ^ 8, finest = 20, width = 16 } }
    end
    assert.is_false(pcall(fit, function(event)
      if event.step == 32 then error "interrupted!" end
    end))
    local stopped <const> = fit(function(event) return event.step == 80 and "stop" or nil end)
    assert.equal(80, stopped.step)
    assert.equal(80, assert(nerf.load_scene(path)).step)
    local resumed <const> = fit()
    os.remove(path)
    local whole <const> = fit()
    assert.equal(96, resumed.step)
    local picture <const> = whole:render(views.poses[1])
    assert.close(resumed:render(views.poses[1]), picture, { tolerance = 0 })
    local none, message = nerf.fit { views = views, checkpoint = path, steps = 1,
      field = nerf.MLP { width = 8 } }
    assert.is_nil(none)
    assert.matches("does not fit the network", message)
    none, message = nerf.fit { views = views, checkpoint = path, steps = 1, seed = 2 }
    assert.is_nil(none)
    assert.matches("was written with seed 1", message)
    os.remove(path)
  end)

  it("is saved, and comes back to be looked at", function()
    local path <const> = os.tmpname()
    local views <const> = ball(2, 6)
    for _, field in ipairs { nerf.MLP { width = 8, depth = 2 },
      nerf.HashField { levels = 2, table_size = 2 ^ 8, finest = 20, width = 16 } } do
      local scene <const> = nerf.fit { views = views, field = field, steps = 70, rays = 16,
        samples = 4, background = { 0, 0.5, 1 } }
      assert(scene:save(path))
      local again <const> = assert(nerf.load_scene(path))
      assert.equal(70, again.step)
      assert.close(again:render(views.poses[2]), scene:render(views.poses[2]), { tolerance = 0 })
      refuses("a scene from a file is not trained further", function() again:train() end)
      refuses("samples is 0", function() again:render(views.poses[1], { samples = 0 }) end)
    end
    assert(mlp.nn.MLP { 2, 1 }:save(path))
    local none <const>, message <const> = nerf.load_scene(path)
    assert.is_nil(none)
    assert.matches("holds no scene", message)
    os.remove(path)
  end)

  it("turns on a table, into files too", function()
    local folder <const> = os.tmpname()
    os.remove(folder)
    os.execute("mkdir -p " .. folder)
    local scene <const> = nerf.fit { views = ball(2, 6), steps = 1, rays = 16, samples = 4,
      field = nerf.MLP { width = 8, depth = 2 } }
    local sheet <const>, pictures <const> = scene:turntable(3, { columns = 2, size = 5,
      files = folder .. "/turn-%02d.png" })
    assert.same({ 10, 10, 3 }, sheet.shape)
    assert.equal(0, sheet:slice(1, 6, -1):slice(2, 6, -1):amax():item())
    local third <const> = assert(mlp.io.png.load(folder .. "/turn-03.png", { dtype = "float32" }))
    assert.close(third, pictures[3], { tolerance = 3e-3 })
    os.execute("rm -r " .. folder)
    local none <const>, message <const> = scene:turntable(1, { files = folder .. "/%d.png" })
    assert.is_nil(none)
    assert.matches(folder, message, 1, true)
    refuses("files is the string", function() scene:turntable(1, { files = "%y" }) end)
  end)

  it("has the tiny network's count of parameters", function()
    local tiny <const> = nerf.MLP { frequencies = 6, view_frequencies = 0 }
    assert.equal(481796, tiny:parameter_count() - tiny.colour:parameter_count() + 256 * 3 + 3)
  end)
end)
