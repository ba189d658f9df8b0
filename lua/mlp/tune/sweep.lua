--- A sweep over options: choices are laid out or drawn, tried one after the other, and judged by
--- one number. A trial that fails is a trial without a number, and the sweep goes on.

local columns <const> = require "mlp.columns"
local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local CALL <const> = "tune.sweep"

---@class mlp.tune.Trial
---@field options table<string, any> what the function was run with
---@field values table<string, any> what it returned; a number stands under "value"
---@field seconds number
---@field error string? why there are no values

--- What mlp.tune.sweep answers: the trials in the order in which they ran; tostring is a table, the
--- best first.
---@class mlp.tune.Sweep
---@field [integer] mlp.tune.Trial
---@field metric string the number that is judged
---@field higher_is_better boolean
---@field names string[] of the options, in order
local Sweep = { __name = "mlp.tune.Sweep" }
Sweep.__index = Sweep

-- ---- the choices --------------------------------------------------------------------------------

local function names_of(space)
  local names <const> = {}
  if type(space) ~= "table" then
    errors.wanted(CALL, "the second argument", space, "a table {option = {choice, choice, ...}}")
  end
  for name, choices in pairs(space) do
    local is_list <const> = type(choices) == "table" and #choices > 0
    if type(name) ~= "string" then errors.wanted(CALL, "an option", name, "a name") end
    if not is_list and type(choices) ~= "function" then
      errors.wanted(CALL, name, choices,
        "a list of choices, or a function from a number in [0, 1) to a choice")
    end
    names[#names + 1] = name
  end
  if #names == 0 then errors.raise("%s: there are no options to try", CALL) end
  table.sort(names)
  return names
end

--- All combinations; the last name changes fastest.
local function grid(names, space)
  local list = { {} }
  for _, name in ipairs(names) do
    if type(space[name]) == "function" then
      errors.raise("%s: '%s' is drawn at random; say how many trials: samples = 20", CALL, name)
    end
    local longer <const> = {}
    for _, options in ipairs(list) do
      for _, choice in ipairs(space[name]) do
        local more <const> = {}
        for key, value in pairs(options) do more[key] = value end
        more[name] = choice
        longer[#longer + 1] = more
      end
    end
    list = longer
  end
  return list
end

local function drawn(names, space, count, seed)
  local generator <const>, list <const> = core.generator(seed), {}
  for i = 1, count do
    local u <const> = core.rand(#names, { generator = generator, dtype = "float64" }):totable()
    list[i] = {}
    for k, name in ipairs(names) do
      local choices <const> = space[name]
      list[i][name] = type(choices) == "function" and choices(u[k])
        or choices[(u[k] * #choices // 1 | 0) + 1]
    end
  end
  return list
end

-- ---- running ------------------------------------------------------------------------------------

local function copy(t)
  local other <const> = {}
  for key, value in pairs(t) do other[key] = value end
  return other
end

local function values_of(result)
  if type(result) == "number" then return { value = result } end
  if type(result) == "table" then return result end
  errors.wanted(CALL, "what the function returns", result, "a number, or a table of numbers")
end

--- One trial. An error is noted and the sweep goes on, unless somebody interrupted it.
local function try(run, options, number)
  local started <const> = core.now()
  local ok <const>, result <const> = pcall(run, copy(options), number)
  local trial <const> = { options = options, values = {}, seconds = core.now() - started }
  if ok then
    trial.values = values_of(result)
  elseif tostring(result):find "interrupted!" then
    error(result, 0)
  else
    trial.error = tostring(result)
  end
  return trial
end

local function metric_of(sweep, given)
  for _, trial in ipairs(sweep) do
    local values <const> = trial.values
    local name <const> = given or values.value and "value" or "loss"
    if type(values[name]) == "number" then return name end
    if next(values) ~= nil then
      errors.raise("%s: the function returned no number '%s'; name one that it does: metric = ...",
        CALL, name)
    end
  end
  errors.raise("%s: no trial succeeded; the first failed with: %s", CALL, sweep[1].error)
end

-- ---- judging ------------------------------------------------------------------------------------

local function number_of(self, trial)
  local value <const> = trial.values[self.metric]
  return type(value) == "number" and value == value and value or nil
end

--- The trials, the best first; those without a number last.
---@return mlp.tune.Trial[]
function Sweep:ranked()
  local list <const>, place <const> = table.move(self, 1, #self, 1, {}), {}
  for i, trial in ipairs(self) do place[trial] = i end
  table.sort(list, function(a, b)
    local x <const>, y <const> = number_of(self, a), number_of(self, b)
    if x ~= y and x and y then return (x > y) == self.higher_is_better end
    if (x == nil) ~= (y == nil) then return x ~= nil end
    return place[a] < place[b]
  end)
  return list
end

--- The best trial.
---@return mlp.tune.Trial
function Sweep:best() return self:ranked()[1] end

function Sweep:__tostring()
  local headings <const>, rows <const> = { "trial" }, {}
  table.move(self.names, 1, #self.names, 2, headings)
  headings[#headings + 1] = self.metric
  headings[#headings + 1] = "seconds"
  local place <const> = {}
  for i, trial in ipairs(self) do place[trial] = i end
  for i, trial in ipairs(self:ranked()) do
    rows[i] = { place[trial] }
    for k, name in ipairs(self.names) do rows[i][k + 1] = trial.options[name] end
    rows[i][#headings - 1] = number_of(self, trial) or trial.error and "failed" or "NaN"
    rows[i][#headings] = ("%.1f"):format(trial.seconds)
  end
  return columns(headings, rows)
end

-- ---- showing ------------------------------------------------------------------------------------

local function want_option(self, name)
  for _, known in ipairs(self.names) do
    if known == name then return end
  end
  errors.raise("%s: '%s' is no option of the sweep (%s)", CALL, tostring(name),
    table.concat(self.names, ", "))
end

--- Points of one line: the best number at each value of `x`.
local function add_point(self, line, x, y)
  local known <const> = line.at[x]
  if known == nil then line.order[#line.order + 1] = x end
  local better <const> = known ~= nil and (y > known) == self.higher_is_better
  if known == nil or better then line.at[x] = y end
end

--- Lines by the value of `by`, all trials in one without it; in order of appearance.
local function lines_of(self, x, by)
  local lines <const>, known <const> = {}, {}
  for _, trial in ipairs(self) do
    local y <const> = number_of(self, trial)
    local name <const> = by and ("%s = %s"):format(by, tostring(trial.options[by])) or self.metric
    if y then
      if not known[name] then
        known[name] = { name = by and name, at = {}, order = {} }
        lines[#lines + 1] = known[name]
      end
      add_point(self, known[name], trial.options[x], y)
    end
  end
  return lines
end

--- Numbers that span more than a factor of 30 are shown on a logarithmic axis.
local function is_wide(xs)
  local low <const>, high <const> = math.min(table.unpack(xs)), math.max(table.unpack(xs))
  return low > 0 and high / low > 30
end

local function line_figure(self, lines, x)
  local all <const>, arguments <const> = {}, { x_label = x, y_label = self.metric }
  for i, line in ipairs(lines) do
    table.sort(line.order)
    local y <const> = {}
    for k, value in ipairs(line.order) do
      y[k] = line.at[value]
      all[#all + 1] = value
    end
    arguments[i] = { x = line.order, y = y, name = line.name, marker = true }
  end
  arguments.log_x = is_wide(all)
  return require("mlp.plot").lines(arguments)
end

local function bar_figure(self, lines, x)
  local names <const>, known <const> = {}, {}
  for _, line in ipairs(lines) do
    for _, value in ipairs(line.order) do
      if not known[value] then
        known[value] = true
        names[#names + 1] = value
      end
    end
  end
  local arguments <const>, texts <const> = { x_label = x, y_label = self.metric }, {}
  for k, value in ipairs(names) do texts[k] = tostring(value) end
  for i, line in ipairs(lines) do
    local y <const> = {}
    for k, value in ipairs(names) do y[k] = line.at[value] or 0 / 0 end
    arguments[i] = { y = y, name = line.name }
  end
  arguments.names = texts
  return require("mlp.plot").bars(arguments)
end

--- The number that is judged over the values of an option: lines where they are numbers, else bars;
--- where other options differ too, the best of them.
---@param x string? the option; default: the first
---@param by string? an option that tells lines or bars apart
---@return mlp.plot.Figure
function Sweep:figure(x, by)
  x = x or self.names[1]
  want_option(self, x)
  if by then want_option(self, by) end
  local lines <const>, numeric = lines_of(self, x, by), true
  for _, line in ipairs(lines) do
    for _, value in ipairs(line.order) do numeric = numeric and type(value) == "number" end
  end
  return (numeric and line_figure or bar_figure)(self, lines, x)
end

--- Runs a function with every combination of choices, or with so many drawn at random, which finds
--- good values of many options sooner (Bergstra and Bengio 2012). A trial that raises an error is
--- noted and the sweep goes on.
---
---     local sweep = mlp.tune.sweep(function(o)
---       local trainer = ...
---       trainer:fit(train, {epochs = 10})
---       return trainer:evaluate(validation)
---     end, {lr = {1e-3, 1e-2}, hidden = {16, 64}}, {metric = "accuracy", higher_is_better = true})
---     print(sweep)
---     print(sweep:best().options.lr)
---     sweep:figure("lr", "hidden"):save "sweep.svg"
---@param run fun(options: table, trial: integer): number|table<string, number> trains and judges;
---  what trainer:evaluate gives will do
---@param space table<string, any[]|fun(u: number): any> the choices of each option; or, for random
---  trials, a function from a number in [0, 1): function(u) return 10 ^ (-4 + 3 * u) end
---@param options {samples: integer?, seed: integer?, metric: string?, higher_is_better: boolean?}?
---  samples: so many random trials; default: every combination; seed: of the draws (1); metric: the
---  number that is judged, "loss" of a table; higher_is_better: false
---@return mlp.tune.Sweep
local function sweep(run, space, options)
  local o <const> = errors.options(CALL, options,
    { samples = errors.NONE, seed = 1, metric = errors.NONE, higher_is_better = false })
  if type(run) ~= "function" then
    errors.wanted(CALL, "the first argument", run, "a function that trains and returns a number")
  elseif o.samples ~= nil and (math.type(o.samples) ~= "integer" or o.samples < 1) then
    errors.wanted(CALL, "samples", o.samples, "a whole number from 1")
  end
  local names <const> = names_of(space)
  local trials <const> = o.samples and drawn(names, space, o.samples, o.seed) or grid(names, space)
  local result <const> = setmetatable({ names = names, higher_is_better = o.higher_is_better },
    Sweep)
  for i, choice in ipairs(trials) do result[i] = try(run, choice, i) end
  result.metric = metric_of(result, o.metric)
  return result
end

return sweep
