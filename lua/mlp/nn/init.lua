--- Layers. Each class has a file of its own; this one names them.

---@class mlp.nn
local nn = {
  Module = require "mlp.nn.module",
  Linear = require "mlp.nn.linear",
  Sequential = require "mlp.nn.sequential",
  MLP = require "mlp.nn.mlp",
  Residual = require "mlp.nn.residual",
  Ensemble = require "mlp.nn.ensemble",
  Dropout = require "mlp.nn.dropout",
  LayerNorm = require("mlp.nn.norm").LayerNorm,
  RMSNorm = require("mlp.nn.norm").RMSNorm,
  BatchNorm = require "mlp.nn.batch_norm",
  GroupNorm = require "mlp.nn.group_norm",
  WeightNorm = require "mlp.nn.weight_norm",
  SpectralNorm = require "mlp.nn.spectral_norm",
  Bilinear = require "mlp.nn.bilinear",
  FiLM = require "mlp.nn.film",
  Maxout = require "mlp.nn.maxout",
  GatedHalves = require "mlp.nn.gated_halves",
  PReLU = require("mlp.nn.learned_activation").PReLU,
  LearnedSnake = require("mlp.nn.learned_activation").LearnedSnake,
  Embedding = require "mlp.nn.embedding",
  PositionalEncoding = require "mlp.nn.positional_encoding",
  FourierFeatures = require "mlp.nn.fourier_features",
  HashGrid = require "mlp.nn.hash_grid",
  SphericalHarmonics = require "mlp.nn.spherical_harmonics",
  Siren = require "mlp.nn.siren",
  FFN = require "mlp.nn.ffn",
  GLU = require "mlp.nn.glu",
  MoE = require "mlp.nn.moe",
  Router = require "mlp.nn.router",
  Attention = require "mlp.nn.attention",
  TransformerBlock = require "mlp.nn.transformer_block",
  Transformer = require "mlp.nn.transformer",
}

for name, class in pairs(require "mlp.nn.activation") do nn[name] = class end

return nn
