--- Radiance fields: a scene as a network of positions and viewing directions, learned from pictures
--- with known cameras (Mildenhall et al. 2020), rendered by the operation `composite`.
---
---     local views = assert(mlp.nerf.load "lego_tiny_nerf.npz")
---     local scene = mlp.nerf.fit{views = views, seconds = 120}
---     mlp.io.png.save("view.png", scene:render(views.poses[1]))
---     scene:save "lego.safetensors"           -- mlp.nerf.load_scene reads it
---
--- Poses are (4, 4) from camera to world, the camera looking along -z with y up (OpenGL). A focal
--- length is in pixels.

local lazy <const> = require "mlp.lazy"

---@class mlp.nerf
local nerf = {}

local function from(module, name) return function() return require(module)[name] end end

return lazy(nerf, {
  load = from("mlp.nerf.views", "load"), views = from("mlp.nerf.views", "views"),
  rays = from("mlp.nerf.rays", "rays"), turntable = from("mlp.nerf.rays", "turntable"),
  stratified = from("mlp.nerf.sampling", "stratified"),
  hierarchical = from("mlp.nerf.sampling", "hierarchical"),
  MLP = "mlp.nerf.mlp", HashField = "mlp.nerf.hash_field", Occupancy = "mlp.nerf.occupancy",
  fit = from("mlp.nerf.fit", "fit"), load_scene = from("mlp.nerf.scene_file", "load_scene"),
})
