--- The networks of the workloads on our side: kind -> a module made from the row's `net`. Their
--- parameters have the names that NETS in bench/peer.py gives them.

local mlp <const> = require "mlp"
local nn <const> = mlp.nn

local nets = {}

function nets.mlp(net)
  local spec <const> = { activation = net.activation, bias = net.bias }
  for i, width in ipairs(net.widths) do spec[i] = width end
  return nn.MLP(spec)
end

local FFN <const> = nn.Module:extend "FFN"

function FFN:init(dim, hidden)
  self.norm = nn.LayerNorm(dim)
  self.up = nn.Linear(dim, hidden, { activation = "gelu" })
  self.down = nn.Linear(hidden, dim)
end

function FFN:forward(x) return x + self.down(self.up(self.norm(x))) end

function nets.ffn(net) return FFN(net.dim, net.hidden) end

local GLU <const> = nn.Module:extend "GLU"

function GLU:init(dim, hidden)
  self.gate = nn.Linear(dim, hidden, { activation = "silu", bias = false })
  self.value = nn.Linear(dim, hidden, { bias = false })
  self.down = nn.Linear(hidden, dim, { bias = false })
end

function GLU:forward(x) return self.down(self.gate(x) * self.value(x)) end

function nets.glu(net) return GLU(net.dim, net.hidden) end

function nets.moe(net)
  return nn.MoE { dim = net.dim, hidden = net.hidden, experts = net.experts,
    top_k = net.top_k }
end

--- Sitzmann et al. 2020: sines of omega (x W' + b), the last layer without; W uniform within 1 / in
--- at first, within sqrt(6 / in) / omega later.
local Siren <const> = nn.Module:extend "Siren"

function Siren:init(widths, omega)
  self.omega, self.layers = omega, {}
  local _ <close> = mlp.no_grad()
  for i = 2, #widths do
    local layer <const> = nn.Linear(widths[i - 1], widths[i])
    local bound <const> = i == 2 and 1 / widths[1] or (6 / widths[i - 1]) ^ 0.5 / omega
    layer.weight:copy_((mlp.rand(widths[i], widths[i - 1]) * 2 - 1) * bound)
    self.layers[i - 1] = layer
  end
end

function Siren:forward(x)
  for i = 1, #self.layers - 1 do x = (self.layers[i](x) * self.omega):sin() end
  return self.layers[#self.layers](x)
end

function nets.siren(net) return Siren(net.widths, net.omega) end

--- Squares between linear layers.
local Quadratic <const> = nn.Module:extend "Quadratic"

function Quadratic:init(widths, bias)
  self.layers = {}
  for i = 2, #widths do
    self.layers[i - 1] = nn.Linear(widths[i - 1], widths[i], { bias = bias })
  end
end

function Quadratic:forward(x)
  for i = 1, #self.layers - 1 do x = self.layers[i](x):square() end
  return self.layers[#self.layers](x)
end

function nets.quadratic(net) return Quadratic(net.widths, net.bias) end

-- ---- fields ----------------------------------------------------------------------------------

--- Features as large as the outputs' targets, so that sides can be compared.
function nets.hash_grid(net)
  local grid <const> = nn.HashGrid { axes = net.axes, levels = net.levels, features = net.features,
    table_size = net.table_size, base = net.base, growth = net.growth, low = -1 }
  local _ <close> = mlp.no_grad()
  grid.table:copy_(mlp.randn(table.unpack(grid.table.shape)))
  return grid
end

--- What R rays show of S samples each; the lengths of the samples are given, (R, S) in -1..1.
local Composite <const> = nn.Module:extend "Composite"

function Composite:init(rays, samples)
  self.density = (mlp.rand(rays, samples) * 8):requires_grad_()
  self.colour = mlp.rand(rays, samples, 3, { requires_grad = true })
end

function Composite:forward(x)
  local delta <const> = (x + 1) * (1 / x:size(2))
  return (mlp.composite(self.density, self.colour, delta, delta))
end

function nets.composite(net) return Composite(net.rays, net.samples) end

--- The colours of rays (R, 6), origins beside directions, through a field sampled S times.
local Nerf <const> = nn.Module:extend "Nerf"

function Nerf:init(net)
  self.field = mlp.nerf.MLP { width = net.width, depth = net.depth, skip = net.depth + 1,
    frequencies = net.frequencies, view_frequencies = net.view_frequencies }
  self.t = mlp.arange(1, net.samples):to "float32":reshape(1, net.samples) * (2 / net.samples)
  self.delta = mlp.full({ 1, net.samples }, 2 / net.samples)
end

function Nerf:forward(x)
  local origins <const>, directions <const> = x:slice(2, 1, 3), x:slice(2, 4, 6)
  local points <const> = origins:unsqueeze(2) + directions:unsqueeze(2) * self.t:unsqueeze(3)
  local density <const>, colour <const> = self.field(points, directions)
  local R <const>, S <const> = x:size(1), self.t:size(2)
  return (mlp.composite(density, colour, self.t:expand(R, S), self.delta:expand(R, S)))
end

function nets.nerf(net) return Nerf(net) end

-- ---- single operations --------------------------------------------------------------------------

local Operand <const> = nn.Module:extend "Operand"

function Operand:init(dim, operation)
  self.other, self.operation = mlp.rand(dim, dim, { requires_grad = true }), operation
end

function Operand:forward(x) return self.operation(x, self.other) end

function nets.add(net) return Operand(net.dim, function(x, y) return x + y end) end

function nets.matmul(net) return Operand(net.dim, function(x, y) return x:matmul(y) end) end

--- The width of what goes in, and of what comes out.
---@param net table
---@return integer inputs, integer outputs
function nets.width(net)
  if net.kind == "hash_grid" then return net.axes, net.levels * net.features end
  if net.kind == "composite" then return net.samples, 3 end
  if net.kind == "nerf" then return 6, 3 end
  if net.widths then return net.widths[1], net.widths[#net.widths] end
  return net.dim, net.dim
end

return nets
