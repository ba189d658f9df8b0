--- Matrix products, whoever computes them: every path of kernel/blas.c and kernel/product_tile.inc,
--- with either factor stored transposed. The numbers are small whole ones, so every sum is exact in
--- float32 and the results must be equal to the last bit, in any order of summation.
local assert <const> = require "luassert"
local child <const> = require "spec.support.child"
local core <const> = require "mlp.core"
local make <const> = require "spec.support.make"

local isas <const> = {}
for _, name in ipairs { "generic", "avx2", "avx512" } do
  if core.debug.isa(name) then isas[#isas + 1] = name end
end

local function whole_numbers(seed, n)
  local random <const>, flat <const> = make.generator(seed), {}
  for i = 1, n do flat[i] = math.floor(9 * random()) - 4 end
  return flat
end

--- op(A) op(B) (+ bias along the rows) in flat row-major lists.
local function naive(a, b, m, n, k, bias)
  local c <const> = {}
  for i = 0, m - 1 do
    for j = 0, n - 1 do
      local total = bias and bias[j + 1] or 0
      for p = 0, k - 1 do total = total + a[i * k + p + 1] * b[p * n + j + 1] end
      c[i * n + j + 1] = total
    end
  end
  return c
end

local function transposed(flat, rows, columns)
  local turned <const> = {}
  for i = 0, rows - 1 do
    for j = 0, columns - 1 do turned[j * rows + i + 1] = flat[i * columns + j + 1] end
  end
  return turned
end

--- (rows, columns), stored as they are or transposed.
local function factor(flat, dtype, rows, columns, swapped)
  if not swapped then return make.from_flat(flat, dtype, { rows, columns }) end
  return make.from_flat(transposed(flat, rows, columns), dtype, { columns, rows }):t()
end

local function same(wanted, got, about)
  local flat <const> = make.read(got)
  for i = 1, #wanted do
    if flat[i] ~= wanted[i] then
      error(("%s: element %d is %s, wanted %s"):format(about, i, flat[i], wanted[i]), 0)
    end
  end
  assert.equal(#wanted, #flat)
end

--- (m, n, k) and the path that it is there for.
local sizes <const> = {
  { 1, 1024, 600, "one row, cut for the lanes" }, { 1000, 1, 640, "one column, cut for the lanes" },
  { 190, 170, 160, "rows cut for the lanes" }, { 170, 190, 160, "columns cut for the lanes" },
  { 1, 1, 1, "one number" }, { 4, 8, 2, "XOR forward" }, { 4, 1, 8, "one column" },
  { 8, 2, 4, "two columns" }, { 3, 3, 3, "scalars" }, { 8, 16, 16, "one vector" },
  { 7, 27, 9, "every width of vector" }, { 13, 36, 21, "every number of rows" },
  { 1, 10, 128, "one row" }, { 1, 37, 70, "one row, leftovers" },
  { 37, 1, 70, "one column, leftovers" },
  { 12, 80, 100, "a right factor in four blocks" }, { 9, 12, 130, "few columns, long sums" },
  { 40, 3, 50, "three columns" }, { 21, 2, 3000, "columns copied in two pieces" },
  { 900, 5, 17, "columns turned in two pieces" }, { 64, 64, 64, "a hidden layer" },
  { 130, 142, 50, "BLAS" }, { 1, 600, 301, "BLAS, one row" }, { 600, 1, 301, "BLAS, one column" },
  { 33, 10, 300, "BLAS, ten columns" }, { 300, 34, 440, "a left factor packed, in two blocks" },
  { 100, 66, 660, "a left factor packed, of two depths" },
  { 6, 560, 500, "much to ask for" },
}

describe("a product", function()
  for _, size in ipairs(sizes) do
    local m <const>, n <const>, k <const> = table.unpack(size, 1, 3)
    it(("of (%d, %d) by (%d, %d) is exact: %s"):format(m, k, k, n, size[4]), function()
      finally(function() core.debug.isa(isas[#isas]) end)
      local a <const>, b <const> = whole_numbers(1, m * k), whole_numbers(2, k * n)
      local wanted <const> = naive(a, b, m, n, k)
      for _, isa in ipairs(isas) do
        assert(core.debug.isa(isa))
        for _, dtype in ipairs { "float32", "float64" } do
          for variant = 0, 3 do
            local left <const> = factor(a, dtype, m, k, variant & 1 == 1)
            local right <const> = factor(b, dtype, k, n, variant & 2 == 2)
            same(wanted, left:matmul(right), ("%s %s, variant %d"):format(isa, dtype, variant))
          end
        end
      end
    end)

    it(("of (%d, %d) by (%d, %d) adds to a bias"):format(m, k, k, n), function()
      finally(function() core.debug.isa(isas[#isas]) end)
      local a <const>, b <const> = whole_numbers(1, m * k), whole_numbers(2, k * n)
      local bias <const> = whole_numbers(3, n)
      local wanted <const> = naive(a, b, m, n, k, bias)
      for _, isa in ipairs(isas) do
        assert(core.debug.isa(isa))
        for variant = 0, 3 do
          local x <const> = factor(a, "float32", m, k, variant & 1 == 1)
          local weight <const> = factor(transposed(b, k, n), "float32", n, k, variant & 2 == 2)
          local y <const> = core.linear(x, weight, make.from_flat(bias, "float32", { n }))
          same(wanted, y, ("%s, variant %d"):format(isa, variant))
        end
      end
    end)
  end

  it("reads batches whose matrices are transposed", function()
    local a <const>, b <const> = whole_numbers(1, 2 * 3 * 5), whole_numbers(2, 2 * 5 * 4)
    local left <const> = make.from_flat(a, "float32", { 2, 3, 5 })
    local right <const> = make.from_flat(b, "float32", { 2, 5, 4 })
    local wanted <const> = make.read(left:matmul(right))
    local function swapped(t) return t:transpose(2, 3):contiguous():transpose(2, 3) end
    same(wanted, swapped(left):matmul(right), "left")
    same(wanted, left:matmul(swapped(right)), "right")
    same(wanted, swapped(left):matmul(swapped(right)), "both")
    local weight <const> = make.from_flat(whole_numbers(4, 7 * 5), "float32", { 7, 5 })
    same(make.read(core.linear(left, weight)), core.linear(swapped(left), weight), "linear")
  end)

  it("does not read what it overwrites", function()
    local poison <const> = core.full({ 64, 64 }, 0 / 0)
    poison:close() -- its block is taken again, NaN and all
    for _, n in ipairs { 3, 64, 150 } do
      local y <const> = core.ones(64, 64):matmul(core.ones(64, n))
      assert.equal(64 * 64 * n, y:sum():item())
    end
  end)
end)

describe("OpenBLAS", function()
  local script <const> = os.tmpname()
  setup(function()
    local file <close> = assert(io.open(script, "w"))
    file:write [[
      local core = require "mlp.core"
      core.ones(200, 200):matmul(core.ones(200, 200))
      local blas = core.info().blas
      print("threads " .. blas.threads .. "\nkept " .. (blas.threads_kept and 1 or 0) ..
        "\nbelow " .. (blas.held_below and 1 or 0) .. "\n" .. blas.kernels)]]
  end)
  teardown(function() os.remove(script) end)

  local function ask(environment)
    environment.OPENBLAS_NUM_THREADS = "2"
    local output <const>, well <const> = child.lua_with(environment, script)
    assert(well, output)
    return child.figures(output), output
  end

  it("is set to one thread at the first product", function()
    local facts <const> = ask { MLP_KEEP_BLAS_THREADS = "" }
    assert.equal(1, facts.threads)
    assert.equal(0, facts.kept)
  end)

  it("keeps its threads when the environment says so", function()
    local facts <const> = ask { MLP_KEEP_BLAS_THREADS = "1" }
    assert.equal(1, facts.kept)
    if facts.threads == 1 then pending "a machine of one processor has nothing to keep" end
    assert.equal(2, facts.threads)
  end)

  it("is said to be held below the CPU by OPENBLAS_CORETYPE", function()
    local free <const> = ask { OPENBLAS_CORETYPE = "" }
    assert.equal(0, free.below)
    if isas[#isas] == "generic" then pending "every kernel family suits this CPU" end
    local held <const>, output <const> = ask { OPENBLAS_CORETYPE = "Nehalem" }
    assert.is_truthy(output:find("Nehalem", 1, true), output)
    assert.equal(1, held.below)
  end)
end)
