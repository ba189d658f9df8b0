--- Layers against PyTorch 1.13: layers.json, written by make.py. From one state both run the same
--- passes; output and gradients of the last, and the state that is left, agree as golden.lua says.
local assert <const> = require "luassert"
local golden <const> = require "spec.golden.golden"
local mlp <const> = require "mlp"
local state <const> = require "mlp.nn.state"
require "spec.support.approx"

local tensor <const> = golden.tensor

local function build(class, arguments)
  local list <const> = {}
  for i, argument in ipairs(arguments) do
    local inner <const> = type(argument) == "table" and argument.class
    list[i] = inner and build(inner, argument.arguments) or argument
  end
  return mlp.nn[class](table.unpack(list))
end

local function layer_of(entry, dtype)
  local layer <const> = build(entry.layer, entry.arguments):to(dtype)
  local given <const> = {}
  for name, body in pairs(entry.state) do
    given[name] = tensor(body, state.tensors(layer)[name].dtype)
  end
  assert(state.assign(layer, given))
  return layer
end

local function run(entry, layer, dtype)
  local inputs, y
  for pass, bodies in ipairs(entry.inputs) do
    if entry.evaluate and pass == entry.passes then layer:eval() end
    inputs = {}
    for i, body in ipairs(bodies) do inputs[i] = tensor(body, dtype):requires_grad_() end
    y = layer(table.unpack(inputs))
  end
  return y, inputs
end

local function compare(entry, dtype, tolerance)
  local layer <const>, wanted <const> = layer_of(entry, dtype), entry[dtype]
  local y <const>, inputs <const> = run(entry, layer, dtype)
  local function close(got, body, about)
    assert.close(got, tensor(body, "float64"), { tolerance = tolerance, about = about })
  end
  close(y:detach(), wanted.output, "output")
  y:mul(golden.seed_pattern(y)):sum():backward()
  for i, body in ipairs(wanted.input_gradients) do close(inputs[i].grad, body, "input " .. i) end
  local own <const> = state.tensors(layer)
  for name, body in pairs(wanted.gradients) do
    close(own[name].grad, body, "gradient of " .. name)
  end
  for name, body in pairs(wanted.after) do
    close(own[name]:detach():to "float64", body, name .. " afterwards")
  end
end

describe("PyTorch agrees on the layer", function()
  golden.test(it, golden.load "layers.json".cases, function(entry)
    return ("%s, %s"):format(entry.layer, entry.name)
  end, compare)
end)
