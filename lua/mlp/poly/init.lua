--- Networks of one hidden layer as polynomials, in closed form (Belrose and Rigg 2025, "Converting
--- MLPs into Polynomials in Closed Form", arXiv 2502.01032): the polynomial nearest to the network
--- in mean square when the input is normal, or a mixture of normals, without a sample. What the
--- polynomial says about the network is read from singular and eigenvectors.
---
---     local p = mlp.poly.fit(model, mlp.poly.gaussian_of(x), {degree = 2})
---     print(mlp.poly.compare(model, p, x).fvu)
---     local values, vectors = p:eigen(8)      -- what makes the 8th output large
---
--- Letters: D inputs, H hidden units, O outputs, K components of a mixture. A unit's pre-activation
--- y = w x + b is normal too, with mean m and deviation s. All arithmetic is in float64;
--- polynomials answer in the dtype of what they are asked. The prefix E is an expectation.

local lazy <const> = require "mlp.lazy"

local function from(module, name) return function() return require(module)[name] end end

---@class mlp.poly
return lazy({}, {
  moments = from("mlp.poly.moments", "moments"),
  gaussian = from("mlp.poly.gaussian", "gaussian"),
  gaussian_of = from("mlp.poly.gaussian", "gaussian_of"),
  mixture = from("mlp.poly.mixture", "mixture"),
  mixture_of = from("mlp.poly.mixture", "mixture_of"),
  units = from("mlp.poly.units", "units"),
  fit = from("mlp.poly.fit", "fit"),
  least_squares = from("mlp.poly.features", "least_squares"),
  explained = from("mlp.poly.explained", "explained"),
  compare = from("mlp.poly.compare", "compare"),
  svd_attack = from("mlp.poly.attack", "svd_attack"),
  eigen_attack = from("mlp.poly.attack", "eigen_attack"),
})
