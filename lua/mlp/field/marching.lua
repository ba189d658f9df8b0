--- Marching cubes (Lorensen and Cline 1987): the surface where a grid of numbers passes through a
--- level. The table of cases is not written down but derived: on each face of a cube every run of
--- inside corners is cut off by a segment, which depends on that face alone, so cubes side by side
--- agree and the surface is closed wherever it does not leave the grid. The segments of a cube
--- chain into loops, and loops are cut into triangles through the inside of the cube: a cut along a
--- face might meet one of the neighbour's.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local marching = {}

--- Corners of a cube are numbers of three bits: 1 for x, 2 for y, 4 for z. The faces list their
--- corners anticlockwise, seen from outside.
local FACES <const> = { { 0, 4, 6, 2 }, { 1, 3, 7, 5 }, { 0, 1, 5, 4 }, { 2, 6, 7, 3 },
  { 0, 2, 3, 1 }, { 4, 5, 7, 6 } }

local function inside(case, corner) return case >> corner & 1 == 1 end

--- An edge by its lower corner and its axis (0, 1, 2).
local function edge_of(a, b)
  local bit <const> = a ~ b
  return (a & b) * 3 + (bit == 1 and 0 or bit == 2 and 1 or 2)
end

--- For each crossing of a case, the next one on its loop: from where a face is entered to where it
--- is left, around the inside corners between.
local function next_crossings(case)
  local follows <const> = {}
  for _, face in ipairs(FACES) do
    for k = 1, 4 do
      local a <const>, b <const> = face[k], face[k % 4 + 1]
      if not inside(case, a) and inside(case, b) then
        local at = k % 4 + 1
        while inside(case, face[at % 4 + 1]) do at = at % 4 + 1 end
        follows[edge_of(a, b)] = edge_of(face[at], face[at % 4 + 1])
      end
    end
  end
  return follows
end

--- Do two edges of the cube bound one face?
local function share_face(a, b)
  for axis = 0, 2 do
    local bit <const> = 1 << axis
    if a % 3 ~= axis and b % 3 ~= axis and a // 3 & bit == b // 3 & bit then return true end
  end
  return false
end

--- Triangles of the part of a loop from place i to place j, added to the list; false where a cut
--- along a face cannot be avoided.
local function cut(loop, i, j, list)
  if j - i < 2 then return true end
  local function may(a, b)
    return b - a == 1 or b - a == #loop - 1 or not share_face(loop[a], loop[b])
  end
  local count <const> = #list
  for k = i + 1, j - 1 do
    if may(i, k) and may(k, j) and cut(loop, i, k, list) and cut(loop, k, j, list) then
      table.move({ loop[i], loop[k], loop[j] }, 1, 3, #list + 1, list)
      return true
    end
    for at = #list, count + 1, -1 do list[at] = nil end
  end
  return false
end

--- The triangles of a case as a flat list of edges.
local function triangles_of(case)
  local follows <const>, list <const>, done <const> = next_crossings(case), {}, {}
  for edge = 0, 23 do
    if follows[edge] and not done[edge] then
      local loop, at = {}, edge
      repeat
        loop[#loop + 1], done[at] = at, true
        at = follows[at]
      until at == edge
      assert(cut(loop, 1, #loop, list))
    end
  end
  return list
end

local CASES <const> = {}
for case = 1, 254 do CASES[case] = triangles_of(case) end

--- Which cubes the surface passes, and their cases: lists of numbers.
local function active_cubes(values, level)
  local below <const> = values:lt(level):to "int64"
  local case
  for corner = 0, 7 do
    local part = below
    for axis = 1, 3 do
      local up <const> = corner >> (3 - axis) & 1 -- values are (z, y, x)
      part = part:slice(axis, 1 + up, -2 + up)
    end
    case = case and case + part * (1 << corner) or part
  end
  local flat <const> = case:reshape(-1)
  local places <const> = flat:gt(0):logical_and(flat:lt(255)):nonzero():reshape(-1)
  return places:totable(), flat:index_select(1, places):totable()
end

local function want_grid(call, values)
  local fits = core.is_tensor(values) and values.ndim == 3
  for axis = 1, fits and 3 or 0 do fits = fits and values:size(axis) >= 2 end
  if not fits then
    errors.wanted(call, "the grid", values, "a tensor (nz, ny, nx), at least 2 along each axis,")
  elseif values:to("float64"):isfinite():all():item() == 0 then
    errors.raise("%s: the grid holds a number that is not finite", call)
  end
end

--- The surface of a grid: where its numbers pass `level`, with the smaller ones inside.
---@param values mlp.Tensor (nz, ny, nx), at least 2 along each axis
---@param options {level: number?, low: number?, high: number?}? `level` default 0; the grid's ends
---  lie at `low` and `high` along every axis (-1 and 1)
---@return mlp.Tensor vertices (V, 3)
---@return mlp.Tensor faces (F, 3) int64, anticlockwise seen from outside
function marching.cubes(values, options)
  local call <const> = "field.marching_cubes"
  local o <const> = errors.options(call, options, { level = 0, low = -1, high = 1 })
  want_grid(call, values)
  local nz <const>, ny <const>, nx <const> = table.unpack(values.shape)
  local number <const> = values:reshape(-1):totable()
  local span <const>, step <const> = { nx, ny, nz }, { 1, nx, nx * ny }
  local vertices <const>, faces <const>, known <const> = {}, {}, {}

  local function vertex(x, y, z, edge)
    local corner <const>, axis <const> = edge // 3, edge % 3 + 1
    local at <const> = { x + (corner & 1), y + (corner >> 1 & 1), z + (corner >> 2 & 1) }
    local place <const> = at[1] + at[2] * nx + at[3] * nx * ny + 1
    local key <const> = place * 3 + axis
    if known[key] then return known[key] end
    local a <const>, b <const> = number[place] - o.level, number[place + step[axis]] - o.level
    at[axis] = at[axis] + a / (a - b)
    for d = 1, 3 do at[d] = o.low + (o.high - o.low) * at[d] / (span[d] - 1) end
    vertices[#vertices + 1], known[key] = at, #vertices + 1
    return known[key]
  end

  local places <const>, cases <const> = active_cubes(values, o.level)
  for i, place in ipairs(places) do
    local x <const> = (place - 1) % (nx - 1)
    local y <const> = (place - 1) // (nx - 1) % (ny - 1)
    local z <const> = (place - 1) // ((nx - 1) * (ny - 1))
    local edges <const> = CASES[cases[i]]
    for k = 1, #edges, 3 do
      faces[#faces + 1] = { vertex(x, y, z, edges[k]), vertex(x, y, z, edges[k + 1]),
        vertex(x, y, z, edges[k + 2]) }
    end
  end
  if #faces == 0 then return core.zeros(0, 3), core.zeros(0, 3, { dtype = "int64" }) end
  return core.tensor(vertices), core.tensor(faces, { dtype = "int64" })
end

return marching
