--- Every case of every operation, compiled: a replay gives the values and gradients that the eager
--- call gives, whatever the rows of the batch, the height of tiles and the lanes. MLP_LONG=1 runs
--- every case at every setting; otherwise each runs at its own few rows and at one of the others in
--- turn, so that all settings have their share of cases.
local core <const> = require "mlp.core"
local case_run <const> = require "spec.support.case_run"
local cases <const> = require "spec.support.cases"
local compile <const> = require "mlp.compile".compile

local LONG <const> = os.getenv "MLP_LONG" ~= nil

-- ---- settings -----------------------------------------------------------------------------------

--- rows: of the batch, nil: as many as the case has; height: of tiles, nil: no batch is named.
---@class spec.Setting
---@field rows integer?
---@field height integer?
---@field lanes integer
local OWN <const> = { { lanes = 1 }, { height = 1, lanes = 2 }, { height = 2, lanes = 3 },
  { height = 7, lanes = 1 } }

local OTHER <const> = {}
for _, rows in ipairs { 1, 7, 128, 1000 } do
  for _, height in ipairs { 1, 7, 128, 1000 } do
    for lanes = 1, 3 do
      -- a taller tile is the whole batch, as is one of its own height
      if height <= rows then OTHER[#OTHER + 1] = { rows = rows, height = height, lanes = lanes } end
    end
  end
end

local turn = 0
local function settings()
  local list <const> = table.move(OWN, 1, #OWN, 1, {})
  if LONG then return table.move(OTHER, 1, #OTHER, #list + 1, list) end
  turn = turn % #OTHER + 1
  list[#list + 1] = OTHER[turn]
  return list
end

local function at(setting)
  local lanes <const> = core.lanes()
  core.lanes(setting.lanes)
  core.debug.tile_height(setting.height or 0)
  return setmetatable({}, { __close = function()
    core.lanes(lanes)
    core.debug.tile_height(0)
  end })
end

-- ---- batches ------------------------------------------------------------------------------------

local function tensors_of(args)
  local list <const> = {}
  case_run.with_tensors(args, function(t)
    list[#list + 1] = t
    return t
  end)
  return list
end

--- Which tensors among the arguments carry the batch: those whose first axis is as long as that of
--- the first one that has any.
local function batch_of(args)
  local length, places = nil, {}
  for i, t in ipairs(tensors_of(args)) do
    if t.ndim > 0 then
      length = length or t:size(1)
      if t:size(1) == length then places[#places + 1] = i end
    end
  end
  return places, length
end

--- So many rows, those of t again and again; floats a little smaller from row to row.
local function lengthened(t, rows, vary)
  local positions <const>, factors <const>, shape <const> = {}, {}, { rows }
  for i = 1, rows do
    positions[i] = (i - 1) % t:size(1) + 1
    factors[i] = 1 - 37 * i % 64 / 256
  end
  local longer <const> = t:index_select(1, core.tensor(positions, { dtype = "int64" }))
  if not (vary and case_run.is_float(t)) then return longer end
  for axis = 2, t.ndim do shape[axis] = 1 end
  return longer * core.tensor(factors, { dtype = t.dtype }):reshape(shape)
end

--- Arguments of a run with so many rows, its own when `rows` is nil.
local function arguments(args, rows, vary)
  if not rows then return args end
  local has_batch <const>, place = {}, 0
  for _, i in ipairs((batch_of(args))) do has_batch[i] = true end
  return case_run.with_tensors(args, function(t)
    place = place + 1
    return has_batch[place] and lengthened(t, rows, vary) or t
  end)
end

-- ---- the call as a function of its tensors ------------------------------------------------------

--- Positions, among the tensors, of those to differentiate.
local function leaf_places(run)
  local wanted <const>, places <const>, place = case_run.differentiated(run), {}, 0
  case_run.with_tensors(case_run.arguments(run), function(t, position)
    place = place + 1
    if wanted[position] and case_run.is_float(t) then places[#places + 1] = place end
    return t
  end)
  return places
end

local function leaves_of(tensors, places)
  local leaves <const> = {}
  for i, place in ipairs(places) do leaves[i] = tensors[place] end
  return leaves
end

--- What is compiled: the call, or its gradients by the leaves at `places`.
local function as_function(run, args, places)
  return function(...)
    local given <const>, place = { ... }, 0
    local filled <const> = case_run.with_tensors(args, function()
      place = place + 1
      return given[place]
    end)
    local function outputs() return { core[run.case.op](table.unpack(filled, 1, filled.n)) } end
    if not places then return table.unpack(outputs()) end
    return table.unpack(case_run.gradients(outputs, leaves_of(given, places)), 1, #places)
  end
end

--- The results of a call on these arguments, followed by the arguments that it wrote.
local function once(run, fn, args)
  if run.case.random then core.manual_seed(7) end
  local got <const> = table.pack(fn(table.unpack(tensors_of(args))))
  got.n = nil
  for _, position in ipairs(run.case.writes or {}) do got[#got + 1] = args[position] end
  return got
end

-- ---- comparing ----------------------------------------------------------------------------------

--- A quick look at large results; where it is in doubt, the thorough one decides.
local function are_close(got, wanted, tolerance)
  if wanted:numel() == 0 or got.dtype ~= wanted.dtype then return false end
  if table.concat(got.shape, ",") ~= table.concat(wanted.shape, ",") then return false end
  local off <const> = (got:to "float64" - wanted:to "float64"):abs():amax():item()
  local most <const> = wanted:to "float64":abs():amax():item()
  return off <= (case_run.is_float(got) and tolerance * most or 0)
end

local function compare(run, got, wanted, about, tolerance)
  for k, y in pairs(wanted) do
    if not (got[k] and are_close(got[k], y, tolerance)) then
      case_run.compare(run, got, wanted, about, tolerance)
      return
    end
  end
end

-- ---- the checks ---------------------------------------------------------------------------------

--- What a run is given at so many rows, and what the eager call makes of that; nil where it refuses
--- such rows: the first axis of a square matrix is no batch.
local function eager(run, args, rows, places)
  for _, vary in ipairs { true, false } do
    local some <const> = arguments(args, rows, vary)
    local function fresh()
      local copy <const> = case_run.with_tensors(some, function(t) return t:clone() end)
      for _, leaf in ipairs(leaves_of(tensors_of(copy), places or {})) do leaf:requires_grad_() end
      return copy
    end
    local sound <const>, result <const> = pcall(function()
      return once(run, as_function(run, fresh(), places), fresh())
    end)
    if sound then return fresh, result end
    if not rows then error(result, 0) end
  end
end

--- Recorded, and replayed, on fresh arguments each time; false where such rows cannot be.
local function hold(run, args, setting, places)
  local _ <close> = at(setting)
  local about <const> = ("compiled%s, %s rows, tiles of %s, %d lanes"):format(
    places and ", gradient" or "", setting.rows or "its own", setting.height or "all",
    setting.lanes)
  local fresh <const>, wanted <const> = eager(run, args, setting.rows, places)
  if not fresh then return false end
  local step <const> = compile(as_function(run, fresh(), places),
    { batch = setting.height and batch_of(args) or {} })
  compare(run, once(run, step, fresh()), wanted, about .. ", recorded", 0)
  compare(run, once(run, step, fresh()), wanted, about, (places and 20 or 4) * run.tolerance)
  assert.is_nil(step:dump():find "not cut along", step:dump())
  return true
end

--- Operations of which some case had rows that are not its own.
local reached <const> = {}

local function hold_at_all(run, places)
  local args <const> = case_run.arguments(run)
  local _, length <const> = batch_of(args)
  for _, setting in ipairs(settings()) do
    local possible <const> = not setting.rows or (length or 0) > 0
    local held <const> = possible and hold(run, args, setting, places)
    if held and setting.rows then reached[run.case.op] = true end
  end
end

local function examine(case)
  local name <const> = case.name and (" (%s)"):format(case.name) or ""
  it("compiles" .. name, function()
    for _, run in ipairs(case_run.all(case)) do hold_at_all(run) end
  end)
  local float64 <const> = case_run.all(case, { "float64" })
  if not case_run.has_float64(case) or not case_run.has_gradient(float64[1]) then return end
  it("compiles its derivatives" .. name, function()
    for _, run in ipairs(float64) do
      local places <const> = leaf_places(run)
      if #places > 0 then hold_at_all(run, places) end
    end
  end)
end

for _, row in ipairs(core.rows()) do
  describe(row.name, function()
    for _, case in ipairs(cases) do
      if case.op == row.name and not case.error then examine(case) end
    end
  end)
end

local SHAPE <const>, STEP <const> = "its shape is a setting", "what it works on has no batch"
--- Operations that need not come so far.
local WITHOUT <const> = { rand = SHAPE, randn = SHAPE, randint = SHAPE, randperm = SHAPE,
  expand = SHAPE, hash_grid_levels = SHAPE, ema_step = STEP, lookahead_step = STEP,
  lbfgs_direction = STEP }

describe("batches of other lengths", function()
  it("reach every operation that can have them", function()
    local never <const> = {}
    for _, case in ipairs(cases) do
      if not (reached[case.op] or WITHOUT[case.op]) then never[case.op] = true end
    end
    assert.same({}, never)
  end)
end)
