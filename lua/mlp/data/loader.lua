--- Batches from a data set, from a list of samples, or from any Lua iterator. A pass over a set is
--- fixed when it begins: one drawn order and a position in it. Both can be saved and taken up
--- again (state, restore), which is how a training run resumes in the middle of an epoch.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local tensors <const> = require "mlp.data.tensors"

local CALL <const> = "data.loader"
local BATCH_SIZE <const> = 32

---@class mlp.data.Loader
---@field batch_size integer? nil: the source's items are batches already
---@field shuffle boolean
---@field drop_last boolean
local Loader = { __name = "mlp.data.Loader" }
Loader.__index = Loader

-- ---- samples to batches -------------------------------------------------------------------------

local function column_of(values)
  if core.is_tensor(values[1]) then return core.stack(values, 1) end
  return core.tensor(values)
end

--- A list of tensors is a list of samples, but {inputs, targets} is what people write.
local function refuse_columns(samples)
  local first <const> = samples[1]
  if not core.is_tensor(first) or first.ndim == 0 then return end
  for i, sample in ipairs(samples) do
    local alike <const> = core.is_tensor(sample) and sample.dtype == first.dtype
      and errors.shape(sample) == errors.shape(first)
    if not alike then
      errors.raise("%s: item 1 of the list is %s but item %d is %s; samples are alike, and tensors "
        .. "of many samples are mlp.data.tensors(x, y)", CALL, core.describe(first), i,
        core.describe(sample))
    end
  end
end

--- Columns (lists of values) of a list of samples; a sample is a table of values or one value.
local function columns_of(samples)
  local first <const> = samples[1]
  if type(first) ~= "table" then return { samples } end
  local columns <const> = {}
  for k = 1, #first do
    columns[k] = {}
    for i, sample in ipairs(samples) do columns[k][i] = sample[k] end
  end
  return columns
end

local function collated(samples)
  local columns <const> = columns_of(samples)
  for k, values in ipairs(columns) do columns[k] = column_of(values) end
  return table.unpack(columns)
end

-- ---- sources ------------------------------------------------------------------------------------

