--- The networks that fields know by name, each with the optimizer that suits it. A frequency that a
--- paper gives for coordinates in [0, 1] is halved here: ours run from -1 to 1.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local nn <const> = require "mlp.nn"

local networks = {}

---@class mlp.field.Recipe
---@field make fun(inputs: integer, outputs: integer, kind: string): mlp.nn.Module
---@field optimizer mlp.optim.Adam.Options

local ADAM <const> = { lr = 1e-3 }
local WIDTH <const> = 256

local function relu_mlp(inputs, outputs) return nn.MLP { inputs, WIDTH, WIDTH, WIDTH, outputs } end

local function after(encoding, outputs)
  return nn.Sequential { encoding, relu_mlp(encoding.outputs, outputs) }
end

--- Fourier features of a kind (Tancik et al. 2020); sigma as their paper has it.
local function features(kind, sigma)
  return function(inputs, outputs)
    return after(nn.FourierFeatures(inputs, { kind = kind, sigma = sigma }), outputs)
  end
end

--- Cells of the finest grid, and rows of a table, by the number of coordinates.
local FINEST <const> = { 2 ^ 16, 512, 128 }
local ROWS <const> = { 2 ^ 16, 2 ^ 16, 2 ^ 17 }

---@type table<string, mlp.field.Recipe>
local RECIPES <const> = {
  none = { optimizer = ADAM, make = relu_mlp },
  basic = { optimizer = ADAM, make = features "basic" },
  positional = { optimizer = ADAM, make = features("positional", 5) },
  gaussian = { optimizer = ADAM, make = features("gaussian", 5) },
  siren = { optimizer = { lr = 5e-4 }, make = function(inputs, outputs, kind)
    return nn.Siren { inputs, WIDTH, WIDTH, WIDTH, outputs,
      omega_first = kind == "audio" and 3000 or 30 }
  end },
  gaussian_activation = { optimizer = ADAM, make = function(inputs, outputs)
    return nn.MLP { inputs, WIDTH, WIDTH, WIDTH, outputs, activation = "gaussian",
      activation_options = { sigma = 0.1 }, init = "torch" }
  end },
  hash_grid = { optimizer = { lr = 1e-2, betas = { 0.9, 0.99 }, eps = 1e-15 },
    make = function(inputs, outputs)
      local grid <const> = nn.HashGrid { axes = inputs, levels = 12, finest = FINEST[inputs],
        table_size = ROWS[inputs], low = -1, high = 1 }
      return nn.Sequential { grid, nn.MLP { grid.outputs, 64, 64, outputs } }
    end },
}

--- What is fitted when nothing is said, by kind of signal.
networks.default = { image = "hash_grid", audio = "siren", distances = "hash_grid" }

--- A network for fields by name: "none" (a ReLU network of the bare coordinates), "basic",
--- "positional", "gaussian" (the same of Fourier features), "siren", "gaussian_activation" or
--- "hash_grid"; and the options of the Adam that trains it: a rate of 1e-2 for the grid (betas 0.9
--- and 0.99, eps 1e-15), 5e-4 for "siren", else 1e-3. Hidden layers: three of 256 units, behind the
--- grid two of 64. A SIREN's omega is 30, in its first layer 3000 for sounds.
---@param name string
---@param inputs integer coordinates
---@param outputs integer values at each
---@param options {kind: string?, seed: integer?}? `kind` of signal, `seed` of the first weights
---@return mlp.nn.Module
---@return mlp.optim.Adam.Options
function networks.network(name, inputs, outputs, options)
  local o <const> = errors.options("field.network", options, { kind = "image", seed = 1 })
  local recipe <const> = RECIPES[name]
  if not recipe then
    local guess <const> = type(name) == "string" and errors.guess(name, RECIPES)
    errors.wanted("field", "network", name, guess and ("'%s'"):format(guess)
      or "a module, or one of none, basic, positional, gaussian, siren, gaussian_activation, "
      .. "hash_grid")
  end
  local seed <const>, serial <const> = core.random_state()
  core.set_random_state(nil, o.seed, 0)
  local ok <const>, model <const> = pcall(recipe.make, inputs, outputs, o.kind)
  core.set_random_state(nil, seed, serial)
  if not ok then error(model, 0) end
  return model, recipe.optimizer
end

return networks
