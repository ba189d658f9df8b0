--- Meshes of triangles: OBJ files, whether they are closed, and signed distances to them.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local signals <const> = require "mlp.field.signal"

local meshes = {}

---@class mlp.field.Mesh
---@field vertices mlp.Tensor (V, 3)
---@field faces mlp.Tensor (F, 3) int64, corners from 1, anticlockwise seen from outside

--- Raises unless it is a mesh whose faces name its vertices.
local function want_mesh(call, mesh)
  local given <const> = type(mesh) == "table" and mesh or {}
  local v <const>, f <const> = given.vertices, given.faces
  local fits <const> = core.is_tensor(v) and v.ndim == 2 and v:size(2) == 3
    and core.is_tensor(f) and f.ndim == 2 and f:size(2) == 3 and f.dtype == "int64"
  if not fits then
    errors.wanted(call, "the mesh", mesh,
      "a table of vertices, a tensor (V, 3), and faces, an int64 tensor (F, 3),")
  elseif #f == 0 then
    errors.raise("%s: the mesh has no faces", call)
  elseif f:amin():item() < 1 or f:amax():item() > #v then
    errors.raise("%s: a face names vertex %d, but the mesh has vertices 1 to %d", call,
      f:amin():item() < 1 and f:amin():item() or f:amax():item(), #v)
  end
end

-- ---- OBJ ----------------------------------------------------------------------------------------

--- Polygons become fans of triangles; texture and normal indices are left out; -1 is the last
--- vertex.
local function add_face(faces, line, count, where)
  local corners <const> = {}
  for word in line:gmatch "%S+" do
    local k = math.tointeger(tonumber(word:match "^%-?%d+"))
    if k and k < 0 then k = count + 1 + k end
    if not k or k < 1 or k > count then
      file.refuse("line %d names no vertex: '%s'", where, word)
    end
    corners[#corners + 1] = k
  end
  if #corners < 3 then file.refuse("line %d is a face of %d corners", where, #corners) end
  for i = 2, #corners - 1 do faces[#faces + 1] = { corners[1], corners[i], corners[i + 1] } end
end

local function read(source)
  local vertices <const>, faces <const>, number = {}, {}, 0
  for line in source:read(0, source.size):gmatch "[^\r\n]+" do
    number = number + 1
    local kind <const>, rest <const> = line:match "^%s*(%a+)%s+(.*)$"
    if kind == "v" then
      local x <const>, y <const>, z <const> = rest:match "^(%S+)%s+(%S+)%s+(%S+)"
      local v <const> = { tonumber(x), tonumber(y), tonumber(z) }
      if #v < 3 then file.refuse("line %d is no vertex: '%s'", number, line) end
      vertices[#vertices + 1] = v
    elseif kind == "f" then
      add_face(faces, rest, #vertices, number)
    end
  end
  if #faces == 0 then file.refuse "it has no faces" end
  return { vertices = core.tensor(vertices), faces = core.tensor(faces, { dtype = "int64" }) }
end

--- Reads the vertices and faces of an OBJ file.
---@param path string
---@return mlp.field.Mesh? mesh
---@return string? message
function meshes.load_obj(path) return file.load("field.load_obj", path, read) end

--- Writes an OBJ file.
---@param path string
---@param mesh mlp.field.Mesh
---@return true? done
---@return string? message
function meshes.save_obj(path, mesh)
  want_mesh("field.save_obj", mesh)
  return file.write("field.save_obj", path, function(handle)
    for _, v in ipairs(mesh.vertices:totable()) do
      handle:write(("v %.6g %.6g %.6g\n"):format(v[1], v[2], v[3]))
    end
    for _, f in ipairs(mesh.faces:totable()) do
      handle:write(("f %d %d %d\n"):format(f[1], f[2], f[3]))
    end
  end)
end

-- ---- what a mesh is -----------------------------------------------------------------------------

--- Is the mesh closed? Then every edge belongs to two faces, which run along it in opposite
--- directions.
---@param mesh mlp.field.Mesh
---@return boolean closed
---@return string? message names an edge that is not shared so
function meshes.is_closed(mesh)
  want_mesh("field.is_closed", mesh)
  local edges <const> = {}
  local many <const> = #mesh.vertices + 1
  for _, f in ipairs(mesh.faces:totable()) do
    for k = 1, 3 do
      local key <const> = f[k] * many + f[k % 3 + 1]
      if edges[key] then
        return false, ("two faces run from vertex %d to %d"):format(f[k], f[k % 3 + 1])
      end
      edges[key] = true
    end
  end
  for key in pairs(edges) do
    local a <const>, b <const> = key // many, key % many
    if not edges[b * many + a] then
      return false, ("the mesh is open: only one face has the edge between vertices %d and %d")
        :format(a, b)
    end
  end
  return true
end

--- The corners of all faces, as mlp.mesh_distance takes them.
---@param mesh mlp.field.Mesh
---@return mlp.Tensor corners (F, 3, 3)
function meshes.corners(mesh)
  want_mesh("field.corners", mesh)
  return mesh.vertices:to("float32"):index_select(1, mesh.faces:reshape(-1)):reshape(-1, 3, 3)
end

-- ---- signed distances ---------------------------------------------------------------------------

--- Points spread evenly over the surface.
local function on_surface(corners, count, generator)
  local draw <const> = { generator = generator }
  local a <const>, b <const>, c <const> =
    corners:select(2, 1), corners:select(2, 2), corners:select(2, 3)
  local areas <const> = core.public.cross(b - a, c - a):norm(2)
  local ends <const> = areas:cumsum(1)
  local face <const> = core.searchsorted(ends, core.rand(count, draw) * ends:get(#ends))
    :to("float32"):clamp(1, #ends):to "int64"
  local u <const>, v <const> = core.rand({ count, 1 }, draw):sqrt(), core.rand({ count, 1 }, draw)
  return a:index_select(1, face) * (1 - u) + b:index_select(1, face) * (u * (1 - v))
    + c:index_select(1, face) * (u * v)
end

--- Signed distances, below 0 inside by the winding number, of any points.
---@param mesh mlp.field.Mesh closed
---@param points mlp.Tensor (N, 3) in the mesh's own coordinates
---@return mlp.Tensor distances (N)
function meshes.signed_distance(mesh, points)
  local distance <const>, winding <const> = core.mesh_distance(points, meshes.corners(mesh))
  return core.where(winding:gt(0.5), -distance, distance)
end

--- The mesh moved and scaled into -0.9 .. 0.9, unless centre and scale say otherwise.
local function placed(mesh, centre, scale)
  local v <const> = mesh.vertices:to "float32"
  local low <const>, high <const> = v:amin(1), v:amax(1)
  centre = centre and core.tensor(centre) or (low + high) * 0.5
  scale = scale or (high - low):amax():item() / 1.8
  if scale <= 0 then errors.raise "field.mesh_sdf: the mesh has no extent" end
  return { vertices = (v - centre) * (1 / scale), faces = mesh.faces }
end

--- A signal of signed distances to a closed mesh: points near its surface, and all over the cube.
---@param mesh mlp.field.Mesh|string a mesh, or the name of an OBJ file
---@param options {samples: integer?, near: number?, spread: number?, centre: number[]?,
---  scale: number?, seed: integer?}? `samples` default 200000; `near` the share of them that lies
---  near the surface (0.5), off it by a normal deviation of `spread` (0.03); `centre` and `scale`
---  map the mesh by (v - centre) / scale, default: its box into -0.9 .. 0.9
---@return mlp.field.Signal? signal with `mesh`, the mesh where it was put
---@return string? message when there is no such file, or the mesh is open
function meshes.mesh_sdf(mesh, options)
  local o <const> = errors.options("field.mesh_sdf", options, { samples = 200000, near = 0.5,
    spread = 0.03, centre = errors.NONE, scale = errors.NONE, seed = 1 })
  if type(mesh) == "string" then
    local loaded <const>, message <const> = meshes.load_obj(mesh)
    if not loaded then return nil, message end
    mesh = loaded
  end
  want_mesh("field.mesh_sdf", mesh)
  if math.type(o.samples) ~= "integer" or o.samples < 2 then
    errors.wanted("field.mesh_sdf", "samples", o.samples, "a whole number from 2")
  elseif type(o.near) ~= "number" or o.near < 0 or o.near > 1 then
    errors.wanted("field.mesh_sdf", "near", o.near, "a share from 0 to 1")
  end
  local closed <const>, why <const> = meshes.is_closed(mesh)
  if not closed then return nil, "field.mesh_sdf: " .. why end
  local here <const> = placed(mesh, o.centre, o.scale)
  local generator <const> = core.generator(o.seed)
  local near <const> = math.min(math.max(o.samples * o.near // 1 | 0, 1), o.samples - 1)
  local close <const> = on_surface(meshes.corners(here), near, generator)
    + core.randn(near, 3, { generator = generator }) * o.spread
  local far <const> = core.rand({ o.samples - near, 3 }, { generator = generator }) * 2 - 1
  local points <const> = core.cat({ close, far }, 1)
  local signal <const> = signals.distances(points, meshes.signed_distance(here, points))
  signal.mesh = here
  return signal
end

return meshes
