--- What is measured: one row of data each. Our side and PyTorch's build the same network, loss and
--- optimizer from the row, so that a workload is added here and nowhere else.
---
---     id          as `make bench ONLY=id` names it; ONLY=W9 means W9a and W9b
---     about       one line for people
---     net         kind and sizes, see bench/nets.lua and NETS in bench/peer.py
---     batch       B, rows of a step
---     rows        size of the data set in memory from which a step gathers B random rows; without
---                 it the batch is the data
---     loss        with optimizer and lr: a training step (forward, backward, update); alone:
---                 forward and backward; without: a forward pass without history
---     whole       the rows are not cut into parts: a parameter has a row for each
---     replay      whether a chunk's steps run in one call of a compiled step's run(n)
---     marks       ms that issue "The plan" sets for 1 and 2 threads, on a machine of 242 GFLOP/s
---                 a core
---
--- The numbers themselves are random: no time here depends on them.

local W2 <const> = { kind = "mlp", widths = { 784, 128, 10 }, activation = "relu" }
local W6 <const> = { kind = "ffn", dim = 768, hidden = 3072 }
local WIDE <const> = { kind = "mlp", widths = { 784, 512, 512, 10 }, activation = "relu" }
local XOR <const> = { kind = "mlp", widths = { 2, 8, 1 }, activation = "tanh" }

---@class bench.Row
---@field id string
---@field about string
---@field net table
---@field batch integer
---@field rows integer?
---@field loss "mse"|"cross_entropy"|"bce"|nil
---@field optimizer "sgd"|"adam"|"adamw"|nil
---@field lr number?
---@field whole boolean?
---@field replay boolean?
---@field marks number[]?

---@type bench.Row[]
return {
  { id = "W1", about = "2-8-1 tanh, BCE, 4 rows, SGD, a call per step", net = XOR, batch = 4,
    loss = "bce", optimizer = "sgd", lr = 0.1, marks = { 0.0006 } },
  { id = "W1r", about = "the same inside run(n)", net = XOR, batch = 4, replay = true,
    loss = "bce", optimizer = "sgd", lr = 0.1, marks = { 0.00034 } },
  { id = "W2", about = "784-128-10 ReLU, CE, 64 of 60,000 rows, Adam", net = W2, batch = 64,
    rows = 60000, loss = "cross_entropy", optimizer = "adam", lr = 1e-3, marks = { 0.195, 0.140 } },
  { id = "W3", about = "784-512-512-10 ReLU, CE, 128 of 60,000 rows, Adam", net = WIDE,
    batch = 128, rows = 60000, loss = "cross_entropy", optimizer = "adam", lr = 1e-3,
    marks = { 2.5, 1.4 } },
  { id = "W4", about = "2-64x4-3 ReLU, MSE, 65,536 rows, Adam",
    net = { kind = "mlp", widths = { 2, 64, 64, 64, 64, 3 }, activation = "relu" }, batch = 65536,
    loss = "mse", optimizer = "adam", lr = 1e-3, marks = { 27, 14 } },
  { id = "W5", about = "63-256x8-4 ReLU, MSE, 4,096 rows, Adam",
    net = { kind = "mlp", widths = { 63, 256, 256, 256, 256, 256, 256, 256, 256, 4 },
      activation = "relu" }, batch = 4096,
    loss = "mse", optimizer = "adam", lr = 1e-3, marks = { 58, 31 } },
  { id = "W6", about = "x + FFN(LN(x)) 768-3072-768 GELU, 512 rows, AdamW", net = W6, batch = 512,
    loss = "mse", optimizer = "adamw", lr = 1e-3, marks = { 75, 39 } },
  { id = "W7", about = "SwiGLU 288-768-288, 512 rows, AdamW",
    net = { kind = "glu", dim = 288, hidden = 768 }, batch = 512,
    loss = "mse", optimizer = "adamw", lr = 1e-3, marks = { 8.4, 4.6 } },
  { id = "W8", about = "MoE 8 experts top-2 SwiGLU 256-1024-256, 1,024 rows, AdamW",
    net = { kind = "moe", dim = 256, hidden = 1024, experts = 8, top_k = 2 }, batch = 1024,
    loss = "mse", optimizer = "adamw", lr = 1e-3, marks = { 43, 24 } },
  { id = "W9a", about = "inference of W2's net, one row", net = W2, batch = 1,
    marks = { 0.0036 } },
  { id = "W9b", about = "inference of W6's block, one row", net = W6, batch = 1,
    marks = { 0.225, 0.118 } },
  { id = "W10", about = "SIREN 2-256-256-256-3, omega 30, 65,536 rows, Adam",
    net = { kind = "siren", widths = { 2, 256, 256, 256, 3 }, omega = 30 }, batch = 65536,
    loss = "mse", optimizer = "adam", lr = 1e-4, marks = { 286, 151 } },
  { id = "W11a", about = "modular addition 46-512-23 ReLU, no bias, 529 rows, CE, AdamW",
    net = { kind = "mlp", widths = { 46, 512, 23 }, activation = "relu", bias = false },
    batch = 529, loss = "cross_entropy", optimizer = "adamw", lr = 1e-3, marks = { 0.62, 0.36 } },
  { id = "W11b", about = "the same with z^2",
    net = { kind = "quadratic", widths = { 46, 512, 23 }, bias = false }, batch = 529,
    loss = "cross_entropy", optimizer = "adamw", lr = 1e-3, marks = { 0.62, 0.36 } },
  { id = "W12", about = "inference 784-512-512-10, 10,000 rows", net = WIDE, batch = 10000,
    marks = { 63, 33.5 } },
  { id = "hashgrid", about = "hash grid of 2 axes, 16 levels of 2 features, 2^14 rows at most "
    .. "(nn.HashGrid's defaults), 65,536 points, forward and backward",
    net = { kind = "hash_grid", axes = 2, levels = 16, features = 2, table_size = 1 << 14,
      base = 16, growth = 1.5 }, batch = 65536, loss = "mse" },
  { id = "hashgrid3", about = "hash grid of 3 axes, 16 levels of 2 features, 2^19 rows at most "
    .. "(Instant-NGP's for scenes), 65,536 points, forward and backward",
    net = { kind = "hash_grid", axes = 3, levels = 16, features = 2, table_size = 1 << 19,
      base = 16, growth = 1.5 }, batch = 65536, loss = "mse" },
  { id = "composite", about = "compositing 1,024 rays of 64 samples, forward and backward",
    net = { kind = "composite", rays = 1024, samples = 64 }, batch = 1024, whole = true,
    loss = "mse" },
  { id = "nerf", about = "NeRF, 4 layers of 128 and a view layer, 1,024 rays of 64 samples, Adam",
    net = { kind = "nerf", width = 128, depth = 4, frequencies = 10, view_frequencies = 4,
      samples = 64 }, batch = 1024, loss = "mse", optimizer = "adam", lr = 5e-4 },
  { id = "add", about = "sum of two 4 x 4 tensors", net = { kind = "add", dim = 4 }, batch = 4 },
  { id = "matmul", about = "product of two 1,024 x 1,024 matrices",
    net = { kind = "matmul", dim = 1024 }, batch = 1024 },
}
