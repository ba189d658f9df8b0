--- What a mixture's router does with a batch: how many tokens every expert gets, which experts get
--- none, and which tokens go where. A table of numbers that prints as text, and draws itself.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"
local modes <const> = require "mlp.trainer.modes"

local BAR <const> = 30 -- characters of the longest bar
local SHOWN <const> = 24 -- labels of a figure

---@class mlp.nn.MoEReport
---@field tokens integer T
---@field choices integer pairs of a token and an expert
---@field load integer[] (E) tokens that chose each expert
---@field dead integer[] experts that no token chose
---@field violation number largest load over the mean
---@field dropped number share of the choices that no expert kept; of expert choice: of the tokens
---  that none took
---@field entropy number? of the scores, mean over tokens, in nats
---@field samples string[][]? (E) labels of each expert's tokens, those it weighs highest first
---@field shares {labels: string[], rows: number[][]}? (labels, E) where the tokens of a label go,
---  commonest labels first
local MoEReport = { __name = "mlp.nn.MoEReport" }
MoEReport.__index = MoEReport

-- ---- looking ------------------------------------------------------------------------------------

--- Runs the mixture in evaluation mode; what its router said.
local function look(moe, x, tokens)
  local _ <close> = modes.keep(moe)
  moe:eval()
  local routing
  local hook <close> = moe.router:hook("", function(r) routing = r end)
  local no_grad <close> = core.no_grad_scope()
  local _, auxiliary <const> = moe(x, tokens)
  assert(hook and no_grad)
  return routing, auxiliary
end