local function is_callable(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

--- A source as a data set, or nil and a function that begins a pass over items.
local function known_source(source)
  if getmetatable(source) == Loader then errors.raise("%s: the source is a loader", CALL) end
  if type(source) == "table" and type(source.rows) == "function" then return source end
  if is_callable(source) then return nil, source end
  if type(source) == "table" and getmetatable(source) == nil and #source > 0 then
    refuse_columns(source)
    return tensors(collated(source))
  end
  errors.wanted(CALL, "the source", source,
    "a data set (mlp.data.tensors(x, y)), a list of samples or a function that iterates")
end

--- The iterator of a pass, as a generic `for` has it: step, state, first value. A source that
--- returns a function (and a state and a value, as pairs does) when called makes a fresh one for
--- every pass; one that returns an item is an iterator itself, good for one pass.
local function iterator_of(loader)
  if loader.spent then
    errors.raise("%s: the iterator is spent after one pass; give a function that returns "
      .. "a fresh one", CALL)
  end
  local first <const> = table.pack(loader.items())
  if type(first[1]) == "function" then return first[1], first[2], first[3] end
  loader.spent = true
  local given = false
  return function()
    if given then return loader.items() end
    given = true
    return table.unpack(first, 1, first.n)
  end
end

--- A function that returns the next item at each call, and nothing from the end on.
local function items_of(loader)
  local step, state <const>, control = iterator_of(loader)
  local function keep(...)
    control = ...
    if control == nil then step = nil end
    return ...
  end
  return function()
    if step then return keep(step(state, control)) end
  end
end

local function sample_of(...)
  if select("#", ...) == 1 then return ... end
  return { ... }
end

local function gather(next_item, size, drop_last)
  local samples <const> = {}
  while #samples < size do
    local sample <const> = sample_of(next_item())
    if sample == nil or type(sample) == "table" and #sample == 0 then break end
    samples[#samples + 1] = sample
  end
  if #samples == 0 or drop_last and #samples < size then return nil end
  return collated(samples)
end

-- ---- passes -------------------------------------------------------------------------------------

--- A pass: `stream` (seed and serial before the draw), `order` (positions, nil: as they lie) and
--- `position`, the count of batches handed out.
local function begin(loader)
  local pass <const> = { position = 0 }
  if loader.items then
    pass.next_item = items_of(loader)
  elseif loader.shuffle then
    pass.stream = { core.random_state(loader.generator) }
    pass.order = core.randperm(#loader.set, { generator = loader.generator })
  end
  return pass
end

--- The next batch as rows first to last of the pass; nil at its end.
local function next_range(loader, pass)
  local size <const>, rows <const> = loader.batch_size, #loader.set
  local first <const> = pass.position * size + 1
  local last <const> = math.min(first + size - 1, rows)
  if first > rows or loader.drop_last and last - first + 1 < size then return nil end
  pass.position = pass.position + 1
  return first, last
end

local function next_rows(loader, pass)
  local first <const>, last <const> = next_range(loader, pass)
  if not first then return nil end
  if pass.order then return loader.set:rows(pass.order:slice(1, first, last)) end
  if loader.set.range then return loader.set:range(first, last) end
  return loader.set:rows(core.arange(first, last, { dtype = "int64" }))
end

--- A ready batch may come as one table of tensors.
local function ready_batch(...)
  local only <const> = select("#", ...) == 1 and ...
  if type(only) == "table" and getmetatable(only) == nil then return table.unpack(only) end
  return ...
end

local function next_items(loader, pass)
  pass.position = pass.position + 1
  if not loader.batch_size then return ready_batch(pass.next_item()) end
  return gather(pass.next_item, loader.batch_size, loader.drop_last)
end

--- An iterator over the batches of one pass: `for x, y in loader:batches() do`.
---@return fun(): mlp.Tensor? ...
function Loader:batches()
  local pass <const> = self.waiting or begin(self)
  self.pass, self.waiting = pass, nil
  local step <const> = self.items and next_items or next_rows
  return function() return step(self, pass) end
end

Loader.__call = Loader.batches

--- The columns that batches are gathered from, where positions() tells which rows, and how they
--- are scaled then; nil where batches come in another way.
---@return mlp.Tensor[]?
---@return table<integer, mlp.data.Scale>?
function Loader:columns()
  if self.shuffle and self.set.columns then return self.set:columns() end
end

--- As batches(), but the positions of their rows in the columns: (B) int64.
---@return fun(): mlp.Tensor?
function Loader:positions()
  local pass <const> = self.waiting or begin(self)
  self.pass, self.waiting = pass, nil
  return function()
    local first <const>, last <const> = next_range(self, pass)
    return first and pass.order:slice(1, first, last)
  end
end

--- The row of the source that is row `row` of batch `batch` of the pass under way; nil where the
--- source is an iterator.
---@param batch integer
---@param row integer
---@return integer?
function Loader:row_of(batch, row)
  if not self.set or not self.pass then return nil end
  local position <const> = (batch - 1) * self.batch_size + row
  return self.pass.order and self.pass.order:get(position) or position
end

--- How many batches a pass has; nil when the source is an iterator.
---@return integer?
function Loader:count()
  if self.items then return nil end
  local rows <const>, size <const> = #self.set, self.batch_size
  return self.drop_last and rows // size or (rows + size - 1) // size
end

-- ---- taking up again ----------------------------------------------------------------------------

---@class mlp.data.LoaderState
---@field rows integer?
---@field batch_size integer?
---@field generator integer[]? seed and serial of the loader's own generator
---@field stream integer[]? seed and serial from which the present order was drawn

--- What restore needs: plain numbers.
---@return mlp.data.LoaderState
function Loader:state()
  return {
    rows = self.set and #self.set, batch_size = self.batch_size,
    generator = self.generator and { core.random_state(self.generator) },
    stream = self.pass and self.pass.stream,
  }
end

local function redraw(loader, stream)
  local again <const> = core.generator(stream[1])
  again:set_state(stream[1], stream[2])
  return core.randperm(#loader.set, { generator = again })
end

--- Takes up a pass where another loader of the same source and options left it; the next call of
--- batches() continues there. With position nil the next pass begins anew.
---@param state mlp.data.LoaderState
---@param position integer? batches of the pass that are done
---@return true?, string? message when the state belongs to other data
function Loader:restore(state, position)
  local rows <const> = self.set and #self.set
  if state.rows ~= rows or state.batch_size ~= self.batch_size then
    return nil, ("the data are %s rows in batches of %s, but then they were %s in batches of %s")
      :format(rows, self.batch_size, state.rows, state.batch_size)
  end
  if (state.stream ~= nil) ~= self.shuffle and position then
    return nil, "the order of the data was " .. (self.shuffle and "fixed" or "shuffled") .. " then"
  end
  self.waiting = position and {
    position = self.items and 0 or position, stream = state.stream,
    order = state.stream and redraw(self, state.stream),
    next_item = self.items and items_of(self),
  } or nil
  if position and self.items then
    for _ = 1, position do next_items(self, self.waiting) end
  end
  if self.generator and state.generator then
    core.set_random_state(self.generator, state.generator[1], state.generator[2])
  end
  return true
end

-- ---- the constructor ----------------------------------------------------------------------------

local function check(loader, o)
  local size <const> = loader.batch_size
  if size ~= nil and (math.type(size) ~= "integer" or size < 1) then
    errors.wanted(CALL, "batch_size", size, "a whole number from 1")
  end
  if loader.items and (o.shuffle or o.seed or o.generator) then
    errors.raise("%s: an iterator comes in its own order and cannot be shuffled", CALL)
  end
  if loader.set and #loader.set == 0 then errors.raise("%s: the data set has no rows", CALL) end
end

---@class mlp.data.LoaderOptions
---@field batch_size integer? default 32
---@field shuffle boolean? default false
---@field seed integer? of the order
---@field generator mlp.Generator? of the order; without it and without a seed: the default one
---@field drop_last boolean? leave a short last batch out; default false

--- Batches from `source`:
---
--- * a data set: mlp.data.tensors(x, y), or anything with `#set` and `set:rows(positions)`;
--- * a list of samples, each a table of values: {{{0, 1}, 1}, {{1, 1}, 2}, ...};
--- * a function that iterates over samples (`x, y = next()`, good for one pass), or that returns an
---   iterator as a generic `for` wants it, called anew for each pass. Without batch_size its items
---   are taken for ready batches.
---@param source any
---@param options mlp.data.LoaderOptions?
---@return mlp.data.Loader
local function loader(source, options)
  local o <const> = errors.options(CALL, options, {
    batch_size = errors.NONE, shuffle = false, seed = errors.NONE, generator = errors.NONE,
    drop_last = false,
  })
  local set <const>, items <const> = known_source(source)
  local made <const> = setmetatable({
    set = set, items = items, batch_size = o.batch_size or set and BATCH_SIZE or nil,
    shuffle = o.shuffle, drop_last = o.drop_last,
    generator = o.generator or o.seed and core.generator(o.seed) or nil,
  }, Loader)
  check(made, o)
  return made
end

return loader
