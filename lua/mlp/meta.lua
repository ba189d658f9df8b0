---@meta _
--- The operations for editors. Written by `make docs` from the core's table of rows; do not edit it
--- by hand. What C offers beside the rows stands in meta/core.lua.
-- luacheck: ignore

---@class mlp
---@field nn mlp.nn
---@field init mlp.init
---@field loss mlp.loss
---@field optim mlp.optim
---@field schedule mlp.schedule
---@field metric mlp.metric
---@field data mlp.data
---@field io mlp.io
---@field plot mlp.plot
---@field fourier mlp.fourier
---@field linalg mlp.linalg
---@field Trainer fun(options: mlp.TrainerOptions): mlp.Trainer
---@field tabular mlp.tabular
---@field report fun(options: mlp.ReportOptions): mlp.report
---@field compile fun(fn: function, options: mlp.compile.Options?): mlp.Compiled
---@field no_grad fun(fn: function?, ...: any): any ...
---@field grad fun(y: mlp.Tensor, xs: mlp.Tensor[], options: table?): mlp.Tensor? ...
---@field gradcheck fun(fn: function, inputs: mlp.Tensor[], options: table?): boolean, string?
---@field jacobian fun(fn: function, x: mlp.Tensor, options: table?): mlp.Tensor
---@field hvp fun(fn: function, x: mlp.Tensor, v: mlp.Tensor): mlp.Tensor, mlp.Tensor
---@field einsum fun(equation: string, ...: mlp.Tensor): mlp.Tensor
---@field help fun(name: any): mlp.Help
---@field info fun(): mlp.Info
local mlp = {}

---@class mlp.Tensor
---@operator add(mlp.Tensor|number): mlp.Tensor
---@operator sub(mlp.Tensor|number): mlp.Tensor
---@operator mul(mlp.Tensor|number): mlp.Tensor
---@operator div(mlp.Tensor|number): mlp.Tensor
---@operator pow(mlp.Tensor|number): mlp.Tensor
---@operator mod(mlp.Tensor|number): mlp.Tensor
---@operator idiv(mlp.Tensor|number): mlp.Tensor
---@operator band(mlp.Tensor|number): mlp.Tensor
---@operator bor(mlp.Tensor|number): mlp.Tensor
---@operator bxor(mlp.Tensor|number): mlp.Tensor
---@operator unm: mlp.Tensor
---@operator bnot: mlp.Tensor
---@operator len: integer
local Tensor = {}

---@class mlp.nn
---@field CELU fun(options: table?): mlp.nn.Activation
---@field ELU fun(options: table?): mlp.nn.Activation
---@field GELU fun(options: table?): mlp.nn.Activation
---@field GELUTanh fun(options: table?): mlp.nn.Activation
---@field Gaussian fun(options: table?): mlp.nn.Activation
---@field HardSigmoid fun(options: table?): mlp.nn.Activation
---@field HardSwish fun(options: table?): mlp.nn.Activation
---@field HardTanh fun(options: table?): mlp.nn.Activation
---@field Identity fun(options: table?): mlp.nn.Activation
---@field LeakyReLU fun(options: table?): mlp.nn.Activation
---@field LogSigmoid fun(options: table?): mlp.nn.Activation
---@field LogSoftmax fun(options: table?): mlp.nn.Activation
---@field Mish fun(options: table?): mlp.nn.Activation
---@field Power fun(options: table?): mlp.nn.Activation
---@field ReLU fun(options: table?): mlp.nn.Activation
---@field ReLU6 fun(options: table?): mlp.nn.Activation
---@field SELU fun(options: table?): mlp.nn.Activation
---@field SiLU fun(options: table?): mlp.nn.Activation
---@field Sigmoid fun(options: table?): mlp.nn.Activation
---@field Sine fun(options: table?): mlp.nn.Activation
---@field Snake fun(options: table?): mlp.nn.Activation
---@field Softmax fun(options: table?): mlp.nn.Activation
---@field Softplus fun(options: table?): mlp.nn.Activation
---@field Softsign fun(options: table?): mlp.nn.Activation
---@field SquaredReLU fun(options: table?): mlp.nn.Activation
---@field Step fun(options: table?): mlp.nn.Activation
---@field Tanh fun(options: table?): mlp.nn.Activation

--- A B over the last two axes, (..., m, k) by (..., k, n); axes before them broadcast.
--- A vector on the left is one row, on the right one column; two vectors give their dot product.
---@param a mlp.Tensor (..., m, k) or (k)
---@param b mlp.Tensor (..., k, n) or (k)
---@return mlp.Tensor
function mlp.matmul(a, b) end

--- A B over the last two axes, (..., m, k) by (..., k, n); axes before them broadcast.
--- A vector on the left is one row, on the right one column; two vectors give their dot product.
---@param b mlp.Tensor (..., k, n) or (k)
---@return mlp.Tensor
function Tensor:matmul(b) end

--- The distances (..., P, R) of all points of x to all points of y: (sum |x - y|^p)^(1/p) over the coordinates.
--- The gradient between two equal points is 0. For p other than 2 it makes a tensor (..., P, R, M).
---@param x mlp.Tensor (..., P, M): P points of M coordinates
---@param y mlp.Tensor (..., R, M)
---@param options? {p: number?}
---@return mlp.Tensor
function mlp.cdist(x, y, options) end

--- The distances (..., P, R) of all points of x to all points of y: (sum |x - y|^p)^(1/p) over the coordinates.
--- The gradient between two equal points is 0. For p other than 2 it makes a tensor (..., P, R, M).
---@param y mlp.Tensor (..., R, M)
---@param options? {p: number?}
---@return mlp.Tensor
function Tensor:cdist(y, options) end

