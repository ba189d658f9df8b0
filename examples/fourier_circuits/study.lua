-- What the parts share: the budget, the page with its tables, the certificate that a caller reads.
local mlp <const> = require "mlp"

---@class Study
---@field quick boolean a tiny budget: numbers mean nothing
---@field options table<string, string> name=value words of the command line
---@field page mlp.report
---@field certificate table<string, any> by part
local Study = {}
Study.__index = Study

local QUICK_SHARE <const> = 200 -- of the steps

--- Steps of the full study in steps of this budget.
function Study:steps(n) return self.quick and math.max(n // QUICK_SHARE, 4) or n end

--- Seeds 1 to n, or as many as seeds= says; one when quick.
function Study:seeds(n)
  local seeds <const> = {}
  for seed = 1, self.quick and 1 or tonumber(self.options.seeds) or n do seeds[seed] = seed end
  return seeds
end

--- Four decimals where they say something.
function Study.short(x)
  if x == nil then return "–" end
  if math.type(x) ~= "float" then return tostring(x) end
  local size <const> = math.abs(x)
  if size > 0 and size < 1e-3 then return ("%.1e"):format(x) end
  return (("%.4f"):format(x):gsub("(%.%d-)0+$", "%1"):gsub("%.$", ""))
end

--- A row in the terminal, as soon as it is known; columns are padded to these widths.
function Study.print_row(row, widths)
  local line <const> = {}
  for c, width in ipairs(widths) do
    local text <const> = Study.short(row[c])
    line[c] = text .. (" "):rep(width - (utf8.len(text) or #text))
  end
  print((("  " .. table.concat(line, "  ")):gsub(" +$", "")))
end

--- A table that grows: rows are printed as they come, and stand in the page at the end.
---@param columns string[]
---@param caption string its first sentence is the title in the terminal
---@return fun(row: any[]) add
---@return fun() finish puts the table into the page
function Study:growing_table(columns, caption)
  local rows <const>, widths <const> = {}, {}
  for c, name in ipairs(columns) do widths[c] = math.max(utf8.len(name), 8) end
  print("\n" .. caption:match "^[^.]*%.")
  self.print_row(columns, widths)
  local function add(row)
    for c = 1, #columns do row[c] = self.short(row[c]) end
    rows[#rows + 1] = row
    self.print_row(row, widths)
  end
  return add, function() self.page:table { columns = columns, rows = rows, caption = caption } end
end

--- Several figures side by side under one caption.
function Study:figures(figures, columns, caption)
  figures.columns = columns
  self.page:figure(mlp.plot.grid(figures), caption)
end

return function(quick, options, command)
  return setmetatable({
    quick = quick, options = options, certificate = {},
    page = mlp.report {
      title = "Fourier circuits",
      subtitle = "Adding k numbers modulo p. After Li, Liang, Shi, Song and Zhou 2024, *Fourier "
        .. "Circuits in Neural Networks and Transformers: A Case Study of Modular Arithmetic with "
        .. "Multiple Inputs* (arXiv 2402.09469): what they prove and show, and ours beside it"
        .. (quick and " (quick: a two-hundredth of the steps; nothing is comparable)." or "."),
      footer = ("Written by `%s`. There is no data but the sums themselves; seeds are named with "
        .. "every table."):format(command),
    },
  }, Study)
end
