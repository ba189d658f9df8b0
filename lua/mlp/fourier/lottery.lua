--- Which frequency a neuron will end with, told from its weights before training.

local errors <const> = require "mlp.errors"
local escape <const> = require "mlp.fourier.escape"
local neurons <const> = require "mlp.fourier.neurons"

local CALL <const> = "fourier.lottery"

--- Predictors in the order of a table; each is (alpha, beta, D, p) -> position of the winner.
local RULES <const> = {
  { "phase", function(_, _, D) return D:abs():argmin(2) end },
  { "magnitude", function(alpha) return alpha:argmax(2) end },
  { "growth", function(alpha, beta, D) return (alpha:square() * beta * D:cos()):argmax(2) end },
  { "flow", function(alpha, beta, D, p) return escape(alpha, beta, D, p):argmin(2) end },
}

---@class mlp.fourier.Lottery
---@field won mlp.Tensor int64 (M) k* after training
---@field counted mlp.Tensor uint8 (M) neurons that are counted
---@field predicted table<string, mlp.Tensor> int64 (M) by rule
---@field accuracy table<string, number> share of counted neurons whose winner was told

--- Four predictors of the winning frequency, and how often each is right. "phase": the smallest
--- |D(0)|, the paper's corollary, which supposes equal magnitudes; "magnitude": the largest
--- alpha(0); "growth": the largest alpha^2 beta cos D, the first growth of all; "flow": the first
--- to escape in the four-variable flow, see `escape`. Chance is 1 / K.
---@param before mlp.fourier.Network at the start
---@param after mlp.fourier.Network the same neurons, trained
---@param options {energy: number?}? energy: only neurons with more than this share of the input's
---  energy at k* are counted; default 0, all
---@return mlp.fourier.Lottery
local function lottery(before, after, options)
  local o <const> = errors.options(CALL, options, { energy = 0 })
  local first <const>, last <const> = neurons(before), neurons(after)
  if first.p ~= last.p or #first.frequency ~= #last.frequency then
    errors.raise("%s: the networks are (%d, %d) and (%d, %d), but one has to come from the other",
      CALL, #first.frequency, first.p, #last.frequency, last.p)
  end
  local result <const> = { won = last.frequency, predicted = {}, accuracy = {},
    counted = last.input:energy(last.frequency):gt(o.energy) }
  for _, rule in ipairs(RULES) do
    local name <const>, predict <const> = table.unpack(rule)
    local guess <const> = predict(first.input.magnitude, first.output.magnitude,
      first:misalignments(), first.p)
    result.predicted[name] = guess
    result.accuracy[name] = guess:eq(last.frequency)[result.counted]:to("float64"):mean():item()
  end
  return result
end

return lottery
