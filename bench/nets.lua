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
  if net.widths then return net.widths[1], net.widths[#net.widths] end
  return net.dim, net.dim
end

return nets