--- act(x W' + b): a layer with its activation
---@param input mlp.Tensor x (..., D)
---@param weight mlp.Tensor W (H, D)
---@param bias? mlp.Tensor b (H)
---@param options? {activation: "identity"|"tanh"|"step"|"sigmoid"|"log_sigmoid"|"relu"|"relu6"|"squared_relu"|"leaky_relu"|"elu"|"selu"|"celu"|"softplus"|"gelu"|"gelu_tanh"|"silu"|"mish"|"softsign"|"hard_sigmoid"|"hard_tanh"|"hard_swish"|"sine"|"snake"|"gaussian"|"power"?, negative_slope: number?, alpha: number?, beta: number?, omega: number?, sigma: number?, exponent: number?}
---@return mlp.Tensor
function mlp.linear(input, weight, bias, options) end

--- act(x W' + b): a layer with its activation
---@param weight mlp.Tensor W (H, D)
---@param bias? mlp.Tensor b (H)
---@param options? {activation: "identity"|"tanh"|"step"|"sigmoid"|"log_sigmoid"|"relu"|"relu6"|"squared_relu"|"leaky_relu"|"elu"|"selu"|"celu"|"softplus"|"gelu"|"gelu_tanh"|"silu"|"mish"|"softsign"|"hard_sigmoid"|"hard_tanh"|"hard_swish"|"sine"|"snake"|"gaussian"|"power"?, negative_slope: number?, alpha: number?, beta: number?, omega: number?, sigma: number?, exponent: number?}
---@return mlp.Tensor
function Tensor:linear(weight, bias, options) end

--- act(g) v, elementwise: the hidden values of a gated unit (Shazeer 2020)
---@param gate mlp.Tensor g, any shape
---@param value mlp.Tensor v, of g's shape
---@param options? {activation: "identity"|"tanh"|"step"|"sigmoid"|"log_sigmoid"|"relu"|"relu6"|"squared_relu"|"leaky_relu"|"elu"|"selu"|"celu"|"softplus"|"gelu"|"gelu_tanh"|"silu"|"mish"|"softsign"|"hard_sigmoid"|"hard_tanh"|"hard_swish"|"sine"|"snake"|"gaussian"|"power"?}
---@return mlp.Tensor
function mlp.gated(gate, value, options) end

--- act(g) v, elementwise: the hidden values of a gated unit (Shazeer 2020)
---@param value mlp.Tensor v, of g's shape
---@param options? {activation: "identity"|"tanh"|"step"|"sigmoid"|"log_sigmoid"|"relu"|"relu6"|"squared_relu"|"leaky_relu"|"elu"|"selu"|"celu"|"softplus"|"gelu"|"gelu_tanh"|"silu"|"mish"|"softsign"|"hard_sigmoid"|"hard_tanh"|"hard_swish"|"sine"|"snake"|"gaussian"|"power"?}
---@return mlp.Tensor
function Tensor:gated(value, options) end

--- e^x / sum e^x along an axis
---@param input mlp.Tensor any shape
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function mlp.softmax(input, axis) end

--- e^x / sum e^x along an axis
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function Tensor:softmax(axis) end

--- e^x / sum e^x along an axis
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function Tensor:softmax_(axis) end

--- x - log sum e^x along an axis: the logarithm of softmax, without its underflow
---@param input mlp.Tensor any shape
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function mlp.log_softmax(input, axis) end

--- x - log sum e^x along an axis: the logarithm of softmax, without its underflow
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function Tensor:log_softmax(axis) end

--- x - log sum e^x along an axis: the logarithm of softmax, without its underflow
---@param axis? integer the axis that sums to 1; default -1
---@return mlp.Tensor
function Tensor:log_softmax_(axis) end

--- (x - mean) / sqrt(var + eps) w + b, mean and variance (over n) of the last axis
--- Ba, Kiros and Hinton 2016.
---@param input mlp.Tensor x (..., D)
---@param weight? mlp.Tensor w (D), 1 when absent
---@param bias? mlp.Tensor b (D), 0 when absent
---@param options? {eps: number?}
---@return mlp.Tensor
function mlp.layer_norm(input, weight, bias, options) end

--- (x - mean) / sqrt(var + eps) w + b, mean and variance (over n) of the last axis
--- Ba, Kiros and Hinton 2016.
---@param weight? mlp.Tensor w (D), 1 when absent
---@param bias? mlp.Tensor b (D), 0 when absent
---@param options? {eps: number?}
---@return mlp.Tensor
function Tensor:layer_norm(weight, bias, options) end

--- x / sqrt(mean x^2 + eps) w, the mean over the last axis
--- Zhang and Sennrich 2019.
---@param input mlp.Tensor x (..., D)
---@param weight? mlp.Tensor w (D), 1 when absent
---@param options? {eps: number?}
---@return mlp.Tensor
function mlp.rms_norm(input, weight, options) end

--- x / sqrt(mean x^2 + eps) w, the mean over the last axis
--- Zhang and Sennrich 2019.
---@param weight? mlp.Tensor w (D), 1 when absent
---@param options? {eps: number?}
---@return mlp.Tensor
function Tensor:rms_norm(weight, options) end

--- rows of a table by position
---@param weight mlp.Tensor the table (V, D)
---@param index mlp.Tensor|integer[] positions from 1 to V, int64 (...)
---@return mlp.Tensor
function mlp.embedding(weight, index) end

--- rows of a table by position
---@param index mlp.Tensor|integer[] positions from 1 to V, int64 (...)
---@return mlp.Tensor
function Tensor:embedding(index) end

--- Pairs of numbers turned by the angle t base^(-2i/D), t the position, i the pair
--- Su et al. 2021. Pairs lie side by side, as in the paper and in Llama's own files, or half a head apart, as in GPT-NeoX.
---@param input mlp.Tensor x (..., T, H, D), D even
---@param options? {base: number?, offset: integer?, pairs: "neighbours"|"halves"?, inverse: boolean?}
---@return mlp.Tensor
function mlp.rope(input, options) end

--- Pairs of numbers turned by the angle t base^(-2i/D), t the position, i the pair
--- Su et al. 2021. Pairs lie side by side, as in the paper and in Llama's own files, or half a head apart, as in GPT-NeoX.
---@param options? {base: number?, offset: integer?, pairs: "neighbours"|"halves"?, inverse: boolean?}
---@return mlp.Tensor
function Tensor:rope(options) end

--- Pairs of numbers turned by the angle t base^(-2i/D), t the position, i the pair
--- Su et al. 2021. Pairs lie side by side, as in the paper and in Llama's own files, or half a head apart, as in GPT-NeoX.
---@param options? {base: number?, offset: integer?, pairs: "neighbours"|"halves"?, inverse: boolean?}
---@return mlp.Tensor
function Tensor:rope_(options) end

--- softmax(scale q k') v of every head: (..., T, H, E)
--- Vaswani et al. 2017; heads that share keys and values: Ainslie et al. 2023. causal: the queries are the last T of the S positions and see none after their own.
---@param query mlp.Tensor q (..., T, H, D)
---@param key mlp.Tensor k (..., S, G, D); G divides H
---@param value mlp.Tensor v (..., S, G, E)
---@param options? {scale: number?, causal: boolean?}
---@return mlp.Tensor
function mlp.attention(query, key, value, options) end

--- softmax(scale q k') v of every head: (..., T, H, E)
--- Vaswani et al. 2017; heads that share keys and values: Ainslie et al. 2023. causal: the queries are the last T of the S positions and see none after their own.
---@param key mlp.Tensor k (..., S, G, D); G divides H
---@param value mlp.Tensor v (..., S, G, E)
---@param options? {scale: number?, causal: boolean?}
---@return mlp.Tensor
function Tensor:attention(key, value, options) end

--- The K best experts of every token and its rows among those sorted by expert
--- Gives expert (T, K), the best first; place (T, K), the row of each; count (E), rows of every expert; load (E), how many chose it, dropped ones too. All int64, from 1.
---@param score mlp.Tensor (T, E)
---@param options? {bias: mlp.Tensor?, top_k: integer?, groups: integer?, group_limit: integer?, capacity: integer?, keep: "first"|"highest"?}
---@return mlp.Tensor, mlp.Tensor, mlp.Tensor, mlp.Tensor
function mlp.route(score, options) end

--- Every token to the rows of its experts: rows[place[t, k]] = w[t, k] x[t], (T K, D)
---@param input mlp.Tensor x (T, D)
---@param place mlp.Tensor row of every token and expert (T, K), int64
---@param weight? mlp.Tensor w (T, K), 1 when absent
---@return mlp.Tensor
function mlp.dispatch(input, place, weight) end

--- Every token to the rows of its experts: rows[place[t, k]] = w[t, k] x[t], (T K, D)
---@param place mlp.Tensor row of every token and expert (T, K), int64
---@param weight? mlp.Tensor w (T, K), 1 when absent
---@return mlp.Tensor
function Tensor:dispatch(place, weight) end

--- What a token's experts say, summed: y[t] = sum_k w[t, k] rows[place[t, k]], (T, D)
---@param rows mlp.Tensor (T K, D), sorted by expert
---@param place mlp.Tensor row of every token and expert (T, K), int64
---@param weight? mlp.Tensor w (T, K), 1 when absent
---@return mlp.Tensor
function mlp.combine(rows, place, weight) end

--- What a token's experts say, summed: y[t] = sum_k w[t, k] rows[place[t, k]], (T, D)
---@param place mlp.Tensor row of every token and expert (T, K), int64
---@param weight? mlp.Tensor w (T, K), 1 when absent
---@return mlp.Tensor
function Tensor:combine(place, weight) end

--- x W' + b with a matrix for every group of rows: (A, N)
--- The products of a mixture of experts without padding (Gale et al. 2023). Rows after the last group give 0.
---@param input mlp.Tensor x (A, D), rows sorted by expert
---@param weight mlp.Tensor W (E, N, D)
---@param count mlp.Tensor rows of each expert (E), int64
---@param bias? mlp.Tensor b (E, N), 0 when absent
---@param options? {turned: boolean?}
---@return mlp.Tensor
function mlp.experts(input, weight, count, bias, options) end

--- x W' + b with a matrix for every group of rows: (A, N)
--- The products of a mixture of experts without padding (Gale et al. 2023). Rows after the last group give 0.
---@param weight mlp.Tensor W (E, N, D)
---@param count mlp.Tensor rows of each expert (E), int64
---@param bias? mlp.Tensor b (E, N), 0 when absent
---@param options? {turned: boolean?}
---@return mlp.Tensor
function Tensor:experts(weight, count, bias, options) end

--- Features (..., L F) of points, interpolated on L grids whose corners look into a table (Mueller et al. 2022, section 3).
--- Level l of 0 .. L-1 has floor(base growth^l) cells along an axis; its corners are numbered while they fit into table_size rows, else hashed. Points outside 0..1 count as the nearest inside, and get no gradient. nn.HashGrid holds a table.
---@param x mlp.Tensor points (..., D), D from 1 to 3, in 0..1
---@param table mlp.Tensor features (rows, F)
---@param options? {along: mlp.Tensor?, along2: mlp.Tensor?, along3: mlp.Tensor?, levels: integer?, base: number?, growth: number?, table_size: integer?}
---@return mlp.Tensor
function mlp.hash_grid(x, table, options) end

--- The levels of a hash_grid, int64 (L, 3): cells along an axis, rows of the table, and 1 where corners are numbered one by one, 0 where they are hashed.
---@param options? {levels: integer?, base: number?, growth: number?, table_size: integer?, axes: integer?}
---@return mlp.Tensor
function mlp.hash_grid_levels(options) end

--- Volume rendering along rays (Mildenhall et al. 2020, eq. 3): colour (..., C), opacity (...), depth (...) and weights (..., S) of S samples.
--- Sample i has the weight T_i (1 - e^-(density_i delta_i)), where T_i = e^-(sum over j < i of density_j delta_j) reaches it; the weights sum to the opacity. Depth is the sum of weight times t, the colour that of weight times colour, and (1 - opacity) background.
---@param density mlp.Tensor (..., S), from 0, per unit of length
---@param colour mlp.Tensor (..., S, C)
---@param t mlp.Tensor (..., S) distances of the samples along the ray
---@param delta mlp.Tensor (..., S) lengths that the samples stand for, from 0
---@param background? mlp.Tensor (C) or (..., C)
---@return mlp.Tensor, mlp.Tensor, mlp.Tensor, mlp.Tensor
function mlp.composite(density, colour, t, delta, background) end

--- The distance (...) of points to the nearest triangle of a mesh, and the mesh's winding number (...) around them: 1 inside a closed mesh whose faces turn anticlockwise seen from outside, 0 outside.
---@param points mlp.Tensor (..., 3)
---@param corners mlp.Tensor of the triangles, (faces, 3, 3)
---@return mlp.Tensor, mlp.Tensor
function mlp.mesh_distance(points, corners) end

--- (x - t)^2: squared error
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function mlp.mse(prediction, target, options) end

--- (x - t)^2: squared error
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function Tensor:mse(target, options) end

--- |x - t|: absolute error; slope 0 at 0
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function mlp.l1(prediction, target, options) end

--- |x - t|: absolute error; slope 0 at 0
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function Tensor:l1(target, options) end

--- d^2/2 where |d| <= delta, else delta (|d| - delta/2), with d = x - t
--- Huber 1964: squared near 0, absolute far out.
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, delta: number?}
---@return mlp.Tensor
function mlp.huber(prediction, target, options) end

--- d^2/2 where |d| <= delta, else delta (|d| - delta/2), with d = x - t
--- Huber 1964: squared near 0, absolute far out.
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, delta: number?}
---@return mlp.Tensor
function Tensor:huber(target, options) end

--- log cosh(x - t): half the square near 0, |x - t| - log 2 far out
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function mlp.log_cosh(prediction, target, options) end

--- log cosh(x - t): half the square near 0, |x - t| - log 2 far out
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function Tensor:log_cosh(target, options) end

--- max(0, m - t x), for a target t of -1 or 1
--- The loss of support vector machines (Cortes and Vapnik 1995).
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, margin: number?}
---@return mlp.Tensor
function mlp.hinge(prediction, target, options) end

--- max(0, m - t x), for a target t of -1 or 1
--- The loss of support vector machines (Cortes and Vapnik 1995).
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, margin: number?}
---@return mlp.Tensor
function Tensor:hinge(target, options) end

--- max(0, m - t x)^2, for a target t of -1 or 1
---@param prediction mlp.Tensor x, any shape
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, margin: number?}
---@return mlp.Tensor
function mlp.squared_hinge(prediction, target, options) end

--- max(0, m - t x)^2, for a target t of -1 or 1
---@param target mlp.Tensor t, of the prediction's shape
---@param options? {reduction: "mean"|"sum"|"none"?, divisor: number?, margin: number?}
---@return mlp.Tensor
function Tensor:squared_hinge(target, options) end