--- Each expert's tokens, those of the highest weight first: {[expert] = {{token, weight}, ...}}.
--- Tokens have chosen experts (T, K), or experts tokens (E, C).
local function members_of(experts, routing)
  local members <const>, weight <const> = {}, routing.weight:totable()
  local by_expert <const> = routing.token ~= nil
  local chosen <const> = by_expert and routing.token:reshape(experts, -1) or routing.expert
  for i = 1, experts do members[i] = {} end
  for i, row in ipairs(chosen:totable()) do
    for k, j in ipairs(row) do
      local expert <const>, token <const> = by_expert and i or j, by_expert and j or i
      table.insert(members[expert], { token, weight[i][k] })
    end
  end
  for _, list in ipairs(members) do
    table.sort(list, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
  end
  return members
end

local function samples_of(list, labels, most)
  local words <const>, seen <const> = {}, {}
  for _, member in ipairs(list) do
    local label <const> = tostring(labels[member[1]])
    if not seen[label] and #words < most then
      seen[label] = true
      words[#words + 1] = label
    end
  end
  return words
end

--- Of the commonest labels the share of choices that goes to each expert.
local function shares_of(members, labels)
  local counts <const>, total <const>, names <const> = {}, {}, {}
  for expert, list in ipairs(members) do
    for _, member in ipairs(list) do
      local label <const> = tostring(labels[member[1]])
      if not total[label] then counts[label], total[label], names[#names + 1] = {}, 0, label end
      counts[label][expert] = (counts[label][expert] or 0) + 1
      total[label] = total[label] + 1
    end
  end
  table.sort(names, function(a, b) return total[a] > total[b] or total[a] == total[b] and a < b end)
  local rows <const> = {}
  for r = 1, math.min(#names, SHOWN) do
    rows[r] = {}
    for i = 1, #members do rows[r][i] = (counts[names[r]][i] or 0) / total[names[r]] end
  end
  return { labels = table.move(names, 1, #rows, 1, {}), rows = rows }
end

local function check(moe, x, options)
  local o <const> = errors.options("MoE:report", options,
    { labels = errors.NONE, samples = 5, tokens = errors.NONE })
  local tokens <const> = core.is_tensor(x) and x:numel() // moe.width
  if o.labels and (type(o.labels) ~= "table" or #o.labels ~= tokens) then
    errors.wanted("MoE:report", "labels", o.labels, ("one label for each of %d tokens"):format(
      tokens or 0))
  end
  return o, tokens
end

--- See MoE:report.
---@param moe mlp.nn.MoE
---@param x mlp.Tensor
---@param options table?
---@return mlp.nn.MoEReport
local function report(moe, x, options)
  local o <const>, tokens <const> = check(moe, x, options)
  local routing <const>, auxiliary <const> = look(moe, x, o.tokens)
  local self <const> = setmetatable({ tokens = tokens, choices = 0, load = {}, dead = {},
    violation = auxiliary.violation:item(), dropped = auxiliary.dropped:item(),
    entropy = auxiliary.entropy and auxiliary.entropy:item() }, MoEReport)
  for i, n in ipairs(auxiliary.load:to("int64"):totable()) do
    self.load[i], self.choices = n, self.choices + n
    if n == 0 then self.dead[#self.dead + 1] = i end
  end
  if o.labels then
    local members <const> = members_of(moe.count, routing)
    self.samples, self.shares = {}, shares_of(members, o.labels)
    for i, list in ipairs(members) do self.samples[i] = samples_of(list, o.labels, o.samples) end
  end
  return self
end

-- ---- showing ------------------------------------------------------------------------------------

local function heading(self)
  return ("%d tokens, %d choices; largest load %.2f x mean, %.1f %% dropped"):format(self.tokens,
    self.choices, self.violation, 100 * self.dropped)
end

function MoEReport:__tostring()
  local lines <const>, most = { heading(self) }, 1
  for _, n in ipairs(self.load) do most = math.max(most, n) end
  for i, n in ipairs(self.load) do
    local bar <const> = ("#"):rep(math.floor(BAR * n / most + 0.5))
    lines[#lines + 1] = ("%4d %6d %5.1f %% %-" .. BAR .. "s %s"):format(i, n,
      100 * n / math.max(self.choices, 1), bar,
      self.samples and table.concat(self.samples[i], "  ") or ""):gsub("%s+$", "")
  end
  lines[#lines + 1] = #self.dead == 0 and "no expert is dead"
    or "dead, chosen by no token: " .. table.concat(self.dead, ", ")
  if self.entropy then
    lines[#lines + 1] = ("entropy of the scores %.3f nats of at most %.3f"):format(self.entropy,
      math.log(#self.load))
  end
  return table.concat(lines, "\n")
end

--- The load of every expert over the mean; with labels also where the commonest of them go.
---@param options {title: string?}?
---@return mlp.plot.Figure
function MoEReport:figure(options)
  local plot <const> = require "mlp.plot"
  local o <const> = errors.options("MoEReport:figure", options,
    { title = "What the experts take" })
  local over <const>, mean <const> = {}, math.max(self.choices, 1) / #self.load
  for i, n in ipairs(self.load) do over[i] = n / mean end
  local panels <const> = { title = o.title, subtitle = heading(self), columns = 2,
    plot.bars { over, x_label = "expert", y_label = "load over the mean", width = 420 } }
  if self.shares and #self.shares.rows > 0 then
    panels[2] = plot.heatmap { self.shares.rows, row_names = self.shares.labels, x_label = "expert",
      bar_label = "share of a label's choices", colours = "blues", width = 420,
      height = 120 + 16 * #self.shares.rows }
  end
  return plot.grid(panels)
end

--- The report as one page that stands by itself; `page:save(path)` writes it.
---@param options {title: string?}? default "A mixture of experts"
---@return mlp.report page
function MoEReport:page(options)
  local o <const> = errors.options("MoEReport:page", options, { title = "A mixture of experts" })
  local page <const> = require "mlp.report" { title = o.title, subtitle = heading(self) }
  local rows <const> = {}
  for i, n in ipairs(self.load) do
    rows[i] = { i, n, n / math.max(self.choices, 1), self.samples
      and table.concat(self.samples[i], "  ") or nil }
  end
  page:figure(self:figure { title = "Load" }, "Tokens of every expert over the mean.")
  page:table { columns = { "expert", "tokens", "share", self.samples and "samples" }, rows = rows,
    caption = #self.dead == 0 and "No expert is dead."
      or "No token chose " .. table.concat(self.dead, ", ") .. "." }
  return page
end

return report
