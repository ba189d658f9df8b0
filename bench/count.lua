--- Floating-point operations of a workload, counted as issue "The plan" does: a product of B rows
--- with an (in, out) weight is 2 B in out forward, as much again for each of its two gradients.
--- Everything else is counted as nothing. `needed_by_none`: how many products, the first, nobody
--- asks an input gradient of.

local count = {}

--- kind -> the (in, out) pairs of its products, needed_by_none, and how many rows a product has for
--- each of the batch, where not one.
local PRODUCTS <const> = {}

function PRODUCTS.mlp(net)
  local pairs_of = {}
  for i = 2, #net.widths do pairs_of[i - 1] = { net.widths[i - 1], net.widths[i] } end
  return pairs_of, 1
end

PRODUCTS.siren, PRODUCTS.quadratic = PRODUCTS.mlp, PRODUCTS.mlp

--- A normalisation stands in front, whose weight wants the input gradient.
function PRODUCTS.ffn(net) return { { net.dim, net.hidden }, { net.hidden, net.dim } }, 0 end

--- Gate, value and output.
function PRODUCTS.glu(net)
  return { { net.dim, net.hidden }, { net.dim, net.hidden }, { net.hidden, net.dim } }, 2
end

--- The chosen experts alone, as one GLU of K times the width.
function PRODUCTS.moe(net)
  return PRODUCTS.glu { dim = net.dim, hidden = net.top_k * net.hidden }
end

--- Trunk, density, feature, and the two layers that see directions; every ray has many rows.
function PRODUCTS.nerf(net)
  local width <const>, pairs_of <const> = net.width, { { 3 + 6 * net.frequencies, net.width } }
  for i = 2, net.depth do pairs_of[i] = { width, width } end
  for _, pair in ipairs { { width, 1 }, { width, width },
    { width + 3 + 6 * net.view_frequencies, width // 2 }, { width // 2, 3 } } do
    pairs_of[#pairs_of + 1] = pair
  end
  return pairs_of, 1, net.samples
end

function PRODUCTS.matmul(net) return { { net.dim, net.dim } }, 0 end

function PRODUCTS.add() return {}, 0 end

PRODUCTS.hash_grid, PRODUCTS.composite = PRODUCTS.add, PRODUCTS.add

local function size(product) return product[1] * product[2] end

--- The (in, out) pairs of a network's products, in their order, and how many of the first need no
--- input gradient.
---@param net table
---@return integer[][] pairs, integer needed_by_none, integer? rows for each of the batch
function count.products(net) return PRODUCTS[net.kind](net) end

--- Floating-point operations of one step, or of one forward pass.
---@param row bench.Row
---@return integer
function count.flops(row)
  local products <const>, needed_by_none <const>, rows <const> = count.products(row.net)
  local sum = 0
  for i, product in ipairs(products) do
    local passes <const> = not row.loss and 1 or i > needed_by_none and 3 or 2
    sum = sum + 2 * passes * row.batch * (rows or 1) * size(product)
  end
  return sum
end

return count
