--- Shapes: meshes and their files, signed distances, marching cubes, fields of distances.
local mlp <const> = require "mlp"
local field <const> = mlp.field
require "spec.support.approx"

local function refuses(pattern, fn) assert.error_matches(fn, pattern) end

--- A grid (z, y, x) of f(x, y, z) over -1..1.
local function grid(n, f)
  local line <const> = mlp.linspace(-1, 1, n)
  local x <const>, y <const> = line:reshape(1, 1, n), line:reshape(1, n, 1)
  return f(x:expand(n, n, n), y:expand(n, n, n), line:reshape(n, 1, 1):expand(n, n, n))
end

local function ball(n, radius)
  return grid(n, function(x, y, z)
    return (x:square() + y:square() + z:square()):sqrt() - radius
  end)
end

local function mesh_of(values)
  local vertices <const>, faces <const> = field.marching_cubes(values)
  return { vertices = vertices, faces = faces }
end

--- Six times the sum of signed tetrahedra.
local function volume(mesh)
  local c <const> = field.corners(mesh)
  local normal <const> = mlp.cross(c:select(2, 2), c:select(2, 3))
  return (c:select(2, 1) * normal):sum():item() / 6
end

describe("marching cubes", function()
  it("encloses a ball, its faces outwards", function()
    local mesh <const> = mesh_of(ball(24, 0.7))
    assert.is_true(field.is_closed(mesh))
    assert.near(4 / 3 * math.pi * 0.7 ^ 3, volume(mesh), 0.02)
    assert.close(mesh.vertices:norm(2), mlp.full({ #mesh.vertices }, 0.7), { tolerance = 1e-2 })
    local euler <const> = #mesh.vertices - #mesh.faces * 3 // 2 + #mesh.faces
    assert.equal(2, euler)
  end)

  it("closes whatever numbers there are", function()
    for seed = 1, 5 do
      local noise <const> = mlp.rand(9, 9, 9, { generator = mlp.generator(seed) }) - 0.5
      local rim <const> = grid(9, function(x, y, z)
        return mlp.maximum(mlp.maximum(x:abs(), y:abs()), z:abs()):gt(0.99):to "float32"
      end)
      local closed <const>, why <const> = field.is_closed(mesh_of(noise + rim))
      assert.is_true(closed, why)
    end
  end)

  it("finds nothing in what is all outside", function()
    assert.same({ 0, 3 }, mesh_of(ball(5, -1)).faces.shape)
  end)

  it("refuses what is no grid", function()
    refuses("the grid is nil but", function() field.marching_cubes() end)
    refuses("the grid is a float32 tensor %(1, 3, 3%)", function()
      field.marching_cubes(mlp.ones(1, 3, 3))
    end)
    refuses("a number that is not finite", function()
      field.marching_cubes(mlp.full({ 2, 2, 2 }, 0 / 0))
    end)
  end)
end)

describe("a mesh", function()
  it("knows distance and inside", function()
    local mesh <const> = mesh_of(ball(40, 0.6))
    local points <const> = mlp.tensor { { 0, 0, 0 }, { 0.9, 0, 0 }, { 0, 0.5, 0.1 }, { 1, 1, 1 } }
    local wanted <const> = points:norm(2) - 0.6
    assert.is_true((field.signed_distance(mesh, points) - wanted):abs():amax():item() < 5e-3)
  end)

  it("goes through an OBJ file", function()
    local path <const> = os.tmpname()
    local mesh <const> = mesh_of(ball(8, 0.5))
    assert(field.save_obj(path, mesh))
    local again <const> = assert(field.load_obj(path))
    assert.equal(0, again.faces:ne(mesh.faces):sum():item())
    assert.close(again.vertices, mesh.vertices, { tolerance = 1e-5 })
    local handle = assert(io.open(path, "w"))
    handle:write "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1/1 3/2 2/3\nf 1 2 4\nf -4 -1 -2\n"
    handle:close()
    local open <const> = assert(field.load_obj(path))
    assert.same({ 1, 4, 3 }, open.faces[3]:totable())
    local signal, message = field.mesh_sdf(path)
    assert.is_nil(signal)
    assert.matches("the mesh is open: only one face has the edge between", message)
    handle = assert(io.open(path, "w"))
    handle:write "v 0 0 0\nf 1 2 3\n"
    handle:close()
    local none, why = field.load_obj(path)
    assert.is_nil(none)
    assert.matches("line 2 names no vertex: '2'", why)
    os.remove(path)
    refuses("points are %(2,%) and corners",
      function() mlp.mesh_distance(mlp.ones(2), mlp.ones(1, 3, 3)) end)
  end)

  it("is refused where it is none", function()
    local function made(vertices, faces)
      return { vertices = mlp.ones(vertices, 3), faces = mlp.tensor(faces, { dtype = "int64" }) }
    end
    refuses("field.mesh_sdf: the mesh is 3 but", function() field.mesh_sdf(3) end)
    refuses("field.save_obj: the mesh is", function() field.save_obj("never.obj", {}) end)
    refuses("a face names vertex 9, but the mesh has vertices 1 to 3", function()
      field.is_closed(made(3, { { 1, 2, 9 } }))
    end)
    refuses("the mesh has no extent", function()
      field.mesh_sdf(made(3, { { 1, 2, 3 }, { 3, 2, 1 } }))
    end)
    refuses("the mesh has no faces", function()
      field.corners { vertices = mlp.ones(3, 3), faces = mlp.zeros(0, 3, { dtype = "int64" }) }
    end)
    refuses("near is 2 but a share", function()
      field.mesh_sdf(mesh_of(ball(8, 0.5)), { near = 2 })
    end)
  end)

  it("gives samples near it and all over the cube", function()
    local signal <const> = assert(field.mesh_sdf(mesh_of(ball(16, 0.5)), { samples = 400,
      near = 0.25, spread = 0.01 }))
    assert.same({ 400, 3 }, signal.points.shape)
    assert.is_true(signal.values:slice(1, 1, 100):abs():amax():item() < 0.06)
    assert.near(0.9, signal.mesh.vertices:amax():item(), 1e-5)
    assert.close(signal.values:reshape(-1), signal.points:norm(2) - 0.9, { tolerance = 0.05 })
  end)
end)

describe("a field of distances", function()
  it("is fitted, meshed, shaded", function()
    local signal <const> = assert(field.mesh_sdf(mesh_of(ball(12, 0.5)), { samples = 2000 }))
    local fitted <const> = assert(field.fit { signal = signal, network = "siren", steps = 60,
      batch = 512 })
    assert.is_true(fitted:error() < 0.1, fitted:error())
    local mesh <const> = fitted:mesh { resolution = 16 }
    assert.is_true(field.is_closed(mesh))
    assert.near(4 / 3 * math.pi * 0.9 ^ 3, volume(mesh), 0.8)
    local picture <const> = fitted:shade { height = 12, width = 12 }
    assert.equal(1, picture:get(1, 1, 1))
    assert.is_true(picture:get(6, 6, 1) < 0.8)
    refuses("light has no direction", function() fitted:shade { light = { 0, 0, 0 } } end)
    refuses("the pose is a float32 tensor %(3, 3%)", function()
      fitted:shade { pose = mlp.eye(3) }
    end)
    refuses("holds distances, but image is wanted", function() fitted:render { 4, 4 } end)
  end)
end)
