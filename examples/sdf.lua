-- A shape as a network of signed distances: meshed, shaded, judged by distances it has not seen.
--   lua5.4 examples/sdf.lua [mesh.obj] [seconds] [test.npy]
-- The mesh must be closed; when none is named, two linked rings are made here. test.npy holds
-- x, y, z, distance of other points (float32, N by 4), in coordinates that map the mesh by
-- (v - (0, .108431, .1900455)) / 1.073693, as the points to Spot have it. Writes out/sdf.obj,
-- out/sdf.png.
local mlp = require "mlp"
local field = mlp.field

local path, seconds, test_path = arg[1] or "rings", tonumber(arg[2]) or 60, arg[3]
local hurried = seconds < 5 -- only to see that it runs
local SAMPLES = hurried and 2000 or 400000

-- Two linked rings, from their distances by marching cubes.
local function rings()
  local n = hurried and 20 or 64
  local line = mlp.linspace(-1, 1, n)
  local x = line:reshape(1, 1, n):expand(n, n, n)
  local y = line:reshape(1, n, 1):expand(n, n, n)
  local z = line:reshape(n, 1, 1):expand(n, n, n)
  local function ring(a, b, c)
    return (((a:square() + b:square()):sqrt() - 0.5):square() + c:square()):sqrt() - 0.16
  end
  local vertices, faces = field.marching_cubes(mlp.minimum(ring(x + 0.25, y, z),
    ring(x - 0.25, z, y)))
  return { vertices = vertices, faces = faces }
end

local mesh = path == "rings" and rings() or assert(field.load_obj(path))
local options = { samples = SAMPLES, seed = 1 }
if test_path then options.centre, options.scale = { 0, 0.108431, 0.1900455 }, 1.073693 end
local signal = assert(field.mesh_sdf(mesh, options))
print(("%s: %d triangles, %d samples, seed 1"):format(path, #mesh.faces, #signal.points))

local fitted = assert(field.fit { signal = signal, network = "hash_grid", seconds = seconds })
print(("%d parameters, %d steps in %.0f s: mean error %.5f on the samples"):format(
  fitted.model:parameter_count(), fitted.step, fitted.seconds, fitted:error()))

-- Distances that were not learned from.
local function judge(points, distances, what)
  local off = (fitted:sample(points):reshape(-1) - distances):abs():mean():item()
  print(("mean absolute error, %s: %.5f"):format(what, off))
end
if test_path then
  local test = assert(mlp.io.npy.load(test_path))
  local points, distances = test:slice(2, 1, 3):contiguous(), test:select(2, 4):contiguous()
  judge(points, distances, ("all %d test points"):format(#test))
  -- half of them were drawn near the surface (deviation .03), half all over the cube, then mixed
  local near = distances:abs():lt(0.1)
  for _, part in ipairs { { near, "near (within .1)" }, { near:logical_not(), "farther" } } do
    local rows = part[1]:nonzero():reshape(-1)
    judge(points:index_select(1, rows), distances:index_select(1, rows),
      ("%d %s"):format(#rows, part[2]))
  end
end

-- Intersection over union of the insides, at the middles of n^3 voxels.
local n = hurried and 16 or test_path and 128 or 64
local voxels = require("mlp.field.shape").lattice(n, mlp.linspace(1 / n - 1, 1 - 1 / n, n))
local inside = fitted:sample(voxels):reshape(-1):lt(0)
local truth = field.signed_distance(signal.mesh, voxels):lt(0)
local both = inside:logical_and(truth):to "float32":sum():item()
local either = inside:logical_or(truth):to "float32":sum():item()
print(("IoU at %d^3 voxels: %.4f"):format(n, both / either))

os.execute "mkdir -p out"
local surface = fitted:mesh { resolution = hurried and 24 or 128 }
print(("mesh of %d triangles, closed: %s"):format(#surface.faces, field.is_closed(surface)))
assert(field.save_obj("out/sdf.obj", surface))
local views, size = {}, hurried and 32 or 320
local upright = mlp.tensor { { 1, 0, 0, 0 }, { 0, 0, 1, 0 }, { 0, -1, 0, 0 }, { 0, 0, 0, 1 } }
for i, turned in ipairs(mlp.nerf.turntable(3, { radius = 3.5, elevation = 20 })) do
  local pose = upright:matmul(turned)
  local light = pose:slice(1, 1, 3):matmul(mlp.tensor { { -0.6 }, { 0.7 }, { 1 }, { 0 } })
  local fine = fitted:shade { height = 2 * size, width = 2 * size, pose = pose,
    light = light:reshape(-1):totable(), colour = { 0.96, 0.8, 0.6 } }
  views[i] = fine:reshape(size, 2, size, 2, 3):mean(4):mean(2) -- smooth edges
end
assert(mlp.io.png.save("out/sdf.png", mlp.cat(views, 2)))
print "out/sdf.obj, out/sdf.png"
