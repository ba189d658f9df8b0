--- A table of vectors, one per token; tokens count from 1.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local initialise <const> = require "mlp.initialise"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.Embedding: mlp.nn.Module
---@field weight mlp.Tensor (tokens, dim)
---@overload fun(tokens: integer, dim: integer, options: table?): mlp.nn.Embedding
local Embedding = Module:extend "Embedding"
Embedding.role = "embedding"

---@param tokens integer V, how many there are
---@param dim integer length of a vector
---@param options {std: number?, dtype: string?}? initial weights are normal with deviation std (1)
function Embedding:init(tokens, dim, options)
  initialise.want_size("Embedding", "tokens", tokens)
  initialise.want_size("Embedding", "dim", dim)
  local o = errors.options("Embedding", options, { std = 1, dtype = "float32" })
  local weight <const> = core.zeros(tokens, dim, { dtype = o.dtype })
  self.weight = initialise.normal_(weight, { std = o.std }):requires_grad_()
end

---@param tokens mlp.Tensor|integer[] (...) int64 from 1, or a Lua table
---@return mlp.Tensor vectors (..., dim)
function Embedding:forward(tokens) return core.embedding(self.weight, tokens) end

function Embedding:describe()
  local tokens, dim = table.unpack(self.weight.shape)
  return ("%d tokens, %d"):format(tokens, dim)
end

return Embedding
