--- Everything counts from 1: one case per place where an index can hide. A library that counts from
--- 0 in one of these places gives answers that look right; each case is chosen so that an answer
--- shifted by one, or counted from the wrong end, is another answer.
local mlp <const> = require "mlp"

local function int64(t) return mlp.tensor(t, { dtype = "int64" }) end

--- The refusal of position 0 says where counting starts.
local function refuses_zero(f, ...)
  local sound, message = pcall(f, ...)
  assert.is_false(sound, "position 0 was accepted")
  local told <const> = tostring(message)
  assert.is_truthy(told:find("count from 1", 1, true) or told:find("are 1..", 1, true),
    "does not say that counting starts at 1: " .. told)
  return told
end

local function refuses(pattern, f, ...)
  local sound, message = pcall(f, ...)
  assert.is_false(sound, "was accepted")
  assert.is_truthy(tostring(message):find(pattern, 1, true),
    ("said '%s', expected '%s'"):format(message, pattern))
end

local x, m

before_each(function()
  x = mlp.tensor { 10, 20, 30, 40, 50 }
  m = mlp.tensor { { 11, 12, 13 }, { 21, 22, 23 } }
end)

describe("reading an element", function()
  it("starts at 1 and ends at the length", function()
    assert.equal(10, x[1]:item())
    assert.equal(50, x[5]:item())
    assert.equal(5, #x)
    assert.equal(2, #m)
    assert.equal(23, m:get(2, 3))
    assert.equal(12, m[1][2]:item())
    assert.same({ 21, 22, 23 }, m[2]:totable())
  end)

  it("counts negative positions from the end", function()
    assert.equal(50, x[-1]:item())
    assert.equal(10, x[-5]:item())
    assert.equal(22, m:get(-1, -2))
  end)

  it("answers nil one past the end, so that ipairs ends", function()
    assert.is_nil(x[6])
    local seen = {}
    for i, element in ipairs(x) do seen[i] = element:item() end
    assert.same({ 10, 20, 30, 40, 50 }, seen)
    local rows = 0
    for _, row in ipairs(m) do rows = rows + #row end
    assert.equal(6, rows)
  end)

  it("raises elsewhere", function()
    refuses_zero(function() return x[0] end)
    refuses_zero(m.get, m, 0, 1)
    refuses_zero(m.get, m, 1, 0)
    assert.has_error(function() return x[7] end)
    assert.has_error(function() return x[-6] end)
    refuses("7", function() return x[7] end)
    refuses("4", m.get, m, 1, 4)
    refuses("3", m.get, m, 3, 1)
  end)

  it("ends an empty tensor at once", function()
    local none = 0
    for _ in ipairs(mlp.zeros(0, 3)) do none = none + 1 end
    assert.equal(0, none)
  end)
end)

describe("writing an element", function()
  it("starts at 1, counts from the end, never grows", function()
    x[1] = -1
    x[-1] = -5
    x:set(3, -3)
    m:set(2, 1, 7)
    m[1][3] = 8
    assert.same({ -1, 20, -3, 40, -5 }, x:totable())
    assert.same({ { 11, 12, 8 }, { 7, 22, 23 } }, m:totable())
    refuses_zero(function() x[0] = 1 end)
    assert.has_error(function() x[6] = 1 end)
    assert.has_error(function() m:set(1, 4, 0) end)
  end)

  it("assigns rows and slices", function()
    m[2] = mlp.tensor { 1, 2, 3 }
    assert.same({ { 11, 12, 13 }, { 1, 2, 3 } }, m:totable())
    m[{ {}, { 2, 3 } }] = 0
    assert.same({ { 11, 0, 0 }, { 1, 0, 0 } }, m:totable())
    x[{ { 2, -2 } }] = mlp.tensor { 7, 8, 9 }
    assert.same({ 10, 7, 8, 9, 50 }, x:totable())
  end)
end)

describe("slices", function()
  it("include both ends", function()
    assert.same({ 20, 30, 40 }, x:slice(1, 2, 4):totable())
    assert.same({ 20, 30, 40 }, x[{ { 2, 4 } }]:totable())
    assert.same({ 30 }, x:slice(1, 3, 3):totable())
    assert.same({ { 12, 13 }, { 22, 23 } }, m:slice(2, 2, 3):totable())
    assert.same({ 12, 13 }, m[{ 1, { 2, 3 } }]:totable())
    assert.same({ 12, 22 }, m[{ {}, 2 }]:totable())
  end)

  it("take negative bounds from the end", function()
    assert.same({ 40, 50 }, x:slice(1, -2, -1):totable())
    assert.same({ 10, 20, 30, 40 }, x[{ { 1, -2 } }]:totable())
  end)

  it("refuse 0 and what lies outside", function()
    refuses_zero(x.slice, x, 1, 0, 2)
    refuses_zero(function() return x[{ { 0, 2 } }] end)
    refuses_zero(function() return m[{ 0, 1 }] end)
    assert.has_error(function() return x:slice(1, 2, 6) end)
    assert.has_error(function() return x[{ { 2, 6 } }] end)
  end)

  it("select a row or a column", function()
    assert.same({ 21, 22, 23 }, m:select(1, 2):totable())
    assert.same({ 13, 23 }, m:select(2, 3):totable())
    assert.same({ 13, 23 }, m:select(-1, -1):totable())
    refuses_zero(m.select, m, 1, 0)
    assert.has_error(function() return m:select(1, 3) end)
  end)
end)

describe("axes", function()
  it("count from 1, or from the end", function()
    assert.same({ 32, 34, 36 }, m:sum(1):totable())
    assert.same({ 36, 66 }, m:sum(2):totable())
    assert.same({ 36, 66 }, m:sum(-1):totable())
    assert.same({ 32, 34, 36 }, m:mean(-2):mul(2):totable())
    assert.equal(2, m:size(1))
    assert.equal(3, m:size(2))
    assert.equal(3, m:size(-1))
    assert.same({ 11, 23, 36 }, m[1]:cumsum(1):totable())
  end)

  it("of lists too", function()
    local t = mlp.arange(1, 24):reshape(2, 3, 4)
    assert.same({ 4, 2, 3 }, t:permute(3, 1, 2).shape)
    assert.same({ 3, 2, 4 }, t:transpose(1, 2).shape)
    assert.same({ 2, 4, 3 }, t:transpose(-1, -2).shape)
    assert.same({ 3 }, t:sum({ 1, 3 }).shape)
    assert.same({ 2, 1, 3, 4 }, t:unsqueeze(2).shape)
    assert.same({ 2, 3, 4, 1 }, t:unsqueeze(-1).shape)
    assert.same({ 3, 4 }, t:slice(1, 1, 1):squeeze(1).shape)
    assert.same({ 4, 3, 4 }, mlp.cat({ t, t }, 1).shape)
    assert.same({ 2, 3, 8 }, mlp.cat({ t, t }, 3).shape)
    assert.same({ 2, 2, 3, 4 }, mlp.stack({ t, t }, 2).shape)
    assert.equal(t:get(2, 1, 3), t:permute(3, 1, 2):get(3, 2, 1))
  end)

  it("refuse 0 and what lies outside", function()
    refuses_zero(m.sum, m, 0)
    refuses_zero(m.size, m, 0)
    refuses_zero(m.transpose, m, 0, 1)
    refuses_zero(m.permute, m, 0, 1)
    refuses_zero(mlp.cat, { m, m }, 0)
    assert.has_error(function() return m:sum(3) end)
    assert.has_error(function() return m:sum(-3) end)
    assert.has_error(function() return m:size(3) end)
    refuses("3", m.sum, m, 3)
  end)
end)

describe("positions that come back", function()
  local t

  before_each(function() t = mlp.tensor { { 5, 9, 7 }, { 8, 4, 6 } } end)

  it("from argmax and argmin", function()
    assert.same({ 2, 1 }, t:argmax(2):totable())
    assert.same({ 1, 2 }, t:argmin(2):totable())
    assert.same({ 2, 1, 1 }, t:argmax(1):totable())
    assert.equal(2, t:argmax():item())
    assert.equal(5, t:argmin():item())
  end)

  it("from max, min, topk, sort and argsort", function()
    local _, position = t:max(2)
    assert.same({ 2, 1 }, position:totable())
    _, position = t:min(1)
    assert.same({ 1, 2, 2 }, position:totable())
    _, position = t:topk(2, 2)
    assert.same({ { 2, 3 }, { 1, 3 } }, position:totable())
    _, position = t:sort(2)
    assert.same({ { 1, 3, 2 }, { 2, 3, 1 } }, position:totable())
    assert.same({ { 1, 3, 2 }, { 2, 3, 1 } }, t:argsort(2):totable())
  end)

  it("and can be used at once", function()
    local value, position = t:max(2)
    assert.same(value:totable(), t:gather(2, position:reshape(2, 1)):reshape(2):totable())
    local row <const> = t[1]
    local sorted, order = row:sort(1)
    assert.same(sorted:totable(), row:index_select(1, order):totable())
    assert.equal(row:max():item(), row[row:argmax():item()]:item())
  end)

  it("from nonzero", function()
    local found <const> = mlp.tensor({ { 0, 1, 0 }, { 1, 0, 1 } }, { dtype = "uint8" }):nonzero()
    assert.same({ { 1, 2 }, { 2, 1 }, { 2, 3 } }, found:totable())
  end)

  it("from randperm", function()
    local seen = {}
    for _, k in ipairs(mlp.randperm(5):totable()) do seen[#seen + 1] = k end
    table.sort(seen)
    assert.same({ 1, 2, 3, 4, 5 }, seen)
    assert.equal(5, #x:index_select(1, mlp.randperm(5)))
  end)
end)

describe("tensors of positions", function()
  it("index_select", function()
    assert.same({ 50, 10 }, x:index_select(1, int64 { 5, 1 }):totable())
    assert.same({ { 13, 11 }, { 23, 21 } }, m:index_select(2, int64 { 3, 1 }):totable())
    local message <const> = refuses_zero(x.index_select, x, 1, int64 { 1, 2, 0 })
    assert.is_truthy(message:find("[3]", 1, true), message)
    refuses("[2]", x.index_select, x, 1, int64 { 1, 6 })
  end)

  it("gather", function()
    assert.same({ { 13 }, { 21 } }, m:gather(2, int64 { { 3 }, { 1 } }):totable())
    local message <const> = refuses_zero(m.gather, m, 2, int64 { { 1, 3 }, { 0, 1 } })
    assert.is_truthy(message:find("[2, 1]", 1, true), message)
    assert.has_error(function() return m:gather(2, int64 { { 4 }, { 1 } }) end)
  end)

  it("scatter_add", function()
    local t <const> = mlp.zeros(4)
    local to <const>, source <const> = int64 { 2, 4, 2 }, mlp.tensor { 1, 5, 2 }
    assert.same({ 0, 3, 0, 5 }, t:scatter_add(1, to, source):totable())
    refuses_zero(t.scatter_add, t, 1, int64 { 0 }, mlp.tensor { 1 })
    assert.has_error(function() return t:scatter_add(1, int64 { 5 }, mlp.tensor { 1 }) end)
  end)

  it("embedding", function()
    local table_of <const> = mlp.tensor { { 1, 1 }, { 2, 2 }, { 3, 3 } }
    assert.same({ { 3, 3 }, { 1, 1 } }, mlp.embedding(table_of, int64 { 3, 1 }):totable())
    refuses_zero(mlp.embedding, table_of, int64 { 0 })
    assert.has_error(function() return mlp.embedding(table_of, int64 { 4 }) end)
    local layer <const> = mlp.nn.Embedding(3, 2)
    assert.same(layer.weight[3]:totable(), layer(int64 { 3 })[1]:totable())
    refuses_zero(layer, int64 { 0 })
  end)

  it("one_hot", function()
    assert.same({ { 0, 0, 1 }, { 1, 0, 0 } }, mlp.one_hot(int64 { 3, 1 }, 3):totable())
    refuses_zero(mlp.one_hot, int64 { 0 }, 3)
  end)

end)

describe("classes", function()
  local logits

  before_each(function() logits = mlp.tensor { { 9, 0, 0 }, { 0, 0, 9 } } end)

  it("of cross_entropy", function()
    assert.is_true(mlp.loss.cross_entropy(logits, int64 { 1, 3 }):item() < 0.01)
    assert.is_true(mlp.loss.cross_entropy(logits, { 1, 3 }):item() < 0.01)
    assert.is_true(mlp.loss.cross_entropy(logits, mlp.tensor { 1, 3 }):item() < 0.01)
    assert.is_true(mlp.loss.cross_entropy(logits, int64 { 2, 2 }):item() > 5)
    refuses_zero(mlp.loss.cross_entropy, logits, int64 { 0, 2 })
    assert.has_error(function() return mlp.loss.cross_entropy(logits, int64 { 1, 4 }) end)
  end)

  it("of nll", function()
    local log_probabilities <const> = logits:log_softmax(-1)
    assert.is_true(mlp.loss.nll(log_probabilities, int64 { 1, 3 }):item() < 0.01)
    refuses_zero(mlp.loss.nll, log_probabilities, int64 { 0, 2 })
  end)

  it("of accuracy and of the confusion matrix", function()
    assert.equal(1, mlp.metric.accuracy(logits, int64 { 1, 3 }))
    assert.equal(0.5, mlp.metric.accuracy(logits, int64 { 1, 2 }))
    local confusion <const> = mlp.metric.confusion(logits, int64 { 1, 2 })
    assert.same({ { 1, 0, 0 }, { 0, 0, 1 }, { 0, 0, 0 } }, confusion:totable())
    refuses_zero(mlp.metric.confusion, logits, int64 { 0, 2 })
  end)
end)

describe("ranges", function()
  it("of arange include both ends", function()
    assert.same({ 1, 2, 3, 4 }, mlp.arange(1, 4):totable())
  end)

  it("of splits tile the whole", function()
    local parts <const> = table.pack(x:split(2))
    local list <const> = #parts == 1 and parts[1] or parts
    assert.same({ 10, 20 }, list[1]:totable())
    assert.same({ 50 }, list[3]:totable())
  end)
end)
