--- Sines and cosines of coordinates at doubling frequencies (Mildenhall et al. 2020, section 5.1).
--- The encoding is one linear layer with a sine for its activation: cos t is sin(t + pi/2).

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.PositionalEncoding: mlp.nn.Module
---@field frequencies mlp.Tensor (2 D F, D) angles per unit of the input
---@field phases mlp.Tensor (2 D F)
---@field outputs integer D (2 F + 1), or 2 D F without the input
---@overload fun(inputs: integer, frequencies: integer, options: table?): mlp.nn.PositionalEncoding
local PositionalEncoding = Module:extend "PositionalEncoding"

--- nn.PositionalEncoding(3, 10): (x, sin x, cos x, sin 2x, cos 2x, ..., sin 2^9 x, cos 2^9 x), each
--- entry for all D coordinates.
---@param inputs integer D, coordinates
---@param frequencies integer F, how often the frequency doubles
---@param options {pi: boolean?, input: boolean?, dtype: mlp.Dtype?}? `pi` multiplies all angles by
---  pi (default false, as in the authors' code; their paper has it), `input` puts x in front (true)
function PositionalEncoding:init(inputs, frequencies, options)
  initialise.want_size("PositionalEncoding", "inputs", inputs)
  initialise.want_size("PositionalEncoding", "frequencies", frequencies)
  local o <const> = errors.options("PositionalEncoding", options,
    { pi = false, input = true, dtype = "float32" })
  local rows <const>, phases <const> = {}, {}
  for i = 0, frequencies - 1 do
    for _, phase in ipairs { 0, math.pi / 2 } do
      for d = 1, inputs do
        local row <const> = {}
        for k = 1, inputs do row[k] = k == d and 2.0 ^ i * (o.pi and math.pi or 1) or 0 end
        rows[#rows + 1], phases[#phases + 1] = row, phase
      end
    end
  end
  self.frequencies = core.tensor(rows, { dtype = o.dtype })
  self.phases = core.tensor(phases, { dtype = o.dtype })
  self.with_input, self.outputs = o.input, #rows + (o.input and inputs or 0)
end

---@param x mlp.Tensor (..., D)
---@return mlp.Tensor y (..., outputs)
function PositionalEncoding:forward(x)
  local waves <const> = core.linear(x, self.frequencies, self.phases, { activation = "sine" })
  return self.with_input and core.cat({ x, waves }, -1) or waves
end

function PositionalEncoding:describe()
  return ("%d -> %d%s"):format(self.frequencies:size(2), self.outputs,
    self.with_input and "" or ", without the input")
end

return PositionalEncoding
