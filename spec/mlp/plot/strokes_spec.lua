-- Strokes: runs of points, and lines of equal value.

local contour <const> = require "mlp.plot.contour"
local runs <const> = require "mlp.plot.runs"

local NAN <const> = 0 / 0

describe("runs", function()
  it("break at what cannot be drawn", function()
    assert.same({ { 1, 5, 2, 6 }, { 4, 8 } },
      runs.split({ 1, 2, 3, 4, 5 }, { 5, 6, NAN, 8, 1 / 0 }, false, false))
    assert.same({ { 2, 6 } }, runs.split({ 0, 2, 3 }, { 5, 6, -1 }, true, true))
    assert.same({}, runs.split({ 1 }, { NAN }, false, false))
  end)

  it("smooth without a bias at the start", function()
    for _, value in ipairs(runs.smooth({ 3, 3, 3, 3 }, 0.9)) do
      assert.is_true(math.abs(value - 3) < 1e-12)
    end
    local smooth <const> = runs.smooth({ 1, 2, 4 }, 0.5)
    -- weights 1/8, 1/4, 1/2 of the three, over their sum
    assert.is_true(math.abs(smooth[3] - (1 / 8 + 2 / 4 + 4 / 2) / (7 / 8)) < 1e-12)
    local gap <const> = runs.smooth({ 1, NAN, 1 }, 0.9)
    assert.is_true(gap[2] ~= gap[2])
    assert.is_true(math.abs(gap[3] - 1) < 1e-12)
  end)

  it("thin out to what can be seen", function()
    local points <const> = {}
    for i = 0, 19999 do
      points[2 * i + 1] = i / 100
      points[2 * i + 2] = i == 7777 and -50 or i == 12345 and 90 or math.sin(i)
    end
    local thin <const> = runs.thin(points, 200)
    assert.is_true(#thin <= 2 * 4 * 201)
    local low, high = 1 / 0, -1 / 0
    for i = 2, #thin, 2 do
      low, high = math.min(low, thin[i]), math.max(high, thin[i])
      assert.is_true(i == 2 or thin[i - 1] >= thin[i - 3])
    end
    assert.equal(-50, low)
    assert.equal(90, high)
    assert.same({ points[1], points[2] }, { thin[1], thin[2] })
    assert.same({ points[39999], points[40000] }, { thin[#thin - 1], thin[#thin] })
  end)

  it("leave a curve alone that goes back", function()
    local circle <const> = {}
    for i = 0, 4000 do
      circle[2 * i + 1], circle[2 * i + 2] = 50 + math.cos(i), math.sin(i)
    end
    assert.equal(circle, runs.thin(circle, 100))
  end)

  it("lose points on a straight line, not corners", function()
    local line <const> = {}
    for i = 0, 100 do line[2 * i + 1], line[2 * i + 2] = i, math.abs(i - 50) end
    assert.same({ 0, 50, 50, 0, 100, 50 }, runs.simplify(line, 0.1))
  end)

  it("climb stairs", function()
    assert.same({ 1, 5, 2, 5, 2, 7 }, runs.stairs { 1, 5, 2, 7 })
  end)
end)

describe("contours", function()
  local function grid(n, value)
    local rows <const> = {}
    for r = 1, n do
      rows[r] = {}
      for c = 1, n do rows[r][c] = value(c, r) end
    end
    return rows
  end

  it("of a cone are one closed circle", function()
    local strokes <const> = contour.lines(
      grid(41, function(x, y) return math.sqrt((x - 21) ^ 2 + (y - 21) ^ 2) end), 15.3)
    assert.equal(1, #strokes)
    local circle <const> = strokes[1]
    assert.equal(circle[1], circle[#circle - 1])
    assert.equal(circle[2], circle[#circle])
    for i = 1, #circle, 2 do
      local radius <const> = math.sqrt((circle[i] - 21) ^ 2 + (circle[i + 1] - 21) ^ 2)
      -- a chord of a cell of side 1 strays by at most 1 / (8 r) from its arc
      assert.is_true(math.abs(radius - 15.3) < 1 / (8 * 15.3) + 1e-9)
    end
  end)

  it("of a plane are one straight line from edge to edge", function()
    local strokes <const> = contour.lines(grid(9, function(x) return x end), 4.25)
    assert.equal(1, #strokes)
    assert.equal(2 * 9, #strokes[1])
    for i = 1, 18, 2 do assert.is_true(math.abs(strokes[1][i] - 4.25) < 1e-12) end
  end)

  it("of a saddle do not cross", function()
    local saddle <const> = grid(2, function(x, y) return (x - y) % 2 == 0 and 1 or -0.5 end)
    local strokes <const> = contour.lines(saddle, 0)
    assert.equal(2, #strokes)
    -- the middle is above the level: the two low corners, (2, 1) and (1, 2), are cut off
    for _, stroke in ipairs(strokes) do
      local x <const>, y <const> = (stroke[1] + stroke[3]) / 2, (stroke[2] + stroke[4]) / 2
      assert.is_true((x - 1.5) * (y - 1.5) < 0)
    end
  end)

  it("end where there are no numbers", function()
    local holed <const> = grid(9, function(x, y) return y == 5 and NAN or x end)
    assert.equal(2, #contour.lines(holed, 4.25))
    assert.same({}, contour.lines(grid(5, function() return 1 end), 3))
  end)
end)
