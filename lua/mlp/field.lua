--- Signals as networks of their coordinates: pictures, sounds, shapes.
---
---     local field = mlp.field.fit{signal = mlp.io.png.load "photo.png", seconds = 10}
---     print(field:psnr())
---     mlp.io.png.save("large.png", field:render{1024, 1024})
---
--- Coordinates run from -1 to 1 along every axis: (x, y) of a picture from its left upper corner,
--- the time of a sound, (x, y, z) of a shape.

local lazy <const> = require "mlp.lazy"

---@class mlp.field
local field = {}

local function from(module, name) return function() return require(module)[name] end end

return lazy(field, {
  fit = from("mlp.field.fit", "fit"), load = from("mlp.field.fit", "load"),
  image = from("mlp.field.signal", "image"), audio = from("mlp.field.signal", "audio"),
  distances = from("mlp.field.signal", "distances"),
  gradient = from("mlp.field.derivative", "gradient"),
  laplacian = from("mlp.field.derivative", "laplacian"),
  eikonal = from("mlp.field.derivative", "eikonal"),
  load_obj = from("mlp.field.mesh", "load_obj"), save_obj = from("mlp.field.mesh", "save_obj"),
  is_closed = from("mlp.field.mesh", "is_closed"), corners = from("mlp.field.mesh", "corners"),
  mesh_sdf = from("mlp.field.mesh", "mesh_sdf"),
  signed_distance = from("mlp.field.mesh", "signed_distance"),
  marching_cubes = from("mlp.field.marching", "cubes"),
  network = from("mlp.field.network", "network"), grid = from("mlp.field.signal", "grid"),
})
