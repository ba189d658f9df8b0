--- A table of a model's parts: shapes, parameters, bytes and, for an example input, output shapes
--- and the floating-point operations of one forward pass (a multiplication and an addition are
--- two). Where there are parts of a transformer, the shares of attention, feed-forward networks and
--- embedding follow: a part's role stands in its class, and those below it share it.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local summary = {}

local BYTES <const> = { float32 = 4, float64 = 8, int64 = 8, uint8 = 1 }

local function grouped(n)
  local text = ("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

--- Parameters and bytes that stand directly in the module, not in its children.
local function own_numbers(module, counted)
  local numbers, bytes = 0, 0
  for name, tensor in module:named_parameters() do
    local child = name:match "^(.*)%.[^.]+$"
    local below = child and pcall(module.at, module, child)
    if not below and not counted[tensor] then
      counted[tensor] = true
      numbers, bytes = numbers + tensor:numel(), bytes + tensor:numel() * BYTES[tensor.dtype]
    end
  end
  return numbers, bytes
end

local function shape_text(value)
  if not core.is_tensor(value) then return "" end
  return "(" .. table.concat(value.shape, ", ") .. ")"
end

--- Runs the model on the example in evaluation mode and notes what every module gave.
local function observe(model, example)
  local seen, hooks, modes = {}, {}, {}
  local function note(module)
    modes[module] = module.training
    module.training = false
    hooks[#hooks + 1] = module:hook("", function(out, self, ...)
      local before = seen[self] and seen[self].flops or 0
      local own = self.flops and self:flops(out, ...) or 0
      seen[self] = { shape = shape_text(out), flops = before + own }
    end)
  end
  note(model)
  for _, module in model:named_modules() do note(module) end
  local _ <close> = core.no_grad_scope()
  local ok, message = pcall(model, example)
  for _, hook in ipairs(hooks) do hook:close() end
  for module, mode in pairs(modes) do module.training = mode end
  if not ok then error(message, 0) end
  return seen
end

local function layout(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, #cell) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(widths[i] - #cell)
      cells[i] = i >= 4 and pad .. cell or cell .. pad
    end
    lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  table.insert(lines, 2, ("-"):rep(#lines[1]))
  return lines
end

local function example_of(model, input)
  if input == nil or core.is_tensor(input) then return input end
  if type(input) ~= "table" then
    errors.wanted("summary", "the input", input, "a tensor or its shape")
  end
  local parameters = model:parameters()
  return core.zeros(input, { dtype = parameters[1] and parameters[1].dtype or "float32" })
end

-- ---- shares -------------------------------------------------------------------------------------

local ROLES <const> = { "attention", "FFN", "embedding", "other" }

--- The role of every module: its own, or that of the nearest module above it that has one.
local function roles_of(model)
  local roles <const> = {}
  local function visit(module, above)
    if roles[module] then return end
    roles[module] = module.role or above
    for _, child in module:children() do visit(child, roles[module]) end
  end
  visit(model, "other")
  return roles
end

--- Adds the numbers that stand directly in a module to the account of its role; matrices are what
--- has two axes or more.
local function account(accounts, role, module, counted, flops)
  local a <const> = accounts[role]
  for name, tensor in module:named_parameters() do
    if not name:find(".", 1, true) and not counted[tensor] then
      counted[tensor] = true
      a.numbers = a.numbers + tensor:numel()
      if tensor.ndim >= 2 then a.matrices = a.matrices + tensor:numel() end
    end
  end
  a.flops = a.flops + flops
end

local function percent(part, whole)
  return whole > 0 and ("%.1f %%"):format(100 * part / whole) or ""
end

--- Rows of shares, or none when nothing in the model has a role.
local function share_rows(model, seen)
  local accounts <const>, counted <const> = {}, {}
  for _, role in ipairs(ROLES) do accounts[role] = { numbers = 0, matrices = 0, flops = 0 } end
  local roles <const> = roles_of(model)
  local function add(module)
    account(accounts, roles[module], module, counted, seen[module] and seen[module].flops or 0)
  end
  add(model)
  for _, module in model:named_modules() do add(module) end
  local numbers, flops = 0, 0
  for _, a in pairs(accounts) do numbers, flops = numbers + a.numbers, flops + a.flops end
  local matrices <const> = accounts.attention.matrices + accounts.FFN.matrices
  local rows <const> = { { "share of", "", "", "parameters", "the blocks' matrices", "FLOPs" } }
  for _, role in ipairs(ROLES) do
    local a <const> = accounts[role]
    local in_block <const> = role == "attention" or role == "FFN"
    rows[#rows + 1] = { role, "", "", percent(a.numbers, numbers),
      in_block and percent(a.matrices, matrices) or "", percent(a.flops, flops) }
  end
  return numbers > accounts.other.numbers and rows or nil
end

-- ---- the table ----------------------------------------------------------------------------------

--- The table as text: path, module, output shape, parameters, bytes, FLOPs; totals below.
---@param model mlp.nn.Module
---@param input mlp.Tensor|integer[]|nil an example input or its shape; without it shapes and FLOPs
---  are left out
---@return string
function summary.text(model, input)
  local example = example_of(model, input)
  local seen = example and observe(model, example) or {}
  local rows, counted = { { "path", "module", "output", "parameters", "bytes", "FLOPs" } }, {}
  local total = { numbers = 0, bytes = 0, flops = 0 }
  local function add(path, module)
    local numbers, bytes = own_numbers(module, counted)
    local at = seen[module] or { shape = "", flops = 0 }
    total.numbers, total.bytes = total.numbers + numbers, total.bytes + bytes
    total.flops = total.flops + at.flops
    local head = tostring(module):match "^[^\n]*"
    rows[#rows + 1] = { path, head, at.shape, grouped(numbers), grouped(bytes),
      example and grouped(at.flops) or "" }
  end
  add(".", model)
  for path, module in model:named_modules() do add(path, module) end
  rows[#rows + 1] = { "total", "", "", grouped(total.numbers), grouped(total.bytes),
    example and grouped(total.flops) or "" }
  local text <const>, shares <const> = table.concat(layout(rows), "\n"), share_rows(model, seen)
  return shares and text .. "\n\n" .. table.concat(layout(shares), "\n") or text
end

return summary