--- -t log s - (1 - t) log(1 - s) with s = 1 / (1 + e^-x): binary cross entropy, finite for any finite x
---@param logits mlp.Tensor x, any shape
---@param target mlp.Tensor t in 0 .. 1, of the logits' shape
---@param options? {weight: mlp.Tensor?, pos_weight: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function mlp.bce_with_logits(logits, target, options) end

--- -t log s - (1 - t) log(1 - s) with s = 1 / (1 + e^-x): binary cross entropy, finite for any finite x
---@param target mlp.Tensor t in 0 .. 1, of the logits' shape
---@param options? {weight: mlp.Tensor?, pos_weight: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function Tensor:bce_with_logits(target, options) end

--- t (log t - x), 0 where t is 0: how far probabilities t are from log probabilities x
--- The divergence of distributions is the sum over classes: reduction "batchmean" divides it by the first axis, "mean" by the number of elements.
---@param log_probabilities mlp.Tensor x, any shape
---@param target mlp.Tensor t, probabilities of the same shape
---@param options? {reduction: "mean"|"sum"|"none"|"batchmean"?, divisor: number?}
---@return mlp.Tensor
function mlp.kl_div(log_probabilities, target, options) end

--- t (log t - x), 0 where t is 0: how far probabilities t are from log probabilities x
--- The divergence of distributions is the sum over classes: reduction "batchmean" divides it by the first axis, "mean" by the number of elements.
---@param target mlp.Tensor t, probabilities of the same shape
---@param options? {reduction: "mean"|"sum"|"none"|"batchmean"?, divisor: number?}
---@return mlp.Tensor
function Tensor:kl_div(target, options) end

--- -log p at the class, with p = softmax x over the last axis; or -sum t log p for probabilities t
--- Classes lie along the last axis; label_smoothing mixes the target with 1/C. The mean divides by the weight of the rows that count.
---@param logits mlp.Tensor x (..., C)
---@param target mlp.Tensor|integer[] classes from 1, int64 (...); or probabilities (..., C)
---@param options? {weight: mlp.Tensor?, mask: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?, label_smoothing: number?}
---@return mlp.Tensor
function mlp.cross_entropy(logits, target, options) end

--- -log p at the class, with p = softmax x over the last axis; or -sum t log p for probabilities t
--- Classes lie along the last axis; label_smoothing mixes the target with 1/C. The mean divides by the weight of the rows that count.
---@param target mlp.Tensor|integer[] classes from 1, int64 (...); or probabilities (..., C)
---@param options? {weight: mlp.Tensor?, mask: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?, label_smoothing: number?}
---@return mlp.Tensor
function Tensor:cross_entropy(target, options) end

--- -x at the class, for log probabilities x
---@param log_probabilities mlp.Tensor x (..., C)
---@param target mlp.Tensor|integer[] classes from 1, int64 (...)
---@param options? {weight: mlp.Tensor?, mask: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function mlp.nll(log_probabilities, target, options) end

--- -x at the class, for log probabilities x
---@param target mlp.Tensor|integer[] classes from 1, int64 (...)
---@param options? {weight: mlp.Tensor?, mask: mlp.Tensor?, reduction: "mean"|"sum"|"none"?, divisor: number?}
---@return mlp.Tensor
function Tensor:nll(target, options) end

--- one step of stochastic gradient descent, in place
--- d = scale g + weight_decay p; v = momentum v + (1 - dampening) d, at the first step v = d; p = p - lr v, with nesterov p - lr (d + momentum v).
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param velocities mlp.Tensor[] v, one per parameter; {} without momentum
---@param hyper mlp.Tensor float64: lr, momentum, dampening, weight_decay, nesterov (0 or 1), steps taken, scale
function mlp.sgd_step(parameters, gradients, velocities, hyper) end

--- one step of Adam, or of AdamW when decoupled, in place
--- d = scale g + weight_decay p (decoupled: p = p (1 - lr weight_decay) instead); m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d^2; p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). Kingma and Ba 2015; Loshchilov and Hutter 2019.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param means mlp.Tensor[] m, one per parameter
---@param squares mlp.Tensor[] v, one per parameter
---@param hyper mlp.Tensor float64: lr, beta1, beta2, eps, weight_decay, decoupled (0 or 1), steps taken, scale
function mlp.adam_step(parameters, gradients, means, squares, hyper) end

--- one step of RAdam, in place
--- d, m, v as in adam_step; l = 2 / (1 - beta2) - 1; r = l - 2 t beta2^t / (1 - beta2^t); while r <= 5, p = p - lr m / (1 - beta1^t); then p = p - lr m / (1 - beta1^t) sqrt(1 - beta2^t) / (sqrt(v) + eps) sqrt((r - 4) (r - 2) l / ((l - 4) (l - 2) r)). Liu et al. 2020, algorithm 2.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param means mlp.Tensor[] m, one per parameter
---@param squares mlp.Tensor[] v, one per parameter
---@param hyper mlp.Tensor float64: lr, beta1, beta2, eps, weight_decay, decoupled (0 or 1), steps taken, scale
function mlp.radam_step(parameters, gradients, means, squares, hyper) end

--- one step of Adamax, in place
--- d = scale g + weight_decay p; m = beta1 m + (1 - beta1) d; u = max(beta2 u, |d| + eps); p = p - lr m / ((1 - beta1^t) u). Kingma and Ba 2015, algorithm 2.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param means mlp.Tensor[] m, one per parameter
---@param largest mlp.Tensor[] u, one per parameter
---@param hyper mlp.Tensor float64: lr, beta1, beta2, eps, weight_decay, steps taken, scale
function mlp.adamax_step(parameters, gradients, means, largest, hyper) end

--- one step of RMSprop, in place
--- d = scale g + weight_decay p; q = alpha q + (1 - alpha) d^2; u = d / (sqrt(q) + eps), centered d / (sqrt(q - a^2) + eps) with a = alpha a + (1 - alpha) d; p = p - lr u, with momentum b = momentum b + u and p = p - lr b. Hinton, Coursera lecture 6e; Graves 2013.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param squares mlp.Tensor[] q, one per parameter
---@param means mlp.Tensor[] a, one per parameter; {} unless centered
---@param velocities mlp.Tensor[] b, one per parameter; {} without momentum
---@param hyper mlp.Tensor float64: lr, alpha, eps, weight_decay, momentum, steps taken, scale
function mlp.rmsprop_step(parameters, gradients, squares, means, velocities, hyper) end

--- one step of Adagrad, in place
--- d = scale g + weight_decay p; s = s + d^2; p = p - lr / (1 + (t - 1) lr_decay) d / (sqrt(s) + eps). Duchi, Hazan and Singer 2011.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param sums mlp.Tensor[] s, one per parameter
---@param hyper mlp.Tensor float64: lr, lr_decay, eps, weight_decay, steps taken, scale
function mlp.adagrad_step(parameters, gradients, sums, hyper) end

--- one step of Lion, in place
--- d = scale g; p = p (1 - lr weight_decay) - lr sign(beta1 m + (1 - beta1) d); m = beta2 m + (1 - beta2) d. Chen et al. 2023, program 1.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param means mlp.Tensor[] m, one per parameter
---@param hyper mlp.Tensor float64: lr, beta1, beta2, weight_decay, steps taken, scale
function mlp.lion_step(parameters, gradients, means, hyper) end

--- one step of Muon on matrices, in place
--- m = momentum m + scale g; u = m, with nesterov scale g + momentum m; o = u made nearly orthogonal by `iterations` steps x = 3.4445 x - 4.7750 (x x') x + 2.0315 (x x')^2 x from u / |u|; p = p (1 - lr weight_decay) - lr l o, l = sqrt(max(1, rows / columns)), with match_rms 0.2 sqrt(max(rows, columns)). Jordan et al. 2024; Liu et al. 2025.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param momenta mlp.Tensor[] m, one per parameter
---@param hyper mlp.Tensor float64: lr, momentum, weight_decay, nesterov (0 or 1), iterations, match_rms (0 or 1), steps taken, scale
function mlp.muon_step(parameters, gradients, momenta, hyper) end

--- one step of Adafactor, in place
--- d = scale g; b = 1 - t^-beta2_decay; r, c: averages, with rate 1 - b, of the means of d^2 + eps_square over rows and columns; u = d / sqrt(r c' / mean r), of vectors d / sqrt(v) with v the average itself; u = u / max(1, rms(u) / clip); a = min(lr, 1 / sqrt(t)) if relative, else lr; if scale_parameter, a = a max(eps_scale, rms(p)); p = p (1 - lr weight_decay) - a u, with means p - m, m = beta1 m + (1 - beta1) a u. Shazeer and Stern 2018.
---@param parameters mlp.Tensor[] updated in place
---@param gradients mlp.Tensor[] one per parameter
---@param rows mlp.Tensor[] r (..., rows), of vectors v
---@param columns mlp.Tensor[] c (..., columns), of vectors empty
---@param means mlp.Tensor[] m, one per parameter; {} without
---@param hyper mlp.Tensor float64: lr, beta2_decay, eps_square, eps_scale, clip, beta1, weight_decay, relative (0 or 1), scale_parameter (0 or 1), steps taken, scale
function mlp.adafactor_step(parameters, gradients, rows, columns, means, hyper) end

--- the direction of L-BFGS: -H g, H the inverse Hessian that the last pairs of steps s and changes of the gradient y make of the identity times s'y / y'y
--- Nocedal and Wright 2006, algorithm 7.4.
---@param gradient mlp.Tensor g (n)
---@param steps mlp.Tensor s (m, n), a ring of rows
---@param changes mlp.Tensor y (m, n), a ring of rows
---@param hyper mlp.Tensor float64: lr, length of the last step, pairs stored, row of the newest, iterations, scale
---@return mlp.Tensor
function mlp.lbfgs_direction(gradient, steps, changes, hyper) end

--- takes the parameters into their exponential moving averages, in place
--- a = b a + (1 - b) p, b = decay, with warmup min(decay, (1 + t) / (10 + t)). Polyak and Juditsky 1992; the warm-up is that of TensorFlow's ExponentialMovingAverage.
---@param averages mlp.Tensor[] a, updated in place
---@param parameters mlp.Tensor[] p, one per average
---@param hyper mlp.Tensor float64: decay, warmup (0 or 1), steps taken
function mlp.ema_step(averages, parameters, hyper) end

--- brings parameters back to slow weights after every so many steps, in place
--- At steps t divisible by every: s = s + alpha (p - s); p = s. Zhang et al. 2019, algorithm 1.
---@param parameters mlp.Tensor[] updated in place
---@param slow mlp.Tensor[] s, one per parameter
---@param hyper mlp.Tensor float64: alpha, every, steps taken
function mlp.lookahead_step(parameters, slow, hyper) end

--- x = x + factor y for every tensor of a list, in place: noise on gradients
---@param tensors mlp.Tensor[] x, updated in place
---@param others mlp.Tensor[] y, one per tensor
---@param hyper mlp.Tensor float64: factor, calls so far
function mlp.add_scaled(tensors, others, hyper) end

--- the Euclidean norm of all elements of a list of tensors, in float64
---@param tensors mlp.Tensor[] of floats, any shapes
---@return mlp.Tensor
function mlp.global_norm(tensors) end

--- 1 when no element of a list of tensors is infinite or NaN, else 0
---@param tensors mlp.Tensor[] of floats, any shapes
---@return mlp.Tensor
function mlp.all_finite(tensors) end

--- a + b
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.add(a, b) end

--- a + b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:add(b) end

--- a + b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:add_(b) end

--- a - b
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.sub(a, b) end

--- a - b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:sub(b) end

--- a - b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:sub_(b) end

--- a b, element by element
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.mul(a, b) end

--- a b, element by element
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:mul(b) end

--- a b, element by element
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:mul_(b) end

--- a / b, for floats
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.div(a, b) end

--- a / b, for floats
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:div(b) end

--- a / b, for floats
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:div_(b) end

--- a^b; whole numbers want b >= 0
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.pow(a, b) end

--- a^b; whole numbers want b >= 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:pow(b) end

--- a^b; whole numbers want b >= 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:pow_(b) end

--- the larger of a and b, NaN where either is; where they are equal both get half the gradient
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.maximum(a, b) end

--- the larger of a and b, NaN where either is; where they are equal both get half the gradient
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:maximum(b) end

--- the larger of a and b, NaN where either is; where they are equal both get half the gradient
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:maximum_(b) end

--- the smaller of a and b, NaN where either is; where they are equal both get half the gradient
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.minimum(a, b) end

--- the smaller of a and b, NaN where either is; where they are equal both get half the gradient
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:minimum(b) end

--- the smaller of a and b, NaN where either is; where they are equal both get half the gradient
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:minimum_(b) end

--- the angle of the point (x, y) from the x axis, in radians, from -pi to pi
---@param y mlp.Tensor|number tensor or number; they broadcast
---@param x mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.atan2(y, x) end

--- the angle of the point (x, y) from the x axis, in radians, from -pi to pi
---@param x mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:atan2(x) end

--- the angle of the point (x, y) from the x axis, in radians, from -pi to pi
---@param x mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:atan2_(x) end

--- a // b as in Lua: the quotient rounded down
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.floor_divide(a, b) end

--- a // b as in Lua: the quotient rounded down
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:floor_divide(b) end

--- a // b as in Lua: the quotient rounded down
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:floor_divide_(b) end

--- a % b as in Lua: it takes the sign of b
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.remainder(a, b) end

--- a % b as in Lua: it takes the sign of b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:remainder(b) end

--- a % b as in Lua: it takes the sign of b
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:remainder_(b) end

--- x + weight (y - x): x for weight 0, exactly y for weight 1. The three broadcast.
---@param x mlp.Tensor where it begins
---@param y mlp.Tensor|number where it ends: a tensor or a number
---@param weight mlp.Tensor|number how far: a tensor or a number
---@return mlp.Tensor
function mlp.lerp(x, y, weight) end

--- x + weight (y - x): x for weight 0, exactly y for weight 1. The three broadcast.
---@param y mlp.Tensor|number where it ends: a tensor or a number
---@param weight mlp.Tensor|number how far: a tensor or a number
---@return mlp.Tensor
function Tensor:lerp(y, weight) end

--- x + weight (y - x): x for weight 0, exactly y for weight 1. The three broadcast.
---@param y mlp.Tensor|number where it ends: a tensor or a number
---@param weight mlp.Tensor|number how far: a tensor or a number
---@return mlp.Tensor
function Tensor:lerp_(y, weight) end

--- 1 where a < b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.lt(a, b) end

--- 1 where a < b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:lt(b) end

--- 1 where a <= b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.le(a, b) end

--- 1 where a <= b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:le(b) end

--- 1 where a > b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.gt(a, b) end

--- 1 where a > b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:gt(b) end

--- 1 where a >= b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.ge(a, b) end

--- 1 where a >= b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:ge(b) end

--- 1 where a == b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.eq(a, b) end

--- 1 where a == b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:eq(b) end

--- 1 where a ~= b, else 0: a uint8 mask
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.ne(a, b) end

--- 1 where a ~= b, else 0: a uint8 mask
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:ne(b) end

--- 1 where the masks a and b are both nonzero, else 0
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.logical_and(a, b) end

--- 1 where the masks a and b are both nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_and(b) end

--- 1 where the masks a and b are both nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_and_(b) end

--- 1 where the mask a or b is nonzero, else 0
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.logical_or(a, b) end

--- 1 where the mask a or b is nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_or(b) end

--- 1 where the mask a or b is nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_or_(b) end

--- 1 where exactly one of the masks a and b is nonzero, else 0
---@param a mlp.Tensor|number tensor or number; they broadcast
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function mlp.logical_xor(a, b) end

--- 1 where exactly one of the masks a and b is nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_xor(b) end

--- 1 where exactly one of the masks a and b is nonzero, else 0
---@param b mlp.Tensor|number tensor or number; they broadcast
---@return mlp.Tensor
function Tensor:logical_xor_(b) end

--- 1 where x is not a number, else 0: a uint8 mask
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.isnan(input) end

--- 1 where x is not a number, else 0: a uint8 mask
---@return mlp.Tensor
function Tensor:isnan() end

--- 1 where x is infinite, else 0: a uint8 mask
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.isinf(input) end

--- 1 where x is infinite, else 0: a uint8 mask
---@return mlp.Tensor
function Tensor:isinf() end

--- 1 where x is neither infinite nor NaN, else 0: a uint8 mask
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.isfinite(input) end

--- 1 where x is neither infinite nor NaN, else 0: a uint8 mask
---@return mlp.Tensor
function Tensor:isfinite() end

--- 1 where the mask is 0, else 0
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.logical_not(input) end

--- 1 where the mask is 0, else 0
---@return mlp.Tensor
function Tensor:logical_not() end

--- 1 where the mask is 0, else 0
---@return mlp.Tensor
function Tensor:logical_not_() end

--- a where the mask is nonzero, b elsewhere; the three broadcast
---@param mask mlp.Tensor uint8
---@param a mlp.Tensor|number tensor or number
---@param b mlp.Tensor|number tensor or number, of a's dtype
---@return mlp.Tensor
function mlp.where(mask, a, b) end

--- a where the mask is nonzero, b elsewhere; the three broadcast
---@param a mlp.Tensor|number tensor or number
---@param b mlp.Tensor|number tensor or number, of a's dtype
---@return mlp.Tensor
function Tensor:where(a, b) end

--- x, but value where the mask is nonzero; x and mask broadcast
---@param x mlp.Tensor any shape
---@param mask mlp.Tensor uint8
---@param value number what to write
---@return mlp.Tensor
function mlp.masked_fill(x, mask, value) end

--- x, but value where the mask is nonzero; x and mask broadcast
---@param mask mlp.Tensor uint8
---@param value number what to write
---@return mlp.Tensor
function Tensor:masked_fill(mask, value) end

--- x, but value where the mask is nonzero; x and mask broadcast
---@param mask mlp.Tensor uint8
---@param value number what to write
---@return mlp.Tensor
function Tensor:masked_fill_(mask, value) end

--- x in another dtype, always a fresh tensor.
--- Floats become whole numbers by dropping the fraction; NaN and what is out of range are refused.
---@param input mlp.Tensor any shape
---@param dtype mlp.Dtype float32, float64, int64 or uint8
---@return mlp.Tensor
function mlp.to(input, dtype) end

--- x in another dtype, always a fresh tensor.
--- Floats become whole numbers by dropping the fraction; NaN and what is out of range are refused.
---@param dtype mlp.Dtype float32, float64, int64 or uint8
---@return mlp.Tensor
function Tensor:to(dtype) end

--- x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.identity(input) end

--- x
---@return mlp.Tensor
function Tensor:identity() end

--- x
---@return mlp.Tensor
function Tensor:identity_() end

--- -x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.neg(input) end

--- -x
---@return mlp.Tensor
function Tensor:neg() end

--- -x
---@return mlp.Tensor
function Tensor:neg_() end

--- |x|; slope 0 at 0
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.abs(input) end

--- |x|; slope 0 at 0
---@return mlp.Tensor
function Tensor:abs() end

--- |x|; slope 0 at 0
---@return mlp.Tensor
function Tensor:abs_() end

--- -1, 0 or 1
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.sign(input) end

--- -1, 0 or 1
---@return mlp.Tensor
function Tensor:sign() end

--- -1, 0 or 1
---@return mlp.Tensor
function Tensor:sign_() end

--- x^2
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.square(input) end

--- x^2
---@return mlp.Tensor
function Tensor:square() end

--- x^2
---@return mlp.Tensor
function Tensor:square_() end

--- x^(1/2)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.sqrt(input) end

--- x^(1/2)
---@return mlp.Tensor
function Tensor:sqrt() end

--- x^(1/2)
---@return mlp.Tensor
function Tensor:sqrt_() end

--- x^(-1/2)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.rsqrt(input) end

--- x^(-1/2)
---@return mlp.Tensor
function Tensor:rsqrt() end

--- x^(-1/2)
---@return mlp.Tensor
function Tensor:rsqrt_() end

--- 1 / x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.reciprocal(input) end

--- 1 / x
---@return mlp.Tensor
function Tensor:reciprocal() end

--- 1 / x
---@return mlp.Tensor
function Tensor:reciprocal_() end

--- e^x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.exp(input) end

--- e^x
---@return mlp.Tensor
function Tensor:exp() end

--- e^x
---@return mlp.Tensor
function Tensor:exp_() end

--- e^x - 1, accurate near 0
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.expm1(input) end

--- e^x - 1, accurate near 0
---@return mlp.Tensor
function Tensor:expm1() end

--- e^x - 1, accurate near 0
---@return mlp.Tensor
function Tensor:expm1_() end

--- natural logarithm of x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.log(input) end

--- natural logarithm of x
---@return mlp.Tensor
function Tensor:log() end

--- natural logarithm of x
---@return mlp.Tensor
function Tensor:log_() end

--- log(1 + x), accurate near 0
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.log1p(input) end

--- log(1 + x), accurate near 0
---@return mlp.Tensor
function Tensor:log1p() end

--- log(1 + x), accurate near 0
---@return mlp.Tensor
function Tensor:log1p_() end

--- logarithm of x to base 2
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.log2(input) end

--- logarithm of x to base 2
---@return mlp.Tensor
function Tensor:log2() end

--- logarithm of x to base 2
---@return mlp.Tensor
function Tensor:log2_() end

--- logarithm of x to base 10
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.log10(input) end

--- logarithm of x to base 10
---@return mlp.Tensor
function Tensor:log10() end

--- logarithm of x to base 10
---@return mlp.Tensor
function Tensor:log10_() end

--- sine of x radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.sin(input) end

--- sine of x radians
---@return mlp.Tensor
function Tensor:sin() end

--- sine of x radians
---@return mlp.Tensor
function Tensor:sin_() end

--- cosine of x radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.cos(input) end

--- cosine of x radians
---@return mlp.Tensor
function Tensor:cos() end

--- cosine of x radians
---@return mlp.Tensor
function Tensor:cos_() end

--- tangent of x radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.tan(input) end

--- tangent of x radians
---@return mlp.Tensor
function Tensor:tan() end

--- tangent of x radians
---@return mlp.Tensor
function Tensor:tan_() end

--- arc sine of x, in radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.asin(input) end

--- arc sine of x, in radians
---@return mlp.Tensor
function Tensor:asin() end

--- arc sine of x, in radians
---@return mlp.Tensor
function Tensor:asin_() end

--- arc cosine of x, in radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.acos(input) end

--- arc cosine of x, in radians
---@return mlp.Tensor
function Tensor:acos() end

--- arc cosine of x, in radians
---@return mlp.Tensor
function Tensor:acos_() end

--- arc tangent of x, in radians
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.atan(input) end

--- arc tangent of x, in radians
---@return mlp.Tensor
function Tensor:atan() end

--- arc tangent of x, in radians
---@return mlp.Tensor
function Tensor:atan_() end

--- (e^x - e^-x) / 2
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.sinh(input) end

--- (e^x - e^-x) / 2
---@return mlp.Tensor
function Tensor:sinh() end

--- (e^x - e^-x) / 2
---@return mlp.Tensor
function Tensor:sinh_() end

--- (e^x + e^-x) / 2
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.cosh(input) end

--- (e^x + e^-x) / 2
---@return mlp.Tensor
function Tensor:cosh() end

--- (e^x + e^-x) / 2
---@return mlp.Tensor
function Tensor:cosh_() end

--- hyperbolic tangent of x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.tanh(input) end

--- hyperbolic tangent of x
---@return mlp.Tensor
function Tensor:tanh() end

--- hyperbolic tangent of x
---@return mlp.Tensor
function Tensor:tanh_() end

--- 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.erf(input) end

--- 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
---@return mlp.Tensor
function Tensor:erf() end

--- 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
---@return mlp.Tensor
function Tensor:erf_() end

--- the largest whole number <= x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.floor(input) end

--- the largest whole number <= x
---@return mlp.Tensor
function Tensor:floor() end

--- the largest whole number <= x
---@return mlp.Tensor
function Tensor:floor_() end

--- the smallest whole number >= x
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.ceil(input) end

--- the smallest whole number >= x
---@return mlp.Tensor
function Tensor:ceil() end

--- the smallest whole number >= x
---@return mlp.Tensor
function Tensor:ceil_() end

--- the nearest whole number, halves to even
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.round(input) end

--- the nearest whole number, halves to even
---@return mlp.Tensor
function Tensor:round() end

--- the nearest whole number, halves to even
---@return mlp.Tensor
function Tensor:round_() end

--- x without its fraction
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.trunc(input) end

--- x without its fraction
---@return mlp.Tensor
function Tensor:trunc() end

--- x without its fraction
---@return mlp.Tensor
function Tensor:trunc_() end

--- 1 where x > 0, else 0: the hard threshold; its slope is 0 everywhere
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.step(input) end

--- 1 where x > 0, else 0: the hard threshold; its slope is 0 everywhere
---@return mlp.Tensor
function Tensor:step() end

--- 1 where x > 0, else 0: the hard threshold; its slope is 0 everywhere
---@return mlp.Tensor
function Tensor:step_() end

--- 1 / (1 + e^-x)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.sigmoid(input) end

--- 1 / (1 + e^-x)
---@return mlp.Tensor
function Tensor:sigmoid() end

--- 1 / (1 + e^-x)
---@return mlp.Tensor
function Tensor:sigmoid_() end

--- log(1 / (1 + e^-x)), stable
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.log_sigmoid(input) end

--- log(1 / (1 + e^-x)), stable
---@return mlp.Tensor
function Tensor:log_sigmoid() end

--- log(1 / (1 + e^-x)), stable
---@return mlp.Tensor
function Tensor:log_sigmoid_() end

--- max(x, 0); slope 0 at 0
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.relu(input) end

--- max(x, 0); slope 0 at 0
---@return mlp.Tensor
function Tensor:relu() end

--- max(x, 0); slope 0 at 0
---@return mlp.Tensor
function Tensor:relu_() end

--- min(max(x, 0), 6); slope 0 at 0 and at 6
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.relu6(input) end

--- min(max(x, 0), 6); slope 0 at 0 and at 6
---@return mlp.Tensor
function Tensor:relu6() end

--- min(max(x, 0), 6); slope 0 at 0 and at 6
---@return mlp.Tensor
function Tensor:relu6_() end

--- max(x, 0)^2 (So et al. 2021)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.squared_relu(input) end

--- max(x, 0)^2 (So et al. 2021)
---@return mlp.Tensor
function Tensor:squared_relu() end

--- max(x, 0)^2 (So et al. 2021)
---@return mlp.Tensor
function Tensor:squared_relu_() end

--- x where x > 0, else negative_slope * x
---@param input mlp.Tensor any shape
---@param negative_slope? number slope where x < 0; default 0.01
---@return mlp.Tensor
function mlp.leaky_relu(input, negative_slope) end

--- x where x > 0, else negative_slope * x
---@param negative_slope? number slope where x < 0; default 0.01
---@return mlp.Tensor
function Tensor:leaky_relu(negative_slope) end

--- x where x > 0, else negative_slope * x
---@param negative_slope? number slope where x < 0; default 0.01
---@return mlp.Tensor
function Tensor:leaky_relu_(negative_slope) end

--- x where x > 0, else alpha * (e^x - 1)
---@param input mlp.Tensor any shape
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function mlp.elu(input, alpha) end

--- x where x > 0, else alpha * (e^x - 1)
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function Tensor:elu(alpha) end

--- x where x > 0, else alpha * (e^x - 1)
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function Tensor:elu_(alpha) end

--- 1.0507 x where x > 0, else 1.7581 (e^x - 1): mean 0 and variance 1 maintain themselves (Klambauer et al. 2017)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.selu(input) end

--- 1.0507 x where x > 0, else 1.7581 (e^x - 1): mean 0 and variance 1 maintain themselves (Klambauer et al. 2017)
---@return mlp.Tensor
function Tensor:selu() end

--- 1.0507 x where x > 0, else 1.7581 (e^x - 1): mean 0 and variance 1 maintain themselves (Klambauer et al. 2017)
---@return mlp.Tensor
function Tensor:selu_() end

--- x where x > 0, else alpha * (e^(x / alpha) - 1), smooth at 0 (Barron 2017)
---@param input mlp.Tensor any shape
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function mlp.celu(input, alpha) end

--- x where x > 0, else alpha * (e^(x / alpha) - 1), smooth at 0 (Barron 2017)
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function Tensor:celu(alpha) end

--- x where x > 0, else alpha * (e^(x / alpha) - 1), smooth at 0 (Barron 2017)
---@param alpha? number minus the limit at -infinity; default 1
---@return mlp.Tensor
function Tensor:celu_(alpha) end

--- log(1 + e^(beta x)) / beta, stable
---@param input mlp.Tensor any shape
---@param beta? number sharpness; default 1
---@return mlp.Tensor
function mlp.softplus(input, beta) end

--- log(1 + e^(beta x)) / beta, stable
---@param beta? number sharpness; default 1
---@return mlp.Tensor
function Tensor:softplus(beta) end

--- log(1 + e^(beta x)) / beta, stable
---@param beta? number sharpness; default 1
---@return mlp.Tensor
function Tensor:softplus_(beta) end

--- x times the normal distribution function: x/2 (1 + erf(x / sqrt 2))
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.gelu(input) end

--- x times the normal distribution function: x/2 (1 + erf(x / sqrt 2))
---@return mlp.Tensor
function Tensor:gelu() end

--- x times the normal distribution function: x/2 (1 + erf(x / sqrt 2))
---@return mlp.Tensor
function Tensor:gelu_() end

--- x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.gelu_tanh(input) end

--- x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
---@return mlp.Tensor
function Tensor:gelu_tanh() end

--- x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
---@return mlp.Tensor
function Tensor:gelu_tanh_() end

--- x / (1 + e^-x)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.silu(input) end

--- x / (1 + e^-x)
---@return mlp.Tensor
function Tensor:silu() end

--- x / (1 + e^-x)
---@return mlp.Tensor
function Tensor:silu_() end

--- x tanh(log(1 + e^x)) (Misra 2019)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.mish(input) end

--- x tanh(log(1 + e^x)) (Misra 2019)
---@return mlp.Tensor
function Tensor:mish() end

--- x tanh(log(1 + e^x)) (Misra 2019)
---@return mlp.Tensor
function Tensor:mish_() end

--- x / (1 + |x|)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.softsign(input) end

--- x / (1 + |x|)
---@return mlp.Tensor
function Tensor:softsign() end

--- x / (1 + |x|)
---@return mlp.Tensor
function Tensor:softsign_() end

--- x / 6 + 1/2, within 0 and 1
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.hard_sigmoid(input) end

--- x / 6 + 1/2, within 0 and 1
---@return mlp.Tensor
function Tensor:hard_sigmoid() end

--- x / 6 + 1/2, within 0 and 1
---@return mlp.Tensor
function Tensor:hard_sigmoid_() end

--- x within -1 and 1; clamp takes other bounds
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.hard_tanh(input) end

--- x within -1 and 1; clamp takes other bounds
---@return mlp.Tensor
function Tensor:hard_tanh() end

--- x within -1 and 1; clamp takes other bounds
---@return mlp.Tensor
function Tensor:hard_tanh_() end

--- x times hard_sigmoid(x) (Howard et al. 2019)
---@param input mlp.Tensor any shape
---@return mlp.Tensor
function mlp.hard_swish(input) end

--- x times hard_sigmoid(x) (Howard et al. 2019)
---@return mlp.Tensor
function Tensor:hard_swish() end

--- x times hard_sigmoid(x) (Howard et al. 2019)
---@return mlp.Tensor
function Tensor:hard_swish_() end

--- sin(omega x)
---@param input mlp.Tensor any shape
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function mlp.sine(input, omega) end

--- sin(omega x)
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function Tensor:sine(omega) end

--- sin(omega x)
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function Tensor:sine_(omega) end

--- x + sin(omega x)^2 / omega (Ziyin et al. 2020, whose a is omega)
---@param input mlp.Tensor any shape
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function mlp.snake(input, omega) end

--- x + sin(omega x)^2 / omega (Ziyin et al. 2020, whose a is omega)
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function Tensor:snake(omega) end

--- x + sin(omega x)^2 / omega (Ziyin et al. 2020, whose a is omega)
---@param omega? number frequency, radians per unit; default 1
---@return mlp.Tensor
function Tensor:snake_(omega) end

--- e^(-x^2 / (2 sigma^2))
---@param input mlp.Tensor any shape
---@param sigma? number width; default 1
---@return mlp.Tensor
function mlp.gaussian(input, sigma) end

--- e^(-x^2 / (2 sigma^2))
---@param sigma? number width; default 1
---@return mlp.Tensor
function Tensor:gaussian(sigma) end

--- e^(-x^2 / (2 sigma^2))
---@param sigma? number width; default 1
---@return mlp.Tensor
function Tensor:gaussian_(sigma) end

--- x^k
---@param input mlp.Tensor any shape
---@param exponent? number exponent k; default 2
---@return mlp.Tensor
function mlp.power(input, exponent) end

--- x^k
---@param exponent? number exponent k; default 2
---@return mlp.Tensor
function Tensor:power(exponent) end

--- x^k
---@param exponent? number exponent k; default 2
---@return mlp.Tensor
function Tensor:power_(exponent) end

--- min where x < min, max where x > max, else x
---@param input mlp.Tensor any shape
---@param min? number the least result; default -1e999
---@param max? number the greatest result; default 1e999
---@return mlp.Tensor
function mlp.clamp(input, min, max) end

--- min where x < min, max where x > max, else x
---@param min? number the least result; default -1e999
---@param max? number the greatest result; default 1e999
---@return mlp.Tensor
function Tensor:clamp(min, max) end

--- min where x < min, max where x > max, else x
---@param min? number the least result; default -1e999
---@param max? number the greatest result; default 1e999
---@return mlp.Tensor
function Tensor:clamp_(min, max) end

--- The elements of x laid out in row-major order, in fresh memory.
---@param x mlp.Tensor the tensor
---@return mlp.Tensor
function mlp.contiguous(x) end

--- The elements of x laid out in row-major order, in fresh memory.
---@return mlp.Tensor
function Tensor:contiguous() end

--- A copy with its own memory; gradients flow through.
---@param x mlp.Tensor the tensor
---@return mlp.Tensor
function mlp.clone(x) end

--- A copy with its own memory; gradients flow through.
---@return mlp.Tensor
function Tensor:clone() end

--- Writes the value, stretched to the shape of x, into x; x may be a view.
---@param x mlp.Tensor the tensor that is written
---@param value mlp.Tensor|number a tensor that broadcasts to x, or a number
---@return mlp.Tensor
function mlp.copy_(x, value) end

--- Writes the value, stretched to the shape of x, into x; x may be a view.
---@param value mlp.Tensor|number a tensor that broadcasts to x, or a number
---@return mlp.Tensor
function Tensor:copy_(value) end

--- The same elements in row-major order under another shape.
--- A view where the steps of x allow it, otherwise a copy.
---@param x mlp.Tensor the tensor
---@param ... integer|integer[] the lengths; one may be -1 and follows from the others
---@return mlp.Tensor
function mlp.reshape(x, ...) end

--- The same elements in row-major order under another shape.
--- A view where the steps of x allow it, otherwise a copy.
---@param ... integer|integer[] the lengths; one may be -1 and follows from the others
---@return mlp.Tensor
function Tensor:reshape(...) end

--- Axes first to last merged into one. A view where the steps of x allow it.
---@param x mlp.Tensor the tensor
---@param first? integer first axis to merge; default 1
---@param last? integer last axis to merge; default -1
---@return mlp.Tensor
function mlp.flatten(x, first, last) end

--- Axes first to last merged into one. A view where the steps of x allow it.
---@param first? integer first axis to merge; default 1
---@param last? integer last axis to merge; default -1
---@return mlp.Tensor
function Tensor:flatten(first, last) end

--- Axes of length 1 taken away: those named, or all of them. A view.
--- Naming an axis of another length is an error.
---@param x mlp.Tensor the tensor
---@param axis? integer|integer[] an axis or a list of axes
---@return mlp.Tensor
function mlp.squeeze(x, axis) end

--- Axes of length 1 taken away: those named, or all of them. A view.
--- Naming an axis of another length is an error.
---@param axis? integer|integer[] an axis or a list of axes
---@return mlp.Tensor
function Tensor:squeeze(axis) end

--- A new axis of length 1 at place `axis` of the result. A view.
---@param x mlp.Tensor the tensor
---@param axis integer where the new axis stands in the result
---@return mlp.Tensor
function mlp.unsqueeze(x, axis) end

--- A new axis of length 1 at place `axis` of the result. A view.
---@param axis integer where the new axis stands in the result
---@return mlp.Tensor
function Tensor:unsqueeze(axis) end

--- Two axes exchanged. A view.
---@param x mlp.Tensor the tensor
---@param a integer one axis
---@param b integer the other axis
---@return mlp.Tensor
function mlp.transpose(x, a, b) end

--- Two axes exchanged. A view.
---@param a integer one axis
---@param b integer the other axis
---@return mlp.Tensor
function Tensor:transpose(a, b) end

--- The transpose of a matrix. A view.
---@param x mlp.Tensor a matrix
---@return mlp.Tensor
function mlp.t(x) end

--- The transpose of a matrix. A view.
---@return mlp.Tensor
function Tensor:t() end

--- The axes in another order: axis i of the result is axis axes[i] of x. A view.
---@param x mlp.Tensor the tensor
---@param axes integer|integer[] every axis of x once
---@return mlp.Tensor
function mlp.permute(x, axes) end

--- The axes in another order: axis i of the result is axis axes[i] of x. A view.
---@param axes integer|integer[] every axis of x once
---@return mlp.Tensor
function Tensor:permute(axes) end

--- Axes of length 1 stretched, new axes put in front, without copying. A view that cannot be written.
---@param x mlp.Tensor the tensor
---@param ... integer|integer[] the lengths; -1 keeps the length of x
---@return mlp.Tensor
function mlp.expand(x, ...) end

--- Axes of length 1 stretched, new axes put in front, without copying. A view that cannot be written.
---@param ... integer|integer[] the lengths; -1 keeps the length of x
---@return mlp.Tensor
function Tensor:expand(...) end

--- Positions first to last of an axis. A view.
---@param x mlp.Tensor the tensor
---@param axis integer the axis that is cut
---@param first? integer first position, from 1, or from -1 at the end; default 1
---@param last? integer last position, included; first - 1 for nothing; default -1
---@param step? integer every step-th position, at least 1; default 1
---@return mlp.Tensor
function mlp.slice(x, axis, first, last, step) end

--- Positions first to last of an axis. A view.
---@param axis integer the axis that is cut
---@param first? integer first position, from 1, or from -1 at the end; default 1
---@param last? integer last position, included; first - 1 for nothing; default -1
---@param step? integer every step-th position, at least 1; default 1
---@return mlp.Tensor
function Tensor:slice(axis, first, last, step) end

--- One position of an axis, which goes away. A view.
---@param x mlp.Tensor the tensor
---@param axis integer the axis that goes away
---@param index integer the position, from 1, or from -1 at the end
---@return mlp.Tensor
function mlp.select(x, axis, index) end

--- One position of an axis, which goes away. A view.
---@param axis integer the axis that goes away
---@param index integer the position, from 1, or from -1 at the end
---@return mlp.Tensor
function Tensor:select(axis, index) end

--- y[.., i] = x[.., i, i + offset], the diagonal of two axes as the last axis. A view.
---@param x mlp.Tensor the tensor
---@param offset? integer columns to the right of the main diagonal; default 0
---@param a? integer axis of the rows; default 1
---@param b? integer axis of the columns; default 2
---@return mlp.Tensor
function mlp.diagonal(x, offset, a, b) end

--- y[.., i] = x[.., i, i + offset], the diagonal of two axes as the last axis. A view.
---@param offset? integer columns to the right of the main diagonal; default 0
---@param a? integer axis of the rows; default 1
---@param b? integer axis of the columns; default 2
---@return mlp.Tensor
function Tensor:diagonal(offset, a, b) end

--- Tensors put one after the other along an axis.
---@param tensors mlp.Tensor[] a list of tensors
---@param axis? integer the axis that grows; default 1
---@return mlp.Tensor
function mlp.cat(tensors, axis) end

--- Tensors of one shape put beside each other along a new axis.
---@param tensors mlp.Tensor[] a list of tensors
---@param axis? integer where the new axis stands in the result; default 1
---@return mlp.Tensor
function mlp.stack(tensors, axis) end

--- The order of positions reversed along the axes named, or along all.
---@param x mlp.Tensor the tensor
---@param axes? integer|integer[] an axis or a list of axes
---@return mlp.Tensor
function mlp.flip(x, axes) end

--- The order of positions reversed along the axes named, or along all.
---@param axes? integer|integer[] an axis or a list of axes
---@return mlp.Tensor
function Tensor:flip(axes) end

--- Positions moved `shift` places along an axis; what falls off the end comes back at the start.
---@param x mlp.Tensor the tensor
---@param shift integer places, negative for backwards
---@param axis? integer the axis; default 1
---@return mlp.Tensor
function mlp.roll(x, shift, axis) end

--- Positions moved `shift` places along an axis; what falls off the end comes back at the start.
---@param shift integer places, negative for backwards
---@param axis? integer the axis; default 1
---@return mlp.Tensor
function Tensor:roll(shift, axis) end

--- x beside itself, so many times along each axis: PyTorch's repeat and tile (repeat is a word of Lua). The shorter of shape and times gets ones in front.
---@param x mlp.Tensor of any shape
---@param ... integer|integer[] how often along each axis, side by side or as a list
---@return mlp.Tensor
function mlp.tile(x, ...) end

--- x beside itself, so many times along each axis: PyTorch's repeat and tile (repeat is a word of Lua). The shorter of shape and times gets ones in front.
---@param ... integer|integer[] how often along each axis, side by side or as a list
---@return mlp.Tensor
function Tensor:tile(...) end

--- y[.., i, j] = x[.., i, j] where j <= i + offset, otherwise 0.
---@param x mlp.Tensor matrices in the last two axes
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function mlp.tril(x, offset) end

--- y[.., i, j] = x[.., i, j] where j <= i + offset, otherwise 0.
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function Tensor:tril(offset) end

--- y[.., i, j] = x[.., i, j] where j <= i + offset, otherwise 0.
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function Tensor:tril_(offset) end

--- y[.., i, j] = x[.., i, j] where j >= i + offset, otherwise 0.
---@param x mlp.Tensor matrices in the last two axes
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function mlp.triu(x, offset) end

--- y[.., i, j] = x[.., i, j] where j >= i + offset, otherwise 0.
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function Tensor:triu(offset) end

--- y[.., i, j] = x[.., i, j] where j >= i + offset, otherwise 0.
---@param offset? integer diagonals to the right of the main one; default 0
---@return mlp.Tensor
function Tensor:triu_(offset) end

--- y[.., k, ..] = x[.., index[k], ..] along an axis.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@return mlp.Tensor
function mlp.index_select(x, axis, index) end

--- y[.., k, ..] = x[.., index[k], ..] along an axis.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@return mlp.Tensor
function Tensor:index_select(axis, index) end

--- x with y[.., index[k], ..] += source[.., k, ..]; a position may occur more than once.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function mlp.index_add(x, axis, index, source) end

--- x with y[.., index[k], ..] += source[.., k, ..]; a position may occur more than once.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function Tensor:index_add(axis, index, source) end

--- x with y[.., index[k], ..] += source[.., k, ..]; a position may occur more than once.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function Tensor:index_add_(axis, index, source) end

--- x with y[.., index[k], ..] = source[.., k, ..]; of equal positions the last wins.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function mlp.index_copy(x, axis, index, source) end

--- x with y[.., index[k], ..] = source[.., k, ..]; of equal positions the last wins.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function Tensor:index_copy(axis, index, source) end

--- x with y[.., index[k], ..] = source[.., k, ..]; of equal positions the last wins.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor one slice of x per position
---@return mlp.Tensor
function Tensor:index_copy_(axis, index, source) end

--- y[i, k, j] = x[i, index[i, k, j], j] along an axis; y has the shape of index.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@return mlp.Tensor
function mlp.gather(x, axis, index) end

--- y[i, k, j] = x[i, index[i, k, j], j] along an axis; y has the shape of index.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@return mlp.Tensor
function Tensor:gather(axis, index) end

--- x with y[i, index[i, k, j], j] = source[i, k, j] along an axis; of equal positions the last wins.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function mlp.scatter(x, axis, index, source) end

--- x with y[i, index[i, k, j], j] = source[i, k, j] along an axis; of equal positions the last wins.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function Tensor:scatter(axis, index, source) end

--- x with y[i, index[i, k, j], j] = source[i, k, j] along an axis; of equal positions the last wins.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function Tensor:scatter_(axis, index, source) end

--- x with y[i, index[i, k, j], j] += source[i, k, j] along an axis.
---@param x mlp.Tensor the tensor
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function mlp.scatter_add(x, axis, index, source) end

--- x with y[i, index[i, k, j], j] += source[i, k, j] along an axis.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function Tensor:scatter_add(axis, index, source) end

--- x with y[i, index[i, k, j], j] += source[i, k, j] along an axis.
---@param axis integer the axis along which positions count
---@param index mlp.Tensor|integer[] positions along the axis, from 1
---@param source mlp.Tensor|number a tensor of the shape of index, or a number
---@return mlp.Tensor
function Tensor:scatter_add_(axis, index, source) end

--- y[.., k] = 1 where k = index[..], otherwise 0: one axis more, of length `classes`.
---@param index mlp.Tensor|integer[] classes from 1, of any shape
---@param classes integer how many there are
---@param options? {dtype: mlp.Dtype?}
---@return mlp.Tensor
function mlp.one_hot(index, classes, options) end

--- y[.., k] = 1 where k = index[..], otherwise 0: one axis more, of length `classes`.
---@param classes integer how many there are
---@param options? {dtype: mlp.Dtype?}
---@return mlp.Tensor
function Tensor:one_hot(classes, options) end

--- The lines of x where the mask is not 0, one after the other: (count, rest of x).
---@param x mlp.Tensor the tensor
---@param mask mlp.Tensor uint8, of the first axes of x
---@return mlp.Tensor
function mlp.masked_select(x, mask) end

--- The lines of x where the mask is not 0, one after the other: (count, rest of x).
---@param mask mlp.Tensor uint8, of the first axes of x
---@return mlp.Tensor
function Tensor:masked_select(mask) end

--- x with the value in the lines where the mask is not 0.
---@param x mlp.Tensor the tensor
---@param mask mlp.Tensor uint8, of the first axes of x
---@param value mlp.Tensor|number a number, one line of x, or one line per selected place
---@return mlp.Tensor
function mlp.masked_assign(x, mask, value) end

--- x with the value in the lines where the mask is not 0.
---@param mask mlp.Tensor uint8, of the first axes of x
---@param value mlp.Tensor|number a number, one line of x, or one line per selected place
---@return mlp.Tensor
function Tensor:masked_assign(mask, value) end

--- x with the value in the lines where the mask is not 0.
---@param mask mlp.Tensor uint8, of the first axes of x
---@param value mlp.Tensor|number a number, one line of x, or one line per selected place
---@return mlp.Tensor
function Tensor:masked_assign_(mask, value) end

--- The positions, from 1, of the elements that are not 0: (count, axes of x), in order.
---@param x mlp.Tensor the tensor
---@return mlp.Tensor
function mlp.nonzero(x) end

--- The positions, from 1, of the elements that are not 0: (count, axes of x), in order.
---@return mlp.Tensor
function Tensor:nonzero() end

--- Uniform draws from [0, 1): multiples of 2^-24 in float32, of 2^-53 in float64.
---@param ... integer|integer[]|{dtype: mlp.Dtype?, requires_grad: boolean?, generator: mlp.Generator?} the lengths
---@return mlp.Tensor
function mlp.rand(...) end

--- Normal draws of mean 0 and deviation 1 (Box and Muller 1958).
---@param ... integer|integer[]|{dtype: mlp.Dtype?, requires_grad: boolean?, generator: mlp.Generator?} the lengths
---@return mlp.Tensor
function mlp.randn(...) end

--- Whole numbers from low to high, both included, equally likely (Lemire 2019). int64.
---@param low integer the smallest
---@param high integer the largest
---@param ... integer|integer[]|{generator: mlp.Generator?} the lengths
---@return mlp.Tensor
function mlp.randint(low, high, ...) end

--- The numbers 1 to n in random order, every order equally likely. int64.
---@param n integer how many
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function mlp.randperm(n, options) end

--- Uniform draws from [low, high) in the shape of x; uniform_ writes them into x.
---@param x mlp.Tensor a float tensor, for its shape and dtype
---@param low? number included; default 0
---@param high? number not included; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function mlp.uniform(x, low, high, options) end

--- Uniform draws from [low, high) in the shape of x; uniform_ writes them into x.
---@param low? number included; default 0
---@param high? number not included; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:uniform(low, high, options) end

--- Uniform draws from [low, high) in the shape of x; uniform_ writes them into x.
---@param low? number included; default 0
---@param high? number not included; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:uniform_(low, high, options) end

--- Normal draws in the shape of x; normal_ writes them into x.
---@param x mlp.Tensor a float tensor, for its shape and dtype
---@param mean? number of the draws; default 0
---@param deviation? number standard deviation of the draws; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function mlp.normal(x, mean, deviation, options) end

--- Normal draws in the shape of x; normal_ writes them into x.
---@param mean? number of the draws; default 0
---@param deviation? number standard deviation of the draws; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:normal(mean, deviation, options) end

--- Normal draws in the shape of x; normal_ writes them into x.
---@param mean? number of the draws; default 0
---@param deviation? number standard deviation of the draws; default 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:normal_(mean, deviation, options) end

--- 1 with the probability that x says, otherwise 0, in the dtype of x.
---@param x mlp.Tensor probabilities, 0 to 1
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function mlp.bernoulli(x, options) end

--- 1 with the probability that x says, otherwise 0, in the dtype of x.
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:bernoulli(options) end

--- Each element 0 with probability p, otherwise x / (1 - p), so that the mean stays
--- (Srivastava et al. 2014).
---@param x mlp.Tensor a float tensor
---@param p? number probability of 0; default 0.5
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function mlp.dropout(x, p, options) end

--- Each element 0 with probability p, otherwise x / (1 - p), so that the mean stays
--- (Srivastava et al. 2014).
---@param p? number probability of 0; default 0.5
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:dropout(p, options) end

--- Each element 0 with probability p, otherwise x / (1 - p), so that the mean stays
--- (Srivastava et al. 2014).
---@param p? number probability of 0; default 0.5
---@param options? {generator: mlp.Generator?}
---@return mlp.Tensor
function Tensor:dropout_(p, options) end

--- Sum over all axes or the given ones, joined pairwise. Integers are summed as int64; the sum of nothing is 0.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.sum(x, axes, keepdim) end

--- Sum over all axes or the given ones, joined pairwise. Integers are summed as int64; the sum of nothing is 0.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:sum(axes, keepdim) end

--- Mean over all axes or the given ones. The mean of nothing is NaN; integers are refused.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.mean(x, axes, keepdim) end

--- Mean over all axes or the given ones. The mean of nothing is NaN; integers are refused.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:mean(axes, keepdim) end

--- Variance over all axes or the given ones: squared deviations from the mean, summed, over n - correction.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {correction: integer?, unbiased: boolean?}
---@return mlp.Tensor
function mlp.var(x, axes, keepdim, options) end

--- Variance over all axes or the given ones: squared deviations from the mean, summed, over n - correction.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {correction: integer?, unbiased: boolean?}
---@return mlp.Tensor
function Tensor:var(axes, keepdim, options) end

--- Standard deviation over all axes or the given ones: the square root of var.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {correction: integer?, unbiased: boolean?}
---@return mlp.Tensor
function mlp.std(x, axes, keepdim, options) end

--- Standard deviation over all axes or the given ones: the square root of var.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {correction: integer?, unbiased: boolean?}
---@return mlp.Tensor
function Tensor:std(axes, keepdim, options) end

--- (sum |x|^p)^(1/p) over all axes or the given ones; the largest |x| for p = math.huge.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {p: number?}
---@return mlp.Tensor
function mlp.norm(x, axes, keepdim, options) end

--- (sum |x|^p)^(1/p) over all axes or the given ones; the largest |x| for p = math.huge.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@param options? {p: number?}
---@return mlp.Tensor
function Tensor:norm(axes, keepdim, options) end

--- log of the sum of e^x over all axes or the given ones, without overflow; -infinity of nothing.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.logsumexp(x, axes, keepdim) end

--- log of the sum of e^x over all axes or the given ones, without overflow; -infinity of nothing.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:logsumexp(axes, keepdim) end

--- Product along an axis or of all elements. Integers are multiplied as int64; the product of nothing is 1.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.prod(x, axes, keepdim) end

--- Product along an axis or of all elements. Integers are multiplied as int64; the product of nothing is 1.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:prod(axes, keepdim) end

--- The largest element over all axes or the given ones, NaN if there is one. Elements that tie share the gradient evenly; max takes one axis and tells where.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.amax(x, axes, keepdim) end

--- The largest element over all axes or the given ones, NaN if there is one. Elements that tie share the gradient evenly; max takes one axis and tells where.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:amax(axes, keepdim) end

--- The smallest element over all axes or the given ones, NaN if there is one. Elements that tie share the gradient evenly; min takes one axis and tells where.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.amin(x, axes, keepdim) end

--- The smallest element over all axes or the given ones, NaN if there is one. Elements that tie share the gradient evenly; min takes one axis and tells where.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:amin(axes, keepdim) end

--- 1 where any element is not 0, else 0, over all axes or the given ones: uint8.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.any(x, axes, keepdim) end

--- 1 where any element is not 0, else 0, over all axes or the given ones: uint8.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:any(axes, keepdim) end

--- 1 where no element is 0, else 0, over all axes or the given ones: uint8.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.all(x, axes, keepdim) end

--- 1 where no element is 0, else 0, over all axes or the given ones: uint8.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:all(axes, keepdim) end

--- How many elements are not 0, over all axes or the given ones: int64.
---@param x mlp.Tensor of any shape
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function mlp.count_nonzero(x, axes, keepdim) end

--- How many elements are not 0, over all axes or the given ones: int64.
---@param axes? integer|integer[] an axis or a list of axes; nil is all
---@param keepdim? boolean keep the reduced axes with length 1; default false
---@return mlp.Tensor
function Tensor:count_nonzero(axes, keepdim) end

--- The largest elements along an axis and their positions there, counted from 1; without an axis the largest of all and its position in row-major order. NaN counts as largest.
---@param x mlp.Tensor of any shape
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor, mlp.Tensor
function mlp.max(x, axis, keepdim) end

--- The largest elements along an axis and their positions there, counted from 1; without an axis the largest of all and its position in row-major order. NaN counts as largest.
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor, mlp.Tensor
function Tensor:max(axis, keepdim) end

--- The smallest elements along an axis and their positions there, counted from 1; without an axis the smallest of all and its position in row-major order. A NaN wins.
---@param x mlp.Tensor of any shape
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor, mlp.Tensor
function mlp.min(x, axis, keepdim) end

--- The smallest elements along an axis and their positions there, counted from 1; without an axis the smallest of all and its position in row-major order. A NaN wins.
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor, mlp.Tensor
function Tensor:min(axis, keepdim) end

--- Where the largest element stands along an axis, counted from 1, or in the whole tensor in row-major order: int64. The first of equal ones; a NaN wins.
---@param x mlp.Tensor of any shape
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor
function mlp.argmax(x, axis, keepdim) end

--- Where the largest element stands along an axis, counted from 1, or in the whole tensor in row-major order: int64. The first of equal ones; a NaN wins.
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor
function Tensor:argmax(axis, keepdim) end

--- Where the smallest element stands along an axis, counted from 1, or in the whole tensor in row-major order: int64. The first of equal ones; a NaN wins.
---@param x mlp.Tensor of any shape
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor
function mlp.argmin(x, axis, keepdim) end

--- Where the smallest element stands along an axis, counted from 1, or in the whole tensor in row-major order: int64. The first of equal ones; a NaN wins.
---@param axis? integer|integer[] along which; nil is all elements, in row-major order
---@param keepdim? boolean keep the axis with length 1; default false
---@return mlp.Tensor
function Tensor:argmin(axis, keepdim) end

--- Running sum along an axis: y[i] = x[1] + ... + x[i]. Integers are summed as int64.
---@param x mlp.Tensor of any shape
---@param axis integer along which
---@param options? {reverse: boolean?}
---@return mlp.Tensor
function mlp.cumsum(x, axis, options) end

--- Running sum along an axis: y[i] = x[1] + ... + x[i]. Integers are summed as int64.
---@param axis integer along which
---@param options? {reverse: boolean?}
---@return mlp.Tensor
function Tensor:cumsum(axis, options) end

--- Running product along an axis: y[i] = x[1] ... x[i].
---@param x mlp.Tensor of any shape
---@param axis integer along which
---@return mlp.Tensor
function mlp.cumprod(x, axis) end

--- Running product along an axis: y[i] = x[1] ... x[i].
---@param axis integer along which
---@return mlp.Tensor
function Tensor:cumprod(axis) end

--- The elements in order along an axis, and the positions they came from, counted from 1. Equal elements keep their order; NaN counts as largest.
---@param x mlp.Tensor of any shape
---@param axis? integer along which; default -1
---@param options? {descending: boolean?}
---@return mlp.Tensor, mlp.Tensor
function mlp.sort(x, axis, options) end

--- The elements in order along an axis, and the positions they came from, counted from 1. Equal elements keep their order; NaN counts as largest.
---@param axis? integer along which; default -1
---@param options? {descending: boolean?}
---@return mlp.Tensor, mlp.Tensor
function Tensor:sort(axis, options) end

--- The positions that put the elements in order along an axis, counted from 1. Equal elements keep their order; NaN counts as largest.
---@param x mlp.Tensor of any shape
---@param axis? integer along which; default -1
---@param options? {descending: boolean?}
---@return mlp.Tensor
function mlp.argsort(x, axis, options) end

--- The positions that put the elements in order along an axis, counted from 1. Equal elements keep their order; NaN counts as largest.
---@param axis? integer along which; default -1
---@param options? {descending: boolean?}
---@return mlp.Tensor
function Tensor:argsort(axis, options) end

--- The k largest (or smallest) elements along an axis, the best first, and their positions, counted from 1. Of equal elements the first is taken; NaN counts as largest.
---@param x mlp.Tensor of any shape
---@param k integer how many
---@param axis? integer along which; default -1
---@param options? {largest: boolean?, sorted: boolean?}
---@return mlp.Tensor, mlp.Tensor
function mlp.topk(x, k, axis, options) end

--- The k largest (or smallest) elements along an axis, the best first, and their positions, counted from 1. Of equal elements the first is taken; NaN counts as largest.
---@param k integer how many
---@param axis? integer along which; default -1
---@param options? {largest: boolean?, sorted: boolean?}
---@return mlp.Tensor, mlp.Tensor
function Tensor:topk(k, axis, options) end

--- The position, from 1 to n + 1, at which each value can be put into a sorted line of n so that it stays sorted: before equal elements, or behind them. NaN counts as largest.
---@param sorted mlp.Tensor (n), or (..., n): ascending along the last axis
---@param values mlp.Tensor|number of any shape; for (..., n) of the same axes but the last
---@param options? {right: boolean?}
---@return mlp.Tensor
function mlp.searchsorted(sorted, values, options) end

--- The position, from 1 to n + 1, at which each value can be put into a sorted line of n so that it stays sorted: before equal elements, or behind them. NaN counts as largest.
---@param values mlp.Tensor|number of any shape; for (..., n) of the same axes but the last
---@param options? {right: boolean?}
---@return mlp.Tensor
function Tensor:searchsorted(values, options) end

--- U (..., m, k), s (..., k) and V' (..., k, n) with A = U diag(s) V', s descending, k = min(m, n).
--- The largest element of every left vector is positive. The gradient of U and V' assumes that no two singular values are equal, and, where A is not square, that none is 0; that of s alone always exists. Thin unless asked otherwise, unlike PyTorch's.
---@param a mlp.Tensor (..., m, n)
---@param options? {full_matrices: boolean?}
---@return mlp.Tensor, mlp.Tensor, mlp.Tensor
function mlp.linalg.svd(a, options) end

--- w (..., n), ascending, and V (..., n, n) with A = V diag(w) V' for a symmetric A; of another matrix (A + A') / 2 is taken.
--- The largest element of every column of V is positive. The gradient of V assumes that no two eigenvalues are equal; that of w alone always exists.
---@param a mlp.Tensor (..., n, n)
---@return mlp.Tensor, mlp.Tensor
function mlp.linalg.eigh(a) end

--- Q (..., m, k) with orthonormal columns and the upper triangular R (..., k, n) with A = Q R, k = min(m, n).
--- The diagonal of R is not negative, which makes the factors of a matrix of full rank unique. The gradient assumes that the first k columns of A are independent.
---@param a mlp.Tensor (..., m, n)
---@param options? {mode: "reduced"|"complete"?}
---@return mlp.Tensor, mlp.Tensor
function mlp.linalg.qr(a, options) end

--- The lower triangular L (..., n, n) with A = L L' for a symmetric, positive definite A; of another matrix (A + A') / 2 is taken.
---@param a mlp.Tensor (..., n, n)
---@return mlp.Tensor
function mlp.linalg.cholesky(a) end

--- X with A X = B, by LU with pivoting. A b of one axis is one column, as matmul has it; batches broadcast. A singular A is an error.
---@param a mlp.Tensor (..., n, n)
---@param b mlp.Tensor (..., n, k) or (n)
---@return mlp.Tensor
function mlp.linalg.solve(a, b) end

--- The X that makes the sum of squares of A X - B least; among several the shortest, so that A may have any shape and rank. A b of one axis is one column; batches broadcast. The gradient is that of changes that keep the rank.
---@param a mlp.Tensor (..., m, n)
---@param b mlp.Tensor (..., m, k) or (m)
---@param options? {rtol: number?}
---@return mlp.Tensor
function mlp.linalg.lstsq(a, b, options) end

--- The inverse of A. linalg.solve(A, B) is faster and more exact than linalg.inv(A) times B. A singular A is an error.
---@param a mlp.Tensor (..., n, n)
---@return mlp.Tensor
function mlp.linalg.inv(a) end

--- The pseudo-inverse (Moore, Penrose) of A, by singular values: of a matrix of any shape and rank. The gradient is that of changes that keep the rank.
---@param a mlp.Tensor (..., m, n)
---@param options? {rtol: number?}
---@return mlp.Tensor
function mlp.linalg.pinv(a, options) end

--- The determinant of A. That of a large matrix leaves the range of floats: slogdet.
---@param a mlp.Tensor (..., n, n)
---@return mlp.Tensor
function mlp.linalg.det(a) end

--- The sign of the determinant of A (1, -1, or 0 of a singular matrix) and the logarithm of its absolute value, which may be -infinity.
---@param a mlp.Tensor (..., n, n)
---@return mlp.Tensor, mlp.Tensor
function mlp.linalg.slogdet(a) end

--- The rank of A, int64: how many of its singular values are not 0 but for rounding.
---@param a mlp.Tensor (..., m, n)
---@param options? {rtol: number?}
---@return mlp.Tensor
function mlp.linalg.matrix_rank(a, options) end
