--- What mlp.linalg adds to its rows, whose values and derivatives cases_spec checks: norms, and
--- the promise that a factorisation that fails says so in Lua and nowhere else.
local child <const> = require "spec.support.child"
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"

require "spec.support.approx"

local linalg <const> = mlp.linalg

describe("mlp.linalg", function()
  it("stands beside mlp and keeps its rows out of it", function()
    assert.is_function(linalg.svd)
    assert.is_nil(mlp["linalg.svd"])
    assert.is_nil(mlp.linalg_svd)
    assert.is_nil(linalg.cofactor)
  end)

  it("rebuilds a matrix from its factors", function()
    mlp.manual_seed(3)
    for _, shape in ipairs { { 70, 40 }, { 40, 70 }, { 2, 33, 33 } } do
      local a <const> = mlp.randn(shape, { dtype = "float64" })
      local u, s, vh = linalg.svd(a)
      assert.close((u * s:unsqueeze(-2)):matmul(vh), a, { tolerance = 1e-12 })
      local q, r = linalg.qr(a)
      assert.close(q:matmul(r), a, { tolerance = 1e-12 })
      local b <const> = a:matmul(a:transpose(-1, -2)) + mlp.eye(shape[#shape - 1],
        { dtype = "float64" })
      local l <const> = linalg.cholesky(b)
      assert.close(l:matmul(l:transpose(-1, -2)), b, { tolerance = 1e-12 })
      local w, v = linalg.eigh(b)
      assert.close((v * w:unsqueeze(-2)):matmul(v:transpose(-1, -2)), b, { tolerance = 1e-12 })
    end
  end)

  it("gives gradients of the values where the vectors have none", function()
    local a <const> = mlp.eye(3):requires_grad_() -- three equal values
    local _, s <const> = linalg.svd(a)
    assert.close((mlp.grad(s:sum(), { a })), mlp.eye(3))
    assert.close((mlp.grad((linalg.eigh(a)):sum(), { a })), mlp.eye(3))
  end)

  it("does not find the derivative of an impossible inverse", function()
    local a <const> = mlp.zeros(2, 2):requires_grad_()
    local _, log_det <const> = linalg.slogdet(a)
    assert.equal(-math.huge, log_det:item())
    assert.error_matches(function() log_det:backward() end, "the matrix is singular")
  end)

  it("prints nothing when it fails", function()
    local path <const> = files.temporary()
    files.write(path, [[
      local mlp = require "mlp"
      local singular = mlp.zeros(3, 3)
      for _, f in ipairs { mlp.linalg.inv, mlp.linalg.cholesky, mlp.linalg.eigh, mlp.linalg.svd,
        mlp.linalg.qr, mlp.linalg.pinv, mlp.linalg.det } do
        for _, x in ipairs { singular, mlp.zeros(0, 0), mlp.zeros(0, 3, 3), mlp.zeros(1, 1) } do
          pcall(f, x)
        end
      end
      pcall(mlp.linalg.solve, singular, mlp.zeros(3, 0))
      pcall(mlp.linalg.lstsq, singular, mlp.zeros(3, 0))
      io.write "done"
    ]])
    local output <const> = child.lua(path)
    os.remove(path)
    assert.equal("done", output)
  end)
end)

describe("linalg.norm", function()
  local x <const> = mlp.tensor { { 3, -4, 0 }, { 0, 0, 12 } }

  it("is of all elements unless told otherwise", function()
    assert.close(linalg.norm(x), 13)
    assert.close(linalg.norm(mlp.ones(2, 2, 2, 2)), 4)
    assert.same({ 1, 1 }, linalg.norm(x, { keepdim = true }).shape)
    assert.same({}, linalg.norm(x).shape)
    assert.equal(0, linalg.norm(mlp.zeros(0)):item())
  end)

  it("is of vectors along one axis", function()
    assert.close(linalg.norm(x, { axes = 2 }), { 5, 12 })
    for ord, wanted in pairs { [1] = { 7, 12 }, [0] = { 2, 1 }, [math.huge] = { 4, 12 },
      [-math.huge] = { 0, 0 }, [3] = { 91 ^ (1 / 3), 12 } } do
      assert.close(linalg.norm(x, { ord = ord, axes = -1 }), wanted)
    end
    assert.close(linalg.norm(x[1], { ord = 1 }), 7)
    assert.same({ 2, 1 }, linalg.norm(x, { axes = { 2 }, keepdim = true }).shape)
  end)

  it("is of matrices over two axes", function()
    for ord, wanted in pairs { fro = 13, nuc = 17, [1] = 12, [-1] = 3, [2] = 12, [-2] = 5,
      [math.huge] = 12, [-math.huge] = 7 } do
      assert.close(linalg.norm(x, { ord = ord }), wanted)
    end
    local stack <const> = mlp.stack({ x, x * 2 }, 3) -- (2, 3, 2)
    assert.close(linalg.norm(stack, { ord = "nuc", axes = { 1, 2 } }), { 17, 34 })
    assert.close(linalg.norm(stack, { ord = 1, axes = { 2, 1 } }), { 12, 24 })
    assert.same({ 1, 1, 2 },
      linalg.norm(stack, { ord = 2, axes = { 1, -2 }, keepdim = true }).shape)
  end)

  it("says what is wrong", function()
    local cases <const> = {
      { "x is 3", 3 },
      { "unknown option 'axis' (did you mean 'axes'?)", x, { axis = 1 } },
      { "axes[1] is 3", x, { axes = 3 } },
      { "axes[2] is -2", x, { axes = { 1, -2 } } },
      { "ord is the string 'nuk'", x, { ord = "nuk" } },
      { "ord is the string 'fro'", x[1], { ord = "fro" } },
      { "ord is 3", x, { ord = 3 } },
      { "x is (2, 2, 2)", mlp.ones(2, 2, 2), { ord = 1 } },
    }
    for _, one in ipairs(cases) do
      local sound, message = pcall(linalg.norm, one[2], one[3])
      assert.is_false(sound)
      assert.is_truthy(message:find("linalg.norm: " .. one[1], 1, true), message)
    end
  end)
end)
