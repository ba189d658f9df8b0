--- Values and gradients against PyTorch 1.13: operations.json and optimizers.json, written by
--- make.py, which tells their format. They agree as golden.lua says.
---
--- The two shifts from PyTorch's counting stand in from_zero: a position or an axis k >= 0 is our
--- k + 1, an axis counted from the end is the same on both sides.
local golden <const> = require "spec.golden.golden"
local make <const> = require "spec.support.make"
local mlp <const> = require "mlp"

local function from_zero(k) return k >= 0 and k + 1 or k end

local SPECIAL <const> = { nan = 0 / 0, inf = math.huge, ["-inf"] = -math.huge }

local function numbers(data, shift)
  local flat = {}
  for i, x in ipairs(data) do flat[i] = (SPECIAL[x] or x) + shift end
  return flat
end

local function tensor(body, dtype, shift)
  return make.from_flat(numbers(body.data, shift or 0), dtype, body.shape)
end

--- One argument as make.py wrote it; tensors to differentiate are added to leaves.
local function argument(body, dtype, leaves)
  if type(body) ~= "table" then return body end
  if body.axis then
    if type(body.axis) == "number" then return from_zero(body.axis) end
    local axes = {}
    for i, axis in ipairs(body.axis) do axes[i] = from_zero(axis) end
    return axes
  end
  if body.index then return tensor(body.index, "int64", 1) end
  if body.integers then return tensor(body.integers, "int64") end
  if body.mask then return tensor(body.mask, "uint8") end
  if body.float then
    local t = tensor(body.float, dtype)
    if body.grad then
      t:requires_grad_()
      leaves[#leaves + 1] = t
    end
    return t
  end
  local list = {}
  for i, item in ipairs(body.list) do list[i] = argument(item, dtype, leaves) end
  return list
end

local function find(path)
  local found = mlp
  for name in path:gmatch("[^.]+") do found = found[name] end
  return assert(found, "mlp." .. path .. " does not exist")
end

local function positions_of(entry)
  local set = {}
  for _, k in ipairs(entry.positions or {}) do set[k] = true end
  return set
end

local function compare(entry, dtype, usual)
  local leaves, args = {}, {}
  for i, body in ipairs(entry.args) do args[i] = argument(body, dtype, leaves) end
  if entry.options then
    local options = {}
    for name, body in pairs(entry.options) do options[name] = argument(body, dtype, leaves) end
    args[#args + 1] = options
  end
  local outputs <const> = table.pack(find(entry.call)(table.unpack(args)))
  local wanted <const>, holds_positions <const> = entry[dtype], positions_of(entry)
  local tolerance <const> = entry.tolerance or usual
  local total
  for k, body in ipairs(wanted.outputs) do
    local expected <const> = tensor(body, "float64", holds_positions[k] and 1 or 0)
    assert.close(outputs[k], expected, { tolerance = tolerance, about = "output " .. k })
    if outputs[k].requires_grad then
      local part <const> = outputs[k]:mul(golden.seed_pattern(outputs[k])):sum()
      total = total and total:add(part) or part
    end
  end
  if #wanted.gradients == 0 then return end
  -- Where nothing has a history, as of floor, PyTorch's gradients are zeros.
  local grads <const> = total and table.pack(mlp.grad(total, leaves)) or {}
  for k, body in ipairs(wanted.gradients) do
    local got <const> = grads[k] or mlp.zeros(body.shape, { dtype = dtype })
    assert.close(got, tensor(body, "float64"), {
      tolerance = tolerance, about = "gradient of leaf " .. k,
    })
  end
end

describe("PyTorch agrees on", function()
  golden.test(it, golden.load "operations.json".cases, function(entry)
    return ("%s %s"):format(entry.call, entry.name)
  end, compare)
end)

describe("PyTorch agrees on ten steps of", function()
  local optimizers <const> = golden.load "optimizers.json"

  local function problem(dtype)
    local p = {}
    for name, nested in pairs(optimizers.problem) do
      local flat, shape = make.read(nested)
      p[name] = make.from_flat(flat, dtype, shape)
    end
    p.weight:requires_grad_()
    p.bias:requires_grad_()
    return p
  end

  --- The loss is written in operations, so that only the optimizer is under test.
  local function loss_of(p)
    local off <const> = mlp.linear(p.x, p.weight, p.bias):tanh():sub(p.y)
    return off:mul(off):mean()
  end

  local function compare_run(run, dtype, tolerance)
    local p <const> = problem(dtype)
    local optimizer <const> = mlp.optim[run.optimizer]({ p.weight, p.bias }, run.options)
    for step, wanted in ipairs(run[dtype]) do
      if optimizer.wants_closure then
        optimizer:step(function() return loss_of(p) end)
      else
        optimizer:zero_grad()
        loss_of(p):backward()
        optimizer:step()
      end
      for _, name in ipairs { "weight", "bias" } do
        local expected <const> = { shape = p[name].shape, data = wanted[name] }
        assert.close(p[name]:detach(), tensor(expected, "float64"), {
          tolerance = run[dtype .. " tolerance"] or tolerance,
          about = ("%s after step %d"):format(name, step),
        })
      end
    end
  end

  golden.test(it, optimizers.runs, function(run)
    return ("%s, %s"):format(run.optimizer, run.name)
  end, compare_run)
end)
