--- Scenes in files: the field's numbers ("model."), the occupancy grid's cells, and as JSON in the
--- metadata how the field is made and where rays are sampled. A checkpoint of a fit is such a file
--- with the optimizer's numbers in it, so it can be looked at too. Nothing in it is executed.

local checkpoint <const> = require "mlp.field.checkpoint"
local core <const> = require "mlp.core"
local json <const> = require "dkjson"
local model_state <const> = require "mlp.nn.state"
local Occupancy <const> = require "mlp.nerf.occupancy"
local safetensors <const> = require "mlp.io.safetensors"
local Scene <const> = require "mlp.nerf.scene"

local scene_file = {}

local KEY <const>, CELLS <const> = "mlp.nerf.scene", "occupancy.cells"
local NUMBERS <const> = { "near", "far", "rays", "samples", "fine", "candidates", "height",
  "width", "focal", "seed", "step", "seconds" }

local function about(scene)
  local facts <const> = {}
  for _, name in ipairs(NUMBERS) do facts[name] = scene[name] end
  local grid <const> = scene.occupancy
  facts.background = scene.background and scene.background:totable() or nil
  facts.occupancy = grid and { bound = grid.bound, resolution = grid.resolution,
    threshold = grid.threshold, asked = grid.asked } or nil
  return json.encode(facts)
end

--- Writes a scene.
---@param scene mlp.nerf.Scene
---@param path string
---@param learner mlp.field.Learner? what a checkpoint keeps beside
---@return true? done
---@return string? message
---@package
function scene_file.save(scene, path, learner)
  local metadata <const> = { [KEY] = about(scene), format = "mlp",
    ["mlp.model"] = model_state.description(scene.field) }
  local tensors <const> = { [CELLS] = scene.occupancy and scene.occupancy.cells or nil }
  if learner then return checkpoint.save(path, learner, metadata, tensors) end
  for name, tensor in pairs(model_state.tensors(scene.field)) do
    tensors["model." .. name] = tensor
  end
  return safetensors.save(path, tensors, { metadata = metadata })
end

--- Takes up an occupancy grid's cells; a sentence when they do not fit.
---@param scene mlp.nerf.Scene
---@param tensors table<string, mlp.Tensor>
---@param asked boolean
---@return string? message
---@package
function scene_file.take_cells(scene, tensors, asked)
  local grid <const>, cells <const> = scene.occupancy, tensors[CELLS]
  if not grid then return end
  if not cells or cells.dtype ~= "float32" or cells.ndim ~= 1 or #cells ~= #grid.cells then
    return ("its %s are no %d numbers"):format(CELLS, #grid.cells)
  end
  grid.cells, grid.asked = cells, asked
end

--- The numbers of a scene's description; nil where one is missing or none.
local function facts_of(text)
  local facts <const> = json.decode(text or "null")
  if type(facts) ~= "table" then return nil end
  for _, name in ipairs(NUMBERS) do
    if type(facts[name]) ~= "number" then return nil end
  end
  return facts
end

local function grid_of(facts)
  local grid <const> = facts.occupancy
  return grid and Occupancy { bound = grid.bound, resolution = grid.resolution,
    threshold = grid.threshold } or nil
end

local function scene_of(facts, field, tensors)
  local ok <const>, grid <const> = pcall(grid_of, facts)
  if not ok then return nil, "its occupancy grid is described wrongly" end
  local scene <const> = setmetatable({ field = field:eval(), occupancy = grid,
    background = facts.background and core.tensor(facts.background) or nil }, Scene)
  for _, name in ipairs(NUMBERS) do scene[name] = facts[name] end
  local message <const> = scene_file.take_cells(scene, tensors,
    facts.occupancy ~= nil and facts.occupancy.asked == true)
  if message then return nil, message end
  return scene
end

local function read(tensors, metadata, field)
  local facts <const> = facts_of(metadata[KEY])
  if not facts then return nil, "it holds no scene" end
  local message
  if not field then
    if not metadata["mlp.model"] then
      return nil, "it does not say how its field is made; make it yourself and name it: "
        .. "load_scene(path, field)"
    end
    field, message = model_state.make(metadata["mlp.model"], tensors)
    if not field then return nil, message end
  end
  local ok
  ok, message = model_state.assign(field, checkpoint.part(tensors, "model."))
  if not ok then return nil, "it does not fit its field: " .. message end
  return scene_of(facts, field, tensors)
end

--- Reads a scene that scene:save wrote, or a checkpoint: to look at, not to train further.
---@param path string
---@param field mlp.nn.Module? of a class of your own, which a file cannot make
---@return mlp.nerf.Scene? scene
---@return string? message
function scene_file.load_scene(path, field)
  local tensors <const>, metadata <const> = safetensors.load(path)
  if not tensors then return nil, metadata --[[@as string]] end
  local scene <const>, message <const> = read(tensors, metadata, field)
  if not scene then return nil, ("nerf.load_scene: '%s': %s"):format(path, message) end
  return scene
end

return scene_file
