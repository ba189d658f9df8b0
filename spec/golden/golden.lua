--- What the golden specs share: files that make.py wrote from PyTorch 1.13, each a list of cases
--- with what is wanted in float32 and in float64. Agreement means max|a-b| <= 1e-5 max|b| per
--- tensor in float32 and 1e-11 in float64 (its rounding is 2^29 times finer, but both sides may
--- call different libms), or the case's own stated bound.
local json <const> = require "dkjson"
local make <const> = require "spec.support.make"

local golden = { TOLERANCE = { float32 = 1e-5, float64 = 1e-11 } }

function golden.load(name)
  local handle <close> = assert(io.open("spec/golden/" .. name))
  local body, _, message = json.decode(handle:read "a", 1, nil)
  return assert(body, message)
end

--- A tensor as the files hold it: its numbers in order, and its shape.
function golden.tensor(body, dtype) return make.from_flat(body.data, dtype, body.shape) end

--- v of make.py's seed_pattern, a gradient for y.
function golden.seed_pattern(y)
  local flat = {}
  for i = 1, y:numel() do flat[i] = ((37 * i + 11) % 17 - 8) / 8 end
  return make.from_flat(flat, y.dtype, y.shape)
end

--- A test (busted's `it`) of every case in every dtype: compare(case, dtype, tolerance).
function golden.test(it, cases, title, compare)
  for _, case in ipairs(cases) do
    for dtype, tolerance in pairs(golden.TOLERANCE) do
      it(("%s, in %s"):format(title(case), dtype), function() compare(case, dtype, tolerance) end)
    end
  end
end

return golden
