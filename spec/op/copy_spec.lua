--- Writing into tensors: what copy_ and the in-place rows of movement do to values, to history and
--- to other views of the same storage.
local core <const> = require "mlp.core"

local function leaf(t) return core.tensor(t, { dtype = "float64", requires_grad = true }) end

describe("copy_", function()
  it("answers the tensor that it wrote", function()
    local x <const> = core.zeros(2, 2)
    assert.equal(x, x:copy_(core.ones(2)))
    assert.same({ { 1, 1 }, { 1, 1 } }, x:totable())
  end)

  it("writes through a view", function()
    local x <const> = core.zeros(2, 3)
    x:t():slice(1, 1, -1, 2):copy_(core.tensor { { 1, 2 }, { 3, 4 } })
    assert.same({ { 1, 0, 3 }, { 2, 0, 4 } }, x:totable())
  end)

  it("reads all before it writes", function()
    local x <const> = core.arange(5)
    x:slice(1, 2, 5):copy_(x:slice(1, 1, 4))
    assert.same({ 1, 1, 2, 3, 4 }, x:totable())
    local m <const> = core.tensor { { 1, 2 }, { 3, 4 } }
    m:copy_(m:t())
    assert.same({ { 1, 3 }, { 2, 4 } }, m:totable())
    m:copy_(m)
    assert.same({ { 1, 3 }, { 2, 4 } }, m:totable())
    m:copy_(m[1])
    assert.same({ { 1, 3 }, { 1, 3 } }, m:totable())
  end)

  it("stops the gradient of what it overwrote and passes that of the value", function()
    local a <const>, b <const> = leaf { { 1, 2 }, { 3, 4 } }, leaf { 5, 6 }
    local x <const> = a * 2
    x:copy_(b)
    local weight <const> = core.tensor({ { 1, 2 }, { 3, 4 } }, { dtype = "float64" })
    local da <const>, db <const> = core.grad((x * weight):sum(), { a, b })
    assert.is_true(da == nil or (da:abs():sum():item() == 0))
    assert.same({ 4, 6 }, db:totable())
  end)

  it("is an error for a value that somebody saved", function()
    local a <const> = leaf { 1, 2 }
    local x <const> = a * 1
    local y <const> = (x * x):sum()
    x:copy_(0)
    local sound, message = pcall(y.backward, y)
    assert.is_false(sound)
    assert.is_truthy(message:find("copy_ has since changed in place", 1, true), message)
  end)

  it("is an error for a leaf that wants a gradient, and for a view with history", function()
    local a <const> = leaf { 1, 2 }
    assert.has_error(function() a:copy_(0) end)
    assert.has_error(function() a:slice(1, 1, 1):copy_(0) end)
    assert.has_error(function() (a * 1):slice(1, 1, 1):copy_(0) end)
    assert.same({ 1, 2 }, a:totable())
  end)
end)

describe("a view", function()
  it("shares its storage", function()
    local x <const> = core.zeros(2, 3)
    x:reshape(6):slice(1, 6, 6):copy_(1)
    x:t():select(1, 1):copy_(2)
    x:diagonal():copy_(3)
    x:unsqueeze(1):squeeze(1):flatten():slice(1, 2, 2):copy_(4)
    assert.same({ { 3, 4, 0 }, { 2, 3, 1 } }, x:totable())
  end)

  it("is not made by reshape where no steps describe it", function()
    local x <const> = core.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
    local copy <const> = x:t():reshape(6)
    copy:copy_(0)
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, x:totable())
    local view <const> = x:t():reshape(3, 1, 2)
    view:copy_(0)
    assert.same({ { 0, 0, 0 }, { 0, 0, 0 } }, x:totable())
  end)

  it("is regrouped wherever it steps evenly", function()
    local x <const> = core.arange(1, 48):reshape(2, 4, 6)
    local part <const> = x:slice(3, 1, 5, 2) -- (2, 4, 3), rows 6 apart
    local seen <const> = part:reshape(8, 3, 1)
    assert.same({ 43, 45, 47 }, seen:select(1, 8):squeeze():totable())
    part:copy_(0)
    assert.same({ 0, 0, 0 }, seen:select(1, 8):squeeze():totable())
    assert.is_true(x:is_contiguous())
    assert.equal(48, x:get(2, 4, 6))
  end)
end)

describe("writing by positions and masks in place", function()
  it("reaches through a view", function()
    local x <const> = core.zeros(3, 4)
    x:t():index_add_(1, { 2, 2, 4 }, core.ones(3, 3))
    assert.same({ 0, 2, 0, 1 }, x[3]:totable())
    x:t():scatter_(2, core.tensor({ { 1 }, { 3 } }, { dtype = "int64" }), 7)
    assert.equal(7, x:get(1, 1))
    assert.equal(7, x:get(3, 2))
    x:t():masked_assign_(core.tensor({ 1, 0, 0, 0 }, { dtype = "uint8" }), 9)
    assert.same({ 9, 9, 9 }, x:select(2, 1):totable())
    assert.equal(2, x:get(1, 2))
  end)

  it("is what x[...] = v does", function()
    local x <const> = core.zeros(2, 3)
    x[{ 2, { 2, 3 } }] = core.tensor { 5, 6 }
    x[1] = 1
    x[{ {}, { 1, 0 } }] = 8 -- an empty range
    assert.same({ { 1, 1, 1 }, { 0, 5, 6 } }, x:totable())
    x[x:gt(4)] = -1
    assert.same({ { 1, 1, 1 }, { 0, -1, -1 } }, x:totable())
  end)
end)
