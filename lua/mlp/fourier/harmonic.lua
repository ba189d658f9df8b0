--- Harmonics on Z_p, where a cosine of frequency k is one of frequency p - k.

--- The frequency of the r-th harmonic of k: r k modulo p, folded into 0 to p // 2; 0 is the
--- constant.
---@param k mlp.Tensor int64, frequencies of any shape
---@param r integer
---@param p integer the modulus
---@return mlp.Tensor frequency int64
local function harmonic(k, r, p)
  local place <const> = (k * r):remainder(p)
  return place:minimum(-place + p)
end

return harmonic
