--- Functions that are written in operations: values, gradients of both orders, refusals.
local mlp <const> = require "mlp"

require "spec.support.approx"

local function random(...) return mlp.randn(..., { dtype = "float64" }):requires_grad_() end

local function both_orders(f, inputs) assert(mlp.gradcheck(f, inputs, { second = true })) end

describe("outer", function()
  it("multiplies all by all", function()
    assert.close(mlp.tensor({ 1, 2 }):outer(mlp.tensor { 3, 4, 5 }), { { 3, 4, 5 }, { 6, 8, 10 } })
    assert.same({ 0, 3 }, mlp.outer(mlp.zeros(0), mlp.zeros(3)).shape)
  end)

  it("refuses matrices", function()
    assert.error_matches(function() mlp.outer(mlp.zeros(2, 2), mlp.zeros(2)) end,
      "outer: x is %(2, 2%) but a vector")
  end)
end)

describe("cross", function()
  it("stands upright on both", function()
    local x <const>, y <const> = mlp.randn(4, 3), mlp.randn(4, 3)
    local z <const> = x:cross(y)
    assert.close((z * x):sum(-1), mlp.zeros(4), { absolute = 1e-5 })
    assert.close((z * y):sum(-1), mlp.zeros(4), { absolute = 1e-5 })
    assert.close(mlp.cross(mlp.tensor { 1, 0, 0 }, mlp.tensor { 0, 1, 0 }), { 0, 0, 1 })
    assert.close(x:t():cross(y:t(), 1), z:t())
  end)

  it("wants three numbers", function()
    assert.error_matches(function() mlp.cross(mlp.zeros(4, 2), mlp.zeros(4, 2)) end,
      "cross: axis %-1 of %(4, 2%) has 2 elements but 3 are wanted")
  end)
end)

describe("cdist", function()
  it("has the gradient 0 between a point and itself", function()
    for _, p in ipairs { 1, 2, 3, math.huge } do
      local x <const> = mlp.randn(3, 4):requires_grad_()
      local g <const> = mlp.grad(mlp.cdist(x, x:detach(), { p = p }):diagonal():sum(), { x })
      assert.close(g, mlp.zeros(3, 4))
    end
  end)
end)

describe("meshgrid", function()
  it("counts the first vector along the first axis", function()
    local x <const>, y <const> = table.unpack(mlp.meshgrid { mlp.arange(1, 2), mlp.arange(1, 3) })
    assert.same({ { 1, 1, 1 }, { 2, 2, 2 } }, x:totable())
    assert.same({ { 1, 2, 3 }, { 1, 2, 3 } }, y:totable())
  end)

  it("exchanges the first two for pictures", function()
    local x <const>, y <const>, z <const> = table.unpack(mlp.meshgrid({ mlp.arange(1, 2),
      mlp.arange(1, 3), mlp.tensor(7) }, { indexing = "xy" }))
    assert.same({ { { 1 }, { 2 } }, { { 1 }, { 2 } }, { { 1 }, { 2 } } }, x:totable())
    assert.same({ { { 1 }, { 1 } }, { { 2 }, { 2 } }, { { 3 }, { 3 } } }, y:totable())
    assert.same({ 3, 2, 1 }, z.shape)
  end)

  it("says what is wrong", function()
    assert.error_matches(function() mlp.meshgrid {} end, "meshgrid: vectors is")
    assert.error_matches(function() mlp.meshgrid { mlp.zeros(2, 2) } end,
      "vectors%[1%] is %(2, 2%) but a vector")
    assert.error_matches(function() mlp.meshgrid({ mlp.zeros(2) }, { indexing = "yx" }) end,
      "indexing is")
  end)
end)

describe("unique", function()
  it("sorts, finds back and counts", function()
    local x <const> = mlp.tensor { { 3, 1, 3 }, { -2, 1, 3 } }
    local values <const>, inverse <const>, counts <const> = x:unique()
    assert.same({ -2, 1, 3 }, values:totable())
    assert.same({ { 3, 2, 3 }, { 1, 2, 3 } }, inverse:totable())
    assert.same({ 1, 2, 3 }, counts:totable())
    assert.same(x:totable(), values:index_select(1, inverse:reshape(-1)):reshape(2, 3):totable())
  end)

  it("knows other numbers, one, and none", function()
    for _, dtype in ipairs { "int64", "uint8", "float64" } do
      local values <const>, _, counts <const> = mlp.tensor({ 5, 5, 2 }, { dtype = dtype }):unique()
      assert.equal(dtype, values.dtype)
      assert.same({ 2, 5 }, values:totable())
      assert.same({ 1, 2 }, counts:totable())
    end
    local one <const>, inverse <const> = mlp.tensor(4):unique()
    assert.same({ 4 }, one:totable())
    assert.same({}, inverse.shape)
    local none <const>, nowhere <const>, never <const> = mlp.zeros(0, 3):unique()
    assert.same({ 0 }, none.shape)
    assert.same({ 0, 3 }, nowhere.shape)
    assert.same({ 0 }, never.shape)
  end)

  it("carries no gradient and keeps each NaN", function()
    assert.is_false(mlp.ones(2):requires_grad_():unique().requires_grad)
    assert.same({ 3 }, mlp.tensor({ 0 / 0, 1, 0 / 0 }):unique().shape)
  end)
end)

