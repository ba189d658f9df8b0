--- Sums of products by named indices, as Einstein wrote them. The operands are multiplied from left
--- to right, each pair as one matrix product: indices that both have and the rest still needs are
--- its batch, those that nobody needs any more are summed in it.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local einsum = {}

-- ---- reading the equation -----------------------------------------------------------------------

--- "ij" or "...ij" as a list of names; what the dots stand for is called "1", "2", ... from the
--- end, so that it broadcasts as elsewhere.
local function indices_of(text, ndim, equation)
  local names <const> = {}
  local before, dots, after = text:match "^(%a*)(%.*)(%a*)$"
  if not before or (dots ~= "" and dots ~= "...") then
    errors.raise("einsum: '%s' in '%s' is not letters, with '...' at most once", text, equation)
  end
  for letter in before:gmatch "." do names[#names + 1] = letter end
  for k = ndim - #before - #after, 1, -1 do
    if dots ~= "" then names[#names + 1] = tostring(k) end
  end
  for letter in after:gmatch "." do names[#names + 1] = letter end
  return names
end

--- Which operand has which indices, and how long each is.
local function read_operands(terms, operands, equation)
  local lists <const>, length <const>, dots = {}, {}, 0
  for i, x in ipairs(operands) do
    if not core.is_tensor(x) then
      errors.wanted("einsum", ("operand %d"):format(i), x, "a tensor")
    end
    local names <const> = indices_of(terms[i], x.ndim, equation)
    if #names ~= x.ndim then
      errors.raise("einsum: operand %d is %s but '%s' names %d axes", i, errors.shape(x), terms[i],
        #names)
    end
    for axis, name in ipairs(names) do
      local n <const>, known <const> = x:size(axis), length[name]
      if known and known ~= n and known ~= 1 and n ~= 1 then
        errors.raise("einsum: index '%s' is %d in operand %d (%s) but %d before it", name, n, i,
          errors.shape(x), known)
      end
      length[name] = (known == nil or known == 1) and n or known
      dots = math.max(dots, tonumber(name) or 0)
    end
    lists[i] = names
  end
  return lists, length, dots
end

--- The indices of the result: as written after ->, or the dots and those that stand once.
local function result_of(text, terms, lists, length, dots, equation)
  if text then
    local names <const> = indices_of(text, dots + #text:gsub("%.", ""), equation)
    local seen <const> = {}
    for _, name in ipairs(names) do
      if seen[name] or not length[name] then
        errors.raise("einsum: the result of '%s' names '%s', which %s", equation, name,
          seen[name] and "it has already" or "no operand has")
      end
      seen[name] = true
    end
    return names
  end
  local names <const>, times <const>, single <const> = {}, {}, {}
  for letter in table.concat(terms):gmatch "%a" do times[letter] = (times[letter] or 0) + 1 end
  for _, list in ipairs(lists) do
    for _, name in ipairs(list) do
      if times[name] == 1 then single[#single + 1] = name end
    end
  end
  table.sort(single)
  for k = dots, 1, -1 do names[#names + 1] = tostring(k) end
  return table.move(single, 1, #single, #names + 1, names)
end

-- ---- one operand --------------------------------------------------------------------------------

local function position(names, name)
  for i, other in ipairs(names) do
    if other == name then return i end
  end
end

--- An index that stands twice is a diagonal; one of length 1 that is longer elsewhere goes away.
local function simplified(x, names, length)
  local i = 1
  while i <= #names do
    local again
    for j = i + 1, #names do again = again or names[j] == names[i] and j or nil end
    if length[names[i]] ~= 1 and x:size(i) == 1 then
      x = x:squeeze(i)
      table.remove(names, i)
    elseif again then
      local name <const> = names[i]
      x = x:diagonal(0, i, again) -- the last axis
      table.remove(names, again)
      table.remove(names, i)
      names[#names + 1] = name
    else
      i = i + 1
    end
  end
  return x
end

local function set_of(lists)
  local set <const> = {}
  for _, names in ipairs(lists) do
    for _, name in ipairs(names) do set[name] = true end
  end
  return set
end

--- Sums over the indices that are not needed.
local function without(x, names, needed)
  local axes <const>, left <const> = {}, {}
  for i, name in ipairs(names) do
    if needed[name] then left[#left + 1] = name else axes[#axes + 1] = i end
  end
  return #axes > 0 and x:sum(axes) or x, left
end

local function in_order(x, names, order)
  local axes, same = {}, true
  for i, name in ipairs(order) do
    axes[i] = position(names, name)
    same = same and axes[i] == i
  end
  return same and x or x:permute(axes)
end

-- ---- two operands -------------------------------------------------------------------------------

local function product(names, length)
  local n = 1
  for _, name in ipairs(names) do n = n * length[name] end
  return n
end

local function joined(...)
  local all <const> = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

--- The indices of a pair by what becomes of them.
local function sort_indices(left, right, needed)
  local batch, summed, rows, columns = {}, {}, {}, {}
  for _, name in ipairs(left) do
    local list = not position(right, name) and rows or needed[name] and batch or summed
    list[#list + 1] = name
  end
  for _, name in ipairs(right) do
    if not position(left, name) then columns[#columns + 1] = name end
  end
  return batch, summed, rows, columns
end

--- The sum over what is not needed of the products of two operands, none of which names an index
--- twice. Numbers that no matrix product takes are multiplied and summed in two steps.
local function multiply(x, left, y, right, needed, length)
  local batch <const>, summed <const>, rows <const>, columns <const> =
    sort_indices(left, right, needed)
  local b <const>, s <const> = product(batch, length), product(summed, length)
  local m <const>, n <const> = product(rows, length), product(columns, length)
  x = in_order(x, left, joined(batch, rows, summed))
  y = in_order(y, right, joined(batch, summed, columns))
  local floats <const> = x.dtype == "float32" or x.dtype == "float64"
  local z
  if #summed == 0 then
    z = x:reshape(b, m, 1) * y:reshape(b, 1, n)
  elseif not floats then
    z = (x:reshape(b, m, s, 1) * y:reshape(b, 1, s, n)):sum(3)
  elseif #batch == 0 then
    z = x:reshape(m, s):matmul(y:reshape(s, n))
  else
    z = x:reshape(b, m, s):matmul(y:reshape(b, s, n))
  end
  local names <const>, shape <const> = joined(batch, rows, columns), {}
  for i, name in ipairs(names) do shape[i] = length[name] end
  return z:reshape(shape), names
end

-- ---- all ----------------------------------------------------------------------------------------

local function split(equation)
  if type(equation) ~= "string" then
    errors.wanted("einsum", "the equation", equation, 'a string such as "ij,jk->ik"')
  end
  local compact <const>, terms <const> = equation:gsub("%s", ""), {}
  local inputs, result = compact:match "^(.-)%->(.*)$"
  for term in ((inputs or compact) .. ","):gmatch "([^,]*)," do terms[#terms + 1] = term end
  return terms, result
end

--- A sum of products by named indices: einsum("bij,bjk->bik", x, y) is a batch of matrix products.
--- Every letter is an axis; what the result does not name is summed. A letter twice in one operand
--- is a diagonal. Without "->" the result has the letters that stand once, in order of the
--- alphabet. "..." stands for any number of axes, which broadcast.
---
---     mlp.einsum("ii->", x)               the trace
---     mlp.einsum("i,j->ij", x, y)         the outer product
---     mlp.einsum("...d,nd->...n", x, w)   a linear layer
---@param equation string
---@param ... mlp.Tensor one for each part between the commas, of one dtype
---@return mlp.Tensor
function einsum.einsum(equation, ...)
  local terms <const>, written <const> = split(equation)
  local operands <const> = { ... }
  if #terms ~= select("#", ...) then
    errors.raise("einsum: '%s' has %d operands but %d were given", equation, #terms,
      select("#", ...))
  end
  local lists <const>, length <const>, dots <const> = read_operands(terms, operands, equation)
  local result <const> = result_of(written, terms, lists, length, dots, equation)
  for i, operand in ipairs(operands) do operands[i] = simplified(operand, lists[i], length) end
  local x, names
  for i, operand in ipairs(operands) do
    local needed <const> = set_of { result, table.unpack(lists, i + 1) }
    if x then
      local y <const>, right <const> = without(operand, lists[i],
        set_of { result, names, table.unpack(lists, i + 1) })
      x, names = without(x, names, set_of { result, right, table.unpack(lists, i + 1) })
      x, names = multiply(x, names, y, right, needed, length)
    else
      x, names = without(operand, lists[i], set_of { result, table.unpack(lists, 2) })
    end
  end
  return in_order(x, names, result)
end

return einsum
