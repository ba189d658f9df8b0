--- The gated halves as a layer: glu, reglu, geglu, swiglu.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local Module <const> = require "mlp.nn.module"

---@class mlp.nn.GatedHalves: mlp.nn.Module
---@field kind "glu"|"reglu"|"geglu"|"swiglu"
---@overload fun(kind: string?): mlp.nn.GatedHalves
local GatedHalves = Module:extend "GatedHalves"

local KINDS <const> = { glu = true, reglu = true, geglu = true, swiglu = true }

--- The first half of the last axis times an activation of the second: sigmoid (glu), relu (reglu),
--- gelu (geglu) or silu (swiglu). It has no parameters; a Linear of twice the width stands before
--- it.
---@param kind "glu"|"reglu"|"geglu"|"swiglu"|nil default "glu"
function GatedHalves:init(kind)
  kind = kind or "glu"
  if not KINDS[kind] then
    errors.wanted("GatedHalves", "the kind", kind, '"glu", "reglu", "geglu" or "swiglu"')
  end
  self.kind = kind
end

---@param x mlp.Tensor (..., 2 H)
---@return mlp.Tensor y (..., H)
function GatedHalves:forward(x) return core.methods[self.kind](x) end

function GatedHalves:describe() return self.kind end

return GatedHalves
