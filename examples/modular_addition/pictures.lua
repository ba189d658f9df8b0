-- Pictures that several parts draw: spectra of neurons, who answers what, phases on rings.
local mlp <const> = require "mlp"
local fourier <const>, plot <const> = mlp.fourier, mlp.plot

local pictures = {}

local ROWS <const> = 20
pictures.blue, pictures.orange, pictures.grey = "#0072b2", "#d55e00", "#999999"

--- Twenty neurons: of each frequency the first, then of each the second, ...
---@param read mlp.fourier.Neurons
---@return mlp.Tensor positions int64
function pictures.round_robin(read)
  local groups <const>, chosen <const> = {}, {}
  for k = 1, read.K do groups[k] = read.frequency:eq(k):nonzero():reshape(-1):totable() end
  for round = 1, #read.frequency do
    for k = 1, read.K do
      if groups[k][round] and #chosen < ROWS then chosen[#chosen + 1] = groups[k][round] end
    end
  end
  return mlp.tensor(chosen, { dtype = "int64" })
end

local function names_of(p)
  local names <const> = { "1" }
  for k = 1, p // 2 do names[2 * k], names[2 * k + 1] = "cos " .. k, "sin " .. k end
  return names
end

--- Fourier coefficients of chosen neurons, input and output side by side.
---@param network mlp.fourier.Network
---@param positions mlp.Tensor the neurons
---@param when string
---@return mlp.plot.Figure input
---@return mlp.plot.Figure output
function pictures.spectra(network, positions, when)
  local read <const> = fourier.neurons(network)
  local function map(side, name)
    return plot.heatmap { side.coefficients:index_select(1, positions), colours = "diverging",
      title = ("%s, %s"):format(name, when), y_label = "neuron", width = 470, height = 420,
      column_names = names_of(read.p) }
  end
  return map(read.input, "input θ"), map(read.output, "output ξ")
end

--- Spectra at several moments: inputs in the first row, outputs in the second.
function pictures.spectra_over_time(networks, whens, positions)
  local above <const>, below <const> = {}, {}
  for i, network in ipairs(networks) do
    above[i], below[i] = pictures.spectra(network, positions, whens[i])
  end
  local all <const> = table.move(below, 1, #below, #above + 1, above)
  all.columns = #networks
  return plot.grid(all)
end

--- One wave of the neurons: phases iota phi as points on ring iota.
---@param phi mlp.Tensor phases of one group
function pictures.rings(phi, title)
  local series <const> = { equal = true, title = title, width = 430, height = 430,
    legend = "right" }
  local turn <const> = mlp.linspace(0, 2 * math.pi, 121)
  for iota = 1, 4 do
    series[#series + 1] = { x = iota * turn:cos(), y = iota * turn:sin(), line = true, size = 0,
      colour = "#dddddd" }
  end
  for iota = 1, 4 do
    series[#series + 1] = { x = iota * (iota * phi):cos(), y = iota * (iota * phi):sin(), size = 7,
      name = "ι = " .. iota }
  end
  return plot.scatter(series)
end

--- A number for every pair, x downwards and y to the right, with boxes around some pairs.
---@param values mlp.Tensor (p^2) from 0 to 1
---@param boxed mlp.fourier.Pairs
---@param title string
function pictures.pairs(values, boxed, title)
  local p <const>, boxes <const> = boxed.p, {}
  for i = 1, #boxed do boxes[i] = { row = boxed.x:get(i) + 1, column = boxed.y:get(i) + 1 } end
  return plot.heatmap { values:to("float32"):reshape(p, p), colours = "blues", limits = { 0, 1 },
    boxes = boxes, title = title, x_label = "y", y_label = "x", width = 400, height = 400,
    row_names = pictures.residues(p), column_names = pictures.residues(p) }
end

--- "0", ..., "22"
function pictures.residues(p)
  local names <const> = {}
  for j = 1, p do names[j] = tostring(j - 1) end
  return names
end

return pictures
