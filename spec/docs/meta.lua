--- Annotations for editors (LuaLS), made from the table of operations: every operation as a
--- function, as a method and in place, and what operators do.

local core <const> = require "mlp.core"

local meta = {}

local TYPES <const> = {
  tensor = "mlp.Tensor", ["tensor or nil"] = "mlp.Tensor",
  ["tensor or number"] = "mlp.Tensor|number",
  positions = "mlp.Tensor|integer[]", ["list of tensors"] = "mlp.Tensor[]", number = "number",
  integer = "integer", boolean = "boolean", axis = "integer", axes = "integer|integer[]",
  position = "integer", dtype = "mlp.Dtype", generator = "mlp.Generator",
}

local KEYWORDS <const> = { ["end"] = true, ["repeat"] = true, ["not"] = true, ["in"] = true }

local function type_of(argument)
  if argument.kind ~= "choice" then return assert(TYPES[argument.kind], argument.kind) end
  local choices <const> = {}
  for i, choice in ipairs(argument.choices) do choices[i] = '"' .. choice .. '"' end
  return table.concat(choices, "|")
end

--- {dtype: mlp.Dtype?, ...}: the options of a row as one type; nil where it has none.
local function options_type(row)
  local parts <const> = {}
  for _, argument in ipairs(row.arguments) do
    if argument.option then
      parts[#parts + 1] = ("%s: %s%s"):format(argument.name, type_of(argument),
        argument.default and "?" or "")
    end
  end
  return #parts > 0 and "{" .. table.concat(parts, ", ") .. "}" or nil
end

local function described(argument)
  local doc <const> = argument.doc or ""
  if not argument.default or argument.default == "nil" then return doc end
  return ("%s%sdefault %s"):format(doc, doc == "" and "" or "; ", argument.default)
end

local function parameter(name, kind, doc)
  return (("---@param %s %s %s"):format(name, kind, doc):gsub("%s+$", ""))
end

--- The parameters from `first` on: annotation lines and names. Lengths may be given side by side,
--- so that they, and the options behind them, are one `...`.
local function parameters(row, first)
  local lines <const>, names <const> = {}, {}
  local options <const>, several = options_type(row), nil
  for i = first, #row.arguments do
    local argument <const> = row.arguments[i]
    if argument.kind == "shape" then
      several = argument
    elseif not argument.option then
      local name <const> = KEYWORDS[argument.name] and argument.name .. "_" or argument.name
      names[#names + 1] = name
      lines[#lines + 1] = parameter(name .. (argument.default and "?" or ""), type_of(argument),
        described(argument))
    end
  end
  if several then
    names[#names + 1] = "..."
    lines[#lines + 1] = parameter("...", "integer|integer[]" .. (options and "|" .. options or ""),
      several.doc)
  elseif options then
    names[#names + 1] = "options"
    lines[#lines + 1] = parameter("options?", options, "")
  end
  return lines, table.concat(names, ", ")
end

local function add_definition(out, row, head, first)
  for line in row.doc:gmatch "[^\n]+" do out[#out + 1] = "--- " .. line end
  local lines <const>, names <const> = parameters(row, first)
  table.move(lines, 1, #lines, #out + 1, out)
  if row.outputs > 0 then
    out[#out + 1] = "---@return mlp.Tensor" .. (", mlp.Tensor"):rep(row.outputs - 1)
  end
  out[#out + 1] = ("function %s(%s) end"):format(head, names)
  out[#out + 1] = ""
end

local function add_row(out, row)
  if core.public[row.name] or row.name:find(".", 1, true) then
    add_definition(out, row, "mlp." .. row.name, 1)
  end
  if core.methods[row.name] then add_definition(out, row, "Tensor:" .. row.name, 2) end
  if row.in_place and core.methods[row.name .. "_"] then
    add_definition(out, row, ("Tensor:%s_"):format(row.name), 2)
  end
end

--- Activations as modules are made in a loop, which no editor sees through.
local function activation_fields(out)
  local names <const> = {}
  for name in pairs(require "mlp.nn.activation") do names[#names + 1] = name end
  table.sort(names)
  out[#out + 1] = "---@class mlp.nn"
  for _, name in ipairs(names) do
    out[#out + 1] = ("---@field %s fun(options: table?): mlp.nn.Activation"):format(name)
  end
end

local HEAD <const> = [[
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
]]

--- The text of lua/mlp/meta.lua.
---@return string
function meta.text()
  local out <const> = { HEAD }
  activation_fields(out)
  out[#out + 1] = ""
  for _, row in ipairs(core.rows()) do
    if not row.internal then add_row(out, row) end
  end
  return table.concat(out, "\n")
end

return meta