--- The sum over all values of the indices, one product after the other.
local function naive(inputs, result, lengths, operands)
  local names, index = {}, {}
  for name in pairs(lengths) do names[#names + 1] = name end
  table.sort(names)
  local shape, flat = {}, {}
  for i, name in ipairs(result) do shape[i] = lengths[name] end
  local function place(list)
    local at = 0
    for _, name in ipairs(list) do at = at * lengths[name] + index[name] - 1 end
    return at + 1
  end
  local function walk(k)
    if k <= #names then
      for i = 1, lengths[names[k]] do
        index[names[k]] = i
        walk(k + 1)
      end
      return
    end
    local term = 1
    for i, list in ipairs(inputs) do
      local x = operands[i]
      for _, name in ipairs(list) do x = x[index[name]] end
      term = term * x
    end
    flat[place(result)] = (flat[place(result)] or 0) + term
  end
  walk(1)
  return mlp.tensor(flat, { dtype = "float64" }):reshape(shape)
end

describe("einsum", function()
  local LENGTHS <const> = { a = 2, b = 3, c = 4, d = 2, e = 1 }

  local function letters(term)
    local list = {}
    for letter in term:gmatch "%a" do list[#list + 1] = letter end
    return list
  end

  local function check(equation)
    local terms <const>, inputs <const>, operands <const>, nested <const> = {}, {}, {}, {}
    local used <const> = {}
    local left <const>, right <const> = equation:match "^(.-)%->(.*)$"
    for term in (left .. ","):gmatch "([^,]*)," do terms[#terms + 1] = term end
    for i, term in ipairs(terms) do
      inputs[i] = letters(term)
      local shape = {}
      for k, name in ipairs(inputs[i]) do
        shape[k], used[name] = LENGTHS[name], LENGTHS[name]
      end
      operands[i] = random(shape)
      nested[i] = #shape > 0 and operands[i]:totable() or operands[i]:item()
    end
    local function f(...) return mlp.einsum(equation, ...) end
    assert.close(f(table.unpack(operands)), naive(inputs, letters(right), used, nested),
      { tolerance = 1e-12, about = equation })
    both_orders(function(...) return f(...):sin():sum() end, operands)
  end

  it("sums what the result does not name", function()
    for _, equation in ipairs { "ab,bc->ac", "ab,bc->ca", "ab,cb->ac", "abc,abd->acd", "abc->b",
      "ab->ba", "ab->", "aa->a", "aa->", "aab->ba", "a,b->ab", "ab,ab->ab", "ab,ab->", "ab,c->a",
      "ab,bc,cd->ad", "ab,ac,ad->bcd", "abe,eb->a", ",a->a", "ab,a->b", "aba,ca->bc", "a,a,a->a",
    } do
      check(equation)
    end
  end)

  it("takes the letters that stand once where the result is not written", function()
    local x <const>, y <const> = mlp.randn(2, 3), mlp.randn(3, 4)
    assert.close(mlp.einsum("ij,jk", x, y), x:matmul(y))
    assert.close(mlp.einsum("ba", x), x:t())
    assert.close(mlp.einsum("jj", mlp.eye(3)), 3)
  end)

  it("broadcasts dots and axes of length 1", function()
    local x <const>, w <const> = mlp.randn(5, 1, 2, 3), mlp.randn(4, 4, 3)
    assert.close(mlp.einsum("...ij,...kj->...ik", x, w), x:matmul(w:transpose(-1, -2)))
    assert.close(mlp.einsum("i...->...", w), w:sum(1))
    assert.close(mlp.einsum("ij,ij->ij", mlp.ones(3, 1), w[1]:slice(1, 1, 3)), w[1]:slice(1, 1, 3))
    assert.close(mlp.einsum("...,...", x, x), x * x)
  end)

  it("multiplies whole numbers", function()
    local x <const> = mlp.tensor({ { 1, 2 }, { 3, 4 } }, { dtype = "int64" })
    assert.same({ { 7, 10 }, { 15, 22 } }, mlp.einsum("ij,jk->ik", x, x):totable())
    assert.same({ 5, 25 }, mlp.einsum("ij,ij->i", x, x):totable())
  end)

  it("knows nothing as well", function()
    assert.close(mlp.einsum("ij,jk->ik", mlp.zeros(2, 0), mlp.zeros(0, 3)), mlp.zeros(2, 3))
    assert.same({ 0, 3 }, mlp.einsum("ij,jk->ik", mlp.zeros(0, 2), mlp.zeros(2, 3)).shape)
  end)

  it("says what is wrong", function()
    local x <const> = mlp.ones(2, 3)
    for words, call in pairs {
      ["'ij,jk->ik' has 2 operands but 1 were given"] = { "ij,jk->ik", x },
      ["operand 1 is (2, 3) but 'ijk' names 3 axes"] = { "ijk->i", x },
      ["index 'j' is 2 in operand 2 ((2, 3)) but 3 before it"] = { "ij,jk->ik", x, x },
      ["names 'k', which no operand has"] = { "ij->k", x },
      ["names 'i', which it has already"] = { "ij->ii", x },
      ["'i1' in 'i1->i' is not letters"] = { "i1->i", x },
      ["operand 2 is 3 but a tensor is wanted"] = { "ij,->ij", x, 3 },
      ["the equation is a table"] = { {}, x },
    } do
      local sound, message = pcall(mlp.einsum, table.unpack(call))
      assert.is_false(sound)
      assert.is_truthy(message:find(words, 1, true), message)
    end
  end)
end)
